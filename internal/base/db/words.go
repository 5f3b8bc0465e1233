package db

import "embed"

// Words are the sentences of this package.
//
//go:embed text
var Words embed.FS
