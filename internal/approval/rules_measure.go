package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"noroshi/internal/base/gate"
)

// MeasureKinds lists the kinds that let somebody act against a machine: one of
// the police (Police Duties Execution Act art 6-2), one of the self-defence
// forces (Self-Defense Forces Act art 81-3). They are asked for by the noun of
// measures alone, see [Service.Lay].
var MeasureKinds = []Kind{PolicePower, DefencePower}

// measures reports whether a kind lets somebody act against a machine.
func (k Kind) measures() bool { return slices.Contains(MeasureKinds, k) }

// plans reports whether a kind lets somebody carry out one plan, known by its
// digest, and nothing else.
func (k Kind) plans() bool { return k == OwnNetwork || k.measures() }

// given reports whether a kind is given in one act by another noun, whose rules
// were met before, and never asked of the commission.
func (k Kind) given() bool { return k == Agreement || k == OwnNetwork }

// selects reports whether a kind lets somebody select communications.
func (k Kind) selects() bool { return k != Reidentify && !k.plans() }

// handlers are the roles that carry out what was approved.
var handlers = map[Kind]gate.Role{PolicePower: gate.PoliceExecutive, DefencePower: gate.DefenceUnit, OwnNetwork: gate.Actuator}

// handler is the role that carries out what was approved of a kind.
func handler(k Kind) gate.Role {
	if r, ok := handlers[k]; ok {
		return r
	}
	return gate.OfficeHandler
}

// digested reports whether a text is a SHA-256 in hex.
func digested(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// measure checks an application to act against a machine.
func (r *Rules) measure(a Application, now time.Time) (Application, error) {
	var bad mistakes
	if !a.Kind.measures() {
		bad.add("kind", "approval.bad.kind")
		return a, bad.err()
	}
	a.Grounds = bad.text("grounds", a.Grounds, maxWords, true)
	a.NoOther = bad.text("no_other_means", a.NoOther, maxWords, true)
	a.Necessity = bad.text("necessity", a.Necessity, maxWords, true)
	r.period(&bad, &a, nil, now)
	if a.Measure == "" || !digested(a.Plan) {
		bad.add("plan", "approval.bad.hash")
	}
	return Application{Kind: a.Kind, From: a.From, Until: a.Until, Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity, Measure: a.Measure, Plan: a.Plan}, bad.err()
}
