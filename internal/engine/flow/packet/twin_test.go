package packet

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"noroshi/internal/engine/flow/capture"
)

// eachPacket calls fn with packets of every kind there is: made-up traffic, the
// captures of the corpus when it is here, and all of them damaged.
func eachPacket(t *testing.T, fn func(p *capture.Packet)) {
	r := rand.New(rand.NewPCG(5, 5))
	damage := func(p *capture.Packet) {
		fn(p)
		q := *p
		q.Data = bytes.Clone(p.Data)
		for range 1 + r.IntN(3) {
			if n := min(len(q.Data), 90); n > 0 {
				q.Data[r.IntN(n)] = byte(r.Uint32())
			}
		}
		fn(&q)
		q.Data = q.Data[:r.IntN(len(q.Data)+1)]
		fn(&q)
	}
	ps := mix(2, 20_000)
	for i := range ps {
		damage(&ps[i])
	}
	if testing.Short() {
		return
	}
	open := archives{}
	for _, row := range rowsIfHere(t) {
		b := open.load(t, row.name)
		in, err := capture.NewReader(bytes.NewReader(b))
		if err != nil {
			continue
		}
		batch := make([]capture.Packet, 64)
		for {
			n, err := in.Next(batch)
			for i := range batch[:n] {
				damage(&batch[i])
			}
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// slow is Decode without its fast path.
func slow(p *capture.Packet, h *Headers) {
	*h = Headers{wide: true}
	w := walk{h: h, d: p.Data, end: max(int(p.Orig), len(p.Data))}
	w.run(linkStep(p.Link))
	w.finish()
}

// TestFast compares the fast path with the general one wherever it answers.
func TestFast(t *testing.T) {
	var a, b Headers
	fasts, all := 0, 0
	eachPacket(t, func(p *capture.Packet) {
		all++
		if p.Link != capture.LinkEthernet || !fast(p.Data, int(p.Orig), &a) {
			a.wide = true // as Decode leaves it
			return
		}
		fasts++
		slow(p, &b)
		b.wide = a.wide
		if a != b {
			t.Fatalf("fast %+v\nslow %+v\nof % x", a, b, p.Data)
		}
	})
	t.Logf("%d of %d packets took the fast path", fasts, all)
	if fasts*3 < all {
		t.Errorf("only %d of %d packets took the fast path", fasts, all)
	}
}

// sane checks what holds of every decoded packet.
func sane(t *testing.T, p *capture.Packet, h *Headers) {
	t.Helper()
	if int(h.Payload)+int(h.PayloadLen) > len(p.Data) || h.PayloadWire < h.PayloadLen {
		t.Fatalf("payload at %d, %d bytes of %d on the wire, in %d", h.Payload, h.PayloadLen, h.PayloadWire, len(p.Data))
	}
	if h.Outers > MaxOuter || h.Fault >= faultCount || h.FragPair > h.Outers || h.FragOffset > 65528 {
		t.Fatalf("%+v", h)
	}
	if h.Outers > 0 && !h.Layers.Has(IPv4|IPv6) || h.Before&^h.Layers != 0 {
		t.Fatalf("%+v", h)
	}
}

// TestPeer compares with gopacket, layer by layer, where both follow a packet to
// its end: the outermost addresses, ports, flags and sizes.
func TestPeer(t *testing.T) {
	var h Headers
	compared, all := 0, 0
	eachPacket(t, func(p *capture.Packet) {
		all++
		f := Decode(p, &h)
		sane(t, p, &h)
		first := gopacket.LayerType(0)
		switch p.Link {
		case capture.LinkEthernet:
			first = layers.LayerTypeEthernet
		case capture.LinkNull:
			first = layers.LayerTypeLoopback
		case capture.LinkSLL:
			first = layers.LayerTypeLinuxSLL
		case capture.LinkIPv4:
			first = layers.LayerTypeIPv4
		default:
			return
		}
		if f != None || h.Outers > 0 || h.Before != 0 || !h.Layers.Has(TCP|UDP|SCTP) {
			return
		}
		q := gopacket.NewPacket(p.Data, first, gopacket.DecodeOptions{NoCopy: true})
		if q.ErrorLayer() != nil || q.NetworkLayer() == nil || q.TransportLayer() == nil {
			return
		}
		compared++
		src, dst := netip.AddrFrom16(h.Src).Unmap(), netip.AddrFrom16(h.Dst).Unmap()
		ends := q.NetworkLayer().NetworkFlow()
		if ends.Src().String() != src.String() || ends.Dst().String() != dst.String() {
			t.Fatalf("%v > %v, peer %v: % x", src, dst, ends, p.Data)
		}
		switch l := q.TransportLayer().(type) {
		case *layers.TCP:
			if !h.Layers.Has(TCP) || h.SrcPort != uint16(l.SrcPort) || h.DstPort != uint16(l.DstPort) || h.Seq != l.Seq || h.Ack != l.Ack || h.Window != l.Window ||
				h.TCPFlags&2 != 0 != l.SYN || h.TCPFlags&16 != 0 != l.ACK || h.TCPFlags&1 != 0 != l.FIN || h.TCPFlags&4 != 0 != l.RST || int(h.PayloadLen) != len(l.Payload) {
				t.Fatalf("%+v\npeer %+v\n% x", h, l, p.Data)
			}
		case *layers.UDP:
			if !h.Layers.Has(UDP) || h.SrcPort != uint16(l.SrcPort) || h.DstPort != uint16(l.DstPort) {
				t.Fatalf("%+v\npeer %+v\n% x", h, l, p.Data)
			}
			if tunnelIn(h.SrcPort, h.DstPort).kind == kDone && int(h.PayloadLen) != len(l.Payload) {
				t.Fatalf("payload %d, peer %d: % x", h.PayloadLen, len(l.Payload), p.Data)
			}
		case *layers.SCTP:
			if !h.Layers.Has(SCTP) || h.SrcPort != uint16(l.SrcPort) {
				t.Fatalf("%+v\npeer %+v\n% x", h, l, p.Data)
			}
		}
		for _, l := range q.Layers() {
			want := map[gopacket.LayerType]Layers{layers.LayerTypeDot1Q: VLAN, layers.LayerTypeMPLS: MPLS, layers.LayerTypePPP: PPP, layers.LayerTypeLLC: LLC, layers.LayerTypeIPv6HopByHop: HopByHop}[l.LayerType()]
			if want != 0 && !h.Layers.Has(want) {
				t.Fatalf("no %v: %v\n% x", l.LayerType(), names(h.Layers), p.Data)
			}
		}
	})
	t.Logf("%d of %d packets compared", compared, all)
	if compared < all/4 {
		t.Errorf("only %d of %d packets compared", compared, all)
	}
}

func names(l Layers) string {
	var s []string
	l.Each(func(i int) { s = append(s, LayerName(i)) })
	return strings.Join(s, ":")
}

// FuzzDecode decodes anything, on every link and cut anywhere.
func FuzzDecode(f *testing.F) {
	ps := mix(3, 50)
	for i := range ps {
		f.Add(uint16(1), uint32(0), ps[i].Data[:min(len(ps[i].Data), 120)])
	}
	for _, l := range []capture.Link{0, 9, 10, 12, 50, 101, 104, 105, 108, 113, 127, 195, 230, 239, 276} {
		f.Add(uint16(l), uint32(1000), []byte("\x45\x00\x00\x28\x00\x01\x20\x00\x40\x06\x00\x00abcdefgh\x12\x34\x08\x68aaaabbbb\x50\x02cc\x00\x00\x00\x00"))
	}
	f.Fuzz(func(t *testing.T, link uint16, orig uint32, data []byte) {
		p := capture.Packet{Data: data, Orig: orig, Link: capture.Link(link)}
		var h, again Headers
		Decode(&p, &h)
		sane(t, &p, &h)
		slow(&p, &again)
		again.wide = h.wide
		if h != again {
			t.Fatalf("fast %+v\nslow %+v", h, again)
		}
		// Behind its end a packet has no bytes: what follows must not matter.
		roomy := append(bytes.Clone(data), 0x45, 0x60, 0xff, 0xff, 0x45, 0x60, 0xff, 0xff)
		p.Data = roomy[:len(data)]
		slow(&p, &again)
		again.wide = h.wide
		if h != again {
			t.Fatalf("%+v\nwith other bytes behind it %+v", h, again)
		}
		var c Counter
		c.Add([]capture.Packet{p, p, p})
		c.Settle()
		if c.Packets != 3 {
			t.Fatal(c.Packets)
		}
	})
}
