package sigma

import "strings"

// Op is what an [Expr] does with its kids.
type Op uint8

// The operations. And of nothing is true, Or of nothing is false; the parser
// writes True and False instead.
const (
	And   Op = 1 + iota // all kids
	Or                  // at least one kid
	Not                 // not the one kid
	Leaf                // Test
	True                // every event
	False               // no event
)

// Expr is what a rule asks of one event: a tree whose leaves are tests. It is
// not changed after loading and may be shared between rules.
type Expr struct {
	Op   Op
	Kids []*Expr // of And and Or two or more, of Not one
	Test *Test   // of Leaf
}

// leaf returns the expression of one test.
func leaf(t *Test) *Expr { return &Expr{Op: Leaf, Test: t} }

// not returns the opposite of e, without double negation.
func not(e *Expr) *Expr {
	switch e.Op {
	case Not:
		return e.Kids[0]
	case True:
		return &Expr{Op: False}
	case False:
		return &Expr{Op: True}
	}
	return &Expr{Op: Not, Kids: []*Expr{e}}
}

// allOf returns the And of kids and anyOf the Or, flat and without constants.
func allOf(kids ...*Expr) *Expr { return join(And, True, False, kids) }

func anyOf(kids ...*Expr) *Expr { return join(Or, False, True, kids) }

// join makes an expression of op, whose neutral constant is left out and whose
// absorbing one decides.
func join(op, neutral, absorbing Op, kids []*Expr) *Expr {
	flat := make([]*Expr, 0, len(kids))
	for _, k := range kids {
		switch k.Op {
		case neutral:
		case absorbing:
			return k
		case op:
			flat = append(flat, k.Kids...)
		default:
			flat = append(flat, k)
		}
	}
	switch len(flat) {
	case 0:
		return &Expr{Op: neutral}
	case 1:
		return flat[0]
	}
	return &Expr{Op: op, Kids: flat}
}

// Tests calls yield for every test of the tree from left to right, until it
// returns false.
func (e *Expr) Tests(yield func(*Test) bool) { e.tests(yield) }

func (e *Expr) tests(yield func(*Test) bool) bool {
	if e == nil {
		return true
	}
	if e.Op == Leaf {
		return yield(e.Test)
	}
	for _, k := range e.Kids {
		if !k.tests(yield) {
			return false
		}
	}
	return true
}

// String returns the tree in one line, for people who test rules.
func (e *Expr) String() string {
	switch e.Op {
	case Leaf:
		return e.Test.String()
	case Not:
		return "not " + e.Kids[0].String()
	case True:
		return "true"
	case False:
		return "false"
	}
	word := " and "
	if e.Op == Or {
		word = " or "
	}
	parts := make([]string, len(e.Kids))
	for i, k := range e.Kids {
		parts[i] = k.String()
	}
	return "(" + strings.Join(parts, word) + ")"
}
