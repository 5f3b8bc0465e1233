package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// h2Preface is what a client begins HTTP/2 with (RFC 9113 §3.4).
var h2Preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

// Types and flags of frames (RFC 9113 §6).
const (
	h2Data         = 0
	h2Headers      = 1
	h2Settings     = 4
	h2Push         = 5
	h2Continuation = 9

	h2Ack        = 0x1
	h2EndHeaders = 0x4
	h2Padded     = 0x8
	h2Priority   = 0x20

	h2FrameHead = 9
	maxSection  = 24 << 10 // bytes of a field section in several frames
	maxStreams  = 32       // streams whose answer is waited for
)

// h2Stream reads HTTP/2 in clear (h2c).
type h2Stream struct {
	f       record.Facts
	side    [2]h2Side
	streams [maxStreams]h2Open
	next    uint8 // place of the next stream, overwriting the oldest
	turned  bool  // the client is on the side that was spoken to
}

type h2Open struct {
	id    uint32
	place int8 // in the record, from 1; 0 is none
}

type h2Side struct {
	fields   hpack
	section  []byte // of which the end is in a later frame
	stream   uint32 // that it belongs to
	begun    bool
	open     bool // a section waits for its continuation
	closed   bool
	promised bool // the section is of a push: a request that nobody sent
}

func newH2(f record.Facts) Stream {
	s := &h2Stream{f: f}
	for i := range s.side {
		s.side[i].fields = newHPACK(f)
	}
	return s
}

// upgraded says that a request of HTTP/1, in its place in the record, became
// stream 1 (RFC 7540 §3.2); side is the server's.
func (s *h2Stream) upgraded(side int, place int8) {
	s.turned = side == record.Out
	s.open(1, place+1)
}

func (s *h2Stream) open(id uint32, place int8) {
	s.streams[s.next] = h2Open{id, place}
	s.next = (s.next + 1) % maxStreams
}

func (s *h2Stream) find(id uint32) *record.HTTP {
	for i := range s.streams {
		if o := &s.streams[i]; o.id == id && o.place > 0 && int(o.place) <= len(s.f.HTTP) {
			return &s.f.HTTP[o.place-1]
		}
	}
	return nil
}

// Data reads frames. Bodies are passed over.
func (s *h2Stream) Data(side int, at int64, b []byte) int {
	w, done := &s.side[side], 0
	if !w.begun && len(b) > 0 {
		if b[0] == h2Preface[0] {
			if len(b) < len(h2Preface) {
				return 0
			}
			done, s.turned = len(h2Preface), side == record.In
		}
		w.begun = true
	}
	for len(b)-done >= h2FrameHead && !w.closed {
		head := b[done:]
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		want := 0
		switch head[3] {
		case h2Headers, h2Continuation, h2Push, h2Settings:
			if want = size; size > maxSection {
				s.close(w)
				return Done
			}
		}
		if len(head) < h2FrameHead+want {
			return done
		}
		s.frame(w, side, at, head, head[h2FrameHead:h2FrameHead+want], size)
		if done += h2FrameHead + size; done > len(b) {
			break
		}
	}
	if w.closed {
		return Done
	}
	return done
}

func (s *h2Stream) frame(w *h2Side, side int, at int64, head, body []byte, size int) {
	kind, flags, id := head[3], head[4], binary.BigEndian.Uint32(head[5:])&0x7fffffff
	if w.open && kind != h2Continuation {
		s.close(w) // RFC 9113 §6.2: nothing may come between
		return
	}
	switch kind {
	case h2Data:
		if h := s.find(id); h != nil {
			if s.fromServer(side) {
				h.Body[record.In] += uint64(size)
			} else {
				h.Body[record.Out] += uint64(size)
			}
		}
	case h2Settings:
		if flags&h2Ack == 0 {
			s.settings(&s.side[1-side].fields, body)
		}
	case h2Headers, h2Push:
		if body = unpadded(kind, flags, body); body == nil {
			s.close(w)
			return
		}
		w.stream, w.promised = id, kind == h2Push
		s.fragment(w, side, at, flags, body)
	case h2Continuation:
		if !w.open || id != w.stream {
			s.close(w)
			return
		}
		s.fragment(w, side, at, flags, body)
	}
}

// fromServer tells the side of the server: the other one than that of the
// preface or of a request, for the record's sides may be turned around.
func (s *h2Stream) fromServer(side int) bool { return (side == record.In) != s.turned }

// unpadded is the field section of a frame without padding, priority and
// promised stream; nil when the frame is not sound.
func unpadded(kind, flags byte, b []byte) []byte {
	pad := 0
	if flags&h2Padded != 0 {
		if len(b) == 0 {
			return nil
		}
		pad, b = int(b[0]), b[1:]
	}
	skip := 0
	switch {
	case kind == h2Push:
		skip = 4
	case flags&h2Priority != 0:
		skip = 5
	}
	if len(b) < skip+pad {
		return nil
	}
	return b[skip : len(b)-pad : len(b)-pad]
}

// settings reads how large a table the sender allows the other side.
func (s *h2Stream) settings(other *hpack, b []byte) {
	for ; len(b) >= 6; b = b[6:] {
		if binary.BigEndian.Uint16(b) == 1 {
			other.most = min(binary.BigEndian.Uint32(b[2:]), maxTable)
		}
	}
}

// fragment reads a field section as soon as it is whole.
func (s *h2Stream) fragment(w *h2Side, side int, at int64, flags byte, b []byte) {
	if w.open || flags&h2EndHeaders == 0 {
		if len(w.section)+len(b) > maxSection {
			s.close(w)
			return
		}
		w.section = appendWiped(w.section, b)
		b, w.open = w.section, flags&h2EndHeaders == 0
		if w.open {
			return
		}
	}
	s.fields(w, side, at, b)
	clear(w.section)
	w.section = w.section[:0]
}

// fields reads one field section: a request when it has a method, an answer
// when it has a status, else a trailer.
func (s *h2Stream) fields(w *h2Side, side int, at int64, b []byte) {
	h := record.HTTP{At: at, Major: 2}
	ok := w.fields.decode(b, func(name h2Name, v *h2Value) {
		switch name {
		case h2Method:
			h.Method = record.Method(v.number)
		case h2Authority:
			h.Host, h.Port = v.text, v.number
		case h2Host:
			if h.Host.IsZero() {
				h.Host, h.Port = v.text, v.number
			}
		case h2Path:
			h.Path = v.text
		case h2Status:
			h.Status = v.number
		case h2Agent:
			h.Agent = v.agent
		case h2Server:
			h.Server = v.agent
		case h2Type:
			h.Type = record.Media(v.number)
		}
	})
	if !ok {
		s.close(w)
	}
	switch {
	case w.promised:
	case h.Method != record.NoMethod:
		s.turned = side == record.In
		h.Type, h.Server = record.NoMedia, record.Agent{}
		place := int8(0)
		if s.f.AddHTTP(h) != nil {
			place = int8(len(s.f.HTTP))
		}
		s.open(w.stream, place)
	case h.Status >= 200 || h.Status == 101:
		if have := s.find(w.stream); have != nil {
			have.Status, have.Server, have.Type = h.Status, h.Server, h.Type
		} else if !s.known(w.stream) {
			h.Agent, h.Host, h.Path = record.Agent{}, record.Name{}, record.Name{}
			place := int8(0)
			if s.f.AddHTTP(h) != nil {
				place = int8(len(s.f.HTTP))
			}
			s.open(w.stream, place)
		}
	}
}

// known reports whether a stream was seen, in the record or over its bound.
func (s *h2Stream) known(id uint32) bool {
	for i := range s.streams {
		if s.streams[i].id == id && id != 0 {
			return true
		}
	}
	return false
}

// close leaves a side alone and forgets what it said.
func (s *h2Stream) close(w *h2Side) {
	w.closed = true
	w.fields.wipe()
	clear(w.section[:cap(w.section)])
	w.section, w.open = nil, false
}

// Lost ends the reading of a side: its table of fields has a hole.
func (s *h2Stream) Lost(side int, _ uint64) { s.close(&s.side[side]) }

// End forgets the places in the record and a section of which the end is
// missing. The tables hold nothing that was said, and stay.
func (s *h2Stream) End() {
	s.streams = [maxStreams]h2Open{}
	for i := range s.side {
		if w := &s.side[i]; w.open {
			s.close(w)
		}
	}
}

// appendWiped appends and leaves nothing behind where the bytes were before.
func appendWiped(to, b []byte) []byte {
	if len(to)+len(b) <= cap(to) {
		return append(to, b...)
	}
	grown := make([]byte, len(to), 2*(len(to)+len(b)))
	copy(grown, to)
	clear(to[:cap(to)])
	return append(grown, b...)
}
