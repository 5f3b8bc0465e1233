package oversight

import (
	"cmp"
	"slices"

	"noroshi/internal/approval"
	"noroshi/internal/measure/act"
)

// theOrder is an order to one's own equipment as entries show it.
type theOrder struct {
	org      person
	asker    person
	approver person
	state    act.State
	digest   [64]byte
	fits     bool // a dry run of this very order fitted
	approval *theCase
	until    int64
	taken    int64 // instant of the intent; 0: none
	intent   uint64
	use      id
	answered bool // the intent has an outcome
	chain    *theChain
	step     uint64
	alarmed  struct{ outcome, end bool }
	told     struct{ outcome, end bool }
	entry    uint64
}

// held reports whether the equipment may hold something of it.
func (o *theOrder) held() bool {
	return o.state == act.Sent || o.state == act.Live || o.state == act.Half || o.state == act.Ending || o.state == act.Stuck
}

// orderOf returns the order that the entry's object names.
func (r *Replay) orderOf() *theOrder {
	noun, x, ok := about(r.e.object)
	o := r.orders[x]
	if !r.check(ruleActSteps, ok && string(noun) == "act" && o != nil, "order_unknown") {
		return nil
	}
	return o
}

// ordered holds the states that an entry says against the table of orders.
func (r *Replay) ordered(o *theOrder) {
	if !r.e.has("to") { // the state stays
		return
	}
	from, to, what := r.e.text("from"), r.e.text("to"), string(r.e.verb[len("act."):])
	ok := string(from) == string(o.state) && slices.ContainsFunc(act.Steps, func(s act.Step) bool { return s.Act == what && s.From == o.state && string(s.To) == string(to) })
	if r.checked[ruleActSteps]++; !ok {
		r.violate(ruleActSteps, "order_step", string(r.e.object), []uint64{o.entry}, "from", string(o.state), "to", string(to))
	}
	for _, s := range act.States {
		if string(s) == string(to) {
			o.state = s
		}
	}
	switch o.state {
	case act.Withdrawn, act.Failed, act.Undone, act.Expired: // its own Grant ends with it
		if o.approval != nil && o.chain == nil {
			r.recall(o.approval)
		}
	}
}

// askOrder is an order that is asked for.
func (r *Replay) askOrder() {
	noun, x, ok := about(r.e.object)
	if !r.check(ruleActSteps, ok && string(noun) == "act" && r.orders[x] == nil, "order_again") {
		return
	}
	o := &theOrder{org: r.who(r.e.org), asker: r.who(r.e.who), entry: r.e.index}
	r.ordered(o)
	copy(o.digest[:], r.e.text("digest"))
	basis := string(r.e.text("basis"))
	r.check(ruleActBasis, basis == "own" || basis == "subscribers" && len(r.e.text("ground")) > 0, "basis")
	if y, ok := idOf(r.e.text("chain")); ok {
		o.chain, o.step = r.chains[y], r.e.number("step")
		r.check(ruleActGrant, o.chain != nil && string(r.e.text("plan")) == trim(o.chain.plan.digest[:]), "order_plan")
	}
	r.orders[x] = o
}

// decideOrder is what another person says of an order, or its asker.
func (r *Replay) decideOrder() {
	o := r.orderOf()
	if o == nil {
		return
	}
	who := r.who(r.e.who)
	r.ordered(o)
	r.checkAt(ruleActApart, r.who(r.e.org) == o.org && r.who(r.e.text("asker")) == o.asker, "order_org", []uint64{o.entry})
	switch string(r.e.verb) {
	case "act.refuse":
		r.checkAt(ruleActApart, who != o.asker, "order_asker", []uint64{o.entry})
	case "act.approve":
		r.checkAt(ruleActApart, who != o.asker, "order_asker", []uint64{o.entry})
		o.approver = who
		r.granted(o)
	}
}

// granted is the Grant of an order: of its own, or that of the measure whose step
// it carries out.
func (r *Replay) granted(o *theOrder) {
	x, ok := idOf(r.e.text("approval"))
	r.checkAt(ruleActGrant, string(r.e.text("digest")) == trim(o.digest[:]) && o.fits, "order_shown", []uint64{o.entry})
	if !r.checkAt(ruleActGrant, ok && string(r.e.grant) == string(x[:]), "order_grant", []uint64{o.entry}) {
		return
	}
	o.until = r.e.time("until_at")
	if o.chain != nil {
		o.approval = r.cases[x]
		r.checkAt(ruleActGrant, o.approval != nil && o.approval == o.chain.approval && o.chain.granted(r.e.at), "order_plan", []uint64{o.entry})
		return
	}
	if !r.checkAt(ruleActGrant, r.cases[x] == nil, "order_grant", []uint64{o.entry}) {
		return
	}
	o.approval = &theCase{kind: approval.OwnNetwork, state: approval.Approved, org: o.org, from: r.e.time("from_at"), until: o.until, asked: o.entry, decided: r.e.index, name: x}
	r.cases[x] = o.approval
}

// dryRun is what equipment says it would do.
func (r *Replay) dryRun() {
	if o := r.orderOf(); o != nil {
		o.fits = r.e.yes("fits") && string(r.e.text("digest")) == trim(o.digest[:])
	}
}

// takeOrder is the intent: from here on the equipment may hold it.
func (r *Replay) takeOrder() {
	o := r.orderOf()
	if o == nil {
		return
	}
	r.ordered(o)
	who := r.who(r.e.who)
	r.checkAt(ruleActApart, who != o.asker && who != o.approver && r.who(r.e.org) == o.org, "order_hand", []uint64{o.entry})
	k := o.approval
	r.checkAt(ruleActGrant, k != nil && k.inForce(r.e.at) && string(r.e.grant) == string(k.name[:]) && string(r.e.text("digest")) == trim(o.digest[:]) && r.e.at < o.until && r.e.time("until_at") == o.until,
		"order_live", []uint64{o.entry})
	if o.chain != nil {
		s := &o.chain.step
		r.checkAt(ruleActGrant, s.open() && s.going && s.number == o.step && k == o.chain.approval, "order_ungone", []uint64{o.entry})
	}
	o.use, _ = idOf(r.e.text("use"))
	o.taken, o.intent, o.answered = r.e.at, r.e.index, false
}

// tellOrder is what came of an intent, or how it is undone.
func (r *Replay) tellOrder() {
	o := r.orderOf()
	if o == nil {
		return
	}
	x, _ := idOf(r.e.text("use"))
	r.checkAt(ruleActOutcome, o.taken != 0 && x == o.use, "order_untaken", []uint64{o.entry})
	r.checkAt(ruleActOutcome, o.answered || o.alarmed.outcome || r.e.at <= o.taken+r.tolerance.order, "order_late", []uint64{o.intent})
	r.checkAt(ruleActEnded, !o.held() || o.alarmed.end || r.e.at <= o.until+r.tolerance.undo, "order_long", []uint64{o.intent})
	r.ordered(o)
	who := r.who(r.e.who)
	switch string(r.e.verb) {
	case "act.outcome":
		r.checkAt(ruleActApart, who != o.asker && who != o.approver, "order_hand", []uint64{o.entry})
		o.answered = true
	case "act.settle": // one that leads nowhere ends the alarm of what is over already
		o.answered = o.answered || r.e.has("to")
	}
}

// endOrder is an order that ends by the clock.
func (r *Replay) endOrder() {
	if o := r.orderOf(); o != nil {
		r.ordered(o)
	}
}

// alarmOrder is that something is not as it should be: it is on record, and so no
// secret any more.
func (r *Replay) alarmOrder() {
	_, x, _ := about(r.e.object)
	o := r.orders[x]
	if o == nil {
		return // of equipment, or of nothing that is known
	}
	switch string(r.e.text("what")) {
	case "no_outcome": // one that comes before there is anything to miss says nothing
		o.alarmed.outcome = o.alarmed.outcome || o.taken != 0
	case "overdue", "lost":
		o.alarmed.end = o.alarmed.end || o.taken != 0 && r.e.at > o.until
	}
}

// overdueOrders finds intents without an outcome and orders that did not end,
// where no alarm says so.
func (r *Replay) overdueOrders(now int64) {
	var open []*theOrder
	for _, o := range r.orders {
		if o.taken != 0 {
			open = append(open, o)
		}
	}
	slices.SortFunc(open, func(a, b *theOrder) int { return cmp.Compare(a.entry, b.entry) })
	for _, o := range open {
		if !o.answered && !o.alarmed.outcome && !o.told.outcome && now > o.taken+r.tolerance.order {
			o.told.outcome = true
			r.orderOwes(ruleActOutcome, "order_owed", o)
		}
		if o.held() && !o.alarmed.end && !o.told.end && now > o.until+r.tolerance.undo {
			o.told.end = true
			r.orderOwes(ruleActEnded, "order_unended", o)
		}
	}
}

// orderOwes writes down what an order owes since its intent.
func (r *Replay) orderOwes(rule, found string, o *theOrder) {
	index := r.e.index
	r.e.index = o.intent
	r.violate(rule, found, "act/use/"+string(o.use[:]), []uint64{o.entry})
	r.e.index = index
}
