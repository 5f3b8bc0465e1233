package correlate

import (
	"math"
	"slices"

	"noroshi/internal/engine/sigma"
)

// reading is a hit as far as a window of numbers keeps it, or several of them
// that came so close to each other that they leave it together.
type reading struct {
	first, last int64
	total
	ref Ref // of the first
}

// total is what readings come to. Without any it is zero.
type total struct {
	n int     // how many hits
	x float64 // their sum, or the smallest or largest of them
}

// totals counts or adds up what is within the span, or keeps its extreme. Nothing
// is ever subtracted, so that a huge number leaves no trace once it is out of the
// span: of the older readings there is a total from each to the end of them, of
// the newer ones there is one.
//
// Of more readings than the limit those that are within a small part of the span
// are joined: then the span is longer by as much, at most, never shorter.
type totals struct {
	add2  func(a, b float64) float64
	list  []reading // from head on
	head  int
	older []total // the last is over all older readings, the one before over all but the first …
	newer total
	limit int
	width int64 // readings within it are joined; 0: none
}

func newTotals(n *node, limit int) *totals {
	w := &totals{add2: func(a, b float64) float64 { return finite(a + b) }, limit: limit}
	switch n.c.Type {
	case sigma.ValueMin:
		w.add2 = math.Min
	case sigma.ValueMax:
		w.add2 = math.Max
	}
	if n.span == math.MaxInt64 { // nothing ever leaves
		w.width = n.span
	}
	return w
}

func (w *totals) join(a, b total) total {
	switch {
	case a.n == 0:
		return b
	case b.n == 0:
		return a
	}
	return total{a.n + b.n, w.add2(a.x, b.x)}
}

func (w *totals) add(n *node, h *hit) (float64, bool) {
	for w.head < len(w.list) && h.time-w.list[w.head].last > n.span {
		w.leave()
	}
	if w.head == len(w.list) && n.span < math.MaxInt64 {
		w.width = 0
	}
	if w.put(reading{h.time, h.time, total{1, h.number}, h.ref}); len(w.list)-w.head >= w.limit {
		w.width = n.span/int64(w.limit/2) + 1
		w.thin()
	}
	x := w.value(n.c.Type)
	return x, all(n.c.Condition, x)
}

// value is what a correlation of that type is about.
func (w *totals) value(t sigma.CorrelationType) float64 {
	sum := w.newer
	if k := len(w.older); k > 0 {
		sum = w.join(w.older[k-1], sum)
	}
	switch t {
	case sigma.EventCount:
		return float64(sum.n)
	case sigma.ValueAvg:
		return sum.x / float64(sum.n)
	}
	return sum.x
}

// put takes a reading in, as one of its own or with the last one.
func (w *totals) put(r reading) {
	w.newer = w.join(w.newer, r.total)
	if k := len(w.list) - 1; k >= w.head+len(w.older) && r.first-w.list[k].first < w.width {
		w.list[k].last, w.list[k].total = r.last, w.join(w.list[k].total, r.total)
		return
	}
	w.list = append(w.list, r)
}

// leave takes the first reading out.
func (w *totals) leave() {
	if len(w.older) == 0 {
		w.list = slices.Delete(w.list, 0, w.head)
		w.head, w.newer = 0, total{}
		w.age(len(w.list))
	}
	w.head++
	w.older = w.older[:len(w.older)-1]
}

// age makes the first n readings older ones.
func (w *totals) age(n int) {
	var sum total
	for i := n - 1; i >= 0; i-- {
		sum = w.join(w.list[i].total, sum)
		w.older = append(w.older, sum)
	}
}

// thin joins the readings that are close to each other.
func (w *totals) thin() {
	list := w.list[w.head:]
	w.list, w.head, w.older, w.newer = w.list[:0], 0, w.older[:0], total{}
	for _, r := range list {
		w.put(r)
	}
}

func (w *totals) tell(f *Finding) { tellReadings(f, w.list[w.head:]) }

func (w *totals) len() int { return len(w.list) + len(w.older) }

func tellReadings(f *Finding, list []reading) {
	if len(list) == 0 {
		return
	}
	f.First, f.Last = list[0].first, list[len(list)-1].last
	for _, r := range list[:min(len(list), shown)] {
		f.Hits = append(f.Hits, r.ref)
	}
}

// ranked keeps the numbers within the span in their order, for percentiles. Of
// more than the limit evenly chosen ones stand for all.
type ranked struct {
	p      float64   // which percentile
	list   []reading // from head on, one hit each
	head   int
	sorted []float64
	limit  int
	every  int // how many hits one of those kept stands for
	seen   int
	rough  bool // some were left out, and that is not counted yet
}

func (w *ranked) add(n *node, h *hit) (float64, bool) {
	gone := w.head
	for w.head < len(w.list) && h.time-w.list[w.head].last > n.span {
		w.head++
	}
	if gone = w.head - gone; gone > 0 {
		w.forget(gone)
	}
	if w.seen%w.every == 0 {
		w.list = append(w.list, reading{h.time, h.time, total{1, h.number}, h.ref})
		at, _ := slices.BinarySearch(w.sorted, h.number)
		w.sorted = slices.Insert(w.sorted, at, h.number)
	}
	w.seen++
	if len(w.sorted) >= w.limit {
		w.thin()
	}
	x := percentile(w.sorted, w.p)
	return x, all(n.c.Condition, x)
}

// forget takes out the numbers of the readings that just left, the last ones
// before head.
func (w *ranked) forget(gone int) {
	switch {
	case w.head == len(w.list):
		w.list, w.head, w.sorted, w.every, w.seen = w.list[:0], 0, w.sorted[:0], 1, 0
		return
	case gone > 1+len(w.sorted)/128:
		w.sort()
	default:
		for _, r := range w.list[w.head-gone : w.head] {
			at, _ := slices.BinarySearch(w.sorted, r.x)
			w.sorted = slices.Delete(w.sorted, at, at+1)
		}
	}
	if w.head > len(w.list)/2 {
		w.list = slices.Delete(w.list, 0, w.head)
		w.head = 0
	}
}

// sort makes the order anew.
func (w *ranked) sort() {
	w.sorted = w.sorted[:0]
	for _, r := range w.list[w.head:] {
		w.sorted = append(w.sorted, r.x)
	}
	slices.Sort(w.sorted)
}

// thin leaves every other number out.
func (w *ranked) thin() {
	list := w.list[w.head:]
	k := 0
	for i := 0; i < len(list); i += 2 {
		w.list[k] = list[i]
		k++
	}
	w.list, w.head, w.every, w.rough = w.list[:k], 0, 2*w.every, true
	w.sort()
}

func (w *ranked) tell(f *Finding) { tellReadings(f, w.list[w.head:]) }

func (w *ranked) len() int { return len(w.list) }

// percentile returns the value below which p percent of sorted numbers lie, with
// linear interpolation between neighbours.
func percentile(s []float64, p float64) float64 {
	at := p / 100 * float64(len(s)-1)
	i := min(int(at), len(s)-1)
	j := min(i+1, len(s)-1)
	low, high := s[i]/2, s[j]/2 // their difference is a number, whatever they are
	return 2 * (low + (high-low)*(at-float64(i)))
}

// finite returns a sum that can be written down: one that left the range of
// numbers is the largest there is.
func finite(x float64) float64 {
	return max(min(x, math.MaxFloat64), -math.MaxFloat64)
}
