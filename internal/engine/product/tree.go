package product

import (
	"strconv"

	"noroshi/internal/engine/product/cpe"
)

// node is a Node made ready for evaluation.
type node struct {
	op       Op
	negate   bool
	lines    []line
	children []node
}

// maxDepth bounds how deep a statement's nodes may nest; what lies deeper is
// not looked at. NVD uses two levels.
const maxDepth = 32

func newNode(n *Node, path string, depth int) node {
	c := node{op: n.Op, negate: n.Negate}
	if depth > maxDepth {
		return c
	}
	if len(n.Lines) > 0 {
		c.lines = make([]line, len(n.Lines))
		for i := range n.Lines {
			c.lines[i] = newLine(&n.Lines[i], path+"/lines/"+strconv.Itoa(i))
		}
	}
	if len(n.Children) > 0 {
		c.children = make([]node, len(n.Children))
		for i := range n.Children {
			c.children[i] = newNode(&n.Children[i], path+"/children/"+strconv.Itoa(i), depth+1)
		}
	}
	return c
}

// claim is what one line says of the subject, as far as its conditions hold.
type claim struct {
	met
	line     *line
	platform *line // the condition that decided: nil when there is none
	holds    level // of that condition
}

// view is a Subject made ready for matching.
type view struct {
	subject  *Subject
	keys     []string // product keys of its name
	others   []string // of keys, those of its other names
	pkg      string   // product key of its package
	byName   release  // as lines that name a CPE compare it
	byPkg    release  // as lines that name a package compare it
	machines []machine
}

// machine is a platform known to be present.
type machine struct {
	name *cpe.Name
	key  string
	release
}

// self compares a line with the subject: unnamed when it speaks of another
// product.
func (v *view) self(l *line) met {
	if l.key != "" {
		for _, k := range v.keys {
			if k == l.key {
				return l.meet(&v.subject.Name, &v.byName)
			}
		}
	}
	if l.pkg != "" && l.pkg == v.pkg {
		return l.meet(nil, &v.byPkg)
	}
	return met{level: unnamed}
}

// present says whether what a line names is on the machine beside the subject.
func (v *view) present(l *line) level {
	best := likely
	for i := range v.machines {
		m := &v.machines[i]
		switch {
		case m.key != "" && m.key == l.key:
			switch l.meet(m.name, &m.release).level {
			case yes:
				return yes
			case no:
				best = no
			}
		case family(&l.Name, m.name):
			return yes
		case rules(&l.Name, m.name) && best == likely:
			best = no
		}
	}
	return best
}

// state is what the evaluation of a node finds.
type state struct {
	holds    level // whether the node holds for the machine
	by       *line // the line that decided holds
	platform bool  // the subject is one of the platforms in it
}

// walk evaluates a node for a subject and appends what it says of the subject
// to the claims.
func (n *node) walk(v *view, claims []claim) ([]claim, state) {
	start := len(claims)
	var all state
	if n.op == And {
		claims, all = n.walkAnd(v, claims)
	} else {
		claims, all = n.walkOr(v, claims)
	}
	if n.negate {
		// What must not be there is not what is vulnerable.
		claims = claims[:start]
		all.platform = false
		switch all.holds {
		case yes:
			all.holds = no
		case no, unnamed:
			all.holds = yes
		}
	}
	return claims, all
}

func (n *node) walkOr(v *view, claims []claim) ([]claim, state) {
	all := state{holds: no}
	for i := range n.lines {
		var s state
		claims, s = n.lines[i].walk(v, claims)
		all.or(s)
	}
	for i := range n.children {
		var s state
		claims, s = n.children[i].walk(v, claims)
		all.or(s)
	}
	return claims, all
}

func (s *state) or(o state) {
	if o.holds > s.holds || s.by == nil {
		s.holds, s.by = max(s.holds, o.holds), o.by
	}
	s.platform = s.platform || o.platform
}

// walkAnd holds each part's claims to the weakest of the other parts.
func (n *node) walkAnd(v *view, claims []claim) ([]claim, state) {
	parts := len(n.lines) + len(n.children)
	var few [8]state
	states := few[:0]
	var fewEnds [8]int
	ends := fewEnds[:0]
	start := len(claims)
	all := state{holds: yes}
	for i := range parts {
		var s state
		if i < len(n.lines) {
			claims, s = n.lines[i].walk(v, claims)
		} else {
			claims, s = n.children[i-len(n.lines)].walk(v, claims)
		}
		states, ends = append(states, s), append(ends, len(claims))
		if s.holds < all.holds || all.by == nil {
			all.holds, all.by = min(all.holds, s.holds), s.by
		}
		all.platform = all.platform || s.platform
	}
	from := start
	for i := range parts {
		if ends[i] > from {
			weakest := -1
			for j := range parts {
				if j != i && (weakest < 0 || states[j].holds < states[weakest].holds) {
					weakest = j
				}
			}
			for c := from; c < ends[i] && weakest >= 0; c++ {
				claims[c].under(states[weakest])
			}
		}
		from = ends[i]
	}
	return claims, all
}

// under holds a claim to a condition.
func (c *claim) under(s state) {
	if c.level == no {
		return // its own version already says no
	}
	if c.platform == nil || s.holds < c.holds {
		c.platform, c.holds = s.by, s.holds
	}
	c.level = min(c.level, max(s.holds, no))
}

// walk evaluates one line.
func (l *line) walk(v *view, claims []claim) ([]claim, state) {
	m := v.self(l)
	if m.level == unnamed {
		return claims, state{holds: v.present(l), by: l}
	}
	holds := m.level
	if holds != yes {
		// Another copy of the product may be what is meant.
		for i := range v.machines {
			if k := &v.machines[i]; k.key != "" && k.key == l.key && l.meet(k.name, &k.release).level == yes {
				holds = yes
			}
		}
	}
	if l.Platform {
		return claims, state{holds: holds, by: l, platform: m.level > no}
	}
	return append(claims, claim{met: m, line: l}), state{holds: holds, by: l}
}

// family reports whether a platform is one of those that a name without a
// version stands for: "windows" for every Windows, "windows_10" for each of
// its releases.
func family(said, is *cpe.Name) bool {
	if said.Part != is.Part || said.Vendor != is.Vendor || said.Version != cpe.NA && said.Version != cpe.Any {
		return false
	}
	p, q := string(said.Product), string(is.Product)
	return len(q) > len(p) && p != "" && q[:len(p)] == p && q[len(p)] == '_'
}

// rules reports whether the presence of one thing rules out another: a machine
// has one operating system and one hardware, and any number of applications.
// A Linux distribution and the Linux kernel do not exclude each other.
func rules(said, is *cpe.Name) bool {
	if said.Part != is.Part || said.Part != "o" && said.Part != "h" || !names(is.Vendor) || !names(is.Product) {
		return false
	}
	if said.Vendor == "linux" || is.Vendor == "linux" {
		other := said.Vendor
		if other == "linux" {
			other = is.Vendor
		}
		return other == "microsoft" || other == "apple"
	}
	return said.Vendor != is.Vendor || said.Product != is.Product
}
