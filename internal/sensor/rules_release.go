package sensor

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
)

// shared is the range of carriers between their customers and themselves
// (RFC 6598): nobody can be looked for by an address in it.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// other is the end of a finding that is not one's own, which others may look
// for: a public address outside of one's own networks, or a domain name that
// was not shortened; "" without one. It is told by who did what, not by which
// end the finding begins with: of one's own machine that scans, guesses or
// floods, the other end is a victim, and so is whom a reflector answers.
func (f *Finding) other(own []netip.Prefix) string {
	var e struct {
		FromOutside *bool `json:"from_outside"`
		ToOutside   bool  `json:"to_outside"`
		ToHome      *bool `json:"to_home"`
	}
	if json.Unmarshal(f.Evidence, &e) != nil {
		return ""
	}
	value := f.Dst
	switch f.Kind {
	case "reflector":
		return ""
	case "stepping_stone":
		if value = ""; e.FromOutside != nil && *e.FromOutside {
			value = f.Src
		} else if e.ToOutside {
			value = f.Dst
		}
	default:
		if slices.Contains(fromOutside, f.Kind) {
			if e.FromOutside != nil && !*e.FromOutside || e.ToHome != nil && !*e.ToHome {
				return ""
			}
			value = f.Src
		}
	}
	if strings.ContainsAny(value, "{}+*/") {
		return ""
	}
	if a, err := netip.ParseAddr(value); err == nil && (!a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a.Unmap()) ||
		slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })) {
		return ""
	}
	return value
}

// prefixes are the prefixes and addresses in what somebody wrote of networks.
func prefixes(words string) (out []netip.Prefix) {
	for _, w := range strings.FieldsFunc(words, func(r rune) bool { return r <= ' ' || strings.ContainsRune(",、，;；　", r) }) {
		if p, err := netip.ParsePrefix(w); err == nil {
			out = append(out, p.Masked())
		} else if a, err := netip.ParseAddr(w); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		}
	}
	return out
}
