package match

import (
	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// Why is one test that made a rule fire: what the rule asked of which field and
// what the row had there.
type Why struct {
	Field  string // of the row; for a keyword the field it was found in; empty for the whole row
	Op     string // sigma.Test.Operator, with "not " before it for a test that had to be false
	Value  string // what the rule compares with
	Actual string // the row's value as it stands, whole; empty from Places
	At     int    // the place of that value among the row's fields, -1 without one
}

// maxWhy is how many tests [Matcher.Explain] tells at most.
const maxWhy = 64

// Explain returns the true tests that made a rule, a place in [Set.Rules], fire
// for the row: of Or all kids that are true, of And each. What had to be false
// is told only when nothing had to be true. It is empty for a rule that did
// not fire. It is slower than Match, for hits only.
func (m *Matcher) Explain(row *event.Row, rule int) []Why {
	why := m.Places(row, rule)
	for i := range why {
		if at := why[i].At; at >= 0 {
			why[i].Actual = string(row.Value(at))
		}
	}
	return why
}

// Places is [Matcher.Explain] without the values: a row may be large and hit by
// many rules, and who copies it once takes them from there.
func (m *Matcher) Places(row *event.Row, rule int) []Why {
	if rule < 0 || rule >= len(m.set.trees) {
		return nil
	}
	m.row, m.index = row, &m.set.nothing
	m.begin()
	if m.set.router != nil {
		if p, _ := m.route(row); p != nil {
			m.derive(p.namings)
		}
	}
	e := explainer{m: m}
	root := &m.set.trees[rule]
	if !e.truth(root) {
		return nil
	}
	e.walk(root, true)
	if len(e.why) == 0 {
		e.negative = true
		e.walk(root, true)
	}
	return e.why
}

type explainer struct {
	m        *Matcher
	why      []Why
	negative bool // tells what had to be false
}

func (e *explainer) truth(n *node) bool {
	switch n.op {
	case sigma.Leaf:
		return e.m.holds(n.atom)
	case sigma.Not:
		return !e.truth(&n.kids[0])
	case sigma.And, sigma.Or:
		for i := range n.kids {
			if e.truth(&n.kids[i]) == (n.op == sigma.Or) {
				return n.op == sigma.Or
			}
		}
		return n.op == sigma.And
	}
	return n.op == sigma.True
}

// walk goes to the tests that make n have the truth it has.
func (e *explainer) walk(n *node, truth bool) {
	switch n.op {
	case sigma.Leaf:
		e.tell(n.atom, truth)
	case sigma.Not:
		e.walk(&n.kids[0], !truth)
	case sigma.And, sigma.Or:
		for i := range n.kids {
			if k := &n.kids[i]; e.truth(k) == truth {
				e.walk(k, truth)
			}
		}
	}
}

func (e *explainer) tell(id uint32, truth bool) {
	a := &e.m.set.atoms[id]
	if len(e.why) == maxWhy || truth == e.negative && !(a.op == opNull && !truth) {
		return
	}
	w := Why{Field: a.test.Field, Op: a.test.Operator(), Value: a.test.Operand(), At: e.m.where(a, truth)}
	if !truth {
		w.Op = "not " + w.Op
	}
	if w.At >= 0 {
		w.Field = e.m.set.names.Text(e.m.row.Fields[w.At].Name)
	}
	e.why = append(e.why, w)
}

// where returns the place of the field that makes an atom true or, of a test
// that is false, of the first that was compared; -1 if there is none.
func (m *Matcher) where(a *atom, truth bool) int {
	if a.slot == anySlot {
		for i := range m.row.Fields {
			if truth && m.row.Fields[i].Kind != event.Null && m.passes(a, i) {
				return i
			}
		}
		return -1
	}
	for i := m.at(a.slot); i >= 0; i = m.next[i] {
		if !truth || a.op == opExists || m.row.Fields[i].Kind != event.Null && m.passes(a, int(i)) {
			return int(i)
		}
	}
	return -1
}
