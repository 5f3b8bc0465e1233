package selector

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
)

// tenMillion returns a compiled list of n IPv4 addresses, or of names.
func tenMillion(b testing.TB, n int, names bool) []byte {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	w := NewBuilder(Options{Warnings: none})
	w.expect(n, 8*n)
	var text []byte
	for w.Len() < n {
		text = binary.BigEndian.AppendUint32(text[:0], r.Uint32())
		v := parsed{addrFour, text}
		if names {
			text = fmt.Appendf(text[:0], "%x.host-%d.example", r.Uint32(), r.IntN(1000))
			v = parsed{formDomain, text}
		}
		if slot, there := w.find(&v); !there {
			if _, err := w.put(&Selector{Source: "feed", Act: "act-1", Approval: "ap-1"}, &v, slot); err != nil {
				b.Fatal(err)
			}
		}
	}
	file, err := w.Encode()
	if err != nil {
		b.Fatal(err)
	}
	return file
}

// BenchmarkFastPath is everything that happens to a packet that is not
// selected: its headers read, the side of both addresses, the four-way class,
// two probes. Packets come in batches of 512, half a million different ones.
func BenchmarkFastPath(b *testing.B) {
	s, err := Load(tenMillion(b, size(), false), nil)
	if err != nil {
		b.Fatal(err)
	}
	t, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c, err := t.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	const batch = 512
	r := rand.New(rand.NewPCG(3, 4))
	frames := make([]capture.Packet, 1<<19)
	slab := make([]byte, len(frames)*74)
	for i := range frames {
		f := slab[i*74:][:74:74]
		f[12], f[14], f[17], f[22], f[23] = 8, 0x45, 60, 64, 6
		binary.BigEndian.PutUint32(f[26:], r.Uint32())
		binary.BigEndian.PutUint32(f[30:], r.Uint32())
		f[46] = 0x50
		frames[i] = capture.Packet{At: int64(i), Orig: 74, Data: f, Link: capture.LinkEthernet}
	}
	pairs, classes := make([]geo.Pair, batch), make([]geo.Class, batch)
	var h packet.Headers
	var counts [8]int
	hits := 0
	b.ReportAllocs()
	b.ResetTimer()
	start := processor()
	for i := 0; i < b.N; i += batch {
		part := frames[i&(len(frames)-1):][:batch]
		for j := range part {
			packet.Decode(&part[j], &h)
			pairs[j].Src, pairs[j].Dst = h.Src, h.Dst
		}
		c.Classes(pairs, classes)
		for j := range pairs {
			counts[classes[j]&7]++
			if s.Addr16(&pairs[j].Src)|s.Addr16(&pairs[j].Dst) != 0 {
				hits++
			}
		}
	}
	b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
	b.ReportMetric(float64(b.N)/(processor()-start)/1e6, "Mpkt/cpu-s")
}

// processor returns the seconds of processor time this process has used: the
// machine may have other work.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// size is the length of the long lists: NOROSHI_BENCH_SELECTORS, or a million.
func size() int {
	n := 1_000_000
	fmt.Sscan(os.Getenv("NOROSHI_BENCH_SELECTORS"), &n)
	return n
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkProbe(b *testing.B) {
	n := size()
	s, err := Load(tenMillion(b, n, false), nil)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var packets [1 << 16][2]uint32
	for i := range packets {
		packets[i] = [2]uint32{r.Uint32(), r.Uint32()}
	}
	passed := 0
	for range 1_000_000 {
		if s.four.filter.has(hash4(r.Uint32(), s.seed)) {
			passed++
		}
	}
	b.Logf("the filter lets %.2f %% through", float64(passed)/1e4)
	b.Run("two-addresses", func(b *testing.B) {
		hits, start := 0, processor()
		for i := range b.N {
			p := &packets[i&(1<<16-1)]
			if s.Addr4(p[0])|s.Addr4(p[1]) != 0 {
				hits++
			}
		}
		if b.N > 1e6 && hits == 0 {
			b.Error("nothing was found")
		}
		b.ReportMetric((processor()-start)/float64(2*b.N)*1e9, "cpu-ns/probe")
	})
	b.Run("two-fresh-addresses", func(b *testing.B) {
		x, hits, start := uint64(7), 0, processor()
		for range b.N {
			x = x*6364136223846793005 + 1442695040888963407
			if s.Addr4(uint32(x>>32))|s.Addr4(uint32(x)*2654435769) != 0 {
				hits++
			}
		}
		if b.N > 1e6 && hits == 0 {
			b.Error("nothing was found")
		}
		b.ReportMetric((processor()-start)/float64(2*b.N)*1e9, "cpu-ns/probe")
	})
	b.Run("two-fresh-addresses-go-map", func(b *testing.B) {
		m := make(map[uint32]ID, n)
		for id, o := range s.body.all {
			m[binary.BigEndian.Uint32(o.value)] = id
		}
		b.ResetTimer()
		x, hits, start := uint64(7), 0, processor()
		for range b.N {
			x = x*6364136223846793005 + 1442695040888963407
			if m[uint32(x>>32)]|m[uint32(x)*2654435769] != 0 {
				hits++
			}
		}
		if b.N > 1e6 && hits == 0 {
			b.Error("nothing was found")
		}
		b.ReportMetric((processor()-start)/float64(2*b.N)*1e9, "cpu-ns/probe")
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, names := range []bool{false, true} {
		b.Run(map[bool]string{false: "addresses", true: "names"}[names], func(b *testing.B) {
			file := tenMillion(b, size(), names)
			var s *Set
			var used uint64
			b.ResetTimer()
			for range b.N {
				s = nil
				before := heap()
				var err error
				if s, err = Load(file, nil); err != nil {
					b.Fatal(err)
				}
				used = heap() - before + uint64(len(file))
			}
			b.ReportMetric(float64(used)/1e6, "MB")
			b.ReportMetric(float64(len(file))/1e6, "file-MB")
			runtime.KeepAlive(s)
		})
	}
}

func BenchmarkReadLines(b *testing.B) {
	var text bytes.Buffer
	x := uint64(7)
	for range size() {
		x = x*6364136223846793005 + 1442695040888963407
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(x>>32))
		a[0] = 11 + a[0]%80 // outside what the warning lists refuse
		fmt.Fprintf(&text, "%d.%d.%d.%d\n", a[0], a[1], a[2], a[3])
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for range b.N {
		if _, _, err := Read("x", text.Bytes(), Options{Skip: true}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkName(b *testing.B) {
	s, err := Load(tenMillion(b, size(), true), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	name := []byte("www.some-host.Kyoto.example.co.jp")
	for range b.N {
		s.Name(name)
	}
}

func BenchmarkPatterns(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 9))
	w := NewBuilder(Options{Warnings: none})
	for i := range 5000 {
		p := make([]byte, 6+i%20)
		for j := range p {
			p[j] = byte(r.Uint32())
		}
		if _, err := w.Add(Selector{Kind: Pattern, Value: fmt.Sprintf("%x", p)}); err != nil {
			b.Fatal(err)
		}
	}
	s, err := w.Compile()
	if err != nil {
		b.Fatal(err)
	}
	text := bytes.Repeat([]byte("POST /gate.php HTTP/1.1\r\nHost: www.example.jp\r\nContent-Length: 120\r\n\r\n"), 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.Patterns().Scan(0, text)
	}
}
