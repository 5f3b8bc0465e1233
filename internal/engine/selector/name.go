package selector

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// parseName reads a name in any script and case, with or without a final dot;
// of a Suffix, also what stands for everything below: "." or "*." in front.
func parseName(k Kind, text string) (parsed, error) {
	name := strings.TrimSuffix(text, ".")
	f := formDomain
	if k == Suffix {
		f = formSuffix
		name = strings.TrimPrefix(strings.TrimPrefix(name, "*"), ".")
	}
	if strings.ContainsAny(name, "*{?") {
		return parsed{}, bad(BadWildcard, k, text)
	}
	b, ok := asciiName(name)
	if !ok {
		return parsed{}, bad(BadName, k, text)
	}
	return parsed{form: f, bytes: b}, nil
}

// asciiName returns a name as it stands in a DNS question: A-labels, lower case
// (RFC 5890, RFC 5891; UTS 46 without the transitional mappings).
func asciiName(name string) ([]byte, bool) {
	plain := true
	for i := range len(name) {
		plain = plain && name[i] < utf8.RuneSelf
	}
	if !plain {
		var err error
		if name, err = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(name); err != nil {
			return nil, false
		}
		name = strings.TrimSuffix(name, ".")
	}
	b := []byte(strings.ToLower(name))
	return b, isName(b)
}

// isName reports whether b is a name in canonical form: at most 253 bytes,
// labels of 1 to 63 letters, digits, hyphens and underscores, the last of them
// no number (RFC 1035 §2.3.4, RFC 1123 §2.1).
func isName(b []byte) bool {
	if len(b) == 0 || len(b) > 253 {
		return false
	}
	label, letters := 0, false
	for _, c := range b {
		switch {
		case c == '.':
			if label == 0 || label > 63 {
				return false
			}
			label, letters = 0, false
			continue
		case c-'a' < 26:
			letters = true
		case c-'0' > 9 && c != '-' && c != '_':
			return false
		}
		label++
	}
	return label > 0 && label <= 63 && letters
}

// refang undoes the ways in which indicators are made harmless to click:
// hxxp://, [.], (.), {.}, [dot], [:], [://]. A bracket that belongs to an IPv6
// address in a URI stays.
func refang(s string) string {
	if len(s) > 4 && (s[0]|0x20 == 'h' || s[0]|0x20 == 'f') {
		for _, p := range [...][2]string{{"hxxps", "https"}, {"hxxp", "http"}, {"fxp", "ftp"}} {
			if len(s) > len(p[0]) && strings.EqualFold(s[:len(p[0])], p[0]) && strings.ContainsAny(s[len(p[0]):len(p[0])+1], ":[") {
				s = p[1] + s[len(p[0]):]
				break
			}
		}
	}
	if !strings.ContainsAny(s, "[({") {
		return s
	}
	return strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "{dot}", ".", "[:]", ":", "[://]", "://", "[/]", "/", "[.", ".", ".]", ".").Replace(s)
}

// shown cuts what an error repeats, at a character, without what does not print
// or changes how the rest is shown: somebody else wrote it.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), 4*maxShown)])
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// printable reports whether a text of a selector is UTF-8 that prints.
func printable[T string | []byte](b T) bool {
	for _, r := range string(b) {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return false
		}
	}
	return true
}

// samePerson compares two names of people as they are written, without case and
// space around them.
func samePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
