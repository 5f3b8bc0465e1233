package hunt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/engine/sigma"
)

// LineInput is a line of "hunt scan --format jsonl", with or without the event.
type LineInput struct {
	Line
	Event map[string]string `json:"event,omitempty" doc:"Fields of the event; 16 KB of them are kept"`
}

// incoming reads the times of a line.
func (l *LineInput) incoming() (Incoming, bool) {
	d := Incoming{Kind: l.Kind, Rule: l.Rule, Source: l.Source, Record: l.Record, Host: l.Host, User: l.User, Attack: l.Attack, Why: l.Why, Event: l.Event, Count: l.Count}
	for s, to := range map[*string]*time.Time{&l.Time: &d.Time, &l.Last: &d.Last} {
		if *s == "" {
			continue
		}
		var err error
		if *to, err = time.Parse(time.RFC3339, *s); err != nil {
			return d, false
		}
	}
	return d, true
}

// incomings reads lines. Faults: ErrInvalid with the line's number.
func incomings(lines []LineInput) ([]Incoming, error) {
	var bad problems
	out := make([]Incoming, len(lines))
	for i := range lines {
		var ok bool
		if out[i], ok = lines[i].incoming(); !ok && len(bad) < 50 {
			bad.add(fmt.Sprintf("detections.%d.time", i), "hunt.bad.time")
		}
	}
	return out, bad.fault()
}

// Incoming is a detection as it comes in.
type Incoming struct {
	Time   time.Time // zero: the event has none
	Kind   string    // rule or correlation
	Rule   LineRule
	Source string
	Record uint64
	Host   string
	User   string
	Attack []string
	Why    []Why
	Event  map[string]string
	Last   time.Time // of a correlation
	Count  float64   // of a correlation
}

// Ref returns what names a rule: its id, else its title.
func (r LineRule) Ref() string {
	if r.ID != "" {
		return r.ID
	}
	return r.Title
}

// normal checks a detection and cuts what is longer than is kept. Names are cut
// at the same place each time, so that what is alike stays alike.
func (d *Incoming) normal(now time.Time) (level sigma.Level, cut bool, code string) {
	level, ok := sigma.ParseLevel(d.Rule.Level)
	switch {
	case !ok && d.Rule.Level != "":
		return 0, false, "hunt.bad.level"
	case d.Kind != "rule" && d.Kind != "correlation":
		return 0, false, "hunt.bad.kind"
	case d.Rule.Ref() == "":
		return 0, false, "hunt.bad.rule"
	}
	d.Time, d.Last = moment(d.Time), moment(d.Last)
	for _, at := range []time.Time{d.Time, d.Last} {
		if !at.IsZero() && (at.Year() < 1970 || at.Year() > 3000) {
			return 0, false, "hunt.bad.time"
		}
	}
	for _, s := range []*string{&d.Rule.ID, &d.Rule.Title, &d.Source, &d.Host, &d.User} {
		*s = short(*s, maxName, &cut)
	}
	d.techniques()
	if len(d.Why) > maxWhy {
		d.Why, cut = d.Why[:maxWhy], true
	}
	room := maxEvent
	for i := range d.Why {
		w := &d.Why[i]
		for _, s := range []*string{&w.Field, &w.Op, &w.Want, &w.Value} {
			*s = short(*s, min(maxWhyText, room), &cut)
			room -= len(*s)
		}
	}
	d.Event = fields(d.Event, &cut)
	return level, cut, ""
}

// techniques keeps what has the form of an ATT&CK technique, once.
func (d *Incoming) techniques() {
	var out []string
	seen := map[string]bool{}
	for _, t := range d.Attack {
		if isTechnique(t) && !seen[t] && len(out) < maxTechniques {
			seen[t], out = true, append(out, t)
		}
	}
	d.Attack = out
}

// tactics are those of ATT&CK that the rule's tags name.
func (d *Incoming) tactics() []string {
	list := knownTactics(Tactics(&sigma.Rule{Tags: d.Rule.Tags}))
	return list[:min(len(list), maxTechniques)]
}

func isTechnique(t string) bool {
	main, sub, _ := strings.Cut(t, ".")
	return len(main) == 5 && main[0] == 'T' && strings.Trim(main[1:], "0123456789") == "" && (sub == "" && !strings.HasSuffix(t, ".") || len(sub) == 3 && strings.Trim(sub, "0123456789") == "")
}

// fields keeps of an event what fits into 16 KB, in the order of the names.
func fields(event map[string]string, cut *bool) map[string]string {
	room := maxEvent
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(event)) {
		key, value := short(name, maxName, cut), short(event[name], maxEvent, cut)
		if room -= len(key) + len(value); room < 0 {
			*cut = true
			break
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out
}

// short cuts a text to so many bytes, between letters.
func short(s string, most int, cut *bool) string {
	if s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"); len(s) <= most {
		return s
	}
	*cut = true
	for most = max(most, 0); most > 0 && !utf8.RuneStart(s[most]); {
		most--
	}
	return s[:most]
}

func (d *Incoming) example(cut bool) Example {
	return Example{Time: d.Time, Source: d.Source, Record: d.Record, Why: d.Why, Event: d.Event, Last: d.Last, Count: d.Count, Cut: cut}
}
