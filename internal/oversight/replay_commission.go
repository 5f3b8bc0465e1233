package oversight

import "slices"

// theCommission is the body that examines and votes: one for the whole log. Who
// replays it may know it beforehand; otherwise it is the first that acts as the
// commission and has asked for nothing.
type theCommission struct {
	org    person
	name   string
	since  uint64   // entry by which it became known
	pinned bool     // it was known beforehand
	askers []person // bodies that asked for power
}

// maxAskers bounds the bodies that are remembered as asking: there are as many as
// may ask by law.
const maxAskers = 10_000

// Pin says which organisation is the commission, by its pseudonym in the log.
// Call it before the first entry.
func (r *Replay) Pin(org string) {
	if org != "" {
		r.commission = theCommission{org: r.who([]byte(org)), name: org, pinned: true}
	}
}

// asks writes down that a body asks for power: the commission never does.
func (r *Replay) asks(org person) {
	m := &r.commission
	if r.checked[ruleBodies]++; m.org != 0 && org == m.org {
		r.violate(ruleBodies, "bodies_asks", string(r.e.object), m.shown())
	}
	if !slices.Contains(m.askers, org) && len(m.askers) < maxAskers {
		m.askers = append(m.askers, org)
	}
}

// body checks that who acts for the commission is of it, and not of the body that
// asked.
func (r *Replay) body(asked person, entry uint64) {
	m, org := &r.commission, r.who(r.e.org)
	if !r.checkAt(ruleBodies, org != asked, "bodies", []uint64{entry}) {
		return
	}
	if m.org == 0 && !slices.Contains(m.askers, org) {
		m.org, m.name, m.since = org, string(r.e.org), r.e.index
	}
	if r.checked[ruleBodies]++; org != m.org {
		r.violate(ruleBodies, "bodies_other", string(r.e.object), m.shown())
	}
}

// shown is the entry by which the commission is known.
func (m *theCommission) shown() []uint64 {
	if m.org == 0 || m.pinned {
		return nil
	}
	return []uint64{m.since}
}
