package sensor

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"

	"noroshi/internal/engine/flow/export"
)

// What a router tells live is what the same export says from a file: a question
// of ICMP and its answer have one Community ID, no end lies before its start,
// and what was sampled is marked.
func TestListenSaysWhatReadSays(t *testing.T) {
	sides, err := (&geoFlags{}).open()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[uint8]map[string]bool{1: {}, 58: {}}
	for _, c := range []struct {
		proto, kind uint8
		src, dst    string
	}{{1, 8, "192.0.2.1", "192.0.2.2"}, {1, 0, "192.0.2.2", "192.0.2.1"}, {58, 128, "2001:db8::1", "2001:db8::2"}, {58, 129, "2001:db8::2", "2001:db8::1"}} {
		b := export.NewBatch(2, nil)
		b.Extend(1)
		b.Src[0], b.Dst[0] = netip.MustParseAddr(c.src).As16(), netip.MustParseAddr(c.dst).As16()
		b.Proto[0], b.ICMP[0], b.Packets[0], b.Bytes[0], b.Start[0], b.End[0], b.Sampling[0] = c.proto, uint16(c.kind)<<8, 3, 84, 2e9, 1e9, 100
		b.Given[0] = export.ColSrc | export.ColDst | export.ColProto | export.ColICMP | export.ColPackets | export.ColBytes | export.ColSampling
		var out bytes.Buffer
		if err := (&lineWriter{sides: sides, bufs: make([][]byte, 1), to: &out}).take(0, b); err != nil {
			t.Fatal(err)
		}
		var said struct {
			Start, End, App, Community_ID string
			Pkts                          [2]uint64
			Sampled                       uint32
		}
		if err := json.Unmarshal(out.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		if said.End < said.Start || said.App != "icmp" || said.Pkts[0] != 300 || said.Sampled != 100 {
			t.Errorf("%s", out.Bytes())
		}
		ids[c.proto][said.Community_ID] = true
	}
	for proto, have := range ids {
		if len(have) != 1 || have[""] {
			t.Errorf("protocol %d: %v", proto, have)
		}
	}
}
