package geo

// mixed says, in place of a side, that one network holds several.
const mixed = 3

// fast4 finds the side of an IPv4 address with two loads that stay in a core's
// second-level cache: the first 16 bits choose a block of 256 sides of two
// bits, one for each /24. A /24 with several sides is searched for in the
// ranges. This is DIR-24-8 with its first table folded: 128 KiB and 64 bytes
// for each different /16, instead of 32 MiB of which each load is a miss.
type fast4 struct {
	top    [1 << 16]uint16
	blocks [][8]uint64
	ranges ranges4
}

// ranges4 are the sides in order: sides[i] holds from starts[i] on.
type ranges4 struct {
	first  [1<<16 + 1]uint32 // of the first 16 bits: the range that holds there
	starts []uint32
	sides  []Side
}

func (f *fast4) side(a uint32) Side {
	s := Side(f.blocks[f.top[a>>16]][a>>13&7]>>(a>>7&62)) & 3
	if s == mixed {
		return f.ranges.side(a)
	}
	return s
}

func (r *ranges4) side(a uint32) Side {
	lo, hi := r.first[a>>16], r.first[a>>16+1]
	for lo < hi {
		if m := (lo + hi + 1) / 2; r.starts[m] <= a {
			lo = m
		} else {
			hi = m - 1
		}
	}
	return r.sides[lo]
}

// fill compiles the IPv4 part of segments whose values are sides.
func (f *fast4) fill(s *segments) {
	r := &f.ranges
	for i := s.index(addr{0, mapped}); i < len(s.starts) && !(addr{0, last4}).less(s.starts[i]); i++ {
		start := uint32(s.starts[i].lo)
		if s.starts[i].less(addr{0, mapped}) {
			start = 0
		}
		r.starts, r.sides = append(r.starts, start), append(r.sides, Side(s.values[i]))
	}
	i := 0
	for h := range 1 << 16 {
		for i+1 < len(r.starts) && r.starts[i+1] <= uint32(h)<<16 {
			i++
		}
		r.first[h] = uint32(i)
	}
	r.first[1<<16] = uint32(len(r.starts) - 1)
	known := map[[8]uint64]uint16{}
	for h := range 1 << 16 {
		b := r.block(uint32(h) << 16)
		n, ok := known[b]
		if !ok {
			n = uint16(len(f.blocks))
			known[b] = n
			f.blocks = append(f.blocks, b)
		}
		f.top[h] = n
	}
}

// block returns the sides of the 256 /24 from a on, mixed where there are
// several.
func (r *ranges4) block(a uint32) (b [8]uint64) {
	i := int(r.first[a>>16])
	if i+1 == len(r.starts) || r.starts[i+1]>>16 != a>>16 {
		for n := range b { // one side for all
			b[n] = uint64(r.sides[i]) * 0x5555_5555_5555_5555
		}
		return b
	}
	for n := range uint32(256) {
		from, to := a|n<<8, a|n<<8|0xff
		for i+1 < len(r.starts) && r.starts[i+1] <= from {
			i++
		}
		side := uint64(r.sides[i])
		if i+1 < len(r.starts) && r.starts[i+1] <= to {
			side = mixed
		}
		b[n>>5] |= side << (n & 31 * 2)
	}
	return b
}

// fast6 finds the side of an IPv6 address: the first 16 bits give it, or
// choose a block of 65,536 sides of two bits, one for each /32. For a /32 with
// several sides a hash table gives the ranges among which it is searched for.
type fast6 struct {
	top    [1 << 16]uint16 // a side, mixed for "search", or block number + 4
	blocks [][2048]uint64
	ranges ranges6
	split  []within // open addressing, a power of two long, at most half full
	shift  uint
}

// within is where the ranges of a /32 are: the one that holds at its beginning
// and the one that holds at its end. A free place has no last.
type within struct{ key, first, last uint32 }

// place returns where the search for a key begins (Knuth's multiplicative
// hashing: 2^32 divided by the golden ratio).
func (f *fast6) place(key uint32) uint32 { return key * 2654435769 >> f.shift }

// maxBlocks bounds the memory of fast6: 16 KiB each.
const maxBlocks = 1024

// fewRanges is how many ranges in a /16 are as well searched.
const fewRanges = 4

type ranges6 struct {
	first  [1<<16 + 1]uint32
	starts []addr
	sides  []Side
}

func (f *fast6) side(hi, lo uint64) Side {
	n := f.top[hi>>48]
	if n > mixed {
		s := Side(f.blocks[n-mixed-1][hi>>37&2047]>>(hi>>31&62)) & 3
		if s != mixed {
			return s
		}
		key := uint32(hi >> 32)
		i := f.place(key)
		for f.split[i].key != key || f.split[i].last == 0 {
			i = (i + 1) & uint32(len(f.split)-1)
		}
		return f.ranges.side(addr{hi, lo}, f.split[i].first, f.split[i].last)
	} else if n < mixed {
		return Side(n)
	}
	return f.ranges.side(addr{hi, lo}, f.ranges.first[hi>>48], f.ranges.first[hi>>48+1])
}

// side searches among the ranges from lo to hi.
func (r *ranges6) side(a addr, lo, hi uint32) Side {
	for lo < hi {
		if m := (lo + hi + 1) / 2; a.less(r.starts[m]) {
			hi = m - 1
		} else {
			lo = m
		}
	}
	return r.sides[lo]
}

// fill compiles segments whose values are sides. The IPv4 part stays in: it is
// not asked for.
func (f *fast6) fill(s *segments) {
	r := &f.ranges
	r.starts, r.sides = s.starts, make([]Side, len(s.values))
	for i, v := range s.values {
		r.sides[i] = Side(v)
	}
	s.sweep(r.first[:1<<16], func(h int) addr { return addr{uint64(h) << 48, 0} })
	r.first[1<<16] = uint32(len(s.starts) - 1)
	var split []within
	for h := range 1 << 16 {
		from := addr{uint64(h) << 48, 0}
		to := addr{from.hi | (1<<48 - 1), ^uint64(0)}
		n := int(r.first[h+1] - r.first[h]) // ranges that begin after from and up to the next
		if n > 0 && to.less(r.starts[r.first[h+1]]) {
			n--
		}
		switch {
		case n == 0:
			f.top[h] = uint16(r.sides[r.first[h]])
		case n <= fewRanges || len(f.blocks) == maxBlocks:
			f.top[h] = mixed
		default:
			f.top[h] = uint16(mixed + 1 + len(f.blocks))
			var b [2048]uint64
			b, split = r.block(from.hi, int(r.first[h]), split)
			f.blocks = append(f.blocks, b)
		}
	}
	// The address inside this one decides; it never comes here.
	f.top[translated>>48] = mixed
	f.hash(split)
}

// hash makes the table of split /32.
func (f *fast6) hash(split []within) {
	size := uint(1)
	for ; 1<<size < 2*len(split); size++ {
	}
	f.split, f.shift = make([]within, 1<<size), 32-size
	for _, w := range split {
		i := f.place(w.key)
		for f.split[i].last != 0 {
			i = (i + 1) & uint32(len(f.split)-1)
		}
		f.split[i] = w
	}
}

// block returns the sides of the 65,536 /32 from hi on, of which i is the
// range that holds there, and appends those that are mixed to split.
func (r *ranges6) block(hi uint64, i int, split []within) (b [2048]uint64, _ []within) {
	for n := range uint64(1 << 16) {
		from, to := addr{hi | n<<32, 0}, addr{hi | n<<32 | (1<<32 - 1), ^uint64(0)}
		for i+1 < len(r.starts) && !from.less(r.starts[i+1]) {
			i++
		}
		side := uint64(r.sides[i])
		if first := i; i+1 < len(r.starts) && !to.less(r.starts[i+1]) {
			side = mixed
			for i+1 < len(r.starts) && !to.less(r.starts[i+1]) {
				i++
			}
			split = append(split, within{uint32((hi | n<<32) >> 32), uint32(first), uint32(i)})
		}
		b[n>>5] |= side << (n & 31 * 2)
	}
	return b, split
}
