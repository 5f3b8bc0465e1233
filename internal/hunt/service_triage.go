package hunt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// Decide writes down what a person makes of a finding of the version they saw.
// Faults: ErrNone, ErrStale, ErrInvalid.
func (s *Service) Decide(ctx context.Context, id string, version int64, d Decision) (out Finding, err error) {
	act := &ledger.Act{Verb: "hunt.decide", Object: findingName(id), Secret: d}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if d, err = d.normal(); err != nil {
			return err
		}
		x, err := loadFinding(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if x.Version != version {
			return ErrStale
		}
		b, _, err := s.batch(ctx, tx, who, d, false)
		if err != nil {
			return err
		}
		if b.Count, err = decideIDs(ctx, tx, b, []string{id}, s.now()); err != nil {
			return err
		}
		if b.Count == 0 {
			return ErrStale
		}
		if err := insertBatch(ctx, tx, b); err != nil {
			return err
		}
		out, _, err = s.finding(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

// batch is a decision about to be made.
func (s *Service) batch(ctx context.Context, tx *db.Tx, who gate.Identity, d Decision, many bool) (Batch, *key.Cipher, error) {
	c, err := s.Keys.Make(ctx, tx, who.Org)
	if err != nil {
		return Batch{}, nil, fmt.Errorf("decide on findings: %w", err)
	}
	b := Batch{ID: newID(), State: d.State, Reason: d.Reason, By: who.Person, At: s.now(), Undoable: true, org: who.Org, many: many}
	b.sealed, err = c.SealJSON(d.Reason, decisionName(b.ID))
	if err != nil {
		return b, nil, err
	}
	return b, c, forgetUndo(ctx, tx, who.Org, many, undoable-1, b.At.Add(-keepUndo))
}

// Triage decides on many findings in one act: on those named, or on all that a
// filter finds, if they are as many as the person saw. Those that are not there
// are passed over. It can be undone. Faults: ErrInvalid, ErrCount.
func (s *Service) Triage(ctx context.Context, on Choice, d Decision) (out Batch, err error) {
	act := &ledger.Act{Verb: "hunt.triage"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if d, err = d.normal(); err != nil {
			return err
		}
		var bad problems
		if (len(on.IDs) == 0) == (on.Filter == nil) {
			bad.add("ids", "hunt.bad.choice")
		}
		if len(on.IDs) > MaxTriage {
			bad.add("ids", "hunt.bad.many", "max", MaxTriage)
		}
		if err := bad.fault(); err != nil {
			return err
		}
		b, c, err := s.batch(ctx, tx, who, d, true)
		if err != nil {
			return err
		}
		if on.Filter == nil {
			b.Count, err = decideIDs(ctx, tx, b, slices.Compact(slices.Sorted(slices.Values(on.IDs))), s.now())
		} else {
			b.Count, err = s.decideAll(ctx, tx, c, b, on)
		}
		if err != nil {
			return err
		}
		act.Object, act.Public = decisionName(b.ID), map[string]any{"findings": b.Count}
		act.Secret = map[string]any{"decision": d, "ids": on.IDs, "filter": on.Filter}
		out = b
		return insertBatch(ctx, tx, b)
	})
	return out, err
}

func (s *Service) decideAll(ctx context.Context, tx *db.Tx, c *key.Cipher, b Batch, on Choice) (int, error) {
	t, err := s.tagged(ctx, tx, c, b.org, *on.Filter)
	if err != nil {
		return 0, err
	}
	n, err := countFindings(ctx, tx, b.org, t)
	if err != nil {
		return 0, err
	}
	if n != on.Expect {
		return 0, fault.New(fault.Conflict, ErrCount.Code, "n", n, "expect", on.Expect)
	}
	if n > maxWhole {
		return 0, fault.New(fault.Conflict, ErrMany.Code, "max", maxWhole)
	}
	return decideFilter(ctx, tx, b, t, s.now())
}

func (b *Batch) open(c *key.Cipher) error { return c.OpenJSON(b.sealed, decisionName(b.ID), &b.Reason) }

// Batches lists the last acts of one's own organisation over many findings,
// the newest first.
func (s *Service) Batches(ctx context.Context) (out []Batch, err error) {
	err = s.read(ctx, "hunt.batches", func(tx *db.Tx, who gate.Identity) error {
		if out, err = listBatches(ctx, tx, who.Org, undoable); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list batches: %w", err)
		}
		for i := range out {
			out[i].Undoable = out[i].undoable(s.now())
			if err := out[i].open(c); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// undoable reports whether what findings were before is still known.
func (b *Batch) undoable(now time.Time) bool {
	return b.kept && b.UndoneAt.IsZero() && b.At.After(now.Add(-keepUndo))
}

// Undo gives the findings of a batch, or of one decision, back what they were,
// except those that changed since: it says which. The last fifty of each can be
// undone, for thirty days. Faults: ErrNone, ErrUndone.
func (s *Service) Undo(ctx context.Context, id string) (out Undone, err error) {
	act := &ledger.Act{Verb: "hunt.undo", Object: decisionName(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		b, err := lockBatch(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if !b.undoable(s.now()) {
			return ErrUndone
		}
		if out.KeptIDs, err = listChanged(ctx, tx, b, maxKeptIDs); err != nil {
			return err
		}
		if out.Undone, err = undo(ctx, tx, b, s.now()); err != nil {
			return err
		}
		out.Kept = b.Count - out.Undone
		act.Public = map[string]any{"undone": out.Undone, "kept": out.Kept}
		return endBatch(ctx, tx, b, out.Undone, s.now())
	})
	return out, err
}

// maxKeptIDs is how many findings that were not undone are told one by one.
const maxKeptIDs = 100
