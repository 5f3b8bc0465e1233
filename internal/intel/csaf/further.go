package csaf

import (
	"encoding/json"
	"slices"
)

// mostFurther bounds what one record keeps beside its fields.
const mostFurther = 16 << 10

// taken are the members of a vulnerability that became fields of the record,
// or of its statement.
var taken = []string{
	"cve", "title", "cwe", "cwes", "references", "product_status", "release_date", "disclosure_date",
	"scores", "metrics", "remediations",
}

// part is a member that is already written.
type part struct {
	name string
	json []byte
}

// written writes a member; nil when it is not there.
func written(name string, v *value) part {
	if v == nil {
		return part{}
	}
	return part{name, appendJSON(nil, v)}
}

// furtherOf writes once what every record of the document keeps of it: the
// front, which says how it is tracked and shared, and whatever else there is.
func (rd *reader) furtherOf() {
	front := []string{"category", "publisher", "tracking", "distribution", "lang", "source_lang", "aggregate_severity", "license_expression"}
	for _, name := range front {
		rd.front = append(rd.front, written(name, rd.doc.get(name)))
	}
	known := append(front, "title", "csaf_version", "references")
	for i, name := range rd.doc.keys {
		if !slices.Contains(known, name) {
			rd.rest = append(rd.rest, written("document."+name, &rd.doc.items[i]))
		}
	}
}

// further keeps, as the source wrote it, what a record has no field for: how
// the document is tracked and shared, and every other member, known or not.
// What does not fit is named under "_left_out".
func (rd *reader) further(v *value, more ...member) json.RawMessage {
	if rd.front == nil {
		rd.furtherOf()
	}
	b := make([]byte, 1, 2048)
	b[0] = '{'
	var left []string
	add := func(p part) {
		switch {
		case p.json == nil:
		case len(b)+len(p.name)+len(p.json) > mostFurther:
			if len(left) < 20 {
				left = append(left, cut(p.name, 100))
			}
		default:
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(append(appendText(b, p.name), ':'), p.json...)
		}
	}
	for _, p := range rd.front {
		add(p)
	}
	if v != nil {
		for i, name := range v.keys {
			if !slices.Contains(taken, name) {
				add(written("vulnerability."+name, &v.items[i]))
			}
		}
	}
	for _, m := range more {
		add(written(m.name, m.value))
	}
	for _, p := range rd.rest {
		add(p)
	}
	for _, m := range rd.other {
		add(written(m.name, m.value))
	}
	if len(left) > 0 {
		names, _ := json.Marshal(left)
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, `"_left_out":`...), names...)
	}
	return append(b, '}')
}

// appendJSON writes a value as compact JSON, members in the order they stood.
// It stops, with the JSON cut off, once b is longer than a record keeps.
func appendJSON(b []byte, v *value) []byte {
	if len(b) > mostFurther {
		return b
	}
	switch v.kind {
	case null:
		return append(b, "null"...)
	case boolean, number:
		return append(b, v.text...)
	case text:
		return appendText(b, v.text)
	case list:
		b = append(b, '[')
		for i := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, &v.items[i])
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, name := range v.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(appendText(b, name), ':'), &v.items[i])
	}
	return append(b, '}')
}

func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
