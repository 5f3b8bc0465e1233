package sieve

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
)

// verdict is what the gate says of a packet.
type verdict uint8

const (
	pass verdict = iota
	malformed
	unknown
	ported // unknown: a port is a tunnel's
	domestic
	direction
	verdicts
)

const anyIP = packet.IPv4 | packet.IPv6

// certain reports whether a packet that was not decoded to its end is known to
// have no more addresses: the fault lies in a transport header that carries no
// tunnels. Everything else may hide a layer.
func certain(h *packet.Headers, fault packet.Fault) bool {
	if fault != packet.Truncated && fault != packet.BadLength {
		return false
	}
	switch h.Proto {
	case packet.ProtoTCP:
		return h.Layers.Has(packet.TCP)
	case packet.ProtoICMP:
		return h.Layers.Has(packet.ICMP)
	case packet.ProtoICMPv6:
		return h.Layers.Has(packet.ICMPv6)
	case packet.ProtoSCTP:
		return h.Layers.Has(packet.SCTP)
	case packet.ProtoDCCP:
		return h.Layers.Has(packet.DCCP)
	case packet.ProtoUDPLite:
		return h.Layers.Has(packet.UDPLite)
	case packet.ProtoIGMP:
		return h.Layers.Has(packet.IGMP)
	}
	return false
}

// gate decides about the packet in s.h by the sides of all its addresses, and
// returns its class. The class of a packet that does not pass means nothing. One
// that passes may still hide addresses: see hidden.
func (s *Sieve) gate(fault packet.Fault) (verdict, geo.Class) {
	h := &s.h
	if !h.Layers.Has(anyIP) || fault != packet.None && !certain(h, fault) {
		return malformed, geo.Unknown
	}
	c := geo.Combine(s.o.Side(&h.Src), s.o.Side(&h.Dst))
	if c == geo.Unknown {
		return unknown, c
	}
	if h.Outers != 0 || h.V6 {
		if v := s.layers(c); v != pass {
			return v, c
		}
	}
	if c == geo.DD {
		return domestic, c
	}
	if !s.granted[c] {
		return direction, c
	}
	return pass, c
}

// doubtful are headers that say the packet goes on, or came from, somewhere else
// than its addresses (RFC 8754, RFC 6275): where is not followed.
const doubtful = packet.Routing | packet.Mobility

// layers looks at every IP header of the packet: c is the innermost's class.
func (s *Sieve) layers(c geo.Class) verdict {
	h := &s.h
	if h.Layers.Has(doubtful) || h.TwoWays || h.Outers == packet.MaxOuter || h.V6 && mapped(&h.Src, &h.Dst) {
		return unknown // at MaxOuter there may be more than are kept
	}
	home, other := c == geo.DD, false
	for i := range h.Outer[:h.Outers] {
		o := &h.Outer[i]
		around := geo.Combine(s.o.Side(&o.Src), s.o.Side(&o.Dst))
		if around == geo.Unknown || o.V6 && mapped(&o.Src, &o.Dst) {
			return unknown
		}
		home = home || around == geo.DD
		other = other || around != c
	}
	switch {
	case home:
		return domestic
	case other:
		return unknown
	}
	return pass
}

// mapped reports whether an IPv6 header has an address that stands for one of
// IPv4 (RFC 4291 §2.5.5): those are never sent, and look like IPv4 to a table.
func mapped(src, dst *[16]byte) bool {
	return binary.BigEndian.Uint64(src[:8]) == 0 && binary.BigEndian.Uint32(src[8:]) == 0xffff ||
		binary.BigEndian.Uint64(dst[:8]) == 0 && binary.BigEndian.Uint32(dst[8:]) == 0xffff
}
