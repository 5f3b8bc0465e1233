// Package sensor is where packets, flow exports and logs come in (情報の取得元):
// sources with the basis on which they are read, what was lost on the way, and
// what was found in them.
//
// Invariants: nothing is read live or into a hub without a basis; a record of
// a communication cannot hold what was said (engine/flow/record), nor can the
// evidence of a finding; an organisation's findings are its own until it
// releases them; on an instance of a carrier or of the State only its own
// network is read here, acquired traffic only by a selection run.
//
// Act 42 of 2025 arts 2(8) and 11 to 33 (communications information), in so far
// as one's own network is concerned. Tables: sensor_source, sensor_reading,
// sensor_finding. Events out: sensor.found, sensor.released. Events in: none.
package sensor

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
