package selection

import (
	"context"
	"time"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells. No event tells what was
// selected, nor how a party answered.
//
//	selection.agreement_moved  something changed in an agreement
//	selection.started          a run began
//	selection.finished         it ended, with its statement
//	selection.refused          it was not begun
//	selection.disclosed        records were given to a recipient
//	selection.erased           records were destroyed
type Happened struct {
	Agreement string    `json:"agreement,omitempty"`
	Run       string    `json:"run,omitempty"`
	Approval  string    `json:"approval,omitempty"`
	Org       string    `json:"org"`             // office
	Other     string    `json:"other,omitempty"` // party, carrier or recipient
	Records   uint64    `json:"records,omitempty"`
	At        time.Time `json:"at"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	orgs := []string{h.Org}
	if h.Other != "" {
		orgs = append(orgs, h.Other)
	}
	return bus.Publish(ctx, tx, "selection."+what, h, orgs...)
}

// publishQuietly tells other nouns, and no page.
func publishQuietly(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	return bus.Publish(ctx, tx, "selection."+what, h)
}
