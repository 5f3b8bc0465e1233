package flow

import (
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// Bounds of the fragmented packets that are followed at once.
const (
	maxFragmented = 1024     // the one begun longest ago is given up
	maxAssembled  = 32       // whose payload is put together, 64 KiB each
	fragmentTime  = 30 * 1e9 // ns by the packets' clock (RFC 791 §3.2, RFC 8200 §4.5 allow 60)
)

type fragmentKey struct {
	pair  packet.Pair
	id    uint32
	vlan  uint16
	proto uint8
}

// fragmented is one packet that comes in parts. Offsets count eight octets.
type fragmented struct {
	key    fragmentKey
	began  int64
	first  item // of which communication it is, once the first part came; count 0 before
	held   item // the parts that came before the first, in sum
	header int  // bytes of transport header in the first part
	end    int  // length of the whole, 0 until the last part came
	have   int  // bytes
	seen   [65536 / 8 / 64]uint64
	buf    []byte // nil: is not put together
	bad    bool
	next   *fragmented
	prev   *fragmented
}

// fragments are the packets that come in parts. The zero value is ready.
type fragments struct {
	byKey  map[fragmentKey]*fragmented
	root   fragmented // ring: root.next was begun longest ago
	spare  [][]byte   // wiped
	made   int
	unused []*fragmented
	used   [][]byte // told in the batch at hand, wiped with it
}

// fragment appends the items of a packet that is a part of one.
func (f *front) fragment(b *batch, p *capture.Packet, it *item) {
	h := &f.h
	f.stats.Fragments++
	at := fragmentKey{packet.Pair{Src: h.Src, Dst: h.Dst, V6: h.V6}, h.FragID, h.VLAN, h.FragProto}
	if h.FragPair < h.Outers {
		at.pair = h.Outer[h.FragPair]
	}
	fr := f.frags.open(f, b, at, p.At)
	inner := h.FragPair == h.Outers
	if h.FragOffset == 0 && fr.first.count == 0 && (h.Fault == packet.None || h.SrcPort|h.DstPort != 0) {
		f.aim(it, h)
		f.transport(it, h, nil)
		if h.Proto == packet.ProtoTCP {
			it.wire = 0 // told with the whole
		}
		if inner && h.Proto == packet.ProtoUDP && !h.FragWhole {
			it.data = p.Data[h.Payload:][:h.PayloadLen] // nothing can be put together: its beginning is all
			f.frags.refuse(f, fr)
		}
		fr.first = *it
		fr.first.data = nil
		fr.header = int(h.FragLen) - int(h.PayloadWire)
		f.put(b, it)
		if fr.held.count > 0 {
			rest := fr.credit(fr.held)
			f.put(b, &rest)
			fr.held = item{}
		}
	} else {
		if at.proto == packet.ProtoUDP && inner {
			it.wire = h.FragLen
		}
		if fr.first.count > 0 {
			part := fr.credit(*it)
			f.put(b, &part)
		} else {
			fr.hold(f, it)
		}
	}
	if inner && (at.proto == packet.ProtoUDP || at.proto == packet.ProtoTCP) {
		f.frags.part(f, b, fr, p, it)
	} else if !h.More && fr.first.count > 0 {
		f.frags.close(fr)
	}
}

// credit gives the counts of it to the communication of the first part.
func (fr *fragmented) credit(it item) item {
	it.k, it.hash, it.back, it.cast, it.tunnel = fr.first.k, fr.first.hash, fr.first.back, fr.first.cast, fr.first.tunnel
	it.flags, it.seq, it.ack = 0, fr.first.seq, fr.first.ack
	return it
}

// hold keeps the counts of a part that came before the first.
func (fr *fragmented) hold(f *front, it *item) {
	if fr.held.count == 0 {
		f.aim(it, &f.h) // without ports, should the first part never come
		fr.held = *it
		return
	}
	fr.held.count++
	fr.held.bytes += it.bytes
	fr.held.wire += it.wire
	fr.held.at = max(fr.held.at, it.at)
}

// part takes in the bytes of a part and tells the payload when it is whole.
func (s *fragments) part(f *front, b *batch, fr *fragmented, p *capture.Packet, it *item) {
	h := &f.h
	if fr.bad {
		return
	}
	from, n := int(h.FragOffset), int(h.FragLen)
	data := p.Data[h.Payload:][:h.PayloadLen]
	start := from
	if from == 0 {
		start = n - int(h.PayloadWire)
	}
	if from+n > 65535 || n == 0 || h.More && n%8 != 0 || !h.FragWhole || start+len(data) != from+n ||
		fr.end != 0 && (!h.More && fr.end != from+n || from+n > fr.end) {
		s.refuse(f, fr)
		return
	}
	fresh, again := fr.mark(from, n)
	if again && !fresh {
		f.stats.FragmentsAgain++
		return
	}
	if again {
		s.refuse(f, fr) // overlapping parts: RFC 5722
		return
	}
	if !h.More {
		fr.end = from + n
	}
	fr.have += n
	if fr.buf == nil {
		return // counted only
	}
	copy(fr.buf[start:], data)
	if fr.end == 0 || fr.have < fr.end || fr.first.count == 0 {
		return
	}
	whole := fr.credit(item{at: it.at, pieced: true})
	whole.data = fr.buf[fr.header:fr.end]
	if h.FragProto == packet.ProtoTCP {
		whole.wire = uint32(len(whole.data))
	}
	f.put(b, &whole)
	s.used = append(s.used, fr.buf)
	fr.buf = nil
	f.stats.Reassembled++
	s.close(fr)
}

// mark notes n bytes from an offset as seen: fresh when some were not seen
// before, again when some were.
func (fr *fragmented) mark(from, n int) (fresh, again bool) {
	for i := from / 8; i < (from+n+7)/8; i++ {
		bit := uint64(1) << (i & 63)
		if fr.seen[i>>6]&bit != 0 {
			again = true
		} else {
			fresh = true
			fr.seen[i>>6] |= bit
		}
	}
	return fresh, again
}

// prefix is how many bytes came without a gap from the beginning.
func (fr *fragmented) prefix() int {
	n := 0
	for n/8 < len(fr.seen)*64 && fr.seen[n>>9]&(1<<(n>>3&63)) != 0 {
		n += 8
	}
	return min(n, fr.have)
}

// refuse gives up putting a packet together whose parts lie.
func (s *fragments) refuse(f *front, fr *fragmented) {
	f.stats.FragmentsBad++
	fr.bad = true
	s.drop(fr)
}

func (s *fragments) open(f *front, b *batch, k fragmentKey, at int64) *fragmented {
	if s.byKey == nil {
		s.byKey = make(map[fragmentKey]*fragmented)
		s.root.next, s.root.prev = &s.root, &s.root
	}
	if fr := s.byKey[k]; fr != nil {
		return fr
	}
	if len(s.byKey) >= maxFragmented {
		s.abandon(f, b, s.root.next)
	}
	var fr *fragmented
	if n := len(s.unused); n > 0 {
		fr, s.unused = s.unused[n-1], s.unused[:n-1]
		*fr = fragmented{}
	} else {
		fr = new(fragmented)
	}
	fr.key, fr.began = k, at
	if n := len(s.spare); n > 0 {
		fr.buf, s.spare = s.spare[n-1], s.spare[:n-1]
	} else if s.made < maxAssembled {
		fr.buf = make([]byte, 1<<16)
		s.made++
	} else {
		f.stats.FragmentsOver++
	}
	fr.prev, fr.next = s.root.prev, &s.root
	fr.prev.next, s.root.prev = fr, fr
	s.byKey[k] = fr
	return fr
}

// abandon gives up a packet whose parts did not all come; what was held of it
// counts for a communication without ports. A datagram's beginning is shown as
// far as it came: what it says of itself stands there.
func (s *fragments) abandon(f *front, b *batch, fr *fragmented) {
	f.stats.FragmentsLeft++
	if n := fr.prefix(); fr.buf != nil && fr.first.count > 0 && fr.key.proto == packet.ProtoUDP && n > fr.header && !fr.bad {
		start := fr.credit(item{at: fr.first.at, pieced: true})
		start.data = fr.buf[fr.header:n]
		f.put(b, &start)
		s.used = append(s.used, fr.buf)
		fr.buf = nil
	}
	if fr.held.count > 0 {
		f.put(b, &fr.held)
	}
	s.close(fr)
}

// expire gives up the packets that began too long before now.
func (s *fragments) expire(f *front, b *batch, now int64) {
	for s.byKey != nil && s.root.next != &s.root && now-s.root.next.began > fragmentTime {
		s.abandon(f, b, s.root.next)
	}
}

// flush gives all of them up.
func (s *fragments) flush(f *front, b *batch) {
	for s.byKey != nil && s.root.next != &s.root {
		s.abandon(f, b, s.root.next)
	}
}

func (s *fragments) close(fr *fragmented) {
	delete(s.byKey, fr.key)
	fr.prev.next, fr.next.prev = fr.next, fr.prev
	s.drop(fr)
	s.unused = append(s.unused, fr)
}

// drop overwrites what was put together so far.
func (s *fragments) drop(fr *fragmented) {
	if fr.buf != nil {
		clear(fr.buf)
		s.spare = append(s.spare, fr.buf)
		fr.buf = nil
	}
}

// wipe overwrites what was told in the last batch.
func (s *fragments) wipe() {
	for i, buf := range s.used {
		clear(buf)
		s.spare = append(s.spare, buf)
		s.used[i] = nil
	}
	s.used = s.used[:0]
}
