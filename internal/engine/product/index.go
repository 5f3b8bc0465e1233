package product

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"

	"noroshi/internal/engine/product/cpe"
)

// Builder collects statements for an [Index]. Its zero value is ready.
type Builder struct {
	statements []*Statement
}

// Add takes a statement in; it must not be changed afterwards.
func (b *Builder) Add(s Statement) { b.statements = append(b.statements, &s) }

// Len is the number of statements taken in.
func (b *Builder) Len() int { return len(b.statements) }

// Index makes the index. The builder must not be used afterwards.
func (b *Builder) Index() *Index { return newIndex(b.statements) }

// New makes an index of a few statements: those about one product, or about
// one vulnerability.
func New(statements []Statement) *Index {
	refs := make([]*Statement, len(statements))
	for i := range statements {
		refs[i] = &statements[i]
	}
	return newIndex(refs)
}

// Index finds what statements say of a piece of equipment. It does not change
// and may be used by many goroutines.
type Index struct {
	statements []*Statement
	products   map[string][]plan   // by product key, ordered by vulnerability
	vendors    map[string][]string // "part:product" to the product keys of every vendor
}

// plan is what one statement says about one product.
type plan struct {
	statement *Statement
	parts     []part
	platform  *line // the first platform line of the product, nil when there is none
	firmware  bool  // the product is hardware, and the statement is about its maker's software
	mixed     bool  // not all lines say affected, so that their order matters
	rank      rank
}

// part is a line that stands for itself, or a node that has to be evaluated as
// a whole. One of the two is nil.
type part struct {
	line *line
	node *node
}

func newIndex(statements []*Statement) *Index {
	x := &Index{statements: statements, products: make(map[string][]plan, len(statements)/4+1), vendors: map[string][]string{}}
	var scratch compiler
	for _, s := range statements {
		scratch.compile(x, s)
	}
	for key, plans := range x.products {
		slices.SortStableFunc(plans, func(a, b plan) int {
			return cmp.Compare(a.statement.Vulnerability, b.statement.Vulnerability)
		})
		if rest, isCPE := strings.CutPrefix(key, "cpe:"); isCPE {
			if partOf, vendorProduct, ok := strings.Cut(rest, ":"); ok {
				if _, p, ok := cutValue(vendorProduct); ok {
					x.vendors[partOf+":"+p] = append(x.vendors[partOf+":"+p], key)
				}
			}
		}
	}
	for _, keys := range x.vendors {
		slices.Sort(keys)
	}
	return x
}

// cutValue splits a text of two bound values at the colon between them.
func cutValue(s string) (before, after string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// compiler makes plans of statements; its slices are used again.
type compiler struct {
	keys  []string
	plans []plan
}

func (c *compiler) compile(x *Index, s *Statement) {
	root := newNode(&s.Root, "", 0)
	c.keys, c.plans = c.keys[:0], c.plans[:0]
	c.split(s, &root)
	for i, k := range c.keys {
		p := c.plans[i]
		p.statement = s
		p.parts = slices.Clone(p.parts)
		x.products[k] = append(x.products[k], p)
	}
}

// split deals the parts of a statement to the products they name: lines of
// plain alternatives one by one, anything else as a whole.
func (c *compiler) split(s *Statement, n *node) {
	if n.op == And || n.negate {
		n.each(func(l *line) { c.give(s, l, n) })
		return
	}
	for i := range n.lines {
		c.give(s, &n.lines[i], nil)
	}
	for i := range n.children {
		c.split(s, &n.children[i])
	}
}

func (c *compiler) give(s *Statement, l *line, whole *node) {
	for _, key := range [...]string{l.key, l.pkg} {
		if key == "" {
			continue
		}
		i := slices.Index(c.keys, key)
		if i < 0 {
			i = len(c.keys)
			c.keys = append(c.keys, key)
			c.plans = append(c.plans, plan{rank: rankOf(s, l.Name.Vendor)})
		}
		p := &c.plans[i]
		switch {
		case whole == nil:
			p.parts = append(p.parts, part{line: l})
		case len(p.parts) == 0 || p.parts[len(p.parts)-1].node != whole:
			p.parts = append(p.parts, part{node: whole})
		}
		p.mixed = p.mixed || whole != nil || l.Status != Affected
		if l.Platform && p.platform == nil {
			p.platform = l
			p.firmware = l.Name.Part == "h" && whole != nil && drives(whole, l.Name.Vendor)
		}
	}
}

// drives reports whether a node is about an operating system of a vendor: the
// firmware of its hardware.
func drives(n *node, vendor cpe.Value) bool {
	found := false
	n.each(func(l *line) {
		found = found || !l.Platform && l.Name.Part == "o" && l.Name.Vendor == vendor
	})
	return found
}

// Len is the number of statements.
func (x *Index) Len() int { return len(x.statements) }

// Statements yields every statement, in the order they were added.
func (x *Index) Statements() iter.Seq[*Statement] { return slices.Values(x.statements) }

// Products yields the product keys statements are about, in no order.
func (x *Index) Products() iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range x.products {
			if !yield(k) {
				return
			}
		}
	}
}

// matcher is the working memory of one Match.
type matcher struct {
	view     view
	lists    [][]plan
	claims   []claim
	opinions []opinion
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
//   - "-" as version means a product without a version, and never every version.
//   - Of several sources the one nearest to the maker decides, of equals the
//     newest; the proof holds what the others say.
func (x *Index) Match(s Subject) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		m := matchers.Get().(*matcher)
		defer m.release()
		proposed := m.prepare(x, &s)
		for m.next() {
			if len(m.opinions) > 0 && !yield(fold(&m.view, m.opinions, proposed)) {
				return
			}
		}
	}
}

// Verdicts yields what Match does without the proofs, for whoever compares
// many: the vulnerability, the verdict and the certainty.
func (x *Index) Verdicts(s Subject, yield func(vulnerability string, v Verdict, c Certainty) bool) {
	m := matchers.Get().(*matcher)
	defer m.release()
	proposed := m.prepare(x, &s)
	for m.next() {
		if len(m.opinions) == 0 {
			continue
		}
		if len(m.opinions) > 1 {
			slices.SortStableFunc(m.opinions, func(a, b opinion) int { return a.before(&b) })
		}
		d := &m.opinions[choose(m.opinions)]
		v := d.verdict
		if proposed && v == VerdictAffected {
			v = Unknown
		}
		if !yield(d.plan.statement.Vulnerability, v, d.certainty) {
			return
		}
	}
}

// matchers are kept for the next Match; their content means nothing.
var matchers = sync.Pool{New: func() any { return new(matcher) }}

func (m *matcher) release() {
	m.view.subject = nil
	matchers.Put(m)
}

// prepare makes the subject ready and finds the plans of its products. It
// reports whether its name is only proposed.
func (m *matcher) prepare(x *Index, s *Subject) (proposed bool) {
	v := &m.view
	v.subject = s
	v.keys = append(v.keys[:0], Keys(s.Name, "")...)
	v.pkg = packageKey(s.Package)
	proposed = s.Identity == Proposed
	if len(v.keys) == 0 && s.Name.Vendor == cpe.Any && names(s.Name.Product) {
		proposed = true
		for _, part := range parts(s.Name.Part) {
			v.keys = append(v.keys, x.vendors[part+":"+string(s.Name.Product)]...)
		}
	}
	atPackage := packageVersion(s.Package)
	v.byName.set(&s.Name, s.Version, atPackage)
	v.byPkg.set(&cpe.Name{}, atPackage, s.Version, text(s.Name.Version))
	v.machines = v.machines[:0]
	for i := range s.Platforms {
		p := machine{name: &s.Platforms[i]}
		p.release.set(p.name)
		if k := Keys(s.Platforms[i], ""); len(k) > 0 {
			p.key = k[0]
		}
		v.machines = append(v.machines, p)
	}
	m.lists = m.lists[:0]
	for _, k := range v.keys {
		if plans := x.products[k]; len(plans) > 0 {
			m.lists = append(m.lists, plans)
		}
	}
	if plans := x.products[v.pkg]; v.pkg != "" && len(plans) > 0 {
		m.lists = append(m.lists, plans)
	}
	return proposed
}

// parts are the parts a name can mean.
func parts(p cpe.Value) []string {
	if p == cpe.Any {
		return []string{"a", "h", "o"}
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
	for i := range m.opinions {
		if o := &m.opinions[i]; o.plan.statement == p.statement {
			for _, c := range o.claims {
				m.claims = append(m.claims, c)
			}
			m.opinions = slices.Delete(m.opinions, i, i+1)
			break
		}
	}
	platform := false
	for _, part := range p.parts {
		var s state
		if part.line != nil {
			m.claims, s = part.line.walk(&m.view, m.claims)
		} else {
			m.claims, s = part.node.walk(&m.view, m.claims)
		}
		platform = platform || s.platform
	}
	m.claims = once(m.claims, start)
	switch {
	case len(m.claims) > start:
		m.opinions = append(m.opinions, weigh(p, m.claims[start:len(m.claims):len(m.claims)]))
	case platform && p.platform != nil && p.firmware:
		m.opinions = append(m.opinions, opinion{plan: p, verdict: Unknown, certainty: PlatformOnly, weight: soft, decided: -1})
	case platform && p.platform != nil:
		m.opinions = append(m.opinions, opinion{plan: p, verdict: VerdictNotAffected, certainty: PlatformOnly, weight: soft, decided: -1})
	}
}

// once drops the claims from start on whose line has already claimed.
func once(claims []claim, start int) []claim {
	if len(claims)-start < 2 {
		return claims
	}
	kept := claims[:start]
	for _, c := range claims[start:] {
		if !slices.ContainsFunc(kept[start:], func(k claim) bool { return k.line.Line == c.line.Line }) {
			kept = append(kept, c)
		}
	}
	return kept
}
