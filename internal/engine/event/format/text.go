package format

import (
	"bytes"
	"path"
	"strings"

	"noroshi/internal/engine/event"
)

// detectText says which format text has that is no JSON: by what its first
// line begins with, by what most of its first lines are, and then by whether it
// is a table.
func detectText(head []byte, name string) Kind {
	start := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case hasAny(start, "<Event>", "<Event ", "<Events", "<?xml") && xmlStart(start) >= 0:
		return EventXML
	case hasAny(start, "__CURSOR=", "__REALTIME_TIMESTAMP=", "_BOOT_ID=", "__SEQNUM="):
		return Journal
	case hasAny(start, "#separator ", "#fields\t"):
		return ZeekTSV
	case hasAny(start, "#Software:", "#Version:", "#Fields:", "#Date:"):
		return W3C
	}
	if k := detectLines(head); k != Text {
		return k
	}
	if isTable(head) {
		return CSV
	}
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	for _, s := range [...]string{"syslog", "messages", "secure", "auth.log", "maillog", "cron"} {
		if strings.HasPrefix(base, s) {
			return Syslog
		}
	}
	if strings.HasSuffix(base, ".csv") || strings.HasSuffix(base, ".tsv") {
		return CSV
	}
	return Text
}

// detectLines tries the readers of lines on the first of them; the one that
// reads most wins, if that is half of them.
func detectLines(head []byte) Kind {
	const enough = 32
	o := Options{Names: event.NewNames()}
	access, syslog, row := newAccessReader(o), newSyslogReader(o), &event.Row{}
	lines := 0
	var found [kinds]int
	for len(head) > 0 && lines < enough {
		line, n, whole := cutLine(head)
		if head = head[n:]; len(line) == 0 || !whole && lines > 0 {
			continue
		}
		lines++
		row.Reset()
		if _, ok := auditHead(line); ok {
			found[Auditd]++
		} else if access.line(row, line) {
			found[Access]++
		} else if syslog.knows(line) {
			found[Syslog]++
		} else if hasAny(line, `{"`, `{ "`) && valueEnd(line) == len(bytes.TrimRight(line, " \t")) {
			found[JSONLines]++ // behind a first line that is none: half a record, or what a tool said
		}
	}
	for _, k := range [...]Kind{Auditd, Access, Syslog, JSONLines} {
		if found[k] > 0 && 2*found[k] >= lines {
			return k
		}
	}
	return Text
}

// knows says whether a line has a header of syslog, or a payload that readers
// of syslog know.
func (s *syslogReader) knows(line []byte) bool {
	if _, at := counted(line); at > 0 {
		line = line[at:]
	}
	if _, _, ok := priority(line); ok || ciscoAt(line) >= 0 || hasAny(line, "CEF:", "LEEF:") || paloAlto(line) {
		return true
	}
	if line[0] == '[' && hasAny(line[min(4, len(line)-1):], " ") { // Apache's error log
		if c, n, ok := readCivil(line[1:]); ok && c.year > 0 && 1+n < len(line) && line[1+n] == ']' {
			return true
		}
	}
	if hasAny(line, "date=") && bytes.Contains(line, []byte(" devname=")) {
		return true
	}
	if _, n := bracketTime(line); n > 0 {
		return true
	}
	c, n, ok := readCivil(line)
	return ok && n > 12 && n < len(line) && line[n] == ' ' && c.day > 0
}

// isTable says whether the first lines have the same number of columns, at
// least two. One more than names is the text of Windows' event viewer.
func isTable(head []byte) bool {
	head = head[csvHead(head):]
	line, _, whole := cutLine(head)
	mark := csvMark(line)
	if mark == 0 || !whole {
		return false
	}
	columns, records := 0, 0
	for len(head) > 0 && records < 8 {
		n, good := csvRecord(head, mark, false)
		if n == 0 || !good {
			break
		}
		here := 0
		for rest, more := bytes.TrimRight(head[:n], "\r\n"), true; more; here++ {
			_, rest, more = csvValue(nil, rest, mark)
		}
		if records == 0 {
			columns = here
		} else if here != columns && here != columns+1 {
			return false
		}
		head = head[n:]
		records++
	}
	return columns > 1 && (records > 1 || records == 1 && columns > 2)
}

// newTextCutter returns what divides a kind of text into records.
func newTextCutter(k Kind) cutter {
	switch k {
	case Syslog:
		return &syslogCutter{}
	case Auditd:
		return &auditCutter{}
	case Journal:
		return &journalCutter{}
	case ZeekTSV, W3C:
		return &headCutter{}
	case CSV:
		return &csvCutter{}
	case EventXML:
		return &xmlCutter{}
	}
	return &lineCutter{}
}

// newTextReader returns what reads a kind of text, into the log that the user
// says, if any.
func newTextReader(k Kind, o Options) reader {
	r := newKindReader(k, o)
	if m := o.Mapping; m != nil && m.Log != (event.Log{}) {
		return &saidReader{r, m.Log}
	}
	return r
}

// saidReader reads logs of which the user says what they are.
type saidReader struct {
	reader
	log event.Log
}

func (s *saidReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	return s.reader.rows(b, row, func(r *event.Row) error {
		overlay(&r.Log, s.log)
		return yield(r)
	})
}

func newKindReader(k Kind, o Options) reader {
	switch k {
	case Syslog:
		return newSyslogReader(o)
	case Access:
		return newAccessReader(o)
	case W3C:
		return newW3CReader(o)
	case Auditd:
		return newAuditReader(o)
	case Journal:
		return newJournalReader(o)
	case ZeekTSV:
		return newZeekReader(o)
	case CSV:
		return newCSVReader(o)
	case EventXML:
		return newXMLReader(o)
	}
	return &textReader{v: newVocabulary(o)}
}

// textReader makes a row with one field of each line.
type textReader struct{ v *vocabulary }

func (t *textReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line, n, _ := cutLine(b.Data[at:])
		if line = bytes.TrimRight(line, "\r\x00"); len(line) > 0 {
			row.Reset()
			row.Log, row.Record, row.Offset = event.Log{}, record, b.Offset+int64(at)
			t.v.text(row, fMessage, line)
			if err := yield(row); err != nil {
				return b.Damage, err
			}
		}
		at += n
	}
	return b.Damage, nil
}
