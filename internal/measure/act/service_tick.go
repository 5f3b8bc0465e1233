package act

import (
	"context"
	"errors"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxRounds bounds the pages of orders that one Tick looks at.
const maxRounds = 20

// gateless is a context in which nobody acts but the hub itself.
func gateless(ctx context.Context) context.Context { return gate.With(ctx, gate.Identity{}) }

// Tick does what time does by itself: what nobody decided or took ends, what rests
// on a Grant that no longer stands is undone, and what nobody answers for is an
// alarm. The hub calls it every few seconds; it returns how many orders it
// touched.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var failed []error
	after := ID("")
	for range maxRounds {
		now := s.now()
		var list []Order
		var why []string
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			list, err = due(ctx, tx, after, now.Add(-s.Numbers.AskHours.hours()), now.Add(-s.Numbers.OutcomeMinutes.minutes()), now.Add(-s.Numbers.GraceMinutes.minutes()), now)
			for i := range list {
				why = append(why, s.lapse(ctx, tx, &list[i]))
			}
			return err
		}); err != nil {
			return n, errors.Join(append(failed, err)...)
		}
		for i := range list { // one that cannot be done holds up no other
			after = list[i].ID
			switch w := why[i]; w {
			case "":
				continue
			case "no_outcome", "overdue":
				failed = append(failed, s.alarm(gateless(ctx), "", list[i].ID, w))
			default:
				failed = append(failed, s.ended(gateless(ctx), list[i].ID, w))
			}
			n++
		}
		if len(list) < db.MaxLimit {
			break
		}
	}
	return n, errors.Join(append(failed, s.missed(ctx))...)
}

// lapse says what time does to an order: an alarm, or the reason of its end; empty
// for nothing.
func (s *Service) lapse(ctx context.Context, tx *db.Tx, o *Order) string {
	now := s.now()
	switch {
	case o.State == Asked && !now.Before(o.AskedAt.Add(s.Numbers.AskHours.hours())):
		return "undecided"
	case o.State == Approved && !now.Before(o.Until):
		return "never_sent"
	case o.State.held() && !now.Before(o.Until.Add(s.Numbers.GraceMinutes.minutes())) && o.Alarm != "overdue":
		return "overdue"
	case o.State == Sent && o.ToldAt.IsZero() && !now.Before(o.SentAt.Add(s.Numbers.OutcomeMinutes.minutes())) && o.Alarm != "no_outcome":
		return "no_outcome"
	case o.Task.Chain != "" && o.State != Ending && o.State.held() && now.Before(o.Until) && s.stands(ctx, tx, o, now) != nil:
		if o.State == Stuck { // it is said once
			if was, err := toldToEnd(ctx, tx, o.ID); was || err != nil {
				return ""
			}
		}
		return "revoked"
	}
	return ""
}

// ended ends an order by the clock, or because what it rests on ended.
func (s *Service) ended(ctx context.Context, id ID, reason string) error {
	act := &ledger.Act{Verb: "act.end", Public: map[string]any{"reason": reason}}
	var unit string
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		o, err := orderByID(ctx, tx, id, true)
		if err != nil {
			return err
		}
		to := Expired
		if o.State.held() {
			if to = Ending; o.State == Ending {
				return errNothing
			}
		}
		if o.State.over() {
			return errNothing
		}
		unit = o.Org
		return s.moved(&at{ctx, tx, act, gate.Identity{}, &o, s.now()}, move{verb: "act.end", id: id, by: ClockSide, fn: func(a *at) (State, error) {
			if a.o.Reason = reason; to == Expired {
				return to, s.recall(a, reason)
			}
			return to, nil
		}})
	})
	if err == errNothing {
		return nil
	}
	if err == nil {
		s.bells.ring(unit)
	}
	return err
}

// missed raises an alarm, once, for each actuator that holds something and was not
// heard of.
func (s *Service) missed(ctx context.Context) error {
	var list []Actuator
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = lost(ctx, tx, s.now().Add(-s.Numbers.LostMinutes.minutes()))
		return err
	})
	for _, a := range list {
		err = errors.Join(err, s.alarm(gateless(ctx), a.ID, "", "lost"))
	}
	return err
}
