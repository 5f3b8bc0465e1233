package evtx

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
)

const hexUpper = "0123456789ABCDEF"

const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// appendUint is strconv.AppendUint for what logs have most: numbers below 2³².
func appendUint(to []byte, x uint64) []byte {
	if x < 10 {
		return append(to, '0'+byte(x))
	}
	if x < 100 {
		return append(to, pairs[2*x], pairs[2*x+1])
	}
	if x > 1<<32-1 {
		return strconv.AppendUint(to, x, 10)
	}
	y, n := uint32(x), 3
	for limit := uint32(1000); n < 10 && y >= limit; limit *= 10 {
		n++
	}
	to, text := room(to, n)
	for ; y >= 100; y /= 100 {
		n -= 2
		text[n], text[n+1] = pairs[y%100*2], pairs[y%100*2+1]
	}
	if y >= 10 {
		text[0], text[1] = pairs[2*y], pairs[2*y+1]
	} else {
		text[0] = '0' + byte(y)
	}
	return to
}

// room makes to longer by n bytes, which are text.
func room(to []byte, n int) (longer, text []byte) {
	at := len(to)
	if cap(to)-at < n {
		to = slices.Grow(to, n)
	}
	to = to[:at+n]
	return to, to[at:]
}

func appendInt(to []byte, x int64) []byte {
	if x < 0 {
		return strconv.AppendInt(to, x, 10)
	}
	return appendUint(to, uint64(x))
}

// hex8 returns the eight hex digits of x in big-endian order; letter is what a
// digit from ten on is away from '9': 7 for upper case, 39 for lower case.
func hex8(x uint32, letter uint64) uint64 {
	v := uint64(x)
	v = (v | v<<16) & 0x0000FFFF0000FFFF
	v = (v | v<<8) & 0x00FF00FF00FF00FF
	v = (v | v<<4) & 0x0F0F0F0F0F0F0F0F
	const ones = 0x0101010101010101
	return v + '0'*ones + ((v+6*ones)>>4&ones)*letter
}

// append0x appends a number as Windows shows hexadecimal ones: 0x3e7.
func append0x(to []byte, x uint64) []byte {
	const lower = 'a' - '9' - 1
	if n := bits.LeadingZeros64(x) / 4; n > 0 {
		var text [16]byte
		binary.BigEndian.PutUint64(text[:], hex8(uint32(x>>32), lower))
		binary.BigEndian.PutUint64(text[8:], hex8(uint32(x), lower))
		return append(append(to, '0', 'x'), text[min(n, 15):]...)
	}
	to, text := room(to, 18)
	text[0], text[1] = '0', 'x'
	binary.BigEndian.PutUint64(text[2:], hex8(uint32(x>>32), lower))
	binary.BigEndian.PutUint64(text[10:], hex8(uint32(x), lower))
	return to
}

// appendHex appends bytes as upper-case hex, as Windows shows binary data.
func appendHex(to, b []byte) []byte {
	to = slices.Grow(to, 2*len(b))
	for _, c := range b {
		to = append(to, hexUpper[c>>4], hexUpper[c&15])
	}
	return to
}

// appendGUID appends a GUID: its first three parts are little-endian numbers,
// the others bytes.
func appendGUID(to, b []byte, braces bool) []byte {
	const upper = 'A' - '9' - 1
	n := 36
	if braces {
		n = 38
	}
	to, t := room(to, n)
	if braces {
		t[0], t[37] = '{', '}'
		t = t[1:]
	}
	t = t[:36]
	binary.BigEndian.PutUint64(t, hex8(le.Uint32(b), upper))
	v := hex8(uint32(le.Uint16(b[4:]))<<16|uint32(le.Uint16(b[6:])), upper)
	binary.BigEndian.PutUint32(t[9:], uint32(v>>32))
	binary.BigEndian.PutUint32(t[14:], uint32(v))
	v = hex8(binary.BigEndian.Uint32(b[8:]), upper)
	binary.BigEndian.PutUint32(t[19:], uint32(v>>32))
	binary.BigEndian.PutUint32(t[24:], uint32(v))
	binary.BigEndian.PutUint64(t[28:], hex8(binary.BigEndian.Uint32(b[12:]), upper))
	t[8], t[13], t[18], t[23] = '-', '-', '-', '-'
	return to
}

func appendReal(to []byte, x float64, bits int) []byte {
	return strconv.AppendFloat(to, x, 'f', -1, bits)
}
