package correlate

import (
	"math"
	"strconv"
	"strings"

	"noroshi/internal/engine/sigma"
)

// newWindow makes the window of a correlation, which keeps limit numbers at most.
func newWindow(n *node, limit int) window {
	switch t := n.c.Type; {
	case !n.slides:
		return &batch{values: map[string]int{}}
	case t == sigma.EventCount && n.floor <= limit:
		return &counter{}
	case t == sigma.ValueCount:
		return &distinct{at: map[string]int{}}
	case t == sigma.Temporal:
		return &together{last: make([]mark, len(n.c.Rules))}
	case t == sigma.TemporalOrdered:
		return newSequence(n)
	case t == sigma.ValueMedian:
		return &ranked{p: 50, limit: limit, every: 1}
	case t == sigma.ValuePercentile:
		return &ranked{p: n.c.Percentile, limit: limit, every: 1}
	}
	return newTotals(n, limit)
}

func numeric(c *sigma.Correlation) bool {
	switch c.Type {
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValueMedian, sigma.ValueMin, sigma.ValueMax:
		return true
	case sigma.ValuePercentile:
		return c.Percentile >= 0
	}
	return false
}

// number reads a value as a number, decimal or hexadecimal with 0x.
func number(s string) (float64, bool) {
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		if n, err := strconv.ParseUint(rest, 16, 64); err == nil {
			return float64(n), true
		}
	}
	return 0, false
}

// mark is a hit as far as it is kept.
type mark struct {
	time  int64
	ref   Ref
	value string
}

// counter counts hits: it keeps as many of the last ones as the floor asks for.
type counter struct {
	ring []mark
	next int // where the oldest stands once the ring is full
}

func (w *counter) add(n *node, h *hit) (float64, bool) {
	m := mark{time: h.time, ref: h.ref}
	if len(w.ring) < n.floor {
		w.ring = append(w.ring, m)
	} else {
		w.ring[w.next] = m
		w.next = (w.next + 1) % n.floor
	}
	return float64(n.floor), len(w.ring) == n.floor && h.time-w.ring[w.next].time <= n.span
}

func (w *counter) tell(f *Finding) {
	for i := range w.ring {
		tellMark(f, &w.ring[(w.next+i)%len(w.ring)], i == 0)
	}
}

func (w *counter) len() int { return len(w.ring) }

// tellMark adds a hit to a finding, the first one and then the next.
func tellMark(f *Finding, m *mark, first bool) {
	if first || m.time < f.First {
		f.First = m.time
	}
	if first || m.time > f.Last {
		f.Last = m.time
	}
	if len(f.Hits) < shown {
		f.Hits = append(f.Hits, m.ref)
	}
	if m.value != "" && len(f.Values) < shown {
		f.Values = append(f.Values, m.value)
	}
}

// distinct counts values: of each it keeps when it was last seen. The list is in
// that order; places of values seen again are left empty until it is packed.
type distinct struct {
	list []mark
	live []bool
	at   map[string]int
	from int // before it nothing is live
}

func (w *distinct) add(n *node, h *hit) (float64, bool) {
	if i, ok := w.at[h.value]; ok {
		w.live[i] = false
	}
	w.at[h.value] = len(w.list)
	w.list, w.live = append(w.list, mark{h.time, h.ref, h.value}), append(w.live, true)
	for w.from < len(w.list) {
		if w.live[w.from] {
			if h.time-w.list[w.from].time <= n.span && len(w.at) <= sigma.MaxDistinct {
				break
			}
			delete(w.at, w.list[w.from].value)
		}
		w.live[w.from] = false
		w.list[w.from].value = ""
		w.from++
	}
	if len(w.list) > 64 && len(w.list) > 2*len(w.at) {
		w.pack()
	}
	return float64(len(w.at)), len(w.at) >= n.floor
}

func (w *distinct) pack() {
	k := 0
	for i := range w.list {
		if w.live[i] {
			w.list[k], w.live[k] = w.list[i], true
			w.at[w.list[k].value] = k
			k++
		}
	}
	clear(w.list[k:])
	w.list, w.live, w.from = w.list[:k], w.live[:k], 0
}

func (w *distinct) tell(f *Finding) {
	first := true
	for i := range w.list {
		if w.live[i] {
			tellMark(f, &w.list[i], first)
			first = false
		}
	}
	f.AtLeast = f.AtLeast || len(w.at) >= sigma.MaxDistinct
}

func (w *distinct) len() int { return len(w.list) }

// together looks for different rules within the span, in any order.
type together struct {
	last []mark
	hits []bool
}

func (w *together) add(n *node, h *hit) (float64, bool) {
	if w.hits == nil {
		w.hits = make([]bool, len(w.last))
	}
	w.last[h.position], w.hits[h.position] = mark{time: h.time, ref: h.ref}, true
	seen := 0
	for i, m := range w.last {
		if w.hits[i] = w.hits[i] && h.time-m.time <= n.span; w.hits[i] {
			seen++
		}
	}
	return float64(seen), seen >= n.floor
}

func (w *together) tell(f *Finding) {
	first := true
	for i := range w.last {
		if w.hits[i] {
			tellMark(f, &w.last[i], first)
			first = false
		}
	}
}

func (w *together) len() int { return len(w.last) }
