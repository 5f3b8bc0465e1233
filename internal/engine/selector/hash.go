package selector

import "math/bits"

// Odd constants of the multiplications: digits of the golden ratio and of pi.
const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xc2b2ae3d27d4eb4f
	mulC = 0x165667b19e3779f9
)

// mix spreads every bit of x over the word (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hash4 is short because it runs twice for every packet.
func hash4(a uint32, seed uint64) uint64 {
	hi, lo := bits.Mul64(uint64(a)^seed, mulA)
	return (hi ^ lo) * mulB
}

func hash16(hi, lo, seed uint64) uint64 {
	h, l := bits.Mul64(hi^seed, mulA)
	h2, l2 := bits.Mul64(lo^h, mulB^l)
	return mix(h2 ^ l2)
}

// step adds one byte. Names are added from their last byte on, so that one pass
// gives the hash of a name and of every domain above it.
func step(h uint64, c byte) uint64 {
	h = (h ^ uint64(c)) * mulA
	return h ^ h>>29
}

// finish ends a hash of bytes; forms are kept apart.
func finish(h uint64, f form) uint64 { return mix(h + uint64(f)*mulC) }

func hashBack[T string | []byte](b T, seed uint64, f form) uint64 {
	for i := len(b) - 1; i >= 0; i-- {
		seed = step(seed, b[i])
	}
	return finish(seed, f)
}

// bloom is a filter of 64-bit blocks: one load answers, and about one absent
// key in two hundred is let through to the exact index.
type bloom []uint64

func newBloom(n int) bloom { return make(bloom, n/4+1) } // 12.8 bits a key

func (b bloom) place(h uint64) (word, mask uint64) {
	word, _ = bits.Mul64(h, uint64(len(b)))
	return word, 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
}

func (b bloom) add(h uint64) {
	w, m := b.place(h)
	b[w] |= m
}

func (b bloom) has(h uint64) bool {
	w, m := b.place(h)
	return b[w]&m == m
}
