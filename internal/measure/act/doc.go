// Package act holds back, on an organisation's own network, what another person
// of it approved (自網での措置): a name that one's own resolver answers for, an
// address that one's own firewall drops, a flow that one's own routers discard.
//
// Somebody asks, with grounds and for so many hours; the actuator, a process
// beside the equipment with an account of its own, says what would change; another
// person approves, and a Grant is issued of that very order; the actuator takes
// it, carries it out, and says what came of it. A step of a case of measures is
// carried out under that case's Grant instead.
//
// Invariants: nothing is told any equipment without a Grant whose digest is that
// of the order; asker ≠ approver ≠ actuator; the intent is on record before
// anything is touched and its outcome afterwards, with the same id; an intent
// without outcome is an alarm and never tried again; one process holds an order;
// every order ends by itself. Nothing here resolves, asks or probes what an order
// names.
//
// Law: what touches subscribers of a carrier touches the secrecy of
// communications (Telecommunications Business Act art 4) and needs its ground.
// Numbers and grounds are rows of data/rules.toml.
//
// Tables: measure_order, measure_order_act, measure_actuator, measure_sequence.
// Events out: see Happened. Events in: none.
package act

import "embed"

// Words are the sentences of own-network orders; Migrations their tables; Web
// their pages.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
