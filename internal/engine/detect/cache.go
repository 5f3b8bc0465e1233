package detect

import "noroshi/internal/engine/memory"

// ways is how many slots a key may stand in.
const ways = 8

// pageSize is how many values are made at a time.
const pageSize = 256

// cache is a bounded table from the hash of a key to a value: sets of eight
// slots, found by the hash. It doubles until it has max slots; from then on a
// new key takes, of its eight, the slot that was used least. One time in eight,
// which is when a set has changed once on average, the uses of the others are
// halved, so that what was busy long ago goes in the end, and what comes back
// outlasts what comes once. Two keys
// of one hash of 64 bits are taken for one. A set is full long before the table
// is, so that the values stand apart: there are as many as keys, and they stay
// where they are when the table doubles.
type cache[V any] struct {
	Slots   []slot
	N       int // slots in use
	Max     int
	Evicted int64
	pages   []*[pageSize]V
	made    int32    // values, in all pages
	drop    func(*V) // told before a value goes
}

// slot is a key and where its value is.
type slot struct {
	Key  uint64 // 0: empty
	Uses uint32
	At   int32
}

func newCache[V any](most int) cache[V] {
	size := ways
	for size*2 <= most {
		size *= 2
	}
	return cache[V]{Slots: make([]slot, min(size, 1024)), Max: size}
}

// find returns the value of a key, nil without. The pointer is good until the
// next at.
func (c *cache[V]) find(h uint64) *V {
	if h == 0 {
		h = 1
	}
	for i, end := c.set(h); i < end; i++ {
		if c.Slots[i].Key == h {
			return c.value(i)
		}
	}
	return nil
}

// value is that of a slot.
func (c *cache[V]) value(i int) *V {
	at := c.Slots[i].At
	return &c.pages[at/pageSize][at%pageSize]
}

// at returns the value of a key, a zero one when it is fresh, and counts a use.
func (c *cache[V]) at(h uint64) (v *V, fresh bool) {
	if h == 0 {
		h = 1
	}
	for {
		free, least := -1, -1
		from, end := c.set(h)
		for i := from; i < end; i++ {
			switch s := &c.Slots[i]; {
			case s.Key == h:
				if s.Uses++; s.Uses == 0 {
					s.Uses--
				}
				return c.value(i), false
			case s.Key == 0:
				if free < 0 {
					free = i
				}
			case least < 0 || s.Uses < c.Slots[least].Uses:
				least = i
			}
		}
		switch {
		case free >= 0:
			c.put(free, h, 1)
		case len(c.Slots) < c.Max:
			c.grow()
			continue
		default:
			free = least
			c.evict(from, end, free)
			c.Slots[free].Key, c.Slots[free].Uses = h, 1
		}
		return c.value(free), true
	}
}

// put makes a value for a key in an empty slot.
func (c *cache[V]) put(i int, h uint64, uses uint32) {
	c.Slots[i] = slot{h, uses, c.make()}
	c.N++
}

// make makes a value and returns where it is.
func (c *cache[V]) make() int32 {
	if int(c.made) == len(c.pages)*pageSize {
		page := new([pageSize]V)
		memory.Large(page[:])
		c.pages = append(c.pages, page)
	}
	c.made++
	return c.made - 1
}

// evict empties the value of a slot, which the next key takes over.
func (c *cache[V]) evict(from, end, least int) {
	v := c.value(least)
	if c.drop != nil {
		c.drop(v)
	}
	var zero V
	*v = zero
	if c.Evicted++; c.Evicted%ways == 0 {
		for i := from; i < end; i++ {
			c.Slots[i].Uses /= 2
		}
	}
}

// set returns the slots that a key may stand in.
func (c *cache[V]) set(h uint64) (from, end int) {
	from = int((h>>32)&uint64(len(c.Slots)/ways-1)) * ways
	return from, from + ways
}

// grow doubles the table. A set of eight splits in two, so that all fits.
func (c *cache[V]) grow() {
	old := c.Slots
	c.Slots = make([]slot, 2*len(old))
	memory.Large(c.Slots)
	for _, s := range old {
		if s.Key == 0 {
			continue
		}
		k, end := c.set(s.Key)
		for ; k < end && c.Slots[k].Key != 0; k++ {
		}
		c.Slots[k] = s
	}
}

// each calls fn with all values, in the order of the table.
func (c *cache[V]) each(fn func(*V)) {
	for i := range c.Slots {
		if c.Slots[i].Key != 0 {
			fn(c.value(i))
		}
	}
}
