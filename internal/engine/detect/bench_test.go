package detect

import (
	"runtime"
	"strconv"
	"testing"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/synth"
)

// BenchmarkAdd is every detector on the records of a made-up day.
func BenchmarkAdd(b *testing.B) {
	all := synth.New(synth.Config{Seed: 1}).All()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d := New(Config{Home: synth.Home()})
		d.AddAll(all)
		n += len(all)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWide is every detector on as many different pairs as a large network
// has: what one record costs when nothing is in the cache, and how much memory
// the tables take.
func BenchmarkWide(b *testing.B) {
	for _, records := range []int{1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(records), func(b *testing.B) {
			for b.Loop() {
				d := New(Config{})
				r := record.Record{Proto: 6, App: record.TLSApp, State: record.Closed, Packets: [2]uint64{9, 8}, Bytes: [2]uint64{1500, 9000}, Payload: [2]uint64{900, 8000}}
				for i := range records {
					wide(&r, uint64(i), records)
					d.Add(&r)
				}
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB")
				b.ReportMetric(float64(m.Sys)/1e6, "MB-sys")
				runtime.KeepAlive(d)
			}
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// wide makes the i-th record of a day of 30,000 machines: a third of the
// connections go to places seldom seen, a third to a few thousand of each
// machine's own, one in forty fails.
func wide(r *record.Record, i uint64, records int) {
	h := mix(i, 77)
	m := uint32(h % 30000)
	r.Src = addr4(0x0a000000 | m)
	switch h >> 20 % 3 {
	case 0:
		r.Dst = addr4(0x20000000 | uint32(h>>22)&0x1fffffff)
	case 1:
		r.Dst = addr4(0x40000000 | (m*40+uint32(h>>30)%40)&0x1fffffff)
	default:
		r.Dst = addr4(0x60000000 | uint32(h>>30)%3000)
	}
	r.DstPort = []uint16{443, 443, 443, 80, 8080, 53}[h>>50%6]
	r.State = record.Closed
	if h>>58 < 2 {
		r.State = record.Tried
	}
	r.Start = 1_700_000_000*second + int64(float64(i)/float64(records)*float64(24*hour))
	r.End = r.Start + int64(h>>40%30)*second
}
