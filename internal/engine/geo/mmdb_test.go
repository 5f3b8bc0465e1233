package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/netip"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// TestMMDBOfTheWorld compares every network of a real database, and a million
// addresses, with the library's own lookup.
func TestMMDBOfTheWorld(t *testing.T) {
	raw := shared(t, "iptoasn-country.mmdb")
	var b Builder
	m, err := ReadMMDB(&b, "iptoasn-country.mmdb", raw)
	if err != nil {
		t.Fatal(err)
	}
	table, err := b.Table(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %d rows %+v", m, b.Rows(), table.Counts())
	if m.Date.Year() != 2026 || b.Rows() < 100_000 {
		t.Errorf("%+v, %d rows", m, b.Rows())
	}
	db, err := maxminddb.OpenBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	c, rnd := classifier(t, table, Options{}), rand.New(rand.NewPCG(3, 3))
	for i := range 1_000_000 {
		a := addr{0, mapped | uint64(rnd.Uint32())}
		if i%2 == 0 {
			a = table.segs.starts[rnd.IntN(len(table.segs.starts))]
		}
		x := a.netip()
		var code string
		if err := db.Lookup(x).DecodePath(&code, "country_code"); err != nil {
			t.Fatal(err)
		}
		if !isCountry(code) || code == "ZZ" {
			code = ""
		}
		if got := c.Lookup(x).Country; got != code {
			t.Fatalf("%s: %q, the library says %q", x, got, code)
		}
	}
}

// TestMMDBConformance reads MaxMind's test databases: those with countries and
// AS numbers equal their sources, the broken ones are errors.
func TestMMDBConformance(t *testing.T) {
	files := sharedZip(t, "maxmind-test-data.zip")
	good, bad := 0, 0
	for name, raw := range files {
		if !strings.HasSuffix(name, ".mmdb") {
			continue
		}
		var b Builder
		m, err := ReadMMDB(&b, name, raw)
		if err == nil {
			good++
			if _, err := b.Table(m); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		bad++
		var limit *LimitError
		if !errors.Is(err, ErrMMDB) && !errors.As(err, &limit) {
			t.Errorf("%s: %v", name, err)
		}
		// Databases of plain strings are sound, and hold no country.
		plain := strings.Contains(name, "string-value") || strings.Contains(name, "no-ipv4-search-tree")
		if !plain && !strings.Contains(name, "bad-data") && !strings.Contains(strings.ToLower(name), "broken") && !strings.Contains(name, "Invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d read, %d refused", good, bad)
	if good < 35 || bad < 10 {
		t.Errorf("%d read, %d refused", good, bad)
	}
	for _, base := range []string{"GeoLite2-ASN-Test", "GeoLite2-Country-Test"} {
		var raw, source []byte
		for name := range files {
			switch path.Base(name) {
			case base + ".mmdb":
				raw = files[name]
			case base + ".json":
				source = files[name]
			}
		}
		equalSource(t, base, raw, source)
	}
}

// equalSource looks up the first address of every network of a test database's
// source.
func equalSource(t *testing.T, name string, raw, source []byte) {
	t.Helper()
	var b Builder
	m, err := ReadMMDB(&b, name, raw)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	table, err := b.Table(m)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]struct {
		Country struct {
			Code string `json:"iso_code"`
		} `json:"country"`
		ASN uint32 `json:"autonomous_system_number"`
		Org string `json:"autonomous_system_organization"`
	}
	if err := json.Unmarshal(source, &rows); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range rows {
		for cidr, want := range r {
			p := netip.MustParsePrefix(cidr)
			a := p.Addr()
			// MaxMind writes IPv4 into these sources as ::a.b.c.d.
			if b16 := a.As16(); a.Is6() && bytes.Equal(b16[:12], make([]byte, 12)) && p.Bits() >= 96 {
				a = netip.AddrFrom4([4]byte(b16[12:]))
			}
			got := table.entries[table.segs.at(addrOf(a))]
			if got.Country != want.Country.Code || got.ASN != want.ASN || got.Org != clean(want.Org, MaxOrg) {
				t.Errorf("%s %s: %+v, want %+v", name, cidr, got, want)
			}
			checked++
		}
	}
	if checked < 100 {
		t.Errorf("%s: only %d networks", name, checked)
	}
}

// tree returns a database of nodes with 24-bit records and one data record.
func tree(nodes [][2]int) []byte {
	var b []byte
	for _, n := range nodes {
		for _, c := range n {
			b = append(b, byte(c>>16), byte(c>>8), byte(c))
		}
	}
	b = append(b, make([]byte, 16)...)
	text := func(s string) { b = append(b, 0x40|byte(len(s))); b = append(b, s...) }
	b = append(b, 0xe1)
	text("country_code")
	text("JP")
	b = append(b, "\xab\xcd\xefMaxMind.com"...)
	b = append(b, 0xe9)
	number := func(name string, kind byte, v ...byte) {
		text(name)
		b = append(b, kind|byte(len(v)))
		b = append(b, v...)
	}
	number("binary_format_major_version", 0xa0, 2)
	number("binary_format_minor_version", 0xa0)
	text("build_epoch")
	b = append(b, 0x04, 0x02, 0x68, 0x00, 0x00, 0x00) // uint64 of 4 bytes
	text("database_type")
	text("Test")
	text("description")
	b = append(b, 0xe0)
	number("ip_version", 0xa0, 6)
	text("languages")
	b = append(b, 0x00, 0x04)
	number("node_count", 0xc0, byte(len(nodes)>>8), byte(len(nodes)))
	number("record_size", 0xa0, 24)
	return b
}

// TestHostileTrees: a tree whose paths never end, one with a loop, and one that
// is in order.
func TestHostileTrees(t *testing.T) {
	const none, data = 100, 100 + 16
	var many [][2]int
	for i := range 100 {
		many = append(many, [2]int{i + 1, i + 1}) // the last points at node_count: no data
	}
	var b Builder
	var limit *LimitError
	if _, err := ReadMMDB(&b, "many", tree(many)); !errors.As(err, &limit) {
		t.Errorf("2^100 paths: %v", err)
	}
	loop := make([][2]int, 100)
	for i := range loop {
		loop[i] = [2]int{none, none}
	}
	loop[0], loop[5] = [2]int{5, none}, [2]int{none, 0}
	if _, err := ReadMMDB(&b, "loop", tree(loop)); !errors.Is(err, ErrMMDB) {
		t.Errorf("a loop: %v", err)
	}
	loop[0], loop[5] = [2]int{5, none}, [2]int{none, data} // 4000::/2
	b = Builder{}
	m, err := ReadMMDB(&b, "plain", tree(loop))
	if err != nil || b.Rows() != 1 || b.items[0][0].first.hi != 1<<62 || b.country(b.items[0][0].value) != "JP" {
		t.Errorf("a plain tree: %v, %d rows", err, b.Rows())
	}
	if m.Source != "Test" || m.Date != time.Unix(0x68000000, 0).UTC() {
		t.Errorf("%+v", m)
	}
}

func FuzzReadMMDB(f *testing.F) {
	f.Add(tree([][2]int{{1, 1}, {1 + 16 + 1, 2}}))
	f.Add(tree([][2]int{{1, 2}, {2, 0}}))
	if !testing.Short() {
		for name, raw := range sharedZip(f, "maxmind-test-data.zip") {
			if strings.HasSuffix(name, ".mmdb") && len(raw) < 1500 {
				f.Add(raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b Builder
		m, err := ReadMMDB(&b, "f", raw)
		if err != nil {
			return
		}
		table, err := b.Table(m)
		if err != nil {
			t.Fatal(err) // networks of a tree cannot cross
		}
		usable(t, table)
	})
}
