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
// An item is what people and files report: text, indicators, a label (TLP 2.0),
// a clearance, a grade, where it is from. It is sealed under the key of the
// organisation that made it and found by keyed tags. Drafts change and keep what
// they were; what is published stays as it is, and a later version takes its
// place. Who may know of an item stands in one table, rungs, and inside every
// query. Out of an incident report comes only what its reporter agreed to share,
// without whatever tells who they are, and they are told.
//
// Invariants: a record is visible from its since to before its until, counted
// by the head of its feed; a feed has one import at a time; what a source says
// and we have no field for is kept with the record.
//
// Tables: intel_feed, intel_import, intel_vulnerability, intel_record,
// intel_product, intel_ware, intel_alias, intel_item, intel_item_to,
// intel_item_tag, intel_item_past, intel_item_file. Events out: intel.stated,
// intel.exploited, intel.item_published, intel.item_replaced,
// intel.item_withdrawn.
package intel

import "embed"

// Words are this noun's sentences in Japanese and English, for text.Load.
//
//go:embed text
var Words embed.FS
