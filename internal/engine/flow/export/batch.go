package export

import "net/netip"

// Addr is an address in 16 bytes, IPv4 as ::ffff:a.b.c.d. The zero value is
// "not given".
type Addr = [16]byte

// Columns is a set of columns, one bit each.
type Columns uint32

// The columns of a Batch that a record may give or leave out.
const (
	ColSrc Columns = 1 << iota
	ColDst
	ColSrcPort
	ColDstPort
	ColICMP
	ColVLAN
	ColProto
	ColFlags
	ColTos
	ColDirection
	ColSrcMask
	ColDstMask
	ColReason
	ColPackets
	ColBytes
	ColRevPackets
	ColRevBytes
	ColStart
	ColEnd
	ColIn
	ColOut
	ColSrcAS
	ColDstAS
	ColSampling
)

// columns is how many columns there are.
const columns = 24

// Batch holds rows of flow records, one slice per column; row i of every
// slice is one record, for i below Len. What stands behind Len is left over
// from before. The slices belong to the batch and are written over and over.
type Batch struct {
	Exporter  []uint32  // number of the exporter, for Decoder.Exporter
	Given     []Columns // what the record said; a column not given is zero
	Src, Dst  []Addr
	SrcPort   []uint16
	DstPort   []uint16
	ICMP      []uint16 // type<<8 | code, where given; see TypeCode
	VLAN      []uint16
	Proto     []uint8 // IP protocol number
	Flags     []uint8 // TCP flags, low byte, all packets together
	Tos       []uint8
	Direction []uint8 // 0 ingress, 1 egress (IE 61)
	SrcMask   []uint8 // prefix length
	DstMask   []uint8
	Reason    []uint8 // flowEndReason (IE 136)
	Packets   []uint64
	Bytes     []uint64
	// RevPackets and RevBytes are the answering direction of a biflow
	// (RFC 5103, or initiator/responder counters).
	RevPackets []uint64
	RevBytes   []uint64
	// Start and End are ns since 1970 UTC; where a record gives no time they
	// are the export time of its datagram and not in Given.
	Start, End    []int64
	In, Out       []uint32 // interface indexes
	SrcAS, DstAS  []uint32
	Sampling      []uint32 // one of so many packets was looked at; 0 unknown
	rows, maximum int
	full          func(*Batch)
}

// DefaultRows keeps a batch within a second-level cache (about 110 bytes per
// row).
const DefaultRows = 2048

// NewBatch returns an empty batch of at most rows records (DefaultRows when
// not positive). full is called whenever the batch has no room for the next
// record; it must use the rows, which are gone when it returns.
func NewBatch(rows int, full func(*Batch)) *Batch {
	if rows <= 0 {
		rows = DefaultRows
	}
	if full == nil {
		full = func(*Batch) {}
	}
	return &Batch{
		Exporter: make([]uint32, rows), Given: make([]Columns, rows), Src: make([]Addr, rows), Dst: make([]Addr, rows),
		SrcPort: make([]uint16, rows), DstPort: make([]uint16, rows), ICMP: make([]uint16, rows), VLAN: make([]uint16, rows),
		Proto: make([]uint8, rows), Flags: make([]uint8, rows), Tos: make([]uint8, rows), Direction: make([]uint8, rows),
		SrcMask: make([]uint8, rows), DstMask: make([]uint8, rows), Reason: make([]uint8, rows),
		Packets: make([]uint64, rows), Bytes: make([]uint64, rows), RevPackets: make([]uint64, rows), RevBytes: make([]uint64, rows),
		Start: make([]int64, rows), End: make([]int64, rows), In: make([]uint32, rows), Out: make([]uint32, rows),
		SrcAS: make([]uint32, rows), DstAS: make([]uint32, rows), Sampling: make([]uint32, rows), maximum: rows, full: full,
	}
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.rows = 0 }

// Flush hands the rows over, if there are any, and empties the batch.
func (b *Batch) Flush() {
	if b.rows > 0 {
		b.full(b)
		b.Reset()
	}
}

// take makes room for up to n rows and returns the first of them and how many
// there are, at least one.
func (b *Batch) take(n int) (row, got int) {
	if b.rows == b.maximum {
		b.Flush()
	}
	row = b.rows
	got = min(n, b.maximum-row)
	b.rows = row + got
	return row, got
}

// Extend makes room for up to n rows of zeros and returns the first of them
// and how many there are, at least one if n is. Rows that stay unused are given
// back with Truncate before anything else is done with the batch.
func (b *Batch) Extend(n int) (row, got int) {
	row, got = b.take(n)
	for c := range column(columns) {
		b.clear(c, row, got)
	}
	clear(b.Exporter[row : row+got])
	clear(b.Given[row : row+got])
	return row, got
}

// Truncate gives back the rows from row n on.
func (b *Batch) Truncate(n int) { b.rows = min(n, b.rows) }

// clear zeroes one column of n rows.
func (b *Batch) clear(c column, row, n int) {
	to := row + n
	switch c {
	case src:
		clear(b.Src[row:to])
	case dst:
		clear(b.Dst[row:to])
	case srcPort:
		clear(b.SrcPort[row:to])
	case dstPort:
		clear(b.DstPort[row:to])
	case icmp:
		clear(b.ICMP[row:to])
	case vlan:
		clear(b.VLAN[row:to])
	case proto:
		clear(b.Proto[row:to])
	case flags:
		clear(b.Flags[row:to])
	case tos:
		clear(b.Tos[row:to])
	case direction:
		clear(b.Direction[row:to])
	case srcMask:
		clear(b.SrcMask[row:to])
	case dstMask:
		clear(b.DstMask[row:to])
	case reason:
		clear(b.Reason[row:to])
	case packets:
		clear(b.Packets[row:to])
	case octets:
		clear(b.Bytes[row:to])
	case revPackets:
		clear(b.RevPackets[row:to])
	case revOctets:
		clear(b.RevBytes[row:to])
	case start:
		clear(b.Start[row:to])
	case end:
		clear(b.End[row:to])
	case in:
		clear(b.In[row:to])
	case out:
		clear(b.Out[row:to])
	case srcAS:
		clear(b.SrcAS[row:to])
	case dstAS:
		clear(b.DstAS[row:to])
	case sampling:
		clear(b.Sampling[row:to])
	}
}

// TypeCode returns type and code of an ICMP row. Where the record has no field
// of its own for them they stand in the destination port, as NetFlow v5 and
// many v9 exporters do. Other protocols give zeros.
func (b *Batch) TypeCode(i int) (kind, code uint8) {
	if b.Proto[i] != 1 && b.Proto[i] != 58 {
		return 0, 0
	}
	v := b.ICMP[i]
	if b.Given[i]&ColICMP == 0 {
		v = b.DstPort[i]
	}
	return uint8(v >> 8), uint8(v)
}

// IP returns a column value as an address: IPv4 without its mapping prefix,
// and the invalid address for "not given".
func IP(a Addr) netip.Addr {
	if a == (Addr{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a).Unmap()
}
