package oversight

import "math"

// cell is one number of a table that everybody reads: between low and high, as
// the table says it. A secret one is so small that it points at somebody.
type cell struct {
	n         uint64
	low, high uint64
	secret    bool
}

// sum is what everybody knows of some cells: the parts make up the whole, or are
// among it.
type sum struct {
	whole int
	parts []int
	exact bool
}

// exactly is a cell that is said as it is.
func exactly(n uint64) cell { return cell{n: n, low: n, high: n} }

// widen says less of a cell than it says: the range it lies in, then nothing. It
// is false where nothing is said already.
func (c *cell) widen() bool {
	switch {
	case c.low == 0 && c.high == math.MaxUint64:
		return false
	case c.low == c.high:
		c.low = c.n / small * small
		c.high = c.low + small - 1
	default:
		c.low, c.high = 0, math.MaxUint64
	}
	return true
}

// protect says small numbers as ranges, and then as little of the others as it
// takes that no sum gives a small one away (complementary suppression): whatever
// can be worked out from the table leaves every small number anywhere between 1
// and small-1.
func protect(cells []cell, sums []sum) {
	for i := range cells {
		if c := &cells[i]; c.n > 0 && c.n < small {
			c.secret, c.low, c.high = true, 1, small-1
		}
	}
	for covered := true; covered; {
		covered = false
		known := worked(cells, sums)
		for i, c := range cells {
			if c.secret && (known[i].low > 1 || known[i].high < small-1) && cover(cells, sums, i) {
				covered = true
				break // what can be worked out is less now
			}
		}
	}
}

// cover widens a cell that stands in a sum with a secret one: what is said most
// closely first, and of those the smallest; another secret one only where there is
// nothing else. It is false where nothing is left to widen.
func cover(cells []cell, sums []sum, secret int) bool {
	best := -1
	better := func(i int) bool {
		c := &cells[i]
		if i == secret || c.low == 0 && c.high == math.MaxUint64 {
			return false
		}
		if best < 0 {
			return true
		}
		b := &cells[best]
		if c.secret != b.secret {
			return b.secret
		}
		if wide, than := c.high-c.low, b.high-b.low; wide != than {
			return wide < than
		}
		return c.n < b.n
	}
	for _, s := range sums {
		in := s.whole == secret
		for _, p := range s.parts {
			in = in || p == secret
		}
		if !in {
			continue
		}
		for _, i := range append([]int{s.whole}, s.parts...) {
			if better(i) {
				best = i
			}
		}
	}
	return best >= 0 && cells[best].widen()
}

// worked is what everybody can work out of the cells by the sums, again and again
// until nothing more comes of it, or more work than anybody does.
func worked(cells []cell, sums []sum) []cell {
	out := append([]cell(nil), cells...)
	for round, again := 0, true; again && round < 1000; round++ {
		again = false
		tighten := func(c *cell, low, high uint64) {
			if low > c.low && low <= c.high {
				c.low, again = low, true
			}
			if high < c.high && high >= c.low {
				c.high, again = high, true
			}
		}
		for _, s := range sums {
			var low, high uint64
			for _, p := range s.parts {
				low, high = top(low, out[p].low), top(high, out[p].high)
			}
			if w := &out[s.whole]; s.exact {
				tighten(w, low, high)
			} else {
				tighten(w, low, math.MaxUint64)
			}
			w := out[s.whole]
			for _, p := range s.parts {
				c := &out[p]
				lows, highs := low-c.low, uint64(math.MaxUint64) // of the other parts
				if high != math.MaxUint64 {
					highs = high - c.high
				}
				from, to := uint64(0), uint64(0)
				if s.exact && w.low > highs {
					from = w.low - highs
				}
				if w.high > lows {
					to = w.high - lows
				}
				if w.high == math.MaxUint64 {
					to = math.MaxUint64
				}
				before := *c
				tighten(c, from, to)
				if *c != before { // the sums of the parts are others now
					break
				}
			}
		}
	}
	return out
}

// sumsOf is what everybody knows of the lines of one group: what was read is what
// was destroyed and what was selected; who decided did so on what was asked; tests
// and runs that broke off are runs.
func sumsOf(lines []*Line) (out []sum) {
	at := map[string]int{}
	for i, l := range lines {
		at[l.Key+" "+l.Kind] = i
	}
	for i, l := range lines {
		for _, s := range knownSums {
			if s.whole != l.Key {
				continue
			}
			made := sum{whole: i, exact: s.exact}
			for _, p := range s.parts {
				if j, ok := at[p+" "+l.Kind]; ok {
					made.parts = append(made.parts, j)
				}
			}
			if len(made.parts) > 0 {
				out = append(out, made)
			}
		}
	}
	return out
}

var knownSums = []struct {
	whole string
	parts []string
	exact bool
}{
	{"seen", []string{"destroyed", "selected"}, true},
	{string(keyAsked), []string{string(keyApproved), string(keyDeclined)}, false},
	{string(keyAsked), []string{string(keyStopped)}, false},
	{string(keyRuns), []string{string(keyTests), string(keyBroken)}, false},
}
