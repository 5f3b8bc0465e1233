package selector

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// form is how a value is laid down in the file; a kind has one or two.
type form uint8

// The forms. IPv4 addresses and ports stand in the record itself, everything
// else in the arena: some with a fixed number of bytes, some behind their length.
const (
	addrFour form = iota + 1
	addr6
	netFour
	netSix
	formDomain
	formSuffix
	formJA3
	formJA4
	formURI
	formSHA1
	formSHA256
	formPort
	formPattern
	formEnd
)

// layout says of each form its kind and its bytes in the arena: -1 inline, 0
// behind a length of two bytes.
var layout = [formEnd]struct {
	kind Kind
	size int
}{addrFour: {Address, -1}, addr6: {Address, 16}, netFour: {Prefix, 5}, netSix: {Prefix, 17}, formDomain: {Domain, 0},
	formSuffix: {Suffix, 0}, formJA3: {JA3, 16}, formJA4: {JA4, 36}, formURI: {URI, 0}, formSHA1: {Certificate, 20},
	formSHA256: {Certificate, 32}, formPort: {Port, -1}, formPattern: {Pattern, 0}}

func (f form) kind() Kind { return layout[f].kind }

// body is a compiled list as it lies in its file: see file.go for the layout.
type body struct {
	n       int
	hash    [32]byte
	lister  uint32
	records []byte // 8 bytes each: form | row of metas << 4, then an inline value or a place in the arena
	metas   []byte // 32 bytes each: six texts and the time of expiry
	ends    []byte // where each text ends
	texts   []byte
	arena   []byte
}

const (
	recordSize = 8
	metaSize   = 32
	maxRows    = 1 << 28
)

func (b *body) record(i int) (f form, row, ref uint32) {
	r := b.records[i*recordSize : i*recordSize+8]
	w := binary.LittleEndian.Uint32(r)
	return form(w & 15), w >> 4, binary.LittleEndian.Uint32(r[4:])
}

// bytes returns the value of a form that has one in the arena.
func (b *body) bytes(f form, ref uint32) []byte {
	at := int(ref)
	size := layout[f].size
	if size == 0 {
		size = int(binary.LittleEndian.Uint16(b.arena[at:]))
		at += 2
	}
	return b.arena[at : at+size : at+size]
}

// text returns the i-th interned text; the 0th is empty.
func (b *body) text(i uint32) string {
	if i == 0 {
		return ""
	}
	from := uint32(0)
	if i > 1 {
		from = binary.LittleEndian.Uint32(b.ends[(i-2)*4:])
	}
	return string(b.texts[from:binary.LittleEndian.Uint32(b.ends[(i-1)*4:])])
}

func (b *body) meta(row uint32) (s Selector) {
	m := b.metas[int(row)*metaSize:][:metaSize]
	at := func(i int) string { return b.text(binary.LittleEndian.Uint32(m[i*4:])) }
	s.Source, s.Act, s.Approval, s.Reason, s.By = at(0), at(1), at(2), at(3), at(4)
	s.Expires = int64(binary.LittleEndian.Uint64(m[24:]))
	return s
}

// value returns the canonical text of a value.
func (b *body) value(f form, ref uint32) string {
	switch f {
	case addrFour:
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, ref))).String()
	case formPort:
		return protoName(uint8(ref>>16)) + "/" + strconv.Itoa(int(ref&math.MaxUint16))
	}
	return valueText(f, b.bytes(f, ref))
}

// valueText returns the canonical text of a value that is kept in bytes.
func valueText(f form, v []byte) string {
	switch f {
	case addr6:
		return netip.AddrFrom16([16]byte(v)).String()
	case netFour:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(v)), int(v[4])).String()
	case netSix:
		return netip.PrefixFrom(netip.AddrFrom16([16]byte(v)), int(v[16])).String()
	case formSuffix:
		return "." + string(v)
	case formJA3, formSHA1, formSHA256:
		return hex.EncodeToString(v)
	case formPattern:
		return "hex:" + hex.EncodeToString(v)
	}
	return string(v)
}

// The protocols of ports, by their IANA numbers.
var protocols = [...]struct {
	number uint8
	name   string
}{{6, "tcp"}, {17, "udp"}, {33, "dccp"}, {132, "sctp"}}

func protoName(number uint8) string {
	for _, p := range protocols {
		if p.number == number {
			return p.name
		}
	}
	return ""
}

func protoNumber(name string) (uint8, bool) {
	for _, p := range protocols {
		if strings.EqualFold(p.name, name) {
			return p.number, true
		}
	}
	return 0, false
}
