package approval

import (
	"context"
	"maps"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// maxMessages is how many messages of a conversation a view shows, the last
// ones.
const maxMessages = 100

// List lists cases within reach, the newest first; with Running those in force,
// what ends first in front.
func (s *Service) List(ctx context.Context, f Filter) (out []Case, names map[string]string, next string, err error) {
	err = s.read(ctx, "approval.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listCases(ctx, tx, f, who, reach, sideOf(who), s.Rules.Commission.Quorum, s.now()); err != nil {
			return err
		}
		orgs := map[string]bool{}
		for i := range out {
			c := &out[i]
			if err := s.unlock(ctx, tx, c); err != nil {
				return err
			}
			orgs[c.Org], orgs[c.Party] = true, true
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, slices.Collect(maps.Keys(orgs))...)
		return err
	})
	return out, names, next, err
}

// Calendar lists what is in force, what ends first in front.
func (s *Service) Calendar(ctx context.Context, cursor string, limit int) ([]Case, map[string]string, string, error) {
	return s.List(ctx, Filter{Running: true, Cursor: cursor, Limit: limit})
}

// Show returns a case within reach. The opinion, the votes and the cases beside
// which one is weighed are the commission's and its inspectors'; who asked sees
// the decision, its reason and its conditions.
func (s *Service) Show(ctx context.Context, id ID) (v View, err error) {
	id, err = s.named(ctx, "approval.read", id)
	if err != nil {
		return v, err
	}
	err = s.read(ctx, "approval.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, false, s.now())
		if err != nil {
			return err
		}
		if err := s.unlock(ctx, tx, &c); err != nil {
			return err
		}
		v = View{Case: c, Side: sideOf(who), Acts: open(c.kind, c.State, sideOf(who))}
		if v.Messages, err = s.Threads.Of(ctx, tx, c.Org, objectOf(id), conversation); err != nil {
			return err
		}
		if n := len(v.Messages); n > maxMessages {
			v.Messages = v.Messages[n-maxMessages:]
		}
		if v.Past, err = s.past(ctx, tx, &c); err != nil {
			return err
		}
		if v.Extended, err = extended(ctx, tx, id); err != nil {
			return err
		}
		if reach == gate.All {
			if err := s.deliberation(ctx, tx, &v); err != nil {
				return err
			}
		}
		orgs := map[string]bool{c.Org: true, c.carrier: true, c.Party: true}
		named := func(c *Case) {
			for _, r := range c.Asked.Recipients { // those that are ids have names
				orgs[r] = true
			}
		}
		named(&c)
		if v.Opinion != nil {
			for i := range v.Opinion.Compared {
				named(&v.Opinion.Compared[i].Case)
			}
		}
		for _, m := range v.Messages {
			orgs[m.From] = true
		}
		for _, p := range v.Past {
			orgs[p.Org] = true
		}
		for _, x := range v.Earlier {
			orgs[x.Case.Org] = true
			named(&x.Case)
		}
		v.Acts, v.Messages, v.Past = listed(v.Acts), listed(v.Messages), listed(v.Past)
		v.Names, err = s.Orgs.NamesFor(ctx, tx, who, slices.Collect(maps.Keys(orgs))...)
		return err
	})
	return v, err
}

// listed makes an empty list of none, for JSON.
func listed[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// past opens the history of a case.
func (s *Service) past(ctx context.Context, tx *db.Tx, c *Case) ([]Past, error) {
	list, err := loadSteps(ctx, tx, c.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return nil, err
	}
	for i := range list {
		raw, err := k.Open(list[i].sealed, "approval_step/"+list[i].id)
		if err != nil {
			return nil, err
		}
		list[i].Reason, list[i].sealed = string(raw), nil
	}
	return list, nil
}

// deliberation adds what the commission alone weighs.
func (s *Service) deliberation(ctx context.Context, tx *db.Tx, v *View) error {
	c := &v.Case
	org, sealed, err := loadOpinion(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	if sealed != nil {
		k, err := s.Keys.For(ctx, tx, org)
		if err != nil {
			return err
		}
		var x examined
		if err := k.OpenJSON(sealed, objectOf(c.ID)+"/opinion", &x); err != nil {
			return err
		}
		v.Opinion = &Opinion{Text: x.Text, Person: x.Person, At: x.At}
		list, err := loadCompared(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		for _, id := range list {
			o, err := caseByID(ctx, tx, id, false, s.now())
			if err != nil {
				return err
			}
			if v.Opinion.Compared, err = s.beside(ctx, tx, v.Opinion.Compared, c, o); err != nil {
				return err
			}
		}
	}
	if v.Votes, err = s.votes(ctx, tx, c.ID); err != nil {
		return err
	}
	if c.kind != Agreement {
		t := s.Rules.tally(v.Votes)
		v.Tally = &t
	}
	if c.State != Asked {
		return nil
	}
	like, err := s.like(ctx, tx, c)
	if err != nil {
		return err
	}
	for _, o := range like {
		if v.Earlier, err = s.beside(ctx, tx, v.Earlier, c, o); err != nil {
			return err
		}
	}
	return nil
}

// beside opens an earlier case and says in what it is like another.
func (s *Service) beside(ctx context.Context, tx *db.Tx, list []Compared, c *Case, o Case) ([]Compared, error) {
	if err := s.unlock(ctx, tx, &o); err != nil {
		return nil, err
	}
	x := Compared{Case: o}
	for _, l := range []struct {
		same bool
		is   Likeness
	}{
		{o.kind == c.kind, SameKind}, {o.Asked.Link == c.Asked.Link && o.Asked.Link != "", SameLink},
		{slices.ContainsFunc(o.Asked.Targets, func(t string) bool { return slices.Contains(c.Asked.Targets, t) }), SameTarget}, {o.Org == c.Org, SameAsker},
	} {
		if l.same {
			x.Same = append(x.Same, l.is)
		}
	}
	return append(list, x), nil
}

// Uses lists every use of an approval, the newest first, with what each took,
// and the last refusals: those of acts that have come to an end. Faults: ErrNone.
func (s *Service) Uses(ctx context.Context, id ID, cursor string, limit int) (v UsesView, err error) {
	id, err = s.named(ctx, "approval.uses", id)
	if err != nil {
		return v, err
	}
	if Access.May(ctx, "approval.uses") {
		if err := s.settle(ctx); err != nil {
			return v, err
		}
	}
	err = s.read(ctx, "approval.uses", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, false, s.now())
		if err != nil {
			return err
		}
		if err := s.unlock(ctx, tx, &c); err != nil {
			return err
		}
		v.Case = c
		v.Left, v.Ended = c.Left()
		if v.Uses, v.Next, err = listUses(ctx, tx, id, cursor, limit); err != nil {
			return err
		}
		v.Refusals, err = listRefusals(ctx, tx, id)
		v.Uses, v.Refusals = listed(v.Uses), listed(v.Refusals)
		if err != nil || len(v.Uses) == 0 {
			return err
		}
		k, err := s.Keys.For(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		for i := range v.Uses {
			u := &v.Uses[i]
			if err := k.OpenJSON(u.sealed, "approval_use/"+u.ID, &u.Scope); err != nil {
				return err
			}
			u.sealed = nil
		}
		return nil
	})
	return v, err
}

// Paper returns the signed order of an approval, as whoever carries it out hands
// it to a run on files. Faults: ErrNone, also where nothing was approved.
func (s *Service) Paper(ctx context.Context, id ID) (paper []byte, err error) {
	id, err = s.named(ctx, "approval.read", id)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, "approval.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, false, s.now())
		if err != nil {
			return err
		}
		if len(c.paper) == 0 {
			return ErrNone
		}
		k, err := s.Keys.For(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		paper, err = k.Open(c.paper, objectOf(id)+"/paper")
		return err
	})
	return paper, err
}
