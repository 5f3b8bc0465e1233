package evtx

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// The years in which a record that is found without a listing may have been
// written: Windows has this format since 2006, and clocks are wrong by years.
const (
	ticks1990 = 122760000000000000
	ticks2100 = 157469184000000000
)

// carve looks for records between from and limit by their signature.
func (d *Decoder) carve(row *event.Row, from, limit int, yield func(*event.Row) error) error {
	_, err := d.carveFrom(row, from, limit, yield)
	return err
}

// carveFrom is carve; it returns where the first record was found, limit if
// there is none.
func (d *Decoder) carveFrom(row *event.Row, pos, limit int, yield func(*event.Row) error) (first int, err error) {
	first = limit
	for pos < limit {
		if d.steps <= 0 {
			d.report(pos, limit-pos, TooMuch)
			return first, nil
		}
		d.steps--
		i := bytes.Index(d.chunk[pos:limit], []byte(recordSign))
		if i < 0 {
			return first, nil
		}
		pos += i
		r, reason := d.recordAt(pos)
		if reason != None || pos+r.size > limit || !d.isPlausible(r) {
			pos += len(recordSign)
			continue
		}
		first = min(first, pos)
		if err := d.yield(row, r, true, yield); err != nil {
			return first, err
		}
		pos += r.size
	}
	return first, nil
}

// isPlausible reports whether a record that only looks like one may be one.
func (d *Decoder) isPlausible(r record) bool {
	return r.written > ticks1990 && r.written < ticks2100 && r.size > recordHead+8 && d.chunk[r.pos+recordHead] == tokenFragment
}

// align moves a chunk without header to where its references are right. Its
// first sectors may be lost, or others stand before them: a definition that
// follows its first use, as its GUID shows, tells its true place.
func (d *Decoder) align() {
	b := d.chunk
	for pos := 0; ; pos++ {
		i := bytes.Index(b[pos:], []byte(recordSign))
		pos += i
		use := pos + recordHead + 4 // behind the signature of the fragment
		if i < 0 || use+18 > len(b) {
			return
		}
		if b[use] != tokenTemplate || le.Uint32(b[use+2:]) != le.Uint32(b[use+14:]) {
			continue
		}
		by := int64(le.Uint32(b[use+6:])) - int64(use+10)
		if by == 0 || by < -int64(len(b)) || by+int64(len(b)) > ChunkSize {
			return
		}
		d.offset -= by
		if by < 0 {
			d.chunk = b[-by:]
			return
		}
		d.moved = append(d.moved[:0], make([]byte, by)...)
		d.moved = append(d.moved, b...)
		d.chunk = d.moved
		return
	}
}
