package approval

import (
	"time"

	"noroshi/internal/base/fault"
)

// Left returns what is left of a cap after so much was taken, and false when
// nothing is; zero where it does not bound.
func (q Quantity) Left(taken Quantity) (left Quantity, some bool) {
	some = true
	rest := func(all, used uint64) uint64 {
		if all == 0 {
			return 0
		}
		if used >= all {
			some = false
			return 0
		}
		return all - used
	}
	left = Quantity{rest(q.Packets, taken.Packets), rest(q.Bytes, taken.Bytes)}
	return left, some
}

// Power is all that decides whether somebody may take a Grant at an instant: the
// paper that this hub keeps, what became of the approval since, who acts, and
// what other uses took.
type Power struct {
	Kept      Grant // opened from the paper that this hub signed
	State     State
	Own       bool     // who acts is of the organisation that asked
	Duty      bool     // and has the duty of carrying out what is approved of this kind
	Other     Side     // another side that they acted on, of this approval or of one that it extends; empty for none
	Unwatched error    // why nobody could look at what is taken; nil: a witness does
	Going     int      // uses under way
	Most      int      // that may be at a time
	Spent     Quantity // by all uses
}

// Genuine refuses a Grant that was not opened from the paper that this hub signed.
func (p *Power) Genuine(g Grant) error { return same(g, p.Kept) }

// Executes refuses who may not carry out: of another organisation, without the
// duty, or on another side of the case.
func (p *Power) Executes() error {
	switch {
	case !p.Own:
		return ErrNoGrant
	case !p.Duty:
		return ErrExecutor
	case p.Other != "":
		return fault.New(fault.Refused, ErrExecutor.Code, "side", string(p.Other))
	}
	return nil
}

// Admits returns what a use of a genuine Grant may take, or the refusal.
func (p *Power) Admits(sc Scope, now time.Time) (left Quantity, err error) {
	o := &p.Kept.order // what was signed, whatever a table says
	if err := p.Executes(); err != nil {
		return left, err
	}
	if err := stands(p.State, o.From, o.Until, now); err != nil {
		return left, err
	}
	if err := p.Kept.Covers(sc); err != nil {
		return left, err
	}
	left, some := o.Cap.Left(p.Spent)
	switch {
	case p.Unwatched != nil:
		return Quantity{}, p.Unwatched
	case p.Going >= p.Most:
		return Quantity{}, ErrBusy
	case !some:
		return Quantity{}, ErrSpent
	}
	return left, nil
}

// Vital is all that decides whether a use that is under way may go on.
type Vital struct {
	State State
	Until time.Time // of the approval
	Ended time.Time // of the use; zero: under way
	Cap   Quantity
	Spent Quantity // by all uses
}

// Goes refuses the use that may not go on: ErrUse, ErrExpired, ErrWithdrawn or
// ErrSpent.
func (v *Vital) Goes(now time.Time) error {
	if !v.Ended.IsZero() {
		return ErrUse
	}
	if err := stands(v.State, time.Time{}, v.Until, now); err != nil {
		return err
	}
	if _, some := v.Cap.Left(v.Spent); !some {
		return ErrSpent
	}
	return nil
}

// stands refuses what is not in force at an instant.
func stands(state State, from, until, now time.Time) error {
	switch {
	case state == Revoked, state == GivenUp:
		return ErrWithdrawn
	case state == Expired, state == Approved && !now.Before(until):
		return ErrExpired
	case state != Approved:
		return ErrNoGrant
	case now.Before(from):
		return ErrEarly
	}
	return nil
}

// Apart refuses who acted on another side of a case: was is that side, empty for
// none.
func Apart(was, by Side) error {
	if was != "" && was != by {
		return fault.New(fault.Refused, ErrApart.Code, "side", string(was))
	}
	return nil
}
