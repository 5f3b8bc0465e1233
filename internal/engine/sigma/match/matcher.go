package match

import (
	"slices"

	"noroshi/internal/engine/event"
)

// Matcher matches rows against a Set. It is used by one goroutine at a time and
// allocates nothing once it has seen a few rows.
type Matcher struct {
	set   *Set
	row   *event.Row
	text  []byte // of the row, folded
	index *index

	epoch uint32   // counts rows; what was noted under another epoch is void
	truth []uint32 // by atom: 2*epoch, and 1 more if it is true
	asked []uint32 // by rule: the epoch in which it became a candidate
	tried []uint64 // by needle: the epoch and, for those to be run, the field in which it was last met
	first []chain  // by slot
	next  []int32  // by place in row.Fields: the next of the same slot, -1
	rules []uint32 // candidates
	hits  []int
	stats Stats
}

// chain is the first field of a slot in the row of an epoch.
type chain struct {
	epoch uint32
	at    int32
}

// Stats counts what a Matcher did.
type Stats struct {
	Rows       uint64 // rows matched
	Candidates uint64 // rules of which a row showed a clue
	Hits       uint64 // rules that were true
}

// NewMatcher returns a Matcher of its own for one goroutine.
func (s *Set) NewMatcher() *Matcher {
	return &Matcher{set: s, truth: make([]uint32, len(s.atoms)), asked: make([]uint32, len(s.rules)), tried: make([]uint64, len(s.index.needles)), first: make([]chain, s.slotCount)}
}

// Stats returns the counts so far.
func (m *Matcher) Stats() Stats { return m.stats }

// Match appends the rules that are true for the row to hits, as places in
// [Set.Rules], in rising order.
func (m *Matcher) Match(row *event.Row, hits []int) []int {
	m.begin(row)
	m.index = m.set.index
	m.collect()
	from := len(hits)
	for _, r := range m.rules {
		if m.fires(r) {
			hits = append(hits, int(r))
		}
	}
	slices.Sort(hits[from:])
	m.stats.Rows++
	m.stats.Candidates += uint64(len(m.rules))
	m.stats.Hits += uint64(len(hits) - from)
	return hits
}

// begin forgets the row before and notes where the fields of this one are.
func (m *Matcher) begin(row *event.Row) {
	if m.epoch++; m.epoch == 1<<31 {
		clear(m.truth)
		clear(m.asked)
		clear(m.first)
		m.epoch = 1
	}
	m.row, m.text, m.rules = row, row.FoldedText(), m.rules[:0]
	if cap(m.next) < len(row.Fields) {
		m.next = make([]int32, 2*len(row.Fields))
	}
	m.next = m.next[:cap(m.next)]
	slotOf := m.set.slotOf
	for i := len(row.Fields) - 1; i >= 0; i-- { // backwards, so that chains begin with the first
		name := row.Fields[i].Name
		if int(name) >= len(slotOf) || slotOf[name] == anySlot {
			continue
		}
		c := &m.first[slotOf[name]]
		m.next[i] = -1
		if c.epoch == m.epoch {
			m.next[i] = c.at
		}
		*c = chain{m.epoch, int32(i)}
	}
}

// at returns the place of the first field of a slot, -1 if the row has none.
func (m *Matcher) at(s slot) int32 {
	if c := m.first[s]; c.epoch == m.epoch {
		return c.at
	}
	return -1
}

// folded returns the folded text of field i.
func (m *Matcher) folded(i int) []byte {
	off, n := m.row.FoldedAt(i)
	return m.text[off : off+n : off+n]
}

// fires runs a rule.
func (m *Matcher) fires(rule uint32) bool {
	at, code := m.set.start[rule], m.set.code
	for at >= 0 {
		in := &code[at]
		if m.holds(in.atom) {
			at = in.yes
		} else {
			at = in.no
		}
	}
	return at == fires
}
