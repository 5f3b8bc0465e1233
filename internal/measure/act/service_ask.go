package act

import (
	"context"
	"fmt"
	"net/netip"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Ask asks that something be held back on the asker's own network. Nothing is told
// any equipment by it: its actuator is asked what would change. Faults: ErrInvalid
// with places, ErrOffPlan.
func (s *Service) Ask(ctx context.Context, in Ask) (o Order, err error) {
	o.ID = newID()
	var task Task
	var list []string
	var said Said
	var bad mistakes
	if Access.May(ctx, "act.ask") { // a million names are read for nobody else
		task, list, said, bad = in.task(o.ID, &s.Numbers)
	}
	act := &ledger.Act{Verb: "act.ask", Object: objectOf(o.ID)}
	staged := false
	var m blob.Meta
	if len(bad) == 0 && Access.May(ctx, act.Verb) {
		if m, err = s.stage(encodeList(list)); err != nil { // swept when nothing comes of it
			return o, err
		}
		staged = true
	}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		nets, err := s.own(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if len(bad) == 0 {
			ownTargets(&task, list, nets, &bad)
		}
		if err := bad.err(); err != nil {
			return err
		}
		if !staged {
			return fmt.Errorf("BUG: act: a list that was not kept")
		}
		if in.Case != "" {
			if err := s.stepOf(ctx, tx, who, in, &task, list); err != nil {
				return err
			}
		}
		now := s.now()
		o = Order{ID: o.ID, Number: newNumber(), Org: who.Org, State: Asked, Task: task, Digest: task.Digest(), AskedAt: now, asker: who.Person}
		o.WarnedCount = said.count
		if m, err = s.Blobs.Add(ctx, tx, m, who.Org, objectOf(o.ID)); err != nil {
			return err
		}
		o.blob = m.ID
		if err := s.seal(ctx, tx, &o, &said); err != nil {
			return err
		}
		act.Secret, act.Public = said, factsOf(&o)
		act.Public["to"] = string(Asked)
		if err := insertOrder(ctx, tx, &o); err != nil {
			return err
		}
		if err := s.remember(&at{ctx, tx, act, who, &o, now}, move{what: "ask", by: AskerSide}, ""); err != nil {
			return err
		}
		o.Words = &said
		return publish(ctx, tx, "moved", Happened{Order: o.ID, Org: o.Org, Act: "ask", State: Asked, Chain: task.Chain})
	})
	if err == nil {
		s.bells.ring(o.Org)
	}
	return o, err
}

// factsOf are what the ledger says in clear of a new order.
func factsOf(o *Order) map[string]any {
	t := &o.Task
	f := map[string]any{"kind": string(t.Kind), "basis": string(t.Basis), "targets": t.Count, "rules": t.Count, "digest": o.Digest, "hours": t.Hours}
	if t.Basis == Subscribers {
		f["ground"] = t.Ground
	}
	if t.Chain != "" {
		f["chain"], f["step"], f["plan"] = t.Chain, t.Step, t.Plan
	}
	return f
}

// stepOf binds an order to the step of a plan that it carries out.
func (s *Service) stepOf(ctx context.Context, tx *db.Tx, who gate.Identity, in Ask, t *Task, list []string) error {
	u, err := s.Measures.InPlan(ctx, tx, in.Case, in.Step, who)
	if err != nil {
		return err
	}
	if u.Emergency {
		return ErrEmergency
	}
	t.Chain, t.Step, t.Plan = u.Chain, u.Number, u.Plan
	return onPlan(u, t, list, &s.Numbers)
}

func (s *Service) own(ctx context.Context, tx *db.Tx, unit string) ([]netip.Prefix, error) {
	if s.Own == nil || unit == "" {
		return nil, nil
	}
	return s.Own(ctx, tx, unit)
}

// Withdraw takes an order back before its actuator took it. Faults: ErrInvalid,
// ErrStep.
func (s *Service) Withdraw(ctx context.Context, id, text string) (Order, error) {
	text, bad := why("text", text)
	return s.do(ctx, move{verb: "act.withdraw", id: id, by: AskerSide, say: text, fn: func(a *at) (State, error) {
		if bad != nil {
			return "", bad
		}
		a.act.Public["asker"] = ledger.Person(a.o.asker)
		return Withdrawn, s.recall(a, "withdrawn")
	}})
}

// Undo has everything taken away that an order put there. Faults: ErrInvalid,
// ErrStep.
func (s *Service) Undo(ctx context.Context, id, text string) (Order, error) {
	text, bad := why("text", text)
	return s.do(ctx, move{verb: "act.undo", id: id, by: AskerSide, say: text, fn: func(a *at) (State, error) {
		if bad != nil {
			return "", bad
		}
		a.act.Public["use"], a.act.Public["asker"] = a.o.use, ledger.Person(a.o.asker)
		a.o.Reason = "person"
		return Ending, nil
	}})
}
