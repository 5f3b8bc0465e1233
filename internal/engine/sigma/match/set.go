package match

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// Options says how a Set is made. Its zero value is for use.
type Options struct {
	NoRouting bool          // every rule is meant for every row, whatever its logsource
	Routes    *sigma.Routes // nil: those that come with the program
	Fields    []string      // names that others ask rows for, as correlations do to group by them
}

// Set is rules made ready to be matched. What it says of a row never changes, and
// any number of matchers may use it at once. With routing the index for a kind of
// rows is made when the first such row comes.
type Set struct {
	rules []*sigma.Rule
	names *event.Names
	trees []node // of each rule
	start []int32
	code  []inst
	atoms []atom

	slotOf    []slot // by name; names given out later are of no rule
	fields    []event.Name
	slotCount int
	rarity    rarity
	clues     []clue // of each atom

	router *router // nil without routing
	index  *index  // over all rules; with routing only for rows beyond what is remembered
	once   sync.Once
	// nothing is an index that decides nothing, for Explain.
	nothing index
}

// maxSlots is how many fields rules may name together.
const maxSlots = 1 << 15

// ErrNames says that the rules name more fields than there are numbers for.
var ErrNames = errors.New("the rules name too many fields")

// New makes a Set of rules, in whose order hits are told. Rules without Expr
// (correlations) never match. Names must be those of the rows.
func New(rules []*sigma.Rule, names *event.Names, opt Options) (*Set, error) {
	s := &Set{rules: rules, names: names, fields: []event.Name{0}, slotCount: 1, rarity: newRarity()}
	c := compiler{set: s, names: names, slots: map[string]slot{}, atoms: map[string]uint32{}, tests: map[*sigma.Test]uint32{}}
	if !opt.NoRouting {
		if opt.Routes == nil {
			opt.Routes = sigma.DefaultRoutes()
		}
		s.router = newRouter(s, opt.Routes)
	}
	if err := c.compile(opt.Fields); err != nil {
		return nil, err
	}
	s.number()
	s.nothing.decided = make([]uint64, len(s.atoms)/64+1)
	if opt.NoRouting {
		s.whole()
	}
	return s, nil
}

// compile makes trees and steps of all rules.
func (c *compiler) compile(fields []string) error {
	s := c.set
	s.trees, s.start = make([]node, len(s.rules)), make([]int32, len(s.rules))
	for i, r := range s.rules {
		s.trees[i] = node{op: sigma.False}
		if r.Expr != nil {
			s.trees[i] = c.tree(s.expr(i))
		}
		if c.full {
			return fmt.Errorf("rule %s: %w", r.Ref(), ErrNames)
		}
		s.start[i] = s.emit(&s.trees[i], fires, fails)
	}
	for _, f := range fields {
		c.slot(f)
	}
	if c.full {
		return ErrNames
	}
	s.rarity.slots = append(c.perSlot, make([]int, s.slotCount)...)
	return nil
}

// number finds the slots by name and the clue of each atom, when all are known.
func (s *Set) number() {
	s.slotOf = make([]slot, slices.Max(s.fields)+1)
	for i, n := range s.fields {
		s.slotOf[n] = slot(i)
	}
	s.clues = make([]clue, len(s.atoms))
	for i := range s.clues {
		slices.SortStableFunc(s.atoms[i].needs, func(a, b need) int { return cmp.Compare(s.rarity.need(a), s.rarity.need(b)) })
		s.clues[i] = s.clue(uint32(i))
	}
}

// whole returns the index over all rules.
func (s *Set) whole() *index {
	s.once.Do(func() {
		all := make([]uint32, len(s.rules))
		for i := range all {
			all[i] = uint32(i)
		}
		b := s.newBuilder(nil)
		b.add(all)
		b.build()
		s.index = b.index
	})
	return s.index
}

// expr returns what rule i asks of rows.
func (s *Set) expr(i int) *sigma.Expr {
	if s.router != nil {
		return s.router.expr(i)
	}
	return s.rules[i].Expr
}

// slot returns the slot of a name, anySlot for one that no rule asks for.
func (s *Set) slot(n event.Name) slot {
	if int(n) < len(s.slotOf) {
		return s.slotOf[n]
	}
	return anySlot
}

// Rules returns the rules in the order in which hits name them.
func (s *Set) Rules() []*sigma.Rule { return s.rules }

// compiler gives tests and fields their numbers.
type compiler struct {
	set     *Set
	names   *event.Names
	slots   map[string]slot
	atoms   map[string]uint32      // by sigma.Test.Key
	tests   map[*sigma.Test]uint32 // tests are often shared between rules
	perSlot []int
	full    bool
}

func (c *compiler) tree(e *sigma.Expr) node {
	n := node{op: e.Op}
	if e.Op == sigma.Leaf {
		n.atom = c.atom(e.Test)
		return n
	}
	if len(e.Kids) > 0 {
		n.kids = make([]node, len(e.Kids))
	}
	for i, k := range e.Kids {
		n.kids[i] = c.tree(k)
	}
	return n
}

func (c *compiler) atom(t *sigma.Test) uint32 {
	if id, ok := c.tests[t]; ok {
		return id
	}
	key := t.Key()
	id, ok := c.atoms[key]
	if !ok {
		id = uint32(len(c.set.atoms))
		c.set.atoms = append(c.set.atoms, newAtom(t, c.slot))
		c.atoms[key] = id
	}
	c.tests[t] = id
	a := &c.set.atoms[id]
	for len(c.perSlot) < c.set.slotCount {
		c.perSlot = append(c.perSlot, 0)
	}
	c.perSlot[a.slot]++
	if len(a.text) > 0 {
		c.set.rarity.learn(fold(string(a.text)), 1)
	}
	return id
}

// slot returns the number of a field and gives it one if it has none.
func (c *compiler) slot(field string) slot {
	if field == "" {
		return anySlot
	}
	s, ok := c.slots[field]
	if !ok {
		name := c.names.ID(field)
		if name == 0 || c.set.slotCount >= maxSlots {
			c.full = true
			return anySlot
		}
		s = slot(c.set.slotCount)
		c.set.slotCount++
		c.slots[field] = s
		c.set.fields = append(c.set.fields, name)
	}
	return s
}
