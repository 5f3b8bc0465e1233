package match

import (
	"cmp"
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
// A few needles of six bytes or more are each stood for by three bytes from four
// places beside each other, so that only every fourth place of the text is
// looked at (sparse).
//
// Bytes are taken with bit 5 set, in needles and in texts, so that letters are
// the same in both cases and text that is all ASCII need not be folded for it.
type grams struct {
	dense  *[1 << hintBits]byte // hints; arrays, so that no index needs a check
	fourth *[1 << hintBits]byte // the same of four bytes, asked where dense fits
	sparse *[1 << sparseBits]byte
	keys   []uint32 // open addressing
	lists  []span   // of the same place; a free place has an empty one
	items  []gramItem
}

const (
	hintBits   = 16
	sparseBits = 13
	maxSparse  = 256 // needles
	stride     = 4

	anyGroup byte = 1 << 7 // the bit of needles of any field
)

type span struct{ from, to uint32 }

// gramItem is one needle: how it lies around its three bytes.
type gramItem struct {
	slot   slot   // the field it is looked for in, anySlot for all
	before uint16 // bytes of the needle before the three
	needle uint32 // its place in index.needles
	text   string // the needle, folded
}

// hintAt returns the place in hints of the three lower bytes of g: the upper one
// is shifted out.
func hintAt(g uint32) uint32 { return g * (0x9E3779B1 << 8 & (1<<32 - 1)) >> (32 - hintBits) }

func fourthAt(g uint32) uint32 { return g * 0x9E3779B1 >> (32 - hintBits) }

func sparseAt(g uint32) uint32 { return hintAt(g) >> (hintBits - sparseBits) }

// newGrams makes the tables. The group of an item's slot is a bit in groupOf;
// rarest returns where the rarest grams of a text are, so many beside each other.
func newGrams(items []gramItem, groupOf func(slot) byte, rarest func(text string, run int) int) *grams {
	if len(items) == 0 {
		return nil
	}
	g := &grams{}
	short := slices.ContainsFunc(items, func(i gramItem) bool { return len(i.text) < gramSize+stride-1 })
	run := 1
	if !short && len(items) <= maxSparse {
		run, g.sparse = stride, new([1 << sparseBits]byte)
	} else {
		g.dense, g.fourth = new([1 << hintBits]byte), new([1 << hintBits]byte)
	}
	for _, i := range items {
		at := rarest(i.text, run)
		for k := range run {
			i.before = uint16(at + k)
			g.items = append(g.items, i)
		}
	}
	slices.SortStableFunc(g.items, func(a, b gramItem) int { return cmp.Compare(a.gram(), b.gram()) })
	size := 4
	for size < 2*len(g.items) {
		size *= 2
	}
	g.keys, g.lists = make([]uint32, size), make([]span, size)
	for from := 0; from < len(g.items); {
		key, to := g.items[from].gram(), from
		for to < len(g.items) && g.items[to].gram() == key {
			if group := groupOf(g.items[to].slot); g.sparse != nil {
				g.sparse[sparseAt(key)] |= group
			} else {
				g.dense[hintAt(key)] |= group
				g.follow(&g.items[to], group)
			}
			to++
		}
		at := g.place(key)
		g.keys[at], g.lists[at] = key, span{uint32(from), uint32(to)}
		from = to
	}
	return g
}

// follow notes which byte may follow the three of an item, any if it ends there.
func (g *grams) follow(i *gramItem, group byte) {
	if at := int(i.before) + gramSize; at < len(i.text) {
		g.fourth[fourthAt(i.gram()|uint32(i.text[at]|lowBit&0xFF)<<24)] |= group
		return
	}
	for c := range uint32(256) {
		g.fourth[fourthAt(i.gram()|(c|lowBit&0xFF)<<24)] |= group
	}
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
// len(text) when there is none. The call after that goes on at [grams.after].
func (g *grams) next(text []byte, i int, group byte) int {
	if g.sparse != nil {
		return g.nextSparse(text, i, group)
	}
	hints, fourth := g.dense, g.fourth
	for ; i+8 <= len(text); i += 4 {
		w := binary.LittleEndian.Uint64(text[i:]) | lowBit
		a := hints[hintAt(uint32(w))]
		b := hints[hintAt(uint32(w>>8))]
		c := hints[hintAt(uint32(w>>16))]
		d := hints[hintAt(uint32(w>>24))]
		if (a|b|c|d)&group == 0 {
			continue
		}
		if a&group != 0 && fourth[fourthAt(uint32(w))]&group != 0 {
			return i
		}
		if b&group != 0 && fourth[fourthAt(uint32(w>>8))]&group != 0 {
			return i + 1
		}
		if c&group != 0 && fourth[fourthAt(uint32(w>>16))]&group != 0 {
			return i + 2
		}
		if d&group != 0 && fourth[fourthAt(uint32(w>>24))]&group != 0 {
			return i + 3
		}
	}
	for ; i+gramSize <= len(text); i++ {
		if hints[hintAt(gramOf(text, i))]&group != 0 {
			return i
		}
	}
	return len(text)
}

func (g *grams) nextSparse(text []byte, i int, group byte) int {
	hints := g.sparse
	for ; i+16 <= len(text); i += 4 * stride {
		v := binary.LittleEndian.Uint64(text[i:]) | lowBit
		w := binary.LittleEndian.Uint64(text[i+8:]) | lowBit
		a := hints[sparseAt(uint32(v))]
		b := hints[sparseAt(uint32(v>>32))]
		c := hints[sparseAt(uint32(w))]
		d := hints[sparseAt(uint32(w>>32))]
		if (a|b|c|d)&group == 0 {
			continue
		}
		switch {
		case a&group != 0:
			return i
		case b&group != 0:
			return i + stride
		case c&group != 0:
			return i + 2*stride
		}
		return i + 3*stride
	}
	for ; i+gramSize <= len(text); i += stride {
		if hints[sparseAt(gramOf(text, i))]&group != 0 {
			return i
		}
	}
	return len(text)
}

// after returns the place to go on from after place i.
func (g *grams) after(i int) int {
	if g.sparse != nil {
		return i + stride
	}
	return i + 1
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
	n := 12*len(g.keys) + 32*len(g.items)
	if g.dense != nil {
		n += len(g.dense) + len(g.fourth)
	} else {
		n += len(g.sparse)
	}
	for i := range g.items {
		n += len(g.items[i].text)
	}
	return n
}
