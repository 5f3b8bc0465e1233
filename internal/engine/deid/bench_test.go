package deid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/zeebo/blake3"
)

// cpu is the processor time this process has used: the machine may be shared.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perSecond reports how many values a benchmark went through in a second of
// processor time, from begun on.
func perSecond(b *testing.B, each int, begun time.Duration) {
	b.Helper()
	b.ReportMetric(float64(b.N)*float64(each)/(cpu(b)-begun).Seconds()/1e6, "M/cpu-s")
}

func mails(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "user.%05d@example.co.jp", i)
	}
	return out
}

func BenchmarkPseudonym(b *testing.B) {
	w, _ := NewWorking("A")
	m := mails(1024)
	b.Run("append", func(b *testing.B) {
		n, dst := w.Names(1), make([]byte, 0, 64)
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			dst = n.Append(dst[:0], Mail, m[i&1023])
		}
		perSecond(b, 1, begun)
	})
	b.Run("of", func(b *testing.B) {
		n := w.Names(1)
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			n.Of(Mail, m[i&1023])
		}
		perSecond(b, 1, begun)
	})
	b.Run("host", func(b *testing.B) {
		n, dst := w.Names(1), make([]byte, 0, 64)
		name, keep := []byte("Mail-3.Section.example.co.jp."), []byte("example.co.jp")
		b.ReportAllocs()
		begun := cpu(b)
		for b.Loop() {
			dst = n.Host(dst[:0], name, keep)
		}
		perSecond(b, 1, begun)
	})
	b.Run("hmac-sha256-reset", func(b *testing.B) { // beside us: the usual way
		h, sum, dst := hmac.New(sha256.New, make([]byte, 32)), make([]byte, 0, 32), make([]byte, 64)
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			h.Reset()
			h.Write(m[i&1023])
			sum = h.Sum(sum[:0])
			base32.StdEncoding.Encode(dst, sum)
		}
		perSecond(b, 1, begun)
	})
	b.Run("hmac-sha256-new", func(b *testing.B) {
		key := make([]byte, 32)
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			h := hmac.New(sha256.New, key)
			h.Write(m[i&1023])
			_ = base32.StdEncoding.EncodeToString(h.Sum(nil))
		}
		perSecond(b, 1, begun)
	})
	b.Run("blake3-naive", func(b *testing.B) {
		key := make([]byte, 32)
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			h, _ := blake3.NewKeyed(key)
			h.Write(m[i&1023])
			_ = base32.StdEncoding.EncodeToString(h.Sum(nil))
		}
		perSecond(b, 1, begun)
	})
}

// traffic4 is a batch as a link has them: few machines make most packets.
func traffic4(n, hosts int) []uint32 {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 8, uint64(hosts-1))
	host := make([]uint32, hosts)
	for i := range host {
		host[i] = rng.Uint32()
	}
	out := make([]uint32, n)
	for i := range out {
		out[i] = host[zipf.Uint64()]
	}
	return out
}

func BenchmarkCryptoPAn4(b *testing.B) {
	w, _ := NewWorking("A")
	const size = 1 << 16
	batch := make([]uint32, size)
	run := func(name string, from []uint32) {
		b.Run(name, func(b *testing.B) {
			c := w.Networks(1)
			c.table()
			b.ReportAllocs()
			begun := cpu(b)
			for b.Loop() {
				copy(batch, from)
				c.Batch4(batch)
			}
			perSecond(b, size, begun)
		})
	}
	run("repeats-20k-hosts", traffic4(size, 20_000))
	run("repeats-500k-hosts", traffic4(size, 500_000))
	// From empty caches: a million packets of half a million hosts, batch by batch.
	b.Run("repeats-500k-hosts-cold", func(b *testing.B) {
		from := traffic4(16*size, 500_000)
		c := w.Networks(1)
		c.table()
		b.ReportAllocs()
		begun := cpu(b)
		for b.Loop() {
			c.forget()
			for at := 0; at < len(from); at += 512 {
				c.Batch4(batch[:copy(batch[:512], from[at:])])
			}
		}
		perSecond(b, 16*size, begun)
	})
	rng := rand.New(rand.NewPCG(3, 4))
	b.Run("distinct-random", func(b *testing.B) {
		c := w.Networks(1)
		c.table()
		b.ReportAllocs()
		begun := cpu(b)
		for b.Loop() {
			c.Addr4(rng.Uint32())
		}
		perSecond(b, 1, begun)
	})
	b.Run("distinct-in-2000-nets", func(b *testing.B) {
		c := w.Networks(1)
		c.table()
		b.ReportAllocs()
		begun := cpu(b)
		for i := uint32(0); b.Loop(); i++ {
			c.Addr4(i%2000*7919<<8&0xffffff00 | i/2000&0xff)
		}
		perSecond(b, 1, begun)
	})
	b.Run("naive", func(b *testing.B) {
		key := w.Networks(1).key
		begun := cpu(b)
		for b.Loop() {
			naive(key, netip.AddrFrom4([4]byte{203, 0, byte(rng.Uint32()), byte(rng.Uint32())}))
		}
		perSecond(b, 1, begun)
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			w.Networks(1).table()
		}
	})
}

func BenchmarkCryptoPAn6(b *testing.B) {
	w, _ := NewWorking("A")
	rng := rand.New(rand.NewPCG(5, 6))
	run := func(name string, next func(a *[16]byte)) {
		b.Run(name, func(b *testing.B) {
			c := w.Networks(1)
			c.Addr16(&[16]byte{0x20})
			var a [16]byte
			b.ReportAllocs()
			begun := cpu(b)
			for b.Loop() {
				next(&a)
				c.Addr16(&a)
			}
			perSecond(b, 1, begun)
		})
	}
	fill := func(a []byte) {
		for i := range a {
			a[i] = byte(rng.Uint32())
		}
	}
	run("distinct-random-128-bits", func(a *[16]byte) { fill(a[:]); a[0] = 0x20 })
	run("distinct-in-1000-sites", func(a *[16]byte) {
		*a = [16]byte{0x20, 0x01, 0x02, 0x40, byte(rng.IntN(10)), byte(rng.IntN(100))}
		fill(a[6:])
	})
	run("distinct-in-1000-nets", func(a *[16]byte) {
		*a = [16]byte{0x20, 0x01, 0x02, 0x40, 0, byte(rng.IntN(10)), 0, byte(rng.IntN(100))}
		fill(a[8:])
	})
	hosts := make([][16]byte, 5000)
	for i := range hosts {
		fill(hosts[i][:])
	}
	run("repeats-5000-hosts", func(a *[16]byte) { *a = hosts[rng.IntN(len(hosts))] })
	b.Run("naive", func(b *testing.B) {
		key := w.Networks(1).key
		var a [16]byte
		begun := cpu(b)
		for b.Loop() {
			fill(a[:])
			naive(key, netip.AddrFrom16(a))
		}
		perSecond(b, 1, begun)
	})
}

func BenchmarkVault(b *testing.B) {
	k := newKey(b, "A")
	b.Run("add", func(b *testing.B) {
		s, n := sealer(b, k), k.Working().Names(1)
		var buf, v []byte
		b.ReportAllocs()
		begun := cpu(b)
		for i := 0; b.Loop(); i++ {
			if s.Len() == MaxEntries {
				s = sealer(b, k)
			}
			v = fmt.Appendf(v[:0], "account-%d", i)
			buf, _ = s.Add(buf[:0], n.Of(Account, v), v)
		}
		perSecond(b, 1, begun)
	})
	raw, want := filled(b, k, 100_000)
	v, err := OpenVault(k, raw)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open-100k", func(b *testing.B) {
		for b.Loop() {
			_, _ = OpenVault(k, raw)
		}
	})
	b.Run("reveal", func(b *testing.B) {
		for p := range want {
			for b.Loop() {
				_, _ = v.Reveal(p)
			}
			break
		}
	})
}
