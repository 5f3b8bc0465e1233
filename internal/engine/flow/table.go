package flow

import (
	"cmp"
	"slices"
	"unsafe"

	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/memory"
)

// table is the communications of one part of the hash. Entries stand in chunks
// and do not move; the index is open addressing over their numbers.
type table struct {
	opts       *Options
	naming     *record.Naming
	slots      []slot
	limit      int
	chunks     [][]entry
	unused     uint32   // list of free entries, by next
	seats      []uint32 // the entries in the index, in an order that does not depend on when others are released
	rest       []over   // what the end of the input is yet to end
	hand       int      // the seat at which the second-chance rule looks next
	wheel      wheel
	pool       pool
	stats      Stats
	ended      *[]over // of the batch at hand
	spareAhead []*ahead
	part       uint8  // which of the tables it is
	moment     uint64 // what ends now sorts by this
}

type slot struct {
	hash uint32
	id   uint32 // 0: empty
}

const (
	chunkSize  = 256
	firstSlots = 256
)

// phases of how the payload of an entry is looked at.
const (
	unknown   uint8 = iota // what is spoken is not known yet
	following              // a dissector reads along
	ignoring
)

// entry is one communication. Memory comes in lines of 64 bytes, and fetching
// them is most of what a packet costs: the first line is what tells what to do,
// two more are for TCP, and with the front of the record that is all that most
// packets touch. What datagrams leave stands last.
type entry struct {
	k      key
	over   int64 // when it ends if nothing more comes, ns
	flags  [2]uint8
	seen   [2]bool // a side was heard of
	grade  uint8
	chance uint8 // of staying when room is needed
	phase  uint8
	back   bool // Src is the greater end of the key

	dir    [2]direction
	stream dissect.Stream
	next   uint32 // in the wheel, or of the free ones
	prev   uint32
	turn   int64 // the tick at which the wheel looks

	rec record.Record
	_   [32]byte

	udp    dissect.State
	first  uint64 // number of the packet that began it
	hash   uint32
	id     uint32
	seat   uint32
	place  uint16
	table  uint8 // which table it stands in
	refuse bool  // an ICMP error said so
}

// over is an entry that ended and what says when its record is handed on: what
// ended it, then what began it.
type over struct {
	moment, first uint64
	e             *entry
}

func (a over) compare(b over) int {
	if a.moment != b.moment {
		return cmp.Compare(a.moment, b.moment)
	}
	return cmp.Compare(a.first, b.first)
}

func newTable(o *Options, naming *record.Naming, part, limit int, room int64) *table {
	return &table{opts: o, part: uint8(part), naming: naming, slots: make([]slot, firstSlots), limit: limit, pool: pool{limit: room}}
}

// at returns the entry with a number from 1 on.
func (t *table) at(id uint32) *entry { return &t.chunks[(id-1)/chunkSize][(id-1)%chunkSize] }

// find returns the entry of a key, or nil.
func (t *table) find(k *key, hash uint64) *entry {
	mask := uint32(len(t.slots) - 1)
	want := uint32(hash)
	for i := want & mask; t.slots[i].id != 0; i = (i + 1) & mask {
		if t.slots[i].hash == want {
			if e := t.at(t.slots[i].id); e.k.same(k) {
				return e
			}
		}
	}
	return nil
}

// same compares word by word, which is faster than a call.
func (k *key) same(o *key) bool {
	return k.ports == o.ports && k.a1 == o.a1 && k.b1 == o.b1 && k.a0 == o.a0 && k.b0 == o.b0 && k.kind == o.kind
}

// add makes an entry, and room for it where there is none.
func (t *table) add(it *item) *entry {
	if len(t.seats) >= t.limit {
		t.evict()
	}
	if (len(t.seats)+1)*4 > len(t.slots)*3 {
		t.rehash(len(t.slots) * 2)
	}
	e := t.alloc()
	e.k, e.hash, e.first = it.k, uint32(it.hash), it.number
	e.seat = uint32(len(t.seats))
	t.seats = append(t.seats, e.id)
	mask := uint32(len(t.slots) - 1)
	i := e.hash & mask
	for t.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot{e.hash, e.id}
	return e
}

func (t *table) alloc() *entry {
	if t.unused == 0 {
		chunk := make([]entry, chunkSize)
		memory.Large(chunk)
		base := uint32(len(t.chunks) * chunkSize)
		t.chunks = append(t.chunks, chunk)
		for i := chunkSize - 1; i >= 0; i-- {
			chunk[i].id, chunk[i].next = base+uint32(i)+1, t.unused
			t.unused = chunk[i].id
		}
	}
	e := t.at(t.unused)
	t.unused = e.next
	e.next, e.table = 0, t.part
	return e
}

func (t *table) rehash(size int) {
	old := t.slots
	t.slots = make([]slot, size)
	mask := uint32(size - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].id != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// remove takes an entry out of the index and has the last one sit in its seat. What follows it in its run moves up,
// so that no marks of the dead are needed.
func (t *table) remove(e *entry) {
	mask := uint32(len(t.slots) - 1)
	i := e.hash & mask
	for t.slots[i].id != e.id {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		s := t.slots[j]
		if s.id == 0 {
			break
		}
		// s may move to i unless its own place lies behind i.
		if (j-s.hash&mask)&mask >= (j-i)&mask {
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = slot{}
	last := len(t.seats) - 1
	t.seats[e.seat] = t.seats[last]
	t.at(t.seats[last]).seat = e.seat
	t.seats = t.seats[:last]
}

// evict makes room: the hand passes over the seats, taking a chance from each
// that has one, and ends the first that has none. Each packet gives one chance
// back, two to who was answered.
func (t *table) evict() {
	for ; ; t.hand++ {
		if t.hand >= len(t.seats) {
			t.hand = 0
		}
		e := t.at(t.seats[t.hand])
		if e.chance == 0 {
			t.stats.Evicted++
			t.leave(e)
			return
		}
		e.chance--
	}
}

// flush ends everything.
func (t *table) flush() {
	for len(t.seats) > 0 {
		t.stats.Flushed++
		t.leave(t.at(t.seats[len(t.seats)-1]))
	}
}

// finish ends what began before a number, in that order, at the end of the
// input: nothing is looked for any more, so that the index stays as it is.
func (t *table) finish(before uint64) {
	t.moment = ^uint64(0)
	if t.rest == nil {
		t.rest = make([]over, 0, len(t.seats))
		for _, id := range t.seats {
			e := t.at(id)
			t.rest = append(t.rest, over{first: e.first, e: e})
		}
		slices.SortFunc(t.rest, over.compare)
	}
	for len(t.rest) > 0 && t.rest[0].first < before {
		t.stats.Flushed++
		t.end(t.rest[0].e)
		t.rest = t.rest[1:]
	}
	if len(t.rest) == 0 {
		t.seats = t.seats[:0]
	}
}

// leave takes an entry out of the table and ends it.
func (t *table) leave(e *entry) {
	t.unlink(e)
	t.remove(e)
	t.end(e)
}

// end settles the record of an entry that is out of the index and the wheel,
// and hands it on.
func (t *table) end(e *entry) {
	t.settle(e)
	t.judge(e)
	*t.ended = append(*t.ended, over{t.moment, e.first, e})
}

// judge fills in what is known only at the end.
func (t *table) judge(e *entry) {
	r := &e.rec
	r.State = stateOf(r, e.refuse)
	if r.App == record.NoApp {
		if r.App = dissect.ByPort(r); r.Proto == packet.ProtoICMP || r.Proto == packet.ProtoICMPv6 {
			r.App = record.ICMPApp
		}
	}
	if !t.opts.NoID {
		r.CommunityID = Community(r)
	}
	t.stats.Flows++
}

// release makes an entry free whose record was read.
func (t *table) release(e *entry) {
	dns, http := e.rec.DNS, e.rec.HTTP
	clear(dns)
	clear(http)
	*e = entry{id: e.id, next: t.unused}
	if cap(dns) <= keptFacts {
		e.rec.DNS = dns[:0]
	}
	if cap(http) <= keptFacts {
		e.rec.HTTP = http[:0]
	}
	t.unused = e.id
}

// keptFacts is how many facts of a list a free entry keeps room for.
const keptFacts = 2

// Fetching the memory of a communication takes longer than working on one of its
// packets, so that it is asked for ahead of time, for several items at once: first
// the slot, and when that is there the front of the entry it names.
const (
	slotAhead  = 40 // items
	entryAhead = 20
	frontOf    = unsafe.Offsetof(entry{}.rec) + unsafe.Offsetof(record.Record{}.Src)
)

func (t *table) slotSoon(it *item) {
	memory.Soon(&t.slots[uint32(it.hash)&uint32(len(t.slots)-1)])
}

// entrySoon asks for the entry that find will most likely return.
func (t *table) entrySoon(it *item) {
	mask := uint32(len(t.slots) - 1)
	want := uint32(it.hash)
	i := want & mask
	for t.slots[i].id != 0 && t.slots[i].hash != want {
		i = (i + 1) & mask
	}
	if id := t.slots[i].id; id != 0 {
		memory.Begins(t.at(id), frontOf)
	}
}
