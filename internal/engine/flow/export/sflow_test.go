package export

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
)

// samples builds an sFlow v5 datagram of samples, each with its format.
type samples struct {
	data []byte
	n    uint32
}

func (s *samples) add(format uint32, body []byte) *samples {
	s.n++
	s.data = append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(s.data, format), uint32(len(body))), body...)
	return s
}

func (s *samples) bytes(number uint32) []byte {
	be := binary.BigEndian
	m := be.AppendUint32(nil, 5)
	m = append(be.AppendUint32(m, 1), 10, 0, 0, 9) // agent
	for _, v := range []uint32{3, number, 60_000 + number, s.n} {
		m = be.AppendUint32(m, v)
	}
	return append(m, s.data...)
}

func words(v ...uint32) (b []byte) {
	for _, w := range v {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// opaque is a record or header with its length and padding.
func opaque(b []byte) []byte {
	return append(append(words(uint32(len(b))), b...), make([]byte, -len(b)&3)...)
}

// frame is an Ethernet frame with VLAN 7, IPv4 and TCP.
func frame() []byte {
	f := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 7, 8, 0}
	f = append(f, 0x45, 0, 0, 60, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2)
	return append(f, 0xc0, 0, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 1, 0, 0, 0, 0, 0)
}

func TestSFlow(t *testing.T) {
	raw := append(words(1, 1500, 4), opaque(frame())...)
	flow := append(words(9, 1<<24|5, 512, 1000, 0, 3, 1<<30, 3), append(words(rawHeader), opaque(raw)...)...)
	flow = append(flow, append(words(extendedRouter), opaque(append(words(1), append([]byte{10, 0, 0, 1}, words(24, 16)...)...))...)...)
	flow = append(flow, append(words(extendedGateway), opaque(append(words(1), append([]byte{10, 0, 0, 1}, words(64512, 64500, 64501, 1, 2, 2, 64502, 64503, 0, 100)...)...))...)...)
	v6 := make([]byte, 32)
	v6[0], v6[15], v6[16], v6[31] = 0x20, 1, 0x20, 2
	expanded := append(words(9, 0, 5, 256, 1000, 0, 0, 70000, 0, 70001, 1), append(words(sampledIPv6), opaque(append(append(words(900, 17), v6...), words(5000, 53, 0, 8)...))...)...)
	arp := append(words(9, 5, 512, 1000, 0, 3, 4, 1), append(words(rawHeader), opaque(append(words(1, 64, 4), opaque(append(frame()[:12], 8, 6, 0, 1))...))...)...)
	m := (&samples{}).add(1, flow).add(3, expanded).add(2, words(1, 2, 3)).add(1, arp).add(4<<12|1, words(1)).bytes(7)
	d, c := NewDecoder(Limits{}), collect(10)
	if err := d.Decode(router, received, m, c.batch); err != nil {
		t.Fatal(err)
	}
	c.batch.Flush()
	if len(c.rows) != 2 {
		t.Fatalf("%+v", c.rows)
	}
	c.rows[0].Given, c.rows[1].Given = 0, 0
	equal(t, "sampled header", c.rows[0], row{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("198.51.100.2"), SrcPort: 0xc000, DstPort: 443,
		VLAN: 7, Proto: 6, Flags: 0x12, SrcMask: 24, DstMask: 16, Packets: 1, Bytes: 1500, Start: received, End: received, In: 3, SrcAS: 64500, DstAS: 64503, Sampling: 512})
	equal(t, "sampled IPv6", c.rows[1], row{Src: netip.MustParseAddr("2000::1"), Dst: netip.MustParseAddr("2000::2"), SrcPort: 5000, DstPort: 53, Proto: 17, Tos: 8,
		Packets: 1, Bytes: 900, Start: received, End: received, In: 70000, Out: 70001, Sampling: 256})
	e := only(t, d)
	equal(t, "agent", e.Agent, netip.MustParseAddr("10.0.0.9"))
	equal(t, "counter samples", e.Options, 1)
	equal(t, "without an address", e.Skipped, 1)
	_ = d.Decode(router, received, (&samples{}).bytes(10), c.batch)
	equal(t, "lost", only(t, d).Lost, 2)
	for i := range m {
		for _, v := range []byte{0, 0x7f, 0xff} {
			bad := append([]byte{}, m...)
			bad[i] = v
			_ = d.Decode(router, received, bad, c.batch)
		}
		if err := d.Decode(router, received, m[:i], c.batch); err == nil && i > 0 {
			t.Errorf("cut at %d: no error", i)
		} else if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) && i > 0 {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}
