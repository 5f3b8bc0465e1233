package tunnel

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

func hostAt(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// ask sends one query through a watch.
func ask(t testing.TB, w *Watch, at float64, source netip.Addr, name string, kind uint16, rcode uint8, out, in int) (Finding, bool) {
	t.Helper()
	q, ok := FromName(1, name, nil)
	if !ok {
		return Finding{}, false
	}
	q.At, q.Source, q.Type, q.Rcode, q.Answered, q.Out, q.In = int64(at*1e9), source, kind, rcode, true, uint16(out), uint16(in)
	return w.Add(&q)
}

func bytesOf(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// labels cuts a text into labels of at most 60 characters.
func labels(s string) string {
	var out []string
	for len(s) > 60 {
		out, s = append(out, s[:60]), s[60:]
	}
	return strings.Join(append(out, s), ".")
}

// style is one way of carrying data in names, of our own making.
type style struct {
	name  string
	rate  float64 // queries per second
	kinds []uint16
	make  func(r *rand.Rand, i int) string
}

func styles() []style {
	b32 := base32.StdEncoding.WithPadding(base32.NoPadding)
	return []style{
		{"hex in turns", 1, []uint16{16, 5, 15}, func(r *rand.Rand, i int) string {
			return labels(hex.EncodeToString(bytesOf(r, 9+r.IntN(60)*(i%2)))) + ".cache.example.net"
		}},
		{"idle hex", 0.2, []uint16{16}, func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%04x0175%s.example.org", r.IntN(65536), hex.EncodeToString(bytesOf(r, 7)))
		}},
		{"full names", 8, []uint16{10}, func(r *rand.Rand, i int) string {
			return labels(strings.ToLower(b32.EncodeToString(bytesOf(r, 120)))) + ".t.example.com"
		}},
		{"addresses only", 2, []uint16{1}, func(r *rand.Rand, i int) string {
			return strings.ToLower(b32.EncodeToString(bytesOf(r, 30))) + ".example.co.jp"
		}},
		{"slow leak", 0.02, []uint16{1, 28}, func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%d-%s.upd.example.info", i, strings.ToLower(b32.EncodeToString(bytesOf(r, 25))))
		}},
	}
}

// Every style is found within an hour, and told of again as it grows.
func TestStyles(t *testing.T) {
	for k, s := range styles() {
		r := rand.New(rand.NewPCG(5, uint64(k)))
		w := NewWatch(Limits{})
		var got []Finding
		asked := 0
		for i := 0; float64(i)/s.rate < 3600; i++ {
			name := s.make(r, i)
			if f, ok := ask(t, w, float64(i)/s.rate, hostAt(1), name, s.kinds[i%len(s.kinds)], 0, len(name)+30, len(name)+80); ok {
				if got = append(got, f); len(got) == 1 {
					asked = i + 1
				}
			}
		}
		if len(got) == 0 {
			t.Errorf("%s is not found", s.name)
			continue
		}
		last := got[len(got)-1]
		t.Logf("%-16s after %d queries (%.0f s); last score %.2f %+v", s.name, asked, float64(asked)/s.rate, last.Score, last.Parts)
		if len(got) > 12 || last.Score > 1 || math.Abs(last.Score-last.Parts.Score()) > 1e-9 || last.End < last.Start {
			t.Errorf("%s: %d findings, last %+v", s.name, len(got), last)
		}
	}
}

func TestWeights(t *testing.T) {
	if sum := (Parts{1, 1, 1, 1, 1, 1, 1}).Score(); math.Abs(sum-1) > 1e-9 {
		t.Error(sum)
	}
}

// benign is a day of ordinary names of one site, in order of kinds.
func benign(r *rand.Rand, i int) (name string, kind uint16, rcode uint8) {
	words := strings.Fields("www mail img static cdn api login shop news auth assets video search blog media")
	word := func() string { return words[r.IntN(len(words))] }
	switch i % 12 {
	case 0, 1, 2: // browsing
		return fmt.Sprintf("%s.site%d.co.jp", word(), r.IntN(3000)), 1, 0
	case 3: // a content network: a hundred hashed hosts, again and again
		x := rand.New(rand.NewPCG(1, uint64(r.IntN(100))))
		return "d" + hex.EncodeToString(bytesOf(x, 7)) + ".cdn-example.net", 28, 0
	case 4: // a block list
		return fmt.Sprintf("%d.%d.%d.%d.zen.spamhaus.org", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256)), 1, 3
	case 5: // an antivirus that looks files up
		return strings.ToLower(base32.StdEncoding.EncodeToString(bytesOf(r, 15))) + ".avqs.mcafee.com", 1, 0
	case 6: // a mail server: keys, policies, exchangers
		return fmt.Sprintf([]string{"selector%[1]d._domainkey.org%[2]d.jp", "_dmarc.org%[2]d.jp", "org%[2]d.jp"}[r.IntN(3)], r.IntN(3), r.IntN(4000)), 16, 0
	case 7: // reverse lookups
		return fmt.Sprintf("%d.%d.168.192.in-addr.arpa", r.IntN(256), r.IntN(256)), 12, 3
	case 8: // machines of a cloud
		return fmt.Sprintf("k8s-web-%x-%d.ap-northeast-1.elb.amazonaws.com", r.Uint32(), r.IntN(1e9)), 1, 0
	case 9: // one's own machines
		return fmt.Sprintf("pc-%03d-sales.corp.example.jp", r.IntN(400)), 1, 0
	case 10: // a tenant of a suite
		return fmt.Sprintf("tenant%d-my.sharepoint.com", r.IntN(50)), 1, 0
	}
	// telemetry with fixed long names
	return []string{"v10.events.data.telemetry.example.com", "settings-win.data.telemetry.example.com"}[r.IntN(2)], 1, 0
}

func TestBenign(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	w := NewWatch(Limits{})
	for i := range 300_000 {
		name, kind, rcode := benign(r, i)
		if f, ok := ask(t, w, float64(i)*0.2, hostAt(r.IntN(20)), name, kind, rcode, 60, 150); ok {
			t.Errorf("%s: %+v", name, f)
		}
	}
	c := w.Counts()
	t.Logf("%+v", c)
	if c.Services == 0 || c.Plain == 0 {
		t.Errorf("%+v", c)
	}
}

func TestBounded(t *testing.T) {
	w := NewWatch(Limits{Pairs: 50})
	for i := range 5000 {
		ask(t, w, 1, hostAt(i), fmt.Sprintf("abcdefghijkl%d.example%d.com", i, i), 1, 0, 1, 1)
	}
	if c := w.Counts(); c.Forgotten != 4950 || len(w.pairs) != 50 || len(w.index) != 50 {
		t.Errorf("%+v %d %d", c, len(w.pairs), len(w.index))
	}
}

func TestService(t *testing.T) {
	for own, want := range map[string]bool{"McAfee.com": true, "spamhaus.org.": true, "trendmicro.co.jp": true, "on.aws": true, "mcafee.net": false, "": false, "x": false, strings.Repeat("a", 300): false} {
		if Service(own) != want {
			t.Error(own)
		}
	}
	for name, want := range map[string]bool{"s._domainkey.a.jp": true, "_DMARC.a.jp": true, "a._b.c.jp": false, "a_dmarc.jp": false, "_sip._tcp.a.jp": true} {
		if ownRecord(name) != want {
			t.Error(name)
		}
	}
}

// A record's shortened name gives the same numbers as the name itself.
func TestFromRecord(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	for _, name := range []string{"6dde0175375169c68f.dnsc.r-1x.com", "a.b.c.d.e.f.example.co.jp", "4z9p5tjmcbnblehp4557z1d136qxk.xq7kz9w2v8b4n6m3.net", "www.example.com"} {
		d := record.DNS{Name: n.Host([]byte(name)), Whole: n.Fold([]byte(name)), Length: uint8(len(name)), Entropy: 30, Type: 16}
		got, ok := FromRecord(hostAt(1), &d)
		want, _ := FromName(0, name, nil)
		if !ok || got.Below != want.Below {
			t.Errorf("%s (%s): %d, want %d", name, d.Name, got.Below, want.Below)
		}
	}
	for _, name := range []string{"", "localhost", "1.0.0.127.in-addr.arpa", "192.0.2.1"} {
		if _, ok := FromRecord(hostAt(1), &record.DNS{Name: n.Host([]byte(name))}); ok {
			t.Error(name)
		}
	}
	if e := entropy("abababab"); e != 10 {
		t.Error(e)
	}
}

func FuzzFromName(f *testing.F) {
	f.Add("6dde0175375169c68f.dnsc.r-1x.com", uint16(16))
	f.Add("{0123:18}.+2.{x:999999}.com", uint16(1))
	w := NewWatch(Limits{Pairs: 4, Names: 2, Score: 0.01})
	n := record.NewNaming([32]byte{1}, true)
	f.Fuzz(func(t *testing.T, name string, kind uint16) {
		if len(name) > 255 {
			return
		}
		q, ok := FromName(0, []byte(name), nil)
		q.Type = kind
		if ok {
			w.Add(&q)
		}
		if q, ok := FromRecord(hostAt(len(name)), &record.DNS{Name: n.Host([]byte(name)), Type: kind, Length: uint8(len(name))}); ok {
			w.Add(&q)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	w := NewWatch(Limits{})
	r := rand.New(rand.NewPCG(7, 7))
	qs := make([]Query, 1<<14)
	for i := range qs {
		name, kind, rcode := benign(r, i)
		if i%50 == 0 {
			name = styles()[1].make(r, i)
		}
		qs[i], _ = FromName(1, name, nil)
		qs[i].Source, qs[i].Type, qs[i].Rcode, qs[i].Answered, qs[i].At = hostAt(r.IntN(200)), kind, rcode, true, int64(i)*1e8
	}
	i := 0
	for b.Loop() {
		w.Add(&qs[i&(1<<14-1)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mqueries/s")
}

func BenchmarkFromName(b *testing.B) {
	b.ReportAllocs()
	name := []byte("6dde0175375169c68f.dnsc.r-1x.com")
	for b.Loop() {
		FromName(1, name, nil)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mnames/s")
}
