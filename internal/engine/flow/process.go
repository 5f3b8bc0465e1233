package flow

import (
	"net/netip"

	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// process counts an item for its communication.
func (t *table) process(it *item) {
	t.moment = it.number
	e := t.find(&it.k, it.hash)
	if it.refuse {
		if e != nil && e.back == it.back { // what was refused went to who was asked
			e.refuse = true
		}
		return
	}
	if e != nil && t.another(e, it) {
		t.leave(e)
		e = nil
	}
	if e == nil {
		if it.count == 0 {
			return // its packets were counted for one that is over
		}
		e = t.add(it)
		t.begin(e, it)
		t.count(e, it)
		t.link(e)
		return
	}
	if t.opts.active > 0 && it.at-e.rec.Start >= t.opts.active && it.count > 0 || e.fulfilled(it) {
		t.slice(e, it)
	}
	before := e.grade
	t.count(e, it)
	if e.grade != before {
		t.sooner(e)
	}
}

// another reports whether a packet on the same ports begins another
// communication: after a silence, or with a SYN of its own.
func (t *table) another(e *entry, it *item) bool {
	if it.at > e.over {
		t.stats.Idle++
		return true
	}
	if it.k.proto() != packet.ProtoTCP || it.flags&(flagSYN|flagACK|flagRST) != flagSYN || it.count == 0 {
		return false
	}
	d := &e.dir[e.side(it)]
	if d.begun && d.isn == it.seq {
		return false // once more
	}
	if !d.begun && !e.dir[1-e.side(it)].begun {
		return true // the beginning was not seen, and here is one
	}
	if !d.begun { // both may open at once (RFC 9293 §3.5)
		return e.seen[e.side(it)]
	}
	// A SYN with another number: the port was used before, or the other end forgot.
	return e.dir[0].fin && e.dir[1].fin || (e.flags[0]|e.flags[1])&flagRST != 0 || e.seen[1-e.side(it)]
}

// side is which end of the entry sent it.
func (e *entry) side(it *item) int {
	if e.back == it.back {
		return record.Out
	}
	return record.In
}

// begin fills in the ends, and who began.
func (t *table) begin(e *entry, it *item) {
	src, dst, sport, dport := it.k.ends(it.back)
	e.back = it.back
	if turned(it, sport, dport) {
		src, dst, sport, dport = dst, src, dport, sport
		e.back = !e.back
	}
	r := &e.rec
	r.Src, r.Dst = netip.AddrFrom16(src).Unmap(), netip.AddrFrom16(dst).Unmap()
	r.SrcPort, r.DstPort, r.Proto = sport, dport, it.k.proto()
	r.Start, r.End = it.at, it.at
	r.VLAN = uint16(it.k.ports >> 48)
	r.Tunnel = it.tunnel
	r.Full = t.opts.Full
	if t.opts.Class != nil {
		r.Class = t.opts.Class(r.Src, r.Dst)
	}
	if r.Proto != packet.ProtoTCP && r.Proto != packet.ProtoUDP {
		e.phase = ignoring
	}
}

// turned reports whether the first packet seen came from the side that was
// spoken to.
func turned(it *item, sport, dport uint16) bool {
	if it.cast {
		return false
	}
	switch it.k.proto() {
	case packet.ProtoTCP:
		if it.flags&flagSYN != 0 {
			return it.flags&flagACK != 0
		}
	case packet.ProtoUDP, packet.ProtoSCTP:
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return it.answer
	default:
		return false
	}
	return service(sport) && !service(dport)
}

// service reports whether a port is one that is spoken to: a system port (RFC
// 6335 §6), or a well-known one above.
func service(port uint16) bool {
	if port < 1024 {
		return port != 0
	}
	switch port {
	case 1080, 1194, 1433, 1521, 1701, 1723, 1812, 1813, 1883, 1900, 2049, 2055, 2404, 3128, 3268, 3269, 3306, 3389, 3478, 3702, 4500, 4739,
		4840, 5060, 5061, 5222, 5353, 5355, 5432, 5683, 5900, 5938, 5985, 5986, 6343, 6379, 6443, 6667, 8000, 8008, 8080, 8443, 8883, 9001,
		9200, 9995, 9996, 11211, 20000, 27017, 44818, 47808, 51820:
		return true
	}
	return false
}

// count adds an item to its record.
func (t *table) count(e *entry, it *item) {
	side := e.side(it)
	r := &e.rec
	r.Start = min(r.Start, it.at)
	r.End = max(r.End, it.at)
	r.Packets[side] += uint64(it.count)
	r.Bytes[side] += uint64(it.bytes)
	switch it.k.proto() {
	case packet.ProtoTCP:
		t.tcp(e, side, it)
	case packet.ProtoUDP:
		r.Payload[side] += uint64(it.wire)
		if len(it.data) > 0 {
			dissect.Datagram(side, it.at, it.data, record.Facts{Record: r, Naming: t.naming}, &e.udp)
		}
	case packet.ProtoSCTP:
		r.Payload[side] += uint64(it.wire)
	}
	e.seen[side] = true
	e.chance = 1
	if e.seen[1-side] {
		e.chance = 2
	}
	e.grade = e.graded()
	e.over = r.End + t.opts.silence[e.grade]
}

// graded is how far a communication got, as an index of Options.silence.
func (e *entry) graded() uint8 {
	both := e.seen[0] && e.seen[1]
	switch e.k.proto() {
	case packet.ProtoTCP:
		switch {
		case e.dir[0].fin && e.dir[1].fin, (e.flags[0]|e.flags[1])&flagRST != 0:
			return tcpClosed
		case both || !e.dir[0].begun:
			return tcpOpen
		}
		return tcpTried
	case packet.ProtoUDP:
		switch {
		case !both:
			return udpTried
		case e.rec.App == record.DNSApp && e.rec.Answered():
			return answered
		}
		return udpOpen
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return icmp
	}
	return other
}

// stateOf tells how a communication went from the flags of both sides.
func stateOf(r *record.Record, refused bool) record.State {
	out, in := r.Flags[record.Out], r.Flags[record.In]
	answered := r.Packets[record.In] > 0
	if r.Proto != packet.ProtoTCP {
		switch {
		case answered && r.Packets[record.Out] > 0:
			return record.Open
		case answered:
			return record.Midway
		case refused:
			return record.Refused
		}
		return record.Tried
	}
	switch {
	case (out|in)&flagSYN == 0:
		return record.Midway
	case in&flagSYN == 0 && in&flagRST != 0 && in&flagFIN == 0 && r.Payload[record.In] == 0:
		return record.Refused
	case out&in&flagFIN != 0:
		return record.Closed
	case !answered && refused:
		return record.Refused
	case !answered:
		return record.Tried
	case (out|in)&flagRST != 0:
		return record.Reset
	}
	return record.Open
}

// fulfilled reports whether no more questions fit into a record: a tunnel asks
// from one port without end, and none of it is to be lost.
func (e *entry) fulfilled(it *item) bool {
	return len(it.data) > 0 && it.k.proto() == packet.ProtoUDP && len(e.rec.DNS) >= record.MaxDNS
}

// slice writes out what is known so far and goes on with the counts at zero.
func (t *table) slice(e *entry, it *item) {
	t.settle(e)
	e.phase = ignoring // of TCP; datagrams are still read
	done := t.alloc()
	done.first = e.first
	id := done.id
	done.rec, e.rec = e.rec, record.Record{
		Start: it.at, End: it.at, Src: e.rec.Src, Dst: e.rec.Dst, SrcPort: e.rec.SrcPort, DstPort: e.rec.DstPort, Proto: e.rec.Proto,
		App: e.rec.App, Class: e.rec.Class, Tunnel: e.rec.Tunnel, VLAN: e.rec.VLAN, Full: e.rec.Full,
	}
	done.id, done.refuse = id, e.refuse
	e.first, e.flags = it.number, [2]uint8{}
	t.judge(done)
	*t.ended = append(*t.ended, over{t.moment, done.first, done})
	t.stats.Sliced++
}
