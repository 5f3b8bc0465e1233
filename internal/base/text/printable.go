package text

import (
	"strings"
	"unicode"
)

// Printable is a text of unknown origin, such as of a log or of somebody else's
// ledger, with which neither a terminal nor a reader can be deceived: control
// characters become their pictures (U+2400…), and what is not seen or turns the
// order of what is, the replacement character.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r < 0x80:
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
