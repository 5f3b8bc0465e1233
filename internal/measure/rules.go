package measure

import (
	"slices"

	"noroshi/internal/base/fault"
)

// State is where a chain of command stands in a case.
type State string

// The states, in the order of a case's life.
const (
	Opened     State = "opened"
	Assessed   State = "assessed"
	Located    State = "located"
	Planned    State = "planned"
	Consulting State = "consulting" // the Foreign Minister was asked
	Consulted  State = "consulted"
	Agreed     State = "agreed"  // the safety commission requested it or consented
	Ordered    State = "ordered" // the Prime Minister ordered it
	Pending    State = "pending" // before the oversight commission
	Approved   State = "approved"
	Declined   State = "declined"
	Declared   State = "declared" // an emergency, instead of an approval
	Authorised State = "authorised"
	Executing  State = "executing"
	Executed   State = "executed"
	Stopped    State = "stopped"
	Reviewed   State = "reviewed"
	Closed     State = "closed"
	Dropped    State = "dropped" // given up before anything was done
)

// States lists the states in the order of a case's life.
var States = []State{Opened, Assessed, Located, Planned, Consulting, Consulted, Agreed, Ordered, Pending, Approved, Declined, Declared,
	Authorised, Executing, Executed, Stopped, Reviewed, Closed, Dropped}

// Side is on which side of a case somebody stands: whoever acted on one side
// never acts on another of the same case.
type Side string

// The sides.
const (
	CommandSide    Side = "command"    // asks and directs
	SuperiorSide   Side = "superior"   // above the command: signs what it may not do alone
	ExecutorSide   Side = "executor"   // carries out
	ConsultantSide Side = "consultant" // of the Foreign Minister
	SafetySide     Side = "safety"     // of the National Public Safety Commission
	MinisterSide   Side = "minister"   // of the Prime Minister
	MemberSide     Side = "member"     // of the oversight commission
	ClockSide      Side = "clock"      // time, and what the oversight commission decided
	WatchSide      Side = "watch"      // inspects
)

// Rule is one allowed change of state, with the guards that have to hold.
type Rule struct {
	Act      string
	From, To State
	By       Side
	Needs    []string // ids of Guards
}

// What has to hold before a plan is put to somebody, before it may be asked for
// or declared, and before anything is done.
var (
	sound  = []string{"G2", "G3", "G4", "G5", "G6", "G13", "G14"}
	ready  = append([]string{"G1", "G7", "G10", "G11", "G12"}, sound...)
	by8    = append([]string{"G8"}, ready...)
	by9    = append([]string{"G9"}, ready...)
	brakes = append([]string{"brake", "fresh"}, ready...)
)

// Rules are all allowed changes of state. What is not here is refused.
var Rules = slices.Concat(
	[]Rule{
		{"open", "", Opened, CommandSide, nil},
	},
	from("assess", Assessed, CommandSide, nil, Opened, Assessed, Located, Planned, Declined),
	from("locate", Located, CommandSide, []string{"G2", "G3", "G5"}, Assessed, Located, Planned, Declined),
	from("plan", Planned, CommandSide, []string{"G2", "G3", "G4", "G5", "G13"}, Located, Planned, Consulted, Agreed, Ordered, Declined),
	[]Rule{
		{"consult", Planned, Consulting, CommandSide, append([]string{"abroad"}, sound...)},
		{"answer", Consulting, Consulted, ConsultantSide, nil},
		{"object", Consulting, Planned, ConsultantSide, nil},
		{"recall", Consulting, Planned, CommandSide, nil},
	},
	from("agree", Agreed, SafetySide, append([]string{"defence", "G7"}, sound...), Planned, Consulted),
	[]Rule{{"order", Agreed, Ordered, MinisterSide, []string{"defence", "G10", "G11", "G7"}}},
	from("ask", Pending, CommandSide, ready, Planned, Consulted, Ordered),
	[]Rule{
		{"recall", Pending, Planned, CommandSide, nil},
		{"grant", Pending, Approved, ClockSide, []string{"G8"}},
		{"refuse", Pending, Declined, ClockSide, []string{"no_approval"}},
		{"lapse", Pending, Planned, ClockSide, []string{"no_approval"}},
		{"lapse", Approved, Planned, ClockSide, []string{"no_approval"}},
		{"recall", Approved, Planned, CommandSide, nil},
	},
	from("declare", Declared, CommandSide, brakes, Planned, Consulted, Ordered),
	[]Rule{
		{"authorise", Approved, Authorised, CommandSide, by8},
		{"authorise", Declared, Authorised, CommandSide, append([]string{"brake"}, by9...)},
		{"begin", Authorised, Executing, ExecutorSide, append([]string{"power", "window", "braked"}, ready...)},
		{"finish", Executing, Executed, ExecutorSide, []string{"no_step"}},
	},
	from("stop", Stopped, CommandSide, nil, Declared, Authorised, Executing),
	from("stop", Stopped, ExecutorSide, nil, Authorised, Executing),
	from("stop", Stopped, MemberSide, nil, Declared, Authorised, Executing),
	from("lapse", Stopped, ClockSide, []string{"no_power"}, Declared, Authorised, Executing),
	from("review", Reviewed, CommandSide, []string{"no_step"}, Executed, Stopped),
	[]Rule{{"close", Reviewed, Closed, CommandSide, []string{"settled", "restored", "told"}}},
	from("drop", Dropped, CommandSide, []string{"settled"}, Opened, Assessed, Located, Planned, Consulted, Agreed, Ordered, Declined, Approved),
)

// from writes the rules of one act that leads to one state from several.
func from(act string, to State, by Side, needs []string, froms ...State) (out []Rule) {
	for _, f := range froms {
		out = append(out, Rule{act, f, to, by, needs})
	}
	return out
}

// Talk is an act that changes no state of a chain, where it is open, and what
// has to hold.
type Talk struct {
	Act   string
	By    Side
	In    []State
	Needs []string
}

// Talks are all of them. A step is one person's intent, another's go, and the
// outcome of the first: that nothing more may be done does not keep what was
// done from being written down. When those two are gone, two of the command
// account for it. What is owed of an emergency and late raises an alarm
// wherever the chain stands.
var Talks = []Talk{
	{"designate", CommandSide, []State{Opened, Assessed, Located, Planned, Consulting, Consulted, Agreed, Ordered, Declined}, nil},
	{"dismiss", CommandSide, going, nil},
	{"invite", CommandSide, []State{Opened, Assessed, Located, Planned, Consulting, Consulted}, nil},
	{"second", SuperiorSide, []State{Planned, Consulted, Ordered, Declared, Authorised}, []string{"late"}},
	{"intend", ExecutorSide, []State{Executing}, append([]string{"power", "window", "no_step", "in_plan", "once"}, ready...)},
	{"go", ExecutorSide, []State{Executing}, append([]string{"power", "window", "intent"}, ready...)},
	{"outcome", ExecutorSide, []State{Executing, Stopped}, []string{"gone"}},
	{"unsay", ExecutorSide, []State{Executing, Stopped}, []string{"intent"}},
	{"account", CommandSide, []State{Executing, Stopped}, []string{"left"}},
	{"vouch", CommandSide, []State{Executing, Stopped}, []string{"left", "accounted"}},
	{"restore", CommandSide, []State{Executed, Stopped, Reviewed}, nil},
	{"tell", CommandSide, []State{Executed, Stopped, Reviewed}, nil},
	{"alarm", ClockSide, States, []string{"alarm"}},
}

// going are the states of a chain that is not over.
var going = slices.DeleteFunc(slices.Clone(States), func(s State) bool { return s == Closed || s == Dropped })

// alongside are the states in which the police act jointly with the forces: they
// found the machine themselves, and nobody stopped or refused them.
var alongside = []State{Located, Planned, Consulting, Consulted, Pending, Approved, Declared, Authorised, Executing, Executed, Reviewed}

// bars reports whether an act says of the plan in force that it is not to be
// carried out without the commission: who takes it back from there, or is
// refused, does not declare the same as an emergency.
func bars(from State, act string, by Side) bool {
	switch act {
	case "refuse":
		return true
	case "lapse", "recall", "drop":
		return from == Pending || from == Approved
	case "stop":
		return by == MemberSide
	}
	return false
}

// Faults of the rules.
var (
	ErrStep     = fault.New(fault.Conflict, "measure.step")     // not from where it stands
	ErrNotice   = fault.New(fault.Conflict, "measure.notice")   // the emergency is not there, or further on
	ErrApart    = fault.New(fault.Refused, "measure.apart")     // the person acted on another side
	ErrTwo      = fault.New(fault.Refused, "measure.two")       // one person's word for both
	ErrOutside  = fault.New(fault.Refused, "measure.outside")   // no step of the plan
	ErrAltered  = fault.New(fault.Refused, "measure.altered")   // a paper is not the one that was put to others
	ErrRevision = fault.New(fault.Conflict, "measure.revision") // changed meanwhile
	ErrNone     = fault.New(fault.NotFound, "measure.none")     // no such case, or not theirs to know
	ErrInvalid  = fault.New(fault.Invalid, "measure.invalid")   // with places
)

// apply makes an act that changes a state: it writes what the act says into the
// facts, asks the guards, and returns where the chain then stands. ErrStep where
// the act leads nowhere from there; the fault of the first guard that does not
// hold, with all of them as its places.
func apply(at State, f Facts, act string, by Side, said func(*Facts)) (State, Facts, error) {
	r := lead(at, act, by)
	if r == nil {
		return at, f, fault.New(fault.Conflict, ErrStep.Code, "state", string(at), "act", act)
	}
	after := f
	effect(act, &after)
	if said != nil {
		said(&after)
	}
	if !held(r.guards, &after) {
		return at, f, missing(r.guards, &after)
	}
	return r.To, after, nil
}

// talk makes an act that changes no state: the guards are asked of the facts
// before it, with what the act says.
func talk(at State, f Facts, act string, by Side, said func(*Facts)) (Facts, error) {
	t := speak(at, act, by)
	if t == nil {
		return f, fault.New(fault.Conflict, ErrStep.Code, "state", string(at), "act", act)
	}
	if said != nil {
		said(&f)
	}
	if !held(t.guards, &f) {
		return f, missing(t.guards, &f)
	}
	effect(act, &f)
	return f, nil
}

// bound is a Rule or a Talk with its guards at hand.
type bound struct {
	Rule
	guards []*Guard
}

// rulesAt and talksAt are Rules and Talks by the state from which they lead.
var rulesAt, talksAt = func() (rules, talks map[State][]bound) {
	rules, talks = map[State][]bound{}, map[State][]bound{}
	for _, r := range Rules {
		rules[r.From] = append(rules[r.From], bound{r, guardsOf(r.Needs)})
	}
	for _, t := range Talks {
		for _, at := range t.In {
			talks[at] = append(talks[at], bound{Rule{t.Act, at, at, t.By, t.Needs}, guardsOf(t.Needs)})
		}
	}
	return rules, talks
}()

// lead is the rule by which an act leads on from a state; nil for none.
func lead(at State, act string, by Side) *bound { return find(rulesAt[at], act, by) }

// speak is the rule of an act that changes no state; nil where it is not open.
func speak(at State, act string, by Side) *bound { return find(talksAt[at], act, by) }

func find(list []bound, act string, by Side) *bound {
	for i := range list {
		if r := &list[i]; r.Act == act && r.By == by {
			return r
		}
	}
	return nil
}

// apart refuses who acted on another side of a case: was is the side that they
// acted on before, empty for none.
func apart(was, by Side) error {
	if was != "" && was != by {
		return fault.New(fault.Refused, ErrApart.Code, "side", string(was))
	}
	return nil
}

// pair refuses one person's word where two persons' is needed.
func pair[P comparable](first, second P) error {
	if first == second {
		return ErrTwo
	}
	return nil
}

// effect is what an act does to the facts, beside what is said in it. Whatever
// rests on a plan ends with the plan, and what rests on a finding with that.
func effect(act string, f *Facts) {
	switch act {
	case "assess":
		f.Unlawful, f.Danger, f.Urgent, f.Proportionate, f.Organised, f.Indispensable = false, false, false, false, false, false
		f.Place = ""
		f.unplan()
	case "locate":
		f.unplan()
	case "plan":
		f.unplan()
		f.Priority = true
	case "object":
		f.Consulted = false
	case "consult": // an earlier answer was about another worksheet
		f.Lawful, f.Consulted = true, false
	case "answer":
		f.Consulted = true
	case "agree":
		f.Safety = true
	case "order":
		f.PrimeMinister = true
	case "second":
		f.Seconded = true
	case "declare":
		f.Notice, f.NoTime = Due, true
	case "intend":
		f.Step = Intended
	case "go":
		f.Step = Gone
	case "outcome", "unsay", "vouch":
		f.Step, f.Accounted = "", false
	case "account":
		f.Accounted = true
	case "restore":
		f.Restored = true
	case "tell":
		f.Told = true
	}
}

// unplan takes away what only held for the plan that was.
func (f *Facts) unplan() {
	f.Means, f.Priority, f.Lawful, f.Consulted, f.Safety, f.PrimeMinister, f.Seconded, f.Approved = false, false, false, false, false, false, false, false
}

// open lists the acts that a side may try now; of those that change no state only
// the ones that would do something.
func open(at State, f Facts, by Side) (acts []string) {
	add := func(act string) {
		if !slices.Contains(acts, act) {
			acts = append(acts, act)
		}
	}
	for _, r := range rulesAt[at] {
		if r.By == by && at != "" {
			add(r.Act)
		}
	}
	f.InPlan = true // whoever is asked which step will name one
	for _, t := range talksAt[at] {
		if t.By == by && held(t.guards, &f) {
			add(t.Act)
		}
	}
	for i := range Notices {
		if n := &Notices[i]; n.From == f.Notice && n.By == by && f.Notice != "" && held(n.guards(), &f) {
			add(n.Act)
		}
	}
	return acts
}
