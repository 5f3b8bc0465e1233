package desk

import (
	"context"
	"errors"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Tick does what time does by itself: it reads what is new in the ledger, draws
// the samples of plans that are in the signed log, reminds whoever owes an answer,
// and destroys what was opened long enough ago. The hub calls it every few
// seconds; it returns how many things it touched.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	ctx = gateless(ctx)
	var failed []error
	if err := s.inspect(ctx); err != nil {
		failed = append(failed, err)
	}
	for _, work := range []func(context.Context) (int, error){s.drawAll, s.remindAll, s.forgetAll} {
		k, err := work(ctx)
		n, failed = n+k, append(failed, err)
	}
	return n, errors.Join(failed...)
}

// inspect reads what is new, and everything again once a day.
func (s *Service) inspect(ctx context.Context) error {
	f, ok := s.look.now()
	if !ok || s.now().Sub(f.fullAt) >= s.Numbers.FullHours.hours() {
		return s.replay(ctx)
	}
	return s.look.follow(ctx, s.now(), stride)
}

func (s *Service) drawAll(ctx context.Context) (n int, err error) {
	var list []Plan
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { list, err = undrawn(ctx, tx); return err }); err != nil {
		return 0, err
	}
	var failed []error
	for _, p := range list {
		did, err := s.draw(ctx, p)
		if failed = append(failed, err); did {
			n++
		}
	}
	return n, errors.Join(failed...)
}

// remindAll brings to mind what waits for an answer: papers and wishes, when their
// day is near and when it is past.
func (s *Service) remindAll(ctx context.Context) (n int, err error) {
	var list []Paper
	var asked []Opening
	now := s.now()
	w := when{near: now.Add(s.Numbers.EarlyDays.days()), past: now, again: now.Add(-s.Numbers.RemindDays.days())}
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		if list, err = duePapers(ctx, tx, w); err != nil {
			return err
		}
		asked, err = dueOpenings(ctx, tx, w)
		return err
	}); err != nil {
		return 0, err
	}
	var failed []error
	for i := range list {
		if p := &list[i]; s.Numbers.reminder(p.DueAt, p.remindedAt, now, p.Days) != "" {
			failed = append(failed, s.remind(ctx, p.ID))
			n++
		}
	}
	for i := range asked {
		if o := &asked[i]; s.Numbers.reminder(o.DueAt, o.remindedAt, now, s.Numbers.OpeningDays.Value) != "" {
			failed = append(failed, s.remindOpening(ctx, o.ID))
			n++
		}
	}
	return n, errors.Join(failed...)
}

func (s *Service) remind(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "oversight.remind", Object: objectOf(id)}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		now := s.now()
		p, err := paperByID(ctx, tx, id)
		if err != nil {
			return err
		}
		name := s.Numbers.reminder(p.DueAt, p.remindedAt, now, p.Days)
		p.Late = p.State == Sent && name == "remind"
		if _, err := apply(p.State, name, ClockSide, facts{soon: name == "prompt", late: p.Late}); err != nil {
			return errNothing // somebody answered meanwhile
		}
		p.remindedAt = now
		if err := s.record(&at{ctx, tx, gate.Identity{}, now}, act, &p, p.State, &move{act: name}); err != nil {
			return err
		}
		if err := updatePaper(ctx, tx, &p); err != nil {
			return err
		}
		return s.tell(ctx, tx, name, &p)
	})
	return ignore(ignore(err, errNothing), ErrRevision)
}

// remindOpening brings a wish to mind that was neither granted nor withheld.
func (s *Service) remindOpening(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "oversight.remind", Object: openingObject(id)}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		now := s.now()
		o, err := openingByID(ctx, tx, id)
		if err != nil {
			return err
		}
		name := s.Numbers.reminder(o.DueAt, o.remindedAt, now, s.Numbers.OpeningDays.Value)
		if o.State != Asked || name == "" {
			return errNothing
		}
		act.Public = o.public()
		act.Public["act"], act.Public["due"] = name, o.DueAt.Format(time.RFC3339Nano)
		if err := putReminded(ctx, tx, o.ID, now); err != nil {
			return err
		}
		return s.tellOpening(ctx, tx, name, &o)
	})
	return ignore(err, errNothing)
}

// forgetAll destroys the keys of what was opened long enough ago.
func (s *Service) forgetAll(ctx context.Context) (n int, err error) {
	var list []Opening
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { list, err = expired(ctx, tx, s.now()); return err }); err != nil {
		return 0, err
	}
	var failed []error
	for _, o := range list {
		act := &ledger.Act{Verb: "oversight.forget", Object: openingObject(o.ID), Public: o.public()}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
			if err := s.Keys.Destroy(ctx, tx, safe(o.ID)); err != nil {
				return err
			}
			o.State, o.content = Gone, []byte{}
			return endOpening(ctx, tx, &o, Opened)
		})
		failed = append(failed, ignore(err, ErrRevision))
		n++
	}
	return n, errors.Join(failed...)
}

// Waiting counts what waits for who asks: papers to answer and entries to open.
func (s *Service) Waiting(ctx context.Context) (n int, err error) {
	if !Access.May(ctx, "oversight.answer") {
		return 0, nil
	}
	err = s.read(ctx, "oversight.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Addressed {
			return nil
		}
		list, _, err := listPapers(ctx, tx, Filter{State: string(Sent), Limit: db.MaxLimit}, who, reach)
		if err != nil {
			return err
		}
		open, _, err := listOpenings(ctx, tx, Filter{Open: true, Limit: db.MaxLimit}, who, reach)
		n = len(list) + len(open)
		return err
	})
	return n, err
}

// week is the last instant that the public page counts up to: the end of the last
// whole week in Japan, so that no figure tells on which day something happened.
func week(now time.Time, zone *time.Location) time.Time {
	t := now.In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	return day.AddDate(0, 0, -((int(day.Weekday()) + 6) % 7)) // Monday, 00:00
}
