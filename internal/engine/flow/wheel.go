package flow

import "math/bits"

// wheelSize is how many seconds ahead the wheel looks. What ends later is
// looked at again when the wheel has turned that far.
const wheelSize = 1024

// wheel finds the communications that are over without looking at the others:
// one list for each second. An entry stands at or before the second in which it
// ends; it is put right when that second comes.
type wheel struct {
	second int64 // up to which everything was looked at
	heads  [wheelSize]uint32
	full   [wheelSize / 64]uint64 // which lists are not empty
}

// link puts an entry where it ends.
func (t *table) link(e *entry) {
	s := ceilSecond(e.over)
	s = min(max(s, t.wheel.second+1), t.wheel.second+wheelSize-1)
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

// sooner puts an entry right whose end moved to before the second in which the
// wheel would look.
func (t *table) sooner(e *entry) {
	if ceilSecond(e.over) < e.turn {
		t.unlink(e)
		t.link(e)
	}
}

// advance ends what is over at the beginning of a second.
func (t *table) advance(second int64) {
	w := &t.wheel
	if len(t.seats) == 0 || second <= w.second {
		w.second = max(w.second, second)
		return
	}
	from, n := w.second+1, min(second-w.second, wheelSize)
	w.second = second
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
		t.expire(place, second)
		from, n = from+1, n-1
	}
}

// expire ends what is over of one list and puts the rest where it ends.
func (t *table) expire(place uint32, second int64) {
	id := t.wheel.heads[place]
	t.wheel.heads[place] = 0
	t.wheel.full[place>>6] &^= 1 << (place & 63)
	for id != 0 {
		e := t.at(id)
		id = e.next
		if ceilSecond(e.over) <= second {
			t.remove(e)
			t.stats.Idle++
			t.end(e)
		} else {
			t.link(e)
		}
	}
}

func ceilSecond(at int64) int64 { return floorSecond(at + 1e9 - 1) }
