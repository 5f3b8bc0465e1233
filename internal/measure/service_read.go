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

// shown is how many acts, and how many steps, a case shows of each chain; the ones
// before are read by the page.
const shown = 50

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
	pick := len(list) - 1 // the newest, where forces gave the case up and were asked again
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
	_, err := s.lastTo(ctx, tx, c, act, db.Above, v)
	return err
}

// lastTo is last of the acts up to one; it returns the act.
func (s *Service) lastTo(ctx context.Context, tx *db.Tx, c *Chain, act string, upto ID, v any) (Past, error) {
	p, err := lastAct(ctx, tx, c.ID, act, upto)
	if err == db.ErrNoRows {
		return p, ErrNone
	}
	if err != nil {
		return p, err
	}
	return p, s.Keys.OpenJSON(ctx, tx, c.Org, p.sealed, "measure_act/"+p.ID, v)
}

// List lists the chains of command within reach, the newest first, each with its
// case; who is asked by others sees of a chain what they were asked about.
func (s *Service) List(ctx context.Context, f Filter) (out []Listed, names map[string]string, next string, err error) {
	err = s.read(ctx, "measure.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		now, by := s.now(), sideOf(who)
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
			x := Listed{Case: k, Chain: list[i], Late: list[i].late(now), Waits: list[i].waits(by)}
			if by.asked() {
				if x.Chain, _, err = s.asOf(ctx, tx, &list[i], by); err != nil {
					return err
				}
				x.Late = false
			}
			out = append(out, x)
			orgs = append(orgs, list[i].Org)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Watch refuses, on the record, who has nothing to do with measures.
func (s *Service) Watch(ctx context.Context) error {
	return s.read(ctx, "measure.list", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}

// kase loads a case and opens its threat.
func (s *Service) kase(ctx context.Context, tx *db.Tx, id ID) (Case, error) {
	k, err := caseOf(ctx, tx, id)
	if err != nil {
		return k, err
	}
	k.Threat = new(Threat)
	err = s.Keys.OpenJSON(ctx, tx, k.Org, k.sealed, objectOf(k.ID), k.Threat)
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
		orgs := []string{v.Case.Org}
		if !v.Side.asked() {
			orgs = append(orgs, v.Case.Partner)
		} else {
			v.Case.Partner = ""
		}
		for i := range list {
			if list[i].kase != v.Case.ID {
				continue
			}
			x, err := s.chain(ctx, tx, &list[i], v.Side, now)
			if err != nil {
				return err
			}
			for _, p := range x.Past {
				orgs = append(orgs, p.Org)
			}
			v.Chains = append(v.Chains, x)
		}
		if err := s.around(ctx, tx, &v, &list[0], now); err != nil {
			return err
		}
		for _, o := range v.Others {
			orgs = append(orgs, o.Org)
		}
		v.Names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return v, err
}

// around is what stands beside the chains of a case: other chains on it, other
// cases on the same machine, as far as who looks may know of them, and what is
// said of further emergencies of the unit.
func (s *Service) around(ctx context.Context, tx *db.Tx, v *View, c *Chain, now time.Time) (err error) {
	switch v.Side {
	case CommandSide, SuperiorSide, ExecutorSide:
		if v.Others, err = s.others(ctx, tx, c, now); err != nil {
			return err
		}
	}
	switch v.Side {
	case CommandSide, SuperiorSide: // what others have on this machine is theirs
		v.Same, err = sameMachine(ctx, tx, v.Case.ID, c.Org)
	case MemberSide, WatchSide:
		v.Same, err = sameMachine(ctx, tx, v.Case.ID, "")
	}
	if err == nil && v.Side.inside() {
		v.Switches, err = switches(ctx, tx, c.Org)
	}
	return err
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
func (s *Service) chain(ctx context.Context, tx *db.Tx, c *Chain, by Side, now time.Time) (x ChainView, err error) {
	if err := s.see(ctx, tx, c, now); err != nil {
		return x, err
	}
	if by.asked() {
		return s.asked(ctx, tx, c, by)
	}
	x = ChainView{Chain: *c, Late: c.Facts.Late, Ends: c.ends(), Acts: listed(open(c.State, c.Facts, by)), Waits: c.waits(by)}
	if c.Approval != "" && c.stands.Digest != "" {
		x.Bounds = &Bounds{Number: c.stands.Number, Until: c.stands.Until, Conditions: c.stands.Bound, Order: c.stands.Digest}
	}
	if x.Past, x.PastNext, err = s.past(ctx, tx, c, by, "", shown); err != nil {
		return x, err
	}
	if err := s.papers(ctx, tx, c, by, db.Above, &x); err != nil {
		return x, err
	}
	if x.Words, err = s.words(ctx, tx, c, by); err != nil {
		return x, err
	}
	if x.Done, x.DoneNext, err = s.done(ctx, tx, c, by, "", shown); err != nil {
		return x, err
	}
	slices.Reverse(x.Past)
	slices.Reverse(x.Done)
	if by == CommandSide || by == SuperiorSide {
		x.Missing = c.missing()
	}
	if !by.inside() {
		return x, nil
	}
	if c.Approval != "" {
		x.Standing, x.Questions = &c.stands.State, c.stands.Requests
	}
	if x.Voices, err = s.voices(ctx, tx, c, by); err != nil {
		return x, err
	}
	if x.Tried, err = s.tried(ctx, tx, c); err != nil {
		return x, err
	}
	x.Officers, err = s.officers(ctx, tx, c, by)
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
		if !g.Holds(&c.Facts) && (g.ID != "G7" || c.State != Consulting) { // the answer is awaited
			out[g.ID] = g.Article
		}
	}
	return out
}

// Past gives a page of the history of a chain, the last act first. Faults: ErrNone.
func (s *Service) Past(ctx context.Context, id ID, cursor string, limit int) (out []Past, names map[string]string, next string, err error) {
	err = s.read(ctx, "measure.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := s.one(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if by := sideOf(who); by.asked() {
			_, upto, err := s.asOf(ctx, tx, c, by)
			if err != nil {
				return err
			}
			if out, next, err = s.heard(ctx, tx, c, by, upto, cursor, limit); err != nil {
				return err
			}
		} else if out, next, err = s.past(ctx, tx, c, by, cursor, limit); err != nil {
			return err
		}
		var orgs []string
		for _, p := range out {
			orgs = append(orgs, p.Org)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Done gives a page of what was carried out on a chain, the last step first.
// Faults: ErrNone, also for who is only asked.
func (s *Service) Done(ctx context.Context, id ID, cursor string, limit int) (out []Done, next string, err error) {
	err = s.read(ctx, "measure.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		by := sideOf(who)
		c, err := s.one(ctx, tx, id, who, reach)
		if err == nil && by.asked() {
			err = ErrNone
		}
		if err != nil {
			return err
		}
		out, next, err = s.done(ctx, tx, c, by, cursor, limit)
		return err
	})
	return out, next, err
}

// one is the chain within reach that an id means: of several the first.
func (s *Service) one(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) (*Chain, error) {
	list, err := within(ctx, tx, id, who, reach)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrNone
	}
	return &list[0], s.see(ctx, tx, &list[0], s.now())
}

// past opens a page of the history of a chain, the last act first: what was said
// where the side may read it.
func (s *Service) past(ctx context.Context, tx *db.Tx, c *Chain, by Side, cursor string, limit int) ([]Past, string, error) {
	list, next, err := listActs(ctx, tx, c.ID, nil, db.Above, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		p := &list[i]
		if by.inside() && (!named(p.Act) || by == CommandSide) || slices.Contains(audience[p.Act], by) {
			if err := s.say(ctx, tx, c, p); err != nil {
				return nil, "", err
			}
		}
		p.sealed = nil
	}
	return listed(list), next, nil
}

// named reports whether what is said in an act is the id of a person: for their own
// command alone.
func named(act string) bool { return act == "designate" || act == "dismiss" }

// say opens what was said in an act.
func (s *Service) say(ctx context.Context, tx *db.Tx, c *Chain, p *Past) error {
	if err := s.Keys.OpenJSON(ctx, tx, c.Org, p.sealed, "measure_act/"+p.ID, &p.raw); err != nil {
		return err
	}
	if err := json.Unmarshal(p.raw, &p.Said); err != nil {
		return fmt.Errorf("measure act %s: %w", p.ID, err)
	}
	return nil
}

// papers opens the papers of a chain, as they stood at one of its acts. One that
// has another digest than the chain is not shown, and it is said.
func (s *Service) papers(ctx context.Context, tx *db.Tx, c *Chain, by Side, upto ID, x *ChainView) error {
	read := func(act string, v any) (bool, error) {
		if !by.inside() && !slices.Contains(audience[act], by) {
			return false, nil
		}
		_, err := s.lastTo(ctx, tx, c, act, upto, v)
		return err == nil, ignore(err, ErrNone)
	}
	var a Assessment
	if ok, err := read("assess", &a); err != nil {
		return err
	} else if ok {
		x.Assessment = &a
	}
	var l Location
	if ok, err := read("locate", &l); err != nil {
		return err
	} else if ok && x.Facts.Place != "" {
		x.Location = &l
	}
	var p Plan
	if ok, err := read("plan", &p); err != nil {
		return err
	} else if ok && x.Plan != "" {
		if p.digest(c.ID) == x.Plan {
			x.Planned = &p
		} else {
			x.Altered = append(x.Altered, "plan")
		}
	}
	var w Worksheet
	if ok, err := read("consult", &w); err != nil {
		return err
	} else if ok && x.Chain.Worksheet != "" {
		if w.digest(c.ID, x.Plan) == x.Chain.Worksheet {
			x.Worksheet = &w
		} else {
			x.Altered = append(x.Altered, "worksheet")
		}
	}
	return nil
}

// spoken are the acts of which a case shows what was said last.
var spoken = []string{"answer", "object", "agree", "order", "declare", "second", "notify", "review"}

// words opens what was said last in acts that need no paper, where the side may
// read it.
func (s *Service) words(ctx context.Context, tx *db.Tx, c *Chain, by Side) (map[string]string, error) {
	out := map[string]string{}
	for _, act := range spoken {
		if !by.inside() && !slices.Contains(audience[act], by) {
			continue
		}
		var raw any
		_, err := s.lastTo(ctx, tx, c, act, db.Above, &raw)
		if err = ignore(err, ErrNone); err != nil {
			return nil, err
		}
		switch v := raw.(type) {
		case string:
			out[act] = v
		case map[string]any:
			out[act], _ = v["text"].(string)
		}
	}
	return out, nil
}

// done opens a page of what was carried out, the last step first. Names of officers
// are for their own chain.
func (s *Service) done(ctx context.Context, tx *db.Tx, c *Chain, by Side, cursor string, limit int) ([]Done, string, error) {
	list, next, err := listSteps(ctx, tx, c.ID, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		d := &list[i]
		var w stepWords
		if err := s.Keys.OpenJSON(ctx, tx, c.Org, d.sealed, "measure_step/"+d.ID, &w); err != nil {
			return nil, "", err
		}
		d.Intent, d.Says, d.Evidence, d.sealed = w.Intent, w.Says, w.Evidence, nil
		if by == CommandSide || by == SuperiorSide || by == ExecutorSide {
			d.First, d.Second, d.Account = w.First, w.Second, w.Account
		}
	}
	return listed(list), next, nil
}

// voices opens how members of the commission see an emergency: for the commission
// and its inspectors. Everybody else hears what it comes to.
func (s *Service) voices(ctx context.Context, tx *db.Tx, c *Chain, by Side) ([]Voice, error) {
	if by != MemberSide && by != WatchSide {
		return nil, nil
	}
	list, err := voices(ctx, tx, c.ID)
	for i := range list {
		v := &list[i]
		var w voiceWords
		if err := s.Keys.OpenJSON(ctx, tx, v.org, v.sealed, "measure_voice/"+c.ID+"/"+v.person, &w); err != nil {
			return nil, err
		}
		v.Text, v.Name, v.sealed = w.Text, w.Name, nil
	}
	return list, err
}

// officers opens who was designated; who they are is for their own command.
func (s *Service) officers(ctx context.Context, tx *db.Tx, c *Chain, by Side) (out []Officer, err error) {
	list, err := officers(ctx, tx, c.ID)
	for _, o := range list {
		if by == CommandSide {
			if err := s.Keys.OpenJSON(ctx, tx, c.Org, o.sealed, "measure_officer/"+c.ID+"/"+o.Person, &o.Name); err != nil {
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
