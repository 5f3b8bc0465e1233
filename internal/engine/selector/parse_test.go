package selector

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		kind     Kind
		in       string
		want     Kind
		value    string
		problem  Problem
		remedies string
	}{
		{in: " 192.0.2.1 ", want: Address, value: "192.0.2.1"},
		{in: "192.0.2[.]1", want: Address, value: "192.0.2.1"},
		{in: "192.0.2.1/32", want: Address, value: "192.0.2.1"},
		{in: "::ffff:192.0.2.1", want: Address, value: "192.0.2.1"},
		{in: "2001:DB8:0::1", want: Address, value: "2001:db8::1"},
		{in: "2001[:]db8::1", want: Address, value: "2001:db8::1"},
		{in: "2001:db8::1/128", want: Address, value: "2001:db8::1"},
		{in: "::ffff:10.0.0.0/104", want: Prefix, value: "10.0.0.0/8"},
		{in: "10.0.0.0/8", want: Prefix, value: "10.0.0.0/8"},
		{in: "10.1.0.0/8", problem: BadHostBits, remedies: "10.0.0.0/8"},
		{in: "2001:db8::1/32", problem: BadHostBits, remedies: "2001:db8::/32"},
		{in: "10.0.0.0/33", problem: BadPrefix},
		{in: "::ffff:0:0/90", problem: BadPrefix},
		{in: "10.0.0.0/+8", want: URI, value: "10.0.0.0/+8"},
		{kind: Prefix, in: "10.0.0.0/+8", problem: BadPrefix},
		{kind: Address, in: "evil.example", problem: BadAddress},
		{in: "192.0.2.256", problem: BadAddress},
		{in: "fe80::1%eth0", problem: BadAddress},
		{in: "192.0.2.1:80", problem: BadEndpoint},
		{in: "[2001:db8::1]:80", problem: BadEndpoint},
		{in: "EVIL[.]Example.", want: Domain, value: "evil.example"},
		{in: "evil(.)example", want: Domain, value: "evil.example"},
		{in: "evil[dot]example", want: Domain, value: "evil.example"},
		{in: "_dmarc.evil.example", want: Domain, value: "_dmarc.evil.example"},
		{in: "日本語.例.jp", want: Domain, value: "xn--wgv71a119e.xn--fsq.jp"},
		{in: "ＥＶＩＬ。example", want: Domain, value: "evil.example"},
		{in: ".Evil.example", want: Suffix, value: ".evil.example"},
		{in: "*.evil.example", want: Suffix, value: ".evil.example"},
		{kind: Suffix, in: "evil.example", want: Suffix, value: ".evil.example"},
		{in: "a*.evil.example", problem: BadWildcard},
		{in: "evil..example", problem: BadName},
		{in: long + ".example", problem: BadName},
		{in: strings.Repeat("a.", 127) + "example", problem: BadName},
		{in: "-.example.", want: Domain, value: "-.example"},
		{in: "E7D705A3286E19EA42F587B344EE6865", want: JA3, value: "e7d705a3286e19ea42f587b344ee6865"},
		{kind: JA3, in: "e7d7", problem: BadJA3},
		{in: "t13d1516h2_8daaf6152771_b186095e22b6", want: JA4, value: "t13d1516h2_8daaf6152771_b186095e22b6"},
		{in: "x13d1516h2_8daaf6152771_b186095e22b6", problem: BadJA4},
		{in: "t14d1516h2_8daaf6152771_b186095e22b6", problem: BadJA4},
		{in: "t13d15x6h2_8daaf6152771_b186095e22b6", problem: BadJA4},
		{in: "hxxps://Evil[.]example/Gate/{id}.php?q=*#top", want: URI, value: "evil.example/Gate/{x}.php?q=*"},
		{in: "hxxp[://]evil[.]example:80", want: URI, value: "evil.example/"},
		{in: "evil.example/a**b", want: URI, value: "evil.example/a*b"},
		{in: "evil.example/r?u=http://other.example/", want: URI, value: "evil.example/r?u=http://other.example/"},
		{in: "http://evil.example/日", want: URI, value: "evil.example/%E6%97%A5"},
		{in: "http://[2001:DB8::1]:80/x", want: URI, value: "[2001:db8::1]/x"},
		{in: "http://192.0.2.1/x", want: URI, value: "192.0.2.1/x"},
		{in: "http://*.cdn{n}.evil.example/x", want: URI, value: "*.cdn{x}.evil.example/x"},
		{in: "http://evil.example:8080/x", problem: BadURIPort},
		{in: "ftp://evil.example/x", problem: BadURI},
		{in: "http://user@evil.example/x", problem: BadURI},
		{in: "http://*/x", problem: BadURIBroad},
		{in: "http://*.jp/x", problem: BadURIBroad},
		{in: "http://evil.*/x", problem: BadURIBroad},
		{in: "http://evil.{x}/x", problem: BadURIBroad},
		{in: "evil.example/" + strings.Repeat("a*", 9), problem: BadURIBroad},
		{in: "evil.example/{", problem: BadURI},
		{in: "evil.example/{+x}", problem: BadURI},
		{in: "evil.example/" + strings.Repeat("a", 600), problem: BadLength},
		{in: "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", want: Certificate, value: "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{in: long, want: Certificate, value: long},
		{kind: Certificate, in: "da39", problem: BadSum},
		{in: "TCP/445", want: Port, value: "tcp/445"},
		{in: "sctp/0", want: Port, value: "sctp/0"},
		{in: "tcp/65536", problem: BadPort},
		{kind: Port, in: "445", problem: BadPort},
		{in: "445", problem: BadUnknown},
		{in: "hex:63 6D:64 2e", want: Pattern, value: "hex:636d642e"},
		{in: `"cmd\x00/c"`, want: Pattern, value: "hex:636d64002f63"},
		{kind: Pattern, in: "636d642e", want: Pattern, value: "hex:636d642e"},
		{in: `"abc"`, problem: BadPatternSz},
		{in: "hex:" + strings.Repeat("00", 65), problem: BadPatternSz},
		{in: `"abc`, problem: BadPattern},
		{in: "hex:0g", problem: BadPattern},
		{in: "", problem: BadUnknown},
		{in: "two words", problem: BadUnknown},
		{kind: kindEnd, in: "x", problem: BadKind},
		{in: strings.Repeat("a", 3000), problem: BadLength},
	} {
		kind, value, err := Parse(c.kind, c.in)
		var bad *ValueError
		if c.problem != "" {
			if !errors.As(err, &bad) || bad.Problem != c.problem || bad.Remedy != c.remedies {
				t.Errorf("%q: %v, want %s %s", c.in, err, c.problem, c.remedies)
			}
			continue
		}
		if err != nil || kind != c.want || value != c.value {
			t.Errorf("%q: %v %q %v, want %v %q", c.in, kind, value, err, c.want, c.value)
			continue
		}
		// What is canonical is guessed to be what it is, and stays.
		if again, same, err := Parse(0, value); err != nil || again != kind || same != value {
			t.Errorf("%q: %v %q %v", value, again, same, err)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	for _, k := range Kinds() {
		if got, ok := kindOf(k.String()); !ok || got != k {
			t.Errorf("%d: %q is %v", k, k, got)
		}
	}
	for _, k := range Kinds() {
		var back Selector
		raw, err := json.Marshal(Selector{Kind: k, Value: "x"})
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || back.Kind != k {
			t.Errorf("%s: %v %v", raw, back.Kind, err)
		}
	}
	if Kind(0).String() != "" || kindEnd.String() != "" || Kind(200).String() != "" {
		t.Error("a kind that is none has a name")
	}
}

func TestMatchOfTemplates(t *testing.T) {
	s := compile(t, "evil.example/{id}", "evil.example/a/*", "evil.example/a/exact", "evil.example/q?id={x}", "*.evil.example/*/x", "evil.example/{x}/{x}.php")
	long := strings.Repeat("p", maxPath)
	for _, c := range []struct {
		host, path string
		want       ID
	}{
		{"evil.example", "/abc", 1}, {"EVIL.example.", "/abc", 1}, {"evil.example:8080", "/abc", 1}, {"evil.example", "/", 0},
		{"evil.example", "/abc?x=1", 1}, {"evil.example", "/a b", 0}, {"evil.example", "/a/", 2}, {"evil.example", "/a/exact", 3},
		{"evil.example", "/a/exact?x", 3}, {"evil.example", "/q?id=7", 1}, {"evil.example", "/q?id=", 1}, {"x.evil.example", "/a/b/x", 5},
		{"x.evil.example", "//x", 5}, {"xevil.example", "/a/b/x", 0}, {"evil.example", "/b/c.php", 6}, {"evil.example", "/b/c/d.php", 0},
		{"evil.example", "/a/" + long, 2}, {"evil.example", "/a/" + long + "?q", 2}, {"evil.example", "/" + long, 0}, {"evil.example", "", 0}, {"", "/abc", 0},
		{"x.evil.example", "/" + long + "/x", 0}, {strings.Repeat("h", 400), "/", 0},
	} {
		if got := s.URI([]byte(c.host), []byte(c.path)); got != c.want {
			t.Errorf("%s%.40s: %d, want %d", c.host, c.path, got, c.want)
		}
	}
}

// TestCrowd fills one place with templates until it is full.
func TestCrowd(t *testing.T) {
	b := NewBuilder(Options{Warnings: none})
	var bad *ValueError
	for i := range maxCrowd + 1 {
		_, err := b.Add(Selector{Value: "evil.example/" + strings.Repeat("a", i) + "{x}"})
		if i < maxCrowd && err != nil || i == maxCrowd && (!errors.As(err, &bad) || bad.Problem != BadCrowd) {
			t.Fatal(i, err)
		}
	}
	if s, err := b.Compile(); err != nil || s.Len() != maxCrowd {
		t.Fatal(err)
	}
}

func TestProbesAllocateNothing(t *testing.T) {
	s := compile(t, "192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32", "evil.example", ".bad.example", "tcp/4444", "evil.example/{x}", "evil.example/a",
		"e7d705a3286e19ea42f587b344ee6865", "t13d1516h2_8daaf6152771_b186095e22b6", `"cmd.exe"`, strings.Repeat("0", 64))
	a, name, path, text := [16]byte{0x20, 1, 0xd, 0xb8}, []byte("WWW.bad.example"), []byte("/x/y?z"), []byte("GET / cmd.ex")
	sum := make([]byte, 32)
	n := testing.AllocsPerRun(100, func() {
		s.Addr4(0xc0000202)
		s.Addr16(&a)
		s.Name(name)
		s.Port(6, 4444)
		s.JA3([16]byte{1})
		s.JA4("t13d1516h2_8daaf6152771_b186095e22b6")
		s.Certificate(sum)
		s.URI(name, path)
		s.Patterns().Scan(0, text)
		s.Expires(1)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPatternsAcrossWindows(t *testing.T) {
	s := compile(t, `"abcab"`, `"cabx"`, `"bcabcab!"`, `"abcabcabcabx"`)
	p := s.Patterns()
	text := []byte("zzabcabcabcabx")
	_, whole := p.Scan(0, text)
	for cut := range text {
		state, first := p.Scan(0, text[:cut])
		if _, second := p.Scan(state, text[cut:]); first != whole && (first != 0 || second != whole) {
			t.Errorf("cut at %d: %d %d, want %d", cut, first, second, whole)
		}
	}
	if state, id := p.Scan(State(1<<31), text); id != whole || int(state) >= p.States() {
		t.Errorf("a foreign state: %d", id)
	}
	if s := compile(t, "192.0.2.1"); s.Patterns() != nil {
		t.Error("patterns of a list without any")
	}
}
