package selection

import "embed"

// Migrations are the tables of this noun; Web its pages.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
