package intel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/intel/feed"
	"noroshi/internal/testkit"
)

// hub is the service on a fresh database.
type hub struct {
	*Service
	*testkit.Parts
	t     testing.TB
	heard []bus.Event
}

func sources() []db.Source {
	return append(testkit.Base(), db.Source{Noun: "intel", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB, feeds ...FeedSource) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	s, err := Open(Config{DB: p.DB, Ledger: p.Ledger, Sources: feeds, Dir: t.TempDir(), Now: p.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &hub{Service: s, Parts: p, t: t}
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func as(role gate.Role) context.Context {
	return gate.With(context.Background(), gate.Identity{Person: "p-" + string(role), Org: "o", Roles: []gate.Role{role}})
}

var analyst = as(gate.OfficeAnalyst)

// record is a record of the NVD that names one product.
func record(id, vendor, prod string, modified time.Time) *feed.Record {
	name := cpe.Name{Part: "a", Vendor: cpe.Value(vendor), Product: cpe.Value(prod)}
	return &feed.Record{ID: id, Kind: feed.NVD, Ref: id, Modified: modified, Published: modified, Description: map[string]string{"en": "A flaw in " + prod + ". More."},
		Scores:     []feed.Score{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8, By: "nvd@nist.gov"}},
		Statements: []product.Statement{{Vulnerability: id, Source: "nvd", Ref: id, At: modified, Root: product.Node{Lines: []product.Line{{Name: name}}}}}}
}

var monday = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// from reads records out of a list; one that is nil breaks the file off there.
func from(kind feed.Kind, list ...*feed.Record) func(context.Context, func(*feed.Record) error) (feed.Kind, error) {
	return func(_ context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
		for _, r := range list {
			if r == nil {
				return "", errors.New("unexpected end of file")
			}
			if err := yield(r); err != nil {
				return "", err
			}
		}
		return kind, nil
	}
}

func (h *hub) take(src FeedSource, list ...*feed.Record) (Imported, error) {
	kind := feed.NVD
	if len(list) > 0 && list[0] != nil {
		kind = list[0].Kind
	}
	return h.Service.take(analyst, input{source: src, read: from(kind, list...)})
}

func (h *hub) must(src FeedSource, list ...*feed.Record) Imported {
	h.t.Helper()
	got, err := h.take(src, list...)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// events returns what was published since the last call, as subject and data.
func (h *hub) events() (out []string) {
	h.t.Helper()
	b := bus.New(h.Parts.DB, h.Log, bus.Follower{Name: "test", Subjects: []string{"intel.stated", "intel.exploited"}, Handle: func(_ context.Context, _ *db.Tx, ev bus.Event) error {
		h.heard = append(h.heard, ev)
		return nil
	}})
	if err := b.Settle(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	for _, ev := range h.heard {
		out = append(out, ev.Subject+" "+string(ev.Data))
	}
	h.heard = nil
	return out
}

// says returns what is visible: vulnerabilities by product key.
func (h *hub) says(keys ...string) (out []string) {
	h.t.Helper()
	err := h.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
		return h.StatementsAbout(context.Background(), tx, keys, func(st product.Statement) error {
			out = append(out, st.Vulnerability)
			return nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func (h *hub) shows(id string) Vulnerability {
	h.t.Helper()
	v, _, err := h.Show(as(gate.OperatorViewer), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

var nvd = FeedSource{ID: "nvd"}

func TestImportWritesOnlyWhatDiffers(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a, b := record("CVE-2026-1000", "acme", "gate", monday), record("CVE-2026-1001", "acme", "lock", monday)
		got := h.must(nvd, a, b)
		if diff := cmp.Diff(Counts{Records: 2, Added: 2}, got.Counts); diff != "" {
			t.Error(diff)
		}
		if got.Receipt.Entry == "" || h.Entries(t, "intel.import", "done") != 1 {
			t.Error("an import is one entry of the ledger")
		}
		want := []string{`intel.stated {"feed":"nvd","vulnerabilities":["CVE-2026-1000","CVE-2026-1001"],"products":["cpe:a:acme:gate","cpe:a:acme:lock"]}`}
		if diff := cmp.Diff(want, h.events()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"CVE-2026-1000"}, h.says("cpe:a:acme:gate")); diff != "" {
			t.Error(diff)
		}

		b2 := record("CVE-2026-1001", "acme", "door", monday.Add(time.Hour))
		got = h.must(nvd, a, b2, record("CVE-2026-1002", "acme", "gate", monday))
		if diff := cmp.Diff(Counts{Records: 3, Added: 1, Changed: 1, Unchanged: 1}, got.Counts); diff != "" {
			t.Error(diff)
		}
		want = []string{`intel.stated {"feed":"nvd","vulnerabilities":["CVE-2026-1001","CVE-2026-1002"],"products":["cpe:a:acme:door","cpe:a:acme:gate","cpe:a:acme:lock"]}`}
		if diff := cmp.Diff(want, h.events()); diff != "" {
			t.Error("what a statement named before it changed is news too:", diff)
		}
		if got := h.says("cpe:a:acme:lock"); got != nil {
			t.Error("still visible:", got)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM intel_record"); n != 3 {
			t.Errorf("%d records, want 3: what ended is swept", n)
		}
		again := h.must(nvd, a, b2)
		if diff := cmp.Diff(Counts{Records: 2, Unchanged: 2}, again.Counts); diff != "" {
			t.Error("what a part does not speak of stays:", diff)
		}
		if ev := h.events(); ev != nil {
			t.Error(ev)
		}
	})
}

func TestAWholeFileTakesBackWhatItLacks(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		src := FeedSource{ID: "all", Whole: true, Shrink: 40}
		a, b, c := record("CVE-2026-1", "v", "a", monday), record("CVE-2026-2", "v", "b", monday), record("CVE-2026-3", "v", "c", monday)
		h.must(src, a, b, c)
		h.events()
		got := h.must(src, a, c)
		if diff := cmp.Diff(Counts{Records: 2, Removed: 1, Unchanged: 2}, got.Counts); diff != "" {
			t.Error(diff)
		}
		if got := h.says("cpe:a:v:b"); got != nil {
			t.Error(got)
		}
		if diff := cmp.Diff([]string{`intel.stated {"feed":"all","vulnerabilities":["CVE-2026-2"],"products":["cpe:a:v:b"]}`}, h.events()); diff != "" {
			t.Error(diff)
		}
		if _, _, err := h.Show(analyst, "CVE-2026-2"); !errors.Is(err, ErrNone) {
			t.Error(err)
		}
		if got := h.must(src, a, b, c); got.Counts.Added != 1 {
			t.Errorf("%+v", got.Counts)
		}
		if diff := cmp.Diff([]string{"CVE-2026-2"}, h.says("cpe:a:v:b")); diff != "" {
			t.Error(diff)
		}
	})
}

// A feed that lies changes nothing, and the next that is right is taken whole.
func TestAFeedThatLiesChangesNothing(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		src := FeedSource{ID: "all", Whole: true}
		var list []*feed.Record
		for i := range 20 {
			list = append(list, record(fmt.Sprintf("CVE-2026-%04d", i), "v", fmt.Sprintf("p%d", i), monday))
		}
		h.must(src, list...)
		h.events()
		h.batch = 1 // each record is staged before the next is read
		changed := func(at time.Time) *feed.Record { return record("CVE-2026-0000", "v", "other", at) }
		future := h.Clock.Now().Add(72 * time.Hour)
		added := record("CVE-2026-7777", "v", "p0", monday)
		added.Kind, added.Exploited = feed.KEV, &feed.Exploited{Added: future}
		older := make([]*feed.Record, 20)
		for i := range older {
			older[i] = record(list[i].ID, "v", "old", monday.Add(-time.Hour))
		}
		nameless := record("", "v", "p0", monday)
		for name, tc := range map[string]struct {
			src  FeedSource
			list []*feed.Record
			want error
		}{
			"a date in the future": {src, append([]*feed.Record{changed(monday), record("CVE-2026-9", "v", "p0", future)}, list[1:]...), ErrFuture},
			"exploited tomorrow":   {src, append([]*feed.Record{changed(monday), added}, list[1:]...), ErrFuture},
			"half a file":          {src, append([]*feed.Record{changed(monday)}, list[1:10]...), ErrShrunk},
			"broken off":           {src, []*feed.Record{changed(monday), list[1], nil}, nil},
			"older than before":    {src, older, ErrOlder},
			"of another kind":      {FeedSource{ID: "all", Whole: true, Kind: feed.OSV}, list, ErrKind},
			"nothing in it":        {src, nil, ErrEmpty},
			"no id":                {src, append(slices.Clone(list), nameless), ErrUnnamed},
		} {
			got, err := h.take(tc.src, tc.list...)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, %v", name, got.Counts, err)
			}
			if diff := cmp.Diff([]string{"CVE-2026-0000"}, h.says("cpe:a:v:p0")); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if got := h.says("cpe:a:v:other", "cpe:a:v:old"); got != nil {
				t.Errorf("%s: shows %v", name, got)
			}
			if ev := h.events(); ev != nil {
				t.Errorf("%s: says %v", name, ev)
			}
		}
		if got := h.must(src, append([]*feed.Record{changed(monday.Add(time.Hour))}, list[1:]...)...); got.Counts.Changed != 1 || got.Counts.Unchanged != 19 {
			t.Errorf("%+v", got.Counts)
		}
		if diff := cmp.Diff([]string{"CVE-2026-0000"}, h.says("cpe:a:v:other", "cpe:a:v:p0", "cpe:a:v:old")); diff != "" {
			t.Error(diff)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM intel_record"); n != 20 {
			t.Errorf("%d records left", n)
		}
	})
}

// An import that died half way is taken up by the next, which writes only what
// was not staged, and nobody saw anything of it meanwhile.
func TestAHalfImportIsTakenUp(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		src := FeedSource{ID: "all", Whole: true, Shrink: 100}
		h.batch = 2
		h.must(src, record("CVE-2026-1", "v", "a", monday), record("CVE-2026-2", "v", "b", monday))
		h.events()
		var list []*feed.Record
		for i := range 10 {
			list = append(list, record(fmt.Sprintf("CVE-2026-%d", i), "v", "new", monday.Add(time.Hour)))
		}
		dead, cancel := context.WithCancel(analyst)
		n := 0
		_, err := h.Service.take(dead, input{source: src, read: func(ctx context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
			for _, r := range list {
				if n++; n == 8 {
					for testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM intel_record WHERE since = 2") < 6 {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}
				if err := yield(r); err != nil {
					return "", err
				}
			}
			return feed.NVD, nil
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		staged := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM intel_record WHERE since = 2")
		if staged < 6 || h.says("cpe:a:v:new") != nil || len(h.says("cpe:a:v:a", "cpe:a:v:b")) != 2 || h.events() != nil {
			t.Fatalf("%d staged, %v", staged, h.says("cpe:a:v:new"))
		}
		first := h.oldest(2)
		got := h.must(src, list...)
		if diff := cmp.Diff(Counts{Records: 10, Added: 8, Changed: 2}, got.Counts); diff != "" {
			t.Error(diff)
		}
		if h.oldest(2) != first {
			t.Error("what was staged was written again")
		}
		if len(h.says("cpe:a:v:new")) != 10 || h.says("cpe:a:v:a", "cpe:a:v:b") != nil {
			t.Error(h.says("cpe:a:v:new"), h.says("cpe:a:v:a", "cpe:a:v:b"))
		}
		want := `"products":["cpe:a:v:a","cpe:a:v:b","cpe:a:v:new"]`
		if ev := h.events(); len(ev) != 1 || !strings.Contains(ev[0], want) || !strings.Contains(ev[0], `"CVE-2026-0"`) {
			t.Error("what was staged before is news too:", ev)
		}
	})
}

// oldest returns the id of the first record staged for an import.
func (h *hub) oldest(number int) (id string) {
	h.t.Helper()
	err := h.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), "SELECT min(id) FROM intel_record WHERE since = $1", number).Scan(&id)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// What an attempt staged out of another file is forgotten, and what it let end
// stands.
func TestAnotherFileAfterAHalfImport(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.batch = 1
		a, b := record("CVE-2026-1", "v", "a", monday), record("CVE-2026-2", "v", "b", monday)
		h.must(nvd, a, b)
		h.events()
		_, err := h.take(nvd, record("CVE-2026-1", "v", "wrong", monday), record("CVE-2026-2", "v", "wrong", monday), record("CVE-2026-3", "v", "wrong", monday), nil)
		if err == nil {
			t.Fatal("taken")
		}
		got := h.must(nvd, a, record("CVE-2026-4", "v", "d", monday))
		if diff := cmp.Diff(Counts{Records: 2, Added: 1, Unchanged: 1}, got.Counts); diff != "" {
			t.Error(diff)
		}
		if got := h.says("cpe:a:v:wrong"); got != nil {
			t.Error(got)
		}
		if diff := cmp.Diff([]string{"CVE-2026-1", "CVE-2026-2", "CVE-2026-4"}, h.says("cpe:a:v:a", "cpe:a:v:b", "cpe:a:v:d")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{`intel.stated {"feed":"nvd","vulnerabilities":["CVE-2026-4"],"products":["cpe:a:v:d"]}`}, h.events()); diff != "" {
			t.Error(diff)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM intel_record"); n != 3 {
			t.Errorf("%d records", n)
		}
	})
}

// What a batch holds is the writer's once it is on its way: nothing is added to
// it, and every place that a file takes back, or half an import left, is in one.
func TestABatchOnItsWayIsNotWrittenTo(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	h.batch = 3
	src := FeedSource{ID: "all", Whole: true, Shrink: 100}
	list, half := make([]*feed.Record, 10), make([]*feed.Record, 20)
	for i := range list {
		list[i] = record(fmt.Sprintf("CVE-2026-10%02d", i), "v", "old", monday)
	}
	for i := range half[:19] { // nine of them are said for the first time
		half[i] = record(fmt.Sprintf("CVE-2026-10%02d", i), "v", "half", monday)
	}
	h.must(src, list...)
	if _, err := h.take(src, half...); err == nil {
		t.Fatal("taken")
	}
	for whole, want := range map[bool]int{true: 19 + 1, false: 19 + 10} { // dropped, and revived but for what the whole file takes back
		src.Whole = whole
		x := &taking{s: h.Service, in: input{source: src, read: from(feed.NVD, list[0])}, holder: "test", wares: map[string]struct{}{}}
		if err := x.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		full := make(chan *staging, 100)
		if err := x.fill(t.Context(), full); err != nil {
			t.Fatal(err)
		}
		close(full)
		n := 0
		for b := range full {
			if n += b.size(); b.size() > h.batch+1 { // the last place is dropped and revived
				t.Errorf("whole %v: %d in a batch", whole, b.size())
			}
		}
		if n != want {
			t.Errorf("whole %v: %d settled, want %d", whole, n, want)
		}
	}
}

func TestTheLastWordOfAFileCounts(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.must(nvd, record("CVE-2026-1", "v", "first", monday), record("CVE-2026-1", "v", "last", monday.Add(2*time.Hour)), record("CVE-2026-1", "v", "middle", monday.Add(time.Hour)))
		if got := h.says("cpe:a:v:last"); len(got) != 1 || h.says("cpe:a:v:first", "cpe:a:v:middle") != nil {
			t.Error(got, h.says("cpe:a:v:first", "cpe:a:v:middle"))
		}
	})
}

func TestManyChangesAreNotNamed(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	var list []*feed.Record
	for i := range maxNamed + 1 {
		list = append(list, record(fmt.Sprintf("CVE-2026-%04d", i), "v", fmt.Sprintf("p%d", i), monday))
	}
	h.must(nvd, list...)
	if diff := cmp.Diff([]string{`intel.stated {"feed":"nvd","many":true}`}, h.events()); diff != "" {
		t.Error(diff)
	}
	var all []string
	for after := ""; ; {
		var keys []string
		err := h.Parts.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
			keys, after, err = h.Products(context.Background(), tx, after, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, keys...)
		if after == "" {
			break
		}
	}
	if len(all) != maxNamed+1 || !slices.IsSorted(all) {
		t.Errorf("%d products", len(all))
	}
}

func TestOneFeedIsImportedByOneAtATime(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		other, err := Open(h.Config) // another node
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Service.take(analyst, input{source: nvd, read: func(ctx context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
			if _, err := other.take(analyst, input{source: nvd, read: from(feed.NVD, record("CVE-2026-1", "v", "a", monday))}); !errors.Is(err, ErrBusy) {
				t.Errorf("while another imports: %v", err)
			}
			h.Clock.Pass(2 * stale) // the first is taken for dead
			if _, err := other.take(analyst, input{source: nvd, read: from(feed.NVD, record("CVE-2026-1", "v", "a", monday))}); err != nil {
				t.Error(err)
			}
			return feed.NVD, yield(record("CVE-2026-1", "v", "b", monday))
		}})
		if !errors.Is(err, ErrBusy) {
			t.Errorf("the one that was taken for dead: %v", err)
		}
		if len(h.says("cpe:a:v:a")) != 1 || h.says("cpe:a:v:b") != nil {
			t.Error("the dead wrote")
		}
	})
}

func TestWhoMayWhat(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	for _, role := range gate.Roles {
		_, err := h.Service.take(as(role), input{source: nvd, read: from(feed.NVD, record("CVE-2026-1", "v", "a", monday))})
		may := role == gate.OfficeAnalyst || role == gate.HubAdmin
		if (err == nil) != may || err != nil && fault.KindOf(err) != fault.Refused {
			t.Errorf("%s imports: %v", role, err)
		}
		if _, _, err := h.Find(as(role), Search{}); err != nil {
			t.Errorf("%s searches: %v", role, err)
		}
	}
	if n := h.Entries(t, "intel.import", "refused"); n != len(gate.Roles)-2 {
		t.Errorf("%d refusals recorded", n)
	}
}

const minute = time.Minute

// loopbackClient is a way out to a test's own server.
func loopbackClient(t testing.TB, server string) *fetch.Client {
	t.Helper()
	c, err := fetch.NewClient(fetch.Policy{Hosts: []string{strings.TrimPrefix(server, "http://")}, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A new version of a document takes back what it does not say any more; other
// documents of the feed stay.
func TestADocumentIsReplacedAsAWhole(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		of := func(ref, id, prod string) *feed.Record {
			r := record(id, "v", prod, monday)
			r.Kind, r.Ref = feed.CSAF, ref
			return r
		}
		src := FeedSource{ID: "maker"}
		h.must(src, of("D-1", "CVE-2026-1", "a"), of("D-1", "CVE-2026-2", "b"), of("D-2", "CVE-2026-2", "c"))
		h.events()
		got := h.must(src, of("D-1", "CVE-2026-1", "a"))
		if diff := cmp.Diff(Counts{Records: 1, Removed: 1, Unchanged: 1}, got.Counts); diff != "" {
			t.Error(diff)
		}
		if h.says("cpe:a:v:b") != nil || len(h.says("cpe:a:v:a", "cpe:a:v:c")) != 2 {
			t.Error(h.says("cpe:a:v:a", "cpe:a:v:b", "cpe:a:v:c"))
		}
		if diff := cmp.Diff([]string{`intel.stated {"feed":"maker","vulnerabilities":["CVE-2026-2"],"products":["cpe:a:v:b"]}`}, h.events()); diff != "" {
			t.Error(diff)
		}
	})
}

// What is in memory of a feed is a few records and a line for each: 150 MB go
// through less than 100.
func TestMemoryIsBounded(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	debug.FreeOSMemory()
	noise := make([]byte, 50_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = 'a' + byte(rng.IntN(26)) // packs badly
	}
	stop := peak()
	_, err := h.Service.take(analyst, input{source: nvd, read: func(_ context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
		for i := range 3000 {
			r := record(fmt.Sprintf("CVE-2026-%05d", i), "v", "p", monday)
			at := rng.IntN(10_000)
			r.Further = fmt.Appendf(nil, "%q", noise[at:at+40_000])
			r.Description["en"] = string(noise[at : at+10_000])
			if err := yield(r); err != nil {
				return "", err
			}
		}
		return feed.NVD, nil
	}})
	if most := stop() >> 20; err != nil || most > 100 {
		t.Errorf("%d MB, %v", most, err)
	}
}
