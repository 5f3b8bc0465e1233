package approval

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Further refusals of a Grant.
var (
	ErrForged = fault.New(fault.Refused, "approval.grant.forged") // not the paper that this hub signed
	ErrEarly  = fault.New(fault.Refused, "approval.grant.early")  // its period has not begun
)

// Redeem is the first line of every method that takes power: it takes the Grant
// for one use, or refuses. It compares the paper with the one that was signed
// here, and asks the state of the approval now, its period, what the order
// covers, who acts (never who asked, examined or decided), whether a witness
// cosigns the ledger, whether another use is under way, and what is left of the
// cap. Act is the one that the use belongs
// to: its entry names the approval, whether it is done or refused.
//
// The use that comes back is under way until Finish; Left is what it may take.
// Faults are refusals: return them from the act, so that its entry stays. They
// stand in Uses too.
func (s *Service) Redeem(ctx context.Context, tx *db.Tx, act *ledger.Act, g Grant, who gate.Identity, sc Scope) (u Use, err error) {
	if g.ID() == "" || g.Digest() == "" {
		return u, ErrNoGrant
	}
	act.Grant = g.ID()
	now := s.now()
	c, err := caseByID(ctx, tx, g.ID(), true, now)
	if errors.Is(err, ErrNone) {
		return u, ErrNoGrant
	}
	if err != nil {
		return u, fmt.Errorf("redeem: %w", err)
	}
	if u, err = s.redeem(ctx, tx, act, &c, g, who, sc, now); err != nil && fault.KindOf(err) == fault.Refused {
		s.refused(Refusal{Approval: c.ID, Org: who.Org, Verb: act.Verb, Reason: fault.Of(err).Code, At: now, Entry: act.Entry, person: who.Person})
	}
	return u, err
}

func (s *Service) redeem(ctx context.Context, tx *db.Tx, act *ledger.Act, c *Case, g Grant, who gate.Identity, sc Scope, now time.Time) (u Use, err error) {
	p := Power{State: c.State, Most: s.Rules.Row(c.kind, "parallel").Value}
	if p.Kept, err = s.grant(ctx, tx, c); err != nil {
		return u, err
	}
	if err := p.Genuine(g); err != nil {
		return u, err
	}
	if err := s.executor(ctx, tx, c, who, &p); err != nil {
		return u, err
	}
	if p.Unwatched, err = s.watched(ctx, tx); err != nil {
		return u, err
	}
	if p.Going, err = openUses(ctx, tx, c.ID); err != nil {
		return u, err
	}
	if p.Spent, err = spent(ctx, tx, c.ID); err != nil {
		return u, err
	}
	left, err := p.Admits(sc, now)
	if err != nil {
		return u, err
	}
	u = Use{ID: newID(), Approval: c.ID, Org: who.Org, Verb: act.Verb, At: now, Left: left, Entry: act.Entry, Scope: sc, person: who.Person}
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return Use{}, err
	}
	if u.sealed, err = k.SealJSON(sc, "approval_use/"+u.ID); err != nil {
		return Use{}, err
	}
	if err := putPerson(ctx, tx, c.ID, who.Person, HandlerSide); err != nil {
		return Use{}, err
	}
	return u, insertUse(ctx, tx, u)
}

// watched returns the refusal while no witness cosigns what would be written of
// the use: power that nobody can look at is not taken.
func (s *Service) watched(ctx context.Context, tx *db.Tx) (refusal, err error) {
	w, err := s.Ledger.Witnessing(ctx, tx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("redeem: %w", err)
	case !w.Waits:
		return nil, nil
	case w.Since.IsZero():
		return ErrNeverWitness, nil
	}
	return fault.New(fault.Refused, ErrUnwitnessed.Code, "since", w.Since, "wait", w.Wait), nil
}

// same refuses a Grant that was not opened from the paper that this hub signed.
func same(g, kept Grant) error {
	if subtle.ConstantTimeCompare([]byte(g.digest), []byte(kept.digest)) != 1 || g.by != kept.by || g.key != kept.key || g.order.Digest() != kept.digest {
		return ErrForged
	}
	return nil
}

// maxChain bounds how many extensions of one approval are looked at.
const maxChain = 1000

// executor finds out of who acts what decides whether they may carry out: of which
// organisation, with what duty, and on which other side of the same case or of one
// that it extends.
func (s *Service) executor(ctx context.Context, tx *db.Tx, c *Case, who gate.Identity, p *Power) (err error) {
	p.Own, p.Duty, p.Other = who.Org == c.Org, who.Has(handler(c.kind)) && who.Person != "", ""
	if !p.Own || !p.Duty {
		return nil
	}
	// Who was on another side of what this goes on from was so of this too.
	for id, n := c.ID, 0; id != "" && n < maxChain && p.Other == ""; n++ {
		if p.Other, err = otherSide(ctx, tx, id, who.Person, HandlerSide); err != nil {
			return err
		}
		if id, err = extendsOf(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// Spend writes how much a use took so far, in all: not since it was last asked,
// so that saying it twice does no harm. What is beyond the cap is written too;
// Alive then says ErrSpent. Faults: ErrUse, ErrTaken.
func (s *Service) Spend(ctx context.Context, tx *db.Tx, use ID, taken Quantity) error {
	return takeUse(ctx, tx, use, bounded(taken), time.Time{}, "")
}

// Finish ends a use: how much it took in all, and with what outcome, a short
// name such as "done" or "cap". Faults: ErrUse, ErrTaken.
func (s *Service) Finish(ctx context.Context, tx *db.Tx, use ID, taken Quantity, outcome string) error {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }
	if outcome == "" || len(outcome) > maxOutcome || strings.ContainsFunc(outcome, odd) {
		return fmt.Errorf("BUG: approval: outcome of %d bytes", len(outcome))
	}
	return takeUse(ctx, tx, use, bounded(taken), s.now(), outcome)
}

// bounded keeps a count within what a database holds, and sums of them too.
func bounded(q Quantity) Quantity {
	return Quantity{min(q.Packets, maxQuantity), min(q.Bytes, maxQuantity)}
}

// Alive returns nil while a use may go on: one query, cheap enough to be asked
// several times a second. Else the refusal that ends it: ErrExpired,
// ErrWithdrawn, ErrSpent; ErrUse when it has ended already.
func (s *Service) Alive(ctx context.Context, use ID) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error { return s.AliveIn(ctx, tx, use) })
}

// AliveIn is Alive within an act: what is taken in it is taken under a use that
// may go on, or not at all.
func (s *Service) AliveIn(ctx context.Context, tx *db.Tx, use ID) error {
	v, err := loadVital(ctx, tx, use)
	if err != nil {
		return err
	}
	return v.Goes(s.now())
}

// Unfinished lists uses that are under way, the first 500, without their scopes:
// after a crash whoever runs selections ends those that nobody carries on.
func (s *Service) Unfinished(ctx context.Context, tx *db.Tx) ([]Use, error) {
	return unfinished(ctx, tx)
}

// maxLate bounds the refusals that wait to be written beside their entries.
const maxLate = 1000

// refused keeps a refusal until its act is on the ledger. When too many wait,
// the oldest are left to the ledger alone, which has each of them.
func (s *Service) refused(r Refusal) {
	s.late.Lock()
	defer s.late.Unlock()
	if len(s.late.list) >= maxLate {
		s.late.list = s.late.list[1:]
	}
	s.late.list = append(s.late.list, r)
}

// settle writes the refusals whose entries are on the ledger. Those whose act
// was undone as a whole are forgotten, after a while.
func (s *Service) settle(ctx context.Context) error {
	s.late.Lock()
	list := s.late.list
	s.late.list = nil
	s.late.Unlock()
	var done, keep []Refusal
	for _, r := range list {
		_, err := s.Ledger.Receipt(ctx, r.Entry)
		switch {
		case err == nil:
			done = append(done, r)
		case !errors.Is(err, ledger.ErrNoEntry) || s.now().Sub(r.At) < time.Minute:
			keep = append(keep, r)
		}
	}
	var err error
	if len(done) > 0 {
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			for _, r := range done {
				if err := insertRefusal(ctx, tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			keep = append(keep, done...)
		}
	}
	for _, r := range keep {
		s.refused(r)
	}
	return err
}
