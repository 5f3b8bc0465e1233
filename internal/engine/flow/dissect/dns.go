package dissect

import (
	"encoding/binary"
	"net/netip"

	"noroshi/internal/engine/flow/record"
)

// Sizes of DNS on the wire (RFC 1035 §2.3.4, §4.1).
const (
	dnsHead   = 12
	dnsWindow = 16 << 10 // of a message over TCP that is looked at
	dnsRecord = 10       // of a resource record behind its name, without data
)

// Types of records that the dissector looks into (IANA DNS parameters).
const (
	dnsA    = 1
	dnsAAAA = 28
	dnsOPT  = 41
)

// questions are what the questions of a record were asked with, by their place
// in it, so that an answer finds the one it belongs to. Nothing of it outlives
// State.End.
type questions struct {
	base, count uint8
	first       [3]question // most communications ask no more than this
	more        *[record.MaxDNS]question
}

// question is an id and what tells names apart: FNV-1a of one in lower case.
type question struct {
	id   uint16
	kind uint16
	sum  uint32
}

func (q *questions) at(i int) *question {
	if i < len(q.first) {
		return &q.first[i]
	}
	return &q.more[i-len(q.first)]
}

// add remembers the question that was put last into the record.
func (q *questions) add(r *record.Record, asked question) {
	if q.count == 0 {
		q.base = uint8(len(r.DNS) - 1)
	}
	if int(q.count) >= len(q.first) && q.more == nil {
		q.more = new([record.MaxDNS]question)
	}
	*q.at(int(q.count)) = asked
	q.count++
}

// find is the place of the question that was asked like this: the first that
// still waits, or else one that was answered before; nil without. An answer
// that repeats no question belongs to whichever waits under its id.
func (q *questions) find(r *record.Record, asked question, repeats bool) *record.DNS {
	if int(q.base)+int(q.count) > len(r.DNS) {
		*q = questions{} // the record was begun anew
	}
	var before *record.DNS
	for i := range int(q.count) {
		have := q.at(i)
		if have.id != asked.id || repeats && *have != asked {
			continue
		}
		d := &r.DNS[int(q.base)+i]
		if !d.Answered {
			return d
		}
		if before == nil {
			before = d
		}
	}
	return before
}

// dnsMessage reads one message of DNS, mDNS (RFC 6762), LLMNR (RFC 4795) or
// NBNS (RFC 1002 §4.2) of size bytes, of which b is the beginning.
func dnsMessage(q *questions, at int64, b []byte, size int, f record.Facts) {
	if len(b) < dnsHead {
		return
	}
	var (
		scratch [256]byte
		flags   = binary.BigEndian.Uint16(b[2:])
		id      = binary.BigEndian.Uint16(b)
		asked   = int(binary.BigEndian.Uint16(b[4:]))
		answer  = flags&0x8000 != 0
		off     = dnsHead
	)
	defer clear(scratch[:])
	var said record.DNS
	if answer {
		dnsAnswers(b, size, &said)
	}
	for range min(asked, (len(b)-dnsHead)/5) {
		d := record.DNS{At: at}
		name, next, fault := dnsName(b, off, &scratch)
		whole := next > 0 && next+4 <= len(b)
		if fault == dnsCut || fault == dnsSound && !whole {
			break
		}
		if off = len(b); whole {
			d.Type = binary.BigEndian.Uint16(b[next:])
			off = next + 4
		}
		if f.App == record.NBNS {
			name = netbiosName(name)
		}
		like := question{id, d.Type, dnsSum(name)}
		if answer && dnsSettle(q, like, true, &said, f) {
			continue
		}
		if fault == dnsSound {
			dnsNumbers(&d, name, f)
		} else if f.Naming.Full() {
			d.Name = f.Naming.Host(dnsFaults[fault])
		}
		if answer {
			dnsAnswered(&d, &said, f)
		}
		if !answer {
			d.Size[record.Out] = clip16(size)
		}
		dnsAdd(q, like, d, f)
	}
	if like := (question{id: id}); answer && asked == 0 && f.App != record.MDNS && !dnsSettle(q, like, false, &said, f) {
		d := record.DNS{At: at}
		dnsAnswered(&d, &said, f)
		dnsAdd(q, like, d, f)
	}
}

// dnsAdd puts a question, or an answer whose question was not seen, into the
// record.
func dnsAdd(q *questions, like question, d record.DNS, f record.Facts) {
	held := len(f.DNS)
	if f.AddDNS(d); len(f.DNS) > held {
		q.add(f.Record, like)
	}
}

// dnsSettle writes an answer into the question it belongs to; false when that
// was not seen. A second answer to the same question changes nothing.
func dnsSettle(q *questions, like question, repeats bool, said *record.DNS, f record.Facts) bool {
	d := q.find(f.Record, like, repeats)
	if d != nil && !d.Answered {
		dnsAnswered(d, said, f)
	}
	return d != nil
}

func dnsAnswered(d, said *record.DNS, f record.Facts) {
	d.Answered, d.Rcode, d.Answers, d.TTL = true, said.Rcode, said.Answers, said.TTL
	d.Size[record.In] = said.Size[record.In]
	f.Answer(d, said.Addrs)
}

// dnsAnswers reads the response code, how many records the answer section has,
// their lowest TTL and the first addresses, and the part of the code that EDNS
// carries (RFC 6891 §6.1.3).
func dnsAnswers(b []byte, size int, d *record.DNS) {
	d.Rcode = b[3] & 15
	d.Size[record.In] = clip16(size)
	off := dnsHead
	for range min(int(binary.BigEndian.Uint16(b[4:])), len(b)/5) {
		next, ok := dnsSkip(b, off)
		if !ok {
			return
		}
		off = next + 4
	}
	answers := int(binary.BigEndian.Uint16(b[6:]))
	all := answers + int(binary.BigEndian.Uint16(b[8:])) + int(binary.BigEndian.Uint16(b[10:]))
	addrs := 0
	for i := range min(all, len(b)/(dnsRecord+1)+1) {
		next, ok := dnsSkip(b, off)
		if !ok || next+dnsRecord > len(b) {
			return
		}
		kind, ttl := binary.BigEndian.Uint16(b[next:]), binary.BigEndian.Uint32(b[next+4:])
		length := int(binary.BigEndian.Uint16(b[next+8:]))
		data := b[next+dnsRecord:]
		off = next + dnsRecord + length
		if kind == dnsOPT && i >= answers {
			if high := uint8(ttl >> 24); high < 16 {
				d.Rcode |= high << 4
			} else {
				d.Rcode = 255
			}
		}
		if i >= answers {
			continue
		}
		if d.Answers == 0 || ttl < d.TTL {
			d.TTL = ttl
		}
		d.Answers++
		if off > len(b) || addrs == len(d.Addrs) {
			continue
		}
		switch {
		case kind == dnsA && length == 4:
			d.Addrs[addrs] = netip.AddrFrom4([4]byte(data))
			addrs++
		case kind == dnsAAAA && length == 16:
			d.Addrs[addrs] = netip.AddrFrom16([16]byte(data))
			addrs++
		}
	}
}

func clip16(n int) uint16 { return uint16(min(n, 1<<16-1)) }

// looksDNS reports whether b begins like a whole message of DNS: sound header,
// counts that fit, and a question that can be read.
func looksDNS(b []byte) bool {
	if len(b) < dnsHead+5 {
		return false
	}
	flags := binary.BigEndian.Uint16(b[2:])
	asked, answers := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	rest := int(binary.BigEndian.Uint16(b[8:])) + int(binary.BigEndian.Uint16(b[10:]))
	if opcode := flags >> 11 & 15; opcode > 5 || flags&0x40 != 0 || asked != 1 || int(answers)+rest > len(b)/(dnsRecord+1) {
		return false
	}
	if flags&0x8000 == 0 && (flags&15 != 0 || answers != 0 && flags>>11&15 == 0) {
		return false
	}
	next, ok := dnsSkip(b, dnsHead)
	if !ok || next+4 > len(b) {
		return false
	}
	class := binary.BigEndian.Uint16(b[next+2:])
	return class == 1 || class == 3 || class == 254 || class == 255
}

// dnsStream is DNS over TCP: messages with their length before them in two
// bytes (RFC 1035 §4.2.2, RFC 7766).
type dnsStream struct {
	f    record.Facts
	q    questions
	lost [2]bool
}

func newDNS(f record.Facts) Stream { return &dnsStream{f: f} }

// Data reads the messages that are whole.
func (s *dnsStream) Data(side int, at int64, b []byte) int {
	if s.lost[side] {
		return Done
	}
	done := 0
	for len(b)-done >= 2 {
		m := b[done+2:]
		size := int(binary.BigEndian.Uint16(b[done:]))
		want := min(size, dnsWindow)
		if len(m) < want {
			return done
		}
		dnsMessage(&s.q, at, m[:want], size, s.f)
		if done += 2 + size; done > len(b) {
			return done
		}
	}
	return done
}

// Lost ends the reading of a side: where the next message begins is not known.
func (s *dnsStream) Lost(side int, _ uint64) { s.lost[side] = true }

// End forgets the questions that wait; they are in the record already.
func (s *dnsStream) End() { s.q = questions{} }

// matchDNS knows a question over TCP by its length and by what follows.
func matchDNS(_ int, b []byte, r *record.Record) verdict {
	port := r.DstPort == 53 || r.SrcPort == 53 || r.DstPort == 5355 || r.SrcPort == 5355
	if len(b) > 4 && (b[4]&0x78 > 5<<3 || b[0] == 0 && b[1] < dnsHead) {
		return no
	}
	if len(b) > 7 && (b[6] != 0 || b[7] > 1) {
		return no
	}
	if len(b) < 8 {
		if port || len(b) < 5 {
			return unsure
		}
	}
	if port {
		return yes
	}
	// Elsewhere only a message that is short and wholly understood.
	size := int(binary.BigEndian.Uint16(b))
	if size > 512 || size < dnsHead+5 {
		return no
	}
	if len(b) < 2+size {
		return unsure
	}
	if looksDNS(b[2 : 2+size]) {
		return yes
	}
	return no
}
