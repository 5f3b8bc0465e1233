package act

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of own-network orders tells.
//
//	act.moved    something was done with an order
//	act.alarmed  an actuator or the clock raised an alarm
//
// Neither says what is held back, or why. It goes to the organisation itself.
type Happened struct {
	Order ID     `json:"order,omitempty"`
	Org   string `json:"org"`
	Act   string `json:"act"`
	State State  `json:"state,omitempty"`
	Chain ID     `json:"chain,omitempty"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	return bus.Publish(ctx, tx, "act."+what, h, h.Org)
}
