package detect

import (
	"fmt"
	"testing"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/synth"
)

func played(t testing.TB, c synth.Config) (*Report, []synth.Planted) {
	t.Helper()
	d, s := New(Config{Home: synth.Home()}), synth.New(c)
	batch := make([]record.Record, 512)
	for {
		n := s.Next(batch)
		if n == 0 {
			return d.Finish(), s.Planted()
		}
		d.AddAll(batch[:n])
	}
}

func list(all []Finding, from float64) (out string) {
	for _, f := range all {
		if f.Score < from {
			continue
		}
		out += fmt.Sprintf("%.2f %-18s %v -> %s (%v) :%d", f.Score, f.Kind, f.Src, f.Other(), f.Dst, f.Port)
		for _, p := range f.Parts {
			out += fmt.Sprintf(" %s=%.2f", p.Key, p.Score)
		}
		out += "\n"
	}
	return out
}

func TestDay(t *testing.T) {
	for _, clean := range []bool{true, false} {
		r, _ := played(t, synth.Config{Seed: 1, Clean: clean})
		t.Logf("clean %v: %+v\n%s", clean, r.Stats, list(r.Findings, 0.3))
	}
}
