package export

import (
	"encoding/binary"
	"math"
)

type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

// gather reads a big-endian number of width octets every stride octets.
func gather[T unsigned](dst []T, data []byte, width uint8, stride int) {
	at := 0
	switch width {
	case 1:
		for i := range dst {
			dst[i] = T(data[at])
			at += stride
		}
	case 2:
		for i := range dst {
			dst[i] = T(binary.BigEndian.Uint16(data[at:]))
			at += stride
		}
	case 4:
		for i := range dst {
			dst[i] = T(binary.BigEndian.Uint32(data[at:]))
			at += stride
		}
	case 8:
		for i := range dst {
			dst[i] = T(binary.BigEndian.Uint64(data[at:]))
			at += stride
		}
	default:
		for i := range dst {
			var v uint64
			for _, o := range data[at : at+int(width)] {
				v = v<<8 | uint64(o)
			}
			dst[i] = T(v)
			at += stride
		}
	}
}

// mapped are the octets before an IPv4 address, as the low half of the second
// little-endian word.
const mapped = 0xffff << 16

func (o *op) addresses(dst []Addr, data []byte, stride int) {
	at := 0
	switch o.way {
	case addr4:
		for i := range dst {
			d := &dst[i]
			v := binary.LittleEndian.Uint32(data[at:])
			binary.LittleEndian.PutUint64(d[:8], 0)
			binary.LittleEndian.PutUint64(d[8:], mapped|uint64(v)<<32)
			at += stride
		}
	case addr6:
		for i := range dst {
			dst[i] = Addr(data[at : at+16])
			at += stride
		}
	case over6:
		for i := range dst {
			if v := Addr(data[at : at+16]); v != (Addr{}) {
				dst[i] = v
			}
			at += stride
		}
	}
}

func (o *op) icmp(dst []uint16, data []byte, stride int) {
	at := 0
	for i := range dst {
		switch o.way {
		case icmpBoth:
			dst[i] |= binary.BigEndian.Uint16(data[at:])
		case icmpType:
			dst[i] |= uint16(data[at]) << 8
		case icmpCode:
			dst[i] |= uint16(data[at])
		}
		at += stride
	}
}

// times writes one end of the flows' times; other is the other end, which a
// flow's length counts from.
func (o *op) times(dst, other []int64, data []byte, stride int, c *clock) {
	at := int(o.off)
	switch o.way {
	case uptime:
		boot, wrapped := c.zero()
		for i := range dst {
			ms := binary.BigEndian.Uint32(data[at:])
			v := boot + int64(ms)*1e6
			if int64(ms) > wrapped {
				v -= 1 << 32 * 1e6
			}
			dst[i] = v
			at += stride
		}
	case uptimeInit:
		init := int(o.off2)
		for i := range dst {
			dst[i] = scaled(binary.BigEndian.Uint64(data[init:]), 1e6) + int64(binary.BigEndian.Uint32(data[at:]))*1e6
			at += stride
			init += stride
		}
	case seconds:
		for i := range dst {
			dst[i] = int64(binary.BigEndian.Uint32(data[at:])) * 1e9
			at += stride
		}
	case millis:
		for i := range dst {
			dst[i] = scaled(binary.BigEndian.Uint64(data[at:]), 1e6)
			at += stride
		}
	case ntp:
		for i := range dst {
			dst[i] = fromNTP(binary.BigEndian.Uint64(data[at:]))
			at += stride
		}
	case deltaMicros:
		for i := range dst {
			dst[i] = c.export - int64(binary.BigEndian.Uint32(data[at:]))*1e3
			at += stride
		}
	case lastMillis, lastMicros:
		o.lasting(dst, other, data, stride)
	}
}

// lasting counts from the other end of the flow.
func (o *op) lasting(dst, other []int64, data []byte, stride int) {
	unit, sign := uint64(1e6), int64(1)
	if o.way == lastMicros {
		unit = 1e3
	}
	if o.col == start {
		sign = -1
	}
	at := int(o.off)
	for i := range dst {
		var v [1]uint64
		gather(v[:], data[at:], o.width, 0)
		dst[i] = other[i] + sign*scaled(v[0], unit)
		at += stride
	}
}

// scaled returns v units as ns, or 0 when that is beyond half of what an int64
// holds: such a time is not a time.
func scaled(v, unit uint64) int64 {
	if v > math.MaxInt64/2/unit {
		return 0
	}
	return int64(v * unit)
}

// ntpEpoch is 1970 in seconds since 1900.
const ntpEpoch = 2_208_988_800

// fromNTP returns ns since 1970 of a 32.32 bit time since 1900. Seconds
// without the highest bit are of the era from 2036 (RFC 4330 section 3).
func fromNTP(v uint64) int64 {
	s := int64(v >> 32)
	if s < 1<<31 {
		s += 1 << 32
	}
	frac := (v & 0xffffffff) * 1e9 >> 32
	return (s-ntpEpoch)*1e9 + int64(frac)
}
