package request

import (
	"slices"

	"noroshi/internal/base/fault"
)

// State is where a request stands.
type State string

// The states, in the order of a request's life.
const (
	Drafted      State = "drafted"
	Checked      State = "checked"     // its mail is written and stands still, for another to send
	Sending      State = "sending"     // handed over; what became of it is awaited
	Undelivered  State = "undelivered" // the mail did not arrive
	Sent         State = "sent"
	NoAnswer     State = "no_answer" // none came in time
	Acknowledged State = "acknowledged"
	Refused      State = "refused"
	Acted        State = "acted" // the machine's doing ended, as somebody says
	Closed       State = "closed"
)

// States lists them.
var States = []State{Drafted, Checked, Sending, Undelivered, Sent, NoAnswer, Acknowledged, Refused, Acted, Closed}

// Side is who makes a move.
type Side string

// The sides.
const (
	Person Side = "person" // of the organisation that asks
	Posted Side = "post"   // what became of a mail
	Clock  Side = "clock"
	Theirs Side = "carrier" // a carrier that was ordered, here on the hub
)

// Facts is what the rules look at beside the state.
type Facts struct {
	Gone      bool `json:"gone,omitempty"` // a mail of it went out
	Two       bool `json:"-"`              // who sends did not write it, or one person is enough
	Fresh     bool `json:"-"`              // what was checked is not old
	Leave     bool `json:"-"`              // it stands alone, or its step may be carried out now
	OneEnough bool `json:"-"`              // said by the organisation; for the record
}

// Rule is one allowed move, with what has to hold.
type Rule struct {
	Act   string
	From  []State
	To    State
	By    Side
	Needs []string
}

// after are the states in which a mail went out and the matter is open.
var after = []State{Sent, NoAnswer, Acknowledged}

// Rules are all allowed moves. What is not here is refused.
var Rules = []Rule{
	{"change", []State{Drafted, Checked, Undelivered}, Drafted, Person, nil},
	{"check", []State{Drafted}, Checked, Person, nil},
	{"send", []State{Checked}, Sending, Person, []string{"fresh", "two", "leave"}},
	{"sent", []State{Sending, Undelivered}, Sent, Posted, nil},
	{"sent", []State{Sending}, Sent, Person, nil}, // with a program of their own
	{"fail", []State{Sending, Sent, NoAnswer}, Undelivered, Posted, nil},
	{"fail", []State{Sending}, Undelivered, Person, nil},
	{"overdue", []State{Sent, Acknowledged}, NoAnswer, Clock, nil},
	{"acknowledge", append([]State{Drafted, Checked}, after...), Acknowledged, Person, []string{"gone"}},
	{"act", append([]State{Drafted, Checked, Refused, Undelivered}, after...), Acted, Person, []string{"gone"}},
	{"refuse", append([]State{Drafted, Checked}, after...), Refused, Person, []string{"gone"}},
	{"acknowledge", []State{Sent, NoAnswer}, Acknowledged, Theirs, nil},
	{"act", after, Acted, Theirs, nil},
	{"follow", append([]State{Refused, Undelivered, Acted}, after...), Drafted, Person, []string{"gone"}}, // asked again, or somebody else
	{"close", []State{Drafted, Checked, Undelivered, Sent, NoAnswer, Acknowledged, Refused, Acted}, Closed, Person, nil},
}

// needs are what a move may need; its sentence is "request.need." and its name.
var needs = map[string]func(f *Facts) bool{
	"fresh": func(f *Facts) bool { return f.Fresh },
	"two":   func(f *Facts) bool { return f.Two },
	"leave": func(f *Facts) bool { return f.Leave },
	"gone":  func(f *Facts) bool { return f.Gone },
}

// Faults of requests.
var (
	ErrNone     = fault.New(fault.NotFound, "request.none")     // no such request, or not theirs to know
	ErrInvalid  = fault.New(fault.Invalid, "request.invalid")   // with places
	ErrMove     = fault.New(fault.Conflict, "request.move")     // not from where it stands
	ErrRevision = fault.New(fault.Conflict, "request.revision") // changed meanwhile
	ErrTwo      = fault.New(fault.Refused, "request.need.two")  // who wrote it does not send it
	ErrDigest   = fault.New(fault.Conflict, "request.digest")   // another mail than was read
	ErrStep     = fault.New(fault.Invalid, "request.step")      // no step of this kind in the plan
	ErrDesk     = fault.New(fault.Unmet, "request.desk")        // nobody said where answers go
	ErrOff      = fault.New(fault.Unmet, "request.off")         // no registry may be asked
	ErrOften    = fault.New(fault.Busy, "request.often")
)

// move makes a move: ErrMove when it leads nowhere from there, else the fault of
// the first need that does not hold. That one person may not do both is a refusal,
// and goes on the record as one.
func move(at State, act string, by Side, f *Facts) (State, error) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Act == act && r.By == by && slices.Contains(r.From, at) })
	if i < 0 {
		return at, fault.New(fault.Conflict, ErrMove.Code, "state", string(at), "act", act)
	}
	for _, n := range Rules[i].Needs {
		if needs[n](f) {
			continue
		}
		kind := fault.Unmet
		if n == "two" || n == "leave" {
			kind = fault.Refused
		}
		return at, fault.New(kind, "request.need."+n)
	}
	return Rules[i].To, nil
}

// open lists the acts by which a person may go on from a state, whatever they
// need.
func open(at State, f *Facts) (out []string) {
	for _, r := range Rules {
		if r.By == Person && slices.Contains(r.From, at) && (!slices.Contains(r.Needs, "gone") || f.Gone) && !slices.Contains(out, r.Act) {
			out = append(out, r.Act)
		}
	}
	return out
}
