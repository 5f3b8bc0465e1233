package csaf

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// shape is what the schema says of a value: the part of JSON Schema 2020-12
// that the schemas of CSAF, CVSS and SSVC use.
type shape struct {
	kind     kind
	required []string
	fields   map[string]*shape
	closed   bool // a member that is not in fields is an error, not a remark
	minItems int
	distinct bool
	members  int // least number of members of an object
	atMost   int // greatest, 0 for any
	items    *shape
	enum     []string
	pattern  *regexp.Regexp
	format   format
	minLen   int
	min, max float64 // of a number, when max > 0
}

type format uint8

const (
	anyText format = iota
	uri
	dateTime
)

type fields map[string]*shape

func obj(required string, f fields) *shape {
	return &shape{kind: object, required: strings.Fields(required), fields: f}
}

func (s *shape) least(n int) *shape { c := *s; c.members = n; return &c }

func arr(items *shape) *shape { return &shape{kind: list, minItems: 1, items: items} }

func set(items *shape) *shape { return &shape{kind: list, minItems: 1, items: items, distinct: true} }

func word() *shape { return &shape{kind: text, minLen: 1} }

func link() *shape { return &shape{kind: text, format: uri} }

func instant() *shape { return &shape{kind: text, format: dateTime} }

func one(of string) *shape { return &shape{kind: text, enum: strings.Fields(of)} }

func like(pattern string) *shape {
	return &shape{kind: text, minLen: 1, pattern: regexp.MustCompile(pattern)}
}

// closing makes every object below closed, as the schema of CSAF 2.1 has it.
func (s *shape) closing(seen map[*shape]bool) *shape {
	if s == nil || seen[s] {
		return s
	}
	seen[s] = true
	s.closed = s.kind == object && s.fields != nil
	s.items.closing(seen)
	for _, f := range s.fields {
		f.closing(seen)
	}
	return s
}

// found is one thing the check of a shape found.
type found struct {
	at, code string
	args     fault.Args
	extra    bool // a member the schema does not know, where it allows any
}

// check walks v and tells every deviation from s.
func (s *shape) check(v *value, at string, tell func(found)) {
	say := func(at, code string, pairs ...any) {
		f := found{at: at, code: code}
		for i := 0; i < len(pairs); i += 2 {
			if f.args == nil {
				f.args = fault.Args{}
			}
			f.args[pairs[i].(string)] = pairs[i+1]
		}
		tell(f)
	}
	if v.kind != s.kind {
		say(at, "csaf.schema.kind", "want", kindNames[s.kind], "got", kindNames[v.kind])
		return
	}
	switch v.kind {
	case object:
		for _, name := range s.required {
			if v.get(name) == nil {
				say(pointer(at, name), "csaf.schema.missing", "name", name)
			}
		}
		if n := len(v.keys); n < s.members || s.atMost > 0 && n > s.atMost {
			say(at, "csaf.schema.members", "n", n, "least", s.members)
		}
		for i, name := range v.keys {
			f := s.fields[name]
			switch {
			case f != nil:
				f.check(&v.items[i], pointer(at, name), tell)
			case s.fields == nil:
			default:
				tell(found{at: pointer(at, name), code: "csaf.schema.unknown", args: fault.Args{"name": name}, extra: !s.closed})
			}
		}
	case list:
		if len(v.items) < s.minItems {
			say(at, "csaf.schema.items", "n", len(v.items), "least", s.minItems)
		}
		if s.distinct {
			if i := repeated(v.items); i >= 0 {
				say(pointerN(at, i), "csaf.schema.repeated")
			}
		}
		for i := range v.items {
			s.items.check(&v.items[i], pointerN(at, i), tell)
		}
	case text:
		s.checkText(v.text, at, say)
	case number:
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil || s.max > 0 && (f < s.min || f > s.max) {
			say(at, "csaf.schema.number", "value", v.text)
		}
	}
}

func (s *shape) checkText(t, at string, say func(at, code string, pairs ...any)) {
	switch {
	case len(t) < s.minLen && len([]rune(t)) < s.minLen:
		say(at, "csaf.schema.empty")
		return
	case s.enum != nil:
		for _, e := range s.enum {
			if e == t {
				return
			}
		}
		say(at, "csaf.schema.enum", "value", clip(t), "allowed", strings.Join(s.enum, ", "))
		return
	case s.pattern != nil && !s.pattern.MatchString(t):
		say(at, "csaf.schema.pattern", "value", clip(t))
		return
	}
	switch s.format {
	case uri:
		if !isURI(t) {
			say(at, "csaf.schema.uri", "value", clip(t))
		}
	case dateTime:
		if _, ok := moment(t); !ok {
			say(at, "csaf.schema.time", "value", clip(t))
		}
	}
}

// clip shortens what is quoted in a message.
func clip(t string) string {
	if r := []rune(t); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return t
}

// repeated returns the place of an item that stood before, else -1.
func repeated(items []value) int {
	if len(items) < 2 {
		return -1
	}
	seen := make(map[string]bool, len(items))
	for i := range items {
		k := canonical(&items[i])
		if seen[k] {
			return i
		}
		seen[k] = true
	}
	return -1
}

// moment reads a date-time of RFC 3339 §5.6 with a capital T and Z and without
// leap seconds (CSAF 2.1 §2.3; 2.0 leaves these to the schema's format).
func moment(t string) (time.Time, bool) {
	if !dateTimePattern.MatchString(t) {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, t)
	return at, err == nil
}

var dateTimePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// uriPattern is the shape of an absolute URI (RFC 3986 §3), tried before the
// standard library's lenient parser.
var uriPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$`)

func isURI(t string) bool { return uriPattern.MatchString(t) }
