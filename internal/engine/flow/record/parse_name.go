package record

import (
	"bytes"
	"math"
	"net/netip"
)

// name reads the name of a machine. What could not have come from a Naming as it
// stands is put through this one.
func (p *Parser) name(to *Name) bool {
	p.nameOf(p.str(), to)
	return true
}

func (p *Parser) nameOf(b []byte, to *Name) {
	switch {
	case p.failed:
	case p.full && p.naming.full:
		*to = Name{printable(b)}
	case p.full:
		*to = p.naming.Host(b)
	default:
		*to = p.naming.shown(b, p.rec.Dst)
	}
}

// shown is a name that was shortened before, in a communication with dst: what a
// Naming shows stays, with hashes under the key of then, and any other label is a
// hash.
func (n *Naming) shown(b []byte, dst netip.Addr) Name {
	low := n.lower(b)
	defer n.wipe()
	if a, ok := address(low); ok {
		return Name{a.String()}
	}
	if six(low) {
		return n.literal(low, dst)
	}
	rest, out := low, make([]byte, 0, 64)
	if len(rest) > 2 && rest[0] == '+' {
		if i := bytes.IndexByte(rest, '.'); i > 1 && i <= 4 && digitsOnly(rest[1:i]) {
			out, rest = append(out, rest[:i+1]...), rest[i+1:]
		}
	}
	return Name{string(n.labels(out, rest, true))}
}

// shortened reports whether a label is one that hashed writes: {12 digits:length}.
func shortened(label []byte) bool {
	n := len(label)
	if n < 16 || n > 18 || label[0] != '{' || label[13] != ':' || label[n-1] != '}' {
		return false
	}
	for _, c := range label[1:13] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return digitsOnly(label[14 : n-1])
}

func digitsOnly(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// path reads the template of a path, which stays what it is when it is made one
// again.
func (p *Parser) path(to *Name) bool {
	b := p.str()
	switch {
	case p.failed:
	case p.full && p.naming.full:
		*to = Name{printable(b)}
	default:
		*to = p.naming.Path(b)
	}
	return true
}

// hash reads a hash.
func (p *Parser) hash(to *Hash) bool { return p.hexOf(to[:]) }

// hashes reads a list of hashes.
func (p *Parser) hashes(to []Hash) bool {
	p.array(len(to), func(p *Parser, i int) { p.hash(&to[i]) })
	return true
}

// agent reads a program that names itself.
func (p *Parser) agent(to *Agent) bool {
	p.object(func(p *Parser, key []byte) bool {
		switch string(key) {
		case "family":
			f, ok := ParseFamily(string(p.str()))
			if to.Family = f; !ok || f == NoFamily {
				p.fail()
			}
		case "hash":
			p.hash(&to.Whole)
		case "text":
			if b := p.str(); p.full && p.naming.full {
				to.Text = Name{printable(b)}
			} else if !p.full {
				p.fail()
			}
		default:
			return false
		}
		return true
	})
	return true
}

// ja4 reads a JA4, whose 36 characters are letters, digits and underscores.
func (p *Parser) ja4(to *JA4) bool {
	b := p.str()
	if len(b) != len(to) {
		p.fail()
		return true
	}
	for _, c := range b {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			p.fail()
		}
	}
	copy(to[:], b)
	return true
}

// parseStamp reads YYYY-MM-DDThh:mm:ss[.fraction]Z as ns since 1970.
func parseStamp(b []byte) (ns int64, ok bool) {
	if len(b) < 20 || len(b) > 30 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	year, ok1 := digitsOf(b[0:4])
	month, ok2 := digitsOf(b[5:7])
	date, ok3 := digitsOf(b[8:10])
	h, ok4 := digitsOf(b[11:13])
	m, ok5 := digitsOf(b[14:16])
	s, ok6 := digitsOf(b[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || h > 23 || m > 59 || s > 59 || month < 1 || month > 12 {
		return 0, false
	}
	fraction := int64(0)
	if len(b) > 20 {
		f, ok := digitsOf(b[20 : len(b)-1])
		if !ok || b[19] != '.' {
			return 0, false
		}
		for range 29 - (len(b) - 1) {
			f *= 10
		}
		fraction = f
	}
	day := days(year, month, date)
	if y, mo, d := civil(day); y != year || int64(mo) != month || int64(d) != date {
		return 0, false // the month is not that long
	}
	return nanos(day*86400+h*3600+m*60+s, fraction)
}

// nanos is a number of seconds with a fraction in ns, when it is one of 64 bits.
func nanos(seconds, fraction int64) (ns int64, ok bool) {
	const second = 1_000_000_000
	const first, last = math.MinInt64 / second, math.MaxInt64 / second
	switch {
	case seconds < first-1 || seconds > last || seconds == last && fraction > math.MaxInt64%second:
		return 0, false
	case seconds == first-1: // AppendTime rounds down, which the earliest time has no room for
		return first*second - min(second-fraction, -(math.MinInt64%second)), true
	}
	return seconds*second + fraction, true
}

// digitsOf is the number that digits are, none of which may be anything else.
func digitsOf(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, len(b) > 0
}

// days is the number of a date, from 1970-01-01: what civil turns round.
func days(year, month, date int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + date - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}
