package desk

import (
	"context"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/notice/channel"
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

// tell publishes what became of a paper, and sends letters of it.
func (s *Service) tell(ctx context.Context, tx *bus.Tx, act string, p *Paper) error {
	to := ""
	if !p.SentAt.IsZero() {
		to = p.To
	}
	if err := s.send(ctx, tx, act, channel.Letter{Owner: p.org, Object: objectOf(p.ID), Number: p.Number, AnswerBy: p.DueAt, Path: "/oversight/papers/" + p.ID}, p.org, p.To); err != nil {
		return err
	}
	return s.publish(ctx, tx, Happened{p.ID, act}, to)
}

// tellOpening publishes what became of a wish, and sends letters of it.
func (s *Service) tellOpening(ctx context.Context, tx *bus.Tx, act string, o *Opening) error {
	if err := s.send(ctx, tx, act, channel.Letter{Owner: o.org, Object: openingObject(o.ID), Number: o.Number, AnswerBy: o.DueAt, Path: "/oversight/openings/" + o.ID}, o.org, o.To); err != nil {
		return err
	}
	return s.publish(ctx, tx, Happened{o.ID, act}, o.To)
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

// posted are the acts that are told by letter as well, and to whom: the body hears
// of what it has to answer, of its day when that is near, and when it is past; the
// commission of answers, and of those that are late.
var posted = map[string]struct {
	reason           channel.Reason
	class            string
	body, commission bool
}{
	"settle":   {channel.First, "attend", true, false},
	"unseal":   {channel.First, "attend", true, false},
	"insist":   {channel.Reminder, "attend", true, false},
	"prompt":   {channel.Reminder, "attend", true, false},
	"remind":   {channel.Late, "act", true, true},
	"answer":   {channel.Answered, "attend", false, true},
	"open":     {channel.Answered, "attend", false, true},
	"withhold": {channel.Answered, "attend", false, true},
}

// send queues letters by the channels that body and commission set for themselves.
// They say that there is something, by when, and where to read it, and no more.
func (s *Service) send(ctx context.Context, tx *bus.Tx, act string, l channel.Letter, commission, body string) error {
	x, ok := posted[act]
	if !ok || s.Channels == nil {
		return nil
	}
	l.Reason, l.Class, l.TLP, l.Contact = x.reason, x.class, "RED", 1
	if l.Reason != channel.First && l.Reason != channel.Reminder {
		l.AnswerBy = time.Time{} // nobody has to answer by then any more
	}
	var to []string
	if x.body {
		to = append(to, body)
	}
	if x.commission {
		to = append(to, commission)
	}
	for _, l.Recipient = range to {
		if _, err := s.Channels.Queue(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}
