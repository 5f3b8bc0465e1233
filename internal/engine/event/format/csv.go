package format

import (
	"bytes"
	"slices"
	"strings"

	"noroshi/internal/engine/event"
)

// csvQuoted bounds one value in quotes, in bytes. A quote that does not end
// within it is one that somebody forgot.
const csvQuoted = 4 << 20

// csvRecord returns the length of the first record of b with its line end, 0
// if b does not hold all of it (RFC 4180). Good is false if a quote does not
// end: then the record ends with its first line.
func csvRecord(b []byte, mark byte, last bool) (n int, good bool) {
	if end := bytes.IndexByte(b, '\n'); end >= 0 && bytes.IndexByte(b[:end], '"') < 0 {
		return end + 1, true // most records
	}
	for i := 0; ; {
		if i < len(b) && b[i] == '"' {
			j := i + 1
			for {
				k := bytes.IndexByte(b[j:], '"')
				if k < 0 || j+k-i > csvQuoted {
					if !last && k < 0 && len(b)-i <= csvQuoted {
						return 0, true
					}
					_, n, _ := cutLine(b)
					return n, false
				}
				j += k + 1
				if j < len(b) && b[j] == '"' {
					j++
					continue
				}
				break
			}
			i = j
		}
		for i < len(b) && b[i] != mark && b[i] != '\n' {
			i++
		}
		if i >= len(b) {
			if last {
				return len(b), true
			}
			return 0, true
		}
		i++
		if b[i-1] == '\n' {
			return i, true
		}
	}
}

// csvMark returns the mark between columns: the one that a line has most of,
// outside of quotes; 0 if it has none.
func csvMark(line []byte) byte {
	best, most := byte(0), 0
	for _, mark := range [...]byte{',', '\t', ';', '|'} {
		n, inside := 0, false
		for _, c := range line {
			switch {
			case c == '"':
				inside = !inside
			case c == mark && !inside:
				n++
			}
		}
		if n > most {
			best, most = mark, n
		}
	}
	return best
}

// csvHead returns the length of what stands before the names of columns: sep=;
// of Excel and #TYPE of PowerShell, and empty lines.
func csvHead(b []byte) (n int) {
	for {
		line, size, whole := cutLine(b[n:])
		if !whole || len(trim(line)) > 0 && !hasAny(line, "sep=", "#TYPE ") {
			return n
		}
		n += size
	}
}

// csvValue takes the first column off b, a record without its line end; more
// says that others follow. A quote inside is written twice.
func csvValue(to, b []byte, mark byte) (text, rest []byte, more bool) {
	if len(b) > 0 && b[0] == '"' {
		b = b[1:]
		for {
			n := bytes.IndexByte(b, '"')
			if n < 0 {
				return append(to, b...), nil, false
			}
			to, b = append(to, b[:n]...), b[n+1:]
			if len(b) == 0 || b[0] != '"' {
				break
			}
			to, b = append(to, '"'), b[1:]
		}
	}
	n := bytes.IndexByte(b, mark)
	if n < 0 {
		return append(to, b...), nil, false
	}
	return append(to, b[:n]...), b[n+1:], true
}

// csvCutter divides records at line ends outside of quotes. The first record,
// the names of columns, is the head of every block.
type csvCutter struct {
	head []byte
	mark byte
}

func (c *csvCutter) cut(have []byte, last bool) (out cut) {
	if c.head == nil {
		n := csvHead(have)
		line, _, whole := cutLine(have[n:])
		if !whole && !last {
			return out
		}
		c.mark = csvMark(line)
		size, _ := csvRecord(have[n:], c.mark, last)
		if size == 0 {
			return out
		}
		out.Skip = n + size
		c.head = bytes.Clone(have[n:out.Skip])
	}
	out.Head = c.head
	for rest := have[out.Skip:]; len(rest) > out.Take; {
		n, _ := csvRecord(rest[out.Take:], c.mark, last)
		if n == 0 {
			break
		}
		out.Take += n
		out.Records++
	}
	return out
}

func (c *csvCutter) skip(have []byte) (int, bool) { return (&lineCutter{}).skip(have) }

// csvReader reads tables with a row of column names. What the columns are
// called, and what kind of log that is, the dialects say.
type csvReader struct {
	options Options
	shape   *shaper
	inner   *jsonReader // of a column that holds a whole event as JSON
	read    []byte      // the head that is read
	mark    byte
	cols    []*node
	marks   marks
	export  csvExport
	times   [2]int // the columns of the time, or of date and time of day
	noName  *node  // values without a column
	fields  []event.Field
	joined  []byte
	block   Block
	damage  []Damage
}

func newCSVReader(o Options) *csvReader {
	return &csvReader{options: o, inner: newJSONReader(o, false)}
}

// csvNames are columns of Windows' own event viewer, English and Japanese; the
// text of the event stands in a column without a name.
var csvNames = map[string]string{
	"Level": "Level", "Date and Time": "TimeCreated", "Source": "Provider_Name", "Event ID": "EventID", "Task Category": "TaskCategory",
	"Keywords": "Keywords", "User": "User", "Computer": "Computer", "Log": "Channel",
	"レベル": "Level", "日付と時刻": "TimeCreated", "ソース": "Provider_Name", "イベント ID": "EventID", "タスクのカテゴリ": "TaskCategory",
	"キーワード": "Keywords", "ユーザー": "User", "コンピューター": "Computer", "ログ": "Channel", "ログの名前": "Channel",
}

// csvTimes are names of columns that hold the time, the best first. They are
// asked for only where no dialect says better.
var csvTimes = []string{
	"timecreated", "utctime", "timestamp", "@timestamp", "_time", "datetime", "eventtime", "event time", "timegenerated", "creationdate",
	"date and time", "time", "date", "generate time", "receive time", "start time", "starttime", "createdatetime", "created", "ts",
	"日時", "時刻", "発生日時", "日付", "createtime", "create time", "modified",
}

func (c *csvReader) head(b []byte) {
	c.read = append(c.read[:0], b...)
	c.shape = newShaper(c.options)
	c.cols, c.marks, c.times = c.cols[:0], marks{}, [2]int{-1, -1}
	var names []string
	line, _, _ := cutLine(b)
	c.mark = csvMark(line)
	b = bytes.TrimRight(b, "\r\n")
	viewer := bytes.Contains(b, []byte("Event ID")) && bytes.Contains(b, []byte("Task Category")) || bytes.Contains(b, []byte("イベント ID"))
	best, date, clock := len(csvTimes), -1, -1
	for more := true; more && len(c.cols) < maxColumns; {
		var name []byte
		name, b, more = csvValue(nil, b, c.mark)
		text := string(bytes.ToValidUTF8(trim(name), []byte("\uFFFD")))
		if viewer && csvNames[text] != "" {
			text = csvNames[text]
		}
		lower := strings.ToLower(text)
		if i := slices.Index(csvTimes, lower); i >= 0 && i < best {
			best, c.times[0] = i, len(c.cols)
		}
		switch lower {
		case "date":
			date = len(c.cols)
		case "time":
			clock = len(c.cols)
		}
		names = append(names, text)
		n := c.shape.add(c.shape.root, text)
		if n.mark != 0 {
			c.marks.set(n.mark)
		}
		c.cols = append(c.cols, n)
	}
	if clock >= 0 && c.times[0] == clock && date >= 0 { // a time of day belongs to a date
		c.times = [2]int{date, clock}
	}
	c.export.see(names)
	c.noName = c.shape.add(c.shape.root, "Message")
	if !viewer {
		c.noName = nil
	}
}

func (c *csvReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	c.damage = append(c.damage[:0], b.Damage...)
	if c.shape == nil || !bytes.Equal(c.read, b.Head) {
		c.head(b.Head)
	}
	for at, record := 0, b.First; at < len(b.Data); record++ {
		n, good := csvRecord(b.Data[at:], c.mark, true)
		line := bytes.TrimRight(b.Data[at:at+n], "\r\n")
		if len(line) > 0 {
			row.Reset()
			row.Log, row.Record, row.Offset = event.Log{}, record, b.Offset+int64(at)
			if !c.record(row, line) || !good {
				c.damage = append(c.damage, Damage{Offset: row.Offset, Record: record, Reason: Broken})
			}
			if err := c.give(row, b, yield); err != nil {
				return c.damage, err
			}
		}
		at += n
	}
	return c.damage, nil
}

// record reads one record; it is false if it has not as many values as there
// are columns. Values that are empty are left out: a table cannot say that
// something is not there.
func (c *csvReader) record(row *event.Row, b []byte) bool {
	text := row.Open()
	c.fields = c.fields[:0]
	clear(c.export.spans)
	i, more := 0, true
	for ; more && i < len(c.cols); i++ {
		from := len(text)
		text, b, more = csvValue(text, b, c.mark)
		if len(text) == from || len(text) > event.MaxText {
			continue
		}
		c.export.spans[i] = [2]int{from, len(text)}
		c.fields = append(c.fields, event.Field{Name: event.Name(c.cols[i].id), Off: uint32(from), Len: uint32(len(text) - from), Kind: kindOf(text[from:])})
	}
	good := !more && i == len(c.cols)
	if more && c.noName != nil {
		from := len(text)
		text, _, more = csvValue(text, b, c.mark)
		c.fields = append(c.fields, event.Field{Name: event.Name(c.noName.id), Off: uint32(from), Len: uint32(len(text) - from)})
		good = !more
	}
	for _, at := range c.export.lists {
		c.list(text, at)
	}
	c.export.whole(text)
	c.shape.finish(row, c.fields, text, c.marks)
	if row.Time == 0 && c.times[0] >= 0 {
		span := c.export.spans[c.times[0]]
		c.joined = append(c.joined[:0], text[span[0]:span[1]]...)
		if c.times[1] >= 0 {
			span = c.export.spans[c.times[1]]
			c.joined = append(append(c.joined, ' '), text[span[0]:span[1]]...)
		}
		row.Time, _ = parseTime(c.joined, c.options.Zone)
	}
	return good
}

// give yields the row, or the event that one of its columns holds.
func (c *csvReader) give(row *event.Row, b *Block, yield func(*event.Row) error) error {
	if len(c.export.value) == 0 {
		return yield(row)
	}
	c.block = Block{Seq: b.Seq, Offset: row.Offset, First: row.Record, Data: c.export.value}
	damage, err := c.inner.rows(&c.block, row, yield)
	for _, d := range damage {
		d.Offset, d.Length = c.block.Offset, 0
		c.damage = append(c.damage, d)
	}
	return err
}
