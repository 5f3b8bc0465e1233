package oversight

import "encoding/hex"

// window is how many ids are remembered one by one. Whatever comes again later
// than that is older than the tolerance.
const window = 1 << 17

// logState is what is watched of the log as such.
type logState struct {
	n      uint64
	newest int64 // the newest instant so far
	place  uint64
	born   int64 // the newest instant in an id, in microseconds
	recent map[id]uint64
	ring   []id
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
	if !r.check(ruleOnce, ok, "id_form") {
		return
	}
	if l.recent == nil {
		l.recent, l.ring = make(map[id]uint64, window), make([]id, window)
	}
	if at, twice := l.recent[x]; twice {
		r.checkAt(ruleOnce, false, "id_twice", []uint64{at})
		return
	}
	// A UUIDv7 begins with the millisecond in which it was made (RFC 9562 section
	// 5.7): what is much older than its neighbours was put in again or afterwards.
	var raw [6]byte
	if _, err := hex.Decode(raw[:4], x[:8]); err == nil {
		_, err = hex.Decode(raw[4:], x[9:13])
		if !r.check(ruleOnce, err == nil, "id_form") {
			return
		}
	}
	var born int64
	for _, b := range raw {
		born = born<<8 | int64(b)
	}
	born *= 1000
	if l.born > 0 {
		if !r.check(ruleOnce, born >= l.born-r.tolerance.ids, "id_old", "seconds", (l.born-born)/second) {
			l.born = born
		}
	}
	l.born = max(l.born, born)
	delete(l.recent, l.ring[l.next])
	l.ring[l.next], l.recent[x] = x, r.e.index
	l.next = (l.next + 1) % window
}
