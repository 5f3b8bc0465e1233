package tlog

import "slices"

// climb builds the tree above the leaves as they come, compares every tile
// with the one in the folder, and finally the root. It holds one tile per
// level, whatever the size of the log.
//
// Where the folder's tile disagrees with what was computed from below, its
// parent, or the root, tells which of the two was changed; climb goes on with
// the other one. So one change is one problem. If nobody can tell, climb goes
// on with what was computed. Either way a disagreement is a problem: when
// there is none, everything was computed from the entries.
type climb struct {
	*findings
	r      Reader
	root   Hash
	levels []*row // from level 1
	edge   [][]Hash
	holes  bool // a part of the edge is unknown
}

// row is the tile of a level that is being filled.
type row struct {
	index  uint64
	n      int
	lost   int // how many of the hashes are unknown
	known  [tileWidth]bool
	hashes [tileWidth]Hash
}

// push adds a hash to a level; known is false if it could not be computed.
func (c *climb) push(level int, h Hash, known bool) {
	for len(c.levels) < level {
		c.levels = append(c.levels, &row{})
	}
	w := c.levels[level-1]
	w.hashes[w.n], w.known[w.n] = h, known
	if !known {
		w.lost++
	}
	if w.n++; w.n == tileWidth {
		c.settleRow(level)
		w.index, w.n, w.lost = w.index+1, 0, 0
	}
}

// finish settles the partial tiles above the leaves and compares the root.
func (c *climb) finish() error {
	if c.r.size%tileWidth == 0 {
		c.edge = [][]Hash{nil}
	}
	for level := 1; hashesAt(c.r.size, level) > 0; level++ {
		c.edge = append(c.edge, nil)
		if c.levels[level-1].n > 0 {
			c.settleRow(level)
		}
	}
	if c.full() {
		return errTooMany
	}
	if c.holes {
		return nil // a problem has been named for each
	}
	if got := edgeRoot(c.edge); got != c.root {
		c.add(problem(Differs, CheckpointPath, "the entries have the root %v, not %v", got, c.root))
	}
	return nil
}

// settleRow settles the tile that a row of a level makes.
func (c *climb) settleRow(level int) {
	w := c.levels[level-1]
	hashes := w.hashes[:w.n]
	if w.lost == 0 {
		c.settle(level, w.index, hashes, true)
		return
	}
	// Unknown places are taken from the folder's tile; the others must agree.
	t := tileAt(c.r.size, level, w.index)
	stored := make([]Hash, t.Width)
	if err := c.r.tile(t, stored); err != nil {
		c.addError(err)
		c.goOn(t, hashes, false)
		return
	}
	for i := range hashes {
		if !w.known[i] {
			hashes[i] = stored[i]
		}
	}
	c.settle(level, w.index, hashes, true)
}

// settle compares a tile as computed from below with the folder's and goes on
// with the better one. If known is false nothing could be computed. It
// reports whether the computed hashes stood the test.
func (c *climb) settle(level int, index uint64, computed []Hash, known bool) bool {
	t := tileAt(c.r.size, level, index)
	stored := make([]Hash, t.Width)
	if err := c.r.tile(t, stored); err != nil {
		c.addError(err)
		c.goOn(t, computed, known)
		return known
	}
	if !known {
		c.goOn(t, stored, true)
		return false
	}
	if slices.Equal(stored, computed) {
		c.goOn(t, computed, true)
		return true
	}
	switch c.judge(t, stored, computed) {
	case storedIsRight:
		c.blameBelow(t, stored, computed)
		c.goOn(t, stored, true)
		return false
	case computedIsRight:
		i := firstDifference(stored, computed)
		c.add(problem(Differs, t.Path(), "hash %d is not that of what lies below; the tile was changed", i))
	default:
		i := firstDifference(stored, computed)
		c.add(problem(Differs, t.Path(), "hash %d is not that of what lies below, and neither agrees with the tile above", i))
		c.blameBelow(t, stored, computed)
	}
	c.goOn(t, computed, true)
	return true
}

func firstDifference(a, b []Hash) int {
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// oneByOne is how many changed entries of one bundle are named one by one. A
// bundle with more was replaced or shifted: that is one problem, and leaves
// room to find others.
const oneByOne = 8

// blameBelow names what lies below each hash that differs: entries, or tiles
// that were changed together with everything under them.
func (c *climb) blameBelow(t Tile, stored, computed []Hash) {
	if t.Level == 0 {
		n := 0
		for i := range stored {
			if stored[i] != computed[i] {
				n++
			}
		}
		if n > oneByOne {
			first := firstDifference(stored, computed)
			c.add(atEntry(Differs, t, first, "and %d more entries of the bundle do not hash to their leaves", n-1))
			return
		}
	}
	for i := range stored {
		if stored[i] == computed[i] {
			continue
		}
		if t.Level == 0 {
			c.add(atEntry(Differs, t, i, "does not hash to its leaf"))
		} else {
			below := Tile{t.Level - 1, t.Index*tileWidth + uint64(i), tileWidth}
			c.add(problem(Differs, below.Path(), "was changed together with the entries below: %s has another hash for it", t.Path()))
		}
		if c.full() {
			return
		}
	}
}

type verdict int

const (
	undecided verdict = iota
	storedIsRight
	computedIsRight
)

// judge asks the parent of a full tile, or the root for a partial one, which
// of two contents is right. It reads quietly: what is wrong with other tiles
// is said when their turn comes.
func (c *climb) judge(t Tile, stored, computed []Hash) verdict {
	var want, ifStored, ifComputed Hash
	if t.Width == tileWidth {
		at := tileAt(c.r.size, t.Level+1, t.Index/tileWidth)
		parent := make([]Hash, at.Width)
		if c.r.tile(at, parent) != nil {
			return undecided
		}
		want, ifStored, ifComputed = parent[t.Index%tileWidth], fold(stored), fold(computed)
	} else {
		edge, err := c.r.edge()
		if err != nil {
			return undecided
		}
		want, ifStored = c.root, edgeRoot(edge)
		edge[t.Level] = computed
		ifComputed = edgeRoot(edge)
	}
	switch want {
	case ifStored:
		return storedIsRight
	case ifComputed:
		return computedIsRight
	}
	return undecided
}

// goOn hands a settled tile on: the root of a full one to the level above, a
// partial one to the edge.
func (c *climb) goOn(t Tile, hashes []Hash, known bool) {
	if t.Width == tileWidth {
		var top Hash
		if known {
			top = fold(hashes)
		}
		c.push(t.Level+1, top, known)
		return
	}
	if !known {
		c.holes = true
		return
	}
	for len(c.edge) <= t.Level {
		c.edge = append(c.edge, nil)
	}
	c.edge[t.Level] = slices.Clone(hashes)
}
