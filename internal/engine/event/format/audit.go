package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

var auditLog = event.Log{Product: "linux", Service: "auditd"}

// The bounds within which records of one event are joined.
const (
	auditSpan = 5e9  // nanoseconds of the records' own time
	auditOpen = 1024 // events that wait for more records
)

// auditLine is one record: node=… type=… msg=audit(time:serial): body.
type auditLine struct {
	node, kind, body []byte
	time             int64 // nanoseconds since 1970
	serial           uint64
	at               int    // its place in the block
	record           uint64 // its number
}

// auditHead reads what stands before the body.
func auditHead(b []byte) (h auditLine, ok bool) {
	if rest, found := bytes.CutPrefix(b, []byte("node=")); found {
		h.node = firstWord(rest)
		b = rest[min(len(h.node)+1, len(rest)):]
	}
	rest, found := bytes.CutPrefix(b, []byte("type="))
	if !found {
		return h, false
	}
	h.kind = firstWord(rest)
	rest, found = bytes.CutPrefix(rest[len(h.kind):], []byte(" msg=audit("))
	if !found {
		return h, false
	}
	sec, n, ok := digits(rest, 10)
	if !ok || n >= len(rest) || rest[n] != '.' {
		return h, false
	}
	nano, m := fraction(rest[n+1:])
	rest = rest[n+1+m:]
	if m == 0 || len(rest) == 0 || rest[0] != ':' {
		return h, false
	}
	h.serial, n, ok = digits(rest[1:], 20)
	rest = rest[1+n:]
	if !ok || len(rest) == 0 || rest[0] != ')' {
		return h, false
	}
	h.time = int64(sec)*1e9 + int64(nano)
	h.body = bytes.TrimLeft(rest[1:], ": ")
	return h, true
}

// ends reports whether no record follows this one in its event: the mark of the
// end, the title that the kernel writes last, and all that programs send
// themselves, which is always alone.
func (h *auditLine) ends() bool {
	switch string(h.kind) {
	case "EOE", "PROCTITLE", "KERNEL", "TEST", "LABEL_OVERRIDE", "TRUSTED_APP", "SOFTWARE_UPDATE", "CHGRP_ID", "CHUSER_ID":
		return true
	}
	return hasAny(h.kind, "USER", "CRED_", "SERVICE_", "DAEMON_", "SYSTEM_", "ACCT_", "ADD_", "DEL_", "GRP_", "CRYPTO_",
		"ROLE_", "VIRT_", "ANOM_LOGIN", "RESP_")
}

// auditEvent is an event that waits for more records.
type auditEvent struct{ lines []auditLine }

func (e *auditEvent) is(h *auditLine) bool {
	first := &e.lines[0]
	return first.serial == h.serial && first.time == h.time && bytes.Equal(first.node, h.node)
}

// auditWindow joins records. An event is complete when a record says so, when
// one comes that is more than auditSpan newer, and when auditOpen others wait.
type auditWindow struct {
	open []*auditEvent // in the order of their first records
	free []*auditEvent
}

// maxLines bounds the records of one event; the rest begins another.
const maxLines = 4096

// see takes a record. Done is called with events that are complete and may not
// keep them.
func (w *auditWindow) see(h auditLine, done func(*auditEvent) error) error {
	for len(w.open) > 0 && (h.time-w.open[0].lines[0].time > auditSpan || len(w.open) >= auditOpen) {
		if err := w.close(0, done); err != nil {
			return err
		}
	}
	at := len(w.open) - 1
	for at >= 0 && !w.open[at].is(&h) {
		at--
	}
	if at < 0 {
		if string(h.kind) == "EOE" { // of an event that was complete before
			return nil
		}
		at = len(w.open)
		w.open = append(w.open, w.fresh())
	}
	e := w.open[at]
	e.lines = append(e.lines, h)
	if h.ends() || len(e.lines) >= maxLines {
		return w.close(at, done)
	}
	return nil
}

func (w *auditWindow) fresh() *auditEvent {
	if n := len(w.free); n > 0 {
		e := w.free[n-1]
		w.free = w.free[:n-1]
		e.lines = e.lines[:0]
		return e
	}
	return &auditEvent{}
}

func (w *auditWindow) close(at int, done func(*auditEvent) error) error {
	e := w.open[at]
	w.open = append(w.open[:at], w.open[at+1:]...)
	w.free = append(w.free, e)
	if done == nil {
		return nil
	}
	return done(e)
}

// auditReader makes a row of all records of an event.
type auditReader struct {
	window auditWindow
	record *auditRecord
	damage []Damage
	emit   func(*auditEvent) error

	base  int64
	row   *event.Row
	yield func(*event.Row) error
}

func newAuditReader(o Options) *auditReader {
	r := &auditReader{record: newAuditRecord(newVocabulary(o))}
	r.emit = r.event // made once: a method value allocates
	return r
}

func (r *auditReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	r.damage = append(r.damage[:0], b.Damage...)
	r.base, r.row, r.yield = b.Offset, row, yield
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, next := b.Data[at:], len(b.Data)
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line, next = line[:n], at+n+1
		}
		if line = trim(line); len(line) > 0 {
			h, ok := auditHead(line)
			if !ok {
				r.damage = hurt(r.damage, Damage{b.Offset + int64(at), record, int64(next - at), Broken})
			} else {
				h.at, h.record = at, record
				if err := r.window.see(h, r.emit); err != nil {
					r.window.open = r.window.open[:0]
					return r.damage, err
				}
			}
		}
		at = next
	}
	for len(r.window.open) > 0 {
		if err := r.window.close(0, r.emit); err != nil {
			r.window.open = r.window.open[:0]
			return r.damage, err
		}
	}
	return r.damage, nil
}

func (r *auditReader) event(e *auditEvent) error {
	r.row.Reset()
	first := &e.lines[0]
	r.row.Log, r.row.Time = auditLog, first.time
	r.row.Record, r.row.Offset = first.record, r.base+int64(first.at)
	r.record.begin()
	for i := range e.lines {
		if string(e.lines[i].kind) == "EXECVE" {
			r.record.exec = true
		}
	}
	for i := range e.lines {
		r.record.add(r.row, e.lines[i])
	}
	r.record.end(r.row)
	r.damage = wide(r.damage, r.row)
	return r.yield(r.row)
}

// auditCutter cuts where no event waits for more records, so that none is
// divided between blocks.
type auditCutter struct {
	lineCutter
	window auditWindow
}

// maxWait is how much is looked through, in bytes, for a place where no event
// waits; a log that has none is cut anywhere.
const maxWait = 8 << 20

func (c *auditCutter) cut(have []byte, last bool) cut {
	if last {
		return c.lineCutter.cut(have, last)
	}
	w := &c.window
	w.free = append(w.free, w.open...)
	w.open = w.open[:0]
	var out cut
	var lines uint64
	for at := 0; ; {
		n := bytes.IndexByte(have[at:], '\n')
		if n < 0 {
			break
		}
		if h, ok := auditHead(trim(have[at : at+n])); ok {
			// Before the record and after it are two places to cut.
			for len(w.open) > 0 && h.time-w.open[0].lines[0].time > auditSpan {
				w.close(0, nil)
			}
			if len(w.open) == 0 && at > 0 {
				out.Take, out.Records = at, lines
			}
			w.see(h, nil)
		}
		at, lines = at+n+1, lines+1
		if len(w.open) == 0 {
			out.Take, out.Records = at, lines
		}
	}
	if out.Take == 0 && len(have) >= maxWait {
		return c.lineCutter.cut(have, last)
	}
	return out
}
