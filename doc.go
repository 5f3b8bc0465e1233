// Package noroshi holds the tests of the house itself: its structure and its README.
package noroshi
