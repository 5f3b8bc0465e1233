package dissect

// pieces puts a client hello together whose parts may come in any order, more
// than once and over several packets. It holds at most maxQUICHello bytes.
type pieces struct {
	b     []byte
	spans [maxQUICPieces]span // in order, apart from each other
	n     int
}

// span is a part that is there: from and up to.
type span struct{ from, to uint16 }

// add puts in a piece at its offset and returns what is there from the
// beginning; ok is false when a bound was reached.
func (p *pieces) add(offset int, b []byte) (whole []byte, ok bool) {
	end := offset + len(b)
	if end > maxQUICHello {
		return nil, false
	}
	if len(b) > 0 {
		p.room(end)
		copy(p.b[offset:end], b)
		if !p.mark(span{uint16(offset), uint16(end)}) {
			return nil, false
		}
	}
	if p.n > 0 && p.spans[0].from == 0 {
		whole = p.b[:p.spans[0].to]
	}
	return whole, true
}

// room makes the buffer reach to end; what it outgrows is overwritten.
func (p *pieces) room(end int) {
	if end <= len(p.b) {
		return
	}
	if end > cap(p.b) {
		wider := make([]byte, end, max((end+511)&^511, min(2*len(p.b), maxQUICHello)))
		copy(wider, p.b)
		clear(p.b)
		p.b = wider
		return
	}
	p.b = p.b[:end]
}

// mark adds a span to the list and joins those that touch it.
func (p *pieces) mark(s span) bool {
	first := 0
	for first < p.n && p.spans[first].to < s.from {
		first++
	}
	last := first // one behind the spans that s touches
	for last < p.n && p.spans[last].from <= s.to {
		s.from = min(s.from, p.spans[last].from)
		s.to = max(s.to, p.spans[last].to)
		last++
	}
	if last == first {
		if p.n == len(p.spans) {
			return false
		}
		copy(p.spans[first+1:p.n+1], p.spans[first:p.n])
		p.n++
	} else {
		copy(p.spans[first+1:], p.spans[last:p.n])
		p.n -= last - first - 1
	}
	p.spans[first] = s
	return true
}

// forget overwrites what is there.
func (p *pieces) forget() {
	clear(p.b[:cap(p.b)])
	p.b, p.n = nil, 0
}
