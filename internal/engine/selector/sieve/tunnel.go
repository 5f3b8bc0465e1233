package sieve

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// portSTT is the port of a tunnel that has the form of TCP (draft-davie-stt).
const portSTT = 7471

// hidden says of a packet whose addresses pass, no later part of another, whether
// a layer may be in it that was not decoded: pass when not. Behind the innermost
// IP header that was found stands a transport that carries no IP, its header was
// read, none of its ports is a tunnel's, and no datagram begins as an IP packet
// does. Everything else is unknown: a tunnel whose inside is no IP or was cut off,
// what is encrypted, a protocol number that is not known to be harmless.
func hidden(p *capture.Packet, h *packet.Headers) verdict {
	var read bool
	switch h.Proto {
	case packet.ProtoTCP:
		if h.SrcPort == portSTT || h.DstPort == portSTT {
			return ported
		}
		read = h.Layers.Has(packet.TCP) && h.SrcPort|h.DstPort != 0
	case packet.ProtoUDP, packet.ProtoUDPLite:
		if tunnelPort(h.SrcPort) || tunnelPort(h.DstPort) {
			return ported
		}
		// a UDP header may be that of a tunnel around, but then there are no ports
		read = h.Layers.Has(packet.UDP|packet.UDPLite) && h.SrcPort|h.DstPort != 0 && !carries(p, h)
	case packet.ProtoICMP:
		read = h.Layers.Has(packet.ICMP)
	case packet.ProtoICMPv6:
		read = h.Layers.Has(packet.ICMPv6)
	case packet.ProtoSCTP:
		read = h.Layers.Has(packet.SCTP)
	case packet.ProtoDCCP:
		read = h.Layers.Has(packet.DCCP)
	case packet.ProtoIGMP:
		read = h.Layers.Has(packet.IGMP)
	}
	if !read {
		return unknown
	}
	return pass
}

// tunnelPort reports whether UDP with p at either end may be a tunnel, or a mirror
// of what others sent, that was not decoded; what was decoded has the ports of the
// packet inside. A port chosen by chance may be one of these, of 53 and 443 too:
// which it is cannot be told, so the packet does not pass. These are 29 of 65,536
// ports, and Tally.TunnelPort has what they cost. Control channels that carry no
// packets (IKE on 500, GTP-C on 2123) pass.
func tunnelPort(p uint16) bool {
	switch p {
	case 655, // tinc
		1194,  // OpenVPN
		1701,  // L2TP, RFC 2661 and 3931
		2152,  // GTP-U, 3GPP TS 29.281
		3386,  // GTP version 0, 3GPP TS 09.60
		3544,  // Teredo, RFC 4380
		4242,  // Nebula
		4341,  // LISP, RFC 9300
		4342,  // LISP control, which encapsulates packets (RFC 9301 section 5.8)
		4500,  // IPsec behind address translation, RFC 3948
		4754,  // GRE, RFC 8086
		4755,  // the same over DTLS
		4789,  // VXLAN, RFC 7348
		4790,  // VXLAN-GPE
		5072,  // AYIYA
		5247,  // CAPWAP data, RFC 5415
		5555,  // FOU: IP itself
		6080,  // GUE, draft-ietf-intarea-gue
		6081,  // Geneve, RFC 8926
		6343,  // sFlow: samples of packets
		6635,  // MPLS, RFC 7510
		6636,  // the same over DTLS
		8472,  // VXLAN before it had a port, OTV
		9993,  // ZeroTier
		12222, // LWAPP data, RFC 5412
		37008, // TZSP
		41641, // Tailscale
		48879, // VXLAN in data centres of one maker
		51820: // WireGuard
		return true
	}
	return false
}

// carries reports whether the payload of a datagram begins as an IP packet does.
func carries(p *capture.Packet, h *packet.Headers) bool {
	b := p.Data[h.Payload:][:h.PayloadLen]
	if len(b) == 0 || b[0]>>4 != 4 && b[0]>>4 != 6 {
		return false
	}
	size := int(h.PayloadWire)
	if h.Before != 0 { // a first part: the whole datagram's length is needed
		whole := 1<<16 - 1
		if h.Proto == packet.ProtoUDP && h.Payload >= 4 {
			whole = int(binary.BigEndian.Uint16(p.Data[h.Payload-4:])) - 8
		}
		size = max(size, whole)
	}
	if b[0]>>4 == 4 {
		return begins4(b, size)
	}
	return begins6(b, size)
}

// begins4 reports whether b, of a datagram with size bytes of payload, begins with
// an IPv4 header: its lengths fit, and where bytes follow the packet its checksum
// is right. Of random bytes one in a million does. What was not captured agrees.
func begins4(b []byte, size int) bool {
	head := int(b[0]&15) * 4
	if head < 20 || head > size {
		return false
	}
	if len(b) < 4 {
		return true
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case total == size:
		return true
	case total > size || total < head && total != 0: // 0: a network card cuts it up
		return false
	case len(b) < head:
		return true
	}
	sum := uint32(0)
	for i := 0; i < head; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return sum%0xffff == 0
}

// begins6 is begins4 for IPv6, which has no checksum: where bytes follow the
// packet, both addresses are of kinds that are in use. A question to a name server
// that is as long as its number happens to say has a hop limit of 0. Of random
// bytes one in 50,000 does.
func begins6(b []byte, size int) bool {
	if size < 40 {
		return false
	}
	if len(b) < 10 {
		return true
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total > size {
		return false
	}
	return total == size && b[7] != 0 || inUse(b[8:]) && (len(b) < 26 || inUse(b[24:]))
}

// inUse reports whether an IPv6 address begins as global, unique local, link-local
// and multicast ones do, or as those of translators (RFC 6052).
func inUse(a []byte) bool {
	begin := binary.BigEndian.Uint16(a)
	return begin>>13 == 1 || begin >= 0xfc00 || begin == 0x64
}
