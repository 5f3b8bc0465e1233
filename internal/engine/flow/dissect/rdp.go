package dissect

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// rdpStream reads how a remote desktop begins ([MS-RDPBCGR] §1.3.1.1): the
// negotiation in clear, then TLS, or what an old client says of itself.
type rdpStream struct {
	f       record.Facts
	inner   Stream
	closed  [2]bool
	scratch [64]byte
}

func newRDP(f record.Facts) Stream { return &rdpStream{f: f} }

func (s *rdpStream) facts() *record.RDP {
	if s.f.RDP == nil {
		s.f.RDP = &record.RDP{}
	}
	return s.f.RDP
}

// Data reads the units of one side until TLS begins.
func (s *rdpStream) Data(side int, at int64, b []byte) int {
	done := 0
	for done < len(b) {
		if s.inner == nil && b[done] == 22 {
			s.inner = newTLS(s.f) // the answer that allowed it was not seen
		}
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		if s.closed[side] {
			return Done
		}
		kind, head, body, size, ok := tpkt(b[done:])
		switch {
		case size == 0:
			return Done
		case !ok:
			return done
		}
		if head != nil {
			s.unit(side, kind, head, body)
		}
		if done += size; done > len(b) {
			break
		}
	}
	return done
}

func (s *rdpStream) unit(side int, kind byte, head, body []byte) {
	switch kind {
	case cotpRequest:
		s.request(head)
	case cotpConfirm:
		s.confirm(head)
	case cotpData:
		s.connect(body)
		s.closed[side] = true
	}
}

// request reads the cookie and the protocols a client can do ([MS-RDPBCGR]
// §2.2.1.1).
func (s *rdpStream) request(b []byte) {
	m := s.facts()
	if len(b) < 7 {
		return
	}
	b = b[7:]
	if end := bytes.Index(b, []byte("\r\n")); end >= 0 {
		if name := "Cookie: mstshash="; bytes.HasPrefix(b, []byte(name)) {
			m.Cookie = s.f.Naming.Fold(b[len(name):end])
		}
		b = b[end+2:]
	}
	if len(b) >= 8 && b[0] == 1 {
		m.Requested = binary.LittleEndian.Uint32(b[4:])
	}
}

// confirm reads which protocol the server chose, or why it refused (§2.2.1.2).
func (s *rdpStream) confirm(b []byte) {
	m := s.facts()
	if len(b) < 15 {
		return
	}
	b = b[7:]
	v := binary.LittleEndian.Uint32(b[4:])
	switch b[0] {
	case 2:
		if m.Selected = v; v != 0 {
			s.inner = newTLS(s.f)
		}
	case 3:
		m.Failure = uint8(min(v, 255))
	}
}

// connect reads what a client says of itself (§2.2.1.3.2): build, screen, name.
func (s *rdpStream) connect(b []byte) {
	at := bytes.Index(b, []byte("Duca")) // the key of conference data to a server
	if at < 0 || len(b) < at+8 {
		return
	}
	b = b[at+4:]
	if b[0]&0x80 != 0 { // the length before the blocks
		b = b[2:]
	} else {
		b = b[1:]
	}
	for range 16 {
		if len(b) < 4 {
			return
		}
		kind, size := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if size < 4 || size > len(b) {
			return
		}
		if kind == 0xc001 && size >= 4+52 {
			m, core := s.facts(), b[4:size]
			m.Width, m.Height = binary.LittleEndian.Uint16(core[4:]), binary.LittleEndian.Uint16(core[6:])
			m.Build = binary.LittleEndian.Uint32(core[16:])
			m.Client = s.f.Naming.Fold(latin(s.scratch[:], core[20:52]))
			clear(s.scratch[:])
			return
		}
		b = b[size:]
	}
}

// Lost ends the reading of a side, unless TLS was reached.
func (s *rdpStream) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	s.closed[side] = true
}

// End is for what the connection turned into.
func (s *rdpStream) End() {
	if s.inner != nil {
		s.inner.End()
	}
}
