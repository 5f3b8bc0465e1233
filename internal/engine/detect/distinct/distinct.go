// Package distinct counts how many different things were seen, in 256 bytes
// and without keeping any of them: a HyperLogLog (Flajolet, Fusy, Gandouet and
// Meunier, 2007) with 256 registers, whose standard error is 6.5 %, and less
// for small counts, which are counted by empty registers.
package distinct

import (
	"math"
	"math/bits"
)

const registers = 256

// Counter counts different hashes. Its zero value has counted nothing.
type Counter struct {
	filled uint16 // registers that are not zero
	reg    [registers]uint8
}

// Add counts a hash, whose bits must be evenly spread (see Hash), and reports
// whether it changed the counter. One that changes nothing was most likely
// there before.
func (c *Counter) Add(hash uint64) bool {
	i := hash >> 56
	rank := uint8(bits.LeadingZeros64(hash<<8|1<<7) + 1)
	if rank <= c.reg[i] {
		return false
	}
	if c.reg[i] == 0 {
		c.filled++
	}
	c.reg[i] = rank
	return true
}

// Count is the estimate.
func (c *Counter) Count() float64 { return count(&c.reg) }

// Union is the estimate for what was added to either of two counters.
func Union(a, b *Counter) float64 {
	both := a.reg
	for i, r := range b.reg {
		both[i] = max(both[i], r)
	}
	return count(&both)
}

// Filled is how many registers were changed at all, up to 256: a bound of the
// estimate that costs nothing. See Least.
func (c *Counter) Filled() int { return int(c.filled) }

// Least is how many registers are filled at least, of one counter or of two
// together, when the estimate is n or more: with fewer it need not be made.
func Least(n float64) int {
	k := 0
	// While this many are empty the estimate is that of empty registers alone,
	// however high the others stand.
	for k < registers/2 && linear(registers-k) < n {
		k++
	}
	return k
}

func linear(empty int) float64 { return registers * math.Log(registers/float64(empty)) }

// halves are the powers of one half.
var halves = func() (t [64]float64) {
	for i := range t {
		t[i] = math.Ldexp(1, -i)
	}
	return t
}()

func count(reg *[registers]uint8) float64 {
	sum, empty := 0.0, 0
	for _, r := range reg {
		if r == 0 {
			empty++
		}
		sum += halves[r&63] // no rank is above 57
	}
	const alpha = 0.7213 / (1 + 1.079/registers)
	n := alpha * registers * registers / sum
	if n <= 2.5*registers && empty > 0 {
		return linear(empty)
	}
	return n
}

// Hash spreads a text, without regard to the case of its ASCII letters, over 64
// bits. seed keeps an outsider from choosing texts that fall together.
func Hash[T string | []byte](seed uint64, text T) uint64 {
	h := seed ^ 0xcbf29ce484222325
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return Mix(h ^ uint64(len(text)))
}

// Mix spreads a number over 64 bits (the finaliser of SplitMix64).
func Mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
