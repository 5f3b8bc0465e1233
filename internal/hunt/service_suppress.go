package hunt

import (
	"context"
	"errors"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// offerOwner is whose key offers are sealed with: one for the whole hub, because
// every operator may read them.
const offerOwner = "hunt"

func (x *Suppression) open(c *key.Cipher) error {
	return c.OpenJSON(x.sealed, suppressionName(x.ID), &x.NewSuppression)
}

// inForce are the suppressions of an organisation that are applied to what comes
// in.
func (s *Service) inForce(ctx context.Context, tx *db.Tx, c *key.Cipher, org string) ([]Suppression, error) {
	list, err := listInForce(ctx, tx, org, s.now(), maxSuppress)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].open(c); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Suppress declares what a rule finds harmless until a day. It is applied to
// what comes in from now on, and is in the file for "hunt scan --suppress".
// Faults: ErrInvalid, ErrMany.
func (s *Service) Suppress(ctx context.Context, n NewSuppression) (out Suppression, err error) {
	act := &ledger.Act{Verb: "hunt.suppress", Secret: n}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if n, err = n.normal(s.now()); err != nil {
			return err
		}
		out, err = s.suppress(ctx, tx, who, n, "")
		act.Object = suppressionName(out.ID)
		return err
	})
	return out, err
}

func (s *Service) suppress(ctx context.Context, tx *db.Tx, who gate.Identity, n NewSuppression, adopted string) (out Suppression, err error) {
	have, err := countInForce(ctx, tx, who.Org, s.now())
	if err != nil {
		return out, err
	}
	if have >= maxSuppress {
		return out, fault.New(fault.Conflict, ErrMany.Code, "max", maxSuppress)
	}
	c, err := s.Keys.Make(ctx, tx, who.Org)
	if err != nil {
		return out, fmt.Errorf("suppress: %w", err)
	}
	out = Suppression{ID: newID(), NewSuppression: n, By: who.Person, At: s.now(), Adopted: adopted, org: who.Org}
	if out.sealed, err = c.SealJSON(n, suppressionName(out.ID)); err != nil {
		return out, err
	}
	return out, insertSuppression(ctx, tx, out)
}

// Suppressions lists the suppressions of one's own organisation, the newest
// first; those over and ended too when all is set.
func (s *Service) Suppressions(ctx context.Context, all bool, cursor string, limit int) (out []Suppression, next string, err error) {
	err = s.read(ctx, "hunt.suppressions", func(tx *db.Tx, who gate.Identity) error {
		if out, next, err = listSuppressions(ctx, tx, who.Org, all, s.now(), cursor, limit); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list suppressions: %w", err)
		}
		for i := range out {
			if err := out[i].open(c); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// SuppressFile is the file for "hunt scan --suppress" with all suppressions of
// one's own organisation that are in force.
func (s *Service) SuppressFile(ctx context.Context) (file []byte, err error) {
	err = s.read(ctx, "hunt.suppress_file", func(tx *db.Tx, who gate.Identity) error {
		c, err := s.cipher(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		list, err := s.inForce(ctx, tx, c, who.Org)
		if err != nil {
			return err
		}
		file, err = suppressFile(list)
		return err
	})
	return file, err
}

// Unsuppress ends a suppression, and withdraws what was offered of it. Faults:
// ErrNone, ErrEnded.
func (s *Service) Unsuppress(ctx context.Context, id, why string) error {
	act := &ledger.Act{Verb: "hunt.unsuppress", Object: suppressionName(id), Secret: why}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		x, err := s.mine(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if !x.EndedAt.IsZero() {
			return ErrEnded
		}
		if err := withdrawOffers(ctx, tx, id, s.now()); err != nil {
			return err
		}
		return endSuppression(ctx, tx, id, s.now())
	})
}

// mine loads a suppression of an organisation.
func (s *Service) mine(ctx context.Context, tx *db.Tx, org, id string) (Suppression, error) {
	x, err := loadSuppression(ctx, tx, org, id)
	if err != nil {
		return x, err
	}
	c, err := s.Keys.For(ctx, tx, org)
	if err != nil {
		return x, fmt.Errorf("suppression %s: %w", id, err)
	}
	return x, x.open(c)
}

// Preview is what others would see of a suppression if it were offered. Faults:
// ErrNone, ErrEnded, ErrPersonal.
func (s *Service) Preview(ctx context.Context, id string) (out Offer, err error) {
	err = s.read(ctx, "hunt.preview", func(tx *db.Tx, who gate.Identity) error {
		_, out, err = s.toOffer(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

// toOffer is what others would see: the rule, the condition, the reason as it is
// written and the day it ends, and neither host nor account.
func (s *Service) toOffer(ctx context.Context, tx *db.Tx, org, id string) (x Suppression, out Offer, err error) {
	if x, err = s.mine(ctx, tx, org, id); err != nil {
		return x, out, err
	}
	switch {
	case !x.EndedAt.IsZero() || !x.UntilAt.After(s.now()):
		return x, out, ErrEnded
	case x.Host != "" || x.User != "":
		return x, out, ErrPersonal
	}
	return x, Offer{Condition: x.Condition, Title: x.Title, Reason: x.Reason, UntilAt: x.UntilAt, Mine: true}, nil
}

// Offer shares a suppression with all operators: consent that is an act of its
// own. Who offers it is told only if named. Faults: ErrNone, ErrEnded,
// ErrPersonal, ErrOffered.
func (s *Service) Offer(ctx context.Context, id string, named bool) (out Offer, err error) {
	act := &ledger.Act{Verb: "hunt.offer", Public: map[string]any{"named": named}}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		x, o, err := s.toOffer(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if x.Offer != "" || x.Adopted != "" {
			return ErrOffered
		}
		o.ID, o.At, o.org = newID(), s.now(), who.Org
		if named {
			o.Org = who.Org
		}
		c, err := s.Keys.Make(ctx, tx, offerOwner)
		if err != nil {
			return fmt.Errorf("offer a suppression: %w", err)
		}
		if o.sealed, err = c.SealJSON(NewSuppression{o.Condition, o.Title, o.Reason, o.UntilAt}, offerName(o.ID)); err != nil {
			return err
		}
		act.Object, act.Secret = offerName(o.ID), o
		out = o
		return insertOffer(ctx, tx, o, id)
	})
	return out, err
}

// Withdraw takes an offer back. Who adopted it keeps what they adopted. Faults:
// ErrNone.
func (s *Service) Withdraw(ctx context.Context, offer string) error {
	act := &ledger.Act{Verb: "hunt.withdraw", Object: offerName(offer)}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		ok, err := withdrawOffer(ctx, tx, who.Org, offer, s.now())
		if err == nil && !ok {
			err = ErrNone
		}
		return err
	})
}

func (o *Offer) open(c *key.Cipher, own string) error {
	var n NewSuppression
	if err := c.OpenJSON(o.sealed, offerName(o.ID), &n); err != nil {
		return err
	}
	o.Condition, o.Title, o.Reason, o.UntilAt = n.Condition, n.Title, n.Reason, n.UntilAt
	o.Mine = o.org == own
	if o.Users < fewest {
		o.Users = 0
	}
	return nil
}

// Offers lists the suppressions that organisations share, the newest first.
func (s *Service) Offers(ctx context.Context, cursor string, limit int) (out []Offer, next string, err error) {
	err = s.read(ctx, "hunt.offers", func(tx *db.Tx, who gate.Identity) error {
		c, err := s.cipher(ctx, tx, offerOwner)
		if err != nil || c == nil {
			return err
		}
		if out, next, err = listOffers(ctx, tx, who.Org, s.now(), cursor, limit); err != nil {
			return err
		}
		for i := range out {
			if err := out[i].open(c, who.Org); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Adopt makes a suppression of one's own organisation of an offer. Faults:
// ErrNone, ErrOffered, ErrMany.
func (s *Service) Adopt(ctx context.Context, offer string) (out Suppression, err error) {
	act := &ledger.Act{Verb: "hunt.adopt", Object: offerName(offer)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		o, err := loadOffer(ctx, tx, who.Org, offer, s.now())
		if err != nil {
			return err
		}
		if o.Adopted || o.org == who.Org {
			return ErrOffered
		}
		c, err := s.Keys.For(ctx, tx, offerOwner)
		if err != nil {
			return fmt.Errorf("offer %s: %w", offer, err)
		}
		if err := o.open(c, who.Org); err != nil {
			return err
		}
		out, err = s.suppress(ctx, tx, who, NewSuppression{o.Condition, o.Title, o.Reason, o.UntilAt}, o.ID)
		if errors.Is(err, ErrMany) {
			return err
		}
		act.Secret = out.NewSuppression
		return err
	})
	return out, err
}
