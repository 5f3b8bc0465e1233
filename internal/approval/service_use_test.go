package approval

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/geo"
	"noroshi/internal/testkit"
)

// TestEveryWrongGrant walks Redeem with everything that must not open a door.
func TestEveryWrongGrant(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		g := h.grantOf(c.ID)
		good := scope(c)
		other := newHub(t, testkit.DB(t, sources()...))
		foreign := other.grantOf(other.approve().ID)
		edited := g
		edited.order.Until = edited.order.Until.AddDate(1, 0, 0)
		resealed := edited
		resealed.digest = edited.order.Digest()
		evil, verifier, _ := testkit.Key(t, h.Signer.Name()) // of the same name
		paper, err := g.Order().Sign(evil)
		if err != nil {
			t.Fatal(err)
		}
		forged, err := Open(paper, verifier)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, x := range []struct {
			name  string
			g     Grant
			scope func(*Scope)
			want  error
		}{
			{"zero", Grant{}, nil, ErrNoGrant},
			{"of another hub", foreign, nil, ErrNoGrant},
			{"edited", edited, nil, ErrForged},
			{"edited with its digest", resealed, nil, ErrForged},
			{"of another key of the same name", forged, nil, ErrForged},
			{"without a direction", g, func(s *Scope) { s.Directions = nil }, ErrDirection},
			{"another direction", g, func(s *Scope) { s.Directions = []geo.Class{geo.FF} }, ErrDirection},
			{"one direction more", g, func(s *Scope) { s.Directions = []geo.Class{geo.FD, geo.DF} }, ErrDirection},
			{"another line", g, func(s *Scope) { s.Link = "K-3" }, ErrLink},
			{"packets from before", g, func(s *Scope) { s.From = s.From.Add(-time.Second) }, ErrPeriod},
			{"packets from after", g, func(s *Scope) { s.Until = c.Until.Add(time.Second) }, ErrPeriod},
			{"other selectors", g, func(s *Scope) { s.Selectors = hash("b") }, ErrSelectors},
			{"a field more", g, func(s *Scope) { s.Fields = append(s.Fields, "bytes") }, ErrFields},
			{"of another kind", g, func(s *Scope) { s.Kind = Reidentify }, ErrKind},
		} {
			sc := good
			sc.Fields = slices.Clone(good.Fields)
			if x.scope != nil {
				x.scope(&sc)
			}
			_, err := h.redeem(x.g, h.hand(), sc)
			wants(t, x.name, err, x.want)
			if x.g.ID() == c.ID {
				refused++
			}
		}
		if v, err := h.Uses(h.inspector(), c.ID, "", 0); err != nil || len(v.Refusals) != refused || len(v.Uses) != 0 || v.Refusals[0].Reason != ErrKind.Code || v.Refusals[0].Verb != "selection.run" {
			t.Errorf("%d refusals, want %d: %+v %v", len(v.Refusals), refused, v, err)
		}
		u, err := h.redeem(g, h.hand(), good)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.redeem(g, h.hand(), good)
		wants(t, "while another is under way", err, ErrBusy)
		spend := func(q Quantity) error {
			return h.write(func(ctx context.Context, tx *db.Tx) error { return h.Spend(ctx, tx, u.ID, q) })
		}
		wants(t, "spend", spend(Quantity{1, 100}), nil)
		wants(t, "spend less", spend(Quantity{1, 99}), ErrTaken)
		wants(t, "spend all", spend(Quantity{9, 1 << 40}), nil)
		wants(t, "alive with nothing left", h.Alive(t.Context(), u.ID), ErrSpent)
		h.finish(u, Quantity{9, 1 << 40})
		wants(t, "spend after the end", spend(Quantity{9, 1 << 41}), ErrUse)
		wants(t, "alive after the end", h.Alive(t.Context(), u.ID), ErrUse)
		_, err = h.redeem(g, h.hand(), good)
		wants(t, "over the cap", err, ErrSpent)
		wants(t, "no use", h.Alive(t.Context(), newID()), ErrUse)

		// Each way an approval ends ends what runs on it, and the Grant.
		for name, x := range map[string]struct {
			end  func(id ID) error
			want error
		}{
			"revoked":  {func(id ID) error { return h.Revoke(h.member("1"), id, "条件に反した") }, ErrWithdrawn},
			"given up": {func(id ID) error { return h.GiveUp(h.clerk(), id, "終わった") }, ErrWithdrawn},
			"expired":  {func(ID) error { h.Clock.Pass(30 * 24 * time.Hour); return nil }, ErrExpired},
		} {
			c := h.approve()
			g := h.grantOf(c.ID)
			u, err := h.redeem(g, h.hand(), scope(c))
			wants(t, name, err, nil)
			wants(t, name, h.Alive(t.Context(), u.ID), nil)
			wants(t, name, x.end(c.ID), nil)
			wants(t, name+" while it runs", h.Alive(t.Context(), u.ID), x.want)
			h.finish(u, Quantity{1, 1})
			_, err = h.redeem(g, h.hand(), scope(c))
			wants(t, name, err, x.want)
		}
		early := h.approve(func(a *Application) { a.From, a.Until = a.From.AddDate(0, 0, 2), a.Until.AddDate(0, 0, 2) })
		_, err = h.redeem(h.grantOf(early.ID), h.hand(), scope(early))
		wants(t, "before its period", err, ErrEarly)
		asked := h.ask()
		err = h.DB.Read(t.Context(), func(tx *db.Tx) error { _, err := h.Grant(h.handler(), tx, asked.ID); return err })
		wants(t, "of what is not decided", err, ErrNoGrant)
	})
}

// TestTwoRedeemAtOnce lets many take the same Grant: one has it.
func TestTwoRedeemAtOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		g := h.grantOf(c.ID)
		var wg sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			wg.Go(func() { _, errs[i] = h.redeem(g, h.hand(), scope(c)) })
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		}
		if done != 1 {
			t.Errorf("%d had it", done)
		}
		v, err := h.Uses(h.inspector(), c.ID, "", 0)
		if err != nil || len(v.Uses) != 1 || len(v.Refusals) != len(errs)-1 {
			t.Errorf("%d uses, %d refusals, %v", len(v.Uses), len(v.Refusals), err)
		}
		if n := h.Entries(t, "selection.run", ledger.Refused); n != len(errs)-1 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestAnAgreementIssuesAGrant(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a := h.application()
		o := a.order("", "", nil, time.Time{})
		o.Kind, o.Party, o.Directions = Agreement, h.country.ID("wind"), []geo.Class{geo.FD}
		issue := func(ctx context.Context, o Order) (g Grant, err error) {
			act := &ledger.Act{Verb: "agreement.conclude", Object: "agreement/1"}
			_, err = h.Ledger.Do(ctx, act, func(tx *db.Tx) error { g, err = h.Issue(ctx, tx, act, o, ""); return err })
			if err == nil && (act.Object != "agreement/1" || act.Grant != g.ID()) {
				t.Errorf("%+v", act)
			}
			return g, err
		}
		for name, edit := range map[string]func(*Order){
			"another kind": func(o *Order) { o.Kind = ForeignDomestic }, "no party": func(o *Order) { o.Party = "" }, "no cap": func(o *Order) { o.Cap = Quantity{} },
			"too long": func(o *Order) { o.Until = o.Until.AddDate(2, 0, 0) }, "kept for ever": func(o *Order) { o.RetainDays = 10000 }, "over": func(o *Order) { o.From, o.Until = o.From.AddDate(0, -3, 0), o.From.AddDate(0, -1, 0) },
		} {
			bad := o
			edit(&bad)
			if _, err := issue(h.clerk(), bad); err == nil {
				t.Errorf("%s was issued", name)
			}
		}
		_, err := issue(context.Background(), o)
		wants(t, "nobody", err, ErrKindAct)
		g, err := issue(h.clerk(), o)
		if err != nil {
			t.Fatal(err)
		}
		sc := Scope{Kind: Agreement, Directions: []geo.Class{geo.FD}, Link: "K-2", Selectors: hash("a")}
		u, err := h.redeem(g, h.hand(), sc)
		wants(t, "redeem", err, nil)
		wants(t, "the commission does not revoke what parties agreed", h.Revoke(h.member("1"), g.ID(), "止める"), ErrStep)
		wants(t, "nor does the office give it up alone", h.GiveUp(h.clerk(), g.ID(), "やめる"), ErrStep)
		party := h.as("wind", "a", gate.OperatorAdmin)
		if list, _, err := h.Instructions(party, Filter{}); err != nil || len(list) != 1 || list[0].Basis == "" {
			t.Errorf("%+v %v", list, err)
		}
		if list, _, err := h.Instructions(h.as("sea", "a", gate.OperatorAdmin), Filter{}); err != nil || len(list) != 0 {
			t.Errorf("another operator: %d %v", len(list), err)
		}
		recall := func(id ID) error {
			ctx := h.clerk()
			act := &ledger.Act{Verb: "agreement.end", Object: "agreement/1"}
			_, err := h.Ledger.Do(ctx, act, func(tx *db.Tx) error { return h.Recall(ctx, tx, act, id, "当事者の申し出") })
			return err
		}
		wants(t, "recall", recall(g.ID()), nil)
		wants(t, "recall twice", recall(g.ID()), ErrStep)
		wants(t, "recall what the commission decided", recall(h.approve().ID), ErrKindAct)
		wants(t, "alive", h.Alive(t.Context(), u.ID), ErrWithdrawn)
	})
}

func BenchmarkAlive(b *testing.B) {
	h := newHub(b, testkit.DB(b, sources()...))
	c := h.approve()
	u, err := h.redeem(h.grantOf(c.ID), h.hand(), scope(c))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := h.Alive(b.Context(), u.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRedeem(b *testing.B) {
	h := newHub(b, testkit.DB(b, sources()...))
	c := h.approve()
	g := h.grantOf(c.ID)
	for b.Loop() {
		u, err := h.redeem(g, h.hand(), scope(c))
		if err != nil {
			b.Fatal(err)
		}
		h.finish(u, Quantity{1, 1})
	}
}

// TestAnEditedTableOpensNothing: whoever changes the database gives nobody power.
func TestAnEditedTableOpensNothing(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c, other := h.approve(), h.approve(func(a *Application) { a.Link = "K-9" })
		g := h.grantOf(c.ID)
		edit := func(query string, args ...any) {
			t.Helper()
			if err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), query, args...); return err }); err != nil {
				t.Fatal(err)
			}
		}
		edit("UPDATE approval_case SET until_at = until_at + 100000000000000, cap_bytes = cap_bytes * 2 WHERE id = $1", c.ID)
		u, err := h.redeem(g, h.hand(), scope(c))
		if err != nil || u.Left != c.Cap {
			t.Errorf("%+v %v", u, err)
		}
		h.finish(u, Quantity{1, 1})
		edit("UPDATE approval_case SET digest = $2 WHERE id = $1", c.ID, other.Order)
		_, err = h.redeem(g, h.hand(), scope(c))
		wants(t, "another digest", err, ErrForged)
		edit("UPDATE approval_case SET digest = $2, paper = (SELECT paper FROM approval_case WHERE id = $3) WHERE id = $1", c.ID, other.Order, other.ID)
		if _, err := h.redeem(g, h.hand(), scope(c)); err == nil {
			t.Error("another's paper opened it")
		}
		asked := h.ask()
		edit("UPDATE approval_case SET state = 'approved', digest = $2 WHERE id = $1", asked.ID, other.Order)
		if err := h.DB.Read(t.Context(), func(tx *db.Tx) error { _, err := h.Grant(h.handler(), tx, asked.ID); return err }); !errors.Is(err, ErrNoGrant) {
			t.Errorf("approved by hand: %v", err)
		}
		h.Clock.Pass(30 * 24 * time.Hour)
		edit("UPDATE approval_case SET digest = $2, paper = $3 WHERE id = $1", c.ID, c.Order, c.paper)
		_, err = h.redeem(g, h.hand(), scope(c))
		wants(t, "after its signed end", err, ErrExpired)
	})
}

// Who asked for an approval carries nothing out under what goes on from it,
// whoever asked for that.
func TestWhoAskedBeforeCarriesNothingOut(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		other := h.as("office", "clerk2", gate.OfficeClerk)
		a, err := h.Extension(other, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		x, err := h.Ask(other, a)
		if err != nil {
			t.Fatal(err)
		}
		h.examine(x.ID)
		for _, n := range []string{"1", "2", "3"} {
			if _, err := h.Vote(h.member(n), x.ID, NewVote{Choice: For}); err != nil {
				t.Fatal(err)
			}
		}
		if x, err = h.Decide(h.member("1"), x.ID, Decision{Reason: "要件を満たす。"}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(x.from.Sub(h.Clock.Now()) + time.Hour)
		s := Scope{Directions: []geo.Class{geo.FD}, Link: "K-2", From: x.from, Until: x.from.Add(time.Hour), Selectors: hash("a"), Fields: []string{"start", "src"}}
		_, err = h.redeem(h.grantOf(x.ID), h.who("office", "clerk", gate.OfficeHandler), s)
		wants(t, "the clerk of the approval before", err, ErrExecutor)
		_, err = h.redeem(h.grantOf(x.ID), h.hand(), s)
		wants(t, "somebody else", err, nil)
	})
}
