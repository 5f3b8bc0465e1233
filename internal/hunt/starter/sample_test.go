package starter

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/engine/sigma/correlate"
	"noroshi/internal/engine/sigma/match"
)

// sample is one event, or the events of a sequence.
type sample struct {
	Log               event.Log
	Channel, Provider string
	EventID           int `json:"event_id"`
	Time              time.Time
	Fields            map[string]any
	Sequence          []sample
}

type samples struct{ Positive, Negative []sample }

func readSamples(t *testing.T, rule string) (s samples) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("rules", filepath.FromSlash(strings.TrimSuffix(rule, ".yml")+".samples.json")))
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	if len(s.Positive) == 0 || len(s.Negative) == 0 {
		t.Errorf("%s: %d positive and %d negative samples", rule, len(s.Positive), len(s.Negative))
	}
	return s
}

func (s *sample) events() []sample {
	if s.Sequence != nil {
		return s.Sequence
	}
	return []sample{*s}
}

// fill makes the sample a row.
func (s *sample) fill(row *event.Row, names *event.Names) {
	row.Reset()
	row.Log, row.Time = s.Log, s.Time.UnixNano()
	if s.Channel != "" {
		row.AddString(event.Channel, event.Text, s.Channel)
		row.AddString(event.Provider, event.Text, s.Provider)
		row.AddString(event.EventID, event.Number, strconv.Itoa(s.EventID))
	}
	for _, field := range slices.Sorted(maps.Keys(s.Fields)) {
		values, many := s.Fields[field].([]any)
		if !many {
			values = []any{s.Fields[field]}
		}
		for _, v := range values {
			row.AddString(names.ID(field), event.Text, fmt.Sprint(v))
		}
	}
}

// hunter runs the rules over rows as a hunt does.
type hunter struct {
	t       *testing.T
	names   *event.Names
	rules   []*sigma.Rule
	matcher *match.Matcher
	feeds   *correlate.Set
	row     event.Row
	found   []int

	engine *correlate.Engine
	tell   func(*sigma.Rule)
}

func newHunter(t *testing.T, c *sigma.Collection) *hunter {
	names := event.NewNames()
	set, err := match.New(c.Rules, names, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &hunter{t: t, names: names, rules: c.Rules, matcher: set.NewMatcher(), feeds: correlate.Compile(c.Correlations)}
}

// begin starts a hunt that tells of every rule that fires.
func (h *hunter) begin(tell func(*sigma.Rule)) {
	h.tell = func(r *sigma.Rule) {
		if !r.Hidden {
			tell(r)
		}
	}
	h.engine = correlate.New(h.feeds, correlate.Limits{}, false, func(f *correlate.Finding) error {
		h.tell(f.Rule)
		return nil
	})
}

// see takes the next row.
func (h *hunter) see(row *event.Row) {
	h.found = h.matcher.Match(row, h.found[:0])
	for _, hit := range h.found {
		r := h.rules[hit]
		h.tell(r)
		need, ok := h.feeds.Needs(r)
		if !ok {
			continue
		}
		one := correlate.Hit{Rule: r, Time: row.Time}
		for _, field := range need {
			text := row.Get(h.names.ID(field))
			one.Values = append(one.Values, correlate.Value{Text: string(text), Present: text != nil})
		}
		if err := h.engine.Add(&one); err != nil {
			h.t.Fatal(err)
		}
	}
}

// end tells what correlations still hold.
func (h *hunter) end() {
	if err := h.engine.Flush(); err != nil {
		h.t.Fatal(err)
	}
}

// titles returns the titles of what fires on the events.
func (h *hunter) titles(events []sample) (fired []string) {
	h.begin(func(r *sigma.Rule) { fired = append(fired, r.Title) })
	for i := range events {
		events[i].fill(&h.row, h.names)
		h.see(&h.row)
	}
	h.end()
	return fired
}

// TestSamples: a rule fires on its positive samples, and no rule at all fires
// on a negative one. The slow evaluation of package sigma says the same.
func TestSamples(t *testing.T) {
	c := load(t)
	h := newHunter(t, c)
	for _, r := range shown(c) {
		s := readSamples(t, r.File)
		for i, p := range s.Positive {
			if fired := h.titles(p.events()); !slices.Contains(fired, r.Title) {
				t.Errorf("%s: positive sample %d: fired %q", r.File, i+1, fired)
			}
			if r.Expr != nil {
				p.fill(&h.row, h.names)
				if !sigma.Eval(r.Expr, sigma.Values(&h.row, h.names)) {
					t.Errorf("%s: positive sample %d: evaluates to false", r.File, i+1)
				}
			}
		}
		for i, n := range s.Negative {
			if fired := h.titles(n.events()); len(fired) > 0 {
				t.Errorf("%s: negative sample %d: fired %q", r.File, i+1, fired)
			}
		}
	}
}

// TestHonest: the daily work of administrators, programs and staff.
func TestHonest(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "honest.txt"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHunter(t, load(t))
	lines := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		part := strings.SplitN(strings.TrimSpace(line), " | ", 3)
		at := strings.LastIndex(part[len(part)-1], " | ")
		if len(part) != 3 || at < 0 {
			t.Errorf("no four parts: %s", line)
			continue
		}
		lines++
		e := sample{Channel: "Microsoft-Windows-Sysmon/Operational", Provider: "Microsoft-Windows-Sysmon", EventID: 1,
			Fields: map[string]any{"Image": part[1], "CommandLine": part[2][:at], "ParentImage": part[2][at+3:], "User": "EXAMPLE\\u1024", "Computer": "PC-014.example.jp"}}
		if part[0] == "linux" {
			e = sample{Log: event.Log{Product: "linux", Category: "process_creation"}, Fields: e.Fields}
			e.Fields["User"] = "root"
		}
		if fired := h.titles([]sample{e}); len(fired) > 0 {
			t.Errorf("%s: fired %q", part[2][:at], fired)
		}
	}
	if lines < 180 {
		t.Errorf("%d lines", lines)
	}
}
