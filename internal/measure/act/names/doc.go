// Package names is what drivers that work by name have in common: what a name
// is, which names are never held back, and the rules that are held, compactly
// enough for a million and kept in a folder.
//
// Rules are claims of orders on names. Several orders may claim one name; what
// the equipment is told of a name is its Effect, the strictest of the claims,
// and it ends when the last claim does. A Held is immutable, so that a transfer
// that takes minutes reads what stood when it began.
//
// A folder holds a snapshot, names.state, and the steps since, names.log. Both
// carry checksums. One process uses a folder at a time.
package names

import "embed"

// Words are the sentences of the package.
//
//go:embed text
var Words embed.FS
