package approval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// examined is what is sealed of an opinion, under the key of the commission.
type examined struct {
	Text   string    `json:"text"`
	Person string    `json:"person"`
	At     time.Time `json:"at"`
}

// voted is what is sealed of a vote, under the key of the commission.
type voted struct {
	Person     string   `json:"person"`
	Opinion    string   `json:"opinion,omitempty"`
	Conditions []string `json:"conditions,omitempty"`
}

// Examine gives an opinion on a case and lays it before the commission, with the
// earlier cases it was compared with; whatever is like it is among them. It
// decides nothing. Faults: ErrNone, ErrStep, ErrApart, ErrOpen, ErrInvalid.
func (s *Service) Examine(ctx context.Context, id ID, text string, compared []ID) error {
	id, err := s.named(ctx, "approval.examine", id)
	if err != nil {
		return err
	}
	act := &ledger.Act{Verb: "approval.examine", Object: objectOf(id), Secret: text}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		if err := step(c.kind, c.State, "examine", ExaminerSide, Examined); err != nil {
			return err
		}
		if err := s.side(ctx, tx, id, who, ExaminerSide); err != nil {
			return err
		}
		if c.Open > 0 {
			return fault.New(fault.Unmet, ErrOpen.Code, "n", c.Open)
		}
		var bad mistakes
		if text = bad.text("text", text, maxWords, true); len(compared) > maxEarlier {
			bad.add("compared", "approval.bad.many", "max", maxEarlier)
		}
		if len(bad) > 0 {
			return bad.err()
		}
		if err := s.unlock(ctx, tx, &c); err != nil {
			return err
		}
		if err := s.compare(ctx, tx, &c, compared, who, reach); err != nil {
			return err
		}
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		now := s.now()
		sealed, err := k.SealJSON(examined{text, who.Name, now}, objectOf(id)+"/opinion")
		if err != nil {
			return err
		}
		if err := insertOpinion(ctx, tx, id, who.Org, sealed, now); err != nil {
			return err
		}
		if err := s.move(ctx, tx, act, &c, Examined, ExaminerSide, who, ""); err != nil {
			return err
		}
		c.ExaminedAt = now
		if err := updateCase(ctx, tx, &c); err != nil {
			return err
		}
		return s.tell(ctx, tx, "examined", &c)
	})
}

// compare writes down the earlier cases beside which one was examined: those
// that are like it, and those that the examiner names.
func (s *Service) compare(ctx context.Context, tx *db.Tx, c *Case, others []ID, who gate.Identity, reach gate.Reach) error {
	like, err := s.like(ctx, tx, c)
	if err != nil {
		return err
	}
	var list []ID
	for _, x := range like {
		list = append(list, x.ID)
	}
	for i, name := range others {
		id, err := named(ctx, tx, name, who, reach)
		if err != nil {
			return err
		}
		if slices.Contains(list, id) {
			continue
		}
		if _, err := loadCase(ctx, tx, id, who, reach, false, s.now()); err != nil || id == c.ID {
			return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: fmt.Sprintf("compared/%d", i), Code: "approval.bad.compared"})
		}
		list = append(list, id)
	}
	return putCompared(ctx, tx, c.ID, list)
}

// like finds decided cases that are like an opened one.
func (s *Service) like(ctx context.Context, tx *db.Tx, c *Case) ([]Case, error) {
	t, err := s.Keys.For(ctx, tx, tags)
	if err != nil {
		return nil, fmt.Errorf("approval %s: %w", c.ID, err)
	}
	var targets []string
	for _, x := range c.Asked.Targets {
		targets = append(targets, t.Tag("approval/target", x))
	}
	return earlier(ctx, tx, c, t.Tag("approval/link", c.Asked.Link), targets, s.now())
}

// NewVote is what a member says. Against needs a reason; a member who votes
// again before the chair closes says something else.
type NewVote struct {
	Choice     Choice   `json:"choice"`
	Opinion    string   `json:"opinion"`
	Conditions []string `json:"conditions"` // that the member wants, where they vote for it
}

// Vote gives or changes one's own vote. Dissent stays with the case. Faults:
// ErrNone, ErrStep, ErrApart, ErrFull, ErrInvalid.
func (s *Service) Vote(ctx context.Context, id ID, n NewVote) (t Tally, err error) {
	id, err = s.named(ctx, "approval.vote", id)
	if err != nil {
		return t, err
	}
	act := &ledger.Act{Verb: "approval.vote", Object: objectOf(id), Secret: n}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		if err := Opens(c.kind, c.State, "vote", MemberSide); err != nil {
			return err
		}
		if err := s.side(ctx, tx, id, who, MemberSide); err != nil {
			return err
		}
		var bad mistakes
		if n.Choice != For && n.Choice != Against {
			bad.add("choice", "approval.bad.choice")
		}
		n.Opinion = bad.text("opinion", n.Opinion, maxWords, n.Choice == Against)
		n.Conditions = bad.conditions(n.Conditions)
		if n.Choice == Against && len(n.Conditions) > 0 {
			bad.add("conditions", "approval.bad.conditions_against")
		}
		if len(bad) > 0 {
			return bad.err()
		}
		before, err := loadVotes(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(before) >= s.Rules.Commission.Members && !slices.ContainsFunc(before, func(v Vote) bool { return v.person == who.Person }) {
			return ErrFull
		}
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		v := Vote{Choice: n.Choice, At: s.now(), Entry: act.Entry, id: newID(), person: who.Person, org: who.Org}
		if v.sealed, err = k.SealJSON(voted{who.Name, n.Opinion, n.Conditions}, "approval_vote/"+v.id); err != nil {
			return err
		}
		if err := insertVote(ctx, tx, id, v); err != nil {
			return err
		}
		votes, err := loadVotes(ctx, tx, id)
		if err != nil {
			return err
		}
		t = s.Rules.tally(votes)
		act.Public = map[string]any{"choice": string(n.Choice), "votes": t.For + t.Against}
		return updateCase(ctx, tx, &c) // whoever decides meanwhile sees that it changed
	})
	return t, err
}

// conditions checks what an approval is to be bound to: one sentence each.
func (m *mistakes) conditions(list []string) (out []string) {
	for _, s := range list {
		if s = line(m.text("conditions", s, maxCondition, false)); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) > maxConditions {
		m.add("conditions", "approval.bad.many", "max", maxConditions)
	}
	return out
}

// Decision is how the chair closes a case. What it comes to the votes decide.
type Decision struct {
	Reason     string   `json:"reason"`
	Conditions []string `json:"conditions"` // beside all that those wanted who voted for it

	// What is approved may be less than what was asked, never more. Zero: as asked.
	Until time.Time `json:"until,omitzero"`
	Cap   Quantity  `json:"cap,omitzero"`
	Less  Less      `json:"less,omitzero"`
}

// narrow writes a shorter period and a lower cap into a case.
func (d *Decision) narrow(bad *mistakes, c *Case) {
	if u := d.Until.UTC().Truncate(time.Second); !d.Until.IsZero() {
		if u.After(c.Until) || !u.After(c.from) {
			bad.add("until", "approval.bad.wider")
		}
		c.Until = u
	}
	less := func(at string, now *uint64, want uint64) {
		switch {
		case want == 0:
		case *now > 0 && want > *now:
			bad.add(at, "approval.bad.wider")
		default:
			*now = want
		}
	}
	less("cap", &c.Cap.Bytes, d.Cap.Bytes)
	less("cap_packets", &c.Cap.Packets, min(d.Cap.Packets, maxQuantity))
}

// Decide closes a case once a quorum has voted: the majority approves it, anything
// else refuses it. Who closes it has voted too. What is approved is signed, with
// the instruction to the carrier, and is a Grant from then on. Faults: ErrNone,
// ErrStep, ErrApart, ErrQuorum, ErrOpen, ErrOver, ErrBase, ErrInvalid.
func (s *Service) Decide(ctx context.Context, id ID, d Decision) (c Case, err error) {
	id, err = s.named(ctx, "approval.decide", id)
	if err != nil {
		return c, err
	}
	act := &ledger.Act{Verb: "approval.decide", Object: objectOf(id), Secret: d}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		now := s.now()
		if c, err = loadCase(ctx, tx, id, who, reach, true, now); err != nil {
			return err
		}
		if err := step(c.kind, c.State, "decide", MemberSide, Declined); err != nil {
			return err
		}
		if err := s.side(ctx, tx, id, who, MemberSide); err != nil {
			return err
		}
		votes, err := s.votes(ctx, tx, id)
		if err != nil {
			return err
		}
		t := s.Rules.tally(votes)
		if !t.Closes || !slices.ContainsFunc(votes, func(v Vote) bool { return v.person == who.Person }) {
			return fault.New(fault.Unmet, ErrQuorum.Code, "votes", t.For+t.Against, "quorum", t.Quorum)
		}
		if err := s.unlock(ctx, tx, &c); err != nil {
			return err
		}
		var bad mistakes
		d.Reason, d.Conditions = bad.text("reason", d.Reason, maxWords, true), bad.conditions(d.Conditions)
		switch narrower := !d.Until.IsZero() || d.Cap != (Quantity{}) || !d.Less.none(); {
		case !t.Passes && (len(d.Conditions) > 0 || narrower):
			bad.add("conditions", "approval.bad.conditions_against")
		case narrower:
			d.narrow(&bad, &c)
			d.Less.check(&bad, &c.Asked)
		}
		if len(bad) > 0 {
			return bad.err()
		}
		c.Reason, c.DecidedAt = d.Reason, now
		to := Declined
		if t.Passes {
			to = Approved
			if err := s.approve(ctx, tx, &c, d, votes, now); err != nil {
				return err
			}
		}
		if err := s.conclude(ctx, tx, &c); err != nil {
			return err
		}
		act.Public = map[string]any{"for": t.For, "against": t.Against, "quorum": t.Quorum, "members": t.Members, "conditions": len(c.Conditions), "order": c.Order, "extends": c.extends,
			"from_at": c.from.Format(time.RFC3339), "until_at": c.Until.Format(time.RFC3339), "packets": c.Cap.Packets, "bytes": c.Cap.Bytes, "selectors": c.Asked.Selectors.Hash, "retain_days": c.granted().RetainDays}
		if err := s.move(ctx, tx, act, &c, to, MemberSide, who, d.Reason); err != nil {
			return err
		}
		if err := updateCase(ctx, tx, &c); err != nil {
			return err
		}
		return s.tell(ctx, tx, "decided", &c)
	})
	return c, err
}

// approve signs the order of a case, with the conditions that bind it.
func (s *Service) approve(ctx context.Context, tx *db.Tx, c *Case, d Decision, votes []Vote, now time.Time) error {
	if c.Open > 0 {
		return fault.New(fault.Unmet, ErrOpen.Code, "n", c.Open)
	}
	if !now.Before(c.Until) {
		return ErrOver
	}
	if c.extends != "" { // what is over is not extended, but asked for anew (art 19)
		b, err := caseByID(ctx, tx, c.extends, true, now)
		if err != nil {
			return err
		}
		if !b.Runs(now) {
			return ErrBase
		}
	}
	c.Conditions, c.Less = d.Conditions, d.Less
	for _, v := range votes {
		for _, x := range v.Conditions {
			if !slices.Contains(c.Conditions, x) && v.Choice == For {
				c.Conditions = append(c.Conditions, x)
			}
		}
	}
	granted := c.granted()
	_, err := s.sign(ctx, tx, c, granted.order(c.ID, c.Org, c.Conditions, now))
	return err
}

// votes opens the votes of a case.
func (s *Service) votes(ctx context.Context, tx *db.Tx, id ID) ([]Vote, error) {
	list, err := loadVotes(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	for i := range list {
		k, err := s.Keys.For(ctx, tx, list[i].org)
		if err != nil {
			return nil, fmt.Errorf("vote %s: %w", list[i].id, err)
		}
		var v voted
		if err := k.OpenJSON(list[i].sealed, "approval_vote/"+list[i].id, &v); err != nil {
			return nil, err
		}
		list[i].Person, list[i].Opinion, list[i].Conditions, list[i].sealed = v.Person, v.Opinion, v.Conditions, nil
	}
	return list, nil
}
