package request

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/post"
	"noroshi/internal/notice/channel"
)

// freshFor is how long a mail that was checked may wait to be sent: its date is
// that of the check.
const freshFor = 7 * 24 * time.Hour

// sentPerHour is how many mails of an organisation go out in an hour: the hub is
// nobody's means to flood another's mailbox.
const sentPerHour = 60

// Send sends the mail that was checked, as another person than who wrote it, who
// names by its digest the mail that they read. The intent is on the record before
// anything goes out, what became of it after. A step of a measure goes out only
// while that step may be carried out, and what has not left by then does not leave
// any more. Faults: ErrDigest, ErrTwo, ErrMove, the need that does not hold, and
// the refusals of the measure.
func (s *Service) Send(ctx context.Context, id ID, digest string) (Request, error) {
	return s.do(ctx, id, "request.send", nil, func(a *at) error {
		r := a.r
		if r.State == Checked && digest != r.Digest {
			return ErrDigest
		}
		one := false
		if desk, err := s.deskOf(a.ctx, a.tx, r.Org); err == nil {
			one = desk.OneEnough && !armed(a.who) && r.Chain == ""
		} else if !errors.Is(err, ErrNone) {
			return err
		}
		r.Facts.Two, r.Facts.Fresh, r.Facts.Leave = one || a.who.Person != "" && a.who.Person != r.writer, a.now.Sub(r.CheckedAt) < freshFor, r.Chain == ""
		if _, err := move(r.State, "send", Person, &Facts{Two: r.Facts.Two, Fresh: r.Facts.Fresh, Leave: true}); err != nil {
			return err
		}
		var until time.Time
		if r.Chain != "" {
			var err error
			if until, err = s.leave(a); err != nil {
				return err
			}
		}
		m, err := loadMail(a.ctx, a.tx, r.mail)
		if err != nil {
			return err
		}
		a.more["mail"], a.more["digest"], a.more["way"], a.more["writer"], a.more["sender"], a.more["one_enough"] = m.ID, m.Digest, string(m.Way), ledger.Person(r.writer), ledger.Person(a.who.Person), one && a.who.Person == r.writer
		a.more["phase"] = "intent"
		if err := meant(a.ctx, a.tx, m.ID, a.who.Person, a.act.Entry, a.now); err != nil {
			return err
		}
		switch m.Way {
		case ByMail:
			n, err := s.Office.Recent(a.ctx, a.tx, r.Org, "request", a.now.Add(-time.Hour))
			if err != nil {
				return err
			}
			if n >= sentPerHour {
				return ErrOften
			}
			if err := s.queue(a, &m, until); err != nil {
				return err
			}
		case OnHub: // the carrier reads it here: that it can is the outcome
			a.more["phase"] = "done"
			if err := ended(a.ctx, a.tx, m.ID, Sent, "", a.now); err != nil {
				return err
			}
			if err := s.step(a, "send", Person); err != nil {
				return err
			}
			err := s.arrived(a)
			a.act.Public["act"], a.act.Public["by"], a.act.Public["from"] = "send", string(Person), string(Checked)
			if err != nil {
				return err
			}
			return s.call(a)
		}
		return s.step(a, "send", Person)
	})
}

// leave asks whether the step of the measure may be carried out now, and returns
// until when.
func (s *Service) leave(a *at) (time.Time, error) {
	r := a.r
	u, err := s.Measures.UnderWay(a.ctx, a.tx, r.Chain, r.Step, a.who)
	if err != nil {
		return time.Time{}, err
	}
	if err := fits(u, r.Kind, nil); err != nil {
		return time.Time{}, err
	}
	r.Facts.Leave = true
	a.act.Grant = u.Approval
	a.more["plan"], a.more["approval"], a.more["emergency"], a.more["done"], a.more["until"] = u.Plan, u.Approval, u.Emergency, u.Done, u.Until.UTC().Format(time.RFC3339Nano)
	return u.Until, nil
}

// queue hands a mail to the post, as it was checked.
func (s *Service) queue(a *at, m *Mail, until time.Time) error {
	var e envelope
	if err := s.Keys.OpenJSON(a.ctx, a.tx, a.r.Org, m.sealed, "request_mail/"+m.ID, &e); err != nil {
		return err
	}
	if digestOf(e.Raw) != m.Digest {
		return fmt.Errorf("request %s: the mail is not the one that was checked", a.r.ID)
	}
	_, err := s.Office.Queue(a.ctx, a.tx, post.Letter{ID: m.ID, Owner: a.r.Org, Object: objectOf(a.r.ID), Recipient: m.ID, Channel: post.Mail, Content: post.Content{Address: e.To, Raw: e.Raw, Until: until}})
	return err
}

// arrived moves a request on whose mail was taken.
func (s *Service) arrived(a *at) error {
	r := a.r
	if r.SentAt.IsZero() {
		r.SentAt = a.now
	}
	r.LastAt, r.Facts.Gone = a.now, true
	if err := s.next(a); err != nil {
		return err
	}
	return s.step(a, "sent", Posted)
}

// call tells a carrier, by the channels that it set for itself, that an order is
// there: its number and where to read it.
func (s *Service) call(a *at) error {
	if s.Channels == nil {
		return nil
	}
	_, err := s.Channels.Queue(a.ctx, a.tx, channel.Letter{Owner: a.r.Org, Object: "carrier_order/" + a.r.ID, Recipient: a.r.carrier, Reason: channel.First, Contact: 1, Number: a.r.Number, Class: "act", TLP: "RED",
		Path: "/carrier-orders#" + a.r.ID})
	return err
}

// next sets when a request is looked at again: when it was asked for, or after the
// days that the organisation waits.
func (s *Service) next(a *at) error {
	days := followDays
	d, err := s.deskOf(a.ctx, a.tx, a.r.Org)
	if err == nil {
		days = d.FollowDays
	} else if !errors.Is(err, ErrNone) {
		return err
	}
	a.r.NextAt = a.now.Add(time.Duration(days) * 24 * time.Hour)
	if a.r.By.After(a.now) && a.r.By.Before(a.r.NextAt) {
		a.r.NextAt = a.r.By
	}
	return nil
}

// Handed is what somebody says became of a mail that they took to send with a
// program of their own.
type Handed struct {
	Sent bool   `json:"sent"`
	Why  string `json:"why,omitempty" maxLength:"1200" doc:"Where it was not sent"`
}

// Handed writes down what became of a mail that was taken by hand. Faults: ErrMove,
// ErrInvalid.
func (s *Service) Handed(ctx context.Context, id ID, h Handed) (Request, error) {
	return s.do(ctx, id, "request.send", h, func(a *at) error {
		if a.r.Way != InHand {
			return ErrMove
		}
		var bad mistakes
		bad.words("why", &h.Why, 300, !h.Sent)
		if err := bad.err(); err != nil {
			return err
		}
		a.says, a.more["phase"], a.more["mail"] = h.Why, "outcome", a.r.mail
		act, outcome := "sent", Sent
		if !h.Sent {
			act, outcome = "fail", Undelivered
		}
		if err := ended(a.ctx, a.tx, a.r.mail, outcome, h.Why, a.now); err != nil {
			return err
		}
		if !h.Sent {
			return s.step(a, act, Person)
		}
		if a.r.SentAt.IsZero() {
			a.r.SentAt = a.now
		}
		a.r.LastAt, a.r.Facts.Gone = a.now, true
		if err := s.next(a); err != nil {
			return err
		}
		return s.step(a, act, Person)
	})
}

// settle writes down what the post told of a mail, as an act of the hub itself. A
// request that has gone on meanwhile stays where it is.
func (s *Service) settle(ctx context.Context, m Mail) error {
	act := &ledger.Act{Verb: "request.outcome", Object: objectOf(m.request)}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		r, err := byID(ctx, tx, m.request)
		if err != nil {
			return err
		}
		m, err := loadMail(ctx, tx, m.ID) // it may have been written down meanwhile
		if err != nil {
			return err
		}
		outcome := State(m.heard)
		if outcome == "" || outcome == m.Outcome {
			if err := ended(ctx, tx, m.ID, m.Outcome, m.Why, m.EndedAt); err != nil {
				return err
			}
			act.Public = map[string]any{"mail": m.ID, "phase": "outcome", "outcome": string(m.Outcome), "again": true}
			return nil
		}
		a := &at{ctx: ctx, tx: tx, act: act, r: &r, now: s.now(), says: m.said, more: map[string]any{"mail": m.ID, "phase": "outcome", "outcome": string(outcome), "intent": m.Intent}}
		if err := ended(ctx, tx, m.ID, outcome, m.said, a.now); err != nil {
			return err
		}
		name := map[State]string{Sent: "sent", Undelivered: "fail"}[outcome]
		if _, err := move(r.State, name, Posted, &r.Facts); err != nil || r.mail != m.ID {
			if err := s.record(a, name, r.State, Posted); err != nil {
				return err
			}
			if outcome == Sent && r.SentAt.IsZero() {
				r.SentAt, r.LastAt, r.Facts.Gone = a.now, a.now, true
			}
			return update(ctx, tx, &r)
		}
		if outcome == Undelivered {
			r.NextAt = time.Time{}
			err = s.step(a, name, Posted)
		} else {
			err = s.arrived(a)
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, &r)
	})
	return err
}

// gateless is a context in which nobody acts but the hub itself.
func gateless(ctx context.Context) context.Context { return gate.With(ctx, gate.Identity{}) }
