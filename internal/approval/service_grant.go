package approval

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// Grant returns the Grant of an approval of the organisation that acts, whatever
// became of it since: Redeem asks that. Faults: ErrNone; ErrNoGrant where
// nothing was approved.
func (s *Service) Grant(ctx context.Context, tx *db.Tx, id ID) (Grant, error) {
	who, _ := gate.From(ctx)
	c, err := caseByID(ctx, tx, id, false, s.now())
	if err != nil {
		return Grant{}, err
	}
	if c.Org != who.Org {
		return Grant{}, ErrNone
	}
	return s.grant(ctx, tx, &c)
}

// PaperOf returns the Grant of an approval of the organisation that acts with the
// paper that it was opened from, for a process elsewhere that opens it again.
// Faults: those of Grant.
func (s *Service) PaperOf(ctx context.Context, tx *db.Tx, id ID) (g Grant, paper []byte, err error) {
	if g, err = s.Grant(ctx, tx, id); err != nil {
		return g, nil, err
	}
	c, err := caseByID(ctx, tx, id, false, s.now())
	if err != nil {
		return g, nil, err
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return g, nil, fmt.Errorf("paper of %s: %w", id, err)
	}
	paper, err = k.Open(c.paper, objectOf(c.ID)+"/paper")
	return g, paper, err
}

// grant opens the paper that is kept of a case.
func (s *Service) grant(ctx context.Context, tx *db.Tx, c *Case) (Grant, error) {
	if len(c.paper) == 0 {
		return Grant{}, ErrNoGrant
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return Grant{}, fmt.Errorf("paper of %s: %w", c.ID, err)
	}
	paper, err := k.Open(c.paper, objectOf(c.ID)+"/paper")
	if err != nil {
		return Grant{}, fmt.Errorf("paper of %s: %w", c.ID, err)
	}
	g, err := Open(paper, s.Verifier)
	if err != nil {
		return Grant{}, fmt.Errorf("paper of %s: %w", c.ID, err)
	}
	if g.ID() != c.ID || g.Digest() != c.Order {
		return Grant{}, ErrForged
	}
	return g, nil
}

// sign signs the order of a case that was approved, and the instruction to the
// carrier, and keeps both.
func (s *Service) sign(ctx context.Context, tx *db.Tx, c *Case, o Order) (Grant, error) {
	paper, err := o.Sign(s.Signer)
	if err != nil {
		return Grant{}, err
	}
	g, err := Open(paper, s.Verifier)
	if err != nil {
		return Grant{}, fmt.Errorf("sign %s: %w", c.ID, err)
	}
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return Grant{}, err
	}
	c.Order, c.paper = g.Digest(), k.Seal(paper, objectOf(c.ID)+"/paper")
	if c.carrier == "" && c.Party == "" {
		return g, nil
	}
	return g, s.instruct(k, c, g.Order())
}

func (s *Service) instruct(k *key.Cipher, c *Case, o Order) error {
	raw, err := instructionOf(o).Sign(s.Signer)
	if err != nil {
		return fmt.Errorf("instruction of %s: %w", c.ID, err)
	}
	c.instruction = k.Seal(raw, objectOf(c.ID)+"/instruction")
	return nil
}

// Issue gives a Grant for an agreement in force (arts 11–16), in the act by which
// one comes into force, or for an order of an organisation's own network, in the
// act by which another person there approves it. It is for those two nouns alone;
// who acts there is on the asking side and carries nothing out under it. Of the order the
// id and the date are filled in here; carrier gets the instruction, and is empty
// where the party itself hands the communications over. Faults: ErrKindAct,
// ErrInvalid with places, and those of an order.
func (s *Service) Issue(ctx context.Context, tx *db.Tx, act *ledger.Act, o Order, carrier string) (Grant, error) {
	who, ok := gate.From(ctx)
	now := s.now()
	if !o.Kind.given() || !ok || who.Person == "" {
		return Grant{}, ErrKindAct
	}
	o.ID, o.Asker, o.IssuedAt, o.Extends = newID(), who.Org, now, ""
	o, err := o.Normal()
	if err != nil {
		return Grant{}, err
	}
	var bad mistakes
	if o.Until.After(s.Rules.last(o.Kind, o.From, false)) {
		bad.add("until", "approval.bad.months", "months", s.Rules.Row(o.Kind, "months").Value)
	}
	if most := s.Rules.Row(o.Kind, "retain_days").Value; o.RetainDays > most {
		bad.add("retain_days", "approval.bad.retain", "days", most)
	}
	if o.Cap.Packets > maxQuantity || o.Cap.Bytes > maxQuantity {
		bad.add("cap", "approval.bad.cap_large")
	}
	if !o.Until.After(now) {
		bad.add("until", "approval.bad.period")
	}
	if err := bad.err(); err != nil {
		return Grant{}, err
	}
	a := Application{Kind: o.Kind, Measure: o.Measure, Plan: o.Plan, Directions: o.Directions, Link: o.Link, From: o.From, Until: o.Until, Cap: o.Cap, Selectors: Selectors{Hash: o.Selectors},
		Targets: o.Targets, Fields: o.Fields, Addresses: o.Addresses, RetainDays: o.RetainDays, Recipients: o.Recipients, Grounds: o.Grounds, NoOther: o.NoOther,
		Necessity: o.Necessity, Carrier: carrier}
	c := Case{ID: o.ID, Number: newNumber(), Org: who.Org, Asked: a, Party: o.Party, Conditions: o.Conditions, CreatedAt: now, DecidedAt: now,
		kind: o.Kind, carrier: carrier, from: o.From, Until: o.Until, Cap: o.Cap}
	g, err := s.sign(ctx, tx, &c, o)
	if err != nil {
		return Grant{}, err
	}
	step := ledger.Act{Entry: act.Entry} // the act is the other noun's
	if err := s.file(ctx, tx, &step, &c, Approved, HubSide, who); err != nil {
		return Grant{}, err
	}
	act.Grant = o.ID
	return g, s.tell(ctx, tx, "issued", &c)
}

// Recall ends what [Service.Issue] gave, in the act by which its agreement or its
// order ends.
// Faults: ErrNone, ErrKindAct, ErrStep.
func (s *Service) Recall(ctx context.Context, tx *db.Tx, act *ledger.Act, id ID, reason string) error {
	who, _ := gate.From(ctx)
	c, err := caseByID(ctx, tx, id, true, s.now())
	switch {
	case err != nil:
		return err
	case !c.kind.given() || c.kind == OwnNetwork && c.Org != who.Org && who.Org != "":
		return ErrKindAct
	}
	if err := step(c.kind, c.State, "recall", HubSide, Revoked); err != nil {
		return err
	}
	if err := s.unlock(ctx, tx, &c); err != nil {
		return err
	}
	over := ledger.Act{Entry: act.Entry} // the act is the other noun's
	if err := s.end(ctx, tx, &over, &c, Revoked, HubSide, who, reason); err != nil {
		return err
	}
	act.Grant = id
	return s.tell(ctx, tx, "revoked", &c)
}

// file writes a new case with its first step.
func (s *Service) file(ctx context.Context, tx *db.Tx, act *ledger.Act, c *Case, to State, by Side, who gate.Identity) error {
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return err
	}
	if c.sealed, err = k.SealJSON(c.Asked, objectOf(c.ID)); err != nil {
		return err
	}
	if len(c.Conditions) > 0 {
		if err := s.conclude(ctx, tx, c); err != nil {
			return err
		}
	}
	t, err := s.Keys.Make(ctx, tx, tags)
	if err != nil {
		return err
	}
	if err := s.move(ctx, tx, act, c, to, by, who, ""); err != nil {
		return err
	}
	link := ""
	if c.Asked.Link != "" {
		link = t.Tag("approval/link", c.Asked.Link)
	}
	if err := insertCase(ctx, tx, *c, link); err != nil {
		return err
	}
	var targets []string
	for _, x := range c.Asked.Targets {
		targets = append(targets, t.Tag("approval/target", x))
	}
	if err := putTargets(ctx, tx, c.ID, targets); err != nil {
		return err
	}
	c.Revision, c.sealed = 1, nil
	return putPerson(ctx, tx, c.ID, who.Person, AskerSide)
}

// end writes the end of an approval, with its reason.
func (s *Service) end(ctx context.Context, tx *db.Tx, act *ledger.Act, c *Case, to State, by Side, who gate.Identity, reason string) error {
	if err := s.move(ctx, tx, act, c, to, by, who, reason); err != nil {
		return err
	}
	c.Reason, c.EndedAt = reason, s.now()
	if err := s.conclude(ctx, tx, c); err != nil {
		return err
	}
	return updateCase(ctx, tx, c)
}
