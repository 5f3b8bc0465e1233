package sigma

import (
	"slices"
	"strings"

	"noroshi/internal/engine/event"
)

// Routes says which events a logsource means and which other names their fields
// have. It is not changed once made.
type Routes struct {
	known  map[event.Log]bool
	routes []route
	names  []namings
}

// route is what one logsource means besides the events that carry its words.
type route struct {
	log     event.Log
	sources []Source
	where   *Expr
}

// Source are events of one kind. Everything that is given must fit.
type Source struct {
	Log       event.Log // parts that the event's log must have
	Windows   bool      // any event with a channel or a provider, of no other product
	Channels  []string  // in lower case
	Providers []string  // in lower case; asked only if the event or the source has no channel
	EventIDs  []string
}

// Route is what one logsource means: an event belongs to it if it fits a source
// of each group.
type Route struct {
	Groups [][]Source
	// Where is what the logsource asks of the fields of events besides, such as
	// the kind of a change to the registry; nil if nothing.
	Where *Expr
}

// For returns the route of a logsource. known is false if the tables do not
// have it: then the route is only to events that carry its words, and that it
// is not known should be said to whoever runs the rule.
func (r *Routes) For(l Logsource) (to Route, known bool) {
	log := event.Log{Product: l.Product, Category: l.Category, Service: l.Service}
	if log.Product == "any" {
		log.Product = ""
	}
	if log == (event.Log{}) {
		return Route{Groups: [][]Source{{{}}}}, true
	}
	if sources, where, ok := r.find(log); ok {
		return Route{[][]Source{sources}, where}, true
	}
	if log.Category == "" || log.Service == "" {
		return Route{Groups: [][]Source{{{Log: log}}}}, false
	}
	// Both are given: the events are in the one and in the other.
	byCategory, where, ok1 := r.find(event.Log{Product: log.Product, Category: log.Category})
	byService, _, ok2 := r.find(event.Log{Product: log.Product, Service: log.Service})
	if !ok1 || !ok2 {
		return Route{Groups: [][]Source{{{Log: log}}}}, false
	}
	return Route{[][]Source{byCategory, byService}, where}, true
}

// Unknown returns a warning for each rule over events whose logsource the tables
// do not have.
func (r *Routes) Unknown(rules []*Rule) []Note {
	var notes []Note
	asked := map[Logsource]bool{}
	for _, rule := range rules {
		l := rule.Logsource
		l.Definition = ""
		known, seen := asked[l]
		if !seen {
			_, known = r.For(l)
			asked[l] = known
		}
		if !known {
			notes = append(notes, Note{rule.File, rule.Line, rule.Ref(), LogsourceUnknown, []string{l.Product + "/" + l.Category + "/" + l.Service}})
		}
	}
	return notes
}

// find returns the sources of a logsource that the tables have: its own, or
// else those of every logsource that is a part of it, such as one category of
// several products.
func (r *Routes) find(log event.Log) (sources []Source, where *Expr, ok bool) {
	sources, ok = []Source{{Log: log}}, r.known[log]
	for _, t := range r.routes {
		if t.log == log {
			sources, where, ok = append(sources, t.sources...), t.where, true
		}
	}
	if ok && log.Product != "" {
		return sources, where, true
	}
	for k := range r.known {
		ok = ok || covers(log, k)
	}
	parts := 0
	for _, t := range r.routes {
		if t.log != log && covers(log, t.log) {
			sources, where, ok = append(sources, t.sources...), t.where, true
			parts++
		}
	}
	if parts > 1 {
		where = nil // what one part asks is not what the others do
	}
	return sources, where, ok
}

// Matches reports whether an event belongs to the route. Texts are those of the
// event, empty if it has none. It only depends on its arguments, so callers ask
// once for each combination of them.
func (t Route) Matches(log event.Log, channel, provider, eventID string) bool {
	channel, provider = channelName(channel), strings.ToLower(provider)
	for _, g := range t.Groups {
		if !fitsAny(g, log, channel, provider, eventID) {
			return false
		}
	}
	return true
}

// Expr returns what a rule asks of events of its route: the rule's own and the
// route's Where.
func (t Route) Expr(e *Expr) *Expr {
	if t.Where == nil || e == nil {
		return e
	}
	return allOf(e, t.Where)
}

func fitsAny(sources []Source, log event.Log, channel, provider, eventID string) bool {
	for i := range sources {
		if sources[i].fits(log, channel, provider, eventID) {
			return true
		}
	}
	return false
}

func (s *Source) fits(log event.Log, channel, provider, eventID string) bool {
	if !covers(s.Log, log) {
		return false
	}
	if s.Windows && (channel == "" && provider == "" || log.Product != "" && log.Product != "windows") {
		return false
	}
	if len(s.EventIDs) > 0 && !slices.Contains(s.EventIDs, eventID) {
		return false
	}
	if len(s.Channels) > 0 && channel != "" {
		return slices.Contains(s.Channels, channel)
	}
	return len(s.Channels)+len(s.Providers) == 0 || slices.Contains(s.Providers, provider)
}

// covers reports whether log has every part that want gives.
func covers(want, log event.Log) bool {
	return (want.Product == "" || want.Product == log.Product) &&
		(want.Category == "" || want.Category == log.Category) &&
		(want.Service == "" || want.Service == log.Service)
}

// channelName returns a channel in lower case, without what Splunk puts before it.
func channelName(channel string) string {
	channel = strings.ToLower(channel)
	channel = strings.TrimPrefix(channel, "xml")
	return strings.TrimPrefix(channel, "wineventlog:")
}

// namings are the other names of fields in some events.
type namings struct {
	sources []Source
	list    []Naming
}

// Naming is another name of a field: rules ask for To, the event has From.
type Naming struct {
	To      string
	From    []string          // the first that the event has; all of them if Between is given
	Between string            // what stands between their values
	Values  map[string]string // whole values that are written otherwise; nothing else is taken then
	// Prefixes are beginnings that are written otherwise, regardless of case.
	Prefixes []Prefix
}

// Prefix is a beginning of a value and what rules write for it.
type Prefix struct{ Event, Rule string }

// Namings returns the other names of the fields of an event, nil if there are
// none. A name is for events that have no field To themselves; of several that
// make one To, the first that can does. The list only depends on the arguments,
// as in [Route.Matches].
func (r *Routes) Namings(log event.Log, channel, provider, eventID string) []Naming {
	channel, provider = channelName(channel), strings.ToLower(provider)
	var list []Naming
	for _, n := range r.names {
		if fitsAny(n.sources, log, channel, provider, eventID) {
			list = append(list, n.list...)
		}
	}
	return list
}

// Append appends the value of To, made of the values of From in their order; nil
// stands for a field that the event does not have. It reports false if the
// event has nothing to make it of.
func (n *Naming) Append(to []byte, from ...[]byte) ([]byte, bool) {
	start, have := len(to), false
	for _, v := range from {
		if v == nil {
			continue
		}
		if have {
			if n.Between == "" {
				break
			}
			to = append(to, n.Between...)
		}
		to, have = append(to, v...), true
	}
	if !have {
		return to, false
	}
	if n.Values != nil {
		other, ok := n.Values[string(to[start:])]
		return append(to[:start], other...), ok
	}
	for _, p := range n.Prefixes {
		if k := len(p.Event); len(to)-start >= k && strings.EqualFold(string(to[start:start+k]), p.Event) {
			return append(to[:start], p.Rule+string(to[start+k:])...), true
		}
	}
	return to, true
}
