package product

import (
	"slices"
	"sort"
	"strconv"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// plan is what one statement says about one product.
type plan struct {
	statement *Statement
	parts     []part
	platform  *line // the first platform line of the product, nil when there is none
	rank      rank
}

// part is a line that stands for itself, or a node that has to be evaluated as
// a whole. One of the two is nil.
type part struct {
	line *line
	node *node
}

// compile makes the plans of a product, and the table of those that are only
// about ranges.
func (e *entry) compile(statements []*Statement) {
	e.plans = make([]plan, 0, len(e.refs))
	for _, ref := range e.refs {
		c := compiler{key: e.key}
		c.plan.statement = statements[ref]
		c.split(&c.plan.statement.Root, 0)
		if len(c.plan.parts) > 0 {
			e.plans = append(e.plans, c.plan)
		}
	}
	e.table = newTable(e.plans)
}

// compiler makes the plan of one statement about one product.
type compiler struct {
	key  string
	path []byte
	plan plan
}

// split deals the parts of a statement that name the product: lines of plain
// alternatives one by one, anything else as a whole.
func (c *compiler) split(n *Node, depth int) {
	if depth > maxDepth {
		return
	}
	if n.Op == And || n.Negate {
		whole := newNode(n, string(c.path), depth)
		whole.each(func(l *line) {
			if l.key == c.key || l.pkg == c.key {
				c.give(l, &whole)
			}
		})
		return
	}
	at := len(c.path)
	for i := range n.Lines {
		if l := &n.Lines[i]; c.names(l) {
			path := strconv.AppendInt(append(c.path, "/lines/"...), int64(i), 10)
			compiled := newLine(l, string(path))
			c.give(&compiled, nil)
		}
	}
	for i := range n.Children {
		c.path = strconv.AppendInt(append(c.path[:at], "/children/"...), int64(i), 10)
		c.split(&n.Children[i], depth+1)
	}
	c.path = c.path[:at]
}

// names reports whether a line names the product.
func (c *compiler) names(l *Line) bool {
	if v, p := string(l.Name.Vendor), string(l.Name.Product); p != "" && len(c.key) == len("cpe:a::")+len(v)+len(p) &&
		c.key[:4] == "cpe:" && c.key[len(c.key)-len(p):] == p && names(l.Name.Vendor) && names(l.Name.Product) {
		if keys := Keys(l.Name, ""); len(keys) > 0 && keys[0] == c.key {
			return true
		}
	}
	return l.Package != "" && packageKey(l.Package) == c.key || l.onlyText() && TextKey(l.Text) == c.key
}

func (c *compiler) give(l *line, whole *node) {
	p := &c.plan
	if len(p.parts) == 0 {
		vendor := l.Name.Vendor
		if l.key != c.key {
			vendor = cpe.Any // a package says nothing of who its maker is
		}
		p.rank = rankOf(p.statement, vendor)
	}
	switch {
	case whole == nil:
		p.parts = append(p.parts, part{line: l})
	case len(p.parts) == 0 || p.parts[len(p.parts)-1].node != whole:
		p.parts = append(p.parts, part{node: whole})
	}
	if l.Platform && p.platform == nil {
		p.platform = l
	}
}

// drives reports whether a node is about an operating system of a vendor: the
// firmware of its hardware.
func drives(n *Node, vendor cpe.Value, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for i := range n.Lines {
		if l := &n.Lines[i]; !l.Platform && l.Name.Part == "o" && l.Name.Vendor == vendor {
			return true
		}
	}
	for i := range n.Children {
		if drives(&n.Children[i], vendor, depth+1) {
			return true
		}
	}
	return false
}

// table finds the plans of a product that do not plainly say "not affected" of
// a version. Plans about nothing but ranges are held as intervals of whole
// numbers: the places of their bounds among all bounds, in order.
type table struct {
	axes  []axis
	spans []span   // ordered by plan
	rest  []uint32 // plans that are looked at for every version
}

// axis is the order of one scheme. Most products have one; where a maker writes
// its versions in two ways, there are two.
type axis struct {
	scheme version.Scheme
	line   version.Prepared   // on whose line of development all bounds stand
	bounds []version.Prepared // in order, each once
}

// maxAxes bounds the schemes of one product that a table knows.
const maxAxes = 4

// span is a range of a plan. A version that equals bound i stands at 2i+1, one
// between bounds i-1 and i at 2i.
type span struct {
	from, to uint32
	plan     uint32
	axis     uint32
	line     *line
	rng      *version.Range
}

// few is the number of plans below which a table is not worth its making.
const few = 8

func newTable(plans []plan) table {
	var t table
	if len(plans) < few {
		return t
	}
	ranges := func(p *plan, f func(l *line, i int)) {
		for _, part := range p.parts {
			for i := range part.line.spans {
				f(part.line, i)
			}
		}
	}
	isRest := make([]bool, len(plans))
	for i := range plans {
		p := &plans[i]
		alone := (i == 0 || plans[i-1].statement.Vulnerability != p.statement.Vulnerability) &&
			(i+1 == len(plans) || plans[i+1].statement.Vulnerability != p.statement.Vulnerability)
		if !alone || !p.onlyRanges() || !t.axesFor(p) {
			isRest[i] = true
			t.rest = append(t.rest, uint32(i))
			continue
		}
		ranges(p, func(l *line, j int) {
			for _, b := range [...]bound{l.spans[j].from, l.spans[j].to} {
				if a := &t.axes[t.axis(l.scheme)]; b.closed {
					a.bounds = append(a.bounds, b.at)
				}
			}
		})
	}
	order := func(a, b version.Prepared) int { c, _ := a.Compare(b); return c }
	for i := range t.axes {
		a := &t.axes[i]
		slices.SortFunc(a.bounds, order)
		a.bounds = slices.CompactFunc(a.bounds, func(a, b version.Prepared) bool { return order(a, b) == 0 })
	}
	for i := range plans {
		if isRest[i] {
			continue
		}
		ranges(&plans[i], func(l *line, j int) {
			at := t.axis(l.scheme)
			a := &t.axes[at]
			s := span{from: 0, to: 2 * uint32(len(a.bounds)), plan: uint32(i), axis: uint32(at), line: l, rng: &l.Ranges[j]}
			if b := l.spans[j].from; b.closed {
				if s.from = a.place(b.at); l.Ranges[j].FromExcluded {
					s.from++
				}
			}
			if b := l.spans[j].to; b.closed {
				if s.to = a.place(b.at); !l.Ranges[j].ToIncluded {
					s.to--
				}
			}
			if s.from <= s.to {
				t.spans = append(t.spans, s)
			}
		})
	}
	return t
}

// axis returns the place of a scheme's axis, -1 when there is none.
func (t *table) axis(s version.Scheme) int {
	for i := range t.axes {
		if t.axes[i].scheme == s {
			return i
		}
	}
	return -1
}

// axesFor sees to it that the schemes of a plan have an axis; false when there
// are too many, or its bounds stand on another line of development than those
// of an axis.
func (t *table) axesFor(p *plan) bool {
	for _, part := range p.parts {
		at := t.axis(part.line.scheme)
		if at < 0 {
			if len(t.axes) == maxAxes {
				return false
			}
			at = len(t.axes)
			t.axes = append(t.axes, axis{scheme: part.line.scheme})
		}
		a := &t.axes[at]
		for _, s := range part.line.spans {
			for _, b := range [...]bound{s.from, s.to} {
				switch {
				case !b.closed || !b.at.Fenced():
				case !a.line.Fenced():
					a.line = b.at
				case !a.line.Kin(b.at):
					return false
				}
			}
		}
	}
	return true
}

// onlyRanges reports whether a plan says "affected" of ranges of ordered
// versions and nothing else.
func (p *plan) onlyRanges() bool {
	for _, part := range p.parts {
		l := part.line
		if l == nil || l.Platform || l.Status != Affected || len(l.Versions) > 0 || len(l.Ranges) == 0 || l.Unread != "" {
			return false
		}
		for _, i := range l.spans {
			if !i.from.closed && !i.to.closed || i.from.closed && !i.from.at.Readable() || i.to.closed && !i.to.at.Readable() {
				return false
			}
		}
	}
	return true
}

// place is where a version stands among the bounds.
func (a *axis) place(v version.Prepared) uint32 {
	i, equal := sort.Find(len(a.bounds), func(i int) int { c, _ := v.Compare(a.bounds[i]); return c })
	if equal {
		return 2*uint32(i) + 1
	}
	return 2 * uint32(i)
}

// candidate is a plan that may not say "not affected" of a version: because of
// a range it lies in, or, where span is nil, for reasons the table does not
// know.
type candidate struct {
	plan uint32
	span *span
}

// concerned appends the candidates for a version, in the order of the plans. ok
// is false when they cannot be told by the table.
func (t *table) concerned(r *release, to []candidate) (_ []candidate, ok bool) {
	if len(t.spans) == 0 && len(t.rest) == 0 || r.base.text == "" {
		return to, false
	}
	var places [maxAxes]uint32
	for i := range t.axes {
		at := r.full.prepare(t.axes[i].scheme)
		if !at.Readable() || !at.Kin(t.axes[i].line) {
			return to, false
		}
		places[i] = t.axes[i].place(at)
	}
	rest := t.rest
	for i := range t.spans {
		s := &t.spans[i]
		if place := places[s.axis]; place < s.from || place > s.to {
			continue
		}
		for len(rest) > 0 && rest[0] < s.plan {
			to, rest = append(to, candidate{plan: rest[0]}), rest[1:]
		}
		to = append(to, candidate{s.plan, s})
	}
	for _, p := range rest {
		to = append(to, candidate{plan: p})
	}
	return to, true
}
