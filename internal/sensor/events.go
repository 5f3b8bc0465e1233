package sensor

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells.
//
//	sensor.found     a source found something new
//	sensor.released  an organisation gives a finding to the analysts
type Happened struct {
	Finding string `json:"finding,omitempty"`
	Source  string `json:"source"`
	Org     string `json:"org"` // for the hub's own followers, never for a page
	New     int    `json:"new,omitempty"`
	Named   bool   `json:"named,omitempty"`
	Lang    string `json:"lang,omitempty"` // of whoever released it
	Entry   string `json:"entry,omitempty"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	return bus.Publish(ctx, tx, "sensor."+what, h, h.Org)
}
