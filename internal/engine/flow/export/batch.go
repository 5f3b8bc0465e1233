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
// slice is one record. The slices are Len rows long and belong to the batch:
// they are overwritten after Reset.
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
	b := &Batch{maximum: rows, full: full}
	b.resize(rows)
	b.Reset()
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.resize(0) }

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
	b.resize(row + got)
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
func (b *Batch) Truncate(n int) { b.resize(n) }

func (b *Batch) resize(n int) {
	b.rows = n
	cut(&b.Exporter, n, b.maximum)
	cut(&b.Given, n, b.maximum)
	cut(&b.Src, n, b.maximum)
	cut(&b.Dst, n, b.maximum)
	cut(&b.SrcPort, n, b.maximum)
	cut(&b.DstPort, n, b.maximum)
	cut(&b.ICMP, n, b.maximum)
	cut(&b.VLAN, n, b.maximum)
	cut(&b.Proto, n, b.maximum)
	cut(&b.Flags, n, b.maximum)
	cut(&b.Tos, n, b.maximum)
	cut(&b.Direction, n, b.maximum)
	cut(&b.SrcMask, n, b.maximum)
	cut(&b.DstMask, n, b.maximum)
	cut(&b.Reason, n, b.maximum)
	cut(&b.Packets, n, b.maximum)
	cut(&b.Bytes, n, b.maximum)
	cut(&b.RevPackets, n, b.maximum)
	cut(&b.RevBytes, n, b.maximum)
	cut(&b.Start, n, b.maximum)
	cut(&b.End, n, b.maximum)
	cut(&b.In, n, b.maximum)
	cut(&b.Out, n, b.maximum)
	cut(&b.SrcAS, n, b.maximum)
	cut(&b.DstAS, n, b.maximum)
	cut(&b.Sampling, n, b.maximum)
}

func cut[T any](s *[]T, n, maximum int) {
	if *s == nil {
		*s = make([]T, maximum)
	}
	*s = (*s)[:n]
}

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
