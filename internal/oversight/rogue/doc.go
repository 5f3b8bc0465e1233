// Package rogue writes logs of hubs that break the law, for those who want to see
// an auditor find it: a demonstration, and the auditor's own tests.
//
// [Lawful] makes up histories in which every rule is kept, as a hub would log
// them; [Crimes] are ways to break one rule in a history; [Plant] breaks one rule
// in somebody's entries. What comes out is leaves of a log, not a log: nobody has
// signed it, and whoever does so uses a key that no hub has.
//
// The package knows entries, and nothing of how they are replayed: what it plants
// and what an auditor finds are two independent readings of the same rules.
//
// Tables: none. Events: none.
package rogue
