// Command train makes the model of package domain from public data and from
// generators of its own:
//
//	go run ./internal/engine/detect/domain/train -data ../shared/data -out internal/engine/detect/domain/model.bin
//
// The same data gives the same bytes. With -report it also prints how each
// style of generator fares when it is left out of the training.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"noroshi/internal/engine/detect/domain"
)

const (
	seed       = 20261122
	perStyle   = 60000  // names per style to learn from
	falseAlarm = 0.0032 // aimed at on calibration labels, below the promised 0.005
)

func main() {
	data := flag.String("data", "../shared/data", "folder of the shared data")
	out := flag.String("out", "internal/engine/detect/domain/model.bin", "file to write")
	report := flag.Bool("report", false, "print figures, and leave each style out in turn")
	flag.Parse()
	if err := run(*data, *out, *report); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(data, out string, report bool) error {
	c, err := read(data)
	if err != nil {
		return err
	}
	m, err := train(c, "")
	if err != nil {
		return err
	}
	raw, err := m.Bytes()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, raw, 0o644); err != nil {
		return err
	}
	if !report {
		return nil
	}
	w := bufio.NewWriter(os.Stdout)
	tell(w, c, m)
	for _, s := range styles() {
		without, err := train(c, s.name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "without %-14s %5.1f %%  (with it %5.1f %%)\n", s.name, 100*recall(without, s), 100*recall(m, s))
		w.Flush()
	}
	return w.Flush()
}

// train learns from the corpus, but not from one style when it is named.
func train(c *corpus, without string) (*domain.Weights, error) {
	var samples []sample
	var popularCal, japanCal, calibration []string
	for _, n := range c.chosen {
		switch p := part(n.label); {
		case n.groups == queried:
		case p < 6:
			weight := 1.0
			if n.groups&japanese != 0 {
				weight = 3
			}
			samples = append(samples, sample{n.label, false, weight})
		case p < 8:
			calibration = append(calibration, n.label)
			if n.groups&popular != 0 {
				popularCal = append(popularCal, n.label)
			}
			if n.groups&japanese != 0 {
				japanCal = append(japanCal, n.label)
			}
		}
	}
	chosen := len(samples)
	if chosen == 0 || len(popularCal) == 0 || len(japanCal) == 0 {
		return nil, fmt.Errorf("no names chosen by people in the data")
	}
	var made []string
	for _, label := range c.dga {
		if part(label) < 6 {
			samples = append(samples, sample{label, true, 1})
		} else if part(label) < 8 {
			made = append(made, label)
		}
	}
	for i, s := range styles() {
		if s.name == without {
			continue
		}
		r := source(uint64(i))
		for range perStyle {
			samples = append(samples, sample{s.make(r), true, 1})
		}
		for range 300 {
			made = append(made, s.make(r))
		}
	}
	// Both sides weigh the same, whatever their numbers.
	balance := float64(len(samples)-chosen) / float64(chosen)
	for i := range samples[:chosen] {
		samples[i].weight *= balance
	}
	m := fit(samples, seed).pack()
	zs := func(labels []string) []float64 {
		z := make([]float64, len(labels))
		for i, l := range labels {
			z[i] = packed(m, l)
		}
		return z
	}
	m.Card.Slope, m.Card.Offset = calibrate(zs(calibration), zs(made))
	cut := max(cutAt(zs(popularCal), falseAlarm), cutAt(zs(japanCal), falseAlarm))
	m.Card.Threshold = 1 / (1 + math.Exp(-(m.Card.Slope*cut + m.Card.Offset)))
	m.Card.Format, m.Card.Seed, m.Card.Inputs = 1, seed, c.hashes
	m.Card.Chosen, m.Card.Generated = chosen, len(samples)-chosen
	return m, nil
}

// source is the nth series of random numbers.
func source(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

// recall is the share of names of a style, made anew, that count as generated.
func recall(m *domain.Weights, s style) float64 {
	r := source(1 << 40)
	hit := 0
	const n = 2000
	for range n {
		if generated(m, s.make(r)) {
			hit++
		}
	}
	return float64(hit) / n
}

func generated(m *domain.Weights, label string) bool {
	return probability(m, label) >= m.Card.Threshold
}

func probability(m *domain.Weights, label string) float64 {
	return 1 / (1 + math.Exp(-(m.Card.Slope*packed(m, label) + m.Card.Offset)))
}
