package detect

import (
	"net/netip"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// What leaves in one hour is told though so much comes after it that its pair
// makes room, once or more often.
func TestLeavingIsTold(t *testing.T) {
	leaver, to := netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("198.51.100.9")
	for name, times := range map[string][]int{"once": {1000}, "twice": {1000, 30_000}} {
		d := New(Config{Limits: Limits{Pairs: 1024, Outside: 1 << 16}})
		at := int64(1_700_000_000) * second
		say := func(src, dst netip.Addr, out uint64) {
			at += second
			d.Add(&record.Record{Src: src, Dst: dst, SrcPort: 40000, DstPort: 443, Proto: 6, State: record.Closed, Start: at, End: at + second,
				Packets: [2]uint64{10, 10}, Bytes: [2]uint64{out + 400, 5400}, Payload: [2]uint64{out, 5000}})
		}
		sent := 0
		for i := range 60_000 {
			for _, n := range times {
				if i == n {
					for range 20 {
						say(leaver, to, 500e6)
						sent += 500e6
					}
				}
			}
			say(addr4(10<<24|1000+uint32(i%50)), addr4(20<<24+uint32(i)), 900)
		}
		if d.state.Pairs.find(d.pairKey(ipOf(leaver), ipOf(to), 6, 443)) != nil {
			t.Fatal("the pair is still there: the test asks for nothing")
		}
		found := 0
		for _, f := range d.Finish().Findings {
			if f.Kind == DataLeaving && f.Src == leaver && f.Dst == to && f.Number("bytes_out") == float64(sent) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: told %d times", name, found)
		}
	}
}

// A key that comes back again and again outlasts many that come once.
func TestCacheKeepsWhatComesBack(t *testing.T) {
	c := newCache[int](1024)
	lost := 0
	for i := range 400_000 {
		c.at(mix(uint64(i), 2))
		if i%500 == 0 { // four times in the time in which a set changes once
			if _, fresh := c.at(12345 << 32); fresh && i > 20_000 {
				lost++
			}
		}
	}
	if lost > 2 {
		t.Errorf("forgotten %d times", lost)
	}
}
