package dissect

// scan reads fields of network order from the front of a message. Past the end
// it gives zeros and remembers that the message was short, so that a parser
// asks once, when it is done.
type scan struct {
	b     []byte
	short bool
}

// take is the next n bytes, nil when there are fewer.
func (s *scan) take(n int) []byte {
	if n < 0 || n > len(s.b) {
		s.short, s.b = true, nil
		return nil
	}
	out := s.b[:n:n]
	s.b = s.b[n:]
	return out
}

func (s *scan) u8() uint8 {
	if b := s.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (s *scan) u16() uint16 {
	if b := s.take(2); b != nil {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return 0
}

func (s *scan) u24() int {
	if b := s.take(3); b != nil {
		return int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	}
	return 0
}

func (s *scan) u32() uint32 {
	if b := s.take(4); b != nil {
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	return 0
}

// vec8 and vec16 are a vector in front of which its length stands in one or
// two bytes (RFC 8446 §3.4).
func (s *scan) vec8() []byte  { return s.take(int(s.u8())) }
func (s *scan) vec16() []byte { return s.take(int(s.u16())) }

// part is vec16 of which the end may be missing: what is there of it.
func (s *scan) part() []byte {
	n := int(s.u16())
	if n > len(s.b) {
		s.short = true
		n = len(s.b)
	}
	out := s.b[:n:n]
	s.b = s.b[n:]
	return out
}

// be16 is the number at the front of b, which has two bytes or more.
func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
