package act

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t        testing.TB
	country  *country.Country
	verifier note.Verifier
	mu       sync.Mutex
	officers map[string]gate.Identity
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "approval", FS: approval.Migrations}, db.Source{Noun: "measure", FS: measure.Migrations}, db.Source{Noun: "act", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, country: country.New(t, p), officers: map[string]gate.Identity{}}
	var signer note.Signer
	signer, h.verifier, _ = testkit.Key(t, "hub.test.example/approval")
	a, err := approval.New(approval.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: h.country.Service, Signer: signer, Verifier: h.verifier, Now: p.Clock.Now})
	h.must(err)
	m, err := measure.New(measure.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: h.country.Service, Approvals: a, Now: p.Clock.Now, Person: func(_ context.Context, _ *db.Tx, id string) (gate.Identity, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		who, ok := h.officers[id]
		if !ok {
			return who, org.ErrPersonGone
		}
		return who, nil
	}})
	h.must(err)
	h.Service, err = New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: h.country.Service, Approvals: a, Measures: m, Signer: signer, Now: p.Clock.Now,
		Own: func(_ context.Context, _ *db.Tx, unit string) ([]netip.Prefix, error) {
			if unit != h.country.ID("wind") {
				return nil, nil
			}
			return []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}, nil
		}})
	h.must(err)
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func lite(t testing.TB) *hub { return newHub(t, testkit.DB(t, sources()...)) }

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) as(place, person string, role gate.Role) context.Context {
	who := h.country.Identity(place, person, role)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.officers[who.Person] = who
	return gate.With(context.Background(), who)
}

func (h *hub) reporter() context.Context { return h.as("wind", "reporter", gate.OperatorReporter) }
func (h *hub) admin() context.Context    { return h.as("wind", "admin", gate.OperatorAdmin) }

// machine is the account of a process, with its token.
func (h *hub) machine(place string) context.Context {
	who := h.country.Identity(place, "machine", gate.Actuator)
	who.Session, who.Token, who.Scopes = "", "token", []string{"act.*"}
	return gate.With(context.Background(), who)
}

func plainAsk(targets ...string) Ask {
	return Ask{Kind: driver.Sinkhole, Targets: targets, Hours: 2, Grounds: "警報のあった名前。", Basis: OwnBasis}
}

func (h *hub) ask(targets ...string) Order {
	h.t.Helper()
	o, err := h.Ask(h.reporter(), plainAsk(targets...))
	h.must(err)
	return o
}

// dried is an order whose actuator showed what it would do.
func (h *hub) dried(place string, o Order) {
	h.t.Helper()
	m := h.machine(place)
	_, err := h.Work(m, Contact{Actuator: place + "-box", Kinds: driver.Kinds})
	h.must(err)
	_, err = h.Dry(m, o.ID, Dried{Actuator: place + "-box", Digest: o.Digest, Rules: o.Task.Count, Lines: []string{"+x"}, Fits: true})
	h.must(err)
}

// sent is an order that was approved and taken.
func (h *hub) sent(targets ...string) Order {
	h.t.Helper()
	o := h.ask(targets...)
	h.dried("wind", o)
	_, err := h.Approve(h.admin(), o.ID, Decision{Digest: o.Digest})
	h.must(err)
	_, err = h.Take(h.machine("wind"), o.ID, Claim{"wind-box"})
	h.must(err)
	return h.load(o.ID)
}

func (h *hub) load(id ID) (o Order) {
	h.t.Helper()
	h.must(h.DB.Read(context.Background(), func(tx *db.Tx) (err error) { o, err = orderByID(context.Background(), tx, id, false); return err }))
	return o
}

func (h *hub) told(o Order, st State) error {
	_, err := h.Tell(h.machine("wind"), o.ID, Outcome{Actuator: "wind-box", Use: o.use, State: st, Rules: 1, At: h.Clock.Now()})
	return err
}

func (h *hub) tick() {
	h.t.Helper()
	_, err := h.Tick(org.Local(context.Background()))
	h.must(err)
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// places are the codes of a fault, by place.
func places(err error) map[string]string {
	out := map[string]string{}
	if err != nil {
		for _, p := range fault.Of(err).Places {
			out[p.At] = p.Code
		}
	}
	return out
}

const hour = time.Hour
