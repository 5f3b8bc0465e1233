package geo

import "net/netip"

// Reason says why an address has the side it has.
type Reason uint8

// The reasons. From Private on, the address is none of the public network and
// its side is unknown whatever a table lists.
const (
	Unlisted      Reason = iota // no table row contains it
	Own                         // declared one's own by a person
	Away                        // a network of examples, declared foreign for an exercise
	Listed                      // a table row gives its country
	Elsewhere                   // given out by IANA, and on no list although the home country's list is complete
	Region                      // listed under a code that is no single country (AP)
	Private                     // RFC 1918, RFC 4193
	Shared                      // carrier-grade translation, RFC 6598
	Loopback                    // RFC 1122, RFC 4291
	LinkLocal                   // RFC 3927, RFC 4291
	Multicast                   // RFC 1112, RFC 4291
	Documentation               // RFC 5737, RFC 3849, RFC 9637
	Benchmark                   // RFC 2544, RFC 5180
	Anycast                     // one prefix answered from many places: AS112, AMT, 6to4 relays
	Reserved                    // everything else that IANA keeps back
)

var reasons = [...]string{"unlisted", "own", "away", "listed", "elsewhere", "region", "private", "shared", "loopback", "link-local",
	"multicast", "documentation", "benchmark", "anycast", "reserved"}

// String returns the reason's name in lower case, as it stands in JSON.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "reserved"
}

// MarshalText returns what String returns.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// special lists what IANA keeps out of ordinary delegation: the IPv4 and IPv6
// Special-Purpose Address Registries (RFC 6890, RFC 8190; entries up to RFC
// 9780), multicast, and space that IANA has not given to a registry, which is
// everything else. A later row goes before an earlier one that contains it.
var special = []struct {
	prefix string
	why    Reason
}{
	{"::/0", Reserved}, // what follows with Unlisted is taken out of it
	{"2000::/3", Unlisted},
	{"::1/128", Loopback},
	{"64:ff9b::/96", Reserved}, // RFC 6052; a Classifier looks at the address inside
	{"64:ff9b:1::/48", Private},
	{"2001::/23", Reserved}, // RFC 2928: Teredo, ORCHID, identifiers
	{"2001:1::1/128", Anycast},
	{"2001:1::2/128", Anycast},
	{"2001:1::3/128", Anycast},
	{"2001:2::/48", Benchmark},
	{"2001:3::/32", Anycast},
	{"2001:4:112::/48", Anycast},
	{"2001:db8::/32", Documentation},
	{"2002::/16", Reserved}, // RFC 3056: the address inside is a gateway's
	{"2620:4f:8000::/48", Anycast},
	{"3ffe::/16", Reserved}, // RFC 3701
	{"3fff::/20", Documentation},
	{"fc00::/7", Private},
	{"fe80::/10", LinkLocal},
	{"ff00::/8", Multicast},

	{"0.0.0.0/0", Unlisted},
	{"0.0.0.0/8", Reserved},
	{"10.0.0.0/8", Private},
	{"100.64.0.0/10", Shared},
	{"127.0.0.0/8", Loopback},
	{"169.254.0.0/16", LinkLocal},
	{"172.16.0.0/12", Private},
	{"192.0.0.0/24", Reserved},
	{"192.0.0.9/32", Anycast},
	{"192.0.0.10/32", Anycast},
	{"192.0.2.0/24", Documentation},
	{"192.31.196.0/24", Anycast},
	{"192.52.193.0/24", Anycast},
	{"192.88.99.0/24", Anycast},
	{"192.168.0.0/16", Private},
	{"192.175.48.0/24", Anycast},
	{"198.18.0.0/15", Benchmark},
	{"198.51.100.0/24", Documentation},
	{"203.0.113.0/24", Documentation},
	{"224.0.0.0/4", Multicast},
	{"240.0.0.0/4", Reserved},
}

// delegated lists what IANA has given to the regional registries or to holders
// before them: the IPv6 Global Unicast Address Assignments. Of IPv4, everything
// that special leaves is given out since 2011-02-03.
var delegated = []string{
	"2001:200::/23", "2001:400::/23", "2001:600::/23", "2001:800::/22", "2001:c00::/23", "2001:e00::/23",
	"2001:1200::/23", "2001:1400::/22", "2001:1800::/23", "2001:1a00::/23", "2001:1c00::/22", "2001:2000::/19",
	"2001:4000::/23", "2001:4200::/23", "2001:4400::/23", "2001:4600::/23", "2001:4800::/23", "2001:4a00::/23",
	"2001:4c00::/23", "2001:5000::/20", "2001:8000::/19", "2001:a000::/20", "2001:b000::/20", "2003::/18",
	"2400::/12", "2410::/12", "2600::/12", "2610::/23", "2620::/23", "2630::/12", "2800::/12", "2a00::/12",
	"2a10::/12", "2c00::/12", "0.0.0.0/0",
}

// specialSegments returns the whole space cut by special; values are Reasons.
func specialSegments() segments {
	s := segments{starts: []addr{{}}, values: []uint32{uint32(Reserved)}}
	for _, row := range special {
		first, last := span(netip.MustParsePrefix(row.prefix))
		s = s.over([]patch{{first, last, uint32(row.why)}})
	}
	return s
}
