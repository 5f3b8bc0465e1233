package measure

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// target writes an address, a network or a name in the one form in which it is
// compared: addresses without their zone and IPv4 as IPv4 (RFC 5952), networks
// by their first address, names as A-labels in lower case without the last dot
// (RFC 5890). What is none of these, a network of everything and a name without a
// dot are refused: they are no machine's.
func target(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone("").String(), true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked().String(), p.Bits() > 0
	}
	name, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", false
	}
	name = strings.ToLower(name)
	return name, strings.Contains(name, ".") && isName(name)
}

// isName reports whether a text is a name (RFC 1035 §2.3.4, RFC 1123 §2.1): at
// most 253 letters, digits, hyphens and underscores in labels of at most 63, the
// last label no number.
func isName(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") || strings.ContainsFunc(l, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' })
}
