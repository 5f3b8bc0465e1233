package oversight

import (
	"cmp"
	"slices"

	"noroshi/internal/selection"
)

// runOf returns the run that the entry's object names, where the entry rests on
// the approval of the run.
func (r *Replay) runOf() *theRun {
	if r.grantOf() == nil {
		return nil
	}
	_, x, ok := about(r.e.object)
	n := r.runs[x]
	if !r.check(ruleGrant, ok && n != nil, "run_unknown") || !r.checkAt(ruleGrant, r.grantIs(n.of), "grant_other", []uint64{n.entry}) {
		return nil
	}
	return n
}

// use is what is done with records: reading, giving, making a sighting.
func (r *Replay) use() {
	n := r.runOf()
	if n == nil {
		return
	}
	r.purpose(n)
	records := r.e.number("records")
	org := r.who(r.e.org)
	switch string(r.e.verb) {
	case "selection.disclose":
		to := r.who(r.e.text("recipient"))
		r.checkAt(ruleReader, org == n.org && to != 0 && to != n.org, "recipient", []uint64{n.entry})
		n.give(to, string(r.e.purpose))
		r.tally.count(r.e.at, keyGiven, "", n.name)
	case "selection.read":
		r.checkAt(ruleReader, org == n.org || n.given(org, string(r.e.purpose)), "reader", []uint64{n.entry})
		r.tally.count(r.e.at, keyRead, "", n.name)
	default:
		r.checkAt(ruleReader, org == n.org, "reader", []uint64{n.entry})
		records = 1 // a sighting needs a record
	}
	r.checkAt(ruleLeft, !n.broken && records <= n.left(), "left", []uint64{n.entry}, "records", records, "left", n.left())
	r.checkAt(ruleErased, records == 0 || r.e.at <= n.retain+r.tolerance.erase, "used_late", []uint64{n.entry})
}

func (n *theRun) given(to person, purpose string) bool {
	return slices.Contains(n.disclosed, disclosed{to, purpose})
}

func (n *theRun) give(to person, purpose string) {
	if !n.given(to, purpose) {
		n.disclosed = append(n.disclosed, disclosed{to, purpose})
	}
}

// purpose checks for what records are used: another purpose than preventing
// specified damage needs a consent in force of the party whose agreement gave
// them.
func (r *Replay) purpose(n *theRun) {
	i := slices.IndexFunc(selection.Purposes, func(p selection.Purpose) bool { return p.ID == string(r.e.purpose) })
	if !r.check(rulePurpose, i >= 0, "purpose_unknown") {
		return
	}
	x, ok := idOf(r.e.text("consent"))
	if !selection.Purposes[i].Other {
		r.check(rulePurpose, !ok, "purpose_unasked")
		return
	}
	a := n.of.agreement
	if !r.checkAt(rulePurpose, ok && a != nil, "purpose_consent", []uint64{n.entry}) {
		return
	}
	given := a.consents[x]
	r.checkAt(rulePurpose, given.by != 0 && given.by == n.of.party && !given.withdrawn && r.e.at < given.until, "purpose_consent", []uint64{n.entry})
}

// extend lets records be kept longer.
func (r *Replay) extend() {
	n := r.runOf()
	if n == nil {
		return
	}
	until := r.e.time("until")
	n.extended++
	r.checkAt(ruleRetention, n.over && !n.broken && n.left() > 0 && r.e.at < n.retain && r.who(r.e.org) == n.org && r.e.number("times") == n.extended && n.extended <= uint64(r.keep.Extensions) &&
		until > n.retain && until <= n.retain+int64(r.keep.ExtendDays)*86400*second, "extension", []uint64{n.entry}, "times", n.extended)
	n.retain = until
}

// erase is a receipt that records were destroyed.
func (r *Replay) erase() {
	n := r.runOf()
	if n == nil {
		return
	}
	records := r.e.number("records")
	if !r.checkAt(ruleLeft, records <= n.left(), "erased_more", []uint64{n.entry}, "records", records, "left", n.left()) {
		records = n.left()
	}
	due := n.retain
	if n.broken {
		due = n.endedAt
	}
	r.checkAt(ruleErased, records == 0 || r.e.at <= due+r.tolerance.erase, "erased_late", []uint64{n.entry}, "hours", (r.e.at-due)/(3600*second))
	n.erased += records
	if records > 0 {
		r.tally.count(r.e.at, keyErased, "", n.name)
		r.tally.destroyed(r.e.at, records)
	}
}

// overdueAt writes down what did not happen to a run; once, however often it is
// asked.
func (r *Replay) overdueAt(n *theRun, rule, found string, args ...any) {
	index := r.e.index
	r.e.index = n.entry
	r.violate(rule, found, "selection_run/"+string(n.name[:]), nil, args...)
	r.e.index = index
}

// overdue finds what should have happened by an instant and did not.
func (r *Replay) overdue(now int64) {
	var open []*theRun
	for _, n := range r.runs {
		open = append(open, n)
	}
	slices.SortFunc(open, func(a, b *theRun) int { return cmp.Compare(a.entry, b.entry) })
	for _, n := range open {
		late := !n.over && now > n.of.ends()+r.tolerance.outcome
		r.checked[ruleOutcome]++
		if late && !n.told.outcome {
			n.told.outcome = true
			r.overdueAt(n, ruleOutcome, "outcome_none")
		}
		due := n.retain
		if n.broken {
			due = n.endedAt
		}
		r.checked[ruleErased]++
		if n.left() > 0 && now > due+r.tolerance.erase && !n.told.erased {
			n.told.erased = true
			r.overdueAt(n, ruleErased, "erased_none", "records", n.left(), "hours", (now-due)/(3600*second))
		}
	}
}
