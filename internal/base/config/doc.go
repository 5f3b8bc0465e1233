// Package config reads the one configuration file of the hub. It is strict:
// an unknown key, a key of the wrong kind or a value out of bounds is a fault
// that names the line. Every key has a default in code and an environment
// variable: [hub] listen is NOROSHI_HUB_LISTEN. What wins is environment over
// file over default, and Dump shows which it was.
//
// Load works on any struct of sections, so that the package knows no noun:
// the app hands each noun the values it needs.
package config

import "embed"

// Words are the sentences of this package.
//
//go:embed text
var Words embed.FS
