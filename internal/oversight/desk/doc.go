// Package desk is where the oversight commission works on a hub: it replays the
// ledger while the hub runs, writes to those it oversees, draws samples, and has
// sealed parts of entries opened.
//
// What it says of the rules comes from the ledger's files alone, never from a
// table of the hub's: an inspection reads what is new since the last one and
// checks that it continues what was read; once a day, and whenever somebody asks,
// it reads everything again.
//
// Notices (art 66), requests (art 67) and recommendations (art 68) are papers: one
// of the commission drafts, a member proposes, another member settles; the body
// that it is addressed to answers, and the commission closes. A sample is drawn
// from the root of the log at the plan's own entry, so that nobody chooses it and
// everybody with the ledger draws the same. A sealed part is opened one entry at a
// time, by the organisation whose act it was, for the inspector who asked.
//
// Invariants: who settles a paper neither drafted nor proposed it; a body sees a
// paper from the moment it was settled, and none that is addressed to another;
// what was opened is read by its asker alone, kept sealed, and destroyed after a
// time; every act stands in the ledger with its facts and without its words.
//
// Law: Act 42 of 2025 arts 61, 63, 66, 67, 68. Numbers that no source gives are
// rows of data/rules.toml.
//
// Tables: oversight_paper, oversight_past, oversight_plan, oversight_pick,
// oversight_opening, oversight_mark. Events out: see Happened. Events in: none.
package desk

import "embed"

// Words are the sentences of the desk; Migrations its tables; Web its pages.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
