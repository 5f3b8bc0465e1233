package oversight

import (
	"slices"

	"noroshi/internal/approval"
)

// side is where somebody stands in a case. Whoever asks questions does so for
// the commission, as an examiner or a member.
type side uint8

const (
	asker side = iota + 1
	examiner
	member
	commission
	handler
	carrier
)

// apart reports whether one person may not stand on both sides.
func apart(a, b side) bool {
	if a == b || a == commission && (b == examiner || b == member) || b == commission && (a == examiner || a == member) {
		return false
	}
	return true
}

type stood struct {
	who   person
	side  side
	voted int8 // 1 for, -1 against
	entry uint64
}

// theCase is an approval as entries show it.
type theCase struct {
	kind      approval.Kind
	state     approval.State
	org       person // that asked
	from      int64
	until     int64
	cap       amount
	retain    uint64 // days
	order     [64]byte
	selectors [64]byte
	subject   id // the run whose pseudonyms are to be opened
	extends   *theCase
	extended  bool
	people    []stood
	open      int // questions without an answer
	endedAt   int64
	taken     amount
	going     int // runs
	agreement *theAgreement
	party     person // of the agreement, to whom it was issued
	holders   [2]person
	took      [2]bool
	asked     uint64 // entries
	decided   uint64
	name      id
	lost      bool // an entry that is lost ended it
}

// inForce reports whether an approval is in force at an instant.
func (c *theCase) inForce(at int64) bool {
	return c.state == approval.Approved && !c.lost && at >= c.from && at < c.until
}

// ends is when what runs on an approval has to stop.
func (c *theCase) ends() int64 {
	if c.endedAt != 0 && c.endedAt < c.until {
		return c.endedAt
	}
	return c.until
}

// caseOf returns the case that the entry's object names.
func (r *Replay) caseOf() *theCase {
	noun, x, ok := about(r.e.object)
	c := r.cases[x]
	if !r.check(ruleSteps, ok && string(noun) == "approval" && c != nil, "case_unknown") {
		return nil
	}
	return c
}

// stand writes down that who acts stands on a side, and checks the others.
func (r *Replay) stand(c *theCase, s side) {
	who := r.who(r.e.who)
	clash := slices.IndexFunc(c.people, func(p stood) bool { return p.who == who && apart(p.side, s) })
	if clash < 0 {
		r.checked[ruleSides]++
	} else {
		r.checkAt(ruleSides, false, "sides", []uint64{c.people[clash].entry})
	}
	if slices.ContainsFunc(c.people, func(p stood) bool { return p.who == who && p.side == s }) {
		return
	}
	c.people = append(c.people, stood{who: who, side: s, entry: r.e.index})
}

// step moves a case, and checks that its state and what the entry says of it
// agree.
func (r *Replay) step(c *theCase, to approval.State, from ...approval.State) bool {
	ok := string(r.e.text("from")) == string(c.state) && string(r.e.text("to")) == string(to) && (string(r.e.text("kind")) == string(c.kind) || c.kind == unknownKind)
	if ok {
		ok = false
		for _, f := range from {
			ok = ok || f == c.state
		}
	}
	if r.checkAt(ruleSteps, ok, "case_step", []uint64{c.asked}, "from", string(c.state), "to", string(to)) {
		c.state = to
	}
	return ok
}

func (r *Replay) ask() {
	noun, x, ok := about(r.e.object)
	if !r.check(ruleSteps, ok && string(noun) == "approval" && r.cases[x] == nil && string(r.e.text("to")) == string(approval.Asked), "case_again") {
		return
	}
	c := &theCase{kind: approval.Kind(r.e.text("kind")), state: approval.Asked, org: r.who(r.e.org), from: r.e.time("from_at"), until: r.e.time("until_at"),
		cap: amount{r.e.number("packets"), r.e.number("bytes")}, retain: r.e.number("retain_days"), asked: r.e.index, name: x}
	if !r.checkAt(ruleBounds, slices.Contains(approval.Kinds, c.kind), "kind_unknown", nil) {
		c.kind = unknownKind
	}
	copy(c.selectors[:], r.e.text("selectors"))
	c.subject, _ = idOf(r.e.text("run"))
	if c.kind != approval.Reidentify {
		r.check(ruleBounds, c.cap != amount{}, "no_cap")
	}
	r.cases[x] = c
	r.asks(c.org)
	r.stand(c, asker)
	r.tally.count(r.e.at, keyAsked, c.counted(len(r.e.text("extends")) > 0), x)
	if base := r.e.text("extends"); len(base) > 0 {
		y, _ := idOf(base)
		b := r.cases[y]
		if r.check(ruleExtension, b != nil, "extends_unknown") {
			r.checkAt(ruleExtension, b.inForce(r.e.at) && c.from == b.until && b.kind == c.kind && b.org == c.org, "extends_base", []uint64{b.asked})
			r.checkAt(ruleExtension, !b.extended, "extends_twice", []uint64{b.asked})
			b.extended, c.extends = true, b
		}
	}
}

// laid is a case that the act of a measure lays before the commission: from then
// on it is one like any other. Of the measure itself nothing is replayed.
func (r *Replay) laid() {
	x, ok := idOf(r.e.text("approval"))
	kind := approval.Kind(r.e.text("kind"))
	if !r.check(ruleFacts, ok && slices.Contains(approval.MeasureKinds, kind), "fact", "fact", "kind") || !r.check(ruleSteps, r.cases[x] == nil, "case_again") {
		return
	}
	c := &theCase{kind: kind, state: approval.Asked, org: r.who(r.e.org), from: r.e.at / second * second, until: r.e.time("window_until") / second * second,
		asked: r.e.index, name: x}
	r.cases[x] = c
	r.asks(c.org)
	r.stand(c, asker)
	r.tally.count(r.e.at, keyAsked, c.counted(false), x)
}

// talk is what changes no state: it needs a case that is not decided.
func (r *Replay) talk(s side) *theCase {
	c := r.caseOf()
	if c == nil || !r.checkAt(ruleSteps, c.state == approval.Asked || c.state == approval.Examined, "case_talk", []uint64{c.asked}, "state", string(c.state)) {
		return nil
	}
	r.stand(c, s)
	return c
}

func (r *Replay) question() {
	if c := r.talk(commission); c != nil {
		r.body(c.org, c.asked)
		c.open++
	}
}

func (r *Replay) answer() {
	if c := r.talk(asker); c != nil {
		c.open = 0
	}
}

func (r *Replay) examine() {
	c := r.caseOf()
	if c == nil || !r.step(c, approval.Examined, approval.Asked) {
		return
	}
	r.stand(c, examiner)
	r.body(c.org, c.asked)
	r.checkAt(ruleQuestions, c.open == 0, "open_question", []uint64{c.asked}, "n", c.open)
}

func (r *Replay) vote() {
	c := r.caseOf()
	if c == nil || !r.checkAt(ruleSteps, c.state == approval.Examined, "case_vote", []uint64{c.asked}, "state", string(c.state)) {
		return
	}
	r.stand(c, member)
	r.body(c.org, c.asked)
	choice, who := int8(-1), r.who(r.e.who)
	if string(r.e.text("choice")) == string(approval.For) {
		choice = 1
	}
	voted := uint64(0)
	for i := range c.people {
		p := &c.people[i]
		if p.who == who && p.side == member {
			p.voted = choice
		}
		if p.voted != 0 {
			voted++
		}
	}
	r.checkAt(ruleVotes, r.e.number("votes") == voted && voted <= uint64(r.kinds.Commission.Members), "votes_counted", []uint64{c.asked}, "said", r.e.number("votes"), "votes", voted)
}

func (r *Replay) decide() {
	c := r.caseOf()
	if c == nil {
		return
	}
	var yes, no uint64
	voter, who := false, r.who(r.e.who)
	entries := []uint64{c.asked}
	for _, p := range c.people {
		switch p.voted {
		case 1:
			yes++
		case -1:
			no++
		}
		if p.voted != 0 {
			voter = voter || p.who == who
			entries = append(entries, p.entry)
		}
	}
	to := approval.Declined
	if string(r.e.text("to")) == string(approval.Approved) {
		to = approval.Approved
	}
	if !r.step(c, to, approval.Examined) {
		return
	}
	r.stand(c, member)
	r.body(c.org, c.asked)
	quorum := uint64(r.kinds.Commission.Quorum)
	passes := yes+no >= quorum && yes > no
	r.checkAt(ruleVotes, r.e.number("for") == yes && r.e.number("against") == no && voter && yes+no >= quorum && passes == (to == approval.Approved), "votes_carry", entries,
		"for", yes, "against", no, "quorum", quorum)
	c.decided = r.e.index
	if to == approval.Declined {
		r.tally.count(r.e.at, keyDeclined, c.counted(c.extends != nil), c.name)
		c.endedAt = r.e.at
		if c.extends != nil {
			c.extends.extended = false // it may be asked for again
		}
		return
	}
	r.checkAt(ruleQuestions, c.open == 0, "open_question", []uint64{c.asked}, "n", c.open)
	r.tally.count(r.e.at, keyApproved, c.counted(c.extends != nil), c.name)
	r.grantedAs(c)
}

// unknownKind stands for every kind of approval that the law does not know: no
// number allows it anything, and no report says how it was called.
const unknownKind approval.Kind = "unknown"

// counted is under which heading of the yearly report a case stands.
func (c *theCase) counted(extension bool) string {
	if extension {
		return string(c.kind) + "+"
	}
	return string(c.kind)
}

// grantedAs holds what was approved against what was asked, and against the
// longest period of its kind.
func (r *Replay) grantedAs(c *theCase) {
	from, until := r.e.time("from_at"), r.e.time("until_at")
	limit := amount{r.e.number("packets"), r.e.number("bytes")}
	within := func(granted, asked uint64) bool { return asked == 0 || granted != 0 && granted <= asked }
	begins := from == c.from || slices.Contains(approval.MeasureKinds, c.kind) && from < c.from && c.from-from < 60*second // laid a little before its entry
	if c.kind != approval.Reidentify && !slices.Contains(approval.MeasureKinds, c.kind) {
		r.checkAt(ruleBounds, limit != amount{}, "no_cap", []uint64{c.asked})
	}
	r.checkAt(ruleBounds, begins && until <= c.until && until > from && until > r.e.at && within(limit.packets, c.cap.packets) && within(limit.bytes, c.cap.bytes) &&
		r.e.number("retain_days") <= c.retain && string(r.e.text("selectors")) == trim(c.selectors[:]), "wider", []uint64{c.asked})
	rule := "months"
	if c.extends != nil {
		rule = "extension_months"
	}
	months, days := r.kinds.Row(c.kind, rule).Value, r.kinds.Row(c.kind, "retain_days").Value // of an unknown kind: none
	r.checkAt(ruleBounds, until <= last(from, months), "months", []uint64{c.asked}, "months", months)
	r.checkAt(ruleBounds, r.e.number("retain_days") <= uint64(days), "retain", []uint64{c.asked}, "days", days)
	if c.extends != nil {
		r.checkAt(ruleExtension, c.extends.inForce(r.e.at), "extends_over", []uint64{c.extends.asked, c.asked})
	}
	c.from, c.until, c.cap, c.retain = from, until, limit, r.e.number("retain_days")
	copy(c.order[:], r.e.text("order"))
}

// trim is a text of fixed room without what was not filled.
func trim(b []byte) string {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return string(b)
}

// stop ends a case before its decision, or an approval before its time or at it.
func (r *Replay) stop() {
	c := r.caseOf()
	if c == nil {
		return
	}
	switch string(r.e.verb) {
	case "approval.withdraw":
		to := approval.Withdrawn
		if string(r.e.text("to")) == string(approval.GivenUp) {
			to = approval.GivenUp
		}
		from := []approval.State{approval.Asked, approval.Examined}
		if to == approval.GivenUp {
			from = []approval.State{approval.Approved}
		}
		if !r.step(c, to, from...) {
			return
		}
		r.stand(c, asker)
		if to == approval.Withdrawn && c.extends != nil {
			c.extends.extended = false
		}
	case "approval.revoke":
		if !r.step(c, approval.Revoked, approval.Approved) {
			return
		}
		r.stand(c, member)
		r.body(c.org, c.asked)
	default:
		if !r.step(c, approval.Expired, approval.Approved) {
			return
		}
		r.checkAt(ruleSteps, r.e.at >= c.until, "case_early", []uint64{c.asked})
	}
	c.endedAt = r.e.at
	if c.state != approval.Expired {
		r.tally.count(r.e.at, keyStopped, c.counted(c.extends != nil), c.name)
	}
}

// confirm is a carrier, or a party, that has its instruction.
func (r *Replay) confirm() {
	if c := r.caseOf(); c != nil {
		r.checkAt(ruleCarrier, r.who(r.e.org) != c.org, "carrier", []uint64{c.asked})
		r.stand(c, carrier)
	}
}

// grantOf returns the approval that the entry rests on. One that was approved
// at some time is enough where what was taken is used or destroyed.
func (r *Replay) grantOf() *theCase {
	x, ok := idOf(r.e.grant)
	c := r.cases[x]
	if !r.check(ruleGrant, ok && c != nil && c.state != approval.Asked && c.state != approval.Examined && c.state != approval.Declined && c.state != approval.Withdrawn, "grant_unknown") {
		return nil
	}
	return c
}

// live checks that an approval is in force now.
func (r *Replay) live(c *theCase) bool {
	if !r.checkAt(ruleLive, !c.lost, "lost_end", []uint64{c.asked}) {
		return false
	}
	return r.checkAt(ruleLive, c.inForce(r.e.at), "not_live", []uint64{c.asked}, "state", string(c.state))
}

// executor checks that who carries out stood on no other side of the case, nor of
// any that it goes on from, and is of the body that asked.
func (r *Replay) executor(c *theCase) {
	who := r.who(r.e.who)
	r.checkAt(ruleExecutor, r.who(r.e.org) == c.org, "executor_body", []uint64{c.asked})
	for b := c; b != nil; b = b.extends {
		for _, p := range b.people {
			if p.who == who && p.side != handler {
				r.checkAt(ruleExecutor, false, "executor", []uint64{p.entry})
				return
			}
		}
	}
	r.checked[ruleExecutor]++
	for _, p := range c.people {
		if p.who == who {
			return
		}
	}
	c.people = append(c.people, stood{who: who, side: handler, entry: r.e.index})
}
