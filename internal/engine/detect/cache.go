package detect

// ways is how many slots a key may stand in.
const ways = 8

// cache is a bounded table from the hash of a key to a value: sets of eight
// slots, found by the hash. It doubles until it has max slots; from then on a
// new key takes, of its eight, the slot that was used least, and halves the
// uses of the others, so that what was busy long ago goes in the end. Two keys
// of one hash of 64 bits are taken for one. Fields are exported for saving.
type cache[V any] struct {
	Keys    []uint64 // 0: empty
	Uses    []uint32
	Vals    []V
	N       int // slots in use
	Max     int
	Evicted int64
	drop    func(*V) // told before a value goes
}

func newCache[V any](most int) cache[V] {
	size := ways
	for size*2 <= most {
		size *= 2
	}
	start := min(size, 1024)
	return cache[V]{Keys: make([]uint64, start), Uses: make([]uint32, start), Vals: make([]V, start), Max: size}
}

// find returns the value of a key, nil without. The pointer is good until the
// next at.
func (c *cache[V]) find(h uint64) *V {
	if h == 0 {
		h = 1
	}
	for i, end := c.set(h); i < end; i++ {
		if c.Keys[i] == h {
			return &c.Vals[i]
		}
	}
	return nil
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
			switch {
			case c.Keys[i] == h:
				if c.Uses[i]++; c.Uses[i] == 0 {
					c.Uses[i]--
				}
				return &c.Vals[i], false
			case c.Keys[i] == 0:
				if free < 0 {
					free = i
				}
			case least < 0 || c.Uses[i] < c.Uses[least]:
				least = i
			}
		}
		if free < 0 {
			if len(c.Keys) < c.Max {
				c.grow()
				continue
			}
			c.evict(from, end, least)
			free = least
		}
		c.Keys[free], c.Uses[free] = h, 1
		c.N++
		return &c.Vals[free], true
	}
}

func (c *cache[V]) evict(from, end, least int) {
	if c.drop != nil {
		c.drop(&c.Vals[least])
	}
	var zero V
	c.Vals[least] = zero
	c.Keys[least] = 0
	c.N--
	c.Evicted++
	for i := from; i < end; i++ {
		c.Uses[i] /= 2
	}
}

// set returns the slots that a key may stand in.
func (c *cache[V]) set(h uint64) (from, end int) {
	from = int((h>>32)&uint64(len(c.Keys)/ways-1)) * ways
	return from, from + ways
}

// grow doubles the table. A set of eight splits in two, so that all fits.
func (c *cache[V]) grow() {
	old := *c
	n := 2 * len(old.Keys)
	c.Keys, c.Uses, c.Vals = make([]uint64, n), make([]uint32, n), make([]V, n)
	for i, h := range old.Keys {
		if h == 0 {
			continue
		}
		k, end := c.set(h)
		for ; k < end && c.Keys[k] != 0; k++ {
		}
		c.Keys[k], c.Uses[k], c.Vals[k] = h, old.Uses[i], old.Vals[i]
	}
}

// each calls fn with all values, in the order of the table.
func (c *cache[V]) each(fn func(*V)) {
	for i, h := range c.Keys {
		if h != 0 {
			fn(&c.Vals[i])
		}
	}
}
