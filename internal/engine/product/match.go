package product

import (
	"iter"
	"slices"
	"sync"

	"noroshi/internal/engine/product/cpe"
)

// matcher is the working memory of one Match.
type matcher struct {
	view     view
	lists    [][]plan
	table    *table   // of the last list
	release  *release // as its lines compare it
	narrowed []plan
	found    []candidate
	reasons  []Reason // set aside for proofs, each given away once
	claims   []claim
	opinions []opinion
	spelled  [][]plan // those that name the subject in words only
	words    []string // product keys of the words
}

// Match yields a finding for each vulnerability that a statement relates to the
// subject's product, in the order of their ids, those that do not affect it
// included. A finding may be kept.
//
//   - Only an equal product is ever related; a wildcard in the place of the
//     vendor or the product never matches. A subject without a vendor meets the
//     products of that name of every vendor as if its name were only proposed.
//   - A subject that is only the platform of what is vulnerable is not affected,
//     [PlatformOnly]; where it is hardware and the statement is about software
//     of the same maker, its firmware, the verdict is [Unknown].
//   - A platform that is asked for and of which nobody said anything is taken to
//     be there: affected, [Exact], with [PlatformUnknown] in the proof.
//   - An edition, target or language the subject does not state is taken to be
//     the one meant, with [EditionUnknown] in the proof.
//   - A line that gives only words meets a subject that is spelled the same, as
//     if its name were only proposed, and only of vulnerabilities of which no
//     statement names the subject.
//   - "-" as version means a product without a version, and never every version.
//   - Of several sources the one nearest to the maker decides, of equals the
//     newest; the proof holds what the others say.
func (x *Index) Match(s Subject) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		m := matchers.Get().(*matcher)
		defer m.done()
		proposed := m.prepare(x, &s)
		also := m.also(true, yield)
		for m.next() {
			if len(m.opinions) > 0 && !also.yield(fold(&m.view, m.opinions, proposed)) {
				return
			}
		}
		also.rest()
	}
}

// Concerned yields what Match does but for the verdict not affected, and is
// much faster where most vulnerabilities of a product are of other versions.
func (x *Index) Concerned(s Subject) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		m := matchers.Get().(*matcher)
		defer m.done()
		proposed := m.prepare(x, &s)
		also := m.also(false, yield)
		if len(m.spelled) > 0 {
			yield = also.yield
		}
		if len(m.lists) == 1 && len(m.view.others) == 0 { // the table says nothing of other names
			if found, ok := m.table.concerned(m.release, m.found[:0]); ok {
				m.found = found
				if m.quick(proposed, yield) {
					also.rest()
				}
				return
			}
		}
		if m.slow(proposed, yield) {
			also.rest()
		}
	}
}

// slow looks at every plan of the lists; false when yield wants no more.
func (m *matcher) slow(proposed bool, yield func(Finding) bool) bool {
	for m.next() {
		if len(m.opinions) > 0 && m.opinions[m.order()].verdict != VerdictNotAffected &&
			!yield(fold(&m.view, m.opinions, proposed)) {
			return false
		}
	}
	return true
}

// quick looks at the candidates of a table. What a range alone decides is said
// at once; the others are judged. False when yield wants no more.
func (m *matcher) quick(proposed bool, yield func(Finding) bool) bool {
	plans := m.lists[0]
	for i := 0; i < len(m.found); {
		c := m.found[i]
		if c.span == nil {
			m.narrowed = m.narrowed[:0]
			for ; i < len(m.found) && m.found[i].span == nil; i++ {
				m.narrowed = append(m.narrowed, plans[m.found[i].plan])
			}
			m.lists[0] = m.narrowed
			if !m.slow(proposed, yield) {
				return false
			}
			continue
		}
		for said := false; i < len(m.found) && m.found[i].plan == c.plan; i++ {
			if said {
				continue // the first line that holds decides
			}
			var f Finding
			if f, said = m.inRange(&plans[c.plan], m.found[i].span, proposed); said && !yield(f) {
				return false
			}
		}
	}
	return true
}

// inRange is the finding about a version that lies in a range; said is false
// when the range is one of another edition.
func (m *matcher) inRange(p *plan, s *span, proposed bool) (f Finding, said bool) {
	l, edition := s.line, false
	if m.release == &m.view.byName && !l.general {
		var other bool
		if other, edition = l.otherEdition(&m.view.subject.Name); other {
			return f, false
		}
	}
	n := 1
	if edition {
		n++
	}
	if proposed {
		n++
	}
	if len(m.reasons) < n {
		m.reasons = make([]Reason, 64)
	}
	because := m.reasons[:0:n]
	m.reasons = m.reasons[n:]
	f = Finding{Vulnerability: p.statement.Vulnerability, Verdict: VerdictAffected, Certainty: Exact}
	if proposed {
		f.Verdict = Unknown
		because = append(because, Reason{Rule: NameProposed, Statement: p.statement})
	}
	r := Reason{Rule: InRange, Statement: p.statement, Path: l.path, Line: l.Line, Version: m.release.full.text, Range: s.rng, Status: Affected}
	because = append(because, r)
	if edition {
		r.Rule, r.Range = EditionUnknown, nil
		because = append(because, r)
	}
	f.Because = because
	return f, true
}

// Verdicts yields what Match does without the proofs, for whoever compares
// many: the vulnerability, the verdict and the certainty.
func (x *Index) Verdicts(s Subject, yield func(vulnerability string, v Verdict, c Certainty) bool) {
	m := matchers.Get().(*matcher)
	defer m.done()
	proposed := m.prepare(x, &s)
	also := m.also(true, func(f Finding) bool { return yield(f.Vulnerability, f.Verdict, f.Certainty) })
	for m.next() {
		if len(m.opinions) == 0 {
			continue
		}
		d := &m.opinions[m.order()]
		id, v, c := d.plan.statement.Vulnerability, d.verdict, d.certainty
		if proposed && v == VerdictAffected {
			v = Unknown
		}
		if !also.before(id) || !yield(id, v, c) {
			return
		}
	}
	also.rest()
}

// matchers are kept for the next Match; their content means nothing.
var matchers = sync.Pool{New: func() any { return new(matcher) }}

func (m *matcher) done() {
	m.view.subject = nil
	matchers.Put(m)
}

// prepare makes the subject ready and finds the plans of its products. It
// reports whether its name is only proposed.
func (m *matcher) prepare(x *Index, s *Subject) (proposed bool) {
	v := &m.view
	v.subject = s
	asked, own := askKeys(s.Name, "")
	v.keys = append(v.keys[:0], asked...)
	v.others = append(v.others[:0], asked[own:]...)
	v.pkg = packageKey(s.Package)
	proposed = s.Identity == Proposed
	if len(v.keys) == 0 && s.Name.Vendor == cpe.Any && names(s.Name.Product) {
		proposed = true
		for _, part := range parts(s.Name.Part) {
			v.keys = append(v.keys, x.vendors[part+":"+string(s.Name.Product)]...)
		}
	}
	atPackage := packageVersion(s.Package)
	said := ownVersion(s.Version, &s.Name)
	v.byName.set(&s.Name, said, atPackage)
	v.byPkg.set(&cpe.Name{}, atPackage, said, text(s.Name.Version))
	v.machines = v.machines[:0]
	for i := range s.Platforms {
		p := machine{name: &s.Platforms[i]}
		p.release.set(p.name)
		if k := Keys(s.Platforms[i], ""); len(k) > 0 {
			p.key = k[0]
		}
		v.machines = append(v.machines, p)
	}
	m.lists, m.table = m.lists[:0], nil
	for _, k := range v.keys {
		if e := x.of(k); e != nil && len(e.plans) > 0 {
			m.lists, m.table, m.release = append(m.lists, e.plans), &e.table, &v.byName
		}
	}
	if e := x.of(v.pkg); e != nil && len(e.plans) > 0 {
		m.lists, m.table, m.release = append(m.lists, e.plans), &e.table, &v.byPkg
	}
	m.spell(x, s)
	return proposed
}

// order puts the opinions in their order and returns the one that decides.
func (m *matcher) order() int {
	if len(m.opinions) > 1 {
		slices.SortStableFunc(m.opinions, func(a, b opinion) int { return a.before(&b) })
	}
	return choose(m.opinions)
}

// parts are the parts a name can mean.
func parts(p cpe.Value) []string {
	if p == cpe.Any {
		return []string{"a", "h", "o"}
	}
	if p == "a" || p == "o" { // see [AskKeys]
		return []string{"a", "o"}
	}
	return []string{string(p)}
}

// next gathers the opinions about the next vulnerability; false at the end.
func (m *matcher) next() bool {
	id, any := "", false
	for _, l := range m.lists {
		if len(l) > 0 && (!any || l[0].statement.Vulnerability < id) {
			id, any = l[0].statement.Vulnerability, true
		}
	}
	m.opinions, m.claims = m.opinions[:0], m.claims[:0]
	for i := range m.lists {
		for len(m.lists[i]) > 0 && m.lists[i][0].statement.Vulnerability == id {
			m.judge(&m.lists[i][0])
			m.lists[i] = m.lists[i][1:]
		}
	}
	return any
}

// judge adds the opinion of one statement, if it has one. A statement that
// speaks of the subject by name and by package is one opinion.
func (m *matcher) judge(p *plan) {
	start := len(m.claims)
	before := slices.IndexFunc(m.opinions, func(o opinion) bool { return o.plan.statement == p.statement })
	platform := false
	if before >= 0 {
		whole := newNode(&p.statement.Root, "", 0)
		m.claims, _ = whole.walk(&m.view, m.claims)
	} else {
		for _, part := range p.parts {
			var s state
			if part.line != nil {
				m.claims, s = part.line.walk(&m.view, m.claims)
			} else {
				m.claims, s = part.node.walk(&m.view, m.claims)
			}
			platform = platform || s.platform
		}
	}
	if before >= 0 && len(m.claims) == start {
		return
	}
	switch {
	case len(m.claims) > start:
		o := weigh(p, m.claims[start:len(m.claims):len(m.claims)])
		if before >= 0 {
			if was := &m.opinions[before]; len(was.claims) > 0 {
				o.rank = min(o.rank, was.rank)
			}
			m.opinions = slices.Delete(m.opinions, before, before+1)
		}
		m.opinions = append(m.opinions, o)
	case platform && p.platform != nil && m.view.subject.Name.Part == "h" && drives(&p.statement.Root, m.view.subject.Name.Vendor, 0):
		m.opinions = append(m.opinions, opinion{plan: p, rank: p.rank, verdict: Unknown, certainty: PlatformOnly, weight: soft, decided: -1})
	case platform && p.platform != nil:
		m.opinions = append(m.opinions, opinion{plan: p, rank: p.rank, verdict: VerdictNotAffected, certainty: PlatformOnly, weight: soft, decided: -1})
	}
}
