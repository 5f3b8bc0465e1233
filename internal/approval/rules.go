package approval

import (
	"slices"

	"noroshi/internal/base/fault"
)

// State is where a case stands.
type State string

// The states. Approved is in force between the first and the last instant of
// its period, and at no other time.
const (
	Asked     State = "asked"
	Examined  State = "examined"
	Approved  State = "approved"
	Declined  State = "refused"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
	GivenUp   State = "given_up"
	Revoked   State = "revoked"
)

// States lists the states in the order of a case's life.
var States = []State{Asked, Examined, Approved, Declined, Withdrawn, Expired, GivenUp, Revoked}

// Side is on which side of a case somebody stands: whoever acted on one side
// never acts on another of the same case.
type Side string

// The sides.
const (
	AskerSide    Side = "asker"
	ExaminerSide Side = "examiner"
	MemberSide   Side = "member"
	HandlerSide  Side = "handler" // carries out
	ClockSide    Side = "clock"   // a period ran out
	HubSide      Side = "hub"     // what follows from an agreement
	WatchSide    Side = "watch"   // inspects
	CarrierSide  Side = "carrier" // has an instruction
)

// Step is one allowed change of state.
type Step struct {
	Act      string
	From, To State
	By       Side
}

// Steps are all allowed changes of state of what the commission decides. What is
// not here is refused.
var Steps = []Step{
	{"ask", "", Asked, AskerSide},
	{"examine", Asked, Examined, ExaminerSide},
	{"withdraw", Asked, Withdrawn, AskerSide},
	{"withdraw", Examined, Withdrawn, AskerSide},
	{"decide", Examined, Approved, MemberSide},
	{"decide", Examined, Declined, MemberSide},
	{"expire", Approved, Expired, ClockSide},
	{"give_up", Approved, GivenUp, AskerSide},
	{"revoke", Approved, Revoked, MemberSide},
}

// agreementSteps are those of what an agreement gives, or an organisation itself
// for its own network: it is decided elsewhere, and ended there.
var agreementSteps = []Step{
	{"issue", "", Approved, HubSide},
	{"expire", Approved, Expired, ClockSide},
	{"recall", Approved, Revoked, HubSide},
}

// talks are the acts that change no state, and in which states they are open.
var talks = []struct {
	act string
	by  Side
	in  []State
}{
	{"question", ExaminerSide, []State{Asked, Examined}},
	{"question", MemberSide, []State{Asked, Examined}},
	{"answer", AskerSide, []State{Asked, Examined}},
	{"vote", MemberSide, []State{Examined}},
	{"extend", AskerSide, []State{Approved}},
}

// Faults of cases.
var (
	ErrNone     = fault.New(fault.NotFound, "approval.none")     // no such case, or not theirs to know
	ErrInvalid  = fault.New(fault.Invalid, "approval.invalid")   // with places
	ErrStep     = fault.New(fault.Conflict, "approval.step")     // not from where it stands
	ErrRevision = fault.New(fault.Conflict, "approval.revision") // changed meanwhile
	ErrApart    = fault.New(fault.Refused, "approval.apart")     // the person acted on another side
	ErrOpen     = fault.New(fault.Unmet, "approval.open")        // a question has no answer yet
	ErrQuorum   = fault.New(fault.Unmet, "approval.quorum")      // too few votes
	ErrFull     = fault.New(fault.Conflict, "approval.full")     // as many members as there are have voted
	ErrBase     = fault.New(fault.Unmet, "approval.base")        // what is to be extended is not in force
	ErrTwice    = fault.New(fault.Conflict, "approval.twice")    // an extension was asked for already
	ErrOver     = fault.New(fault.Unmet, "approval.over")        // the period that was asked for is over
	ErrUse      = fault.New(fault.Conflict, "approval.use")      // no such use, or it has ended
	ErrTaken    = fault.New(fault.Invalid, "approval.taken")     // less than was written before
	ErrKindAct  = fault.New(fault.Refused, "approval.kind_act")  // not for what an agreement gives, or only for that
)

// step finds the state that an act leads to; ErrStep when it leads nowhere from
// there. Of two outcomes of one act the caller names its own.
func step(k Kind, from State, act string, by Side, to State) error {
	for _, s := range StepsOf(k) {
		if s.From == from && s.Act == act && s.By == by && s.To == to {
			return nil
		}
	}
	return fault.New(fault.Conflict, ErrStep.Code, "state", string(from), "act", act)
}

// StepsOf returns all allowed changes of state of what is approved of a kind.
func StepsOf(k Kind) []Step {
	if k.given() {
		return agreementSteps
	}
	return Steps
}

// open lists the acts that a side may do in a state.
func open(k Kind, from State, by Side) (acts []string) {
	for _, s := range StepsOf(k) {
		if s.From == from && s.By == by && !slices.Contains(acts, s.Act) {
			acts = append(acts, s.Act)
		}
	}
	if k.given() {
		return acts
	}
	for _, t := range talks {
		if t.by == by && slices.Contains(t.in, from) && !slices.Contains(acts, t.act) {
			acts = append(acts, t.act)
		}
	}
	return acts
}

// Opens refuses an act that changes no state where it is not open.
func Opens(k Kind, from State, act string, by Side) error {
	if slices.Contains(open(k, from, by), act) {
		return nil
	}
	return fault.New(fault.Conflict, ErrStep.Code, "state", string(from), "act", act)
}
