package match

import (
	"unicode/utf8"

	"noroshi/internal/engine/sigma"
)

// how says by what an index notices that an atom may be true.
type how uint8

const (
	byEdge  how = iota // a hash of the value or its edge
	byGram             // a text inside the value
	bySlot             // the field is there: the atom is run
	byField            // the field is there: that is all
	byRow              // nothing: the atom is run for every row
)

// clue is one way in which a row shows that a rule may be true.
type clue struct {
	how   how
	edge  edge
	atom  uint32
	slot  slot
	texts []string // of byGram: one of them is in the value
	cost  float64  // how often it is expected to turn up, for comparison only
}

// witness is a set of clues, one of which every row has that makes a tree
// true. A tree that can be true without any clue has none (ok is false).
type witness struct {
	clues []clue
	cost  float64
	ok    bool
}

// witness finds the cheapest set of clues of a tree, or of its opposite:
// of And any kid will do, of Or all kids are needed, and the opposite of a test
// shows nowhere.
func (b *builder) witness(n *node, opposite bool) witness {
	op := n.op
	if opposite {
		switch op {
		case sigma.And:
			op = sigma.Or
		case sigma.Or:
			op = sigma.And
		case sigma.True:
			op = sigma.False
		case sigma.False:
			op = sigma.True
		}
	}
	switch op {
	case sigma.Not:
		return b.witness(&n.kids[0], !opposite)
	case sigma.Leaf:
		return b.leaf(n.atom, opposite)
	case sigma.False:
		return witness{ok: true}
	case sigma.And:
		var least witness
		for i := range n.kids {
			if w := b.witness(&n.kids[i], opposite); w.ok && (!least.ok || w.cost < least.cost) {
				least = w
			}
		}
		return least
	case sigma.Or:
		union := witness{ok: true}
		for i := range n.kids {
			w := b.witness(&n.kids[i], opposite)
			if !w.ok {
				return witness{}
			}
			union.clues = append(union.clues, w.clues...)
			union.cost += w.cost
		}
		return union
	}
	return witness{} // True
}

func (b *builder) leaf(id uint32, opposite bool) witness {
	a := &b.set.atoms[id]
	if known, truth := b.known(id); known {
		return witness{ok: truth == opposite} // false: no row has it; true: nothing to see
	}
	if opposite || a.op == opNull {
		if opposite && a.op == opNull {
			return b.one(clue{how: byField, atom: id, slot: a.slot, cost: b.set.rarity.field(a.slot)})
		}
		return witness{}
	}
	return b.one(b.set.clues[id])
}

func (b *builder) one(c clue) witness { return witness{[]clue{c}, c.cost, true} }

// clue returns how an atom is best noticed.
func (s *Set) clue(id uint32) clue {
	a, r := &s.atoms[id], &s.rarity
	c := clue{how: bySlot, atom: id, slot: a.slot, cost: r.field(a.slot) / 2}
	if a.slot == anySlot {
		c.how, c.cost = byRow, r.row()
	}
	if a.cased && !utf8.Valid(a.text) {
		return c // half a letter may fold to what its whole does not have
	}
	text := fold(string(a.text))
	gram := func() {
		if len(text) >= gramSize {
			c.how, c.texts, c.cost = byGram, []string{text}, r.text(text)
		}
	}
	switch {
	case a.op == opContains && len(text) > 1 && text[0] >= 0xC2 && len(text) <= 4 && a.slot != anySlot:
		c.how, c.edge, c.cost = byEdge, letter, 5 // a sign or a letter of another script
	case a.op == opContains, a.slot == anySlot && (a.op == opPrefix || a.op == opSuffix || a.op == opEqual):
		gram()
	case a.op == opEqual:
		c.how, c.edge, c.cost = byEdge, whole, r.value(text)
	case a.op == opPrefix && len(text) > 0:
		c.how, c.edge, c.cost = byEdge, widest(head1, len(text)), r.edge(text)
	case a.op == opSuffix && len(text) > 0:
		c.how, c.edge, c.cost = byEdge, widest(tail1, len(text)), r.edge(text)
	case a.op == opWild:
		for _, l := range wildLiterals(a.test.Parts) {
			if cost := r.text(l); len(l) >= gramSize && (c.how != byGram || cost < c.cost) {
				c.how, c.texts, c.cost = byGram, []string{l}, cost
			}
		}
	case a.op == opRegexp:
		for _, n := range a.needs {
			if cost := r.need(n); n.shortest() >= gramSize && (c.how != byGram || cost < c.cost) {
				c.how, c.texts, c.cost = byGram, n, cost
			}
		}
	}
	return c
}
