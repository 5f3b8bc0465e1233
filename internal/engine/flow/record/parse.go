package record

import (
	"encoding/hex"
	"fmt"
	"net/netip"
)

// FormError says where a line is no record as AppendJSON writes it, and never what
// stands there.
type FormError struct {
	Column int    // in bytes, from 1
	Member string // the innermost member that is known, "" outside of all
}

// Error names the place.
func (e *FormError) Error() string {
	if e.Member == "" {
		return fmt.Sprintf("no record at byte %d", e.Column)
	}
	return fmt.Sprintf("no record at byte %d, in %q", e.Column, e.Member)
}

// Room is memory for what one record points to, used again and again.
type Room struct {
	tls         TLS
	certificate Certificate
	quic        QUIC
	ssh         SSH
	mail        Mail
	smb         SMB
	rdp         RDP
	kerberos    Kerberos
	ldap        LDAP
	control     Control
}

// A Parser reads records that AppendJSON wrote. It is not safe for concurrent use.
type Parser struct {
	naming *Naming
	line   []byte
	at     int
	member string
	text   []byte // of the last string with escapes
	full   bool   // the record's names are kept as they were sent
	rec    *Record
	room   *Room
	dns    DNS
	http   HTTP
	failed bool
}

// NewParser makes a Parser. Names in a record are put through n where they could
// not have come from a Naming as they stand; those of a record that keeps names
// full stay so only where n does.
func NewParser(n *Naming) *Parser { return &Parser{naming: n} }

// maxString bounds a string, in bytes: a name kept full has 255 characters.
const maxString = 4 << 10

// Parse reads one line into r, which may be used again with its slices; what it
// points to stands in room. It is strict: a member that is not known, a word that
// is in no list, a number that does not fit or anything behind the object is a
// *FormError. Times have microseconds, so that a record is what it was but for
// them.
func (p *Parser) Parse(line []byte, r *Record, room *Room) error {
	*r = Record{DNS: r.DNS[:0], HTTP: r.HTTP[:0]}
	*p = Parser{naming: p.naming, text: p.text, line: line, rec: r, room: room}
	// Whether names are kept full stands before the first of them.
	p.object((*Parser).record)
	p.space()
	if p.at != len(line) {
		p.fail()
	}
	if !r.Src.IsValid() || !r.Dst.IsValid() || r.Start > r.End {
		p.fail()
	}
	clear(p.text[:cap(p.text)])
	p.line = nil
	if p.failed {
		*r = Record{DNS: r.DNS[:0], HTTP: r.HTTP[:0]}
		return &FormError{p.at + 1, p.member}
	}
	return nil
}

// fail ends the reading where it is.
func (p *Parser) fail() { p.failed = true }

func (p *Parser) space() {
	for p.at < len(p.line) && (p.line[p.at] == ' ' || p.line[p.at] == '\t' || p.line[p.at] == '\r' || p.line[p.at] == '\n') {
		p.at++
	}
}

// next takes a sign that must stand here.
func (p *Parser) next(c byte) {
	if p.space(); p.peek() != c {
		p.fail()
		return
	}
	p.at++
}

// peek is the sign that stands here, 0 at the end.
func (p *Parser) peek() byte {
	if p.failed || p.at >= len(p.line) {
		return 0
	}
	return p.line[p.at]
}

// object reads an object; each is given the key of a member, which is good until a
// string is read, reads the value and is false for one that it does not know.
func (p *Parser) object(each func(*Parser, []byte) bool) {
	p.next('{')
	if p.space(); p.peek() == '}' {
		p.at++
		return
	}
	for !p.failed {
		p.space()
		key := p.str()
		if len(key) > 16 { // none is as long
			p.fail()
			return
		}
		if p.next(':'); p.failed {
			return
		}
		p.space()
		if !each(p, key) {
			p.fail()
			return
		}
		if p.space(); p.peek() == ',' {
			p.at++
			continue
		}
		p.next('}')
		return
	}
}

// array reads an array, of at most so many.
func (p *Parser) array(most int, each func(*Parser, int)) {
	p.next('[')
	if p.space(); p.peek() == ']' {
		p.at++
		return
	}
	for i := 0; !p.failed; i++ {
		if i == most {
			p.fail()
			return
		}
		p.space()
		each(p, i)
		if p.space(); p.peek() == ',' {
			p.at++
			continue
		}
		p.next(']')
		return
	}
}

// str reads a string (RFC 8259 §7); it is good until the next.
func (p *Parser) str() []byte {
	if p.peek() != '"' {
		p.fail()
		return nil
	}
	from := p.at + 1
	for i := from; i < len(p.line) && i-from <= maxString; i++ {
		switch c := p.line[i]; {
		case c == '"':
			p.at = i + 1
			return p.line[from:i]
		case c == '\\':
			return p.escaped(from, i)
		case c < ' ':
			p.fail()
			return nil
		}
	}
	p.fail()
	return nil
}

// escaped goes on with a string at its first escape. Those of AppendText are all
// there are: \", \\ and \u00.
func (p *Parser) escaped(from, i int) []byte {
	p.text = append(p.text[:0], p.line[from:i]...)
	for ; i < len(p.line) && len(p.text) <= maxString; i++ {
		c := p.line[i]
		switch {
		case c == '"':
			p.at = i + 1
			return p.text
		case c < ' ':
			p.fail()
			return nil
		case c == '\\':
			i++
			switch {
			case i < len(p.line) && (p.line[i] == '"' || p.line[i] == '\\'):
				c = p.line[i]
			case i+5 <= len(p.line) && string(p.line[i:i+3]) == "u00":
				var b [1]byte
				if _, err := hex.Decode(b[:], p.line[i+3:i+5]); err != nil || b[0] >= ' ' {
					p.fail()
					return nil
				}
				c = b[0]
				i += 4
			default:
				p.fail()
				return nil
			}
		}
		p.text = append(p.text, c)
	}
	p.fail()
	return nil
}

// uint reads a number without a sign up to most.
func (p *Parser) uint(most uint64) (v uint64) {
	from := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		d := uint64(c - '0')
		if d > most || v > (most-d)/10 {
			p.fail()
			return 0
		}
		v = v*10 + d
		p.at++
	}
	if p.at == from || p.at-from > 1 && p.line[from] == '0' {
		p.fail()
	}
	return v
}

// number reads a number into a field that it has to fit into.
func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](p *Parser, to *T) bool {
	*to = T(p.uint(uint64(^T(0))))
	return true
}

// pairOf reads two numbers, which fit.
func pairOf[T ~uint8 | ~uint16 | ~uint64](p *Parser, to *[2]T) bool {
	n := 0
	p.array(2, func(p *Parser, i int) {
		number(p, &to[i])
		n++
	})
	if n != 2 {
		p.fail()
	}
	return true
}

// yes reads true, the only truth that is written.
func (p *Parser) yes(to *bool) bool {
	if p.at+4 > len(p.line) || string(p.line[p.at:p.at+4]) != "true" {
		p.fail()
		return true
	}
	p.at += 4
	*to = true
	return true
}

// wordOf reads a word of a table, which is not the first: that one is left out.
func wordOf[T ~uint8](p *Parser, table []string, to *T) bool {
	w := p.str()
	for i, have := range table {
		if i > 0 && string(w) == have {
			*to = T(i)
			return true
		}
	}
	p.fail()
	return true
}

// hexOf reads bytes in hexadecimal, as many as there are places.
func (p *Parser) hexOf(to []byte) bool {
	b := p.str()
	if len(b) != 2*len(to) {
		p.fail()
		return true
	}
	if _, err := hex.Decode(to, b); err != nil {
		p.fail()
	}
	return true
}

// code reads 0x and hexadecimal digits, at most so many.
func (p *Parser) code(digits int) (v uint32) {
	b := p.str()
	if len(b) < 3 || len(b) > 2+digits || string(b[:2]) != "0x" {
		p.fail()
		return 0
	}
	for _, c := range b[2:] {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | uint32(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | uint32(c-'a'+10)
		default:
			p.fail()
		}
	}
	return v
}

// addr reads an address, which alone may become a string here, not even in an
// error.
func (p *Parser) addr(to *netip.Addr) bool {
	b := p.str()
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != ':' && c != '.' {
			p.fail()
			return true
		}
	}
	a, err := netip.ParseAddr(string(b))
	if *to = a; err != nil {
		p.fail()
	}
	return true
}

// time reads a time in UTC, RFC 3339 with or without a fraction of a second.
func (p *Parser) time(to *int64) bool {
	ns, ok := parseStamp(p.str())
	if *to = ns; !ok {
		p.fail()
	}
	return true
}

// parts reads a number with so many digits behind its point, as that many parts.
func (p *Parser) parts(digits int, most uint64) uint64 {
	v := p.uint(most)
	if p.peek() == '.' {
		p.at++
		for c := p.peek(); digits > 0 && c >= '0' && c <= '9'; c = p.peek() {
			v = v*10 + uint64(c-'0')
			digits--
			p.at++
		}
	}
	for ; digits > 0; digits-- {
		v *= 10
	}
	return v
}
