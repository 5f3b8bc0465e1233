package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// secured waits in a protocol that is not read otherwise for the words with
// which both sides go on with TLS: FTP (RFC 4217) and XMPP (RFC 6120 §5).
type secured struct {
	f      record.Facts
	inner  Stream
	side   [2]lines
	asked  bool
	xml    bool
	closed bool
	idle   int
}

// maxIdle is how many bytes before TLS are looked through, on both sides.
const maxIdle = 64 << 10

func newFTP(f record.Facts) Stream  { return &secured{f: f} }
func newXMPP(f record.Facts) Stream { return &secured{f: f, xml: true} }

// Data reads lines of FTP or tags of XMPP.
func (s *secured) Data(side int, at int64, b []byte) int {
	done := 0
	for done < len(b) {
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		if s.closed || s.idle > maxIdle {
			return Done
		}
		n := 0
		if s.xml {
			n = s.tag(b[done:])
		} else {
			n = s.line(&s.side[side], b[done:])
		}
		if n == 0 {
			return done
		}
		done += n
		s.idle += n
	}
	return done
}

// line reads a command AUTH and the reply to it.
func (s *secured) line(l *lines, b []byte) int {
	line, n, ok := l.next(b)
	switch {
	case !ok:
	case foldPrefix(line, "auth tls"), foldPrefix(line, "auth ssl"):
		s.asked = true
	case s.asked && foldPrefix(line, "234"):
		s.inner = newTLS(s.f)
	}
	return n
}

// tag reads up to the next > and looks for <starttls and <proceed.
func (s *secured) tag(b []byte) int {
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '>')
	if end < 0 {
		s.closed = len(b) >= maxLine
		return 0
	}
	tag := bytes.TrimLeft(b[:end], " \t\r\n")
	switch {
	case bytes.HasPrefix(tag, []byte("<starttls")):
		s.asked = true
	case s.asked && bytes.HasPrefix(tag, []byte("<proceed")):
		s.inner = newTLS(s.f)
	}
	return end + 1
}

// Lost ends the reading, unless TLS was reached.
func (s *secured) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	s.closed = true
}

// End is for what the connection turned into.
func (s *secured) End() {
	if s.inner != nil {
		s.inner.End()
	}
}

// matchXMPP knows the beginning of a stream by its usual ports: XML alone says
// little.
func matchXMPP(_ int, b []byte, r *record.Record) verdict {
	if !onPort(r, 5222) && !onPort(r, 5269) {
		return no
	}
	return anyFold(b, "<?xml", "<stream:")
}
