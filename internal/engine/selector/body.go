package selector

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"sort"
	"strconv"
	"strings"
)

// form is how a value is laid down in the file; a kind has one or two.
type form uint8

// The forms: of a fixed number of bytes, or behind their length.
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

// How the length of a value is written that has none of its own: in one byte, or
// in two. Of a name up to maxBrief bytes, form and length are one byte: brief, two
// for each byte of length but the first, and one for a suffix.
const (
	inByte   = -1
	inWord   = -2
	brief    = 16
	maxBrief = (256 - brief) / 2
)

// layout says of each form its kind and its bytes.
var layout = [formEnd]struct {
	kind Kind
	size int
}{addrFour: {Address, 4}, addr6: {Address, 16}, netFour: {Prefix, 5}, netSix: {Prefix, 17}, formDomain: {Domain, inByte},
	formSuffix: {Suffix, inByte}, formJA3: {JA3, 16}, formJA4: {JA4, 36}, formURI: {URI, inWord}, formSHA1: {Certificate, 20},
	formSHA256: {Certificate, 32}, formPort: {Port, 3}, formPattern: {Pattern, inByte}}

func (f form) kind() Kind { return layout[f].kind }

// brief reports whether form and length of a value are one byte.
func (f form) brief(size int) bool {
	return (f == formDomain || f == formSuffix) && size > 0 && size <= maxBrief
}

// body is a compiled list as it lies in its file: see file.go for the layout.
type body struct {
	n      int
	hash   [32]byte
	lister uint32
	metas  []byte // 32 bytes each: six texts and the time of expiry
	ends   []byte // where each text ends
	texts  []byte
	runs   []byte   // 8 bytes each: how many selectors stand before a run of one row of metas, and the row
	arena  []byte   // of each selector its form, its length where the form leaves that open, its value
	places []uint32 // where every 16th selector begins in the arena; made at load
}

const (
	metaSize = 32
	runSize  = 8
	apart    = 16 // selectors from one place to the next
	least    = 2  // bytes of a selector in the arena
	maxRows  = 1 << 28
)

// one is a selector as it is kept.
type one struct {
	form  form
	row   uint32
	value []byte
}

// all yields the selectors in their order.
func (b *body) all(yield func(ID, one) bool) {
	var o one
	at, run := 0, 0
	for i := range b.n {
		if run*runSize < len(b.runs) {
			if first, row := b.run(run); first == i {
				o.row = row
				run++
			}
		}
		if o.form, o.value, at = b.cut(at); !yield(ID(i+1), o) {
			return
		}
	}
}

// of returns the form and the value of a selector.
func (b *body) of(id ID) (f form, v []byte) {
	i := int(id) - 1
	at := int(b.places[i/apart])
	for range i % apart {
		_, _, at = b.cut(at)
	}
	f, v, _ = b.cut(at)
	return f, v
}

// cut returns what stands at a place of the arena, and the place after it. A file
// is checked by look first.
func (b *body) cut(at int) (f form, v []byte, next int) {
	c := b.arena[at]
	at++
	if c >= brief {
		next = at + int(c-brief)/2 + 1
		return formDomain + form(c&1), b.arena[at:next:next], next
	}
	f = form(c)
	size := layout[f].size
	switch size {
	case inByte:
		size = int(b.arena[at])
		at++
	case inWord:
		size = int(binary.LittleEndian.Uint16(b.arena[at:]))
		at += 2
	}
	next = at + size
	return f, b.arena[at:next:next], next
}

// put adds a selector to the arena.
func (b *body) put(f form, v []byte) {
	switch {
	case f.brief(len(v)):
		b.arena = append(b.arena, brief+byte(2*(len(v)-1))+byte(f-formDomain))
	case layout[f].size == inByte:
		b.arena = append(b.arena, byte(f), byte(len(v)))
	case layout[f].size == inWord:
		b.arena = binary.LittleEndian.AppendUint16(append(b.arena, byte(f)), uint16(len(v)))
	default:
		b.arena = append(b.arena, byte(f))
	}
	b.arena = append(b.arena, v...)
	b.n++
}

// run returns how many selectors stand before a run of rows, and its row.
func (b *body) run(i int) (before int, row uint32) {
	r := b.runs[i*runSize:][:runSize]
	return int(binary.LittleEndian.Uint32(r)), binary.LittleEndian.Uint32(r[4:])
}

// mark says that the next selector put has this row.
func (b *body) mark(row uint32) {
	if last := len(b.runs)/runSize - 1; last >= 0 {
		if _, r := b.run(last); r == row {
			return
		}
	}
	b.runs = binary.LittleEndian.AppendUint32(b.runs, uint32(b.n))
	b.runs = binary.LittleEndian.AppendUint32(b.runs, row)
}

// row returns the row of a selector.
func (b *body) row(id ID) uint32 {
	after := sort.Search(len(b.runs)/runSize, func(i int) bool { before, _ := b.run(i); return before >= int(id) })
	_, row := b.run(after - 1)
	return row
}

// having counts the selectors whose row is one of some.
func (b *body) having(some []bool) (n int) {
	for i, runs := 0, len(b.runs)/runSize; i < runs; i++ {
		from, row := b.run(i)
		to := b.n
		if i+1 < runs {
			to, _ = b.run(i + 1)
		}
		if some[row] {
			n += to - from
		}
	}
	return n
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

// valueText returns the canonical text of a value.
func valueText(f form, v []byte) string {
	switch f {
	case addrFour:
		return netip.AddrFrom4([4]byte(v)).String()
	case formPort:
		return protoName(v[0]) + "/" + strconv.Itoa(int(portOf(v)))
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

// portOf returns the port of a value of formPort, which its protocol stands before.
func portOf(v []byte) uint16 { return binary.BigEndian.Uint16(v[1:]) }

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
