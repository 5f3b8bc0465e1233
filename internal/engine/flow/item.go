package flow

import (
	"encoding/binary"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// TCP flags (RFC 9293 §3.1).
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// item is what the table learns of one packet, or of the parts of one. data is
// what of its payload was captured and is valid while its batch is worked on.
type item struct {
	k      key
	hash   uint64
	number uint64 // of what happens in the input, from 1; ticks have one of their own
	at     int64
	data   []byte
	wire   uint32 // payload bytes on the wire
	bytes  uint32 // of the IP packets
	count  uint32 // IP packets; 0 when only a payload is told that was put together
	seq    uint32
	ack    uint32
	flags  uint8
	tunnel record.Tunnel
	back   bool // from the greater end of the key to the lesser
	answer bool // a message of ICMP that answers
	cast   bool // to a group or to everybody
	refuse bool // not a packet of its own: an ICMP error speaks of this communication
	pieced bool // data was put together out of fragments
}

// part is which table an item is for.
func (it *item) part() int { return int(it.hash >> 60) }

// tickTime is how finely the clock of the packets tells that communications are
// over, in ns. In a file hours pass in seconds, and what ends at one tick is handed
// on at once: the finer, the less do others wait for it.
const tickTime = int64(time.Second) / 8

// tick says that the clock of the packets reached a new number of ticks, before the
// items of greater numbers.
type tick struct {
	number uint64
	at     int64 // ticks since 1970
	flush  bool  // the clock went back: everything ends
}

// front decodes packets in their order and says of which communication they
// are: what cannot be done side by side.
type front struct {
	seed     uint64
	joinVLAN bool
	number   uint64
	ticks    int64 // of the clock: the latest time seen, in ticks
	latest   int64
	started  bool
	list     [parts]uint8 // of each table
	frags    fragments
	exports  *exports
	stats    *Stats
	h        packet.Headers
}

// add decodes packets and appends what they say to b.
func (f *front) add(b *batch, packets []capture.Packet) {
	for i := range packets {
		p := &packets[i]
		f.clock(b, p.At)
		f.packet(b, p)
	}
}

// clock follows the time of the packets.
func (f *front) clock(b *batch, at int64) {
	now := ticksOf(at)
	switch {
	case !f.started:
		f.started, f.latest, f.ticks = true, at, now
		f.tick(b, now, false)
	case at > f.latest:
		if at-f.latest > MaxGap {
			f.stats.JumpsAhead++
		}
		f.latest = at
		if now > f.ticks {
			f.ticks = now
			f.tick(b, now, false)
			f.frags.expire(f, b, at)
		}
	case at < f.latest-MaxDisorder:
		f.stats.JumpsBack++
		f.frags.flush(f, b)
		f.latest, f.ticks = at, now
		f.tick(b, now, true)
	case at < f.latest:
		f.stats.Disorder++
	}
}

// tick appends that the clock went on, or that everything ends.
func (f *front) tick(b *batch, at int64, flush bool) {
	f.number++
	b.ticks = append(b.ticks, tick{number: f.number, at: at, flush: flush})
}

// put appends an item.
func (f *front) put(b *batch, it *item) {
	f.number++
	it.number = f.number
	b.put(f.list[it.part()], it)
}

// ticksOf is how many ticks were over at a time.
func ticksOf(at int64) int64 {
	n := at / tickTime
	if at < 0 && at%tickTime != 0 {
		n--
	}
	return n
}

const anyIP = packet.IPv4 | packet.IPv6

// packet appends the items of one packet.
func (f *front) packet(b *batch, p *capture.Packet) {
	h := &f.h
	fault := packet.Decode(p, h)
	f.stats.Packets++
	f.stats.Bytes += uint64(max(p.Orig, uint32(len(p.Data))))
	f.stats.Faults[fault]++
	if !h.Layers.Has(anyIP) {
		f.stats.NotIP++
		return
	}
	if fault != packet.None && h.SrcPort|h.DstPort == 0 && !h.Fragment() {
		f.stats.Unread++ // nothing says of which communication it is
		return
	}
	it := item{at: p.At, count: 1, bytes: h.IPLen, tunnel: record.TunnelOf(h)}
	if h.Fragment() {
		f.fragment(b, p, &it)
		return
	}
	f.aim(&it, h)
	f.transport(&it, h, p.Data[h.Payload:][:h.PayloadLen])
	if f.exports != nil && len(it.data) > 0 {
		f.exports.look(f, b, &it, it.data)
	}
	f.put(b, &it)
	if h.Proto == packet.ProtoICMP || h.Proto == packet.ProtoICMPv6 {
		f.quoted(b, p, &it)
	}
}

// aim fills in of which communication a packet is.
func (f *front) aim(it *item, h *packet.Headers) {
	sport, dport, oneWay := h.SrcPort, h.DstPort, false
	if h.Proto == packet.ProtoICMP || h.Proto == packet.ProtoICMPv6 {
		sport, dport, oneWay, it.answer = icmpPorts(h.Proto == packet.ProtoICMPv6, h.ICMPType, h.ICMPCode)
	}
	it.k, it.back = keyOf(h, sport, dport, oneWay, f.joinVLAN)
	it.hash = it.k.hash(f.seed)
	it.cast = castTo(h)
}

// transport fills in what the transport header says and the payload.
func (f *front) transport(it *item, h *packet.Headers, payload []byte) {
	switch h.Proto {
	case packet.ProtoTCP:
		it.seq, it.ack, it.flags = h.Seq, h.Ack, uint8(h.TCPFlags)
	case packet.ProtoUDP, packet.ProtoSCTP:
	default:
		return
	}
	it.data, it.wire = payload, h.PayloadWire
	if h.Fault != packet.None {
		it.data = nil // a header that contradicts itself says not where payload is
	}
}

// castTo reports whether a packet goes to a group (RFC 1112, RFC 4291 §2.7) or
// to everybody.
func castTo(h *packet.Headers) bool {
	if h.V6 {
		return h.Dst[0] == 0xff
	}
	return h.Dst[12] >= 0xe0
}

// quoted appends what an ICMP error says of the communication that it quotes:
// RFC 792 type 3 but for "fragmentation needed", RFC 4443 type 1.
func (f *front) quoted(b *batch, p *capture.Packet, about *item) {
	h := &f.h
	v6 := h.Proto == packet.ProtoICMPv6
	if v6 && h.ICMPType != 1 || !v6 && (h.ICMPType != 3 || h.ICMPCode == 4) {
		return
	}
	var q packet.Headers
	if !quote(&q, p.Data[h.Payload:][:h.PayloadLen], v6) {
		return
	}
	q.Outers, q.VLAN, q.Inner = h.Outers, h.VLAN, h.Inner
	it := item{at: about.at, refuse: true}
	f.aim(&it, &q)
	f.put(b, &it)
	f.stats.Refusals++
}

// quote reads addresses and ports of the packet that an ICMP error quotes.
// Extension headers of IPv6 are not followed.
func quote(q *packet.Headers, b []byte, v6 bool) bool {
	if v6 {
		if len(b) < 44 || b[0]>>4 != 6 {
			return false
		}
		q.V6, q.Proto = true, b[6]
		copy(q.Src[:], b[8:24])
		copy(q.Dst[:], b[24:40])
		b = b[40:]
	} else {
		if len(b) < 24 || b[0]>>4 != 4 || b[0]&15 < 5 || b[6]&0x1f|b[7] != 0 {
			return false
		}
		q.Proto = b[9]
		q.Src[10], q.Src[11], q.Dst[10], q.Dst[11] = 0xff, 0xff, 0xff, 0xff
		copy(q.Src[12:], b[12:16])
		copy(q.Dst[12:], b[16:20])
		if b = b[int(b[0]&15)*4:]; len(b) < 4 {
			return false
		}
	}
	switch q.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoUDPLite:
		q.SrcPort, q.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case packet.ProtoICMP, packet.ProtoICMPv6:
		q.ICMPType, q.ICMPCode = b[0], b[1]
	}
	return true
}
