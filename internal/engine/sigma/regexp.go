package sigma

import (
	"regexp"
	"regexp/syntax"
	"strconv"
)

// maxPattern bounds a regular expression in bytes.
const maxPattern = 16 << 10

// compileRegexp compiles a pattern with the flags i, m and s. Patterns are PCRE
// by the specification and run as RE2, which takes time in proportion to the
// text; $ without the flag m is the end of the text.
func compileRegexp(pattern, flags string, line int) (*regexp.Regexp, *problem) {
	if len(pattern) > maxPattern {
		return nil, fail(line, RegexpSize, strconv.Itoa(maxPattern)+" bytes")
	}
	text, feature := translate(pattern)
	if feature != "" {
		return nil, fail(line, RegexpFeature, pattern, feature)
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err == nil {
		return re, nil
	}
	if e, ok := err.(*syntax.Error); ok {
		switch e.Code {
		case syntax.ErrLarge, syntax.ErrNestingDepth, syntax.ErrInvalidRepeatSize:
			return nil, fail(line, RegexpSize, "the engine takes: "+e.Expr)
		}
		return nil, fail(line, RegexpSyntax, pattern, string(e.Code)+" "+e.Expr)
	}
	return nil, fail(line, RegexpSyntax, pattern, err.Error())
}
