package act

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Outcome is what came of an intent, of the actuator that has it.
type Outcome struct {
	Actuator ID        `json:"actuator" minLength:"1" maxLength:"60"`
	Use      ID        `json:"use" minLength:"1" maxLength:"60"`
	State    State     `json:"state" enum:"live,half,stuck,failed,undone,expired"`
	Rules    int       `json:"rules" minimum:"0"`
	Missing  int       `json:"missing,omitempty" minimum:"0"`
	Extra    int       `json:"extra,omitempty" minimum:"0"`
	Reason   string    `json:"reason,omitempty" maxLength:"100"`
	Says     string    `json:"says,omitempty" maxLength:"4000"`
	At       time.Time `json:"at"`
}

// Tell writes down what came of an intent; saying it twice is once. What somebody
// settled by hand meanwhile stays as it is; that it is held after all is an alarm.
// Faults: ErrMachine, ErrHeld, ErrStep.
func (s *Service) Tell(ctx context.Context, id ID, x Outcome) (Order, error) {
	stays := false
	o, err := s.do(ctx, move{verb: "act.outcome", id: id, by: MachineSide, say: plain(x.Says, maxWords), fn: func(a *at) (State, error) {
		o := a.o
		x.Reason = reasonCode(x.Reason)
		switch {
		case o.Actuator != x.Actuator || o.use == "" || o.use != x.Use:
			return "", ErrHeld
		case !slices.Contains([]State{Live, Half, Stuck, Failed, Undone, Expired}, x.State):
			return "", fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "state", Code: "act.bad.choice"})
		case o.State.over() && x.State == Stuck:
			stays = o.Alarm != stillHeld
			return "", errNothing
		case o.Alarm != stillHeld && o.State == Undone && x.State.over(), (o.State == Ending || o.State == Stuck) && !x.State.over() && x.State != Stuck:
			return "", errNothing
		}
		calm := o.calmed(&x)
		if !calm && o.State == x.State && (o.State.over() || o.Rules == x.Rules && o.Missing == x.Missing && o.Extra == x.Extra && o.Reason == x.Reason) {
			return "", errNothing
		}
		if calm {
			a.act.Public["calmed"] = o.Alarm
			o.Alarm, o.AlarmedAt = "", time.Time{}
		}
		for k, v := range map[string]any{"use": o.use, "actuator": x.Actuator, "rules": x.Rules, "missing": x.Missing, "extra": x.Extra, "happened_at": x.At.UTC().Format(time.RFC3339)} {
			a.act.Public[k] = v
		}
		if x.Reason != "" {
			a.act.Public["reason"] = x.Reason
		}
		if o.State.over() && x.State.over() { // it is gone at last, and was over here already
			return "", nil
		}
		o.ToldAt, o.Rules, o.Missing, o.Extra, o.Reason = a.now, x.Rules, x.Missing, x.Extra, x.Reason
		if !x.State.over() {
			if o.State == x.State { // other numbers of the same state
				return "", nil
			}
			return x.State, nil
		}
		if err := s.finished(a, x.State); err != nil {
			return "", err
		}
		return x.State, nil
	}})
	if err == errNothing {
		err = nil
	}
	if stays {
		err = s.alarm(ctx, x.Actuator, o.ID, stillHeld)
	}
	return o, err
}

// calmed reports whether an outcome ends the alarm that stands at an order: there
// is an outcome at last, the equipment is whole again, or what was over here is
// gone there too.
func (o *Order) calmed(x *Outcome) bool {
	switch {
	case o.Alarm == stillHeld:
		return x.State.over()
	case o.State.over():
		return false
	case o.Alarm == "no_outcome":
		return true
	case o.Alarm == "drift":
		return x.State == Live && x.Missing+x.Extra == 0 || x.State.over()
	}
	return false
}

func (s *Service) sealShown(a *at, sh *Shown) error {
	k, err := s.Keys.Make(a.ctx, a.tx, a.o.Org)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(sh)
	if err != nil {
		return fmt.Errorf("dry run of %s: %w", a.o.ID, err)
	}
	a.o.shown = k.Seal(raw, objectOf(a.o.ID)+"/shown")
	return nil
}

// Warning is an alarm of an actuator.
type Warning struct {
	Actuator ID     `json:"actuator" minLength:"1" maxLength:"60"`
	What     string `json:"what" enum:"replayed,rollback,clock,journal,forged,extra,drift"`
	Order    ID     `json:"order,omitempty" maxLength:"60"`
}

// Warn writes an alarm of an actuator down. Faults: ErrMachine, ErrHeld, ErrNone.
func (s *Service) Warn(ctx context.Context, w Warning) error {
	who, _, err := Access.Allow(ctx, "act.alarm")
	if err == nil {
		err = machine(who)
	}
	if err == nil && !slices.Contains(Alarms, w.What) {
		return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "what", Code: "act.bad.choice"})
	}
	if err != nil {
		_, err = s.Ledger.Do(ctx, &ledger.Act{Verb: "act.alarm"}, func(*db.Tx) error { return err })
		return err
	}
	return s.alarm(ctx, w.Actuator, w.Order, w.What)
}

// raise has an alarm stand at an actuator: a grave one beside the others.
func (a *Actuator) raise(what string, now time.Time) {
	if !slices.Contains(grave, what) {
		a.Alarm, a.AlarmAt = what, now
		return
	}
	if a.Grave == nil {
		a.Grave = map[string]time.Time{}
	}
	a.Grave[what] = now
}

// alarm writes an alarm down, of an actuator, of one order, or both.
func (s *Service) alarm(ctx context.Context, actuator, order ID, what string) error {
	act := &ledger.Act{Verb: "act.alarm", Public: map[string]any{"what": what}}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _ := gate.From(ctx)
		known := who.Org != ""
		h := Happened{Org: who.Org, Act: "alarm"}
		if actuator != "" {
			act.Object = objectOf(actuator)
			act.Public["actuator"] = actuator
			x, err := loadActuator(ctx, tx, actuator)
			if err != nil {
				return err
			}
			if known && (x.Org != who.Org || x.person != who.Person) {
				return ErrHeld
			}
			h.Org = x.Org
			if order == "" { // what is wrong with an order stands at the order
				x.raise(what, s.now())
				if err := putActuator(ctx, tx, x); err != nil {
					return err
				}
			}
		}
		if order != "" {
			o, err := orderByID(ctx, tx, order, true)
			if err != nil {
				return err
			}
			if known && (o.Org != who.Org || o.Actuator != actuator) {
				return ErrNone
			}
			act.Object, act.Grant = objectOf(o.ID), o.Approval
			if o.Alarm != stillHeld { // which no other hides
				o.Alarm, o.AlarmedAt = what, s.now()
			}
			by := ClockSide
			if known {
				by = MachineSide
			}
			if err := s.remember(&at{ctx, tx, act, who, &o, s.now()}, move{what: "alarm", by: by, say: what}, o.State); err != nil {
				return err
			}
			if err := updateOrder(ctx, tx, &o); err != nil {
				return err
			}
			h = Happened{Order: o.ID, Org: o.Org, Act: "alarm", State: o.State, Chain: o.Task.Chain}
		}
		return publish(ctx, tx, "alarmed", h)
	})
	return err
}
