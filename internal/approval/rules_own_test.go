package approval

import (
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// What an organisation gives itself for its own network is issued in the act of
// another noun, carried out by its machine account alone, for that plan alone, and
// is nobody else's to see.
func TestOwnNetwork(t *testing.T) {
	h := lite(t)
	now := h.Clock.Now()
	plan := strings.Repeat("ab", 32)
	o := Order{Kind: OwnNetwork, From: now, Until: now.Add(24 * time.Hour), Measure: "order-1", Plan: plan, Grounds: "警報のあった名前を止める。"}
	chief := h.country.Identity("wind", "chief", gate.OperatorAdmin)
	machine := h.country.Identity("wind", "machine", gate.Actuator)
	var g Grant
	do := func(who gate.Identity, fn func(tx *db.Tx, act *ledger.Act) error) error {
		ctx := gate.With(t.Context(), who)
		act := &ledger.Act{Verb: "act.test", Object: "act/order-1"}
		_, err := h.Ledger.Do(ctx, act, func(tx *db.Tx) error { return fn(tx, act) })
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(do(chief, func(tx *db.Tx, act *ledger.Act) (err error) {
		g, err = h.Issue(gate.With(t.Context(), chief), tx, act, o, "")
		return err
	}))
	sc := Scope{Kind: OwnNetwork, Measure: "order-1", Plan: plan}
	redeem := func(who gate.Identity, g Grant, sc Scope) (u Use, err error) {
		err = do(who, func(tx *db.Tx, act *ledger.Act) (err error) {
			u, err = h.Redeem(gate.With(t.Context(), who), tx, act, g, who, sc)
			return err
		})
		return u, err
	}
	other := sc
	other.Plan = strings.Repeat("cd", 32)
	for name, bad := range map[string]struct {
		who  gate.Identity
		sc   Scope
		code string
	}{
		"another plan": {machine, other, ErrPlan.Code}, "a person": {chief, sc, ErrExecutor.Code},
		"another organisation": {h.country.Identity("sea", "machine", gate.Actuator), sc, ErrNoGrant.Code},
		"as a measure":         {machine, Scope{Kind: PolicePower, Measure: "order-1", Plan: plan}, ErrKind.Code},
	} {
		if _, err := redeem(bad.who, g, bad.sc); err == nil || fault.Of(err).Code != bad.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := redeem(machine, g, sc)
	must(err)
	if _, err := redeem(machine, g, sc); err == nil || fault.Of(err).Code != ErrBusy.Code {
		t.Errorf("two at a time: %v", err)
	}
	for _, who := range []gate.Identity{h.country.Identity("commission", "member", gate.CommissionMember), h.country.Identity("office", "clerk", gate.OfficeClerk)} {
		list, _, _, err := h.List(gate.With(t.Context(), who), Filter{})
		if err != nil || len(list) != 0 {
			t.Errorf("%s sees %d, %v", who.Person, len(list), err)
		}
		if _, err := h.Show(gate.With(t.Context(), who), g.ID()); err == nil {
			t.Errorf("%s reads it", who.Person)
		}
	}
	must(do(chief, func(tx *db.Tx, act *ledger.Act) error {
		return h.Recall(gate.With(t.Context(), chief), tx, act, g.ID(), "undone")
	}))
	if _, err := redeem(machine, g, sc); err == nil || fault.Of(err).Code != ErrWithdrawn.Code {
		t.Errorf("after its end: %v", err)
	}
	late := o
	late.Until = now.AddDate(3, 0, 0)
	if err := do(chief, func(tx *db.Tx, act *ledger.Act) error {
		_, err := h.Issue(gate.With(t.Context(), chief), tx, act, late, "")
		return err
	}); err == nil || fault.Of(err).Code != ErrInvalid.Code {
		t.Errorf("for three years: %v", err)
	}
}
