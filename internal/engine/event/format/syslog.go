package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// syslogReader reads lines of RFC 3164 and RFC 5424, of /var/log without a
// priority, and of devices that have their own idea of both. A line with no
// header at all is a message without a time.
type syslogReader struct {
	v      *vocabulary
	year   yearOf
	given  int // Options.Year
	payer  *payloads
	inner  *jsonReader // of messages that are JSON
	block  Block
	host   []byte
	rowsIn int
	count  func(*event.Row) error // counts rowsIn; made once
	name   []byte                 // of a structured element
	month  []byte                 // the head that month was read from
	damage []Damage
}

func newSyslogReader(o Options) *syslogReader {
	v := newVocabulary(o)
	s := &syslogReader{v: v, given: o.Year, payer: newPayloads(v, o), inner: newJSONReader(o, false)}
	s.year = newYearOf(o)
	s.count = func(*event.Row) error { s.rowsIn++; return nil }
	return s
}

func newYearOf(o Options) yearOf {
	y := yearOf{zone: o.Zone, year: o.Year}
	if !o.Last.IsZero() {
		y.last = o.Last.UnixNano()
	}
	return y
}

func (s *syslogReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	s.damage = append(s.damage[:0], b.Damage...)
	s.head(b.Head)
	_, octets := counted(b.Head)
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, n := syslogRecord(b.Data[at:], octets > 0, true)
		if line = bytes.Trim(line, "\r\x00\n"); len(line) > 0 {
			row.Reset()
			row.Log = event.Log{}
			row.Record, row.Offset = record, b.Offset+int64(at)
			if !s.line(row, line) {
				s.damage = append(s.damage, Damage{Offset: row.Offset, Record: record, Reason: Broken})
			}
			s.damage = wide(s.damage, row)
			if err := yield(row); err != nil {
				return s.damage, err
			}
		}
		at += n
	}
	return s.damage, nil
}

// head learns the month of the file's first line, from which the given year
// counts.
func (s *syslogReader) head(line []byte) {
	if s.given == 0 || bytes.Equal(line, s.month) {
		return
	}
	s.month = append(s.month[:0], line...)
	if _, at := counted(line); at > 0 {
		line = line[at:]
	}
	if _, rest, ok := priority(line); ok {
		line = rest
	}
	if c, _, ok := readCivil(line); ok {
		s.year.month = c.month
	}
}

// line reads one message. It is false if the line has a header that cannot be:
// the rest of it is read all the same.
func (s *syslogReader) line(row *event.Row, line []byte) bool {
	pri, rest, hasPri := priority(line)
	if hasPri {
		s.v.word(row, fFacility, facilities[pri/8])
		s.v.word(row, fSeverity, severities[pri%8])
		if len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' {
			return s.structured(row, rest[2:])
		}
	}
	if p := ciscoAt(rest); p >= 0 {
		return s.cisco(row, rest, p)
	}
	if known, good := s.apacheError(row, rest); known {
		return good
	}
	c, n, ok := readCivil(rest)
	good := true
	if ok && n < len(rest) && (rest[n] == ' ' || rest[n] == ':') {
		row.Time, good = s.year.ns(c)
		rest = bytes.TrimLeft(rest[n:], ": ")
	} else {
		ok = false // of who wrote nothing before the program
		if ns, n := bracketTime(rest); n > 0 {
			row.Time, rest = ns, rest[n:]
		} else if !hasPri {
			s.message(row, nil, line)
			return true
		}
	}
	if s.nginxError(row, rest) {
		return good
	}
	if s.payer.bare(rest) || hasAny(rest, "client ") {
		s.message(row, nil, rest)
		return good
	}
	host, program, pid, msg := origin(rest, ok)
	s.v.computer(row, host)
	s.v.text(row, fProgram, program)
	s.v.number(row, fPID, pid)
	s.message(row, program, msg)
	return good
}

func (v *vocabulary) computer(row *event.Row, host []byte) {
	if len(host) > 0 {
		row.Add(event.Computer, event.Text, host)
	}
}

// bracketTime reads the [1795345262] with which unbound starts its lines.
func bracketTime(b []byte) (ns int64, n int) {
	if len(b) < 12 || b[0] != '[' {
		return 0, 0
	}
	end := bytes.IndexByte(b[:min(len(b), 24)], ']')
	if end < 11 {
		return 0, 0
	}
	ns, ok := parseUnix(b[1:end])
	if !ok {
		return 0, 0
	}
	return ns, len(b) - len(bytes.TrimLeft(b[end+1:], " "))
}

// origin divides what follows the time: host, program[pid]: message (RFC 3164
// sections 4.1.2 and 5.3). Whichever of them is missing is empty.
func origin(b []byte, timed bool) (host, program, pid, msg []byte) {
	word := bytes.IndexByte(b, ' ')
	if word < 0 {
		return nil, nil, nil, b
	}
	if timed && word > 0 && b[word-1] != ':' && b[0] != '[' {
		host, b = b[:word], b[word+1:]
	}
	b = bytes.TrimLeft(b, " ")
	const longest = 64
	for i := 0; i < len(b) && i < longest; i++ {
		switch b[i] {
		case ' ':
			return host, nil, nil, b
		case ':':
			if i+1 < len(b) && b[i+1] != ' ' {
				continue
			}
			return host, b[:i], nil, bytes.TrimLeft(b[i+1:], " ")
		case '[':
			end := bytes.IndexByte(b[i:min(len(b), i+longest)], ']')
			if end < 0 || i == 0 {
				return host, nil, nil, b
			}
			program, pid, b = b[:i], b[i+1:i+end], b[i+end+1:]
			if len(b) > 0 && b[0] == ':' {
				b = b[1:]
			}
			return host, program, pid, bytes.TrimLeft(b, " ")
		}
	}
	return host, nil, nil, b
}

// priority takes <PRI> off a line.
func priority(b []byte) (pri int, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != '<' {
		return 0, b, false
	}
	v, n, _ := digits(b[1:], 3)
	if n == 0 || v > 191 || 1+n >= len(b) || b[1+n] != '>' {
		return 0, b, false
	}
	return int(v), b[n+2:], true
}

// structured reads the header of RFC 5424 section 6 after the version.
func (s *syslogReader) structured(row *event.Row, b []byte) bool {
	var part [5][]byte // time, host, program, process, message id
	for i := range part {
		n := bytes.IndexByte(b, ' ')
		if n < 0 {
			n = len(b)
		}
		if part[i] = b[:n]; n == 1 && b[0] == '-' {
			part[i] = nil
		}
		b = b[min(n+1, len(b)):]
	}
	good := true
	if part[0] != nil {
		row.Time, good = parseTime(part[0], s.year.zone)
	}
	s.v.computer(row, part[1])
	s.v.text(row, fProgram, part[2])
	s.v.number(row, fPID, part[3])
	s.v.text(row, fMsgID, part[4])
	b, ok := s.elements(row, b)
	b = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte(" ")), []byte("\xef\xbb\xbf"))
	s.message(row, part[2], b)
	return good && ok
}

// elements reads structured data: [id name="value" …]…, each as id.name (RFC
// 5424 section 6.3). It returns what follows.
func (s *syslogReader) elements(row *event.Row, b []byte) (rest []byte, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		return b[1:], true
	}
	for len(b) > 0 && b[0] == '[' {
		n := bytes.IndexAny(b, " ]")
		if n < 0 {
			return b, false
		}
		s.name = append(append(s.name[:0], b[1:n]...), '.')
		id := len(s.name)
		b = b[n:]
		for len(b) > 0 && b[0] == ' ' && !full(row) {
			eq := bytes.IndexByte(b, '=')
			if eq < 0 || eq+1 >= len(b) || b[eq+1] != '"' {
				return b, false
			}
			s.name = append(s.name[:id], bytes.TrimLeft(b[:eq], " ")...)
			text, n := unquote(row.Open(), b[eq+1:])
			if n == 0 {
				return b, false
			}
			row.Close(s.v.id(s.name), event.Text, text)
			b = b[eq+1+n:]
		}
		if len(b) == 0 || b[0] != ']' {
			return b, false
		}
		b = b[1:]
	}
	return b, true
}

// unquote appends the text between the quotes at the start of b, with
// backslashes taken off, and says how long it is with its quotes; 0 if it
// does not end.
func unquote(to, b []byte) ([]byte, int) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return to, i + 1
		case '\\':
			if i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\' || b[i+1] == ']') {
				i++
			}
		}
		to = append(to, b[i])
	}
	return to, 0
}

// message adds the text and what can be read in it. XML is read whole and not
// kept a second time.
func (s *syslogReader) message(row *event.Row, program, msg []byte) {
	if hasAny(msg, "<Event") && s.payer.readXML(row, msg) || s.json(row, program, msg) {
		return
	}
	s.v.text(row, fMessage, msg)
	if s.payer.read(row, msg) {
		return
	}
	s.v.daemon(row, program, msg)
}

// json reads a message that is an object of JSON, as those of Suricata and with
// @cee: before it. The row becomes that of the object, with host and program.
func (s *syslogReader) json(row *event.Row, program, msg []byte) bool {
	msg = bytes.TrimLeft(bytes.TrimPrefix(msg, []byte("@cee:")), " ")
	if len(msg) < 8 || msg[0] != '{' || msg[len(msg)-1] != '}' || msg[1] != '"' && msg[1] != ' ' {
		return false
	}
	s.host = append(s.host[:0], row.Get(event.Computer)...)
	at, record, offset := row.Time, row.Record, row.Offset
	s.block, s.rowsIn = Block{First: record, Offset: offset, Data: msg}, 0
	damage, _ := s.inner.rows(&s.block, row, s.count)
	if s.rowsIn == 1 && len(damage) == 0 {
		if row.Time == 0 {
			row.Time = at
		}
		if row.Find(event.Computer) < 0 {
			s.v.computer(row, s.host)
		}
		s.v.text(row, fProgram, program)
		if row.Log == (event.Log{}) && row.Find(event.Channel) < 0 {
			row.Log = syslogLog
		}
		return true
	}
	row.Reset()
	row.Log, row.Time, row.Record, row.Offset = event.Log{}, at, record, offset
	s.v.computer(row, s.host)
	s.v.text(row, fProgram, program)
	return false
}

var severities = [8]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

var facilities = [24]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// maxCounted bounds a message whose octets are counted, in bytes.
const maxCounted = 1 << 20

// counted returns the length that stands before a message and where the message
// begins (RFC 6587 section 3.4.1); at is 0 if it has none.
func counted(b []byte) (size, at int) {
	v, n, _ := digits(b, 7)
	if n == 0 || n+1 >= len(b) || b[0] == '0' || b[n] != ' ' || b[n+1] != '<' || v > maxCounted {
		return 0, 0
	}
	return int(v), n + 1
}

// syslogRecord returns the first message of b and how many bytes to go on. It
// is a line, or, in a file that begins like that, so many octets as are counted.
// Without enough bytes n is 0, unless last.
func syslogRecord(b []byte, octets, last bool) (line []byte, n int) {
	if octets {
		size, at := counted(b)
		if at > 0 && at+size <= len(b) {
			return b[at : at+size], at + size
		}
		if !last && (at > 0 || len(b) < 10) {
			return nil, 0
		}
	}
	if n = bytes.IndexByte(b, '\n'); n >= 0 {
		return b[:n], n + 1
	}
	if last {
		return b, len(b)
	}
	return nil, 0
}

// syslogCutter divides messages. The head of every block is how the file begins.
type syslogCutter struct {
	lineCutter
	head []byte
}

func (c *syslogCutter) cut(have []byte, last bool) (out cut) {
	if c.head == nil {
		const enough = 64
		if len(have) < enough && !last && bytes.IndexByte(have, '\n') < 0 {
			return out
		}
		c.head = bytes.Clone(have[:min(len(have), enough)])
	}
	if _, at := counted(c.head); at == 0 {
		out = c.lineCutter.cut(have, last)
		out.Head = c.head
		return out
	}
	for out.Take < len(have) {
		_, n := syslogRecord(have[out.Take:], true, last)
		if n == 0 {
			break
		}
		out.Take += n
		out.Records++
	}
	out.Head = c.head
	return out
}
