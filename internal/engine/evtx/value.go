package evtx

import (
	"bytes"
	"math"
	"strconv"
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
		return appendInt(to, int64(int8(b[0]))), event.Number, true
	case typeUint8:
		return appendUint(to, uint64(b[0])), event.Number, true
	case typeInt16:
		return appendInt(to, int64(int16(le.Uint16(b)))), event.Number, true
	case typeUint16:
		return appendUint(to, uint64(le.Uint16(b))), event.Number, true
	case typeInt32:
		return appendInt(to, int64(int32(le.Uint32(b)))), event.Number, true
	case typeUint32:
		return appendUint(to, uint64(le.Uint32(b))), event.Number, true
	case typeInt64:
		return appendInt(to, int64(le.Uint64(b))), event.Number, true
	case typeUint64:
		return appendUint(to, le.Uint64(b)), event.Number, true
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
		if n := sidSize(b); n > 0 && n == len(b) {
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
		if len(b) >= 8 || len(b) == 4 { // of 64 bits, or one of 32
			return min(len(b), 8), 0
		}
		return 0, 0
	}
	if typ < numFixedTypes && int(sizes[typ]) <= len(b) {
		return int(sizes[typ]), 0
	}
	return 0, 0
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
		to = appendUint(to, who)
	} else {
		to = append0x(to, who)
	}
	for sub := b[8:]; len(sub) >= 4; sub = sub[4:] {
		to = appendUint(append(to, '-'), uint64(le.Uint32(sub)))
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
