package record

import "math"

// Entropy is that of the characters of a name without dots, letters in lower
// case, in tenths of a bit per character (Shannon); of its first 255 bytes, and
// no name of DNS has more (RFC 1035 section 3.1).
func Entropy(b []byte) uint8 {
	b = b[:min(len(b), maxFull)]
	var counts [256]uint8
	n := 0
	for _, c := range b {
		if c == '.' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		counts[c]++
		n++
	}
	if n < 2 {
		return 0
	}
	sum := 0.0
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if k := counts[c]; k > 0 {
			sum += timesLog[k]
			counts[c] = 0
		}
	}
	return uint8(math.Round(10 * (timesLog[n&255] - sum) / float64(n)))
}

// timesLog is n × log2 n.
var timesLog = func() (t [256]float64) {
	for n := 1; n < len(t); n++ {
		t[n] = float64(n) * math.Log2(float64(n))
	}
	return t
}()
