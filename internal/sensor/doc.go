// Package sensor is where packets, flow exports and logs come in (情報の取得元):
// sources with the basis on which they are read, what was lost on the way, and
// the findings that came of them.
//
// Invariants: nothing is read live or into a hub without a basis; a record of
// a communication cannot hold what was said (engine/flow/record); on an
// instance of a carrier or of the State only its own network is read here,
// acquired traffic only by a selection run.
//
// Act 42 of 2025 arts 2(8), 11 to 33 (communications information), in so far
// as one's own network is concerned. Events out: none yet followed by others
// than sighting. Events in: none.
package sensor

import "embed"

// Words are the sentences of this noun.
//
//go:embed text
var Words embed.FS
