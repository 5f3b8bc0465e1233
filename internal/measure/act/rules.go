package act

import (
	"slices"

	"noroshi/internal/base/fault"
)

// State is where an order stands.
type State string

// The states. Sent is the intent: from there on the equipment may hold it, until
// its actuator says that it does not.
const (
	Asked     State = "asked"
	Approved  State = "approved"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Sent      State = "sent"
	Live      State = "live"
	Half      State = "half"   // the equipment holds another set than it was told
	Failed    State = "failed" // it could not be done, and nothing of it is held
	Ending    State = "ending" // to be undone; the actuator has not yet said that it is
	Stuck     State = "stuck"  // it was to be taken away, and the equipment still holds it; the actuator goes on trying
	Undone    State = "undone"
	Expired   State = "expired"
)

// States lists them in the order of an order's life.
var States = []State{Asked, Approved, Refused, Withdrawn, Sent, Live, Half, Failed, Ending, Stuck, Undone, Expired}

// WordsKey returns the key of the state's words (text.Worded).
func (s State) WordsKey() string { return "act.state." + string(s) }

// doing is an act as a refusal says it.
type doing string

// WordsKey returns the key of the act's words (text.Worded).
func (d doing) WordsKey() string { return "act.do." + string(d) }

// part is what of an order is not as the plan's step says.
type part string

// WordsKey returns the key of the part's words (text.Worded).
func (p part) WordsKey() string { return "act.off." + string(p) }

// over reports whether nothing follows.
func (s State) over() bool {
	return slices.Contains([]State{Refused, Withdrawn, Failed, Undone, Expired}, s)
}

// held reports whether the equipment may hold something of an order.
func (s State) held() bool { return slices.Contains([]State{Sent, Live, Half, Ending, Stuck}, s) }

// timed reports whether the end of an order is still to come: of what is being
// taken away it no longer matters.
func (s State) timed() bool { return s == Approved || s.held() && s != Ending && s != Stuck }

// stillHeld is the alarm of an order that is over here while its actuator says
// that it holds something of it. It stands until the actuator says otherwise.
const stillHeld = "held"

// overAndHeld reports whether that alarm stands at an order.
func (o *Order) overAndHeld() bool { return o.State.over() && o.Alarm == stillHeld }

// alarmed reports whether an alarm is to be shown beside the state: what is over
// needs none but that, and that equipment is not as told its state says already.
func (o *Order) alarmed() bool {
	return o.Alarm != "" && (!o.State.over() || o.overAndHeld()) && !(o.Alarm == "drift" && (o.State == Half || o.State == Stuck))
}

// Side is on which side of an order somebody stands.
type Side string

// The sides.
const (
	AskerSide    Side = "asker"
	ApproverSide Side = "approver"
	MachineSide  Side = "actuator"
	ClockSide    Side = "clock"
)

// Step is one allowed change of state.
type Step struct {
	Act      string
	From, To State
	By       Side
}

// Steps are all allowed changes of state; what is not here is refused.
var Steps = []Step{
	{"ask", "", Asked, AskerSide},
	{"withdraw", Asked, Withdrawn, AskerSide},
	{"withdraw", Approved, Withdrawn, AskerSide},
	{"refuse", Asked, Refused, ApproverSide},
	{"approve", Asked, Approved, ApproverSide},
	{"end", Asked, Expired, ClockSide}, // nobody decided
	{"end", Approved, Expired, ClockSide},
	{"take", Approved, Sent, MachineSide},
	{"outcome", Sent, Live, MachineSide},
	{"outcome", Sent, Half, MachineSide},
	{"outcome", Sent, Failed, MachineSide},
	{"outcome", Sent, Undone, MachineSide},
	{"outcome", Sent, Expired, MachineSide},
	{"outcome", Live, Half, MachineSide},
	{"outcome", Live, Failed, MachineSide},
	{"outcome", Live, Undone, MachineSide},
	{"outcome", Live, Expired, MachineSide},
	{"outcome", Half, Live, MachineSide},
	{"outcome", Half, Failed, MachineSide},
	{"outcome", Half, Undone, MachineSide},
	{"outcome", Half, Expired, MachineSide},
	{"outcome", Ending, Undone, MachineSide},
	{"outcome", Ending, Failed, MachineSide},
	{"outcome", Ending, Expired, MachineSide},
	{"outcome", Sent, Stuck, MachineSide}, // it was told, does not hold all of it, and does not let go
	{"outcome", Live, Stuck, MachineSide},
	{"outcome", Half, Stuck, MachineSide},
	{"outcome", Ending, Stuck, MachineSide},
	{"outcome", Stuck, Undone, MachineSide},
	{"outcome", Stuck, Failed, MachineSide},
	{"outcome", Stuck, Expired, MachineSide},
	{"undo", Sent, Ending, AskerSide},
	{"undo", Live, Ending, AskerSide},
	{"undo", Half, Ending, AskerSide},
	{"undo", Stuck, Ending, AskerSide}, // that equipment says it does not let go is nobody's word yet that it shall
	{"end", Sent, Ending, ClockSide},   // its Grant no longer stands
	{"end", Live, Ending, ClockSide},
	{"end", Half, Ending, ClockSide},
	{"end", Stuck, Ending, ClockSide},
	{"settle", Sent, Undone, ApproverSide}, // by hand, what the actuator does not say
	{"settle", Half, Undone, ApproverSide},
	{"settle", Ending, Undone, ApproverSide},
	{"settle", Stuck, Undone, ApproverSide},
}

// step refuses a change of state that is not allowed.
func step(from State, act string, to State, by Side) error {
	if slices.Contains(Steps, Step{act, from, to, by}) {
		return nil
	}
	return fault.New(fault.Conflict, ErrStep.Code, "state", from, "act", doing(act))
}

// Alarms are what an alarm may say; each is "act.alarm." and its name in words.
var Alarms = []string{"no_outcome", "overdue", "lost", "replayed", "rollback", "clock", "journal", "forged", "extra", "drift", stillHeld}

// grave are those of an actuator that may tell of an attack: they stand beside what
// comes and goes.
var grave = []string{"forged", "journal", "rollback"}

// Faults of orders.
var (
	ErrNone      = fault.New(fault.NotFound, "act.none") // no such order, or not theirs to know
	ErrInvalid   = fault.New(fault.Invalid, "act.invalid")
	ErrStep      = fault.New(fault.Conflict, "act.step")
	ErrRevision  = fault.New(fault.Conflict, "act.revision")
	ErrDigest    = fault.New(fault.Conflict, "act.digest")   // another order than was seen
	ErrApart     = fault.New(fault.Refused, "act.apart")     // who asked does not approve, and neither carries out
	ErrUndried   = fault.New(fault.Unmet, "act.undried")     // no dry run came back yet
	ErrUnfit     = fault.New(fault.Unmet, "act.unfit")       // the equipment must not be told this
	ErrOverride  = fault.New(fault.Invalid, "act.override")  // it meets a warning, and the approver gave no reason
	ErrHeld      = fault.New(fault.Refused, "act.held")      // by another process
	ErrChanged   = fault.New(fault.Refused, "act.changed")   // it is not what was approved
	ErrOffPlan   = fault.New(fault.Refused, "act.off_plan")  // not what the plan's step says
	ErrEmergency = fault.New(fault.Refused, "act.emergency") // there is no Grant of the case: ask for it as one's own order
	ErrOver      = fault.New(fault.Refused, "act.over")      // outside the period of its Grant
	ErrMachine   = fault.New(fault.Refused, "act.machine")   // only a machine account's token
)
