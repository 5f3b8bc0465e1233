package correlate

import (
	"math"
	"slices"

	"noroshi/internal/engine/sigma"
)

// Set is the correlations of a collection, ready to be run. It is not changed
// after Compile and may be used by many engines.
type Set struct {
	nodes []*node
	feeds map[*sigma.Rule][]feed
	needs map[*sigma.Rule][]string
}

// node is one correlation.
type node struct {
	rule   *sigma.Rule
	c      *sigma.Correlation
	span   int64 // nanoseconds
	floor  int   // sliding: how many make a hit of it
	slides bool
	first  []int // of rules one after the other, by place: the first place of the same rule
	places []int // and how many it has, at its first place
}

// feed is a rule's place in a correlation: which of the rules it is over, and
// where in the values of a hit its group and its fields stand.
type feed struct {
	node     int
	position int
	group    []int
	fields   []int
}

// Compile makes a Set of the rules that are correlations; others are passed
// over. Rules stand after those they are over, as [sigma.Load] gives them, or
// in any other order.
func Compile(rules []*sigma.Rule) *Set {
	s := &Set{feeds: map[*sigma.Rule][]feed{}, needs: map[*sigma.Rule][]string{}}
	for _, r := range rules {
		c := r.Correlation
		if c == nil {
			continue
		}
		n := &node{rule: r, c: c, span: int64(c.Timespan)}
		if n.span <= 0 {
			n.span = math.MaxInt64
		}
		n.floor, n.slides = floorOf(c)
		s.nodes = append(s.nodes, n)
		for i := len(c.Rules) - 1; i >= 0; i-- { // backwards: a rule that stands twice must be hit twice
			over := c.Rules[i]
			f := feed{node: len(s.nodes) - 1, position: i}
			for _, by := range c.GroupBy {
				f.group = append(f.group, s.need(over, c.Field(by, i)))
			}
			for _, name := range c.Fields {
				f.fields = append(f.fields, s.need(over, c.Field(name, i)))
			}
			s.feeds[over] = append(s.feeds[over], f)
		}
		if c.Type == sigma.TemporalOrdered && n.slides {
			s.once(n, len(s.nodes)-1)
		}
	}
	return s
}

// once makes a rule that stands several times feed the first of its places only:
// a sequence knows the others.
func (s *Set) once(n *node, at int) {
	n.first, n.places = make([]int, len(n.c.Rules)), make([]int, len(n.c.Rules))
	for i, over := range n.c.Rules {
		n.first[i] = i
		list := s.feeds[over]
		mine := slices.IndexFunc(list, func(f feed) bool { return f.node == at && f.position == i })
		for j := range i {
			if k := slices.IndexFunc(list, func(f feed) bool { return f.node == at && f.position == j }); k >= 0 && slices.Equal(list[k].group, list[mine].group) {
				n.first[i] = j
				s.feeds[over] = slices.Delete(list, mine, mine+1)
				break
			}
		}
		n.places[n.first[i]]++
	}
}

// need returns the place of a field among the values that hits of a rule bring.
func (s *Set) need(r *sigma.Rule, field string) int {
	names := s.needs[r]
	if i := slices.Index(names, field); i >= 0 {
		return i
	}
	s.needs[r] = append(names, field)
	return len(names)
}

// Needs returns the fields whose values a hit of the rule has to bring, and
// whether any correlation is over the rule at all.
func (s *Set) Needs(r *sigma.Rule) ([]string, bool) {
	_, ok := s.feeds[r]
	return s.needs[r], ok
}

// Len returns how many correlations there are.
func (s *Set) Len() int { return len(s.nodes) }

// floorOf returns the least count that fulfils a condition of floors alone, and
// whether the correlation can slide: a part of a span proves nothing where a
// count or a sum must stay below something, for it may still grow.
func floorOf(c *sigma.Correlation) (int, bool) {
	least, floors, ceilings := 1.0, true, true
	for _, x := range c.Condition {
		switch x.Op {
		case sigma.GTE:
			least, ceilings = max(least, math.Ceil(x.Value)), false
		case sigma.GT:
			least, ceilings = max(least, math.Floor(x.Value)+1), false
		case sigma.LT, sigma.LTE:
			floors = false
		default:
			floors, ceilings = false, false
		}
	}
	switch c.Type {
	case sigma.EventCount:
		return int(min(least, math.MaxInt32)), floors
	case sigma.ValueCount:
		return int(min(least, sigma.MaxDistinct+1)), floors && least <= sigma.MaxDistinct
	case sigma.Temporal, sigma.TemporalOrdered:
		if len(c.Condition) == 0 {
			least = float64(len(c.Rules))
		}
		return int(min(least, float64(len(c.Rules)+1))), floors
	case sigma.ValueSum, sigma.ValueMax:
		return 0, floors
	case sigma.ValueMin:
		return 0, ceilings
	case sigma.ValueAvg, sigma.ValueMedian:
		return 0, true
	}
	return 0, c.Percentile >= 0 // not of shares
}
