// Package confine takes from a process every power of the system that it does not
// need, for good: a process that reads packets or tells a firewall can do that and
// nothing else, whatever is later found in it. Only Linux has it.
package confine

import "errors"

// Set is a set of capabilities (capabilities(7)), one bit each, of the first 32.
type Set uint32

// The capabilities that processes of this program keep.
const (
	NetAdmin Set = 1 << 12 // CAP_NET_ADMIN: tell the firewall
	NetRaw   Set = 1 << 13 // CAP_NET_RAW: read packets
)

// Errors of confining.
var (
	ErrSystem   = errors.New("confine: only Linux has capabilities")
	ErrLacks    = errors.New("confine: the process lacks a capability that it needs")
	ErrThreads  = errors.New("confine: a program built with cgo cannot confine all of its threads")
	ErrPowerful = errors.New("confine: holds more capabilities than it needs and cannot drop them")
)
