package exposure

import (
	"net/netip"
	"slices"
	"strings"

	"noroshi/internal/asset"
)

// Addresses and domains of registers are found by keyed tags, one key per
// operator: who has the database alone cannot even try all addresses. An
// address is tagged as it is and by the two networks it lies in; a network as it
// is. What a tag finds is opened and compared before anybody is told.

// Widths of the networks by which addresses are tagged, and the widest network
// that can be asked for.
var (
	widths4 = []int{16, 24}
	widths6 = []int{48, 64}
)

// spots returns what an entry is tagged by.
func spots(addresses, domains []string) (out []string) {
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a); err == nil {
			out = append(out, "net "+p.String())
			out = append(out, buckets(p)...)
			continue
		}
		if ip, err := netip.ParseAddr(a); err == nil {
			out = append(out, "ip "+ip.String())
			out = append(out, buckets(netip.PrefixFrom(ip, ip.BitLen()))...)
		}
	}
	for _, d := range domains {
		out = append(out, "name "+d)
		for rest := strings.TrimPrefix(d, "*."); ; {
			_, up, ok := strings.Cut(rest, ".")
			if !ok || !strings.Contains(up, ".") {
				break
			}
			out = append(out, "under "+up)
			rest = up
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// buckets are the networks of our widths that hold all of p.
func buckets(p netip.Prefix) (out []string) {
	for _, w := range widths(p.Addr()) {
		if p.Bits() >= w {
			if b, err := p.Addr().Prefix(w); err == nil {
				out = append(out, "in "+b.String())
			}
		}
	}
	return out
}

func widths(a netip.Addr) []int {
	if a.Is4() {
		return widths4
	}
	return widths6
}

// Indicator is an address, a network or a domain that is asked for.
type Indicator struct {
	Value  string `json:"value"` // canonical
	prefix netip.Prefix
	domain string
}

// ParseIndicator reads an address, a network of at least /16 (IPv6: /48) or a
// domain; false for anything else.
func ParseIndicator(s string) (i Indicator, ok bool) {
	if a, ok := asset.ParseAddress(s); ok {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			ip, err := netip.ParseAddr(a)
			if err != nil {
				return i, false
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		return Indicator{Value: a, prefix: p}, p.Bits() >= widths(p.Addr())[0]
	}
	d, ok := asset.ParseDomain(s)
	if !ok || !strings.Contains(strings.TrimPrefix(d, "*."), ".") {
		return i, false
	}
	return Indicator{Value: d, domain: d}, true
}

// asks returns by which spots an indicator is found: the register has it, has a
// network it lies in, or has something that lies in it.
func (i *Indicator) asks() (out []string) {
	if i.domain != "" {
		out = append(out, "name "+i.domain)
		rest, wild := strings.CutPrefix(i.domain, "*.")
		if wild {
			out = append(out, "under "+rest)
		}
		for {
			out = append(out, "name *."+rest, "name "+rest)
			_, up, ok := strings.Cut(rest, ".")
			if !ok || !strings.Contains(up, ".") {
				break
			}
			rest = up
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	p := i.prefix
	if p.IsSingleIP() {
		out = append(out, "ip "+p.Addr().String())
	}
	for bits := p.Bits(); bits >= 8; bits-- {
		if n, err := p.Addr().Prefix(bits); err == nil {
			out = append(out, "net "+n.String())
		}
	}
	if !p.IsSingleIP() { // addresses and networks in it, by the narrowest of our networks that holds it
		b := buckets(p)
		out = append(out, b[len(b)-1:]...)
	}
	return out
}

// touches reports whether something that a register has really is, holds or
// lies in what is asked for.
func (i *Indicator) touches(addresses, domains []string) bool {
	if i.domain != "" {
		ask, wild := strings.CutPrefix(i.domain, "*.")
		return slices.ContainsFunc(domains, func(d string) bool {
			have := strings.TrimPrefix(d, "*.")
			return ask == have || strings.HasSuffix(ask, "."+have) || wild && strings.HasSuffix(have, "."+ask)
		})
	}
	return slices.ContainsFunc(addresses, func(a string) bool {
		if p, err := netip.ParsePrefix(a); err == nil {
			return p.Overlaps(i.prefix)
		}
		ip, err := netip.ParseAddr(a)
		return err == nil && i.prefix.Contains(ip)
	})
}
