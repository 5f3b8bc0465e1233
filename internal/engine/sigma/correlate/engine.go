package correlate

import (
	"container/heap"
	"strings"

	"noroshi/internal/engine/sigma"
)

// Hit is one hit of a rule.
type Hit struct {
	Rule   *sigma.Rule
	Time   int64   // nanoseconds since 1970 UTC
	Values []Value // of [Set.Needs], in that order
	Ref    Ref
}

// Value is the value of a field in the event that was hit.
type Value struct {
	Text    string
	Present bool
}

// Ref says which event a hit is of.
type Ref struct {
	Source string
	Record uint64
}

// Finding is a correlation that holds.
type Finding struct {
	Rule        *sigma.Rule // the correlation
	First, Last int64       // of the hits it is over, nanoseconds since 1970 UTC
	Group       []Field     // what they have in common
	Count       float64     // what the condition is about: hits, values, rules, a sum …
	AtLeast     bool        // Count is a floor: there was more than is kept
	Values      []string    // of value types: some of the values, in order of appearance
	Hits        []Ref       // the first of the hits it is over
}

// Field is one field and its value.
type Field struct{ Name, Value string }

// Limits bound the memory of an [Engine]. A zero field means its default.
type Limits struct {
	Groups  int // at one time; 1 Mi
	Entries int // hits and values kept in all groups; 4 Mi
	Numbers int // kept in one group for sums, averages, percentiles and counts beyond it; 64 Ki
}

// Stats tells what became of the hits.
type Stats struct {
	Hits      uint64 // taken in
	Findings  uint64
	Ungrouped uint64 // hits without a field they are grouped by, or whose value is asked for
	NoNumber  uint64 // values that were to be numbers and are not
	Evicted   uint64 // groups forgotten for want of memory
	Sampled   uint64 // percentiles for which there were more numbers than are kept: evenly chosen ones stand for all
	Late      uint64 // hits older than one before them, taken as of its time
}

// shown is how many hits and values a finding lists.
const shown = 32

// Engine runs the correlations of a set over hits in the order of their times.
type Engine struct {
	set    *Set
	limits Limits
	early  bool
	emit   func(*Finding) error

	now     int64
	groups  map[key]*group
	oldest  group // ring of groups in the order of their last hit
	ends    spans
	entries int
	stats   Stats
	failed  error
}

type key struct {
	node  int
	group string
}

// group is the state of one correlation for one group.
type group struct {
	key        key
	values     []string
	window     window
	open       *Finding // holds, and goes on
	entries    int      // of its window
	end        int64    // spans that follow one another: when this one is over
	at         int      // its place among ends, -1 if it is not there
	prev, next *group
}

// window is what a group keeps of its hits.
type window interface {
	// add takes a hit in at a time and tells what the condition is about, and
	// whether it holds of what is within the span.
	add(n *node, h *hit) (count float64, holds bool)
	// tell fills a finding with what the window has.
	tell(f *Finding)
	// len returns how many hits and values are kept.
	len() int
	// save puts what the window keeps into a snapshot; load takes it from one and
	// reports whether it can be of such a window.
	save(to *SnapGroup)
	load(n *node, from *SnapGroup) bool
}

// hit is a hit as a window sees it.
type hit struct {
	time     int64
	position int
	value    string
	number   float64
	ref      Ref
}

// New returns an engine that gives what it finds to emit: with early as soon as
// a condition holds, for those who watch; else when it no longer does, with all
// that belongs to it. A finding is lent: what keeps it copies it. After an error
// of emit the engine does nothing more.
func New(set *Set, limits Limits, early bool, emit func(*Finding) error) *Engine {
	if limits.Groups <= 0 {
		limits.Groups = 1 << 20
	}
	if limits.Entries <= 0 {
		limits.Entries = 4 << 20
	}
	if limits.Numbers <= 0 {
		limits.Numbers = 1 << 16
	}
	e := &Engine{set: set, limits: limits, early: early, emit: emit, groups: map[key]*group{}}
	e.oldest.prev, e.oldest.next = &e.oldest, &e.oldest
	return e
}

// Add takes a hit in.
func (e *Engine) Add(h *Hit) error {
	if h.Time < e.now {
		e.stats.Late++
	}
	e.advance(max(e.now, h.Time))
	e.stats.Hits++
	e.feed(h)
	return e.failed
}

// Flush ends all spans, as after the last hit.
func (e *Engine) Flush() error {
	for len(e.ends) > 0 && e.failed == nil { // a finding may open another span
		e.close(e.ends[0])
	}
	for g := e.oldest.next; g != &e.oldest && e.failed == nil; g = g.next {
		e.finish(g)
	}
	return e.failed
}

// Stats returns what was counted so far.
func (e *Engine) Stats() Stats { return e.stats }

// advance closes the spans that are over at a time.
func (e *Engine) advance(now int64) {
	for len(e.ends) > 0 && e.ends[0].end < now && e.failed == nil {
		e.now = max(e.now, e.ends[0].end) // to those above it holds when it is over
		e.close(e.ends[0])
	}
	e.now = now
}

func (e *Engine) feed(h *Hit) {
	for _, f := range e.set.feeds[h.Rule] {
		if e.failed != nil {
			return
		}
		e.one(f, h)
	}
}

// one takes a hit into one correlation.
func (e *Engine) one(f feed, h *Hit) {
	n := e.set.nodes[f.node]
	name, ok := join(h.Values, f.group)
	if !ok {
		e.stats.Ungrouped++
		return
	}
	in := &hit{time: e.now, position: f.position, ref: h.Ref}
	if len(f.fields) > 0 {
		if in.value, ok = join(h.Values, f.fields); !ok {
			e.stats.Ungrouped++
			return
		}
		if numeric(n.c) {
			if in.number, ok = number(in.value); !ok {
				e.stats.NoNumber++
				return
			}
		}
	}
	g := e.group(key{f.node, name}, n, h.Values, f.group)
	count, holds := g.window.add(n, in)
	e.entries += g.window.len() - g.entries
	g.entries = g.window.len()
	if n.slides {
		e.judge(g, n, count, holds)
	}
	if w, ok := g.window.(*ranked); ok && w.rough {
		e.stats.Sampled++
		w.rough = false
	}
	e.shrink(g)
}

// judge opens, lengthens or ends the finding of a sliding span.
func (e *Engine) judge(g *group, n *node, count float64, holds bool) {
	switch {
	case holds && g.open == nil:
		g.open = e.finding(g, n, count)
		if e.early {
			e.give(g.open)
		}
		e.parents(g, n)
	case holds:
		g.open.Last = e.now
		g.open.Count = n.farthest(g.open.Count, count)
	default:
		e.finish(g)
	}
}

// farthest returns which of two counts is more of what the condition asks for;
// hits are counted as long as it holds.
func (n *node) farthest(was, count float64) float64 {
	if n.c.Type == sigma.EventCount {
		return was + 1
	}
	if len(n.c.Condition) > 0 {
		switch n.c.Condition[0].Op {
		case sigma.LT, sigma.LTE:
			return min(was, count)
		case sigma.EQ, sigma.NEQ:
			return was
		}
	}
	return max(was, count)
}

// finish ends the finding of a sliding span.
func (e *Engine) finish(g *group) {
	if g.open != nil && !e.early {
		e.give(g.open)
	}
	g.open = nil
}

// close judges a span that is over as a whole, and forgets it.
func (e *Engine) close(g *group) {
	n := e.set.nodes[g.key.node]
	w := g.window.(*batch)
	count, holds := w.judge(n.c)
	e.drop(g)
	if !holds {
		return
	}
	f := e.finding(g, n, count)
	e.give(f)
	e.parents(g, n)
}

func (e *Engine) finding(g *group, n *node, count float64) *Finding {
	f := &Finding{Rule: n.rule, First: e.now, Last: e.now, Count: count}
	for i, by := range n.c.GroupBy {
		f.Group = append(f.Group, Field{by, g.values[i]})
	}
	g.window.tell(f)
	return f
}

func (e *Engine) give(f *Finding) {
	if e.failed == nil {
		e.stats.Findings++
		e.failed = e.emit(f)
	}
}

// parents hands a correlation that holds to those that are over it, with what
// it is grouped by as its values.
func (e *Engine) parents(g *group, n *node) {
	needs, ok := e.set.Needs(n.rule)
	if !ok {
		return
	}
	h := &Hit{Rule: n.rule, Time: e.now, Values: make([]Value, len(needs))}
	for i, name := range needs {
		for j, by := range n.c.GroupBy {
			if by == name {
				h.Values[i] = Value{g.values[j], true}
			}
		}
	}
	var f Finding
	g.window.tell(&f)
	if len(f.Hits) > 0 {
		h.Ref = f.Hits[len(f.Hits)-1]
	}
	e.feed(h)
}

// group finds the state of a group, or makes it.
func (e *Engine) group(k key, n *node, values []Value, at []int) *group {
	g := e.groups[k]
	if g == nil {
		g = &group{key: k, window: newWindow(n, e.limits.Numbers), at: -1}
		for _, i := range at {
			g.values = append(g.values, values[i].Text)
		}
		e.groups[k] = g
		if !n.slides {
			g.end = e.now + n.span
			if g.end < e.now { // of the whole input
				g.end = 1<<63 - 1
			}
			heap.Push(&e.ends, g)
		}
	} else {
		g.prev.next, g.next.prev = g.next, g.prev
	}
	g.prev, g.next = e.oldest.prev, &e.oldest
	g.prev.next, e.oldest.prev = g, g
	return g
}

// shrink forgets the groups that waited longest until the rest is within the
// limits. Of the one at hand it forgets nothing.
func (e *Engine) shrink(now *group) {
	for len(e.groups) > e.limits.Groups || e.entries > e.limits.Entries {
		g := e.oldest.next
		if g == now || g == &e.oldest {
			return
		}
		if e.set.nodes[g.key.node].slides {
			e.finish(g)
			if e.now-last(g) <= e.set.nodes[g.key.node].span {
				e.stats.Evicted++
			}
			e.drop(g)
			continue
		}
		e.stats.Evicted++
		e.close(g)
	}
}

// last returns the time of a group's last hit.
func last(g *group) int64 {
	var f Finding
	g.window.tell(&f)
	return f.Last
}

func (e *Engine) drop(g *group) {
	delete(e.groups, g.key)
	g.prev.next, g.next.prev = g.next, g.prev
	e.entries -= g.entries
	if g.at >= 0 {
		heap.Remove(&e.ends, g.at)
	}
}

// separator marks what in a value looks like the end of one.
var separator = strings.NewReplacer("\x1e", "\x1e\x1e", "\x1f", "\x1e\x1f")

// join makes one text of the values at some places; ok is false when one of
// them is absent. Each ends with a byte that is marked inside values, so that no
// two lists are alike.
func join(values []Value, at []int) (string, bool) {
	if len(at) == 1 && at[0] < len(values) {
		return values[at[0]].Text, values[at[0]].Present
	}
	var b strings.Builder
	for _, i := range at {
		if i >= len(values) || !values[i].Present {
			return "", false
		}
		if text := values[i].Text; strings.ContainsAny(text, "\x1e\x1f") {
			b.WriteString(separator.Replace(text))
		} else {
			b.WriteString(text)
		}
		b.WriteByte(0x1f)
	}
	return b.String(), true
}

// spans are groups by the end of their span.
type spans []*group

func (s spans) Len() int { return len(s) }
func (s spans) Less(i, j int) bool {
	if s[i].end != s[j].end {
		return s[i].end < s[j].end
	}
	if s[i].key.node != s[j].key.node {
		return s[i].key.node < s[j].key.node
	}
	return s[i].key.group < s[j].key.group
}
func (s spans) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].at, s[j].at = i, j
}
func (s *spans) Push(x any) {
	g := x.(*group)
	g.at = len(*s)
	*s = append(*s, g)
}
func (s *spans) Pop() any {
	g := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	g.at = -1
	return g
}
