package record

import (
	"strings"
	"testing"

	"noroshi/internal/engine/detect/domain"
)

func judge(n *Naming, name string) DNS {
	d := DNS{Whole: n.Fold([]byte(name))}
	n.Judge(&d, []byte(name))
	return d
}

func TestJudge(t *testing.T) {
	n := naming(false)
	for name, own := range map[string]string{
		"xkqzwvtbnplr.com":              "xkqzwvtbnplr.com",
		"WWW.qjzxkvbwfhgtr.NET":         "qjzxkvbwfhgtr.net",
		"a.b.vxqkzjhwtfdpb.co.jp":       "vxqkzjhwtfdpb.co.jp",
		"zq8x3kv7wj2hb9tf.info.":        "zq8x3kv7wj2hb9tf.info",
		"8f14e45fceea167a5a36dedd.info": "8f14e45fceea167a5a36dedd.info",
	} {
		d := judge(n, name)
		if d.Made <= 250 || float32(d.Made)/255 < domain.Threshold() || d.Own != n.Hash([]byte(own)) {
			t.Errorf("%s: %d %s", name, d.Made, d.Own)
		}
	}
	for name, own := range map[string]string{
		"www.google.com":                             "google.com",
		"login.microsoftonline.com":                  "microsoftonline.com",
		"ja.wikipedia.org":                           "wikipedia.org",
		"www.yahoo.co.jp":                            "yahoo.co.jp",
		"www.city.yokohama.lg.jp":                    "yokohama.lg.jp",
		"news.yomiuri.co.jp":                         "yomiuri.co.jp",
		"www.kantei.go.jp":                           "kantei.go.jp",
		"www.nicovideo.jp":                           "nicovideo.jp",
		"xn--wgv71a119e.jp":                          "xn--wgv71a119e.jp",
		"8f14e45fceea167a5a36dedd.cloud.example.com": "example.com", // a host's name is nobody's registration
	} {
		if d := judge(n, name); d.Made == 0 || d.Made > 128 || d.Own != n.Hash([]byte(own)) {
			t.Errorf("%s: %d %s", name, d.Made, d.Own)
		}
	}
	if d := judge(n, "x.org"); d.Made != 0 || d.Own != n.Hash([]byte("x.org")) {
		t.Errorf("too short to judge: %+v", d)
	}
	for _, name := range []string{"", "localhost", "co.jp", "192.0.2.7", "7.2.0.192.in-addr.arpa", "..", strings.Repeat("a.", 200)} {
		if d := judge(n, name); d.Made != 0 || d.Own != (Hash{}) {
			t.Errorf("%q has no registered name: %+v", name, d)
		}
	}
}

// Rounding to 255ths changes no verdict, and loses none.
func TestLikely(t *testing.T) {
	for i := range 100001 {
		p := float32(i) / 100000
		v := domain.Verdict{Judged: true, Probability: p, Generated: p >= domain.Threshold()}
		made := likely(v)
		if made == 0 || float32(made)/255 >= domain.Threshold() != v.Generated || float32(made)/255 > p+1.0/255 || float32(made)/255 < p-1.0/255 {
			t.Fatalf("%v: %d", p, made)
		}
	}
	if likely(domain.Verdict{Probability: 1}) != 0 {
		t.Error("what was not judged has a verdict")
	}
}

// BenchmarkJudge looks at names that hardly repeat.
func BenchmarkJudge(b *testing.B) {
	n := naming(false)
	names := make([][]byte, 4096)
	for i := range names {
		names[i] = []byte("www." + string(rune('a'+i&15)) + string(rune('a'+i>>4&15)) + string(rune('a'+i>>8)) + "kigyou.co.jp")
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		var d DNS
		n.Judge(&d, names[i&(len(names)-1)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "names/s")
}
