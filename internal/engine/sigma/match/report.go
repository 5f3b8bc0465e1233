package match

import (
	"slices"
	"strings"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// Report says what was matched with what, so that nothing found has a reason.
type Report struct {
	Stats
	// Sources are the kinds of rows there were, in the order in which they were
	// first met; empty without routing.
	Sources []Source
	// Unmet are the logsources of rules of which there was no row.
	Unmet []Logsource
	// Unknown are those that the routes do not know: their rules only see rows
	// that carry the very words.
	Unknown []Logsource
}

// Source is a kind of rows.
type Source struct {
	Log                        event.Log
	Channel, Provider, EventID string
	Rows                       uint64
	Rules                      int // meant for such rows by their logsource
	Live                       int // of them not ruled out by channel, provider and number
}

// Logsource is one that rules have.
type Logsource struct {
	sigma.Logsource // without Definition
	Rules           int
}

// Report adds up what the matchers of a set have done so far. They must not be
// at work.
func (s *Set) Report(matchers ...*Matcher) Report {
	var out Report
	var rows []uint64
	for _, m := range matchers {
		out.Stats.add(m.stats)
		for id, n := range m.seen {
			for id >= len(rows) {
				rows = append(rows, 0)
			}
			rows[id] += n
		}
	}
	if s.router == nil {
		return out
	}
	s.router.report(&out, rows)
	return out
}

func (r *router) report(out *Report, rows []uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	met := make([]bool, len(r.classes))
	for id, n := range rows {
		if n == 0 {
			continue
		}
		p := r.order[id]
		one := Source{Log: p.kind.log, Channel: p.kind.channel, Provider: p.kind.provider, EventID: p.kind.eventID, Rows: n, Live: p.index.rules}
		if p.kind.several {
			for _, list := range []*string{&one.Channel, &one.Provider, &one.EventID} {
				*list = strings.ReplaceAll(*list, between, " | ")
			}
		}
		for _, c := range p.classes {
			met[c] = true
			one.Rules += len(r.classes[c].rules)
		}
		out.Sources = append(out.Sources, one)
	}
	for i, c := range r.classes {
		one := Logsource{c.source, len(c.rules)}
		if !met[i] {
			out.Unmet = append(out.Unmet, one)
		}
		if !c.known {
			out.Unknown = append(out.Unknown, one)
		}
	}
	slices.SortFunc(out.Unmet, func(a, b Logsource) int { return b.Rules - a.Rules })
}

func (s *Stats) add(t Stats) {
	s.Rows += t.Rows
	s.Beyond += t.Beyond
	s.Cut += t.Cut
	s.Candidates += t.Candidates
	s.Hits += t.Hits
}

// Bytes returns about how much memory the indexes take that were made so far. The
// matchers of the set must not be at work.
func (s *Set) Bytes() int {
	n := 0
	if s.router != nil {
		s.router.mu.RLock()
		defer s.router.mu.RUnlock()
		for _, x := range s.router.byKey {
			n += x.bytes()
		}
	}
	if s.index != nil {
		n += s.index.bytes()
	}
	return n
}
