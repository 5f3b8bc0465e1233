package oversight

import (
	"noroshi/internal/approval"
	"noroshi/internal/selection"
)

// theRun is a selection run as entries show it.
type theRun struct {
	of        *theCase
	who       person
	org       person
	began     int64
	retain    int64 // until when its records may be kept
	extended  uint64
	records   uint64 // that it kept
	erased    uint64
	pages     uint64
	output    [64]byte // SHA-256 of what it kept, as the last page says
	over      bool
	broken    bool // interrupted: all it had is to be destroyed
	endedAt   int64
	entry     uint64
	disclosed []disclosed
	machine   bool
	test      bool // made-up traffic
	name      id
	told      struct{ outcome, erased bool } // that it is overdue
}

type disclosed struct {
	to      person
	purpose string
}

// left is how many records there still are.
func (n *theRun) left() uint64 { return n.records - n.erased }

// ways are the directions that a kind of approval is for.
var ways = map[approval.Kind]string{approval.ForeignForeign: `["ff"]`, approval.ForeignDomestic: `["fd"]`, approval.DomesticForeign: `["df"]`, approval.Agreement: `["fd"]`}

// run is any act of a run: its beginning, a page of records, what it is given,
// and its end.
func (r *Replay) run() {
	_, x, ok := about(r.e.object)
	if !r.check(ruleSums, ok, "run_object") {
		return
	}
	n := r.runs[x]
	if r.e.has("approval") {
		r.begin(x, n)
		return
	}
	if !r.check(ruleGrant, n != nil, "run_unknown") {
		return
	}
	r.checkAt(ruleExecutor, r.who(r.e.who) == n.who && r.who(r.e.org) == n.org, "executor_other", []uint64{n.entry})
	if string(r.e.text("what")) == "abort" {
		return
	}
	if !r.checkAt(ruleGrant, r.grantIs(n.of), "grant_other", []uint64{n.entry}) {
		return
	}
	switch {
	case r.e.has("page"):
		r.page(n)
	case r.e.has("statement"):
		r.end(n)
	}
}

// grantIs reports whether the entry rests on an approval.
func (r *Replay) grantIs(c *theCase) bool {
	x, ok := idOf(r.e.grant)
	return ok && r.cases[x] == c
}

func (r *Replay) begin(x id, n *theRun) {
	if !r.check(ruleGrant, len(r.e.grant) > 0, "grant_none") {
		return
	}
	c := r.grantOf()
	if c == nil || !r.check(ruleSums, n == nil, "run_again") {
		return
	}
	n = &theRun{of: c, who: r.who(r.e.who), org: r.who(r.e.org), began: r.e.at, retain: r.e.time("retain_until"), entry: r.e.index, name: x,
		machine: string(r.e.text("place")) == string(selection.OnMachine), test: string(r.e.text("basis")) == "test"}
	r.runs[x] = n
	r.live(c)
	r.checkAt(ruleOrder, string(r.e.text("approval")) == string(r.e.grant) && string(r.e.text("order")) == trim(c.order[:]) && string(r.e.text("selectors")) == trim(c.selectors[:]),
		"order", []uint64{c.decided})
	way, selects := ways[c.kind]
	raw, _ := r.e.fact("directions")
	r.checkAt(ruleOrder, selects && string(raw) == way, "direction", []uint64{c.decided}, "kind", string(c.kind))
	r.listed(c)
	r.executor(c)
	r.checkAt(ruleParallel, c.going < max(1, r.kinds.Row(c.kind, "parallel").Value), "parallel", []uint64{c.decided})
	r.checkAt(ruleCap, !spent(c), "spent", []uint64{c.decided})
	due := (r.e.at/second)*second + int64(c.retain)*86400*second // the act began a little before its entry
	r.checkAt(ruleRetention, n.retain <= due && n.retain > due-60*second, "retain_until", []uint64{c.decided}, "days", c.retain)
	c.going++
	r.tally.count(r.e.at, keyRuns, "", x)
	if n.test {
		r.tally.count(r.e.at, keyTests, "", x)
	}
}

// spent reports whether nothing is left of a cap.
func spent(c *theCase) bool {
	return c.cap.packets > 0 && c.taken.packets >= c.cap.packets || c.cap.bytes > 0 && c.taken.bytes >= c.cap.bytes
}

// page is records that were kept.
func (r *Replay) page(n *theRun) {
	r.checkAt(ruleSums, !n.over && r.e.number("page") == n.pages && r.e.number("records") > 0, "page", []uint64{n.entry}, "page", n.pages)
	n.pages++
	n.records = top(n.records, r.e.number("records"))
	copy(n.output[:], r.e.text("output"))
	r.checkAt(rulePeriod, r.e.at <= n.of.ends()+r.tolerance.stop || r.late(n), "page_late", []uint64{n.entry, n.of.decided})
}

// late reports whether records may still be handed in: those that another
// machine selected within the period, after an end that was foreseen.
func (r *Replay) late(n *theRun) bool {
	return n.machine && (n.of.endedAt == 0 || n.of.endedAt >= n.of.until) && r.e.at <= n.of.until+r.tolerance.outcome
}

// end is the statement of a run.
func (r *Replay) end(n *theRun) {
	if !r.checkAt(ruleSums, !n.over, "run_over", []uint64{n.entry}) {
		return
	}
	c := n.of
	n.over, n.endedAt = true, r.e.at
	c.going--
	raw, _ := r.e.fact("seen")
	seen := amountOf(raw)
	lost, _ := r.e.fact("dropped")
	sum := amount{}
	for _, why := range dropped {
		part, _ := field(lost, why)
		sum = sum.plus(amountOf(part))
	}
	raw, _ = r.e.fact("selected")
	chosen := amountOf(raw)
	kept, _ := field(raw, "records")
	r.checkAt(ruleSums, seen == sum.plus(chosen), "sums", []uint64{n.entry}, "seen", seen.packets, "sum", sum.plus(chosen).packets)
	hashes, _ := r.e.fact("hashes")
	output, _ := field(hashes, "output")
	r.checkAt(ruleSums, whole(kept) == n.records && (n.records == 0 || string(unquote(output)) == trim(n.output[:])), "records", []uint64{n.entry}, "stated", whole(kept), "records", n.records)
	order, _ := field(hashes, "order")
	list, _ := field(hashes, "selectors")
	r.checkAt(ruleOrder, string(unquote(order)) == trim(c.order[:]) && string(unquote(list)) == trim(c.selectors[:]), "stated_order", []uint64{n.entry, c.decided})
	gone := r.e.time("destroyed_at")
	r.checkAt(ruleSums, gone >= n.began-r.tolerance.skew && gone <= r.e.at+r.tolerance.skew, "destroyed", []uint64{n.entry})
	unselected, _ := field(lost, "unselected")
	r.took(n, amountOf(unselected).plus(chosen))
	if first, final := r.e.time("first_at"), r.e.time("last_at"); first != 0 || final != 0 {
		r.checkAt(rulePeriod, first >= c.from && final < c.until && first <= final && (n.test || final <= c.ends()+r.tolerance.stop), "packets", []uint64{n.entry, c.decided})
	} else {
		r.checkAt(rulePeriod, chosen == amount{}, "no_packets", []uint64{n.entry})
	}
	r.checkAt(ruleOutcome, r.e.at <= c.ends()+r.tolerance.outcome, "outcome_late", []uint64{n.entry, c.decided})
	r.tally.measure(r.e.at, seen, sum, chosen, whole(kept))
}

// took charges an approval with what a run took, however it ended.
func (r *Replay) took(n *theRun, a amount) {
	c := n.of
	c.taken = c.taken.plus(a)
	r.checkAt(ruleCap, (c.cap.packets == 0 || c.taken.packets <= c.cap.packets) && (c.cap.bytes == 0 || c.taken.bytes <= c.cap.bytes), "cap", []uint64{n.entry, c.decided},
		"packets", c.taken.packets, "bytes", c.taken.bytes)
}

// interrupt is a run that broke off: what it had is destroyed, what it took
// counts, and it is no later than the end of another.
func (r *Replay) interrupt() {
	_, x, _ := about(r.e.object)
	n := r.runs[x]
	if !r.check(ruleSums, n != nil && !n.over, "run_over") {
		return
	}
	n.over, n.broken, n.endedAt = true, true, r.e.at
	n.of.going--
	r.tally.count(r.e.at, keyBroken, "", x)
	r.checkAt(ruleSums, r.e.number("records") == n.records, "records", []uint64{n.entry}, "stated", r.e.number("records"), "records", n.records)
	r.checkAt(ruleGrant, r.grantIs(n.of), "grant_other", []uint64{n.entry})
	r.checkAt(ruleOutcome, r.e.at <= n.of.ends()+r.tolerance.outcome, "outcome_late", []uint64{n.entry, n.of.decided})
	raw, _ := r.e.fact("taken")
	r.took(n, amountOf(raw))
}
