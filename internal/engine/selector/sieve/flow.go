package sieve

import (
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/selector"
)

// TCP flags (RFC 9293 §3.1).
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
)

// flow takes in a packet whose flow matters: a header selector found it, or the
// list has selectors that need payload.
func (s *Sieve) flow(it *item) {
	h1, h2 := it.k.hash(&s.seed)
	i := s.table.find(&it.k, h1, h2)
	if i != 0 && s.another(i, it) {
		s.leave(i)
		i = 0
	}
	expired := false
	if i != 0 && s.table.entries[i].hit != 0 && s.hits.expired(s.table.entries[i].hit, it.at) {
		s.leave(i)
		i, expired = 0, true
	}
	if i == 0 {
		if i = s.begin(it, h1, h2, expired); i == 0 {
			s.tally.Unselected.count(it.size)
			return
		}
	}
	e := &s.table.entries[i]
	if it.flags&flagSYN != 0 && !it.later && !e.begun {
		e.begun, e.isn = true, it.seq
	}
	switch {
	case e.hit != 0:
		s.count(i, it)
	case it.id != 0: // found by a list that came later
		if e.queue == rejected {
			e.k, e.start, e.end, e.class, e.tunnel = it.k, it.at, it.at, it.class, it.tunnel
		}
		s.choose(i, s.hits.of(s.set, it.id), 0, it.now)
		s.count(i, it)
	case e.queue == rejected && e.mute && s.payload && len(it.data) > 0:
		s.resume(i, it)
		s.watch(i, it)
	case e.queue == rejected:
		e.since, e.heard = it.now, true
		s.tally.Unselected.count(it.size)
	default:
		s.watch(i, it)
	}
}

// another reports whether a packet on the same ports begins another flow.
func (s *Sieve) another(i uint32, it *item) bool {
	e := &s.table.entries[i]
	if e.queue == rejected && it.now-e.since > waits[restOf(it.k.proto())] {
		return true
	}
	return it.k.proto() == packet.ProtoTCP && !it.later && it.flags&(flagSYN|flagRST) == flagSYN && !(e.begun && e.isn == it.seq)
}

// restOf is the queue whose silence makes a rejected flow another one.
func restOf(proto uint8) int {
	switch proto {
	case packet.ProtoTCP:
		return openTCP
	case packet.ProtoUDP:
		return overUDP
	}
	return others
}

// begin makes an entry for the first packet of a flow, or none when nothing can
// find it. Of one whose selector expired only the hash is kept: it had its time
// to be looked at.
func (s *Sieve) begin(it *item, h1, h2 uint64, expired bool) uint32 {
	p := it.k.proto()
	if it.id == 0 && (!s.payload || it.later || p != packet.ProtoTCP && p != packet.ProtoUDP) {
		return 0
	}
	if s.table.full() {
		s.leave(s.table.victim())
	}
	i := s.table.add(it, h1, h2, undecided)
	e := &s.table.entries[i]
	switch {
	case it.id != 0:
		s.choose(i, s.hits.of(s.set, it.id), 0, it.now)
	case expired:
		s.reject(i)
	default:
		s.prepare(e, it)
	}
	return i
}

// resume begins to look at a flow that was rejected before it said anything: its
// connection took long, or it waited.
func (s *Sieve) resume(i uint32, it *item) {
	s.table.part(i)
	e := &s.table.entries[i]
	e.k, e.start, e.end, e.since, e.class, e.tunnel, e.mute = it.k, it.at, it.at, it.now, it.class, it.tunnel, false
	s.table.join(i, undecided)
	s.prepare(e, it)
	if e.begun {
		l := s.looks.at(e.look)
		l.next, l.known = e.isn+1, true
	}
}

// count adds a packet to a selected flow.
func (s *Sieve) count(i uint32, it *item) {
	e := &s.table.entries[i]
	s.note(e, it)
	s.table.move(i, queueOf(e), it.now)
}

// note adds a packet to what an entry holds.
func (s *Sieve) note(e *entry, it *item) {
	e.start, e.end = min(e.start, it.at), max(e.end, it.at)
	e.amount.count(it.size)
	e.flags |= it.flags
}

// watch looks at a packet of a flow that nobody decided yet.
func (s *Sieve) watch(i uint32, it *item) {
	e := &s.table.entries[i]
	s.note(e, it)
	l := s.looks.at(e.look)
	l.seen++
	l.said = l.said || len(it.data) > 0
	id := s.read(l, it)
	switch {
	case id != 0:
		hit := s.hits.of(l.set, id)
		f := s.learned.take()
		*s.learned.at(f) = facts{name: l.name, ja3: l.ja3, ja4: l.ja4, app: l.app}
		s.choose(i, hit, f, it.now)
	case l.seen == MaxPackets || l.hopeless():
		s.reject(i)
	}
}

// choose makes an entry selected; what was held of its payload is overwritten.
func (s *Sieve) choose(i uint32, hit, facts uint32, now int64) {
	e := &s.table.entries[i]
	s.unlook(e)
	e.hit, e.facts = hit, facts
	s.hits.hold(hit)
	s.table.move(i, queueOf(e), now)
}

// reject makes an entry unselected: what was held is overwritten, and all that is
// kept of it is a hash and the number of its SYN.
func (s *Sieve) reject(i uint32) {
	e := &s.table.entries[i]
	e.mute = e.look != 0 && !s.looks.at(e.look).said
	s.unlook(e)
	s.tally.Unselected.add(e.amount)
	e.amount, e.k, e.flags, e.class, e.tunnel, e.start, e.end = Amount{}, key{}, 0, 0, 0, 0, 0
	s.table.part(i)
	s.table.join(i, rejected)
}

// unlook destroys what a flow was looked at with.
func (s *Sieve) unlook(e *entry) {
	if e.look != 0 {
		s.destroy(s.looks.at(e.look))
		s.looks.give(e.look)
		e.look = 0
	}
}

// leave ends an entry: a selected one is handed on.
func (s *Sieve) leave(i uint32) {
	e := &s.table.entries[i]
	s.unlook(e)
	if e.hit == 0 {
		s.tally.Unselected.add(e.amount)
	} else {
		s.deliver(e)
		s.hits.release(e.hit)
		if e.facts != 0 {
			s.learned.give(e.facts)
		}
	}
	s.table.remove(i)
}

// deliver hands a record on and counts it.
func (s *Sieve) deliver(e *entry) {
	if s.err == nil && !s.aborted {
		s.fill(&s.out, e)
		s.err = s.emit(&s.out)
		if s.err == nil {
			ref := s.hits.list[e.hit].ref
			s.tally.Selected.add(e.amount)
			s.tally.Records++
			s.tally.BySelector[ref] = s.tally.BySelector[ref].Plus(e.amount)
			return
		}
	}
	s.tally.Unselected.add(e.amount)
}

// advance ends what waited long enough at a time of the packets' clock.
func (s *Sieve) advance(now int64) {
	if now >= s.frags.due {
		s.frags.expire(now)
	}
	for now >= s.table.due {
		i, due := s.table.first()
		if due > now {
			s.table.due = due
			return
		}
		if s.table.entries[i].queue == undecided {
			s.reject(i)
		} else {
			s.leave(i)
		}
	}
}

// hits are the selectors that found something, or would have.
type hits struct {
	set  *selector.Set
	byID map[selector.ID]uint32 // of set
	list []hit                  // 0 is none
	free []uint32
	old  int // flows found by lists that are no longer in force
}

// hit is one of them. It stays while flows refer to it, also when its list is no
// longer in force.
type hit struct {
	set     *selector.Set
	id      selector.ID
	ref     string
	expires int64 // 0: never
	flows   int
}

// swap begins with another list.
func (h *hits) swap(set *selector.Set) {
	if h.list == nil {
		h.list = make([]hit, 1)
	}
	for _, i := range h.byID {
		if h.list[i].flows == 0 {
			h.forget(i)
		}
	}
	h.set, h.byID, h.old = set, make(map[selector.ID]uint32), 0
	for i := range h.list {
		if h.list[i].set != set {
			h.old += h.list[i].flows
		}
	}
}

func (h *hits) forget(i uint32) {
	h.list[i] = hit{}
	h.free = append(h.free, i)
}

// of returns the place of a selector. One of a list that is no longer in force
// gets a place for each flow.
func (h *hits) of(set *selector.Set, id selector.ID) uint32 {
	if set == h.set {
		if i := h.byID[id]; i != 0 {
			return i
		}
	}
	i := uint32(len(h.list))
	if n := len(h.free); n > 0 {
		i, h.free = h.free[n-1], h.free[:n-1]
	} else {
		h.list = append(h.list, hit{})
	}
	h.list[i] = hit{set: set, id: id, ref: set.Ref(id), expires: set.Expires(id)}
	if set == h.set {
		h.byID[id] = i
	}
	return i
}

// inForce reports whether a selector of the list in force has not expired.
func (h *hits) inForce(id selector.ID, at int64) bool {
	e := h.set.Expires(id)
	return e == 0 || at < e
}

func (h *hits) expired(i uint32, at int64) bool {
	e := h.list[i].expires
	return e != 0 && at >= e
}

func (h *hits) hold(i uint32) {
	e := &h.list[i]
	if e.flows++; e.set != h.set {
		h.old++
	}
}

func (h *hits) release(i uint32) {
	e := &h.list[i]
	e.flows--
	if e.set != h.set {
		h.old--
	}
	if e.flows == 0 && (e.set != h.set || h.byID[e.id] != i) {
		h.forget(i)
	}
}
