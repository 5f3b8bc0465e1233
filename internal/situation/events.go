package situation

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells: in which room, and to whom.
// What it is about is for whoever may open the room.
type Happened struct {
	Event ID     `json:"event"`
	By    string `json:"by,omitempty"` // organisation that acted; empty: the hub
	Org   string `json:"org,omitempty"`
	Task  ID     `json:"task,omitempty"`
}

// publish tells what happened; orgs are those whose pages change.
func publish(ctx context.Context, tx *bus.Tx, what string, h Happened, orgs ...string) error {
	return bus.Publish(ctx, tx, "situation."+what, h, orgs...)
}
