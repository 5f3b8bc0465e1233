package evtx

import (
	"hash/crc32"

	"noroshi/internal/engine/event"
)

// Options say how a [Decoder] works. The zero Options are those of a scan.
type Options struct {
	Names  *event.Names // shared with rules and other readers; nil for ones of its own
	Slack  bool         // look for old records in the unused end of chunks too
	Native bool         // GUIDs in braces and times with 7 digits of a second, as Windows shows them
}

// Decoder turns chunks into rows. It is for one worker: chunks do not need each
// other, but a decoder keeps its memory and the names it learned.
type Decoder struct {
	opts   Options
	naming *naming
	damage []Damage

	// of the chunk
	chunk     []byte
	offset    int64
	age       uint64
	slots     [slots]slot
	names     [slots]nameSlot
	templates []*template // used ones first
	used      int
	once      [maxNested + 1]template // of elements without a template, by depth
	moved     []byte                  // a chunk whose first sectors are lost
	kept      map[place]*template     // of this and other chunks
	keptBytes int
	steps     int // left for the chunk
	text      int // left for the chunk, in bytes

	// of the record
	record  record
	budget  int // steps left
	room    int // text left, in bytes
	values  []value
	opens   []open
	scratch []byte
	named   event.Name // of the last opName
	shadow  bool       // the payload uses a name of System
	bad     bool       // a value had a size that its type cannot have

	second uint64   // since 1601, of the clock
	clock  [20]byte // 2006-01-02T15:04:05.
}

// nameSlot remembers the element name at a place of the chunk.
type nameSlot struct {
	age  uint64
	off  uint32
	elem uint32
}

// record is what the header of a record says.
type record struct {
	pos, size int // in the chunk
	id        uint64
	written   uint64 // FILETIME
}

// NewDecoder returns a decoder for one worker.
func NewDecoder(o Options) *Decoder {
	if o.Names == nil {
		o.Names = event.NewNames()
	}
	d := &Decoder{opts: o, naming: newNaming(o.Names)}
	d.forget()
	return d
}

// Chunk fills row with one record of a chunk after the other and hands it to
// yield; row is reset each time and keeps its Source. The chunk may be shorter
// than [ChunkSize] and damaged in any way; offset is its place in the file.
// Records found outside of the listing, and those that could be read only in
// part, are marked as carved. The damage is valid until the next call. The
// error is that of yield, which ends the work.
func (d *Decoder) Chunk(row *event.Row, chunk []byte, offset int64, yield func(*event.Row) error) ([]Damage, error) {
	d.chunk, d.offset = chunk[:min(len(chunk), ChunkSize)], offset
	d.age++
	d.used, d.steps, d.text, d.damage = 0, chunkSteps, chunkText, d.damage[:0]
	if d.naming.isFull() {
		d.naming.forget()
		d.forget()
	}
	limit, listed := d.header()
	var err error
	if listed {
		limit, err = d.listed(row, limit, yield)
	} else {
		d.align()
		limit = len(d.chunk)
		err = d.carve(row, 0, limit, yield)
	}
	if err == nil && d.opts.Slack {
		err = d.carve(row, limit, len(d.chunk), yield)
	}
	d.chunk = nil
	return d.damage, err
}

// header checks the header of the chunk. It returns where records end, and
// whether there is a listing of records at all.
func (d *Decoder) header() (limit int, listed bool) {
	b := d.chunk
	if len(b) < chunkHead || !hasSign(b, 0, chunkSign) {
		d.report(0, len(b), ChunkHeader)
		return 0, false
	}
	checked := le.Uint32(b[120:])&flagNoChecksum == 0
	if checked && headerSum(b) != le.Uint32(b[124:]) {
		d.report(0, chunkHead, ChunkChecksum)
	}
	limit = freeSpace(b)
	switch {
	case len(b) < ChunkSize:
		d.report(len(b), ChunkSize-len(b), ChunkTruncated)
		if limit == 0 || limit > len(b) {
			limit = len(b)
		}
	case limit == 0:
		d.report(48, 4, ChunkHeader)
		limit = len(b)
	case checked && crc32.ChecksumIEEE(b[chunkHead:limit]) != le.Uint32(b[52:]):
		d.report(chunkHead, limit-chunkHead, RecordsChecksum)
	}
	return limit, true
}

// listed reads the records from the header on, one after the other. It returns
// where the last one ends.
func (d *Decoder) listed(row *event.Row, limit int, yield func(*event.Row) error) (int, error) {
	pos, last := chunkHead, uint64(0)
	for d.steps > 0 {
		// A log that was copied while it was written may have one record more than
		// its header says: it has the next number.
		r, reason := d.recordAt(pos)
		if pos >= limit && (reason != None || last == 0 || r.id != last+1) {
			return pos, nil
		}
		if reason == RecordSize && pos+r.size < limit && hasSign(d.chunk, pos+r.size, recordSign) {
			d.report(pos, r.size, RecordSize)
			reason = None
		}
		if reason != None {
			if isZero(d.chunk[pos:limit]) && limit == len(d.chunk) {
				return pos, nil
			}
			d.report(pos, 0, reason)
			from := len(d.damage) - 1
			first, err := d.carveFrom(row, pos+1, limit, yield)
			d.damage[from].Length = int64(first - pos)
			return limit, err
		}
		if err := d.yield(row, r, false, yield); err != nil {
			return pos, err
		}
		pos, last = pos+r.size, r.id
	}
	d.report(pos, limit-pos, TooMuch)
	return limit, nil
}

// recordAt reads the header of the record at pos: signature, size, number,
// time, and after the binary XML the size again.
func (d *Decoder) recordAt(pos int) (record, Reason) {
	b := d.chunk[min(pos, len(d.chunk)):]
	if len(b) < recordHead+4 || !hasSign(b, 0, recordSign) {
		return record{}, RecordHeader
	}
	size := le.Uint32(b[4:])
	if size < recordHead+4 || int64(size) > int64(len(b)) {
		return record{}, RecordHeader
	}
	r := record{pos, int(size), le.Uint64(b[8:]), le.Uint64(b[16:])}
	if le.Uint32(b[size-4:]) != size {
		return r, RecordSize
	}
	return r, None
}

// yield decodes a record and hands it over, unless nothing of it could be read.
func (d *Decoder) yield(row *event.Row, r record, carved bool, yield func(*event.Row) error) error {
	row.Reset()
	row.Record, row.Offset, row.Carved = r.id, d.offset+int64(r.pos), carved
	row.Time = unixNano(r.written)
	d.record = r
	d.budget, d.room = min(recordSteps, d.steps), min(recordText, d.text)
	budget, room := d.budget, d.room
	d.named, d.shadow, d.bad = 0, false, false
	reason := d.fragment(row, r.pos+recordHead, r.pos+r.size-4, 0, 0)
	d.steps -= budget - d.budget + 1
	d.text -= room - d.room
	if d.shadow {
		d.unshadow(row)
	}
	if reason == None && d.bad {
		reason = BadValue
	} else if reason != None {
		row.Carved = true
	}
	if reason != None {
		d.report(r.pos, r.size, reason)
		d.damage[len(d.damage)-1].Record = r.id
	}
	if len(row.Fields) == 0 {
		return nil
	}
	return yield(row)
}

// unshadow gives the fields of System whose plain name the payload uses their
// dotted path.
func (d *Decoder) unshadow(row *event.Row) {
	n := d.naming
	for s := routingFields; s < len(n.system); s++ {
		first := row.Find(n.system[s])
		if first < 0 {
			continue
		}
		for i := first + 1; i < len(row.Fields); i++ {
			if row.Fields[i].Name == n.system[s] {
				row.Fields[first].Name = n.dotted[s]
				break
			}
		}
	}
}

// name reads a reference to an element's or attribute's name. A name that
// stands right behind its first reference is part of it. It returns the place
// after both.
func (d *Decoder) name(pos, end int) (elem uint32, next int, ok bool) {
	if pos+4 > end {
		return 0, pos, false
	}
	off := le.Uint32(d.chunk[pos:])
	next = pos + 4
	if off < chunkHead || int64(off)+10 > int64(len(d.chunk)) {
		return 0, pos, false
	}
	at := int(off)
	size := 8 + 2*int(le.Uint16(d.chunk[at+6:])) // next name, hash, length, text
	if at == next {
		next += size + 2
	}
	if next > end || at+size > len(d.chunk) || size == 8 {
		return 0, pos, false
	}
	s := &d.names[off*0x9E3779B1>>22%slots]
	if s.age != d.age || s.off != off {
		d.scratch = appendUTF16(d.scratch[:0], d.chunk[at+8:at+size])
		*s = nameSlot{d.age, off, d.naming.elem(d.scratch)}
	}
	return s.elem, next, true
}

func (d *Decoder) report(pos, length int, reason Reason) {
	d.damage = append(d.damage, Damage{Offset: d.offset + int64(pos), Length: int64(length), Reason: reason})
}

// spend takes steps from the budget of the record.
func (d *Decoder) spend(steps int) bool {
	d.budget -= steps
	return d.budget > 0
}
