package asset

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells: whose register, and what of
// it. What is in it is for whoever may open it.
//
//	asset.added         a piece of equipment was entered by hand
//	asset.changed       one was changed, by its operator or a contractor
//	asset.removed       one was taken out
//	asset.imported      a list was applied
//	asset.notified      a statement was submitted
//	asset.acknowledged  a recipient stamped a statement
//	asset.forwarded     a ministry passed a statement on to the Prime Minister's desk
//	asset.asked         a recipient asked
//	asset.answered      the operator answered
type Happened struct {
	Org       string      `json:"org"` // operator
	By        string      `json:"by"`  // organisation that acted
	Item      ID          `json:"item,omitempty"`
	Statement string      `json:"statement,omitempty"`
	Number    int         `json:"number,omitempty"` // of the statement
	Counts    *PlanCounts `json:"counts,omitempty"` // of an import
}

// publish tells what happened; orgs are those whose pages change.
func publish(ctx context.Context, tx *bus.Tx, what string, h Happened, orgs ...string) error {
	return bus.Publish(ctx, tx, "asset."+what, h, orgs...)
}
