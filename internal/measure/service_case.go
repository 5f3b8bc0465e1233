package measure

import (
	"context"
	"strconv"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Opening is what opens a case. Whether officers of the National Police Agency or
// of a prefecture would act follows from whose command opens it.
type Opening struct {
	Threat Threat `json:"threat,omitzero"`
}

// Open opens a case with the chain of command of who opens it. Faults:
// ErrInvalid with places.
func (s *Service) Open(ctx context.Context, o Opening) (kase Case, c Chain, err error) {
	act := &ledger.Act{Verb: "measure.open", Secret: o}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		body, err := s.bodyOf(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if err := o.Threat.check(); err != nil {
			return err
		}
		now := s.now()
		kase = Case{ID: newID(), Number: newNumber(), Org: who.Org, Threat: &o.Threat, CreatedAt: now}
		act.Object = objectOf(kase.ID)
		if kase.sealed, err = s.Keys.SealJSON(ctx, tx, kase.Org, o.Threat, objectOf(kase.ID)); err != nil {
			return err
		}
		if kase.tag, err = s.tag(ctx, tx, "measure/machine", o.Threat.Machine); err != nil {
			return err
		}
		if err := insertCase(ctx, tx, kase); err != nil {
			return err
		}
		if err := s.side(ctx, tx, kase.ID, who.Person, CommandSide); err != nil {
			return err
		}
		c, err = s.begin(&at{ctx: ctx, tx: tx, act: act, who: who, kase: &kase, now: now}, who.Org, body)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, "open", &kase, &c)
	})
	return kase, c, err
}

// begin puts a chain of command on a case.
func (s *Service) begin(a *at, unit string, b Body) (Chain, error) {
	c := Chain{ID: newID(), Org: unit, Facts: Facts{Body: b}, CreatedAt: a.now, kase: a.kase.ID}
	var err error
	if c.State, c.Facts, err = apply("", c.Facts, "open", CommandSide, nil); err != nil {
		return c, err
	}
	c.stored, c.Revision = c.State, 1
	if err := insertChain(a.ctx, a.tx, c); err != nil {
		return c, err
	}
	into := *a
	into.c, into.move = &c, &move{act: "open", by: CommandSide, said: struct{}{}, public: map[string]any{"machine": a.kase.tag}}
	return c, s.record(&into, "")
}

// tag is by what cases on one machine, and plans that do the same, are found: it
// says nothing to who lacks the key.
func (s *Service) tag(ctx context.Context, tx *db.Tx, of, value string) (string, error) {
	k, err := s.Keys.Make(ctx, tx, tags)
	if err != nil {
		return "", err
	}
	return k.Tag(of, value), nil
}

func invalid(place, code string, pairs ...any) error {
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: place, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// Invite puts the self-defence forces on a case, with a chain of command of their
// own: they see the threat, and neither side the other's plan. Faults:
// ErrInvalid, ErrTwice.
func (s *Service) Invite(ctx context.Context, id ID, unit string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.invite", act: "invite", said: unit, before: func(a *at) error {
		ok, err := s.isA(a.ctx, a.tx, unit, org.Defence)
		if err != nil {
			return err
		}
		if !ok || a.c.Facts.Body == Defence {
			return invalid("org", "measure.bad.unit")
		}
		if err := s.free(a); err != nil {
			return err
		}
		if err := setPartner(a.ctx, a.tx, a.kase.ID, a.kase.Partner, unit); err != nil {
			return err
		}
		a.kase.Partner = unit
		other := *a
		other.act = &ledger.Act{Entry: a.act.Entry} // the act is the inviter's
		chain, err := s.begin(&other, unit, Defence)
		a.move.public = map[string]any{"partner": ledger.Org(unit), "partner_chain": chain.ID}
		return err
	}})
}

// maxChains is how many chains of command a case ever has: forces that gave it up
// may be asked again.
const maxChains = 8

// free refuses another chain of the forces while one is there that did not give
// the case up.
func (s *Service) free(a *at) error {
	others, err := siblings(a.ctx, a.tx, a.c)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Facts.Body == Defence && o.State != Dropped {
			return ErrTwice
		}
	}
	if len(others) >= maxChains-1 {
		return ErrTwice
	}
	return nil
}

// ErrTwice is what is there already.
var ErrTwice = fault.New(fault.Conflict, "measure.twice")

// Assess writes what a chain finds of the conditions of the law. What rested on
// an earlier assessment falls with it. Faults: ErrInvalid with places.
func (s *Service) Assess(ctx context.Context, id ID, x Assessment) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.assess", act: "assess", said: &x, before: func(a *at) error { return x.check(a.c.Facts.Body) }, facts: func(f *Facts) {
		f.Unlawful, f.Danger, f.Urgent, f.Proportionate = x.Unlawful.Met, x.Danger.Met, x.Urgent.Met, x.Proportionate.Met
		f.Organised, f.Indispensable = x.Organised.Met, x.Indispensable.Met
	}, after: func(a *at) error {
		a.c.unplan()
		f := &a.c.Facts
		a.move.public = map[string]any{"unlawful": f.Unlawful, "danger": f.Danger, "urgent": f.Urgent, "proportionate": f.Proportionate, "organised": f.Organised, "indispensable": f.Indispensable}
		return nil
	}})
}

// Locate writes where the machine is believed to stand. Of two chains on one case
// the one that does not believe it in Japan binds both. Faults: ErrInvalid.
func (s *Service) Locate(ctx context.Context, id ID, l Location) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.locate", act: "locate", said: &l, check: l.check, facts: func(f *Facts) { f.Place = l.Place },
		after: func(a *at) error { a.c.unplan(); return nil }})
}

// Designate names somebody of the own organisation who may carry out: two at
// least, and nobody who commands. Faults: ErrInvalid, ErrApart.
func (s *Service) Designate(ctx context.Context, id ID, person string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.designate", act: "designate", said: person, before: func(a *at) error {
		p, err := s.Person(a.ctx, a.tx, person)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err != nil || p.Org != a.who.Org || !p.Has(a.c.hand()) {
			return invalid("person", "measure.bad.officer")
		}
		was, err := otherSide(a.ctx, a.tx, a.kase.ID, person, ExecutorSide)
		if err != nil {
			return err
		}
		if err := apart(was, ExecutorSide); err != nil {
			return err
		}
		name, err := s.Keys.SealJSON(a.ctx, a.tx, a.c.Org, p.Name, "measure_officer/"+a.c.ID+"/"+person)
		if err != nil {
			return err
		}
		n, err := putOfficer(a.ctx, a.tx, a.c.ID, person, name, a.now)
		if err != nil {
			return err
		}
		if n > maxOfficers {
			return invalid("person", "measure.bad.many", "max", maxOfficers)
		}
		a.c.Facts.Officers = n >= 2
		a.move.public = map[string]any{"officer": ledger.Person(person), "officers": n}
		return nil
	}})
}

// Dismiss ends a designation: whoever it was carries nothing more out. Faults:
// ErrInvalid for who is not designated.
func (s *Service) Dismiss(ctx context.Context, id ID, person string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.dismiss", act: "dismiss", said: person, before: func(a *at) error {
		n, err := dropOfficer(a.ctx, a.tx, a.c.ID, person)
		if err == db.ErrNoRows {
			return invalid("person", "measure.bad.dismiss")
		}
		a.c.Facts.Officers = n >= 2
		a.move.public = map[string]any{"officer": ledger.Person(person), "officers": n}
		return err
	}})
}

// Draft writes the plan. Another plan is another plan: what was asked, consulted
// or ordered about the one before holds for it no more. Faults: ErrInvalid with
// places.
func (s *Service) Draft(ctx context.Context, id ID, p Plan) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.plan", act: "plan", said: &p, check: func() error { return p.check(&s.Numbers, s.now()) }, before: func(a *at) error { return s.onMachine(a, &p) }, facts: func(f *Facts) { f.Means = true },
		after: func(a *at) (err error) {
			a.c.unplan()
			a.c.Plan, a.c.From, a.c.Until = p.digest(a.c.ID), p.From, p.Until
			if a.c.steps, err = s.tag(a.ctx, a.tx, "measure/steps", p.core()); err != nil {
				return err
			}
			_, a.c.Facts.Barred, err = refusals(a.ctx, a.tx, a.c)
			kinds := make([]string, len(p.Steps))
			for i, x := range p.Steps {
				kinds[i] = string(x.Kind)
			}
			a.move.public = map[string]any{"steps": kinds}
			return err
		}})
}

// onMachine refuses a plan that would have something done on another machine than
// the one of the case: that was assessed and located, and no other.
func (s *Service) onMachine(a *at, p *Plan) error {
	k, err := s.kase(a.ctx, a.tx, a.kase.ID)
	if err != nil {
		return err
	}
	var bad mistakes
	for i, x := range p.Steps {
		if c, _ := catalogued(x.Kind); c.Mode == Record && x.On != k.Threat.Machine {
			bad.add("steps/"+strconv.Itoa(i)+"/on", "measure.bad.machine", "machine", k.Threat.Machine)
		}
	}
	return bad.err()
}
