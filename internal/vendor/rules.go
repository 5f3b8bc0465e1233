package vendor

import (
	"slices"
	"time"

	"noroshi/internal/base/fault"
)

// State is where a request stands.
type State string

// The states. Declined and NoAnswer are said outright: silence is no state one
// has to guess.
const (
	Reported      State = "reported"
	Triaged       State = "triaged"
	RequestSent   State = "request_sent"
	Accepted      State = "accepted"
	Declined      State = "declined"
	NoAnswer      State = "no_answer"
	FixPlanned    State = "fix_planned"
	FixReleased   State = "fix_released"
	UsersNotified State = "users_notified"
	Closed        State = "closed"
)

// States lists the states in the order of a request's life.
var States = []State{Reported, Triaged, RequestSent, NoAnswer, Declined, Accepted, FixPlanned, FixReleased, UsersNotified, Closed}

// Side is who makes a step.
type Side string

// The sides.
const (
	Coordinator Side = "coordinator"
	Maker       Side = "maker"
	Clock       Side = "clock" // a deadline passed
	Hub         Side = "hub"   // what follows from an act by itself
)

// need is what has to hold for a step.
type need string

const (
	nothing  need = ""
	products need = "products" // at least one product
	spotless need = "clear"    // no product is affected, unknown or unchecked
	planned  need = "planned"  // an affected product has a planned fix
	released need = "released" // every affected product has a fix, or will have none
	informed need = "told"     // everyone exposed was told
	began    need = "began"    // the maker itself brought the case
)

// Step is one allowed change of state.
type Step struct {
	From, To State
	By       Side
	needs    need
}

// Steps are all allowed changes of state. What is not here is refused.
var Steps = []Step{
	{Reported, Triaged, Coordinator, products},
	{Reported, Closed, Coordinator, nothing}, // no vulnerability, or the maker is not concerned
	{Triaged, RequestSent, Coordinator, products},
	{Triaged, Closed, Coordinator, nothing},
	{Triaged, Accepted, Coordinator, began}, // who brought it needs not be asked
	{RequestSent, Accepted, Maker, nothing},
	{RequestSent, Declined, Maker, nothing},
	{RequestSent, NoAnswer, Clock, nothing},
	{RequestSent, Closed, Coordinator, nothing},
	{NoAnswer, RequestSent, Coordinator, nothing}, // asked again, with a new deadline
	{NoAnswer, Accepted, Maker, nothing},          // late is better than never
	{NoAnswer, Declined, Maker, nothing},
	{NoAnswer, Closed, Coordinator, nothing},
	{Declined, Accepted, Maker, nothing},
	{Declined, RequestSent, Coordinator, nothing},
	{Declined, Closed, Coordinator, nothing},
	{Accepted, Declined, Maker, nothing},
	{Accepted, FixPlanned, Maker, planned},
	{Accepted, FixReleased, Maker, released},
	{Accepted, Closed, Coordinator, spotless}, // nothing of theirs is affected
	{FixPlanned, FixReleased, Maker, released},
	{FixPlanned, Declined, Maker, nothing},
	{FixReleased, FixPlanned, Maker, planned}, // one more product turned out to be affected
	{FixReleased, UsersNotified, Hub, informed},
	{FixReleased, UsersNotified, Coordinator, nothing}, // told by another way, with a reason
	{UsersNotified, FixPlanned, Maker, planned},
	{UsersNotified, Closed, Coordinator, nothing},
	{UsersNotified, Closed, Hub, nothing},
	{Closed, Triaged, Coordinator, products}, // taken up again
}

// Faults of cases and requests.
var (
	ErrNone       = fault.New(fault.NotFound, "vendor.none")     // no such case or request, or not theirs to know
	ErrInvalid    = fault.New(fault.Invalid, "vendor.invalid")   // with places
	ErrStep       = fault.New(fault.Conflict, "vendor.step")     // not from where it stands
	ErrNeeds      = fault.New(fault.Unmet, "vendor.needs")       // a condition of the step is open
	ErrRevision   = fault.New(fault.Conflict, "vendor.revision") // changed meanwhile
	ErrBasis      = fault.New(fault.Refused, "vendor.basis")     // a request under the Act is the office's
	ErrEmbargo    = fault.New(fault.Refused, "vendor.embargo")   // it still runs
	ErrOver       = fault.New(fault.Conflict, "vendor.over")     // it ended, and cannot be put back
	ErrTwice      = fault.New(fault.Conflict, "vendor.twice")    // the maker is in the case already
	ErrNotMaker   = fault.New(fault.Invalid, "vendor.not_maker") // the organisation is no maker here
	ErrDocument   = fault.New(fault.Invalid, "vendor.document")  // not of this case
	ErrNoDocument = fault.New(fault.NotFound, "vendor.no_document")
	ErrNothing    = fault.New(fault.Unmet, "vendor.nothing") // no document can be made of it yet
)

// facts are what the needs of steps are judged by.
type facts struct {
	products []Product
	began    bool
	told     bool
}

func (n need) holds(f facts) bool {
	is := func(s ...Status) func(Product) bool {
		return func(p Product) bool { return slices.Contains(s, p.Status) }
	}
	switch n {
	case nothing:
		return true
	case products:
		return len(f.products) > 0
	case spotless:
		return !slices.ContainsFunc(f.products, is(Affected, Unknown, NotChecked))
	case planned:
		return slices.ContainsFunc(f.products, func(p Product) bool { return p.Status == Affected && p.Fix == Planned })
	case released:
		done := false
		for _, p := range f.products {
			if p.Status != Affected {
				continue
			}
			if p.Fix != Released && p.Fix != WillNot {
				return false
			}
			done = done || p.Fix == Released
		}
		return done
	case informed:
		return f.told
	case began:
		return f.began
	}
	panic("BUG: vendor: no such need " + string(n))
}

// step reports whether a side may go from one state to another now: ErrStep
// when never from there, ErrNeeds when something is still missing.
func step(from, to State, by Side, f facts) error {
	err := fault.New(fault.Conflict, ErrStep.Code, "from", string(from), "to", string(to))
	for _, s := range Steps {
		if s.From != from || s.To != to || s.By != by {
			continue
		}
		if s.needs.holds(f) {
			return nil
		}
		err = fault.New(fault.Unmet, ErrNeeds.Code, "need", string(s.needs))
	}
	return err
}

// after returns where a maker's answer takes a request by itself: as far as
// its products say. An answer is an acceptance.
func after(now State, f facts) (path []State) {
	for range len(States) {
		next := now
		switch now {
		case RequestSent, NoAnswer, Declined:
			next = Accepted
		case Accepted, FixPlanned, FixReleased, UsersNotified:
			for _, to := range []State{FixPlanned, FixReleased} { // what is still planned goes first
				if to != now && step(now, to, Maker, f) == nil {
					next = to
					break
				}
			}
		}
		if next == now || slices.Contains(path, next) {
			return path
		}
		path, now = append(path, next), next
	}
	return path
}

// waits says whose move it is in a state.
func waits(s State) Side {
	switch s {
	case Reported, Triaged, NoAnswer, Declined, UsersNotified:
		return Coordinator
	case RequestSent, Accepted, FixPlanned:
		return Maker
	case FixReleased:
		return Hub
	}
	return ""
}

// Clocks of a request. The law gives no number of days; these are the house's.
const (
	answerDays = 7                  // until an answer is due, when nobody says otherwise
	again      = 3 * 24 * time.Hour // between reminders of a request that is overdue
	maxRemind  = 10                 // reminders of one request
	minAnswer  = time.Hour          // nobody can be asked to answer faster
)

// before are when a maker is reminded, before its answer is due.
var before = []time.Duration{72 * time.Hour, 24 * time.Hour}

// nextReminder returns when a request that waits for an answer is looked at
// next, after now: the next reminder, the deadline, or a reminder that it is
// overdue. The zero time when there is none.
func nextReminder(sent, due time.Time, reminded int, now time.Time) time.Time {
	if due.IsZero() || reminded >= maxRemind {
		return time.Time{}
	}
	for _, b := range before {
		if at := due.Add(-b); at.After(now) && at.After(sent) {
			return at
		}
	}
	if due.After(now) {
		return due
	}
	late := now.Sub(due)/again + 1
	return due.Add(late * again)
}
