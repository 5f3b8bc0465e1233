package measure

import (
	"context"

	"noroshi/internal/base/bus"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
)

// Happened is what every event of this noun tells.
//
//	measure.moved    something was done on a chain of command of a case
//	measure.alarmed  a notice or a review of an emergency is past its time
//	measure.switched the commission or a unit spoke on further emergencies of the unit
//
// Neither says against which machine, what is planned, or why. It goes to the
// chain's own organisation, to who is asked next, and to the commission once it
// has something to decide, to review, or to hear of.
type Happened struct {
	Case  ID     `json:"case,omitempty"`
	Chain ID     `json:"chain,omitempty"`
	Org   string `json:"org"`
	Act   string `json:"act"`
	State State  `json:"state,omitempty"`
}

// tell publishes what became of a chain. An alarm, and an emergency that the
// commission is told of, also go out by the channels that the commission and the
// unit set for themselves.
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
		list, err := s.bodies(ctx, tx, k)
		if err != nil {
			return err
		}
		orgs = append(orgs, list...)
	}
	if err := s.send(ctx, tx, act, kase, c); err != nil {
		return err
	}
	subject := "measure.moved"
	if act == "alarm" {
		subject = "measure.alarmed"
	}
	return bus.Publish(ctx, tx, subject, h, orgs...)
}

// switched publishes that a switch was set, to the unit and to the commission.
func (s *Service) switched(ctx context.Context, tx *bus.Tx, unit string) error {
	list, err := s.bodies(ctx, tx, org.Commission)
	if err != nil {
		return err
	}
	return bus.Publish(ctx, tx, "measure.switched", Happened{Org: unit, Act: "switch"}, append(list, unit)...)
}

func (s *Service) bodies(ctx context.Context, tx *bus.Tx, k org.Kind) (out []string, err error) {
	list, err := s.Orgs.Bodies(ctx, tx, k)
	for _, b := range list {
		out = append(out, string(b.ID))
	}
	return out, err
}

// send queues letters of what nobody may miss: to the unit and the commission that
// something is past its time, to the commission that it was told of an emergency.
// They say that there is something and where to read it, and no more.
func (s *Service) send(ctx context.Context, tx *bus.Tx, act string, kase *Case, c *Chain) error {
	if s.Channels == nil || act != "alarm" && act != "notify" && act != "declare" {
		return nil
	}
	to, err := s.bodies(ctx, tx, org.Commission)
	if err != nil {
		return err
	}
	reason := channel.First
	if act == "alarm" {
		reason, to = channel.Late, append(to, c.Org)
	}
	for _, o := range to {
		l := channel.Letter{Owner: c.Org, Object: "measure/" + c.ID, Recipient: o, Reason: reason, Contact: 1, Number: kase.Number, Class: "act", TLP: "RED", Path: "/measures/" + c.ID}
		if _, err := s.Channels.Queue(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}
