// Package packet decodes the headers of a captured packet: links, tunnels,
// IPv4 and IPv6 with their extensions and fragments, and transport. It
// allocates nothing, keeps nothing and reads no byte beyond the headers except
// to guess what a label-switched or tunnelled packet carries.
package packet

// Pair is the addresses of an outer IP header, IPv4 as ::ffff:a.b.c.d.
type Pair struct {
	Src, Dst [16]byte
	V6       bool
}

// MaxOuter bounds the tunnels of one packet whose addresses are kept.
const MaxOuter = 4

// Headers is what the headers of one packet say. It is reused: Decode resets
// it. Where a packet has several IP headers (a tunnel), the fields speak of the
// innermost; Outer has the addresses of the others, outermost first. The packet
// that an ICMP error quotes is not a tunnel: only Quoted speaks of it.
type Headers struct {
	Layers Layers // every layer of the packet
	Quoted Layers // layers of the packet an ICMP error quotes
	Before Layers // layers down to and including the first fragment header; 0 when nothing is fragmented

	Src, Dst [16]byte // IPv4 as ::ffff:a.b.c.d; zero without an IP header
	SrcPort  uint16   // TCP, UDP, SCTP, DCCP; 0 otherwise
	DstPort  uint16
	Seq, Ack uint32 // TCP
	Window   uint16 // TCP, unscaled
	TCPFlags uint16 // FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256
	Proto    uint8  // IP protocol number of what follows the innermost IP header and its extensions
	TTL      uint8  // hop limit in IPv6
	ICMPType uint8  // ICMP, ICMPv6, IGMP
	ICMPCode uint8
	V6       bool // the innermost IP header is IPv6
	More     bool // more fragments follow
	Outers   uint8
	Fault    Fault

	IPLen       uint32 // length of the innermost IP packet as its header says, header included
	Payload     uint32 // where the payload behind the last decoded header begins in Data
	PayloadLen  uint32 // its captured bytes; Payload+PayloadLen ≤ len(Data)
	PayloadWire uint32 // its bytes on the wire; ≥ PayloadLen

	FragID     uint32 // identification of the first fragment header; 0 when nothing is fragmented
	FragOffset uint32 // in bytes, at most 65528
	FragLen    uint32 // bytes of the fragmented packet that this part holds on the wire
	FragWhole  bool   // this part was captured wholly
	FragPair   uint8  // index into Outer of the fragmented header's addresses; Outers when it is the innermost
	FragProto  uint8  // protocol of what is fragmented
	TwoWays    bool   // what was taken for one tunnel in UDP has the port of another at its other end

	VLAN  uint16 // outermost VLAN identifier; 0 without a tag
	Inner uint16 // innermost VLAN identifier when tags are stacked
	Outer [MaxOuter]Pair

	wide bool // fields are set that the fast path leaves alone
}

// Fragment reports whether the innermost IP packet, or one around it, is part
// of a fragmented one.
func (h *Headers) Fragment() bool { return h.Before != 0 }
