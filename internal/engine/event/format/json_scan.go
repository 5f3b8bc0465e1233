package format

import (
	"bytes"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// The bounds of one record.
const (
	maxDepth  = 64      // arrays and objects inside each other
	maxFields = 1 << 16 // values
	maxKey    = 1 << 10 // bytes of a name
)

// scan reads one JSON value after another into fields and their text. It is
// lenient: a name may stand twice (both are kept), text may hold any byte.
// The name of a field is the number of its node until the record is whole and
// its dialect known.
type scan struct {
	shape *shaper
	b     []byte // the block
	p     int    // the next byte of it

	text   []byte // as long as its capacity
	w      int    // bytes of it that are used
	fields []event.Field
	marks  marks
	nested []nested // lists that are records of their own
	flaw   [reasons]bool
	held   []int  // fields whose text may be the event itself
	within []byte // such a text while it is read
}

// nested is a list of objects that are events themselves.
type nested struct {
	node     *node
	from, to int // in b
}

// begin makes the scan ready for a record. A string needs no more room than it
// has in the block, and so nothing below looks whether there is room.
func (s *scan) begin(row *event.Row) {
	s.w, s.fields, s.marks, s.nested = 0, row.Fields[:0], marks{}, s.nested[:0]
	s.flaw, s.held = [reasons]bool{}, s.held[:0]
	s.room(row.Open()[:0], 0)
}

// room makes text of at least what is left of the block, after w bytes.
func (s *scan) room(text []byte, w int) {
	need := w + len(s.b) - s.p + 16
	if cap(text) < need {
		grown := make([]byte, need+need/4)
		copy(grown, text[:min(w, len(text))])
		text = grown
	}
	s.text, s.w = text[:cap(text)], w
}

// object reads the members of an object after its brace. It reports whether it
// got to its end.
func (s *scan) object(in *node, depth int) bool {
	before := &in.first
	for {
		s.space()
		if s.p >= len(s.b) {
			s.flaw[Cut] = true
			return false
		}
		switch s.b[s.p] {
		case '}':
			s.p++
			return true
		case ',':
			s.p++
			continue
		case '"':
		default:
			return false
		}
		n := s.member(in, before)
		if n == nil {
			return false
		}
		before = &n.next
		if n.mark != 0 {
			s.marks.set(n.mark)
		}
		if s.p < len(s.b) && s.b[s.p] == ' ' {
			s.p++
		}
		if !s.value(n, depth) {
			return false
		}
	}
}

// member reads a key with its colon. Which keys follow one another is much the
// same from record to record, so the two last followers are tried first.
func (s *scan) member(in *node, before *follow) *node {
	rest := s.b[s.p:]
	if n := before.one; n != nil && len(rest) > len(n.raw) && string(rest[:len(n.raw)]) == string(n.raw) {
		s.p += len(n.raw)
		return n
	}
	if n := before.two; n != nil && len(rest) > len(n.raw) && string(rest[:len(n.raw)]) == string(n.raw) {
		s.p += len(n.raw)
		before.one, before.two = before.two, before.one
		return n
	}
	end := stringEnd(rest[1:])
	if end < 0 {
		s.flaw[Cut] = true
		return nil
	}
	key := rest[1 : end+1]
	s.p += end + 2
	s.space()
	if s.p >= len(s.b) || s.b[s.p] != ':' {
		s.flaw[Cut] = s.p >= len(s.b)
		return nil
	}
	s.p++
	if len(key) > maxKey {
		s.flaw[Wide] = true
		key = key[:maxKey]
	}
	n := s.shape.child(in, key)
	before.one, before.two = n, before.one
	return n
}

func (s *scan) space() {
	b, p := s.b, s.p
	for p < len(b) && (b[p] == ' ' || b[p] == '\n' || b[p] == '\r' || b[p] == '\t' || b[p] == 0) {
		p++
	}
	s.p = p
}

// value reads a value of a node.
func (s *scan) value(n *node, depth int) bool {
	if s.p >= len(s.b) {
		s.flaw[Cut] = true
		return false
	}
	switch s.b[s.p] {
	case '"':
		s.p++
		from := s.w
		if !s.string() {
			return false
		}
		if n.holds && len(s.held) < maxHeld {
			s.held = append(s.held, len(s.fields))
		}
		s.field(n, event.Text, from)
		return true
	case '{', '[':
		return s.inner(n, depth)
	case ' ', '\n', '\r', '\t', 0:
		s.space()
		return s.value(n, depth)
	case 't':
		return s.word(n, event.Bool, "true")
	case 'f':
		return s.word(n, event.Bool, "false")
	case 'n':
		return s.word(n, event.Null, "null")
	}
	return s.number(n)
}

// field makes a field of the text since from.
func (s *scan) field(n *node, kind event.Kind, from int) {
	if len(s.fields) >= maxFields || s.w > event.MaxText {
		s.flaw[Wide] = true
		s.w = from
		return
	}
	s.fields = append(s.fields, event.Field{Name: event.Name(n.id), Off: uint32(from), Len: uint32(s.w - from), Kind: kind})
}

// inner reads an object or a list. What a dialect wants as a whole is kept as
// its text besides; lists that are events of their own are kept for later.
func (s *scan) inner(n *node, depth int) bool {
	from := s.p
	switch {
	case depth >= maxDepth:
		s.flaw[Deep] = true
		return s.pass()
	case n.nested && s.listsObjects():
		if !s.pass() {
			return false
		}
		s.nested = append(s.nested, nested{n, from, s.p})
		return true
	}
	ok := false
	if s.p++; s.b[from] == '{' {
		ok = s.object(n, depth+1)
	} else {
		ok = s.list(n, depth+1)
	}
	if ok && n.whole != nil {
		s.whole(n.whole, s.b[from:s.p])
	}
	return ok
}

// listsObjects reports whether a list of objects is at hand.
func (s *scan) listsObjects() bool {
	p := skipSpace(s.b, s.p+1)
	return s.b[s.p] == '[' && p < len(s.b) && s.b[p] == '{'
}

// list reads the elements of a list, all of the same node.
func (s *scan) list(n *node, depth int) bool {
	for {
		s.space()
		if s.p >= len(s.b) {
			s.flaw[Cut] = true
			return false
		}
		switch s.b[s.p] {
		case ']':
			s.p++
			return true
		case ',':
			s.p++
		case '{':
			// Not by value: what is wanted as a whole is wanted once.
			if depth >= maxDepth {
				s.flaw[Deep] = true
				if !s.pass() {
					return false
				}
				continue
			}
			if s.p++; !s.object(n, depth+1) {
				return false
			}
		default:
			if !s.value(n, depth) {
				return false
			}
		}
	}
}

// maxHeld is how many texts of a record are looked into.
const maxHeld = 4

// unfold reads texts that are objects in JSON themselves as if their members
// stood outermost, in a record that says nothing else of where it comes from:
// what somebody wrote into a field of a known log is no part of the log.
func (s *scan) unfold() {
	for i := len(s.held) - 1; i >= 0; i-- {
		if at := s.held[i]; at < len(s.fields) && s.embedded(s.fields[at]) {
			s.fields = append(s.fields[:at], s.fields[at+1:]...)
		}
	}
}

// embedded reads the text of a field. One that only begins like an object stays
// text.
func (s *scan) embedded(f event.Field) bool {
	text := s.text[f.Off : f.Off+f.Len]
	if len(text) < 2 || text[0] != '{' || text[1] != '"' && text[1] != ' ' && text[1] != '\n' {
		return false
	}
	outer, p, w, fields, lists, m := s.b, s.p, s.w, len(s.fields), len(s.nested), s.marks
	s.within = append(s.within[:0], text...)
	s.b, s.p = s.within, 1
	s.room(s.text, w)
	ok := s.object(s.shape.root, 1) && skipSpace(s.b, s.p) == len(s.b)
	s.b, s.p, s.nested = outer, p, s.nested[:lists]
	if !ok {
		s.fields, s.marks, s.flaw[Cut], s.w = s.fields[:fields], m, false, w
	}
	return ok
}

// whole keeps the text of a value, if there is room beside its parts.
func (s *scan) whole(n *node, value []byte) {
	if !utf8.Valid(value) {
		value = bytes.ToValidUTF8(value, []byte("\uFFFD"))
	}
	from := s.w
	s.room(s.text, s.w+len(value))
	s.w = from + copy(s.text[from:], value)
	s.field(n, event.Text, from)
}

// pass leaves out a value.
func (s *scan) pass() bool {
	n := valueEnd(s.b[s.p:])
	if n == 0 {
		s.flaw[Cut] = true
		return false
	}
	s.p += n
	return true
}

func (s *scan) word(n *node, kind event.Kind, word string) bool {
	if !bytes.HasPrefix(s.b[s.p:], []byte(word)) {
		return false
	}
	s.p += len(word)
	from := s.w
	if kind != event.Null {
		s.w += copy(s.text[s.w:], word)
	}
	s.field(n, kind, from)
	return true
}

// numeric are the bytes of numbers; NaN and Infinity, which some writers make,
// are among them.
var numeric = func() (t [256]bool) {
	for _, c := range []byte("0123456789+-.eExXNaInfity") {
		t[c] = true
	}
	return t
}()

func (s *scan) number(n *node) bool {
	b, p := s.b, s.p
	for p < len(b) && numeric[b[p]] {
		p++
	}
	if p == s.p || p == len(b) {
		s.flaw[Cut] = p == len(b)
		return false
	}
	from := s.w
	s.w += copy(s.text[s.w:], b[s.p:p])
	s.p = p
	s.field(n, event.Number, from)
	return true
}
