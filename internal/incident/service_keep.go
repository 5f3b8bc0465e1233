package incident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxRetain bounds how far ahead content may be kept by extension.
const maxRetain = 10 // years

// purgePage is how many cases Purge looks for at once.
const purgePage = 200

// ErrRetain says that an extension does not lie after the present end, or too
// far ahead.
var ErrRetain = fault.New(fault.Invalid, "incident.keep.until")

// Hold puts one's own case under legal hold: nothing of it is destroyed until
// the hold is released. The reason is sealed, and its digest recorded.
func (s *Service) Hold(ctx context.Context, id ID, reason string) error {
	return s.keep(ctx, id, "hold", reason, func(tx *db.Tx, c Case, seal func() ([]byte, error)) error {
		if !c.HoldAt.IsZero() {
			return ErrHeld
		}
		why, err := seal()
		if err != nil {
			return err
		}
		return setHold(ctx, tx, c.ID, s.now(), why)
	})
}

// Release takes a case off legal hold. Its retention goes on as it was.
func (s *Service) Release(ctx context.Context, id ID, reason string) error {
	return s.keep(ctx, id, "release", reason, func(tx *db.Tx, c Case, _ func() ([]byte, error)) error {
		if c.HoldAt.IsZero() {
			return fault.New(fault.Conflict, "incident.keep.not_held")
		}
		return setHold(ctx, tx, c.ID, time.Time{}, nil)
	})
}

// Extend keeps one's own case until a later day, for a recorded reason. How
// long it is kept otherwise is data (data/purposes.toml).
func (s *Service) Extend(ctx context.Context, id ID, until time.Time, reason string) error {
	return s.keep(ctx, id, "extend", reason, func(tx *db.Tx, c Case, _ func() ([]byte, error)) error {
		if !until.After(c.RetainUntil) || until.After(s.now().AddDate(maxRetain, 0, 0)) {
			return fault.New(fault.Invalid, ErrRetain.Code, "years", maxRetain).At(fault.Place{At: "until", Code: "incident.keep.until", Args: fault.Args{"years": maxRetain}})
		}
		return setRetain(ctx, tx, c.ID, until)
	})
}

func holdName(id ID) string { return "incident/hold/" + id }

func (s *Service) keep(ctx context.Context, id ID, step, reason string, fn func(tx *db.Tx, c Case, seal func() ([]byte, error)) error) error {
	act := &ledger.Act{Verb: "incident.hold", Object: objectOf(id), Public: map[string]any{"step": step}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if _, err := loadCase(ctx, tx, id, who, reach); err != nil {
			return err
		}
		c, err := lockCase(ctx, tx, id)
		if err != nil {
			return err
		}
		if !c.PurgedAt.IsZero() {
			return ErrPurged
		}
		reason, err := words("reason", reason)
		if err != nil {
			return err
		}
		act.Secret = reason
		err = fn(tx, c, func() ([]byte, error) {
			cipher, err := s.Keys.Make(ctx, tx, c.Org)
			if err != nil {
				return nil, err
			}
			return cipher.Seal([]byte(reason), holdName(id)), nil
		})
		if err != nil {
			return err
		}
		return publish(ctx, tx, "kept", c, who.Org, c.Org)
	})
	return err
}

// HoldReason returns why one's own case is under legal hold; empty when it is
// not.
func (s *Service) HoldReason(ctx context.Context, id ID) (reason string, err error) {
	err = s.read(ctx, "incident.open", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil || c.HoldAt.IsZero() {
			return err
		}
		sealed, err := loadHoldWhy(ctx, tx, id)
		if err != nil {
			return err
		}
		cipher, err := s.Keys.For(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		why, err := cipher.Open(sealed, holdName(id))
		if err != nil {
			return fmt.Errorf("hold of %s: %w", id, err)
		}
		reason = string(why)
		return nil
	})
	return reason, err
}

// Purge destroys the content of every case whose retention is over at now and
// that is not held: its versions, files, conversations and feedback, and what
// opens their digests in the ledger. That it was there, to whom it went and who
// read it stays, and each destruction is an act of its own. A draft that nobody
// saved for as long, and never handed in, goes too. It runs as the hub
// (org.Local), every day, and returns how many cases it destroyed; one that
// fails does not keep the others.
func (s *Service) Purge(ctx context.Context, now time.Time) (purged int, err error) {
	who, _, err := Access.Allow(ctx, "incident.purge")
	if err != nil {
		_, err := s.do(ctx, &ledger.Act{Verb: "incident.purge"}, nil)
		return 0, err
	}
	for failed := 0; ctx.Err() == nil; {
		var due []ID
		e := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			due, err = dueCases(ctx, tx, now, purgePage+failed)
			return err
		})
		if e != nil {
			return purged, errors.Join(err, e)
		}
		before := purged
		failed, err = 0, nil
		for _, id := range due {
			did, e := s.purge(ctx, id, who, now)
			if e != nil {
				failed, err = failed+1, errors.Join(err, fmt.Errorf("purge %s: %w", id, e))
			}
			if did {
				purged++
			}
		}
		if purged == before || failed > purgePage {
			return purged, errors.Join(err, s.purgeDrafts(ctx, who, now), ctx.Err())
		}
	}
	return purged, ctx.Err()
}

// purgeDrafts destroys first reports that were begun and left.
func (s *Service) purgeDrafts(ctx context.Context, who gate.Identity, now time.Time) error {
	since := now.AddDate(0, 0, -Rules().Retention.Days)
	for ctx.Err() == nil {
		var idle [][2]string
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			idle, err = idleDrafts(ctx, tx, since, purgePage)
			return err
		})
		if err != nil || len(idle) == 0 {
			return err
		}
		for _, d := range idle {
			id, owner := d[0], d[1]
			act := &ledger.Act{Verb: "incident.purge", Object: objectOf(id), Public: map[string]any{"step": "draft"}}
			_, err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
				now, err := loadDraft(ctx, tx, id, owner, true)
				if err != nil {
					return err
				}
				if now.UpdatedAt.After(since) {
					return errNotDue
				}
				if _, err := s.removeFiles(ctx, tx, id); err != nil {
					return err
				}
				if err := s.Ledger.Forget(ctx, tx, objectOf(id)); err != nil {
					return err
				}
				return deleteDraft(ctx, tx, id, owner, 0)
			})
			if f := fault.Of(err); err != nil && !f.Is(errNotDue) && !f.Is(ErrNoDraft) { // saved, or discarded, meanwhile
				return fmt.Errorf("purge draft %s: %w", id, err)
			}
		}
	}
	return ctx.Err()
}

// errNotDue stops a purge of a case that was held or extended meanwhile.
var errNotDue = fault.New(fault.Conflict, "incident.keep.not_due")

func (s *Service) purge(ctx context.Context, id ID, who gate.Identity, now time.Time) (bool, error) {
	act := &ledger.Act{Verb: "incident.purge", Object: objectOf(id)}
	_, err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		c, err := lockCase(ctx, tx, id)
		if err != nil {
			return err
		}
		if !c.PurgedAt.IsZero() || !c.HoldAt.IsZero() || c.RetainUntil.After(now) {
			return errNotDue
		}
		drafts, err := draftsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		files := 0
		for _, object := range append(drafts, id) {
			n, err := s.removeFiles(ctx, tx, object)
			if err != nil {
				return err
			}
			files += n
		}
		ended, err := writtenIn(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, object := range slices.Concat(drafts, ended, []ID{id}) {
			if err := s.Ledger.Forget(ctx, tx, objectOf(object)); err != nil {
				return err
			}
		}
		if err := s.Threads.Clear(ctx, tx, objectOf(id)); err != nil {
			return err
		}
		if err := destroyContent(ctx, tx, id, s.now()); err != nil {
			return err
		}
		act.Public = map[string]any{"number": c.Number, "versions": c.Version, "files": files, "retained_until": c.RetainUntil.Format(time.RFC3339)}
		orgs, err := onDesks(ctx, tx, id)
		if err != nil {
			return err
		}
		return publish(ctx, tx, "purged", c, who.Org, orgs...)
	})
	if fault.Of(err) != nil && fault.Of(err).Is(errNotDue) {
		return false, nil
	}
	return err == nil, err
}

// removeFiles takes all files off a case or draft: their keys are gone at
// once, the encrypted files with the next sweep.
func (s *Service) removeFiles(ctx context.Context, tx *db.Tx, id ID) (n int, err error) {
	for {
		files, err := s.Blobs.Of(ctx, tx, objectOf(id)) // a page of them
		if err != nil || len(files) == 0 {
			return n, err
		}
		for _, f := range files {
			if err := s.Blobs.Remove(ctx, tx, f.ID); err != nil {
				return 0, err
			}
			n++
		}
	}
}
