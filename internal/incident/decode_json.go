package incident

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// Limits on a JSON document, whatever it says.
const (
	MaxJSON     = 2 << 20 // bytes
	maxDepth    = 12      // objects and arrays inside one another
	maxNodes    = 200_000 // values in all
	maxProblems = 500     // told one by one; the rest are counted
)

// node is one JSON value and where it stands. The standard decoder is not
// used: it accepts a key twice, guesses at letter case, repairs broken UTF-8
// and cannot say where a value was.
type node struct {
	kind byte // one of { [ " 0 t f n, as the value begins
	at   int  // byte offset
	text string
	keys []member
	list []*node
	byID map[string]*node // of keys, made when first asked for
}

type member struct {
	key   string
	at    int
	value *node
}

func (n *node) member(key string) *node {
	if n.byID == nil {
		n.byID = make(map[string]*node, len(n.keys))
		for _, m := range n.keys {
			n.byID[m.key] = m.value
		}
	}
	return n.byID[key]
}

// find walks a JSON pointer (RFC 6901) as far as it goes.
func (n *node) find(pointer string) *node {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = unescape.Replace(part)
		var next *node
		if n.kind == '{' {
			next = n.member(part)
		} else if i, err := strconv.Atoi(part); err == nil && n.kind == '[' && i >= 0 && i < len(n.list) {
			next = n.list[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// pointer appends a key or an index to a JSON pointer.
func pointer(base, key string) string {
	return base + "/" + escape.Replace(key)
}

var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
)

// problem is one thing wrong at one byte offset.
type problem struct {
	at      int
	pointer string
	code    string
	args    fault.Args
}

// places turns problems into places in the order of the text. A place reads
// "12:5 /values/event.title": line and column count from 1, columns in
// characters, as editors do.
func places(raw string, bad []problem) []fault.Place {
	slices.SortStableFunc(bad, func(a, b problem) int { return a.at - b.at })
	out := make([]fault.Place, 0, min(len(bad), maxProblems+1))
	line, col, pos := 1, 1, 0
	for i, p := range bad {
		if i == maxProblems {
			out = append(out, fault.Place{At: "…", Code: "incident.json.more", Args: fault.Args{"n": len(bad) - i}})
			break
		}
		for _, c := range raw[pos:min(p.at, len(raw))] {
			if col++; c == '\n' {
				line, col = line+1, 1
			}
		}
		pos = min(p.at, len(raw))
		at := strings.TrimSuffix(strconv.Itoa(line)+":"+strconv.Itoa(col)+" "+p.pointer, " ")
		out = append(out, fault.Place{At: at, Code: p.code, Args: p.args})
	}
	return out
}

// reader is a strict RFC 8259 parser: recursive, bounded, byte by byte. It
// stops at the first thing that is not JSON, and collects what is JSON but not
// acceptable.
type reader struct {
	raw   string
	pos   int
	nodes int
	path  []string // keys and indices down to the value being read
	bad   []problem
	stop  bool // the text cannot be read further
}

func (r *reader) fail(code string, args fault.Args) *node {
	if !r.stop {
		r.bad = append(r.bad, problem{at: r.pos, code: code, args: args})
		r.stop = true
	}
	return &node{kind: 'n', at: r.pos}
}

// parseJSON reads one document. The node is nil when it could not be read to
// its end.
func parseJSON(raw string) (*node, []problem) {
	r := &reader{raw: raw}
	if i := invalidUTF8(raw); i >= 0 {
		return nil, []problem{{at: i, code: "incident.json.utf8"}}
	}
	r.pos = len(raw) - len(strings.TrimPrefix(raw, "\ufeff"))
	r.space()
	if r.pos == len(raw) {
		r.fail("incident.json.empty", nil)
		return nil, r.bad
	}
	n := r.value(0)
	r.space()
	if !r.stop && r.pos != len(raw) {
		r.fail("incident.json.trailing", nil)
	}
	if r.stop {
		return nil, r.bad
	}
	return n, r.bad
}

func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// pointer is where the value being read stands. Long keys are cut: a megabyte
// of key over a hundred thousand faults would fill the memory.
func (r *reader) pointer() (ptr string) {
	for _, part := range r.path {
		ptr = pointer(ptr, shorten(part))
	}
	return ptr
}

func (r *reader) space() {
	for r.pos < len(r.raw) && strings.IndexByte(" \t\r\n", r.raw[r.pos]) >= 0 {
		r.pos++
	}
}

// next returns the byte at the position, 0 at the end.
func (r *reader) next() byte {
	if r.pos < len(r.raw) {
		return r.raw[r.pos]
	}
	return 0
}

func (r *reader) value(depth int) *node {
	if depth > maxDepth {
		return r.fail("incident.json.deep", fault.Args{"max": maxDepth})
	}
	if r.nodes++; r.nodes > maxNodes {
		return r.fail("incident.json.many", fault.Args{"max": maxNodes})
	}
	n := &node{kind: r.next(), at: r.pos}
	switch c := n.kind; {
	case c == '{':
		r.object(n, depth)
	case c == '[':
		r.array(n, depth)
	case c == '"':
		n.text = r.str()
	case c == '-' || c >= '0' && c <= '9':
		n.kind, n.text = '0', r.number()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	default:
		return r.fail("incident.json.syntax", nil)
	}
	return n
}

func (r *reader) word(w string) {
	if !strings.HasPrefix(r.raw[r.pos:], w) {
		r.fail("incident.json.syntax", nil)
		return
	}
	r.pos += len(w)
}

func (r *reader) object(n *node, depth int) {
	seen := map[string]bool{}
	for first := true; !r.stop; first = false {
		r.pos++ // the brace or the comma
		r.space()
		if r.next() == '}' && first {
			r.pos++
			return
		}
		if r.next() != '"' {
			r.fail("incident.json.key", nil)
			return
		}
		at := r.pos
		key := r.str()
		r.space()
		if r.next() != ':' {
			r.fail("incident.json.colon", nil)
			return
		}
		r.pos++
		r.space()
		r.path = append(r.path, key)
		if seen[key] {
			r.bad = append(r.bad, problem{at, r.pointer(), "incident.json.duplicate", fault.Args{"key": shorten(key)}})
		}
		seen[key] = true
		n.keys = append(n.keys, member{key, at, r.value(depth + 1)})
		r.path = r.path[:len(r.path)-1]
		r.space()
		if r.next() == '}' {
			r.pos++
			return
		}
		if r.next() != ',' {
			r.fail("incident.json.comma", nil)
			return
		}
	}
}

func (r *reader) array(n *node, depth int) {
	for first := true; !r.stop; first = false {
		r.pos++
		r.space()
		if r.next() == ']' && first {
			r.pos++
			return
		}
		r.path = append(r.path, strconv.Itoa(len(n.list)))
		n.list = append(n.list, r.value(depth+1))
		r.path = r.path[:len(r.path)-1]
		r.space()
		if r.next() == ']' {
			r.pos++
			return
		}
		if r.next() != ',' {
			r.fail("incident.json.comma", nil)
			return
		}
	}
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (r *reader) number() string {
	start := r.pos
	digits := func() bool {
		from := r.pos
		for r.next() >= '0' && r.next() <= '9' {
			r.pos++
		}
		return r.pos > from
	}
	if r.next() == '-' {
		r.pos++
	}
	zero := r.next() == '0'
	whole := r.pos
	ok := digits() && (!zero || r.pos == whole+1)
	if ok && r.next() == '.' {
		r.pos++
		ok = digits()
	}
	if ok && (r.next()|0x20) == 'e' {
		r.pos++
		if r.next() == '+' || r.next() == '-' {
			r.pos++
		}
		ok = digits()
	}
	if !ok {
		r.fail("incident.json.number", nil)
	}
	return r.raw[start:r.pos]
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *reader) str() string {
	r.pos++ // the quote
	start := r.pos
	for r.next() >= 0x20 && r.next() != '"' && r.next() != '\\' {
		r.pos++
	}
	if r.next() == '"' {
		r.pos++
		return r.raw[start : r.pos-1]
	}
	var b strings.Builder
	b.WriteString(r.raw[start:r.pos])
	for !r.stop {
		c := r.next()
		switch {
		case c == '"':
			r.pos++
			return b.String()
		case c < 0x20:
			r.fail("incident.json.string", nil)
		case c != '\\':
			b.WriteByte(c)
			r.pos++
		default:
			r.pos++
			if e, ok := escapes[r.next()]; ok {
				b.WriteByte(e)
				r.pos++
			} else {
				b.WriteRune(r.unicode())
			}
		}
	}
	return b.String()
}

// unicode reads u and four hex digits, and the second half of a surrogate
// pair. Half a pair is no character and is refused.
func (r *reader) unicode() rune {
	half := func() (rune, bool) {
		if r.next() != 'u' || len(r.raw)-r.pos < 5 {
			return 0, false
		}
		n, err := strconv.ParseUint(r.raw[r.pos+1:r.pos+5], 16, 16)
		if err != nil {
			return 0, false
		}
		r.pos += 5
		return rune(n), true
	}
	c, ok := half()
	if ok && utf16.IsSurrogate(c) {
		ok = false
		if r.next() == '\\' {
			r.pos++
			if low, pair := half(); pair {
				c = utf16.DecodeRune(c, low)
				ok = c != utf8.RuneError
			}
		}
	}
	if !ok {
		r.fail("incident.json.escape", nil)
		return 0
	}
	return c
}

// shorten cuts what came in to what a message can hold.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > 40 {
			return s[:i] + "…"
		}
	}
	return s
}
