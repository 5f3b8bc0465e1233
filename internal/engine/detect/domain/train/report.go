package main

import (
	"fmt"
	"io"

	"noroshi/internal/engine/detect/domain"
)

// alarms counts the names of a group, of those held out of learning and
// calibration, that reach a probability.
func (c *corpus) alarms(m *domain.Weights, in group, at float64) (hit, n int, examples []string) {
	for _, l := range c.chosen {
		if part(l.label) < 8 || l.groups&in == 0 {
			continue
		}
		n++
		if probability(m, l.label) >= at {
			if hit++; len(examples) < 8 {
				examples = append(examples, l.label)
			}
		}
	}
	return hit, n, examples
}

// tell prints what the model does on labels it has neither learned from nor
// been calibrated on: at its threshold, and along the curve.
func tell(w io.Writer, c *corpus, m *domain.Weights) {
	fmt.Fprintf(w, "learned from %d chosen and %d generated labels; threshold %.4f\n", m.Card.Chosen, m.Card.Generated, m.Card.Threshold)
	for _, g := range []struct {
		name string
		in   group
	}{{"popular", popular}, {"japanese", japanese}, {"other", other}, {"queried", queried}} {
		hit, n, examples := c.alarms(m, g.in, m.Card.Threshold)
		fmt.Fprintf(w, "%-10s false alarms %d of %d (%.2f %%) %v\n", g.name, hit, n, percent(hit, n), examples)
	}
	fmt.Fprintf(w, "%-12s %10s %10s %10s %10s\n", "probability", "popular", "japanese", "list", "styles")
	for _, at := range []float64{0.5, 0.8, 0.9, 0.95, m.Card.Threshold, 0.99, 0.995, 0.999} {
		p, np, _ := c.alarms(m, popular, at)
		j, nj, _ := c.alarms(m, japanese, at)
		d, nd, s, ns := 0, 0, 0, 0
		for _, l := range c.dga {
			if part(l) >= 8 {
				nd++
				if probability(m, l) >= at {
					d++
				}
			}
		}
		for _, st := range styles() {
			r := source(1 << 40)
			for range 500 {
				ns++
				if probability(m, st.make(r)) >= at {
					s++
				}
			}
		}
		fmt.Fprintf(w, "%-12.4f %8.2f %% %8.2f %% %8.1f %% %8.1f %%\n", at, percent(p, np), percent(j, nj), percent(d, nd), percent(s, ns))
	}
}

func percent(hit, n int) float64 { return 100 * float64(hit) / float64(max(n, 1)) }
