package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// dnp3Stream reads DNP3 (IEEE 1815 §9 link, §8 transport, §4 application):
// functions and addresses, never a point.
type dnp3Stream struct {
	f record.Facts
}

func newDNP3(f record.Facts) Stream { return &dnp3Stream{f: f} }

// Functions that change something, and those that stop, restart or load.
var (
	dnp3Writes = setOf(2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 24, 26, 27, 31)
	dnp3Stops  = setOf(13, 14, 15, 16, 17, 18, 19)
)

// dnp3Begins tells whether b begins with the header of a frame.
func dnp3Begins(b []byte) verdict {
	if len(b) > 0 && b[0] != 0x05 || len(b) > 1 && b[1] != 0x64 || len(b) > 2 && b[2] < 5 {
		return no
	}
	if len(b) < 3 {
		return unsure
	}
	return yes
}

// dnp3Size is the length of a frame with its checksums, of which there is one
// behind the header and one behind every 16 bytes.
func dnp3Size(b []byte) int {
	user := int(b[2]) - 5
	return 10 + user + 2*((user+15)/16)
}

// Data reads the frames of one side.
func (s *dnp3Stream) Data(side int, _ int64, b []byte) int {
	done := 0
	for len(b)-done >= 3 {
		m := b[done:]
		if dnp3Begins(m) != yes {
			drop, found := resync(m, dnp3Begins)
			if done += drop; !found {
				return done
			}
			continue
		}
		size := dnp3Size(m)
		if len(m) < size {
			return done
		}
		dnp3Frame(m[:size], s.f)
		done += size
	}
	return done
}

// dnp3Frame reads one frame.
func dnp3Frame(b []byte, f record.Facts) {
	c := controlFacts(f)
	master := b[3]&0x80 != 0
	target, source := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	if !master {
		target, source = source, target
	}
	c.Source, c.Target = source, target
	mark(&c.Units, uint8(target))
	if len(b) < 10+3+2 || b[10]&0x40 == 0 { // no data, or not the first part of it
		return
	}
	function := b[12]
	switch {
	case master && function < 128:
		c.Requests++
		mark(&c.Functions, function)
		if among(&dnp3Writes, function) {
			c.Writes++
		}
		if among(&dnp3Stops, function) {
			c.Stops++
		}
	case !master && function >= 129 && function <= 131:
		mark(&c.Functions, function)
		if len(b) >= 10+5+2 && b[14]&0x07 != 0 { // IIN2: not known, not there, not sound
			c.Exceptions++
		}
	}
}

// dnp3Datagram reads the frames of one datagram.
func dnp3Datagram(b []byte, f record.Facts) {
	for len(b) >= 10 && dnp3Begins(b) == yes {
		size := dnp3Size(b)
		if size > len(b) {
			return
		}
		dnp3Frame(b[:size], f)
		b = b[size:]
	}
}

// Lost needs nothing: the next frame is looked for by its first bytes.
func (s *dnp3Stream) Lost(int, uint64) {}

// End has nothing to settle: everything is in the record.
func (s *dnp3Stream) End() {}

func matchDNP3(_ int, b []byte, _ *record.Record) verdict {
	if v := dnp3Begins(b); v != yes || len(b) > 3 {
		return v
	}
	return unsure
}
