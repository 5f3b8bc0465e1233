// Package sighting keeps observed facts with their evidence and origin (観測):
// that a vulnerability is being exploited, that an indicator was seen, that a
// product behaves as it should not.
//
// Invariants: a value is canonical, so that the same thing seen twice is found
// as the same; it is stored sealed and found by a keyed tag, never in clear.
// Whose network it was seen in is told to nobody else unless the reporter
// agreed. A withdrawn sighting stays on the record and counts for nothing.
//
// Act 42 of 2025 arts 5 and 37: reports are arranged and analysed before they
// are provided. Table: sighting_fact. Events out: sighting.recorded,
// sighting.withdrawn. Events in: sensor.released.
package sighting

import "embed"

// Words are the sentences of this noun; Migrations its tables; Web its pages.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
