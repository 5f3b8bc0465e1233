package names

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"noroshi/internal/base/fault"
)

// MaxName is how many bytes a name may have: 253, less what a policy zone's own
// name and a wildcard need within the 255 of RFC 1035 §2.3.4 is the zone's to say.
const MaxName = 253

// typed reads what people write (UTS 46, without the transitional mappings).
var typed = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// Parse returns the form that rules have of a name as a person writes it, in any
// script and case, with or without the last dot: A-labels in lower case
// (RFC 5890). The fault names what is no name.
func Parse(s string) (string, error) {
	name := strings.TrimSpace(s)
	if !ascii(name) {
		var err error
		if name, err = typed.ToASCII(name); err != nil {
			return "", notName(s).Because(err)
		}
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !Valid(name) {
		return "", notName(s)
	}
	return name, nil
}

func notName(s string) *fault.Error {
	return fault.New(fault.Invalid, "names.not_a_name", "name", shown(s))
}

// Valid reports whether a name is one that rules may have: two labels or more
// of 1 to 63 lower-case letters, digits, hyphens and underscores, the last of
// them no number (RFC 1035 §2.3.4, RFC 1123 §2.1), and every label in punycode
// decodes (RFC 3492).
func Valid(name string) bool {
	if len(name) == 0 || len(name) > MaxName {
		return false
	}
	label, labels, letters := 0, 1, false
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if label == 0 || label > 63 {
				return false
			}
			label, letters = 0, false
			labels++
			continue
		case c-'a' < 26:
			letters = true
		case c-'0' > 9 && c != '-' && c != '_':
			return false
		}
		label++
	}
	if label == 0 || label > 63 || labels < 2 || !letters {
		return false
	}
	if !strings.Contains(name, "xn--") {
		return true
	}
	_, err := idna.Punycode.ToUnicode(name)
	return err == nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// shown cuts what a fault repeats: somebody else wrote it.
func shown(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 300)], "?")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}
