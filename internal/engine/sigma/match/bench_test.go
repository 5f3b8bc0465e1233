package match

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// sigmaHQ returns the rules of a folder of SigmaHQ's repository.
func sigmaHQ(t testing.TB, folder string) []*sigma.Rule {
	t.Helper()
	z := opened(t, shared(t, "sigma/sigma-rules.zip"))
	c := sigma.Load(func(yield func(string, []byte) bool) {
		for _, f := range z.File {
			if strings.HasPrefix(f.Name, folder) && strings.HasSuffix(f.Name, ".yml") && !yield(f.Name, content(t, f)) {
				return
			}
		}
	}, sigma.Options{})
	if len(c.Rules) == 0 {
		t.Fatal("no rules in " + folder)
	}
	return c.Rules
}

// bench is what benchmarks share: loading it takes seconds.
var bench struct {
	once  sync.Once
	names *event.Names
	rules []*sigma.Rule
	rows  []*event.Row // of JSON
	evtx  []*event.Row
}

func prepared(b testing.TB) {
	shared(b, "sigma/sigma-rules.zip")
	bench.once.Do(func() {
		bench.names = event.NewNames()
		at := time.Now()
		bench.rules = sigmaHQ(b, "rules/")
		b.Logf("%d rules loaded in %v", len(bench.rules), time.Since(at))
		bench.rows = corpus(b, bench.names, 500, 1)
		bench.evtx = windowsLogs(b, bench.names)
	})
}

// used returns the processor time of this process, which the other work of a
// shared machine does not lengthen much.
func used() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkMatch(b *testing.B) {
	prepared(b)
	for _, c := range []struct {
		name string
		rows []*event.Row
		opt  Options
	}{
		{"json/unrouted", bench.rows, Options{NoRouting: true}}, {"json/routed", bench.rows, Options{}},
		{"evtx/unrouted", bench.evtx, Options{NoRouting: true}}, {"evtx/routed", bench.evtx, Options{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			set, err := New(bench.rules, bench.names, c.opt)
			if err != nil {
				b.Fatal(err)
			}
			m := set.NewMatcher()
			var hits []int
			size, i := 0, 0
			for _, r := range c.rows {
				size += len(r.Text())
				hits = m.Match(r, hits[:0])
			}
			b.ReportAllocs()
			at := used()
			for b.Loop() {
				r := c.rows[i]
				if i++; i == len(c.rows) {
					i = 0
				}
				hits = m.Match(r, hits[:0])
			}
			s := m.Stats()
			b.ReportMetric(float64(b.N)/(used()-at).Seconds(), "events/cpu-s")
			b.ReportMetric(float64(s.Candidates)/float64(s.Rows), "rules/event")
			b.ReportMetric(float64(s.Hits)/float64(s.Rows), "hits/event")
			b.ReportMetric(float64(size)/float64(len(c.rows)), "bytes/event")
			b.ReportMetric(float64(set.Bytes()), "index-bytes")
			r := set.Report(m)
			b.Logf("%d kinds of rows, %d indexes", len(r.Sources), len(set.indexes()))
		})
	}
}

func (s *Set) indexes() map[[2]uint64]*index {
	if s.router == nil {
		return nil
	}
	return s.router.byKey
}

// BenchmarkNew measures what it takes to begin: rules read and made ready.
func BenchmarkNew(b *testing.B) {
	prepared(b)
	b.ReportAllocs()
	at := used()
	for b.Loop() {
		if _, err := New(bench.rules, bench.names, Options{NoRouting: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((used()-at).Milliseconds())/float64(b.N), "cpu-ms")
}

func BenchmarkLoad(b *testing.B) {
	at := used()
	for b.Loop() {
		sigmaHQ(b, "rules/")
	}
	b.ReportMetric(float64((used()-at).Milliseconds())/float64(b.N), "cpu-ms")
}
