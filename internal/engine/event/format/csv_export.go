package format

import (
	"bytes"
	"slices"

	"noroshi/internal/engine/event"
)

// What well-known tools put into one column of a table, besides AuditData of
// Microsoft 365: EvtxECmd the payload of a Windows event, Hayabusa a list of
// what it knows of one.

// ecmdColumns are the columns of EvtxECmd that say what an event is, and what
// stands around their values when they are put together as JSON again.
var ecmdColumns = []struct{ name, before, after string }{
	{"Provider", `"Provider":{"#attributes":{"Name":"`, `"}},`},
	{"EventId", `"EventID":"`, `",`},
	{"Channel", `"Channel":"`, `",`},
	{"Computer", `"Computer":"`, `",`},
	{"EventRecordId", `"EventRecordID":"`, `",`},
	{"ProcessId", `"Execution_ProcessID":"`, `",`},
	{"ThreadId", `"Execution_ThreadID":"`, `",`},
	{"UserId", `"Security_UserID":"`, `",`},
	{"TimeCreated", `"TimeCreated":{"#attributes":{"SystemTime":"`, `Z"}}`},
}

// csvExport is what is known of a table that a tool wrote.
type csvExport struct {
	payload int   // the column that holds JSON, -1 if none does
	ecmd    []int // the columns of ecmdColumns; nil for other tools
	lists   []int // columns that are lists of "name: value ¦ name: value"
	spans   [][2]int
	value   []byte
}

// see learns what tool wrote a table with these columns.
func (x *csvExport) see(names []string) {
	x.payload, x.ecmd, x.lists = slices.Index(names, "AuditData"), nil, nil
	x.spans = make([][2]int, len(names))
	if slices.Contains(names, "MapDescription") && slices.Contains(names, "Payload") {
		x.payload = slices.Index(names, "Payload")
		for _, c := range ecmdColumns {
			x.ecmd = append(x.ecmd, slices.Index(names, c.name))
		}
	}
	if slices.Contains(names, "RuleTitle") && slices.Contains(names, "Details") {
		for i, name := range names {
			if name == "Details" || name == "ExtraFieldInfo" || name == "AllFieldInfo" {
				x.lists = append(x.lists, i)
			}
		}
	}
}

// whole makes value the event that a row holds as JSON, empty if it holds none.
// Text is that of all columns.
func (x *csvExport) whole(text []byte) {
	x.value = x.value[:0]
	if x.payload < 0 {
		return
	}
	payload := trim(text[x.spans[x.payload][0]:x.spans[x.payload][1]])
	if len(payload) < 2 || payload[0] != '{' {
		return
	}
	if x.ecmd == nil {
		x.value = append(x.value, payload...)
		return
	}
	x.value = append(x.value, `{"Event":{"System":{`...)
	for i, c := range ecmdColumns {
		x.value = append(x.value, c.before...)
		if at := x.ecmd[i]; at >= 0 {
			x.value = appendQuoted(x.value, text[x.spans[at][0]:x.spans[at][1]])
		}
		x.value = append(x.value, c.after...)
	}
	x.value = append(x.value, '}')
	if rest := trim(payload[1:]); rest[0] != '}' {
		x.value = append(append(x.value, ','), rest...)
	} else {
		x.value = append(x.value, '}')
	}
	x.value = append(x.value, '}')
}

// appendQuoted appends text as it stands between quotes in JSON (RFC 8259
// section 7).
func appendQuoted(to, b []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c < 0x20:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			to = append(to, c)
		}
	}
	return to
}

// list adds what a list of "name: value ¦ name: value" says.
func (c *csvReader) list(text []byte, at int) {
	from, end := c.export.spans[at][0], c.export.spans[at][1]
	for from < end && len(c.fields) < maxFields {
		part := text[from:end]
		next := end
		if n := bytes.Index(part, []byte(" ¦ ")); n >= 0 {
			part, next = part[:n], from+n+len(" ¦ ")
		}
		if n := bytes.Index(part, []byte(": ")); n > 0 && n < 64 {
			f := event.Field{Name: event.Name(c.shape.child(c.cols[at], part[:n]).id), Off: uint32(from + n + 2), Len: uint32(len(part) - n - 2)}
			f.Kind = kindOf(part[n+2:])
			c.fields = append(c.fields, f)
		}
		from = next
	}
}
