package flow

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Community ID version 1 is defined over SHA-1
	"encoding/binary"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// answers4 and answers6 pair the types of ICMP (RFC 792, 950, 1256) and ICMPv6
// (RFC 4443, 2710, 4861, 6275, IANA) that are questions with their answers, as
// Community ID version 1 lists them.
var (
	answers4 = [...][2]uint8{{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}}
	answers6 = [...][2]uint8{{128, 129}, {130, 131}, {133, 134}, {135, 136}, {139, 140}, {144, 145}}
)

// icmpPorts returns what stands for the ports of an ICMP message: its type and
// the type of its counterpart, or type and code of one that has none; then
// oneWay is true. answer says that the message is the answer of the two.
func icmpPorts(v6 bool, typ, code uint8) (sport, dport uint16, oneWay, answer bool) {
	pairs := answers4[:]
	if v6 {
		pairs = answers6[:]
	}
	for _, p := range pairs {
		switch typ {
		case p[0]:
			return uint16(p[0]), uint16(p[1]), false, false
		case p[1]:
			return uint16(p[1]), uint16(p[0]), false, true
		}
	}
	return uint16(typ), uint16(code), true, false
}

// Community returns the Community ID, version 1 with seed 0, of a record's
// addresses, protocol and ports: the SHA-1 that stands behind "1:" in base64
// (https://github.com/corelight/community-id-spec).
func Community(r *record.Record) [sha1.Size]byte {
	if !r.Src.IsValid() || !r.Dst.IsValid() {
		return [sha1.Size]byte{}
	}
	var buf [2 + 16 + 16 + 2 + 4]byte // the seed, 0, stays in front
	src, dst := r.Src.AsSlice(), r.Dst.AsSlice()
	sport, dport := r.SrcPort, r.DstPort
	ported, oneWay := true, false
	switch r.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP:
	case packet.ProtoICMP, packet.ProtoICMPv6:
		_, _, oneWay, _ = icmpPorts(r.Proto == packet.ProtoICMPv6, uint8(sport), uint8(dport))
	default:
		ported, sport, dport = false, 0, 0
	}
	if c := bytes.Compare(src, dst); !oneWay && (c > 0 || c == 0 && sport > dport) {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := append(append(buf[:2], src...), dst...)
	b = append(b, r.Proto, 0)
	if ported {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, sport), dport)
	}
	return sha1.Sum(b)
}
