package exposure

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/intel"
	"noroshi/internal/testkit"
)

func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// benchProducts is how many products statements name, and of how many of them
// registers have equipment.
const (
	benchProducts = 20_000
	benchHeld     = 2_000
)

func benchName(i int) (vendor, prod string) {
	return "maker" + strconv.Itoa(i%400), "gate" + strconv.Itoa(i)
}

// fillStatements imports a feed of n vulnerabilities, as the NVD writes it.
func (h *hub) fillStatements(n int) {
	h.t.Helper()
	name := filepath.Join(h.t.TempDir(), "nvd.json")
	f, err := os.Create(name)
	if err != nil {
		h.t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, `{"resultsPerPage":%d,"startIndex":0,"totalResults":%d,"format":"NVD_CVE","version":"2.0","timestamp":"2026-03-01T04:05:06.789","vulnerabilities":[`, n, n)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		vendor, prod := benchName(i % benchProducts)
		raw, err := json.Marshal(said{id: fmt.Sprintf("CVE-2026-%06d", 100_000+i), vendor: vendor, product: prod, before: fmt.Sprintf("%d.%d", 1+i/benchProducts%9, i%10)})
		if err != nil {
			h.t.Fatal(err)
		}
		w.Write(raw)
	}
	w.WriteString("]}")
	if err := w.Flush(); err != nil {
		h.t.Fatal(err)
	}
	f.Close()
	if _, err := h.intel.Import(h.analyst(), intel.Request{Feed: "nvd"}, name); err != nil {
		h.t.Fatal(err)
	}
}

// fillRegisters puts n entries of operators into registers and beside them what
// matching keeps.
func (h *hub) fillRegisters(operators, n int) {
	h.t.Helper()
	ctx := context.Background()
	r := newDice(1)
	each := n / operators
	for o := range operators {
		operator := fmt.Sprintf("operator-%03d", o)
		err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
			c, err := h.Keys.Make(ctx, tx, operator)
			if err != nil {
				return err
			}
			if err := putOrg(ctx, tx, operator, o%5, []string{"electricity"}); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO asset_register (org_id, revision, items, statements, designated, used, affects) VALUES ($1, 1, $2, 0, '', '', '')", operator, each); err != nil {
				return err
			}
			counts := map[string]int{}
			for i := range each {
				k := (o*37 + i%500*3) % benchHeld // 500 products of the 2,000 for each operator
				vendor, prod := benchName(k)
				s := subject{item: fmt.Sprintf("%s-%06d-0000-0000-0000-000000000000", operator[9:], i), org: operator, revision: 1, quantity: 1 + r.n(3), variant: variant{
					ident: ident{name: cpeOf(vendor, prod), version: fmt.Sprintf("%d.%d", 1+r.n(9), r.n(3))}, zone: []string{"internet", "dmz", "internal", "ot"}[r.n(4)], essential: r.n(3) == 0,
				}}
				s.key = s.keys()[0]
				counts[s.key]++
				if err := putSubject(ctx, tx, &s, c.Seal(s.bytes(), subjectName(s.item))); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `INSERT INTO asset_item (id, org_id, key, kind, maker, product, maker_name, product_name, maker_key, product_key, quantity, service, operated_by, introduced, changed,
					support_ends, hint, sealed, source, revision, confirmed_at, created_at, created_by, updated_at, updated_by, updated_org)
					VALUES ($1, $2, $3, 'vpn', '', '', '', '', '', '', 1, '', '', '', '', '', $4, $4, 'list', 1, 0, 0, '', 0, '', '')`, s.item, operator, s.item, []byte{}); err != nil {
					return err
				}
			}
			for _, k := range slices.Sorted(maps.Keys(counts)) {
				if err := countKey(ctx, tx, k, k, operator, counts[k]); err != nil {
					return err
				}
				if err := markGroup(ctx, tx, k, operator); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// rss is the memory the process holds, in MB, and the most it ever held.
func rss() (now, peak int) {
	raw, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(raw), "\n") {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.Atoi(f[1])
		switch f[0] {
		case "VmRSS:":
			now = n / 1024
		case "VmHWM:":
			peak = n / 1024
		}
	}
	return now, peak
}

// cpu is the processor time the process has used: what a measure means on a
// machine that others use too.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A million pieces of equipment of 200 operators and 300,000 vulnerabilities:
// a full rematch, and one new advisory. NOROSHI_BENCH_ENTRIES and
// NOROSHI_BENCH_VULNERABILITIES change the numbers; with NOROSHI_TEST_DB and
// NOROSHI_BENCH_POSTGRES=1 it runs on PostgreSQL.
func BenchmarkExposure(b *testing.B) {
	entries, vulnerabilities := setting("NOROSHI_BENCH_ENTRIES", 1_000_000), setting("NOROSHI_BENCH_VULNERABILITIES", 300_000)
	d := testkit.DB
	if os.Getenv("NOROSHI_BENCH_POSTGRES") == "1" {
		d = testkit.Postgres
	}
	h := newHub(b, d(b, sources()...))
	since := func(at time.Time) string { return time.Since(at).Round(time.Millisecond).String() }
	at := time.Now()
	h.fillStatements(vulnerabilities)
	b.Logf("%d vulnerabilities imported in %s", vulnerabilities, since(at))
	at = time.Now()
	h.fillRegisters(200, entries)
	b.Logf("%d entries of 200 operators in %s", entries, since(at))
	at = time.Now()
	run, err := h.Rematch(h.analyst())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("first rematch, everything written: %s, %+v", since(at), run.Counts)
	h.settle()
	runtime.GC()
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	b.Run("rematch", func(b *testing.B) {
		for b.Loop() {
			at, used := time.Now(), cpu()
			run, err := h.Rematch(h.analyst())
			if err != nil {
				b.Fatal(err)
			}
			if c := run.Counts; c.Found+c.Changed+c.Ended > 0 || c.Subjects != entries {
				b.Fatalf("%+v", c)
			}
			took := time.Since(at)
			_, peak := rss()
			b.ReportMetric(took.Seconds(), "s")
			b.ReportMetric((cpu() - used).Seconds(), "cpu-s")
			b.ReportMetric(float64(run.Counts.Verdicts)/took.Seconds(), "verdicts/s")
			b.ReportMetric(float64(run.Counts.Rows), "rows")
			b.ReportMetric(float64(peak), "peak-MB")
		}
	})
	b.Run("advisory", func(b *testing.B) {
		const advisories = 40 // enough for a percentile, however few rounds
		var took []time.Duration
		i, rows := 0, 0
		var spent time.Duration
		for b.Loop() {
			for range advisories {
				vendor, prod := benchName(i * 7 % benchHeld)
				i++
				id := fmt.Sprintf("CVE-2026-%06d", 900_000+i)
				b.StopTimer()
				h.say(said{id: id, vendor: vendor, product: prod, before: "5.0"})
				b.StartTimer()
				at, used := time.Now(), cpu()
				if err := h.bus.Settle(context.Background()); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(at))
				spent += cpu() - used
				rows += testkit.Count(b, h.Parts.DB, "SELECT count(*) FROM exposure_row WHERE vulnerability = $1", id)
			}
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		b.ReportMetric(float64(rows)/float64(i), "operators")
		b.ReportMetric(float64(spent.Microseconds())/1000/float64(i), "cpu-ms")
	})
	b.Run("queue", func(b *testing.B) {
		var took []time.Duration
		f := Filter{}
		for b.Loop() {
			at := time.Now()
			got, err := h.List(h.analyst(), f)
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(at))
			if f.Cursor = got.Next; len(took)%20 == 0 {
				f.Cursor = ""
			}
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	})
}
