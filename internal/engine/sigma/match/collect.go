package match

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// collect fills m.rules with the candidates: rules of which the row shows a
// clue, each once.
func (m *Matcher) collect() {
	x := m.index
	slotOf := m.set.slotOf
	for i := range m.row.Fields {
		f := &m.row.Fields[i]
		var s slot
		if int(f.Name) < len(slotOf) {
			s = slotOf[f.Name]
		}
		si := &x.slots[s]
		if f.Kind == event.Null || si.edges == 0 && si.group == 0 {
			continue
		}
		value := m.row.Value(i)
		plain := ascii(value)
		if !plain {
			value = m.folded(i)
		}
		if si.edges != 0 {
			m.edges(x.values, si, s, value, i)
			if !plain && si.edges&(1<<letter) != 0 {
				m.letters(x.values, s, value, i)
			}
		}
		if si.group != 0 && len(value) >= gramSize {
			g := x.grams
			if si.group == anyGroup && x.loose != nil {
				g = x.loose
			}
			m.scan(g, si.group, s, value, i)
		}
	}
	if len(x.bySlot) > 0 {
		m.bySlot()
	}
	for _, n := range x.byRow {
		m.try(n)
	}
	for _, r := range x.always {
		m.candidate(r)
	}
}

// ascii reports whether text is all ASCII.
func ascii(text []byte) bool {
	for len(text) >= 16 {
		if (binary.LittleEndian.Uint64(text)|binary.LittleEndian.Uint64(text[8:]))&0x8080808080808080 != 0 {
			return false
		}
		text = text[16:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// bySlot runs the needles that only ask for the presence of their field, once
// for each field.
func (m *Matcher) bySlot() {
	x, slotOf := m.index, m.set.slotOf
	for i := range m.row.Fields {
		name := m.row.Fields[i].Name
		if int(name) >= len(slotOf) {
			continue
		}
		s := slotOf[name]
		run := x.slots[s].run
		if run.to == 0 || m.first[s].at != int32(i) {
			continue
		}
		for _, n := range x.bySlot[run.from:run.to] {
			m.try(n)
		}
	}
}

// edges looks up the value of field i, its heads, tails and letters.
func (m *Matcher) edges(v *values, si *slotIndex, s slot, value []byte, i int) {
	n := len(value)
	if si.lens&(1<<min(n, 63)) != 0 {
		m.compare(v.list(wholeKey(s, value)), i)
	}
	for set := si.edges &^ (1<<whole | 1<<letter); set != 0; set &= set - 1 {
		e := edge(bits.TrailingZeros16(set))
		w := widths[e]
		if w > n {
			continue
		}
		b := value[:w]
		if e >= tail1 {
			b = value[n-w:]
		}
		if list := v.list(edgeKey(s, e, b)); len(list) > 0 {
			m.compare(list, i)
		}
	}
}

// letters looks up every letter of the value of field i that is not ASCII.
func (m *Matcher) letters(v *values, s slot, value []byte, i int) {
	for at := 0; at < len(value); {
		if at+8 <= len(value) && binary.LittleEndian.Uint64(value[at:])&0x8080808080808080 == 0 {
			at += 8
			continue
		}
		if value[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, n := utf8.DecodeRune(value[at:])
		if n > 1 {
			m.compare(v.list(edgeKey(s, letter, value[at:at+n])), i)
		}
		at += n
	}
}

// compare compares the value of field i with the needles.
func (m *Matcher) compare(needles []uint32, i int) {
	for _, n := range needles {
		nd := &m.index.needles[n]
		a := &m.set.atoms[nd.atom]
		if m.truth[nd.atom] == 2*m.epoch+1 {
			continue
		}
		if m.passes(a, i) {
			m.found(nd)
		}
	}
}

// scan goes through the value of field i and compares the needles whose three
// bytes turn up.
func (m *Matcher) scan(g *grams, group byte, s slot, value []byte, i int) {
	for at := g.next(value, 0, group); at < len(value); at = g.next(value, g.after(at), group) {
		list := g.list(value, at)
		if m.work += 8 * len(list); m.work > maxWork {
			return // no rule fires any more
		}
		for k := range list {
			it := &list[k]
			from := at - int(it.before)
			if it.slot != s && it.slot != anySlot || from < 0 || len(value)-from < len(it.text) {
				continue
			}
			if text := m.folded(i); string(text[from:from+len(it.text)]) != it.text {
				continue
			}
			m.proves(it.needle, i)
		}
	}
}

// proves draws what follows from the text of a needle in field i, once.
func (m *Matcher) proves(needle uint32, i int) {
	nd := &m.index.needles[needle]
	if nd.proof == toRun {
		if tried := uint64(m.epoch)<<32 | uint64(i); m.truth[nd.atom] == 2*m.epoch+1 || m.tried[needle] == tried {
			return
		} else if m.tried[needle] = tried; !m.passes(&m.set.atoms[nd.atom], i) {
			return
		}
	} else if m.tried[needle]>>32 == uint64(m.epoch) {
		return
	}
	m.tried[needle] = uint64(m.epoch) << 32
	m.found(nd)
}

// try runs the atom of a needle on the whole row.
func (m *Matcher) try(n uint32) {
	nd := &m.index.needles[n]
	if nd.atom == noAtom || m.run(nd.atom) {
		m.found(nd)
	}
}

// found notes that the atom of a needle is true and that its rules may be.
func (m *Matcher) found(nd *needle) {
	if nd.atom != noAtom && nd.proof != likely {
		m.truth[nd.atom] = 2*m.epoch + 1
	}
	for _, r := range m.index.posted[nd.rules.from:nd.rules.to] {
		m.candidate(r)
	}
}

func (m *Matcher) candidate(r uint32) {
	if m.asked[r] != m.epoch && (m.classes == nil || m.classes[m.set.router.classOf[r]]) {
		m.asked[r] = m.epoch
		m.rules = append(m.rules, r)
	}
}
