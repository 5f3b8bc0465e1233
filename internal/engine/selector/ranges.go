package selector

import (
	"cmp"
	"math/bits"
	"slices"
)

// addr4 and addr16 are addresses that can be walked.
type addr4 uint32

func (a addr4) cmp(b addr4) int              { return cmp.Compare(a, b) }
func (a addr4) last(bits uint8) addr4        { return a | addr4(uint64(1)<<(32-bits)-1) }
func (a addr4) next() (after addr4, ok bool) { return a + 1, a+1 != 0 }

type addr16 struct{ hi, lo uint64 }

func (a addr16) cmp(b addr16) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) }

func (a addr16) last(bits uint8) addr16 {
	if bits < 64 {
		return addr16{a.hi | ^uint64(0)>>bits, ^uint64(0)}
	}
	return addr16{a.hi, a.lo | ^uint64(0)>>(bits-64)} // a shift by 64 gives 0
}

func (a addr16) next() (addr16, bool) {
	lo, carry := bits.Add64(a.lo, 1, 0)
	hi, over := bits.Add64(a.hi, 0, carry)
	return addr16{hi, lo}, over == 0
}

// point is an address of either family.
type point[A any] interface {
	comparable
	cmp(A) int
	last(bits uint8) A // of the network that starts here
	next() (A, bool)
}

// net is a network and its selector.
type net[A point[A]] struct {
	start A
	id    ID
	bits  uint8
}

// ranges are networks cut where they overlap: each range belongs to the longest
// network that holds it. The first range starts at the lowest address.
type ranges[A point[A]] struct {
	starts []A
	ids    []ID
}

// find returns what holds a; the range wanted is known to be the one before lo,
// or one from lo up to, not including, hi.
func (r *ranges[A]) find(a A, lo, hi int) ID {
	for lo < hi {
		if m := (lo + hi) / 2; r.starts[m].cmp(a) <= 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return r.ids[lo-1]
}

// put adds a range, in place of one that starts where it starts.
func (r *ranges[A]) put(start A, id ID) {
	last := len(r.starts) - 1
	if last >= 0 && r.starts[last].cmp(start) == 0 {
		r.ids[last] = id
		return
	}
	r.starts, r.ids = append(r.starts, start), append(r.ids, id)
}

// sweep sorts the networks and walks them from the lowest address on, keeping
// those that are open. Of a network given twice it returns both IDs.
func sweep[A point[A]](nets []net[A]) (r ranges[A], twice, again ID) {
	slices.SortFunc(nets, func(a, b net[A]) int {
		return cmp.Or(a.start.cmp(b.start), cmp.Compare(a.bits, b.bits), cmp.Compare(a.id, b.id))
	})
	var zero A
	r.put(zero, 0)
	var open []*net[A] // at most one for each length
	closeTop := func() {
		top := open[len(open)-1]
		open = open[:len(open)-1]
		outer := ID(0)
		if len(open) > 0 {
			outer = open[len(open)-1].id
		}
		if after, ok := top.start.last(top.bits).next(); ok {
			r.put(after, outer)
		}
	}
	for i := range nets {
		n := &nets[i]
		if i > 0 && nets[i-1].start == n.start && nets[i-1].bits == n.bits {
			return r, nets[i-1].id, n.id
		}
		for len(open) > 0 && open[len(open)-1].start.last(open[len(open)-1].bits).cmp(n.start) < 0 {
			closeTop()
		}
		r.put(n.start, n.id)
		open = append(open, n)
	}
	for len(open) > 0 {
		closeTop()
	}
	return r, 0, 0
}
