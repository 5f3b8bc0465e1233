package measure

import (
	"context"

	"noroshi/internal/base/ledger"
)

// Account is what somebody of the command knows of a step whose officers are gone:
// they left, or are designated no more. Another of the command has to vouch for it.
// Faults: ErrInvalid, and the guard that somebody is there who could say it.
func (s *Service) Account(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.account", act: "account", said: &text, check: func() error { return reason("text", &text) }, after: func(a *at) error {
		d, err := s.openStep(a)
		if err != nil {
			return err
		}
		d.accountant = a.who.Person
		a.move.public = map[string]any{"step": d.Number, "step_id": d.ID, "accountant": ledger.Person(a.who.Person)}
		return s.rewrite(a, d, func(w *stepWords) { w.Says, w.Account = text, a.who.Name })
	}})
}

// Vouch ends a step whose officers are gone, as another of the command than who
// accounted for it. What was under way stops: nobody knows how far it came.
// Faults: ErrTwo, and the guards that do not hold.
func (s *Service) Vouch(ctx context.Context, id ID) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.vouch", act: "vouch", said: struct{}{}, after: func(a *at) error {
		d, err := s.openStep(a)
		if err != nil {
			return err
		}
		if err := pair(d.accountant, a.who.Person); err != nil {
			return err
		}
		a.move.public = map[string]any{"step": d.Number, "step_id": d.ID, "outcome": string(Lost), "accountant": ledger.Person(d.accountant), "voucher": ledger.Person(a.who.Person)}
		d.Phase, d.EndedAt, d.Outcome = "", a.now, Lost
		if err := s.rewrite(a, d, func(w *stepWords) { w.Account += ", " + a.who.Name }); err != nil || a.c.State != Executing {
			return err
		}
		if a.c.State, a.c.Facts, err = apply(a.c.State, a.c.Facts, "stop", CommandSide, nil); err != nil {
			return err
		}
		return s.endUse(a, "lost")
	}})
}

// Restore writes down what was put back as it was, or why nothing was to be.
// Faults: ErrInvalid.
func (s *Service) Restore(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.restore", act: "restore", said: &text, check: func() error { return reason("text", &text) }})
}

// Tell writes down how the owner of the machine was told, or why not. Faults:
// ErrInvalid.
func (s *Service) Tell(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.tell", act: "tell", said: &text, check: func() error { return reason("text", &text) }})
}

// Review is looking back: what it came to, what else it touched. Faults:
// ErrInvalid, and a step without an outcome.
func (s *Service) Review(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.review", act: "review", said: &text, check: func() error { return reason("text", &text) }})
}

// Close closes a chain: nothing is owed any more. Faults: the guards that do not
// hold.
func (s *Service) Close(ctx context.Context, id ID, text string) (Chain, error) {
	return s.do(ctx, id, move{verb: "measure.close", act: "close", said: &text, check: func() error { return reason("text", &text) }})
}
