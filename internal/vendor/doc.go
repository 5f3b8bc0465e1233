// Package vendor asks the makers of computers and programs for what only they
// can do (供給者への要請): say which of their products a vulnerability concerns,
// mend them, and tell until when they look after them. A case is about one
// vulnerability; each maker in it has a request of its own, with its products,
// its clock and its conversations, and learns nothing of the others.
//
// Invariants: a product is affected, not affected, unknown or not checked,
// never silently blank; silence is a state with a clock of its own; before an
// embargo ends nobody outside the case learns its content, and its end is an
// instant with a zone; every step is in the table of rules.go and stays in the
// history with its ledger entry.
//
// Law: Act 42 of 2025 art 42 (a request to suppliers may precede disclosure);
// coordination with makers by a private body goes on beside it. Statuses are
// those of CSAF 2.0 §3.2.3.9, beside the words of coordinators.
//
// Tables: vendor_case, vendor_sector, vendor_request, vendor_product,
// vendor_step, vendor_document. Events out: vendor.started, vendor.requested,
// vendor.reminded, vendor.no_answer, vendor.answered, vendor.declined,
// vendor.fix_planned, vendor.fix_released, vendor.users_notified,
// vendor.closed, vendor.embargo_changed, vendor.said. Events in: none.
package vendor

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
