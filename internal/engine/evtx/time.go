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

// appendFiletime appends a FILETIME, in units of 100 ns since 1601 UTC. The date is kept: most events of a chunk are of one day.
func (d *Decoder) appendFiletime(to []byte, ticks uint64) []byte {
	if ticks >= ticks10000 {
		return appendUint(to, ticks)
	}
	day := ticks / ticksPerDay
	if day != d.day || d.date[0] == 0 {
		d.day = day
		y, m, dd := time.Unix(int64(day)*86400-ticks1970/ticksPerSec, 0).UTC().Date()
		putDate(d.date[:], y, int(m), dd)
	}
	rest := ticks % ticksPerDay
	sec := int(rest / ticksPerSec)
	return d.appendClock(append(to, d.date[:]...), sec/3600, sec/60%60, sec%60, int(rest%ticksPerSec))
}

// appendSystime appends a SYSTEMTIME; parts beyond their range are shown as
// they are, as far as there is room for their digits.
func (d *Decoder) appendSystime(to, b []byte) []byte {
	var date [10]byte
	part := func(i int) int { return int(le.Uint16(b[2*i:])) }
	putDate(date[:], part(0)%10000, part(1)%100, part(3)%100)
	return d.appendClock(append(to, date[:]...), part(4)%100, part(5)%100, part(6)%100, part(7)%1000*(ticksPerSec/1000))
}

func putDate(to []byte, y, m, d int) {
	put2(to, y/100)
	put2(to[2:], y%100)
	to[4] = '-'
	put2(to[5:], m)
	to[7] = '-'
	put2(to[8:], d)
}

func (d *Decoder) appendClock(to []byte, h, m, s, ticks int) []byte {
	var t [18]byte
	t[0], t[3], t[6], t[9] = 'T', ':', ':', '.'
	put2(t[1:], h)
	put2(t[4:], m)
	put2(t[7:], s)
	put2(t[10:], ticks/100000)
	put2(t[12:], ticks/1000%100)
	put2(t[14:], ticks/10%100)
	if !d.opts.Native {
		t[16] = 'Z'
		return append(to, t[:17]...)
	}
	t[16], t[17] = '0'+byte(ticks%10), 'Z'
	return append(to, t[:]...)
}

func put2(to []byte, n int) {
	to[0], to[1] = '0'+byte(n/10), '0'+byte(n%10)
}
