package driver

import (
	"net/netip"
	"time"
)

// Ranges of IPv6 in which an IPv4 address stands: at which bit it begins.
var within = []struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("::ffff:0:0/96"), 96},   // RFC 4291, section 2.5.5.2
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 96}, // RFC 2765, section 2.1
	{netip.MustParsePrefix("64:ff9b::/96"), 96},    // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 96},  // NAT64 of one's own, RFC 8215: at the end, as most have it
	{netip.MustParsePrefix("2002::/16"), 16},       // 6to4, RFC 3056
}

// Embedded returns the IPv4 addresses that a range of IPv6 addresses reaches
// through a translator or a tunnel, as wide as they may be: all of IPv4 for
// 64:ff9b::/96. It is false for a range that reaches none, and for IPv4.
func Embedded(p netip.Prefix) (four netip.Prefix, ok bool) {
	if !p.IsValid() || p.Addr().Is4() {
		return netip.Prefix{}, false
	}
	for _, w := range within {
		if !w.net.Overlaps(p) {
			continue
		}
		a, bits := p.Masked().Addr().As16(), min(max(p.Bits()-w.at, 0), 32)
		if p.Bits() < w.net.Bits() { // it lies around the range
			bits = 0
		}
		from := w.at / 8
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(a[from:from+4])), bits).Masked(), true
	}
	return netip.Prefix{}, false
}

// Steady returns a clock that never goes back behind the time that has passed
// since: a machine whose clock is put back holds nothing longer.
func Steady() func() time.Time {
	start := time.Now()
	return func() time.Time {
		now := time.Now()
		wall, passed := now.Round(0), start.Round(0).Add(now.Sub(start))
		if wall.After(passed) {
			return wall.UTC()
		}
		return passed.UTC()
	}
}
