package oversight

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/ledger"
)

// entry is a leaf as the rules read it. Its slices are parts of the leaf and
// good until the next one.
type entry struct {
	index   uint64
	id      []byte
	at      int64 // microseconds since 1970, UTC
	who     []byte
	org     []byte
	verb    []byte
	object  []byte
	purpose []byte
	grant   []byte
	refused bool
	reason  []byte
	public  []byte // the JSON object, or nil
	digest  bool
	facts   []said // of public, see split
}

// read reads a leaf. It takes exactly what the ledger writes: what the quick
// reader does not know goes to [ledger.ParseEntry], which holds the leaf
// against its canonical form byte for byte.
func (e *entry) read(leaf []byte) bool {
	if e.quick(leaf) {
		return true
	}
	index, room := e.index, e.facts[:0]
	*e = entry{index: index, facts: room}
	if _, err := ledger.ParseEntry(leaf); err != nil {
		return false
	}
	var slow struct {
		ID, Who, Org, Verb, Object, Purpose, Grant, Outcome, Reason, Digest string
		At                                                                  time.Time
		Public                                                              json.RawMessage
	}
	if err := json.Unmarshal(leaf, &slow); err != nil {
		return false
	}
	_, offset := slow.At.Zone()
	if offset != 0 || slow.At.Location() != time.UTC || slow.At.Nanosecond()%1000 != 0 {
		return false // an entry is in UTC, to the microsecond
	}
	*e = entry{index: index, facts: room, id: []byte(slow.ID), at: slow.At.UnixMicro(), who: []byte(slow.Who), org: []byte(slow.Org), verb: []byte(slow.Verb), object: []byte(slow.Object),
		purpose: []byte(slow.Purpose), grant: []byte(slow.Grant), refused: slow.Outcome == ledger.Refused, reason: []byte(slow.Reason), public: slow.Public, digest: slow.Digest != ""}
	return true
}

// quick reads the usual leaf: keys in their order, texts of printable ASCII
// without escapes. It allocates nothing.
func (e *entry) quick(leaf []byte) bool {
	*e = entry{index: e.index, facts: e.facts[:0]}
	p := cursor{b: leaf}
	if !p.eat(`{"v":1,"id":"`) || !p.text(&e.id) || !p.eat(`,"at":"`) {
		return false
	}
	var at []byte
	if !p.text(&at) {
		return false
	}
	var ok bool
	if e.at, ok = instant(at); !ok {
		return false
	}
	if p.eat(`,"who":"`) && !p.text(&e.who) || p.eat(`,"org":"`) && !p.text(&e.org) {
		return false
	}
	if !p.eat(`,"verb":"`) || !p.text(&e.verb) {
		return false
	}
	if p.eat(`,"object":"`) && !p.text(&e.object) || p.eat(`,"purpose":"`) && !p.text(&e.purpose) || p.eat(`,"grant":"`) && !p.text(&e.grant) {
		return false
	}
	switch {
	case p.eat(`,"outcome":"done"`):
	case p.eat(`,"outcome":"refused"`):
		e.refused = true
	default:
		return false
	}
	if p.eat(`,"reason":"`) && !p.text(&e.reason) {
		return false
	}
	if p.eat(`,"public":`) {
		from := p.at
		if p.at >= len(leaf) || leaf[p.at] != '{' || !p.value(0) || p.at-from == 2 {
			return false
		}
		e.public = leaf[from:p.at]
	}
	if p.eat(`,"digest":"`) {
		var d []byte
		if !p.text(&d) {
			return false
		}
		e.digest = true
	}
	return p.eat(`}`) && p.at == len(leaf)
}

// cursor walks over canonical JSON.
type cursor struct {
	b  []byte
	at int
}

// eat steps over a literal, if it is next.
func (p *cursor) eat(s string) bool {
	if len(p.b)-p.at < len(s) || string(p.b[p.at:p.at+len(s)]) != s {
		return false
	}
	p.at += len(s)
	return true
}

// text reads the rest of a text of plain ASCII that is not empty, with its end.
func (p *cursor) text(out *[]byte) bool {
	from := p.at
	for ; p.at < len(p.b); p.at++ {
		switch c := p.b[p.at]; {
		case c == '"':
			*out = p.b[from:p.at]
			p.at++
			return p.at-1 > from
		case c < ' ' || c == '\\' || c >= 0x7f:
			return false
		}
	}
	return false
}

// maxDepth bounds how deep facts are nested.
const maxDepth = 8

// value steps over a value that is written as the ledger writes it: keys
// ascending, no blanks, no escapes.
func (p *cursor) value(depth int) bool {
	if p.at >= len(p.b) || depth > maxDepth {
		return false
	}
	switch c := p.b[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		p.at++
		if p.eat("]") {
			return true
		}
		for {
			if !p.value(depth + 1) {
				return false
			}
			if p.eat("]") {
				return true
			}
			if !p.eat(",") {
				return false
			}
		}
	case c == '"':
		p.at++
		return p.plain()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return p.eat("true") || p.eat("false") || p.eat("null")
}

func (p *cursor) object(depth int) bool {
	p.at++
	if p.eat("}") {
		return true
	}
	var last []byte
	for first := true; ; first = false {
		from := p.at + 1
		if !p.eat(`"`) || !p.plain() {
			return false
		}
		key := p.b[from : p.at-1]
		if !first && bytes.Compare(last, key) >= 0 || !p.eat(":") || !p.value(depth+1) {
			return false
		}
		last = key
		if p.eat("}") {
			return true
		}
		if !p.eat(",") {
			return false
		}
	}
}

// plain steps over the rest of a text without escapes, in UTF-8. The two line
// separators of Unicode are always written as escapes.
func (p *cursor) plain() bool {
	for p.at < len(p.b) {
		c := p.b[p.at]
		switch {
		case c == '"':
			p.at++
			return true
		case c < ' ' || c == '\\':
			return false
		case c < utf8.RuneSelf:
			p.at++
		default:
			r, n := utf8.DecodeRune(p.b[p.at:])
			if r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
				return false
			}
			p.at += n
		}
	}
	return false
}

// number steps over a JSON number (RFC 8259 section 6).
func (p *cursor) number() bool {
	digits := func() bool {
		from := p.at
		for p.at < len(p.b) && p.b[p.at] >= '0' && p.b[p.at] <= '9' {
			p.at++
		}
		return p.at > from
	}
	p.eat("-")
	if !p.eat("0") && !digits() {
		return false
	}
	if p.eat(".") && !digits() {
		return false
	}
	if p.eat("e") || p.eat("E") {
		_ = p.eat("+") || p.eat("-")
		return digits()
	}
	return true
}

// instant reads a time as encoding/json writes one in UTC, to the microsecond.
func instant(b []byte) (micros int64, ok bool) {
	if len(b) < 20 || len(b) > 27 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	num := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				ok = false
				return 0
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	ok = true
	y, mo, d, h, mi, s := num(0, 4), num(5, 7), num(8, 10), num(11, 13), num(14, 16), num(17, 19)
	frac := 0
	if rest := b[19 : len(b)-1]; len(rest) > 0 {
		if rest[0] != '.' || len(rest) < 2 || rest[len(rest)-1] == '0' {
			return 0, false
		}
		frac = num(20, len(b)-1)
		for i := len(rest) - 1; i < 6; i++ {
			frac *= 10
		}
	}
	if !ok || mo < 1 || mo > 12 || d < 1 || h > 23 || mi > 59 || s > 59 || d > 28 && d > monthDays(y, mo) {
		return 0, false
	}
	return (days(y, mo, d)*86400+int64(h*3600+mi*60+s))*1e6 + int64(frac), true
}

func monthDays(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days counts the days from 1970-01-01 to a date of the Gregorian calendar.
func days(y, m, d int) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	return int64(365*y+y/4-y/100+y/400+(153*(m-3)+2)/5+d) - 719469
}
