// Package asset is the register of important computers (特定重要電子計算機):
// what an operator runs, where it stands and who looks after it, and the
// notification (届出) that Act 42 of 2025, article 4, asks for on introduction
// and on change.
//
// An [Item] has an open part, by which equipment is found and counted, and a
// [Sealed] part: versions and network places, the attacker's best map, which
// the store keeps encrypted per operator.
//
// Lists come in through [Read] as CSV, XLSX or CycloneDX JSON, recognised by
// content. Reading streams: a row at a time, never the file as a whole, and
// every size has a stated limit. A row that cannot be accepted carries
// [fault.Place] values naming row and column, or a JSON pointer.
//
// Invariants: an Item made by [New] has a maker and a product, canonical
// addresses and names, and keys that do not change when normalised again.
package asset

import "embed"

// Words are this noun's sentences in Japanese and English, for text.Load.
//
//go:embed text
var Words embed.FS
