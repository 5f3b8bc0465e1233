package starter

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
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

// lines calls do with every line of a file of processes: what stands before
// (of which there are so many parts), and the event.
func lines(t *testing.T, name string, before int, do func(before []string, e sample)) (n int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		part := strings.SplitN(strings.TrimSpace(line), " | ", before+3)
		last := part[len(part)-1]
		at := strings.LastIndex(last, " | ")
		if len(part) != before+3 || at < 0 {
			t.Fatalf("too few parts: %s", line)
		}
		e := sample{Fields: map[string]any{"Image": part[before+1], "CommandLine": last[:at], "ParentImage": last[at+3:], "Computer": "PC-014.example.jp"}}
		switch part[before] {
		case "windows":
			e.Channel, e.Provider, e.EventID = "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1
			e.Fields["User"] = `EXAMPLE\u1024`
		case "linux":
			e.Log = event.Log{Product: "linux", Category: "process_creation"}
			e.Fields["User"] = "root"
		default:
			t.Fatalf("no log: %s", line)
		}
		do(part[:before], e)
		n++
	}
	return n
}

// TestHonest: the daily work of administrators, programs and staff.
func TestHonest(t *testing.T) {
	h := newHunter(t, load(t))
	n := lines(t, "honest.txt", 0, func(_ []string, e sample) {
		if fired := h.titles([]sample{e}); len(fired) > 0 {
			t.Errorf("%s: fired %q", e.Fields["CommandLine"], fired)
		}
	})
	if n < 180 {
		t.Errorf("%d lines", n)
	}
}

// TestVariants: attacks in other words than those of the samples.
func TestVariants(t *testing.T) {
	c := load(t)
	h := newHunter(t, c)
	titles := map[string]string{}
	for _, r := range shown(c) {
		titles[strings.TrimSuffix(path.Base(r.File), ".yml")] = r.Title
	}
	lines(t, "variants.txt", 1, func(rule []string, e sample) {
		if fired := h.titles([]sample{e}); titles[rule[0]] == "" || !slices.Contains(fired, titles[rule[0]]) {
			t.Errorf("%s: %s: fired %q", rule[0], e.Fields["CommandLine"], fired)
		}
	})
}
