package measure

import (
	"context"

	"noroshi/internal/base/bus"
	"noroshi/internal/org"
)

// Happened is what every event of this noun tells.
//
//	measure.moved    something was done on a chain of command of a case
//	measure.alarmed  a notice or a review of an emergency is past its time
//
// Neither says against which machine, what is planned, or why. It goes to the
// chain's own organisation, to who is asked next, and to the commission once it
// has something to decide, to review, or to hear of.
type Happened struct {
	Case  ID     `json:"case"`
	Chain ID     `json:"chain"`
	Org   string `json:"org"`
	Act   string `json:"act"`
	State State  `json:"state"`
}

// tell publishes what became of a chain.
func (s *Service) tell(ctx context.Context, tx *bus.Tx, act string, kase *Case, c *Chain) error {
	h := Happened{Case: kase.ID, Chain: c.ID, Org: c.Org, Act: act, State: c.State}
	orgs := []string{c.Org}
	if act == "invite" && kase.Partner != "" {
		orgs = append(orgs, kase.Partner)
	}
	var kinds []org.Kind
	switch {
	case c.State == Consulting:
		kinds = append(kinds, org.Foreign)
	case c.Facts.Body == Defence && (c.State == Planned || c.State == Consulted):
		kinds = append(kinds, org.Safety)
	case c.State == Agreed:
		kinds = append(kinds, org.Office)
	}
	if c.State == Pending || c.Facts.Notice != "" || act == "alarm" {
		kinds = append(kinds, org.Commission)
	}
	for _, k := range kinds {
		bodies, err := s.Orgs.Bodies(ctx, tx, k)
		if err != nil {
			return err
		}
		for _, b := range bodies {
			orgs = append(orgs, string(b.ID))
		}
	}
	subject := "measure.moved"
	if act == "alarm" {
		subject = "measure.alarmed"
	}
	return bus.Publish(ctx, tx, subject, h, orgs...)
}
