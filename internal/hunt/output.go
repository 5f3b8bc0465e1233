package hunt

import (
	"encoding/json"
	"io"
	"time"

	"noroshi/internal/base/text"
)

// sink shows what a run finds in one form.
type sink interface {
	take(*Detection) error
	close(*Report) error // the run is over; writes what could not be written before
}

// Formats are the forms in which a run can be shown.
var Formats = []string{"table", "jsonl", "csv", "timesketch", "navigator", "html", "ocsf", "cef"}

// newSink returns the sink of a format, nil if there is none of that name. Rules
// and the time at are for a report.
func newSink(format string, w io.Writer, p text.Printer, rules *RuleSet, at time.Time) sink {
	switch format {
	case "jsonl":
		return &jsonSink{Encoder: json.NewEncoder(w)}
	case "table":
		return &tableSink{w: w, p: p}
	case "csv":
		return newCSV(w, p)
	case "timesketch":
		return newTimesketch(w, p)
	case "navigator":
		return &navigatorSink{w: w, p: p}
	case "html":
		return &htmlSink{w: w, p: p, rules: rules, at: at}
	case "ocsf":
		return &ocsfSink{json.NewEncoder(w), p}
	case "cef":
		return &cefSink{w, p}
	}
	return nil
}

// jsonSink writes a line for each detection, as soon as it is there.
type jsonSink struct {
	*json.Encoder
	events bool // with the fields of the event
}

func (s *jsonSink) close(*Report) error { return nil }

func (s *jsonSink) take(d *Detection) error {
	s.SetEscapeHTML(false)
	l := lineOf(d)
	if s.events {
		l.Event = eventOf(d)
	}
	return s.Encode(l)
}

// Line is a detection as one line of JSON.
type Line struct {
	Time   string   `json:"time"` // RFC 3339, UTC; empty if the event has none
	Kind   string   `json:"kind"` // rule or correlation
	Rule   LineRule `json:"rule"`
	Source string   `json:"source"`
	Record uint64   `json:"record"`
	Host   string   `json:"host"`
	User   string   `json:"user"`
	Attack []string `json:"attack"`
	Why    []Why    `json:"why"`

	Event map[string]string `json:"event,omitempty"` // the fields of the event, where asked for

	// Of correlations.
	Last  string    `json:"last,omitempty"`
	Count float64   `json:"count,omitempty"`
	Hits  []LineHit `json:"hits,omitempty"`
}

// LineRule is the rule of a [Line].
type LineRule struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Level string   `json:"level"`
	Tags  []string `json:"tags"`
}

// LineHit is one of the hits that a correlation put together.
type LineHit struct {
	Source string `json:"source"`
	Record uint64 `json:"record"`
}

func lineOf(d *Detection) *Line {
	r := d.Rule
	l := &Line{Time: stamp(d.Time), Kind: "rule", Rule: LineRule{r.ID, r.Title, r.Level.String(), append([]string{}, r.Tags...)}, Source: d.Source, Record: d.Record,
		Host: d.Host, User: d.User, Attack: append([]string{}, Techniques(r)...), Why: append([]Why{}, d.Why...)}
	if d.Correlated() {
		l.Kind, l.Last, l.Count = "correlation", stamp(d.Last), d.Count
		for _, h := range d.Hits {
			l.Hits = append(l.Hits, LineHit{h.Source, h.Record})
		}
	}
	return l
}

// eventOf are the fields of an event; those of one name are told in one text, a
// line each.
func eventOf(d *Detection) map[string]string {
	fields := make(map[string]string, len(d.Event))
	for _, f := range d.Event {
		if have, several := fields[f.Name]; several {
			f.Value = have + "\n" + f.Value
		}
		fields[f.Name] = f.Value
	}
	return fields
}

// stamp writes a time as logs are compared by: UTC, empty for none.
func stamp(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}
