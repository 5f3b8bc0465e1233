package flow

import (
	"noroshi/internal/engine/flow/dissect"
)

// tcp follows one segment (RFC 9293 §3.10.7, as an onlooker sees it).
func (t *table) tcp(e *entry, side int, it *item) {
	d := &e.dir[side]
	if it.count > 0 {
		e.flags[side] |= it.flags
	}
	seq := it.seq
	if it.flags&flagSYN != 0 && !d.begun {
		d.begun, d.isn = true, seq
		if !d.known { // else data was seen before it, and its numbers stay
			d.next, d.known = seq+1, true
		}
	}
	if it.flags&flagSYN != 0 {
		seq++
	}
	if it.flags&flagRST != 0 {
		return // what a RST carries is no part of the stream
	}
	if it.flags&flagACK != 0 {
		t.acknowledged(e, 1-side, it.ack, it.at)
	}
	if it.wire > 0 {
		t.segment(e, side, seq, it)
	} else if !d.known && it.flags&flagACK != 0 {
		d.next, d.known = seq, true
	}
	d.fin = d.fin || it.flags&flagFIN != 0
}

// segment puts the payload of a segment in its place.
func (t *table) segment(e *entry, side int, seq uint32, it *item) {
	d := &e.dir[side]
	if !d.known {
		d.next, d.known = seq, true
	}
	data, wire := it.data, it.wire
	ahead := int32(seq - d.next)
	switch {
	case ahead == 0:
	case ahead < 0:
		old := uint32(-ahead)
		if old >= wire {
			t.stats.Repeated += uint64(wire)
			return
		}
		t.stats.Repeated += uint64(old)
		wire -= old
		data = data[min(int(old), len(data)):]
	case ahead > maxReach:
		t.stats.Strange++
		return
	default:
		t.stats.Early++
		t.early(e, side, seq, data, wire, it.at)
		return
	}
	d.next += wire
	t.deliver(e, side, it.at, data, wire)
	if d.ahead != nil {
		t.drain(e, side)
	}
}

// acknowledged takes in that the other side has what came before ack. What is
// missing before it was received, and only not seen here.
func (t *table) acknowledged(e *entry, side int, ack uint32, at int64) {
	d := &e.dir[side]
	if !d.told || int32(ack-d.acked) > 0 && int32(ack-d.acked) <= maxReach {
		d.acked, d.told = ack, true
	}
	for a := d.ahead; a != nil && a.n > 0; a = d.ahead {
		// Only before something that was acknowledged too: the two sides may have been
		// captured in another order than they spoke.
		if int32(ack-a.parts[0].seq) <= 0 {
			return
		}
		t.giveUp(e, side)
	}
}

// early keeps a segment that came before its turn. Of what overlaps, the bytes
// that came first stay.
func (t *table) early(e *entry, side int, seq uint32, data []byte, wire uint32, at int64) {
	d := &e.dir[side]
	a := d.ahead
	if a == nil {
		a = t.newAhead()
		d.ahead = a
	}
	for i := 0; wire > 0; i++ {
		if i == a.n || int32(seq+wire-a.parts[i].seq) <= 0 { // all of it lies before part i
			t.insert(e, side, i, seq, data, wire, at)
			break
		}
		p := &a.parts[i]
		if before := int32(p.seq - seq); before > 0 {
			n := uint32(before)
			t.insert(e, side, i, seq, data[:min(int(n), len(data))], n, at)
			if d.ahead != a || i >= a.n {
				return // there was no room, and what waited went its way
			}
			seq, wire, data = seq+n, wire-n, data[min(int(n), len(data)):]
			continue // the next one is the part that was at i
		}
		if over := int32(p.seq + p.size - seq); over > 0 {
			n := min(uint32(over), wire)
			t.stats.Repeated += uint64(n)
			seq, wire, data = seq+n, wire-n, data[min(int(n), len(data)):]
		}
	}
	for d.ahead == a && a.n > 0 && (a.n > maxAhead-2 || a.bytes > dissect.Window) {
		t.giveUp(e, side)
	}
}

// insert puts a part at a place of the list.
func (t *table) insert(e *entry, side, i int, seq uint32, data []byte, wire uint32, at int64) {
	d := &e.dir[side]
	a := d.ahead
	p := part{seq: seq, size: wire, at: at}
	if e.phase == ignoring || d.done {
		data = nil
		if i > 0 && a.parts[i-1].w == nil && a.parts[i-1].seq+a.parts[i-1].size == seq {
			a.parts[i-1].size += wire // of numbers only one range is kept
			return
		}
	}
	if len(data) > 0 {
		if p.w = t.pool.get(len(data)); p.w != nil {
			p.w.b = append(p.w.b, data...)
			a.bytes += len(data)
		} else {
			t.stats.NoRoom++
		}
	}
	copy(a.parts[i+1:a.n+1], a.parts[i:a.n])
	a.parts[i] = p
	a.n++
}

// drain delivers what has its turn now.
func (t *table) drain(e *entry, side int) {
	d := &e.dir[side]
	for d.ahead != nil {
		p := d.ahead.parts[0]
		if d.ahead.n == 0 || int32(p.seq-d.next) > 0 {
			break
		}
		t.shift(d)
		old := min(d.next-p.seq, p.size)
		t.stats.Repeated += uint64(old)
		d.next += p.size - old
		t.handOver(e, side, p, old)
	}
}

// handOver delivers a part but for its first bytes, and overwrites it.
func (t *table) handOver(e *entry, side int, p part, old uint32) {
	var data []byte
	if p.w != nil {
		data = p.w.b[min(int(old), len(p.w.b)):]
	}
	if p.size > old {
		t.deliver(e, side, p.at, data, p.size-old)
	}
	if p.w != nil {
		t.pool.put(p.w)
	}
}

// giveUp counts the bytes before the first part as lost, and delivers it.
func (t *table) giveUp(e *entry, side int) {
	d := &e.dir[side]
	if lost := d.ahead.parts[0].seq - d.next; int32(lost) > 0 {
		d.next += lost
		t.lose(e, side, uint64(lost))
	}
	t.drain(e, side)
}

// shift takes the first part off the list.
func (t *table) shift(d *direction) {
	a := d.ahead
	if p := &a.parts[0]; p.w != nil {
		a.bytes -= len(p.w.b)
	}
	copy(a.parts[:], a.parts[1:a.n])
	a.n--
	a.parts[a.n] = part{}
	if a.n == 0 {
		d.ahead = nil
		t.spareAhead = append(t.spareAhead, a)
	}
}

func (t *table) newAhead() *ahead {
	if n := len(t.spareAhead); n > 0 {
		a := t.spareAhead[n-1]
		t.spareAhead = t.spareAhead[:n-1]
		return a
	}
	return new(ahead)
}

// settle ends the reading of an entry: what waits is delivered with the gaps
// before it, who reads is told, and everything held is overwritten.
func (t *table) settle(e *entry) {
	e.rec.Flags = e.flags
	for side := range e.dir {
		d := &e.dir[side]
		for d.ahead != nil {
			t.giveUp(e, side)
		}
		// What the other side acknowledged was sent, also if nothing came after it. A
		// FIN has a number too.
		if missing := int32(d.acked - d.next); d.told && d.known && missing > 0 && missing <= maxReach {
			if d.fin {
				missing--
			}
			if missing > 0 {
				t.lose(e, side, uint64(missing))
			}
			d.next = d.acked
		}
	}
	if e.stream != nil {
		e.stream.End()
		e.stream = nil
	}
	e.udp.End()
	for side := range e.dir {
		t.forget(&e.dir[side])
	}
}

// forget overwrites what a direction holds.
func (t *table) forget(d *direction) {
	if d.buf != nil {
		t.pool.put(d.buf)
		d.buf = nil
	}
}

// lose counts bytes that were never seen, and tells who reads.
func (t *table) lose(e *entry, side int, n uint64) {
	e.rec.Lost[side] += n
	t.stats.Lost += n
	t.pass(e, side, n)
}

// pass goes over bytes that nobody can look at: lost, or not captured, or let go
// because there was no room.
func (t *table) pass(e *entry, side int, n uint64) {
	d := &e.dir[side]
	passed := min(d.skip, n)
	d.skip -= passed
	if n -= passed; n == 0 || d.done {
		return
	}
	t.missed(e, side, n)
}

// missed tells who reads that n bytes are missing. Bytes left for later cannot
// be told apart from what follows any more, so they go.
func (t *table) missed(e *entry, side int, n uint64) {
	t.forget(&e.dir[side])
	if e.phase == following {
		e.stream.Lost(side, n)
	}
}
