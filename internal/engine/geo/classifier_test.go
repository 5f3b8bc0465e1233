package geo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// same fails the test where a classifier and the oracle differ about addresses,
// by any of the ways to ask.
func same(t *testing.T, c *Classifier, o *oracle, list []netip.Addr) {
	t.Helper()
	pairs := make([]Pair, len(list))
	want := make([]Side, len(list))
	for i, a := range list {
		want[i] = o.side(a)
		if got := c.Side(a); got != want[i] {
			t.Fatalf("%s: %s, the oracle says %s (%+v)", a, got, want[i], c.Lookup(a))
		}
		if got := c.Lookup(a).Side; got != want[i] {
			t.Fatalf("%s: Lookup says %s, Side %s", a, got, want[i])
		}
		if v4 := a.Unmap(); v4.Is4() {
			b := v4.As4()
			if got := c.Side4(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])); got != want[i] {
				t.Fatalf("%s: Side4 says %s, Side %s", a, got, want[i])
			}
		}
		pairs[i] = Pair{*as16(a), *as16(list[len(list)-1-i])}
	}
	out := make([]Class, len(pairs))
	c.Classes(pairs, out)
	for i := range pairs {
		src, dst := list[i], list[len(list)-1-i]
		w := Combine(want[i], want[len(list)-1-i])
		if slow := o.class(src, dst); out[i] != slow || w != slow || c.Class(src, dst) != slow || c.Class16(&pairs[i].Src, &pairs[i].Dst) != slow {
			t.Fatalf("%s to %s: %s, the oracle says %s", src, dst, out[i], slow)
		}
	}
}

// TestRandomTables compares tables of random nested rows with the oracle.
func TestRandomTables(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		var csv strings.Builder
		seen := map[netip.Prefix]bool{}
		for range 1 + rnd.IntN(120) {
			// Few different beginnings, so that rows nest and touch.
			var p netip.Prefix
			if rnd.IntN(2) == 0 {
				p = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + rnd.IntN(3)), byte(rnd.IntN(4)), byte(rnd.IntN(256)), byte(rnd.IntN(256))}), 4+rnd.IntN(29))
			} else {
				p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x24, byte(rnd.IntN(2)), byte(rnd.IntN(4)), byte(rnd.IntN(256)), 0, 0, 0, byte(rnd.IntN(3)), 15: byte(rnd.IntN(9))}), 3+rnd.IntN(126))
			}
			if p = p.Masked(); !seen[p] {
				seen[p] = true
				fmt.Fprintf(&csv, "%s,%s\n", p, []string{"JP", "JP", "US", "KR", "AP", "ZZ"}[rnd.IntN(6)])
			}
		}
		csv.WriteString("203.119.1.0/24,JP\n")
		rows := rowsOf(t, []byte(csv.String()))
		own := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2.1.7.16/28"), netip.MustParsePrefix("2400:1:3::/48"), netip.MustParsePrefix("fd00::/8")}[:rnd.IntN(5)]
		table := build(t, []byte(csv.String()))
		c, o := classifier(t, table, Options{Own: own}), &oracle{rows, own, "JP"}
		list := append(addresses(rows, rnd, 1500, true), addresses(rows, rnd, 1500, false)...)
		same(t, c, o, list)
		again, err := Decode(table.Encode())
		if err != nil {
			t.Fatal(err)
		}
		same(t, classifier(t, again, Options{Own: own}), o, list[:300])
	}
}

// TestWorldTable compares the table of all countries with a walk over its rows:
// millions of addresses against a table of a byte per /24 and the rows that end
// inside one, thousands against the oracle.
func TestWorldTable(t *testing.T) {
	four, six := shared(t, "asn-country-ipv4.csv.gz"), shared(t, "asn-country-ipv6.csv.gz")
	table := build(t, four, six)
	own := []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("8.8.8.0/28")}
	c := classifier(t, table, Options{Own: own})
	rnd := rand.New(rand.NewPCG(1, 2))
	rows4, rows6 := rowsOf(t, four), rowsOf(t, six)
	o := &oracle{slices.Concat(rows4, rows6), own, "JP"}
	same(t, c, o, append(addresses(rows4, rnd, 300, false), addresses(rows6, rnd, 300, true)...))
	for _, rows := range [][]row{rows4, rows6} {
		// The rows are in order and do not overlap, so a sweep is an oracle
		// too: every row's ends and a place inside, and the gaps between.
		for i, r := range rows {
			if got := c.Lookup(r.first).Country; public(r.first) && got != r.country && r.country != "ZZ" {
				t.Fatalf("%s: %q, want %q", r.first, got, r.country)
			}
			o.rows = rows[max(i-1, 0):min(i+2, len(rows))]
			for _, a := range []netip.Addr{r.first, r.last, r.first.Prev(), r.last.Next()} {
				if want := o.side(a); a.IsValid() && c.Side(a) != want {
					t.Fatalf("%s: %s, want %s", a, c.Side(a), want)
				}
			}
		}
	}
	// Two million random IPv4 addresses and as many IPv6 ones: the fast forms
	// against the search that Lookup makes, which the above has proved.
	for range 1_000_000 {
		a := addr{0, mapped | uint64(rnd.Uint32())}
		want, _ := c.judge(c.segs.values[c.find(a)])
		if got := c.Side4(uint32(a.lo)); got != want {
			t.Fatalf("%s: %s, the search says %s", a.netip(), got, want)
		}
		a = addr{rnd.Uint64()&^(7<<61) | 1<<61, rnd.Uint64()}
		if rnd.IntN(2) == 0 {
			a.hi = c.segs.starts[rnd.IntN(len(c.segs.starts))].hi ^ rnd.Uint64()>>(20+rnd.IntN(44))
		}
		want, _ = c.judge(c.segs.values[c.segs.index(a)])
		if got := c.side6(a.hi, a.lo); got != want && !a.is4() && a.hi != translated {
			t.Fatalf("%s: %s, the search says %s", a.netip(), got, want)
		}
	}
}

func TestEverySlash24(t *testing.T) {
	table, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := classifier(t, table, Options{})
	n := [3]int{}
	for i := range uint32(1 << 24) {
		a := i<<8 | i*2654435761>>24
		got := c.Side4(a)
		n[got]++
		if want, _ := c.judge(c.segs.values[c.find(addr{0, mapped | uint64(a)})]); got != want {
			t.Fatalf("%s: %s, the search says %s", addr{0, mapped | uint64(a)}.netip(), got, want)
		}
	}
	if n[Domestic] < 700_000 || n[Domestic] > 800_000 || n[Foreign] < 13_000_000 {
		t.Errorf("of 16,777,216 /24: %d unknown, %d domestic, %d foreign", n[0], n[1], n[2])
	}
}

func TestSpecialAddressesAreUnknown(t *testing.T) {
	c := classifier(t, build(t, []byte("0.0.0.0/0,US\n::/0,US\n1.0.16.0/20,JP\n")), Options{})
	for in, want := range map[string]Reason{
		"0.0.0.0": Reserved, "0.1.2.3": Reserved, "10.1.2.3": Private, "172.31.255.255": Private, "192.168.1.1": Private, "100.64.0.1": Shared,
		"100.127.255.255": Shared, "127.0.0.1": Loopback, "169.254.1.1": LinkLocal, "192.0.0.1": Reserved, "192.0.0.9": Anycast, "192.0.2.1": Documentation,
		"198.51.100.1": Documentation, "203.0.113.255": Documentation, "198.19.255.255": Benchmark, "192.88.99.1": Anycast, "192.31.196.1": Anycast,
		"224.0.0.1": Multicast, "239.255.255.255": Multicast, "240.0.0.1": Reserved, "255.255.255.255": Reserved,
		"::": Reserved, "::1": Loopback, "::2": Reserved, "::1.2.3.4": Reserved, "100::1": Reserved, "2001::1": Reserved, "2001:2::1": Benchmark,
		"2001:20::1": Reserved, "2001:db8::1": Documentation, "2002:101:101::1": Reserved, "3ffe::1": Reserved, "3fff:fff::1": Documentation,
		"5f00::1": Reserved, "64:ff9b:1::1": Private, "fc00::1": Private, "fdff::1": Private, "fe80::1": LinkLocal, "fe80::1%eth0": LinkLocal,
		"fec0::1": Reserved, "ff02::1": Multicast, "::ffff:10.0.0.1": Private, "64:ff9b::10.0.0.1": Private,
	} {
		a := netip.MustParseAddr(in)
		if got := c.Lookup(a); got.Side != SideUnknown || got.Reason != want || c.Side(a) != SideUnknown {
			t.Errorf("%s: %+v, want unknown because %s", in, got, want)
		}
	}
	for in, want := range map[string]Side{"8.8.8.8": Foreign, "::ffff:8.8.8.8": Foreign, "64:ff9b::8.8.8.8": Foreign, "64:ff9b::1.0.16.1": Domestic,
		"1.0.16.0": Domestic, "1.0.31.255": Domestic, "1.0.32.0": Foreign, "2400::1": Foreign, "99.255.255.255": Foreign, "100.128.0.0": Foreign} {
		if got := c.Side(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if c.Side(netip.Addr{}) != SideUnknown || c.Lookup(netip.Addr{}) != (Info{}) {
		t.Error("no address is unknown")
	}
}

func TestOwnPrefixesGoFirst(t *testing.T) {
	table := build(t, []byte("8.8.8.0/24,US,15169,GOOGLE\n1.0.16.0/20,JP\n"))
	c := classifier(t, table, Options{Own: []netip.Prefix{
		netip.MustParsePrefix("8.8.8.128/25"), netip.MustParsePrefix("8.8.8.128/28"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}})
	for in, want := range map[string]Side{"8.8.8.127": Foreign, "8.8.8.128": Domestic, "8.8.8.255": Domestic, "10.9.9.9": Domestic, "11.0.0.0": SideUnknown,
		"2001:db8:1::1": Domestic, "2001:db8:2::1": SideUnknown} {
		if got := c.Side(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := c.Lookup(netip.MustParseAddr("8.8.8.200")); got != (Info{Domestic, Own, "US", 15169, "GOOGLE", "test"}) {
		t.Errorf("an own address of another country: %+v", got)
	}
	if got := c.Class(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("8.8.8.8")); got != DF {
		t.Errorf("own private network to abroad: %s", got)
	}
	for _, p := range []string{"0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "126.0.0.0/7", "::/0", "ff00::/8", "64:ff9b::/96", "2002::/16", "::ffff:10.0.0.0/104"} {
		var e *OwnError
		if _, err := table.Classifier(Options{Own: []netip.Prefix{netip.MustParsePrefix(p)}}); !errors.As(err, &e) {
			t.Errorf("%s as one's own: %v", p, err)
		}
	}
	var e *OwnError
	if _, err := table.Classifier(Options{Own: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), 8)}}); !errors.As(err, &e) {
		t.Errorf("bits below the length: %v", err)
	}
	if _, err := table.Classifier(Options{Own: []netip.Prefix{{}}}); !errors.As(err, &e) {
		t.Errorf("no prefix: %v", err)
	}
	var l *LimitError
	if _, err := table.Classifier(Options{Own: make([]netip.Prefix, MaxOwn+1)}); !errors.As(err, &l) {
		t.Errorf("too many: %v", err)
	}
}

// Exercises have foreign parts of their own: networks of examples, and no
// network that somebody has.
func TestOnlyNetworksOfExamplesAreDeclaredForeign(t *testing.T) {
	table := build(t, []byte("203.0.112.0/22,JP\n1.0.0.0/8,JP\n"))
	c := classifier(t, table, Options{
		Own:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.128/25")},
		Away: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("198.18.0.0/15")},
	})
	for a, want := range map[string]Side{
		"203.0.113.1": Foreign, "203.0.113.129": Domestic, "192.0.2.1": Domestic, "198.51.100.1": SideUnknown, "2001:db8::1": Foreign,
		"198.19.255.255": Foreign, "1.2.3.4": Domestic,
	} {
		if got := c.Side(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %s, want %s", a, got, want)
		}
	}
	for _, p := range []string{"1.0.0.0/8", "203.0.112.0/22", "10.0.0.0/8", "224.0.0.0/8", "0.0.0.0/0", "2400::/12"} {
		var e *AwayError
		if _, err := table.Classifier(Options{Away: []netip.Prefix{netip.MustParsePrefix(p)}}); !errors.As(err, &e) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestHomeIsAParameter(t *testing.T) {
	table := build(t, []byte("1.0.16.0/20,JP\n2.0.0.0/12,FR\n3.0.0.0/16,EU\n4.0.0.0/16,AP\n"))
	for _, c := range []struct {
		home, in string
		want     Side
	}{{"", "1.0.16.1", Domestic}, {"JP", "2.0.0.1", Foreign}, {"FR", "2.0.0.1", Domestic}, {"FR", "1.0.16.1", Foreign},
		{"JP", "3.0.0.1", Foreign}, {"FR", "3.0.0.1", SideUnknown}, {"JP", "4.0.0.1", SideUnknown}, {"JP", "5.0.0.1", SideUnknown}} {
		if got := classifier(t, table, Options{Home: c.home}).Side(netip.MustParseAddr(c.in)); got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.in, c.home, got, c.want)
		}
	}
	for _, home := range []string{"DE", "jp", "Japan", "ZZ"} {
		var e *HomeError
		if _, err := table.Classifier(Options{Home: home}); !errors.As(err, &e) || e.Home != home {
			t.Errorf("home %q: %v", home, err)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for c := Unknown; c <= DD; c++ {
		var back Class
		b, err := c.MarshalText()
		if err != nil || back.UnmarshalText(b) != nil || back != c || string(b) != c.String() {
			t.Errorf("%d: %s %v %v", c, b, back, err)
		}
		if c.Reverse().Reverse() != c {
			t.Errorf("%s reversed twice is %s", c, c.Reverse().Reverse())
		}
	}
	for s := SideUnknown; s <= Foreign; s++ {
		var back Side
		b, err := s.MarshalText()
		if err != nil || back.UnmarshalText(b) != nil || back != s {
			t.Errorf("%d: %s %v %v", s, b, back, err)
		}
		for d := SideUnknown; d <= Foreign; d++ {
			if Combine(s, d).Reverse() != Combine(d, s) {
				t.Errorf("%s to %s: %s, back %s", s, d, Combine(s, d), Combine(d, s))
			}
		}
	}
	var c Class
	var s Side
	if c.UnmarshalText([]byte("xx")) == nil || s.UnmarshalText([]byte("")) == nil {
		t.Error("what is no name must not be read")
	}
	if _, err := Class(9).MarshalText(); err == nil {
		t.Error("what is no class must not be written")
	}
	if got := FD.String() + DF.String() + FF.String() + DD.String() + Unknown.String(); got != "fddfffddunknown" {
		t.Error(got)
	}
}
