package oversight

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNoSumGivesASmallNumberAway makes tables with sums and tries to undo what
// was hidden by trying all numbers that the table and its sums allow: every small
// number could have been any other small one.
func TestNoSumGivesASmallNumberAway(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	hidden, covered := 0, 0
	for range 4000 {
		cells, sums := tableOf(r)
		protect(cells, sums)
		for i, c := range cells {
			if c.n < c.low || c.n > c.high {
				t.Fatalf("cell %d is %d, and is said to be between %d and %d", i, c.n, c.low, c.high)
			}
			if c.n > 0 && c.n < small {
				hidden++
				for v := uint64(1); v < small; v++ {
					if !possible(cells, sums, i, v) {
						t.Fatalf("cell %d cannot be %d: %+v by %+v", i, v, cells, sums)
					}
				}
			} else if c.low != c.high {
				covered++
			}
		}
	}
	if hidden < 1000 || covered < 100 {
		t.Errorf("%d small numbers, %d covered by others", hidden, covered)
	}
}

// tableOf makes a table: a whole of parts, one of which may be the whole of
// others, and a part of another sum beside it.
func tableOf(r *rand.Rand) ([]cell, []sum) {
	of := func(n int) []uint64 {
		out := make([]uint64, n)
		for i := range out {
			out[i] = r.Uint64N(9)
		}
		return out
	}
	inner := of(2 + r.IntN(2))
	var total uint64
	for _, n := range inner {
		total += n
	}
	outer := append(of(1+r.IntN(2)), total)
	var all uint64
	for _, n := range outer {
		all += n
	}
	loose := r.IntN(2) == 0
	if loose {
		all += r.Uint64N(4)
	}
	var cells []cell
	put := func(list ...uint64) (at []int) {
		for _, n := range list {
			at = append(at, len(cells))
			cells = append(cells, exactly(n))
		}
		return at
	}
	within := put(inner...)
	parts := put(outer...)
	whole := put(all)[0]
	return cells, []sum{{whole, parts, !loose}, {parts[len(parts)-1], within, true}}
}

// possible reports whether numbers exist that the table and its sums allow, with
// a cell being v.
func possible(cells []cell, sums []sum, at int, v uint64) bool {
	const most = 60
	left := make([]uint64, len(cells))
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(cells) {
			for _, s := range sums {
				var n uint64
				for _, p := range s.parts {
					n += left[p]
				}
				if s.exact && n != left[s.whole] || n > left[s.whole] {
					return false
				}
			}
			return true
		}
		from, to := cells[i].low, min(cells[i].high, most)
		if i == at {
			from, to = v, v
		}
		for _, s := range sums {
			if s.whole == i && s.exact { // the parts stand before it
				var n uint64
				for _, p := range s.parts {
					n += left[p]
				}
				from, to = max(from, n), min(to, n)
			}
		}
		for x := from; x <= to; x++ {
			if left[i] = x; try(i + 1) {
				return true
			}
		}
		return false
	}
	return try(0)
}

func TestWhatNobodySaysIsCoveredToo(t *testing.T) {
	// All that adds up to the whole is small, and all of it is at its least: a
	// whole that were said even as a range would give all of it away.
	cells := []cell{exactly(9), exactly(5), exactly(1), exactly(1), exactly(1), exactly(1)}
	cells[0].widen()
	cells[1].widen()
	protect(cells, []sum{{0, []int{1, 2, 3, 4, 5}, true}})
	if cells[0].high != math.MaxUint64 && cells[1].high != math.MaxUint64 {
		t.Errorf("%+v", cells)
	}
}
