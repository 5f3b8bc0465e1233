package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/oversight"
)

func planObject(id ID) string { return "oversight/" + id }

// check finds what is wrong with a plan.
func (p *Planning) check(s *Service) error {
	p.Why = tidy(p.Why)
	sum := 0
	seen := map[string]bool{}
	for _, x := range p.Strata {
		if !slices.Contains(Strata, x.Kind) || seen[x.Kind] {
			return invalid("strata", "desk.bad.choose")
		}
		if x.Size < 1 || x.Size > maxSample {
			return invalid("size_"+x.Kind, "desk.bad.size", "max", maxSample)
		}
		seen[x.Kind], sum = true, sum+x.Size
	}
	switch {
	case sum == 0:
		return invalid("size_"+Strata[0], "desk.bad.none")
	case sum > maxSample:
		return invalid("size_"+Strata[0], "desk.bad.size", "max", maxSample)
	case p.Since.After(s.now()):
		return invalid("since", "desk.bad.future")
	}
	if p.Commitment = strings.ToLower(strings.TrimSpace(p.Commitment)); !hex64(p.Commitment) {
		return invalid("commitment", "desk.bad.commitment")
	}
	return need("why", p.Why, maxWords)
}

// Plan writes a sampling plan into the ledger, with the promise of a nonce. What it
// draws hangs on the root of the log that ends with this very entry, which nobody
// knows yet, and on the nonce, which the hub does not know until it is revealed.
// Faults: ErrInvalid.
func (s *Service) Plan(ctx context.Context, in Planning) (out Plan, err error) {
	act := &ledger.Act{Verb: "oversight.plan"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, "oversight.plan")
		if err != nil {
			return err
		}
		if err := in.check(s); err != nil {
			return err
		}
		p := Plan{ID: newID(), Number: newNumber("T"), Commitment: in.Commitment, Since: in.Since, Why: in.Why, CreatedAt: s.now(), Entry: act.Entry, org: who.Org, Picks: []Pick{}}
		var strata []string
		for _, k := range Strata {
			for _, x := range in.Strata {
				if x.Kind == k {
					p.Strata, strata = append(p.Strata, Drawn{Stratum: x}), append(strata, fmt.Sprintf("%s:%d", x.Kind, x.Size))
				}
			}
		}
		if p.sealed, err = s.Keys.SealJSON(ctx, tx, vault, in.Why, planObject(p.ID)); err != nil {
			return err
		}
		act.Object, act.Secret = planObject(p.ID), in.Why
		act.Public = map[string]any{"plan": p.ID, "number": p.Number, "commitment": p.Commitment, "strata": strata}
		if !p.Since.IsZero() {
			act.Public["since"] = p.Since.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
		}
		if err := insertPlan(ctx, tx, &p, who.Person); db.IsUnique(err) { // two at once cannot both have it
			return invalid("commitment", "desk.bad.used")
		} else if err != nil {
			return err
		}
		out = p
		return s.publish(ctx, tx, Happened{p.ID, "plan"}, "")
	})
	return out, err
}

// Reveal writes down the nonce of a plan whose entry is in the signed log: with it
// the sample is drawn. Faults: ErrNone, ErrStep, ErrBusy while the log has not the
// plan, ErrInvalid.
func (s *Service) Reveal(ctx context.Context, id ID, in Revealing) (out Plan, err error) {
	in.Nonce = strings.ToLower(strings.TrimSpace(in.Nonce))
	act := &ledger.Act{Verb: "oversight.reveal"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		if _, _, err := Access.Allow(ctx, act.Verb); err != nil {
			return err
		}
		p, err := planByID(ctx, tx, id)
		if err != nil {
			return err
		}
		act.Object = planObject(p.ID)
		switch {
		case p.Nonce != "":
			return fault.New(fault.Conflict, ErrStep.Code, "state", "revealed", "act", "reveal")
		case !hex64(in.Nonce) || oversight.Commitment(in.Nonce) != p.Commitment:
			return invalid("nonce", "desk.bad.nonce")
		case !s.look.planned(p.ID):
			return ErrBusy
		}
		act.Public = map[string]any{"plan": p.ID, "number": p.Number, "nonce": in.Nonce}
		if err := revealPlan(ctx, tx, p.ID, in.Nonce); err != nil {
			return err
		}
		p.Nonce = in.Nonce
		out = p
		return s.publish(ctx, tx, Happened{p.ID, "reveal"}, "")
	})
	if err != nil {
		return out, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { return s.openPlan(ctx, tx, &out) })
	return out, err
}

// draw writes down the sample of a plan whose nonce is in the signed log. It
// reports false while it is not.
func (s *Service) draw(ctx context.Context, p Plan) (bool, error) {
	seed, at, root, strata, picks, ok, err := s.look.plan(p.ID)
	if err != nil || !ok {
		return false, ignore(err, ErrBusy)
	}
	p.Seed, p.Place, p.Root, p.Strata, p.Picks = seed, at.Place, root, strata, picks
	act := &ledger.Act{Verb: "oversight.draw", Object: planObject(p.ID)}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		p.DrawnAt = s.now()
		population, sample := []string{}, []uint64{}
		for _, x := range p.Strata {
			population = append(population, fmt.Sprintf("%s:%d", x.Kind, x.Population))
		}
		for _, k := range p.Picks {
			sample = append(sample, k.Place)
		}
		act.Public = map[string]any{"plan": p.ID, "number": p.Number, "place": int64(p.Place), "root": root, "seed": seed, "population": population, "sample": sample}
		if err := drawPlan(ctx, tx, &p); err != nil {
			return err
		}
		return s.publish(ctx, tx, Happened{p.ID, "draw"}, "")
	})
	return true, ignore(err, ErrRevision)
}

// Check writes down what an inspector found of one act of a sample. Faults:
// ErrNone, ErrInvalid.
func (s *Service) Check(ctx context.Context, id ID, in Checking) error {
	in.Note = tidy(in.Note)
	act := &ledger.Act{Verb: "oversight.check", Secret: in.Note}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, "oversight.check")
		if err != nil {
			return err
		}
		p, err := planByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if in.Result != Fine && in.Result != Finding {
			return invalid("result", "desk.bad.choose")
		}
		if err := need("note", in.Note, maxWords); err != nil && (in.Note != "" || in.Result == Finding) {
			return err
		}
		sealed, err := s.Keys.SealJSON(ctx, tx, vault, in.Note, fmt.Sprintf("oversight_pick/%s/%d", p.ID, in.Place))
		if err != nil {
			return err
		}
		act.Object = planObject(p.ID)
		act.Public = map[string]any{"plan": p.ID, "number": p.Number, "place": int64(in.Place), "result": in.Result}
		if err := checkPick(ctx, tx, p.ID, in.Place, in.Result, who.Person, sealed, s.now()); err != nil {
			if errors.Is(err, ErrNone) {
				return invalid("place", "desk.bad.pick")
			}
			return err
		}
		return s.publish(ctx, tx, Happened{p.ID, "check"}, "")
	})
	return err
}

// Plans lists the sampling plans, the newest first, without their samples.
func (s *Service) Plans(ctx context.Context, f Filter) (out []Plan, next string, err error) {
	err = s.read(ctx, "oversight.samples", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) (err error) {
		if out, next, err = listPlans(ctx, tx, f); err != nil {
			return err
		}
		for i := range out {
			if err := s.openPlan(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Sample returns a plan with its sample and what was found of it. Faults: ErrNone.
func (s *Service) Sample(ctx context.Context, id ID) (p Plan, err error) {
	err = s.read(ctx, "oversight.samples", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) (err error) {
		if p, err = planByID(ctx, tx, id); err != nil {
			return err
		}
		return s.openPlan(ctx, tx, &p)
	})
	return p, err
}

// openPlan opens what is sealed of a plan and sums up what was found.
func (s *Service) openPlan(ctx context.Context, tx *db.Tx, p *Plan) error {
	if err := s.Keys.OpenJSON(ctx, tx, vault, p.sealed, planObject(p.ID), &p.Why); err != nil {
		return err
	}
	all, err := picks(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	for i := range all {
		if len(all[i].sealed) > 0 {
			if err := s.Keys.OpenJSON(ctx, tx, vault, all[i].sealed, fmt.Sprintf("oversight_pick/%s/%d", p.ID, all[i].Place), &all[i].Note); err != nil {
				return err
			}
		}
	}
	if all != nil {
		p.Picks = all
	}
	p.sum(s.Numbers.Confidence.Value)
	return nil
}

// sum says for each stratum what its sample tells of all acts of the kind.
func (p *Plan) sum(confidence int) {
	for i := range p.Strata {
		x := &p.Strata[i]
		x.Checked, x.Findings, x.Excluded = 0, 0, 1
		drawn := 0
		for _, k := range p.Picks {
			if k.Kind != x.Kind {
				continue
			}
			drawn++
			if k.Result != "" {
				x.Checked++
			}
			if k.Result == Finding {
				x.Findings++
			}
		}
		if x.Complete = !p.DrawnAt.IsZero() && x.Checked == drawn; x.Complete {
			x.Excluded = Excluded(x.Population, drawn, x.Findings, confidence)
		}
	}
}
