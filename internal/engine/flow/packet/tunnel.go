package packet

// Ports of tunnels in UDP (IANA; 8472 is what Linux used for VXLAN first).
const (
	portL2TP      = 1701
	portGTP       = 2152
	portGTPOld    = 3386
	portTeredo    = 3544
	portVXLAN     = 4789
	portVXLANGPE  = 4790
	portLISP      = 4341
	portGREUDP    = 4754
	portAYIYA     = 5072
	portGeneve    = 6081
	portCAPWAP    = 5247
	portSFlow     = 6343
	portMPLS      = 6635 // RFC 7510
	portFOU       = 5555 // Linux
	portGUE       = 6080 // draft-ietf-intarea-gue
	portVXLANLast = 8472
	portTZSP      = 37008
)

// tunnelIn says by the ports of a UDP datagram which tunnel it is, the lower
// port first. What comes from a well-known service is that service's: a name server's
// answer to port 4789 is no tunnel.
func tunnelIn(src, dst uint16) step {
	switch min(src, dst) {
	case 53, 67, 68, 69, 80, 123, 137, 138, 161, 162, 443, 500, 514, 520, 853:
		return done
	}
	if s := tunnelAt(min(src, dst)); s.kind != kDone {
		return s
	}
	return tunnelAt(max(src, dst))
}

// twoTunnels reports whether both ports are of tunnels, and not of the same one:
// which it is only the ends know.
func twoTunnels(src, dst uint16) bool {
	return ofTunnel(src) && ofTunnel(dst) && (tunnelAt(src) != tunnelAt(dst) || tunnelAt(src).kind == kDone)
}

// ofTunnel is whether a port is of a tunnel, of those too that are not decoded.
func ofTunnel(port uint16) bool {
	return tunnelAt(port).kind != kDone || port == portFOU || port == portGUE
}

func tunnelAt(port uint16) step {
	switch port {
	case portVXLAN, portVXLANLast:
		return step{kind: kVXLAN}
	case portTZSP:
		return step{kind: kTZSP}
	case portLISP:
		return step{kind: kLISP}
	case portCAPWAP:
		return step{kind: kCAPWAP}
	case portVXLANGPE:
		return step{kind: kVXLANGPE}
	case portMPLS:
		return step{kind: kMPLS}
	case portGeneve:
		return step{kind: kGeneve}
	case portGTP:
		return step{kind: kGTP}
	case portGTPOld:
		return step{kind: kGTPOld}
	case portGREUDP:
		return step{kind: kGRE}
	case portSFlow:
		return step{kind: kSFlow}
	case portTeredo:
		return step{kind: kTeredo}
	case portAYIYA:
		return step{kind: kAYIYA}
	case portL2TP:
		return step{kind: kL2TP}
	}
	return done
}

func (w *walk) inUDP(k kind) step {
	switch k {
	case kVXLAN:
		return w.vxlan()
	case kVXLANGPE:
		return w.vxlanGPE()
	case kGeneve:
		return w.geneve()
	case kGTP:
		return w.gtp()
	case kTeredo:
		return w.teredo()
	case kAYIYA:
		return w.ayiya()
	case kL2TP:
		return w.l2tp()
	case kGRE:
		return w.gre()
	case kGTPOld:
		return w.gtpOld()
	case kTZSP:
		return w.tzsp()
	case kLISP:
		return w.lisp()
	case kCAPWAP:
		return w.capwap()
	case kSFlow:
		w.sflow()
	}
	return done
}

// gre reads RFC 2784 and 2890, and version 1 of RFC 2637.
func (w *walk) gre() step {
	w.h.Layers |= GRE
	if !w.have(4) {
		return w.short()
	}
	flags, t := w.u16(0), w.u16(2)
	size := 4
	if flags&0xc000 != 0 { // checksum or routing: both fields are there
		size += 4
	}
	if flags&0x2000 != 0 {
		size += 4
	}
	if flags&0x1000 != 0 {
		size += 4
	}
	if flags&7 == 1 && flags&0x80 != 0 {
		size += 4
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	if flags&0x4000 != 0 && !w.sourceRoutes() {
		return done
	}
	switch t {
	case typeERSPAN: // type I has no header and no sequence number
		w.h.Layers |= ERSPAN
		if flags&0x1000 != 0 {
			if !w.have(8) {
				return w.short()
			}
			w.off += 8
		}
		return step{kind: kEther}
	case 0x883e: // WCCP: a redirect header in its second version
		if w.have(4) && w.at()[0]>>4 != 4 {
			w.off += 4
		}
		return step{kType, typeIPv4}
	}
	if t == typeCiscoMeta { // here the type stands in front of the tag
		if !w.have(8) {
			return w.short()
		}
		t = w.u16(0)
		w.off += 8
	}
	if t >= 0x8200 && t < 0x8400 { // 802.11 frames of Aruba access points
		return w.wifi(false)
	}
	return step{kType, t}
}

// sourceRoutes skips the routing entries of RFC 1701; the last is empty.
func (w *walk) sourceRoutes() bool {
	for range MaxDepth {
		if !w.have(4) {
			w.short()
			return false
		}
		size := int(w.at()[3])
		family := w.u16(0)
		w.off += 4
		if family == 0 && size == 0 {
			return true
		}
		if !w.have(size) {
			w.short()
			return false
		}
		w.off += size
	}
	w.fail(TooDeep)
	return false
}

// erspan3 reads the header of ERSPAN type III (draft-foschiano-erspan-03).
func (w *walk) erspan3() step {
	w.h.Layers |= ERSPAN
	if !w.have(12) {
		return w.short()
	}
	size := 12
	if w.at()[11]&1 != 0 { // a platform's own header follows
		size += 8
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	return step{kind: kEther}
}

// etherIP reads RFC 3378.
func (w *walk) etherIP() step {
	w.h.Layers |= EtherIP
	if !w.have(2) {
		return w.short()
	}
	if w.at()[0]>>4 != 3 {
		return w.fail(BadEncap)
	}
	w.off += 2
	return step{kind: kEther}
}

// vxlan reads RFC 7348 section 5.
func (w *walk) vxlan() step {
	if !w.have(8) {
		return done
	}
	if w.at()[0]&0x08 == 0 {
		return w.fail(BadEncap)
	}
	w.h.Layers |= VXLAN
	w.off += 8
	return step{kind: kEther}
}

// vxlanGPE reads draft-ietf-nvo3-vxlan-gpe-12 section 3.
func (w *walk) vxlanGPE() step {
	if !w.have(8) {
		return done
	}
	flags, next := w.at()[0], w.at()[3]
	w.h.Layers |= VXLAN
	w.off += 8
	if flags&0x04 == 0 {
		next = 3
	}
	return nextOf(next)
}

// geneve reads RFC 8926 section 3.4.
func (w *walk) geneve() step {
	if !w.have(8) {
		return done
	}
	b := w.at()
	if b[0]>>6 != 0 {
		return w.fail(BadEncap)
	}
	w.h.Layers |= Geneve
	size, t := 8+int(b[0]&0x3f)*4, w.u16(2)
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	return step{kType, t}
}

// gtp reads GTP-U (3GPP TS 29.281 section 5).
func (w *walk) gtp() step {
	if !w.have(8) {
		return done
	}
	b := w.at()
	if b[0]>>5 != 1 || b[0]&0x10 == 0 {
		return done
	}
	w.h.Layers |= GTP
	if b[1] != 255 {
		return done
	}
	size := int(w.u16(2))
	w.off += 8
	w.clip(size)
	if b[0]&7 != 0 {
		if !w.have(4) {
			return w.short()
		}
		next := w.at()[3]
		w.off += 4
		for range MaxDepth {
			if next == 0 || b[0]&4 == 0 {
				break
			}
			if !w.have(1) {
				return w.short()
			}
			n := int(w.at()[0]) * 4
			if n == 0 {
				return w.fail(BadLength)
			}
			if !w.have(n) {
				return w.short()
			}
			next = w.d[w.off+n-1]
			w.off += n
		}
	}
	return w.userPacket()
}

// userPacket reads what a mobile network carries: IP, or nothing that is known.
func (w *walk) userPacket() step {
	if !w.have(1) {
		return done
	}
	switch w.at()[0] >> 4 {
	case 4:
		return step{kType, typeIPv4}
	case 6:
		return step{kType, typeIPv6}
	}
	return done
}

// gtpOld reads version 0 (3GPP TS 09.60 section 6): 20 octets of header.
func (w *walk) gtpOld() step {
	if !w.have(20) || w.at()[0]>>5 != 0 {
		return done
	}
	w.h.Layers |= GTP
	if w.at()[1] != 255 {
		return done
	}
	w.off += 20
	return w.userPacket()
}

// teredo reads RFC 4380 section 5.1.1: authentication and origin in front of an
// IPv6 packet.
func (w *walk) teredo() step {
	if !w.have(2) {
		return done
	}
	off := w.off
	if w.u16(0) == 1 {
		if !w.have(4) {
			return done
		}
		n := 13 + int(w.at()[2]) + int(w.at()[3])
		if !w.have(n) {
			return done
		}
		w.off += n
	}
	if w.have(8) && w.u16(0) == 0 {
		w.off += 8
	}
	if !w.have(40) || w.at()[0]>>4 != 6 {
		w.off = off
		return done
	}
	w.h.Layers |= Teredo
	return step{kType, typeIPv6}
}

// ayiya reads draft-massar-v6ops-ayiya-02 section 3.
func (w *walk) ayiya() step {
	if !w.have(8) {
		return done
	}
	b := w.at()
	size := 8 + 1<<(b[0]>>4) + int(b[1]>>4)*4
	if !w.have(size) {
		return done
	}
	w.h.Layers |= AYIYA
	next, op := b[3], b[2]&15
	w.off += size
	if op != 1 {
		return done
	}
	return step{kProto, uint16(next)}
}

// l2tp reads data messages of RFC 2661 section 3.1.
func (w *walk) l2tp() step {
	if !w.have(6) {
		return done
	}
	flags := w.u16(0)
	if flags&15 != 2 {
		return done
	}
	w.h.Layers |= L2TP
	if flags&0x8000 != 0 { // control
		return done
	}
	size := 6
	if flags&0x4000 != 0 {
		size += 2
	}
	if flags&0x0800 != 0 {
		size += 4
	}
	if flags&0x0200 != 0 {
		if !w.have(size + 2) {
			return w.short()
		}
		size += 2 + int(w.u16(size))
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	return step{kind: kPPP}
}
