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
	text  []byte   // folded values
	folds []folded // by place in row.Fields: where in text
	index *index

	epoch uint32   // counts rows; what was noted under another epoch is void
	truth []uint32 // by atom: 2*epoch, and 1 more if it is true
	asked []uint32 // by rule: the epoch in which it became a candidate
	tried []uint64 // by needle: the epoch and, for those to be run, the field in which it was last met
	first []chain  // by slot
	next  []int32  // by place in row.Fields: the next of the same slot, -1
	rules []uint32 // candidates
	work  int      // done for the row, as in maxWork
	stats Stats

	recent  recent
	seen    []uint64 // rows by plan
	from    [][]byte // of derive
	fits    []uint32 // classes that are for a row beyond what is remembered
	classes []bool   // the same as a set; nil for other rows
}

// folded is where the folded text of a field is, in the row of an epoch.
type folded struct{ epoch, from, to uint32 }

// chain is the first field of a slot in the row of an epoch.
type chain struct {
	epoch uint32
	at    int32
}

// maxWork bounds what is done for one row, so that none takes longer than some
// tenths of a second: bytes of values compared, 16 more for each value; for
// regular expressions 32 times that; 8 for each needle that the row's text leads
// to. Ordinary rows stay far below a thousandth of it. Rules for which no work is
// left do not fire, and the row is counted in Stats.Cut.
const maxWork = 256 << 20

// keepText is up to how many bytes the memory for the text of a row is kept.
const keepText = 1 << 20

// Stats counts what a Matcher did.
type Stats struct {
	Rows       uint64 // rows matched
	Beyond     uint64 // of them of more kinds than are remembered: slow
	Cut        uint64 // of them with more work than maxWork
	Candidates uint64 // rules of which a row showed a clue
	Hits       uint64 // rules that were true
}

// NewMatcher returns a Matcher of its own for one goroutine.
func (s *Set) NewMatcher() *Matcher {
	return &Matcher{set: s, truth: make([]uint32, len(s.atoms)), asked: make([]uint32, len(s.rules)), first: make([]chain, s.slotCount)}
}

// Stats returns the counts so far.
func (m *Matcher) Stats() Stats { return m.stats }

// Match appends the rules that are true for the row to hits, as places in
// [Set.Rules], in rising order. With routing it adds the fields to the row that
// rules know under other names than its source.
func (m *Matcher) Match(row *event.Row, hits []int) []int {
	m.stats.Rows++
	m.row, m.rules, m.classes = row, m.rules[:0], nil
	if m.set.router == nil {
		m.index = m.set.index
		m.begin()
	} else if !m.routed() {
		return hits
	}
	m.collect()
	from := len(hits)
	for _, r := range m.rules {
		if m.fires(r) {
			hits = append(hits, int(r))
		}
	}
	if m.work > maxWork {
		m.stats.Cut++
	}
	slices.Sort(hits[from:])
	m.stats.Candidates += uint64(len(m.rules))
	m.stats.Hits += uint64(len(hits) - from)
	return hits
}

// routed finds what the row is to be matched with and begins it. It reports
// false when no rule is for the row.
func (m *Matcher) routed() bool {
	p, k := m.route(m.row)
	if p != nil {
		for p.id >= len(m.seen) {
			m.seen = append(m.seen, 0)
		}
		m.seen[p.id]++
		if m.index = p.index; m.index.rules == 0 {
			return false
		}
		m.begin()
		m.derive(p.namings)
		return true
	}
	return m.beyond(k)
}

// beyond is routed for rows of which no plan is kept: it asks every route, and
// the index of all rules.
func (m *Matcher) beyond(k kind) bool {
	m.stats.Beyond++
	r := m.set.router
	m.fits = r.fit(m.fits[:0], k)
	m.index = m.set.whole()
	m.begin()
	m.derive(r.namings(k))
	m.classes = make([]bool, len(r.classes))
	for _, c := range m.fits {
		m.classes[c] = true
	}
	return true
}

// begin forgets the row before and notes where the fields of this one are.
func (m *Matcher) begin() {
	if m.epoch++; m.epoch == 1<<31 {
		clear(m.truth)
		clear(m.asked)
		clear(m.first)
		clear(m.tried)
		clear(m.folds)
		m.epoch = 1
	}
	if n := len(m.index.needles); n > len(m.tried) {
		m.tried = make([]uint64, n)
	}
	m.text, m.work = m.text[:0], 0
	if cap(m.text) > keepText && len(m.row.Text()) < keepText {
		m.text = nil
	}
	row, slotOf := m.row, m.set.slotOf
	m.grow(len(row.Fields))
	for i := len(row.Fields) - 1; i >= 0; i-- { // backwards, so that chains begin with the first
		if name := row.Fields[i].Name; int(name) < len(slotOf) && slotOf[name] != anySlot {
			m.link(i, slotOf[name])
		}
	}
}

// grow makes room for n fields.
func (m *Matcher) grow(n int) {
	if n > len(m.next) {
		m.next = append(m.next, make([]int32, n)...)
		m.folds = append(m.folds, make([]folded, n)...)
	}
}

// link puts field i before the others of its slot.
func (m *Matcher) link(i int, s slot) {
	m.grow(i + 1)
	c := &m.first[s]
	m.next[i] = -1
	if c.epoch == m.epoch {
		m.next[i] = c.at
	}
	*c = chain{m.epoch, int32(i)}
}

// at returns the place of the first field of a slot, -1 if the row has none.
func (m *Matcher) at(s slot) int32 {
	if c := m.first[s]; c.epoch == m.epoch {
		return c.at
	}
	return -1
}

// folded returns the folded text of field i. Only fields that are asked for are
// folded.
func (m *Matcher) folded(i int) []byte {
	f := &m.folds[i]
	if f.epoch != m.epoch {
		from := len(m.text)
		m.text = event.AppendFold(m.text, m.row.Value(i))
		*f = folded{m.epoch, uint32(from), uint32(len(m.text))}
	}
	return m.text[f.from:f.to:f.to]
}

// fires runs a rule.
func (m *Matcher) fires(rule uint32) bool {
	at, code := m.set.start[rule], m.set.code
	for at >= 0 {
		if m.work > maxWork {
			return false
		}
		in := &code[at]
		if m.holds(in.atom) {
			at = in.yes
		} else {
			at = in.no
		}
	}
	return at == fires
}
