package hunt

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"noroshi/internal/engine/sigma"
	"noroshi/internal/engine/sigma/correlate"
)

// Detection is one thing found: an event that a rule is about, or hits that a
// correlation puts together.
type Detection struct {
	Rule   *sigma.Rule
	Time   int64 // nanoseconds since 1970 UTC; 0 if the event has none. Of a correlation: of its first hit
	Source string
	Record uint64
	Host   string
	User   string
	Why    []Why   // the tests that made it a hit; of a correlation what its hits have in common
	Event  []Field // the event, field by field; empty for a correlation
	Fields int     // of an example: how many the event has

	Last  int64           // of a correlation: the time of its last hit
	Count float64         // of a correlation: what its condition is about
	Hits  []correlate.Ref // of a correlation: its first hits
}

// Why is one test that an event passed.
type Why struct {
	Field string `json:"field"` // empty: a keyword, in any field
	Op    string `json:"op"`
	Want  string `json:"want,omitempty"` // what the rule compares with
	Value string `json:"value"`          // what the event has there
}

// Field is one field of an event.
type Field struct{ Name, Value string }

// Correlated reports whether a correlation made it.
func (d *Detection) Correlated() bool { return d.Rule.Correlation != nil }

// Techniques returns the ATT&CK techniques that a rule names, as T1059.001.
func Techniques(r *sigma.Rule) []string {
	var ids []string
	for _, tag := range r.Tags {
		if id, ok := strings.CutPrefix(tag, "attack.t"); ok && len(id) >= 4 && strings.Trim(id, "0123456789.") == "" {
			ids = append(ids, "T"+id)
		}
	}
	return ids
}

// Tactics returns the ATT&CK tactics that a rule names, in small letters with
// hyphens, as in matrices: credential-access.
func Tactics(r *sigma.Rule) []string {
	var names []string
	for _, tag := range r.Tags {
		if name, ok := strings.CutPrefix(tag, "attack."); ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_-") == "" {
			names = append(names, strings.ReplaceAll(name, "_", "-"))
		}
	}
	return names
}

// Group is all that one rule found.
type Group struct {
	Rule        *sigma.Rule
	Count       int
	First, Last int64 // of events that have a time
	Hosts       Tally
	Users       Tally
	Example     *Detection // the first one, long values cut
}

// Bounds of what is kept of a run in memory.
const (
	maxTally      = 1000
	maxHours      = 100_000
	exampleFields = 80   // of an example
	exampleValue  = 8000 // bytes of one
)

// Tally counts names; beyond a thousand it only says that there are more.
type Tally struct {
	Counts map[string]int
	More   bool
}

func (t *Tally) add(name string) {
	if name == "" {
		return
	}
	if t.Counts == nil {
		t.Counts = map[string]int{}
	}
	if _, known := t.Counts[name]; !known && len(t.Counts) >= maxTally {
		t.More = true
		return
	}
	t.Counts[name]++
}

// Len returns how many names there are; with More it is a floor.
func (t *Tally) Len() int { return len(t.Counts) }

// Names returns the names, those counted most first.
func (t *Tally) Names() []string {
	names := make([]string, 0, len(t.Counts))
	for n := range t.Counts {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(t.Counts[b], t.Counts[a]), cmp.Compare(a, b)) })
	return names
}

// Picture is what a run found, grouped: what people look at first. It is of one
// size however much was found.
type Picture struct {
	Groups  []*Group // gravest first, and among equals the rarest
	Count   int
	ByLevel [sigma.Critical + 1]int
	ByHour  map[int64]*[sigma.Critical + 1]int // by hour since 1970 UTC
	Hosts   Tally
	Users   Tally
	Attack  map[string]*[sigma.Critical + 1]int // by technique
	First   int64
	Last    int64
	byRule  map[*sigma.Rule]*Group
}

// add takes a detection in; the picture keeps some as examples.
func (p *Picture) add(d *Detection) {
	if p.byRule == nil {
		p.byRule, p.ByHour, p.Attack = map[*sigma.Rule]*Group{}, map[int64]*[sigma.Critical + 1]int{}, map[string]*[sigma.Critical + 1]int{}
	}
	g := p.byRule[d.Rule]
	if g == nil {
		g = &Group{Rule: d.Rule, Example: d.example()}
		p.byRule[d.Rule] = g
		p.Groups = append(p.Groups, g)
	}
	level := d.Rule.Level
	g.Count++
	p.Count++
	p.ByLevel[level]++
	for _, t := range []*Tally{&g.Hosts, &p.Hosts} {
		t.add(d.Host)
	}
	for _, t := range []*Tally{&g.Users, &p.Users} {
		t.add(d.User)
	}
	if d.Time != 0 {
		span(&g.First, &g.Last, d)
		span(&p.First, &p.Last, d)
		p.hour(d.Time, level)
	}
	for _, id := range Techniques(d.Rule) {
		if p.Attack[id] == nil {
			p.Attack[id] = new([sigma.Critical + 1]int)
		}
		p.Attack[id][level]++
	}
}

// example returns a detection as it is shown: it does not hold on to the text of
// a large event.
func (d *Detection) example() *Detection {
	e := *d
	e.Event = make([]Field, min(len(d.Event), exampleFields))
	for i := range e.Event {
		e.Event[i] = Field{d.Event[i].Name, clip(d.Event[i].Value, exampleValue)}
	}
	e.Why = make([]Why, min(len(d.Why), maxWhys))
	for i := range e.Why {
		e.Why[i] = d.Why[i]
		e.Why[i].Value = clip(d.Why[i].Value, exampleValue)
	}
	e.Fields = len(d.Event)
	return &e
}

// clip returns a copy of a text, cut before a letter that goes beyond n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func span(first, last *int64, d *Detection) {
	if *first == 0 || d.Time < *first {
		*first = d.Time
	}
	*last = max(*last, d.Time, d.Last)
}

// hour counts a detection over time. Clocks that jump make hours without end;
// beyond a bound new ones are left out.
func (p *Picture) hour(at int64, level sigma.Level) {
	n := at / hour
	if p.ByHour[n] == nil {
		if len(p.ByHour) >= maxHours {
			return
		}
		p.ByHour[n] = new([sigma.Critical + 1]int)
	}
	p.ByHour[n][level]++
}

// rank puts the groups in order.
func (p *Picture) rank() {
	slices.SortStableFunc(p.Groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Rule.Level, a.Rule.Level), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Rule.Title, b.Rule.Title), cmp.Compare(a.Rule.ID, b.Rule.ID))
	})
}
