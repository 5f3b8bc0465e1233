package oversight

import (
	"slices"

	"noroshi/internal/approval"
)

// theAgreement is an agreement as entries show it: its words stay secret, and
// whether an answer was yes or no.
type theAgreement struct {
	org      person // that proposed it
	answered []person
	talked   []stood // for the body that proposed
	grants   []*theCase
	over     bool
	consents map[id]consented
	entry    uint64
}

// consented is a consent to another purpose.
type consented struct {
	by        person // the organisation that gave it
	until     int64
	withdrawn bool
}

func (r *Replay) agreementOf() *theAgreement {
	noun, x, _ := about(r.e.object)
	a := r.agreements[x]
	if !r.check(ruleAgreement, a != nil && string(noun) == "agreement", "agreement_unknown") {
		return nil
	}
	return a
}

func (r *Replay) propose() {
	_, x, ok := about(r.e.object)
	if !r.check(ruleAgreement, ok && r.agreements[x] == nil, "agreement_again") {
		return
	}
	a := &theAgreement{org: r.who(r.e.org), entry: r.e.index, consents: map[id]consented{}}
	a.talk(r.who(r.e.who), r.e.index)
	r.agreements[x] = a
}

// talk writes down who conducts the agreement for the body that proposed it.
func (a *theAgreement) talk(who person, entry uint64) {
	for _, p := range a.talked {
		if p.who == who {
			return
		}
	}
	a.talked = append(a.talked, stood{who: who, side: asker, entry: entry})
}

// agree is an answer of the party, or words of the body that proposed.
func (r *Replay) agree() {
	a := r.agreementOf()
	if a == nil {
		return
	}
	org := r.who(r.e.org)
	if string(r.e.verb) == "agreement.settle" {
		r.checkAt(ruleAgreement, org == a.org, "agreement_side", []uint64{a.entry})
		a.talk(r.who(r.e.who), r.e.index)
		return
	}
	r.checkAt(ruleAgreement, org != a.org && !a.over, "agreement_side", []uint64{a.entry})
	for _, p := range a.answered {
		if p == org {
			return
		}
	}
	a.answered = append(a.answered, org)
}

// issue is an approval to select that an agreement gives: only after its party
// answered, and before its end. What was issued before ends with it.
func (r *Replay) issue() {
	a := r.agreementOf()
	if a == nil {
		return
	}
	x, ok := idOf(r.e.text("approval"))
	party, heard := r.who(r.e.text("party")), false
	for _, p := range a.answered {
		heard = heard || p == party
	}
	r.checkAt(ruleAgreement, ok && r.cases[x] == nil && string(r.e.grant) == string(x[:]) && string(r.e.text("kind")) == string(approval.Agreement) && !a.over && heard && r.who(r.e.org) == a.org && party != a.org,
		"agreement_issue", []uint64{a.entry})
	if !ok || r.cases[x] != nil {
		return
	}
	for _, g := range a.grants {
		r.recall(g)
	}
	c := &theCase{kind: approval.Agreement, state: approval.Approved, org: r.who(r.e.org), from: r.e.time("from_at"), until: r.e.time("until_at"), cap: amount{r.e.number("packets"), r.e.number("bytes")},
		retain: r.e.number("retain_days"), agreement: a, party: party, asked: a.entry, decided: r.e.index, name: x}
	copy(c.order[:], r.e.text("order"))
	copy(c.selectors[:], r.e.text("selectors"))
	r.checkAt(ruleBounds, c.cap != amount{}, "no_cap", []uint64{a.entry})
	r.asks(c.org)
	months := r.kinds.Row(approval.Agreement, "months").Value
	r.checkAt(ruleBounds, c.until <= last(c.from, months) && c.until > r.e.at, "months", []uint64{a.entry}, "months", months)
	r.checkAt(ruleBounds, c.retain <= uint64(r.kinds.Row(approval.Agreement, "retain_days").Value), "retain", []uint64{a.entry}, "days", r.kinds.Row(approval.Agreement, "retain_days").Value)
	c.people = append(c.people, a.talked...)
	r.stand(c, asker)
	r.cases[x], a.grants = c, append(a.grants, c)
	r.tally.count(r.e.at, keyIssued, "", x)
}

func (r *Replay) recall(c *theCase) {
	if c.state == approval.Approved {
		c.state, c.endedAt = approval.Revoked, r.e.at
	}
}

// endAgreement ends an agreement, and what it issued.
func (r *Replay) endAgreement() {
	a := r.agreementOf()
	if a == nil {
		return
	}
	for _, g := range a.grants {
		r.recall(g)
	}
	a.over = true
}

// consent is one of the party to another purpose, or its withdrawal.
func (r *Replay) consent() {
	a := r.agreementOf()
	if a == nil {
		return
	}
	org := r.who(r.e.org)
	if x, ok := idOf(r.e.text("withdrawn")); ok {
		c := a.consents[x]
		if r.checkAt(ruleConsent, c.by != 0 && c.by == org, "consent_other", []uint64{a.entry}) {
			c.withdrawn = true
			a.consents[x] = c
		}
		return
	}
	x, ok := idOf(r.e.text("consent"))
	answered := slices.Contains(a.answered, org)
	if len(a.grants) > 0 { // whose communications it is about is known by now
		answered = slices.ContainsFunc(a.grants, func(g *theCase) bool { return g.party == org })
	}
	until := r.e.time("until")
	if r.checkAt(ruleConsent, ok && org != a.org && answered && a.consents[x].by == 0 && !a.over && until > r.e.at, "consent", []uint64{a.entry}) {
		a.consents[x] = consented{by: org, until: until}
	}
}
