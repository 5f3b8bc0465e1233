package geo

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"
)

// tables are what the benchmarks look up in: the embedded one, and the world's
// 141,822 IPv4 and 68,368 IPv6 ranges.
func tables(b *testing.B) map[string]*Classifier {
	t, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	world := build(b, shared(b, "asn-country-ipv4.csv.gz"), shared(b, "asn-country-ipv6.csv.gz"))
	return map[string]*Classifier{"embedded": classifier(b, t, Options{}), "world": classifier(b, world, Options{})}
}

// million returns 2^20 random IPv4 addresses.
func million() []uint32 {
	rnd := rand.New(rand.NewPCG(7, 7))
	out := make([]uint32, 1<<20)
	for i := range out {
		out[i] = rnd.Uint32()
	}
	return out
}

// million6 returns 2^20 IPv6 addresses inside rows of a table.
func million6(c *Classifier) [][16]byte {
	rnd := rand.New(rand.NewPCG(7, 8))
	var rows []int
	for i, v := range c.table.segs.values {
		if v >= entryFirst && !c.table.segs.starts[i].is4() {
			rows = append(rows, i)
		}
	}
	out := make([][16]byte, 1<<20)
	for i := range out {
		a := c.table.segs.starts[rows[rnd.IntN(len(rows))]]
		binary.BigEndian.PutUint64(out[i][:8], a.hi|rnd.Uint64()>>32)
		binary.BigEndian.PutUint64(out[i][8:], rnd.Uint64())
	}
	return out
}

func perSecond(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "M"+unit+"/s")
}

func BenchmarkSide4(b *testing.B) {
	for name, c := range tables(b) {
		b.Run(name, func(b *testing.B) {
			list, sum := million(), Side(0)
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range list {
					sum += c.Side4(a)
				}
			}
			perSecond(b, len(list), "lookup")
			_ = sum
		})
	}
}

func BenchmarkSide6(b *testing.B) {
	for name, c := range tables(b) {
		b.Run(name, func(b *testing.B) {
			list, sum := million6(c), Side(0)
			b.ReportAllocs()
			for b.Loop() {
				for i := range list {
					sum += c.Side16(&list[i])
				}
			}
			perSecond(b, len(list), "lookup")
			_ = sum
		})
	}
}

func BenchmarkClasses(b *testing.B) {
	for name, c := range tables(b) {
		for _, mix := range []string{"v4", "v6"} {
			b.Run(name+"/"+mix, func(b *testing.B) {
				pairs, out := make([]Pair, 512*64), make([]Class, 512)
				four, six := million(), million6(c)
				for i := range pairs {
					pairs[i] = Pair{six[i], six[i+len(pairs)]}
					if mix == "v4" {
						pairs[i] = Pair{*as16(addr{0, mapped | uint64(four[i])}.netip()), *as16(addr{0, mapped | uint64(four[i+len(pairs)])}.netip())}
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					for i := 0; i < len(pairs); i += 512 {
						c.Classes(pairs[i:i+512], out)
					}
				}
				perSecond(b, len(pairs), "packet")
			})
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for name, c := range tables(b) {
		b.Run(name, func(b *testing.B) {
			list := million()
			addrs := make([]netip.Addr, len(list))
			for i, a := range list {
				addrs[i] = addr{0, mapped | uint64(a)}.netip()
			}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range addrs {
					n += len(c.Lookup(a).Country)
				}
			}
			perSecond(b, len(list), "lookup")
		})
	}
}

// BenchmarkOwn asks for addresses of a declared /28, whose /24 has two sides.
func BenchmarkOwn(b *testing.B) {
	t, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c := classifier(b, t, Options{Own: []netip.Prefix{netip.MustParsePrefix("8.8.8.16/28")}})
	n := 0
	for b.Loop() {
		for i := range uint32(1 << 20) {
			n += int(c.Side4(0x08080800 | i&0xff))
		}
	}
	perSecond(b, 1<<20, "lookup")
}

// BenchmarkPeerMMDB is the same question to a MaxMind DB reader: country and
// comparison with the home country, on a file of the same coverage.
func BenchmarkPeerMMDB(b *testing.B) {
	db, err := maxminddb.OpenBytes(shared(b, "iptoasn-country.mmdb"))
	if err != nil {
		b.Fatal(err)
	}
	list := million()[:1<<16]
	addrs := make([]netip.Addr, len(list))
	for i, a := range list {
		addrs[i] = addr{0, mapped | uint64(a)}.netip()
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, a := range addrs {
			var f struct {
				Code string `maxminddb:"country_code"`
			}
			if err := db.Lookup(a).Decode(&f); err != nil {
				b.Fatal(err)
			}
			if f.Code == "JP" {
				n++
			}
		}
	}
	perSecond(b, len(list), "lookup")
}

func BenchmarkDecodeEmbedded(b *testing.B) {
	for b.Loop() {
		if _, err := Embedded(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileEmbedded(b *testing.B) {
	t, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Classifier(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuildWorld(b *testing.B) {
	four, six := shared(b, "asn-country-ipv4.csv.gz"), shared(b, "asn-country-ipv6.csv.gz")
	b.SetBytes(int64(len(four) + len(six)))
	for b.Loop() {
		var w Builder
		for _, raw := range [][]byte{four, six} {
			if err := ReadCSV(&w, "world.csv", bytes.NewReader(raw)); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Table(Meta{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadMMDB(b *testing.B) {
	raw := shared(b, "iptoasn-country.mmdb")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var w Builder
		m, err := ReadMMDB(&w, "world", raw)
		if err == nil {
			_, err = w.Table(m)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
