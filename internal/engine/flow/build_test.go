package flow

import (
	"encoding/binary"
	"net/netip"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// pk is a packet to be built.
type pk struct {
	at           int64
	src, dst     string
	sport, dport uint16
	proto        uint8
	flags        uint8
	seq, ack     uint32
	body         []byte
	typ, code    uint8 // ICMP
	vlan         uint16
	id, off      uint16 // of IPv4 fragments; off in bytes
	more         bool
}

// build makes the Ethernet frame of a packet.
func (p pk) build() capture.Packet {
	var l4 []byte
	switch {
	case p.off > 0: // a later fragment has no transport header
		l4 = append(l4, p.body...)
	case p.proto == packet.ProtoTCP:
		l4 = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(l4, p.sport), p.dport)
		l4 = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(l4, p.seq), p.ack)
		l4 = append(l4, 0x50, p.flags, 0xff, 0xff, 0, 0, 0, 0)
		l4 = append(l4, p.body...)
	case p.proto == packet.ProtoUDP:
		l4 = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(l4, p.sport), p.dport)
		l4 = binary.BigEndian.AppendUint16(l4, uint16(8+len(p.body)))
		l4 = append(append(l4, 0, 0), p.body...)
	case p.proto == packet.ProtoICMP || p.proto == packet.ProtoICMPv6:
		l4 = append(append(l4, p.typ, p.code, 0, 0, 0, 0, 0, 0), p.body...)
	default:
		l4 = append(l4, p.body...)
	}
	frame := make([]byte, 12, 64+len(l4))
	if p.vlan != 0 {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x81, 0), p.vlan)
	}
	src, dst := netip.MustParseAddr(p.src), netip.MustParseAddr(p.dst)
	if src.Is4() {
		frame = append(frame, 8, 0)
		frame = append(frame, ipv4(p, src, dst, len(l4))...)
	} else {
		frame = append(frame, 0x86, 0xdd, 0x60, 0, 0, 0)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(l4)))
		frame = append(frame, p.proto, 64)
		frame = append(append(frame, src.AsSlice()...), dst.AsSlice()...)
	}
	frame = append(frame, l4...)
	return capture.Packet{Data: frame, At: p.at, Orig: uint32(len(frame)), Link: capture.LinkEthernet}
}

func ipv4(p pk, src, dst netip.Addr, size int) []byte {
	h := make([]byte, 20)
	h[0], h[8], h[9] = 0x45, 64, p.proto
	binary.BigEndian.PutUint16(h[2:], uint16(20+size))
	binary.BigEndian.PutUint16(h[4:], p.id)
	frag := p.off / 8
	if p.more {
		frag |= 0x2000
	}
	binary.BigEndian.PutUint16(h[6:], frag)
	copy(h[12:], src.AsSlice())
	copy(h[16:], dst.AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum))
	return h
}

// frames builds many.
func frames(list []pk) []capture.Packet {
	out := make([]capture.Packet, len(list))
	for i, p := range list {
		out[i] = p.build()
	}
	return out
}

func addrOf(s string) netip.Addr { return netip.MustParseAddr(s) }
