package oversight

import (
	"slices"

	"noroshi/internal/approval"
	"noroshi/internal/measure"
)

// theMeasure is a case of measures as entries show it: one machine, and the
// chains of command that are on it.
type theMeasure struct {
	machine person // a pseudonym too
	people  []sided
	chains  []*theChain
}

// sided is somebody on a side of a case of measures.
type sided struct {
	who   person
	side  measure.Side
	entry uint64
}

// theChain is one chain of command.
type theChain struct {
	of    *theMeasure
	name  id
	unit  person
	body  measure.Body
	found int // how strict its finding of the place is, or that of a stricter chain; 0: none
	floor int // how strict its own is at least
	state measure.State
	began uint64 // entry

	grounds  struct{ unlawful, danger, urgent, proportionate, organised, indispensable bool }
	officers []person
	plan     plan
	refused  [64]byte // digest of the plan that the commission did not let pass last

	worksheet  [64]byte
	consulted  bool // the Foreign Minister answered about this worksheet
	requested  bool
	ordered    bool
	orderUntil int64

	approval *theCase
	laid     [64]byte // digest of the plan that was laid before the commission

	emergency emergency
	step      step
	carried   []uint64 // numbers of the steps that were carried out
	restored  bool
	told      bool
	overtold  bool // that it did not end with its power
}

// plan is what a chain means to do.
type plan struct {
	digest      [64]byte
	steps       []string
	from, until int64
	entry       uint64
}

// step is what is under way; entry 0 and no first: nothing.
type step struct {
	name     id
	number   uint64
	first    person
	second   person
	account  person
	going    bool
	entry    uint64
	overtold bool // that it has no outcome
}

func (s *step) open() bool { return s.first != 0 }

// machine reads words of the state table: what is not in it is no word.
type words struct {
	states  map[string]measure.State
	sides   map[string]measure.Side
	bodies  map[string]measure.Body
	places  map[string]int // how strict, from 1
	acts    map[string]string
	kinds   map[string]string
	leads   map[leading][]measure.State // where an act leads
	notices map[noticing]measure.Notice
}

type leading struct {
	from measure.State
	act  string
	by   measure.Side
}

type noticing struct {
	from measure.Notice
	act  string
	by   measure.Side
}

// readWords makes the state table of measures into one that is looked up.
func readWords() (w words) {
	w = words{states: map[string]measure.State{"": ""}, sides: map[string]measure.Side{}, bodies: map[string]measure.Body{}, places: map[string]int{}, acts: map[string]string{}, kinds: map[string]string{},
		leads: map[leading][]measure.State{}, notices: map[noticing]measure.Notice{}}
	for _, s := range measure.States {
		w.states[string(s)] = s
	}
	for _, b := range measure.Bodies {
		w.bodies[string(b)] = b
	}
	for i, p := range measure.Places {
		w.places[string(p)] = i + 1
	}
	for _, k := range measure.Steps {
		w.kinds[string(k.Kind)] = string(k.Kind)
	}
	lead := func(from measure.State, act string, by measure.Side, to measure.State) {
		w.acts[act], w.sides[string(by)] = act, by
		k := leading{from, act, by}
		if !slices.Contains(w.leads[k], to) {
			w.leads[k] = append(w.leads[k], to)
		}
	}
	for _, r := range measure.Rules {
		lead(r.From, r.Act, r.By, r.To)
	}
	for _, t := range measure.Talks {
		for _, at := range t.In {
			lead(at, t.Act, t.By, at)
			if (t.Act == "outcome" || t.Act == "vouch") && at == measure.Executing { // what went another way stops everything
				lead(at, t.Act, t.By, measure.Stopped)
			}
		}
	}
	for _, n := range measure.Notices {
		w.acts[n.Act], w.sides[string(n.By)] = n.Act, n.By
		w.notices[noticing{n.From, n.Act, n.By}] = n.To
		for _, at := range measure.States {
			lead(at, n.Act, n.By, at)
		}
	}
	for _, at := range measure.States { // time alone, whatever the state
		lead(at, "alarm", measure.ClockSide, at)
	}
	return w
}

// Number has measures judged by other numbers than those built in. Call it before
// the first entry; the zero value changes nothing.
func (r *Replay) Number(n measure.Numbers) {
	if n != (measure.Numbers{}) {
		r.measure = n
	}
}

// several are the verbs that have several acts, or acts of another name.
var several = map[string][]string{"answer": {"answer", "object"}, "lapse": {"grant", "refuse", "lapse"}, "intend": {"intend", "unsay"}, "settle": {"confirm", "advise"}}

// measured is any act of a measure that is about a chain of command.
func (r *Replay) measured() {
	x, _ := idOf(r.e.text("chain"))
	act, by := r.words.acts[string(r.e.text("act"))], r.words.sides[string(r.e.text("by"))]
	verb := r.e.verb[len("measure."):]
	c := r.chains[x]
	if act == "open" {
		r.openChain(x, c)
		return
	}
	noun, y, ok := about(r.e.object)
	if !r.check(ruleMeasureSteps, ok && string(noun) == "measure" && c != nil && r.measures[y] == c.of, "chain_unknown") {
		return
	}
	known := string(verb) == act
	if list, ok := several[string(verb)]; ok {
		known = slices.Contains(list, act)
	}
	from := c.state
	r.moved(c, act, by, known)
	r.sits(c, by)
	r.does(c, act, by, from)
}

// openChain is a case with its first chain of command.
func (r *Replay) openChain(x id, c *theChain) {
	noun, y, ok := about(r.e.object)
	if !r.check(ruleMeasureSteps, ok && string(noun) == "measure" && c == nil && r.measures[y] == nil && string(r.e.verb) == "measure.open" && len(r.e.text("from")) == 0 &&
		string(r.e.text("to")) == string(measure.Opened), "chain_again") {
		return
	}
	m := &theMeasure{machine: r.who(r.e.text("machine"))}
	r.measures[y] = m
	r.putChain(m, x, r.who(r.e.text("unit")), r.words.bodies[string(r.e.text("body"))])
	r.sits(m.chains[0], measure.CommandSide)
}

func (r *Replay) putChain(m *theMeasure, x id, unit person, b measure.Body) {
	c := &theChain{of: m, name: x, unit: unit, body: b, state: measure.Opened, began: r.e.index}
	m.chains, r.units[unit], r.machines[m.machine] = append(m.chains, c), append(r.units[unit], c), append(r.machines[m.machine], c)
	r.chains[x] = c
}

// moved holds the state that an act says it leads to against the table, and goes
// on from what it says: one wrong step is one finding.
func (r *Replay) moved(c *theChain, act string, by measure.Side, known bool) {
	from, ok := r.words.states[string(r.e.text("from"))]
	to, there := r.words.states[string(r.e.text("to"))]
	lawful := ok && there && known && from == c.state && slices.Contains(r.words.leads[leading{from, act, by}], to) && r.who(r.e.text("unit")) == c.unit
	if r.checked[ruleMeasureSteps]++; !lawful {
		r.violate(ruleMeasureSteps, "chain_step", string(r.e.object), []uint64{c.began}, "from", string(c.state), "to", string(to), "act", string(r.e.text("act")))
	}
	c.state = to
}

// sits writes down that who acts stands on a side of the case, and holds it
// against the others, of every chain, and against who decided of its approvals.
func (r *Replay) sits(c *theChain, by measure.Side) {
	if by == measure.ClockSide || by == "" {
		r.check(ruleMeasureSides, len(r.e.who) == 0, "clock_person")
		return
	}
	m, who := c.of, r.who(r.e.who)
	r.checked[ruleMeasureSides]++
	there := false
	for _, p := range m.people {
		if p.who == who && p.side != by {
			r.violate(ruleMeasureSides, "measure_sides", string(r.e.object), []uint64{p.entry})
			break
		}
		there = there || p.who == who
	}
	if !there {
		m.people = append(m.people, sided{who, by, r.e.index})
	}
	for _, x := range m.chains {
		if x.approval == nil || by == measure.MemberSide {
			continue
		}
		for _, p := range x.approval.people {
			if p.who == who && (p.side == examiner || p.side == member || p.side == commission) {
				r.violate(ruleMeasureSides, "measure_sides", string(r.e.object), []uint64{p.entry})
			}
		}
	}
	switch by {
	case measure.CommandSide, measure.ExecutorSide, measure.SuperiorSide:
		r.checkAt(ruleMeasureSides, r.who(r.e.org) == c.unit, "measure_org", []uint64{c.began})
	case measure.MemberSide:
		r.body(c.unit, c.began)
	}
}

// does is what an act does, beside where it leads.
func (r *Replay) does(c *theChain, act string, by measure.Side, from measure.State) {
	switch act {
	case "invite":
		r.invited(c)
	case "assess":
		g := &c.grounds
		g.unlawful, g.danger, g.urgent, g.proportionate = r.e.yes("unlawful"), r.e.yes("danger"), r.e.yes("urgent"), r.e.yes("proportionate")
		g.organised, g.indispensable = r.e.yes("organised"), r.e.yes("indispensable")
		c.found, c.floor = 0, 0
		c.unplan()
	case "locate":
		c.unplan()
		r.located(c)
	case "designate", "dismiss":
		p := r.who(r.e.text("officer"))
		c.officers = slices.DeleteFunc(c.officers, func(x person) bool { return x == p })
		if act == "designate" {
			c.officers = append(c.officers, p)
		}
	case "plan":
		r.planned(c)
	case "consult":
		c.consulted = false
		copy(c.worksheet[:], r.e.text("worksheet"))
		r.checkAt(ruleMeasurePlan, r.samePlan(c), "plan_other", []uint64{c.plan.entry})
	case "answer", "object":
		c.consulted = act == "answer" && r.checkAt(ruleMeasureConsulted, string(r.e.text("worksheet")) == trim(c.worksheet[:]), "worksheet", []uint64{c.plan.entry})
	case "agree":
		c.requested = true
	case "order":
		c.ordered, c.orderUntil = true, r.e.time("order_until")
	case "ask":
		r.mayAct(c)
		r.counted(c)
		r.laidChain(c)
	case "grant", "refuse", "lapse":
		r.timed(c, act, from)
	case "recall":
		if from == measure.Pending || from == measure.Approved {
			r.bar(c)
		}
		if c.approval != nil {
			r.taken(c.approval)
		}
	case "drop":
		r.checkAt(ruleMeasureClosed, c.emergency.settled(), "owed", []uint64{c.began})
		if from == measure.Pending || from == measure.Approved {
			r.bar(c)
		}
		if c.approval != nil {
			r.taken(c.approval)
		}
	case "second":
		c.emergency.superior, c.emergency.signed = r.who(r.e.who), r.e.index
		r.check(ruleMeasureBrake, r.who(r.e.text("superior")) == r.who(r.e.who), "superior")
	case "declare":
		r.declared(c)
	case "authorise":
		r.mayAct(c)
		r.power(c)
		r.unbraked(c)
	case "begin":
		r.executes(c)
		r.unbraked(c)
	case "intend", "go", "outcome", "unsay", "account", "vouch", "finish", "review":
		r.stepped(c, act)
	case "stop":
		if by == measure.MemberSide {
			c.refused = c.plan.digest
			r.bar(c)
		}
	case "restore":
		c.restored = true
	case "tell":
		c.told = true
	case "close":
		r.checkAt(ruleMeasureClosed, c.emergency.settled() && c.restored && c.told, "owed", []uint64{c.began})
	case "notify", "weigh", "confirm", "advise", "alarm":
		r.reviewed(c, act, by)
	}
}

// taken is an approval that its asker takes back, or gives up.
func (r *Replay) taken(c *theCase) {
	switch c.state {
	case approval.Asked, approval.Examined:
		c.state, c.endedAt = approval.Withdrawn, r.e.at
	case approval.Approved:
		c.state, c.endedAt = approval.GivenUp, r.e.at
	}
}

// invited is the forces' chain of command, which has no opening of its own.
func (r *Replay) invited(c *theChain) {
	x, _ := idOf(r.e.text("partner_chain"))
	unit := r.who(r.e.text("partner"))
	if r.checkAt(ruleMeasureSteps, r.chains[x] == nil && unit != 0 && unit != c.unit && c.body != measure.Defence, "chain_again", []uint64{c.began}) {
		r.putChain(c.of, x, unit, measure.Defence)
	}
}

// located is where a chain believes the machine to be. The strictest of a case is
// said: it is the chain's own where no other was as strict before.
func (r *Replay) located(c *theChain) {
	c.found, c.floor = r.words.places[string(r.e.text("place"))], 1
	stricter := false
	for _, x := range c.of.chains {
		stricter = stricter || x != c && x.found >= c.found
	}
	if !stricter {
		c.floor = c.found
	}
}

// unplan takes away what only held for the plan that was.
func (c *theChain) unplan() {
	c.plan = plan{}
	c.worksheet, c.consulted, c.requested, c.ordered, c.orderUntil = [64]byte{}, false, false, false, 0
	c.approval, c.laid, c.emergency.superior = nil, [64]byte{}, 0
}

// planned is a new plan: what held for the one before holds for it no more.
func (r *Replay) planned(c *theChain) {
	c.unplan()
	p := plan{from: r.e.time("window_from"), until: r.e.time("window_until"), entry: r.e.index}
	copy(p.digest[:], r.e.text("plan"))
	raw, _ := r.e.fact("steps")
	known := true
	each(raw, true, func(_, v []byte) bool {
		k, ok := r.words.kinds[string(unquote(v))]
		known = known && ok
		p.steps = append(p.steps, k)
		return len(p.steps) <= r.measure.PlanSteps.Value
	})
	r.check(ruleMeasurePlan, known && len(p.steps) > 0 && len(p.steps) <= r.measure.PlanSteps.Value, "plan_steps", "n", len(p.steps))
	r.check(ruleMeasureWindow, p.until > p.from && p.until-p.from <= hours(r.measure.WindowHours), "window_long", "hours", r.measure.WindowHours.Value)
	c.plan = p
}

func hours(n measure.Number) int64   { return int64(n.Value) * 3600 * second }
func minutes(n measure.Number) int64 { return int64(n.Value) * 60 * second }

// samePlan reports whether the entry is about the plan in force.
func (r *Replay) samePlan(c *theChain) bool {
	return string(r.e.text("plan")) == trim(c.plan.digest[:])
}
