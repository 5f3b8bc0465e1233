package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// load returns the chain that somebody means for an act, within their reach, and
// its case. Where a case has several chains in reach, it is the one on which the
// act is open.
func (s *Service) load(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, m move, now time.Time, lock bool) (*Case, *Chain, error) {
	list, err := within(ctx, tx, id, who, reach)
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, ErrNone
	}
	pick := 0
	for i := range list {
		if err := s.see(ctx, tx, &list[i], now); err != nil {
			return nil, nil, err
		}
	}
	if i := slices.IndexFunc(list, func(c Chain) bool { return slices.Contains(open(c.State, c.Facts, m.by), m.act) }); i >= 0 {
		pick = i
	}
	// Locked, and read again: somebody may have acted while it was waited for.
	c, err := chainByID(ctx, tx, list[pick].ID, lock)
	if err != nil {
		return nil, nil, err
	}
	if err := s.see(ctx, tx, &c, now); err != nil {
		return nil, nil, err
	}
	k, err := caseOf(ctx, tx, c.kase)
	return &k, &c, err
}

// last opens what was said in the last act of a name.
func (s *Service) last(ctx context.Context, tx *db.Tx, c *Chain, act string, v any) error {
	p, err := lastAct(ctx, tx, c.ID, act)
	if err == db.ErrNoRows {
		return ErrNone
	}
	if err != nil {
		return err
	}
	return s.unseal(ctx, tx, c.Org, p.sealed, "measure_act/"+p.ID, v)
}

// List lists the chains of command within reach, the newest first, each with its
// case.
func (s *Service) List(ctx context.Context, f Filter) (out []Listed, names map[string]string, next string, err error) {
	err = s.read(ctx, "measure.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		now := s.now()
		list, more, err := listChains(ctx, tx, f, who, reach, now)
		if err != nil {
			return err
		}
		next = more
		var orgs []string
		for i := range list {
			if err := s.see(ctx, tx, &list[i], now); err != nil {
				return err
			}
			k, err := s.kase(ctx, tx, list[i].kase)
			if err != nil {
				return err
			}
			out = append(out, Listed{Case: k, Chain: list[i], Late: list[i].late(now)})
			orgs = append(orgs, list[i].Org)
		}
		names, err = s.names(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// kase loads a case and opens its threat.
func (s *Service) kase(ctx context.Context, tx *db.Tx, id ID) (Case, error) {
	k, err := caseOf(ctx, tx, id)
	if err != nil {
		return k, err
	}
	k.Threat = new(Threat)
	err = s.unseal(ctx, tx, k.Org, k.sealed, objectOf(k.ID), k.Threat)
	k.sealed = nil
	return k, err
}

// Ratio returns how often emergencies were used, beside approvals, for everybody
// with oversight.
func (s *Service) Ratio(ctx context.Context) (r Ratio, err error) {
	err = s.read(ctx, "measure.list", func(tx *db.Tx, _ gate.Identity, reach gate.Reach) error {
		if reach != gate.All {
			return ErrNone
		}
		r, err = ratio(ctx, tx, s.now())
		return err
	})
	return r, err
}

// Show returns a case as far as who looks may see it. Faults: ErrNone.
func (s *Service) Show(ctx context.Context, id ID) (v View, err error) {
	err = s.read(ctx, "measure.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, err := within(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNone
		}
		now := s.now()
		if v.Case, err = s.kase(ctx, tx, list[0].kase); err != nil {
			return err
		}
		v.Side = sideOf(who)
		orgs := []string{v.Case.Org, v.Case.Partner}
		for i := range list {
			if list[i].kase != v.Case.ID {
				continue
			}
			x, err := s.chain(ctx, tx, &list[i], who, v.Side, now)
			if err != nil {
				return err
			}
			for _, p := range x.Past {
				orgs = append(orgs, p.Org)
			}
			v.Chains = append(v.Chains, x)
		}
		if v.Side == CommandSide || v.Side == ExecutorSide {
			if v.Others, err = s.others(ctx, tx, &list[0], now); err != nil {
				return err
			}
		}
		if v.Side != ExecutorSide {
			if v.Same, err = sameMachine(ctx, tx, v.Case.ID); err != nil {
				return err
			}
		}
		for _, o := range v.Others {
			orgs = append(orgs, o.Org)
		}
		if reach == gate.All || v.Side == CommandSide {
			if v.Switches, err = switches(ctx, tx, list[0].Org); err != nil {
				return err
			}
		}
		v.Names, err = s.names(ctx, tx, who, orgs...)
		return err
	})
	return v, err
}

// others is what one chain of command sees of another on its case.
func (s *Service) others(ctx context.Context, tx *db.Tx, c *Chain, now time.Time) (out []Other, err error) {
	list, err := siblings(ctx, tx, c)
	for i := range list {
		o := &list[i]
		if err := s.see(ctx, tx, o, now); err != nil {
			return nil, err
		}
		out = append(out, Other{Org: o.Org, Body: o.Facts.Body, State: o.State, Place: o.own, From: o.From, Until: o.Until})
	}
	return out, err
}

// chain opens a chain as far as who looks may see it.
func (s *Service) chain(ctx context.Context, tx *db.Tx, c *Chain, who gate.Identity, by Side, now time.Time) (x ChainView, err error) {
	if err := s.see(ctx, tx, c, now); err != nil {
		return x, err
	}
	x = ChainView{Chain: *c, Late: c.late(now), Acts: listed(open(c.State, c.Facts, by)), Past: []Past{}, Done: []Done{}}
	inside := by == CommandSide || by == MemberSide || by == WatchSide
	if inside && c.Approval != "" {
		x.Standing, x.Questions = &c.stands.State, c.stands.Requests
	}
	if x.Past, err = s.past(ctx, tx, c, by); err != nil {
		return x, err
	}
	for i := len(x.Past) - 1; i >= 0; i-- { // the newest of each
		if err := x.paper(&x.Past[i]); err != nil {
			return x, err
		}
	}
	if !inside && by != ExecutorSide { // who is asked is told which kinds of steps, and in which hours
		var p Plan
		if c.Plan != "" {
			if err := s.last(ctx, tx, c, "plan", &p); err != nil {
				return x, err
			}
			x.Planned = &Plan{From: p.From, Until: p.Until}
			for _, st := range p.Steps {
				x.Planned.Steps = append(x.Planned.Steps, PlanStep{Kind: st.Kind})
			}
		}
		return x, nil
	}
	if by == CommandSide {
		x.Missing = c.missing()
	}
	if x.Done, err = s.steps(ctx, tx, c, by); err != nil {
		return x, err
	}
	if inside {
		x.Officers, err = s.officers(ctx, tx, c, by)
	}
	return x, err
}

// missing are the guards that would refuse an authorisation now, each with the
// article that it rests on.
func (c *Chain) missing() map[string]string {
	if c.State == Closed || c.State == Dropped || c.State == Executed || c.State == Stopped || c.State == Reviewed {
		return nil
	}
	out := map[string]string{}
	for _, g := range guardsOf(ready) {
		if !g.Holds(&c.Facts) {
			out[g.ID] = g.Article
		}
	}
	return out
}

// past opens the history of a chain: what was said where the side may read it.
func (s *Service) past(ctx context.Context, tx *db.Tx, c *Chain, by Side) ([]Past, error) {
	list, err := loadActs(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	out := []Past{}
	inside := by == CommandSide || by == MemberSide || by == WatchSide
	for _, p := range list {
		switch {
		case inside, slices.Contains(audience[p.Act], by):
			if err := s.unseal(ctx, tx, c.Org, p.sealed, "measure_act/"+p.ID, &p.raw); err != nil {
				return nil, err
			}
			if err := json.Unmarshal(p.raw, &p.Said); err != nil {
				return nil, fmt.Errorf("measure act %s: %w", p.ID, err)
			}
		case by != ExecutorSide: // who is asked sees their own part of the history, and no more
			continue
		}
		p.sealed = nil
		out = append(out, p)
	}
	return out, nil
}

// paper opens a paper of a chain from the act in which it was written; of several
// the newest, which comes first.
func (x *ChainView) paper(p *Past) error {
	put := func(have bool, v any, set func()) error {
		if have || len(p.raw) == 0 {
			return nil
		}
		if err := json.Unmarshal(p.raw, v); err != nil {
			return fmt.Errorf("measure act %s: %w", p.ID, err)
		}
		set()
		return nil
	}
	switch p.Act {
	case "assess":
		v := new(Assessment)
		return put(x.Assessment != nil, v, func() { x.Assessment = v })
	case "locate":
		v := new(Location)
		return put(x.Location != nil, v, func() { x.Location = v })
	case "plan":
		v := new(Plan)
		return put(x.Planned != nil, v, func() { x.Planned = v })
	case "consult":
		v := new(Worksheet)
		return put(x.Worksheet != nil, v, func() { x.Worksheet = v })
	}
	return nil
}

// steps opens what was carried out. Names of officers are for their own chain.
func (s *Service) steps(ctx context.Context, tx *db.Tx, c *Chain, by Side) ([]Done, error) {
	list, err := loadSteps(ctx, tx, c.ID, false)
	if err != nil {
		return nil, err
	}
	for i := range list {
		d := &list[i]
		var w stepWords
		if err := s.unseal(ctx, tx, c.Org, d.sealed, "measure_step/"+d.ID, &w); err != nil {
			return nil, err
		}
		d.Intent, d.Says, d.Evidence, d.sealed = w.Intent, w.Says, w.Evidence, nil
		if by == CommandSide || by == ExecutorSide {
			d.First, d.Second = w.First, w.Second
		}
	}
	return listed(list), nil
}

// officers opens who was designated; their names are for their own command.
func (s *Service) officers(ctx context.Context, tx *db.Tx, c *Chain, by Side) (out []Officer, err error) {
	list, err := officers(ctx, tx, c.ID)
	for _, o := range list {
		if by == CommandSide {
			if err := s.unseal(ctx, tx, c.Org, o.sealed, "measure_officer/"+c.ID+"/"+o.Person, &o.Name); err != nil {
				return nil, err
			}
		} else {
			o.Person = ""
		}
		out = append(out, o.Officer)
	}
	return out, err
}

// listed makes an empty list of none, for JSON.
func listed[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Book returns the rules that bind measures, for whoever has to do with them.
func (s *Service) Book(ctx context.Context) (b RuleBook, err error) {
	err = s.read(ctx, "measure.list", func(*db.Tx, gate.Identity, gate.Reach) error {
		b = RuleBook{Numbers: s.Numbers, Steps: Steps}
		for _, g := range Guards {
			b.Guards = append(b.Guards, Bound{g.ID, g.Article, g.House})
		}
		return nil
	})
	return b, err
}
