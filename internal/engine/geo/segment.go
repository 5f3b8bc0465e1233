package geo

import (
	"slices"
	"sort"
)

// segments cover the whole space without gaps: values[i] holds from starts[i]
// to the address before starts[i+1]. starts[0] is the first address; two
// neighbours do not have the same value, except where fence cut them.
type segments struct {
	starts []addr
	values []uint32
}

// patch is a range of addresses with a value, both ends inside.
type patch struct {
	first, last addr
	value       uint32
}

// at returns the value that holds at a.
func (s *segments) at(a addr) uint32 { return s.values[s.index(a)] }

func (s *segments) index(a addr) int {
	return sort.Search(len(s.starts), func(i int) bool { return a.less(s.starts[i]) }) - 1
}

// sweep notes in out the segment that holds at each of some ascending places.
func (s *segments) sweep(out []uint32, place func(n int) addr) {
	i := s.index(place(0))
	for n := range out {
		for a := place(n); i+1 < len(s.starts) && !a.less(s.starts[i+1]); {
			i++
		}
		out[n] = uint32(i)
	}
}

// last returns the last address of segment i.
func (s *segments) last(i int) addr {
	if i+1 < len(s.starts) {
		return s.starts[i+1].prev()
	}
	return addr{^uint64(0), ^uint64(0)}
}

// put appends a segment, joining it with its neighbour where it says the same.
func (s *segments) put(start addr, value uint32) {
	n := len(s.starts)
	if n > 0 && s.starts[n-1] == start {
		s.starts, s.values = s.starts[:n-1], s.values[:n-1]
		n--
	}
	if n == 0 || s.values[n-1] != value {
		s.starts, s.values = append(s.starts, start), append(s.values, value)
	}
}

// over returns s with the patches laid over it. The patches are in order and
// do not overlap.
func (s *segments) over(patches []patch) segments {
	return s.merge(patches, func(_, above uint32) uint32 { return above })
}

// merge returns s with each patch's value combined with what is below it.
func (s *segments) merge(patches []patch, mix func(below, above uint32) uint32) segments {
	var out segments
	out.starts = make([]addr, 0, len(s.starts)+2*len(patches))
	out.values = make([]uint32, 0, cap(out.starts))
	i := 0 // the segment of s that holds at the place we are
	for _, p := range patches {
		for ; i < len(s.starts) && s.starts[i].less(p.first); i++ {
			out.put(s.starts[i], s.values[i])
		}
		below := s.values[max(i-1, 0)]
		if i < len(s.starts) && s.starts[i] == p.first {
			below = s.values[i]
			i++
		}
		out.put(p.first, mix(below, p.value))
		for ; i < len(s.starts) && !p.last.less(s.starts[i]); i++ {
			below = s.values[i]
			out.put(s.starts[i], mix(below, p.value))
		}
		if next, ok := p.last.next(); ok {
			out.put(next, below)
		}
	}
	for ; i < len(s.starts); i++ {
		out.put(s.starts[i], s.values[i])
	}
	return out
}

// patches returns the segments as patches.
func (s *segments) patches() []patch {
	out := make([]patch, len(s.starts))
	for i := range out {
		out[i] = patch{s.starts[i], s.last(i), s.values[i]}
	}
	return out
}

// join sorts ranges and joins what touches or overlaps, whatever the values.
func join(ranges []patch) []patch {
	slices.SortFunc(ranges, func(a, b patch) int { return a.first.cmp(b.first) })
	var out []patch
	for _, r := range ranges {
		if n := len(out); n > 0 {
			if after, ok := out[n-1].last.next(); !ok || !after.less(r.first) {
				if out[n-1].last.less(r.last) {
					out[n-1].last = r.last
				}
				continue
			}
		}
		out = append(out, r)
	}
	return out
}
