package flow

import (
	"net/netip"

	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
)

// FromExport makes a record of row i of what a router exported. A router tells
// one direction at a time: the other side's counters are there only when the
// exporter has both. Source and destination are those of the row. Where it
// looked at one of n packets, packets and bytes are n times what it counted, and
// the record says so. class may be nil.
func FromExport(r *record.Record, b *export.Batch, i int, class func(src, dst netip.Addr) geo.Class) {
	*r = record.Record{
		Start: b.Start[i], End: max(b.Start[i], b.End[i]), Src: export.IP(b.Src[i]), Dst: export.IP(b.Dst[i]),
		SrcPort: b.SrcPort[i], DstPort: b.DstPort[i], Proto: b.Proto[i], VLAN: b.VLAN[i],
		Packets: [2]uint64{b.Packets[i], b.RevPackets[i]}, Bytes: [2]uint64{b.Bytes[i], b.RevBytes[i]}, Flags: [2]uint8{b.Flags[i], 0},
	}
	if r.Proto == packet.ProtoICMP || r.Proto == packet.ProtoICMPv6 {
		kind, code := b.TypeCode(i)
		r.SrcPort, r.DstPort, _, _ = icmpPorts(r.Proto == packet.ProtoICMPv6, kind, code)
		r.App = record.ICMPApp
	} else {
		r.App = dissect.ByPort(r)
	}
	if n := b.Sampling[i]; n > 1 {
		r.Sampled = n
		for side := range r.Packets {
			r.Packets[side], r.Bytes[side] = times(r.Packets[side], n), times(r.Bytes[side], n)
		}
	}
	if class != nil && r.Src.IsValid() && r.Dst.IsValid() {
		r.Class = class(r.Src, r.Dst)
	}
}

// most is the largest estimate: sums of a few stay numbers with a sign.
const most = 1 << 60

// times is an estimate of what n times as many packets carried.
func times(v uint64, n uint32) uint64 {
	if v > most/uint64(n) {
		return most
	}
	return v * uint64(n)
}

// exports decodes the datagrams of routers that a capture contains.
type exports struct {
	decoder *export.Decoder
	rows    *export.Batch
	class   func(src, dst netip.Addr) geo.Class
	into    *batch
	number  uint64
}

// told is a record that a router told, in the packet with a number.
type told struct {
	number uint64
	rec    record.Record
}

func newExports(o *Options) *exports {
	if !o.Exports {
		return nil
	}
	x := &exports{decoder: export.NewDecoder(export.Limits{}), class: o.Class}
	x.rows = export.NewBatch(0, x.take)
	return x
}

// take appends rows to the batch at hand.
func (x *exports) take(rows *export.Batch) {
	for i := range rows.Len() {
		x.into.told = append(x.into.told, told{number: x.number})
		FromExport(&x.into.told[len(x.into.told)-1].rec, rows, i, x.class)
	}
}

// look decodes a datagram if it is one of a router's.
func (x *exports) look(f *front, b *batch, it *item, data []byte) {
	h := &f.h
	if h.Proto != packet.ProtoUDP || !export.UsualPort(h.DstPort) || export.Guess(data) == export.Unknown {
		return
	}
	f.number++
	x.into, x.number = b, f.number
	from := netip.AddrFrom16(h.Src).Unmap()
	if err := x.decoder.Decode(from, it.at, data, x.rows); err != nil {
		f.stats.ExportsBad++
	}
	x.rows.Flush()
	x.into = nil
	f.stats.Exports++
}
