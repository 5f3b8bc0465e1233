package measure

import (
	"slices"
	"strings"
	"testing"

	"noroshi/internal/approval"
)

// world is one state of everything at once: the chain, the application to the
// commission, the emergency, three people and the hour. What was really done
// stands beside what the rules believe, so that a rule that forgets to forget is
// found.
type world struct {
	at   State
	f    Facts
	appr approval.State // empty: nothing was asked
	here bool           // what was asked is of the plan in force

	consulted, requested, declared bool // of the plan in force, as it happened
	noTime                         bool // the emergency runs
	seconded                       bool // a superior signed before this declaration
	late                           bool

	side     [3]Side // of each person, empty until they act
	officer  [3]bool // designated
	first    int8    // who intended, -1 for nobody
	second   int8    // who said go
	inPlan   bool    // the step under way is of the plan
	superior int8    // who signed because the unit is late
}

// newWorld is a case before it is there.
func newWorld(b Body) world {
	return world{f: Facts{Body: b, Joint: true, OrderRuns: true}, first: -1, second: -1, superior: -1}
}

// derive computes what the rules are told anew each time, as the service does,
// and levels what nothing looks at from here on, so that states that differ in
// nothing are one.
func (w *world) derive() {
	if !w.here && w.appr != approval.Approved { // of another plan, and it gives nothing
		w.appr = ""
	}
	w.f.Approved, w.f.NoTime = w.appr == approval.Approved && w.here, w.noTime
	switch w.at {
	case Planned, Consulted, Ordered:
	default:
		w.f.Overdue, w.f.Shut = false, false
	}
	if w.at != Authorised && w.at != Executing {
		w.f.InWindow = false
	}
	if w.at != Declared {
		w.seconded = false
	}
}

// pack writes a world into 64 bits.
func (w *world) pack() uint64 {
	var p packer
	p.put(index(States, w.at), 5)
	p.put(index(Bodies, w.f.Body), 2)
	p.put(index(Places, w.f.Place), 2)
	p.put(index(approval.States, w.appr), 4)
	p.put(index([]Notice{Due, Noticed, Confirmed, Advised}, w.f.Notice), 3)
	p.put(index([]Phase{Intended, Gone}, w.f.Step), 2)
	for _, s := range w.side {
		p.put(index([]Side{CommandSide, ExecutorSide, MemberSide}, s), 2)
	}
	p.put(int(w.first+1), 2)
	p.put(int(w.second+1), 2)
	p.put(int(w.superior+1), 2)
	f := &w.f
	for _, b := range []bool{w.officer[0], w.officer[1], w.officer[2], f.Unlawful, f.Danger, f.Proportionate, f.Organised, f.Indispensable, f.Means, f.Lawful, f.Consulted, f.Safety, f.PrimeMinister,
		f.Seconded, f.Restored, f.OrderRuns, f.Joint, f.InWindow, f.Overdue, f.Shut, w.here, w.consulted, w.requested, w.declared, w.noTime, w.seconded, w.late, w.inPlan} {
		p.bit(b)
	}
	if p.n > 64 {
		panic("BUG: a world has more than 64 bits")
	}
	return p.v
}

type packer struct {
	v uint64
	n int
}

func (p *packer) put(v, bits int) { p.v |= uint64(v) << p.n; p.n += bits }
func (p *packer) bit(b bool) {
	if b {
		p.v |= 1 << p.n
	}
	p.n++
}

// index is where something stands in a list, from 1; 0 for none.
func index[T comparable](list []T, x T) int { return slices.Index(list, x) + 1 }

// seen is a set of packed worlds.
type seen struct {
	slots []uint64
	n     int
}

func newSeen() *seen { return &seen{slots: make([]uint64, 1<<20)} }

// add reports whether a world is new.
func (s *seen) add(v uint64) bool {
	v++ // no world is all zeros
	if s.n*2 > len(s.slots) {
		old := s.slots
		s.slots, s.n = make([]uint64, 2*len(old)), 0
		for _, x := range old {
			if x != 0 {
				s.add(x - 1)
			}
		}
	}
	for i := v * 0x9e3779b97f4a7c15 >> 20 & uint64(len(s.slots)-1); ; i = (i + 1) & uint64(len(s.slots)-1) {
		switch s.slots[i] {
		case 0:
			s.slots[i] = v
			s.n++
			return true
		case v:
			return false
		}
	}
}

// explorer walks all that the rules allow.
type explorer struct {
	t      *testing.T
	seen   *seen
	stack  []world
	broken map[string]int
	edges  map[string]bool // of Rules, that were walked
	states map[State]int
	braked int  // declarations of a unit that was late
	quiet  bool // what is broken is only counted
	lax    bool // nobody is kept apart
}

func (e *explorer) visit(w *world) {
	w.derive()
	if !e.seen.add(w.pack()) {
		return
	}
	e.states[w.at]++
	x := Witness{ConsultedPlan: w.consulted, ApprovedPlan: w.appr == approval.Approved && w.here, DeclaredPlan: w.declared && w.noTime, RequestedPlan: w.requested, StepInPlan: w.inPlan,
		SecondSignature: w.seconded, Alarm: alarmed(w.f.Notice, w.late), Late: w.late, OnePerson: w.first >= 0 && w.first == w.second}
	for _, p := range []int8{w.first, w.second} {
		x.ByAsker = x.ByAsker || p >= 0 && w.side[p] != ExecutorSide
	}
	for _, i := range Invariants {
		if !i.Holds(w.at, &w.f, &x) {
			if e.broken[i.ID]++; e.broken[i.ID] < 3 && !e.quiet {
				e.t.Errorf("%s is broken: %+v", i.ID, *w)
			}
		}
	}
	e.stack = append(e.stack, *w)
}

// does has a person make an act that changes the state, as the service does:
// sides first, then the rule.
func (e *explorer) does(w *world, person int, act string, by Side, said func(*Facts), then func(*world)) {
	r := lead(w.at, act, by)
	if r == nil || person >= 0 && e.apart(w.side[person], by) {
		return
	}
	f := w.f
	effect(act, &f)
	if said != nil {
		said(&f)
	}
	if !held(r.guards, &f) {
		return
	}
	e.edges[edge(&r.Rule)] = true
	now := *w
	now.at, now.f = r.To, f
	if person >= 0 {
		now.side[person] = by
	}
	if then != nil {
		then(&now)
	}
	e.visit(&now)
}

func (e *explorer) apart(was, by Side) bool { return !e.lax && apart(was, by) != nil }

func edge(r *Rule) string {
	return string(r.From) + " " + r.Act + " " + string(r.To) + " " + string(r.By)
}

// says has a person make an act that changes no state.
func (e *explorer) says(w *world, person int, act string, by Side, then func(*world)) {
	t := speak(w.at, act, by)
	if t == nil || e.apart(w.side[person], by) || !held(t.guards, &w.f) {
		return
	}
	now := *w
	now.side[person] = by
	effect(act, &now.f)
	then(&now)
	e.visit(&now)
}

// The three people: one who commands, one who carries out, and one who tries to be
// everything.
const commander, handler, intruder = 0, 1, 2

// next visits all that can happen in a world.
func (e *explorer) next(w *world) {
	for p := range w.side {
		if p != handler {
			e.commands(w, p)
		}
		if p != commander {
			e.executes(w, p)
		}
	}
	e.does(w, intruder, "stop", MemberSide, nil, nil)
	for _, act := range []string{"confirm", "advise"} {
		e.settles(w, intruder, act, MemberSide)
	}
	e.does(w, -1, "answer", ConsultantSide, nil, func(w *world) { w.consulted = true })
	e.does(w, -1, "object", ConsultantSide, nil, nil)
	e.does(w, -1, "agree", SafetySide, nil, func(w *world) { w.requested = true })
	e.does(w, -1, "order", MinisterSide, nil, nil)
	for _, act := range []string{"grant", "refuse", "lapse"} {
		e.does(w, -1, act, ClockSide, nil, nil)
	}
	e.happens(w)
}

// forget is what is true of a plan no more when there is another.
func forget(w *world) {
	w.here, w.consulted, w.requested, w.declared, w.superior = false, false, false, false, -1
}

func (e *explorer) commands(w *world, p int) {
	e.does(w, p, "open", CommandSide, nil, nil)
	for _, lacks := range []string{"", "G2", "G3", "G10", "G11"} { // all of it is found, or all but one
		if w.f.Body != Defence && len(lacks) == 3 {
			continue
		}
		e.does(w, p, "assess", CommandSide, func(f *Facts) {
			f.Unlawful, f.Danger, f.Urgent, f.Proportionate = lacks != "G2", lacks != "G3", lacks != "G3", true
			f.Organised, f.Indispensable = lacks != "G10", lacks != "G11"
		}, forget)
	}
	for _, place := range Places {
		e.does(w, p, "locate", CommandSide, func(f *Facts) { f.Place = place }, forget)
	}
	e.does(w, p, "plan", CommandSide, func(f *Facts) { f.Means = true }, forget)
	e.does(w, p, "consult", CommandSide, nil, nil)
	e.does(w, p, "ask", CommandSide, nil, func(w *world) { w.appr, w.here = approval.Asked, true })
	e.does(w, p, "recall", CommandSide, nil, func(w *world) {
		if w.appr == approval.Approved {
			w.appr = approval.GivenUp
		} else if w.appr != "" {
			w.appr = approval.Withdrawn
		}
	})
	e.does(w, p, "drop", CommandSide, nil, func(w *world) {
		if w.appr == approval.Approved {
			w.appr = approval.GivenUp
		}
	})
	// As the service does: the guard asks whether somebody signed, and then it is not
	// who declares.
	if !w.f.Overdue || !w.f.Seconded || pair(int8(p), w.superior) == nil {
		e.does(w, p, "declare", CommandSide, nil, func(now *world) {
			now.declared, now.noTime = true, true
			now.seconded = !w.f.Overdue || w.superior >= 0 && int(w.superior) != p
			if w.f.Overdue {
				e.braked++
			}
		})
	}
	for _, act := range []string{"authorise", "stop", "review", "close"} {
		e.does(w, p, act, CommandSide, nil, nil)
	}
	e.says(w, p, "second", CommandSide, func(w *world) { w.superior = int8(p) })
	for x := range w.side {
		if !w.officer[x] && w.at == Planned {
			e.says(w, p, "designate", CommandSide, func(w *world) {
				w.officer[x] = true
				n := 0
				for _, o := range w.officer {
					if o {
						n++
					}
				}
				w.f.Officers = n >= 2
			})
		}
	}
	e.says(w, p, "restore", CommandSide, func(w *world) { w.f.Told = true }) // the two go together here
	e.settles(w, p, "notify", CommandSide)
}

func (e *explorer) executes(w *world, p int) {
	if !w.officer[p] {
		return
	}
	e.does(w, p, "begin", ExecutorSide, nil, nil)
	for _, act := range []string{"finish", "stop"} {
		e.does(w, p, act, ExecutorSide, nil, nil)
	}
	e.says(w, p, "intend", ExecutorSide, func(w *world) { w.first, w.inPlan = int8(p), true })
	if e.lax || pair(int8(p), w.first) == nil {
		e.says(w, p, "go", ExecutorSide, func(w *world) { w.second = int8(p) })
	}
	for _, act := range []string{"outcome", "unsay"} {
		e.says(w, p, act, ExecutorSide, func(w *world) { w.first, w.second, w.inPlan = -1, -1, false })
	}
}

// settles makes a step of the review of an emergency.
func (e *explorer) settles(w *world, p int, act string, by Side) {
	if e.apart(w.side[p], by) {
		return
	}
	to, err := notice(w.f.Notice, act, by)
	if err != nil {
		return
	}
	now := *w
	now.side[p], now.f.Notice, now.late = by, to, false
	e.visit(&now)
}

// happens is what nobody of the case does: the commission's own steps, and time.
func (e *explorer) happens(w *world) {
	change := func(yes bool, then func(*world)) {
		if yes {
			now := *w
			then(&now)
			e.visit(&now)
		}
	}
	for _, s := range approval.Steps {
		change(s.From == w.appr && s.From != "", func(w *world) { w.appr = s.To })
	}
	change(w.at == Authorised || w.at == Executing, func(w *world) { w.f.InWindow = !w.f.InWindow })
	change(w.f.PrimeMinister && w.f.OrderRuns, func(w *world) { w.f.OrderRuns = false })
	change(w.f.Body == Defence && w.f.Joint, func(w *world) { w.f.Joint = false })
	change(w.f.Place == Japan, func(w *world) { w.f.Place = Abroad }) // the other chain found so
	change(w.at == Planned && !w.f.Overdue, func(w *world) { w.f.Overdue = true })
	change(w.at == Planned && w.f.Overdue, func(w *world) { w.f.Shut = !w.f.Shut })
	change(w.noTime, func(w *world) { w.noTime = false })
	change(w.f.Notice.owed() && !w.late, func(w *world) { w.late = true })
}

func newExplorer(t *testing.T) *explorer {
	return &explorer{t: t, seen: newSeen(), broken: map[string]int{}, edges: map[string]bool{}, states: map[State]int{}}
}

// walk visits all that follows from the opening of a case, until enough says so.
func (e *explorer) walk(b Body, enough func() bool) {
	first := newWorld(b)
	e.visit(&first)
	for len(e.stack) > 0 && !enough() {
		w := e.stack[len(e.stack)-1]
		e.stack = e.stack[:len(e.stack)-1]
		e.next(&w)
	}
}

// TestNoStateHoldsPowerItWasNotGiven walks every state that the rules, the
// commission's own and time can bring about, with three people who try
// everything, and asks of each what the law asks. What it walked it draws.
func TestNoStateHoldsPowerItWasNotGiven(t *testing.T) {
	e := newExplorer(t)
	for _, b := range Bodies {
		e.walk(b, func() bool { return false })
		t.Logf("%s: %d states so far", b, e.seen.n)
	}
	if e.seen.n < 1_000_000 {
		t.Errorf("only %d states were walked", e.seen.n)
	}
	for i := range Rules {
		if r := &Rules[i]; !e.edges[edge(r)] {
			t.Errorf("the rule %q is never of use", edge(r))
		}
	}
	if e.braked == 0 {
		t.Error("the brake lets nobody through, so that it was not tried")
	}
	for _, s := range States {
		if e.states[s] == 0 {
			t.Errorf("nothing leads to %s", s)
		}
	}
	draw(t, e)
}

// A search that finds nothing is worth nothing: with one guard taken away, it
// finds the state that the guard is there for.
func TestTheSearchFindsWhatAGuardPrevents(t *testing.T) {
	for _, c := range []struct {
		guards string
		body   Body
		breaks string
	}{
		{"G2", National, "grounds"}, {"G3", National, "grounds"}, {"G6", Prefecture, "I2"}, {"G7", National, "I2"}, {"G8 power", National, "I1"},
		{"G10", Defence, "I3"}, {"G11", Defence, "I3"}, {"G12", Defence, "I3"}, {"settled", National, "I4"}, {"brake", National, "brake"}, {"apart", National, "I6"}, {"two", National, "two"},
	} {
		e := newExplorer(t)
		e.quiet, e.lax = true, c.guards == "apart" || c.guards == "two"
		kept := slices.Clone(Guards)
		for i := range Guards {
			if slices.Contains(strings.Fields(c.guards), Guards[i].ID) {
				Guards[i].Holds = func(*Facts) bool { return true }
			}
		}
		e.walk(c.body, func() bool { return e.broken[c.breaks] > 0 })
		copy(Guards, kept)
		if e.broken[c.breaks] == 0 {
			t.Errorf("without %s, %s holds in %d states", c.guards, c.breaks, e.seen.n)
		}
	}
}
