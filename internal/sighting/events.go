package sighting

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells.
//
//	sighting.recorded   something was seen
//	sighting.withdrawn  its reporter took it back
type Happened struct {
	ID            string `json:"id"`
	Kind          Kind   `json:"kind"`
	Vulnerability string `json:"vulnerability,omitempty"`
	Org           string `json:"org"` // reporter; for the hub's own followers, never for a page
}

func publish(ctx context.Context, tx *bus.Tx, what string, s Sighting) error {
	return bus.Publish(ctx, tx, "sighting."+what, Happened{s.ID, s.What, s.Vulnerability, s.Org}, s.Org)
}
