package match

import (
	"bytes"
	"unicode/utf8"

	"noroshi/internal/engine/sigma"
)

// op is how an atom is run.
type op uint8

const (
	opEqual op = iota
	opContains
	opPrefix
	opSuffix
	opWild
	opSlow   // sigma.Test.Passes
	opRegexp // the same, and costly
	opRef
	opExists
	opNull
)

// atom is one distinct test of all rules, ready to run.
type atom struct {
	op    op
	cased bool
	slot  slot
	ref   slot // of opRef: the other field
	text  []byte
	seek  seek // of opContains
	wild  *wild
	needs []need // of opRegexp, the rarest first
	test  *sigma.Test
}

// newAtom makes the atom of a test.
func newAtom(t *sigma.Test, slotOf func(field string) slot) atom {
	a := atom{op: opSlow, cased: t.Cased, slot: slotOf(t.Field), test: t}
	switch t.Kind {
	case sigma.Equal:
		a.op, a.text = opEqual, []byte(t.Value)
	case sigma.Wild:
		if !utf8.ValidString(joined(t.Parts)) {
			break // of encoded text, where a letter may begin inside another
		}
		a.op, a.text = wildOp(t.Parts)
		switch a.op {
		case opContains:
			a.seek = newSeek(a.text)
		case opWild:
			a.wild = newWild(t.Parts)
		}
	case sigma.Regexp:
		a.op, a.needs = opRegexp, needs(t.Regexp.String())
	case sigma.FieldRef:
		a.op, a.ref = opRef, slotOf(t.Ref)
	case sigma.Exists:
		a.op = opExists
	case sigma.IsNull:
		a.op = opNull
	}
	return a
}

// wildOp recognises the patterns that have one literal and stars at its ends.
func wildOp(p []sigma.Part) (op, []byte) {
	lit := func(i int) bool { return p[i].Kind == sigma.Literal }
	many := func(i int) bool { return p[i].Kind == sigma.Many }
	switch {
	case len(p) == 3 && many(0) && lit(1) && many(2):
		return opContains, []byte(p[1].Text)
	case len(p) == 2 && lit(0) && many(1):
		return opPrefix, []byte(p[0].Text)
	case len(p) == 2 && many(0) && lit(1):
		return opSuffix, []byte(p[1].Text)
	case len(p) == 1 && lit(0):
		return opEqual, []byte(p[0].Text)
	}
	return opWild, nil
}

// cost orders tests: what is cheap is asked first.
func (a *atom) cost() int {
	if a.slot == anySlot {
		return 6
	}
	switch a.op {
	case opExists, opNull:
		return 0
	case opEqual, opPrefix, opSuffix:
		return 1
	case opContains, opRef:
		return 3
	case opWild:
		return 4
	case opSlow:
		return 5
	}
	return 7
}

// compare runs the atom on one value: text is folded unless the atom is cased.
func (a *atom) compare(text []byte) bool {
	switch a.op {
	case opEqual:
		return bytes.Equal(text, a.text)
	case opContains:
		return a.seek.in(text) >= 0
	case opPrefix:
		return bytes.HasPrefix(text, a.text)
	case opSuffix:
		return bytes.HasSuffix(text, a.text)
	case opWild:
		return a.wild.matches(text)
	}
	return false
}
