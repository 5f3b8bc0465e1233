package measure

import (
	"context"

	"noroshi/internal/approval"
	"noroshi/internal/base/ledger"
)

// Authorise lets those who were designated carry the plan out in its hours, under
// the commission's approval or a declared emergency. Faults: the guards that do
// not hold.
func (s *Service) Authorise(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.authorise", act: "authorise", said: &text, check: func() error { return reason("text", &text) }, before: s.inEmergency})
}

// inEmergency says in clear whether a superior signed, where no approval lets
// somebody act.
func (s *Service) inEmergency(a *at) error {
	if a.c.Facts.Approved {
		return nil
	}
	return s.signed(a)
}

// Begin begins to carry a plan out, as somebody who was designated: the approval
// is redeemed for this plan and for one use. Faults: the guards that
// do not hold, and the refusals of the approval.
func (s *Service) Begin(ctx context.Context, id ID) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.begin", act: "begin", said: struct{}{}, before: func(a *at) error {
		if a.c.Approval == "" || !a.c.Facts.Approved { // an emergency, if at all: the guards say
			return s.inEmergency(a)
		}
		g, err := s.Approvals.Grant(a.ctx, a.tx, a.c.Approval)
		if err != nil {
			return err
		}
		u, err := s.Approvals.Redeem(a.ctx, a.tx, a.act, g, a.who, approval.Scope{Kind: a.c.Kind(), Measure: a.c.ID, Plan: a.c.Plan})
		if err != nil {
			return err
		}
		a.c.use = u.ID
		a.move.public = map[string]any{"use": u.ID}
		return nil
	}})
}

// alive asks whether the approval still lets this very person act, at this
// instant, and holds it: nobody takes it back before the act is written.
func (s *Service) alive(a *at) error {
	if a.c.use == "" {
		return nil
	}
	a.act.Grant = a.c.Approval
	return s.Approvals.Hold(a.ctx, a.tx, a.c.use, a.who)
}

// plan opens the plan of a chain, which is the one that was put to others: a paper
// that has another digest is none.
func (s *Service) plan(a *at) (p Plan, err error) {
	if err := s.last(a.ctx, a.tx, a.c, "plan", &p); err != nil {
		return p, err
	}
	if p.digest(a.c.ID) != a.c.Plan {
		return p, ErrAltered
	}
	return p, nil
}

func (s *Service) finishUse(a *at, use ID, outcome string) error {
	return s.Approvals.Finish(a.ctx, a.tx, use, approval.Quantity{}, outcome)
}

// Intend writes down, before anything is done, which step of the plan somebody is
// about to carry out: one that was not carried out yet, or failed. Another person
// has to say go. Faults: ErrAltered, ErrInvalid, and the guards that do not hold.
func (s *Service) Intend(ctx context.Context, id ID, number int, text string) (Chain, error) {
	var planned, repeated bool
	return s.do(ctx, id, move{verb: "measure.intend", act: "intend", said: &text, check: func() error { return reason("text", &text) }, facts: func(f *Facts) { f.InPlan, f.Repeated = planned, repeated }, before: func(a *at) error {
		p, err := s.plan(a)
		if err != nil {
			return err
		}
		if planned = number >= 1 && number <= len(p.Steps); !planned {
			return nil // the guard says so
		}
		if repeated, err = carriedOut(a.ctx, a.tx, a.c.ID, number); err != nil {
			return err
		}
		a.move.public = map[string]any{"step": number, "step_kind": string(p.Steps[number-1].Kind), "steps_n": len(p.Steps), "first": ledger.Person(a.who.Person)}
		return s.alive(a)
	}, after: func(a *at) error {
		d := Done{ID: newID(), Number: number, Phase: Intended, Intent: text, IntendedAt: a.now, first: a.who.Person}
		a.move.public["step_id"] = d.ID
		var err error
		if d.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, a.c.Org, stepWords{Intent: text, First: a.who.Name}, "measure_step/"+d.ID); err != nil {
			return err
		}
		return insertStep(a.ctx, a.tx, a.c.ID, d)
	}})
}

// stepWords is what is sealed of a step.
type stepWords struct {
	Intent   string `json:"intent"`
	First    string `json:"first"`
	Second   string `json:"second,omitempty"`
	Says     string `json:"says,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	Account  string `json:"account,omitempty"` // who of the command wrote it, and who vouched
}

// Go is the second person's word: from here on the step may be carried out.
// Faults: ErrTwo for whoever wrote the intent, and the guards that do not hold.
func (s *Service) Go(ctx context.Context, id ID) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.go", act: "go", said: struct{}{}, before: s.alive, after: func(a *at) error {
		d, err := s.openStep(a)
		if err != nil {
			return err
		}
		if err := pair(d.first, a.who.Person); err != nil {
			return err
		}
		a.move.public = map[string]any{"step": d.Number, "step_id": d.ID, "first": ledger.Person(d.first), "second": ledger.Person(a.who.Person)}
		d.Phase, d.GoneAt, d.second = Gone, a.now, a.who.Person
		return s.rewrite(a, d, func(w *stepWords) { w.Second = a.who.Name })
	}})
}

// Ending is what became of a step.
type Ending struct {
	Outcome  Outcome `json:"outcome,omitempty" enum:"done,failed,deviated"`
	Says     string  `json:"says,omitempty" maxLength:"16000"`
	Evidence string  `json:"evidence,omitempty" maxLength:"100" doc:"SHA-256 of what proves it, hex"`
}

// Outcome writes down what became of the step under way. What went another way
// than was planned stops the whole plan. An intent that nobody said go to is taken
// back by [Service.Unsay]. Faults: ErrInvalid, ErrTwo for who is neither of the
// two persons.
func (s *Service) Outcome(ctx context.Context, id ID, e Ending) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.outcome", act: "outcome", said: &e, check: func() error {
		var bad mistakes
		if e.Outcome != Worked && e.Outcome != Failed && e.Outcome != Deviated {
			bad.add("outcome", "measure.bad.choice")
		}
		bad.text("says", &e.Says, maxWords, true)
		bad.digest("evidence", &e.Evidence)
		return bad.err()
	}, after: func(a *at) error {
		d, err := s.openStep(a)
		if err != nil {
			return err
		}
		if a.who.Person != d.first && a.who.Person != d.second {
			return ErrTwo
		}
		a.move.public = map[string]any{"step": d.Number, "step_id": d.ID, "outcome": string(e.Outcome), "first": ledger.Person(d.first), "second": ledger.Person(d.second), "evidence": e.Evidence}
		d.Phase, d.EndedAt, d.Outcome = "", a.now, e.Outcome
		if err := s.rewrite(a, d, func(w *stepWords) { w.Says, w.Evidence = e.Says, e.Evidence }); err != nil {
			return err
		}
		if e.Outcome != Deviated || a.c.State != Executing {
			return nil
		}
		if a.c.State, a.c.Facts, err = apply(a.c.State, a.c.Facts, "stop", ExecutorSide, nil); err != nil {
			return err
		}
		return s.endUse(a, "deviated")
	}})
}

// Unsay takes back an intent before anybody said go. Faults: ErrTwo for another
// than who wrote it.
func (s *Service) Unsay(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.intend", act: "unsay", said: &why, check: func() error { return reason("text", &why) }, after: func(a *at) error {
		d, err := s.openStep(a)
		if err != nil {
			return err
		}
		if a.who.Person != d.first {
			return ErrTwo
		}
		a.move.public = map[string]any{"step": d.Number, "step_id": d.ID, "outcome": string(Unsaid), "first": ledger.Person(d.first)}
		d.Phase, d.EndedAt, d.Outcome = "", a.now, Unsaid
		return s.rewrite(a, d, func(w *stepWords) { w.Says = why })
	}})
}

// openStep is the step that is under way.
func (s *Service) openStep(a *at) (Done, error) {
	list, err := openSteps(a.ctx, a.tx, a.c.ID)
	if err != nil {
		return Done{}, err
	}
	if len(list) != 1 {
		return Done{}, ErrRevision
	}
	return list[0], nil
}

// rewrite changes what is sealed of a step, and its row.
func (s *Service) rewrite(a *at, d Done, change func(w *stepWords)) error {
	var w stepWords
	if err := s.Keys.OpenJSON(a.ctx, a.tx, a.c.Org, d.sealed, "measure_step/"+d.ID, &w); err != nil {
		return err
	}
	change(&w)
	var err error
	if d.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, a.c.Org, w, "measure_step/"+d.ID); err != nil {
		return err
	}
	return updateStep(a.ctx, a.tx, d)
}

// Finish ends the carrying out: the harm is prevented, or nothing more is to be
// done. Faults: ErrInvalid, and a step that is still under way.
func (s *Service) Finish(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.finish", act: "finish", said: &text, check: func() error { return reason("text", &text) }, after: func(a *at) error { return s.endUse(a, "done") }})
}

// Stop stops everything at once: its command may, whoever carries it out, and any
// member of the commission. Faults: ErrInvalid.
func (s *Service) Stop(ctx context.Context, id ID, why string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.stop", act: "stop", said: &why, check: func() error { return reason("text", &why) }, after: func(a *at) error { return s.endUse(a, "stopped") }})
}
