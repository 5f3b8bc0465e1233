package measure

import (
	"context"
	"errors"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxRounds bounds the pages of chains that one Tick looks at.
const maxRounds = 20

// Tick does what time does by itself: it writes down what the commission decided
// and what ran out, and raises an alarm where a notice or a review of an
// emergency is past its time. No power rests on it: what ran out gives nothing
// from that instant on. The hub calls it every few seconds; it returns how many
// chains it touched.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var failed []error
	after := ID("")
	for range maxRounds {
		now := s.now()
		var list []Chain
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if list, err = pending(ctx, tx, now, after); err != nil {
				return err
			}
			for i := range list {
				if err := s.see(ctx, tx, &list[i], now); err != nil {
					return fmt.Errorf("measure %s: %w", list[i].ID, err)
				}
			}
			return nil
		}); err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		for i := range list { // one that cannot be done holds up no other
			c := &list[i]
			after = c.ID
			if c.State != c.stored {
				err := s.lapsed(gateless(ctx), c.ID)
				failed = append(failed, ignore(err, ErrRevision))
				n++
			}
			if c.late(now) && c.AlarmedAt.IsZero() {
				failed = append(failed, ignore(s.alarm(gateless(ctx), c.ID), ErrRevision))
				n++
			}
		}
		if len(list) < db.MaxLimit {
			break
		}
	}
	return n, errors.Join(failed...)
}

// alarm writes down that something of an emergency is past its time, once for the
// notice and once for the review.
func (s *Service) alarm(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "measure.alarm"}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		now := s.now()
		c, err := chainByID(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := s.see(ctx, tx, &c, now); err != nil {
			return err
		}
		if !alarmed(c.Facts.Notice, c.late(now)) || !c.AlarmedAt.IsZero() {
			return errNothing
		}
		kase, err := caseOf(ctx, tx, c.kase)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		c.AlarmedAt, c.State = now, c.stored
		m := move{act: "alarm", by: ClockSide, said: struct{}{}}
		if err := s.record(&at{ctx, tx, act, gate.Identity{}, &kase, &c, now, &m}, c.stored); err != nil {
			return err
		}
		if err := updateChain(ctx, tx, &c, "alarm"); err != nil {
			return err
		}
		return s.tell(ctx, tx, "alarm", &kase, &c)
	})
	return ignore(err, errNothing)
}
