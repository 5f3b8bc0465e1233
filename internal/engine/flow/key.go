package flow

import (
	"encoding/binary"
	"math/bits"

	"noroshi/internal/engine/flow/packet"
)

// key is what the packets of one communication have in common, whichever way
// they go: the lesser end first. Each word compares and hashes as one.
type key struct {
	a0, a1, b0, b1 uint64 // the two addresses
	ports          uint64 // of a, of b, VLAN outer, VLAN inner
	kind           uint64 // protocol, depth of tunnels, and what keeps one-way ICMP apart
}

// Bits of kind above the protocol number.
const (
	kindDepth  = 8  // shift of the number of tunnels
	kindOneWay = 16 // ICMP without answers: its two directions are two communications
	kindBack   = 17
)

// keyOf returns the key of a decoded packet and whether it goes from the
// greater end to the lesser.
func keyOf(h *packet.Headers, sport, dport uint16, oneWay, joinVLAN bool) (k key, back bool) {
	s0, s1 := binary.BigEndian.Uint64(h.Src[:8]), binary.BigEndian.Uint64(h.Src[8:])
	d0, d1 := binary.BigEndian.Uint64(h.Dst[:8]), binary.BigEndian.Uint64(h.Dst[8:])
	switch {
	case s0 != d0:
		back = s0 > d0
	case s1 != d1:
		back = s1 > d1
	default:
		back = sport > dport
	}
	k.kind = uint64(h.Proto) | uint64(h.Outers)<<kindDepth
	if oneWay {
		k.kind |= 1 << kindOneWay
		if back {
			k.kind |= 1 << kindBack
		}
	}
	if back {
		k.a0, k.a1, k.b0, k.b1 = d0, d1, s0, s1
		k.ports = uint64(dport)<<16 | uint64(sport)
	} else {
		k.a0, k.a1, k.b0, k.b1 = s0, s1, d0, d1
		k.ports = uint64(sport)<<16 | uint64(dport)
	}
	if !joinVLAN {
		k.ports |= uint64(h.VLAN)<<48 | uint64(h.Inner)<<32
	}
	return k, back
}

// ends returns the addresses and ports as the packet has them: source first.
func (k *key) ends(back bool) (src, dst [16]byte, sport, dport uint16) {
	binary.BigEndian.PutUint64(src[:8], k.a0)
	binary.BigEndian.PutUint64(src[8:], k.a1)
	binary.BigEndian.PutUint64(dst[:8], k.b0)
	binary.BigEndian.PutUint64(dst[8:], k.b1)
	sport, dport = uint16(k.ports>>16), uint16(k.ports)
	if back {
		return dst, src, dport, sport
	}
	return src, dst, sport, dport
}

func (k *key) proto() uint8 { return uint8(k.kind) }

// hash mixes the key with a seed that who sends packets does not know, so that
// nobody can fill one place of the table.
func (k *key) hash(seed uint64) uint64 {
	x := mix(k.a0^seed, k.a1^0x9e3779b97f4a7c15)
	y := mix(k.b0^0xd1b54a32d192ed03, k.b1^seed)
	z := mix(k.ports^0x8ebc6af09c88c6e3, k.kind^seed)
	return mix(x^z, y^0x589965cc75374cc3)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
