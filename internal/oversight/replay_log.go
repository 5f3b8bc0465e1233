package oversight

// window is how many ids are remembered one by one. Whatever comes again later
// than that is older than the tolerance.
const window = 1 << 17

// logState is what is watched of the log as such.
type logState struct {
	n      uint64
	newest int64 // the newest instant so far
	place  uint64
	born   int64             // the newest instant in an id, in microseconds
	recent map[uint64]uint64 // places, by the random half of an id
	ring   []uint64
	next   int
}

// watchLog holds the clock and the id of the entry against those before it.
func (r *Replay) watchLog() {
	l := &r.log
	l.n++
	if l.n > 1 && !r.checkAt(ruleClock, r.e.at >= l.newest-r.tolerance.clock, "clock_back", []uint64{l.place}, "seconds", (l.newest-r.e.at)/second) {
		l.newest = r.e.at // one jump is one finding: go on from here
	}
	if r.e.at >= l.newest {
		l.newest, l.place = r.e.at, r.e.index
	}
	x, ok := idOf(r.e.id)
	born, tail, hexed := bits(&x)
	if !r.check(ruleOnce, ok && hexed, "id_form") {
		return
	}
	if l.recent == nil {
		l.recent, l.ring = make(map[uint64]uint64, window), make([]uint64, window)
	}
	if at, twice := l.recent[tail]; twice {
		r.checkAt(ruleOnce, false, "id_twice", []uint64{at})
		return
	}
	// What is much older than its neighbours was put in again or afterwards.
	if l.born > 0 {
		if !r.check(ruleOnce, born >= l.born-r.tolerance.ids, "id_old", "seconds", (l.born-born)/second) {
			l.born = born
		}
	}
	l.born = max(l.born, born)
	delete(l.recent, l.ring[l.next])
	l.ring[l.next], l.recent[tail] = tail, r.e.index
	l.next = (l.next + 1) % window
}

// bits reads an id: a UUIDv7 begins with the millisecond in which it was made, and
// its last 62 bits are random (RFC 9562 section 5.7). Born is in microseconds.
func bits(x *id) (born int64, tail uint64, ok bool) {
	var all [2]uint64
	n := 0
	for i, c := range x {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return 0, 0, false
			}
			continue
		}
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, 0, false
		}
		all[n/16] = all[n/16]<<4 | uint64(c)
		n++
	}
	return int64(all[0]>>16) * 1000, all[1], true
}
