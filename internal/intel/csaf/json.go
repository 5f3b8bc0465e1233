package csaf

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// Bounds of what is read as one tree. The recursion of branches is at most 30
// (CSAF 2.1 §6.1.34), which is 60 levels of JSON.
const (
	maxDepth = 256
	// MaxDocument is how many bytes of one document are held at a time. What
	// is streamed (vulnerabilities, entries of a feed) counts one by one.
	MaxDocument = 128 << 20
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

var kindNames = [...]string{"null", "boolean", "number", "string", "array", "object"}

// value is one JSON value. Unlike encoding/json's maps it keeps the order of
// members and knows that a name stood there twice.
type value struct {
	kind  kind
	text  string   // string, or the literal of a number or boolean
	items []value  // of an array; of an object, beside keys
	keys  []string // of an object
}

// get follows names through objects; nil when one is missing.
func (v *value) get(path ...string) *value {
	for _, name := range path {
		if v == nil || v.kind != object {
			return nil
		}
		var next *value
		for i := range v.keys {
			if v.keys[i] == name {
				next = &v.items[i]
				break
			}
		}
		v = next
	}
	return v
}

// str returns the string at path, "" when there is none.
func (v *value) str(path ...string) string {
	if m := v.get(path...); m != nil && m.kind == text {
		return m.text
	}
	return ""
}

// list returns the items of the array at path.
func (v *value) list(path ...string) []value {
	if m := v.get(path...); m != nil && m.kind == list {
		return m.items
	}
	return nil
}

// strs returns the strings of the array at path.
func (v *value) strs(path ...string) []string {
	items := v.list(path...)
	if len(items) == 0 {
		return nil
	}
	out := make([]string, 0, len(items))
	for i := range items {
		if items[i].kind == text {
			out = append(out, items[i].text)
		}
	}
	return out
}

// float returns the number at path.
func (v *value) float(path ...string) (float64, bool) {
	m := v.get(path...)
	if m == nil || m.kind != number {
		return 0, false
	}
	f, err := strconv.ParseFloat(m.text, 64)
	return f, err == nil
}

// pointer extends a JSON pointer by a member name (RFC 6901 §3).
func pointer(at, name string) string {
	if bytes.ContainsAny([]byte(name), "~/") {
		b := make([]byte, 0, len(name)+4)
		for i := range len(name) {
			switch name[i] {
			case '~':
				b = append(b, "~0"...)
			case '/':
				b = append(b, "~1"...)
			default:
				b = append(b, name[i])
			}
		}
		name = string(b)
	}
	return at + "/" + name
}

func pointerN(at string, i int) string { return at + "/" + strconv.Itoa(i) }

// parser reads strict JSON (RFC 8259): one value, no name twice in an object,
// valid UTF-8, nothing behind.
type parser struct {
	r        io.Reader
	buf      []byte
	pos, end int
	off      int64 // of buf[0] in the input
	err      error // of r
	at       []any // where in the document, for messages: string or int
	held     int64 // bytes of the tree being built
	names    map[string]string
	scratch  []byte
	items    []value // of the arrays and objects being read, one behind the other
	keys     []string
}

func newParser(r io.Reader) *parser {
	p := &parser{r: r, buf: make([]byte, 16<<10), names: map[string]string{}}
	// A byte order mark is forbidden to write and allowed to be ignored (RFC 8259 §8.1).
	if p.fill(3) && bytes.HasPrefix(p.buf[p.pos:p.end], []byte("\xef\xbb\xbf")) {
		p.pos += 3
	}
	return p
}

// fill makes n bytes available if the input still has them.
func (p *parser) fill(n int) bool {
	for p.end-p.pos < n && p.err == nil {
		if p.pos > 0 {
			copy(p.buf, p.buf[p.pos:p.end])
			p.off += int64(p.pos)
			p.end -= p.pos
			p.pos = 0
		}
		var k int
		k, p.err = p.r.Read(p.buf[p.end:])
		p.end += k
	}
	return p.end-p.pos >= n
}

// where returns the JSON pointer of the value being read.
func (p *parser) where() string {
	at := ""
	for _, s := range p.at {
		if n, ok := s.(int); ok {
			at = pointerN(at, n)
		} else {
			at = pointer(at, s.(string))
		}
	}
	return at
}

func (p *parser) fail(code string, pairs ...any) error {
	if p.err != nil && p.err != io.EOF {
		return p.err
	}
	if p.err == io.EOF && p.pos >= p.end && code == "csaf.json" {
		code = "csaf.cut_short"
	}
	args := fault.Args{"offset": p.off + int64(p.pos)}
	for i := 0; i < len(pairs); i += 2 {
		args[pairs[i].(string)] = pairs[i+1]
	}
	e := fault.New(fault.Usage, code)
	e.Args = args
	return e.At(fault.Place{At: p.where(), Code: code, Args: args})
}

// peek returns the next byte that is not white space; 0 at the end.
func (p *parser) peek() byte {
	for {
		for p.pos < p.end {
			switch c := p.buf[p.pos]; c {
			case ' ', '\t', '\n', '\r':
				p.pos++
			default:
				return c
			}
		}
		if !p.fill(1) {
			return 0
		}
	}
}

// done checks that nothing but white space is left.
func (p *parser) done() error {
	if p.peek() != 0 || p.pos < p.end {
		return p.fail("csaf.trailing")
	}
	if p.err != nil && p.err != io.EOF {
		return p.err
	}
	return nil
}

func (p *parser) hold(n int) error {
	if p.held += int64(n); p.held > MaxDocument {
		return p.fail("csaf.too_large", "limit", MaxDocument>>20)
	}
	return nil
}

// value reads one value into a tree.
func (p *parser) value() (v value, err error) {
	if err = p.hold(80); err != nil {
		return v, err
	}
	switch c := p.peek(); {
	case c == '{':
		v.kind = object
		from, keys := len(p.items), len(p.keys)
		err = p.members(func(name string) error {
			m, err := p.value()
			p.keys, p.items = append(p.keys, name), append(p.items, m)
			return err
		})
		v.items, v.keys = p.take(from), append([]string(nil), p.keys[keys:]...)
		p.keys = p.keys[:keys]
	case c == '[':
		v.kind = list
		from := len(p.items)
		err = p.elements(func(int) error {
			m, err := p.value()
			p.items = append(p.items, m)
			return err
		})
		v.items = p.take(from)
	case c == '"':
		v.kind = text
		var raw []byte
		if raw, err = p.string(); err == nil {
			v.text = p.intern(raw)
		}
	case c == '-' || c >= '0' && c <= '9':
		v.kind = number
		v.text, err = p.number()
	case c == 't' || c == 'f' || c == 'n':
		for _, word := range [...]string{"true", "false", "null"} {
			if word[0] == c {
				if !p.fill(len(word)) || string(p.buf[p.pos:p.pos+len(word)]) != word {
					return v, p.fail("csaf.json")
				}
				p.pos += len(word)
				if c != 'n' {
					v.kind, v.text = boolean, word
				}
			}
		}
	default:
		return v, p.fail("csaf.json")
	}
	return v, err
}

// take cuts the items from the stack into a slice of their exact number.
func (p *parser) take(from int) []value {
	out := append([]value(nil), p.items[from:]...)
	clear(p.items[from:])
	p.items = p.items[:from]
	return out
}

// intern keeps one copy of each short string: product ids and names of
// members stand in a document thousands of times.
func (p *parser) intern(raw []byte) string {
	if len(raw) > 64 {
		p.held += int64(len(raw)) // bounded by string already
		return string(raw)
	}
	if s, ok := p.names[string(raw)]; ok {
		return s
	}
	s := string(raw)
	if len(p.names) >= 1<<13 {
		clear(p.names)
	}
	p.names[s] = s
	return s
}

// members reads an object and calls each with the name of a member; each reads
// its value.
func (p *parser) members(each func(name string) error) error {
	if len(p.at) >= maxDepth {
		return p.fail("csaf.too_deep", "limit", maxDepth)
	}
	if p.peek() != '{' {
		return p.fail("csaf.want_object")
	}
	p.pos++
	if p.peek() == '}' {
		p.pos++
		return nil
	}
	var few [16]string
	var many map[string]bool
	for n := 0; ; n++ {
		if p.peek() != '"' {
			return p.fail("csaf.json")
		}
		raw, err := p.string()
		if err != nil {
			return err
		}
		name := p.intern(raw)
		double := many[name]
		for i := 0; i < min(n, len(few)) && !double; i++ {
			double = few[i] == name
		}
		if double {
			return p.fail("csaf.double_name", "name", name)
		}
		if n < len(few) {
			few[n] = name
		} else {
			if many == nil {
				many = map[string]bool{}
			}
			many[name] = true
			if err := p.hold(32 + len(name)); err != nil {
				return err
			}
		}
		if p.peek() != ':' {
			return p.fail("csaf.json")
		}
		p.pos++
		p.at = append(p.at, name)
		if err := each(name); err != nil {
			return err
		}
		p.at = p.at[:len(p.at)-1]
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return nil
		default:
			return p.fail("csaf.json")
		}
	}
}

// elements reads an array and calls each with the number of an element; each
// reads it.
func (p *parser) elements(each func(i int) error) error {
	if len(p.at) >= maxDepth {
		return p.fail("csaf.too_deep", "limit", maxDepth)
	}
	if p.peek() != '[' {
		return p.fail("csaf.want_array")
	}
	p.pos++
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	for i := 0; ; i++ {
		p.at = append(p.at, i)
		if err := each(i); err != nil {
			return err
		}
		p.at = p.at[:len(p.at)-1]
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return nil
		default:
			return p.fail("csaf.json")
		}
	}
}

// number reads a number and returns its literal (RFC 8259 §6).
func (p *parser) number() (string, error) {
	b := p.scratch[:0]
	next := func() byte {
		if p.pos < p.end || p.fill(1) {
			return p.buf[p.pos]
		}
		return 0
	}
	take := func() { b = append(b, p.buf[p.pos]); p.pos++ }
	digits := func() bool {
		n := 0
		for c := next(); c >= '0' && c <= '9' && len(b) < 64; c = next() {
			take()
			n++
		}
		return n > 0
	}
	if next() == '-' {
		take()
	}
	if next() == '0' {
		take()
	} else if !digits() {
		return "", p.fail("csaf.json")
	}
	if next() == '.' {
		take()
		if !digits() {
			return "", p.fail("csaf.json")
		}
	}
	if c := next(); c == 'e' || c == 'E' {
		take()
		if c := next(); c == '+' || c == '-' {
			take()
		}
		if !digits() {
			return "", p.fail("csaf.json")
		}
	}
	p.scratch = b
	return string(b), nil
}

// string reads a string; the result is valid until the next call.
func (p *parser) string() ([]byte, error) {
	p.pos++
	b := p.scratch[:0]
	for {
		if p.pos == p.end && !p.fill(1) {
			return nil, p.fail("csaf.json")
		}
		start := p.pos
		for p.pos < p.end && p.buf[p.pos] != '"' && p.buf[p.pos] != '\\' && p.buf[p.pos] >= ' ' {
			p.pos++
		}
		b = append(b, p.buf[start:p.pos]...)
		if int64(len(b))+p.held > MaxDocument {
			return nil, p.fail("csaf.too_large", "limit", MaxDocument>>20)
		}
		if p.pos == p.end {
			continue
		}
		switch c := p.buf[p.pos]; {
		case c == '"':
			p.pos++
			p.scratch = b
			if !utf8.Valid(b) {
				return nil, p.fail("csaf.utf8")
			}
			return b, nil
		case c < ' ':
			return nil, p.fail("csaf.json")
		default:
			var err error
			if b, err = p.escape(b); err != nil {
				return nil, err
			}
		}
	}
}

func (p *parser) escape(b []byte) ([]byte, error) {
	if !p.fill(2) {
		return nil, p.fail("csaf.json")
	}
	c := p.buf[p.pos+1]
	p.pos += 2
	switch c {
	case '"', '\\', '/':
		return append(b, c), nil
	case 'b':
		return append(b, '\b'), nil
	case 'f':
		return append(b, '\f'), nil
	case 'n':
		return append(b, '\n'), nil
	case 'r':
		return append(b, '\r'), nil
	case 't':
		return append(b, '\t'), nil
	case 'u':
		r, err := p.hex4()
		if err != nil {
			return nil, err
		}
		if utf16.IsSurrogate(r) {
			// A lone half is no character; strict readers refuse it (RFC 7493 §2.1).
			if !p.fill(2) || p.buf[p.pos] != '\\' || p.buf[p.pos+1] != 'u' {
				return nil, p.fail("csaf.utf8")
			}
			p.pos += 2
			low, err := p.hex4()
			if err != nil {
				return nil, err
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, p.fail("csaf.utf8")
			}
		}
		return utf8.AppendRune(b, r), nil
	}
	return nil, p.fail("csaf.json")
}

func (p *parser) hex4() (rune, error) {
	if !p.fill(4) {
		return 0, p.fail("csaf.json")
	}
	n, err := strconv.ParseUint(string(p.buf[p.pos:p.pos+4]), 16, 16)
	if err != nil || p.buf[p.pos] == '+' || p.buf[p.pos] == '-' {
		return 0, p.fail("csaf.json")
	}
	p.pos += 4
	return rune(n), nil
}

// parse reads a whole document into a tree.
func parse(r io.Reader) (*value, error) {
	p := newParser(r)
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	return &v, p.done()
}
