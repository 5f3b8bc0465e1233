package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// jsonReader decodes blocks of JSON: objects that stand one after the other,
// with white space, commas and brackets between them.
type jsonReader struct {
	scan   scan
	lines  bool // records end with their lines, and have their numbers
	damage []Damage
	kept   []nested      // of the records inside records that are being read
	parent []event.Field // what stands beside such a list, not yet named
}

func newJSONReader(o Options, lines bool) *jsonReader {
	return &jsonReader{scan: scan{shape: newShaper(o)}, lines: lines}
}

func (r *jsonReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	s := &r.scan
	r.damage = append(r.damage[:0], b.Damage...)
	s.b, s.p = b.Data, 0
	for record, counted := b.First, 0; ; {
		s.p = r.between(s.p)
		if s.p >= len(s.b) {
			return r.damage, nil
		}
		if r.lines {
			record += uint64(bytes.Count(s.b[counted:s.p], []byte{'\n'}))
			counted = s.p
		}
		from := s.p
		events := uint64(1)
		if s.b[from] != '{' {
			s.flaw = [reasons]bool{}
			r.broken(b, from, record)
		} else {
			n, whole, err := r.event(b, row, record, yield)
			if err != nil {
				return r.damage, err
			}
			if !whole {
				r.broken(b, from, record)
			}
			events = max(n, 1)
		}
		if !r.lines {
			record += events
		}
		if s.shape.full() {
			s.shape.forget()
		}
	}
}

// between passes over what stands between records.
func (r *jsonReader) between(p int) int {
	b := r.scan.b
	for {
		p = skipBetween(b, p)
		if !r.lines || p == len(b) || b[p] != '[' && b[p] != ']' {
			return p
		}
		p++
	}
}

// event reads the object at hand as one event, and those nested in it as events
// after it. It reports how many there were, and whether the object was whole.
func (r *jsonReader) event(b *Block, row *event.Row, record uint64, yield func(*event.Row) error) (events uint64, whole bool, err error) {
	s := &r.scan
	from := s.p
	s.begin(row)
	s.p++
	if !s.object(s.shape.root, 1) {
		return 0, false, nil
	}
	end := s.p
	if len(s.held) > 0 && s.shape.isPlain(s.marks) {
		s.unfold()
	}
	r.flaws(b, from, record)
	row.Reset()
	row.Record, row.Offset = record, b.Offset+int64(from)
	lists := len(r.kept)
	r.kept = append(r.kept, s.nested...)
	shared := len(s.nested) > 0 && !s.nested[0].node.tree
	if shared {
		r.parent = append(r.parent[:0], s.fields...)
	}
	text, marks := s.w, s.marks
	if !r.named(s.fields, row) {
		r.note(Damage{Offset: row.Offset, Record: record, Reason: Wide})
	}
	if s.shape.twice {
		r.note(Damage{Offset: row.Offset, Record: record, Reason: Twice})
	}
	if shared {
		events, err = 1, r.each(row, text, marks, yield)
	} else if err = yield(row); err == nil {
		events, err = r.children(b, row, record, lists, yield)
		events++
	}
	r.kept = r.kept[:lists]
	s.p = end
	return events, true, err
}

func (r *jsonReader) named(fields []event.Field, row *event.Row) bool {
	s := &r.scan
	return s.shape.finish(row, fields, s.text[:s.w], s.marks)
}

// children reads the objects of the lists kept from lists on, each an event of
// its own: the children of a process in a tree.
func (r *jsonReader) children(b *Block, row *event.Row, record uint64, lists int, yield func(*event.Row) error) (events uint64, err error) {
	s := &r.scan
	if lists > maxDepth && len(r.kept) > lists {
		r.note(Damage{Offset: row.Offset, Record: record, Reason: Deep})
		return 0, nil
	}
	for i := lists; i < len(r.kept); i++ {
		for s.p = r.kept[i].from + 1; ; {
			s.p = skipBetween(s.b, s.p)
			if s.p >= r.kept[i].to || s.b[s.p] != '{' {
				break
			}
			from := s.p
			n, whole, err := r.event(b, row, record+1+events, yield)
			if err != nil {
				return events, err
			}
			if !whole {
				r.broken(b, from, record)
				break
			}
			events += n
		}
	}
	return events, nil
}

// maxShared bounds how often what stands beside a list is told again: fields,
// and sixteenths of their bytes, over all events of the list.
const maxShared = 1 << 24

// each reads the objects of the lists that were kept: each is an event together
// with what stands beside the list, which is the first part of the text.
func (r *jsonReader) each(row *event.Row, text int, m marks, yield func(*event.Row) error) error {
	s := &r.scan
	record, offset := row.Record, row.Offset
	work := maxShared
	for _, list := range r.kept {
		for s.p = list.from + 1; ; {
			s.p = skipBetween(s.b, s.p)
			if s.p >= list.to || s.b[s.p] != '{' {
				break
			}
			if work -= len(r.parent) + text/16; work < 0 {
				r.note(Damage{Offset: offset, Record: record, Reason: Wide})
				return nil
			}
			s.fields = append(row.Fields[:0], r.parent...)
			s.marks, s.nested = m, s.nested[:0]
			s.p++
			s.room(s.text, text)
			if !s.object(list.node, 2) {
				break
			}
			row.Reset()
			row.Record, row.Offset = record, offset
			r.named(s.fields, row)
			if err := yield(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// broken notes that the object from a place on cannot be read, and passes over
// it: to the next line, or to where its braces end.
func (r *jsonReader) broken(b *Block, from int, record uint64) {
	s := &r.scan
	reason, to := Broken, len(s.b)
	if s.flaw[Cut] {
		reason = Cut
	}
	if r.lines {
		if n := bytes.IndexByte(s.b[from:], '\n'); n >= 0 {
			to = from + n + 1
			reason = Broken
		}
	} else if s.b[from] != '{' {
		to = from + max(1, garbage(s.b[from:], true))
	} else {
		if n := valueEnd(s.b[from:]); n > 0 {
			to = from + n
		}
		if n := nextLine(s.b[from:to]); n > 0 {
			to = from + n // a brace or a quote is missing
		}
	}
	s.p = to
	r.note(Damage{Offset: b.Offset + int64(from), Record: record, Length: int64(to - from), Reason: reason})
}

// flaws notes what was left out of a record that was read.
func (r *jsonReader) flaws(b *Block, from int, record uint64) {
	for reason, is := range r.scan.flaw {
		if is {
			r.note(Damage{Offset: b.Offset + int64(from), Record: record, Reason: Reason(reason)})
		}
	}
}

// note appends damage. Broken records one after the other are one damage.
func (r *jsonReader) note(d Damage) {
	if n := len(r.damage); n > 0 && d.Length > 0 {
		if l := &r.damage[n-1]; l.Reason == d.Reason && l.Offset+l.Length == d.Offset && l.Length > 0 {
			l.Length += d.Length
			return
		}
	}
	r.damage = append(r.damage, d)
}
