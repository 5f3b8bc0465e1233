package fetch

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// Policy says where the program may go, and how much it takes from there. The
// zero Policy lets it go nowhere.
type Policy struct {
	Hosts    []string       // "feeds.example", "*.example" for what is below it, "feeds.example:8443"; "*" is every public host
	Networks []netip.Prefix // addresses that are allowed although they are not public, in closed networks
	Plain    bool           // http is allowed beside https
	Proxy    string         // URL of an HTTP proxy through which everything goes; empty is none
	MaxBytes int64          // of one file; 0 is 8 GiB
	Timeout  time.Duration  // of one file; 0 is 30 minutes
	Agent    string         // User-Agent; empty is noroshi
}

// Bounds of what the way out takes.
const (
	maxRedirects = 5
	maxFile      = 8 << 30
	maxTime      = 30 * time.Minute
	maxReply     = 64 << 10         // of the answer to a Post that is kept
	postTime     = 15 * time.Second // of a Post
	headTime     = 30 * time.Second // until an answer begins
	maxURL       = 4096
)

// reserved are the addresses of no public host (RFC 6890 and the IANA
// registries of special-purpose addresses), beside those netip knows.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")

// Addresses of IPv6 that hold one of IPv4: NAT64 (RFC 6052) and 6to4 (RFC
// 3056).
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// public reports whether an address is of a host on the public network.
func public(a netip.Addr) bool {
	a = a.Unmap()
	switch raw := a.As16(); {
	case nat64.Contains(a):
		return public(netip.AddrFrom4([4]byte(raw[12:])))
	case nat64Local.Contains(a):
		return false
	case sixToFour.Contains(a):
		return public(netip.AddrFrom4([4]byte(raw[2:6])))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// allows reports whether an address may be dialled.
func (p *Policy) allows(a netip.Addr) bool {
	if public(a) {
		return true
	}
	if a.Zone() != "" {
		return false
	}
	for _, n := range p.Networks {
		if n.Contains(a.Unmap()) || n.Contains(a) {
			return true
		}
	}
	return false
}

// Check returns a URL that the policy lets through, or why not: its form, its
// scheme and its host. Addresses are checked when they are dialled.
func (p *Policy) Check(raw string) (*url.URL, error) {
	bad := func(code string, pairs ...any) error {
		return fault.New(fault.Invalid, code, append([]any{"url", shown(raw)}, pairs...)...)
	}
	if len(raw) > maxURL {
		return nil, bad("fetch.url")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(raw, "\\\r\n\t ") {
		return nil, bad("fetch.url")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && p.Plain) {
		return nil, bad("fetch.scheme")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if !p.allows(a) {
			return nil, bad("fetch.address", "address", a.String())
		}
	} else if !plausible(host) {
		return nil, bad("fetch.url")
	}
	if !p.listed(host, u.Port(), u.Scheme) {
		return nil, bad("fetch.host", "host", host)
	}
	return u, nil
}

// plausible reports whether a text is the name of a host. Names whose last
// part is a number are refused: 2130706433, 0177.0.0.1 and 0x7f.1 are
// addresses to some programs (WHATWG URL, ends-in-a-number checker).
func plausible(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.ContainsFunc(l, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' }) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return !strings.HasPrefix(last, "0x") && strings.ContainsFunc(last, func(c rune) bool { return c < '0' || c > '9' })
}

// listed reports whether a host and port are on the list. A host without a
// port is meant with the port of the scheme.
func (p *Policy) listed(host, port, scheme string) bool {
	standard := port == "" || port == "443" && scheme == "https" || port == "80" && scheme == "http"
	for _, h := range p.Hosts {
		h = strings.ToLower(h)
		name, want := h, ""
		if n, w, err := net.SplitHostPort(h); err == nil {
			name, want = n, w
		}
		if want != port && !(want == "" && standard) {
			continue
		}
		below, wild := strings.CutPrefix(name, "*")
		if name == host || wild && (below == "" || below[0] == '.' && strings.HasSuffix(host, below)) {
			return true
		}
	}
	return false
}

// shown is a URL as messages repeat it: without what may be a secret.
func shown(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		raw = u.String()
	}
	if len(raw) > 200 {
		raw = strings.ToValidUTF8(raw[:200], "") + "…"
	}
	return raw
}
