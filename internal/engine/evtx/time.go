package evtx

import (
	"math"
	"time"
)

const (
	ticksPerDay = 24 * 60 * 60 * ticksPerSec
	ticksPerSec = 10_000_000
	ticks1970   = 116444736000000000
	ticks10000  = 2650467744000000000 // the year 10000
)

// unixNano returns the nanoseconds since 1970 of a FILETIME, 0 when they do not
// fit.
func unixNano(ticks uint64) int64 {
	if ticks > ticks1970+math.MaxInt64/100 {
		return 0
	}
	t := int64(ticks) - ticks1970
	if t < math.MinInt64/100 {
		return 0
	}
	return t * 100
}

// appendFiletime appends a FILETIME, in units of 100 ns since 1601 UTC. The
// second is kept: events of one second follow each other.
func (d *Decoder) appendFiletime(to []byte, ticks uint64) []byte {
	if ticks >= ticks10000 {
		return appendUint(to, ticks)
	}
	second := ticks / ticksPerSec
	if second != d.second || d.clock[0] == 0 {
		d.second = second
		t := time.Unix(int64(second)-ticks1970/ticksPerSec, 0).UTC()
		d.clock = clock(t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second())
	}
	return d.appendFraction(append(to, d.clock[:]...), uint32(ticks%ticksPerSec))
}

// appendSystime appends a SYSTEMTIME; of parts beyond their range there are as
// many digits as have room.
func (d *Decoder) appendSystime(to, b []byte) []byte {
	part := func(i int) int { return int(le.Uint16(b[2*i:])) }
	c := clock(part(0)%10000, part(1)%100, part(3)%100, part(4)%100, part(5)%100, part(6)%100)
	return d.appendFraction(append(to, c[:]...), uint32(part(7)%1000)*(ticksPerSec/1000))
}

// clock returns a time down to the second: 2006-01-02T15:04:05.
func clock(year, month, day, hour, minute, second int) (t [20]byte) {
	for i, n := range [...]int{year / 100, year % 100, month, day, hour, minute, second} {
		copy(t[clockPlaces[i]:], pairs[2*n:2*n+2])
	}
	t[4], t[7], t[10], t[13], t[16], t[19] = '-', '-', 'T', ':', ':', '.'
	return t
}

var clockPlaces = [...]int{0, 2, 5, 8, 11, 14, 17}

func (d *Decoder) appendFraction(to []byte, ticks uint32) []byte {
	var t [8]byte
	copy(t[:], pairs[ticks/100000*2:][:2])
	copy(t[2:], pairs[ticks/1000%100*2:][:2])
	copy(t[4:], pairs[ticks/10%100*2:][:2])
	if !d.opts.Native {
		t[6] = 'Z'
		return append(to, t[:7]...)
	}
	t[6], t[7] = '0'+byte(ticks%10), 'Z'
	return append(to, t[:]...)
}
