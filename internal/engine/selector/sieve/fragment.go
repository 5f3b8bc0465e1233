package sieve

import "encoding/binary"

// Bounds of the fragmented packets that are known at once: the one begun longest
// ago makes room.
const (
	maxFragmented = 1024
	fragmentTime  = 30 * int64(1e9) // ns of the packets' time (RFC 791 §3.2, RFC 8200 §4.5 allow 60 s)
)

// fragments remembers of packets that come in parts what their first part said:
// the flow, or why the gate held it back. Nothing is put together.
type fragments struct {
	byHash map[[2]uint64]uint32
	ring   [maxFragmented]fragmented
	next   uint32 // place of the next one
	count  uint32
	due    int64 // the oldest is forgotten then
}

type fragmented struct {
	hash [2]uint64
	k    key
	at   int64 // of the packets' clock
	v    verdict
}

// fragment decides about a part of a packet, of which v is what the gate says of
// the headers that are seen in it, and fills in its flow. The first part decides
// as any packet does, and what was decided is remembered whatever it is. The
// others have no ports, nor the addresses inside a tunnel: they go where the first
// went, and while that is not known (it was lost, comes later, or was too long
// ago) they do not pass: behind any protocol a layer may be that only the first
// part shows, in TCP too (STT has its form).
func (s *Sieve) fragment(it *item, v verdict) verdict {
	h := &s.h
	if s.latest >= s.frags.due {
		s.frags.expire(s.latest)
	}
	hash := s.fragmentHash()
	if it.later = h.FragOffset != 0; !it.later {
		it.k = key{}
		if v == pass {
			it.k.set(h, s.seed[0])
		}
		s.frags.put(hash, &it.k, v, s.latest)
		return v
	}
	first := s.frags.find(hash)
	switch {
	case first == nil && v == pass:
		return unknown
	case first == nil:
		return v
	case first.v != pass:
		return first.v
	}
	it.k = first.k
	return v
}

// fragmentHash is what the parts of the packet in s.h have in common.
func (s *Sieve) fragmentHash() [2]uint64 {
	h := &s.h
	src, dst := &h.Src, &h.Dst
	if h.FragPair < h.Outers {
		src, dst = &h.Outer[h.FragPair].Src, &h.Outer[h.FragPair].Dst
	}
	k := key{
		s0: binary.BigEndian.Uint64(src[:8]), s1: binary.BigEndian.Uint64(src[8:]),
		d0: binary.BigEndian.Uint64(dst[:8]), d1: binary.BigEndian.Uint64(dst[8:]),
		ports: uint64(h.FragID) | uint64(h.VLAN)<<32 | uint64(h.Inner)<<48, kind: uint64(h.FragProto),
	}
	a, b := k.hash(&s.seed)
	return [2]uint64{a, b}
}

func (f *fragments) find(hash [2]uint64) *fragmented {
	if i, ok := f.byHash[hash]; ok {
		return &f.ring[i]
	}
	return nil
}

// put remembers a first part. Of two with the same hash the one that does not pass
// stays: nobody knows whose the other parts are.
func (f *fragments) put(hash [2]uint64, k *key, v verdict, now int64) {
	if known := f.find(hash); known != nil {
		if known.v == pass {
			known.k, known.v = *k, v
		}
		return
	}
	if f.byHash == nil {
		f.byHash = make(map[[2]uint64]uint32, maxFragmented)
	}
	if f.count == maxFragmented {
		f.drop()
	}
	i := f.next
	f.ring[i] = fragmented{hash: hash, k: *k, at: now, v: v}
	f.byHash[hash] = i
	f.next = (i + 1) % maxFragmented
	if f.count++; f.count == 1 {
		f.due = now + fragmentTime
	}
}

// drop forgets the oldest.
func (f *fragments) drop() {
	i := (f.next + maxFragmented - f.count) % maxFragmented
	delete(f.byHash, f.ring[i].hash)
	f.ring[i] = fragmented{}
	f.count--
}

// expire forgets those begun too long before now.
func (f *fragments) expire(now int64) {
	for f.due = never; f.count > 0; f.drop() {
		oldest := &f.ring[(f.next+maxFragmented-f.count)%maxFragmented]
		if oldest.at+fragmentTime > now {
			f.due = oldest.at + fragmentTime
			return
		}
	}
}

func (f *fragments) forget() {
	for f.count > 0 {
		f.drop()
	}
	f.due = never
}
