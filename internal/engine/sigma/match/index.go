package match

import (
	"cmp"
	"maps"
	"slices"
	"unicode/utf8"
)

// noAtom stands for a clue that is more than a test of its own.
const noAtom = ^uint32(0)

// index finds, for a row, the rules of a set that may be true: those of which
// the row shows a clue. It is not changed once it is built.
type index struct {
	slots   []slotIndex
	grams   *grams
	loose   *grams // needles of any field alone, for fields without their own; nil: grams
	values  *values
	needles []needle
	posted  []uint32 // rules of needles
	bySlot  []uint32 // needles to run when a field is there
	byRow   []uint32 // needles to run for each row
	always  []uint32 // rules that show no clue
	decided []uint64 // bit per atom: true exactly when the index found it
	rules   int      // that can be true
}

// slotIndex says what is looked for in one field.
type slotIndex struct {
	lens  uint64 // of whole values, a bit for each length, the last for 63 and more
	run   span   // in bySlot
	edges uint16 // a bit for each edge
	group byte   // bits of hints
}

// needle is what a clue leads to.
type needle struct {
	atom  uint32 // noAtom: nothing to run
	proof proof
	rules span // in posted
}

// proof is what follows when the text of a needle is in a value.
type proof uint8

const (
	toRun  proof = iota // the atom is to be run on the value
	sure                // the atom is true
	likely              // the rules may be true; the atom is dear and left to them
)

// builder makes one index.
type builder struct {
	set   *Set
	known func(atom uint32) (known, truth bool) // atoms whose truth all rows of the index share
	index *index
	clues map[clueKey]*found
	order []clueKey
}

// clueKey is what makes clues the same. Clues of one atom are always the same.
type clueKey struct {
	atom  uint32
	field bool // byField, of any atom of the slot
	slot  slot
}

type found struct {
	clue
	rules []uint32
}

// slotItem is a needle that is run when its field is there.
type slotItem struct {
	slot   slot
	needle uint32
}

// newBuilder returns a builder of an empty index. Known may be nil.
func (s *Set) newBuilder(known func(atom uint32) (known, truth bool)) *builder {
	if known == nil {
		known = func(uint32) (bool, bool) { return false, false }
	}
	return &builder{set: s, known: known, clues: map[clueKey]*found{}, index: &index{
		slots: make([]slotIndex, s.slotCount), decided: make([]uint64, len(s.atoms)/64+1)}}
}

// add notes the clues of rules, given in rising order.
func (b *builder) add(rules []uint32) {
	for _, r := range rules {
		w := b.witness(&b.set.trees[r], false)
		if !w.ok {
			b.index.always = append(b.index.always, r)
		}
		if !w.ok || len(w.clues) > 0 {
			b.index.rules++
		}
		for _, c := range w.clues {
			b.post(c, r)
		}
	}
}

func (b *builder) post(c clue, rule uint32) {
	key := clueKey{atom: c.atom}
	if c.how == byField {
		key, c.atom = clueKey{noAtom, true, c.slot}, noAtom
	}
	f := b.clues[key]
	if f == nil {
		f = &found{clue: c}
		b.clues[key], b.order = f, append(b.order, key)
	}
	if n := len(f.rules); n == 0 || f.rules[n-1] != rule {
		f.rules = append(f.rules, rule)
	}
}

// build turns what was posted into tables.
func (b *builder) build() {
	x := b.index
	var inText []gramItem
	var inValue []valueItem
	var inSlot []slotItem
	for _, key := range b.order {
		f := b.clues[key]
		n := uint32(len(x.needles))
		from := uint32(len(x.posted))
		x.posted = append(x.posted, f.rules...)
		x.needles = append(x.needles, needle{atom: f.atom, rules: span{from, uint32(len(x.posted))}})
		if f.atom != noAtom && !b.dear(f) {
			x.decided[f.atom>>6] |= 1 << (f.atom & 63)
		}
		switch f.how {
		case byRow:
			x.byRow = append(x.byRow, n)
		case bySlot, byField:
			inSlot = append(inSlot, slotItem{f.slot, n})
		case byEdge:
			inValue = append(inValue, valueItem{b.edge(f), n})
		case byGram:
			a := &b.set.atoms[f.atom]
			switch {
			case b.dear(f):
				x.needles[n].proof = likely
			case a.op == opContains && !a.cased:
				x.needles[n].proof = sure
			}
			for _, t := range f.texts {
				inText = append(inText, gramItem{slot: f.slot, needle: n, text: t})
			}
		}
	}
	x.values = newValues(inValue)
	inText, inSlot = fewShort(inText, inSlot)
	group := b.groups(inText)
	x.grams = newGrams(inText, group, b.set.rarity.place)
	anywhere := slices.DeleteFunc(inText, func(i gramItem) bool { return i.slot != anySlot })
	if loose := newGrams(anywhere, group, b.set.rarity.place); loose != nil && loose.sparse != nil && x.grams.dense != nil {
		x.loose = loose
	}
	slices.SortStableFunc(inSlot, func(a, b slotItem) int { return cmp.Compare(a.slot, b.slot) })
	for i, s := range inSlot {
		run := &x.slots[s.slot].run
		if run.to == 0 {
			run.from = uint32(i)
		}
		run.to = uint32(i + 1)
		x.bySlot = append(x.bySlot, s.needle)
	}
}

// dear reports whether the index leaves an atom to the rules.
func (b *builder) dear(f *found) bool {
	return f.how == byGram && b.set.atoms[f.atom].op == opRegexp
}

// maxShort is how many short needles are rather run where their field is there,
// so that the others can be found sparsely.
const maxShort = 4

// fewShort takes the needles with short texts out of inText when that helps.
func fewShort(inText []gramItem, inSlot []slotItem) ([]gramItem, []slotItem) {
	short := map[uint32]slot{}
	for _, i := range inText {
		if len(i.text) < gramSize+stride-1 {
			short[i.needle] = i.slot
		}
	}
	for _, s := range short {
		if s == anySlot || len(short) > maxShort || len(inText) > maxSparse {
			return inText, inSlot
		}
	}
	for _, n := range slices.Sorted(maps.Keys(short)) {
		inSlot = append(inSlot, slotItem{short[n], n})
	}
	return slices.DeleteFunc(inText, func(i gramItem) bool { _, ok := short[i.needle]; return ok }), inSlot
}

// edge notes for its field that an edge is looked up and returns its key.
func (b *builder) edge(f *found) uint64 {
	a, s := &b.set.atoms[f.atom], &b.index.slots[f.slot]
	text := []byte(fold(string(a.text)))
	s.edges |= 1 << f.edge
	switch n := widths[f.edge]; {
	case f.edge == whole:
		s.lens |= 1 << min(len(text), 63)
		return wholeKey(f.slot, text)
	case f.edge == letter:
		_, n = utf8.DecodeRune(text)
		text = text[:n]
	case f.edge >= tail1:
		text = text[len(text)-n:]
	default:
		text = text[:n]
	}
	return edgeKey(f.slot, f.edge, text)
}

// groups divides the fields that have needles into seven groups of about the
// same number of needles; the eighth is for needles of any field. It returns
// the group of a slot and notes for each slot the groups to look for.
func (b *builder) groups(items []gramItem) func(slot) byte {
	count := make([]int, len(b.index.slots))
	for _, i := range items {
		count[i.slot]++
	}
	var busy []slot
	for s := range count[1:] {
		if count[s+1] > 0 {
			busy = append(busy, slot(s+1))
		}
	}
	slices.SortStableFunc(busy, func(a, b slot) int { return count[b] - count[a] })
	group := make([]byte, len(count))
	var load [7]int
	for _, s := range busy {
		least := 0
		for g := range load {
			if load[g] < load[least] {
				least = g
			}
		}
		load[least] += count[s]
		group[s] = 1 << least
	}
	group[anySlot] = anyGroup
	for s := range b.index.slots {
		b.index.slots[s].group = group[s]
		if count[anySlot] > 0 {
			b.index.slots[s].group |= anyGroup
		} else if s == int(anySlot) {
			b.index.slots[s].group = 0
		}
	}
	return func(s slot) byte { return group[s] }
}

// bytes returns the memory of the index.
func (x *index) bytes() int {
	return 24*len(x.slots) + x.grams.bytes() + x.loose.bytes() + x.values.bytes() + 16*len(x.needles) +
		4*(len(x.posted)+len(x.bySlot)+len(x.byRow)+len(x.always)) + 8*len(x.decided)
}
