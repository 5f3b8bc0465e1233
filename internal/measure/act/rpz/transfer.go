package rpz

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/names"
)

// maxMessage is how long one message of a transfer gets, of the 65,535 bytes
// that TCP allows.
const maxMessage = 60_000

// transfer writes the messages of one answer, one after the other, in one buffer.
type transfer struct {
	r    *request
	l    *layout
	send func(msg []byte) error
	buf  []byte
	n    int // records in buf
	err  error
}

// reply answers a question about the zone: with messages for send, at least one.
func (z *zone) reply(r *request, send func(msg []byte) error) error {
	v := z.serving.Load()
	if v == nil {
		return send(r.finish(r.head(nil, 0, dns.RcodeServerFailure)))
	}
	t := &transfer{r: r, l: z.layouts[r.zone], send: send}
	now := v.zones[r.zone]
	soa := t.l.soa(now.serial)
	t.one(soa)
	switch {
	case r.kind == typeSOA, r.kind == typeIXFR && !newer(now.serial, r.serial):
	case r.kind == typeIXFR:
		if steps, ok := now.since(r.serial); ok {
			t.steps(steps)
		} else {
			t.all(v)
		}
		t.one(soa)
	default:
		t.all(v)
		t.one(soa)
	}
	t.flush()
	return t.err
}

// steps writes the differences (RFC 1995 §4).
func (t *transfer) steps(steps []*step) {
	for _, s := range steps {
		t.one(t.l.soa(s.from))
		t.many(s.removed)
		t.one(t.l.soa(s.to))
		t.many(s.added)
	}
}

// all writes the zone without its SOA (RFC 5936 §2.2).
func (t *transfer) all(v *version) {
	t.one(t.l.ns)
	t.many(t.l.probed(nil, v.zones[t.r.zone].serial))
	v.each(t.r.zone, func(name []byte, e names.Effect) bool {
		t.name(name, false, e.Here)
		t.name(name, true, e.Below)
		return t.err == nil
	})
}

func (t *transfer) name(name []byte, below bool, rank names.Rank) {
	for _, tail := range t.l.ranks[rank].wire {
		t.room(len(name) + 6 + len(tail))
		t.buf = append(owner(t.buf, name, below), tail...)
		t.n++
	}
}

func (t *transfer) one(record []byte) {
	t.room(len(record))
	t.buf = append(t.buf, record...)
	t.n++
}

func (t *transfer) many(records []byte) {
	for len(records) > 0 && t.err == nil {
		n := recordLen(records)
		t.one(records[:n])
		records = records[n:]
	}
}

// room makes place for a record, in this message or in the next.
func (t *transfer) room(n int) {
	if t.n > 0 && len(t.buf)+n+t.r.room() > maxMessage {
		t.flush()
	}
	if len(t.buf) == 0 {
		t.buf = t.r.head(t.buf, 0, dns.RcodeSuccess)
	}
}

// flush sends the message.
func (t *transfer) flush() {
	if t.err == nil && t.n > 0 {
		binary.BigEndian.PutUint16(t.buf[6:], uint16(t.n))
		t.buf = t.r.finish(t.buf)
		t.err = t.send(t.buf)
	}
	t.buf, t.n = t.buf[:0], 0
}
