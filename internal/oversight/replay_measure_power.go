package oversight

import (
	"slices"

	"noroshi/internal/approval"
	"noroshi/internal/measure"
)

// mayAct checks what the law asks before anything may be asked for, declared or
// done: grounds, consultation, and what the forces need beside that.
func (r *Replay) mayAct(c *theChain) {
	g := &c.grounds
	forces := c.body == measure.Defence
	r.checkAt(ruleMeasureGrounds, g.unlawful && g.danger && g.urgent && g.proportionate && (!forces || g.organised && g.indispensable), "grounds", []uint64{c.began})
	r.checkAt(ruleMeasurePlan, r.samePlan(c), "plan_other", []uint64{c.plan.entry})
	r.checkAt(ruleMeasureOfficers, len(c.officers) >= 2, "officers", []uint64{c.began})
	place, least := r.words.places[string(r.e.text("place"))], 1
	for _, x := range c.of.chains {
		least = max(least, x.floor)
	}
	r.checkAt(ruleMeasureConsulted, place >= least && c.found > 0, "place_laxer", []uint64{c.began})
	if max(place, least) > r.words.places[string(measure.Japan)] {
		r.checkAt(ruleMeasureConsulted, c.body != measure.Prefecture, "prefecture", []uint64{c.began})
		r.checkAt(ruleMeasureConsulted, c.consulted, "consulted", []uint64{c.plan.entry})
	}
	if forces {
		r.checkAt(ruleMeasureForces, c.requested && c.ordered && r.e.at < c.orderUntil, "ordered", []uint64{c.plan.entry})
		r.checkAt(ruleMeasureForces, c.beside(), "joint", []uint64{c.began})
	}
}

// beside reports whether the police act against the same machine, on the same
// case.
func (c *theChain) beside() bool {
	return slices.ContainsFunc(c.of.chains, func(x *theChain) bool {
		switch x.state {
		case measure.Opened, measure.Assessed, measure.Declined, measure.Stopped, measure.Closed, measure.Dropped:
			return false
		}
		return x != c && x.body != measure.Defence
	})
}

// laidChain is a plan that is laid before the commission.
func (r *Replay) laidChain(c *theChain) {
	r.laid()
	x, _ := idOf(r.e.text("approval"))
	k := r.cases[x]
	if k == nil || k.asked != r.e.index {
		return
	}
	r.checkAt(ruleMeasureApproved, k.kind == c.kind() && k.org == c.unit, "approval_kind", []uint64{c.plan.entry})
	c.approval = k
	copy(c.laid[:], r.e.text("plan"))
}

// kind is the kind of approval that a chain needs.
func (c *theChain) kind() approval.Kind {
	if c.body == measure.Defence {
		return approval.DefencePower
	}
	return approval.PolicePower
}

// granted reports whether the commission's approval of the plan in force is in
// force.
func (c *theChain) granted(at int64) bool {
	return c.approval != nil && c.laid == c.plan.digest && c.approval.inForce(at)
}

// hasty reports whether an emergency of the plan in force lasts.
func (c *theChain) hasty(at int64) bool {
	return c.emergency.declared != 0 && c.emergency.plan == c.plan.digest && at < c.emergency.until
}

// armed reports whether a chain stands where somebody may carry something out.
func (c *theChain) armed() bool {
	return c.state == measure.Declared || c.state == measure.Authorised || c.state == measure.Executing
}

// powerEnds is when the power of the plan in force ends, whatever it rests on.
func (c *theChain) powerEnds() (at int64) {
	if c.approval != nil && c.laid == c.plan.digest {
		at = min(c.approval.ends(), c.plan.until)
	}
	if c.emergency.declared != 0 && c.emergency.plan == c.plan.digest {
		at = max(at, c.emergency.until)
	}
	return at
}

// power checks that an act rests on the commission's approval of this very plan,
// or on an emergency that was declared of it.
func (r *Replay) power(c *theChain) {
	granted := c.granted(r.e.at)
	r.checkAt(ruleMeasureApproved, granted || c.hasty(r.e.at), "no_power", []uint64{c.plan.entry})
	if granted {
		r.checkAt(ruleMeasureApproved, r.e.at < c.approval.until && string(r.e.grant) == string(c.approval.name[:]), "no_grant", []uint64{c.approval.decided})
	}
}

// executes checks everything that has to hold at the instant in which somebody
// carries something out.
func (r *Replay) executes(c *theChain) {
	r.mayAct(c)
	r.power(c)
	r.checkAt(ruleMeasureWindow, r.e.at >= c.plan.from && r.e.at < c.plan.until, "window", []uint64{c.plan.entry})
	if r.e.has("power_until") {
		r.checkAt(ruleMeasureWindow, r.e.at <= r.e.time("power_until"), "window", []uint64{c.plan.entry})
	}
	r.checkAt(ruleMeasureOfficers, slices.Contains(c.officers, r.who(r.e.who)), "officer", []uint64{c.began})
}

// timed is what time, or the commission's decision, does to a chain.
func (r *Replay) timed(c *theChain, act string, from measure.State) {
	switch act {
	case "grant":
		r.checkAt(ruleMeasureApproved, c.granted(r.e.at), "no_power", []uint64{c.plan.entry})
	case "refuse":
		r.bar(c)
		c.refused = c.laid
		r.checkAt(ruleMeasureApproved, c.approval != nil && c.approval.state == approval.Declined, "not_declined", []uint64{c.plan.entry})
	case "lapse":
		if from == measure.Pending || from == measure.Approved || c.approval != nil && c.approval.state == approval.Revoked {
			r.bar(c)
		}
	}
}

// stepped is what is done of a plan, each step by two.
func (r *Replay) stepped(c *theChain, act string) {
	s, who := &c.step, r.who(r.e.who)
	x, _ := idOf(r.e.text("step_id"))
	number := r.e.number("step")
	switch act {
	case "finish", "review":
		r.checkAt(ruleMeasureOutcome, !s.open(), "step_open", []uint64{s.entry})
		return
	case "intend":
		r.executes(c)
		r.checkAt(ruleMeasureOutcome, !s.open(), "step_open", []uint64{s.entry})
		in := number >= 1 && number <= uint64(len(c.plan.steps))
		r.checkAt(ruleMeasurePlan, in && string(r.e.text("step_kind")) == c.plan.steps[min(max(number, 1), uint64(len(c.plan.steps)))-1], "step_outside", []uint64{c.plan.entry}, "n", number)
		r.checkAt(ruleMeasurePlan, !slices.Contains(c.carried, number), "step_again", []uint64{c.plan.entry}, "n", number)
		r.check(ruleMeasureTwo, r.who(r.e.text("first")) == who, "first")
		*s = step{name: x, number: number, first: who, entry: r.e.index}
		return
	}
	if !r.checkAt(ruleMeasureOutcome, s.open() && s.name == x && s.number == number, "step_none", []uint64{s.entry}) {
		return
	}
	switch act {
	case "go":
		r.executes(c)
		r.checkAt(ruleMeasureOutcome, !s.going, "step_none", []uint64{s.entry})
		r.checkAt(ruleMeasureTwo, who != s.first && r.who(r.e.text("second")) == who && r.who(r.e.text("first")) == s.first, "second", []uint64{s.entry})
		s.going, s.second = true, who
	case "outcome":
		r.checkAt(ruleMeasureOutcome, s.going, "step_ungone", []uint64{s.entry})
		r.checkAt(ruleMeasureTwo, who == s.first || who == s.second, "second", []uint64{s.entry})
		r.ended(c, string(r.e.text("outcome")))
	case "unsay":
		r.checkAt(ruleMeasureOutcome, !s.going, "step_gone", []uint64{s.entry})
		r.checkAt(ruleMeasureTwo, who == s.first, "second", []uint64{s.entry})
		*s = step{}
	case "account":
		s.account = who
	case "vouch":
		r.checkAt(ruleMeasureTwo, s.account != 0 && s.account != who && r.who(r.e.text("accountant")) == s.account, "vouched", []uint64{s.entry})
		r.ended(c, "lost")
	}
}

// ended is a step with its outcome: what went another way than planned stops
// everything, and what was carried out is not carried out again.
func (r *Replay) ended(c *theChain, outcome string) {
	if outcome == string(measure.Deviated) || outcome == "lost" {
		r.checkAt(ruleMeasureOutcome, c.state == measure.Stopped, "not_stopped", []uint64{c.step.entry})
	}
	if outcome != string(measure.Failed) && !slices.Contains(c.carried, c.step.number) {
		c.carried = append(c.carried, c.step.number)
	}
	c.step = step{}
}
