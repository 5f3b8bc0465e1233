package request

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what the event request.moved tells: that a request went on, to those
// whose it is. It says neither who is asked nor about what.
type Happened struct {
	Request ID     `json:"request"`
	Org     string `json:"org"`
	State   State  `json:"state"`
}

// tell publishes that a request went on; a carrier learns of its order once it is
// out.
func (s *Service) tell(ctx context.Context, tx *bus.Tx, r *Request) error {
	orgs := []string{r.Org}
	if r.carrier != "" && !r.SentAt.IsZero() {
		orgs = append(orgs, r.carrier)
	}
	return bus.Publish(ctx, tx, "request.moved", Happened{r.ID, r.Org, r.State}, orgs...)
}
