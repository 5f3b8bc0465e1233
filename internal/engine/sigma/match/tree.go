package match

import (
	"slices"

	"noroshi/internal/engine/sigma"
)

// node is a sigma.Expr whose tests are numbers of atoms.
type node struct {
	op   sigma.Op
	atom uint32 // of Leaf
	kids []node
}

// inst is one step of a rule: run the atom and go on at yes or no.
type inst struct {
	atom    uint32
	yes, no int32
}

// The ends of a rule's steps.
const (
	fires int32 = -1
	fails int32 = -2
)

// emit appends the steps of a tree, the last of them first, and returns where
// they begin. Cheap kids are asked first; the rest only as long as they matter.
func (s *Set) emit(n *node, yes, no int32) int32 {
	switch n.op {
	case sigma.True:
		return yes
	case sigma.False:
		return no
	case sigma.Not:
		return s.emit(&n.kids[0], no, yes)
	case sigma.Leaf:
		s.code = append(s.code, inst{n.atom, yes, no})
		return int32(len(s.code) - 1)
	}
	for _, k := range slices.Backward(s.byCost(n.kids)) {
		if n.op == sigma.And {
			yes = s.emit(k, yes, no)
		} else {
			no = s.emit(k, yes, no)
		}
	}
	if n.op == sigma.And {
		return yes
	}
	return no
}

func (s *Set) byCost(kids []node) []*node {
	sorted := make([]*node, len(kids))
	cost := make(map[*node]int, len(kids))
	for i := range kids {
		sorted[i] = &kids[i]
		cost[sorted[i]] = s.cost(sorted[i])
	}
	slices.SortStableFunc(sorted, func(a, b *node) int { return cost[a] - cost[b] })
	return sorted
}

func (s *Set) cost(n *node) int {
	if n.op == sigma.Leaf {
		return s.atoms[n.atom].cost()
	}
	sum := 0
	for i := range n.kids {
		sum += s.cost(&n.kids[i])
	}
	return sum
}
