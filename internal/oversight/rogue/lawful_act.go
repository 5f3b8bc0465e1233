package rogue

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// order is an order to one's own equipment, from its asking to its end: refused,
// taken back, failed, undone, expired, or without an outcome and with an alarm.
func (w *world) order(at time.Time) {
	w.units++
	org := fmt.Sprintf("O-owner-%d", w.units)
	o := w.asked(at, org, "own", nil)
	switch w.IntN(8) {
	case 0:
		o.moves("refuse", o.approver, "asked", "refused", facts{"asker": "P-" + bare(o.asker)})
		return
	case 1:
		o.moves("withdraw", o.asker, "asked", "withdrawn", facts{"asker": "P-" + bare(o.asker)})
		return
	}
	o.approved(w.uuid(o.at), o.at.Add(time.Duration(2+w.IntN(20))*time.Hour), nil)
	if w.IntN(9) == 0 {
		o.at = o.until.Add(time.Second)
		o.moves("end", "", "approved", "expired", facts{"reason": "never_sent"})
		return
	}
	o.taken()
	o.later(1)
	switch w.IntN(6) {
	case 0:
		o.outcome("sent", "failed", 0)
		return
	case 1: // the equipment says nothing, and somebody looks
		o.later(6)
		o.on(w.does(o.at, "", "act.alarm", o.object, facts{"what": "no_outcome"}))
		o.later(50)
		o.moves("settle", o.approver, "sent", "undone", facts{"use": o.use, "reason": "by_hand"})
		return
	}
	o.outcome("sent", "live", o.rules)
	if w.IntN(3) == 0 {
		o.later(20)
		o.outcome("live", "half", o.rules-1)
		o.later(5)
		o.outcome("half", "live", o.rules)
	}
	if w.IntN(2) == 0 {
		o.later(10)
		o.moves("undo", o.asker, "live", "ending", facts{"use": o.use, "asker": "P-" + bare(o.asker)})
		o.later(1)
		from := "ending"
		if w.IntN(4) == 0 { // the equipment does not let go at once
			o.outcome(from, "stuck", o.rules)
			from = "stuck"
			o.later(2)
		}
		o.outcome(from, "undone", 0)
		return
	}
	o.at = o.until.Add(time.Minute)
	o.outcome("live", "expired", 0)
}

// instruction is one order while it is made up.
type instruction struct {
	*world
	at                       time.Time
	object, digest           string
	asker, approver, machine string
	approval, use, paper     string
	until                    time.Time
	rules                    int
	bound                    facts // to the step of a measure
}

func bare(who string) string { who, _, _ = strings.Cut(who, "@"); return who }

func (o *instruction) later(minutes int) { o.at = o.at.Add(time.Duration(minutes) * time.Minute) }

func (o *instruction) on(a *act) { a.Grant = o.approval }

func (o *instruction) moves(verb, who, from, to string, more facts) {
	pub := facts{"from": from, "to": to}
	maps.Copy(pub, more)
	o.on(o.does(o.at, who, "act."+verb, o.object, pub))
	o.later(1)
}

func (o *instruction) outcome(from, to string, rules int) {
	o.moves("outcome", o.machine, from, to, facts{"use": o.use, "actuator": "dns1", "rules": rules, "missing": 0, "extra": 0, "happened_at": rfc(o.at)})
}

// asked asks for an order and shows what it would do.
func (w *world) asked(at time.Time, org, basis string, bound facts) *instruction {
	tag := strings.TrimPrefix(org, "O-")
	o := &instruction{world: w, at: at, object: "act/" + w.uuid(at), digest: w.hash(), asker: tag + "-asks@" + org, approver: tag + "-approves@" + org, machine: tag + "-machine@" + org, rules: 1 + w.IntN(9), bound: bound}
	pub := facts{"kind": "sinkhole", "basis": basis, "targets": o.rules, "rules": o.rules, "digest": o.digest, "hours": 12, "to": "asked"}
	if w.IntN(3) == 0 {
		pub["basis"], pub["ground"] = "subscribers", "consent"
	}
	maps.Copy(pub, bound)
	w.does(o.at, o.asker, "act.ask", o.object, pub)
	o.later(1)
	w.does(o.at, o.machine, "act.dry", o.object, facts{"digest": o.digest, "actuator": "dns1", "rules": o.rules, "lines": o.rules, "fits": true})
	o.later(1)
	return o
}

// approved approves it, under a Grant of its own or of its measure.
func (o *instruction) approved(approval string, until time.Time, bound facts) {
	o.approval, o.until, o.paper = approval, until.Truncate(time.Second), o.hash()
	pub := facts{"digest": o.digest, "asker": "P-" + bare(o.asker), "approval": approval, "order": o.paper, "from_at": rfc(o.at.Truncate(time.Second)), "until_at": rfc(o.until), "warned": 0, "overridden": 0}
	maps.Copy(pub, bound)
	o.moves("approve", o.approver, "asked", "approved", pub)
}

// taken is the intent, by the equipment's own account.
func (o *instruction) taken() {
	o.use = o.uuid(o.at)
	o.moves("take", o.machine, "approved", "sent", facts{"digest": o.digest, "use": o.use, "actuator": "dns1", "rules": o.rules, "until_at": rfc(o.until), "order": o.paper})
}

// carried is a step of a measure in one's own network: an order under the
// measure's own approval, between the second person's go and the outcome.
func (s *strike) carried(n int) {
	bound := facts{"chain": s.chain, "step": n, "plan": s.says["plan"]}
	o := s.asked(s.at, s.unit, "own", bound)
	o.approved(s.approval, s.until, bound)
	o.taken()
	o.outcome("sent", "live", o.rules)
	s.at = o.at
	o.at = o.until.Add(time.Minute)
	o.outcome("live", "expired", 0)
}
