package format

import (
	"bytes"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// xmlEvent reads one Windows event written as XML, also one of Sysmon for Linux.
// It names fields as package evtx does: what stands in System by its own name
// (Provider_Name, Execution_ProcessID), what the provider logged by the name
// it has there; where both want a name, System yields, but for the four names
// by which events find their rules.
type xmlEvent struct {
	v      *vocabulary
	zone   yearOf
	system map[event.Name]xmlSystem
	record event.Name
	clock  event.Name
	buf    []byte
	name   []byte
}

// xmlSystem is a field of System: its name where the provider has one like it,
// and whether it keeps its own.
type xmlSystem struct {
	dotted event.Name
	keeps  bool
}

func newXMLEvent(o Options) *xmlEvent {
	x := &xmlEvent{v: newVocabulary(o), zone: newYearOf(o), system: map[event.Name]xmlSystem{}}
	for i, s := range [...]string{"Channel", "Provider_Name", "EventID", "Computer", "Version", "Level", "Task", "Opcode", "Keywords",
		"EventRecordID", "Qualifiers", "Provider_Guid", "Provider_EventSourceName", "TimeCreated_SystemTime", "Correlation_ActivityID",
		"Correlation_RelatedActivityID", "Execution_ProcessID", "Execution_ThreadID", "Security_UserID"} {
		x.system[o.Names.ID(s)] = xmlSystem{o.Names.ID("System." + s), i < 4}
	}
	x.record, x.clock = o.Names.ID("EventRecordID"), o.Names.ID("TimeCreated_SystemTime")
	return x
}

// xmlDepth bounds how deep elements may stand in each other.
const xmlDepth = 24

// xmlFront is how many fields are looked through for those of System.
const xmlFront = 64

// xmlPart is an element that is open.
type xmlPart struct {
	elem, data []byte // its name, and the attribute Name of a <Data>
	kids       bool
}

// read adds the event that begins at the start of b and says how long it is.
// It is false if it does not end or is no event; what was read stays.
func (x *xmlEvent) read(row *event.Row, b []byte) (n int, ok bool) {
	var open [xmlDepth]xmlPart
	depth, at := 0, 0
	for at < len(b) {
		if b[at] != '<' {
			next := bytes.IndexByte(b[at:], '<')
			if next < 0 {
				return at, false
			}
			at += next
		}
		switch rest := b[at:]; {
		case hasAny(rest, "<!--"):
			end := bytes.Index(rest, []byte("-->"))
			if end < 0 {
				return at, false
			}
			at += end + 3
		case hasAny(rest, "<?"), hasAny(rest, "<!"):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return at, false
			}
			at += end + 1
		case hasAny(rest, "</"):
			end := bytes.IndexByte(rest, '>')
			if end < 0 || depth == 0 || !bytes.Equal(trim(localName(rest[2:end])), open[depth-1].elem) {
				return at, false
			}
			at += end + 1
			if depth--; depth == 0 {
				x.finish(row)
				return at, true
			}
		default:
			if depth == xmlDepth {
				return at, false
			}
			if depth > 0 {
				open[depth-1].kids = true
			}
			size, closed, ok := x.tag(row, &open, depth, rest)
			if !ok {
				return at, false
			}
			at += size
			if closed {
				x.leaf(row, &open, depth+1, nil)
				if depth == 0 {
					return at, false
				}
				continue
			}
			depth++
			text, size, leaf := x.text(b[at:])
			if leaf {
				x.leaf(row, &open, depth, text)
			}
			at += size
		}
	}
	return at, false
}

// tag reads an open tag and its attributes.
func (x *xmlEvent) tag(row *event.Row, open *[xmlDepth]xmlPart, depth int, b []byte) (size int, closed, ok bool) {
	i := 1
	for i < len(b) && b[i] != ' ' && b[i] != '>' && b[i] != '/' && b[i] != '\n' && b[i] != '\t' && b[i] != '\r' {
		i++
	}
	open[depth] = xmlPart{elem: localName(b[1:i])}
	if depth == 0 && string(open[0].elem) != "Event" || i == 1 {
		return 0, false, false
	}
	for {
		for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
			i++
		}
		if i >= len(b) {
			return 0, false, false
		}
		if b[i] == '>' {
			return i + 1, false, true
		}
		if b[i] == '/' {
			return i + 2, true, i+1 < len(b) && b[i+1] == '>'
		}
		from := i
		for i < len(b) && b[i] != '=' && b[i] != '>' {
			i++
		}
		name := trim(b[from:i])
		for i++; i < len(b) && b[i] == ' '; i++ {
		}
		if i >= len(b) || b[i] != '"' && b[i] != '\'' {
			return 0, false, false
		}
		end := bytes.IndexByte(b[i+1:], b[i])
		if end < 0 {
			return 0, false, false
		}
		x.attribute(row, open, depth, name, b[i+1:i+1+end])
		i += end + 2
	}
}

func (x *xmlEvent) attribute(row *event.Row, open *[xmlDepth]xmlPart, depth int, name, value []byte) {
	part := &open[depth]
	switch {
	case depth < 2, hasAny(name, "xmlns"):
		return
	case string(name) == "Name" && string(part.elem) == "Data":
		part.data = value
		return
	}
	system := string(open[1].elem) == "System"
	x.name = append(append(append(x.name[:0], part.elem...), '_'), name...)
	switch string(x.name) {
	case "EventID_Qualifiers":
		x.name = append(x.name[:0], "Qualifiers"...)
	case "Security_UserId":
		x.name = append(x.name[:0], "Security_UserID"...)
	}
	x.add(row, open, depth+1, x.v.id(x.name), name, system, value)
}

// leaf adds an element that holds no others. Empty frames leave nothing.
func (x *xmlEvent) leaf(row *event.Row, open *[xmlDepth]xmlPart, depth int, text []byte) {
	if depth < 3 || len(text) == 0 && depth == 3 && string(open[1].elem) == "UserData" {
		return
	}
	part := &open[depth-1]
	system := string(open[1].elem) == "System"
	if system && len(text) == 0 { // <Provider Name="…"/>
		return
	}
	name := part.elem
	if part.data != nil {
		name = part.data
	}
	x.add(row, open, depth, x.v.id(name), nil, system, text)
}

// add adds a field under the name that is free for it.
func (x *xmlEvent) add(row *event.Row, open *[xmlDepth]xmlPart, depth int, name event.Name, attr []byte, system bool, value []byte) {
	if system {
		switch {
		case name == x.clock:
			row.Time, _ = parseTime(value, x.zone.zone)
		case name == x.record:
			if n, k, ok := digits(value, 19); ok && k == len(value) {
				row.Record = n
			}
		}
	} else if s, ok := x.system[name]; ok {
		if string(open[1].elem) != "EventData" && string(open[1].elem) != "UserData" || s.keeps {
			name = x.path(open, depth, attr)
		} else {
			for i := range row.Fields[:min(len(row.Fields), xmlFront)] { // System stands first
				if row.Fields[i].Name == name {
					row.Fields[i].Name = s.dotted
					break
				}
			}
		}
	}
	if full(row) {
		return
	}
	if bytes.IndexByte(value, '&') < 0 {
		row.Add(name, xmlKind(system, value), value)
		return
	}
	row.Close(name, event.Text, xmlText(row.Open(), value))
}

func xmlKind(system bool, value []byte) event.Kind {
	if system {
		return kindOf(value)
	}
	return event.Text
}

// path is the dotted name of an element, without Event.
func (x *xmlEvent) path(open *[xmlDepth]xmlPart, depth int, attr []byte) event.Name {
	x.name = x.name[:0]
	for i := 1; i < depth; i++ {
		if i > 1 {
			x.name = append(x.name, '.')
		}
		if open[i].data != nil {
			x.name = append(x.name, open[i].data...)
		} else {
			x.name = append(x.name, open[i].elem...)
		}
	}
	if attr != nil {
		x.name = append(append(x.name, '_'), attr...)
	}
	return x.v.id(x.name)
}

// text returns the text up to the next tag and how long it is; leaf says that
// the tag is the end of this element. CDATA is text.
func (x *xmlEvent) text(b []byte) (text []byte, size int, leaf bool) {
	at, joined := 0, false
	for {
		n := bytes.IndexByte(b[at:], '<')
		if n < 0 {
			return nil, len(b), false
		}
		end := at + n
		if !hasAny(b[end:], "<![CDATA[") {
			text = b[at:end]
			if joined {
				x.buf = append(x.buf, text...)
				text = x.buf
			}
			return text, end, hasAny(b[end:], "</")
		}
		stop := bytes.Index(b[end:], []byte("]]>"))
		if stop < 0 {
			return nil, len(b), false
		}
		if !joined {
			x.buf, joined = x.buf[:0], true
		}
		x.buf = append(x.buf, b[at:end]...)
		for _, c := range b[end+9 : end+stop] {
			if c == '&' {
				x.buf = append(x.buf, "&amp;"...)
			} else {
				x.buf = append(x.buf, c)
			}
		}
		at = end + stop + 3
	}
}

// xmlText appends text with its entities replaced; one that XML does not have
// stays as it is.
func xmlText(to, b []byte) []byte {
	for len(b) > 0 {
		n := bytes.IndexByte(b, '&')
		if n < 0 {
			return append(to, b...)
		}
		to, b = append(to, b[:n]...), b[n:]
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		if end < 0 {
			to, b = append(to, '&'), b[1:]
			continue
		}
		switch name := b[1:end]; string(name) {
		case "amp":
			to = append(to, '&')
		case "lt":
			to = append(to, '<')
		case "gt":
			to = append(to, '>')
		case "quot":
			to = append(to, '"')
		case "apos":
			to = append(to, '\'')
		default:
			if r, ok := xmlRune(name); ok {
				to = utf8.AppendRune(to, r)
			} else {
				to = append(to, b[:end+1]...)
			}
		}
		b = b[end+1:]
	}
	return to
}

// xmlRune reads #10 or #xA.
func xmlRune(b []byte) (rune, bool) {
	if len(b) < 2 || b[0] != '#' {
		return 0, false
	}
	var v rune
	base, from := rune(10), 1
	if b[1]|0x20 == 'x' {
		base, from = 16, 2
	}
	for _, c := range b[from:] {
		d := rune(hexDigit(c))
		if d >= base {
			return 0, false
		}
		if v = v*base + d; v > 0x10ffff {
			return 0, false
		}
	}
	return v, len(b) > from
}

func localName(b []byte) []byte { return b[bytes.IndexByte(b, ':')+1:] }

// finish sets the log of events that are not of Windows.
func (x *xmlEvent) finish(row *event.Row) {
	row.Log = event.Log{}
	if !bytes.HasPrefix(row.Get(event.Channel), []byte("Linux-Sysmon")) {
		return
	}
	row.Log = event.Log{Product: "linux", Service: "sysmon"}
	switch string(row.Get(event.EventID)) {
	case "1":
		row.Log.Category = "process_creation"
	case "3":
		row.Log.Category = "network_connection"
	case "5":
		row.Log.Category = "process_termination"
	case "9":
		row.Log.Category = "raw_access_thread"
	case "11":
		row.Log.Category = "file_event"
	case "4", "16":
		row.Log.Category = "sysmon_status"
	case "23", "26":
		row.Log.Category = "file_delete"
	case "255":
		row.Log.Category = "sysmon_error"
	}
}
