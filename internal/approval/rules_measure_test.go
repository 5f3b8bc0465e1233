package approval

import (
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// A plan against a machine is laid before the commission in the act of its
// measure, never by an application of its own; what is approved is that plan for
// that chain of command, and who asked may take it back.
func TestAPlanIsLaidInItsOwnAct(t *testing.T) {
	h := lite(t)
	_, err := h.Ask(h.clerk(), Application{Kind: PolicePower, Measure: "m", Plan: hash("a")})
	wants(t, "asked like a selection", err, ErrInvalid)
	now := h.Clock.Now()
	a := Application{Kind: PolicePower, Measure: "m", Plan: hash("a"), From: now, Until: now.AddDate(0, 0, 2), Grounds: "停電のおそれがある。", NoOther: "管理者に届かない。", Necessity: "一つの機能に限る。"}
	lay := func(a Application) (c Case, err error) {
		ctx := h.clerk()
		act := &ledger.Act{Verb: "measure.ask"}
		_, err = h.Ledger.Do(ctx, act, func(tx *db.Tx) error {
			c, err = h.Lay(ctx, tx, act, a)
			return err
		})
		return c, err
	}
	for what, spoil := range map[string]func(a *Application){
		"no plan": func(a *Application) { a.Plan = "" }, "no chain": func(a *Application) { a.Measure = "" }, "a selection": func(a *Application) { a.Kind = ForeignForeign },
		"for a year": func(a *Application) { a.Until = now.AddDate(1, 0, 0) }, "no grounds": func(a *Application) { a.Grounds = "" },
	} {
		b := a
		spoil(&b)
		if _, err := lay(b); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	c, err := lay(a)
	if err != nil || c.State != Asked {
		t.Fatalf("%+v, %v", c, err)
	}
	standing := func() (st Standing) {
		t.Helper()
		if err := h.DB.Read(org.Local(t.Context()), func(tx *db.Tx) (err error) {
			st, err = h.Standing(t.Context(), tx, c.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return st
	}
	if st := standing(); st.State != Asked || st.Measure != "m" || st.Plan != "" {
		t.Errorf("%+v", st)
	}
	h.examine(c.ID)
	for _, n := range []string{"1", "2", "3"} {
		if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "要件を満たす。"}); err != nil {
		t.Fatal(err)
	}
	if st := standing(); st.State != Approved || st.Plan != hash("a") {
		t.Errorf("%+v", st)
	}
	_, err = h.redeem(h.grantOf(c.ID), h.hand(), Scope{Kind: PolicePower, Measure: "m", Plan: hash("a")})
	wants(t, "who handles communications carries no measure out", err, ErrExecutor)
	ctx := h.clerk()
	act := &ledger.Act{Verb: "measure.recall"}
	if _, err := h.Ledger.Do(ctx, act, func(tx *db.Tx) error { return h.Release(ctx, tx, act, c.ID, "計画を直す。") }); err != nil {
		t.Fatal(err)
	}
	if st := standing(); st.State != GivenUp {
		t.Errorf("%+v", st)
	}
}
