package geo

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestRowsOfEveryForm(t *testing.T) {
	in := "\ufeffnetwork,country,asn,name\r\n# a remark\r\n\r\n" +
		"1.0.16.0/20,jp,2519,\"ARTERIA \"\"Networks\"\", Corp\"\r\n" +
		"8.8.8.0,8.8.8.255,US\r\n" +
		"9.9.9.9,CH\r\n" +
		"2001:db8:1::/48\tDE\tAS3320\tDTAG\r\n" +
		"::ffff:4.0.0.0/104,FR\n" +
		"5.0.0.0/8,-,64500,\x1b[31mred\n" +
		"6.0.0.0/8,ZZ\n" +
		"5.1.0.0/16,,,"
	in = strings.TrimSuffix(in, ",") // three fields
	var b Builder
	if err := ReadCSV(&b, "x.csv", strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	table, err := b.Table(Meta{})
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]Entry{
		"1.0.16.1": {"JP", 2519, `ARTERIA "Networks", Corp`}, "8.8.8.255": {Country: "US"}, "9.9.9.9": {Country: "CH"}, "9.9.9.10": {},
		"2001:db8:1::": {"DE", 3320, "DTAG"}, "4.255.0.0": {Country: "FR"}, "5.0.0.1": {"", 64500, "[31mred"}, "5.1.0.1": {"", 64500, "[31mred"}, "6.0.0.1": {},
	} {
		if got := table.entries[table.segs.at(addrOf(netip.MustParseAddr(a)))]; got != want {
			t.Errorf("%s: %+v, want %+v", a, got, want)
		}
	}
	if b.Rows() != 8 {
		t.Errorf("%d rows", b.Rows())
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	for line, want := range map[string]Problem{
		"1.2.3,JP": BadAddress, "1.2.3.4/33,JP": BadPrefix, "1.2.3.4/24,JP": BadPrefix, "2001:db8::1/32,JP": BadPrefix, "fe80::1%eth0,JP": BadAddress,
		"1.2.3.4,1.2.3.3,JP": BadRange, "1.2.3.4,::1,JP": BadRange, "1.2.3.4,1.2.3.x,JP": BadAddress, "1.2.3.4": BadColumns, "1.2.3.0/24": BadColumns,
		"1.2.3.0/24,JPN": BadCountry, "1.2.3.0/24,日": BadCountry, "1.2.3.0/24,JP,ASX": BadSystem, "1.2.3.0/24,JP,4294967296": BadSystem, "1.2.3.0/24,JP,-1": BadSystem,
		"1.2.3.0/24,JP,1,name,more": BadColumns, `1.2.3.0/24,"JP`: BadColumns, `1.2.3.0/24,"JP"x`: BadColumns, "1.2.3.0/24," + strings.Repeat(",", 9): BadColumns,
		"010.0.0.0/8,US": BadPrefix, "1.2.3.4," + strings.Repeat("x", MaxLine): TooLong, "::ffff:0:0/90,US": BadPrefix,
	} {
		var b Builder
		err := ReadCSV(&b, "x.csv", strings.NewReader("1.0.0.0/24,US\n"+line+"\n"))
		var e *LineError
		if !errors.As(err, &e) || e.Problem != want || e.Line != 2 || e.File != "x.csv" || len(e.Value) > 40 {
			t.Errorf("%.40q: %v, want %s", line, err, want)
		}
	}
	var b Builder
	err := ReadCSV(&b, "x.csv", strings.NewReader(strings.Repeat("1.2.3.4/24,JP\n", 50)))
	if all, ok := err.(interface{ Unwrap() []error }); !ok || len(all.Unwrap()) != maxBad {
		t.Errorf("fifty bad rows: %v", err)
	}
	if err := ReadList(&b, "jp.txt", "JP", strings.NewReader("# Japan\n1.0.16.0/20\n1.0.16.1/20\n")); err == nil || !strings.Contains(err.Error(), "jp.txt:3") {
		t.Errorf("a list: %v", err)
	}
}

func TestRowsThatContradict(t *testing.T) {
	for in, want := range map[string]string{
		"1.0.0.0/24,JP\n2.0.0.0/24,US\n1.0.0.0/24,US\n":                             "1 3",
		"1.0.0.0,1.0.0.9,JP\n1.0.0.5,1.0.0.20,US\n":                                 "1 2",
		"1.0.0.5,1.0.0.20,US\n1.0.0.0,1.0.0.9,JP\n":                                 "1 2",
		"1.0.0.0,1.0.0.9,JP\n1.0.0.5,1.0.0.20,JP\n1.0.0.15,1.0.0.30,US\n":           "2 3",
		"2400::,2400::5,JP\n2400::3,2400::9,\n":                                     "1 2",
		"1.0.0.0/8,US\n1.0.0.0,1.0.0.9,JP\n1.0.0.5,1.0.0.20,KR\n":                   "2 3",
		"1.0.0.0/24,JP\n1.0.0.0/24,JP\n":                                            "",
		"1.0.0.0/24,JP,1,A\n1.0.0.0/24,JP,2,B\n":                                    "",
		"1.0.0.0/16,US\n1.0.0.0/24,JP\n1.0.0.0/25,US\n1.0.0.64/26,JP\n":             "",
		"1.0.0.0,1.0.0.9,JP\n1.0.0.5,1.0.0.20,JP\n1.0.0.4,1.0.0.6,JP\n":             "",
		"0.0.0.0/0,US\n::/0,KR\n1.0.0.0/24,JP\n2400::/12,JP\n255.255.255.0/24,DE\n": "",
	} {
		var b Builder
		if err := ReadCSV(&b, "x.csv", strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		_, err := b.Table(Meta{})
		var e *ConflictError
		if errors.As(err, &e) {
			if got := fmt.Sprint(e.A.Line, e.B.Line); got != want || e.A.File != "x.csv" {
				t.Errorf("%q: %v, want lines %s", in, err, want)
			}
		} else if err != nil || want != "" {
			t.Errorf("%q: %v, want lines %q", in, err, want)
		}
	}
}

func TestTheNarrowerRowHolds(t *testing.T) {
	var b Builder
	in := "1.0.0.64/26,JP\n1.0.0.0/16,US\n1.0.0.0/24,JP\n1.0.0.0/25,KR\n1.0.0.100,1.0.0.101,\n::/0,DE\n1.0.255.250,1.1.0.3,US,7,late\n"
	if err := ReadCSV(&b, "x.csv", strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	table, err := b.Table(Meta{})
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range map[string]string{"1.0.0.0": "KR", "1.0.0.63": "KR", "1.0.0.64": "JP", "1.0.0.99": "JP", "1.0.0.100": "", "1.0.0.101": "", "1.0.0.102": "JP",
		"1.0.0.127": "JP", "1.0.0.128": "JP", "1.0.0.255": "JP", "1.0.1.0": "US", "1.0.255.255": "US", "1.1.0.0": "US", "1.1.0.3": "US", "1.1.0.4": "",
		"0.255.255.255": "", "255.255.255.255": "", "::": "DE", "ffff::": "DE"} {
		if got := table.entries[table.segs.at(addrOf(netip.MustParseAddr(a)))].Country; got != want {
			t.Errorf("%s: %q, want %q", a, got, want)
		}
	}
	if got := table.entries[table.segs.at(addrOf(netip.MustParseAddr("1.1.0.1")))].ASN; got != 7 {
		t.Errorf("the part that sticks out has AS %d", got)
	}
	if err := b.Add(netip.MustParseAddr("1.0.0.2"), netip.MustParseAddr("1.0.0.1"), Entry{}, 1); err == nil {
		t.Error("a range backwards was added")
	}
	if b.Add(netip.Addr{}, netip.Addr{}, Entry{}, 1) == nil || b.AddPrefix(netip.Prefix{}, Entry{}, 1) == nil || b.AddPrefix(netip.MustParsePrefix("1.0.0.0/8"), Entry{Country: "j"}, 1) == nil {
		t.Error("nothing was added")
	}
}

// TestListsOfCountriesAndOfSystems makes one table of two, in either order and
// in the orders of columns that publishers use.
func TestListsOfCountriesAndOfSystems(t *testing.T) {
	countries := "1.0.0.0,1.0.0.255,AU\n1.0.16.0,1.0.31.255,JP,1,kept\n2.0.0.0/8,FR\n"
	systems := "1.0.0.0/24,13335,CLOUDFLARENET\n1.0.16.0,1.0.31.255,2519,VECTANT\n2.0.0.0\t2.0.0.255\t3215\tFR\tAS3215\n" +
		"2.0.1.0\t2.0.255.255\t0\tNone\tNot routed\n9.0.0.0/8,AS9,CMU\n2.128.0.0,2.129.255.255,3300,B\n"
	for _, order := range [][]string{{countries, systems}, {systems, countries}} {
		var b Builder
		for _, in := range order {
			if err := ReadCSV(&b, "x", strings.NewReader(in)); err != nil {
				t.Fatal(err)
			}
		}
		table, err := b.Table(Meta{})
		if err != nil {
			t.Fatal(err)
		}
		for a, want := range map[string]Entry{"1.0.0.9": {"AU", 13335, "CLOUDFLARENET"}, "1.0.16.9": {"JP", 1, "kept"}, "2.0.0.9": {"FR", 3215, "AS3215"},
			"2.0.1.9": {}, "2.127.0.0": {Country: "FR"}, "2.128.0.1": {"FR", 3300, "B"}, "2.130.0.0": {Country: "FR"}, "9.9.9.9": {"", 9, "CMU"}} {
			if got := table.entries[table.segs.at(addrOf(netip.MustParseAddr(a)))]; got != want {
				t.Errorf("%s: %+v, want %+v", a, got, want)
			}
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("1.0.16.0/20,JP,2519,\"A, B\"\n8.8.8.0,8.8.8.255,US\n2400::/12,JP\n"))
	f.Add([]byte("start,end,cc\n1.0.0.0,1.0.0.9,JP\n1.0.0.5,1.0.0.20,US\n"))
	f.Add([]byte("1.0.0.0/24,13335,X\n1.0.0.0/8\tJP\n1.0.0.0\t1.0.0.9\t7\tUS\tN\n"))
	f.Add([]byte("::/0\tJP\n::ffff:1.2.3.4/128\tUS\n255.255.255.255,JP\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,US"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var b Builder
		if ReadCSV(&b, "f", bytes.NewReader(in)) != nil {
			return
		}
		table, err := b.Table(Meta{Source: "fuzz"})
		if err != nil {
			var e *ConflictError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		usable(t, table)
		if _, err := b.TableOf(Meta{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLimitsOfABuilder(t *testing.T) {
	var l *LimitError
	b := Builder{items: [2][]item{make([]item, MaxRanges)}}
	if err := b.AddPrefix(netip.MustParsePrefix("1.0.0.0/8"), Entry{Country: "JP"}, 1); !errors.As(err, &l) || l.Max != MaxRanges {
		t.Errorf("a range too many: %v", err)
	}
	b = Builder{entries: make([]Entry, MaxEntries), known: map[Entry]uint32{}}
	if err := b.AddPrefix(netip.MustParsePrefix("1.0.0.0/8"), Entry{Country: "JP"}, 1); !errors.As(err, &l) || l.Max != MaxEntries {
		t.Errorf("an entry too many: %v", err)
	}
	if err := ReadCSV(&b, "x", strings.NewReader("1.0.0.0/8,JP\n")); !errors.As(err, &l) {
		t.Errorf("in a file: %v", err)
	}
}
