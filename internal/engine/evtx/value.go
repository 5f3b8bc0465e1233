package evtx

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"noroshi/internal/engine/event"
)

// The types of values in binary XML, [MS-EVEN6] 2.2.12.
const (
	typeNull      = 0x00
	typeString    = 0x01
	typeANSI      = 0x02
	typeInt8      = 0x03
	typeUint8     = 0x04
	typeInt16     = 0x05
	typeUint16    = 0x06
	typeInt32     = 0x07
	typeUint32    = 0x08
	typeInt64     = 0x09
	typeUint64    = 0x0a
	typeFloat     = 0x0b
	typeDouble    = 0x0c
	typeBool      = 0x0d
	typeBinary    = 0x0e
	typeGUID      = 0x0f
	typeSize      = 0x10
	typeFiletime  = 0x11
	typeSystime   = 0x12
	typeSID       = 0x13
	typeHex32     = 0x14
	typeHex64     = 0x15
	typeHandle    = 0x20
	typeBinXML    = 0x21
	typeXML       = 0x23
	typeArray     = 0x80
	numFixedTypes = typeHex64 + 1
)

// sizes are the sizes of the values of each type in bytes, 0 where they vary.
var sizes = [numFixedTypes]uint8{
	typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4, typeInt64: 8, typeUint64: 8,
	typeFloat: 4, typeDouble: 8, typeBool: 4, typeGUID: 16, typeFiletime: 8, typeSystime: 16, typeHex32: 4, typeHex64: 8,
}

// appendValue appends a value of a single type as text. It is false for a value
// of a size that its type cannot have, which is shown as hex.
func (d *Decoder) appendValue(to []byte, typ uint8, b []byte) ([]byte, event.Kind, bool) {
	if typ < numFixedTypes && sizes[typ] != 0 && int(sizes[typ]) != len(b) {
		return appendHex(to, b), event.Text, false
	}
	switch typ {
	case typeString, typeXML:
		return appendUTF16(to, trimNUL(b)), event.Text, len(b)%2 == 0
	case typeANSI:
		return appendANSI(to, bytes.TrimRight(b, "\x00")), event.Text, true
	case typeInt8:
		return strconv.AppendInt(to, int64(int8(b[0])), 10), event.Number, true
	case typeUint8:
		return strconv.AppendUint(to, uint64(b[0]), 10), event.Number, true
	case typeInt16:
		return strconv.AppendInt(to, int64(int16(le.Uint16(b))), 10), event.Number, true
	case typeUint16:
		return strconv.AppendUint(to, uint64(le.Uint16(b)), 10), event.Number, true
	case typeInt32:
		return strconv.AppendInt(to, int64(int32(le.Uint32(b))), 10), event.Number, true
	case typeUint32:
		return strconv.AppendUint(to, uint64(le.Uint32(b)), 10), event.Number, true
	case typeInt64:
		return strconv.AppendInt(to, int64(le.Uint64(b)), 10), event.Number, true
	case typeUint64:
		return strconv.AppendUint(to, le.Uint64(b), 10), event.Number, true
	case typeFloat:
		return appendReal(to, float64(math.Float32frombits(le.Uint32(b))), 32), event.Number, true
	case typeDouble:
		return appendReal(to, math.Float64frombits(le.Uint64(b)), 64), event.Number, true
	case typeBool:
		return strconv.AppendBool(to, le.Uint32(b) != 0), event.Bool, true
	case typeGUID:
		return appendGUID(to, b, d.opts.Native), event.Text, true
	case typeSize, typeHandle:
		switch len(b) {
		case 4:
			return append0x(to, uint64(le.Uint32(b))), event.Text, true
		case 8:
			return append0x(to, le.Uint64(b)), event.Text, true
		}
	case typeHex32:
		return append0x(to, uint64(le.Uint32(b))), event.Text, true
	case typeHex64:
		return append0x(to, le.Uint64(b)), event.Text, true
	case typeFiletime:
		return d.appendFiletime(to, le.Uint64(b)), event.Text, true
	case typeSystime:
		return d.appendSystime(to, b), event.Text, true
	case typeSID:
		if n := sidSize(b); n == len(b) {
			return appendSID(to, b), event.Text, true
		}
	case typeBinary:
		return appendHex(to, b), event.Text, true
	}
	return appendHex(to, b), event.Text, false
}

// element returns the size of the first element of an array of values of a
// type, with the end mark of texts; 0 if b does not begin with one.
func element(typ uint8, b []byte) (size, mark int) {
	switch typ {
	case typeString:
		for i := 0; i+1 < len(b); i += 2 {
			if b[i] == 0 && b[i+1] == 0 {
				return i, 2
			}
		}
		return len(b), 0
	case typeANSI:
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return i, 1
		}
		return len(b), 0
	case typeSID:
		return sidSize(b), 0
	case typeSize:
		return 8, 0
	}
	if typ < numFixedTypes && int(sizes[typ]) <= len(b) {
		return int(sizes[typ]), 0
	}
	return 0, 0
}

const hexLower, hexUpper = "0123456789abcdef", "0123456789ABCDEF"

// appendHex appends bytes as upper-case hex, as Windows shows binary data.
func appendHex(to, b []byte) []byte {
	to = slices.Grow(to, 2*len(b))
	for _, c := range b {
		to = append(to, hexUpper[c>>4], hexUpper[c&15])
	}
	return to
}

// append0x appends a number as Windows shows hexadecimal ones: 0x3e7.
func append0x(to []byte, x uint64) []byte {
	return strconv.AppendUint(append(to, '0', 'x'), x, 16)
}

func appendReal(to []byte, x float64, bits int) []byte {
	return strconv.AppendFloat(to, x, 'f', -1, bits)
}

// guidOrder is where the bytes of a GUID stand in its text; -1 is a hyphen.
var guidOrder = [...]int8{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}

func appendGUID(to, b []byte, braces bool) []byte {
	var text [38]byte
	n := 0
	if braces {
		text[0] = '{'
		n = 1
	}
	for _, i := range guidOrder {
		if i < 0 {
			text[n] = '-'
			n++
			continue
		}
		c := b[i&15]
		text[n], text[n+1] = hexUpper[c>>4], hexUpper[c&15]
		n += 2
	}
	if braces {
		text[n] = '}'
		n++
	}
	return append(to, text[:n]...)
}

// sidSize returns the size of the security identifier that b begins with, 0 if
// it is none.
func sidSize(b []byte) int {
	if len(b) < 8 || b[0] != 1 {
		return 0
	}
	if n := 8 + 4*int(b[1]); n <= len(b) {
		return n
	}
	return 0
}

// appendSID appends a security identifier, [MS-DTYP] 2.4.2.1.
func appendSID(to, b []byte) []byte {
	to = append(to, 'S', '-', '1', '-')
	var who uint64
	for _, c := range b[2:8] {
		who = who<<8 | uint64(c)
	}
	if who < 1<<32 {
		to = strconv.AppendUint(to, who, 10)
	} else {
		to = append0x(to, who)
	}
	for sub := b[8:]; len(sub) >= 4; sub = sub[4:] {
		to = strconv.AppendUint(append(to, '-'), uint64(le.Uint32(sub)), 10)
	}
	return to
}

// appendANSI appends a text of a code page that the file does not name: it is
// taken as UTF-8 if it can be, else as Windows-1252.
func appendANSI(to, b []byte) []byte {
	if utf8.Valid(b) {
		return append(to, b...)
	}
	for _, c := range b {
		to = utf8.AppendRune(to, charmap.Windows1252.DecodeByte(c))
	}
	return to
}

const (
	ticksPerDay = 24 * 60 * 60 * ticksPerSec
	ticksPerSec = 10_000_000
	ticks1970   = 116444736000000000
	ticks10000  = 2650467744000000000 // the year 10000
)

// unixNano returns the nanoseconds since 1970 of a FILETIME, 0 when they do not
// fit.
func unixNano(ticks uint64) int64 {
	if ticks > ticks1970+math.MaxInt64/100 {
		return 0
	}
	t := int64(ticks) - ticks1970
	if t < math.MinInt64/100 {
		return 0
	}
	return t * 100
}

// appendFiletime appends a FILETIME, in units of 100 ns since 1601 UTC. The date is kept: most events of a chunk are of one day.
func (d *Decoder) appendFiletime(to []byte, ticks uint64) []byte {
	if ticks >= ticks10000 {
		return strconv.AppendUint(to, ticks, 10)
	}
	day := ticks / ticksPerDay
	if day != d.day || d.date[0] == 0 {
		d.day = day
		y, m, dd := time.Unix(int64(day)*86400-ticks1970/ticksPerSec, 0).UTC().Date()
		putDate(d.date[:], y, int(m), dd)
	}
	rest := ticks % ticksPerDay
	sec := int(rest / ticksPerSec)
	return d.appendClock(append(to, d.date[:]...), sec/3600, sec/60%60, sec%60, int(rest%ticksPerSec))
}

// appendSystime appends a SYSTEMTIME; parts beyond their range are shown as
// they are, as far as there is room for their digits.
func (d *Decoder) appendSystime(to, b []byte) []byte {
	var date [10]byte
	part := func(i int) int { return int(le.Uint16(b[2*i:])) }
	putDate(date[:], part(0)%10000, part(1)%100, part(3)%100)
	return d.appendClock(append(to, date[:]...), part(4)%100, part(5)%100, part(6)%100, part(7)%1000*(ticksPerSec/1000))
}

func putDate(to []byte, y, m, d int) {
	put2(to, y/100)
	put2(to[2:], y%100)
	to[4] = '-'
	put2(to[5:], m)
	to[7] = '-'
	put2(to[8:], d)
}

func (d *Decoder) appendClock(to []byte, h, m, s, ticks int) []byte {
	var t [18]byte
	t[0], t[3], t[6], t[9] = 'T', ':', ':', '.'
	put2(t[1:], h)
	put2(t[4:], m)
	put2(t[7:], s)
	put2(t[10:], ticks/100000)
	put2(t[12:], ticks/1000%100)
	put2(t[14:], ticks/10%100)
	if !d.opts.Native {
		t[16] = 'Z'
		return append(to, t[:17]...)
	}
	t[16], t[17] = '0'+byte(ticks%10), 'Z'
	return append(to, t[:]...)
}

func put2(to []byte, n int) {
	to[0], to[1] = '0'+byte(n/10), '0'+byte(n%10)
}
