package asset

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// fill puts n entries into the register of an operator, as an import does, and
// returns how long writing took.
func (h *hub) fill(operator string, from, n int) {
	h.t.Helper()
	ctx := context.Background()
	err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := h.Keys.Make(ctx, tx, operator)
		if err != nil {
			return err
		}
		now := h.now()
		wares := map[[2]string]*ware{}
		rows := make([]row, n)
		for i := range rows {
			k := from + i
			maker, model := "Maker "+strconv.Itoa(k%40), "Gate "+strconv.Itoa(k%700)
			it, problems := New(draftOf("id", fmt.Sprintf("A-%07d", k), "kind", string(Kinds()[k%len(Kinds())]), "maker", maker, "product", model, "version", []string{"", "9.1.5"}[min(1, k%7)],
				"zone", string(Zones()[k%5]), "addresses", fmt.Sprintf("10.%d.%d.%d", k>>16&255, k>>8&255, k&255), "operated_by", "own", "service", "役務"+strconv.Itoa(k%20),
				"support_ends_at", fmt.Sprintf("20%02d-%02d-15", 24+k%10, 1+k%12)), nil)
			if len(problems) > 0 {
				return fmt.Errorf("%v", problems)
			}
			it.ID = ID(newID())
			rows[i] = row{Entry: Entry{Item: it, Org: operator, Revision: 1, Source: FromList, ConfirmedAt: now.Add(-time.Duration(k%300) * 24 * time.Hour), CreatedAt: now, UpdatedAt: now, UpdatedOrg: operator}}
			if err := rows[i].seal(c); err != nil {
				return err
			}
			products(nil, &it, wares)
		}
		if err := bump(ctx, tx, operator, -1, n); err != nil {
			return err
		}
		if err := insertItems(ctx, tx, rows); err != nil {
			return err
		}
		return countProducts(ctx, tx, operator, wares)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A million entries in ten registers: what a page of a list takes.
// NOROSHI_BENCH_ENTRIES changes the number.
func BenchmarkListOfAMillion(b *testing.B) {
	total := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("NOROSHI_BENCH_ENTRIES")); err == nil {
		total = n
	}
	h := newHub(b, testkit.DB(b, sources()...))
	operators := []string{h.country.ID("wind")}
	for i := 1; i < 10; i++ {
		operators = append(operators, fmt.Sprintf("other-%d", i))
	}
	start := time.Now()
	for _, o := range operators {
		for at := 0; at < total/10; at += 20_000 {
			h.fill(o, at, min(20_000, total/10-at))
		}
	}
	b.Logf("filled %d entries in %s", total, time.Since(start).Round(time.Millisecond))
	for name, f := range map[string]Filter{
		"list": {}, "by product": {Sort: "product"}, "longest unconfirmed": {Sort: "confirmed"}, "support ended": {Support: SupportEnded}, "one kind": {Kind: KindVPN},
		"zone": {Zone: "internet"}, "gap": {Gap: "version_internet"}, "mark": {Mark: "act"}, "search product": {Text: "gate 345"}, "search maker": {Text: "maker 17"}, "search id": {Text: "A-0012"},
		"search and zone": {Text: "gate", Zone: "ot"},
	} {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			var took []time.Duration
			n := 0
			for b.Loop() {
				at := time.Now()
				got, err := h.List(h.wind(), f)
				took = append(took, time.Since(at))
				if err != nil {
					b.Fatal(err)
				}
				n = len(got.Entries)
				if f.Cursor = got.Next; len(took)%20 == 0 {
					f.Cursor = ""
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(n), "rows")
		})
	}
	at := time.Now()
	o, err := h.Overview(h.wind(), "")
	if err != nil || o.Tally.Entries != total/10 {
		b.Fatal(o.Tally.Entries, err)
	}
	first := time.Since(at)
	at = time.Now()
	if _, err := h.Overview(h.wind(), ""); err != nil {
		b.Fatal(err)
	}
	b.Logf("overview of %d entries: %s, again %s", o.Tally.Entries, first.Round(time.Millisecond), time.Since(at).Round(time.Microsecond))
}

// A list of 100,000 rows from the file to the committed register.
func BenchmarkImport100k(b *testing.B) {
	var s strings.Builder
	s.WriteString("id,kind,maker,product,version,zone,addresses,quantity,service,operated_by,introduced_at,support_ends_at\n")
	for i := range 100_000 {
		fmt.Fprintf(&s, "A-%06d,%s,Maker %d,Gate %d,9.%d.%d,%s,10.%d.%d.%d,1,給電指令の遠隔保守,own,2026-04-01,2028-03-31\n", i, Kinds()[i%len(Kinds())], i%40, i%700, i%7, i%9, Zones()[i%5], i>>16, i>>8&255, i&255)
	}
	list := s.String()
	h := newHub(b, testkit.DB(b, sources()...))
	for range b.N {
		h.Clock.Pass(time.Second)
		who := gate.With(context.Background(), gate.Identity{Person: "p", Org: h.fresh(b), Kinds: []string{"operator"}, Roles: []gate.Role{gate.OperatorAdmin}})
		stop := peak()
		for _, round := range []string{"new", "the same again"} {
			at := time.Now()
			v, err := h.PreviewImport(who, "list.csv", strings.NewReader(list), int64(len(list)), true)
			if err != nil {
				b.Fatal(err)
			}
			preview := time.Since(at)
			at = time.Now()
			if _, err := h.ApplyImport(who, v.Token); err != nil {
				b.Fatal(err)
			}
			b.Logf("%s: preview %s, apply %s, added %d", round, preview.Round(time.Millisecond), time.Since(at).Round(time.Millisecond), v.Counts.Added)
		}
		b.ReportMetric(stop(), "peak-MB")
	}
}

// fresh is an operator of its own.
func (h *hub) fresh(t testing.TB) string {
	t.Helper()
	o, err := h.country.Register(org.Local(context.Background()), org.Org{Name: text.Both{JA: "新しい事業者"}, Kinds: []org.Kind{org.Operator}, Sectors: []string{"electricity"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(o.ID)
}

// peak watches the heap until it is stopped, and returns the most it held, in
// MB, with what the runtime keeps for itself.
func peak() func() float64 {
	runtime.GC()
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		var m runtime.MemStats
		for {
			select {
			case <-done:
				most <- top
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				top = max(top, m.Sys-m.HeapReleased)
			}
		}
	}()
	return func() float64 { close(done); return float64(<-most) / 1e6 }
}
