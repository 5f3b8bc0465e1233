package detect

import (
	"fmt"
	"testing"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/synth"
)

// played looks at a made-up day.
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

// list writes findings a line each.
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

// tells reports whether a finding is of a plant: the kind and every end that
// the plant names, in the time it took.
func tells(f *Finding, p *synth.Planted) bool {
	src, dst := "", ""
	if f.Src.IsValid() {
		src = f.Src.String()
	}
	if f.Dst.IsValid() {
		dst = f.Dst.String()
	}
	return string(f.Kind) == p.Kind && (p.Src == "" || src == p.Src) && (p.Dst == "" || dst == p.Dst || p.Name != "") &&
		(p.Name == "" || f.Name == p.Name) && f.Start < p.End.UnixNano()+hour && f.End > p.Start.UnixNano()-hour
}

// Everything that was planted is found as worth a look, and what is worth a
// look was planted, or is the same attack seen from another side.
func TestPlantedIsFound(t *testing.T) {
	for seed := uint64(1); seed <= 2; seed++ {
		r, planted := played(t, synth.Config{Seed: seed})
		if len(planted) != len(synth.Plants()) {
			t.Fatalf("%d planted of %d", len(planted), len(synth.Plants()))
		}
		taken := map[int]bool{}
		for _, p := range planted {
			found := false
			for i := range r.Findings {
				if f := &r.Findings[i]; f.Score >= worth && tells(f, &p) {
					found, taken[i] = true, true
				}
			}
			if !found {
				t.Errorf("seed %d: %s is not found: %+v\n%s", seed, p.Plant, p, list(r.Findings, 0.3))
			}
		}
		ends := map[string]bool{}
		for _, p := range planted {
			ends[p.Src], ends[p.Dst], ends[p.Name] = true, true, true
		}
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Score >= worth && !taken[i] && !(ends[f.Src.String()] && ends[f.Other()]) {
				t.Errorf("seed %d: nobody planted\n%s", seed, list(r.Findings[i:i+1], 0))
			}
		}
	}
}

// A day on which nothing happened has nothing worth a look. What is below that
// stays below a number that a person can go through.
func TestCleanDayIsQuiet(t *testing.T) {
	for seed := uint64(1); seed <= 2; seed++ {
		r, _ := played(t, synth.Config{Seed: seed, Clean: true})
		if bad := list(r.Findings, worth); bad != "" {
			t.Errorf("seed %d:\n%s", seed, bad)
		}
		if len(r.Findings) > 120 {
			t.Errorf("seed %d: %d findings kept", seed, len(r.Findings))
		}
	}
}

// A day is the same for the same seed, another for another.
func TestDayIsReproducible(t *testing.T) {
	sum := func(seed uint64) string {
		s := synth.New(synth.Config{Seed: seed, Machines: 5, Length: 2 * 3600e9})
		h := uint64(0)
		n := 0
		for _, r := range s.All() {
			h = mix(h, uint64(r.Start)^r.Bytes[0]<<32^uint64(r.SrcPort))
			n++
		}
		return fmt.Sprint(n, h)
	}
	if one, again, two := sum(1), sum(1), sum(2); one != again || one == two {
		t.Error(one, again, two)
	}
}
