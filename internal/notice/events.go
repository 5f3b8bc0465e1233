package notice

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells. What a notice says is for
// whoever may open it.
//
//	notice.sent       a notice went out; Count recipients
//	notice.opened     a recipient opened it
//	notice.answered   a recipient answered; State
//	notice.relayed    a recipient passed it on; Count firms
//	notice.helped     a call for help was made, taken, answered or closed
//	notice.reminded   recipients were reminded; Count
//	notice.withdrawn  the sender took it back, or corrected it
//	notice.drafted    a draft was made or changed
//	notice.lettered   for this noun alone: channels have more to take up
type Happened struct {
	Notice    ID       `json:"notice,omitempty"`
	From      string   `json:"from,omitempty"`      // sender
	By        string   `json:"by,omitempty"`        // organisation that acted
	Recipient ID       `json:"recipient,omitempty"` // its part
	Ticket    ID       `json:"ticket,omitempty"`
	State     State    `json:"state,omitempty"`
	Severity  Severity `json:"severity,omitempty"`
	About     []string `json:"about,omitempty"` // vulnerability ids
	Count     int      `json:"count,omitempty"`
}

// publish tells what happened; orgs are those whose pages change.
func publish(ctx context.Context, tx *bus.Tx, what string, h Happened, orgs ...string) error {
	kept := orgs[:0:0]
	for _, o := range orgs {
		if o != "" {
			kept = append(kept, o)
		}
	}
	return bus.Publish(ctx, tx, "notice."+what, h, kept...)
}
