// Package hunt looks through logs with rules (脅威ハンティング): it opens what
// people have, gives every event to the rules it is for, and shows what was
// found so that a person can act on it. In the hub it keeps an organisation's
// rules, hunts, results, and what was made of them.
//
// Invariants: a hunt, its rules and its findings are its organisation's own;
// hosts, accounts, rules and events are stored sealed and found by keyed tags.
// Others learn the values that a person releases, which become sightings, and
// the suppressions that are offered, without hosts, accounts or a name. An act
// over many findings can be undone where nothing changed since. Findings go at
// the end of their time, on record, unless they were released or are on hold.
//
// Act 42 of 2025 arts 5 and 37: what is found supports what is analysed and
// provided. Tables: hunt_*. Events out: hunt.run_received, hunt.released,
// hunt.closed. Events in: none.
package hunt

import "embed"

// Words are the sentences of this noun; Migrations its tables.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
)
