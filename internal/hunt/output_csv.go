package hunt

import (
	"bytes"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// csvSink writes a timeline: a row for each detection in the order of the times,
// those without a time first.
type csvSink struct {
	timeline
	w    io.Writer
	p    text.Printer
	row  func(text.Printer, *Detection) []string // nil: none
	head []string
	line bytes.Buffer
	csv  *csv.Writer
}

func newCSV(w io.Writer, p text.Printer) *csvSink {
	return &csvSink{w: w, p: p, row: csvRow,
		head: []string{"time", "level", "title", "host", "user", "attack", "why", "source", "record", "rule_id", "kind", "last", "count"}}
}

// newTimesketch writes what Timesketch imports: message, datetime and
// timestamp_desc are the columns it asks for. What has no time is left out.
func newTimesketch(w io.Writer, p text.Printer) *csvSink {
	return &csvSink{w: w, p: p, row: timesketchRow,
		head: []string{"message", "datetime", "timestamp_desc", "timestamp", "level", "hostname", "username", "attack", "source_name", "record", "rule_id", "tag"}}
}

func (s *csvSink) take(d *Detection) error {
	row := s.row(s.p, d)
	if row == nil {
		return nil
	}
	s.line.Reset()
	if s.csv == nil {
		s.csv = csv.NewWriter(&s.line)
	}
	if err := s.csv.Write(row); err != nil {
		return err
	}
	s.csv.Flush()
	return s.add(d.Time, s.line.Bytes())
}

func (s *csvSink) close(*Report) error {
	w := csv.NewWriter(s.w)
	if err := w.Write(s.head); err != nil {
		return err
	}
	w.Flush()
	return s.each(func(_ int64, line []byte) error {
		_, err := s.w.Write(line)
		return err
	})
}

func csvRow(p text.Printer, d *Detection) []string {
	kind, last, count := "rule", "", ""
	if d.Correlated() {
		kind, last, count = "correlation", stamp(d.Last), strconv.FormatFloat(d.Count, 'g', -1, 64)
	}
	return []string{stamp(d.Time), d.Rule.Level.String(), cell(ruleTitle(p, d.Rule)), cell(d.Host), cell(d.User), cell(strings.Join(Techniques(d.Rule), " ")),
		cell(strings.Join(whyTexts(p, d, maxWhys), "; ")), cell(d.Source), strconv.FormatUint(d.Record, 10), cell(d.Rule.ID), kind, last, count}
}

// maxWhys is how many tests a row tells.
const maxWhys = 16

// cell keeps a spreadsheet from taking what stood in a log for a formula, also
// one in letters of full width, and a terminal from taking orders from it.
func cell(s string) string {
	s = text.Printable(s)
	for _, sign := range [...]string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, sign) {
			return "'" + s
		}
	}
	return s
}

func timesketchRow(p text.Printer, d *Detection) []string {
	if d.Time == 0 {
		return nil
	}
	t := time.Unix(0, d.Time).UTC()
	tags := append([]string{"noroshi"}, Techniques(d.Rule)...)
	message := ruleTitle(p, d.Rule)
	if why := whyTexts(p, d, maxWhys); len(why) > 0 {
		message += ": " + strings.Join(why, "; ")
	}
	return []string{message, t.Format("2006-01-02T15:04:05.000000-07:00"), "Sigma detection", strconv.FormatInt(t.UnixMicro(), 10), d.Rule.Level.String(), text.Printable(d.Host), text.Printable(d.User),
		text.Printable(strings.Join(Techniques(d.Rule), " ")), text.Printable(d.Source), strconv.FormatUint(d.Record, 10), text.Printable(d.Rule.ID), text.Printable(strings.Join(tags, ","))}
}

// severity is a level as OCSF and CEF count it.
func severity(l sigma.Level) (ocsf, cef int) {
	switch l {
	case sigma.Informational:
		return 1, 2
	case sigma.Low:
		return 2, 3
	case sigma.Medium:
		return 3, 5
	case sigma.High:
		return 4, 8
	case sigma.Critical:
		return 5, 10
	}
	return 0, 0
}
