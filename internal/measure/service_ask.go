package measure

import (
	"context"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// Consult asks the Foreign Minister about a plan against a machine that is not
// believed to be in Japan. Faults: ErrInvalid with places.
func (s *Service) Consult(ctx context.Context, id ID, w Worksheet) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.consult", act: "consult", said: &w, check: w.check, after: func(a *at) error {
		a.c.Worksheet = w.digest(a.c.ID, a.c.Plan)
		return nil
	}})
}

// Answer answers for the Foreign Minister, to the worksheet that was read and to
// no other. An objection sends the plan back: it cannot go on without an answer to
// another consultation. Faults: ErrInvalid, ErrSheet.
func (s *Service) Answer(ctx context.Context, id ID, o Opinion) (Chain, error) {
	act := "answer"
	if o.Objects {
		act = "object"
	}
	return s.do(ctx, id, move{verb: "measure.answer", act: act, said: &o, check: func() error { return reason("text", &o.Text) }, before: func(a *at) error {
		if a.c.State == Consulting && o.Worksheet != a.c.Worksheet {
			return ErrSheet
		}
		return nil
	}})
}

// ErrSheet is an answer to another worksheet than the one that is asked about.
var ErrSheet = fault.New(fault.Conflict, "measure.sheet")

// Agree is the safety commission's request to the self-defence forces, or its
// consent. Faults: ErrInvalid.
func (s *Service) Agree(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.agree", act: "agree", said: &text, check: func() error { return reason("text", &text) }})
}

// OrderInput is what the Prime Minister ordered, and until when.
type OrderInput struct {
	Text  string    `json:"text,omitempty" maxLength:"16000"`
	Until time.Time `json:"until,omitzero"`
}

// Order records the Prime Minister's order to the self-defence forces, with its
// period. Faults: ErrInvalid with places.
func (s *Service) Order(ctx context.Context, id ID, o OrderInput) (Chain, error) {
	o.Until = o.Until.UTC().Truncate(time.Second)
	return s.do(ctx, id, move{verb: "measure.order", act: "order", said: &o, check: func() error {
		var bad mistakes
		bad.text("text", &o.Text, maxWords, true)
		if now := s.now(); !o.Until.After(now) {
			bad.add("until", "measure.bad.period")
		} else if o.Until.Sub(now) > s.Numbers.OrderDays.days() {
			bad.add("until", "measure.bad.days", "days", s.Numbers.OrderDays.Value)
		}
		return bad.err()
	}, after: func(a *at) error { a.c.OrderUntil = o.Until; return nil }})
}

// Ask lays the plan before the oversight commission: who asks writes why nothing
// else would do; grounds and necessity are those of the assessment. Faults:
// ErrInvalid, and the guards that do not hold.
func (s *Service) Ask(ctx context.Context, id ID, noOther string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.ask", act: "ask", said: &noOther, check: func() error { return reason("text", &noOther) }, after: func(a *at) error {
		var x Assessment
		if err := s.last(a.ctx, a.tx, a.c, "assess", &x); err != nil {
			return err
		}
		filed, err := s.Approvals.Lay(a.ctx, a.tx, a.act, approval.Application{Kind: a.c.Kind(), From: a.now, Until: a.c.Until, Grounds: x.Danger.Grounds, NoOther: noOther,
			Necessity: x.Necessity, Measure: a.c.ID, Plan: a.c.Plan})
		if err != nil {
			return err
		}
		a.c.Approval = string(filed.ID)
		a.act.Grant = a.c.Approval
		return nil
	}})
}

// Recall takes back what is before the Foreign Minister or the commission, or gives
// up what was approved, so that the plan can be changed. Faults: ErrInvalid.
func (s *Service) Recall(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.recall", act: "recall", said: &why, check: func() error { return reason("text", &why) }, after: s.release(&why)})
}

// Drop gives a case up before anything was done. Faults: ErrInvalid.
func (s *Service) Drop(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.drop", act: "drop", said: &why, check: func() error { return reason("text", &why) }, after: s.release(&why)})
}

// release takes an application back, or gives up an approval.
func (s *Service) release(why *string) func(a *at) error {
	return func(a *at) error {
		if a.c.Approval == "" {
			return nil
		}
		a.act.Grant = a.c.Approval
		return s.Approvals.Release(a.ctx, a.tx, a.act, a.c.Approval, *why)
	}
}
