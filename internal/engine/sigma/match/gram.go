package match

import (
	"encoding/binary"
	"slices"
)

// gramSize is how many bytes of a needle are looked for first. A shorter needle
// cannot be looked for in this way.
const gramSize = 3

// grams finds many needles in one pass over a text. Each needle is stood for by
// its rarest three bytes. At every place of the text a hash of three bytes picks
// one byte of hints, whose bits say for which groups of fields a needle with
// such bytes exists; the table stays in the cache whatever the number of rules.
// Only where a hint fits are the needles themselves compared.
//
// Bytes are taken with bit 5 set, in needles and in texts, so that letters are
// the same in both cases and text that is all ASCII need not be folded for it.
type grams struct {
	hints [1 << hintBits]byte // an array, so that no index needs a check
	keys  []uint32            // open addressing
	lists []span              // of the same place; a free place has an empty one
	items []gramItem
}

type span struct{ from, to uint32 }

// gramItem is one needle: how it lies around its three bytes.
type gramItem struct {
	slot   slot   // the field it is looked for in, anySlot for all
	before uint16 // bytes of the needle before the three
	needle uint32 // its place in index.needles
	text   string // the needle, folded
}

const hintBits = 16

// hintAt returns the place in hints of the three lower bytes of g: the upper one
// is shifted out.
func hintAt(g uint32) uint32 { return g * (0x9E3779B1 << 8 & (1<<32 - 1)) >> (32 - hintBits) }

// newGrams makes the tables. The group of an item's slot is a bit in groupOf.
func newGrams(items []gramItem, groupOf func(slot) byte) *grams {
	if len(items) == 0 {
		return nil
	}
	g := &grams{items: slices.Clone(items)}
	slices.SortStableFunc(g.items, func(a, b gramItem) int {
		return int(int64(a.gram()) - int64(b.gram()))
	})
	size := 4
	for size < 2*len(items) {
		size *= 2
	}
	g.keys, g.lists = make([]uint32, size), make([]span, size)
	for from := 0; from < len(g.items); {
		key, to := g.items[from].gram(), from
		for to < len(g.items) && g.items[to].gram() == key {
			g.hints[hintAt(key)] |= groupOf(g.items[to].slot)
			to++
		}
		at := g.place(key)
		g.keys[at], g.lists[at] = key, span{uint32(from), uint32(to)}
		from = to
	}
	return g
}

func (i *gramItem) gram() uint32 {
	return gramAt(i.text, int(i.before))
}

// lowBit is bit 5 in each byte: set, it makes a capital of ASCII small.
const lowBit = 0x2020202020202020

// gramAt returns the three bytes of text at i as a number, gramOf of bytes.
func gramAt(text string, i int) uint32 {
	return (uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16) | lowBit&0xFFFFFF
}

func gramOf(text []byte, i int) uint32 {
	return (uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16) | lowBit&0xFFFFFF
}

// place returns where key is in keys or would be put.
func (g *grams) place(key uint32) uint32 {
	mask := uint32(len(g.keys) - 1)
	at := key * 0x9E3779B1 >> 7 & mask
	for g.lists[at].to != 0 && g.keys[at] != key {
		at = (at + 1) & mask
	}
	return at
}

// next returns the first place from i on where a hint has a bit of group, or
// len(text) when there is none. text[i:] is looked at four places at a time.
func (g *grams) next(text []byte, i int, group byte) int {
	hints := &g.hints
	for ; i+8 <= len(text); i += 4 {
		w := binary.LittleEndian.Uint64(text[i:]) | lowBit
		a := hints[hintAt(uint32(w))]
		b := hints[hintAt(uint32(w>>8))]
		c := hints[hintAt(uint32(w>>16))]
		d := hints[hintAt(uint32(w>>24))]
		if (a|b|c|d)&group == 0 {
			continue
		}
		switch {
		case a&group != 0:
			return i
		case b&group != 0:
			return i + 1
		case c&group != 0:
			return i + 2
		}
		return i + 3
	}
	for ; i+gramSize <= len(text); i++ {
		if hints[hintAt(gramOf(text, i))]&group != 0 {
			return i
		}
	}
	return len(text)
}

// list returns the needles whose three bytes are at text[i:].
func (g *grams) list(text []byte, i int) []gramItem {
	s := g.lists[g.place(gramOf(text, i))]
	return g.items[s.from:s.to]
}

// bytes returns the memory of the tables.
func (g *grams) bytes() int {
	if g == nil {
		return 0
	}
	n := len(g.hints) + 12*len(g.keys) + 32*len(g.items)
	for i := range g.items {
		n += len(g.items[i].text)
	}
	return n
}
