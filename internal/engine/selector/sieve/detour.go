package sieve

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// Options that say a packet goes to, or comes from, somewhere else than its
// addresses.
const (
	looseRoute   = 131  // RFC 791
	strictRoute  = 137  // RFC 791
	extendedIP   = 145  // RFC 1385: the addresses are in the option
	moreAddress  = 147  // RFC 1475, "address extension"
	directedCast = 149  // RFC 1770: a list of destinations
	homeAddress  = 0xc9 // RFC 6275 section 6.3, of IPv6
)

// detoured reports whether an option of any IP header of the packet names another
// sender or receiver than the header, or whether options cannot be read. The
// decoder skips options, and does not say where headers begin: a header is found by
// its addresses, and what looks like one by chance can only hold a packet back.
func detoured(p *capture.Packet, h *packet.Headers) bool {
	if ordinary(p, h) {
		return false
	}
	d := p.Data[:h.Payload]
	six := h.Layers.Has(packet.DestinationOptions)
	found := false
	for at := range d {
		switch b := d[at:]; {
		case b[0] > 0x45 && b[0] <= 0x4f && len(b) >= 24 && heads(b[12:20], h, 4):
			if size := int(b[0]&15) * 4; size > len(b) || detour4(b[20:size]) {
				return true
			}
		case six && b[0]>>4 == 6 && len(b) >= 40 && heads(b[8:40], h, 16):
			if found = true; detour6(b[40:], b[6]) {
				return true
			}
		}
	}
	return six && !found // a header that is compressed (RFC 6282)
}

// ordinary reports whether a packet is what most are, without options: no tunnel,
// and IPv6 without options for the destination, or IPv4 with 20 bytes behind
// Ethernet with at most one tag.
func ordinary(p *capture.Packet, h *packet.Headers) bool {
	if h.Outers != 0 || h.Layers.Has(packet.DestinationOptions) {
		return false
	}
	d := p.Data
	if h.V6 {
		return true
	}
	if p.Link != capture.LinkEthernet || len(d) < 19 {
		return false
	}
	at, kind := 14, binary.BigEndian.Uint16(d[12:])
	if kind == 0x8100 {
		at, kind = 18, binary.BigEndian.Uint16(d[16:])
	}
	return kind == 0x0800 && d[at] == 0x45
}

// heads reports whether pair is the addresses, of size bytes each, of an IP header
// of the packet.
func heads(pair []byte, h *packet.Headers, size int) bool {
	if bytes.Equal(pair[:size], h.Src[16-size:]) && bytes.Equal(pair[size:], h.Dst[16-size:]) {
		return true
	}
	for i := range h.Outer[:h.Outers] {
		o := &h.Outer[i]
		if bytes.Equal(pair[:size], o.Src[16-size:]) && bytes.Equal(pair[size:], o.Dst[16-size:]) {
			return true
		}
	}
	return false
}

// detour4 reads the options of an IPv4 header (RFC 791 section 3.1).
func detour4(b []byte) bool {
	for len(b) > 0 {
		switch b[0] {
		case 0: // the last
			return false
		case 1:
			b = b[1:]
			continue
		case looseRoute, strictRoute, extendedIP, moreAddress, directedCast:
			return true
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return true
		}
		b = b[b[1]:]
	}
	return false
}

// detour6 reads the extension headers behind an IPv6 header (RFC 8200 section 4).
func detour6(b []byte, next uint8) bool {
	for {
		switch next {
		case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDestOpts, packet.ProtoFragment, packet.ProtoAH, packet.ProtoMobility:
		default:
			return false
		}
		if len(b) < 8 {
			return true
		}
		size := int(b[1])*8 + 8
		switch next {
		case packet.ProtoFragment:
			if size = 8; binary.BigEndian.Uint16(b[2:])&0xfff8 != 0 {
				return false // what follows is in the first part
			}
		case packet.ProtoAH:
			size = int(b[1])*4 + 8
		}
		if size > len(b) || next == packet.ProtoDestOpts && fromHome(b[2:size]) {
			return true
		}
		next, b = b[0], b[size:]
	}
}

// fromHome reads options of IPv6 (RFC 8200 section 4.2).
func fromHome(b []byte) bool {
	for len(b) > 0 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		if b[0] == homeAddress || len(b) < 2 || len(b) < 2+int(b[1]) {
			return true
		}
		b = b[2+int(b[1]):]
	}
	return false
}
