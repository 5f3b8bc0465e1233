package approval

import (
	"context"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/org"
)

// Happened is what every event of this noun tells.
//
//	approval.asked       an application came in
//	approval.questioned  somebody asked about it, or answered
//	approval.examined    an examiner gave an opinion
//	approval.decided     the commission approved or refused it
//	approval.issued      an agreement came into force, and gives an approval
//	approval.withdrawn   who asked took it back, or gave up what was approved
//	approval.revoked     the commission, or the end of an agreement, ended it
//	approval.expired     its period is over
//
// What is asked, why, and with which selectors stands in no event.
type Happened struct {
	Approval ID        `json:"approval"`
	Org      string    `json:"org"` // that asked
	Kind     Kind      `json:"kind"`
	State    State     `json:"state"`
	Extends  ID        `json:"extends,omitempty"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Carrier  string    `json:"carrier,omitempty"` // that has an instruction
	Party    string    `json:"party,omitempty"`   // of an agreement
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened, watching ...string) error {
	orgs := append(watching, h.Org)
	for _, o := range []string{h.Carrier, h.Party} {
		if o != "" {
			orgs = append(orgs, o)
		}
	}
	return bus.Publish(ctx, tx, "approval."+what, h, orgs...)
}

// tell publishes what became of a case: to who asked, to the commission where it
// decides or inspects, and to who carries the line once there is an instruction.
func (s *Service) tell(ctx context.Context, tx *bus.Tx, what string, c *Case) error {
	h := Happened{Approval: c.ID, Org: c.Org, Kind: c.kind, State: c.State, Extends: c.extends, From: c.from, Until: c.Until}
	if c.Order != "" {
		h.Carrier, h.Party = c.carrier, c.Party
	}
	if c.kind == OwnNetwork { // what an organisation gave itself is its own
		return publish(ctx, tx, what, h)
	}
	bodies, err := s.Orgs.Bodies(ctx, tx, org.Commission)
	if err != nil {
		return err
	}
	var watching []string
	for _, b := range bodies {
		watching = append(watching, string(b.ID))
	}
	return publish(ctx, tx, what, h, watching...)
}
