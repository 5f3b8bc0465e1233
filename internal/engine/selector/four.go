package selector

import "slices"

// four finds IPv4 addresses: a filter, then the sorted addresses with an index
// of their first bits; then a bit for each /24 that some network touches, and
// the networks cut into ranges that do not overlap.
type four struct {
	filter bloom
	keys   []uint64 // address<<32 | ID, sorted
	index  []uint32 // how many keys lie below i<<shift
	shift  uint8
	near   []uint64 // a bit for each /24; nil without networks
	nets   ranges[addr4]
	blocks []uint32 // how many ranges start below i<<16
}

// Addr4 returns the selector of an IPv4 address in host order: the address
// itself, else the longest network that contains it, else 0.
func (s *Set) Addr4(a uint32) ID {
	if h := hash4(a, s.seed); s.four.filter.has(h) {
		if id := s.four.exact(a); id != 0 {
			return id
		}
	}
	if s.four.near == nil {
		return 0
	}
	return s.four.network(a)
}

func (f *four) exact(a uint32) ID {
	b := a >> f.shift
	lo, hi := f.index[b], f.index[b+1]
	want := uint64(a) << 32
	for lo < hi {
		if m := (lo + hi) / 2; f.keys[m] < want {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if int(lo) < len(f.keys) && f.keys[lo]>>32 == uint64(a) {
		return ID(f.keys[lo])
	}
	return 0
}

func (f *four) network(a uint32) ID {
	if f.near[a>>14]>>(a>>8&63)&1 == 0 {
		return 0
	}
	lo, hi := f.blocks[a>>16], f.blocks[a>>16+1]
	return f.nets.find(addr4(a), int(lo), int(hi))
}

// build makes the indexes of the keys gathered. It returns the two IDs of an
// address that is there twice, or zeros.
func (f *four) build(seed uint64) (ID, ID) {
	slices.Sort(f.keys)
	f.filter = newBloom(len(f.keys))
	bits := 1
	for len(f.keys)>>bits > 4 {
		bits++
	}
	bits = min(bits, 24)
	f.shift = uint8(32 - bits)
	f.index = make([]uint32, 1<<bits+1)
	for i, k := range f.keys {
		if i > 0 && f.keys[i-1]>>32 == k>>32 {
			return ID(f.keys[i-1]), ID(k)
		}
		f.filter.add(hash4(uint32(k>>32), seed))
		f.index[k>>32>>f.shift+1] = uint32(i + 1)
	}
	for i := 1; i < len(f.index); i++ {
		f.index[i] = max(f.index[i], f.index[i-1])
	}
	return 0, 0
}

// buildNets cuts the networks into ranges. It returns the IDs of a network that
// is there twice, or zeros.
func (f *four) buildNets(nets []net[addr4]) (ID, ID) {
	if len(nets) == 0 {
		return 0, 0
	}
	var a, b ID
	if f.nets, a, b = sweep(nets); b != 0 {
		return a, b
	}
	f.near = make([]uint64, 1<<18)
	for _, n := range nets {
		first, last := uint32(n.start)>>8, uint32(n.start.last(n.bits))>>8
		for word := first >> 6; word <= last>>6; word++ {
			mask := ^uint64(0)
			if word == first>>6 {
				mask <<= first & 63
			}
			if word == last>>6 {
				mask &= ^uint64(0) >> (63 - last&63)
			}
			f.near[word] |= mask
		}
	}
	f.blocks = make([]uint32, 1<<16+1)
	for i, s := range f.nets.starts {
		f.blocks[s>>16+1] = uint32(i + 1)
	}
	for i := 1; i < len(f.blocks); i++ {
		f.blocks[i] = max(f.blocks[i], f.blocks[i-1])
	}
	return 0, 0
}
