// Package approval asks, examines, decides and ends what power needs (承認):
// who wants to select communications says in writing why, of what, for how
// long and how much; somebody else examines it, a commission decides it with
// votes, and what it approved is an Order, signed. Whoever acts on it holds a
// Grant, and redeems it.
//
// Invariants: who asks does not examine, who examines does not decide, who
// decides does not carry out; nothing that takes power runs without a Grant
// that covers it, and every redemption and every refusal is on the record; an
// Order says the same to everybody who holds its bytes; a period, a cap or a
// field that was left out is refused, never taken as "all".
//
// Law: Act 42 of 2025 arts 11–16 (agreements), 17 and 19 (foreign to foreign,
// and its extension), 32 (inward), 33 (outward), 2-2 (no more than needed), 21
// (target acts), 22 (automatic selection), 63 (inspection). Periods and caps
// that no source confirms are rows of data/kinds.toml.
//
// Tables: approval_case, approval_target, approval_person, approval_opinion,
// approval_compared, approval_vote, approval_step, approval_use,
// approval_refusal. Events out: see Happened. Events in: none.
package approval

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
