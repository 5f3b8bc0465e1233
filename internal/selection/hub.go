package selection

import "embed"

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS
