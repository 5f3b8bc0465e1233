package measure

import (
	"slices"
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
	refused                        bool // the plan in force came to nothing before the commission
	tried                          bool // some plan did, whichever is in force now
	earlier                        bool // something of earlier emergencies stands against another
	noTime                         bool // the emergency runs
	unsigned                       bool // one went on without the signature that it needed
	late, alarm                    bool
	voices                         int8 // members who said how they see it

	side    [3]Side // of each person, empty until they act
	officer [3]bool // designated
	first   int8    // who intended, -1 for nobody
	second  int8    // who said go
	step    int8    // under way; of the plan are 1 and 2
	done    [2]bool // steps that were carried out
	again   bool    // the step under way was carried out before

	superior   int8 // who signed because something stands against an emergency
	accountant int8 // who of the command accounted for a step
	alone      bool // one person's word was taken for two
}

// newWorld is a case before it is there.
func newWorld(b Body) world {
	return world{f: Facts{Body: b, Joint: true, OrderRuns: true}, first: -1, second: -1, superior: -1, accountant: -1}
}

// derive computes what the rules are told anew each time, as the service does,
// and levels what nothing looks at from here on, so that states that differ in
// nothing are one.
func (w *world) derive(forgetful bool) {
	if !w.here && w.appr != approval.Approved { // of another plan, and it gives nothing
		w.appr = ""
	}
	f := &w.f
	f.Approved, f.NoTime = w.appr == approval.Approved && w.here, w.noTime
	f.Barred, f.Weighed, f.Late, f.Alarmed = w.refused, w.voices >= 2, w.late, w.alarm
	f.InPlan, f.Repeated = false, false // said in the act
	switch w.at {
	case Planned, Consulted, Ordered, Declared:
	case Authorised:
		if f.Approved {
			w.earlier, w.tried, f.Shut = false, false, false
		}
	case Executing, Executed, Stopped, Reviewed, Closed, Dropped: // nothing is declared any more
		w.earlier, w.tried, f.Shut = false, false, false
	default:
		w.earlier, f.Shut = false, false
	}
	f.Tried = 0
	if w.tried && !forgetful {
		f.Tried = 1
	}
	if w.at != Authorised && w.at != Executing {
		f.InWindow = false
	}
	if f.Step == "" {
		f.Left = false
	}
	if !f.Notice.owed() {
		w.late, w.alarm, f.Late, f.Alarmed = false, false, false, false
	}
	if f.Notice == "" {
		w.voices = 0
	}
	f.Overdue = against(w.earlier, f.Tried, f)
}

// word is a world in bits.
type word struct{ a, b uint64 }

// pack writes a world into bits.
func (w *world) pack() word {
	var p packer
	p.put(index(States, w.at), 5)
	p.put(index(Bodies, w.f.Body), 2)
	p.put(index(Places, w.f.Place), 2)
	p.put(index(approval.States, w.appr), 4)
	p.put(index([]Notice{Due, Noticed, Confirmed, Advised}, w.f.Notice), 3)
	p.put(index([]Phase{Intended, Gone}, w.f.Step), 2)
	for _, s := range w.side {
		p.put(index([]Side{CommandSide, SuperiorSide, ExecutorSide, MemberSide}, s), 3)
	}
	for _, who := range []int8{w.first, w.second, w.superior, w.accountant} {
		p.put(int(who+1), 2)
	}
	p.put(int(w.step), 2)
	p.put(int(w.voices), 2)
	low := p.v
	p = packer{}
	f := &w.f
	for _, b := range []bool{w.officer[0], w.officer[1], w.officer[2], f.Unlawful, f.Danger, f.Proportionate, f.Organised, f.Indispensable, f.Means, f.Lawful, f.Consulted, f.Safety, f.PrimeMinister,
		f.Seconded, f.Restored, f.OrderRuns, f.Joint, f.InWindow, w.earlier, w.tried, f.Shut, f.Left, f.Accounted, w.here, w.consulted, w.requested, w.declared, w.refused, w.noTime, w.unsigned, w.late, w.alarm,
		w.done[0], w.done[1], w.again, w.alone} {
		p.bit(b)
	}
	if p.n > 64 {
		panic("BUG: a world has too many bits")
	}
	return word{low, p.v}
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
	slots []word
	n     int
}

func newSeen() *seen { return &seen{slots: make([]word, 1<<20)} }

// add reports whether a world is new. No world is all zeros: it has a body.
func (s *seen) add(v word) bool {
	if s.n*2 > len(s.slots) {
		old := s.slots
		s.slots, s.n = make([]word, 2*len(old)), 0
		for _, x := range old {
			if x != (word{}) {
				s.add(x)
			}
		}
	}
	for i := (v.a ^ v.b*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15 >> 20 & uint64(len(s.slots)-1); ; i = (i + 1) & uint64(len(s.slots)-1) {
		switch s.slots[i] {
		case word{}:
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
	blind  bool // nobody counts the plans that came to nothing
}

func (e *explorer) visit(w *world) {
	w.derive(e.blind)
	if !e.seen.add(w.pack()) {
		return
	}
	e.states[w.at]++
	x := Witness{ConsultedPlan: w.consulted, ApprovedPlan: w.appr == approval.Approved && w.here, DeclaredPlan: w.declared && w.noTime, RequestedPlan: w.requested, RefusedPlan: w.refused,
		StepInPlan: w.step == 1 || w.step == 2, StepAgain: w.again, Unsigned: w.unsigned, Voices: int(w.voices), Alarm: w.alarm, Late: w.late, OnePerson: w.alone || w.first >= 0 && w.first == w.second}
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
func (e *explorer) says(w *world, person int, act string, by Side, said func(*Facts), then func(*world)) {
	t := speak(w.at, act, by)
	if t == nil || person >= 0 && e.apart(w.side[person], by) {
		return
	}
	f := w.f
	if said != nil {
		said(&f)
	}
	if !held(t.guards, &f) {
		return
	}
	now := *w
	now.f = f
	if person >= 0 {
		now.side[person] = by
	}
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
	e.says(w, intruder, "second", SuperiorSide, nil, func(w *world) { w.superior = intruder })
	e.does(w, intruder, "stop", MemberSide, nil, e.bars(w, "stop", MemberSide))
	e.settles(w, intruder, "weigh", MemberSide)
	e.settles(w, -1, "weigh", MemberSide) // another member
	for _, act := range []string{"confirm", "advise"} {
		e.settles(w, intruder, act, MemberSide)
	}
	e.does(w, -1, "answer", ConsultantSide, nil, func(w *world) { w.consulted = true })
	e.does(w, -1, "object", ConsultantSide, nil, nil)
	e.does(w, -1, "agree", SafetySide, nil, func(w *world) { w.requested = true })
	e.does(w, -1, "order", MinisterSide, nil, nil)
	for _, act := range []string{"grant", "refuse", "lapse"} {
		e.does(w, -1, act, ClockSide, nil, e.bars(w, act, ClockSide))
	}
	e.says(w, -1, "alarm", ClockSide, nil, func(w *world) { w.alarm = true })
	e.happens(w)
}

// bars writes down that the plan came to nothing before the commission, where an
// act says so.
func (e *explorer) bars(w *world, act string, by Side) func(*world) {
	return func(now *world) {
		if bars(w.at, act, by) {
			now.refused, now.tried = true, true
		}
	}
}

// forget is what is true of a plan no more when there is another.
func forget(w *world) {
	w.here, w.consulted, w.requested, w.declared, w.refused, w.superior = false, false, false, false, false, -1
}

// signed writes down whether an emergency goes on without the signature that it
// needs: of a superior who commands nothing here, and not while it is shut off.
func signed(w *world, p int) func(*world) {
	return func(now *world) {
		if w.f.Approved {
			return
		}
		s := w.superior
		needed := w.earlier || w.tried || w.f.Notice == Due && w.late
		now.unsigned = now.unsigned || needed && (s < 0 || int(s) == p || w.side[s] != SuperiorSide || w.f.Shut)
	}
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
	if w.refused { // the same steps once more, in other words and hours
		e.does(w, p, "plan", CommandSide, func(f *Facts) { f.Means = true }, func(w *world) { forget(w); w.refused = true })
	}
	e.does(w, p, "consult", CommandSide, nil, func(w *world) { w.consulted = false })
	e.does(w, p, "ask", CommandSide, nil, func(w *world) { w.appr, w.here = approval.Asked, true })
	for _, act := range []string{"recall", "drop"} {
		e.does(w, p, act, CommandSide, nil, func(now *world) {
			e.bars(w, act, CommandSide)(now)
			if now.appr == approval.Approved {
				now.appr = approval.GivenUp
			} else if now.appr != "" && act == "recall" {
				now.appr = approval.Withdrawn
			}
		})
	}
	e.does(w, p, "declare", CommandSide, nil, func(now *world) {
		now.declared, now.noTime = true, true
		signed(w, p)(now)
		if w.earlier {
			e.braked++
		}
	})
	e.does(w, p, "authorise", CommandSide, nil, signed(w, p))
	for _, act := range []string{"stop", "review", "close"} {
		e.does(w, p, act, CommandSide, nil, nil)
	}
	for x := range w.side {
		if w.at == Planned || w.at == Executing && w.officer[x] && w.f.Step == "" && w.first < 0 {
			e.names(w, p, x)
		}
	}
	e.says(w, p, "account", CommandSide, nil, func(w *world) { w.accountant = int8(p) })
	if e.lax || pair(int8(p), w.accountant) == nil {
		e.says(w, p, "vouch", CommandSide, nil, func(now *world) {
			now.alone = now.alone || w.accountant == int8(p)
			now.endStep(true)
			if now.at == Executing {
				now.at = Stopped
			}
		})
	}
	e.says(w, p, "restore", CommandSide, nil, func(w *world) { w.f.Told = true }) // the two go together here
	e.settles(w, p, "notify", CommandSide)
}

// names has somebody designate a person, or dismiss who is designated.
func (e *explorer) names(w *world, p, x int) {
	act := "designate"
	if w.officer[x] {
		if act = "dismiss"; w.at == Planned {
			return // another order of the same
		}
	}
	e.says(w, p, act, CommandSide, nil, func(w *world) {
		w.officer[x] = !w.officer[x]
		n := 0
		for _, o := range w.officer {
			if o {
				n++
			}
		}
		w.f.Officers = n >= 2
	})
}

// endStep ends the step under way, which was carried out or not.
func (w *world) endStep(out bool) {
	if out && (w.step == 1 || w.step == 2) {
		w.done[w.step-1] = true
	}
	w.first, w.second, w.accountant, w.step, w.again = -1, -1, -1, 0, false
}

func (e *explorer) executes(w *world, p int) {
	if !w.officer[p] {
		return
	}
	e.does(w, p, "begin", ExecutorSide, nil, signed(w, p))
	for _, act := range []string{"finish", "stop"} {
		e.does(w, p, act, ExecutorSide, nil, nil)
	}
	for step := int8(1); step <= 3; step++ { // the plan has two
		again := step <= 2 && w.done[step-1]
		e.says(w, p, "intend", ExecutorSide, func(f *Facts) { f.InPlan, f.Repeated = step <= 2, again }, func(w *world) {
			w.first, w.step, w.again = int8(p), step, again
		})
	}
	if e.lax || pair(int8(p), w.first) == nil {
		e.says(w, p, "go", ExecutorSide, nil, func(w *world) { w.second = int8(p) })
	}
	e.says(w, p, "outcome", ExecutorSide, nil, func(w *world) { w.endStep(true) })
	e.says(w, p, "unsay", ExecutorSide, nil, func(w *world) { w.endStep(false) })
}

// settles makes a step of the review of an emergency; person -1 is somebody who
// does nothing else.
func (e *explorer) settles(w *world, p int, act string, by Side) {
	if p >= 0 && e.apart(w.side[p], by) {
		return
	}
	to, err := notice(&w.f, act, by)
	if err != nil {
		return
	}
	now := *w
	if p >= 0 {
		now.side[p] = by
	}
	if act == "weigh" { // each has one voice
		mine := int8(1)
		if p < 0 {
			mine = 2
		}
		now.voices = max(now.voices, min(now.voices+1, mine))
	}
	if to != w.f.Notice {
		now.f.Notice, now.late, now.alarm = to, false, false
	}
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
	change((w.at == Planned || w.at == Declared || w.at == Authorised && !w.f.Approved) && !w.earlier, func(w *world) { w.earlier = true })
	change(w.at == Planned && w.f.Overdue, func(w *world) { w.f.Shut = !w.f.Shut })
	change(w.f.Step != "" && !w.f.Left, func(w *world) { w.f.Left = true })
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
