package act

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
)

// Decision is an approval of an order, as it was seen.
type Decision struct {
	Digest   string `json:"digest,omitempty" maxLength:"64" doc:"Of the order that you saw; another one is refused"`
	Override string `json:"override,omitempty" maxLength:"16000" doc:"Why it is right although a warning list names targets"`
}

// Approve lets an order be carried out, as another person than who asked: a Grant
// of that very order is issued, until its hours are over. An order that carries
// out a step of a case is released by one of the two officers who carry that step
// out, and rests on the case's Grant. Faults: ErrApart, ErrUndried, ErrUnfit,
// ErrDigest, ErrOverride, ErrEmergency, ErrStep, and those of the case.
func (s *Service) Approve(ctx context.Context, id string, d Decision) (Order, error) {
	var bad mistakes
	d.Override = bad.text("override", d.Override, false)
	return s.do(ctx, move{verb: "act.approve", id: id, by: ApproverSide, say: d.Override, fn: func(a *at) (State, error) {
		o := a.o
		if err := bad.err(); err != nil {
			return "", err
		}
		if err := s.mayApprove(a, &d); err != nil {
			return "", err
		}
		grant, err := s.granted(a)
		if err != nil {
			return "", err
		}
		o.DecidedAt, o.approver = a.now, a.who.Person
		overridden := 0
		if d.Override != "" {
			overridden = o.WarnedCount
			o.Words.Override = d.Override
			if err := s.seal(a.ctx, a.tx, o, o.Words); err != nil {
				return "", err
			}
		}
		facts := factsOf(o)
		for _, k := range []string{"digest", "chain", "step", "plan"} {
			if v, ok := facts[k]; ok {
				a.act.Public[k] = v
			}
		}
		a.act.Public["asker"], a.act.Public["approval"], a.act.Public["order"] = ledger.Person(o.asker), o.Approval, grant
		a.act.Public["from_at"], a.act.Public["until_at"] = o.From.Format(time.RFC3339), o.Until.Format(time.RFC3339)
		a.act.Public["warned"], a.act.Public["overridden"] = o.WarnedCount, overridden
		return Approved, nil
	}})
}

// mayApprove checks what an approval needs, before anything is issued.
func (s *Service) mayApprove(a *at, d *Decision) error {
	o := a.o
	switch {
	case step(o.State, "approve", Approved, ApproverSide) != nil:
		return step(o.State, "approve", Approved, ApproverSide)
	case a.who.Person == "" || a.who.Person == o.asker:
		return ErrApart
	case o.Task.Digest() != o.Digest:
		return ErrChanged
	case d.Digest != o.Digest:
		return ErrDigest
	case o.DriedAt.IsZero():
		return ErrUndried
	}
	if err := s.open(a.ctx, a.tx, o); err != nil {
		return err
	}
	switch {
	case o.Shown == nil || o.Shown.Digest != o.Digest:
		return ErrUndried
	case !o.fits:
		return fault.New(fault.Unmet, ErrUnfit.Code, "reason", cmp.Or(o.Shown.Says, o.Reason))
	}
	if o.WarnedCount > 0 && !strings.ContainsFunc(d.Override, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		return fault.New(fault.Invalid, ErrOverride.Code, "n", o.WarnedCount).At(fault.Place{At: "override", Code: "act.bad.empty"})
	}
	return nil
}

// granted gets the Grant of an order: its own, or that of the case whose step it
// carries out. It returns the digest of the Grant's paper.
func (s *Service) granted(a *at) (paper string, err error) {
	o, t := a.o, &a.o.Task
	from := a.now.Truncate(time.Second)
	until := from.Add(time.Duration(t.Hours) * time.Hour)
	if t.Chain == "" {
		g, err := s.Approvals.Issue(a.ctx, a.tx, a.act, approval.Order{Kind: approval.OwnNetwork, From: from, Until: until, Measure: o.ID, Plan: o.Digest, Grounds: o.Words.Grounds}, "")
		if err != nil {
			return "", err
		}
		o.Approval, o.From, o.Until = g.ID(), g.Order().From, g.Order().Until
		return g.Digest(), nil
	}
	u, err := s.Measures.UnderWay(a.ctx, a.tx, t.Chain, t.Step, a.who)
	if err != nil {
		return "", err
	}
	if u.Emergency || u.Approval == "" {
		return "", ErrEmergency
	}
	raw, err := s.targets(a.ctx, a.tx, o)
	if err != nil {
		return "", err
	}
	if u.Chain != t.Chain || u.Plan != t.Plan {
		return "", fault.New(fault.Refused, ErrOffPlan.Code, "what", part("plan"))
	}
	if err := onPlan(u, t, lines(raw), &s.Numbers); err != nil {
		return "", err
	}
	g, err := s.Approvals.Grant(a.ctx, a.tx, u.Approval)
	if err != nil {
		return "", err
	}
	if u.Until.Before(until) {
		until = u.Until.Truncate(time.Second)
	}
	first, err := begun(a.ctx, a.tx, t) // a step's hours are counted once, in however many orders
	if err != nil {
		return "", err
	}
	if last := first.Add(time.Duration(u.Step.Hours) * time.Hour); !first.IsZero() && last.Before(until) {
		until = last
	}
	if !until.After(from) {
		return "", fault.New(fault.Refused, ErrOffPlan.Code, "what", part("hours"))
	}
	o.Approval, o.From, o.Until = u.Approval, from, until
	return g.Digest(), nil
}

// Refuse refuses an order, with a reason. Faults: ErrApart, ErrInvalid, ErrStep.
func (s *Service) Refuse(ctx context.Context, id, text string) (Order, error) {
	text, bad := why("text", text)
	return s.do(ctx, move{verb: "act.refuse", id: id, by: ApproverSide, say: text, fn: func(a *at) (State, error) {
		if bad != nil {
			return "", bad
		}
		if a.who.Person == "" || a.who.Person == a.o.asker {
			return "", ErrApart
		}
		a.o.DecidedAt, a.o.approver = a.now, a.who.Person
		a.act.Public["asker"] = ledger.Person(a.o.asker)
		return Refused, nil
	}})
}

// Settle writes down, for an actuator that does not answer, that nothing of an
// order is held any more: somebody looked at the equipment. Of an order that is over
// it ends the alarm that it is still held, which comes again as long as the actuator
// says so. Faults: ErrInvalid, ErrStep.
func (s *Service) Settle(ctx context.Context, id, text string) (Order, error) {
	text, bad := why("text", text)
	return s.do(ctx, move{verb: "act.settle", id: id, by: ApproverSide, say: text, fn: func(a *at) (State, error) {
		if bad != nil {
			return "", bad
		}
		a.act.Public["use"], a.act.Public["reason"] = a.o.use, "by_hand"
		if a.o.overAndHeld() {
			a.act.Public["calmed"] = a.o.Alarm
			a.o.Alarm, a.o.AlarmedAt = "", time.Time{}
			return "", nil
		}
		a.o.Rules, a.o.Missing, a.o.Extra, a.o.Reason = 0, 0, 0, "by_hand"
		return Undone, s.finished(a, Undone)
	}})
}

// finished ends the use of the Grant with an order, and the Grant where it is the
// order's own.
func (s *Service) finished(a *at, to State) error {
	if a.o.Task.Chain == "" && a.o.use != "" {
		err := s.Approvals.Finish(a.ctx, a.tx, a.o.use, approval.Quantity{}, string(to))
		if err != nil && !errors.Is(err, approval.ErrUse) {
			return err
		}
	}
	return s.recall(a, string(to))
}

// recall ends an order's own Grant; one that has ended already stays as it is.
func (s *Service) recall(a *at, reason string) error {
	if a.o.Approval == "" || a.o.Task.Chain != "" {
		return nil
	}
	err := s.Approvals.Recall(a.ctx, a.tx, a.act, a.o.Approval, reason)
	if errors.Is(err, approval.ErrStep) {
		return nil
	}
	return err
}
