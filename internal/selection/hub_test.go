package selection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/sensor/synth"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// world is a hub with its approvals, and a made-up line between countries.
type world struct {
	*Service
	*testkit.Parts
	t         testing.TB
	country   *country.Country
	approvals *approval.Service
	sightings *sighting.Service
	carrier   string
	line      []byte // a capture
	authority string // verifier of the key that signs orders
}

func worldSources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "sighting", FS: sighting.Migrations}, db.Source{Noun: "intel", FS: intel.Migrations}, db.Source{Noun: "approval", FS: approval.Migrations}, db.Source{Noun: "selection", FS: Migrations})
}

// madeUpPrefixes are the networks of the made-up line.
func madeUpPrefixes(t testing.TB) *Prefixes {
	t.Helper()
	var b strings.Builder
	b.WriteString("prefix,country\n")
	for _, p := range synth.LinkOwn() {
		b.WriteString(p.String() + ",JP\n")
	}
	for _, p := range synth.LinkAway() {
		b.WriteString(p.String() + ",US\n")
	}
	p, err := ReadPrefixes("drill.csv", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	p := testkit.NewParts(t, d)
	w := &world{Parts: p, t: t, country: country.New(t, p)}
	signer, verifier, public := testkit.Key(t, "hub.test.example/approval")
	w.authority = public
	var err error
	if w.approvals, err = approval.New(approval.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: w.country.Service, Signer: signer, Verifier: verifier, Fields: Fields, Now: p.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	w.sightings = sighting.Open(sighting.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: w.country.Service, Now: p.Clock.Now})
	w.line = w.traffic()
	items, err := intel.Open(intel.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: w.country.Service, Dir: t.TempDir(), Now: p.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	counter, _, _ := testkit.Key(t, "hub.test.example/counter")
	w.Service = w.open(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Threads: p.Threads, Orgs: w.country.Service, Approvals: w.approvals, Sightings: w.sightings, Intel: items, Now: p.Clock.Now, Signer: counter,
		Drills: []Drill{{ID: "line", Name: text.Both{JA: "作った回線", EN: "Made-up line"}, Link: "K-2", Prefixes: madeUpPrefixes(t), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(w.traffic())), nil }}}})
	w.carrier = w.country.ID("carrier")
	return w
}

// traffic is what passes on the line in the next minutes.
func (w *world) traffic() []byte {
	w.t.Helper()
	var line bytes.Buffer
	if err := synth.WriteLink(&line, synth.LinkConfig{Seed: 7, Start: w.Clock.Now().Add(time.Minute), Length: 2 * time.Minute, Talks: 60}); err != nil {
		w.t.Fatal(err)
	}
	return line.Bytes()
}

func (w *world) open(c Config) *Service {
	w.t.Helper()
	s, err := Open(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func eachWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	testkit.Each(t, worldSources(), func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

func oneWorld(t testing.TB) *world { return newWorld(t, testkit.DB(t, worldSources()...)) }

func (w *world) as(place, person string, roles ...gate.Role) context.Context {
	id := w.country.Identity(place, person, roles...)
	id.Clearance = 1
	return gate.With(context.Background(), id)
}

func (w *world) clerk() context.Context   { return w.as("office", "clerk", gate.OfficeClerk) }
func (w *world) handler() context.Context { return w.as("office", "handler", gate.OfficeHandler) }
func (w *world) analyst() context.Context { return w.as("office", "analyst", gate.OfficeAnalyst) }
func (w *world) second() context.Context  { return w.as("office", "second", gate.OfficeAnalyst) }
func (w *world) wind() context.Context    { return w.as("wind", "admin", gate.OperatorAdmin) }
func (w *world) sea() context.Context     { return w.as("sea", "admin", gate.OperatorAdmin) }
func (w *world) police() context.Context  { return w.as("police", "officer", gate.PoliceOfficer) }
func (w *world) inspector() context.Context {
	return w.as("commission", "inspector", gate.Inspector)
}
func (w *world) member(n string) context.Context {
	return w.as("commission", "member"+n, gate.CommissionMember)
}
func (w *world) carrying() context.Context {
	return gate.With(context.Background(), gate.Identity{Person: "carrier/a", Name: "a", Org: w.carrier, Kinds: []string{"carrier"}, Roles: []gate.Role{gate.CarrierClerk}, Session: "s", Lang: "ja"})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// want fails unless an error is the one wanted.
func want(t testing.TB, what string, err, is error) {
	t.Helper()
	if is == nil && err != nil || is != nil && !errors.Is(err, is) {
		t.Errorf("%s: %v, want %v", what, err, is)
	}
}

// list makes a compiled list of what is planted in the line.
func (w *world) list() List {
	w.t.Helper()
	l, err := w.MakeList(w.analyst(), NewList{Name: "選別の条件", File: "list.csv", Act: "intrusion", Source: "intel/1",
		Data: []byte("type,value\nip," + synth.LinkServer.String() + "\ndomain," + synth.LinkDomain + "\n")})
	if err != nil {
		w.t.Fatal(err)
	}
	// Networks and names of examples meet a warning list.
	if l.State == ListWaiting {
		for i := range l.Overrides {
			l.Overrides[i].Take, l.Overrides[i].Reason = true, "架空の通信で試すため"
		}
		if l, err = w.Second(w.second(), l.ID, l.Overrides, false); err != nil {
			w.t.Fatal(err)
		}
	}
	return l
}

func (w *world) terms() Terms {
	from := w.Clock.Now().UTC().Truncate(time.Second)
	return Terms{Title: "外から届く通信の一部", Link: "K-2", From: from, Until: from.AddDate(0, 2, 0), Cap: approval.Quantity{Bytes: 1 << 30}, Fields: DefaultFields, Addresses: "plain", RetainDays: 30,
		Recipients: []string{"police"}, Targets: []string{"intrusion"}, Grounds: "一致する指標がある。", NoOther: "ほかの方法では分からない。", Necessity: "この回線だけに限る。",
		Gives: "外国から届く通信のうち、条件に合うものの記録", Returns: "月に一度、分析の結果"}
}

// agree brings an agreement with the wind company into force.
func (w *world) agree(edit ...func(*Terms)) Agreement {
	w.t.Helper()
	t := w.terms()
	for _, e := range edit {
		e(&t)
	}
	a, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, t)
	if err != nil {
		w.t.Fatal(err)
	}
	if a, err = w.Accept(w.wind(), a.ID, 1); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// approve has the commission approve a selection by a list.
func (w *world) approve(kind approval.Kind, l List, edit ...func(*approval.Application)) approval.Case {
	w.t.Helper()
	from := w.Clock.Now().UTC().Truncate(time.Second)
	a := approval.Application{Kind: kind, Link: "K-2", Capacity: 10000, From: from, Until: from.AddDate(0, 0, 30), Cap: approval.Quantity{Bytes: 1 << 30},
		Selectors: approval.Selectors{Hash: l.SHA256, Name: l.Name, Count: l.Selectors}, Targets: []string{"intrusion"}, Fields: DefaultFields, Addresses: "plain", RetainDays: 30, Recipients: []string{"police"},
		Grounds: "一致する指標が3つの出所にある。", NoOther: "当事者との協定が結べなかった。", Necessity: "この回線だけに限る。", Carrier: w.carrier}
	for _, e := range edit {
		e(&a)
	}
	c, err := w.approvals.Ask(w.clerk(), a)
	if err != nil {
		w.t.Fatalf("ask: %v", err)
	}
	w.must(w.approvals.Examine(w.as("commission", "examiner", gate.Examiner), c.ID, "要件を満たす。", nil))
	for _, n := range []string{"1", "2", "3"} {
		if _, err := w.approvals.Vote(w.member(n), c.ID, approval.NewVote{Choice: approval.For}); err != nil {
			w.t.Fatalf("vote: %v", err)
		}
	}
	if c, err = w.approvals.Decide(w.member("1"), c.ID, approval.Decision{Reason: "要件を満たす。"}); err != nil {
		w.t.Fatalf("decide: %v", err)
	}
	return c
}

// drill runs an approval on the made-up line.
func (w *world) drill(id string) HubRun {
	w.t.Helper()
	r, err := w.RunDrill(w.handler(), NewRun{Approval: id}, "line")
	if err != nil {
		w.t.Fatalf("run: %v", err)
	}
	return r
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	return testkit.Count(w.t, w.Parts.DB, query, args...)
}

var directionsOf = map[approval.Kind]geo.Class{approval.ForeignForeign: geo.FF, approval.ForeignDomestic: geo.FD, approval.DomesticForeign: geo.DF}

// invited registers a person and returns who they are.
func (w *world) invited(place, name string, role gate.Role) string {
	w.t.Helper()
	p, _, err := w.country.Invite(org.Local(context.Background()), org.Person{Org: org.ID(w.country.ID(place)), Name: name, Mail: name + "@" + place + ".example", Lang: text.JA, Roles: []gate.Role{role}})
	w.must(err)
	if Access.Reach(gate.Identity{Roles: []gate.Role{role}}, "selection.hold") != gate.None {
		w.must(w.Hold(w.person(place, string(p.ID), role), true))
	}
	return string(p.ID)
}

// person makes somebody act who was registered.
func (w *world) person(place, id string, role gate.Role) context.Context {
	who := w.country.Identity(place, "x", role)
	who.Person = id
	return gate.With(context.Background(), who)
}

// page hands a page of records of a run in.
func (w *world) page(b begun, number int64, lines [][]byte) error {
	u, err := w.ruleOf(w.handler(), b.run, b.grant.Order(), lines)
	if err != nil {
		return err
	}
	return w.keep(w.handler(), b.run.ID, number, u, lines)
}
