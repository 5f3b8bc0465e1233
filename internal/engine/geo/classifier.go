package geo

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sort"
)

// DefaultHome is the home country when none is named.
const DefaultHome = "JP"

// MaxOwn bounds the prefixes a person may declare their own.
const MaxOwn = 100_000

// Options say from where a table is looked at.
type Options struct {
	Home string         // ISO 3166-1 alpha-2 in capitals; "" is DefaultHome
	Own  []netip.Prefix // one's own prefixes: domestic, whatever the table says
	// Away are networks of examples (RFC 5737, RFC 3849, RFC 2544) that are foreign
	// in made-up traffic; any other is an AwayError: none can be declared foreign
	// that somebody has.
	Away []netip.Prefix
	// Strict makes an address unknown that is on no list, even where the home
	// country's list is complete: for acquired traffic, where an error would
	// select what must not be selected.
	Strict bool
}

// HomeError says that a table cannot answer for a home country: no row names
// it, so that all of it would look foreign.
type HomeError struct{ Home string }

func (e *HomeError) Error() string { return fmt.Sprintf("geo: the table lists no range of %q", e.Home) }

// OwnError says that a prefix cannot be anyone's own: it is not a prefix, bits
// are set below its length, or it holds addresses that are nobody's, such as
// loopback and multicast.
type OwnError struct{ Prefix netip.Prefix }

func (e *OwnError) Error() string { return fmt.Sprintf("geo: %s cannot be one's own", e.Prefix) }

// AwayError says that a prefix cannot be declared foreign: it is not one of a
// network of examples.
type AwayError struct{ Prefix netip.Prefix }

func (e *AwayError) Error() string {
	return fmt.Sprintf("geo: %s is not a network of examples, and cannot be declared foreign", e.Prefix)
}

// composite values of a Classifier's segments: an index of the table's
// entries, or, with this bit, a Reason that goes before them.
const because = 1 << 31

// Classifier answers for one table, home country and set of own prefixes. It
// is immutable. Its indexes take 1.3 MB; the sides that packets ask for 0.4 MB
// with the embedded table, 3.8 MB with one of all countries, and at the very
// worst 4 MB for IPv4, 16 MB for IPv6 and 50 bytes a range; what Lookup shows
// takes 20 bytes a range, 2.2 MB and 5.7 MB for the two.
type Classifier struct {
	four fast4
	six  fast6

	table *Table
	home  string
	rule  Options
	segs  segments // composite values
	first [2][1<<16 + 1]uint32
}

// Classifier compiles the table as seen from a country. Errors are HomeError,
// OwnError and AwayError, and a LimitError for more than MaxOwn prefixes.
func (t *Table) Classifier(o Options) (*Classifier, error) {
	if o.Home == "" {
		o.Home = DefaultHome
	}
	if !isCountry(o.Home) || !t.lists(o.Home) {
		return nil, &HomeError{o.Home}
	}
	c := &Classifier{table: t, home: o.Home, rule: o}
	reasons := specialSegments()
	away, err := declared(o.Away, &reasons, Away, func(why Reason) bool { return why == Documentation || why == Benchmark })
	if err != nil {
		return nil, err
	}
	own, err := declared(o.Own, &reasons, Own, func(why Reason) bool {
		return why != Loopback && why != Multicast && why != Reserved && why != Anycast
	})
	if err != nil {
		return nil, err
	}
	c.segs = t.segs.merge(reasons.patches(), func(below, above uint32) uint32 {
		if above == uint32(Unlisted) {
			return below
		}
		return because | above
	})
	c.segs = c.segs.over(away)
	c.segs = c.segs.over(own)
	c.index()
	var side segments
	for i, v := range c.segs.values {
		s, _ := c.judge(v)
		side.put(c.segs.starts[i], uint32(s))
	}
	c.four.fill(&side)
	c.six.fill(&side)
	return c, nil
}

// declared checks and joins prefixes that a person declares to be why; may says
// of which kind of address they may be.
func declared(list []netip.Prefix, reasons *segments, why Reason, may func(Reason) bool) ([]patch, error) {
	if len(list) > MaxOwn {
		return nil, &LimitError{"declared prefixes", MaxOwn}
	}
	no := func(p netip.Prefix) error {
		if why == Away {
			return &AwayError{p}
		}
		return &OwnError{p}
	}
	var out []patch
	for _, p := range list {
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			return nil, no(p)
		}
		first, last := span(p)
		for i := reasons.index(first); i < len(reasons.starts) && !last.less(reasons.starts[i]); i++ {
			if !may(Reason(reasons.values[i])) {
				return nil, no(p)
			}
		}
		out = append(out, patch{first, last, because | uint32(why)})
	}
	return join(out), nil
}

// judge returns the side that a composite value means, and why.
func (c *Classifier) judge(v uint32) (Side, Reason) {
	if v&because != 0 {
		why := Reason(v &^ because)
		switch why {
		case Own:
			return Domestic, Own
		case Away:
			return Foreign, Away
		}
		return SideUnknown, why
	}
	switch v {
	case entryNone:
		return SideUnknown, Unlisted
	case entryElsewhere:
		if c.rule.Strict || !contains(c.table.meta.Complete, c.home) {
			return SideUnknown, Elsewhere
		}
		return Foreign, Elsewhere
	}
	switch country := c.table.entries[v].Country; {
	case country == "":
		return SideUnknown, Unlisted
	case country == c.home:
		return Domestic, Listed
	case country == "AP", country == "EU" && c.home != DefaultHome:
		// Registries mark networks of a whole region so: Asia-Pacific may be
		// Japan. Europe is not, but may be home to others.
		return SideUnknown, Region
	}
	return Foreign, Listed
}

func contains(list []string, s string) bool {
	i := sort.SearchStrings(list, s)
	return i < len(list) && list[i] == s
}

// Home returns the home country.
func (c *Classifier) Home() string { return c.home }

// Table returns the table behind the classifier.
func (c *Classifier) Table() *Table { return c.table }

// Info is what is known of an address, for display.
type Info struct {
	Side    Side   `json:"side"`
	Reason  Reason `json:"reason"`
	Country string `json:"country,omitempty"` // ISO 3166-1 alpha-2 as the table says, whatever the side; "" when it does not
	ASN     uint32 `json:"asn,omitempty"`     // autonomous system number, 0 when not known
	Org     string `json:"org,omitempty"`     // name of the autonomous system
	Source  string `json:"source,omitempty"`  // source of the table that gave country and AS
}

// Lookup returns what is known of an address. Zones are ignored. The address
// inside 64:ff9b::/96 (RFC 6052) is the one that is looked up.
func (c *Classifier) Lookup(a netip.Addr) Info {
	if !a.IsValid() {
		return Info{}
	}
	at := addrOf(a)
	if at.hi == translated && at.lo>>32 == 0 {
		at = addr{0, mapped | at.lo}
	}
	i := c.find(at)
	side, why := c.judge(c.segs.values[i])
	info := Info{Side: side, Reason: why}
	v := c.segs.values[i]
	if v&because != 0 { // what the table says is shown all the same
		v = c.table.segs.at(at)
	}
	if v >= entryFirst {
		e := &c.table.entries[v]
		info.Country, info.ASN, info.Org, info.Source = e.Country, e.ASN, e.Org, c.table.meta.Source
	} else if why == Elsewhere {
		info.Source = c.table.meta.Source
	}
	return info
}

// index notes, for the first 16 bits of either family, the segment that holds
// at their beginning.
func (c *Classifier) index() {
	c.segs.sweep(c.first[0][:1<<16], func(h int) addr { return addr{0, mapped | uint64(h)<<16} })
	c.segs.sweep(c.first[1][:1<<16], func(h int) addr { return addr{uint64(h) << 48, 0} })
	c.first[0][1<<16] = uint32(c.segs.index(addr{0, last4}))
	c.first[1][1<<16] = uint32(len(c.segs.starts) - 1)
}

// find returns the segment that holds at a.
func (c *Classifier) find(a addr) int {
	first, h := &c.first[1], a.hi>>48
	if a.is4() {
		first, h = &c.first[0], a.lo>>16&0xffff
	}
	lo, hi := int(first[h]), int(first[h+1])
	return lo + sort.Search(hi-lo, func(i int) bool { return a.less(c.segs.starts[lo+i+1]) })
}

// Side returns the side of an address. The zero Addr is unknown.
func (c *Classifier) Side(a netip.Addr) Side {
	if !a.IsValid() {
		return SideUnknown
	}
	b := a.As16()
	return c.Side16(&b)
}

// Side16 returns the side of an address of 16 bytes; IPv4 is IPv4-mapped.
func (c *Classifier) Side16(a *[16]byte) Side {
	hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	if hi == 0 && lo>>32 == 0xffff {
		return c.four.side(uint32(lo))
	}
	return c.side6(hi, lo)
}

// Side4 returns the side of an IPv4 address in host order: 1.2.3.4 is
// 0x01020304.
func (c *Classifier) Side4(a uint32) Side { return c.four.side(a) }

func (c *Classifier) side6(hi, lo uint64) Side {
	if hi == translated && lo>>32 == 0 {
		return c.four.side(uint32(lo))
	}
	return c.six.side(hi, lo)
}

// translated is the first half of 64:ff9b::/96.
const translated = 0x0064ff9b_00000000

// Class returns the class of a source and a destination address.
func (c *Classifier) Class(src, dst netip.Addr) Class { return Combine(c.Side(src), c.Side(dst)) }

// Class16 is Class for addresses of 16 bytes; IPv4 is IPv4-mapped.
func (c *Classifier) Class16(src, dst *[16]byte) Class {
	return Combine(c.Side16(src), c.Side16(dst))
}

// Pair is the two addresses of a packet; IPv4 is IPv4-mapped.
type Pair struct{ Src, Dst [16]byte }

// Classes writes the class of each pair to out, which is as long as pairs.
func (c *Classifier) Classes(pairs []Pair, out []Class) {
	out = out[:len(pairs)]
	for i := range pairs {
		out[i] = Combine(c.Side16(&pairs[i].Src), c.Side16(&pairs[i].Dst))
	}
}
