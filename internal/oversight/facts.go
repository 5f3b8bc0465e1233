package oversight

import (
	"encoding/json"
	"math"
	"strconv"
)

// said is a fact that an entry says in clear: its name, and its value as JSON.
type said struct{ name, value []byte }

// split finds the facts of an entry, once, in the order of their names; its room
// is used again for the next entry.
func (e *entry) split() {
	e.facts = e.facts[:0]
	p := cursor{b: e.public}
	if !p.eat("{") {
		return
	}
	for p.eat(`"`) {
		from := p.at
		if !p.skipText() || !p.eat(":") {
			return
		}
		name := p.b[from : p.at-2]
		from = p.at
		if !p.skip() {
			return
		}
		e.facts = append(e.facts, said{name, p.b[from:p.at]})
		p.eat(",")
	}
}

// fact returns the value of a fact that an entry says in clear, as JSON.
func (e *entry) fact(name string) ([]byte, bool) {
	low, high := 0, len(e.facts)
	for low < high {
		mid := (low + high) / 2
		switch at := e.facts[mid].name; {
		case string(at) == name:
			return e.facts[mid].value, true
		case string(at) < name:
			low = mid + 1
		default:
			high = mid
		}
	}
	return nil, false
}

// field returns the value of a key of a canonical JSON object.
func field(object []byte, name string) ([]byte, bool) {
	p := cursor{b: object}
	if !p.eat("{") {
		return nil, false
	}
	for p.eat(`"`) {
		from := p.at
		if !p.skipText() || !p.eat(":") {
			return nil, false
		}
		key := p.b[from : p.at-2]
		from = p.at
		if !p.skip() {
			return nil, false
		}
		if string(key) == name {
			return p.b[from:p.at], true
		}
		if !p.eat(",") {
			return nil, false
		}
	}
	return nil, false
}

// skipText steps over the rest of a text that was read before.
func (p *cursor) skipText() bool {
	for ; p.at < len(p.b); p.at++ {
		switch p.b[p.at] {
		case '"':
			p.at++
			return true
		case '\\':
			p.at++
		}
	}
	return false
}

// skip steps over a value that was read before.
func (p *cursor) skip() bool {
	depth := 0
	for p.at < len(p.b) {
		switch c := p.b[p.at]; c {
		case '"':
			p.at++
			if !p.skipText() {
				return false
			}
		case '{', '[':
			depth++
			p.at++
		case '}', ']':
			if depth == 0 {
				return true
			}
			depth--
			p.at++
		case ',':
			if depth == 0 {
				return true
			}
			p.at++
		default:
			p.at++
		}
		if depth == 0 && p.at < len(p.b) && (p.b[p.at] == ',' || p.b[p.at] == '}' || p.b[p.at] == ']') {
			return true
		}
	}
	return depth == 0
}

// text returns a fact that is a text; empty where it is none.
func (e *entry) text(name string) []byte {
	raw, ok := e.fact(name)
	if !ok {
		return nil
	}
	return unquote(raw)
}

func unquote(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	in := raw[1 : len(raw)-1]
	for _, c := range in {
		if c == '\\' {
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return nil
			}
			return []byte(s)
		}
	}
	return in
}

// number returns a fact that is a whole number; 0 where it is none.
func (e *entry) number(name string) uint64 {
	raw, _ := e.fact(name)
	return whole(raw)
}

func whole(raw []byte) uint64 {
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// yes reports whether a fact is true.
func (e *entry) yes(name string) bool {
	raw, _ := e.fact(name)
	return string(raw) == "true"
}

// has reports whether an entry says a fact.
func (e *entry) has(name string) bool {
	_, ok := e.fact(name)
	return ok
}

// time returns a fact that is an instant, in microseconds; 0 where it is none.
func (e *entry) time(name string) int64 {
	at, _ := instant(e.text(name))
	return at
}

// amount is packets and bytes.
type amount struct{ packets, bytes uint64 }

// plus adds, and stays at the top where the sum is beyond it: a log that says
// absurd numbers cannot bring a sum back to little.
func (a amount) plus(b amount) amount {
	return amount{top(a.packets, b.packets), top(a.bytes, b.bytes)}
}

func top(a, b uint64) uint64 {
	if a+b < a {
		return math.MaxUint64
	}
	return a + b
}

func amountOf(raw []byte) (a amount) {
	p, _ := field(raw, "packets")
	b, _ := field(raw, "bytes")
	return amount{whole(p), whole(b)}
}

// id is what cases, runs and lists are known by: the text after the last slash
// of an object, or the whole of a grant.
type id [36]byte

// idOf reads an id; false where it has not the form of one.
func idOf(b []byte) (x id, ok bool) {
	if len(b) != len(x) {
		return x, false
	}
	copy(x[:], b)
	return x, true
}

// about splits an object such as approval/01a2… in two.
func about(object []byte) (noun []byte, x id, ok bool) {
	for i := len(object) - 1; i >= 0; i-- {
		if object[i] == '/' {
			x, ok = idOf(object[i+1:])
			return object[:i], x, ok
		}
	}
	return object, x, false
}
