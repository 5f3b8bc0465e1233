package match

import (
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// maxLiterals is how many literals may stand for one regular expression. An
// expression with more alternatives is tried wherever its field is.
const maxLiterals = 64

// literals returns texts, folded, one of which is in every text that the
// regular expression matches once that is folded; nil if there are none that
// are long enough to look for.
func literals(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	lits := needed(re.Simplify())
	for _, l := range lits {
		if len(l) < gramSize {
			return nil
		}
	}
	return lits
}

// needed returns literals one of which any match of re has, nil if none are known.
func needed(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return best(runs(re))
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		return neededOfAll(re.Sub)
	case syntax.OpAlternate:
		var union []string
		for _, sub := range re.Sub {
			lits := needed(sub)
			if lits == nil || len(union)+len(lits) > maxLiterals {
				return nil
			}
			union = append(union, lits...)
		}
		return union
	}
	return nil
}

// neededOfAll takes the kid whose shortest literal is the longest. Literals
// beside each other, as an expression with flags inside leaves them, are joined.
func neededOfAll(subs []*syntax.Regexp) []string {
	var found []string
	take := func(lits []string) {
		if shortest(lits) > shortest(found) {
			found = lits
		}
	}
	var run strings.Builder
	for _, sub := range subs {
		if sub.Op != syntax.OpLiteral {
			take(best([]string{run.String()}))
			run.Reset()
			take(needed(sub))
			continue
		}
		parts := runs(sub)
		run.WriteString(parts[0])
		for _, p := range parts[1:] {
			take(best([]string{run.String()}))
			run.Reset()
			run.WriteString(p)
		}
	}
	take(best([]string{run.String()}))
	return found
}

func shortest(lits []string) int {
	n := 0
	for i, l := range lits {
		if i == 0 || len(l) < n {
			n = len(l)
		}
	}
	return n
}

// best returns the longest of texts, nil when all are empty.
func best(texts []string) []string {
	long := ""
	for _, t := range texts {
		if len(t) > len(long) {
			long = t
		}
	}
	if long == "" {
		return nil
	}
	return []string{long}
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
