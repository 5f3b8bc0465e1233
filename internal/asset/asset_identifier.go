package asset

import (
	"strings"

	"github.com/package-url/packageurl-go"
)

func (c *checker) cpe(d *Draft) string {
	s := c.token(FieldCPE, d, MaxIdent)
	if s == "" {
		return ""
	}
	out, ok := ParseCPE(s)
	if !ok {
		c.add(FieldCPE, "cpe_bad", "value", clip(s))
	}
	return out
}

func (c *checker) purl(d *Draft) string {
	s := c.token(FieldPURL, d, MaxIdent)
	if s == "" {
		return ""
	}
	out, ok := ParsePURL(s)
	if !ok {
		c.add(FieldPURL, "purl_bad", "value", clip(s))
	}
	return out
}

// ParseCPE checks a CPE 2.3 formatted string (NISTIR 7695 §6.2): the prefix,
// a part of a, o or h, and eleven components in all, each either *, - or text
// whose special characters are quoted with a backslash and in which an
// unquoted * or ? stands only at the ends. It returns it in lower case, as the
// specification matches it.
func ParseCPE(s string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(s), "cpe:2.3:")
	if !ok || !isASCII(rest) {
		return "", false
	}
	n := 0
	for n < 11 {
		end := componentEnd(rest)
		if !cpeComponent(rest[:end], n) {
			return "", false
		}
		n++
		if end == len(rest) {
			rest = ""
			break
		}
		rest = rest[end+1:]
		if n == 11 {
			return "", false
		}
	}
	return strings.ToLower(s), n == 11 && rest == ""
}

// componentEnd returns where the component ends: at a colon that no backslash quotes.
func componentEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			return i
		}
	}
	return len(s)
}

func cpeComponent(s string, n int) bool {
	switch {
	case s == "":
		return false
	case n == 0:
		return s == "a" || s == "o" || s == "h" || s == "*" || s == "-"
	case s == "*" || s == "-":
		return true
	}
	core := s
	if t := strings.TrimLeft(core, "?"); t != core {
		core = t
	} else {
		core = strings.TrimPrefix(core, "*")
	}
	core = trimWildTail(core)
	if core == "" { // "??" is a value of its own; "**" is none
		return strings.Trim(s, "?") == ""
	}
	for i := 0; i < len(core); i++ {
		b := core[i]
		switch {
		case b == '\\':
			i++
			if i == len(core) || core[i] <= ' ' || core[i] >= 0x7f || isWord(core[i]) {
				return false
			}
		case isWord(b) || b == '.' || b == '-':
		default:
			return false
		}
	}
	return true
}

// trimWildTail cuts an unquoted "*" or run of "?" off the end.
func trimWildTail(s string) string {
	cut := s
	if t := strings.TrimRight(cut, "?"); t != cut {
		cut = t
	} else {
		cut = strings.TrimSuffix(cut, "*")
	}
	quotes := len(cut) - len(strings.TrimRight(cut, `\`))
	if quotes%2 == 1 && len(cut) < len(s) { // the first of them was quoted
		cut = s[:len(cut)+1]
		if strings.TrimRight(s[len(cut):], "?") != "" {
			return s
		}
	}
	return cut
}

func isWord(b byte) bool { return b == '_' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }

// ParsePURL checks a package URL and returns it in canonical form.
func ParsePURL(s string) (string, bool) {
	p, err := packageurl.FromString(s)
	if err != nil || p.Normalize() != nil {
		return "", false
	}
	out := p.ToString()
	if again, err := packageurl.FromString(out); err != nil || again.ToString() != out {
		return "", false
	}
	return out, true
}
