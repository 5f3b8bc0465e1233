package flow

import (
	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/record"
)

// deliver takes bytes of one direction in their order: wire of them, of which
// the first were captured.
func (t *table) deliver(e *entry, side int, at int64, data []byte, wire uint32) {
	e.rec.Payload[side] += uint64(wire)
	d := &e.dir[side]
	if e.phase == ignoring || d.done {
		return
	}
	cut := wire - uint32(len(data))
	if d.skip > 0 {
		n := min(d.skip, uint64(len(data)))
		d.skip -= n
		data = data[n:]
	}
	if len(data) > 0 {
		if e.phase == unknown {
			t.ask(e, side, at, data)
		} else {
			t.show(e, side, at, data)
		}
	}
	if cut > 0 {
		t.pass(e, side, uint64(cut))
	}
}

// ask looks for what is spoken, and begins to follow it.
func (t *table) ask(e *entry, side int, at int64, data []byte) {
	d := &e.dir[side]
	if d.buf != nil {
		if !t.keep(d, at, data) {
			t.ignore(e)
			return
		}
		data = d.buf.b
	}
	s, ok := dissect.Start(side, data, record.Facts{Record: &e.rec, Naming: t.naming})
	switch {
	case s != nil:
		e.stream, e.phase = s, following
		if other := 1 - side; e.dir[other].buf != nil {
			t.again(e, other)
		}
		if d.buf != nil {
			t.again(e, side)
		} else {
			t.show(e, side, at, data)
		}
	case ok:
		t.ignore(e)
	case d.buf == nil && !t.keep(d, at, data):
		t.ignore(e)
	}
}

// ignore stops looking at the payload of an entry for good.
func (t *table) ignore(e *entry) {
	e.phase = ignoring
	for side := range e.dir {
		t.forget(&e.dir[side])
	}
}

// again shows what was held while nobody read.
func (t *table) again(e *entry, side int) {
	d := &e.dir[side]
	held := d.buf
	d.buf = nil
	t.show(e, side, held.at, held.b)
	t.pool.put(held)
}

// show lets the dissector read bytes, without a copy where it left none before,
// and keeps what it leaves.
func (t *table) show(e *entry, side int, at int64, data []byte) {
	d := &e.dir[side]
	for len(data) > 0 && !d.done {
		seen := data
		if d.buf != nil {
			n := min(dissect.Window-len(d.buf.b), len(data))
			if n <= 0 || !t.keep(d, at, data[:n]) {
				t.close(e, side)
				return
			}
			seen, data = d.buf.b, data[n:]
		} else {
			data = nil
		}
		n := e.stream.Data(side, at, seen)
		switch {
		case n < 0:
			t.close(e, side)
		case n >= len(seen):
			t.forget(d)
			skip := n - len(seen)
			passed := min(skip, len(data))
			d.skip, data = uint64(skip-passed), data[passed:]
		case d.buf != nil:
			d.buf.cut(n)
		case len(seen)-n > dissect.Window || !t.keep(d, at, seen[n:]):
			t.close(e, side)
		}
	}
}

// keep appends bytes to what is held of a direction; false when there is no
// room for them.
func (t *table) keep(d *direction, at int64, data []byte) bool {
	if d.buf == nil {
		if d.buf = t.pool.get(len(data)); d.buf == nil {
			t.stats.NoRoom++
			return false
		}
	} else {
		bigger := t.pool.grow(d.buf, len(d.buf.b)+len(data))
		if bigger == nil {
			t.stats.NoRoom++
			return false
		}
		d.buf = bigger
	}
	d.buf.b = append(d.buf.b, data...)
	d.buf.at = at
	return true
}

// close stops showing a direction.
func (t *table) close(e *entry, side int) {
	d := &e.dir[side]
	d.done, d.skip = true, 0
	t.forget(d)
}
