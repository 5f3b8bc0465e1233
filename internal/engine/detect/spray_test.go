package detect

import (
	"runtime"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// sprayed is the i-th of many tries of one packet each: invented senders and
// targets, as a flood or somebody who wants to fill tables sends them.
func sprayed(r *record.Record, i uint64) {
	h := mix(i, 99)
	*r = record.Record{Src: addr4(0x0a000000 | uint32(h)&0xffffff), Dst: addr4(0x20000000 | uint32(h>>24)&0x1fffffff), SrcPort: uint16(h >> 50), DstPort: uint16(i % 1000), Proto: 17, State: record.Tried,
		Packets: [2]uint64{1, 0}, Bytes: [2]uint64{40, 0}, Payload: [2]uint64{12, 0}}
	r.Start = noon + int64(i)*second/10_000
	r.End = r.Start
}

// What came once takes no room from what is looked for: of each try one small
// entry is kept, and a flood between them is found whole.
func TestSprayedAddresses(t *testing.T) {
	d := New(Config{})
	var r record.Record
	for i := range uint64(300_000) {
		sprayed(&r, i)
		d.Add(&r)
		if r.Src = addr4(0x50000000 + uint32(i%64)); i%30 == 0 { // 20,000 packets a minute
			r.Dst, r.DstPort, r.Packets, r.Bytes = other, 80, [2]uint64{60, 0}, [2]uint64{30_000, 0}
			d.Add(&r)
		}
	}
	s := &d.state
	trails := 0
	s.Hosts.each(func(w *sweep) { trails += int(yes(w.Trail != nil)) })
	if s.Pairs.N+s.Outside.N != 0 || s.Victims.N > 100 || trails > s.Hosts.N/20 || s.Victims.Evicted != 0 {
		t.Errorf("%d pairs, %d places, %d victims, %d of %d sweeps with a trail", s.Pairs.N, s.Outside.N, s.Victims.N, trails, s.Hosts.N)
	}
	var have Finding
	for _, f := range d.Finish().Findings {
		if f.Kind == Flood && f.Dst == other {
			have = f
		}
	}
	if have.Score < worth || have.Number("packets") < 590_000 {
		t.Errorf("%s %v", list([]Finding{have}, 0), have.Facts)
	}
}

// BenchmarkSprayed is what 300,000 communications of one packet cost.
func BenchmarkSprayed(b *testing.B) {
	const records = 300_000
	b.ReportAllocs()
	for b.Loop() {
		d := New(Config{})
		var r record.Record
		for i := range uint64(records) {
			sprayed(&r, i)
			d.Add(&r)
		}
		d.Finish()
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB")
		runtime.KeepAlive(d)
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
