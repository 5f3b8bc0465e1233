package sieve

import "math/bits"

// Delay is how long payload was held, in ns of Options.Clock: from the packet
// that was the first to be held of a flow until all that was held of the flow was
// overwritten.
type Delay struct {
	Flows   uint64 // of which something was held
	Longest int64
	P99     int64 // 99 of 100 took no longer; exact to one part in 16
}

// Destroyed returns what was measured so far.
func (s *Sieve) Destroyed() Delay { return s.delays.sum() }

// delays counts delays by their four highest bits below the first.
type delays struct {
	clock   func() int64
	flows   uint64
	longest int64
	counts  [64 * 16]uint64
}

// now is the time, never 0, or 0 without a clock.
func (d *delays) now() int64 {
	if d.clock == nil {
		return 0
	}
	return max(d.clock(), 1)
}

func (d *delays) add(since int64) {
	took := max(d.clock()-since, 0)
	d.flows++
	d.longest = max(d.longest, took)
	d.counts[bucket(uint64(took))]++
}

func bucket(v uint64) int {
	if v < 16 {
		return int(v)
	}
	n := bits.Len64(v) - 5
	return (n+1)*16 + int(v>>n&15)
}

// limit is the greatest value of a bucket.
func limit(i int) int64 {
	if i < 16 {
		return int64(i)
	}
	n := i/16 - 1
	return int64((uint64(i%16)+17)<<n - 1)
}

func (d *delays) sum() Delay {
	out := Delay{Flows: d.flows, Longest: d.longest}
	left := d.flows / 100 // this many may have taken longer
	for i := len(d.counts) - 1; i >= 0; i-- {
		if n := d.counts[i]; n > left {
			out.P99 = min(limit(i), d.longest)
			return out
		} else {
			left -= n
		}
	}
	return out
}
