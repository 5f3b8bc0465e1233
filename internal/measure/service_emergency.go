package measure

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
)

// Second is a superior's signature under a declaration that is about to be made
// while the unit still owes the commission a notice of an earlier one. Faults:
// ErrInvalid, and the guard that nothing is overdue.
func (s *Service) Second(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.second", act: "second", said: &why, check: func() error { return reason("text", &why) }})
}

// Declare declares that there is no time for the commission's prior approval: by
// whom is on the record, why is needed, and it is narrow and short. It waives
// nothing else. The commission has to be told promptly; a clock runs. Faults:
// ErrInvalid, ErrTwo, and the guards that do not hold.
func (s *Service) Declare(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.declare", act: "declare", said: &why, check: func() error { return reason("text", &why) }, before: func(a *at) error {
		var p Plan
		if err := s.last(a.ctx, a.tx, a.c, "plan", &p); err != nil {
			return err
		}
		if n := s.Numbers.EmergencySteps.Value; len(p.Steps) > n {
			return fault.New(fault.Refused, ErrBroad.Code, "max", n)
		}
		a.move.public = map[string]any{"second_signature": false}
		if !a.c.Facts.Overdue || !a.c.Facts.Seconded {
			return nil
		}
		superior, err := lastPerson(a.ctx, a.tx, a.c.ID, "second")
		if err != nil {
			return err
		}
		a.move.public = map[string]any{"second_signature": true, "superior": ledger.Person(superior)}
		return pair(superior, a.who.Person)
	}, after: func(a *at) error {
		n := &s.Numbers
		a.c.DeclaredAt, a.c.ExpiresAt, a.c.NoticeDueAt = a.now, a.now.Add(n.EmergencyHours.hours()), a.now.Add(n.NoticeMinutes.minutes())
		return nil
	}})
}

// ErrBroad is a plan that is too broad for an emergency.
var ErrBroad = fault.New(fault.Refused, "measure.broad")

// Notify tells the commission of an emergency. From then on it owes a review.
// Faults: ErrNotice, ErrInvalid.
func (s *Service) Notify(ctx context.Context, id ID, text string) (Chain, error) {
	return s.review(ctx, id, "measure.notify", "notify", text)
}

// Verdict is how the commission closes the review of an emergency.
type Verdict struct {
	Recommends bool   `json:"recommends,omitempty"`
	Text       string `json:"text,omitempty" maxLength:"16000"`
}

// Settle closes the commission's review of an emergency: it was in order, or a
// recommendation is issued. Faults: ErrNotice, ErrInvalid.
func (s *Service) Settle(ctx context.Context, id ID, v Verdict) (Chain, error) {
	act := "confirm"
	if v.Recommends {
		act = "advise"
	}
	return s.review(ctx, id, "measure.settle", act, v.Text)
}

// review makes a step of the review of an emergency, wherever the chain stands.
func (s *Service) review(ctx context.Context, id ID, verb, name, text string) (c Chain, err error) {
	act := &ledger.Act{Verb: verb, Secret: text}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, verb)
		if err != nil {
			return err
		}
		now, by := s.now(), sideOf(who)
		m := move{verb: verb, act: name, by: by, said: text}
		kase, chain, err := s.load(ctx, tx, id, who, reach, m, now, true)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		to, err := notice(chain.Facts.Notice, name, by)
		if err != nil {
			return err
		}
		if err := reason("text", &text); err != nil {
			return err
		}
		if err := s.side(ctx, tx, kase.ID, who.Person, by); err != nil {
			return err
		}
		late := chain.late(now)
		chain.Facts.Notice, chain.State = to, chain.stored
		if to == Noticed {
			chain.NoticedAt, chain.ReviewDueAt, chain.AlarmedAt = now, now.Add(s.Numbers.ReviewDays.days()), time.Time{}
		} else {
			chain.SettledAt = now
		}
		m.said, m.public = text, map[string]any{"late": late}
		if err := s.record(&at{ctx, tx, act, who, kase, chain, now, &m}, chain.stored); err != nil {
			return err
		}
		if err := updateChain(ctx, tx, chain, name); err != nil {
			return err
		}
		c = *chain
		return s.tell(ctx, tx, name, kase, chain)
	})
	return c, err
}

// Shut says for one's own side whether further emergencies of a unit are shut
// while one of its notices is overdue. The commission says it of any unit, a unit
// of itself; only both together shut them, and either opens them again. Faults:
// ErrInvalid.
func (s *Service) Shut(ctx context.Context, unit string, shut bool) error {
	act := &ledger.Act{Verb: "measure.switch"}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		by := sideOf(who)
		if by == CommandSide {
			unit = who.Org
		}
		if ok, err := unitKnown(ctx, tx, unit); err != nil || !ok {
			if err != nil {
				return err
			}
			return invalid("org", "measure.bad.unit")
		}
		act.Public = map[string]any{"unit": ledger.Org(unit), "by": string(by), "shut": shut}
		return putSwitch(ctx, tx, unit, by, shut, s.now())
	})
	return err
}
