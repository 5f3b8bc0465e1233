package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// s7Stream reads S7 communication over RFC 1006: which functions were asked for
// of which rack and slot. Of its successor (protocol 0x72) only that it is
// spoken and how often something was asked.
type s7Stream struct {
	f    record.Facts
	lost [2]bool
}

func newS7(f record.Facts) Stream { return &s7Stream{f: f} }

// Functions of a job: write, download and PI services change something; stop,
// start and download change what runs.
var (
	s7Writes = setOf(0x05, 0x1a, 0x1b, 0x1c, 0x28, 0x29)
	s7Stops  = setOf(0x1a, 0x28, 0x29)
)

// Kinds of messages.
const (
	s7Job      = 1
	s7Ack      = 2
	s7AckData  = 3
	s7Userdata = 7
)

// tpktBegins tells whether b begins with a unit of RFC 1006 that carries X.224.
func tpktBegins(b []byte) verdict {
	if len(b) > 0 && b[0] != 3 || len(b) > 1 && b[1] != 0 || len(b) > 5 && b[5] < 0x80 {
		return no
	}
	if len(b) < 6 {
		return unsure
	}
	if n := binary.BigEndian.Uint16(b[2:]); n < 7 || int(b[4]) > int(n)-5 {
		return no
	}
	return yes
}

// Data reads the units of one side.
func (s *s7Stream) Data(side int, _ int64, b []byte) int {
	done := 0
	if s.lost[side] {
		drop, found := resync(b, tpktBegins)
		if !found {
			return drop
		}
		s.lost[side], done = false, drop
	}
	for done < len(b) {
		kind, head, body, size, ok := tpkt(b[done:])
		switch {
		case size == 0:
			return Done
		case !ok:
			return done
		}
		switch {
		case head == nil:
		case kind == cotpRequest:
			s.connect(head)
		case kind == cotpData:
			s.message(body)
		}
		if done += size; done > len(b) {
			break
		}
	}
	return done
}

// connect reads rack and slot, which the called TSAP holds: three and five bits
// of its second byte.
func (s *s7Stream) connect(head []byte) {
	if len(head) < 7 {
		return
	}
	for b := head[7:]; len(b) >= 2 && len(b) >= 2+int(b[1]); b = b[2+int(b[1]):] {
		if b[0] == 0xc2 && b[1] == 2 {
			mark(&controlFacts(s.f).Units, b[3])
		}
	}
}

// message reads the head of one message and its function.
func (s *s7Stream) message(b []byte) {
	if len(b) < 2 {
		return
	}
	c := controlFacts(s.f)
	if b[0] == 0x72 {
		if len(b) > 4 && b[4] == 0x31 {
			c.Requests++
		}
		return
	}
	if b[0] != 0x32 || len(b) < 10 {
		return
	}
	switch b[1] {
	case s7Job:
		if len(b) < 11 {
			return
		}
		function := b[10]
		c.Requests++
		mark(&c.Functions, function)
		if among(&s7Writes, function) {
			c.Writes++
		}
		if among(&s7Stops, function) {
			c.Stops++
		}
	case s7Ack, s7AckData:
		if len(b) >= 12 && b[10]|b[11] != 0 {
			c.Exceptions++
		}
	case s7Userdata:
		// The parameter's sixth byte: 4 asks, 8 answers; low bits are a group.
		if len(b) >= 16 && b[15]>>4 == 4 {
			c.Requests++
			mark(&c.Functions, 0)
		}
	}
}

// Lost looks for the next unit.
func (s *s7Stream) Lost(side int, _ uint64) { s.lost[side] = true }

// End has nothing to settle: everything is in the record.
func (s *s7Stream) End() {}
