package hunt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
)

// eventsCommand is "noroshi hunt events PATH...": the events as rules see them.
func eventsCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	var read readFlags
	var form, out string
	c := &cobra.Command{
		Use: "events PATH...", Short: p.T("hunt.events.short"), Long: p.T("hunt.events.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			if form != "jsonl" {
				return fault.New(fault.Usage, "hunt.format", "value", form, "formats", "jsonl")
			}
			r, err := read.reading()
			if err != nil {
				return err
			}
			size, err := sizeOf(paths)
			if err != nil {
				return err
			}
			var report *Report
			err = output(env, out, func(w io.Writer) error {
				report, err = eachEvent(c.Context(), paths, env.In, r, env.Progress(size, p.T("hunt.events.progress")), &rowWriter{w: w})
				return err
			})
			if err != nil {
				return err
			}
			sayRead(env, report)
			return report.judged()
		},
	}
	read.flags(p, c)
	c.Flags().StringVar(&form, "format", "jsonl", p.T("hunt.flag.events_format"))
	c.Flags().StringVar(&out, "out", "", p.T("hunt.flag.out"))
	return c
}

// eachEvent reads everything, in order, and writes each event.
func eachEvent(ctx context.Context, paths []string, stdin io.Reader, read Reading, progress func(int64), to *rowWriter) (*Report, error) {
	rep := &Report{}
	in := &inputs{stdin: stdin, passed: rep.pass}
	to.names = event.NewNames()
	in.visit = func(f *input) error {
		src, err := rep.open(f, read)
		if err != nil {
			return nil // it is empty, or among those passed over
		}
		d := format.NewDecoder(src.Kind, format.Options{Names: to.names, Zone: read.Zone, Last: f.mod, Mapping: read.Mapping})
		split := format.NewSplitter(f.r, src.Kind, 0)
		row := event.Row{Source: f.name}
		var b format.Block
		for {
			err := split.Next(&b)
			if err != nil {
				b.Data = b.Data[:0]
				src.damaged(b.Damage)
				if !errors.Is(err, io.EOF) {
					src.Ended = unreadable(f.name, err)
				}
				return ctx.Err()
			}
			damage, err := d.Rows(&b, &row, func(row *event.Row) error {
				src.Events++
				return to.write(row)
			})
			src.damaged(damage)
			if err != nil {
				return err
			}
			progress(in.Done())
		}
	}
	err := in.walk(ctx, paths)
	for _, s := range rep.Sources {
		rep.Events += s.Events
	}
	rep.Bytes = in.Done()
	return rep, err
}

// rowWriter writes events as lines of JSON:
// {"source","record","time","channel","provider","event_id","log":{},"fields":{}}.
// A field that is there several times is a list. Scans read them again.
type rowWriter struct {
	w      io.Writer
	names  *event.Names
	b      []byte
	quoted [][]byte // names as JSON with a colon, by number
	left   []int    // by number: fields of the event that are still to be written
}

func (w *rowWriter) write(row *event.Row) error {
	b := append(w.b[:0], `{"source":`...)
	b = appendText(b, row.Source)
	b = append(b, `,"record":`...)
	b = strconv.AppendUint(b, row.Record, 10)
	b = append(b, `,"time":"`...)
	if row.Time != 0 {
		b = time.Unix(0, row.Time).UTC().AppendFormat(b, time.RFC3339Nano)
	}
	b = append(b, `","channel":`...)
	b = appendText(b, row.Get(event.Channel))
	b = append(b, `,"provider":`...)
	b = appendText(b, row.Get(event.Provider))
	b = append(b, `,"event_id":`...)
	if id := row.Get(event.EventID); len(id) < 10 && isNumber(id) {
		b = append(b, id...)
	} else {
		b = append(b, "null"...)
	}
	if row.Carved {
		b = append(b, `,"carved":true`...)
	}
	b = appendLog(b, &row.Log)
	b = append(b, `,"fields":{`...)
	b = w.fields(b, row)
	b = append(b, "}}\n"...)
	w.b = b
	_, err := w.w.Write(b)
	return err
}

// appendLog appends what log it is, by which rules are chosen, as far as that is
// known.
func appendLog(b []byte, l *event.Log) []byte {
	if *l == (event.Log{}) {
		return b
	}
	begin := `,"log":{`
	for _, part := range [...]struct{ name, value string }{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if part.value != "" {
			b = append(append(append(append(b, begin...), '"'), part.name...), `":`...)
			b, begin = appendText(b, part.value), ","
		}
	}
	return append(b, '}')
}

// isNumber reports whether a text is a whole number as JSON writes it.
func isNumber(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0 && (b[0] != '0' || len(b) == 1)
}

func (w *rowWriter) fields(b []byte, row *event.Row) []byte {
	for _, f := range row.Fields {
		w.know(f.Name)
		w.left[f.Name]++
	}
	first := true
	for i, f := range row.Fields {
		n := w.left[f.Name]
		if n == 0 {
			continue // it stands in a list
		}
		w.left[f.Name] = 0
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, w.quoted[f.Name]...)
		if n == 1 {
			b = appendValue(b, f.Kind, row.Value(i))
			continue
		}
		b = append(b, '[')
		for j := i; n > 0; j++ {
			if row.Fields[j].Name != f.Name {
				continue
			}
			b = appendValue(b, row.Fields[j].Kind, row.Value(j))
			if n--; n > 0 {
				b = append(b, ',')
			}
		}
		b = append(b, ']')
	}
	return b
}

// know makes room for a name.
func (w *rowWriter) know(id event.Name) {
	if int(id) >= len(w.left) {
		w.left = append(w.left, make([]int, int(id)+1-len(w.left))...)
		w.quoted = append(w.quoted, make([][]byte, int(id)+1-len(w.quoted))...)
	}
	if w.quoted[id] == nil {
		w.quoted[id] = append(appendText(nil, w.names.Text(id)), ':')
	}
}

// appendValue writes a value as what it was, where JSON has a form for it.
func appendValue(b []byte, k event.Kind, v []byte) []byte {
	switch k {
	case event.Null:
		return append(b, "null"...)
	case event.Bool:
		switch {
		case bytes.EqualFold(v, []byte("true")):
			return append(b, "true"...)
		case bytes.EqualFold(v, []byte("false")):
			return append(b, "false"...)
		}
	case event.Number:
		if isNumber(v) || json.Valid(v) && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') {
			return append(b, v...)
		}
	}
	return appendText(b, v)
}

// appendText writes a text as JSON, with U+FFFD for what is no letter. What a
// page could take for markup is escaped, as encoding/json does.
func appendText[T string | []byte](b []byte, s T) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	from := 0 // what is behind it and as it should be is appended in one piece
	for i := 0; i < len(s); {
		c := s[i]
		if plainText[c] {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		n := 1
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c < utf8.RuneSelf:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			var r rune
			r, n = utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(b, "\uFFFD"...)
			case r == '\u2028' || r == '\u2029':
				b = append(b, `\u202`...)
				b = append(b, digits[r&15])
			default:
				b = append(b, s[i:i+n]...)
			}
		}
		i += n
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// plainText tells the bytes that stand in JSON as they are.
var plainText = func() (is [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return is
}()
