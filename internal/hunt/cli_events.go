package hunt

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
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
// {"source","record","time","channel","provider","event_id","fields":{}}. A field
// that is there several times is a list.
type rowWriter struct {
	w     io.Writer
	names *event.Names
	b     []byte
}

func (w *rowWriter) write(row *event.Row) error {
	b := append(w.b[:0], `{"source":`...)
	b = appendText(b, row.Source)
	b = append(b, `,"record":`...)
	b = strconv.AppendUint(b, row.Record, 10)
	b = append(b, `,"time":`...)
	b = appendText(b, stamp(row.Time))
	for _, head := range [...]struct {
		key  string
		name event.Name
	}{{`,"channel":`, event.Channel}, {`,"provider":`, event.Provider}} {
		b = append(b, head.key...)
		b = appendText(b, string(row.Get(head.name)))
	}
	b = append(b, `,"event_id":`...)
	if id, err := strconv.ParseUint(string(row.Get(event.EventID)), 10, 32); err == nil {
		b = strconv.AppendUint(b, id, 10)
	} else {
		b = append(b, "null"...)
	}
	if row.Carved {
		b = append(b, `,"carved":true`...)
	}
	b = append(b, `,"fields":{`...)
	b = w.fields(b, row)
	b = append(b, "}}\n"...)
	w.b = b
	_, err := w.w.Write(b)
	return err
}

func (w *rowWriter) fields(b []byte, row *event.Row) []byte {
	done := make(map[event.Name]bool, len(row.Fields))
	for i, f := range row.Fields {
		if done[f.Name] {
			continue
		}
		done[f.Name] = true
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, w.names.Text(f.Name)), ':')
		at, n := len(b), 0
		for j := i; j < len(row.Fields); j++ {
			if row.Fields[j].Name == f.Name {
				if n++; n > 1 {
					b = append(b, ',')
				}
				b = appendValue(b, row.Fields[j].Kind, row.Value(j))
			}
		}
		if n > 1 {
			b = append(append(b[:at], '['), append([]byte(nil), b[at:]...)...)
			b = append(b, ']')
		}
	}
	return b
}

// appendValue writes a value as what it was, where JSON has a form for it.
func appendValue(b []byte, k event.Kind, v []byte) []byte {
	switch k {
	case event.Null:
		return append(b, "null"...)
	case event.Bool:
		if s := strings.ToLower(string(v)); s == "true" || s == "false" {
			return append(b, s...)
		}
	case event.Number:
		if n, err := strconv.ParseFloat(string(v), 64); err == nil && !math.IsInf(n, 0) && json.Valid(v) {
			return append(b, v...)
		}
	}
	return appendText(b, string(v))
}

// appendText writes a text as JSON, with U+FFFD for what is no letter.
func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	q, err := json.Marshal(s)
	if err != nil {
		panic("BUG: a text that is UTF-8 has no JSON: " + err.Error())
	}
	return append(b, q...)
}
