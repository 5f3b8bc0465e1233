package hunt

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/testkit"
)

// fill makes a hub with runs of so many findings each.
func fill(b *testing.B, runs, each int) (*hub, []string) {
	h := newHub(b, testkit.DB(b, sources()...))
	x, now := h.hunt(), h.Clock.Now()
	levels := []string{"critical", "high", "medium", "low", "informational"}
	var ids []string
	for run := range runs {
		list := make([]Incoming, each)
		for i := range list {
			d := line(fmt.Sprintf("rule-%d", i%97), fmt.Sprintf("PC%d.corp.example", i%2003), fmt.Sprintf("user%d", i%509), now.Add(-time.Duration(i)*time.Second))
			d.Rule.Level, d.Attack = levels[i%89%5], []string{fmt.Sprintf("T1%03d", i%41)}
			list[i] = d
		}
		ids = append(ids, h.send(x.ID, fmt.Sprintf("run-key-%d", run), list...).ID)
	}
	return h, ids
}

// processor is the processor time of this process: on a shared machine the clock
// measures the neighbours too.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLists measures pages of lists over 100,000 findings, and says the
// slowest of a hundred but five.
func BenchmarkLists(b *testing.B) {
	h, runs := fill(b, 5, maxFindings)
	n, err := h.Count(h.hunter(), FindingFilter{})
	if err != nil || n != 5*maxFindings {
		b.Fatal(n, err)
	}
	some := h.findingsPage(FindingFilter{Limit: 500})
	if _, err := h.Triage(h.hunter(), Choice{IDs: []string{some[0].ID}}, Decision{Real, "x"}); err != nil {
		b.Fatal(err)
	}
	middle := some[250]
	deep := FindingFilter{}
	for range 20 {
		_, deep.Cursor, err = h.Service.Findings(h.hunter(), FindingFilter{Limit: 500, Cursor: deep.Cursor})
		if err != nil {
			b.Fatal(err)
		}
	}
	ask := func(f FindingFilter) func() error {
		return func() error { _, _, err := h.Service.Findings(h.hunter(), f); return err }
	}
	by := func(what string) func() error {
		return func() error {
			_, err := h.Service.Counts(h.hunter(), FindingFilter{Run: runs[0]}, what, 20)
			return err
		}
	}
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"all", ask(FindingFilter{})}, {"deep", ask(deep)}, {"run", ask(FindingFilter{Run: runs[3]})}, {"host", ask(FindingFilter{Host: middle.Host})}, {"user", ask(FindingFilter{User: middle.User})},
		{"rule", ask(FindingFilter{Rule: middle.Rule, Level: "low"})}, {"technique", ask(FindingFilter{Technique: "T1007"})}, {"technique and host", ask(FindingFilter{Technique: "T1007", Host: middle.Host})},
		{"rare state", ask(FindingFilter{Hunt: middle.Hunt, State: Real})}, {"waiting", ask(FindingFilter{Waiting: true})}, {"near", func() error { _, err := h.Near(h.hunter(), middle.ID); return err }},
		{"one", func() error { _, err := h.Finding(h.hunter(), middle.ID); return err }}, {"counts by host", by("host")}, {"counts by technique", by("technique")}, {"counts by rule", by("rule")},
		{"desk", func() error { return h.desk(FindingFilter{Hunt: middle.Hunt, Run: runs[0], Waiting: true}) }}, {"desk of every run", func() error { return h.desk(FindingFilter{Hunt: middle.Hunt, Waiting: true}) }},
		{"compare", func() error { _, err := h.Compare(h.hunter(), runs[0], runs[1]); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took, worked []time.Duration
			for b.Loop() {
				at, work := time.Now(), processor(b)
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
				took, worked = append(took, time.Since(at)), append(worked, processor(b)-work)
			}
			for unit, list := range map[string][]time.Duration{"p95-ms": took, "p95-cpu-ms": worked} {
				slices.Sort(list)
				b.ReportMetric(float64(list[len(list)*95/100].Microseconds())/1000, unit)
			}
		})
	}
}

// desk asks what the page of a hunt asks.
func (h *hub) desk(f FindingFilter) error {
	for _, by := range By {
		if _, err := h.Counts(h.hunter(), f, by, sideRows); err != nil {
			return err
		}
	}
	list, _, err := h.Service.Findings(h.hunter(), f)
	if err != nil {
		return err
	}
	_, err = h.Rare(h.hunter(), FindingFilter{Hunt: f.Hunt, Run: f.Run}, list, fewAlike)
	_, e := h.Count(h.hunter(), f)
	_, _, parts := h.CountParts(h.hunter(), f)
	return errors.Join(err, e, parts)
}

// findingsPage is one page of findings.
func (h *hub) findingsPage(f FindingFilter) []Finding {
	h.t.Helper()
	list, _, err := h.Service.Findings(h.hunter(), f)
	h.must(err)
	return list
}

// BenchmarkReceive measures taking in a part of a run, and BenchmarkTriage an act
// over 20,000 findings with its undoing.
func BenchmarkReceive(b *testing.B) {
	h := newHub(b, testkit.DB(b, sources()...))
	x, now := h.hunt(), h.Clock.Now()
	part := make([]Incoming, MaxLines)
	for i := range part {
		part[i] = line(fmt.Sprintf("rule-%d", i%97), fmt.Sprintf("PC%d", i%331), "u", now)
	}
	n := 0
	for b.Loop() {
		n++
		h.send(x.ID, fmt.Sprintf("run-key-%d", n), part...)
	}
	b.ReportMetric(float64(MaxLines*n)/b.Elapsed().Seconds(), "detections/s")
}

func BenchmarkTriage(b *testing.B) {
	h, runs := fill(b, 1, maxFindings)
	for b.Loop() {
		x, err := h.Triage(h.hunter(), Choice{Filter: &FindingFilter{Run: runs[0]}, Expect: maxFindings}, Decision{Harmless, "x"})
		h.must(err)
		out, err := h.Undo(h.hunter(), x.ID)
		if h.must(err); out.Undone != maxFindings {
			b.Fatalf("%+v", out)
		}
	}
}
