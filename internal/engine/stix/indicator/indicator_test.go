package indicator

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

func readText(t testing.TB, text string) (*Set, Report) {
	t.Helper()
	b := NewBuilder(nil, 3)
	rep, err := Read(strings.NewReader(text), "list", b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s, rep
}

const ja4 = "t13d1516h2_8daaf6152771_b186095e22b6"

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.5":                      "address 203.0.113.5/32",
		"203[.]0[.]113[.]5:443":            "address 203.0.113.5/32",
		"[2001:db8::1]:443":                "address 2001:db8::1/128",
		"::ffff:192.0.2.1":                 "address 192.0.2.1/32",
		"203.0.113.77/24":                  "network 203.0.113.0/24",
		"2001:db8::/32":                    "network 2001:db8::/32",
		"Evil.Example.":                    "domain evil.example",
		"*.evil[.]example":                 "domain evil.example",
		"evil(dot)example":                 "domain evil.example",
		"evil.example:8080":                "domain evil.example",
		"hxxps://evil[.]example/":          "domain evil.example",
		"http://203.0.113.5":               "address 203.0.113.5/32",
		"hxxp://evil.example/a?b":          "url http://evil.example/a?b",
		"evil.example/gate.php":            "url http://evil.example/gate.php",
		`"evil.example"`:                   "domain evil.example",
		"D41D8CD98F00B204E9800998ECF8427E": "file d41d8cd98f00b204e9800998ecf8427e",
		ja4:                                "ja4 " + ja4,
		"":                                 "",
		"/gate.php":                        "",
		"localhost":                        "",
		"a b":                              "",
		"1.2.3":                            "",
		"x..y":                             "",
		"-":                                "",
		"例え.jp":                            "",
		"999.999.999.999":                  "",
		strings.Repeat("a", 64) + ".com":   "",
	} {
		got := ""
		if e, ok := classify(text); ok {
			got = e.Kind.String() + " " + e.Text + hex.EncodeToString(e.Sum)
			if e.Prefix.IsValid() {
				got += e.Prefix.String()
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	s, rep := readText(t, "\ufeff# a list\n\n203.0.113.5 # Family A\n203.0.113.5\nevil.example\n198.51.100.0/24\n0.0.0.0 ads.example.net\nnot an indicator\n2026-01-01;bad.example.org;x\n"+
		strings.Repeat("x", 3*MaxLine)+"\nlast.example")
	if rep != (Report{Format: Lines, Entries: 6, Doubles: 1, Unknown: 1, Overlong: 1}) {
		t.Errorf("%+v", rep)
	}
	h, ok := s.Address(netip.MustParseAddr("203.0.113.5"))
	if !ok || h.Name != "Family A" || h.List != "list" || h.Value() != "203.0.113.5" || h.Kind != Address {
		t.Errorf("%+v", h)
	}
	if h, ok := s.Address(netip.MustParseAddr("::ffff:198.51.100.9")); !ok || h.Value() != "198.51.100.0/24" || h.Kind != Network {
		t.Errorf("%+v", h)
	}
	for name, want := range map[string]bool{"evil.example": true, "a.b.EVIL.example.": true, "notevil.example": false, "example": false, "": false, "ads.example.net": true, "example.net": false, "bad.example.org": true, "last.example": true} {
		if h, ok := s.Domain([]byte(name)); ok != want || ok && h.Value() == "" {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestCSV(t *testing.T) {
	s, rep := readText(t, "type,indicator,malware,uuid\nip-dst,203.0.113.5,Fam,u1\nja3-fingerprint-md5,e7d705a3286e19ea42f587b344ee6865,\"Tor, old\",u2\nx509-fingerprint-sha1,"+
		strings.Repeat("AB:", 19)+"AB,C2,u3\nja3s,e7d705a3286e19ea42f587b344ee6866,no,u4\ndomain,bad[.]example,,u5\nshort\n")
	if rep != (Report{Format: CSV, Entries: 4, Unknown: 2}) {
		t.Errorf("%+v", rep)
	}
	var sum [16]byte
	hex.Decode(sum[:], []byte("e7d705a3286e19ea42f587b344ee6865"))
	if h, ok := s.JA3(sum); !ok || h.Name != "Tor, old" || h.ID != "u2" || h.Value() != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", h)
	}
	if _, ok := s.File(sum[:]); ok {
		t.Error("a JA3 is no file")
	}
	if h, ok := s.Certificate(bytes.Repeat([]byte{0xab}, 20)); !ok || h.Name != "C2" {
		t.Errorf("%+v", h)
	}
	// A header within a comment, as some feeds write it.
	s, rep = readText(t, "################\n# Listingdate,SHA1,Listingreason #\n# Listingdate,cert_sha1,Listingreason\n2026-01-01 00:00:00,"+strings.Repeat("ab", 20)+",Family C2\n")
	if h, ok := s.Certificate(bytes.Repeat([]byte{0xab}, 20)); rep.Format != CSV || !ok && rep.Entries != 1 {
		t.Errorf("%+v %+v", rep, h)
	}
}

func TestJSON(t *testing.T) {
	bundle := `{"type":"bundle","id":"bundle--1","objects":[
	{"type":"indicator","id":"indicator--1","name":"Family","pattern":"[ipv4-addr:value = '203.0.113.5'] OR [domain-name:value IN ('a.example','b.example')]","pattern_type":"stix"},
	{"type":"indicator","id":"indicator--2","pattern":"[ipv4-addr:value = '203.0.113.6' AND ipv4-addr:x = 1]","pattern_type":"stix"},
	{"type":"indicator","id":"indicator--3","pattern":"[broken","pattern_type":"stix"},
	{"type":"indicator","id":"indicator--4","pattern":"rule x {}","pattern_type":"yara"},
	{"type":"indicator","id":"indicator--5","pattern":"[ipv4-addr:value = '203.0.113.7']","revoked":true},
	{"type":"ipv4-addr","value":"203.0.113.8"},
	{"type":"indicator","id":"indicator--6","pattern":"[network-traffic:x_ja4 = '` + ja4 + `']"}]}`
	s, rep := readText(t, bundle)
	if rep != (Report{Format: JSON, Entries: 4, Unknown: 1, Invalid: 1, Inexact: 1, Muted: 1}) {
		t.Errorf("%+v", rep)
	}
	if h, ok := s.Domain([]byte("x.b.example")); !ok || h.ID != "indicator--1" || h.Name != "Family" {
		t.Errorf("%+v", h)
	}
	if h, ok := s.JA4(record.JA4([]byte(ja4))); !ok || h.Value() != ja4 {
		t.Errorf("%+v", h)
	}
	if _, ok := s.Address(netip.MustParseAddr("203.0.113.8")); ok {
		t.Error("an observed address is no indicator")
	}
	event := `{"response":[{"Event":{"info":"x","Attribute":[
	{"type":"ip-dst|port","value":"203.0.113.9|443","to_ids":true,"uuid":"u1","comment":"C2"},
	{"type":"filename|sha1","value":"a.exe|` + strings.Repeat("cd", 20) + `","to_ids":true},
	{"type":"domain|ip","value":"c.example|203.0.113.10","to_ids":true},
	{"type":"domain","value":"d.example","to_ids":false},
	{"type":"comment","value":"e.example","to_ids":true},
	{"type":"domain","value":"f.example","deleted":true}],
	"Object":[{"name":"o","Attribute":[{"type":"ja3-fingerprint-md5","value":"` + strings.Repeat("ef", 16) + `","to_ids":true}]}]}}]}`
	s, rep = readText(t, event)
	if rep != (Report{Format: JSON, Entries: 5, Unknown: 1, Muted: 2}) {
		t.Errorf("%+v", rep)
	}
	if h, ok := s.Address(netip.MustParseAddr("203.0.113.9")); !ok || h.Name != "C2" || h.ID != "u1" {
		t.Errorf("%+v", h)
	}
	for _, bad := range []string{`{"objects":[`, `{"objects":[{]}`, `{"a":` + strings.Repeat("[", 100), `{`, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)} {
		if _, err := Read(strings.NewReader(bad), "x", NewBuilder(nil, 1)); err != ErrJSON {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
}

// Names that records show only as hashes are found through their naming, and
// each part of a record is looked at.
func TestMatch(t *testing.T) {
	naming := record.NewNaming([32]byte{9}, false)
	b := NewBuilder(naming, 1)
	print := sha256.Sum256([]byte("cert"))
	list := strings.Join([]string{"203.0.113.0/24", "xq7kz9w2v8b4n6m3.example", "evil.example", ja4, "value"}, "\n")
	if _, err := Read(strings.NewReader(list), "l", b); err != nil {
		t.Fatal(err)
	}
	b.Add("l", Entry{Kind: Certificate, Sum: print[:]})
	b.Add("l", Entry{Kind: JA3, Sum: bytes.Repeat([]byte{7}, 16)})
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	shown := naming.Host([]byte("a.b.xq7kz9w2v8b4n6m3.example"))
	if strings.Contains(shown.String(), "xq7kz") {
		t.Fatal("the naming shows what this test needs hidden")
	}
	r := &record.Record{Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("203.0.113.200"),
		DNS:  []record.DNS{{Name: shown, Addrs: [4]netip.Addr{netip.MustParseAddr("203.0.113.9")}}},
		HTTP: []record.HTTP{{Host: naming.Host([]byte("www.evil.example"))}},
		TLS:  &record.TLS{JA3: [16]byte(bytes.Repeat([]byte{7}, 16)), Certificate: &record.Certificate{SHA256: print}},
		QUIC: &record.QUIC{JA4: record.JA4([]byte(ja4))},
	}
	var got []string
	s.Match(r, func(h Hit) { got = append(got, h.Kind.String()) })
	if fmt.Sprint(got) != "[network domain network domain ja3 certificate ja4]" {
		t.Error(got)
	}
	if _, ok := s.File(nil); ok {
		t.Error("no hash matches")
	}
	var none *Set
	none.Match(r, func(Hit) { t.Error("an empty set matches") })
	(&Set{}).Match(r, func(Hit) { t.Error("an empty set matches") })
}

// Random networks, addresses and names give what a slow look at the list gives.
func TestTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		b := NewBuilder(nil, r.Uint64())
		var nets []netip.Prefix
		var names []string
		for range 60 {
			a := netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256))})
			if r.IntN(3) == 0 {
				a = netip.AddrFrom16([16]byte{0x20, 1, byte(r.IntN(3)), byte(r.IntN(256)), 15: byte(r.IntN(256))})
			}
			p := netip.PrefixFrom(a, a.BitLen()-r.IntN(a.BitLen()-8)).Masked()
			e, ok := address(p.String())
			if !ok {
				t.Fatal(p)
			}
			b.Add("l", e)
			nets = append(nets, p)
			n := fmt.Sprintf("h%d.d%d.example", r.IntN(9), r.IntN(9))[r.IntN(2)*3:]
			b.Add("l", Entry{Kind: Domain, Text: n})
			names = append(names, n)
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			a := netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256))})
			if r.IntN(3) == 0 {
				a = netip.AddrFrom16([16]byte{0x20, 1, byte(r.IntN(3)), byte(r.IntN(256)), 15: byte(r.IntN(256))})
			}
			best := -1
			for _, p := range nets {
				if p.Contains(a) {
					best = max(best, p.Bits())
				}
			}
			h, ok := s.Address(a)
			got := -1
			if ok {
				got = a.BitLen()
				if h.Kind == Network {
					got = netip.MustParsePrefix(h.Value()).Bits()
				}
			}
			if got != best {
				t.Fatalf("%s: /%d, want /%d", a, got, best)
			}
			n := fmt.Sprintf("x.h%d.d%d.example", r.IntN(9), r.IntN(9))
			want := false
			for _, e := range names {
				want = want || n == e || strings.HasSuffix(n, "."+e)
			}
			if _, ok := s.Domain([]byte(n)); ok != want {
				t.Fatalf("%s: %v", n, ok)
			}
		}
	}
}

// open reads an archive of the shared test data, and skips the test where
// there is none.
func open(t testing.TB, name string) *zip.ReadCloser {
	t.Helper()
	path := "../../../../../shared/data/" + name
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data here: %v", err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

// Real lists: most values are taken, and each taken one matches itself (Build
// would fail otherwise).
func TestRealLists(t *testing.T) {
	for _, c := range []struct {
		archive, part string
		entries       int
		share         float64 // of the values that are taken or known already, at least
	}{
		{"ioc/maltrail-trails-dev.zip", ".txt", 90_000, 0.95},
		{"misp/eset-ioc-misp-dev.zip", ".json", 900, 0},
		{"stix/stix2-json-schemas-examples.zip", "examples/", 50, 0},
		{"misp/misp-event-samples.zip", "existing_event.json", 50, 0},
	} {
		z := open(t, c.archive)
		b, sum, broken := NewBuilder(nil, 5), Report{}, 0
		for _, f := range z.File {
			if !strings.Contains(f.Name, c.part) || strings.Contains(f.Name, "LICENSE") || strings.HasSuffix(f.Name, ".md") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			rep, err := Read(r, f.Name, b)
			if err != nil {
				broken++ // one of the MISP events is cut off where it was published
			}
			sum.Entries, sum.Doubles, sum.Unknown = sum.Entries+rep.Entries, sum.Doubles+rep.Doubles, sum.Unknown+rep.Unknown
			sum.Invalid, sum.Inexact, sum.Muted = sum.Invalid+rep.Invalid, sum.Inexact+rep.Inexact, sum.Muted+rep.Muted
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		taken := float64(sum.Entries+sum.Doubles) / float64(max(1, sum.Entries+sum.Doubles+sum.Unknown))
		t.Logf("%s: %+v, %d files cut off, %d keys", c.archive, sum, broken, s.Len())
		if sum.Entries < c.entries || taken < c.share || broken > 1 {
			t.Errorf("%s: %+v, %d broken", c.archive, sum, broken)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("203.0.113.5 # x\nevil[.]example\n"))
	f.Add([]byte("type,value\nja3,e7d705a3286e19ea42f587b344ee6865\n"))
	f.Add([]byte(`{"objects":[{"type":"indicator","pattern":"[a:b=1]"}],"Attribute":[{"type":"domain|ip","value":"a.b|1.2.3.4"}]}`))
	naming := record.NewNaming([32]byte{1}, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		b := NewBuilder(naming, 1)
		Read(bytes.NewReader(text), "l", b)
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.entries {
			h, ok := s.find(s.key(&s.entries[i]))
			if !ok || h.Value() == "" || len(h.Name) > MaxName {
				t.Errorf("%+v", h)
			}
		}
	})
}

// million is a set of a million entries: addresses, networks, names and hashes.
func million(b testing.TB) *Set {
	r := rand.New(rand.NewPCG(8, 8))
	build := NewBuilder(nil, 8)
	for i := range 1_000_000 {
		var e Entry
		switch i % 10 {
		case 0, 1, 2, 3, 4:
			e, _ = address(netip.AddrFrom4([4]byte{byte(1 + r.IntN(220)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}).String())
		case 5:
			e, _ = address(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + r.IntN(220)), byte(r.Uint32()), byte(r.Uint32()), 0}), 20+r.IntN(9)).String())
		default:
			e = Entry{Kind: Domain, Text: fmt.Sprintf("host%x.example%d.com", r.Uint32(), i)}
		}
		if _, err := build.Add("l", e); err != nil {
			b.Fatal(err)
		}
	}
	s, err := build.Build()
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkAddress(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := million(b)
	runtime.GC()
	runtime.ReadMemStats(&after)
	r := rand.New(rand.NewPCG(9, 9))
	addrs := make([]netip.Addr, 1<<16)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{byte(1 + r.IntN(220)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Address(addrs[i&(1<<16-1)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlookups/s")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
}

func BenchmarkDomain(b *testing.B) {
	s := million(b)
	names := [][]byte{[]byte("www.google.com"), []byte("img.cdn.example.co.jp"), []byte("login.microsoftonline.com"), []byte("a.b.c.example.net")}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Domain(names[i&3])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlookups/s")
}

func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d\nhost%d[.]example%d.com # family\n", i>>16, i>>8&255, i&255, i, i%100)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		rep, err := Read(bytes.NewReader(text.Bytes()), "l", NewBuilder(nil, 1))
		if err != nil || rep.Entries != 40_000 {
			b.Fatal(rep, err)
		}
	}
}

// What a list calls its entries cannot steer a terminal.
func TestNamesOfEntriesArePlain(t *testing.T) {
	if got := short(" indicator--1\x1b]0;x\a\u009b2J\u202eab\u2066c\u200b\u2028 "); got != "indicator--1]0;x2Jabc" {
		t.Errorf("%q", got)
	}
}
