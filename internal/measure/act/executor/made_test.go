package executor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// box is equipment that keeps its rules in a file, as a firewall does in its
// kernel: they are there whatever becomes of who told it.
type box struct {
	file   string
	fail   func(add, remove []driver.Rule) error // before anything changes
	deaf   bool                                  // it says yes and does nothing
	half   bool                                  // it takes every other rule
	closed bool
}

func (b *box) rules() map[string]driver.Rule {
	held := map[string]driver.Rule{}
	raw, err := os.ReadFile(b.file)
	if err == nil {
		var list []driver.Rule
		if err := json.Unmarshal(raw, &list); err != nil {
			panic(err)
		}
		for _, r := range list {
			held[named(r)] = r
		}
	}
	return held
}

func named(r driver.Rule) string { r.Until = time.Time{}; return fmt.Sprint(r) }

func (b *box) Check(rules []driver.Rule) error {
	for _, r := range rules {
		if r.Name == "unfit.example" {
			return fault.New(fault.Invalid, "test.unfit")
		}
	}
	return nil
}

func (b *box) Show(add, remove []driver.Rule) (lines []string, more int, err error) {
	for _, r := range add {
		lines = append(lines, "+"+cmp.Or(r.Name, r.To.String()))
	}
	return lines, 0, nil
}

func (b *box) Apply(_ context.Context, add, remove []driver.Rule) error {
	if b.fail != nil {
		if err := b.fail(add, remove); err != nil {
			return err
		}
	}
	if b.deaf {
		return nil
	}
	held := b.rules()
	for _, r := range remove {
		delete(held, named(r))
	}
	for i, r := range add {
		if !b.half || i%2 == 0 {
			held[named(r)] = r
		}
	}
	var list []driver.Rule
	for _, r := range held {
		list = append(list, r)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(b.file, raw, 0o600)
}

func (b *box) Live(_ context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	held := b.rules()
	for _, r := range want {
		if _, ok := held[named(r)]; !ok && len(missing) < 100 {
			missing = append(missing, r)
		}
		delete(held, named(r))
	}
	for _, r := range held {
		if extra = append(extra, r); len(extra) == 100 {
			break
		}
	}
	return missing, extra, nil
}

func (b *box) Outlives() error { return fault.New(fault.Unmet, "test.outlives") }

func (b *box) Close() error { b.closed = true; return nil }

// names are what it holds back, sorted.
func (b *box) names() (out []string) {
	for _, r := range b.rules() {
		out = append(out, cmp.Or(r.Name, r.To.String()))
	}
	slices.Sort(out)
	return out
}

// dying is a box whose process dies when it is told something.
type dying struct {
	*box
	at    func()
	after bool // it was told before
}

func (d *dying) Apply(ctx context.Context, add, remove []driver.Rule) error {
	if !d.after {
		d.at()
		return errKilled
	}
	err := d.box.Apply(ctx, add, remove)
	d.at()
	return err
}

// world is a hub, and a machine of one of its organisations.
type world struct {
	*testkit.Parts
	t        testing.TB
	acts     *act.Service
	measures *measure.Service
	country  *country.Country
	verifier note.Verifier
	key      string // of the verifier
	box      *box
	dir      string
	away     bool // the hub cannot be reached
	asked    []string
	mangle   func(path string, out any) // what comes back from the hub
	inject   func(step string) error
	mu       sync.Mutex
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "approval", FS: approval.Migrations}, db.Source{Noun: "measure", FS: measure.Migrations}, db.Source{Noun: "act", FS: act.Migrations})
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOn(t, testkit.DB(t, sources()...))
}

func worldOn(t testing.TB, d *db.DB) *world {
	t.Helper()
	p := testkit.NewParts(t, d)
	w := &world{Parts: p, t: t, country: country.New(t, p), dir: t.TempDir()}
	w.box = &box{file: filepath.Join(w.dir, "equipment.json")}
	var signer note.Signer
	signer, w.verifier, w.key = testkit.Key(t, "hub.test.example/approval")
	a, err := approval.New(approval.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: w.country.Service, Signer: signer, Verifier: w.verifier, Now: p.Clock.Now})
	w.must(err)
	m, err := measure.New(measure.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: w.country.Service, Approvals: a, Now: p.Clock.Now})
	w.must(err)
	w.measures = m
	w.acts, err = act.New(act.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: w.country.Service, Approvals: a, Measures: m, Signer: signer, Now: p.Clock.Now})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) as(person string, role gate.Role) context.Context {
	return gate.With(context.Background(), w.country.Identity("wind", person, role))
}

func (w *world) machine(person string) context.Context {
	who := w.country.Identity("wind", person, gate.Actuator)
	who.Session, who.Token, who.Scopes = "", "token-"+person, []string{"act.*"}
	return gate.With(context.Background(), who)
}

var errAway = fault.New(fault.Busy, "fetch.hub_unreachable", "url", "test")

// Do is the hub as its machine account sees it.
func (w *world) Do(ctx context.Context, method, path string, body, out any, _ string) error {
	w.mu.Lock()
	away := w.away
	w.asked = append(w.asked, method+" "+path)
	w.mu.Unlock()
	if away {
		return errAway
	}
	who, _ := gate.From(w.machine("machine"))
	ctx = gate.With(ctx, who)
	rest := strings.TrimPrefix(path, "/api/v1/act-orders/")
	id, what, _ := strings.Cut(rest, "/")
	var got any
	var err error
	switch {
	case path == "/api/v1/act-work":
		got, err = w.acts.Work(ctx, body.(act.Contact))
	case path == "/api/v1/act-alarms":
		err = w.acts.Warn(ctx, body.(act.Warning))
	case what == "targets":
		got, err = w.acts.Targets(ctx, id)
	case what == "dry":
		_, err = w.acts.Dry(ctx, id, body.(act.Dried))
	case what == "take":
		got, err = w.acts.Take(ctx, id, body.(act.Claim))
	case what == "outcome":
		_, err = w.acts.Tell(ctx, id, body.(act.Outcome))
	default:
		w.t.Errorf("%s %s", method, path)
	}
	if err != nil {
		return err
	}
	switch o := out.(type) {
	case *act.Jobs:
		*o = got.(act.Jobs)
	case *act.Carry:
		*o = got.(act.Carry)
	case *[]byte:
		*o = got.([]byte)
	}
	if w.mangle != nil {
		w.mangle(path, out)
	}
	return nil
}

func (w *world) config() Config {
	return Config{Dir: filepath.Join(w.dir, "hand"), Name: "装置1", Authorities: []note.Verifier{w.verifier}, Guard: Guarded{Names: []string{"www.wind.example"}, Prefixes: []string{"192.0.2.0/28"}},
		Equipment: []Equipment{{Name: "box", Kinds: driver.Kinds, Driver: w.box}}, Now: w.Clock.Now, Settle: time.Millisecond, Passed: func() time.Duration { return w.Clock.Now().Sub(testkit.Start) }, Inject: w.inject}
}

func (w *world) open() *Hand {
	w.t.Helper()
	h, err := Open(context.Background(), w.config())
	w.must(err)
	return h
}

// round is one contact that does not wait.
func (w *world) round(h *Hand) {
	w.t.Helper()
	for range 3 { // what a round leaves to tell ends the next one at once
		if err := h.Round(context.Background(), w, 0); err != nil {
			w.t.Errorf("round: %v", err)
		}
	}
}

func (w *world) ask(targets ...string) act.Order {
	w.t.Helper()
	o, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), act.Ask{Kind: driver.Sinkhole, Targets: targets, Hours: 2, Grounds: "指令サーバーの名前。", Intel: []string{"i-1"}, Basis: act.OwnBasis})
	w.must(err)
	return o
}

func (w *world) approve(o act.Order) act.Order {
	w.t.Helper()
	o, err := w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest})
	w.must(err)
	return o
}

func (w *world) show(id act.ID) act.View {
	w.t.Helper()
	v, err := w.acts.Show(w.as("admin", gate.OperatorAdmin), id)
	w.must(err)
	return v
}

func (w *world) stands(id act.ID, want act.State) {
	w.t.Helper()
	if v := w.show(id); v.State != want {
		w.t.Errorf("%s (%s), want %s", v.State, v.Reason, want)
	}
}

func (w *world) holds(want ...string) {
	w.t.Helper()
	if got := w.box.names(); !slices.Equal(got, want) {
		w.t.Errorf("the equipment holds %v, want %v", got, want)
	}
}

// live brings an order to where the equipment holds it.
func (w *world) live(h *Hand, targets ...string) act.Order {
	w.t.Helper()
	o := w.ask(targets...)
	w.round(h)
	w.approve(o)
	w.round(h)
	w.stands(o.ID, act.Live)
	return o
}

func code(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
