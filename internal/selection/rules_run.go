package selection

import (
	"errors"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// RunMove is one allowed step of a run of the hub. Its act is what somebody does
// with the run, or what the hub does by itself.
type RunMove struct {
	Act      string
	From, To RunState
	By       RunSide
}

// RunSide is who takes a step of a run.
type RunSide string

// The sides of a run.
const (
	HandlerSide RunSide = "handler" // who carries it out, and nobody else
	HubSide     RunSide = "hub"     // time, or a failure
)

// RunMoves are all steps of a run. Of those that lead on, what is not here is
// refused; whether one begins, [beginning] decides.
var RunMoves = []RunMove{
	{"begin", "", RunGoing, HandlerSide},
	{"beat", RunGoing, RunGoing, HandlerSide}, // it is heard of, and asks whether it may go on
	{"list", RunGoing, RunGoing, HandlerSide}, // another machine fetches the list
	{"keep", RunGoing, RunGoing, HandlerSide}, // records come in
	{"vault", RunGoing, RunGoing, HandlerSide},
	{"state", RunGoing, RunDone, HandlerSide}, // it ends with its statement
	{"abort", RunGoing, RunInterrupted, HandlerSide},
	{"fail", RunGoing, RunInterrupted, HubSide},
	{"silence", RunGoing, RunInterrupted, HubSide}, // nobody heard of it
}

// leads returns where a step leads from a state; ErrRunOver where it leads nowhere.
func leads(from RunState, act string, by RunSide) (RunState, error) {
	for _, m := range RunMoves {
		if m.Act == act && m.From == from && m.By == by {
			return m.To, nil
		}
	}
	return from, ErrRunOver
}

// does refuses a step of a run that is another's, or that it may not make now.
func (r *HubRun) does(act, org, person string) (to RunState, err error) {
	if r.Org != org || r.person != person {
		return r.State, ErrNoRun
	}
	return leads(r.State, act, HandlerSide)
}

// beginning is all that decides, beside its Grant, whether a run may begin.
type beginning struct {
	order     *approval.Order
	link      string     // that the packets are of, as who begins says it
	agreement *Agreement // that the order rests on; nil: none is known
	list      *List      // that the order names; nil: it is not here
	person    string     // who begins it
	conducted bool       // they took a step in the agreement for the office, or conduct it
}

// allows returns nil, or the refusal. Who made the list, decided of it as the
// second person or conducted the agreement asks for something, and does not carry
// it out.
func (o *beginning) allows(now time.Time) error {
	l := o.list
	switch {
	case o.order.Kind == approval.Reidentify: // selects nothing
		return approval.ErrKind
	case o.link == "" && (o.order.Link != FilesLink || o.order.Kind != approval.Trial):
		return approval.ErrLink.At(fault.Place{At: "link", Code: "selection.hub.link_needed"})
	case o.order.Kind == approval.Agreement && (o.agreement == nil || !o.agreement.InForce(now)):
		return ErrNotInForce
	case l == nil || l.State != ListReady || l.SHA256 != o.order.Selectors:
		return approval.ErrSelectors
	case l.person == o.person, l.second == o.person, o.conducted:
		return approval.ErrExecutor
	}
	return nil
}

// page refuses records that come in out of turn, or more of them than a run may
// keep; again: they came before, and the answer was lost.
func (r *HubRun) page(number int64, records int) (again bool, err error) {
	switch {
	case number == r.pages-1:
		return true, nil
	case number != r.pages, records == 0, r.Records+int64(records) > maxKept:
		return false, ErrPage
	}
	return false, nil
}

// handsIn refuses what another machine hands in once its use may not go on: alive
// is what [approval.Vital.Goes] says of it. What was selected within the period
// still comes in after it, as long as the run is not silent. The hub's own runs ask
// while they select.
func (r *HubRun) handsIn(alive error, now time.Time) error {
	if r.Place != OnMachine || errors.Is(alive, approval.ErrExpired) && now.Sub(r.BeatAt) <= silence {
		return nil
	}
	return alive
}

// takes refuses records beyond what is left of the cap.
func (r *HubRun) takes(limit approval.Quantity) error {
	if beyond(r.kept, limit, r.used) {
		return approval.ErrSpent
	}
	return nil
}

// quiet reports whether a run has not been heard of for so long.
func (r *HubRun) quiet(long time.Duration, now time.Time) bool {
	return !r.BeatAt.After(now.Add(-long))
}

// lost is what of the cap counts as taken by a run that broke off: what it may have
// taken, and no less than was kept of it.
func (r *HubRun) lost() approval.Quantity { return greatest(r.Taken, r.kept) }

// charged is what of the cap counts as taken by a run whose statement says so much:
// taken is what it is written with. Another machine that said how much it may have
// taken could have.
func (r *HubRun) charged(stated, limit approval.Quantity) (taken, charge approval.Quantity) {
	taken = greatest(stated, r.kept)
	charge = taken
	if r.Place == OnMachine && r.Taken != heldBack(limit, r.used) {
		charge = greatest(taken, r.Taken)
	}
	return taken, charge
}

// heldBack is what of a cap counts as taken by a run on another machine that is
// never heard of again: an eighth of what is left of it.
func heldBack(limit, used approval.Quantity) (q approval.Quantity) {
	left, some := limit.Left(used)
	if !some {
		return q
	}
	if left.Packets != 0 {
		q.Packets = left.Packets/8 + 1
	}
	if left.Bytes != 0 {
		q.Bytes = left.Bytes/8 + 1
	}
	return q
}

// usedBefore is what earlier uses took of a cap, from what is left of it.
func usedBefore(limit, left approval.Quantity) (q approval.Quantity) {
	if limit.Packets > 0 {
		q.Packets = limit.Packets - left.Packets
	}
	if limit.Bytes > 0 {
		q.Bytes = limit.Bytes - left.Bytes
	}
	return q
}
