package sieve

import (
	"math/bits"
	"time"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
)

// Queues of the table: what a flow waits for, those that came first in front.
const (
	undecided = iota // to be found, or to be rejected after MaxWait
	openTCP          // selected, to be silent
	closedTCP        // selected, FIN or RST was seen
	overUDP
	others
	rejected // remembered by hash alone, until there is no room
	queues
)

// waits is how long, in ns of the packets' time, a flow stays in a queue without
// a packet of its own; in undecided, from its first packet on.
var waits = [rejected]int64{undecided: MaxWait, openTCP: 10 * int64(time.Minute), closedTCP: 10 * int64(time.Second),
	overUDP: int64(time.Minute), others: 2 * int64(time.Minute)}

// entry is a flow. It has no pointers, so that the table is not searched by the
// collector.
type entry struct {
	k          key // zero once rejected
	h1, h2     uint64
	start, end int64 // packet times
	since      int64 // of the packets' clock: its first packet while undecided, its last one otherwise
	amount     Amount
	chain      uint32 // next of the same bucket
	prev, next uint32 // of the queue
	hit        uint32 // selected: in hits
	look       uint32 // undecided: in looks
	facts      uint32 // selected: in learned; 0 none
	isn        uint32 // of its SYN
	queue      uint8
	flags      uint8
	class      geo.Class
	tunnel     record.Tunnel
	begun      bool // a SYN was seen
	heard      bool // rejected: heard of since it came to its place
	mute       bool // rejected: before it said anything
}

// table finds flows. Its size is given once; index 0 is no entry.
type table struct {
	entries []entry
	buckets []uint32
	mask    uint64
	free    uint32 // chained by next
	fresh   uint32 // entries from here on were never used
	used    int
	ends    [queues]struct{ head, tail uint32 }
	due     int64 // nothing ends before
}

const never = int64(^uint64(0) >> 1)

func (t *table) init(flows int) {
	flows = min(flows, 1<<28)
	t.entries = make([]entry, flows+1)
	t.buckets = make([]uint32, 1<<bits.Len(uint(flows)))
	t.mask = uint64(len(t.buckets) - 1)
	t.fresh, t.due = 1, never
}

// hash mixes a key with seeds that who sends packets does not know: 128 bits,
// which tell flows apart where nothing else of them is kept.
func (k *key) hash(seed *[2]uint64) (h1, h2 uint64) {
	a, b := seed[0], seed[1]
	x := mix(k.s0^a, k.s1^0x9e3779b97f4a7c15)
	y := mix(k.d0^0xd1b54a32d192ed03, k.d1^b)
	z := mix(k.ports^0x8ebc6af09c88c6e3, k.kind^a)
	u := mix(k.s1^b, k.d1^0x589965cc75374cc3) ^ mix(k.s0^k.ports, k.d0^k.kind^a)
	return mix(x^z, y^0x1d8e4e27c47d124f), mix(x^y^b, z^u)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func (t *table) find(k *key, h1, h2 uint64) uint32 {
	for i := t.buckets[h1&t.mask]; i != 0; i = t.entries[i].chain {
		e := &t.entries[i]
		if e.h1 == h1 && e.h2 == h2 && (e.queue == rejected || e.k == *k) {
			return i
		}
	}
	return 0
}

// full reports whether add has no room.
func (t *table) full() bool { return t.free == 0 && int(t.fresh) == len(t.entries) }

// add makes an entry in a queue; there is room.
func (t *table) add(it *item, h1, h2 uint64, queue uint8) uint32 {
	i := t.free
	if i != 0 {
		t.free = t.entries[i].next
	} else {
		i = t.fresh
		t.fresh++
	}
	b := &t.buckets[h1&t.mask]
	t.entries[i] = entry{k: it.k, h1: h1, h2: h2, start: it.at, end: it.at, since: it.now, chain: *b, class: it.class, tunnel: it.tunnel}
	*b = i
	t.used++
	t.join(i, queue)
	return i
}

// remove takes an entry out and overwrites it.
func (t *table) remove(i uint32) {
	e := &t.entries[i]
	t.part(i)
	for b := &t.buckets[e.h1&t.mask]; ; b = &t.entries[*b].chain {
		if *b == i {
			*b = e.chain
			break
		}
	}
	t.entries[i] = entry{next: t.free}
	t.free = i
	t.used--
}

// join puts an entry at the end of a queue.
func (t *table) join(i uint32, queue uint8) {
	e, q := &t.entries[i], &t.ends[queue]
	e.queue, e.prev, e.next = queue, q.tail, 0
	if q.tail == 0 {
		q.head = i
	} else {
		t.entries[q.tail].next = i
	}
	q.tail = i
	if queue != rejected {
		t.due = min(t.due, e.since+waits[queue])
	}
}

// part takes an entry out of its queue.
func (t *table) part(i uint32) {
	e := &t.entries[i]
	q := &t.ends[e.queue]
	if e.prev == 0 {
		q.head = e.next
	} else {
		t.entries[e.prev].next = e.next
	}
	if e.next == 0 {
		q.tail = e.prev
	} else {
		t.entries[e.next].prev = e.prev
	}
}

// move puts an entry at the end of a queue, as of now.
func (t *table) move(i uint32, queue uint8, now int64) {
	t.part(i)
	t.entries[i].since = now
	t.join(i, queue)
}

// first returns the entry that ends first and when, 0 and never without one.
func (t *table) first() (uint32, int64) {
	at, when := uint32(0), never
	for q := range waits {
		if i := t.ends[q].head; i != 0 {
			if due := t.entries[i].since + waits[q]; due < when {
				at, when = i, due
			}
		}
	}
	return at, when
}

// each calls fn with every entry until none is left; fn removes it.
func (t *table) each(fn func(i uint32)) {
	for q := range t.ends {
		for t.ends[q].head != 0 {
			fn(t.ends[q].head)
		}
	}
	t.due = never
}

// maxSpared is how many rejected flows that were heard of are passed over when
// room for one is needed.
const maxSpared = 8

// victim is whom a full table lets go.
func (t *table) victim() uint32 {
	for range maxSpared {
		i := t.ends[rejected].head
		if i == 0 || !t.entries[i].heard {
			break
		}
		t.entries[i].heard = false
		t.part(i)
		t.join(i, rejected)
	}
	if i := t.ends[rejected].head; i != 0 {
		return i
	}
	if i := t.ends[undecided].head; i != 0 {
		return i
	}
	oldest := uint32(0)
	for q := openTCP; q < rejected; q++ {
		if i := t.ends[q].head; i != 0 && (oldest == 0 || t.entries[i].since < t.entries[oldest].since) {
			oldest = i
		}
	}
	return oldest
}

func (t *table) wipe() {
	clear(t.entries[:t.fresh])
	clear(t.buckets)
}

// queueOf is where a selected flow waits.
func queueOf(e *entry) uint8 {
	switch e.k.proto() {
	case packet.ProtoTCP:
		if e.flags&(flagFIN|flagRST) != 0 {
			return closedTCP
		}
		return openTCP
	case packet.ProtoUDP:
		return overUDP
	}
	return others
}

// slab is values that are taken and given back; their places never move. Place
// 0 is none.
type slab[T any] struct {
	pages [][]T
	free  []uint32
	made  uint32
}

const pageBits = 7

func (s *slab[T]) at(i uint32) *T { return &s.pages[i>>pageBits][i&(1<<pageBits-1)] }

func (s *slab[T]) take() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if s.made == 0 {
		s.made = 1
	}
	if int(s.made>>pageBits) == len(s.pages) {
		s.pages = append(s.pages, make([]T, 1<<pageBits))
	}
	s.made++
	return s.made - 1
}

// give overwrites a value and takes it back.
func (s *slab[T]) give(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

func (s *slab[T]) wipe() {
	for _, p := range s.pages {
		clear(p)
	}
}
