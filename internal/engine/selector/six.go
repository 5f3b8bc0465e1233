package selector

import "encoding/binary"

// six finds IPv6 addresses. Single addresses are in the common hashed table;
// networks are ranges behind two filters, on the first 16 bits and on the
// first 32.
type six struct {
	single bool
	near   []uint64 // a bit for each first 16 bits; nil without networks
	filter bloom    // first 32 bits of the networks; nil when too many
	nets   ranges[addr16]
	blocks []uint32 // how many ranges start below i<<112
}

// maxExpanded bounds how many /32 the networks of a short list may be spread
// over in the filter; in a long one, two for each.
const maxExpanded = 1 << 18

// Addr16 returns the selector of an address: itself, else the longest network
// that contains it, else 0. IPv4 is given mapped (RFC 4291 §2.5.5.2).
func (s *Set) Addr16(a *[16]byte) ID {
	hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	if hi == 0 && lo>>32 == 0xffff {
		return s.Addr4(uint32(lo))
	}
	if s.six.single {
		if h := hash16(hi, lo, s.seed); s.hashed.filter.has(h) {
			if id := s.findBytes(h, addr6, a[:]); id != 0 {
				return id
			}
		}
	}
	if s.six.near == nil || s.six.near[hi>>54]>>(hi>>48&63)&1 == 0 {
		return 0
	}
	if s.six.filter != nil && !s.six.filter.has(mix(hi>>32^s.seed)) {
		return 0
	}
	from, to := s.six.blocks[hi>>48], s.six.blocks[hi>>48+1]
	return s.six.nets.find(addr16{hi, lo}, int(from), int(to))
}

// buildNets cuts the networks into ranges. It returns the IDs of a network that
// is there twice, or zeros.
func (f *six) buildNets(nets []net[addr16], seed uint64) (ID, ID) {
	if len(nets) == 0 {
		return 0, 0
	}
	var a, b ID
	if f.nets, a, b = sweep(nets); b != 0 {
		return a, b
	}
	f.near = make([]uint64, 1<<10)
	expanded := uint64(0)
	for _, n := range nets {
		first, last := n.start.hi>>48, n.start.last(n.bits).hi>>48
		for i := first; i <= last; i++ {
			f.near[i>>6] |= 1 << (i & 63)
		}
		expanded += n.start.last(n.bits).hi>>32 - n.start.hi>>32 + 1
	}
	if expanded <= max(maxExpanded, 2*uint64(len(nets))) {
		f.filter = newBloom(int(expanded))
		for _, n := range nets {
			for i := n.start.hi >> 32; i <= n.start.last(n.bits).hi>>32; i++ {
				f.filter.add(mix(i ^ seed))
			}
		}
	}
	f.blocks = make([]uint32, 1<<16+1)
	for i, s := range f.nets.starts {
		f.blocks[s.hi>>48+1] = uint32(i + 1)
	}
	for i := 1; i < len(f.blocks); i++ {
		f.blocks[i] = max(f.blocks[i], f.blocks[i-1])
	}
	return 0, 0
}
