package nfdump

import (
	"encoding/binary"
	"math"

	"noroshi/internal/engine/flow/export"
)

// The elements of a record of layout 2 that are read (nfxV3.h), and the octets
// they have at least.
const (
	genericFlow = 1
	ipv4Flow    = 2
	ipv6Flow    = 3
	flowMisc    = 4
	counterFlow = 5
	vlanFlow    = 6
	asRouting   = 7
)

const headV3 = 12

// recordV3 reads a record of layout 2 into a row: a header of 12 octets, then
// elements with type and length.
func (r *Reader) recordV3(rec []byte, b *export.Batch, row int) bool {
	if len(rec) < headV3 {
		r.stats.Malformed++
		return false
	}
	le := binary.LittleEndian
	b.Exporter[row] = uint32(le.Uint16(rec[8:]))
	left := int(le.Uint16(rec[4:]))
	var given export.Columns
	for at := headV3; left > 0 && at+4 <= len(rec); left-- {
		kind, size := le.Uint16(rec[at:]), int(le.Uint16(rec[at+2:]))
		if size < 4 || at+size > len(rec) {
			r.stats.Malformed++
			break
		}
		given |= element(kind, rec[at+4:at+size], b, row)
		at += size
	}
	b.Given[row] = given
	return given&(export.ColSrc|export.ColDst) != 0
}

func element(kind uint16, e []byte, b *export.Batch, row int) export.Columns {
	le := binary.LittleEndian
	switch {
	case kind == genericFlow && len(e) >= 48:
		b.Start[row], b.End[row] = millis(le.Uint64(e)), millis(le.Uint64(e[8:]))
		b.Packets[row], b.Bytes[row] = le.Uint64(e[24:]), le.Uint64(e[32:])
		b.SrcPort[row], b.DstPort[row] = le.Uint16(e[40:]), le.Uint16(e[42:])
		b.Proto[row], b.Flags[row], b.Tos[row] = e[44], e[45], e[47]
		return always
	case kind == ipv4Flow && len(e) >= 8:
		b.Src[row], b.Dst[row] = v4(le.Uint32(e)), v4(le.Uint32(e[4:]))
		return export.ColSrc | export.ColDst
	case kind == ipv6Flow && len(e) >= 32:
		b.Src[row], b.Dst[row] = v6(e), v6(e[16:])
		return export.ColSrc | export.ColDst
	case kind == flowMisc && len(e) >= 14:
		b.In[row], b.Out[row] = le.Uint32(e), le.Uint32(e[4:])
		b.SrcMask[row], b.DstMask[row], b.Direction[row], b.Reason[row] = e[8], e[9], e[10], e[13]
		return export.ColIn | export.ColOut | export.ColSrcMask | export.ColDstMask | export.ColDirection | export.ColReason
	case kind == counterFlow && len(e) >= 24:
		b.RevPackets[row], b.RevBytes[row] = le.Uint64(e[8:]), le.Uint64(e[16:])
		return export.ColRevPackets | export.ColRevBytes
	case kind == vlanFlow && len(e) >= 8:
		b.VLAN[row] = uint16(le.Uint32(e))
		return export.ColVLAN
	case kind == asRouting && len(e) >= 8:
		b.SrcAS[row], b.DstAS[row] = le.Uint32(e), le.Uint32(e[4:])
		return export.ColSrcAS | export.ColDstAS
	}
	return 0
}

// always are the columns that every flow record has.
const always = export.ColStart | export.ColEnd | export.ColPackets | export.ColBytes | export.ColSrcPort | export.ColDstPort |
	export.ColProto | export.ColFlags | export.ColTos

// millis turns ms since 1970 into ns; what is no time becomes 0.
func millis(v uint64) int64 {
	if v > math.MaxInt64/2/1_000_000 {
		return 0
	}
	return int64(v) * 1_000_000
}

// v4 is an IPv4 address as a number.
func v4(v uint32) (a export.Addr) {
	a[10], a[11] = 0xff, 0xff
	binary.BigEndian.PutUint32(a[12:], v)
	return a
}

// v6 is an IPv6 address as two numbers in the order of the machine.
func v6(e []byte) (a export.Addr) {
	binary.BigEndian.PutUint64(a[:], binary.LittleEndian.Uint64(e))
	binary.BigEndian.PutUint64(a[8:], binary.LittleEndian.Uint64(e[8:]))
	return a
}

// maxMaps bounds the numbers of extension maps, maxExtensions what one lists.
const (
	maxMaps       = 4096
	maxExtensions = 64
)

// learn keeps an extension map of layout 1: which extensions follow the fixed
// part of the records that name it.
func (r *Reader) learn(rec []byte) {
	le := binary.LittleEndian
	if len(rec) < 8 {
		r.stats.Malformed++
		return
	}
	id := le.Uint16(rec[4:])
	if id >= maxMaps {
		r.stats.Malformed++
		return
	}
	ids := r.maps[id][:0]
	for at := 8; at+2 <= len(rec) && len(ids) < maxExtensions; at += 2 {
		ext := le.Uint16(rec[at:])
		if ext == 0 {
			break
		}
		ids = append(ids, ext)
	}
	if ids == nil {
		ids = []uint16{}
	}
	r.maps[id] = ids
}

// The flags of a record of layout 1.
const (
	flagIPv6    = 1
	flagPackets = 2 // 64 bit packets
	flagBytes   = 4 // 64 bit bytes
)

// recordV1 reads a record of layout 1: a fixed part of 32 octets (28 in the
// oldest), addresses, counters, then the extensions of its map.
func (r *Reader) recordV1(rec []byte, oldest bool, b *export.Batch, row int) bool {
	le := binary.LittleEndian
	head := 32
	if oldest {
		head = 28
	}
	if len(rec) < head {
		r.stats.Malformed++
		return false
	}
	flags := le.Uint16(rec[4:])
	if oldest {
		flags = uint16(rec[4])
		b.Exporter[row] = uint32(rec[5])
	} else {
		b.Exporter[row] = uint32(le.Uint16(rec[28:]))
	}
	id := le.Uint16(rec[6:])
	b.Start[row] = millis(uint64(le.Uint32(rec[12:]))*1000 + uint64(le.Uint16(rec[8:])))
	b.End[row] = millis(uint64(le.Uint32(rec[16:]))*1000 + uint64(le.Uint16(rec[10:])))
	b.Flags[row], b.Proto[row], b.Tos[row] = rec[21], rec[22], rec[23]
	b.SrcPort[row], b.DstPort[row] = le.Uint16(rec[24:]), le.Uint16(rec[26:])
	x := cursor{data: rec[head:]}
	if flags&flagIPv6 != 0 {
		if e := x.take(32); e != nil {
			b.Src[row], b.Dst[row] = v6(e), v6(e[16:])
		}
	} else {
		b.Src[row], b.Dst[row] = v4(uint32(x.number(4))), v4(uint32(x.number(4)))
	}
	b.Packets[row] = x.number(wide(flags&flagPackets != 0))
	b.Bytes[row] = x.number(wide(flags&flagBytes != 0))
	if x.short {
		r.stats.Malformed++
		return false
	}
	given := always | export.ColSrc | export.ColDst
	if id >= maxMaps || r.maps[id] == nil {
		return false
	}
	for _, ext := range r.maps[id] {
		more, known := x.extension(ext, b, row)
		given |= more
		if x.short || !known {
			break // what follows an unknown extension cannot be found
		}
	}
	b.Given[row] = given
	return true
}

func wide(yes bool) int {
	if yes {
		return 8
	}
	return 4
}

// sizes are the octets of the extensions of layout 1 that are passed over.
var sizes = [...]uint8{9: 4, 10: 16, 11: 4, 12: 16, 18: 4, 19: 8, 20: 16, 21: 16, 22: 40, 23: 4, 24: 16, 25: 4, 26: 8, 27: 8, 37: 20}

// extension reads one extension (nfx.h of nfdump 1.6).
func (x *cursor) extension(id uint16, b *export.Batch, row int) (given export.Columns, known bool) {
	switch id {
	case 4, 5:
		n := int(id-3) * 2
		b.In[row], b.Out[row] = uint32(x.number(n)), uint32(x.number(n))
		return export.ColIn | export.ColOut, true
	case 6, 7:
		n := int(id-5) * 2
		b.SrcAS[row], b.DstAS[row] = uint32(x.number(n)), uint32(x.number(n))
		return export.ColSrcAS | export.ColDstAS, true
	case 8:
		if e := x.take(4); e != nil {
			b.Direction[row], b.SrcMask[row], b.DstMask[row] = e[1], e[2], e[3]
		}
		return export.ColDirection | export.ColSrcMask | export.ColDstMask, true
	case 13:
		b.VLAN[row] = uint16(x.number(2))
		x.take(2)
		return export.ColVLAN, true
	case 14, 15:
		b.RevPackets[row] = x.number(wide(id == 15))
		return export.ColRevPackets, true
	case 16, 17:
		b.RevBytes[row] = x.number(wide(id == 17))
		return export.ColRevBytes, true
	}
	if int(id) < len(sizes) && sizes[id] > 0 {
		x.take(int(sizes[id]))
		return 0, true
	}
	return 0, false
}

// cursor reads what lies one behind the other. After a read beyond the end
// short stays true and everything reads as zero.
type cursor struct {
	data  []byte
	short bool
}

func (x *cursor) take(n int) []byte {
	if n > len(x.data) {
		x.short, x.data = true, nil
		return nil
	}
	got := x.data[:n]
	x.data = x.data[n:]
	return got
}

func (x *cursor) number(n int) uint64 {
	e := x.take(n)
	switch len(e) {
	case 2:
		return uint64(binary.LittleEndian.Uint16(e))
	case 4:
		return uint64(binary.LittleEndian.Uint32(e))
	case 8:
		return binary.LittleEndian.Uint64(e)
	}
	return 0
}
