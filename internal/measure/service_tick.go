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
// chains it touched. A chain that cannot be read holds up no other.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var failed []error
	after := ID("")
	for range maxRounds {
		var list []ID
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			list, err = pending(ctx, tx, s.now(), after)
			return err
		}); err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		for _, id := range list {
			after = id
			touched, err := s.tick(ctx, id)
			if err != nil {
				failed = append(failed, fmt.Errorf("measure %s: %w", id, err))
			}
			if touched {
				n++
			}
		}
		if len(list) < db.MaxLimit {
			break
		}
	}
	return n, errors.Join(failed...)
}

// tick does what time does to one chain.
func (s *Service) tick(ctx context.Context, id ID) (touched bool, err error) {
	var c Chain
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = chainByID(ctx, tx, id, false); err != nil {
			return err
		}
		return s.see(ctx, tx, &c, s.now())
	}); err != nil {
		return false, err
	}
	if c.State != c.stored {
		touched = true
		err = ignore(s.lapsed(gateless(ctx), id), ErrRevision)
	}
	if c.Facts.Late && !c.Facts.Alarmed {
		touched = true
		err = errors.Join(err, ignore(s.alarm(gateless(ctx), id), ErrRevision))
	}
	return touched, err
}

// alarm writes down that something of an emergency is past its time, once for the
// notice and once for the review, and tells the unit and the commission.
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
		c.State = c.stored // what time did to the chain has an act of its own
		what := map[Notice]string{Due: "notice", Noticed: "review"}[c.Facts.Notice]
		if c.Facts, err = talk(c.State, c.Facts, "alarm", ClockSide, nil); err != nil {
			return errNothing // somebody did meanwhile what was owed
		}
		kase, err := caseOf(ctx, tx, c.kase)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		c.AlarmedAt, c.Facts.Alarmed = now, true
		m := move{act: "alarm", by: ClockSide, said: struct{}{}, public: map[string]any{"what": what}}
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
