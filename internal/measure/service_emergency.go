package measure

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
)

// Second is a superior's signature under an emergency against which something of
// earlier ones stands. Who commands or carries out a case is no superior on it.
// Faults: ErrInvalid, and the guard that nothing stands against it.
func (s *Service) Second(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.second", act: "second", said: &why, check: func() error { return reason("text", &why) }, after: func(a *at) error {
		a.move.public = map[string]any{"superior": ledger.Person(a.who.Person)}
		return nil
	}})
}

// Declare declares that there is no time for the commission's prior approval: by
// whom is on the record, why is needed, and it is narrow and short. It waives
// nothing else. The commission has to be told promptly; a clock runs. Faults:
// ErrInvalid, ErrBroad, ErrLong, and the guards that do not hold.
func (s *Service) Declare(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.declare", act: "declare", said: &why, check: func() error { return reason("text", &why) }, before: func(a *at) error {
		p, err := s.plan(a)
		if err != nil {
			return err
		}
		if err := s.narrow(p); err != nil {
			return err
		}
		a.move.public = map[string]any{"steps_n": len(p.Steps)}
		return s.signed(a)
	}, after: func(a *at) error {
		n := &s.Numbers
		a.c.DeclaredAt, a.c.ExpiresAt, a.c.NoticeDueAt = a.now, a.now.Add(n.EmergencyHours.hours()), a.now.Add(n.NoticeMinutes.minutes())
		return nil
	}})
}

// narrow refuses a plan that is no emergency's: of too many steps, or with
// something in one's own network that outlasts the declaration.
func (s *Service) narrow(p Plan) error {
	n := &s.Numbers
	if most := n.EmergencySteps.Value; len(p.Steps) > most {
		return fault.New(fault.Refused, ErrBroad.Code, "max", most)
	}
	for _, x := range p.Steps {
		if c, _ := catalogued(x.Kind); c.Mode == Own && x.Hours > n.EmergencyHours.Value {
			return fault.New(fault.Refused, ErrLong.Code, "max", n.EmergencyHours.Value)
		}
	}
	return nil
}

// signed says in clear whether a superior signed under an emergency that needs it,
// and who: another than who acts.
func (s *Service) signed(a *at) error {
	if a.move.public == nil {
		a.move.public = map[string]any{}
	}
	f := &a.c.Facts
	a.move.public["second_signature"] = f.Overdue && f.Seconded
	if !f.Overdue || !f.Seconded {
		return nil // the guard says whether it is needed
	}
	superior, err := lastPerson(a.ctx, a.tx, a.c.ID, "second")
	if err != nil {
		return err
	}
	a.move.public["superior"] = ledger.Person(superior)
	return pair(superior, a.who.Person)
}

// ErrLong is a plan with a step that outlasts an emergency.
var ErrLong = fault.New(fault.Refused, "measure.long")

// ErrBroad is a plan that is too broad for an emergency.
var ErrBroad = fault.New(fault.Refused, "measure.broad")

// Notify tells the commission of an emergency. From then on it owes a review.
// Faults: ErrNotice, ErrInvalid.
func (s *Service) Notify(ctx context.Context, id ID, text string) (Chain, error) {
	return s.review(ctx, id, "measure.notify", "notify", &text, nil)
}

// Verdict is how a member of the commission sees an emergency.
type Verdict struct {
	Recommends bool   `json:"recommends,omitempty"`
	Text       string `json:"text,omitempty" maxLength:"16000"`
}

// Weigh is how a member of the commission sees an emergency: it was in order, or
// it needs a recommendation. Each member has one voice; the last counts. Faults:
// ErrNotice, ErrInvalid, ErrApart.
func (s *Service) Weigh(ctx context.Context, id ID, v Verdict) (Chain, error) {
	return s.review(ctx, id, "measure.weigh", "weigh", &v.Text, func(a *at) error {
		a.move.said = struct{}{} // how members see it is for the commission alone
		x := Voice{Recommends: v.Recommends, At: a.now, person: a.who.Person, org: a.who.Org}
		var err error
		if x.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, a.who.Org, voiceWords{v.Text, a.who.Name}, "measure_voice/"+a.c.ID+"/"+a.who.Person); err != nil {
			return err
		}
		if err := putVoice(a.ctx, a.tx, a.c.ID, x); err != nil {
			return err
		}
		list, err := voices(a.ctx, a.tx, a.c.ID)
		a.move.public["choice"], a.move.public["votes"] = choice(v.Recommends), len(list)
		return err
	})
}

// voiceWords is what is sealed of a voice, for the commission.
type voiceWords struct {
	Text string `json:"text"`
	Name string `json:"name"`
}

// Settle closes the commission's review of an emergency with what most of a quorum
// of its members say: it was in order, or a recommendation is issued, which is so
// as well when they are equally many. Who closes it has said how they see it.
// Faults: ErrNotice, ErrInvalid, ErrVoice, and the guard that a quorum is needed.
func (s *Service) Settle(ctx context.Context, id ID, text string) (Chain, error) {
	return s.review(ctx, id, "measure.settle", "weigh", &text, func(a *at) error {
		list, err := voices(a.ctx, a.tx, a.c.ID)
		if err != nil {
			return err
		}
		if len(list) > 0 && !slices.ContainsFunc(list, func(v Voice) bool { return v.person == a.who.Person }) {
			return ErrVoice
		}
		t := tally(list)
		a.move.act = t.act()
		a.move.public["for"], a.move.public["against"] = t.confirm, t.advise
		a.move.public["quorum"], a.move.public["members"] = s.quorum(), s.Approvals.Rules.Commission.Members
		return nil
	})
}

// ErrVoice is a member who closes a review without having said how they see it.
var ErrVoice = fault.New(fault.Unmet, "measure.voice")

// votes counts voices.
type votes struct{ confirm, advise int }

func tally(list []Voice) (t votes) {
	for _, v := range list {
		if v.Recommends {
			t.advise++
		} else {
			t.confirm++
		}
	}
	return t
}

// act is the act by which a review is closed after so many voices.
func (t votes) act() string { return choice(t.advise >= t.confirm) }

// review makes a step of the review of an emergency, wherever the chain stands.
// What is said in it is in text; with is what else it does, and may say which act
// it is.
func (s *Service) review(ctx context.Context, id ID, verb, name string, text *string, with func(*at) error) (c Chain, err error) {
	act := &ledger.Act{Verb: verb, Secret: text}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, verb)
		if err != nil {
			return err
		}
		now := s.now()
		m := move{verb: verb, act: name, by: sideOf(who), said: text, public: map[string]any{}}
		kase, chain, err := s.load(ctx, tx, id, who, reach, m, now, true)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		if err := reason("text", text); err != nil {
			return err
		}
		if err := s.side(ctx, tx, kase.ID, who.Person, m.by); err != nil {
			return err
		}
		if err := s.weigh(&at{ctx, tx, act, who, kase, chain, now, &m}, with); err != nil {
			return err
		}
		c = *chain
		return s.tell(ctx, tx, m.act, kase, chain)
	})
	return c, err
}

// weigh is the step itself, on a chain that was loaded for it.
func (s *Service) weigh(a *at, with func(*at) error) error {
	c, m := a.c, a.move
	c.State = c.stored // what time did to the chain has an act of its own
	before := c.Facts.Notice
	if before != Noticed && m.verb != "measure.notify" {
		return ErrNotice
	}
	m.public["late"] = c.Facts.Late
	if with != nil {
		if err := with(a); err != nil {
			return err
		}
	}
	to, err := notice(&c.Facts, m.act, m.by)
	if err != nil {
		return err
	}
	c.Facts.Notice = to
	switch {
	case to == Noticed && before == Due:
		c.NoticedAt, c.ReviewDueAt, c.AlarmedAt = a.now, a.now.Add(s.Numbers.ReviewDays.days()), time.Time{}
	case to != Noticed:
		c.SettledAt = a.now
	}
	if err := s.record(a, c.stored); err != nil {
		return err
	}
	return updateChain(a.ctx, a.tx, c, m.act)
}

// Shut says for one's own side whether further emergencies of a unit are shut off
// while something of earlier ones stands against them. The commission says it of
// any unit, a superior of their own; only both together shut them off, and only
// both open them again. Faults: ErrInvalid.
func (s *Service) Shut(ctx context.Context, unit string, shut bool) error {
	act := &ledger.Act{Verb: "measure.switch"}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		by := sideOf(who)
		if by == SuperiorSide {
			unit = who.Org
		}
		if ok, err := unitKnown(ctx, tx, unit); err != nil || !ok {
			if err != nil {
				return err
			}
			return invalid("org", "measure.bad.unit_known")
		}
		if err := putSwitch(ctx, tx, unit, by, shut, s.now()); err != nil {
			return err
		}
		list, err := switches(ctx, tx, unit)
		if err != nil {
			return err
		}
		act.Public = map[string]any{"unit": ledger.Org(unit), "by": string(by), "shut": shut, "agreed": len(list) > 0 && list[0].Agreed}
		return s.switched(ctx, tx, unit)
	})
	return err
}
