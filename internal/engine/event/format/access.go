package format

import (
	"bytes"
	"time"

	"noroshi/internal/engine/event"
)

var (
	webLog   = event.Log{Category: "webserver"}
	proxyLog = event.Log{Category: "proxy", Service: "squid"}
)

// accessReader reads the lines of web servers and of Squid: the common and
// the combined format, with or without the name of the virtual host before,
// and Squid's native one. A line in another form is a message alone.
type accessReader struct {
	v      *vocabulary
	zone   *time.Location
	damage []Damage
}

func newAccessReader(o Options) *accessReader {
	return &accessReader{v: newVocabulary(o), zone: o.Zone}
}

func (a *accessReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	a.damage = append(a.damage[:0], b.Damage...)
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, n, _ := cutLine(b.Data[at:])
		if len(line) > 0 {
			row.Reset()
			row.Log, row.Record, row.Offset = webLog, record, b.Offset+int64(at)
			if !a.line(row, line) {
				a.damage = append(a.damage, Damage{Offset: row.Offset, Record: record, Reason: Broken})
			}
			a.v.text(row, fMessage, line)
			if err := yield(row); err != nil {
				return a.damage, err
			}
		}
		at += n
	}
	return a.damage, nil
}

func (a *accessReader) line(row *event.Row, line []byte) bool {
	p := 0
	for p < len(line) && (line[p]-'0' < 10 || line[p] == '.') {
		p++
	}
	if p > 12 && p < len(line) && line[p] == ' ' {
		if ns, ok := parseUnix(line[:p]); ok {
			row.Time, row.Log = ns, proxyLog
			return a.squid(row, line[p:])
		}
	}
	bracket := bytes.Index(line, []byte(" ["))
	if bracket < 0 {
		return false
	}
	rest := line[bracket+2:]
	end := bytes.IndexByte(rest, ']')
	if end < 0 {
		return false
	}
	ns, ok := parseTime(rest[:end], a.zone)
	if !ok {
		return false
	}
	row.Time = ns
	a.client(row, line[:bracket])
	return a.request(row, trim(rest[end+1:]))
}

// client reads [host:port ]address ident user. The name of an account may hold
// blanks: it is what is left.
func (a *accessReader) client(row *event.Row, b []byte) {
	first := firstWord(b)
	rest := b[min(len(first)+1, len(b)):]
	if second := firstWord(rest); bytes.IndexByte(rest, ' ') >= 0 && !isAddress(first) && isAddress(second) {
		host := first
		if i := bytes.LastIndexByte(host, ':'); i > 0 {
			host = host[:i]
		}
		a.v.text(row, fCSHost, host)
		first, rest = second, rest[min(len(second)+1, len(rest)):]
	}
	a.v.text(row, fCIP, first)
	ident := firstWord(rest)
	if user := rest[min(len(ident)+1, len(rest)):]; len(user) > 0 && string(user) != "-" {
		a.v.text(row, fCSUser, user)
		a.v.user(row, user)
	}
}

func isAddress(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	dots, colons := 0, 0
	for _, c := range b {
		switch {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c-'0' < 10, c|0x20-'a' < 6 && colons > 0, c|0x20-'a' < 6 && dots == 0:
		default:
			return false
		}
	}
	return dots == 3 && colons == 0 || colons >= 2
}

// request reads "GET /path?query HTTP/1.1" 200 512 "referer" "agent" and leaves
// what a server's administrator put after them.
func (a *accessReader) request(row *event.Row, b []byte) bool {
	text, rest, ok := a.quotes(b)
	if !ok {
		return false
	}
	method := firstWord(text)
	target := text[min(len(method)+1, len(text)):]
	if i := bytes.LastIndex(target, []byte(" HTTP/")); i >= 0 {
		a.v.text(row, fCSVersion, target[i+1:])
		target = target[:i]
	}
	if !isMethod(method) { // bytes of another protocol
		target, method = text, nil
	}
	a.v.text(row, fCSMethod, method)
	if string(text) != "-" {
		a.target(row, target)
	}
	status := firstWord(trim(rest))
	if len(status) != 3 || status[0]-'0' > 9 {
		return false
	}
	a.v.number(row, fSCStatus, status)
	rest = trim(trim(rest)[3:])
	size := firstWord(rest)
	if string(size) != "-" {
		a.v.number(row, fSCBytes, size)
	}
	rest = trim(rest[len(size):])
	for _, f := range [...]field{fCSReferer, fCSUserAgent} {
		if text, rest, ok = a.quotes(rest); !ok {
			return true
		}
		if len(text) != 1 || text[0] != '-' {
			a.unescaped(row, f, text)
		}
		rest = trim(rest)
	}
	return true
}

// isMethod says whether a word may be a method (RFC 9110 section 9.1).
func isMethod(b []byte) bool {
	for _, c := range b {
		if c-'A' > 25 && c != '_' && c != '-' {
			return false
		}
	}
	return len(b) > 1 && len(b) < 24
}

// target adds the address. Rules for web servers look for parts of the path in
// cs-uri-query too: it holds the whole, and a second time the query.
func (a *accessReader) target(row *event.Row, target []byte) {
	a.unescaped(row, fCURI, target)
	a.unescaped(row, fCSURIQuery, target)
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		a.unescaped(row, fCSURIStem, target[:i])
		a.unescaped(row, fCSURIQuery, target[i+1:])
		return
	}
	a.unescaped(row, fCSURIStem, target)
}

// quotes takes the text in quotes off b. Servers write \" for a quote in it.
func (a *accessReader) quotes(b []byte) (text, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return nil, b, false
	}
	for i := 1; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, b, false
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 || i == 1 {
			return b[1:i], b[i+1:], true
		}
		i++
	}
}

// unescaped adds text without the escapes of servers: \" \\ and \xHH.
func (a *accessReader) unescaped(row *event.Row, f field, b []byte) {
	if bytes.IndexByte(b, '\\') < 0 {
		a.v.text(row, f, b)
		return
	}
	text := row.Open()
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			if b[i+1] == '"' || b[i+1] == '\\' {
				i++
			} else if b[i+1] == 'x' && i+3 < len(b) {
				high, low := hexDigit(b[i+2]), hexDigit(b[i+3])
				if high < 16 && low < 16 {
					text = append(text, high<<4|low)
					i += 3
					continue
				}
			}
		}
		text = append(text, b[i])
	}
	row.Close(a.v.ids[f], event.Text, text)
}

// squid reads "   345 192.0.2.7 TCP_MISS/200 4512 GET http://example.jp/x user HIER_DIRECT/198.51.100.4 text/html".
func (a *accessReader) squid(row *event.Row, b []byte) bool {
	var part [9][]byte
	n := 0
	for ; n < len(part); n++ {
		if b = bytes.TrimLeft(b, " "); len(b) == 0 {
			break
		}
		part[n] = firstWord(b)
		b = b[len(part[n]):]
	}
	slash := bytes.IndexByte(part[2], '/')
	if n < 6 || slash < 0 {
		return false
	}
	a.v.number(row, fTimeTaken, part[0])
	a.v.text(row, fCIP, part[1])
	a.v.text(row, fAction, part[2][:slash])
	a.v.number(row, fSCStatus, part[2][slash+1:])
	a.v.number(row, fSCBytes, part[3])
	a.v.text(row, fCSMethod, part[4])
	a.address(row, part[5])
	if len(part[6]) > 0 && string(part[6]) != "-" {
		a.v.text(row, fCSUser, part[6])
		a.v.user(row, part[6])
	}
	if i := bytes.IndexByte(part[7], '/'); i >= 0 && string(part[7][i+1:]) != "-" {
		a.v.text(row, fDstIP, part[7][i+1:])
	}
	if string(part[8]) != "-" {
		a.v.text(row, fCSMime, part[8])
	}
	return true
}

// address adds the parts of http://host:port/path?query; CONNECT has host:port alone.
func (a *accessReader) address(row *event.Row, uri []byte) {
	a.v.text(row, fCURI, uri)
	rest := uri
	if i := bytes.Index(rest, []byte("://")); i >= 0 && i < 10 {
		rest = rest[i+3:]
	}
	host, path := rest, []byte(nil)
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		a.v.number(row, fDstPort, host[i+1:])
		host = host[:i]
	}
	a.v.text(row, fCSHost, host)
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		a.v.text(row, fCURIQuery, path[i+1:])
		path = path[:i]
	}
	a.v.text(row, fCURIStem, path)
	a.v.text(row, fCURIExtension, extension(path))
}
