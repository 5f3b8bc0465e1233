package dissect

import "noroshi/internal/engine/flow/record"

// controlFacts is where a protocol of controllers writes to.
func controlFacts(f record.Facts) *record.Control {
	if f.Control == nil {
		f.Control = &record.Control{}
	}
	return f.Control
}

// mark puts a number into a set.
func mark(set *[4]uint64, n uint8) { set[n>>6] |= 1 << (n & 63) }

// among tells whether a number is in a set.
func among(set *[4]uint64, n uint8) bool { return set[n>>6]>>(n&63)&1 != 0 }

// setOf is the set of some numbers.
func setOf(numbers ...uint8) (s [4]uint64) {
	for _, n := range numbers {
		mark(&s, n)
	}
	return s
}
