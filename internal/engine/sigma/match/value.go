package match

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// slot numbers the fields that rules name, in the order they are met.
// anySlot stands for no field in particular.
type slot uint16

const anySlot slot = 0

// edge says which part of a value is looked up: all of it, so many bytes at its
// start or at its end, or any letter in it that is not ASCII.
type edge uint8

const (
	whole edge = iota
	letter
	head1
	head2
	head3
	head4
	head8
	tail1
	tail2
	tail3
	tail4
	tail8
)

// widths are the bytes of heads and tails.
var widths = [...]int{head1: 1, head2: 2, head3: 3, head4: 4, head8: 8, tail1: 1, tail2: 2, tail3: 3, tail4: 4, tail8: 8}

// widest returns the widest edge, counted from head1 or tail1, that a text of n
// bytes has, n > 0.
func widest(first edge, n int) edge {
	if n >= 8 {
		return first + 4
	}
	return first + edge(min(n, 4)) - 1
}

// values finds texts that values are equal to, start with or end with: a hash
// of the field and of up to 16 bytes of the value is looked up, first in a
// bitmap that stays in the cache.
type values struct {
	bitmap []uint64
	mask   uint64 // of bits in bitmap
	keys   []uint64
	lists  []span
	items  []uint32 // places in index.needles
}

type valueItem struct {
	key    uint64
	needle uint32
}

func newValues(items []valueItem) *values {
	if len(items) == 0 {
		return nil
	}
	slices.SortStableFunc(items, func(a, b valueItem) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	v := &values{}
	size := 4
	for size < 2*len(items) {
		size *= 2
	}
	v.keys, v.lists = make([]uint64, size), make([]span, size)
	v.bitmap = make([]uint64, max(size*8/64, 1)) // at least 16 bits for each item
	v.mask = uint64(len(v.bitmap)*64 - 1)
	for from := 0; from < len(items); {
		key, to := items[from].key, from
		for to < len(items) && items[to].key == key {
			v.items = append(v.items, items[to].needle)
			to++
		}
		v.bitmap[key&v.mask>>6] |= 1 << (key & 63)
		at := v.place(key)
		v.keys[at], v.lists[at] = key, span{uint32(from), uint32(to)}
		from = to
	}
	return v
}

func (v *values) place(key uint64) uint64 {
	mask := uint64(len(v.keys) - 1)
	at := key >> 32 & mask
	for v.lists[at].to != 0 && v.keys[at] != key {
		at = (at + 1) & mask
	}
	return at
}

// list returns the needles of a key.
func (v *values) list(key uint64) []uint32 {
	if v.bitmap[key&v.mask>>6]&(1<<(key&63)) == 0 {
		return nil
	}
	s := v.lists[v.place(key)]
	return v.items[s.from:s.to]
}

func (v *values) bytes() int {
	if v == nil {
		return 0
	}
	return 8*len(v.bitmap) + 16*len(v.keys) + 4*len(v.items)
}

// edgeKey returns what the bytes of an edge hash to, 1 to 4 or 8 of them; those
// of ASCII the same folded or not.
func edgeKey(s slot, e edge, b []byte) uint64 {
	var w uint64
	switch len(b) {
	case 8:
		w = binary.LittleEndian.Uint64(b)
	case 4:
		w = uint64(binary.LittleEndian.Uint32(b))
	case 3:
		w = uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	case 2:
		w = uint64(b[0]) | uint64(b[1])<<8
	default:
		w = uint64(b[0])
	}
	return mix(w|lowBit, uint64(s)<<8|uint64(e))
}

// wholeKey returns what a whole value hashes to: its length and 16 of its bytes,
// of ASCII the same folded or not.
func wholeKey(s slot, value []byte) uint64 {
	n := len(value)
	seed := uint64(s)<<8 | uint64(n)<<24
	switch {
	case n >= 8:
		return mix(binary.LittleEndian.Uint64(value)|lowBit, seed^(binary.LittleEndian.Uint64(value[n-8:])|lowBit)*0xD6E8FEB86659FD93)
	case n >= 4:
		return mix(uint64(binary.LittleEndian.Uint32(value))|uint64(binary.LittleEndian.Uint32(value[n-4:]))<<32|lowBit, seed)
	case n > 0:
		return mix(uint64(value[0])|uint64(value[n/2])<<8|uint64(value[n-1])<<16|lowBit, seed)
	}
	return mix(0, seed)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xE7037ED1A0B428DB)
	return hi ^ lo
}
