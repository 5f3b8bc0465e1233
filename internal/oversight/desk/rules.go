package desk

import "noroshi/internal/base/fault"

// Kind is what the commission writes to a body.
type Kind string

// The kinds, with the article that each rests on.
const (
	Notice         Kind = "notice"         // art 66: of what was found
	Request        Kind = "request"        // art 67: for discipline of an official
	Recommendation Kind = "recommendation" // art 68
)

// Kinds lists them in the order of the law.
var Kinds = []Kind{Notice, Request, Recommendation}

// State is where a paper stands.
type State string

// The states, in the order of a paper's life.
const (
	Drafted  State = "drafted"
	Proposed State = "proposed" // by one member, to the others
	Sent     State = "sent"     // settled, and before the body
	Answered State = "answered"
	Closed   State = "closed"
	Dropped  State = "dropped" // given up before it was settled
)

// Side is on which side of a paper somebody stands.
type Side string

// The sides.
const (
	MemberSide    Side = "member"
	InspectorSide Side = "inspector"
	WatchSide     Side = "watch" // reads
	BodySide      Side = "body"  // is written to
	ClockSide     Side = "clock"
)

// Rule is one allowed act on a paper.
type Rule struct {
	Act   string
	From  State
	To    State
	By    []Side
	Needs string // name of the guard; empty: none
}

var (
	desk    = []Side{MemberSide, InspectorSide}
	members = []Side{MemberSide}
	body    = []Side{BodySide}
)

// Rules are all allowed acts on a paper. What is not here is refused. Two members
// settle it: the second neither drafted nor proposed it.
var Rules = []Rule{
	{"draft", "", Drafted, desk, ""},
	{"revise", Drafted, Drafted, desk, ""},
	{"propose", Drafted, Proposed, members, ""},
	{"back", Proposed, Drafted, members, ""},
	{"settle", Proposed, Sent, members, "other"},
	{"drop", Drafted, Dropped, desk, ""},
	{"drop", Proposed, Dropped, members, ""},
	{"answer", Sent, Answered, body, ""},
	{"answer", Answered, Answered, body, ""},
	{"insist", Answered, Sent, members, ""},
	{"close", Answered, Closed, members, ""},
	{"close", Sent, Closed, members, ""},
	{"prompt", Sent, Sent, []Side{ClockSide}, "soon"},
	{"remind", Sent, Sent, []Side{ClockSide}, "late"},
}

// Acts lists the acts of the rules, each once, in their order.
var Acts = []string{"draft", "revise", "propose", "back", "settle", "drop", "answer", "insist", "close", "prompt", "remind"}

// Ground is why a sealed part has to be opened, as the ledger says it in clear.
type Ground string

// The grounds.
const (
	ForViolation Ground = "violation" // a replay found something
	ForSample    Ground = "sample"    // the entry is in a sample
	ForComplaint Ground = "complaint"
	ForFollowUp  Ground = "follow_up" // of a paper
)

// Grounds lists them.
var Grounds = []Ground{ForViolation, ForSample, ForComplaint, ForFollowUp}

// OpeningState is where a wish to open stands.
type OpeningState string

// The states.
const (
	Asked    OpeningState = "asked"
	Opened   OpeningState = "opened"   // its content is kept sealed for its asker
	Withheld OpeningState = "withheld" // the organisation said why it does not open it
	Gone     OpeningState = "gone"     // it was opened, and what was kept is destroyed
)

// Results of an act of a sample.
const (
	Fine    = "fine"
	Finding = "finding"
)

// Faults of the desk.
var (
	ErrNone     = fault.New(fault.NotFound, "desk.none")
	ErrStep     = fault.New(fault.Conflict, "desk.step")
	ErrRevision = fault.New(fault.Conflict, "desk.revision")
	ErrTwo      = fault.New(fault.Refused, "desk.two")    // who drafted or proposed does not settle
	ErrDigest   = fault.New(fault.Refused, "desk.digest") // what was given is not what was sealed
	ErrAsker    = fault.New(fault.Refused, "desk.asker")  // only who asked reads what was opened
	ErrPlain    = fault.New(fault.Conflict, "desk.plain") // the entry has no sealed part
	ErrGone     = fault.New(fault.Conflict, "desk.gone")  // what was opened is destroyed
	ErrTwice    = fault.New(fault.Conflict, "desk.twice") // it was asked for, and not answered yet
	ErrSystem   = fault.New(fault.Conflict, "desk.system")
	ErrUnsound  = fault.New(fault.Conflict, "desk.unsound") // nothing can be counted of a log that is not whole
	ErrBusy     = fault.New(fault.Busy, "desk.busy")
	ErrInvalid  = fault.New(fault.Invalid, "desk.invalid") // with places
)

// find returns the rule of an act, or nil where it is not open.
func find(at State, act string, by Side) *Rule {
	for i := range Rules {
		r := &Rules[i]
		if r.Act != act || r.From != at {
			continue
		}
		for _, b := range r.By {
			if b == by {
				return r
			}
		}
	}
	return nil
}

// facts are what the guards ask of a paper and of who acts.
type facts struct {
	same bool // who acts drafted or proposed it
	soon bool // its day is near
	late bool
}

// apply makes an act: it returns where the paper then stands. Faults: ErrStep where
// the act leads nowhere, ErrTwo where it needs somebody else.
func apply(at State, act string, by Side, f facts) (State, error) {
	r := find(at, act, by)
	switch {
	case r == nil:
		return at, fault.New(fault.Conflict, ErrStep.Code, "state", string(at), "act", act)
	case r.Needs == "other" && f.same:
		return at, ErrTwo
	case r.Needs == "soon" && !f.soon, r.Needs == "late" && !f.late:
		return at, ErrStep
	}
	return r.To, nil
}

// open lists the acts that are open to a side, in the order of Acts.
func open(at State, by Side, f facts) (out []string) {
	for _, act := range Acts {
		if _, err := apply(at, act, by, f); err == nil {
			out = append(out, act)
		}
	}
	return out
}

// invalid is a fault of one place of an input.
func invalid(place, code string, pairs ...any) error {
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: place, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}
