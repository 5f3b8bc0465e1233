package hunt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// KeepDays is how long results are kept after they came in, unless a hub is
// configured otherwise: a year, so that two of the same season can be compared.
const KeepDays = 365

// Bounds of one step of the removal of results.
const (
	maxDue    = 100  // runs that are looked for at once
	maxRemove = 2000 // findings of one act
)

// Hold keeps the results of a hunt until the hold is taken off again, whatever
// their time; the reason is sealed. Faults: ErrNone, ErrStale, ErrHeld,
// ErrInvalid.
func (s *Service) Hold(ctx context.Context, id string, version int64, why string) (Hunt, error) {
	act := &ledger.Act{Verb: "hunt.hold", Secret: why}
	return s.change(ctx, act, id, version, func(_ *db.Tx, _ gate.Identity, h *Hunt) error {
		if !h.HoldAt.IsZero() {
			return ErrHeld
		}
		var bad problems
		h.HoldAt, h.HoldWhy = s.now(), bad.words("why", why, maxWords, true)
		return bad.fault()
	})
}

// Unhold takes the hold off: what is past its time goes with the next removal.
// Faults: ErrNone, ErrStale, ErrNotHeld, ErrInvalid.
func (s *Service) Unhold(ctx context.Context, id string, version int64, why string) (Hunt, error) {
	act := &ledger.Act{Verb: "hunt.unhold", Secret: why}
	return s.change(ctx, act, id, version, func(_ *db.Tx, _ gate.Identity, h *Hunt) error {
		if h.HoldAt.IsZero() {
			return ErrNotHeld
		}
		var bad problems
		bad.words("why", why, maxWords, true)
		h.HoldAt, h.HoldWhy = time.Time{}, ""
		return bad.fault()
	})
}

// Days returns for how many days results are kept.
func (s *Service) Days() int {
	if s.Keep > 0 {
		return s.Keep
	}
	return KeepDays
}

// show opens a run and says until when its findings are kept.
func (s *Service) show(c *key.Cipher, r *Received) error {
	if r.RemovedAt.IsZero() && r.heldAt == 0 {
		r.KeptUntil = r.At.AddDate(0, 0, s.Days())
	}
	return r.open(c)
}

// Expire removes the findings of runs that came in longer ago than results are
// kept. What became a sighting stays, and so does everything of a hunt that is
// held. Of a run remains that it was there, with its numbers; each removal is an
// act of its own. It runs as the hub (org.Local), and returns how many findings
// it removed; a run that fails does not keep the others.
func (s *Service) Expire(ctx context.Context, now time.Time) (removed int, err error) {
	if _, _, err := Access.Allow(ctx, "hunt.expire"); err != nil {
		return 0, s.do(ctx, &ledger.Act{Verb: "hunt.expire"}, nil)
	}
	before := moment(now).AddDate(0, 0, -s.Days())
	for failed := 0; ctx.Err() == nil; {
		var due []string
		e := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			due, err = dueRuns(ctx, tx, before, maxDue+failed)
			return err
		})
		if e != nil {
			return removed, errors.Join(err, e)
		}
		done := 0
		failed, err = 0, nil
		for _, run := range due {
			n, e := s.expireRun(ctx, run, before)
			if removed += n; e != nil {
				failed, err = failed+1, errors.Join(err, fmt.Errorf("remove run %s: %w", run, e))
				continue
			}
			done++
		}
		if done == 0 || failed > maxDue {
			return removed, err
		}
	}
	return removed, errors.Join(err, ctx.Err())
}

// errNotDue stops the removal of a run whose hunt was held meanwhile.
var errNotDue = fault.New(fault.Conflict, "hunt.not_due")

// expireRun removes a run in as many acts as it needs.
func (s *Service) expireRun(ctx context.Context, run string, before time.Time) (removed int, err error) {
	for ctx.Err() == nil {
		n, last, err := s.expirePart(ctx, run, before)
		if errors.Is(err, errNotDue) {
			return removed, nil
		}
		if removed += n; err != nil || last {
			return removed, err
		}
	}
	return removed, ctx.Err()
}

func (s *Service) expirePart(ctx context.Context, run string, before time.Time) (n int, last bool, err error) {
	act := &ledger.Act{Verb: "hunt.expire", Object: runName(run)}
	err = s.do(ctx, act, func(tx *db.Tx, _ gate.Identity) error {
		r, err := lockAnyRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if !r.RemovedAt.IsZero() || r.heldAt != 0 || !r.At.Before(before) {
			return errNotDue
		}
		ids, err := removable(ctx, tx, run, maxRemove)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.Ledger.Forget(ctx, tx, findingName(id)); err != nil {
				return err
			}
		}
		if err := removeFindings(ctx, tx, ids); err != nil {
			return err
		}
		n, last = len(ids), len(ids) < maxRemove
		act.Public = map[string]any{"findings": n, "received_at": r.At.Format(time.RFC3339)}
		if !last {
			return nil
		}
		stay, err := countRun(ctx, tx, run)
		if err != nil {
			return err
		}
		act.Public["kept"] = stay
		return s.endRun(ctx, tx, r, before)
	})
	return n, last, err
}

// endRun writes down that a run is removed, and lets go what was said of it in
// words, what would undo decisions about it, and the decisions themselves.
func (s *Service) endRun(ctx context.Context, tx *db.Tx, r Received, before time.Time) error {
	c, err := s.Keys.For(ctx, tx, r.org)
	if err != nil {
		return err
	}
	if err := r.open(c); err != nil {
		return err
	}
	r.Note = ""
	if r.sealed, err = c.SealJSON(r.Told, runName(r.ID)); err != nil {
		return err
	}
	if err := removeRun(ctx, tx, r, s.now()); err != nil {
		return err
	}
	for _, many := range []bool{false, true} {
		if err := forgetUndo(ctx, tx, r.org, many, undoable, s.now().Add(-keepUndo)); err != nil {
			return err
		}
	}
	gone, err := idleDecisions(ctx, tx, r.org, before)
	if err != nil {
		return err
	}
	for _, id := range gone {
		if err := s.Ledger.Forget(ctx, tx, decisionName(id)); err != nil {
			return err
		}
	}
	if err := removeAll(ctx, tx, "DELETE FROM hunt_decision WHERE id IN (%s)", gone); err != nil {
		return err
	}
	return s.Ledger.Forget(ctx, tx, runName(r.ID))
}
