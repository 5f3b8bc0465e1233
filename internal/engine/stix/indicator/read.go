package indicator

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
)

// Format is how a list is written.
type Format uint8

// The formats that Read tells apart by their beginning.
const (
	Lines Format = iota + 1
	CSV
	JSON // a STIX bundle or a MISP event
)

// Report is what became of a list.
type Report struct {
	Format   Format
	Entries  int // taken
	Doubles  int // there already
	Unknown  int // values that name nothing that can be looked for
	Invalid  int // STIX patterns that are none
	Inexact  int // STIX patterns that ask for more than a list can look for
	Muted    int // revoked, deleted, or marked as not for detection
	Overlong int // lines over MaxLine
}

// MaxLine bounds a line of a list, in bytes.
const MaxLine = 8 << 10

// ErrJSON says that a list begins as JSON and is none.
var ErrJSON = errors.New("indicator: not a STIX bundle or a MISP event")

// Read reads a list in any of the formats into a builder, under a name of its
// own. What it cannot use is counted; an error (ErrFull, ErrJSON, or of the
// reader) ends it, with everything before it taken.
func Read(r io.Reader, list string, b *Builder) (Report, error) {
	in := &sink{list: short(list), b: b}
	buf := bufio.NewReaderSize(r, MaxLine)
	if head, _ := buf.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		buf.Discard(3)
	}
	if isJSON(buf) {
		in.Format = JSON
		err := in.json(buf)
		return in.Report, cmp.Or(in.err, err)
	}
	in.Format = Lines
	err := in.lines(buf)
	return in.Report, cmp.Or(in.err, err)
}

// isJSON reports whether the text begins as a JSON object, or as an array of
// them; a line that begins with a bracket may also be an address.
func isJSON(r *bufio.Reader) bool {
	head, _ := r.Peek(512)
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return false
	}
	if head[0] == '[' {
		head = bytes.TrimLeft(head[1:], " \t\r\n")
		return len(head) > 0 && (head[0] == '{' || head[0] == ']')
	}
	return head[0] == '{'
}

// sink counts what goes into the builder.
type sink struct {
	Report
	list   string
	b      *Builder
	err    error
	header []column
}

func (in *sink) put(e Entry) {
	if in.err != nil {
		return
	}
	e.Name, e.ID = short(e.Name), short(e.ID)
	added, err := in.b.Add(in.list, e)
	switch {
	case err != nil:
		in.err = err
	case added:
		in.Entries++
	default:
		in.Doubles++
	}
}

// lines reads plain lines or CSV. The first line that names columns, also
// within a comment, makes it CSV.
func (in *sink) lines(r *bufio.Reader) error {
	for first := true; in.err == nil; {
		raw, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			in.Overlong++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			raw = nil
		}
		if line := strings.TrimSpace(string(raw)); line != "" {
			in.line(line, &first)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *sink) line(line string, first *bool) {
	comment := strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
	if comment || *first {
		if cells := split(strings.TrimLeft(line, "#/; ")); len(cells) > 1 || *first && !comment {
			if h := headerOf(cells); h != nil && in.header == nil {
				in.header, in.Format = h, CSV
				*first = false
				return
			}
		}
		if comment {
			return
		}
	}
	*first = false
	if in.header != nil {
		in.row(split(line))
		return
	}
	value, name := line, ""
	for _, mark := range [...]string{" #", "\t#", " //"} {
		if v, n, ok := strings.Cut(value, mark); ok {
			value, name = v, strings.TrimSpace(n)
		}
	}
	// The form of a hosts file: an address to nowhere before the name.
	if f := strings.Fields(value); len(f) == 2 && (f[0] == "0.0.0.0" || f[0] == "127.0.0.1") {
		value = f[1]
	}
	if strings.ContainsAny(value, ",;\t") {
		// Columns without a header: the first that is an indicator counts.
		for _, cell := range split(value) {
			if e, ok := classify(cell); ok {
				e.Name = name
				in.put(e)
				return
			}
		}
	}
	e, ok := classify(value)
	if !ok {
		in.Unknown++
		return
	}
	e.Name = name
	in.put(e)
}

// split cuts a line into cells at its separator: tab, semicolon or comma, quotes
// respected.
func split(line string) []string {
	sep := byte(',')
	for _, c := range []byte{'\t', ';'} {
		if strings.IndexByte(line, c) >= 0 && strings.IndexByte(line, ',') < 0 {
			sep = c
		}
	}
	var cells []string
	var b strings.Builder
	quoted := false
	for i := 0; i < len(line) && len(cells) < 64; i++ {
		switch c := line[i]; {
		case c == '"' && quoted && i+1 < len(line) && line[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			cells = append(cells, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(cells, strings.TrimSpace(b.String()))
}

// column says what a column of a CSV list holds.
type column uint8

const (
	columnOther column = iota
	columnValue        // of the kind that the row's type says, or that it looks like
	columnType
	columnName
	columnID
	columnJA3
	columnJA4
	columnCert
)

// headerOf reads the names of columns; nil when none of them holds a value.
func headerOf(cells []string) []column {
	out, values := make([]column, len(cells)), 0
	for i, cell := range cells {
		name := strings.Map(func(r rune) rune {
			if r == '_' || r == '-' || r == ' ' || r == '"' {
				return -1
			}
			return r
		}, strings.ToLower(cell))
		switch name {
		case "value", "indicator", "ioc", "iocvalue", "observable", "ip", "ipaddress", "address", "dstip", "destip", "dstaddress", "ipv4", "ipv6", "cidr", "network",
			"prefix", "domain", "domainname", "hostname", "host", "fqdn", "url", "md5", "sha1", "sha256", "sha512", "hash", "filehash":
			out[i] = columnValue
		case "ja3", "ja3md5", "ja3fingerprint":
			out[i] = columnJA3
		case "ja4":
			out[i] = columnJA4
		case "certsha1", "certsha256", "certificate", "certificatesha1", "certificatesha256", "x509", "certhash", "certfingerprint":
			out[i] = columnCert
		case "type", "ioctype", "indicatortype", "kind":
			out[i] = columnType
		case "name", "malware", "malwareprintable", "family", "threat", "description", "comment", "tag", "tags", "label", "listingreason", "reason", "category":
			out[i] = columnName
		case "id", "uuid", "iocid":
			out[i] = columnID
		}
		if out[i] == columnValue || out[i] >= columnJA3 {
			values++
		}
	}
	if values == 0 {
		return nil
	}
	return out
}

func (in *sink) row(cells []string) {
	var kind, name, id string
	for i, c := range in.header {
		if i >= len(cells) {
			break
		}
		switch c {
		case columnType:
			kind = cells[i]
		case columnName:
			if name == "" {
				name = cells[i]
			}
		case columnID:
			id = cells[i]
		}
	}
	found := false
	for i, c := range in.header {
		if i >= len(cells) || cells[i] == "" || c != columnValue && c < columnJA3 {
			continue
		}
		want := kind
		switch c {
		case columnJA3:
			want = "ja3"
		case columnJA4:
			want = "ja4"
		case columnCert:
			want = "x509"
		}
		if e, ok := typed(want, cells[i]); ok {
			e.Name, e.ID = name, id
			in.put(e)
			found = true
		}
	}
	if !found {
		in.Unknown++
	}
}

// typed reads a value of a named type: of MISP, of common CSV exports, or none.
func typed(kind, value string) (Entry, bool) {
	kind = strings.ToLower(kind)
	e, ok := classify(value)
	switch {
	case strings.Contains(kind, "ja3s"), strings.Contains(kind, "jarm"), strings.Contains(kind, "hassh"):
		return e, false // of servers, or not of TLS: not looked for
	case strings.Contains(kind, "ja3"):
		if ok = ok && e.Kind == File && len(e.Sum) == 16; ok {
			e.Kind = JA3
		}
	case strings.Contains(kind, "x509"), strings.Contains(kind, "cert"):
		if ok = ok && e.Kind == File; ok {
			e.Kind = Certificate
		}
	}
	return e, ok
}
