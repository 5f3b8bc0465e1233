package approval

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/geo"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
	carrier string
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "approval", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, country: country.New(t, p)}
	signer, verifier, _ := testkit.Key(t, "hub.test.example/approval")
	s, err := New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: h.country.Service, Signer: signer, Verifier: verifier, Now: p.Clock.Now,
		Fields: []string{"start", "end", "src", "dst", "packets", "bytes"}})
	if err != nil {
		t.Fatal(err)
	}
	h.Service = s
	h.carrier = h.country.ID("carrier")
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func lite(t *testing.T) *hub { return newHub(t, testkit.DB(t, sources()...)) }

func (h *hub) who(org, person string, roles ...gate.Role) gate.Identity {
	return h.country.Identity(org, person, roles...)
}

func (h *hub) as(org, person string, roles ...gate.Role) context.Context {
	return gate.With(context.Background(), h.who(org, person, roles...))
}

func (h *hub) clerk() context.Context    { return h.as("office", "clerk", gate.OfficeClerk) }
func (h *hub) handler() context.Context  { return h.as("office", "handler", gate.OfficeHandler) }
func (h *hub) examiner() context.Context { return h.as("commission", "examiner", gate.Examiner) }
func (h *hub) inspector() context.Context {
	return h.as("commission", "inspector", gate.Inspector)
}
func (h *hub) member(n string) context.Context {
	return h.as("commission", "member"+n, gate.CommissionMember)
}
func (h *hub) carrying() context.Context { return h.as("carrier", "a", gate.CarrierClerk) }

func hash(c string) string { return strings.Repeat(c, 64) }

// application is one that can be approved: three months of a line inward.
func (h *hub) application() Application {
	from := h.Clock.Now().UTC().Truncate(time.Second)
	return Application{Kind: ForeignDomestic, Link: "K-2", Capacity: 10000, From: from, Until: from.AddDate(0, 0, 30), Cap: Quantity{Bytes: 1 << 40},
		Selectors: Selectors{Hash: hash("a"), Name: "選別の条件 1", Count: 38}, Targets: []string{"電力の制御系への侵入"}, Fields: []string{"start", "src", "dst", "packets"},
		Addresses: "pseudonym", RetainDays: 365, Recipients: []string{"国家サイバー統括室"}, Grounds: "一致する指標が3つの出所にある。", NoOther: "当事者との協定が結べなかった。",
		Necessity: "制御系の宛先だけに限る。", Carrier: h.carrier}
}

func (h *hub) ask(edit ...func(*Application)) Case {
	h.t.Helper()
	a := h.application()
	for _, e := range edit {
		e(&a)
	}
	c, err := h.Ask(h.clerk(), a)
	if err != nil {
		h.t.Fatalf("ask: %v", err)
	}
	return c
}

func (h *hub) examine(id ID) {
	h.t.Helper()
	if err := h.Examine(h.examiner(), id, "要件を満たす。", nil); err != nil {
		h.t.Fatalf("examine: %v", err)
	}
}

// approve brings an application through to its approval, by three members.
func (h *hub) approve(edit ...func(*Application)) Case {
	h.t.Helper()
	c := h.ask(edit...)
	h.examine(c.ID)
	for _, n := range []string{"1", "2", "3"} {
		v := NewVote{Choice: For}
		if n == "3" {
			v = NewVote{Choice: Against, Opinion: "量の理由が書かれていない。"}
		}
		if _, err := h.Vote(h.member(n), c.ID, v); err != nil {
			h.t.Fatalf("vote: %v", err)
		}
	}
	c, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "要件を満たす。", Conditions: []string{"夜間に限る"}})
	if err != nil {
		h.t.Fatalf("decide: %v", err)
	}
	if c.State != Approved {
		h.t.Fatalf("state %s", c.State)
	}
	return c
}

// scope is what a run does that an application covers.
func scope(c Case) Scope {
	return Scope{Directions: []geo.Class{geo.FD}, Link: "K-2", From: c.from, Until: c.from.Add(time.Hour), Selectors: hash("a"), Fields: []string{"start", "src"}}
}

// grantOf returns the Grant of an approval as its handler has it.
func (h *hub) grantOf(id ID) (g Grant) {
	h.t.Helper()
	if err := h.DB.Read(h.t.Context(), func(tx *db.Tx) (err error) {
		g, err = h.Grant(h.handler(), tx, id)
		return err
	}); err != nil {
		h.t.Fatalf("grant: %v", err)
	}
	return g
}

// redeem redeems a Grant in an act of its own, as a run does.
func (h *hub) redeem(g Grant, who gate.Identity, s Scope) (u Use, err error) {
	ctx := gate.With(context.Background(), who)
	act := &ledger.Act{Verb: "selection.run"}
	_, err = h.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		u, err = h.Redeem(ctx, tx, act, g, who, s)
		return err
	})
	return u, err
}

func (h *hub) hand() gate.Identity { return h.who("office", "handler", gate.OfficeHandler) }

func (h *hub) write(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := h.handler()
	_, err := h.Ledger.Do(ctx, &ledger.Act{Verb: "selection.run"}, func(tx *db.Tx) error { return fn(ctx, tx) })
	return err
}

func (h *hub) finish(u Use, q Quantity) {
	h.t.Helper()
	if err := h.write(func(ctx context.Context, tx *db.Tx) error { return h.Finish(ctx, tx, u.ID, q, "done") }); err != nil {
		h.t.Fatalf("finish: %v", err)
	}
}

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
