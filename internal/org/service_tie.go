package org

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Declare records that another organisation supplies or operates for one's
// own. The answer is the same whether that organisation is here or not.
// Faults: org.tie.invalid with places, org.tie.exists, org.tie.own.
func (s *Service) Declare(ctx context.Context, t Tie) (Tie, error) {
	act := &ledger.Act{Verb: "org.tie"}
	err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) (err error) {
		if reach != gate.All || t.Customer == "" {
			t.Customer = ID(who.Org)
		}
		own, err := loadOrg(ctx, tx, t.Customer, who, reach)
		if err != nil {
			return gone(err, ErrOrgGone)
		}
		if t, err = t.Normal(); err != nil {
			return err
		}
		if t.Number == own.Number {
			return errTieOwn
		}
		t.ID, t.State, t.DeclaredAt, t.Other = newID(), Declared, s.now(), ""
		if ok, err := insertTie(ctx, tx, t); err != nil {
			return err
		} else if !ok {
			return errTieExists
		}
		act.Object = "tie/" + t.ID
		act.Public = map[string]any{"customer": ledger.Org(t.Customer), "kind": t.Kind, "state": t.State}
		act.Secret = t
		return publishChanged(ctx, tx, t.Customer)
	})
	return t, err
}

// Settle confirms or declines a tie that another organisation declared to
// one's own. Its customer learns of a confirmation only. Faults: org.tie.gone.
func (s *Service) Settle(ctx context.Context, id string, confirm bool) error {
	act := &ledger.Act{Verb: "org.settle", Object: "tie/" + id}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		state := Declined
		if confirm {
			state = Confirmed
		}
		customer, err := settleTie(ctx, tx, id, ID(who.Org), state, s.now())
		if err != nil {
			return gone(err, errTieGone)
		}
		act.Public = map[string]any{"customer": ledger.Org(customer), "other": ledger.Org(who.Org), "state": state}
		if !confirm {
			return nil
		}
		return s.tied(ctx, tx, id, customer, ID(who.Org), Confirmed)
	})
}

// Tie declares a tie and confirms it at once, for the hub's administrators,
// to whom both sides said so.
func (s *Service) Tie(ctx context.Context, kind TieKind, customer, other ID, services string) (Tie, error) {
	var t Tie
	act := &ledger.Act{Verb: "org.register"} // like registering: only the hub's administrators
	err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		o, err := loadOrg(ctx, tx, other, who, reach)
		if err != nil {
			return gone(err, ErrOrgGone)
		}
		if _, err := loadOrg(ctx, tx, customer, who, reach); err != nil {
			return gone(err, ErrOrgGone)
		}
		t, err = Tie{Kind: kind, Customer: customer, Number: o.Number, Name: o.Name.JA, Services: services}.Normal()
		if err != nil {
			return err
		}
		now := s.now()
		t.ID, t.DeclaredAt, t.SettledAt, t.Other, t.State = newID(), now, now, other, Confirmed
		if ok, err := insertTie(ctx, tx, t); err != nil {
			return err
		} else if !ok {
			return errTieExists
		}
		if _, err := settleTie(ctx, tx, t.ID, other, Confirmed, now); err != nil {
			return err
		}
		act.Object = "tie/" + t.ID
		act.Public = map[string]any{"customer": ledger.Org(customer), "other": ledger.Org(other), "kind": kind, "state": Confirmed}
		return s.tied(ctx, tx, t.ID, customer, other, Confirmed)
	})
	return t, err
}

// EndTie ends a tie of one's own organisation, from either side.
func (s *Service) EndTie(ctx context.Context, id string) error {
	act := &ledger.Act{Verb: "org.untie", Object: "tie/" + id}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		customer, other, err := endTie(ctx, tx, id, ID(who.Org), s.now())
		if err != nil {
			return gone(err, errTieGone)
		}
		act.Public = map[string]any{"customer": ledger.Org(customer), "state": Ended}
		if other == "" {
			return publishChanged(ctx, tx, customer)
		}
		return s.tied(ctx, tx, id, customer, other, Ended)
	})
}

func (s *Service) tied(ctx context.Context, tx *db.Tx, id string, customer, other ID, state TieState) error {
	t, err := loadTie(ctx, tx, id)
	if err != nil {
		return gone(err, errTieGone)
	}
	return publishTied(ctx, tx, Tied{Tie: id, Kind: t.Kind, Customer: customer, Other: other, State: state})
}

// Ties returns the ties an organisation declared, and those declared to it
// that it has confirmed or still has to answer. Only one's own organisation's
// are there to see, but for the hub's administrators.
func (s *Service) Ties(ctx context.Context, id ID) (declared, received []Tie, err error) {
	err = s.read(ctx, "org.ties", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if string(id) != who.Org && reach != gate.All {
			return ErrOrgGone
		}
		if _, err := loadOrg(ctx, tx, id, who, reach); err != nil {
			return gone(err, ErrOrgGone)
		}
		if declared, err = tiesOf(ctx, tx, id); err != nil {
			return err
		}
		for i := range declared {
			if declared[i].State == Declined && reach != gate.All {
				declared[i].State, declared[i].SettledAt = Declared, time.Time{}
			}
		}
		received, err = tiesTo(ctx, tx, id)
		return err
	})
	return declared, received, err
}

// Tied returns the organisations that are tied to one, confirmed: those that
// supply it or operate for it (other sides), or its customers. For routing and
// reach of other nouns; it checks nobody's access.
func (s *Service) Tied(ctx context.Context, tx *db.Tx, id ID, kind TieKind, customers bool) ([]ID, error) {
	return tiedIDs(ctx, tx, id, kind, customers)
}
