package sigma

import "strconv"

// Collection is what was loaded: rules that can run and reports on the rest.
type Collection struct {
	// Rules are over events and Correlations over hits, each in the order of
	// files. A correlation stands after those it is over.
	Rules, Correlations []*Rule
	Filters             []*Filter
	Rejected, Warnings  []Note
	Files               int // read
}

// linker joins rules of all files.
type linker struct {
	out  *Collection
	ids  map[string]*Rule
	name map[string]*Rule
	lost map[string]bool
	// state of a correlation: 1 being resolved, 2 done, 3 rejected.
	state map[*Rule]uint8
}

// Link joins the rules of files: ids are made unique, correlations find their
// rules and filters are added to theirs. Files are in the order that decides
// which of two rules with one id stays.
func Link(files []*File) *Collection {
	n := 0
	for _, f := range files {
		n += len(f.Rules)
	}
	l := &linker{out: &Collection{Files: len(files), Rules: make([]*Rule, 0, n)}, ids: make(map[string]*Rule, n), name: map[string]*Rule{}, lost: map[string]bool{}, state: map[*Rule]uint8{}}
	for _, f := range files {
		l.out.Rejected = append(l.out.Rejected, f.Rejected...)
		l.out.Warnings = append(l.out.Warnings, f.Warnings...)
		l.out.Filters = append(l.out.Filters, f.Filters...)
		for _, id := range f.Lost {
			l.lost[id] = true
		}
	}
	var correlations []*Rule
	for _, f := range files {
		for _, r := range f.Rules {
			if !l.add(r) {
				continue
			}
			if r.Correlation == nil {
				l.out.Rules = append(l.out.Rules, r)
				continue
			}
			l.out.Rules = append(l.out.Rules, r.Correlation.Rules...) // of an old aggregation
			correlations = append(correlations, r)
		}
	}
	for _, r := range correlations {
		l.resolve(r)
	}
	l.hide()
	l.filter()
	return l.out
}

// add gives a rule its id and name and reports whether it stays.
func (l *linker) add(r *Rule) bool {
	if first := l.ids[r.ID]; r.ID != "" && first != nil {
		l.reject(r, r.Line, DuplicateID, r.ID, first.File, strconv.Itoa(first.Line))
		return false
	}
	if r.ID != "" {
		l.ids[r.ID] = r
	}
	if r.Name == "" {
		return true
	}
	if first := l.name[r.Name]; first != nil {
		l.warn(r, DuplicateName, r.Name, first.File, strconv.Itoa(first.Line))
		return true
	}
	l.name[r.Name] = r
	return true
}

func (l *linker) reject(r *Rule, line int, code Code, args ...string) {
	l.out.Rejected = append(l.out.Rejected, Note{File: r.File, Line: line, Rule: r.Ref(), Code: code, Args: args})
}

func (l *linker) warn(r *Rule, code Code, args ...string) {
	l.out.Warnings = append(l.out.Warnings, Note{File: r.File, Line: r.Line, Rule: r.Ref(), Code: code, Args: args})
}

// find returns the rule of an id or a name.
func (l *linker) find(ref string) *Rule {
	if r := l.ids[ref]; r != nil {
		return r
	}
	return l.name[ref]
}

// The states of a correlation while it is resolved.
const (
	resolving uint8 = 1 + iota
	resolved
	rejected
)

// maxChained bounds how many correlations may be over one another.
const maxChained = 64

func (l *linker) resolve(r *Rule) { l.resolveAt(r, 0) }

// resolveAt finds the rules of a correlation, those of chained ones first.
func (l *linker) resolveAt(r *Rule, depth int) uint8 {
	if s := l.state[r]; s != 0 {
		return s
	}
	l.state[r] = resolving
	c := r.Correlation
	state := resolved
	for i, ref := range c.Refs {
		over := l.find(ref)
		if len(c.Rules) > i {
			over = c.Rules[i] // of an old aggregation
		}
		if code := l.check(over, ref, depth); code != "" {
			l.reject(r, r.Line, code, ref)
			state = rejected
			break
		}
		if len(c.Rules) <= i {
			c.Rules = append(c.Rules, over)
		}
	}
	if l.state[r] = state; state == resolved {
		l.out.Correlations = append(l.out.Correlations, r)
	}
	return state
}

// check returns why a correlation cannot be over a rule.
func (l *linker) check(over *Rule, ref string, depth int) Code {
	switch {
	case over == nil && l.lost[ref]:
		return CorrelationLost
	case over == nil:
		return CorrelationRef
	case over.Correlation == nil:
		return ""
	case depth >= maxChained:
		return CorrelationCycle
	}
	switch l.resolveAt(over, depth+1) {
	case resolving:
		return CorrelationCycle
	case rejected:
		return CorrelationLost
	}
	return ""
}

// hide marks the rules that only feed correlations, unless one of those wants
// them reported too.
func (l *linker) hide() {
	shown := map[*Rule]bool{}
	for _, r := range l.out.Correlations {
		for _, over := range r.Correlation.Rules {
			shown[over] = shown[over] || r.Correlation.Generate
			over.Hidden = !shown[over]
		}
	}
	for _, r := range l.out.Correlations {
		for _, over := range r.Correlation.Rules {
			if over.Hidden && over.File != r.File {
				l.warn(r, HidesOther, over.Ref(), over.File)
			}
		}
	}
}

// filter adds the filters to their rules.
func (l *linker) filter() {
	for _, f := range l.out.Filters {
		if f.Rules == nil {
			l.filterAny(f)
			continue
		}
		for _, ref := range f.Rules {
			r := l.find(ref)
			if r != nil && r.Aggregation != nil && r.Correlation != nil {
				r = r.Correlation.Rules[0]
			}
			if r == nil || r.Expr == nil || !f.covers(r.Logsource) {
				l.unmatched(f, ref)
				continue
			}
			f.addTo(r)
		}
	}
}

func (l *linker) filterAny(f *Filter) {
	for _, r := range l.out.Rules {
		if f.covers(r.Logsource) {
			f.addTo(r)
		}
	}
	if f.Added == 0 {
		l.unmatched(f, "any")
		return
	}
	l.about(f, FilterAny, strconv.Itoa(f.Added))
}

func (f *Filter) addTo(r *Rule) {
	r.Expr, r.Narrowed = allOf(r.Expr, f.Expr), true
	f.Added++
}

func (l *linker) unmatched(f *Filter, ref string) { l.about(f, FilterUnmatched, ref) }

func (l *linker) about(f *Filter, code Code, arg string) {
	l.out.Warnings = append(l.out.Warnings, Note{File: f.File, Line: f.Line, Rule: orText(f.ID, f.Title), Code: code, Args: []string{arg}})
}

// Narrowed returns how many rules filters were added to.
func (c *Collection) Narrowed() (n int) {
	for _, r := range c.Rules {
		if r.Narrowed {
			n++
		}
	}
	return n
}

// Hidden returns how many rules only feed correlations, without those that are
// the events of an old aggregation.
func (c *Collection) Hidden() (n int) {
	for _, list := range [][]*Rule{c.Rules, c.Correlations} {
		for _, r := range list {
			if r.Hidden && r.Aggregation == nil {
				n++
			}
		}
	}
	return n
}
