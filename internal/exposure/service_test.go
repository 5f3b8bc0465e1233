package exposure

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/asset"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// hub is the service among the invented organisations, with registers and
// feeds.
type hub struct {
	*Service
	*testkit.Parts
	t        testing.TB
	country  *country.Country
	assets   *asset.Service
	intel    *intel.Service
	bus      *bus.Bus
	heard    []Happened
	what     []string
	attacked []string
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "asset", FS: asset.Migrations}, db.Source{Noun: "intel", FS: intel.Migrations}, db.Source{Noun: "exposure", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	h := &hub{Parts: p, t: t, country: c}
	var err error
	if h.assets, err = asset.Open(asset.Config{DB: d, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: c.Service, Now: p.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	if h.intel, err = intel.Open(intel.Config{DB: d, Ledger: p.Ledger, Dir: t.TempDir(), Now: p.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	if h.Service, err = Open(Config{DB: d, Ledger: p.Ledger, Keys: p.Keys, Orgs: c.Service, Assets: h.assets, Intel: h.intel, Now: p.Clock.Now}); err != nil {
		t.Fatal(err)
	}
	listen := bus.Follower{Name: "test", Subjects: []string{"exposure.found", "exposure.changed", "exposure.ended", "exposure.judged"}, Handle: func(_ context.Context, _ *db.Tx, ev bus.Event) error {
		e, err := decode[Happened](ev.Data)
		h.heard, h.what = append(h.heard, e), append(h.what, strings.TrimPrefix(ev.Subject, "exposure."))
		return err
	}}
	h.bus = bus.New(d, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), append(Followers(h.Service), listen)...)
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) wind() context.Context    { return h.country.As("wind", "a", gate.OperatorReporter) }
func (h *hub) analyst() context.Context { return h.country.As("office", "n", gate.OfficeAnalyst) }
func (h *hub) as(name string) context.Context {
	return h.country.As(name, "a", gate.OperatorReporter)
}

// settle lets followers do all they have to.
func (h *hub) settle() {
	h.t.Helper()
	if err := h.bus.Settle(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	if n := testkit.Count(h.t, h.Parts.DB, "SELECT count(*) FROM bus_delivery"); n != 0 {
		h.t.Fatalf("%d deliveries failed", n)
	}
}

func (h *hub) work() {
	h.t.Helper()
	if err := h.Work(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

func draft(pairs ...string) *asset.Draft {
	d := &asset.Draft{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f, ok := asset.FieldNamed(pairs[i])
		if !ok {
			panic("no field " + pairs[i])
		}
		d.Values[f] = pairs[i+1]
	}
	return d
}

func cpeOf(vendor, prod string) string {
	return "cpe:2.3:o:" + vendor + ":" + prod + ":*:*:*:*:*:*:*:*"
}

func (h *hub) add(ctx context.Context, pairs ...string) asset.Entry {
	h.t.Helper()
	e, err := h.assets.Add(ctx, draft(append([]string{"maker", "Orvane", "product", "EdgeGate 410", "kind", "vpn"}, pairs...)...), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *hub) change(ctx context.Context, e asset.Entry, pairs ...string) asset.Entry {
	h.t.Helper()
	var all []string
	for _, f := range asset.Fields() {
		if v := e.Value(f); v != "" {
			all = append(all, f.String(), v)
		}
	}
	got, err := h.assets.Change(ctx, e.ID, e.Revision, draft(append(all, pairs...)...), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// said is what the NVD says of one vulnerability in a test: versions of one
// product before another.
type said struct {
	id, vendor, product string
	before              string // version; empty: all
	withdrawn           bool
	rev                 int
}

func (s said) MarshalJSON() ([]byte, error) {
	type m = map[string]any
	match := m{"vulnerable": true, "criteria": cpeOf(s.vendor, s.product), "matchCriteriaId": "11111111-1111-4111-8111-111111111111"}
	if s.before != "" {
		match["versionEndExcluding"] = s.before
	}
	status := "Analyzed"
	if s.withdrawn {
		status = "Rejected"
	}
	cve := m{"id": s.id, "sourceIdentifier": "psirt@orvane.example", "published": "2026-02-03T10:15:00.123", "lastModified": fmt.Sprintf("2026-02-20T01:%02d:03.000", s.rev%60), "vulnStatus": status,
		"descriptions": []m{{"lang": "en", "value": "A flaw in " + s.product + "."}}, "metrics": m{}, "references": []m{},
		"configurations": []m{{"nodes": []m{{"operator": "OR", "negate": false, "cpeMatch": []m{match}}}}}}
	return json.Marshal(m{"cve": cve})
}

func (h *hub) say(list ...said) {
	h.t.Helper()
	raw, err := json.Marshal(map[string]any{"resultsPerPage": len(list), "startIndex": 0, "totalResults": len(list), "format": "NVD_CVE", "version": "2.0", "timestamp": "2026-03-01T04:05:06.789", "vulnerabilities": list})
	if err != nil {
		h.t.Fatal(err)
	}
	h.take("nvd", raw, false)
}

func (h *hub) take(id string, raw []byte, whole bool) {
	h.t.Helper()
	if _, err := h.intel.Receive(h.analyst(), intel.Request{Feed: id, Whole: whole}, id+".json", strings.NewReader(string(raw)), 1<<24); err != nil {
		h.t.Fatal(err)
	}
}

// attack puts vulnerabilities into the catalogue of exploited ones, beside those
// that are in it.
func (h *hub) attack(more ...string) {
	h.t.Helper()
	for _, id := range more {
		if !slices.Contains(h.attacked, id) {
			h.attacked = append(h.attacked, id)
		}
	}
	ids := h.attacked
	type m = map[string]any
	list := []m{}
	for _, id := range ids {
		list = append(list, m{"cveID": id, "vendorProject": "Orvane", "product": "EdgeGate", "vulnerabilityName": "Orvane EdgeGate flaw", "dateAdded": "2026-11-20", "shortDescription": "A flaw.",
			"requiredAction": "Install the fix.", "dueDate": "2026-12-11", "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": []string{}})
	}
	raw, err := json.Marshal(m{"title": "catalogue", "catalogVersion": "2026.11.20", "dateReleased": "2026-11-20T10:00:00.0000Z", "count": len(list), "vulnerabilities": list})
	if err != nil {
		h.t.Fatal(err)
	}
	h.take("kev", raw, false)
}

// rows lists what stands, in words.
func (h *hub) rows(where ...string) (out []string) {
	h.t.Helper()
	ctx := context.Background()
	names := map[string]string{}
	for _, n := range h.country.Names() {
		names[h.country.ID(n)] = n
	}
	err := h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := queryRows(ctx, tx, "state <> 'ended'", &db.Query{})
		for _, r := range rows {
			out = append(out, fmt.Sprintf("%s %s %s %s %s %d/%d %s", names[r.Org], r.Vulnerability, r.ProductKey, r.Verdict, r.Certainty, r.Entries, r.Devices, r.Priority))
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func (h *hub) one(ctx context.Context) Exposure {
	h.t.Helper()
	got, err := h.List(ctx, Filter{All: true})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(got.Rows) != 1 {
		h.t.Fatalf("%d exposures, want one: %v", len(got.Rows), h.rows())
	}
	e, err := h.Get(ctx, got.Rows[0].ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *hub) tie(kind org.TieKind, customer, other string) {
	h.t.Helper()
	if _, err := h.country.Tie(org.Local(context.Background()), kind, org.ID(h.country.ID(customer)), org.ID(h.country.ID(other)), "保守"); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) number(name string) string {
	h.t.Helper()
	o, err := h.country.Get(org.Local(context.Background()), org.ID(h.country.ID(name)))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(o.Number)
}

var gateway = cpeOf("orvane", "edgegate")

func TestBothWays(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		// The equipment is there first.
		e := h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet", "quantity", "3", "service", "送電")
		h.settle()
		if got := h.rows(); len(got) != 0 {
			t.Fatalf("nobody said anything, and there are %v", got)
		}
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.2"}, said{id: "CVE-2026-90002", vendor: "orvane", product: "other"})
		h.settle()
		want := []string{"wind CVE-2026-90001 cpe:o:orvane:edgegate affected exact 1/3 watch"}
		if got := h.rows(); !slices.Equal(got, want) {
			t.Fatalf("a new statement: %v, want %v", got, want)
		}
		// The statement is there first.
		h.add(h.as("bank"), "cpe", gateway, "version", "9.2.0")
		h.add(h.as("sea"), "cpe", gateway)
		h.settle()
		want = []string{"sea CVE-2026-90001 cpe:o:orvane:edgegate affected version_unknown 1/1 track", want[0]}
		if got := h.rows(); len(got) != 2 || got[1] != want[1] || !strings.HasPrefix(got[0], "sea CVE-2026-90001") || !strings.Contains(got[0], "version_unknown") {
			t.Fatalf("new equipment: %v, want %v", got, want)
		}
		// Attacks begin.
		h.heard, h.what = nil, nil
		h.attack("CVE-2026-90001")
		h.settle()
		one := h.one(h.wind())
		if one.Priority != Act || !one.Exploited || one.Detail == nil || one.Detail.Lines[0].Version != "9.1.5" || one.Detail.Lines[0].Because[0].Rule != "in_range" {
			t.Errorf("attacked: %+v %+v", one, one.Detail)
		}
		if !slices.Contains(h.what, "changed") || len(h.heard) != 2 {
			t.Errorf("told of %v %v", h.what, h.heard)
		}
		// It is fixed.
		h.change(h.wind(), e, "version", "9.2.1")
		h.settle()
		if got := h.rows(); len(got) != 1 || !strings.HasPrefix(got[0], "sea") {
			t.Errorf("after the fix: %v", got)
		}
		// The source takes it back.
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", withdrawn: true, rev: 2})
		h.settle()
		if got := h.rows(); len(got) != 0 {
			t.Errorf("withdrawn: %v", got)
		}
	})
}

// twin computes every exposure from scratch, the slow and obvious way.
func (h *hub) twin() (out []string) {
	h.t.Helper()
	ctx := context.Background()
	names := map[string]string{}
	for _, n := range h.country.Names() {
		names[h.country.ID(n)] = n
	}
	type at struct{ org, vulnerability, key string }
	type worst struct {
		verdict          string
		certainty        string
		entries, devices int
		priority         Priority
		hits             []hit
		k                Known
	}
	all := map[at]*worst{}
	err := h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
		orgs, err := h.assets.Registers(ctx, tx, "", 100)
		if err != nil {
			return err
		}
		for _, o := range orgs {
			var ids []asset.ID
			if err := h.assets.Revisions(ctx, tx, o, func(id asset.ID, _ int) error { ids = append(ids, id); return nil }); err != nil {
				return err
			}
			var entries []asset.Entry
			if err := h.assets.Matchable(ctx, tx, o, ids, func(e *asset.Entry) error { entries = append(entries, *e); return nil }); err != nil {
				return err
			}
			for i := range entries {
				sub := subjectOf(&entries[i], Named{})
				if len(sub.keys()) == 0 {
					continue
				}
				index, err := h.indexAll(ctx, tx, sub.keys())
				if err != nil {
					return err
				}
				for f := range index.Match(sub.subject()) {
					v, err := h.intel.Vulnerability(ctx, tx, f.Vulnerability)
					if err != nil {
						return err
					}
					if f.Verdict.String() == "not_affected" || v.Withdrawn {
						continue
					}
					a := at{o, f.Vulnerability, sub.key}
					if all[a] == nil {
						all[a] = &worst{k: knownOf(&v)}
					}
					w := all[a]
					w.hits = append(w.hits, hit{&holding{variant: &sub.variant, items: []string{sub.item}, devices: sub.quantity}, &found{vulnerability: f.Vulnerability, verdict: f.Verdict, certainty: f.Certainty}})
				}
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for a, w := range all {
		best := -1
		for _, x := range w.hits {
			r := map[string]int{"affected": 10, "unknown": 0}[x.verdict.String()] + 3 - int(x.found.certainty)
			if r > best {
				best, w.verdict, w.certainty = r, x.verdict.String(), x.found.certainty.String()
			}
		}
		for _, x := range w.hits {
			if x.verdict.String() == w.verdict {
				w.entries++
				w.devices += x.devices
			}
		}
		first := true
		for _, x := range w.hits { // one class at a time, found by going through all
			f := Facts{Known: w.k.Exploited, Ransomware: w.k.Ransomware, Stated: w.k.Stated, Likelihood: w.k.Likelihood, Automatable: w.k.Automatable, Impact: w.k.Impact, Vector: w.k.Vector,
				Verdict: x.verdict, Certainty: x.found.certainty}
			zones := map[string]bool{}
			for _, y := range w.hits {
				if y.verdict == x.verdict && y.found.certainty == x.found.certainty {
					f.Devices += y.devices
					f.Essential = f.Essential || y.essential
					f.Control = f.Control || y.control
					f.Edge = f.Edge || y.edge && y.zone == ""
					zones[y.zone] = true
				}
			}
			for _, z := range []string{"internet", "dmz", "", "internal", "ot", "isolated"} {
				if zones[z] {
					f.Zone = z
					break
				}
			}
			if f.Zone != "internet" && f.Edge {
				f.Zone = ""
			}
			if d := Decide(f, ordinary); first || d.Priority > w.priority {
				w.priority, first = d.Priority, false
			}
		}
		out = append(out, fmt.Sprintf("%s %s %s %s %s %d/%d %s", names[a.org], a.vulnerability, a.key, w.verdict, w.certainty, w.entries, w.devices, w.priority))
	}
	slices.Sort(out)
	return out
}

func TestIncrementalIsRematchIsTwin(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		rounds := 60
		if testing.Short() {
			rounds = 15
		}
		r := newDice(20261122)
		versions := []string{"", "1.0", "1.5", "2.0", "2.1", "3.0"}
		products := []string{"alpha", "beta", "gamma"}
		operators := []string{"wind", "sea", "bank"}
		items := map[string]asset.Entry{}
		rev := 0
		for round := range rounds {
			switch r.n(6) {
			case 0, 1:
				who := operators[r.n(3)]
				e := h.add(h.as(who), "cpe", cpeOf("orvane", products[r.n(3)]), "version", versions[r.n(6)], "zone", []string{"", "internet", "dmz", "internal", "ot", "isolated"}[r.n(6)],
					"quantity", fmt.Sprint(1+r.n(30)), "service", []string{"", "送電"}[r.n(2)])
				items[who+"/"+string(e.ID)] = e
			case 2:
				if k := pick(r, items); k != "" {
					who, _, _ := strings.Cut(k, "/")
					items[k] = h.change(h.as(who), items[k], "version", versions[1+r.n(5)], "cpe", cpeOf("orvane", products[r.n(3)]))
				}
			case 3:
				if k := pick(r, items); k != "" && r.n(2) == 0 {
					who, _, _ := strings.Cut(k, "/")
					if err := h.assets.Remove(h.as(who), items[k].ID, items[k].Revision); err != nil {
						t.Fatal(err)
					}
					delete(items, k)
				}
			case 4:
				rev++
				h.say(said{id: fmt.Sprintf("CVE-2026-9%04d", r.n(6)), vendor: "orvane", product: products[r.n(3)], before: versions[1+r.n(5)], withdrawn: r.n(5) == 0, rev: rev})
			case 5:
				h.attack(fmt.Sprintf("CVE-2026-9%04d", r.n(6)))
			}
			if r.n(2) == 0 {
				h.settle()
			}
			if round%10 != 9 && round != rounds-1 {
				continue
			}
			h.settle()
			got, want := h.rows(), h.twin()
			if !slices.Equal(got, want) {
				t.Fatalf("round %d:\nincremental %s\ntwin        %s", round, strings.Join(got, "\n            "), strings.Join(want, "\n            "))
			}
			run, err := h.Rematch(h.analyst())
			if err != nil {
				t.Fatal(err)
			}
			if run.Counts.Found+run.Counts.Changed+run.Counts.Ended != 0 || run.EndedAt.IsZero() {
				t.Fatalf("round %d: a rematch finds %+v to write", round, run.Counts)
			}
			h.sums()
		}
		if len(h.rows()) == 0 {
			t.Error("nothing was exposed at the end: the test asks nothing")
		}
		// A rematch alone builds the same from nothing.
		before := h.rows()
		ctx := context.Background()
		err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
			for _, table := range []string{"exposure_row", "exposure_part", "exposure_group", "exposure_subject", "exposure_key"} {
				if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Rematch(h.analyst()); err != nil {
			t.Fatal(err)
		}
		if got := h.rows(); !slices.Equal(got, before) {
			t.Errorf("from nothing: %v, want %v", got, before)
		}
		h.sums()
	})
}

// sums checks that every group's digest is the sum of its rows'.
func (h *hub) sums() {
	h.t.Helper()
	ctx := context.Background()
	err := h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := queryRows(ctx, tx, "state <> 'ended'", &db.Query{})
		if err != nil {
			return err
		}
		sums := map[string][2]uint64{}
		for i := range rows {
			k := rows[i].ProductKey + " " + rows[i].Org
			sums[k] = plus(sums[k], sumOf(rows[i].digest))
		}
		keys, err := groupKeys(ctx, tx, "", 1000)
		if err != nil {
			return err
		}
		for _, k := range keys {
			list, err := loadGroups(ctx, tx, k, nil, false)
			if err != nil {
				return err
			}
			for o, g := range list {
				if g.digest != digestOf(sums[k+" "+o]) {
					h.t.Errorf("the digest of %s is not the sum of its rows", k)
				}
				delete(sums, k+" "+o)
			}
		}
		if len(sums) > 0 {
			h.t.Errorf("rows without a group: %v", slices.Collect(maps.Keys(sums)))
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func pick(r *dice, items map[string]asset.Entry) string {
	keys := slices.Sorted(maps.Keys(items))
	if len(keys) == 0 {
		return ""
	}
	return keys[r.n(len(keys))]
}
