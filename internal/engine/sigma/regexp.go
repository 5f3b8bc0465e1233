package sigma

import (
	"regexp"
	"regexp/syntax"
	"strconv"
)

// maxPattern bounds a regular expression in bytes.
const maxPattern = 16 << 10

// compileRegexp compiles a pattern with the flags i, m and s.
func compileRegexp(pattern, flags string, line int) (*regexp.Regexp, *problem) {
	if len(pattern) > maxPattern {
		return nil, fail(line, RegexpSize, strconv.Itoa(maxPattern)+" bytes")
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		return re, nil
	}
	if e, ok := err.(*syntax.Error); ok {
		if e.Code == syntax.ErrLarge || e.Code == syntax.ErrNestingDepth {
			return nil, fail(line, RegexpSize, "the engine takes")
		}
		return nil, fail(line, RegexpSyntax, pattern, string(e.Code)+" "+e.Expr)
	}
	return nil, fail(line, RegexpSyntax, pattern, err.Error())
}
