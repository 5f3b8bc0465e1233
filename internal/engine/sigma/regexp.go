package sigma

import (
	"regexp"
	"regexp/syntax"
	"strconv"
)

// The bounds of regular expressions: the length of one in bytes, and the steps
// of the program that one, or all of a rule together, becomes.
const (
	maxPattern  = 16 << 10
	maxSteps    = 20_000
	maxAllSteps = 500_000
)

// compileRegexp compiles a pattern with the flags i, m and s and returns about
// how many steps it has. Patterns are PCRE by the specification and run as RE2,
// which takes time in proportion to the text; $ without the flag m is the end of
// the text.
func compileRegexp(pattern, flags string, line int) (*regexp.Regexp, int, *problem) {
	if len(pattern) > maxPattern {
		return nil, 0, fail(line, RegexpSize, strconv.Itoa(maxPattern)+" bytes")
	}
	text, feature := translate(pattern)
	if feature != "" {
		return nil, 0, fail(line, RegexpFeature, pattern, feature)
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err == nil {
		n := steps(tree)
		if n > maxSteps {
			return nil, n, fail(line, RegexpSize, strconv.Itoa(maxSteps)+" steps")
		}
		var re *regexp.Regexp
		if re, err = regexp.Compile(text); err == nil {
			return re, n, nil
		}
	}
	if e, ok := err.(*syntax.Error); ok {
		switch e.Code {
		case syntax.ErrLarge, syntax.ErrNestingDepth, syntax.ErrInvalidRepeatSize:
			return nil, 0, fail(line, RegexpSize, "the engine takes: "+e.Expr)
		}
		return nil, 0, fail(line, RegexpSyntax, pattern, string(e.Code)+" "+e.Expr)
	}
	return nil, 0, fail(line, RegexpSyntax, pattern, err.Error())
}

// steps returns about how long the program of a pattern is. Depth and repeats
// are bounded by what parsed it.
func steps(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}
