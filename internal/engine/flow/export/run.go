package export

// clock is what a datagram says about time.
type clock struct {
	export int64  // ns since 1970: when the datagram was sent
	uptime uint32 // ms: the exporter's uptime then, of v5 and v9
	boot   int64  // ns since 1970: when its uptime was 0, of IPFIX; 0 unknown
	legacy bool   // uptime counts (v5, v9), not boot
}

// known reports whether uptimes can be turned into times.
func (c *clock) known() bool { return c.legacy || c.boot != 0 }

// zero returns when the exporter's uptime was 0, and above which uptime in ms a
// time is from before the uptime last began anew (every 49.7 days).
func (c *clock) zero() (boot, wrapped int64) {
	if !c.legacy {
		return c.boot, 1 << 32
	}
	return c.export - int64(c.uptime)*1e6, int64(c.uptime) + wrapSlack
}

// wrapSlack is by how many ms a flow's time may be after the datagram's before
// the 32 bit uptime is taken to have wrapped.
const wrapSlack = 3_600_000

// run turns n records that stand stride octets apart into the rows from row.
func (p *program) run(b *Batch, row, n int, data []byte, stride int, c *clock, e *exporter) {
	for _, col := range p.absent {
		b.clear(col, row, n)
	}
	for i := range p.ops {
		p.ops[i].run(b, row, n, data, stride, c, e)
	}
	p.finish(b, row, n, c, e)
}

// finish fills what stands in no field: exporter, columns given, and times
// that are not told.
func (p *program) finish(b *Batch, row, n int, c *clock, e *exporter) {
	to := row + n
	given := p.given
	from, till := b.Start[row:to], b.End[row:to]
	switch {
	case given&(ColStart|ColEnd) == 0, p.uptime && !c.known():
		given &^= ColStart | ColEnd
		for i := range from {
			from[i] = c.export
		}
		copy(till, from)
	case p.startAlone:
		copy(till, from)
	case p.endAlone:
		copy(from, till)
	}
	if given&ColSampling == 0 && e.sampling != 0 {
		fill(b.Sampling[row:to], e.sampling)
		given |= ColSampling
	}
	fill(b.Exporter[row:to], e.number)
	fill(b.Given[row:to], given)
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

func (o *op) run(b *Batch, row, n int, data []byte, stride int, c *clock, e *exporter) {
	to := row + n
	from := data[o.off:]
	switch o.col {
	case src:
		o.addresses(b.Src[row:to], from, stride)
	case dst:
		o.addresses(b.Dst[row:to], from, stride)
	case start:
		o.times(b.Start[row:to], b.End[row:to], data, stride, c)
	case end:
		o.times(b.End[row:to], b.Start[row:to], data, stride, c)
	case icmp:
		o.icmp(b.ICMP[row:to], from, stride)
	case sampling:
		gather(b.Sampling[row:to], from, o.width, stride)
		if o.way == samplerID {
			e.samplers.replace(b.Sampling[row:to], e.sampling)
		}
	case srcPort:
		gather(b.SrcPort[row:to], from, o.width, stride)
	case dstPort:
		gather(b.DstPort[row:to], from, o.width, stride)
	case vlan:
		gather(b.VLAN[row:to], from, o.width, stride)
	case proto:
		gather(b.Proto[row:to], from, o.width, stride)
	case flags:
		gather(b.Flags[row:to], from, o.width, stride)
	case tos:
		gather(b.Tos[row:to], from, o.width, stride)
	case direction:
		gather(b.Direction[row:to], from, o.width, stride)
	case srcMask:
		gather(b.SrcMask[row:to], from, o.width, stride)
	case dstMask:
		gather(b.DstMask[row:to], from, o.width, stride)
	case reason:
		gather(b.Reason[row:to], from, o.width, stride)
	case packets:
		gather(b.Packets[row:to], from, o.width, stride)
	case octets:
		gather(b.Bytes[row:to], from, o.width, stride)
	case revPackets:
		gather(b.RevPackets[row:to], from, o.width, stride)
	case revOctets:
		gather(b.RevBytes[row:to], from, o.width, stride)
	case in:
		gather(b.In[row:to], from, o.width, stride)
	case out:
		gather(b.Out[row:to], from, o.width, stride)
	case srcAS:
		gather(b.SrcAS[row:to], from, o.width, stride)
	case dstAS:
		gather(b.DstAS[row:to], from, o.width, stride)
	}
}
