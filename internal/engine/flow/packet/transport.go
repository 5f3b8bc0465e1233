package packet

// tcp reads RFC 9293 section 3.1. Options are skipped.
func (w *walk) tcp() step {
	h := w.h
	h.Layers |= TCP
	if !w.have(20) {
		if w.have(4) {
			h.SrcPort, h.DstPort = w.u16(0), w.u16(2)
		}
		return w.short()
	}
	h.SrcPort, h.DstPort = w.u16(0), w.u16(2)
	h.Seq, h.Ack = w.u32(4), w.u32(8)
	flags := w.u16(12)
	h.TCPFlags, h.Window = flags&0x1ff, w.u16(14)
	size := int(flags>>12) * 4
	if size < 20 {
		return w.fail(BadLength)
	}
	if w.off+size > w.end {
		return w.fail(BadLength)
	}
	if !w.have(size) {
		w.off = len(w.d)
		return w.short()
	}
	w.off += size
	return done
}

// udp reads RFC 768 and goes on into tunnels by their port.
func (w *walk) udp() step {
	h := w.h
	h.Layers |= UDP
	if !w.have(8) {
		if w.have(4) {
			h.SrcPort, h.DstPort = w.u16(0), w.u16(2)
		}
		return w.short()
	}
	h.SrcPort, h.DstPort = w.u16(0), w.u16(2)
	size := int(w.u16(4))
	if size == 0 { // a jumbogram, RFC 2675 section 4
		size = w.end - w.off
	}
	if size < 8 {
		return w.fail(BadLength)
	}
	if w.off+size > w.end && h.Before == 0 {
		w.fail(BadLength) // and yet a tunnel is one
	}
	w.clip(size)
	w.off += 8
	s := tunnelIn(h.SrcPort, h.DstPort)
	h.TwoWays = h.TwoWays || s.kind != kDone && twoTunnels(h.SrcPort, h.DstPort)
	return s
}

// pim reads RFC 7761 section 4.9; a register message carries a packet.
func (w *walk) pim() step {
	w.h.Layers |= PIM
	if !w.have(8) || w.at()[0] != 0x21 {
		return done
	}
	w.off += 8
	return w.userPacket()
}

// ports reads the ports of a transport whose header has n bytes.
func (w *walk) ports(n int) step {
	if !w.have(n) {
		return w.short()
	}
	w.h.SrcPort, w.h.DstPort = w.u16(0), w.u16(2)
	w.off += n
	return done
}

// code reads type and code of a message whose header has n bytes.
func (w *walk) code(n int) step {
	if !w.have(2) {
		return w.short()
	}
	w.h.ICMPType, w.h.ICMPCode = w.at()[0], w.at()[1]
	if !w.have(n) {
		return w.short()
	}
	w.off += n
	return done
}

// icmp reads RFC 792; errors quote the packet they are about.
func (w *walk) icmp() step {
	w.h.Layers |= ICMP
	s := w.code(8)
	switch w.h.ICMPType {
	case 3, 4, 5, 11, 12:
		w.quoted(w.off, w.end, step{kType, typeIPv4})
	}
	return s
}

// icmpv6 reads RFC 4443; errors are types 1 to 4.
func (w *walk) icmpv6() step {
	w.h.Layers |= ICMPv6
	s := w.code(8)
	switch t := w.h.ICMPType; {
	case t >= 1 && t <= 4:
		w.quoted(w.off, w.end, step{kType, typeIPv6})
	case t == 137:
		w.redirected()
	}
	return s
}

// quoted notes the layers of the packet that begins at off and that this one
// only speaks of: an ICMP error, a redirect, a flow sample. Its
// addresses and ports are not taken over: the error's own sender counts.
func (w *walk) quoted(off, end int, s step) {
	if w.h.Fault != None || w.quotes == 2 || off >= min(end, len(w.d)) {
		return
	}
	var q Headers
	in := walk{h: &q, d: w.d, off: off, end: end, quotes: w.quotes + 1}
	in.run(s)
	w.h.Quoted |= q.Layers | q.Quoted
}

// redirected looks in a redirect (RFC 4861 section 4.5) for the option that
// holds the packet it is about: type 4, six octets reserved.
func (w *walk) redirected() {
	for off := w.off + 32; off+8 <= min(w.end, len(w.d)); {
		size := int(w.d[off+1]) * 8
		if size == 0 {
			return
		}
		if w.d[off] == 4 {
			w.quoted(off+8, min(off+size, w.end), step{kType, typeIPv6})
			return
		}
		off += size
	}
}
