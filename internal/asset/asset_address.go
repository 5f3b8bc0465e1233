package asset

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// ParseAddress reads an IP address or a prefix in CIDR form and returns its
// canonical text: 192.0.2.1, 192.0.2.0/24, 2001:db8::1. A prefix with host
// bits set is taken as the network it lies in; full-width digits are folded. A
// port, a range or a zone is not an address.
func ParseAddress(s string) (string, bool) {
	s = nfkc(s)
	if len(s) > 64 {
		return "", false
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() {
			return "", false
		}
		p = p.Masked()
		if p.IsSingleIP() {
			return p.Addr().String(), true
		}
		return p.String(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", false
	}
	return a.Unmap().String(), true
}

// ParseDomain reads a host or domain name and returns it in lower-case ASCII
// (IDNA 2008, RFC 5891), without the dot at its end. One "*." in front is kept.
func ParseDomain(s string) (string, bool) {
	s = nfkc(s)
	rest, wild := strings.CutPrefix(s, "*.")
	rest = strings.TrimSuffix(rest, ".")
	if rest == "" || len(rest) > 1000 {
		return "", false
	}
	out, err := idna.Lookup.ToASCII(rest)
	if err != nil || len(out) > 253 || strings.ContainsAny(out, "/:@ _") && !validUnderscore(out) {
		return "", false
	}
	if again, err := idna.Lookup.ToASCII(out); err != nil || again != out {
		return "", false
	}
	for label := range strings.SplitSeq(out, ".") {
		if label == "" || len(label) > 63 {
			return "", false
		}
	}
	if isDigits(out[strings.LastIndexByte(out, '.')+1:]) { // an address, or part of one
		return "", false
	}
	if wild {
		out = "*." + out
	}
	return out, true
}

// validUnderscore allows the underscore that service names begin with.
func validUnderscore(s string) bool {
	return !strings.ContainsAny(s, "/:@ ")
}

// parseConnection reads what a piece of equipment connects to: an address, or
// the own id or name of another piece, kept as written.
func parseConnection(s string) (string, bool) {
	if a, ok := ParseAddress(s); ok {
		return a, true
	}
	return s, len(s) <= 253
}
