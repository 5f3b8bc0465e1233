package packet

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
)

// EtherTypes (IEEE registration authority) that lead on or name a layer.
const (
	typeIPv4      = 0x0800
	typeARP       = 0x0806
	typeERSPAN3   = 0x22eb
	typeBridged   = 0x6558 // transparent Ethernet bridging
	typeRARP      = 0x8035
	typeVLAN      = 0x8100
	typeIPv6      = 0x86dd
	typePPP       = 0x880b
	typeMPLS      = 0x8847
	typeMPLSMulti = 0x8848
	typePPPoE     = 0x8864
	typeEAPOL     = 0x888e
	typeQinQ      = 0x88a8
	typeERSPAN    = 0x88be
	typeLLDP      = 0x88cc
	typeMACinMAC  = 0x88e7 // IEEE 802.1ah
	typeFabric    = 0x8903 // Cisco FabricPath
	typeMACsec    = 0x88e5 // IEEE 802.1AE
	typeCiscoMeta = 0x8909 // Cisco MetaData: a security group tag
	typeVNTag     = 0x8926
	typeNSH       = 0x894f // network service header, RFC 8300
	typeQinQOld   = 0x9100
	typeQinQOlder = 0x9200
)

// linkStep is the first step of a packet of a link type.
func linkStep(l capture.Link) step {
	if l == capture.LinkEthernet {
		return step{kind: kEther}
	}
	return step{kLink, uint16(l)}
}

func (w *walk) link(l capture.Link) step {
	switch l {
	case capture.LinkNull, capture.LinkLoop:
		return w.null()
	case capture.LinkPPP, capture.LinkPPPHDLC, capture.LinkCHDLC:
		return w.hdlc(l)
	case capture.LinkRawBSD, capture.LinkRawOpenBSD, capture.LinkRaw:
		return step{kind: kGuessIP}
	case capture.LinkIPv4:
		return step{kType, typeIPv4}
	case capture.LinkIPv6:
		return step{kType, typeIPv6}
	case capture.LinkSLL, capture.LinkSLL2:
		return w.sll(l)
	case capture.LinkWiFi:
		return w.wifi(false)
	case capture.LinkRadiotap:
		return w.radiotap()
	case capture.LinkFDDI:
		return w.fddi()
	case capture.LinkFrameRelay:
		return w.frameRelay()
	case capture.LinkPPPoE:
		return w.pppoe()
	case capture.LinkPPI:
		return w.ppi()
	case capture.LinkNFLog:
		return w.nflog()
	case capture.LinkWPAN, capture.LinkWPANNoFCS:
		return w.wpan(l == capture.LinkWPAN)
	}
	return w.fail(UnknownLink)
}

// ethernet reads IEEE 802.3 clause 3: type or length.
func (w *walk) ethernet() step {
	w.h.Layers |= Ethernet
	if !w.have(14) {
		return w.short()
	}
	t := w.u16(12)
	w.off += 14
	return w.typeOrLength(t)
}

// typeOrLength goes on behind a field that is an EtherType or, up to 1500, the
// length of an LLC frame.
func (w *walk) typeOrLength(t uint16) step {
	if t > 1500 {
		return step{kType, t}
	}
	if t > 0 {
		w.clip(int(t))
	}
	if w.have(2) && w.u16(0) == 0xffff { // IPX without LLC
		return done
	}
	return step{kind: kLLC}
}

func (w *walk) etherType(t uint16) step {
	switch t {
	case typeIPv4:
		return w.ipv4()
	case typeIPv6:
		return w.ipv6()
	case typeVLAN, typeQinQ, typeQinQOld, typeQinQOlder:
		return w.vlan()
	case typeARP, typeRARP:
		w.h.Layers |= ARP
	case typeMPLS, typeMPLSMulti:
		return step{kind: kMPLS}
	case typePPPoE:
		return w.pppoe()
	case typePPP:
		return step{kind: kPPP}
	case typeBridged:
		return step{kind: kEther}
	case typeERSPAN3:
		return w.erspan3()
	case typeMACinMAC: // flags and service id, then a frame
		if !w.have(4) {
			return w.short()
		}
		w.off += 4
		return step{kind: kEther}
	case typeFabric: // a tag, then the frame that it carries
		if !w.have(2) {
			return w.short()
		}
		w.off += 2
		return step{kind: kEther}
	case typeVNTag:
		if !w.have(6) {
			return w.short()
		}
		t = w.u16(4)
		w.off += 6
		return w.typeOrLength(t)
	case typeCiscoMeta:
		if !w.have(8) {
			return w.short()
		}
		t = w.u16(6)
		w.off += 8
		return w.typeOrLength(t)
	case typeMACsec:
		return w.macsec()
	case typeNSH:
		return w.nsh()
	case typeEAPOL:
		w.h.Layers |= EAPOL
	case typeLLDP:
		w.h.Layers |= LLDP
	}
	return done
}

// macsec reads a security tag (IEEE 802.1AE clause 9) that protects a frame
// without hiding it; the check value at the end is not the frame's.
func (w *walk) macsec() step {
	if !w.have(8) {
		return w.short()
	}
	tag, size := w.at()[0], 6
	if tag&0x0c != 0 { // encrypted
		return done
	}
	if tag&0x20 != 0 {
		size += 8
	}
	w.off += size
	w.end = max(w.end-16, min(w.off, w.end))
	if !w.have(2) {
		return w.short()
	}
	t := w.u16(0)
	w.off += 2
	return w.typeOrLength(t)
}

// nsh reads RFC 8300 section 2.2.
func (w *walk) nsh() step {
	if !w.have(8) {
		return w.short()
	}
	size, next := int(w.at()[1]&0x3f)*4, w.at()[3]
	if size < 8 {
		return w.fail(BadLength)
	}
	if !w.have(size) {
		return w.short()
	}
	w.off += size
	return nextOf(next)
}

// nextOf is the step of a next protocol of NSH and VXLAN-GPE.
func nextOf(next byte) step {
	switch next {
	case 1:
		return step{kType, typeIPv4}
	case 2:
		return step{kType, typeIPv6}
	case 3:
		return step{kind: kEther}
	case 4:
		return step{kType, typeNSH}
	case 5:
		return step{kind: kMPLS}
	}
	return done
}

// vlan reads a tag of IEEE 802.1Q clause 9.
func (w *walk) vlan() step {
	first := !w.h.Layers.Has(VLAN)
	w.h.Layers |= VLAN
	if !w.have(4) {
		return w.short()
	}
	id, t := w.u16(0)&0xfff, w.u16(2)
	if first {
		w.h.VLAN = id
	} else {
		w.h.Inner = id
	}
	w.off += 4
	return w.typeOrLength(t)
}

// llc reads IEEE 802.2 and SNAP.
func (w *walk) llc() step {
	w.h.Layers |= LLC
	if !w.have(3) {
		return w.short()
	}
	b := w.at()
	dsap, ssap := b[0], b[1]
	if dsap == 0xaa && ssap == 0xaa && b[2]&3 == 3 {
		if !w.have(8) {
			return w.short()
		}
		return w.snap(uint32(b[3])<<16|uint32(b[4])<<8|uint32(b[5]), w.u16(6))
	}
	control := 3
	if b[2]&3 != 3 { // numbered frames have two octets of control
		control = 4
	}
	w.off = min(w.off+control, w.end)
	switch {
	case dsap == 0x42:
		w.h.Layers |= STP
	case dsap == 0x06 && b[2]&3 == 3:
		return step{kType, typeIPv4}
	}
	return done
}

// snap reads what follows an organisation's identifier (IEEE 802, 9.2).
func (w *walk) snap(oui uint32, pid uint16) step {
	w.off += 8
	switch oui {
	case 0x000000, 0x0000f8:
		return step{kType, pid}
	case 0x00000c:
		switch pid {
		case 0x2000:
			w.h.Layers |= CDP
		case 0x010b:
			w.h.Layers |= STP
		}
	case 0x0080c2: // bridged frames, RFC 2684 section 5.2
		switch pid {
		case 0x0001, 0x0007:
			return step{kind: kEther}
		case 0x000e:
			w.h.Layers |= STP
		}
	}
	return done
}

// null reads the address family in front of loopback packets. Hosts write it in
// their own byte order and number IPv6 differently.
func (w *walk) null() step {
	w.h.Layers |= Loopback
	if !w.have(4) {
		return w.short()
	}
	family := w.u32(0)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(w.at())
	}
	w.off += 4
	switch family {
	case 2:
		return step{kType, typeIPv4}
	case 10, 23, 24, 28, 30: // Linux, Windows, NetBSD, FreeBSD, Darwin
		return step{kType, typeIPv6}
	}
	if family > 1500 && family <= 0xffff {
		return step{kType, uint16(family)}
	}
	return done
}

// sll reads Linux "cooked" headers: type LINUX_SLL and LINUX_SLL2.
func (w *walk) sll(l capture.Link) step {
	w.h.Layers |= SLL
	var proto, hardware uint16
	if l == capture.LinkSLL {
		if !w.have(16) {
			return w.short()
		}
		hardware, proto = w.u16(2), w.u16(14)
		w.off += 16
	} else {
		if !w.have(20) {
			return w.short()
		}
		proto, hardware = w.u16(0), w.u16(8)
		w.off += 20
	}
	switch {
	case hardware == 824: // netlink
		return done
	case proto == 4:
		return step{kind: kLLC}
	case proto <= 1500:
		return done
	}
	return step{kType, proto}
}

// fddi reads ANSI X3.139; only LLC frames lead on.
func (w *walk) fddi() step {
	w.h.Layers |= FDDI
	if !w.have(13) {
		return w.short()
	}
	control := w.at()[0]
	w.off += 13
	if control&0xf0 == 0x50 || control&0xf0 == 0xd0 {
		return step{kind: kLLC}
	}
	return done
}

// nflog walks the attributes of a netfilter log message to the packet. Lengths
// are in the byte order of the capturing host.
func (w *walk) nflog() step {
	w.h.Layers |= NFLog
	if !w.have(4) {
		return w.short()
	}
	family := w.at()[0]
	w.off += 4
	for range 64 {
		if !w.have(4) {
			break
		}
		b := w.at()
		size, attr := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		if attr&0x7fff > 0x00ff {
			size, attr = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		}
		if size < 4 {
			return w.fail(BadLength)
		}
		if attr&0x7fff == 9 { // NFULA_PAYLOAD
			w.clip(int(size))
			w.off += 4
			switch family {
			case 2:
				return step{kType, typeIPv4}
			case 10:
				return step{kType, typeIPv6}
			case 3:
				return step{kType, typeARP}
			}
			return done
		}
		w.off += (int(size) + 3) &^ 3
	}
	w.off = min(w.off, w.end)
	return done
}
