package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"noroshi/internal/engine/detect/domain"
)

// sample is one label to learn from. weight balances the styles.
type sample struct {
	label     string
	generated bool
	weight    float64
}

// weights are those of the linear model while it learns.
type weights struct {
	base  float64
	dense [domain.Parts - 1][domain.Slots]float64
	table [1 << domain.TableBits]float64
}

func (w *weights) score(f *domain.Features) float64 {
	z := w.base
	for _, g := range f.Grams[:f.N] {
		z += w.table[g]
	}
	for g, s := range f.Dense {
		z += w.dense[g][s]
	}
	return z
}

const (
	rounds = 5
	rate   = 0.08 // of AdaGrad
	decay  = 1e-5 // pulls weights towards 0, per step
	limit  = 1.5  // largest weight of one run of letters
)

// fit learns by stochastic gradient descent with AdaGrad on the logistic loss.
// Products are converted before they are added, so that no processor fuses
// them and the same inputs give the same bytes everywhere.
func fit(samples []sample, seed uint64) *weights {
	w, sum := &weights{}, &weights{}
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	r := rand.New(rand.NewPCG(seed, 77))
	var f domain.Features
	step := func(v, s *float64, g float64) {
		g += float64(decay * *v)
		*s += float64(g * g)
		*v -= float64(rate * g / math.Sqrt(*s+1e-3))
	}
	for range rounds {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			s := &samples[i]
			f.Extract([]byte(s.label))
			y := 0.0
			if s.generated {
				y = 1
			}
			g := float64((1/(1+math.Exp(-w.score(&f))) - y) * s.weight)
			step(&w.base, &sum.base, g)
			for _, k := range f.Grams[:f.N] {
				step(&w.table[k], &sum.table[k], g)
				w.table[k] = max(-limit, min(limit, w.table[k]))
			}
			for k, slot := range f.Dense {
				step(&w.dense[k][slot], &sum.dense[k][slot], g)
			}
		}
	}
	return w
}

// pack rounds the weights to the form in which they are used.
func (w *weights) pack() *domain.Weights {
	out := &domain.Weights{Table: new([1 << domain.TableBits]int8)}
	out.Card.Scale = float64(float32(limit / 127))
	for i, v := range w.table {
		out.Table[i] = int8(math.Round(v / out.Card.Scale))
	}
	for g := range w.dense {
		for s, v := range w.dense[g] {
			out.Dense[g][s] = float32(math.Round(v*256) / 256)
		}
	}
	out.Card.Base = math.Round(w.base*256) / 256
	return out
}

// packed scores with rounded weights.
func packed(w *domain.Weights, label string) float64 {
	var f domain.Features
	f.Extract([]byte(label))
	sum := 0
	for _, g := range f.Grams[:f.N] {
		sum += int(w.Table[g])
	}
	z := w.Card.Base + float64(sum)*w.Card.Scale
	for g, s := range f.Dense {
		z += float64(w.Dense[g][s])
	}
	return z
}

// calibrate finds slope and offset so that the probabilities of labels that
// were not learned from are honest (Platt scaling by gradient descent).
func calibrate(chosen, generated []float64) (slope, offset float64) {
	slope = 1
	for range 400 {
		var ga, gb, haa, hbb float64
		one := func(z, y, weight float64) {
			p := 1 / (1 + math.Exp(-(slope*z + offset)))
			ga += float64((p - y) * z * weight)
			gb += float64((p - y) * weight)
			haa += float64(p * (1 - p) * z * z * weight)
			hbb += float64(p * (1 - p) * weight)
		}
		for _, z := range chosen {
			one(z, 0, 1/float64(len(chosen)))
		}
		for _, z := range generated {
			one(z, 1, 1/float64(len(generated)))
		}
		slope -= float64(0.5 * ga / (haa + 1e-9))
		offset -= float64(0.5 * gb / (hbb + 1e-9))
	}
	return math.Round(slope*4096) / 4096, math.Round(offset*4096) / 4096
}

// cutAt returns the score that a share of at most rate of the scores reaches.
func cutAt(scores []float64, rate float64) float64 {
	s := slices.Clone(scores)
	slices.Sort(s)
	return s[len(s)-1-int(float64(len(s))*rate)] + 1e-6
}
