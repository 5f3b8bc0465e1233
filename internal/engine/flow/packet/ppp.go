package packet

import "noroshi/internal/engine/flow/capture"

// hdlc reads the framing of PPP (RFC 1662) or Cisco HDLC in front of a packet.
func (w *walk) hdlc(l capture.Link) step {
	if !w.have(1) {
		return w.short()
	}
	first := w.at()[0]
	if l == capture.LinkCHDLC || l == capture.LinkPPPHDLC && (first == 0x0f || first == 0x8f) {
		if !w.have(4) {
			return w.short()
		}
		t := w.u16(2)
		w.off += 4
		return step{kType, t}
	}
	return step{kind: kPPP}
}

// frameRelay reads a two-octet address (ITU-T Q.922) and RFC 2427 section 3.
func (w *walk) frameRelay() step {
	if !w.have(4) {
		return w.short()
	}
	b := w.at()
	if b[0]&1 != 0 || b[1]&1 == 0 {
		return done
	}
	if b[2] != 3 { // Cisco's own: an EtherType
		t := w.u16(2)
		w.off += 4
		return step{kType, t}
	}
	id := b[3]
	w.off += 4
	if id == 0 && w.have(1) { // a pad octet
		id = w.at()[0]
		w.off++
	}
	switch id {
	case 0xcc:
		return step{kType, typeIPv4}
	case 0x8e:
		return step{kType, typeIPv6}
	case 0x80:
		if !w.have(5) {
			return w.short()
		}
		w.off -= 3 // as if LLC stood before it
		oui := uint32(w.d[w.off+3])<<16 | uint32(w.d[w.off+4])<<8 | uint32(w.d[w.off+5])
		return w.snap(oui, w.u16(6))
	}
	return done
}

// pppoe reads a session header of RFC 2516 section 4.
func (w *walk) pppoe() step {
	w.h.Layers |= PPPoE
	if !w.have(6) {
		return w.short()
	}
	size := int(w.u16(4))
	w.off += 6
	w.clip(size)
	return step{kind: kPPP}
}

// pppProtocol reads a PPP header (RFC 1661 section 2): address and control may
// be there or not, the protocol field may be compressed to one octet.
func (w *walk) pppProtocol() step {
	w.h.Layers |= PPP
	if w.have(2) && w.u16(0) == 0xff03 {
		w.off += 2
	}
	if !w.have(1) {
		return w.short()
	}
	proto := uint16(w.at()[0])
	n := 1
	if proto&1 == 0 {
		if !w.have(2) {
			return w.short()
		}
		proto, n = w.u16(0), 2
	}
	w.off += n
	switch proto {
	case 0x0021:
		return step{kType, typeIPv4}
	case 0x0057:
		return step{kType, typeIPv6}
	case 0x0281, 0x0283:
		return step{kind: kMPLS}
	case 0x0031:
		return w.bridged()
	}
	return done
}

// bridged reads the bridging control protocol's header (RFC 3518 section 4.1)
// in front of an Ethernet frame.
func (w *walk) bridged() step {
	if !w.have(2) {
		return w.short()
	}
	mac := w.at()[1]
	w.off += 2
	if mac != 1 {
		return done
	}
	return step{kind: kEther}
}

// mpls reads a label stack (RFC 3032 section 2.1) and guesses what it carries,
// as no field says it: an IP packet by its version, otherwise an Ethernet
// pseudowire with or without a control word (RFC 4448 section 4.6).
func (w *walk) mpls() step {
	w.h.Layers |= MPLS
	var label uint32
	for i := 0; ; i++ {
		if i == MaxDepth {
			return w.fail(TooDeep)
		}
		if !w.have(4) {
			return w.short()
		}
		v := w.u32(0)
		label = v >> 12
		w.off += 4
		if v&0x100 != 0 {
			break
		}
	}
	if !w.have(1) {
		return w.short()
	}
	nibble := w.at()[0] >> 4
	switch {
	case label == 14: // operation and maintenance, RFC 3429
		return done
	case nibble == 4:
		return step{kType, typeIPv4}
	case nibble == 6:
		return step{kType, typeIPv6}
	case label == 13 || nibble == 1: // associated channel, RFC 5586
		return w.channel()
	}
	return w.pseudowire(nibble)
}

// channel reads an associated channel header (RFC 4385 section 5).
func (w *walk) channel() step {
	if !w.have(4) {
		return w.short()
	}
	t := w.u16(2)
	w.off += 4
	switch t {
	case 0x21:
		return step{kType, typeIPv4}
	case 0x57:
		return step{kType, typeIPv6}
	}
	return done
}

// pseudowire decides whether a control word stands before an Ethernet frame: it
// does when the word's first bits are zero and a frame behind it looks real
// while one without it does not.
func (w *walk) pseudowire(nibble byte) step {
	if nibble == 0 && w.likelyFrame(4) && !w.likelyFrame(0) {
		w.off += 4
	} else if nibble == 0 && !w.likelyFrame(0) {
		return done
	}
	return step{kind: kEther}
}

// likelyFrame reports whether an Ethernet frame seems to begin skip bytes on.
func (w *walk) likelyFrame(skip int) bool {
	if !w.have(skip + 14) {
		return false
	}
	t := w.u16(skip + 12)
	switch t {
	case typeIPv4, typeIPv6, typeARP, typeVLAN, typeQinQ, typeQinQOld, typeMPLS, typePPPoE, typeLLDP, typeEAPOL, typeRARP:
		return true
	}
	return t <= 1500 && w.have(skip+14+3) && int(t) <= w.end-w.off-skip-14 && t > 2
}
