package geo

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared returns a file of ../shared/data/geoip. Without it the test is
// skipped, or fails if NOROSHI_TEST_ALL is set. Files that end in .gz are
// unpacked.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../../shared/data/geoip", name))
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("no ../shared/data: ", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sharedZip returns the files of an archive of ../shared/data/geoip.
func sharedZip(t testing.TB, name string) map[string][]byte {
	t.Helper()
	raw := shared(t, name)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return out
}

// row is a line of an input as the oracle keeps it.
type row struct {
	first, last netip.Addr
	country     string
}

// rowsOf reads "start,end,country" and "prefix,country" the plain way.
func rowsOf(t testing.TB, raw []byte) (rows []row) {
	t.Helper()
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if p, err := netip.ParsePrefix(f[0]); err == nil {
			rows = append(rows, row{p.Addr(), lastOf(p), f[1]})
			continue
		}
		rows = append(rows, row{netip.MustParseAddr(f[0]), netip.MustParseAddr(f[1]), f[2]})
	}
	return rows
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// oracle answers by walking all rows: the narrowest that contains the address
// wins. It keeps its own list of what is never public, written as predicates.
type oracle struct {
	rows []row
	own  []netip.Prefix
	home string
}

func (o *oracle) country(a netip.Addr) string {
	country, best := "", row{}
	for _, r := range o.rows {
		if r.first.Is4() == a.Is4() && !a.Less(r.first) && !r.last.Less(a) &&
			(!best.first.IsValid() || !r.first.Less(best.first) && !best.last.Less(r.last)) {
			country, best = r.country, r
		}
	}
	return country
}

func (o *oracle) side(a netip.Addr) Side {
	a = a.Unmap()
	if b := a.As16(); a.Is6() && bytes.HasPrefix(b[:], []byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}) {
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range o.own {
		if p.Contains(a) {
			return Domestic
		}
	}
	if !public(a) {
		return SideUnknown
	}
	switch o.country(a) {
	case "", "ZZ", "XX", "AP":
		return SideUnknown
	case o.home:
		return Domestic
	}
	return Foreign
}

func (o *oracle) class(src, dst netip.Addr) Class {
	switch [2]Side{o.side(src), o.side(dst)} {
	case [2]Side{Foreign, Foreign}:
		return FF
	case [2]Side{Foreign, Domestic}:
		return FD
	case [2]Side{Domestic, Foreign}:
		return DF
	case [2]Side{Domestic, Domestic}:
		return DD
	}
	return Unknown
}

// public reports whether an address is none of the special ones, asking the
// standard library where it knows and plain comparisons where it does not.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() {
		return false
	}
	in := func(list ...string) bool {
		for _, p := range list {
			if netip.MustParsePrefix(p).Contains(a) {
				return true
			}
		}
		return false
	}
	if a.Is4() {
		b := a.As4()
		return b[0] != 0 && b[0] < 240 && !in("100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
			"192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")
	}
	return in("2000::/3") && !in("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
}

// addresses returns random addresses, half of them at or beside the ends of
// random rows, and some special ones.
func addresses(rows []row, rnd *rand.Rand, n int, six bool) []netip.Addr {
	out := make([]netip.Addr, 0, n)
	for len(out) < n {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], rnd.Uint64())
		binary.BigEndian.PutUint64(b[8:], rnd.Uint64())
		var a netip.Addr
		switch k := rnd.IntN(8); {
		case k < 4 && len(rows) > 0:
			r := rows[rnd.IntN(len(rows))]
			a = [...]netip.Addr{r.first, r.last, r.first.Prev(), r.last.Next()}[k]
		case !six:
			a = netip.AddrFrom4([4]byte(b[:4]))
		case k < 6:
			b[0] = 0x20 | b[0]&0x0f
			a = netip.AddrFrom16(b)
		case k == 6 && len(rows) > 0: // in or near a row, below its first 64 bits
			near := rows[rnd.IntN(len(rows))].first.As16()
			copy(b[:8], near[:8])
			a = netip.AddrFrom16(b)
		case rnd.IntN(4) == 0:
			copy(b[:12], []byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})
			a = netip.AddrFrom16(b)
		default:
			a = netip.AddrFrom16(b)
		}
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

func build(t testing.TB, csv ...[]byte) *Table {
	t.Helper()
	var b Builder
	for _, raw := range csv {
		if err := ReadCSV(&b, "test.csv", bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
	}
	table, err := b.Table(Meta{Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func classifier(t testing.TB, table *Table, o Options) *Classifier {
	t.Helper()
	c, err := table.Classifier(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func as16(a netip.Addr) *[16]byte { b := a.As16(); return &b }
