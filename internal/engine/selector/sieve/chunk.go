package sieve

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// item is what is kept of a packet that passed the gate, until its chunk was
// worked on.
type item struct {
	k      key
	at     int64
	now    int64  // the packets' clock then
	data   []byte // payload that may be looked at
	wire   uint32 // its length as it was sent
	size   uint32 // of the packet, on the wire
	seq    uint32
	id     selector.ID // what headers decided; 0 nothing
	flags  uint8
	class  geo.Class
	tunnel record.Tunnel
	later  bool // a fragment that is not the first: it has no payload to look at
}

// chunk takes in packets of the period, step by step so that the memory that one
// of them waits for is asked for with that of the others.
func (s *Sieve) chunk(packets []capture.Packet) {
	passed := s.items[:s.admit(packets)]
	s.dirty = max(s.dirty, min(len(passed)+1, chunkSize)) // one is begun for a packet that does not pass, too
	if s.set != nil {
		for i := range passed {
			passed[i].id = s.header(&passed[i])
		}
	}
	for i := range passed {
		it := &passed[i]
		if it.id == 0 && !s.payload && !s.swapped {
			s.tally.Unselected.count(it.size)
			continue
		}
		s.advance(it.now)
		s.flow(it)
		it.data = nil
	}
	s.advance(s.latest)
	s.swapped = s.swapped && (s.hits.old > 0 || s.table.ends[undecided].head != 0)
}

// admit decodes packets, counts those that may not pass and puts down the others
// as items; it returns how many.
func (s *Sieve) admit(packets []capture.Packet) int {
	s.touch(packets)
	n := 0
	for i := range packets {
		p := &packets[i]
		s.latest = max(s.latest, p.At)
		s.tally.Seen.count(p.Orig)
		fault := packet.Decode(p, &s.h)
		v, class := s.gate(fault)
		if v == pass && s.h.FragOffset == 0 {
			v = hidden(p, &s.h)
		}
		if v == pass && detoured(p, &s.h) {
			v = unknown
		}
		it := &s.items[n]
		if s.h.Before != 0 {
			v = s.fragment(it, v)
		} else if v == pass {
			it.k.set(&s.h, s.seed[0])
			it.later = false
		}
		if v != pass {
			s.drop(v, p.Orig)
			continue
		}
		if !s.within(p.Orig) {
			s.tally.Cap.count(p.Orig)
			continue
		}
		it.at, it.now, it.size, it.class = p.At, s.latest, p.Orig, class
		s.transport(it, p, fault)
		n++
	}
	return n
}

// touch has the memory of all headers fetched at once: decoding one packet takes
// longer than the processor looks ahead.
func (s *Sieve) touch(packets []capture.Packet) {
	sum := byte(0)
	for i := range packets {
		if d := packets[i].Data; len(d) > 53 {
			sum |= d[0] | d[53]
		}
	}
	s.touched = sum
}

// drop counts a packet that the gate held back.
func (s *Sieve) drop(v verdict, size uint32) {
	switch v {
	case malformed:
		s.tally.Malformed.count(size)
	case domestic:
		s.tally.Domestic.count(size)
	case direction:
		s.tally.Direction.count(size)
	case ported:
		s.tally.TunnelPort.count(size)
		s.tally.Unknown.count(size)
	default:
		s.tally.Unknown.count(size)
	}
}

// within counts a packet against the cap; the first that does not fit reaches it
// for good.
func (s *Sieve) within(size uint32) bool {
	if s.capped || s.o.CapPackets != 0 && s.passed.Packets >= s.o.CapPackets ||
		s.o.CapBytes != 0 && s.passed.Bytes+uint64(size) > s.o.CapBytes {
		s.capped = true
		return false
	}
	s.passed.count(size)
	return true
}

// transport fills in what the headers behind the addresses say.
func (s *Sieve) transport(it *item, p *capture.Packet, fault packet.Fault) {
	h := &s.h
	it.seq, it.flags, it.id, it.tunnel, it.data, it.wire = h.Seq, uint8(h.TCPFlags), 0, record.TunnelOf(h), nil, 0
	if (s.payload || s.swapped) && !it.later && fault == packet.None && (h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP) {
		it.data, it.wire = p.Data[h.Payload:][:h.PayloadLen], h.PayloadWire
	}
}

const (
	v4Mapped   = 0xffff
	needsAddrs = selector.Needs(1<<selector.Address | 1<<selector.Prefix)
	needsPort  = selector.Needs(1 << selector.Port)
)

// header returns the first selector in force of the source, the destination, the
// destination's port and the source's port. One that expires while the list is in
// use hides a wider one behind it until selector.Set.Live takes it out.
func (s *Sieve) header(it *item) selector.ID {
	if s.needs&needsAddrs != 0 {
		if id := s.address(it.k.s0, it.k.s1); id != 0 && s.hits.inForce(id, it.at) {
			return id
		}
		if id := s.address(it.k.d0, it.k.d1); id != 0 && s.hits.inForce(id, it.at) {
			return id
		}
	}
	if s.needs&needsPort != 0 {
		switch p := it.k.proto(); p {
		case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoUDPLite:
			if id := s.set.Port(p, it.k.dport()); id != 0 && s.hits.inForce(id, it.at) {
				return id
			}
			if id := s.set.Port(p, it.k.sport()); id != 0 && s.hits.inForce(id, it.at) {
				return id
			}
		}
	}
	return 0
}

func (s *Sieve) address(hi, lo uint64) selector.ID {
	if hi == 0 && lo>>32 == v4Mapped {
		return s.set.Addr4(uint32(lo))
	}
	a := &s.scratch.address
	binary.BigEndian.PutUint64(a[:8], hi)
	binary.BigEndian.PutUint64(a[8:], lo)
	return s.set.Addr16(a)
}
