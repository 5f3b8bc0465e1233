package sieve

import "noroshi/internal/engine/selector"

// maxAhead is how many bytes ahead of its turn a segment may come.
const maxAhead = 1 << 20

// segment takes in a TCP segment and reads what has its turn now. Of bytes that
// came twice those that came first count. What a RST carries is no part of the
// stream.
func (s *Sieve) segment(l *look, it *item) selector.ID {
	seq := it.seq
	if it.flags&flagSYN != 0 {
		if seq++; !l.known {
			l.next, l.known = seq, true
		}
	}
	if it.wire == 0 || it.flags&flagRST != 0 {
		return 0
	}
	if !l.known {
		l.next, l.known = seq, true
	}
	ahead := int32(seq - l.next)
	if ahead > maxAhead || int64(ahead)+int64(it.wire) <= 0 {
		return 0
	}
	if ahead > 0 { // and so is everything that came before its turn
		s.early(l, seq, it)
		return 0
	}
	var found seen
	for {
		n, b := s.turn(l, seq, it)
		if n == 0 {
			break
		}
		l.next += n
		s.inOrder(l, it.at, b, n, &found)
	}
	if l.ahead != 0 {
		s.tidy(l)
	}
	if found.name != 0 {
		return found.name
	}
	return found.pattern
}

// seen is what the bytes of one packet, and those that waited for it, find.
type seen struct{ name, pattern selector.ID }

// early keeps a segment that came before its turn; there is a place for each
// packet.
func (s *Sieve) early(l *look, seq uint32, it *item) {
	e := segment{seq: seq, size: it.wire}
	if len(it.data) > 0 {
		e.w = s.keep(l, nil, it.data)
	}
	if l.ahead == 0 {
		l.ahead = s.aheads.take()
	}
	a := s.aheads.at(l.ahead)
	a.list[a.count] = e
	a.count++
}

// turn returns how many bytes come next and those of them that are there: from
// the segment that came first of those that hold the next byte, up to where one
// that came before it begins. It returns 0 when the next byte is missing. The
// packet at hand came last.
func (s *Sieve) turn(l *look, seq uint32, it *item) (uint32, []byte) {
	var before []segment
	if l.ahead != 0 {
		a := s.aheads.at(l.ahead)
		before = a.list[:a.count]
	}
	for i := range before {
		e := &before[i]
		if holds(e.seq, e.size, l.next) {
			var b []byte
			if e.w != nil {
				b = e.w.b
			}
			return run(before[:i], l.next, e.seq, e.size, b)
		}
	}
	if holds(seq, it.wire, l.next) {
		return run(before, l.next, seq, it.wire, it.data)
	}
	return 0, nil
}

// holds reports whether a segment has the byte numbered next.
func holds(seq, size, next uint32) bool { return next-seq < size }

// run is what a segment has from next on that those before it do not have.
func run(before []segment, next, seq, size uint32, b []byte) (uint32, []byte) {
	off := next - seq
	n := size - off
	for i := range before {
		if first := before[i].seq - next; int32(first) > 0 {
			n = min(n, first)
		}
	}
	have := uint32(len(b))
	return n, b[min(off, have):min(off+n, have)]
}

// inOrder reads n bytes of the stream, of which b are there.
func (s *Sieve) inOrder(l *look, at int64, b []byte, n uint32, found *seen) {
	if !l.over && found.name == 0 && len(b) > 0 {
		found.name = s.hear(l, at, b)
	}
	if len(b) > 0 && found.pattern == 0 {
		l.state, found.pattern = s.scan(l, at, l.state, b)
	}
	if missing := uint64(n) - uint64(len(b)); missing > 0 {
		l.state = 0
		if passed := min(l.skip, missing); passed == missing {
			l.skip -= passed
		} else {
			s.hush(l)
		}
	}
}

// tidy gives back what was read of what waited for its turn.
func (s *Sieve) tidy(l *look) {
	a := s.aheads.at(l.ahead)
	left := 0
	for _, e := range a.list[:a.count] {
		if int32(e.seq-l.next) > 0 {
			a.list[left] = e
			left++
		} else if e.w != nil {
			s.pool.put(e.w)
		}
	}
	if a.count = left; left == 0 {
		s.aheads.give(l.ahead)
		l.ahead = 0
	}
}

// talk is what a stream speaks.
type talk uint8

const (
	unheard talk = iota
	talkTLS
	talkHTTP
	talkDNS
	talkSOCKS
	talkElse // nothing that is read here, but TLS may begin in its middle
)

// What the parsers say beside how many bytes they have done with.
const (
	more    = 0  // of the stream is needed
	nothing = -1 // more is to be heard
)

// hear reads the next bytes of a stream for names. What cannot be read before
// more came waits in a window.
func (s *Sieve) hear(l *look, at int64, b []byte) selector.ID {
	if l.skip > 0 {
		n := min(l.skip, uint64(len(b)))
		l.skip -= n
		if b = b[n:]; len(b) == 0 {
			return 0
		}
	}
	view := b
	if l.wait != nil {
		if l.wait = s.keep(l, l.wait, b); l.wait == nil {
			s.hush(l)
			return 0
		}
		view = l.wait.b
	}
	used := 0
	for used < len(view) {
		n, id := s.parse(l, at, view[used:])
		if id != 0 {
			return id
		}
		if n == nothing && l.talk != talkTLS {
			l.talk = talkElse
			continue
		}
		if n == nothing { // all that follows is encrypted
			s.hush(l)
			return 0
		}
		if n == more {
			break
		}
		used += n
	}
	if used > len(view) {
		l.skip, used = uint64(used-len(view)), len(view)
	}
	switch {
	case l.wait != nil && used == len(view):
		s.pool.put(l.wait)
		l.wait = nil
	case l.wait != nil:
		l.wait.cut(used)
	case used < len(view):
		if l.wait = s.keep(l, nil, view[used:]); l.wait == nil {
			s.hush(l)
		}
	}
	return 0
}

// parse reads the next unit of what is spoken and returns its length.
func (s *Sieve) parse(l *look, at int64, b []byte) (int, selector.ID) {
	if l.talk == unheard {
		if n := l.guess(b); n <= 0 {
			return n, 0
		}
	}
	switch l.talk {
	case talkTLS:
		return s.tlsRecord(l, at, b)
	case talkHTTP:
		return s.httpHead(l, at, b)
	case talkSOCKS:
		return s.socks(l, at, b)
	case talkElse:
		n, found := skim(b)
		if !found {
			return n, 0
		}
		l.talk = talkTLS
		return s.tlsRecord(l, at, b)
	}
	return s.dnsFrame(l, at, b)
}

// longestMethod bounds the first word of a request (RFC 9110 §16.1.2 lists none
// longer than UPDATEREDIRECTREF).
const longestMethod = 17

// guess finds out what is spoken by the first bytes: positive when it is known.
func (l *look) guess(b []byte) int {
	switch {
	case l.dns:
		l.talk = talkDNS
		return 1
	case b[0] == recordHandshake:
		if len(b) < 3 {
			return more
		}
		if b[1] != 3 || b[2] > 4 {
			return nothing
		}
		l.talk = talkTLS
		return 1
	case b[0] == 4 || b[0] == 5:
		l.talk = talkSOCKS
		return 1
	}
	for i, c := range b[:min(len(b), longestMethod+1)] {
		switch {
		case c >= 'A' && c <= 'Z' || c == '-' && i > 0:
		case c == ' ' && i > 2:
			l.talk = talkHTTP
			return 1
		default:
			return nothing
		}
	}
	if len(b) > longestMethod {
		return nothing
	}
	return more
}
