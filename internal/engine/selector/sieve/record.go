package sieve

import (
	"encoding/binary"
	"net/netip"

	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// Record is one selected flow: what went from Src to Dst. It has no place for
// the other direction, and none for content. Times are nanoseconds since 1970
// UTC; Bytes is the length of the packets on the wire, as in Amount.
type Record struct {
	Start, End       int64
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // of ICMP: type and code; 0 where parts of a packet do not say
	Proto            uint8  // IANA protocol number of IP
	Flags            uint8  // TCP flags seen, or-ed (RFC 9293 §3.1)
	VLAN             uint16 // outermost, 0 without
	Tunnel           record.Tunnel
	Direction        geo.Class // FF, FD or DF
	App              record.App
	Packets, Bytes   uint64

	Name record.Name // that a selector of names or URIs matched, in bounded form; else empty
	JA3  [16]byte    // of the client hello when the list asks for fingerprints; zero without
	JA4  record.JA4

	Selector string        // public id of the selector, selector.Set.Ref
	ID       selector.ID   // the same selector in Set
	Set      *selector.Set // the list it was matched with
}

// facts are what was learned of a flow when it was found.
type facts struct {
	name record.Name
	ja3  [16]byte
	ja4  record.JA4
	app  record.App
}

// fill writes what is known of an entry into r.
func (s *Sieve) fill(r *Record, e *entry) {
	src, dst := e.k.addresses()
	hit := &s.hits.list[e.hit]
	*r = Record{
		Start: e.start, End: e.end, Src: netip.AddrFrom16(src).Unmap(), Dst: netip.AddrFrom16(dst).Unmap(),
		SrcPort: e.k.sport(), DstPort: e.k.dport(), Proto: e.k.proto(), Flags: e.flags, VLAN: uint16(e.k.ports >> 48),
		Tunnel: e.tunnel, Direction: e.class, Packets: e.amount.Packets, Bytes: e.amount.Bytes,
		Selector: hit.ref, ID: hit.id, Set: hit.set,
	}
	if e.facts != 0 {
		f := s.learned.at(e.facts)
		r.Name, r.JA3, r.JA4, r.App = f.name, f.ja3, f.ja4, f.app
	}
	if r.App == record.NoApp {
		said := record.Record{Proto: r.Proto, SrcPort: r.SrcPort, DstPort: r.DstPort}
		r.App = dissect.ByPort(&said)
	}
}

// key is what the packets of one flow have in common. Addresses are in network
// order, IPv4 as ::ffff:a.b.c.d.
type key struct {
	s0, s1, d0, d1 uint64
	ports          uint64 // VLAN outer, VLAN inner, source, destination
	kind           uint64 // protocol, number of tunnels, and what tells tunnels apart
}

func (k *key) proto() uint8  { return uint8(k.kind) }
func (k *key) sport() uint16 { return uint16(k.ports >> 16) }
func (k *key) dport() uint16 { return uint16(k.ports) }

func (k *key) addresses() (src, dst [16]byte) {
	binary.BigEndian.PutUint64(src[:8], k.s0)
	binary.BigEndian.PutUint64(src[8:], k.s1)
	binary.BigEndian.PutUint64(dst[:8], k.d0)
	binary.BigEndian.PutUint64(dst[8:], k.d1)
	return src, dst
}

// set fills in the key of a decoded packet.
func (k *key) set(h *packet.Headers, seed uint64) {
	k.s0, k.s1 = binary.BigEndian.Uint64(h.Src[:8]), binary.BigEndian.Uint64(h.Src[8:])
	k.d0, k.d1 = binary.BigEndian.Uint64(h.Dst[:8]), binary.BigEndian.Uint64(h.Dst[8:])
	sport, dport := h.SrcPort, h.DstPort
	if h.Proto == packet.ProtoICMP || h.Proto == packet.ProtoICMPv6 {
		sport, dport = uint16(h.ICMPType), uint16(h.ICMPCode)
	}
	k.ports = uint64(h.VLAN)<<48 | uint64(h.Inner)<<32 | uint64(sport)<<16 | uint64(dport)
	k.kind = uint64(h.Proto)
	if h.Outers > 0 {
		k.kind |= uint64(h.Outers) << 8
		around := seed
		for i := range h.Outer[:h.Outers] {
			o := &h.Outer[i]
			around = mix(around^binary.BigEndian.Uint64(o.Src[8:])^binary.BigEndian.Uint64(o.Src[:8]), 0x9e3779b97f4a7c15)
			around = mix(around^binary.BigEndian.Uint64(o.Dst[8:])^binary.BigEndian.Uint64(o.Dst[:8]), 0xd1b54a32d192ed03)
		}
		k.kind |= around << 16
	}
}
