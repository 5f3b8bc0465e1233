package hunt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
}

// own is the network of everybody in these tests.
var own = netip.MustParsePrefix("198.51.100.0/24")

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "sighting", FS: sighting.Migrations}, db.Source{Noun: "hunt", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	sightings := sighting.Open(sighting.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: c.Service, Now: p.Clock.Now})
	s := Open(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: c.Service, Now: p.Clock.Now, Sightings: sightings,
		Own:     func(context.Context, *db.Tx, string) ([]netip.Prefix, error) { return []netip.Prefix{own}, nil },
		Starter: fstest.MapFS{"windows/one.yml": {Data: []byte(goodRule)}}, StarterVersion: "2026-11-22"})
	return &hub{s, p, t, c}
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) as(name string, role gate.Role) context.Context {
	return gate.With(context.Background(), h.country.Identity(name, "a", role))
}

func (h *hub) hunter() context.Context { return h.as("wind", gate.OperatorReporter) }
func (h *hub) admin() context.Context  { return h.as("wind", gate.OperatorAdmin) }
func (h *hub) other() context.Context  { return h.as("sea", gate.OperatorAdmin) }

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%v %v", err, fault.Of(err).Places)
	}
}

func (h *hub) hunt() Hunt {
	h.t.Helper()
	x, err := h.Draft(h.hunter(), NewHunt{Title: "VPN 装置からの横展開", Question: "管理者の道具が夜に使われていないか", Hosts: "SECRET-HOSTS", Rules: []string{"starter/2026-11-22"}})
	h.must(err)
	x, err = h.Begin(h.hunter(), x.ID, x.Version)
	h.must(err)
	return x
}

func line(rule, host, user string, at time.Time) Incoming {
	return Incoming{Time: at, Kind: "rule", Rule: LineRule{ID: rule, Title: "Title of " + rule, Level: "high"}, Source: "Security.evtx", Record: 7, Host: host, User: user,
		Attack: []string{"T1059.001", "T1021"}, Why: []Why{{Field: "CommandLine", Op: "contains", Want: "evil", Value: "powershell -enc SECRETCOMMAND http://bad.attacker.net/a?b=c"}},
		Event: map[string]string{"Hashes": "SHA256=" + strings.Repeat("ab", 32), "SourceIp": "198.51.100.7", "DestinationIp": "203.0.113.9"}}
}

// send sends detections as one run in one part.
func (h *hub) send(hunt string, key string, list ...Incoming) Received {
	h.t.Helper()
	r, err := h.Receive(h.hunter(), hunt, key, Told{Events: 1000, Program: "test"})
	h.must(err)
	n := 0
	for part := range slices.Chunk(list, MaxLines) {
		n++
		_, err = h.ReceivePart(h.hunter(), r.ID, n, part)
		h.must(err)
	}
	r, err = h.ReceiveEnd(h.hunter(), r.ID, n)
	h.must(err)
	return r
}

func (h *hub) findings(f FindingFilter) []Finding {
	h.t.Helper()
	var all []Finding
	for {
		list, next, err := h.Service.Findings(h.hunter(), f)
		h.must(err)
		if all = append(all, list...); next == "" {
			return all
		}
		f.Cursor = next
	}
}

func TestAHuntIsNumberedOpenedAndClosed(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a, b := h.hunt(), h.hunt()
		year := h.Clock.Now().UTC().Year()
		if a.Number != fmt.Sprintf("H-%d-001", year) || b.Number != fmt.Sprintf("H-%d-002", year) || b.Stage != Opened || b.Version != 2 {
			t.Fatalf("%+v %+v", a, b)
		}
		x, err := h.Draft(h.other(), NewHunt{Title: "x", Question: "y"})
		h.must(err)
		if x.Number != a.Number { // each organisation counts for itself
			t.Errorf("%s", x.Number)
		}
		if got, err := h.Hunt(h.hunter(), strings.ToLower(a.Number)); err != nil || got.Title != a.Title || got.Hosts != "SECRET-HOSTS" {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := h.Hunt(h.other(), a.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another's hunt: %v", err)
		}
		if _, err := h.Close(h.hunter(), a.ID, 1, NotFound, "x"); !errors.Is(err, ErrStale) {
			t.Errorf("%v", err)
		}
		if _, err := h.Close(h.hunter(), a.ID, a.Version, "perhaps", " "); fault.KindOf(err) != fault.Invalid || len(fault.Of(err).Places) != 2 {
			t.Errorf("%v", err)
		}
		a, err = h.Close(h.hunter(), a.ID, a.Version, NotFound, "見つからなかった")
		h.must(err)
		if _, err := h.Change(h.hunter(), a.ID, a.Version, a.NewHunt); !errors.Is(err, ErrStage) {
			t.Errorf("a closed hunt is changed: %v", err)
		}
		if _, err := h.Receive(h.hunter(), a.ID, "key-12345", Told{}); !errors.Is(err, ErrStage) {
			t.Errorf("a closed hunt takes results: %v", err)
		}
		if _, err := h.Begin(h.hunter(), a.ID, a.Version); err != nil {
			t.Errorf("opened again: %v", err)
		}
		if _, err := h.Draft(h.hunter(), NewHunt{Title: "x", Question: "y", Rules: []string{"starter/1999-01-01"}}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an edition that is not there: %v", err)
		}
		if _, err := h.Draft(h.as("wind", gate.OperatorViewer), NewHunt{Title: "x", Question: "y"}); !errors.Is(err, gate.ErrRole) || h.Entries(t, "hunt.draft", "refused") != 1 {
			t.Errorf("a viewer wrote a hunt: %v", err)
		}
	})
}

func TestResultsAreGroupedAndSentAgainOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, now := h.hunt(), h.Clock.Now()
		r, err := h.Receive(h.hunter(), x.Number, "run-key-1", Told{Events: 10, Pack: strings.Repeat("0", 64)})
		h.must(err)
		again, err := h.Receive(h.hunter(), x.ID, "run-key-1", Told{})
		h.must(err)
		if again.ID != r.ID || again.Events != 10 {
			t.Fatalf("%+v", again)
		}
		one := []Incoming{line("r1", "PC1", "ann", now.Add(-time.Hour)), line("r1", "pc1", "ANN", now), line("r1", "PC2", "ann", now), line("r2", "PC1", "", now)}
		for range 2 {
			got, err := h.ReceivePart(h.hunter(), r.ID, 1, one)
			h.must(err)
			if got.Taken != 4 || got.Groups != 3 || got.Parts != 1 {
				t.Errorf("%+v", got)
			}
		}
		if _, err := h.ReceivePart(h.hunter(), r.ID, 3, one); !errors.Is(err, ErrPart) {
			t.Errorf("a part is left out: %v", err)
		}
		var many []Incoming
		for i := range 20 {
			many = append(many, line("r1", "PC1", "ann", now.Add(time.Duration(i)*time.Minute)))
		}
		_, err = h.ReceivePart(h.hunter(), r.ID, 2, many)
		h.must(err)
		if _, err := h.ReceiveEnd(h.hunter(), r.ID, 1); !errors.Is(err, ErrPart) {
			t.Errorf("%v", err)
		}
		for range 2 {
			got, err := h.ReceiveEnd(h.hunter(), r.ID, 2)
			h.must(err)
			if got.DoneAt.IsZero() {
				t.Error("not done")
			}
		}
		if _, err := h.ReceivePart(h.hunter(), r.ID, 3, one); !errors.Is(err, ErrDone) {
			t.Errorf("%v", err)
		}
		list := h.findings(FindingFilter{Run: r.ID})
		if len(list) != 3 || list[0].Rule != "r1" || list[0].Count != 22 || list[0].Host != "PC1" || !list[0].First.Equal(moment(now.Add(-time.Hour))) {
			t.Fatalf("%+v", list)
		}
		f, err := h.Finding(h.hunter(), list[0].ID)
		h.must(err)
		if len(f.Examples) != maxExampleSets || f.Examples[0].Event["DestinationIp"] != "203.0.113.9" || f.Examples[0].Why[0].Field != "CommandLine" {
			t.Errorf("%+v", f.Examples)
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM bus_event WHERE subject = 'hunt.run_received'"); n != 1 {
			t.Errorf("%d events", n)
		}
		for _, bad := range []func(*Incoming){func(d *Incoming) { d.Kind = "" }, func(d *Incoming) { d.Rule.Level = "x" }, func(d *Incoming) { d.Rule = LineRule{} }, func(d *Incoming) { d.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }} {
			d := line("r", "h", "u", now)
			bad(&d)
			y, err := h.Receive(h.hunter(), x.ID, "run-key-2", Told{})
			h.must(err)
			if _, err := h.ReceivePart(h.hunter(), y.ID, 1, []Incoming{line("r", "h", "u", now), d}); fault.KindOf(err) != fault.Invalid || fault.Of(err).Places[0].At != "detections.1" {
				t.Errorf("%v %v", err, fault.Of(err).Places)
			}
		}
		if list := h.findings(FindingFilter{}); len(list) != 3 {
			t.Errorf("a part that was refused left %d findings", len(list)-3)
		}
	})
}

// What is stored says nothing of whose machine it was, nor of what ran there.
func TestNothingIsStoredInClear(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.hunt()
		h.send(x.ID, "run-key-1", line("SECRETRULE", "SECRETHOST", "SECRETUSER", h.Clock.Now()))
		f := h.findings(FindingFilter{})[0]
		_, err := h.Triage(h.hunter(), Choice{IDs: []string{f.ID}}, Decision{Real, "SECRETREASON"})
		h.must(err)
		_, err = h.Suppress(h.hunter(), NewSuppression{Condition: Condition{Rule: "SECRETRULE", Host: "SECRETHOST"}, Reason: "SECRETREASON", UntilAt: h.Clock.Now().Add(time.Hour)})
		h.must(err)
		s, err := h.Suppress(h.hunter(), NewSuppression{Condition: Condition{Rule: "SECRETRULE"}, Reason: "SECRETREASON", UntilAt: h.Clock.Now().Add(time.Hour)})
		h.must(err)
		_, err = h.Offer(h.admin(), s.ID, false)
		h.must(err)
		b, err := h.AddRulebook(h.hunter(), "SECRETBOOK", "SECRETABOUT")
		h.must(err)
		_, err = h.Upload(h.hunter(), b.ID, zipBook(t, map[string]string{"a.yml": goodRule, "SECRETFILE.yml": "title: ["}), "SECRETNOTE")
		h.must(err)
		_, err = h.Release(h.hunter(), f.ID, []string{"203.0.113.9"}, false)
		h.must(err)
		var all bytes.Buffer
		err = h.DB.Read(context.Background(), func(tx *db.Tx) error {
			tables, err := tx.Tables(context.Background())
			for _, table := range tables {
				if _, err := tx.Dump(context.Background(), table, func(line []byte) error { _, err := all.Write(line); return err }); err != nil {
					return err
				}
			}
			return err
		})
		h.must(err)
		dump := strings.ToLower(all.String())
		for _, word := range []string{"secret", "203.0.113.9", "attacker.net", "abababab", "横展開", "powershell"} {
			if i := strings.Index(dump, word); i >= 0 {
				t.Errorf("%q is stored in clear: …%.120s", word, dump[max(0, i-60):])
			}
		}
		if !strings.Contains(dump, "t1059.001") { // techniques are of a public list, and few
			t.Error("the dump shows nothing")
		}
	})
}

func TestFindingsAreFilteredAndPaged(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, now := h.hunt(), h.Clock.Now()
		var list []Incoming
		levels := []string{"critical", "high", "medium", "low", "informational", ""}
		for i := range 300 {
			d := line(fmt.Sprintf("r%d", i%7), fmt.Sprintf("PC%d", i%11), fmt.Sprintf("u%d", i%3), now.Add(-time.Duration(i%50)*time.Minute))
			d.Rule.Level = levels[i%7%6]
			d.Attack = []string{[]string{"T1059", "T1021.001", "T1003"}[i%3]}
			if i%60 == 0 {
				d.Time = time.Time{}
			}
			list = append(list, d)
		}
		r := h.send(x.ID, "run-key-1", list...)
		all := h.findings(FindingFilter{Limit: 500})
		if len(all) != r.Groups || len(all) != 7*11*3 {
			t.Fatalf("%d findings, %d", len(all), r.Groups)
		}
		if !slices.IsSortedFunc(all, func(a, b Finding) int { return int(min(max(a.place-b.place, -1), 1)) }) || all[0].Level != "critical" {
			t.Error("not in order")
		}
		for name, c := range map[string]struct {
			f  FindingFilter
			is func(Finding) bool
		}{
			"run":     {FindingFilter{Run: r.ID}, func(Finding) bool { return true }},
			"hunt":    {FindingFilter{Hunt: x.Number}, func(Finding) bool { return true }},
			"host":    {FindingFilter{Host: "pc3"}, func(f Finding) bool { return f.Host == "PC3" }},
			"user":    {FindingFilter{User: "u1"}, func(f Finding) bool { return f.User == "u1" }},
			"rule":    {FindingFilter{Rule: "r5"}, func(f Finding) bool { return f.Rule == "r5" }},
			"level":   {FindingFilter{Level: "high"}, func(f Finding) bool { return f.Level == "high" }},
			"attack":  {FindingFilter{Technique: "T1003"}, func(f Finding) bool { return slices.Contains(f.Attack, "T1003") }},
			"several": {FindingFilter{Technique: "T1059", Level: "low", Host: "PC1", State: Fresh, Waiting: true}, func(f Finding) bool { return slices.Contains(f.Attack, "T1059") && f.Level == "low" && f.Host == "PC1" }},
			"nothing": {FindingFilter{State: Real}, func(Finding) bool { return false }},
		} {
			var want []string
			for _, f := range all {
				if c.is(f) {
					want = append(want, f.ID)
				}
			}
			for _, limit := range []int{7, 500} {
				c.f.Limit = limit
				var got []string
				for _, f := range h.findings(c.f) {
					got = append(got, f.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s by %d: %d findings, want %d", name, limit, len(got), len(want))
				}
			}
			if n, err := h.Count(h.hunter(), c.f); err != nil || n != len(want) {
				t.Errorf("%s: %d, %v", name, n, err)
			}
			if n, more, err := h.CountSome(h.hunter(), c.f, 5); err != nil || n != min(len(want), 5) || more != (len(want) > 5) {
				t.Errorf("%s: %d, %v, %v", name, n, more, err)
			}
			h.countsOfParts(name, c.f)
		}
		for by, want := range map[string]int{"host": 11, "user": 3, "technique": 3, "rule": 7} {
			got, err := h.Counts(h.hunter(), FindingFilter{Run: r.ID}, by, 0)
			h.must(err)
			sum := 0
			for _, c := range got {
				sum += c.Count
			}
			if len(got) != want || sum != len(all) && by != "technique" || got[0].Value == "" {
				t.Errorf("%s: %+v", by, got)
			}
		}
		if list, _, err := h.Service.Findings(h.other(), FindingFilter{}); err != nil || len(list) != 0 {
			t.Errorf("another organisation sees %d, %v", len(list), err)
		}
		for _, f := range []FindingFilter{{Run: r.ID}, {Host: "PC1"}, {Technique: "T1059"}} {
			if n, err := h.Count(h.other(), f); err != nil || n != 0 {
				t.Errorf("another organisation counts %d, %v", n, err)
			}
		}
		if _, _, err := h.Service.Findings(h.other(), FindingFilter{Hunt: x.ID}); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		if _, _, err := h.Service.Findings(h.as("office", gate.OfficeAnalyst), FindingFilter{}); !errors.Is(err, gate.ErrRole) {
			t.Errorf("an analyst sees findings: %v", err)
		}
	})
}

// countsOfParts compares the counts by state and level with what lists have.
func (h *hub) countsOfParts(name string, f FindingFilter) {
	h.t.Helper()
	states, levels, err := h.CountParts(h.hunter(), f)
	h.must(err)
	g := f
	g.State, g.Waiting = "", false
	wantStates, wantLevels := map[State]int{}, map[string]int{}
	for _, x := range h.findings(g) {
		wantStates[x.State]++
	}
	g = f
	g.Level = ""
	for _, x := range h.findings(g) {
		wantLevels[x.Level]++
	}
	if !maps.Equal(states, wantStates) || !maps.Equal(levels, wantLevels) {
		h.t.Errorf("%s: %v %v, want %v %v", name, states, levels, wantStates, wantLevels)
	}
	list, _, err := h.Service.Findings(h.hunter(), f)
	h.must(err)
	rules := map[string]int{}
	for _, x := range h.findings(FindingFilter{Run: f.Run}) {
		rules[x.Rule]++
	}
	rare, err := h.Rare(h.hunter(), FindingFilter{Run: f.Run}, list, 30)
	h.must(err)
	for _, x := range list {
		if n := rules[x.Rule]; n <= 30 && rare[x.ID] != n || n > 30 && rare[x.ID] != 0 {
			h.t.Errorf("%s: a rule with %d findings is told as %d", name, n, rare[x.ID])
		}
	}
}

func TestNearAndCompare(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, now := h.hunt(), h.Clock.Now()
		a := h.send(x.ID, "run-key-1", line("r1", "PC1", "ann", now), line("r2", "PC1", "bob", now.Add(-50*time.Minute)), line("r3", "PC1", "bob", now.Add(-2*time.Hour)), line("r4", "PC2", "ann", now), line("r5", "", "", now))
		b := h.send(x.ID, "run-key-2", line("r1", "PC1", "ann", now), line("r6", "PC9", "eve", now.Add(-9*time.Hour)))
		f := h.findings(FindingFilter{Run: a.ID, Rule: "r1"})[0]
		n, err := h.Near(h.hunter(), f.ID)
		h.must(err)
		rules := func(list []Finding) (out []string) {
			for _, f := range list {
				out = append(out, f.Rule)
			}
			slices.Sort(out)
			return out
		}
		if !slices.Equal(rules(n.Host), []string{"r1", "r2"}) || !slices.Equal(rules(n.User), []string{"r1", "r4"}) {
			t.Errorf("%v %v", rules(n.Host), rules(n.User))
		}
		if n, err = h.Near(h.hunter(), h.findings(FindingFilter{Rule: "r5"})[0].ID); err != nil || len(n.Host)+len(n.User) != 0 {
			t.Errorf("what has no host is near to %v, %v", n, err)
		}
		c, err := h.Compare(h.hunter(), a.ID, b.ID)
		h.must(err)
		if c.Came != 1 || c.Gone != 4 || c.Both != 1 {
			t.Errorf("%+v", c)
		}
		for change, want := range map[Change][]string{Came: {"r6"}, Gone: {"r2", "r3", "r4", "r5"}, Both: {"r1"}} {
			list, _, err := h.Changed(h.hunter(), a.ID, b.ID, change, "", 0)
			h.must(err)
			if !slices.Equal(rules(list), want) {
				t.Errorf("%s: %v", change, rules(list))
			}
		}
		if _, err := h.Compare(h.other(), a.ID, b.ID); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		if _, err := h.Compare(h.hunter(), a.ID, a.ID); !errors.Is(err, ErrDifferent) {
			t.Errorf("%v", err)
		}
	})
}

// A random walk over decisions, batches and undoing, against a model that keeps
// everything by hand.
func TestTriageWalk(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, now := h.hunt(), h.Clock.Now()
		var in []Incoming
		for i := range 40 {
			in = append(in, line(fmt.Sprintf("r%d", i%5), fmt.Sprintf("PC%d", i%8), "u", now))
		}
		h.send(x.ID, "run-key-1", in...)
		type one struct {
			state   State
			reason  string
			version int64
		}
		type act struct {
			was   map[string]one
			after map[string]int64
			id    string
		}
		model, ids := map[string]one{}, []string{}
		for _, f := range h.findings(FindingFilter{}) {
			model[f.ID] = one{f.State, "", f.Version}
			ids = append(ids, f.ID)
		}
		var acts, live []*act // live are those not undone, of which the last fifty are kept
		rng := rand.New(rand.NewPCG(1, 2))
		for step := range 400 {
			d := Decision{States[rng.IntN(len(States))], fmt.Sprintf("理由 %d", step)}
			switch k := rng.IntN(4); k {
			case 0, 1: // some, or all of a host
				on, want := Choice{}, []string{}
				if k == 0 {
					for range 1 + rng.IntN(6) {
						want = append(want, ids[rng.IntN(len(ids))])
					}
					on.IDs = append(slices.Clone(want), "of nobody")
					slices.Sort(want)
					want = slices.Compact(want)
				} else {
					host := fmt.Sprintf("PC%d", rng.IntN(8))
					on.Filter = &FindingFilter{Host: host}
					for _, f := range h.findings(*on.Filter) {
						want = append(want, f.ID)
					}
					on.Expect = len(want) + 1
					if _, err := h.Triage(h.hunter(), on, d); !errors.Is(err, ErrCount) {
						t.Fatalf("step %d: another number is taken: %v", step, err)
					}
					on.Expect = len(want)
				}
				b, err := h.Triage(h.hunter(), on, d)
				h.must(err)
				if b.Count != len(want) {
					t.Fatalf("step %d: %d findings, want %d", step, b.Count, len(want))
				}
				a := &act{map[string]one{}, map[string]int64{}, b.ID}
				for _, id := range want {
					a.was[id], a.after[id] = model[id], model[id].version+1
					model[id] = one{d.State, d.Reason, model[id].version + 1}
				}
				acts, live = append(acts, a), append(live[max(0, len(live)-undoable+1):], a)
			case 2: // one
				id := ids[rng.IntN(len(ids))]
				if _, err := h.Decide(h.hunter(), id, model[id].version+1, d); !errors.Is(err, ErrStale) {
					t.Fatalf("step %d: a version that is not there: %v", step, err)
				}
				_, err := h.Decide(h.hunter(), id, model[id].version, d)
				h.must(err)
				model[id] = one{d.State, d.Reason, model[id].version + 1}
			case 3:
				if len(acts) == 0 {
					continue
				}
				i := rng.IntN(len(acts))
				if rng.IntN(2) == 0 {
					i = len(acts) - 1
				}
				a := acts[i]
				out, err := h.Undo(h.hunter(), a.id)
				if !slices.Contains(live, a) {
					if !errors.Is(err, ErrUndone) {
						t.Fatalf("step %d: undone twice, or too late: %v", step, err)
					}
					continue
				}
				h.must(err)
				live = slices.DeleteFunc(live, func(x *act) bool { return x == a })
				back, kept := 0, []string{}
				for id, was := range a.was {
					if now := model[id]; now.version == a.after[id] {
						model[id] = one{was.state, was.reason, now.version + 1}
						back++
					} else {
						kept = append(kept, id)
					}
				}
				slices.Sort(kept)
				if out.Undone != back || out.Kept != len(kept) || !slices.Equal(out.KeptIDs, kept) && len(kept) > 0 {
					t.Fatalf("step %d: %+v, want %d and %v", step, out, back, kept)
				}
			}
			if step%20 == 19 {
				for _, f := range h.findings(FindingFilter{Limit: 100}) {
					if got := (one{f.State, f.Reason, f.Version}); got != model[f.ID] {
						t.Fatalf("step %d: %s is %v, want %v", step, f.ID, got, model[f.ID])
					}
				}
			}
		}
		if n := len(slices.Collect(maps.Keys(model))); n != 40 {
			t.Fatal(n)
		}
		b, err := h.Triage(h.hunter(), Choice{IDs: ids}, Decision{Taken, ""})
		h.must(err)
		if _, err := h.Undo(h.other(), b.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another organisation undoes: %v", err)
		}
		h.Clock.Pass(keepUndo + time.Hour)
		if _, err := h.Undo(h.hunter(), b.ID); !errors.Is(err, ErrUndone) {
			t.Errorf("after thirty days: %v", err)
		}
		list, err := h.Batches(h.hunter())
		if h.must(err); len(list) != undoable || list[0].ID != b.ID || list[0].Undoable {
			t.Errorf("%d %+v", len(list), list[0])
		}
		if _, err := h.Triage(h.hunter(), Choice{IDs: make([]string, MaxTriage+1)}, Decision{Taken, ""}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
		if b, err := h.Triage(h.other(), Choice{IDs: ids}, Decision{Taken, ""}); err != nil || b.Count != 0 {
			t.Errorf("another organisation decides on %d, %v", b.Count, err)
		}
	})
}

func TestTheEventsAreWhatListenersRead(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.hunt()
		r := h.send(x.ID, "run-key-1", line("r1", "PC1", "ann", h.Clock.Now()))
		f := h.findings(FindingFilter{})[0]
		_, err := h.Release(h.hunter(), f.ID, []string{"203.0.113.9"}, false)
		h.must(err)
		x, err = h.Close(h.hunter(), x.ID, x.Version, FoundIt, "あった")
		h.must(err)
		for subject, want := range map[string]Happened{
			"hunt.run_received": {Hunt: x.ID, Run: r.ID, Org: h.country.ID("wind"), New: 1},
			"hunt.released":     {Hunt: x.ID, Finding: f.ID, Org: h.country.ID("wind")},
			"hunt.closed":       {Hunt: x.ID, Number: x.Number, Org: h.country.ID("wind"), Conclusion: FoundIt},
		} {
			var raw string
			h.must(h.DB.Read(context.Background(), func(tx *db.Tx) error {
				return tx.QueryRow(context.Background(), "SELECT data FROM bus_event WHERE subject = $1", subject).Scan(&raw)
			}))
			var got Happened
			h.must(json.Unmarshal([]byte(raw), &got))
			if subject == "hunt.released" && len(got.Sightings) != 1 || got.Entry == "" {
				t.Errorf("%s: %+v", subject, got)
			}
			got.Sightings, got.Entry = nil, ""
			if !equalHappened(got, want) {
				t.Errorf("%s: %+v, want %+v", subject, got, want)
			}
		}
	})
}

func equalHappened(a, b Happened) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }
