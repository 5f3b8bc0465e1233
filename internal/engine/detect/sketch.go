package detect

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// ip is an address of either family, IPv4 in its mapped form.
type ip [16]byte

func ipOf(a netip.Addr) ip { return a.As16() }

func (a ip) addr() netip.Addr {
	if a == (ip{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a).Unmap()
}

// hash mixes an address with a seed.
func (a *ip) hash(seed uint64) uint64 {
	return mix(binary.LittleEndian.Uint64(a[:8])^seed, binary.LittleEndian.Uint64(a[8:])+0x9e3779b97f4a7c15)
}

// mix is a hash of two numbers: the halves of their product after both were
// moved off zero, once more folded.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	hi, lo = bits.Mul64(hi^lo^0x8ebc6af09c88c6e3, a+b+0x589965cc75374cc3)
	return hi ^ lo
}

func hashText(s string, seed uint64) uint64 {
	h := seed ^ uint64(len(s))
	for len(s) >= 8 {
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	last := uint64(0)
	for i := range len(s) {
		last |= uint64(s[i]) << (8 * i)
	}
	return mix(h, last)
}

// few counts different things up to a few hundred in 64 bits, many up to about
// three thousand in 512: linear counting (Whang and others, 1990), with errors
// of about 7 % at 100 of 512 bits.
type (
	few  uint64
	many [8]uint64
)

func (f *few) add(h uint64) { *f |= 1 << (h >> 58) }

func (f few) count() float64 { return linear(bits.OnesCount64(uint64(f)), 64) }

func (m *many) add(h uint64) { m[h>>61] |= 1 << (h >> 55 & 63) }

func (m *many) count() float64 {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return linear(n, 512)
}

func linear(set, size int) float64 {
	if set >= size {
		set = size - 1
	}
	return -float64(size) * math.Log(1-float64(set)/float64(size))
}

// slots is how many pieces of time a series has.
const slots = 64

// widest is the widest piece of time, two years: a clock that jumps further is
// wrong.
const widest = 730 * day

// series is how much there was over time: 64 pieces whose width doubles, two
// becoming one, whenever time goes on beyond the last.
type series struct {
	Base  int64 // ns, where the first piece begins
	Width int64 // ns
	V     [slots]float32
}

func (s *series) add(at int64, v float64, width int64) {
	if s.Width <= 0 || s.Width > widest {
		s.Width = width
		s.Base = at - at%width
	}
	if at < s.Base || at-s.Base < 0 { // late news of before: counted at the beginning
		at = s.Base
	}
	for at-s.Base >= slots*s.Width {
		for i := range slots / 2 {
			s.V[i] = s.V[2*i] + s.V[2*i+1]
		}
		clear(s.V[slots/2:])
		if s.Width *= 2; s.Width > widest {
			return
		}
	}
	s.V[(at-s.Base)/s.Width] += float32(v)
}

// values are the pieces up to the last that is not zero.
func (s *series) values() []float64 {
	last := slots
	for last > 0 && s.V[last-1] == 0 {
		last--
	}
	out := make([]float64, last)
	for i := range out {
		out[i] = round(float64(s.V[i]), 10)
	}
	return out
}

// quantile is the value at a share of a sorted list, 0 ≤ q ≤ 1, between two
// values in proportion.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}

// deviation is the median distance from the median of a sorted list.
func deviation(sorted []float64) float64 {
	m := quantile(sorted, 0.5)
	d := make([]float64, len(sorted))
	for i, v := range sorted {
		d[i] = math.Abs(v - m)
	}
	slices.Sort(d)
	return quantile(d, 0.5)
}

// clamp is v within 0 and 1.
func clamp(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// between is where v stands between lo (0) and hi (1).
func between(v, lo, hi float64) float64 { return clamp((v - lo) / (hi - lo)) }

// scale is where v stands between lo (0) and hi (1) when each tenfold counts
// the same.
func scale(v, lo, hi float64) float64 {
	if v <= 0 {
		return 0
	}
	return clamp(math.Log(v/lo) / math.Log(hi/lo))
}
