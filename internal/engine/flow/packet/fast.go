package packet

import "encoding/binary"

// fast decodes what most traffic is: Ethernet with at most one tag, IPv4
// without options and fragments or IPv6 without extensions, TCP or UDP that is
// no tunnel, nothing missing. It reports false, and leaves h as it may be, for
// everything else. What it says equals what walk says (TestFast).
func fast(d []byte, orig int, h *Headers) bool {
	if len(d) < 42 {
		return false
	}
	if h.wide {
		*h = Headers{}
	}
	layers, off := Ethernet, 14
	t := binary.BigEndian.Uint16(d[12:])
	h.VLAN = 0
	if t == typeVLAN {
		layers, off = Ethernet|VLAN, 18
		h.VLAN = binary.BigEndian.Uint16(d[14:]) & 0xfff
		t = binary.BigEndian.Uint16(d[16:])
	}
	ip := d[off:]
	var end int // of the IP packet, in ip
	var proto byte
	switch {
	case t == typeIPv4 && len(ip) >= 28 && ip[0] == 0x45 && binary.BigEndian.Uint16(ip[6:])&0x3fff == 0:
		end = int(binary.BigEndian.Uint16(ip[2:]))
		proto = ip[9]
		h.V6, h.TTL = false, ip[8]
		// ::ffff:a.b.c.d, in two words each
		addresses := binary.LittleEndian.Uint64(ip[12:])
		binary.LittleEndian.PutUint64(h.Src[:], 0)
		binary.LittleEndian.PutUint64(h.Src[8:], 0xffff<<16|addresses<<32)
		binary.LittleEndian.PutUint64(h.Dst[:], 0)
		binary.LittleEndian.PutUint64(h.Dst[8:], 0xffff<<16|addresses>>32<<32)
		layers |= IPv4
		h.IPLen = uint32(end)
		off = 20
	case t == typeIPv6 && len(ip) >= 48 && ip[0]>>4 == 6:
		end = int(binary.BigEndian.Uint16(ip[4:])) + 40
		proto = ip[6]
		h.V6, h.TTL = true, ip[7]
		h.Src = [16]byte(ip[8:24])
		h.Dst = [16]byte(ip[24:40])
		layers |= IPv6
		h.IPLen = uint32(end)
		off = 40
	default:
		return false
	}
	have := min(end, len(ip))
	if end > orig-len(d)+len(ip) || off+8 > have { // longer than the frame, or nothing behind the header
		return false
	}
	tp := ip[off:]
	h.SrcPort, h.DstPort = binary.BigEndian.Uint16(tp), binary.BigEndian.Uint16(tp[2:])
	switch proto {
	case ProtoTCP:
		if off+20 > have {
			return false
		}
		flags := binary.BigEndian.Uint16(tp[12:])
		size := int(flags>>12) * 4
		if size < 20 || off+size > have {
			return false
		}
		h.Seq, h.Ack = binary.BigEndian.Uint32(tp[4:]), binary.BigEndian.Uint32(tp[8:])
		h.TCPFlags, h.Window = flags&0x1ff, binary.BigEndian.Uint16(tp[14:])
		layers |= TCP
		off += size
	case ProtoUDP:
		size := int(binary.BigEndian.Uint16(tp[4:]))
		if size < 8 || off+size > end || mayTunnel(h.SrcPort) || mayTunnel(h.DstPort) {
			return false
		}
		h.Seq, h.Ack, h.TCPFlags, h.Window = 0, 0, 0, 0
		layers |= UDP
		end = off + size
		have = min(end, len(ip))
		off += 8
	default:
		return false
	}
	h.Layers, h.Proto, h.Fault = layers, proto, None
	h.Payload = uint32(len(d) - len(ip) + off)
	h.PayloadLen = uint32(have - off)
	h.PayloadWire = uint32(end - off)
	return true
}

// mayTunnel reports whether a port may be one that tunnelAt knows. Two sets of
// 64 bits, by the low and by the next bits of a port, say no for nearly all
// others.
func mayTunnel(port uint16) bool {
	return tunnelLow>>(port&63)&(tunnelHigh>>(port>>6&63))&1 != 0 && tunnelAt(port).kind != kDone
}

const (
	tunnelLow uint64 = 1<<(portL2TP&63) | 1<<(portGTP&63) | 1<<(portGTPOld&63) | 1<<(portTeredo&63) | 1<<(portGREUDP&63) |
		1<<(portVXLAN&63) | 1<<(portAYIYA&63) | 1<<(portGeneve&63) | 1<<(portSFlow&63) | 1<<(portTZSP&63) | 1<<(portLISP&63) | 1<<(portCAPWAP&63) | 1<<(portMPLS&63) | 1<<(portVXLANGPE&63) | 1<<(portVXLANLast&63)
	tunnelHigh uint64 = 1<<(portL2TP>>6&63) | 1<<(portGTP>>6&63) | 1<<(portGTPOld>>6&63) | 1<<(portTeredo>>6&63) | 1<<(portGREUDP>>6&63) |
		1<<(portVXLAN>>6&63) | 1<<(portAYIYA>>6&63) | 1<<(portGeneve>>6&63) | 1<<(portSFlow>>6&63) | 1<<(portTZSP>>6&63) | 1<<(portLISP>>6&63) | 1<<(portCAPWAP>>6&63) | 1<<(portMPLS>>6&63) | 1<<(portVXLANGPE>>6&63) | 1<<(portVXLANLast>>6&63)
)
