package match

import (
	"bytes"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// holds reports whether an atom is true for the row, of what is known already
// if possible.
func (m *Matcher) holds(id uint32) bool {
	switch m.truth[id] {
	case 2*m.epoch + 1:
		return true
	case 2 * m.epoch:
		return false
	}
	if m.index.decided[id>>6]&(1<<(id&63)) != 0 {
		return false // else the index had found it
	}
	truth := m.run(id)
	note := 2 * m.epoch
	if truth {
		note++
	}
	m.truth[id] = note
	return truth
}

// run runs an atom on the row.
func (m *Matcher) run(id uint32) bool {
	a := &m.set.atoms[id]
	if a.slot == anySlot {
		for i := range m.row.Fields {
			if m.row.Fields[i].Kind != event.Null && m.passes(a, i) {
				return true
			}
		}
		return false
	}
	i := m.at(a.slot)
	switch a.op {
	case opExists:
		return i >= 0
	case opNull:
		return m.null(i)
	}
	for ; i >= 0; i = m.next[i] {
		if m.row.Fields[i].Kind != event.Null && m.passes(a, int(i)) {
			return true
		}
	}
	return false
}

// null reports whether a field that begins at i is absent or null.
func (m *Matcher) null(i int32) bool {
	for ; i >= 0; i = m.next[i] {
		if m.row.Fields[i].Kind != event.Null {
			return false
		}
	}
	return true
}

// passes runs an atom on the value of field i, which is not null.
func (m *Matcher) passes(a *atom, i int) bool {
	m.work += 16 + int(m.row.Fields[i].Len)
	if a.op == opRef {
		return m.refers(a, i)
	}
	if a.op == opRegexp {
		text := m.folded(i)
		for _, n := range a.needs {
			if !n.in(text) {
				return false
			}
		}
	}
	if a.op == opSlow || a.op == opRegexp {
		m.work += 32 * (16 + int(m.row.Fields[i].Len))
		return a.slow(m.row.Value(i))
	}
	if a.cased {
		return a.compare(m.row.Value(i))
	}
	return a.compare(m.folded(i))
}

// refers compares the value of field i with those of another field.
func (m *Matcher) refers(a *atom, i int) bool {
	for k := m.at(a.ref); k >= 0; k = m.next[k] {
		if m.row.Fields[k].Kind == event.Null {
			continue
		}
		m.work += 16 + int(m.row.Fields[i].Len)
		text, with := m.folded(i), m.folded(int(k))
		if a.cased {
			text, with = m.row.Value(i), m.row.Value(int(k))
		}
		var ok bool
		switch a.test.How {
		case sigma.Whole:
			ok = bytes.Equal(text, with)
		case sigma.Contains:
			ok = bytes.Contains(text, with)
		case sigma.StartsWith:
			ok = bytes.HasPrefix(text, with)
		case sigma.EndsWith:
			ok = bytes.HasSuffix(text, with)
		}
		if ok {
			return true
		}
	}
	return false
}
