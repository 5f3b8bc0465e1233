package oversight

import (
	"bytes"
	"slices"

	"noroshi/internal/approval"
)

// lostEnd is the end of a power that a log no longer says.
type lostEnd struct {
	verb    string
	entry   uint64 // its place in the old copy
	of      id     // the case, or the agreement
	consent id     // that was withdrawn
}

// end writes down an end among entries that are lost: a revocation, a withdrawal, a
// refusal, the end of an agreement, or a consent that was taken back.
func (l *Loss) end(e *entry) {
	_, x, ok := about(e.object)
	d := lostEnd{verb: string(e.verb), entry: e.index, of: x}
	switch d.verb {
	case "approval.revoke", "approval.withdraw", "agreement.end":
	case "approval.decide":
		ok = ok && string(e.text("to")) == string(approval.Declined)
	case "agreement.consent":
		had := false
		d.consent, had = idOf(bytes.Clone(e.text("withdrawn")))
		ok = ok && had
	default:
		return
	}
	if ok {
		l.ends = append(l.ends, d)
	}
}

// carry ends, from the place on at which a log was put back, what lost entries ended:
// to forget a revocation does not bring the approval back.
func (r *Replay) carry() {
	r.lost = slices.DeleteFunc(r.lost, func(l Loss) bool {
		if r.e.index < l.From {
			return false
		}
		for _, d := range l.ends {
			if c := r.cases[d.of]; c != nil {
				c.lost = true
			}
			a := r.agreements[d.of]
			switch {
			case a == nil:
			case d.verb == "agreement.consent":
				if c, had := a.consents[d.consent]; had {
					c.withdrawn = true
					a.consents[d.consent] = c
				}
			default:
				a.over = true
				for _, g := range a.grants {
					g.lost = true
				}
			}
		}
		return true
	})
}
