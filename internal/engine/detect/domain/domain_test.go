package domain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"testing"
)

func TestCut(t *testing.T) {
	for name, want := range map[string]string{
		"www.example.com":                       "example example.com",
		"example.com.":                          "example example.com.",
		"a.b.Example.co.jp":                     "Example Example.co.jp",
		"www.city.sapporo.hokkaido.jp":          "city city.sapporo.hokkaido.jp",
		"www.city.kawasaki.jp":                  "kawasaki kawasaki.jp",
		"d1a2b3c4d5e6f7.cloudfront.net":         "cloudfront cloudfront.net",
		"ec2-203-0-113-5.compute.amazonaws.com": "amazonaws amazonaws.com",
		"xyz.duckdns.org":                       "xyz xyz.duckdns.org",
		"www.gov.uk":                            "www www.gov.uk",
		"shop.example.com.br":                   "example example.com.br",
		"com":                                   "",
		"co.jp":                                 "",
		"":                                      "",
		".":                                     "",
		"a..b":                                  "",
		"192.0.2.1":                             "",
		"tokyo.jp":                              "",
		"5.2.0.192.in-addr.arpa":                "in-addr in-addr.arpa",
	} {
		got := ""
		if s := Cut(name); s.OK {
			got = name[s.From:s.To] + " " + name[s.From:]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if b := Cut([]byte(name)); b != Cut(name) {
			t.Errorf("%s: bytes are cut otherwise", name)
		}
	}
	if !Cut("1.0.0.127.in-addr.arpa").Reverse || Cut("example.com").Reverse {
		t.Error("reverse")
	}
}

func TestScore(t *testing.T) {
	for _, d := range []string{"www.google.com", "city.yokohama.lg.jp", "e-gov.go.jp", "mext.go.jp", "nikkei.com", "wikipedia.org", "rakuten.co.jp",
		"d111111abcdef8.cloudfront.net", "kokuritsukokkaitoshokan.jp", "xn--wgv71a119e.jp", "1.0.168.192.in-addr.arpa", "10086.cn", "a.co", "192.0.2.1", ""} {
		if v := Score(d); v.Generated {
			t.Errorf("%s: %+v", d, v)
		}
	}
	for _, d := range []string{"qxvkjwzrpfhtbg.com", "3f9ac01be77d41d2.net", "WKJQXZPVBNTHGR.info", "k3j9x2m7q8w1z5p0.ru"} {
		v := Score(d)
		if !v.Generated {
			t.Errorf("%s: %+v", d, v)
		}
		if d[v.From:v.To]+d[v.To:] != d || Score([]byte(d)) != v {
			t.Errorf("%s: %+v", d, v)
		}
	}
}

// The parts, the base and the calibration make the probability: a person can
// do the sum.
func TestParts(t *testing.T) {
	v := Score("qxvkjwzrpfhtbg.com")
	c := EmbeddedCard()
	z := c.Base
	for _, p := range v.Parts {
		z += float64(p)
	}
	if got := 1 / (1 + math.Exp(-(c.Slope*z + c.Offset))); math.Abs(got-float64(v.Probability)) > 1e-4 {
		t.Errorf("%f, want %f", got, v.Probability)
	}
	for p := Shape; p < Parts; p++ {
		if p.String() == "?" {
			t.Error(p)
		}
	}
}

func TestPunycode(t *testing.T) {
	for s, want := range map[string]bool{"wgv71a119e": true, "bcher-kva": true, "qxzkjw-": false, "zzzzzzzzzzzzzzzzzzzzzzz": false, "": false, "-": false} {
		if got := punycode([]byte(s)); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestModelFile(t *testing.T) {
	good := &Weights{Card: Card{Format: 1}, Table: new([1 << TableBits]int8)}
	b, err := good.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readModel(b); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, b[:8], b[:len(b)-1], append(bytes.Clone(b), 0), bytes.Replace(b, []byte(`"format":1`), []byte(`"format":2`), 1)} {
		if _, err := readModel(bad); err == nil {
			t.Error("a broken model is read")
		}
	}
	if c := EmbeddedCard(); len(c.Inputs) < 3 || c.Threshold < 0.5 || len(modelFile) > 300<<10 {
		raw, _ := json.Marshal(c)
		t.Errorf("%d bytes: %s", len(modelFile), raw)
	}
}

func hostAt(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func TestWatch(t *testing.T) {
	w := NewWatch(Limits{Sources: 100})
	// Someone who mistypes, and someone who browses: nothing.
	for i := range 4000 {
		if f, ok := Observe(w, int64(i)*1e9, hostAt(2), fmt.Sprintf("shop%d.example%d.com", i, i%40), i%2 == 0); ok {
			t.Fatalf("%+v", f)
		}
	}
	// A reputation service: one registered name, however odd the hosts.
	for i := range 1000 {
		if f, ok := Observe(w, int64(i)*1e9, hostAt(3), fmt.Sprintf("%x.zen.spamhaus.org", i*i*7919), true); ok {
			t.Fatalf("%+v", f)
		}
	}
	found := 0
	for i := range 400 {
		name := fmt.Sprintf("q%xzk%xvw.net", i*7919+1e6, i*104729)
		f, ok := Observe(w, int64(i)*20e9, hostAt(4), name, true)
		if ok {
			found++
			if f.Names < 6 || f.MadeGone < 6 || f.ByMissing < 0.9 || f.ByModel < 0.9 || f.Start > f.End {
				t.Errorf("%+v", f)
			}
		}
	}
	if found < 2 || found > 12 {
		t.Errorf("told %d times", found)
	}
	// Names that exist are an odd taste, not a search for a master.
	for i := range 400 {
		if _, ok := Observe(w, int64(i)*1e9, hostAt(5), fmt.Sprintf("q%xzk%xvw.net", i*7919, i*104729), false); ok {
			t.Fatal("names that exist")
		}
	}
	for i := range 1000 {
		Observe(w, 1e12, hostAt(100+i), "www.example.com", false)
	}
	if c := w.Counts(); c.Forgotten < 900 || w.made > 100 || len(w.index) != w.made {
		t.Errorf("%+v, %d hosts", c, w.made)
	}
}

func FuzzScore(f *testing.F) {
	for _, s := range []string{"www.example.co.jp", "xn--wgv71a119e.jp", "xn--99999999.jp", "a.b.c.d.e.f.", "\x00.\xff.", "qxvkjwzrpfhtbg.com"} {
		f.Add(s)
	}
	w := NewWatch(Limits{Sources: 4})
	f.Fuzz(func(t *testing.T, s string) {
		v := Score(s)
		if v != Score([]byte(s)) || v.Probability < 0 || v.Probability > 1 || v.From > v.To || v.To > len(s) {
			t.Errorf("%q: %+v", s, v)
		}
		Observe(w, int64(len(s)), hostAt(len(s)), s, true)
	})
}

var benchNames = []string{"www.google.com", "img.rakuten.co.jp", "qxvkjwzrpfhtbg.com", "d111111abcdef8.cloudfront.net", "login.microsoftonline.com", "3f9ac01be77d41d2.net",
	"www.city.sapporo.jp", "static.xx.fbcdn.net"}

func BenchmarkScore(b *testing.B) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Score(benchNames[i&7])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mnames/s")
}

func BenchmarkObserve(b *testing.B) {
	b.ReportAllocs()
	w := NewWatch(Limits{})
	i := 0
	for b.Loop() {
		Observe(w, int64(i)*1e6, hostAt(i&4095), benchNames[i&7], i&15 == 0)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mqueries/s")
}
