package exposure

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells: whose exposure, to what. It
// says nothing of versions or places.
//
//	exposure.found    an exposure is new, or came back
//	exposure.changed  its verdict, priority or extent is another
//	exposure.ended    neither the equipment nor the statement is there any more
//	exposure.judged   a person decided, or took a decision back
//	exposure.due      for this noun alone: work of a register goes on
//
// When one step changes many exposures of an operator, one event with Many
// stands for all of them.
type Happened struct {
	Org           string `json:"org"`
	Vulnerability string `json:"vulnerability,omitempty"`
	Exposure      ID     `json:"exposure,omitempty"`
	Priority      string `json:"priority,omitempty"`
	Many          int    `json:"many,omitempty"` // how many, in place of which
}

// due is work that goes on in the next transaction: the rest of a register, or
// of what a statement concerns.
type due struct {
	Org             string   `json:"org,omitempty"`
	Vulnerabilities []string `json:"vulnerabilities,omitempty"`
	Keys            []string `json:"keys,omitempty"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	return bus.Publish(ctx, tx, "exposure."+what, h, h.Org)
}

func publishDue(ctx context.Context, tx *bus.Tx, d due) error {
	return bus.Publish(ctx, tx, "exposure.due", d)
}
