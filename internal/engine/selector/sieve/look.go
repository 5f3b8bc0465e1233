package sieve

import (
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

// look is what a flow that nobody decided yet is looked at with: what it holds
// of the flow's payload is in windows of the pool.
type look struct {
	set    *selector.Set // in force when the flow began
	held   int64         // of Options.Clock, when payload was first held; 0 nothing was
	seen   uint8         // packets
	proto  uint8
	dns    bool // TCP to or from port 53
	known  bool // next is
	talk   talk
	over   bool   // names cannot come any more
	said   bool   // there was payload
	next   uint32 // sequence number of the next byte in order
	skip   uint64 // bytes of the stream that nobody has to see
	state  selector.State
	ahead  uint32  // in Sieve.aheads: what came before its turn; 0 nothing
	pieces uint32  // in Sieve.pieces: what is there of hand, over QUIC; 0 nothing
	wait   *window // in order, and not read yet
	hand   *window // a TLS handshake message that is not whole

	// What was learned; it goes into the record when the flow is selected.
	name record.Name
	ja3  [16]byte
	ja4  record.JA4
	app  record.App
}

// ahead is what came before its turn, in the order it came.
type ahead struct {
	list  [MaxPackets]segment
	count int
}

// segment is a part of a TCP stream. w is nil where its bytes are not there.
type segment struct {
	seq, size uint32
	w         *window
}

// prepare begins to look at a flow.
func (s *Sieve) prepare(e *entry, it *item) {
	e.look = s.looks.take()
	l := s.looks.at(e.look)
	l.set = s.set
	l.proto = it.k.proto()
	l.dns = it.k.sport() == 53 || it.k.dport() == 53
	l.over = !s.named()
}

// named reports whether the list has selectors that a parser serves.
func (s *Sieve) named() bool {
	const kinds = 1<<selector.Domain | 1<<selector.Suffix | 1<<selector.JA3 | 1<<selector.JA4 | 1<<selector.URI | 1<<selector.Certificate
	return s.needs&kinds != 0
}

// hopeless reports whether no packet to come can find the flow.
func (l *look) hopeless() bool {
	return l.over && l.set.Patterns() == nil
}

// read looks at the payload of a packet and returns what it finds.
func (s *Sieve) read(l *look, it *item) selector.ID {
	if l.proto == packet.ProtoTCP {
		return s.segment(l, it)
	}
	if len(it.data) == 0 {
		return 0
	}
	if !l.over {
		if id := s.datagram(l, it); id != 0 {
			return id
		}
	}
	_, id := s.scan(l, it.at, 0, it.data)
	return id
}

// scan looks for byte patterns. Where one that expired stands before another,
// the other is looked for byte by byte.
func (s *Sieve) scan(l *look, at int64, from selector.State, b []byte) (selector.State, selector.ID) {
	p := l.set.Patterns()
	if p == nil {
		return 0, 0
	}
	to, id := p.Scan(from, b)
	if id == 0 || s.valid(l, id, at) {
		return to, id
	}
	for i := range b {
		if from, id = p.Scan(from, b[i:i+1]); s.valid(l, id, at) {
			return to, id
		}
	}
	return to, 0
}

// valid reports whether an ID is one, and its selector has not expired.
func (s *Sieve) valid(l *look, id selector.ID, at int64) bool {
	if id == 0 {
		return false
	}
	if l.set == s.hits.set {
		return s.hits.inForce(id, at)
	}
	expires := l.set.Expires(id)
	return expires == 0 || at < expires
}

// destroy overwrites what is held of a flow.
func (s *Sieve) destroy(l *look) {
	if l.ahead != 0 {
		a := s.aheads.at(l.ahead)
		for i := range a.list[:a.count] {
			if w := a.list[i].w; w != nil {
				s.pool.put(w)
			}
		}
		s.aheads.give(l.ahead)
		l.ahead = 0
	}
	s.hush(l)
	if l.held != 0 {
		s.delays.add(l.held)
		l.held = 0
	}
}

// hush gives up reading names: what waits for more is overwritten.
func (s *Sieve) hush(l *look) {
	l.over = true
	if l.wait != nil {
		s.pool.put(l.wait)
		l.wait = nil
	}
	s.unhand(l)
}

// unhand overwrites a handshake message.
func (s *Sieve) unhand(l *look) {
	if l.hand != nil {
		s.pool.put(l.hand)
		l.hand = nil
	}
	if l.pieces != 0 {
		s.pieces.give(l.pieces)
		l.pieces = 0
	}
}

// keep appends payload to a window; nil when there is no room.
func (s *Sieve) keep(l *look, w *window, b []byte) *window {
	if l.held == 0 {
		l.held = s.delays.now()
	}
	return s.pool.append(w, b)
}
