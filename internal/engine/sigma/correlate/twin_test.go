package correlate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"noroshi/internal/engine/sigma"
)

// sliding are the types that slide, with conditions for which they do.
func sliding(rng *rand.Rand) sigma.Correlation {
	t := []sigma.CorrelationType{sigma.EventCount, sigma.ValueCount, sigma.Temporal, sigma.TemporalOrdered, sigma.ValueSum, sigma.ValueAvg, sigma.ValueMedian, sigma.ValuePercentile, sigma.ValueMin, sigma.ValueMax}[rng.IntN(10)]
	c := sigma.Correlation{Type: t, Fields: []string{"v"}, GroupBy: []string{"g"}, Timespan: time.Duration(1 + rng.IntN(12)), Percentile: -1}
	floor := []sigma.CompareOp{sigma.GTE, sigma.GT}[rng.IntN(2)]
	switch t {
	case sigma.EventCount, sigma.ValueCount:
		c.Condition = is(sigma.GTE, float64(1+rng.IntN(5)))
	case sigma.ValueSum:
		c.Condition = is(floor, float64(rng.IntN(16)-2))
	case sigma.ValueMax:
		c.Condition = is(floor, float64(rng.IntN(6)))
	case sigma.ValueMin:
		c.Condition = is([]sigma.CompareOp{sigma.LT, sigma.LTE}[rng.IntN(2)], float64(rng.IntN(6)))
	case sigma.ValueAvg, sigma.ValueMedian, sigma.ValuePercentile:
		c.Percentile = float64(rng.IntN(101))
		c.Condition = is(sigma.CompareOp(1+rng.IntN(6)), float64(rng.IntN(12))/2)
	}
	return c
}

// TestTwin compares sliding spans with a look at all hits for each hit.
func TestTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	found := map[sigma.CorrelationType]int{}
	for round := range 6000 {
		rules := make([]*sigma.Rule, 1+rng.IntN(3))
		for i := range rules {
			rules[i] = &sigma.Rule{Name: string(rune('a' + i))}
		}
		places := slices.Clone(rules)
		if len(rules) < 3 && rng.IntN(2) == 0 {
			places = append(places, rules[rng.IntN(len(rules))])
		}
		c := sliding(rng)
		if c.Type != sigma.TemporalOrdered {
			places = rules
		}
		r := over("c", c, places...)
		set := Compile(append(slices.Clone(rules), r))
		var opened []int64
		e := New(set, Limits{}, true, func(f *Finding) error { opened = append(opened, f.Last); return nil })
		var hits []*Hit
		at := int64(0)
		for range 60 {
			at += int64(rng.IntN(4))
			over := rules[rng.IntN(len(rules))]
			h := &Hit{Rule: over, Time: at, Values: []Value{{fmt.Sprint(rng.IntN(2)), true}, {fmt.Sprint(rng.IntN(8) - 1), true}}}
			hits = append(hits, h)
			if err := e.Add(h); err != nil {
				t.Fatal(err)
			}
		}
		if want := naive(r.Correlation, hits); !slices.Equal(want, opened) {
			t.Fatalf("round %d, %v of %d rules within %d, %v %v: found at %v, want %v", round, c.Type, len(places), c.Timespan, c.Condition, c.Percentile, opened, want)
		}
		found[c.Type] += len(opened)
	}
	for _, n := range found {
		if len(found) != 10 || n < 100 {
			t.Errorf("too little was found: %v", found)
		}
	}
}

// naive returns when conditions begin to hold, in each group.
func naive(c *sigma.Correlation, hits []*Hit) (opened []int64) {
	held := map[string]bool{}
	for i, h := range hits {
		holds := holdsOf(c, near(hits[:i+1], h.Time-int64(c.Timespan)), h.Time)
		g := h.Values[0].Text
		if holds && !held[g] {
			opened = append(opened, h.Time)
		}
		held[g] = holds
	}
	return opened
}

// near returns the hits of the last one's group from a time on.
func near(hits []*Hit, from int64) (list []*Hit) {
	for _, h := range hits {
		if h.Values[0] == hits[len(hits)-1].Values[0] && h.Time >= from {
			list = append(list, h)
		}
	}
	return list
}

func holdsOf(c *sigma.Correlation, near []*Hit, now int64) bool {
	switch c.Type {
	case sigma.EventCount:
		return all(c.Condition, float64(len(near)))
	case sigma.ValueCount:
		values := map[string]bool{}
		for _, h := range near {
			values[h.Values[1].Text] = true
		}
		return all(c.Condition, float64(len(values)))
	case sigma.Temporal:
		seen := map[*sigma.Rule]bool{}
		for _, h := range near {
			seen[h.Rule] = true
		}
		return len(seen) == len(c.Rules)
	case sigma.TemporalOrdered:
		return ordered(c.Rules, near, now)
	}
	var numbers []float64
	sum := 0.0
	for _, h := range near {
		x, _ := strconv.ParseFloat(h.Values[1].Text, 64)
		numbers = append(numbers, x)
		sum += x
	}
	slices.Sort(numbers)
	return all(c.Condition, map[sigma.CorrelationType]float64{
		sigma.ValueSum: sum, sigma.ValueAvg: sum / float64(len(near)), sigma.ValueMin: numbers[0], sigma.ValueMax: numbers[len(numbers)-1],
		sigma.ValueMedian: percentile(numbers, 50), sigma.ValuePercentile: percentile(numbers, c.Percentile),
	}[c.Type])
}

// ordered reports whether each rule can be given a hit of its own, none before
// that of the rule before it, and the last one now. It tries them all.
func ordered(rules []*sigma.Rule, hits []*Hit, now int64) bool {
	if len(rules) == 0 {
		return true
	}
	k := len(rules) - 1
	for i, h := range hits {
		if h.Rule == rules[k] && h.Time == now && before(rules[:k], slices.Delete(slices.Clone(hits), i, i+1), now) {
			return true
		}
	}
	return false
}

// before reports the same of hits up to a time.
func before(rules []*sigma.Rule, hits []*Hit, time int64) bool {
	if len(rules) == 0 {
		return true
	}
	for i, h := range hits { // in the order of time
		if h.Time <= time && (i == 0 || h.Time != hits[i-1].Time) && ordered(rules, hits, h.Time) {
			return true
		}
	}
	return false
}

// TestLimit: of more hits than are kept one by one, sums and counts are those of
// the span or of one that is a little longer, and percentiles are told to be of
// some of the numbers.
func TestLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const limit, span = 64, 6400
	for round := range 24 {
		c := sigma.Correlation{Type: []sigma.CorrelationType{sigma.EventCount, sigma.ValueSum, sigma.ValueMax}[round%3], Fields: []string{"v"}, GroupBy: []string{"g"}, Timespan: span}
		c.Condition = is(sigma.GTE, []float64{float64(limit + 1 + rng.IntN(2000)), float64(rng.IntN(6000)), 995}[round%3])
		a := &sigma.Rule{Name: "a"}
		r := over("c", c, a)
		e := New(Compile([]*sigma.Rule{a, r}), Limits{Numbers: limit}, true, func(*Finding) error { return nil })
		longer := c
		longer.Timespan += span/(limit/2) + 1
		var hits []*Hit
		at := int64(0)
		for i := range 2000 {
			if at += int64(rng.IntN(8)); rng.IntN(1000) == 0 {
				at += span
			}
			h := &Hit{Rule: a, Time: at, Values: []Value{{"g", true}, {fmt.Sprint(rng.IntN(1000) * rng.IntN(2)), true}}}
			hits = append(hits, h)
			if err := e.Add(h); err != nil {
				t.Fatal(err)
			}
			g := e.groups[key{0, "g"}]
			if w := g.window.(*totals); len(w.list)-w.head > limit {
				t.Fatalf("round %d: %d are kept", round, len(w.list)-w.head)
			}
			if i%7 > 0 {
				continue
			}
			holds := g.open != nil
			if holdsOf(&c, near(hits, at-int64(c.Timespan)), at) && !holds {
				t.Fatalf("round %d: %v missed at %d", round, c.Condition, at)
			}
			if holds && !holdsOf(&c, near(hits, at-int64(longer.Timespan)), at) {
				t.Fatalf("round %d: %v holds at %d", round, c.Condition, at)
			}
		}
	}
}

// TestSampled: a percentile of more numbers than are kept is near the true one,
// and that it is not more is counted, once for each time it is so.
func TestSampled(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	a := &sigma.Rule{Name: "a"}
	r := over("c", sigma.Correlation{Type: sigma.ValueMedian, Fields: []string{"v"}, Timespan: 1000, Condition: is(sigma.GTE, 400)}, a)
	var found []Finding
	e := New(Compile([]*sigma.Rule{a, r}), Limits{Numbers: 256}, false, func(f *Finding) error { found = append(found, *f); return nil })
	for i := range 4000 {
		h := &Hit{Rule: a, Time: int64(i), Values: []Value{{fmt.Sprint(rng.IntN(1000)), true}}}
		if err := e.Add(h); err != nil {
			t.Fatal(err)
		}
		if w := e.groups[key{0, ""}].window.(*ranked); i > 500 && (len(w.sorted) > 256 || len(w.sorted) != len(w.list)-w.head || w.sorted[len(w.sorted)/2] < 350 || w.sorted[len(w.sorted)/2] > 650) {
			t.Fatalf("after %d: %d kept, median %v", i, len(w.sorted), w.sorted[len(w.sorted)/2])
		}
	}
	if e.stats.Sampled == 0 {
		t.Error("not told")
	}
	if err := e.Flush(); err != nil || len(found) == 0 {
		t.Error(err, found)
	}
}
