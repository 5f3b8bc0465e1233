package selection

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/netip"
	"testing"

	"noroshi/internal/engine/geo"
)

func TestPrefixesSayWhereAnAddressIs(t *testing.T) {
	embedded, err := ReadPrefixes("", nil)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("133.0.0.0/8\n"))
	_ = z.Close()
	strict, err := embedded.Strict()
	if err != nil {
		t.Fatal(err)
	}
	read := func(list string) *Prefixes {
		p, err := ReadPrefixes("list", []byte(list))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	again := read(string(embedded.file))
	if again.Digest() != embedded.Digest() {
		t.Error("a compiled table has another digest when it is read again")
	}
	lists := map[string]*Prefixes{
		"embedded": embedded, "again": again, "strict": strict, "packed": read(packed.String()), "plain": read("# of Japan\n133.0.0.0/8\n192.168.0.0/16\n"),
		"csv of Japan": read("prefix,country\n133.0.0.0/8,JP\n"), "csv of several": read("133.0.0.0/8,JP\n128.146.0.0/16,US\n203.0.113.0/24,JP\n198.51.100.0/24,US\n10.0.0.0/8,US\n"),
	}
	for _, test := range []struct {
		list, addr string
		want       geo.Side
	}{
		{"embedded", "133.11.0.10", geo.Domestic}, {"embedded", "128.146.216.51", geo.Foreign}, {"embedded", "1.1.1.1", geo.Foreign},
		{"embedded", "10.0.0.1", geo.SideUnknown}, {"embedded", "224.0.0.1", geo.SideUnknown}, {"embedded", "240.0.0.1", geo.SideUnknown}, {"embedded", "203.0.113.1", geo.SideUnknown},
		{"again", "1.1.1.1", geo.Foreign}, {"strict", "1.1.1.1", geo.SideUnknown}, {"strict", "128.146.216.51", geo.Foreign},
		{"packed", "133.11.0.10", geo.Domestic}, {"packed", "128.146.216.51", geo.Foreign},
		{"plain", "133.11.0.10", geo.Domestic}, {"plain", "8.8.8.8", geo.Foreign}, {"plain", "192.168.1.1", geo.Domestic}, {"plain", "10.0.0.1", geo.SideUnknown}, {"plain", "127.0.0.1", geo.SideUnknown},
		{"csv of Japan", "8.8.8.8", geo.Foreign},
		{"csv of several", "128.146.216.51", geo.Foreign}, {"csv of several", "8.8.8.8", geo.SideUnknown}, {"csv of several", "203.0.113.1", geo.Domestic},
		{"csv of several", "198.51.100.1", geo.Foreign}, {"csv of several", "10.0.0.1", geo.SideUnknown}, // a private network is nobody's abroad
	} {
		a := netip.MustParseAddr(test.addr).As16()
		if got := lists[test.list].Side(&a); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.list, test.addr, got, test.want)
		}
	}
	if lists["embedded"].madeUp() != nil || len(lists["csv of several"].madeUp()["foreign"]) != 1 || len(lists["plain"].madeUp()["domestic"]) != 1 {
		t.Errorf("made up: %v, %v", lists["csv of several"].madeUp(), lists["plain"].madeUp())
	}
}

func TestPrefixesThatCannotBeReadAreNamedByLine(t *testing.T) {
	for list, want := range map[string]error{
		"": ErrPrefixes, "hello": ErrPrefixes, "133.0.0.0/8\n133.0.0.1/8\n": ErrPrefixes, "128.146.0.0/16,US\n": ErrPrefixes, "\x1f\x8b": ErrPrefixes,
	} {
		if _, err := ReadPrefixes("list", []byte(list)); err == nil || !errors.Is(err, want) && !errors.Is(err, ErrPrefixesHome) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// FuzzReadPrefixes looks that what is read never makes a private or reserved
// address foreign, and is read the same again.
func FuzzReadPrefixes(f *testing.F) {
	f.Add([]byte("133.0.0.0/8\n10.0.0.0/8\n"))
	f.Add([]byte("133.0.0.0/8,JP\n203.0.113.0/24,US\n10.0.0.0/8,US\n"))
	f.Add([]byte("prefix,country\n2001:200::/32,JP\nfd00::/8,JP\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ReadPrefixes("list", raw)
		if err != nil || len(raw) == 0 {
			return
		}
		for _, text := range []string{"10.0.0.1", "192.168.0.1", "127.0.0.1", "224.0.0.1", "240.0.0.1", "fd00::1", "ff02::1", "fe80::1", "::1"} {
			a := netip.MustParseAddr(text).As16()
			if p.Side(&a) == geo.Foreign {
				t.Errorf("%s is foreign by %q", text, raw)
			}
		}
		q, err := ReadPrefixes("list", raw)
		if err != nil || q.Digest() != p.Digest() || len(q.own) != len(p.own) || len(q.away) != len(p.away) {
			t.Errorf("%q is read otherwise again: %v", raw, err)
		}
	})
}
