package request

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
)

// maxTick bounds what one Tick does of each kind.
const maxTick = 200

// Tick does what time and the post do by themselves: what became of mails is
// written down, and that no answer came in time is said outright. The hub calls it
// every few seconds, as the system itself; it returns how many requests moved. Doing
// it twice, or late, does nothing more. Nobody is written to by it.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var told []Mail
	var late []Request
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if told, err = heard(ctx, tx, maxTick); err != nil {
			return err
		}
		late, err = due(ctx, tx, s.now(), maxTick)
		return err
	}); err != nil {
		return 0, err
	}
	ctx = gateless(ctx)
	var failed []error // one that cannot be done holds up no other
	for _, m := range told {
		if err := s.settle(ctx, m); err != nil && !errors.Is(err, ErrRevision) {
			failed = append(failed, fmt.Errorf("mail of request %s: %w", m.request, err))
			continue
		}
		n++
	}
	for _, r := range late {
		if err := s.overdue(ctx, r.ID); err != nil && !errors.Is(err, errNothing) && !errors.Is(err, ErrRevision) {
			failed = append(failed, fmt.Errorf("request %s: %w", r.ID, err))
			continue
		}
		n++
	}
	return n, errors.Join(failed...)
}

// overdue says that nobody answered in time.
func (s *Service) overdue(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "request.overdue", Object: objectOf(id)}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		r, err := byID(ctx, tx, id)
		if err != nil {
			return err
		}
		a := &at{ctx: ctx, tx: tx, act: act, r: &r, now: s.now(), more: map[string]any{}}
		if r.NextAt.IsZero() || r.NextAt.After(a.now) {
			return errNothing
		}
		r.NextAt = time.Time{}
		if err := s.step(a, "overdue", Clock); err != nil {
			return err
		}
		return s.tell(ctx, tx, &r)
	})
	return err
}

// Keep forgets answers of registries that are old; the hub calls it once an hour.
func (s *Service) Keep(ctx context.Context) error { return s.forget(ctx) }
