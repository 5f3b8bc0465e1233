package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// socksStream follows a proxy of SOCKS 4, 4a or 5 (RFC 1928, RFC 1929) up to
// where it lets through, and then what is spoken inside. Names, addresses and
// passwords are passed over.
type socksStream struct {
	f      record.Facts
	inner  Stream
	depth  uint8    // of tunnels around it
	stage  [2]uint8 // of client and server: 0 greeting, 1 login, 2 request, 3 over
	four   bool
	login  bool // the server asked for a name and a password
	closed bool
}

func newSOCKS(f record.Facts) Stream { return &socksStream{f: f} }

// Data passes over the greeting of one side.
func (s *socksStream) Data(side int, at int64, b []byte) int {
	done := 0
	for done < len(b) {
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		if s.closed {
			return Done
		}
		if side == record.Out && s.stage[record.Out] == 3 {
			return done // the server decides whether this goes through
		}
		n := 0
		if side == record.Out {
			n = s.client(b[done:])
		} else {
			n = s.server(b[done:])
		}
		if n == 0 && !s.closed {
			return done
		}
		done += n
	}
	return done
}

// client returns the length of the client's next message, 0 to see more of it.
func (s *socksStream) client(b []byte) int {
	stage := &s.stage[record.Out]
	switch {
	case *stage == 0 && b[0] == 4:
		s.four = true
		if len(b) < 9 {
			return 0
		}
		end := bytes.IndexByte(b[8:], 0)
		if end < 0 {
			s.closed = len(b) > 512
			return 0
		}
		end += 9
		if b[4]|b[5]|b[6] == 0 && b[7] != 0 { // a name follows: 4a
			more := bytes.IndexByte(b[end:], 0)
			if more < 0 {
				s.closed = len(b) > 1024
				return 0
			}
			end += more + 1
		}
		*stage = 3
		return end
	case *stage == 0 && b[0] == 5:
		return socksTake(b, 2, 1, stage)
	case *stage == 1 && b[0] == 1: // name and password
		if len(b) < 2 || len(b) < 3+int(b[1]) {
			return 0
		}
		return socksNeed(b, 3+int(b[1])+int(b[2+b[1]]))
	case *stage == 1 && b[0] == 5:
		n := socksAddress(b)
		if n > 0 {
			*stage = 3
		}
		s.closed = n < 0
		return max(n, 0)
	}
	s.closed = true
	return 0
}

// server does the same for the server, and begins what is inside.
func (s *socksStream) server(b []byte) int {
	stage := &s.stage[record.In]
	switch {
	case s.four || b[0] == 0:
		if len(b) < 8 {
			return 0
		}
		s.through(b[1] == 90)
		return 8
	case *stage == 0 && b[0] == 5:
		if len(b) < 2 {
			return 0
		}
		*stage, s.login = 1, b[1] == 2
		return 2
	case s.login && b[0] == 1:
		s.login = false
		return socksNeed(b, 2)
	case *stage == 1 && b[0] == 5:
		n := socksAddress(b)
		if n > 0 {
			s.through(b[1] == 0)
		}
		s.closed = s.closed || n < 0
		return max(n, 0)
	}
	s.closed = true
	return 0
}

func (s *socksStream) through(granted bool) {
	if s.closed = !granted; granted {
		s.inner = newTunnel(s.f, s.depth)
	}
}

// socksTake is a message of a count at head-1 and as many bytes; stage goes on
// to next with it.
func socksTake(b []byte, head int, next uint8, stage *uint8) int {
	if len(b) < head {
		return 0
	}
	n := socksNeed(b, head+int(b[head-1]))
	if n > 0 {
		*stage = next
	}
	return n
}

func socksNeed(b []byte, n int) int {
	if len(b) < n {
		return 0
	}
	return n
}

// socksAddress is the length of a request or reply (RFC 1928 §4, §6), 0 when
// more is needed, -1 when it is none.
func socksAddress(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	switch b[3] {
	case 1:
		return socksNeed(b, 10)
	case 3:
		return socksNeed(b, 7+int(b[4]))
	case 4:
		return socksNeed(b, 22)
	}
	return -1
}

// Lost ends the reading, unless the way through was reached.
func (s *socksStream) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	s.closed = true
}

// End is for what is inside.
func (s *socksStream) End() {
	if s.inner != nil {
		s.inner.End()
	}
}

// matchSOCKS knows a greeting of version 5 by its list of methods, which are
// small numbers (IANA SOCKS methods), and of version 4 at a usual port only.
func matchSOCKS(side int, b []byte, r *record.Record) verdict {
	if side != record.Out || len(b) > 0 && b[0] != 4 && b[0] != 5 || len(b) > 1 && (b[1] == 0 || b[1] > 9) {
		return no
	}
	if len(b) < 2 {
		return unsure
	}
	if b[0] == 4 {
		if b[1] <= 2 && (r.DstPort == 1080 || r.DstPort == 9050 || r.DstPort == 9150) {
			return yes
		}
		return no
	}
	for _, c := range b[2:min(len(b), 2+int(b[1]))] {
		if c > 9 {
			return no
		}
	}
	if len(b) < 2+int(b[1]) {
		return unsure
	}
	return yes
}
