// Package selection takes out of communications what an order covers and its
// selectors find (自動選別), and nothing else: on files, and at a hub under an
// agreement of the parties (当事者協定) or an approval of the commission.
//
// Invariants: Run reads no packet before an approval.Grant covers what it is
// about to do, and there is no second path; every run and every refusal is on
// record; what is not selected is destroyed within a second and only counted;
// seen = dropped + selected, in packets and in bytes; a record is one way, has
// no field for content, carries the approval it rests on, until when it may be
// kept and its provenance (agreement, 外外, 外内, 内外), and identifiers of
// persons in it are pseudonyms; a run ends with a signed statement that Verify
// recomputes from what is kept.
//
// Law: Act 42 of 2025 arts 11–16 (agreements), 17, 32, 33 (approvals), 22
// (automatic selection, immediate erasure), 24 (identifiers of persons), 2-2
// (no more than needed). The rules are not in force before the autumn of 2027: orders of the kind "trial" are for made-up traffic.
package selection

import "embed"

// Words are the sentences of this noun.
//
//go:embed text
var Words embed.FS
