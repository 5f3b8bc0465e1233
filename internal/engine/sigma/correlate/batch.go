package correlate

import (
	"math"

	"noroshi/internal/engine/sigma"
)

// batch keeps what is needed to judge a span as a whole.
type batch struct {
	first, last int64
	hits        []Ref
	count       int
	sum         float64
	low, high   float64
	values      map[string]int // how often each was seen
	order       []string
	rules       uint64 // which positions were seen, of temporal types
	full        bool   // values beyond sigma.MaxDistinct were left out
	told        []string
}

func (w *batch) add(n *node, h *hit) (float64, bool) {
	if w.count == 0 {
		w.first, w.low, w.high = h.time, h.number, h.number
	}
	w.last = h.time
	if len(w.hits) < shown {
		w.hits = append(w.hits, h.ref)
	}
	w.sum = finite(w.sum + h.number) // what hostile logs say may be beyond
	w.low, w.high = min(w.low, h.number), max(w.high, h.number)
	switch n.c.Type {
	case sigma.ValueCount, sigma.ValuePercentile:
		w.value(h.value)
	case sigma.Temporal, sigma.TemporalOrdered:
		w.rules |= 1 << min(h.position, 63)
	}
	w.count++
	return 0, false
}

func (w *batch) value(v string) {
	if _, known := w.values[v]; !known {
		if len(w.values) >= sigma.MaxDistinct {
			w.full = true
			return
		}
		w.order = append(w.order, v)
	}
	w.values[v]++
}

// judge computes what the condition is about, and whether it holds.
func (w *batch) judge(c *sigma.Correlation) (float64, bool) {
	var x float64
	switch c.Type {
	case sigma.EventCount:
		x = float64(w.count)
	case sigma.ValueCount:
		if x = float64(len(w.values)); w.full {
			x++ // more than any condition asks for
		}
		w.told = w.order
	case sigma.ValueSum:
		x = w.sum
	case sigma.ValueMin:
		x = w.low
	case sigma.ValueMax:
		x = w.high
	case sigma.ValuePercentile:
		return w.shares(c)
	default:
		for r := w.rules; r != 0; r &= r - 1 {
			x++
		}
	}
	return x, all(c.Condition, x)
}

// shares looks for values whose part of all hits, in percent, fulfils the
// condition; the smallest such part is what is told.
func (w *batch) shares(c *sigma.Correlation) (float64, bool) {
	least := math.Inf(1)
	for _, v := range w.order {
		if share := 100 * float64(w.values[v]) / float64(w.count); all(c.Condition, share) {
			w.told = append(w.told, v)
			least = min(least, share)
		}
	}
	return least, len(w.told) > 0
}

func all(conditions []sigma.Comparison, x float64) bool {
	for _, c := range conditions {
		if !c.Holds(x) {
			return false
		}
	}
	return true
}

func (w *batch) tell(f *Finding) {
	f.First, f.Last, f.AtLeast = w.first, w.last, w.full
	f.Hits = append(f.Hits, w.hits...)
	f.Values = append(f.Values, w.told[:min(len(w.told), shown)]...)
}

func (w *batch) len() int { return 1 + len(w.hits) + len(w.values) }
