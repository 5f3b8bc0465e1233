package export

import "encoding/binary"

// ports are the UDP ports that exports usually go to: 2055, 9995 and 9996 of
// NetFlow, 4739 of IPFIX and 6343 of sFlow (IANA), and 2100 and 9555 of tools.
var ports = [...]uint16{2055, 2100, 4739, 6343, 9555, 9995, 9996}

// UsualPort reports whether exports usually go to a UDP port.
func UsualPort(port uint16) bool {
	for _, p := range ports {
		if p == port {
			return true
		}
	}
	return false
}

// Guess returns what kind of export datagram a UDP payload is: one whose
// version is known and whose lengths all fit each other to the last octet. It
// is for captures, where any payload may be anything; a payload that passes by
// chance is about as rare as four octets that fit by chance.
func Guess(datagram []byte) Kind {
	if len(datagram) < headIPFIX || datagram[0] != 0 {
		return Unknown
	}
	switch be := binary.BigEndian; be.Uint16(datagram) {
	case 5:
		n := int(be.Uint16(datagram[2:]))
		if n >= 1 && n <= 64 && len(datagram) == head5+n*size5 && be.Uint32(datagram[12:]) < 1e9 {
			return NetFlow5
		}
	case 9:
		if len(datagram) > head9 && be.Uint16(datagram[2:]) > 0 && chained(datagram[head9:], false) {
			return NetFlow9
		}
	case 10:
		if int(be.Uint16(datagram[2:])) == len(datagram) && len(datagram) > headIPFIX && chained(datagram[headIPFIX:], true) {
			return IPFIX
		}
	case 0:
		if be.Uint16(datagram[2:]) == 5 && sampled(datagram[4:]) {
			return SFlow5
		}
	}
	return Unknown
}

// chained reports whether sets follow one another to the end of data.
func chained(data []byte, ipfix bool) bool {
	for len(data) >= 4 {
		id, n := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		reserved := id < firstTemplate && id > optionsSet9
		if ipfix {
			reserved = id < firstTemplate && id != templateSet && id != optionsSet
		}
		if n < 4 || n > len(data) || reserved {
			return false
		}
		data = data[n:]
	}
	return len(data) == 0
}

// sampled reports whether samples follow one another to the end of data.
func sampled(data []byte) bool {
	x := xdr{data: data}
	if _, ok := x.address(); !ok {
		return false
	}
	x.skip(12)
	for range x.u32() {
		x.skip(4)
		x.opaque()
		if x.short {
			return false
		}
	}
	return !x.short && len(x.data) == 0
}
