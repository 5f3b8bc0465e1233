package flow

import (
	"net/netip"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/record"
)

// What a router counted of one packet in a thousand stands for a thousand times
// as much, and says that it is an estimate.
func TestSampledExportsAreScaled(t *testing.T) {
	for _, c := range []struct {
		rate           uint32
		packets, bytes uint64
		want           [2]uint64
		says           bool
	}{{0, 7, 900, [2]uint64{7, 900}, false}, {1, 7, 900, [2]uint64{7, 900}, false}, {1000, 7, 900, [2]uint64{7000, 900_000}, true}, {1 << 31, 1 << 40, 1 << 63, [2]uint64{most, most}, true}} {
		b := export.NewBatch(2, nil)
		b.Extend(1)
		b.Src[0], b.Dst[0] = netip.MustParseAddr("192.0.2.1").As16(), netip.MustParseAddr("192.0.2.2").As16()
		b.Proto[0], b.Packets[0], b.Bytes[0], b.RevPackets[0], b.Sampling[0] = 6, c.packets, c.bytes, 1, c.rate
		var r record.Record
		FromExport(&r, b, 0, nil)
		if r.Packets[0] != c.want[0] || r.Bytes[0] != c.want[1] || r.Packets[1] != uint64(max(c.rate, 1)) {
			t.Errorf("1 in %d: %v %v", c.rate, r.Packets, r.Bytes)
		}
		if says := strings.Contains(string(record.AppendJSON(nil, &r)), `"sampled":`); says != c.says {
			t.Errorf("1 in %d: %s", c.rate, record.AppendJSON(nil, &r))
		}
	}
}
