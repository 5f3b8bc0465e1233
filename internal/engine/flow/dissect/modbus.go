package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// modbusStream reads Modbus/TCP (Modbus Messaging on TCP/IP Implementation
// Guide §3.1.3; Application Protocol §6): which functions of which units were
// asked for, never a register.
type modbusStream struct {
	f      record.Facts
	client int // side that asks
	lost   [2]bool
}

// Functions that change something, and those that stop or restart: diagnostics
// (8) with its subfunctions 1 and 4, and the programming functions of makers.
var (
	modbusWrites = setOf(5, 6, 15, 16, 21, 22, 23)
	modbusStops  = setOf(90, 125, 126)
)

const modbusHead = 7

// newModbus follows a connection. Who asks is the side away from port 502, or
// the one that began.
func newModbus(f record.Facts) Stream {
	s := &modbusStream{f: f}
	if f.SrcPort == 502 && f.DstPort != 502 {
		s.client = record.In
	}
	return s
}

// modbusBegins tells whether b begins with a header that makes sense.
func modbusBegins(b []byte) verdict {
	if len(b) > 4 && (b[2] != 0 || b[3] != 0 || b[4] > 1) {
		return no
	}
	if len(b) < 8 {
		return unsure
	}
	if n := binary.BigEndian.Uint16(b[4:]); n < 2 || n > 260 || b[7] == 0 {
		return no
	}
	return yes
}

// Data reads the messages of one side.
func (s *modbusStream) Data(side int, _ int64, b []byte) int {
	done := 0
	if s.lost[side] {
		drop, found := resync(b, modbusBegins)
		if !found {
			return drop
		}
		s.lost[side], done = false, drop
	}
	for len(b)-done >= modbusHead+1 {
		m := b[done:]
		size := 6 + int(binary.BigEndian.Uint16(m[4:]))
		if modbusBegins(m) != yes {
			// Something else on the same port: look for the next header.
			drop, found := resync(m, modbusBegins)
			if done += drop; !found {
				return done
			}
			continue
		}
		want := min(size, modbusHead+3)
		if len(m) < want {
			return done
		}
		s.message(side, m[modbusHead-1:want])
		if done += size; done > len(b) {
			break
		}
	}
	return done
}

// message reads unit and function.
func (s *modbusStream) message(side int, b []byte) {
	c := controlFacts(s.f)
	unit, function := b[0], b[1]
	if side != s.client {
		if function&0x80 != 0 {
			c.Exceptions++
		}
		return
	}
	c.Requests++
	mark(&c.Units, unit)
	mark(&c.Functions, function)
	switch {
	case among(&modbusWrites, function):
		c.Writes++
	case among(&modbusStops, function), function == 8 && len(b) == 4 && b[2] == 0 && (b[3] == 1 || b[3] == 4):
		c.Stops++
	}
}

// Lost looks for the next message.
func (s *modbusStream) Lost(side int, _ uint64) { s.lost[side] = true }

// End has nothing to settle: everything is in the record.
func (s *modbusStream) End() {}

// matchModbus asks for its port: its header alone is too common.
func matchModbus(_ int, b []byte, r *record.Record) verdict {
	if r.DstPort != 502 && r.SrcPort != 502 {
		return no
	}
	return modbusBegins(b)
}
