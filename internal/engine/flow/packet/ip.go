package packet

// IP protocol numbers (IANA) that lead on or name a layer.
const (
	ProtoHopByHop = 0
	ProtoICMP     = 1
	ProtoIGMP     = 2
	ProtoIPv4     = 4
	ProtoTCP      = 6
	ProtoUDP      = 17
	ProtoDCCP     = 33
	ProtoIPv6     = 41
	ProtoRouting  = 43
	ProtoFragment = 44
	ProtoGRE      = 47
	ProtoESP      = 50
	ProtoAH       = 51
	ProtoICMPv6   = 58
	ProtoDestOpts = 60
	ProtoOSPF     = 89
	ProtoEtherIP  = 97
	ProtoPIM      = 103
	ProtoVRRP     = 112
	ProtoL2TP     = 115
	ProtoSCTP     = 132
	ProtoMobility = 135
	ProtoUDPLite  = 136
	ProtoMPLS     = 137
	ProtoEthernet = 143 // RFC 8986 section 4.9
)

// prefix4 begins an IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2).
var prefix4 = [12]byte{10: 0xff, 11: 0xff}

// guessIP reads IPv4 or IPv6, as the first four bits say.
func (w *walk) guessIP() step {
	if !w.have(1) {
		return w.short()
	}
	switch w.at()[0] >> 4 {
	case 4:
		return step{kType, typeIPv4}
	case 6:
		return step{kType, typeIPv6}
	}
	return w.fail(BadVersion)
}

// outer moves the IP header seen last to the tunnels.
func (w *walk) outer() {
	h := w.h
	if !w.headed {
		w.headed = true
		return
	}
	if h.Outers < MaxOuter {
		h.Outer[h.Outers] = Pair{h.Src, h.Dst, h.V6}
		h.Outers++
	}
	h.SrcPort, h.DstPort, h.Proto = 0, 0, 0
	h.Seq, h.Ack, h.Window, h.TCPFlags = 0, 0, 0, 0
	h.ICMPType, h.ICMPCode = 0, 0
}

// ipv4 reads RFC 791 section 3.1.
func (w *walk) ipv4() step {
	if w.have(1) && w.at()[0]>>4 == 6 { // the carrier is wrong; what came is plain
		w.h.Layers |= IPv4
		w.fail(BadVersion)
		return w.ipv6()
	}
	w.outer()
	h := w.h
	h.Layers |= IPv4
	h.V6 = false
	if !w.have(20) {
		return w.short()
	}
	b := w.d[w.off:][:20]
	if b[0]>>4 != 4 {
		return w.fail(BadVersion)
	}
	copy(h.Src[:], prefix4[:])
	copy(h.Dst[:], prefix4[:])
	copy(h.Src[12:], b[12:16])
	copy(h.Dst[12:], b[16:20])
	size, total := int(b[0]&15)*4, int(b[2])<<8|int(b[3])
	if total == 0 { // segmentation is left to the network card
		total = w.end - w.off
	}
	h.TTL, h.Proto, h.IPLen = b[8], b[9], uint32(total)
	if size < 20 || total < size {
		return w.fail(BadLength)
	}
	all := w.off+total <= min(w.end, len(w.d))
	w.clip(total)
	id, frag := uint32(b[4])<<8|uint32(b[5]), uint32(b[6])<<8|uint32(b[7])
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	if frag&0x3fff != 0 {
		if w.fragment(id, frag&0x1fff*8, frag&0x2000 != 0, b[9], all) {
			return done
		}
	}
	return step{kProto, uint16(b[9])}
}

// fragment notes a part of a fragmented packet and reports whether it is not
// the first, so that no header follows.
func (w *walk) fragment(id, offset uint32, more bool, proto uint8, whole bool) bool {
	h := w.h
	if h.Before == 0 {
		h.Before = h.Layers
		h.FragID, h.FragOffset, h.More, h.FragProto = id, offset, more, proto
		h.FragLen = uint32(max(w.end-w.off, 0))
		h.FragPair, h.FragWhole = h.Outers, whole
	}
	return offset != 0
}

// ipv6 reads RFC 8200 section 3.
func (w *walk) ipv6() step {
	if w.have(1) && w.at()[0]>>4 != 6 {
		return w.fail(BadVersion)
	}
	w.outer()
	h := w.h
	h.Layers |= IPv6
	h.V6 = true
	if !w.have(40) {
		return w.short()
	}
	b := w.d[w.off:][:40]
	copy(h.Src[:], b[8:24])
	copy(h.Dst[:], b[24:40])
	size, next := int(b[4])<<8|int(b[5]), b[6]
	if size == 0 { // a jumbogram (RFC 2675) or a card that segments
		size = max(w.end-w.off-40, 0)
	}
	h.TTL, h.Proto, h.IPLen = b[7], next, uint32(size)+40
	w.off += 40
	w.clip(size)
	return step{kProto, uint16(next)}
}

// extension reads an IPv6 extension header (RFC 8200 section 4) and returns the
// protocol behind it.
func (w *walk) extension(p uint8) step {
	h := w.h
	switch p {
	case ProtoHopByHop:
		h.Layers |= HopByHop
	case ProtoRouting:
		h.Layers |= Routing
	case ProtoDestOpts:
		h.Layers |= DestinationOptions
	case ProtoMobility:
		h.Layers |= Mobility
	case ProtoFragment:
		h.Layers |= FragmentHeader
	case ProtoAH:
		h.Layers |= AH
	}
	if !w.have(8) {
		return w.short()
	}
	b := w.at()
	next, size := b[0], int(b[1])*8+8
	switch p {
	case ProtoFragment:
		size = 8
	case ProtoAH: // RFC 4302 section 2.2: in words, minus two
		size = int(b[1])*4 + 8
	}
	if !w.have(size) {
		return w.short()
	}
	if (p == ProtoHopByHop || p == ProtoDestOpts) && !optionsFit(w.d[w.off+2:w.off+size]) {
		return w.fail(BadLength)
	}
	frag, id := w.u16(2), w.u32(4)
	h.Proto = next
	w.off += size
	if p == ProtoFragment && frag&0xfff9 != 0 && w.fragment(id, uint32(frag&0xfff8), frag&1 != 0, next, w.end <= len(w.d)) {
		return done
	}
	if p == ProtoMobility && next == 59 {
		return done
	}
	return step{kProto, uint16(next)}
}

// optionsFit reports whether the options of a header end within it (RFC 8200
// section 4.2).
func optionsFit(b []byte) bool {
	for len(b) > 0 {
		if b[0] == 0 { // one octet of padding
			b = b[1:]
			continue
		}
		if len(b) < 2 {
			return true
		}
		if len(b) < 2+int(b[1]) {
			return false
		}
		b = b[2+int(b[1]):]
	}
	return true
}

// protocol goes on behind an IP header.
func (w *walk) protocol(p uint8) step {
	h := w.h
	if w.off >= w.end && !h.V6 { // not even a first byte was sent; in IPv6 the header before names the next
		switch p {
		case ProtoTCP, ProtoUDP, ProtoICMP, ProtoICMPv6, ProtoSCTP:
			return w.short()
		}
		return done
	}
	switch p {
	case ProtoTCP:
		return w.tcp()
	case ProtoUDP:
		return w.udp()
	case ProtoICMP:
		return w.icmp()
	case ProtoICMPv6:
		return w.icmpv6()
	case ProtoHopByHop, ProtoRouting, ProtoFragment, ProtoDestOpts, ProtoMobility:
		if h.V6 {
			return w.extension(p)
		}
	case ProtoAH:
		return w.extension(p)
	case ProtoIPv4:
		return step{kType, typeIPv4}
	case ProtoIPv6:
		return step{kType, typeIPv6}
	case ProtoGRE:
		return w.gre()
	case ProtoEtherIP:
		return w.etherIP()
	case ProtoMPLS:
		return step{kind: kMPLS}
	case ProtoUDPLite:
		h.Layers |= UDPLite
		return w.ports(8)
	case ProtoSCTP:
		h.Layers |= SCTP
		return w.ports(12)
	case ProtoDCCP:
		h.Layers |= DCCP
		return w.ports(12)
	case ProtoIGMP:
		h.Layers |= IGMP
		return w.code(8)
	case ProtoESP:
		h.Layers |= ESP
	case ProtoOSPF:
		h.Layers |= OSPF
	case ProtoEthernet:
		return step{kind: kEther}
	case ProtoPIM:
		return w.pim()
	case ProtoVRRP:
		h.Layers |= VRRP
	case ProtoL2TP:
		h.Layers |= L2TP
	}
	return done
}
