package product

import (
	"cmp"
	"slices"
	"strings"
)

// spell finds the plans that name the subject in words only, of vulnerabilities
// of which no plan of its products speaks.
func (m *matcher) spell(x *Index, s *Subject) {
	m.spelled, m.words = m.spelled[:0], m.words[:0]
	for _, text := range s.Spelled {
		key := TextKey(text)
		if key == "" || slices.Contains(m.words, key) {
			continue
		}
		e := x.of(key)
		if e == nil {
			continue
		}
		m.words = append(m.words, key)
		var alone []plan
		for i := range e.plans {
			if !m.speaksOf(e.plans[i].statement.Vulnerability) {
				alone = append(alone, e.plans[i])
			}
		}
		if len(alone) > 0 {
			m.spelled = append(m.spelled, alone)
		}
	}
}

// speaksOf reports whether a statement that names the subject is about a
// vulnerability.
func (m *matcher) speaksOf(id string) bool {
	for _, plans := range m.lists {
		if _, ok := slices.BinarySearchFunc(plans, id, func(p plan, id string) int {
			return cmp.Compare(p.statement.Vulnerability, id)
		}); ok {
			return true
		}
	}
	return false
}

// also puts what words alone say between findings, in the order of the ids.
type also struct {
	m    *matcher
	all  bool // those not affected too
	next func(Finding) bool
}

func (m *matcher) also(all bool, yield func(Finding) bool) also { return also{m, all, yield} }

func (a also) yield(f Finding) bool { return a.before(f.Vulnerability) && a.next(f) }

func (a also) rest() { a.until(func(string) bool { return true }) }

// before yields what stands before an id; false when no more is wanted.
func (a also) before(id string) bool {
	if len(a.m.spelled) == 0 {
		return true
	}
	return a.until(func(v string) bool { return strings.Compare(v, id) < 0 })
}

// until judges the plans of the words while in holds. The opinions of the
// matcher were folded before, so that their room may be used.
func (a also) until(in func(vulnerability string) bool) bool {
	m := a.m
	keys := m.view.keys
	defer func() { m.view.keys = keys }()
	for {
		first := -1
		for i, l := range m.spelled {
			if len(l) > 0 && (first < 0 || l[0].statement.Vulnerability < m.spelled[first][0].statement.Vulnerability) {
				first = i
			}
		}
		if first < 0 || !in(m.spelled[first][0].statement.Vulnerability) {
			return true
		}
		id := m.spelled[first][0].statement.Vulnerability
		m.view.keys, m.opinions, m.claims = m.words, m.opinions[:0], m.claims[:0]
		for i := range m.spelled {
			for len(m.spelled[i]) > 0 && m.spelled[i][0].statement.Vulnerability == id {
				m.judge(&m.spelled[i][0])
				m.spelled[i] = m.spelled[i][1:]
			}
		}
		if len(m.opinions) == 0 {
			continue
		}
		f := fold(&m.view, m.opinions, true)
		m.view.keys = keys
		if (a.all || f.Verdict != VerdictNotAffected) && !a.next(f) {
			return false
		}
	}
}
