package packet

// compressed reads an IPv6 header compressed after RFC 6282 section 3.1. from
// and to are the frame's link addresses, least octet first, of which elided
// addresses are made. Prefixes that a context holds are not known here: such an
// address has its interface identifier only.
func (w *walk) compressed(from, to []byte) step {
	h := w.h
	w.outer()
	h.Layers |= IPv6
	h.V6 = true
	if !w.have(2) {
		return w.short()
	}
	b := w.at()
	first, second := b[0], b[1]
	w.off += 2
	if second&0x80 != 0 {
		w.off++
	}
	w.off += [4]int{4, 3, 1, 0}[first>>3&3]
	next, inline := byte(0), first&4 == 0
	if inline {
		if !w.have(1) {
			return w.short()
		}
		next = w.at()[0]
		w.off++
	}
	switch first & 3 {
	case 0:
		if !w.have(1) {
			return w.short()
		}
		h.TTL = w.at()[0]
		w.off++
	default:
		h.TTL = [4]byte{0, 1, 64, 255}[first&3]
	}
	ok := w.address(&h.Src, second>>4&3, second&0x40 != 0, from)
	if ok && second&8 != 0 {
		ok = w.multicast(&h.Dst, second&3, second&4 != 0)
	} else if ok {
		ok = w.address(&h.Dst, second&3, second&4 != 0, to)
	}
	if !ok {
		return w.short()
	}
	h.Proto, h.IPLen = next, uint32(40+max(w.end-w.off, 0))
	if inline {
		return step{kProto, uint16(next)}
	}
	return w.compressedNext()
}

// address reads an address of section 3.2.2: 16, 8, 2 or no octets inline.
func (w *walk) address(a *[16]byte, mode byte, context bool, link []byte) bool {
	n := [4]int{16, 8, 2, 0}[mode]
	*a = [16]byte{}
	if context && mode == 0 { // unspecified
		return true
	}
	if !w.have(n) {
		return false
	}
	b := w.d[w.off : w.off+n]
	w.off += n
	if mode > 0 && !context {
		a[0], a[1] = 0xfe, 0x80
	}
	switch {
	case n == 16:
		copy(a[:], b)
	case n == 8:
		copy(a[8:], b)
	case n == 2:
		a[11], a[12] = 0xff, 0xfe
		copy(a[14:], b)
	case len(link) == 8:
		for i := range link {
			a[15-i] = link[i]
		}
		a[8] ^= 2
	case len(link) == 2:
		a[11], a[12], a[14], a[15] = 0xff, 0xfe, link[1], link[0]
	}
	return true
}

// multicast reads a destination of section 3.2.3.
func (w *walk) multicast(a *[16]byte, mode byte, context bool) bool {
	n := [4]int{16, 6, 4, 1}[mode]
	if context {
		n = 6
	}
	*a = [16]byte{}
	if !w.have(n) {
		return false
	}
	b := w.d[w.off : w.off+n]
	w.off += n
	a[0] = 0xff
	switch n {
	case 16:
		copy(a[:], b)
	case 6, 4:
		a[1] = b[0]
		copy(a[17-n:], b[1:])
	case 1:
		a[1], a[15] = 2, b[0]
	}
	return true
}

// compressedNext reads a next header of section 4: UDP, whose ports may be
// shortened. Compressed extension headers are not followed.
func (w *walk) compressedNext() step {
	h := w.h
	if !w.have(1) {
		return w.short()
	}
	nhc := w.at()[0]
	if nhc>>3 != 0x1e {
		return done
	}
	w.off++
	h.Layers |= UDP
	h.Proto = ProtoUDP
	n := [4]int{4, 3, 3, 1}[nhc&3]
	if !w.have(n) {
		return w.short()
	}
	b := w.at()
	switch nhc & 3 {
	case 0:
		h.SrcPort, h.DstPort = w.u16(0), w.u16(2)
	case 1:
		h.SrcPort, h.DstPort = w.u16(0), 0xf000|uint16(b[2])
	case 2:
		h.SrcPort, h.DstPort = 0xf000|uint16(b[0]), w.u16(1)
	case 3:
		h.SrcPort, h.DstPort = 0xf0b0|uint16(b[0]>>4), 0xf0b0|uint16(b[0]&15)
	}
	w.off += n
	if nhc&4 == 0 {
		w.off = min(w.off+2, max(w.end, w.off))
	}
	return done
}
