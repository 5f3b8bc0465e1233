package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// Bounds of what is read of HTTP/1.
const (
	maxLine    = 8 << 10 // bytes of a line that are looked at (RFC 9112 §3 asks for 8000)
	maxWaiting = 32      // requests that wait for their answers
	maxBody    = 1 << 50 // bytes of a body that a length may promise
	maxStray   = 1 << 20 // bytes without a message before a side is left alone
	maxHeld    = 4 << 10 // bytes behind a CONNECT that wait for its answer
	maxNesting = 2       // tunnels inside tunnels
)

const _ = uint(127 - record.MaxHTTP) // places in a record fit into an int8

// httpStream reads HTTP/1 (RFC 9112): start lines and a handful of fields.
// Bodies are passed over unseen.
type httpStream struct {
	f       record.Facts
	inner   Stream // what the connection turned into
	depth   uint8  // of tunnels around it
	side    [2]httpSide
	waiting [maxWaiting]httpAsked
	head    uint8 // of waiting, a ring
	count   uint8
	blind   bool // answers cannot be told apart any more
	doubt   bool // answers were lost, maybe whole ones
}

// httpAsked is a request without its answer yet.
type httpAsked struct {
	place  int8 // in the record; -1 when it was over its bound
	method record.Method
	old    bool // HTTP/0.9: the answer is only a body
}

// What a side expects next.
const (
	httpStart = iota
	httpField
	httpSize    // of a chunk
	httpChunked // the line end behind a chunk
	httpTrailer
	httpClose // a body up to the end
	httpHold  // the answer to CONNECT decides
)

type httpSide struct {
	lines
	state   uint8
	answer  bool // the message is an answer
	framed  bool // its length was told in a way that counts
	chunked bool
	bad     bool // lengths that contradict or cannot be
	last    httpFieldName
	upgrade httpUpgrade
	place   int8 // of the message in the record, -1 without
	method  record.Method
	minor   uint8
	old     bool
	status  uint16
	length  uint64
	stray   uint32
}

type httpUpgrade uint8

const (
	noUpgrade httpUpgrade = iota
	upgradeH2C
	upgradeSocket
	upgradeOther
)

func newHTTP(f record.Facts) Stream {
	s := &httpStream{f: f}
	s.side[0].place, s.side[1].place = -1, -1
	return s
}

// Data reads lines and passes over bodies.
func (s *httpStream) Data(side int, at int64, b []byte) int {
	w, done := &s.side[side], 0
	for done < len(b) {
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		switch w.state {
		case httpClose:
			s.body(w, uint64(len(b)-done))
			return len(b)
		case httpHold:
			if len(b)-done < maxHeld {
				return done
			}
			s.tunnel()
			continue
		case httpStart:
			if s.startsH2(b[done:]) {
				s.inner = newH2(s.f)
				continue
			}
			if side == record.In && isSSH(b[done:]) { // whom the request was sent to does not speak HTTP
				s.inner = newSSH(s.f)
				continue
			}
			if w.stray > maxStray {
				return Done
			}
		}
		line, n, ok := w.next(b[done:])
		if n == 0 {
			return done
		}
		done += n
		if ok {
			done += s.line(w, side, at, line)
		} else if w.state == httpStart {
			w.stray += uint32(n)
		}
	}
	return done
}

// onward adds what was done before to what an inner stream has done.
func onward(n, done int) int {
	if n == Done {
		return Done
	}
	return n + done
}

// line takes one line, without its end, and returns how many bytes behind it
// are to be passed over.
func (s *httpStream) line(w *httpSide, side int, at int64, line []byte) int {
	switch w.state {
	case httpStart:
		s.start(w, side, at, line)
	case httpField:
		if len(line) > 0 {
			s.field(w, line)
			return 0
		}
		return s.headEnd(w, side)
	case httpSize:
		n, ok := hexNumber(line)
		switch {
		case !ok || n > maxBody:
			s.astray(w)
		case n == 0:
			w.state = httpTrailer
		default:
			w.state = httpChunked
			s.body(w, n)
			return int(n)
		}
	case httpChunked:
		w.state = httpSize
		if len(line) > 0 {
			s.astray(w)
		}
	case httpTrailer:
		if len(line) == 0 {
			s.messageEnd(w)
		}
	}
	return 0
}

// start reads a request line (RFC 9112 §3) or a status line (§4).
func (s *httpStream) start(w *httpSide, side int, at int64, line []byte) {
	if len(line) == 0 {
		return // RFC 9112 §2.2: empty lines before a request are ignored
	}
	if status, minor, ok := statusLine(line); ok {
		s.answered(w, at, status, minor)
		return
	}
	method, target, version, ok := requestLine(line)
	if !ok {
		if a := s.asked(); a != nil && a.old && s.side[1-side].old {
			s.answered(w, at, 0, 9)
			s.body(w, uint64(len(line))+1)
			w.state = httpClose
			return
		}
		w.stray += uint32(len(line)) + 1
		return
	}
	*w = httpSide{lines: w.lines, state: httpField, place: -1, method: method, minor: version, old: version == 9}
	h := record.HTTP{At: at, Method: method, Major: 1, Minor: version}
	if w.old {
		h.Major = 0
	}
	s.target(&h, target)
	if s.f.AddHTTP(h) != nil {
		w.place = int8(len(s.f.HTTP) - 1)
	}
	if s.count == maxWaiting {
		s.blind, s.count = true, 0
	}
	if s.doubt {
		s.count = 0 // few clients ask again before they are answered
	}
	if !s.blind {
		s.waiting[(s.head+s.count)%maxWaiting] = httpAsked{place: w.place, method: method, old: w.old}
		s.count++
	}
}

// asked is the oldest request without an answer.
func (s *httpStream) asked() *httpAsked {
	if s.count == 0 {
		return nil
	}
	return &s.waiting[s.head]
}

// answered begins an answer and finds the request it belongs to.
func (s *httpStream) answered(w *httpSide, at int64, status uint16, minor uint8) {
	*w = httpSide{lines: w.lines, state: httpField, answer: true, place: -1, status: status, minor: minor}
	interim := status >= 100 && status < 200 && status != 101
	if a := s.asked(); a != nil {
		w.place, w.method = a.place, a.method
		if interim {
			w.place = -1
			return
		}
		s.head, s.count = (s.head+1)%maxWaiting, s.count-1
		s.doubt = false
	} else if !interim && !s.blind {
		if s.f.AddHTTP(record.HTTP{At: at, Major: 1, Minor: minor}) != nil {
			w.place = int8(len(s.f.HTTP) - 1)
		}
	}
	if h := s.entry(w); h != nil {
		h.Status = status
	}
}

// entry is the message's place in the record, nil when it has none.
func (s *httpStream) entry(w *httpSide) *record.HTTP {
	if w.place < 0 || int(w.place) >= len(s.f.HTTP) {
		return nil
	}
	return &s.f.HTTP[w.place]
}

// body counts bytes of a body.
func (s *httpStream) body(w *httpSide, n uint64) {
	h := s.entry(w)
	if h == nil {
		return
	}
	if w.answer {
		h.Body[record.In] += n
	} else {
		h.Body[record.Out] += n
	}
}

// headEnd decides how the message goes on behind its head (RFC 9112 §6.3) and
// returns how many bytes of a body are passed over.
func (s *httpStream) headEnd(w *httpSide, side int) int {
	if w.answer {
		switch {
		case w.status == 101:
			s.switched(w, side)
			return 0
		case w.status/100 == 1:
			w.state = httpStart
			return 0
		case w.method == record.CONNECT && w.status/100 == 2:
			s.tunnel()
			return 0
		case w.method == record.HEAD, w.status == 204, w.status == 304:
			s.messageEnd(w)
			return 0
		}
		if w.method == record.CONNECT && s.side[1-side].state == httpHold {
			s.side[1-side].state = httpStart
		}
	}
	switch {
	case w.chunked:
		w.state = httpSize
	case w.bad:
		if w.answer {
			w.state = httpClose // RFC 9112 §6.3 asks to close the connection
		} else {
			s.astray(w)
		}
	case w.framed:
		n := min(w.length, maxBody)
		s.body(w, n)
		s.messageEnd(w)
		return int(n)
	case w.answer:
		w.state = httpClose
	case w.method == record.CONNECT:
		w.state = httpHold
	default:
		s.messageEnd(w)
	}
	return 0
}

func (s *httpStream) messageEnd(w *httpSide) { w.state = httpStart }

// astray looks for the next start line: where the message ends is not known.
func (s *httpStream) astray(w *httpSide) { *w = httpSide{lines: w.lines, place: -1} }

// switched hands the connection over to what both sides agreed on (RFC 9110
// §7.8): HTTP/2 is read, a WebSocket (RFC 6455) is not.
func (s *httpStream) switched(w *httpSide, side int) {
	up := w.upgrade
	if up == noUpgrade {
		up = s.side[1-side].upgrade
	}
	switch up {
	case upgradeH2C:
		h := newH2(s.f).(*h2Stream)
		h.upgraded(side, w.place)
		s.inner = h
	case upgradeSocket:
		s.inner = nothing{}
	default:
		s.tunnel()
	}
}

func (s *httpStream) tunnel() {
	s.inner = newTunnel(s.f, s.depth)
}

// startsH2 reports whether a client goes on with the preface of HTTP/2 though
// the answer that allowed it was not seen.
func (s *httpStream) startsH2(b []byte) bool { return bytes.HasPrefix(b, h2Preface[:16]) }

// Lost looks for the next start line. After a gap among the answers the next
// one is taken for that to the last request.
func (s *httpStream) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	w := &s.side[side]
	if w.state == httpClose {
		return
	}
	if w.answer || s.side[1-side].stray == 0 && !s.side[1-side].answer {
		if s.doubt = true; s.count > 1 {
			s.head, s.count = (s.head+s.count-1)%maxWaiting, 1
		}
	}
	stray := w.stray
	*w = httpSide{place: -1, stray: stray, answer: w.answer}
}

// End forgets the places in the record.
func (s *httpStream) End() {
	if s.inner != nil {
		s.inner.End()
	}
	s.side[0].place, s.side[1].place = -1, -1
	for i := range s.waiting {
		s.waiting[i].place = -1
	}
}

// nothing reads nothing.
type nothing struct{}

func (nothing) Data(int, int64, []byte) int { return Done }
func (nothing) Lost(int, uint64)            {}
func (nothing) End()                        {}

// tunnel finds out what is spoken inside a connection that another protocol
// opened; the communication stays that protocol's.
type tunnel struct {
	f     record.Facts
	app   record.App
	depth uint8
	begun Stream
}

// newTunnel is what a connection is inside that lets through; depth is how many
// tunnels are around it already, which is bounded.
func newTunnel(f record.Facts, depth uint8) Stream {
	if depth >= maxNesting {
		return nothing{}
	}
	return &tunnel{f: f, app: f.App, depth: depth + 1}
}

// Data begins what is spoken as soon as it is known and goes on with it.
func (t *tunnel) Data(side int, at int64, b []byte) int {
	if t.begun == nil {
		s, ok := Start(side, b, t.f)
		t.f.App = t.app
		if !ok {
			return 0
		}
		switch within := s.(type) {
		case *httpStream:
			within.depth = t.depth
		case *socksStream:
			within.depth = t.depth
		}
		if t.begun = s; s == nil {
			t.begun = nothing{}
		}
	}
	return t.begun.Data(side, at, b)
}

func (t *tunnel) Lost(side int, n uint64) {
	if t.begun != nil {
		t.begun.Lost(side, n)
	}
}

func (t *tunnel) End() {
	if t.begun != nil {
		t.begun.End()
	}
}
