package match

import (
	"bytes"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// maxLiterals is how many literals may stand for one part of a regular
// expression. A part with more alternatives asks for nothing.
const maxLiterals = 64

// need is texts, folded, one of which is in every text that a regular
// expression matches once that is folded.
type need []string

// needs returns what every match of a regular expression needs, all of it.
func needs(expr string) []need {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return needed(re)
}

func needed(re *syntax.Regexp) []need {
	switch re.Op {
	case syntax.OpLiteral:
		return ofRuns(nil, runs(re))
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		return neededOfAll(re.Sub)
	case syntax.OpAlternate:
		var union need
		for _, sub := range re.Sub {
			n := longest(needed(sub))
			if n == nil || len(union)+len(n) > maxLiterals {
				return nil
			}
			union = append(union, n...)
		}
		return []need{union}
	}
	return nil
}

// neededOfAll joins what the parts of a sequence need. Literals beside each
// other, as an expression with flags inside leaves them, are one.
func neededOfAll(subs []*syntax.Regexp) []need {
	var all []need
	tail := []string{""}
	for _, sub := range subs {
		if sub.Op != syntax.OpLiteral {
			all = append(ofRuns(all, tail), needed(sub)...)
			tail = []string{""}
			continue
		}
		more := runs(sub)
		tail[len(tail)-1] += more[0]
		tail = append(tail, more[1:]...)
	}
	return ofRuns(all, tail)
}

// ofRuns appends a need for each text that is not empty.
func ofRuns(to []need, texts []string) []need {
	for _, t := range texts {
		if t != "" {
			to = append(to, need{t})
		}
	}
	return to
}

// longest returns the need whose shortest text is the longest, nil without any.
func longest(all []need) need {
	var found need
	for _, n := range all {
		if n.shortest() > found.shortest() {
			found = n
		}
	}
	return found
}

func (n need) shortest() int {
	least := 0
	for i, t := range n {
		if i == 0 || len(t) < least {
			least = len(t)
		}
	}
	return least
}

// in reports whether a folded text has what is needed.
func (n need) in(text []byte) bool {
	for _, t := range n {
		if bytes.Contains(text, unsafe.Slice(unsafe.StringData(t), len(t))) {
			return true
		}
	}
	return false
}

// runs folds a literal and divides it at letters whose fold is not sure: an
// expression that ignores case also matches letters (ſ for s) that event.AppendFold
// leaves alone, and U+FFFD matches bytes that are no UTF-8.
func runs(re *syntax.Regexp) []string {
	parts := []string{""}
	for _, r := range re.Rune {
		if r == utf8.RuneError || re.Flags&syntax.FoldCase != 0 && !oneFold(r) {
			parts = append(parts, "")
			continue
		}
		parts[len(parts)-1] += fold(string(r))
	}
	return parts
}

// oneFold reports whether all letters equal to r without case fold to the same.
func oneFold(r rune) bool {
	low := unicode.ToLower(r)
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		if unicode.ToLower(o) != low {
			return false
		}
	}
	return true
}

func fold(s string) string { return string(event.AppendFold(nil, []byte(s))) }

// wildLiterals returns the literal parts of a pattern, folded.
func wildLiterals(parts []sigma.Part) []string {
	var lits []string
	for _, p := range parts {
		if p.Kind == sigma.Literal {
			lits = append(lits, fold(p.Text))
		}
	}
	return lits
}

// joined returns the literal parts of a pattern, divided by spaces.
func joined(parts []sigma.Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
		b.WriteByte(' ')
	}
	return b.String()
}
