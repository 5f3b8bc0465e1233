package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// zeekColumn is one column of a Zeek log.
type zeekColumn struct {
	name event.Name
	also event.Name // what the taxonomy calls it
	kind event.Kind
	list bool // set or vector
}

// zeekHead is what the lines before the records say, in the order they stand.
type zeekHead struct {
	v       *vocabulary
	sep     byte
	set     byte // between the elements of a list
	empty   []byte
	unset   []byte
	log     event.Log
	cols    []zeekColumn
	ts      int // the column of the time, -1 if there is none
	service map[string]string
}

func newZeekHead(o Options) *zeekHead {
	h := &zeekHead{v: newVocabulary(o), service: map[string]string{}}
	h.reset()
	return h
}

func (h *zeekHead) reset() {
	h.sep, h.set, h.empty, h.unset = '\t', ',', append(h.empty[:0], "(empty)"...), append(h.unset[:0], '-')
	h.cols, h.ts, h.log = h.cols[:0], -1, event.Log{Product: "zeek"}
}

// maxColumns bounds the columns of a table.
const maxColumns = 4096

// line reads one line of the header.
func (h *zeekHead) line(b []byte) {
	if rest, ok := bytes.CutPrefix(b, []byte("#separator ")); ok {
		h.reset()
		var text [8]byte
		if one := zeekText(text[:0], rest[:min(len(rest), len(text))]); len(one) == 1 {
			h.sep = one[0]
		}
		return
	}
	i := bytes.IndexByte(b, h.sep)
	if i < 0 {
		return
	}
	rest := b[i+1:]
	switch string(b[:i]) {
	case "#set_separator":
		if len(rest) == 1 {
			h.set = rest[0]
		}
	case "#empty_field":
		h.empty = append(h.empty[:0], rest...)
	case "#unset_field":
		h.unset = append(h.unset[:0], rest...)
	case "#path":
		h.path(rest)
	case "#fields":
		h.columns(rest)
	case "#types":
		h.types(rest)
	}
}

// path names the log; what the taxonomy has a category for gets it.
func (h *zeekHead) path(path []byte) {
	name, ok := h.service[string(path)]
	if !ok {
		name = string(path[:min(len(path), 128)])
		if len(h.service) < 1024 {
			h.service[name] = name
		}
	}
	h.log = event.Log{Product: "zeek", Service: name}
	switch name {
	case "dns":
		h.log.Category = "dns"
	case "http":
		h.log.Category = "proxy"
	}
}

// columns names the columns. The names are Zeek's own; those of DNS and HTTP
// stand under the name of the taxonomy besides.
func (h *zeekHead) columns(b []byte) {
	h.cols, h.ts = h.cols[:0], -1
	for len(h.cols) < maxColumns {
		n := bytes.IndexByte(b, h.sep)
		one := b
		if n >= 0 {
			one = b[:n]
		}
		if string(one) == "ts" {
			h.ts = len(h.cols)
		}
		h.cols = append(h.cols, zeekColumn{name: h.v.id(one), also: h.also(one)})
		if n < 0 {
			return
		}
		b = b[n+1:]
	}
}

func (h *zeekHead) also(name []byte) event.Name {
	f := fields
	switch h.log.Service {
	case "dns":
		switch string(name) {
		case "qtype_name":
			f = fRecordType
		case "answers":
			f = fAnswer
		}
	case "http":
		switch string(name) {
		case "uri":
			f = fCURI
		case "user_agent":
			f = fCUserAgent
		case "method":
			f = fCSMethod
		case "host":
			f = fCSHost
		case "status_code":
			f = fSCStatus
		}
	}
	if f == fields {
		return 0
	}
	return h.v.ids[f]
}

func (h *zeekHead) types(b []byte) {
	for i := range h.cols {
		n := bytes.IndexByte(b, h.sep)
		one := b
		if n >= 0 {
			one = b[:n]
		}
		c := &h.cols[i]
		if c.list = bytes.HasPrefix(one, []byte("set[")) || bytes.HasPrefix(one, []byte("vector[")); c.list {
			one = one[bytes.IndexByte(one, '[')+1 : max(len(one)-1, bytes.IndexByte(one, '[')+1)]
		}
		switch string(one) {
		case "count", "int", "port", "double", "time", "interval":
			c.kind = event.Number
		case "bool":
			c.kind = event.Bool
		default:
			c.kind = event.Text
		}
		if n < 0 {
			return
		}
		b = b[n+1:]
	}
}

// zeekReader reads Zeek's tab-separated logs (the ASCII writer), one or several
// after another.
type zeekReader struct {
	head   *zeekHead
	read   []byte // the header that head holds
	damage []Damage
}

func newZeekReader(o Options) *zeekReader { return &zeekReader{head: newZeekHead(o)} }

func (z *zeekReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	z.damage = append(z.damage[:0], b.Damage...)
	if z.read == nil || !bytes.Equal(z.read, b.Head) {
		z.read = append(z.read[:0], b.Head...)
		z.head.reset()
		for head := b.Head; len(head) > 0; {
			line, n, _ := cutLine(head)
			z.head.line(line)
			head = head[n:]
		}
	}
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, n, whole := cutLine(b.Data[at:])
		switch {
		case len(line) == 0:
		case line[0] == '#':
			z.read = nil // the block does not end with the header it began with
			z.head.line(line)
		default:
			row.Reset()
			row.Log, row.Record, row.Offset = z.head.log, record, b.Offset+int64(at)
			reason, kept := z.record(row, line, whole)
			if reason != 0 {
				d := Damage{row.Offset, record, int64(n), reason}
				if kept {
					d.Length = 0
				}
				z.damage = hurt(z.damage, d)
			}
			if !kept {
				break
			}
			z.damage = wide(z.damage, row)
			if err := yield(row); err != nil {
				return z.damage, err
			}
		}
		at += n
	}
	return z.damage, nil
}

// cutLine returns the first line of b without its end, and how long it is with
// it; whole says that it has one.
func cutLine(b []byte) (line []byte, n int, whole bool) {
	n = bytes.IndexByte(b, '\n')
	if whole = n >= 0; whole {
		line, n = b[:n], n+1
	} else {
		line, n = b, len(b)
	}
	if len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line, n, whole
}

// record reads one line. A line of another number of columns is read as far as
// it goes, if it begins with a time; the last line of a file that is still
// written is left for later.
func (z *zeekReader) record(row *event.Row, b []byte, whole bool) (reason Reason, kept bool) {
	h := z.head
	if len(h.cols) == 0 {
		return Header, false
	}
	i, line, timed := 0, b, h.ts < 0
	for ; i < len(h.cols); i++ {
		value := line
		n := bytes.IndexByte(line, h.sep)
		if n >= 0 {
			value, line = line[:n], line[n+1:]
		}
		if !bytes.Equal(value, h.unset) {
			z.value(row, &h.cols[i], value)
			if i == h.ts {
				row.Time, timed = parseUnix(value)
			}
		}
		if n < 0 {
			break
		}
	}
	switch {
	case i == len(h.cols)-1:
		return 0, true
	case i < len(h.cols) && !whole:
		return Cut, false
	}
	return Broken, timed && i > 1
}

func (z *zeekReader) value(row *event.Row, c *zeekColumn, b []byte) {
	if bytes.Equal(b, z.head.empty) {
		if !c.list {
			row.Add(c.name, c.kind, nil)
			row.Add(c.also, c.kind, nil)
		}
		return // a list without elements is no field
	}
	if !c.list {
		z.one(row, c, b)
		return
	}
	for {
		n := bytes.IndexByte(b, z.head.set)
		if n < 0 {
			z.one(row, c, b)
			return
		}
		z.one(row, c, b[:n])
		if b = b[n+1:]; full(row) {
			return
		}
	}
}

func (z *zeekReader) one(row *event.Row, c *zeekColumn, b []byte) {
	if bytes.IndexByte(b, '\\') < 0 {
		if c.kind == event.Bool && len(b) == 1 {
			row.AddString(c.name, c.kind, zeekBool(b[0]))
			return
		}
		row.Add(c.name, c.kind, b)
		row.Add(c.also, c.kind, b)
		return
	}
	row.Close(c.name, c.kind, zeekText(row.Open(), b))
	if c.also != 0 {
		row.Close(c.also, c.kind, zeekText(row.Open(), b))
	}
}

func zeekBool(c byte) string {
	if c == 'T' {
		return "true"
	}
	return "false"
}

// zeekText appends text without Zeek's escapes: \xHH and \\.
func zeekText(to, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			if b[i+1] == '\\' {
				i++
			} else if b[i+1] == 'x' && i+3 < len(b) {
				high, low := hexDigit(b[i+2]), hexDigit(b[i+3])
				if high < 16 && low < 16 {
					to = append(to, high<<4|low)
					i += 3
					continue
				}
			}
		}
		to = append(to, b[i])
	}
	return to
}

// headCutter divides lines and keeps the header that stands above each block:
// of Zeek and of the W3C format, whose header lines begin with #.
type headCutter struct {
	lineCutter
	head []byte // above what comes next
	ours bool   // head is not given out yet and may grow in place
}

// maxHead bounds a header, in bytes.
const maxHead = 256 << 10

func (c *headCutter) cut(have []byte, last bool) cut {
	out := c.lineCutter.cut(have, last)
	if out.Take == 0 {
		return out
	}
	if c.head == nil {
		c.head = []byte{}
	}
	out.Head, c.ours = c.head, false
	for data := have[:out.Take]; len(data) > 0; {
		if data[0] != '#' {
			n := bytes.Index(data, []byte("\n#"))
			if n < 0 {
				break
			}
			data = data[n+1:]
		}
		line, n, _ := cutLine(data)
		c.see(line)
		data = data[n:]
	}
	return out
}

// see takes a line of the header. #separator, and #Software of the W3C format,
// begin another.
func (c *headCutter) see(line []byte) {
	if hasAny(line, "#close", "#open") {
		return
	}
	if hasAny(line, "#separator ", "#Software:") {
		c.head, c.ours = []byte{}, true
	}
	if !c.ours {
		c.head, c.ours = bytes.Clone(c.head), true
	}
	if len(c.head)+len(line) < maxHead {
		c.head = append(append(c.head, line...), '\n')
	}
}
