package oversight

import "noroshi/internal/approval"

// theOpening is a re-identification: who asked, and whose shares came.
type theOpening struct {
	of      *theCase // the approval to open
	run     *theRun
	who     person
	purpose string
	gave    [2]bool
	done    bool
	entry   uint64
}

// custody cuts the key of an approval between two people.
func (r *Replay) custody() {
	c := r.grantOf()
	if c == nil {
		return
	}
	first, other := r.who(r.e.text("first")), r.who(r.e.text("second"))
	who := r.who(r.e.who)
	r.checkAt(ruleCustody, first != 0 && other != 0 && first != other && first != who && other != who && c.holders == [2]person{}, "custody", []uint64{c.decided})
	c.holders = [2]person{first, other}
}

// hold is a share that is taken, or given for one opening.
func (r *Replay) hold() {
	noun, x, _ := about(r.e.object)
	switch what := string(r.e.text("what")); {
	case what == "take" && string(noun) == "selection_custody":
		c := r.cases[x]
		if !r.check(ruleCustody, c != nil, "share_unknown") {
			return
		}
		i := c.holder(r.who(r.e.who))
		if r.checkAt(ruleCustody, i >= 0 && !c.took[max(i, 0)], "share_taken", []uint64{c.decided}) {
			c.took[i] = true
		}
	case what == "give":
		o := r.openings[x]
		if !r.check(ruleShares, o != nil, "share_unknown") {
			return
		}
		i := o.run.of.holder(r.who(r.e.who))
		if r.checkAt(ruleShares, i >= 0 && !o.done, "share_given", []uint64{o.entry}) {
			o.gave[i] = true
		}
	}
}

// holder is which share of a case's key somebody has; -1: none.
func (c *theCase) holder(who person) int {
	for i, h := range c.holders {
		if h == who && h != 0 {
			return i
		}
	}
	return -1
}

// reidentify asks for an opening, and then opens.
func (r *Replay) reidentify() {
	c := r.grantOf()
	_, x, ok := about(r.e.object)
	if c == nil || !r.check(ruleOpening, ok, "opening_object") {
		return
	}
	y, _ := idOf(r.e.text("run"))
	n := r.runs[y]
	if !r.checkAt(ruleOpening, c.kind == approval.Reidentify && n != nil && y == c.subject, "opening_run", []uint64{c.decided}) {
		return
	}
	who := r.who(r.e.who)
	o := r.openings[x]
	if o == nil {
		r.checkAt(ruleOpening, r.who(r.e.org) == n.org, "opening_org", []uint64{n.entry})
		r.checkAt(ruleShares, n.of.holder(who) < 0, "opening_holder", []uint64{n.of.decided})
		r.checkAt(ruleLeft, n.left() > 0, "opening_gone", []uint64{n.entry})
		r.check(ruleOpening, !r.e.has("known"), "opening_unasked")
		r.purpose(n)
		r.openings[x] = &theOpening{of: c, run: n, who: who, purpose: string(r.e.purpose), entry: r.e.index}
		return
	}
	r.checkAt(ruleOpening, o.of == c && o.run == n && o.who == who && !o.done && r.e.has("known"), "opening_other", []uint64{o.entry})
	r.checkAt(rulePurpose, string(r.e.purpose) == o.purpose, "purpose_changed", []uint64{o.entry})
	r.checkAt(ruleShares, o.gave[0] && o.gave[1], "shares", []uint64{o.entry})
	r.live(c)
	r.executor(c)
	r.checkAt(ruleLeft, n.left() > 0 && r.e.at < n.retain, "opening_gone", []uint64{n.entry})
	o.done = true
	r.tally.count(r.e.at, keyOpened, "", c.name)
}
