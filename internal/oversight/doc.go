// Package oversight is the independent auditor: it replays the rules of power
// from the files of a ledger alone, needs no database and no trust in the hub,
// and says which rule was broken by which entries.
//
// A replay reads entries in the order of the log, keeps what the rules need of
// each case, run, list and agreement, and recomputes: that every selection ran
// within an approval in force, its period and its cap; that nobody stood on two
// sides of a case; that the votes came before the decision and carry it; that
// what was selected was destroyed in time; that every intent has its outcome
// (Act 42 of 2025 arts 2-2, 17, 19, 22, 24, 32, 33, 63); that every measure was
// approved or a declared emergency, consulted, within its plan and hours, by two,
// told and reviewed (Police Duties Execution Act art 6-2, Self-Defense Forces Act
// art 81-3); that own equipment did what was shown and approved. An act of power
// that no table has is a violation, and so is a fact of another form. What an entry keeps
// secret it cannot see: texts, records and names.
//
// Following a hub, it keeps a copy of its own, refuses a log that took entries
// back or tells two histories, and cosigns what continues its copy
// (c2sp.org/tlog-cosignature).
//
// Tables: none. Events: none.
package oversight
