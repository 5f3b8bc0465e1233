package vendor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxTick bounds the requests that one Tick looks at.
const maxTick = 500

// Tick does what deadlines do by themselves: reminds makers, says outright that
// no answer came, and lets go what waited for an embargo. The hub calls it
// every minute or so, as the system itself; it returns how many requests it
// touched. Doing it twice, or late, does nothing more.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var ids []ID
	now := s.now()
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ids, err = due(ctx, tx, now, maxTick)
		return err
	}); err != nil {
		return 0, err
	}
	var failed []error // one that cannot be done holds up no other
	for _, id := range ids {
		act := &ledger.Act{Verb: "vendor.tick", Object: requestObject(id)}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error { return s.tick(ctx, tx, act, id, now) })
		if errors.Is(err, errNotDue) || errors.Is(err, ErrRevision) { // somebody acted meanwhile
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("request %s: %w", id, err))
			continue
		}
		n++
	}
	return n, errors.Join(append(failed, s.state(ctx, now))...)
}

// state hands over the advisories that nobody but the case has seen and that
// may be known now: makers' statements decide who is exposed. One that is
// handed over twice, after a crash between the two, says the same.
func (s *Service) state(ctx context.Context, now time.Time) error {
	if s.State == nil {
		return nil
	}
	var list [][2]ID
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = unstated(ctx, tx, now, maxTick)
		return err
	}); err != nil {
		return err
	}
	var failed []error
	for _, x := range list {
		if err := s.stateOne(ctx, x[0], x[1], now); err != nil {
			failed = append(failed, fmt.Errorf("state %s: %w", x[1], err))
		}
	}
	return errors.Join(failed...)
}

func (s *Service) stateOne(ctx context.Context, request, document ID, now time.Time) error {
	var d Document
	var raw []byte
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		r, c, err := requestByID(ctx, tx, request)
		if err != nil {
			return err
		}
		if err := s.show(ctx, tx, &c, gate.Own); err != nil {
			return err
		}
		list, err := s.products(ctx, tx, c, r.ID)
		if err != nil {
			return err
		}
		c.Facts = ""                                         // they are for those in the case
		d, raw, err = s.write(ctx, tx, c, r, list, "", true) // anew: what was a draft under an embargo is none now
		return err
	}); err != nil {
		return err
	}
	if err := s.State(ctx, d.Name, raw); err != nil {
		return err
	}
	act := &ledger.Act{Verb: "vendor.state", Object: requestObject(request), Public: map[string]any{"document": document, "status": d.Status}}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error { return setStated(ctx, tx, request, document, now) })
	return err
}

var errNotDue = errors.New("not due")

func (s *Service) tick(ctx context.Context, tx *db.Tx, act *ledger.Act, id ID, now time.Time) error {
	r, c, err := requestByID(ctx, tx, id)
	if err != nil {
		return err
	}
	if r.nextAt.IsZero() || r.nextAt.After(now) {
		return errNotDue
	}
	m, err := s.mover(ctx, tx, act, &r, c, "", Clock)
	if err != nil {
		return err
	}
	switch r.State {
	case FixReleased:
		r.nextAt = time.Time{}
		if err := updateRequest(ctx, tx, r); err != nil {
			return err
		}
		r.Revision++
		act.Public = map[string]any{"what": "embargo_over"}
		return m.release(ctx)
	case RequestSent:
		if !now.Before(r.DueAt) {
			if err := m.to(ctx, NoAnswer, ""); err != nil {
				return err
			}
			r.nextAt = nextReminder(r.SentAt, r.DueAt, r.Reminded, now)
			return m.save(ctx)
		}
	case NoAnswer, Accepted, FixPlanned:
	default:
		r.nextAt = time.Time{}
		return updateRequest(ctx, tx, r)
	}
	r.Reminded++
	r.nextAt = nextReminder(r.SentAt, r.DueAt, r.Reminded, now)
	act.Public = map[string]any{"what": "reminded", "times": r.Reminded, "maker": ledger.Org(r.Org)}
	if err := updateRequest(ctx, tx, r); err != nil {
		return err
	}
	return publish(ctx, tx, "reminded", m.event())
}
