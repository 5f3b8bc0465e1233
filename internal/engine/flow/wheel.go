package flow

import "math/bits"

// wheelSize is how many ticks ahead the wheel looks: eight minutes. What ends later
// is looked at again when the wheel has turned that far.
const wheelSize = 1 << 12

// wheel finds the communications that are over without looking at the others:
// one list for each tick. An entry stands at or before the tick at which it ends;
// it is put right when that one comes.
type wheel struct {
	at    int64 // up to which everything was looked at
	heads [wheelSize]uint32
	full  [wheelSize / 64]uint64 // which lists are not empty
}

// link puts an entry where it ends.
func (t *table) link(e *entry) {
	s := min(max(tickAfter(e.over), t.wheel.at+1), t.wheel.at+wheelSize-1)
	place := uint32(s) & (wheelSize - 1)
	e.place, e.turn = uint16(place), s
	head := t.wheel.heads[place]
	e.prev, e.next = 0, head
	if head != 0 {
		t.at(head).prev = e.id
	}
	t.wheel.heads[place] = e.id
	t.wheel.full[place>>6] |= 1 << (place & 63)
}

func (t *table) unlink(e *entry) {
	if e.next != 0 {
		t.at(e.next).prev = e.prev
	}
	if e.prev != 0 {
		t.at(e.prev).next = e.next
		return
	}
	t.wheel.heads[e.place] = e.next
	if e.next == 0 {
		t.wheel.full[e.place>>6] &^= 1 << (e.place & 63)
	}
}

// sooner puts an entry right whose end moved to before the tick at which the wheel
// would look.
func (t *table) sooner(e *entry) {
	if tickAfter(e.over) < e.turn {
		t.unlink(e)
		t.link(e)
	}
}

// advance ends what is over at a tick.
func (t *table) advance(tick int64) {
	w := &t.wheel
	if len(t.seats) == 0 || tick <= w.at {
		w.at = max(w.at, tick)
		return
	}
	from, n := w.at+1, min(tick-w.at, wheelSize)
	w.at = tick
	for n > 0 {
		place := uint32(from) & (wheelSize - 1)
		// Skip to the next list of this word that is not empty.
		word := w.full[place>>6] >> (place & 63)
		if word == 0 {
			skip := min(int64(64-place&63), n)
			from, n = from+skip, n-skip
			continue
		}
		if skip := int64(bits.TrailingZeros64(word)); skip > 0 {
			skip = min(skip, n)
			from, n = from+skip, n-skip
			continue
		}
		t.expire(place, tick)
		from, n = from+1, n-1
	}
}

// expire ends what is over of one list and puts the rest where it ends.
func (t *table) expire(place uint32, tick int64) {
	id := t.wheel.heads[place]
	t.wheel.heads[place] = 0
	t.wheel.full[place>>6] &^= 1 << (place & 63)
	for id != 0 {
		e := t.at(id)
		id = e.next
		if tickAfter(e.over) <= tick {
			t.remove(e)
			t.stats.Idle++
			t.end(e)
		} else {
			t.link(e)
		}
	}
}

// tickAfter is the first tick that does not lie before a time.
func tickAfter(at int64) int64 { return ticksOf(at + tickTime - 1) }
