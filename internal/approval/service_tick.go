package approval

import (
	"context"
	"errors"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxTick bounds the cases that one Tick looks at.
const maxTick = 500

// Tick does what time does by itself: it writes down that periods are over, and
// the refusals beside their entries. Nothing rests on it: an approval is expired
// from its last instant on. The hub calls it every few seconds, as the system
// itself; it returns how many cases it touched. Doing it twice, or late, does
// nothing more.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	failed := []error{s.settle(ctx)}
	var list []ID
	now := s.now()
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = over(ctx, tx, now, maxTick)
		return err
	}); err != nil {
		return 0, errors.Join(append(failed, err)...)
	}
	for _, id := range list { // one that cannot be done holds up no other
		act := &ledger.Act{Verb: "approval.expire", Object: objectOf(id)}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error { return s.expire(ctx, tx, act, id) })
		switch {
		case errors.Is(err, errNotOver), errors.Is(err, ErrRevision): // somebody acted meanwhile
		case err != nil:
			failed = append(failed, fmt.Errorf("approval %s: %w", id, err))
		default:
			n++
		}
	}
	return n, errors.Join(failed...)
}

var errNotOver = errors.New("not over")

func (s *Service) expire(ctx context.Context, tx *db.Tx, act *ledger.Act, id ID) error {
	now := s.now()
	c, err := caseByID(ctx, tx, id, true, now)
	if err != nil {
		return err
	}
	if !c.lapsed {
		return errNotOver
	}
	c.State, c.lapsed = Approved, false
	if err := s.move(ctx, tx, act, &c, Expired, ClockSide, gate.Identity{}, ""); err != nil {
		return err
	}
	if err := updateCase(ctx, tx, &c); err != nil {
		return err
	}
	return s.tell(ctx, tx, "expired", &c)
}
