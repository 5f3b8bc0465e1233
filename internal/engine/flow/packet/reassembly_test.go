package packet

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"noroshi/internal/engine/flow/capture"
)

// part returns an IPv4 fragment on a raw link.
func part(id uint16, proto byte, offset int, more bool, body []byte) capture.Packet {
	b := make([]byte, 20, 20+len(body))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(b[4:], id)
	flags := uint16(offset / 8)
	if more {
		flags |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], flags)
	copy(b[12:], []byte{192, 0, 2, 1, 192, 0, 2, 2})
	b = append(b, body...)
	return capture.Packet{Data: b, Orig: uint32(len(b)), Link: capture.LinkRaw}
}

// TestFragments cuts datagrams into parts that come in any order, some twice:
// what they carry counts once, when the last of them has come.
func TestFragments(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for round := range 300 {
		size := 16 + r.IntN(4000)
		body := make([]byte, size)
		binary.BigEndian.PutUint16(body[4:], uint16(size))
		var parts []capture.Packet
		for at := 0; at < size; {
			n := min(8*(1+r.IntN(60)), size-at)
			parts = append(parts, part(uint16(round), ProtoUDP, at, at+n < size, body[at:at+n]))
			at += n
		}
		if len(parts) == 1 {
			continue
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var c Counter
		for i := range parts {
			c.Settle()
			if c.Layers[layerIndex(UDP)] != 0 {
				t.Fatalf("round %d: UDP counted after %d of %d parts", round, i, len(parts))
			}
			c.Add(parts[i : i+1])
			if i+1 < len(parts) && r.IntN(4) == 0 {
				c.Add(parts[i : i+1])
			}
		}
		c.Settle()
		if c.Layers[layerIndex(UDP)] != 1 || c.Parts.Complete != 1 || c.Parts.Open() != 0 || c.Layers[layerIndex(IPv4)] != c.Packets {
			t.Fatalf("round %d, %d parts: %d UDP, %+v", round, len(parts), c.Layers[layerIndex(UDP)], c.Parts.Complete)
		}
	}
}

func layerIndex(l Layers) (index int) {
	l.Each(func(i int) { index = i })
	return index
}

// TestFragmentsBounded sends first parts without end: the oldest are forgotten
// and counted.
func TestFragmentsBounded(t *testing.T) {
	var c Counter
	for i := range 3 * MaxFragmented {
		p := part(uint16(i), ProtoUDP, 0, true, make([]byte, 64))
		c.Add([]capture.Packet{p})
	}
	if c.Parts.Open() != MaxFragmented || c.Parts.Abandoned != 2*MaxFragmented {
		t.Fatalf("%d open, %d abandoned", c.Parts.Open(), c.Parts.Abandoned)
	}
	// The newest are still known.
	last := part(uint16(3*MaxFragmented-1), ProtoUDP, 64, false, make([]byte, 8))
	c.Add([]capture.Packet{last})
	if c.Parts.Complete != 1 {
		t.Fatal("the newest was forgotten")
	}
}

// TestFragmentsLie has parts that reach beyond 65535 bytes, end off an octet of
// eight, or name two ends.
func TestFragmentsLie(t *testing.T) {
	var c Counter
	far := part(1, ProtoUDP, 65528, false, make([]byte, 64))
	odd := part(2, ProtoUDP, 0, true, make([]byte, 13))
	one := part(3, ProtoUDP, 64, false, make([]byte, 8))
	two := part(3, ProtoUDP, 128, false, make([]byte, 8))
	c.Add([]capture.Packet{far, odd, one, two})
	if c.Parts.Bad != 3 || c.Parts.Complete != 0 {
		t.Fatalf("%+v", c.Parts.Bad)
	}
}
