package approval

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Lay asks the commission to let a plan be carried out against a machine, in the
// act by which its chain of command asks. It is for the noun of measures alone,
// whose rules were met before. From here on the case is one like any other: it
// is examined, voted on, decided, and what it approves is an Order of that very
// plan. Faults: ErrInvalid with places, and those of an order.
func (s *Service) Lay(ctx context.Context, tx *db.Tx, act *ledger.Act, a Application) (c Case, err error) {
	who, ok := gate.From(ctx)
	if !ok || who.Person == "" {
		return c, ErrKindAct
	}
	now := s.now()
	if a, err = s.Rules.measure(a, now); err != nil {
		return c, err
	}
	c = Case{ID: newID(), Number: newNumber(), Org: who.Org, Asked: a, CreatedAt: now, kind: a.Kind, from: a.From, Until: a.Until}
	if _, err := a.order(c.ID, c.Org, nil, now).Normal(); err != nil {
		return c, err
	}
	step := ledger.Act{Entry: act.Entry} // the act is the measure's
	if err := s.file(ctx, tx, &step, &c, Asked, AskerSide, who); err != nil {
		return c, err
	}
	return c, s.tell(ctx, tx, "asked", &c)
}

// Standing is what a measure may know of the approval that it rests on.
type Standing struct {
	State    State // as it is now: what is past its period is expired
	Measure  string
	Plan     string    // digest of what was approved; empty while nothing was
	From     time.Time // as approved, or as asked
	Until    time.Time
	Decided  time.Time
	Reason   string // of the decision or of the end
	Digest   string // of the order
	Bound    []string
	Number   string
	Requests int // questions that wait for an answer
}

// Standing returns how an approval stands that was laid before the commission.
// Faults: ErrNone.
func (s *Service) Standing(ctx context.Context, tx *db.Tx, id ID) (st Standing, err error) {
	c, err := caseByID(ctx, tx, id, false, s.now())
	if err != nil {
		return st, err
	}
	if !c.kind.measures() {
		return st, ErrNone
	}
	if err := s.unlock(ctx, tx, &c); err != nil {
		return st, err
	}
	st = Standing{State: c.State, Measure: c.Asked.Measure, From: c.from, Until: c.Until, Decided: c.DecidedAt, Reason: c.Reason, Digest: c.Order, Bound: c.Conditions, Number: c.Number, Requests: c.Open}
	if c.Order == "" {
		return st, nil
	}
	g, err := s.grant(ctx, tx, &c)
	if err != nil {
		return st, err
	}
	st.Plan = g.Order().Plan // what was signed, whatever a table says
	return st, nil
}

// Release takes back what was laid before the commission, or gives up what it
// approved, in the act by which its measure goes another way. What has ended
// already stays as it is. Faults: ErrNone, ErrInvalid.
func (s *Service) Release(ctx context.Context, tx *db.Tx, act *ledger.Act, id ID, reason string) error {
	who, _ := gate.From(ctx)
	c, err := caseByID(ctx, tx, id, true, s.now())
	if err != nil {
		return err
	}
	what, to := "withdraw", Withdrawn
	switch {
	case !c.kind.measures() || c.Org != who.Org:
		return ErrNone
	case c.State == Approved:
		what, to = "give_up", GivenUp
	case c.State != Asked && c.State != Examined:
		return nil
	}
	if err := step(c.kind, c.State, what, AskerSide, to); err != nil {
		return err
	}
	if err := s.unlock(ctx, tx, &c); err != nil {
		return err
	}
	over := ledger.Act{Entry: act.Entry} // the act is the measure's
	if err := s.end(ctx, tx, &over, &c, to, AskerSide, who, reason); err != nil {
		return err
	}
	return s.tell(ctx, tx, "withdrawn", &c)
}

// Hold keeps an approval as it is until the act of a measure that rests on it is
// written, and refuses as Redeem does whoever may not carry it out: each person
// who takes part in a step is asked, not only the one who began. Faults are those
// of Alive, ErrNoGrant and ErrExecutor.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, use ID, who gate.Identity) error {
	u, err := loadUse(ctx, tx, use)
	if err != nil {
		return err
	}
	c, err := caseByID(ctx, tx, u.Approval, true, s.now()) // who revokes it waits, or was first
	if err != nil {
		return err
	}
	var p Power
	if err := s.executor(ctx, tx, &c, who, &p); err != nil {
		return err
	}
	if err := p.Executes(); err != nil {
		return err
	}
	if err := s.AliveIn(ctx, tx, use); err != nil {
		return err
	}
	return putPerson(ctx, tx, c.ID, who.Person, HandlerSide)
}
