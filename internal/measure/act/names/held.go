package names

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"noroshi/internal/measure/act/driver"
)

// Rank orders what may be said of a name, the strictest last.
type Rank uint8

// The ranks. Listed is of equipment that has one answer only.
const (
	Nothing Rank = iota
	Listed
	Walled
	NoData
	NoDomain
)

// Effect is what the equipment is told of a name, and of names below it.
type Effect struct{ Here, Below Rank }

// claim is what one order says of a name.
type claim struct {
	name  string
	order uint32 // place in the orders of the store
	word  uint8  // rank, and in the lowest bit whether of names below
}

func (c claim) compare(d claim) int {
	if c.name != d.name {
		return strings.Compare(c.name, d.name)
	}
	return cmp.Or(cmp.Compare(c.order, d.order), cmp.Compare(c.word, d.word))
}

// change adds a claim or takes it away.
type change struct {
	claim
	gone bool
}

// word packs what a rule says of its name.
func word(r *driver.Rule) uint8 {
	rank := Listed
	switch r.Answer {
	case driver.Walled:
		rank = Walled
	case driver.NoData:
		rank = NoData
	case driver.NoDomain:
		rank = NoDomain
	}
	w := uint8(rank) << 1
	if r.Below {
		w |= 1
	}
	return w
}

// rule is the rule that a claim came from.
func (c claim) rule(kind driver.Kind, order string) driver.Rule {
	return driver.Rule{
		Order: order, Kind: kind, Name: strings.Clone(c.name), Below: c.word&1 != 0,
		Answer: [...]driver.Answer{Walled: driver.Walled, NoData: driver.NoData, NoDomain: driver.NoDomain}[c.word>>1],
	}
}

// blockBytes is about how large a block is: small enough to copy for one new
// name, large enough that a million names need few.
const blockBytes = 4096

// block is a run of entries, sorted by name: length and bytes of the name,
// number of claims, then order and word of each. It never changes.
type block struct {
	first string
	data  []byte
}

// Held is a set of claims by name. It never changes; with makes the next one,
// which shares the blocks that stayed as they were.
type Held struct {
	blocks []block
	names  int
	claims int
}

// Names counts the names that are held.
func (h *Held) Names() int { return h.names }

// entry is one name of a block, its claims still packed.
type entry struct {
	name  []byte
	n     int
	claim []byte
}

// next cuts the first entry off a block's bytes, which are trusted.
func next(data []byte) (e entry, rest []byte) {
	e.name, data = data[1:1+data[0]], data[1+data[0]:]
	n, w := binary.Uvarint(data)
	data = data[w:]
	end := 0
	for range n {
		_, w := binary.Uvarint(data[end:])
		end += w + 1
	}
	e.n, e.claim = int(n), data[:end]
	return e, data[end:]
}

// claims unpacks the claims of an entry behind those that are in out.
func (e entry) claims(out []claim) []claim {
	for at := 0; at < len(e.claim); {
		order, w := binary.Uvarint(e.claim[at:])
		out = append(out, claim{order: uint32(order), word: e.claim[at+w]})
		at += w + 1
	}
	return out
}

func effect(claims []claim) (e Effect) {
	for _, c := range claims {
		if rank := Rank(c.word >> 1); c.word&1 != 0 {
			e.Below, e.Here = max(e.Below, rank), max(e.Here, rank)
		} else {
			e.Here = max(e.Here, rank)
		}
	}
	return e
}

// each tells every name in order with its claims, which have no name of their
// own, until yield returns false. Both are good until yield returns.
func (h *Held) each(yield func(name []byte, claims []claim) bool) {
	var claims []claim
	for _, b := range h.blocks {
		for data := b.data; len(data) > 0; {
			var e entry
			e, data = next(data)
			if claims = e.claims(claims[:0]); !yield(e.name, claims) {
				return
			}
		}
	}
}

// Each tells every name in order, until yield returns false. The bytes of the
// name are the Held's own.
func (h *Held) Each(yield func(name []byte, e Effect) bool) {
	h.each(func(name []byte, claims []claim) bool { return yield(name, effect(claims)) })
}

// Effect returns what is said of a name; it is zero when it is not held.
func (h *Held) Effect(name string) Effect {
	e, _ := h.find(name)
	return effect(e.claims(nil))
}

func (h *Held) find(name string) (entry, bool) {
	i, found := slices.BinarySearchFunc(h.blocks, name, func(b block, name string) int { return strings.Compare(b.first, name) })
	if !found {
		i--
	}
	if i < 0 {
		return entry{}, false
	}
	for data := h.blocks[i].data; len(data) > 0; {
		var e entry
		if e, data = next(data); string(e.name) == name {
			return e, true
		}
	}
	return entry{}, false
}

// with returns the set after changes, which are sorted. seen is told, in order,
// each name whose effect is no longer what it was; it may be nil. Changes that
// change nothing are passed over.
func (h *Held) with(changes []change, seen func(name string, before, after Effect)) *Held {
	b := builder{seen: seen, out: &Held{blocks: make([]block, 0, len(h.blocks)+1)}}
	b.out.names, b.out.claims = h.names, h.claims
	for i, old := range h.blocks {
		n := len(changes)
		if i+1 < len(h.blocks) {
			to := h.blocks[i+1].first
			n, _ = slices.BinarySearchFunc(changes, to, func(c change, to string) int { return strings.Compare(c.name, to) })
		}
		if n == 0 {
			b.cut()
			b.out.blocks = append(b.out.blocks, old)
			continue
		}
		b.merge(old.data, changes[:n])
		changes = changes[n:]
	}
	b.merge(nil, changes)
	b.cut()
	return b.out
}
