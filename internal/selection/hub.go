package selection

import "embed"

// Migrations are the tables of the hub's side; Web its pages. Tables:
// selection_agreement, selection_move, selection_consent, selection_returned,
// selection_grant, selection_list, selection_run, selection_found,
// selection_record,
// selection_reading, selection_receipt, selection_extension,
// selection_disclosure, selection_disclosed, selection_custody,
// selection_opening, selection_holder. Events out: see Happened. Events in: none.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
