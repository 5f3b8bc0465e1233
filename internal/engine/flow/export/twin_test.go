package export

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is one record of a Batch, for comparing.
type row struct {
	Given                  Columns
	Src, Dst               netip.Addr
	SrcPort, DstPort       uint16
	ICMP, VLAN             uint16
	Proto, Flags, Tos      uint8
	Direction, Reason      uint8
	SrcMask, DstMask       uint8
	Packets, Bytes         uint64
	RevPackets, RevBytes   uint64
	Start, End             int64
	In, Out                uint32
	SrcAS, DstAS, Sampling uint32
}

func at(b *Batch, i int) row {
	return row{b.Given[i], IP(b.Src[i]), IP(b.Dst[i]), b.SrcPort[i], b.DstPort[i], b.ICMP[i], b.VLAN[i], b.Proto[i], b.Flags[i], b.Tos[i],
		b.Direction[i], b.Reason[i], b.SrcMask[i], b.DstMask[i], b.Packets[i], b.Bytes[i], b.RevPackets[i], b.RevBytes[i],
		b.Start[i], b.End[i], b.In[i], b.Out[i], b.SrcAS[i], b.DstAS[i], b.Sampling[i]}
}

// collector gathers the rows of a batch that fills and empties.
type collector struct {
	rows  []row
	batch *Batch
}

func collect(size int) *collector {
	c := &collector{}
	c.batch = NewBatch(size, func(b *Batch) {
		for i := range b.Len() {
			c.rows = append(c.rows, at(b, i))
		}
	})
	return c
}

// told is a record as the slow twin reads it: every value by its element.
type told struct {
	values map[[2]uint32][][]byte
	v9     bool
	secs   uint32
	up     uint32
}

func (t *told) first(enterprise, id uint32, widths ...int) []byte {
	for _, v := range t.values[[2]uint32{enterprise, id}] {
		for _, w := range widths {
			if len(v) == w {
				return v
			}
		}
	}
	return nil
}

var anyNumber = []int{1, 2, 3, 4, 5, 6, 7, 8}

// num returns the first of the elements that is given, as a number.
func (t *told) num(ids ...uint32) (uint64, bool) {
	for _, id := range ids {
		if v := t.first(0, id, anyNumber...); v != nil {
			return toNumber(v), true
		}
	}
	return 0, false
}

func toNumber(v []byte) (n uint64) {
	for _, o := range v {
		n = n*256 + uint64(o)
	}
	return n
}

func (t *told) address(id4, id6 uint32) netip.Addr {
	var a netip.Addr
	v4 := t.first(0, id4, 4)
	if v4 != nil {
		a = netip.AddrFrom4([4]byte(v4))
	}
	for _, v := range t.values[[2]uint32{0, id6}] {
		if len(v) == 16 && (v4 == nil || !bytes.Equal(v, make([]byte, 16))) {
			a = netip.AddrFrom16([16]byte(v)).Unmap()
			if v4 == nil {
				break
			}
		}
	}
	if a == netip.IPv6Unspecified() {
		return netip.Addr{}
	}
	return a
}

// icmp ors all fields of type and code.
func (t *told) icmp() (v uint16, ok bool) {
	for _, id := range []uint32{32, 139} {
		for _, f := range t.values[[2]uint32{0, id}] {
			if len(f) == 2 {
				v, ok = v|uint16(toNumber(f)), true
			}
		}
	}
	for id, shift := range map[uint32]int{176: 8, 177: 0, 178: 8, 179: 0} {
		for _, f := range t.values[[2]uint32{0, id}] {
			if len(f) == 1 {
				v, ok = v|uint16(f[0])<<shift, true
			}
		}
	}
	return v, ok
}

// instant reads one end of the flow's time; ok is false when it is not told,
// known when the clock to read it against is not.
func (t *told) instant(isStart bool) (ns int64, ok, known bool) {
	pick := func(a, b uint32) uint32 {
		if isStart {
			return a
		}
		return b
	}
	stamp := func(v []byte) int64 {
		s, f := int64(binary.BigEndian.Uint32(v)), binary.BigEndian.Uint32(v[4:])
		if s < 1<<31 {
			s += 1 << 32
		}
		return (s-2208988800)*second + int64(float64(f)/(1<<32)*1e9)
	}
	export := int64(t.secs) * second
	ms := func(v []byte) int64 {
		if n := toNumber(v); n <= (1<<63-1)/2/1_000_000 {
			return int64(n) * 1e6
		}
		return 0
	}
	if v := t.first(0, pick(156, 157), 8); v != nil {
		return stamp(v), true, true
	}
	if v := t.first(0, pick(154, 155), 8); v != nil {
		return stamp(v), true, true
	}
	if v := t.first(0, pick(152, 153), 8); v != nil {
		return ms(v), true, true
	}
	if v := t.first(0, pick(150, 151), 4); v != nil {
		return int64(toNumber(v)) * second, true, true
	}
	if v := t.first(0, pick(22, 21), 4); v != nil {
		if init := t.first(0, 160, 8); !t.v9 && init != nil {
			return ms(init) + int64(toNumber(v))*1e6, true, true
		}
		back := int64(t.up) - int64(toNumber(v))
		if back < -3600*1000 {
			back += 1 << 32
		}
		return export - back*1e6, true, t.v9
	}
	if v := t.first(0, pick(158, 159), 4); v != nil {
		return export - int64(toNumber(v))*1000, true, true
	}
	return 0, false, true
}

// times applies the rules for flows of which one end, or a length, is told.
func (t *told) times() (from, till int64, given Columns) {
	from, hasStart, known := t.instant(true)
	till, hasEnd, known2 := t.instant(false)
	if !hasStart {
		for _, o := range []struct {
			id uint32
			ok int
		}{{323, 8}, {322, 4}} {
			if v := t.first(0, o.id, o.ok); v != nil && !hasStart {
				from, hasStart = int64(toNumber(v))*int64(map[uint32]int64{323: 1e6, 322: 1e9}[o.id]), true
				if o.id == 323 && toNumber(v) > (1<<63-1)/2/1_000_000 {
					from = 0
				}
			}
		}
	}
	last, lasting := int64(0), false
	for _, o := range []struct {
		id   uint32
		unit uint64
	}{{162, 1e3}, {161, 1e6}} {
		if v := t.first(0, o.id, anyNumber...); v != nil && !lasting {
			lasting = true
			if n := toNumber(v); n <= (1<<63-1)/2/o.unit {
				last = int64(n * o.unit)
			}
		}
	}
	switch {
	case hasStart && !hasEnd && lasting:
		till, hasEnd = from+last, true
	case !hasStart && hasEnd && lasting:
		from, hasStart = till-last, true
	case hasStart && !hasEnd:
		till = from
	case hasEnd && !hasStart:
		from = till
	}
	if !hasStart && !hasEnd || !known || !known2 {
		return int64(t.secs) * second, int64(t.secs) * second, 0
	}
	if hasStart {
		given |= ColStart
	}
	if hasEnd {
		given |= ColEnd
	}
	return from, till, given
}

func (t *told) row() row {
	var r row
	mark := func(c Columns, ok bool) {
		if ok {
			r.Given |= c
		}
	}
	small := func(c Columns, ids ...uint32) uint64 {
		v, ok := t.num(ids...)
		mark(c, ok)
		return v
	}
	r.Src, r.Dst = t.address(8, 27), t.address(12, 28)
	mark(ColSrc, t.first(0, 8, 4) != nil || t.first(0, 27, 16) != nil)
	mark(ColDst, t.first(0, 12, 4) != nil || t.first(0, 28, 16) != nil)
	r.SrcPort, r.DstPort = uint16(small(ColSrcPort, 7, 180, 182)), uint16(small(ColDstPort, 11, 181, 183))
	r.VLAN, r.Proto = uint16(small(ColVLAN, 58, 243)), uint8(small(ColProto, 4))
	r.Flags, r.Tos = uint8(small(ColFlags, 6)), uint8(small(ColTos, 5))
	r.Direction, r.Reason = uint8(small(ColDirection, 61)), uint8(small(ColReason, 136))
	r.SrcMask, r.DstMask = uint8(small(ColSrcMask, 9, 29)), uint8(small(ColDstMask, 13, 30))
	r.In, r.Out = uint32(small(ColIn, 10, 252)), uint32(small(ColOut, 14, 253))
	r.SrcAS, r.DstAS = uint32(small(ColSrcAS, 16)), uint32(small(ColDstAS, 17))
	r.Sampling = uint32(small(ColSampling, 34, 50))
	var ok bool
	r.ICMP, ok = t.icmp()
	mark(ColICMP, ok)
	r.Bytes, r.RevBytes = t.both(1, 85, []uint32{1, 85, 231, 352}, 23, 232, ColBytes, ColRevBytes, &r)
	r.Packets, r.RevPackets = t.both(2, 86, []uint32{2, 86, 298}, 24, 299, ColPackets, ColRevPackets, &r)
	var g Columns
	r.Start, r.End, g = t.times()
	r.Given |= g
	return r
}

// both returns the counters of the two directions.
func (t *told) both(rev, revTotal uint32, forward []uint32, answer, responder uint32, c, rc Columns, r *row) (out, in uint64) {
	out, ok := t.num(forward...)
	var back bool
	if v := t.first(29305, rev, anyNumber...); v != nil {
		in, back = toNumber(v), true
	} else if in, back = t.num(responder); !back {
		if v := t.first(29305, revTotal, anyNumber...); v != nil {
			in, back = toNumber(v), true
		}
	}
	// The last OUT_ field is the answer; the first stands for missing counters.
	all := t.values[[2]uint32{0, answer}]
	var fit [][]byte
	for _, v := range all {
		if len(v) >= 1 && len(v) <= 8 {
			fit = append(fit, v)
		}
	}
	if len(fit) > 0 {
		if !ok {
			out, ok = toNumber(fit[0]), true
			fit = fit[1:]
		}
		if len(fit) > 0 && t.v9 && !back {
			in, back = toNumber(fit[len(fit)-1]), true
		}
	}
	if ok {
		r.Given |= c
	}
	if back {
		r.Given |= rc
	}
	return out, in
}

// widths are what exporters write, and sometimes what they should not.
func randomField(rnd *rand.Rand, ipfix bool) field {
	var known []uint16
	for id, m := range elements {
		if m.way != skip && m.way != samplerID && id != 324 && id != 325 {
			known = append(known, uint16(id))
		}
	}
	f := ie(known[rnd.IntN(len(known))], 4)
	switch m := elements[f.id]; m.way {
	case number, answering, lastMillis, lastMicros:
		f.length = []uint16{1, 2, 3, 4, 5, 8}[rnd.IntN(6)]
	case addr6:
		f.length = 16
	case millis, ntp, initMillis:
		f.length = 8
	case icmpBoth:
		f.length = 2
	case icmpType, icmpCode:
		f.length = 1
	}
	switch rnd.IntN(20) {
	case 0:
		f = ie(uint16(rnd.IntN(600)), uint16(rnd.IntN(20)))
		if e := f.id; int(e) < len(elements) && (elements[e].way == samplerID || e == 324 || e == 325) {
			f.id = 210
		}
	case 1:
		if ipfix {
			f = field{reverseElement, []uint16{1, 2, 85, 86, 6}[rnd.IntN(5)], uint16(1 + rnd.IntN(8))}
		}
	case 2:
		if ipfix {
			f = ie(82, variable)
		}
	case 3:
		f.length = uint16(rnd.IntN(18))
	}
	return f
}

// TestTwin compares compiled templates with the slow reading, field by field,
// of random templates and records.
func TestTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 4000 {
		ipfix := rnd.IntN(2) == 0
		fields := []field{ie([]uint16{8, 12}[rnd.IntN(2)], 4)}
		if rnd.IntN(3) == 0 {
			fields[0] = ie([]uint16{27, 28}[rnd.IntN(2)], 16)
		}
		for range rnd.IntN(24) {
			fields = append(fields, randomField(rnd, ipfix))
		}
		rnd.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		secs, up := uint32(received/second), rnd.Uint32()
		var want []row
		var body []byte
		for range rnd.IntN(30) {
			rec := &told{values: map[[2]uint32][][]byte{}, v9: !ipfix, secs: secs, up: up}
			for _, f := range fields {
				n := int(f.length)
				if f.length == variable {
					n = rnd.IntN(300)
					if n < 255 && rnd.IntN(2) == 0 {
						body = append(body, byte(n))
					} else {
						body = append(body, 255, byte(n>>8), byte(n))
					}
				}
				v := make([]byte, n)
				if rnd.IntN(4) > 0 {
					for i := range v {
						v[i] = byte(rnd.Uint32())
					}
				}
				if f.id == 152 || f.id == 153 || f.id == 160 {
					copy(v, "\x00\x00")
				}
				body = append(body, v...)
				rec.values[[2]uint32{f.enterprise, uint32(f.id)}] = append(rec.values[[2]uint32{f.enterprise, uint32(f.id)}], v)
			}
			want = append(want, rec.row())
		}
		if len(body) > 60000 {
			continue
		}
		m := newMessage(ipfix, 1, secs, up, 1).template(300, 0, fields)
		d, c := NewDecoder(Limits{}), collect(1+rnd.IntN(40))
		// Without padding, which a short record could be taken for.
		m.data = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(m.data, 300), uint16(4+len(body)))
		m.data = append(m.data, body...)
		if err := d.Decode(router, received, m.bytes(), c.batch); err != nil {
			t.Fatalf("%v: %v", fields, err)
		}
		c.batch.Flush()
		if diff := cmp.Diff(want, c.rows, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(roughly)); diff != "" {
			t.Fatalf("ipfix %v, template %+v (-slow +compiled):\n%s", ipfix, fields, diff)
		}
	}
}

// roughly compares times: the twin computes fractions with floating point.
func roughly(a, b int64) bool { return a-b <= 2 && b-a <= 2 }
