// Package situation is the situation room (対処調整): incidents that belong
// together become one event, the bodies and firms that deal with it share
// tasks, decisions and a report every few hours, and it ends with what was
// learned.
//
// Invariants: only participants learn that there is an event; a firm sees its
// own tasks and what is addressed to it, never who else is concerned; an
// incident is joined only by somebody who may see it, and its reporter is named
// to nobody here; counts of firms in a report are ranges; a report is made from
// the facts at its hour, kept as it was, and never late because nobody wrote it.
//
// Law: Act 42 of 2025 arts 37–45 (what is known is arranged and provided); the
// participants act under their own powers, which this room gives to nobody.
//
// Tables: situation_event, situation_participant, situation_incident,
// situation_task, situation_need, situation_decision, situation_addressee,
// situation_report, situation_log. Events out: situation.opened,
// situation.invited, situation.joined, situation.tasked, situation.answered,
// situation.decided, situation.reported, situation.said, situation.closed.
// Events in: none.
package situation

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
