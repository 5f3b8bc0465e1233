package packet

// lisp reads a data packet of RFC 9300 section 5.
func (w *walk) lisp() step {
	if !w.have(9) {
		return done
	}
	w.off += 8
	return w.userPacket()
}

// tzsp reads what access points and routers wrap mirrored frames in: a header,
// tagged fields, the frame.
func (w *walk) tzsp() step {
	if !w.have(4) || w.at()[0] != 1 || w.at()[1] > 1 {
		return done
	}
	proto := w.u16(2)
	off := w.off + 4
	for range MaxDepth {
		if off >= min(w.end, len(w.d)) {
			return done
		}
		tag := w.d[off]
		off++
		if tag == 1 { // the last
			break
		}
		if tag == 0 {
			continue
		}
		if off >= min(w.end, len(w.d)) {
			return done
		}
		off += 1 + int(w.d[off])
	}
	w.off = min(off, w.end)
	switch proto {
	case 1:
		return step{kind: kEther}
	case 18:
		return w.wifi(false)
	}
	return done
}

// capwap reads a data packet of RFC 5415 section 4.3: an Ethernet frame or an
// 802.11 frame. Controllers of one maker turn the two octets of frame control
// round.
func (w *walk) capwap() step {
	if !w.have(8) {
		return done
	}
	b := w.at()
	size := int(b[1]>>3) * 4
	native := b[2]&1 != 0
	if b[0] != 0 || size < 8 || b[3]&0x88 != 0 || !w.have(size+2) { // encrypted, a fragment, a keep-alive
		return done
	}
	w.off += size
	if !native {
		return step{kind: kEther}
	}
	turned := w.at()[0]&0x0f != 0x08 && w.at()[1]&0x0f == 0x08
	return w.wifiTurned(false, turned)
}
