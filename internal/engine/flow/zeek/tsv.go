package zeek

import (
	"bytes"
	"encoding/hex"
	"strconv"
)

// maxFields bounds the fields of a header.
const maxFields = 512

// header is what the lines that begin with # say of those that follow.
type header struct {
	log    log
	sep    byte
	set    byte
	empty  []byte
	unset  []byte
	begun  bool // by a line of its own, not by what holds without one
	fields int
	column [maxFields]column
}

// reset sets what holds when no header says otherwise.
func (h *header) reset() {
	*h = header{sep: '\t', set: ',', empty: []byte("(empty)"), unset: []byte("-")}
}

// header reads one line that begins with #. A log that is rolled in the middle
// of a stream begins a new header with #separator.
func (r *Reader) header(b []byte) {
	h := &r.head
	key, value := b, []byte(nil)
	if i := bytes.IndexAny(b, " \t"+string(h.sep)); i >= 0 {
		key, value = b[:i], b[i+1:]
	}
	switch string(key) {
	case "#separator":
		h.reset()
		if v, err := strconv.ParseUint(string(bytes.TrimPrefix(value, []byte(`\x`))), 16, 8); err == nil && bytes.HasPrefix(value, []byte(`\x`)) {
			h.sep = byte(v)
		} else if len(value) == 1 {
			h.sep = value[0]
		}
	case "#set_separator":
		if len(value) == 1 {
			h.set = value[0]
		}
	case "#empty_field":
		h.empty = bytes.Clone(value)
	case "#unset_field":
		h.unset = bytes.Clone(value)
	case "#path":
		h.log = logOf(value)
	case "#fields":
		r.stats.Headers++
		r.fields(value)
	default:
		return
	}
	h.begun = true
}

// fields reads the names of the columns.
func (r *Reader) fields(value []byte) {
	h := &r.head
	r.row.forget()
	h.fields = 0
	for len(value) > 0 && h.fields < maxFields {
		name := value
		if i := bytes.IndexByte(value, h.sep); i >= 0 {
			name, value = value[:i], value[i+1:]
		} else {
			value = nil
		}
		h.column[h.fields] = columnOf[string(name)]
		h.fields++
	}
}

// Header returns header lines that say what those in force do, for [NewReader]
// to begin with when a log is read on from Offset; "" without. They are written
// anew: no name of a column that is not read, and no mark of a missing value but
// the usual ones, is kept.
func (r *Reader) Header() string {
	h := &r.head
	if !h.begun {
		return ""
	}
	sep := string([]byte{h.sep})
	out := append([]byte(nil), `#separator \x`...)
	out = hex.AppendEncode(out, []byte{h.sep})
	out = append(out, "\n#set_separator"+sep+string([]byte{h.set})+"\n"...)
	for _, m := range [...]struct {
		key  string
		mark []byte
	}{{"#empty_field", h.empty}, {"#unset_field", h.unset}} {
		if len(m.mark) <= 1 || string(m.mark) == "(empty)" {
			out = append(out, m.key+sep...)
			out = append(append(out, m.mark...), '\n')
		}
	}
	out = append(out, "#path"+sep+logNames[h.log]+"\n"...)
	if h.fields == 0 {
		return string(out)
	}
	out = append(out, "#fields"...)
	for _, c := range h.column[:h.fields] {
		out = append(append(out, h.sep), c.named(h.sep)...)
	}
	return string(append(out, '\n'))
}

// tsv splits a line into the columns of the header. It returns false when the
// line has another number of fields.
func (w *row) tsv(b []byte, h *header) bool {
	w.set = h.set
	w.escaped, w.quoted = bytes.IndexByte(b, '\\') >= 0, false
	i := 0
	for start := 0; i < h.fields; i++ {
		end := start
		for end < len(b) && b[end] != h.sep {
			end++
		}
		if c := h.column[i]; c != cNone {
			v := b[start:end]
			if len(v) == len(h.unset) && string(v) == string(h.unset) || len(v) == len(h.empty) && string(v) == string(h.empty) {
				v = nil
			}
			w.v[c] = v
		}
		if end >= len(b) {
			// What the line lacks must not be left over from the one before.
			for k := i + 1; k < h.fields; k++ {
				w.v[h.column[k]] = nil
			}
			return i+1 == h.fields
		}
		start = end + 1
	}
	return false
}

// unescape replaces \xHH and \\ in place, as Zeek writes bytes that are not
// printable or that are its separators.
func unescape(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := b[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			if b[i+1] == '\\' {
				i++
			} else if hi, lo := hexAt(b, i+2), hexAt(b, i+3); b[i+1] == 'x' && hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				i += 3
			}
		}
		out = append(out, c)
	}
	return out
}

// hexAt is the value of the hexadecimal digit at b[i], -1 without one.
func hexAt(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
