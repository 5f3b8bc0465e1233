// Package intel integrates what public sources say of vulnerabilities and what
// people report: feeds are read, compared with what is known, and kept with
// source, time and licence, so that matching and pages can say who says what.
// (Act 42 of 2025: 整理・分析・提供.)
//
// A feed's file is taken whole or not at all. Its records are staged under the
// number of the import to come, a few hundred at a time, invisible to everyone;
// one short transaction then raises the feed's head to that number, with the
// entry of the ledger and the events. A staging that dies is taken up again by
// the next import of the feed. Only what differs is written.
//
// Invariants: a record is visible from its since to before its until, counted
// by the head of its feed; a feed has one import at a time; what a source says
// and we have no field for is kept with the record.
//
// Tables: intel_feed, intel_import, intel_vulnerability, intel_record,
// intel_product, intel_ware, intel_alias. Events out: intel.stated,
// intel.exploited.
package intel

import "embed"

// Words are this noun's sentences in Japanese and English, for text.Load.
//
//go:embed text
var Words embed.FS
