package geo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func small(t testing.TB) *Table {
	t.Helper()
	var b Builder
	in := "1.0.16.0/20,JP,2519,\"VECTANT ARTERIA, Networks\"\n8.8.8.0/24,US,AS15169,GOOGLE\n255.255.255.255/32,US\n2400:2000::/20,JP\n2001:db8::1-x\n"
	in = strings.Replace(in, "2001:db8::1-x\n", "2001:db8::1,2001:db8::3,DE\n", 1)
	if err := ReadCSV(&b, "a.csv", strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	table, err := b.TableOf(Meta{Source: "made for a test", Licence: "CC0-1.0", Date: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestFileRoundTrip(t *testing.T) {
	world := build(t, shared(t, "asn-country-ipv4.csv.gz"), shared(t, "asn-country-ipv6.csv.gz"))
	for name, table := range map[string]*Table{"small": small(t), "empty": build(t), "world": world} {
		file := table.Encode()
		back, err := Decode(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(table, back) {
			t.Errorf("%s differs after reading it back", name)
		}
		if !bytes.Equal(file, back.Encode()) {
			t.Errorf("%s: the same table gives other bytes", name)
		}
		t.Logf("%s: %d bytes, %+v", name, len(file), table.Counts())
	}
}

func TestCounts(t *testing.T) {
	want := Counts{Ranges4: 3, Ranges6: 2, Addresses4: 4096 + 256 + 1, Subnets6: 1 << 44, Countries: 3, Systems: 2}
	if got := small(t).Counts(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestDamagedFiles flips every bit and cuts at every byte of a file.
func TestDamagedFiles(t *testing.T) {
	file := small(t).Encode()
	for i := range len(file) * 8 {
		bad := slices.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := Decode(bad); err == nil {
			t.Fatalf("bit %d flipped: read", i)
		}
	}
	for n := range file {
		if _, err := Decode(file[:n]); err == nil {
			t.Fatalf("cut to %d bytes: read", n)
		}
	}
	if _, err := Decode(append(slices.Clone(file), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
	other := slices.Clone(file)
	other[7]++
	if _, err := Decode(other); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
	if _, err := Decode([]byte("start,end,country\n")); !errors.Is(err, ErrNotTable) {
		t.Errorf("a CSV file: %v", err)
	}
}

// sealed returns a file of a body whose checksum is right.
func sealed(table *Table, body []byte) []byte {
	file := table.Encode()
	n := len(body)
	out := append([]byte{}, file[:len(magic)]...)
	out = binary.BigEndian.AppendUint32(out, uint32(n))
	for { // stored DEFLATE blocks (RFC 1951 section 3.2.4)
		k := min(len(body), 65535)
		last := byte(0)
		if k == len(body) {
			last = 1
		}
		out = append(out, last, byte(k), byte(k>>8), ^byte(k), ^byte(k>>8))
		out = append(out, body[:k]...)
		if body = body[k:]; last == 1 {
			break
		}
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// TestForgedFiles changes bytes of the body under a right checksum: what is
// read must be a table that can be compiled and written again.
func TestForgedFiles(t *testing.T) {
	table := small(t)
	body := table.body()
	if _, err := Decode(sealed(table, body)); err != nil {
		t.Fatal(err)
	}
	read := 0
	for i := range body {
		for _, x := range []byte{1, 2, 0x40, 0x80, 0xff} {
			bad := slices.Clone(body)
			bad[i] ^= x
			if got, err := Decode(sealed(table, bad)); err == nil {
				read++
				usable(t, got)
			} else if !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	if read == 0 {
		t.Error("every forged body was refused; the test reaches nothing")
	}
}

// usable fails the test when a table that was read cannot be worked with.
func usable(t testing.TB, table *Table) {
	t.Helper()
	table.Counts()
	again, err := Decode(table.Encode())
	if err != nil || !reflect.DeepEqual(table.segs, again.segs) {
		t.Fatalf("what was read is not written again: %v", err)
	}
	c, err := table.Classifier(Options{})
	var home *HomeError
	if err != nil {
		if !errors.As(err, &home) {
			t.Fatal(err)
		}
		return
	}
	for i, a := range table.segs.starts {
		if i > 2000 {
			break
		}
		x := a.netip()
		want, _ := c.judge(c.segs.values[c.segs.index(a)])
		if a.hi != translated && (c.Side(x) != want || c.Lookup(x).Side != want) {
			t.Fatalf("%s: %s, %+v, want %s", x, c.Side(x), c.Lookup(x), want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	table := small(f)
	f.Add(table.Encode(), []byte(nil))
	f.Add(domestic[:2000], []byte(nil))
	f.Add([]byte(nil), table.body())
	f.Add([]byte(nil), build(f).body())
	f.Fuzz(func(t *testing.T, file, body []byte) {
		if body != nil {
			file = sealed(table, body)
		}
		if got, err := Decode(file); err == nil {
			usable(t, got)
		}
	})
}

func TestEmbedded(t *testing.T) {
	table, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m := table.Meta()
	if m.Licence != "CC0-1.0" || !strings.Contains(m.Source, "rir-ip") || m.Date != time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC) ||
		strings.Join(m.Complete, " ") != "CN DE IR JP KP KR RU TW US" {
		t.Errorf("%+v", m)
	}
	if len(domestic) > 90_000 {
		t.Errorf("the embedded table has grown to %d bytes", len(domestic))
	}
	for _, c := range []struct {
		in      string
		o       Options
		side    Side
		why     Reason
		country string
	}{
		{"8.8.8.8", Options{}, Foreign, Listed, "US"},
		{"1.1.1.1", Options{}, Foreign, Elsewhere, ""},
		{"1.1.1.1", Options{Strict: true}, SideUnknown, Elsewhere, ""},
		{"210.138.0.1", Options{}, Domestic, Listed, "JP"},
		{"210.138.0.1", Options{Home: "US"}, Foreign, Listed, "JP"},
		{"8.8.8.8", Options{Home: "US"}, Domestic, Listed, "US"},
		{"2001:4860:4860::8888", Options{}, Foreign, Listed, "US"},
		{"2606:4700:4700::1111", Options{Strict: true}, Foreign, Listed, "US"},
		{"2001:200::1", Options{}, Domestic, Listed, "JP"},
		{"2c0f:fb50::1", Options{}, Foreign, Elsewhere, ""},
		{"2d00::1", Options{}, SideUnknown, Unlisted, ""},
		{"192.168.0.1", Options{}, SideUnknown, Private, ""},
	} {
		got := classifier(t, table, c.o).Lookup(netip.MustParseAddr(c.in))
		if got.Side != c.side || got.Reason != c.why || got.Country != c.country {
			t.Errorf("%s %+v: %+v", c.in, c.o, got)
		}
	}
	// France is not among the nine: nothing can be said from there.
	var e *HomeError
	if _, err := table.Classifier(Options{Home: "FR"}); !errors.As(err, &e) {
		t.Errorf("home FR: %v", err)
	}
}

// TestEmbeddedIsWhatTheListsSay makes the table again and compares bytes.
func TestEmbeddedIsWhatTheListsSay(t *testing.T) {
	var b Builder
	files := sharedZip(t, "rir-ip-sample.zip")
	for _, cc := range []string{"cn", "de", "ir", "jp", "kp", "kr", "ru", "tw", "us"} {
		for _, v := range []string{"4", "6"} {
			name := "country/" + cc + "/ipv" + v + "-aggregated.txt"
			if raw, ok := files[name]; ok {
				if err := ReadList(&b, name, strings.ToUpper(path.Base(path.Dir(name))), bytes.NewReader(raw)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	table, err := b.TableOf(Meta{Source: "ipverse/rir-ip 6745bab5f398", Licence: "CC0-1.0", Date: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table.Encode(), domestic) {
		t.Error("domestic.geo is not what the lists say; run go generate ./internal/engine/geo")
	}
	// Everything that was delegated lies in what IANA gave out, or is special.
	spec := specialSegments()
	for i, v := range table.segs.values {
		if a := table.segs.starts[i]; v >= entryFirst && !a.is4() {
			given := slices.ContainsFunc(delegated, func(p string) bool { return netip.MustParsePrefix(p).Contains(a.netip()) })
			if !given && Reason(spec.at(a)) == Unlisted {
				t.Errorf("%s is delegated, but not to a registry", a.netip())
			}
		}
	}
}

// TestEmbeddedAgainstYoungerData measures what four and a half months make
// wrong. The younger data is only compared with.
func TestEmbeddedAgainstYoungerData(t *testing.T) {
	old, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := classifier(t, old, Options{})
	young := classifier(t, build(t, shared(t, "asn-country-ipv4.csv.gz"), shared(t, "asn-country-ipv6.csv.gz")), Options{})
	var n, n6 [3][3]uint64
	cut := c.segs.merge(young.segs.patches(), func(_, v uint32) uint32 { return v })
	both := slices.Concat(cut.starts, c.segs.starts)
	slices.SortFunc(both, addr.cmp)
	both = slices.Compact(both)
	for i, a := range both {
		if a.is4() {
			last := addr{0, last4}
			if i+1 < len(both) && both[i+1].is4() {
				last = both[i+1].prev()
			}
			n[c.Side4(uint32(a.lo))][young.Side4(uint32(a.lo))] += last.lo - a.lo + 1
		} else if i+1 < len(both) {
			n6[c.Side(a.netip())][young.Side(a.netip())] += both[i+1].hi - a.hi
		}
	}
	t.Logf("IPv6 /64 networks: %v", n6)
	if wrong := n6[Foreign][Domestic]; float64(wrong) > 1e-4*float64(n6[Foreign][Foreign]) {
		t.Errorf("%d /64 called foreign are domestic, %d are foreign", wrong, n6[Foreign][Foreign])
	}
	t.Logf("IPv4 addresses by side, embedded down, younger across: %v", n)
	foreign := n[Foreign][0] + n[Foreign][1] + n[Foreign][2]
	if wrong := n[Foreign][Domestic]; float64(wrong) > 1e-5*float64(foreign) {
		t.Errorf("%d of %d addresses called foreign are domestic", wrong, foreign)
	}
	home := n[Domestic][0] + n[Domestic][1] + n[Domestic][2]
	if wrong := home - n[Domestic][Domestic]; float64(wrong) > 1e-3*float64(home) {
		t.Errorf("%d of %d addresses called domestic are not", wrong, home)
	}
	if missed := n[SideUnknown][Domestic]; missed > 0 {
		t.Errorf("%d domestic addresses are unknown", missed)
	}
}
