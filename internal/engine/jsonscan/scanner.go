package jsonscan

import (
	"errors"
	"io"
	"strconv"
)

// Scanner walks the outer arrays and objects of a document and hands out the
// values in them. Use: Kind, then Enter and Next in a loop, or Value; End last.
// After an error it returns that error again.
type Scanner struct {
	r      io.Reader
	limits Limits
	buf    []byte
	i, n   int   // buf[i:n] is read and not yet consumed
	base   int64 // offset of buf[0] in the document
	eof    bool
	hand   bool // a value is at hand: the next byte begins it
	open   []level
	check  checker
	err    error
}

// level is one array or object that is entered.
type level struct {
	object bool
	count  int
	key    string
	bytes  int // of all names
	seen   map[string]struct{}
}

// New returns a Scanner over the document in r. A byte order mark is skipped.
func New(r io.Reader, l Limits) *Scanner {
	if l.Depth <= 0 {
		l.Depth = 128
	}
	if l.Element <= 0 {
		l.Element = 32 << 20
	}
	if l.Members <= 0 {
		l.Members = 1 << 20
	}
	return &Scanner{r: r, limits: l, hand: true}
}

// Reset makes the Scanner begin a new document in r, with the same limits and
// buffer.
func (s *Scanner) Reset(r io.Reader) {
	*s = Scanner{r: r, limits: s.limits, buf: s.buf, open: s.open[:0], check: s.check, hand: true}
}

// Offset returns how many bytes of the document are consumed.
func (s *Scanner) Offset() int64 { return s.base + int64(s.i) }

// Path returns the JSON pointer of the value at hand or last read.
func (s *Scanner) Path() string {
	var p []byte
	for _, l := range s.open {
		if l.object {
			p = appendPointer(append(p, '/'), l.key)
		} else {
			p = strconv.AppendInt(append(p, '/'), int64(max(l.count-1, 0)), 10)
		}
	}
	return string(p)
}

// fail keeps the first error, with the place it happened at.
func (s *Scanner) fail(at int, path string, err error) error {
	if s.err == nil {
		s.err = &Error{Offset: s.base + int64(at), Path: s.Path() + path, Err: err}
	}
	return s.err
}

const (
	firstBuffer = 256 << 10
	mostNames   = 64 << 20 // bytes of all names of one entered object
)

// more reads further bytes, keeping buf[i:n]. It returns false at the end.
func (s *Scanner) more() bool {
	if s.eof || s.err != nil {
		return false
	}
	if s.i > 0 && (s.n == len(s.buf) || s.i == s.n) {
		copy(s.buf, s.buf[s.i:s.n])
		s.base += int64(s.i)
		s.n -= s.i
		s.i = 0
	}
	if s.n == len(s.buf) {
		// One byte over the limit is enough to know that a value is too large.
		size := min(max(firstBuffer, 2*len(s.buf)), s.limits.Element+1+firstBuffer)
		if size <= len(s.buf) {
			return false
		}
		b := make([]byte, size)
		copy(b, s.buf[:s.n])
		s.buf = b
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.n:])
		first := s.base == 0 && s.n < 3
		s.n += n
		if s.limits.Total > 0 && s.base+int64(s.n) > s.limits.Total {
			s.fail(s.n, "", ErrLarge)
			return false
		}
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.fail(s.n, "", err)
				return false
			}
		}
		if first && s.n >= 3 && s.i == 0 && string(s.buf[:3]) == "\xef\xbb\xbf" {
			s.i = 3
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.eof = true
	s.fail(s.n, "", io.ErrNoProgress)
	return false
}

// peek returns the next byte that is not space, without consuming it.
func (s *Scanner) peek() (byte, bool) {
	for {
		for s.i < s.n {
			c := s.buf[s.i]
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				if s.base == 0 && s.i == 0 && c == 0xef && s.n < 3 && s.more() {
					continue
				}
				return c, true
			}
			s.i++
		}
		if !s.more() {
			return 0, false
		}
	}
}

// cut is the error of a document that ends here.
func (s *Scanner) cut() error { return s.fail(s.n, "", ErrCut) }

// Kind returns the kind of the value at hand.
func (s *Scanner) Kind() (Kind, error) {
	if s.err != nil {
		return Invalid, s.err
	}
	if !s.hand {
		return Invalid, nil
	}
	c, ok := s.peek()
	if !ok {
		return Invalid, s.cut()
	}
	if kindOf[c] == Invalid {
		return Invalid, s.fail(s.i, "", ErrSyntax)
	}
	return kindOf[c], nil
}

// Enter opens the array or object at hand; Next then goes through it.
func (s *Scanner) Enter() error {
	k, err := s.Kind()
	if err != nil {
		return err
	}
	if k != Array && k != Object {
		return s.fail(s.i, "", ErrSyntax)
	}
	if len(s.open) >= s.limits.Depth {
		return s.fail(s.i, "", ErrDeep)
	}
	s.i++
	s.hand = false
	s.open = append(s.open, level{object: k == Object})
	return nil
}

// Next goes to the next value of the innermost open array or object, over the
// one at hand if that was not read. At the end it closes it and returns false.
func (s *Scanner) Next() (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	if s.hand {
		if _, err := s.Value(); err != nil {
			return false, err
		}
	}
	if len(s.open) == 0 {
		return false, nil
	}
	l := &s.open[len(s.open)-1]
	c, ok := s.peek()
	if !ok {
		return false, s.cut()
	}
	end := byte(']')
	if l.object {
		end = '}'
	}
	if c == end {
		s.i++
		s.open = s.open[:len(s.open)-1]
		return false, nil
	}
	if l.count > 0 {
		if c != ',' {
			return false, s.fail(s.i, "", ErrSyntax)
		}
		s.i++
		if c, ok = s.peek(); !ok {
			return false, s.cut()
		}
		if c == ']' || c == '}' {
			return false, s.fail(s.i, "", ErrSyntax)
		}
	}
	l.count++
	if l.object {
		if err := s.name(l, c); err != nil {
			return false, err
		}
	}
	s.hand = true
	return true, nil
}

// name reads the name of a member and its colon.
func (s *Scanner) name(l *level, c byte) error {
	if c != '"' {
		return s.fail(s.i, "", ErrSyntax)
	}
	k, err := s.whole()
	if err != nil {
		return err
	}
	l.key = k.Cursor().String()
	if l.seen == nil {
		l.seen = map[string]struct{}{}
	}
	if _, twice := l.seen[l.key]; twice {
		return s.fail(s.i, "", ErrTwice)
	}
	if l.bytes += len(l.key); len(l.seen) >= s.limits.Members || l.bytes > mostNames {
		return s.fail(s.i, "", ErrLarge)
	}
	l.seen[l.key] = struct{}{}
	if c, ok := s.peek(); !ok {
		return s.cut()
	} else if c != ':' {
		return s.fail(s.i, "", ErrSyntax)
	}
	s.i++
	return nil
}

// Key returns the name of the value at hand or last read; empty in an array.
func (s *Scanner) Key() string {
	if len(s.open) == 0 {
		return ""
	}
	return s.open[len(s.open)-1].key
}

// Value reads the whole value at hand. It is valid until the next call.
func (s *Scanner) Value() (Value, error) {
	if _, err := s.Kind(); err != nil {
		return nil, err
	}
	if !s.hand {
		return nil, s.fail(s.i, "", ErrSyntax)
	}
	v, err := s.whole()
	s.hand = false
	return v, err
}

// whole checks and consumes the value that begins at buf[i]. When the value is
// not complete in the buffer it starts over with twice as much: elements are
// small against the buffer, so that few are looked at twice.
func (s *Scanner) whole() (Value, error) {
	for {
		b := s.buf[s.i:s.n]
		end, at, err := s.check.value(b, s.limits.Depth-len(s.open), s.eof)
		if err == nil {
			if end > s.limits.Element {
				return nil, s.fail(s.i, "", ErrLarge)
			}
			s.i += end
			return Value(b[:end:end]), nil
		}
		if err != errShort {
			return nil, s.fail(s.i+at, pathTo(b, at), err)
		}
		if len(b) > s.limits.Element {
			return nil, s.fail(s.i+at, pathTo(b, at), ErrLarge)
		}
		if !s.eof {
			// Wait until the buffer is full: one look for many small reads.
			want := 2 * len(b)
			for s.n-s.i < want && s.n-s.i <= s.limits.Element && s.more() {
			}
			if s.err != nil {
				return nil, s.err
			}
			continue
		}
		return nil, s.fail(s.n, pathTo(b, len(b)), ErrCut)
	}
}

// End reports an error unless the document ends here.
func (s *Scanner) End() error {
	for s.hand || len(s.open) > 0 {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	if _, more := s.peek(); more {
		return s.fail(s.i, "", ErrAfter)
	}
	return s.err
}
