package hunt

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells.
//
//	hunt.run_received  results of a run came in whole
//	hunt.released      values of a finding became sightings
//	hunt.closed        a hunt ended with a conclusion
type Happened struct {
	Hunt       string     `json:"hunt"`
	Number     string     `json:"number,omitempty"`
	Run        string     `json:"run,omitempty"`
	Finding    string     `json:"finding,omitempty"`
	Org        string     `json:"org"` // for the hub's own followers, never for a page
	New        int        `json:"new,omitempty"`
	Sightings  []string   `json:"sightings,omitempty"`
	Conclusion Conclusion `json:"conclusion,omitempty"`
	Entry      string     `json:"entry,omitempty"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	return bus.Publish(ctx, tx, "hunt."+what, h, h.Org)
}
