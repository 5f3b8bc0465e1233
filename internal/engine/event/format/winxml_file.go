package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// xmlReader reads files of events: one after the other, in an <Events>, with
// or without line ends and what tools print between them.
type xmlReader struct {
	event  *xmlEvent
	damage []Damage
}

func newXMLReader(o Options) *xmlReader { return &xmlReader{event: newXMLEvent(o)} }

func (x *xmlReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	x.damage = append(x.damage[:0], b.Damage...)
	for at, record := 0, b.First; ; record++ {
		start := xmlStart(b.Data[at:])
		if start < 0 {
			return x.damage, nil
		}
		at += start
		row.Reset()
		row.Log, row.Record, row.Offset = event.Log{}, record, b.Offset+int64(at)
		end := xmlEnd(b.Data[at:])
		if end < 0 {
			end = len(b.Data) - at
		}
		if _, ok := x.event.read(row, b.Data[at:at+end]); !ok {
			x.damage = hurt(x.damage, Damage{row.Offset, record, int64(end), Broken})
		} else {
			x.damage = wide(x.damage, row)
			if err := yield(row); err != nil {
				return x.damage, err
			}
		}
		at += end
	}
}

// xmlStart returns where the next <Event> begins, -1 if none does.
func xmlStart(b []byte) int {
	for at := 0; ; {
		n := bytes.Index(b[at:], []byte("<Event"))
		if n < 0 {
			return -1
		}
		at += n
		if at+6 < len(b) && (b[at+6] == ' ' || b[at+6] == '>' || b[at+6] == '\r' || b[at+6] == '\n' || b[at+6] == '\t') {
			return at
		}
		at += 6
	}
}

// xmlEnd returns the length of the event at the start of b, -1 if it does not
// end. An event whose end is missing ends where the next begins, and no more
// than that is looked at.
func xmlEnd(b []byte) int {
	limit := len(b)
	next := xmlStart(b[min(6, limit):])
	if next >= 0 {
		limit = next + 6
	}
	if end := bytes.Index(b[:limit], []byte("</Event>")); end >= 0 {
		return end + len("</Event>")
	}
	if next < 0 {
		return -1
	}
	return limit
}

// xmlCutter divides events.
type xmlCutter struct{}

func (*xmlCutter) cut(have []byte, last bool) (out cut) {
	for {
		start := xmlStart(have[out.Take:])
		if start < 0 {
			if last {
				out.Take = len(have)
			}
			break
		}
		end := xmlEnd(have[out.Take+start:])
		if end < 0 && !last {
			break
		}
		out.Records++
		if end < 0 {
			out.Take = len(have)
			break
		}
		out.Take += start + end
	}
	if out.Take == 0 && xmlStart(have) < 0 && !last && len(have) > 16 {
		out.Skip = len(have) - 8 // nothing here but what stands between events
	}
	return out
}

func (*xmlCutter) skip(have []byte) (int, bool) {
	if n := xmlStart(have[min(6, len(have)):]); n >= 0 {
		return n + 6, true
	}
	return max(len(have)-8, min(len(have), 1)), false
}
