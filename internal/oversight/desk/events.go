package desk

import (
	"context"

	"noroshi/internal/base/bus"
	"noroshi/internal/org"
)

// Happened is what every event of the desk tells.
//
//	oversight.moved   something was done on a paper, a sample or an opening
//
// It says neither what was found nor what is asked. It goes to the commission, and
// to the addressed organisation once it may see the paper or was asked to open.
type Happened struct {
	ID  ID     `json:"id"`
	Act string `json:"act"`
}

// tell publishes what became of a paper.
func (s *Service) tell(ctx context.Context, tx *bus.Tx, act string, p *Paper) error {
	to := ""
	if !p.SentAt.IsZero() {
		to = p.To
	}
	return s.publish(ctx, tx, Happened{p.ID, act}, to)
}

// publish tells the commission, and an organisation if there is one.
func (s *Service) publish(ctx context.Context, tx *bus.Tx, h Happened, to string) error {
	bodies, err := s.Orgs.Bodies(ctx, tx, org.Commission)
	if err != nil {
		return err
	}
	orgs := make([]string, 0, len(bodies)+1)
	for _, b := range bodies {
		orgs = append(orgs, string(b.ID))
	}
	if to != "" {
		orgs = append(orgs, to)
	}
	return bus.Publish(ctx, tx, "oversight.moved", h, orgs...)
}
