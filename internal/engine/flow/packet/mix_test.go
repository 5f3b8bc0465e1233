package packet

import (
	"encoding/binary"
	"math/rand/v2"

	"noroshi/internal/engine/flow/capture"
)

// mix returns n made-up packets as a network's edge sees them: IPv4 and some
// IPv6, TCP and UDP, some VLAN, sizes averaging about 520 bytes, few flows with
// most of the packets. The same seed gives the same packets; they lie one behind
// the other in memory as in a capture.
func mix(seed uint64, n int) []capture.Packet {
	r := rand.New(rand.NewPCG(seed, 1))
	type flow struct {
		head    []byte
		at      int // of the transport header
		v6, udp bool
	}
	flows := make([]flow, 20_000)
	for i := range flows {
		f := &flows[i]
		f.head, f.at, f.v6, f.udp = header(r)
	}
	zipf := rand.NewZipf(r, 1.1, 4, uint64(len(flows)-1))
	buf := make([]byte, 0, n*540)
	ps := make([]capture.Packet, n)
	for i := range ps {
		f := &flows[zipf.Uint64()]
		size := 60 + r.IntN(40)
		switch r.IntN(10) {
		case 0, 1, 2:
			size = 1300 + r.IntN(215)
		case 3, 4:
			size = 100 + r.IntN(500)
		}
		buf = append(buf, make([]byte, 16)...) // a record's header
		start := len(buf)
		buf = append(buf, f.head...)
		size = max(size, len(f.head))
		for range (size - len(f.head)) / 8 {
			buf = binary.LittleEndian.AppendUint64(buf, r.Uint64())
		}
		p := buf[start:]
		if f.v6 {
			binary.BigEndian.PutUint16(p[f.at-36:], uint16(len(p)-f.at))
		} else {
			binary.BigEndian.PutUint16(p[f.at-18:], uint16(len(p)-f.at+20))
		}
		if f.udp {
			binary.BigEndian.PutUint16(p[f.at+4:], uint16(len(p)-f.at))
		}
		ps[i] = capture.Packet{Data: p[:len(p):len(p)], At: int64(i) * 1000, Orig: uint32(len(p)), Link: capture.LinkEthernet}
	}
	return ps
}

// header returns the headers of a random flow and where its transport begins.
func header(r *rand.Rand) (b []byte, at int, v6, udp bool) {
	for range 12 {
		b = append(b, byte(r.Uint32()))
	}
	if r.IntN(8) == 0 {
		b = binary.BigEndian.AppendUint16(b, typeVLAN)
		b = binary.BigEndian.AppendUint16(b, uint16(r.IntN(4000)))
	}
	v6, udp = r.IntN(6) == 0, r.IntN(4) == 0
	proto := byte(ProtoTCP)
	if udp {
		proto = ProtoUDP
	}
	if v6 {
		b = binary.BigEndian.AppendUint16(b, typeIPv6)
		b = append(b, 0x60, 0, 0, 0, 0, 0, proto, 64)
		for range 2 {
			b = append(b, 0x24, byte(r.IntN(4)), byte(r.Uint32()), byte(r.Uint32()))
			for range 12 {
				b = append(b, byte(r.Uint32()))
			}
		}
	} else {
		b = binary.BigEndian.AppendUint16(b, typeIPv4)
		b = append(b, 0x45, 0, 0, 0, byte(r.Uint32()), byte(r.Uint32()), 0x40, 0, 64, proto, 0, 0)
		for range 2 {
			b = append(b, byte(1+r.IntN(222)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()))
		}
	}
	at = len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(1024+r.IntN(60000)))
	b = binary.BigEndian.AppendUint16(b, []uint16{443, 80, 53, 22, 25, 8443, 3389, 5060}[r.IntN(8)])
	if udp {
		return append(b, 0, 8, 0, 0), at, v6, udp
	}
	b = binary.BigEndian.AppendUint32(b, r.Uint32())
	b = binary.BigEndian.AppendUint32(b, r.Uint32())
	b = append(b, 0x80, 0x10, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8), at, v6, udp
}
