package packet

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
)

// radiotap skips the header of radiotap.org in front of an 802.11 frame.
func (w *walk) radiotap() step {
	w.h.Layers |= Radiotap
	if !w.have(8) {
		return w.short()
	}
	b := w.at()
	size := int(binary.LittleEndian.Uint16(b[2:]))
	if size < 8 {
		return w.fail(BadLength)
	}
	if !w.have(size) {
		return w.short()
	}
	flags := radiotapFlags(b[:size])
	w.off += size
	if flags&0x10 != 0 { // the frame check sequence is at the end
		w.end = max(w.end-4, w.off)
	}
	return w.wifi(flags&0x20 != 0)
}

// radiotapFlags returns the flags field: after the presence words and, aligned,
// the time stamp.
func radiotapFlags(b []byte) byte {
	present := binary.LittleEndian.Uint32(b[4:])
	off := 8
	for word := present; word&(1<<31) != 0; off += 4 {
		if off+4 > len(b) {
			return 0
		}
		word = binary.LittleEndian.Uint32(b[off:])
	}
	if present&1 != 0 {
		off = (off+7)&^7 + 8
	}
	if present&2 == 0 || off >= len(b) {
		return 0
	}
	return b[off]
}

// ppi skips the per-packet information header in front of another link.
func (w *walk) ppi() step {
	if !w.have(8) {
		return w.short()
	}
	b := w.at()
	size, link := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	if size < 8 {
		return w.fail(BadLength)
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	if link == uint32(capture.LinkPPI) {
		return w.fail(UnknownLink)
	}
	return linkStep(capture.Link(link))
}

// wifi reads a data frame of IEEE 802.11 clause 9.3.2. Protected, null and
// management frames lead nowhere. padded says that the header is followed by
// bytes up to a multiple of four.
func (w *walk) wifi(padded bool) step { return w.wifiTurned(padded, false) }

// wifiTurned reads the same with the octets of frame control turned round.
func (w *walk) wifiTurned(padded, turned bool) step {
	w.h.Layers |= WiFi
	if !w.have(24) {
		return w.short()
	}
	b := w.at()
	control, flags := b[0], b[1]
	if turned {
		control, flags = flags, control
	}
	subtype := control >> 4
	if control&0x0f != 0x08 || subtype&4 != 0 || flags&0x40 != 0 {
		return done
	}
	size := 24
	if flags&3 == 3 {
		size += 6
	}
	multi := false
	if subtype&8 != 0 {
		if !w.have(size + 2) {
			return w.short()
		}
		multi = b[size]&0x80 != 0
		size += 2
		if flags&0x80 != 0 {
			size += 4
		}
	}
	if padded {
		size = (size + 3) &^ 3
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	if multi { // the first of the aggregated frames
		if !w.have(14) {
			return w.short()
		}
		n := int(w.u16(12))
		w.off += 14
		w.clip(n)
	}
	return step{kind: kLLC}
}

// wpan reads IEEE 802.15.4 clause 7.2 up to an IPv6 packet, whole (RFC 4944
// section 5.1) or compressed.
func (w *walk) wpan(fcs bool) step {
	w.h.Layers |= WPAN
	if fcs {
		if n := w.end - w.off; n >= 2 && w.have(n) {
			if b := w.at(); crc16(b[:n-2]) != binary.LittleEndian.Uint16(b[n-2:]) { // came damaged through the air
				return done
			}
		}
		w.end = max(w.end-2, w.off)
	}
	if !w.have(3) {
		return w.short()
	}
	b := w.at()
	control := binary.LittleEndian.Uint16(b)
	if control&7 != 1 || control&8 != 0 || control>>8&2 != 0 && control>>12&3 == 2 { // no data, encrypted, or with more headers
		return done
	}
	size := 3
	if control>>12&3 == 2 && control&0x100 != 0 { // no sequence number
		size = 2
	}
	dst, src := control>>10&3, control>>14
	dstPAN, srcPAN := panFields(control, dst, src)
	var from, to []byte
	size += dstPAN + addressSize(dst)
	if !w.have(size) {
		return w.short()
	}
	to = b[size-addressSize(dst) : size]
	size += srcPAN + addressSize(src)
	if !w.have(size) {
		return w.short()
	}
	from = b[size-addressSize(src) : size]
	if !w.have(size + 1) {
		return w.short()
	}
	w.off += size
	switch dispatch := w.at()[0]; {
	case dispatch == 0x41:
		w.h.Layers |= SixLowPAN
		w.off++
		return step{kType, typeIPv6}
	case dispatch>>5 == 3:
		w.h.Layers |= SixLowPAN
		return w.compressed(from, to)
	case dispatch>>6 == 2, dispatch>>3 == 0x18, dispatch>>3 == 0x1c: // mesh, fragments
		w.h.Layers |= SixLowPAN
	}
	return done
}

// panFields returns the sizes of the network identifiers of destination and
// source (clause 7.2.2.6; frames of version 2 leave more out).
func panFields(control, dst, src uint16) (int, int) {
	short := control&0x40 != 0
	if control>>12&3 == 2 {
		switch {
		case dst == 0 && src == 0:
			return flagged(short), 0
		case dst == 0:
			return 0, flagged(!short)
		case src == 0, dst == 3 && src == 3:
			return flagged(!short), 0
		}
		return 2, flagged(!short)
	}
	return flagged(dst != 0), flagged(src != 0 && (!short || dst == 0))
}

func flagged(there bool) int {
	if there {
		return 2
	}
	return 0
}

// addressSize returns the octets of an address by its mode.
func addressSize(mode uint16) int { return [4]int{0, 1, 2, 8}[mode&3] }

// crc16 is the check sequence of IEEE 802.15.4 clause 7.2.10 (ITU-T), bit by
// bit: such frames are short and few.
func crc16(b []byte) (crc uint16) {
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			crc = crc>>1 ^ 0x8408&-(crc&1)
		}
	}
	return crc
}
