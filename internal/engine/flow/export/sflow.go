package export

import (
	"encoding/binary"
	"net/netip"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// sflow5 decodes an sFlow v5 datagram (sflow.org, sFlow Version 5, July 2004).
// A row is one sampled packet: Packets is 1, Bytes its length on the link, and
// Sampling says for how many it stands. sFlow tells no time of day, so rows
// stand at the time of receipt.
func (d *Decoder) sflow5(from netip.Addr, at int64, data []byte, b *Batch) error {
	x := xdr{data: data[4:]}
	agent, ok := x.address()
	sub, number, up, count := x.u32(), x.u32(), x.u32(), x.u32()
	if !ok || x.short {
		d.stats.Unversioned++
		return ErrVersion
	}
	e := d.exporter(from, SFlow5, sub, at, len(data))
	e.agent = agent
	e.follow(number, up, uint32(at/1e9), at)
	e.consumed(number, 1, true)
	for range count {
		format := x.u32()
		body := x.opaque()
		if x.short {
			e.counts.Malformed++
			return ErrMalformed
		}
		switch format {
		case 1, 3:
			if !d.sample(e, xdr{data: body}, format == 3, at, b) {
				e.counts.Malformed++
			}
		case 2, 4:
			e.counts.Options++
		}
	}
	return nil
}

// sample decodes one flow sample, plain or expanded; false when its lengths do
// not fit.
func (d *Decoder) sample(e *exporter, x xdr, expanded bool, at int64, b *Batch) bool {
	x.skip(8) // sequence number, source id
	if expanded {
		x.skip(4)
	}
	rate := x.u32()
	x.skip(8) // pool, drops
	entry, exit := x.port(expanded), x.port(expanded)
	count := x.u32()
	if x.short {
		return false
	}
	row, _ := b.Extend(1)
	b.Exporter[row] = e.number
	b.Start[row], b.End[row] = at, at
	b.In[row], b.Out[row], b.Sampling[row] = entry, exit, rate
	given := ColIn | ColOut | ColSampling
	e.sampling = rate
	for range count {
		format := x.u32()
		body := xdr{data: x.opaque()}
		if x.short {
			break
		}
		given |= d.sampleRecord(format, &body, b, row)
	}
	b.Given[row] = given
	if given&(ColSrc|ColDst) == 0 {
		b.Truncate(row)
		e.counts.Skipped++
	} else {
		e.counts.Records++
	}
	return !x.short
}

// The flow record formats of enterprise 0 that are read.
const (
	rawHeader       = 1
	sampledIPv4     = 3
	sampledIPv6     = 4
	extendedSwitch  = 1001
	extendedRouter  = 1002
	extendedGateway = 1003
)

func (d *Decoder) sampleRecord(format uint32, x *xdr, b *Batch, row int) Columns {
	switch format {
	case rawHeader:
		return d.rawHeader(x, b, row)
	case sampledIPv4, sampledIPv6:
		return x.sampledIP(format == sampledIPv6, b, row)
	case extendedSwitch:
		if v := x.u32(); !x.short {
			b.VLAN[row] = uint16(v)
			return ColVLAN
		}
	case extendedRouter:
		x.address()
		from, to := x.u32(), x.u32()
		if !x.short {
			b.SrcMask[row], b.DstMask[row] = uint8(from), uint8(to)
			return ColSrcMask | ColDstMask
		}
	case extendedGateway:
		return x.gateway(b, row)
	}
	return 0
}

// rawHeader decodes the first octets of the sampled packet.
func (d *Decoder) rawHeader(x *xdr, b *Batch, row int) Columns {
	protocol, length := x.u32(), x.u32()
	x.skip(4) // octets stripped
	head := x.opaque()
	if x.short {
		return 0
	}
	p := capture.Packet{Data: head, Orig: length}
	switch protocol {
	case 1:
		p.Link = capture.LinkEthernet
	case 4:
		p.Link = capture.LinkFDDI
	case 7:
		p.Link = capture.LinkPPP
	case 11, 12:
		p.Link = capture.LinkRaw
	default:
		return 0
	}
	h := &d.header
	packet.Decode(&p, h)
	if !h.Layers.Has(packet.IPv4 | packet.IPv6) {
		return 0
	}
	given := ColSrc | ColDst | ColProto | ColPackets | ColBytes
	b.Src[row], b.Dst[row], b.Proto[row] = h.Src, h.Dst, h.Proto
	b.Packets[row], b.Bytes[row] = 1, uint64(length)
	if h.Layers.Has(packet.TCP | packet.UDP | packet.SCTP | packet.DCCP | packet.UDPLite) {
		b.SrcPort[row], b.DstPort[row] = h.SrcPort, h.DstPort
		given |= ColSrcPort | ColDstPort
	}
	if h.Layers.Has(packet.TCP) {
		b.Flags[row] = uint8(h.TCPFlags)
		given |= ColFlags
	}
	if h.Layers.Has(packet.ICMP | packet.ICMPv6) {
		b.ICMP[row] = uint16(h.ICMPType)<<8 | uint16(h.ICMPCode)
		given |= ColICMP
	}
	if h.VLAN != 0 {
		b.VLAN[row] = h.VLAN
		given |= ColVLAN
	}
	return given
}

// sampledIP reads the records an agent writes that looked into the packet
// itself.
func (x *xdr) sampledIP(v6 bool, b *Batch, row int) Columns {
	length, protocol := x.u32(), x.u32()
	var from, to Addr
	if v6 {
		copy(from[:], x.take(16))
		copy(to[:], x.take(16))
	} else {
		from[10], from[11], to[10], to[11] = 0xff, 0xff, 0xff, 0xff
		copy(from[12:], x.take(4))
		copy(to[12:], x.take(4))
	}
	sport, dport, bits, class := x.u32(), x.u32(), x.u32(), x.u32()
	if x.short {
		return 0
	}
	b.Src[row], b.Dst[row], b.Proto[row] = from, to, uint8(protocol)
	b.SrcPort[row], b.DstPort[row], b.Flags[row], b.Tos[row] = uint16(sport), uint16(dport), uint8(bits), uint8(class)
	b.Packets[row], b.Bytes[row] = 1, uint64(length)
	return ColSrc | ColDst | ColProto | ColSrcPort | ColDstPort | ColFlags | ColTos | ColPackets | ColBytes
}

// gateway reads the autonomous systems of the route: the source's, and the
// last of the path as the destination's.
func (x *xdr) gateway(b *Batch, row int) Columns {
	if _, ok := x.address(); !ok {
		return 0
	}
	own, from := x.u32(), x.u32()
	x.skip(4) // the neighbour's
	last := own
	for range x.u32() {
		x.skip(4) // set or sequence
		n := x.u32()
		if x.short || uint64(n)*4 > uint64(len(x.data)) {
			return 0
		}
		for range n {
			last = x.u32()
		}
	}
	if x.short {
		return 0
	}
	b.SrcAS[row], b.DstAS[row] = from, last
	return ColSrcAS | ColDstAS
}

// xdr reads the parts of RFC 4506 that sFlow uses. After a read beyond the end
// short stays true and everything reads as zero.
type xdr struct {
	data  []byte
	short bool
}

func (x *xdr) take(n int) []byte {
	if n < 0 || n > len(x.data) {
		x.short, x.data = true, nil
		return nil
	}
	got := x.data[:n]
	x.data = x.data[n:]
	return got
}

func (x *xdr) skip(n int) { x.take(n) }

func (x *xdr) u32() uint32 {
	if v := x.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// opaque reads a length and as many octets, and the padding behind them.
func (x *xdr) opaque() []byte {
	n := int(x.u32())
	if x.short || n > len(x.data) {
		x.short, x.data = true, nil
		return nil
	}
	got := x.take(n)
	x.skip(min(-n&3, len(x.data)))
	return got
}

// address reads a type and an address; false when there is none.
func (x *xdr) address() (netip.Addr, bool) {
	switch x.u32() {
	case 1:
		if v := x.take(4); v != nil {
			return netip.AddrFrom4([4]byte(v)), true
		}
	case 2:
		if v := x.take(16); v != nil {
			return netip.AddrFrom16([16]byte(v)), true
		}
	}
	return netip.Addr{}, false
}

// port reads an interface, with its format in two bits or in a number of its
// own. Anything but an index (a drop, several) is 0.
func (x *xdr) port(expanded bool) uint32 {
	v := x.u32()
	format := v >> 30
	v &= 1<<30 - 1
	if expanded {
		format, v = v, x.u32()
	}
	if format != 0 || !expanded && v == 1<<30-1 {
		return 0
	}
	return v
}
