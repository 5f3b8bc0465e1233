package format

import (
	"bytes"
	"time"

	"noroshi/internal/engine/event"
)

// w3cReader reads the W3C Extended Log Format of IIS, of proxies and of others:
// #Fields names the columns, - stands for nothing. Times are UTC.
type w3cReader struct {
	v      *vocabulary
	read   []byte // the header that is read
	fresh  bool
	cols   []w3cColumn
	log    event.Log
	proxy  bool
	tabs   bool
	day    []byte // of #Date, for logs with a time alone
	joined []byte
	damage []Damage
}

type w3cColumn struct {
	name event.Name
	role w3cRole
}

type w3cRole uint8

const (
	w3cPlain w3cRole = iota
	w3cDate
	w3cTime
	w3cStem
	w3cQuery
	w3cAgent // blanks are written as +
	w3cUser
	w3cHost
	w3cURI
)

func newW3CReader(o Options) *w3cReader { return &w3cReader{v: newVocabulary(o)} }

// w3cNames are columns that the taxonomy writes otherwise.
var w3cNames = map[string]string{
	"cs(User-Agent)": "cs-user-agent", "cs(Referer)": "cs-referer", "cs(Cookie)": "cs-cookie", "cs(Host)": "cs-host",
	"cs(Content-Type)": "cs-content-type", "rs(Content-Type)": "rs-content-type", "sc(Content-Type)": "sc-content-type",
	"cs-uri-host": "cs-host", "cs-auth-group": "cs-auth-group", "s-supplier-ip": "dst_ip", "r-ip": "dst_ip", "cs-cookie": "cs-cookie",
	"x-cs-user-agent": "cs-user-agent", "c-username": "cs-username", "cs-userid": "cs-username",
}

func (w *w3cReader) line(b []byte) {
	if hasAny(b, "#Software:") {
		w.cols, w.log = w.cols[:0], event.Log{}
		w.proxy = containsFold(b, "proxy") || containsFold(b, "sgos") || containsFold(b, "isa server") || containsFold(b, "forefront")
	}
	if rest, ok := bytes.CutPrefix(b, []byte("#Date:")); ok {
		w.day = append(w.day[:0], firstWord(trim(rest))...)
	}
	rest, ok := bytes.CutPrefix(b, []byte("#Fields:"))
	if !ok {
		return
	}
	w.tabs = bytes.IndexByte(rest, '\t') >= 0
	w.cols = w.cols[:0]
	server := false
	for rest = bytes.Trim(rest, " \t\r\x00"); len(rest) > 0 && len(w.cols) < maxColumns; {
		n := bytes.IndexAny(rest, " \t")
		if n < 0 {
			n = len(rest)
		}
		server = server || hasAny(rest[:n], "s-sitename", "s-port", "s-computername")
		w.cols = append(w.cols, w.column(rest[:n]))
		rest = bytes.TrimLeft(rest[n:], " \t")
	}
	w.log = event.Log{Category: "webserver"}
	if server {
		w.log.Service = "iis"
	}
	for _, c := range w.cols {
		if c.role == w3cURI || c.role == w3cHost && !server {
			w.proxy = w.proxy || !server
		}
	}
	if w.proxy {
		w.log = event.Log{Category: "proxy"}
	}
}

func (w *w3cReader) column(name []byte) w3cColumn {
	text, ok := w3cNames[string(name)]
	if !ok {
		text = string(name)
	}
	c := w3cColumn{name: w.v.id([]byte(text))}
	switch text {
	case "date":
		c.role = w3cDate
	case "time":
		c.role = w3cTime
	case "cs-uri-stem", "cs-uri-path":
		c.role = w3cStem
	case "cs-uri-query":
		c.role = w3cQuery
	case "cs-user-agent":
		c.role = w3cAgent
	case "cs-username":
		c.role = w3cUser
	case "cs-host":
		c.role = w3cHost
	case "c-uri", "cs-uri":
		c.role = w3cURI
	}
	return c
}

func (w *w3cReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	w.damage = append(w.damage[:0], b.Damage...)
	if !w.fresh || !bytes.Equal(w.read, b.Head) {
		w.read, w.fresh = append(w.read[:0], b.Head...), true
		w.cols, w.log, w.proxy = w.cols[:0], event.Log{}, false
		for head := b.Head; len(head) > 0; {
			line, n, _ := cutLine(head)
			w.line(line)
			head = head[n:]
		}
	}
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, n, _ := cutLine(b.Data[at:])
		switch {
		case len(bytes.Trim(line, "\x00 ")) == 0: // IIS makes files larger before it writes
		case line[0] == '#':
			w.fresh = false
			w.line(line)
		default:
			row.Reset()
			row.Log, row.Record, row.Offset = w.log, record, b.Offset+int64(at)
			if reason := w.record(row, line); reason != 0 {
				w.damage = hurt(w.damage, Damage{row.Offset, record, int64(n), reason})
			} else if err := yield(row); err != nil {
				return w.damage, err
			}
		}
		at += n
	}
	return w.damage, nil
}

// record reads one line. What the taxonomy takes for a whole address is put
// together of stem and query.
func (w *w3cReader) record(row *event.Row, b []byte) Reason {
	if len(w.cols) == 0 {
		return Header
	}
	var date, clock, stem, query, host []byte
	agent := -1
	for i := range w.cols {
		if b == nil {
			return Broken
		}
		value := b
		value, b = w.next(b)
		if len(value) == 0 || len(value) == 1 && value[0] == '-' {
			continue
		}
		c := &w.cols[i]
		switch c.role {
		case w3cDate:
			date = value
			continue
		case w3cTime:
			clock = value
			continue
		case w3cStem:
			stem = value
		case w3cQuery:
			query = value
			continue
		case w3cHost:
			host = value
		case w3cAgent:
			agent = len(row.Fields)
			text := row.Open()
			for _, x := range value {
				if x == '+' {
					x = ' '
				}
				text = append(text, x)
			}
			row.Close(c.name, event.Text, text)
			if w.proxy {
				w.v.text(row, fCUserAgent, row.Value(agent))
			}
			continue
		case w3cUser:
			w.v.user(row, value)
		}
		row.Add(c.name, kindOf(value), value)
	}
	if b != nil {
		return Broken
	}
	if clock != nil {
		if date == nil {
			date = w.day
		}
		w.joined = append(append(append(w.joined[:0], date...), ' '), clock...)
		row.Time, _ = parseTime(w.joined, time.UTC)
	}
	w.uri(row, stem, query, host)
	return 0
}

// next takes a column off the line; rest is nil after the last. A column in
// quotes may hold blanks.
func (w *w3cReader) next(b []byte) (value, rest []byte) {
	if len(b) > 1 && b[0] == '"' {
		if end := bytes.IndexByte(b[1:], '"'); end >= 0 {
			value, rest = b[1:1+end], b[end+2:]
			if len(rest) == 0 {
				return value, nil
			}
			return value, rest[1:]
		}
	}
	sep := byte(' ')
	if w.tabs {
		sep = '\t'
	}
	n := bytes.IndexByte(b, sep)
	if n < 0 {
		return b, nil
	}
	return b[:n], b[n+1:]
}

// uri adds the address as a whole: rules for web servers look for parts of
// the path in cs-uri-query too.
func (w *w3cReader) uri(row *event.Row, stem, query, host []byte) {
	query = bytes.TrimPrefix(query, []byte("?"))
	if stem == nil {
		w.v.text(row, fCSURIQuery, query)
		return
	}
	text := append(row.Open(), stem...)
	if query != nil {
		text = append(append(text, '?'), query...)
	}
	row.Close(w.v.ids[fCSURIQuery], event.Text, text)
	w.v.text(row, fCSURIQuery, query)
	text = row.Open()
	if w.proxy && host != nil {
		text = append(text, host...)
	}
	text = append(text, stem...)
	if query != nil {
		text = append(append(text, '?'), query...)
	}
	row.Close(w.v.ids[fCURI], event.Text, text)
	if w.proxy {
		w.v.text(row, fCURIQuery, query)
		w.v.text(row, fCURIStem, stem)
		w.v.text(row, fCURIExtension, extension(stem))
	}
}

// extension returns what follows the last dot of a path, empty if there is none.
func extension(path []byte) []byte {
	path = path[bytes.LastIndexByte(path, '/')+1:]
	if i := bytes.LastIndexByte(path, '.'); i >= 0 {
		return path[i+1:]
	}
	return nil
}
