package sieve

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// line is what a link carries: packets of 100 to 1,400 bytes between addresses
// all over the world, which lie one after another in memory as a reader has them.
func line(b testing.TB, n int, body func(r *rand.Rand) []byte) []capture.Packet {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var room []byte
	out := make([]capture.Packet, n)
	at := make([]int, n+1)
	for i := range out {
		p := pk{src: address(r), dst: address(r), sport: uint16(1024 + r.IntN(60000)), dport: 443, proto: 6, flags: 0x10, seq: r.Uint32(), body: body(r)}
		for tunnelPort(p.sport) {
			p.sport++
		}
		if r.IntN(5) == 0 {
			p.proto = 17
		}
		q := p.build()
		room = append(room, q.Data...)
		out[i], at[i+1] = capture.Packet{At: t0 + int64(i)*100, Orig: q.Orig, Link: q.Link}, len(room)
	}
	for i := range out {
		out[i].Data = room[at[i]:at[i+1]:at[i+1]]
	}
	return out
}

func address(r *rand.Rand) string {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 1<<24+r.Uint32N(220<<24))
	return netip.AddrFrom4(a).String()
}

func zeros(r *rand.Rand) []byte { return make([]byte, 50+r.IntN(1300)) }

// sides is the table that comes with the program.
func sides(b testing.TB) func(*[16]byte) geo.Side {
	b.Helper()
	table, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c, err := table.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return c.Side16
}

// many is a list of n addresses, most of which nobody uses, and networks.
func many(b testing.TB, n int, more ...selector.Selector) *selector.Set {
	b.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	bl := selector.NewBuilder(selector.Options{Warnings: new(selector.Warnings)})
	for range n {
		if _, err := bl.Add(sel(selector.Address, address(r))); err != nil {
			b.Fatal(err)
		}
	}
	for _, s := range more {
		if _, err := bl.Add(s); err != nil {
			b.Fatal(err)
		}
	}
	set, err := bl.Compile()
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// listed is how many selectors benchmarks have: NOROSHI_BENCH_SELECTORS, or few.
func listed() int {
	if n, err := strconv.Atoi(os.Getenv("NOROSHI_BENCH_SELECTORS")); err == nil {
		return n
	}
	return 100_000
}

// processor is the time that the process had of the processor: others have their
// share of the machine.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmark(b *testing.B, set *selector.Set, packets []capture.Packet) {
	o := options(set)
	o.Side = sides(b)
	o.Flows = 1 << 18
	s := New(o, func(*Record) error { return nil })
	const batch = 512
	span := packets[len(packets)-1].At - packets[0].At + 100
	b.ReportAllocs()
	b.ResetTimer()
	began := processor()
	off := 0
	for n := 0; n < b.N; n += batch {
		if off+batch > len(packets) {
			off = 0
			for i := range packets {
				packets[i].At += span
			}
		}
		if end, err := s.Add(packets[off : off+batch]); end != Going || err != nil {
			b.Fatal(end, err)
		}
		off += batch
	}
	b.StopTimer()
	used := processor() - began
	_ = s.Close()
	y := s.Tally()
	b.ReportMetric(float64(b.N)/used.Seconds()/1e6, "Mpkt/cpu-s")
	b.ReportMetric(100*float64(y.Selected.Packets)/float64(y.Seen.Packets), "%selected")
	b.ReportMetric(100*float64(y.Domestic.Packets+y.Unknown.Packets+y.Direction.Packets)/float64(y.Seen.Packets), "%held")
	if y.Seen != y.Sum() {
		b.Fatalf("%+v", y)
	}
}

// Two probes of a list by each packet, decoding and direction included.
func BenchmarkHeaders(b *testing.B) {
	set, packets := many(b, listed()), line(b, 1<<16, zeros)
	b.Run("one", func(b *testing.B) { benchmark(b, set, packets) }) // the list is compiled once
}

// The gate alone: nothing is listed.
func BenchmarkGate(b *testing.B) { benchmark(b, nil, line(b, 1<<16, zeros)) }

// Each packet begins a flow, and the list wants to see its payload.
func BenchmarkEachNew(b *testing.B) {
	benchmark(b, many(b, listed(), sel(selector.Suffix, "evil.example.com"), sel(selector.Pattern, `"cmd.exe /c"`)), line(b, 1<<18, zeros))
}

// Flows of 40 packets that begin with a hello or a request.
func BenchmarkPayload(b *testing.B) {
	hello, get := tlsHello(b, "www.fine.example.com"), httpGet("www.fine.example.com", "/")
	body := func(r *rand.Rand) []byte {
		switch r.IntN(3) {
		case 0:
			return hello[:min(len(hello), 1400)]
		case 1:
			return get
		}
		return make([]byte, 50+r.IntN(1300))
	}
	for _, c := range []struct {
		name string
		more []selector.Selector
	}{
		{"names", []selector.Selector{sel(selector.Suffix, "evil.example.com")}},
		{"names+JA4", []selector.Selector{sel(selector.Suffix, "evil.example.com"), sel(selector.JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1")}},
		{"names+patterns", []selector.Selector{sel(selector.Suffix, "evil.example.com"), sel(selector.Pattern, `"cmd.exe /c"`)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			base := line(b, 1<<13, body)
			var packets []capture.Packet
			for i := 0; i < len(base); i += 512 {
				for range 40 {
					packets = append(packets, base[i:i+512]...)
				}
			}
			for i := range packets {
				packets[i].At = t0 + int64(i)*1000
			}
			benchmark(b, many(b, listed(), c.more...), packets)
		})
	}
}
