package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// remove has the equipment forget an order. When it does not, it is tried again
// later, and the hub is told meanwhile. A journal that cannot be written keeps
// nothing in the equipment.
func (h *Hand) remove(ctx context.Context, id act.ID, to act.State, reason string) error {
	e := h.book.orders[id]
	if e.line != Removing {
		if err := h.write(Line{What: Removing, Order: id, State: to, Reason: reason}); err != nil {
			return errors.Join(err, h.clear(ctx, id, e))
		}
	}
	if err := h.clear(ctx, id, e); err != nil {
		e.tries++
		e.wait = h.clock.Now().Add(backOff(e.tries))
		h.remains(ctx, id, e, err)
		h.poke()
		return nil
	}
	if err := h.write(Line{What: Gone, Order: id, State: e.ending, Reason: e.reason}); err != nil {
		return err
	}
	h.discard(e.task)
	h.poke()
	return nil
}

// Times between tries to take something away: they double, and it is never given
// up.
const (
	firstWait = 5 * time.Second
	lastWait  = 5 * time.Minute
)

func backOff(tries int) time.Duration { return min(lastWait, firstWait<<min(tries-1, 10)) }

// remains asks what is still held of an order that could not be taken away, for
// whoever has to look at the equipment.
func (h *Hand) remains(ctx context.Context, id act.ID, e *entry, failed error) {
	e.stays, e.why, e.says = e.task.Count, reasonOf(failed, "undo_failed"), ""
	if !errors.Is(failed, errStays) {
		e.says = h.Say(failed)
	}
	q := h.equipment(e.task.Kind)
	if q == nil {
		return
	}
	rules, _ := h.rules(e.task, e.until) // without the list, what names the order
	_, extra, err := q.Driver.Live(ctx, h.others(q, id))
	if err != nil {
		e.why = "unreachable"
		return
	}
	all, mine := len(extra) < mostListed, of(id, rules)
	extra = slices.DeleteFunc(extra, func(r driver.Rule) bool { return !mine(r) }) // others' are not told here
	if all {
		e.stays = len(extra)
	}
	e.says = strings.TrimLeft(e.says+"\n"+listed(extra), "\n")
}

// mostListed is how many rules a driver lists at most, mostSaid how many of them
// people at the hub are told.
const (
	mostListed = 100
	mostSaid   = 20
)

// listed names rules, one a line, each once.
func listed(rules []driver.Rule) string {
	var out []string
	for _, r := range rules {
		line := r.Name
		if line == "" {
			line = r.Packets()
		}
		if !slices.Contains(out, line) && len(out) < mostSaid {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// clear tells the equipment to forget an order, and asks it whether it did. Which
// rules those are, the equipment says where the list is lost.
func (h *Hand) clear(ctx context.Context, id act.ID, e *entry) error {
	q := h.equipment(e.task.Kind)
	if q == nil {
		return ErrKind
	}
	rules, err := h.rules(e.task, e.until)
	if err != nil {
		return h.search(ctx, q, id)
	}
	if failed := q.Driver.Apply(ctx, nil, rules); failed != nil {
		// Somebody may have taken it away by hand.
		if _, extra, err := q.Driver.Live(ctx, h.others(q, id)); err != nil || len(extra) >= mostListed || slices.ContainsFunc(extra, of(id, rules)) {
			return failed
		}
		return nil
	}
	return h.forgotten(ctx, q, id, rules)
}

// errStays is equipment that was told to forget and did not.
var errStays = errors.New("the equipment still holds what it was told to forget")

// others are the rules of every other order that equipment may still hold, those
// included that it was told to forget and did not: what it holds beyond them is of
// this order, or of nobody.
func (h *Hand) others(q *Equipment, id act.ID) (out []driver.Rule) {
	for _, other := range h.book.ids {
		e := h.book.orders[other]
		if other == id || !e.holds() || !slices.Contains(q.Kinds, e.task.Kind) {
			continue
		}
		rules, err := h.rules(e.task, e.until)
		if err != nil {
			continue // its list is lost: what it holds is among what is too much
		}
		out = append(out, rules...)
	}
	return out
}

// forgotten asks the equipment whether nothing of an order is left. A list that is
// full of others' rules does not say so.
func (h *Hand) forgotten(ctx context.Context, q *Equipment, id act.ID, rules []driver.Rule) error {
	mine := of(id, rules)
	_, extra, err := h.settled(ctx, q, h.others(q, id), mine)
	if err == nil && (len(extra) >= mostListed || slices.ContainsFunc(extra, mine)) {
		return errStays
	}
	return err
}

// again has what could not be taken away tried again at once, when equipment that
// answers says that it holds nothing of it any more.
func (h *Hand) again(q *Equipment, extra []driver.Rule) {
	for id, e := range h.book.orders {
		if e.line == Removing && e.tries > 0 && slices.Contains(q.Kinds, e.task.Kind) && len(extra) < mostListed && !slices.ContainsFunc(extra, func(r driver.Rule) bool { return r.Order == id }) {
			e.wait = time.Time{}
		}
	}
}

// search takes away what equipment says that it holds of an order, some rules at a
// time.
func (h *Hand) search(ctx context.Context, q *Equipment, id act.ID) error {
	want := h.others(q, id)
	for range maxExtra {
		_, extra, err := q.Driver.Live(ctx, want)
		if err != nil {
			return err
		}
		all := len(extra) < mostListed
		extra = slices.DeleteFunc(extra, func(r driver.Rule) bool { return r.Order != id })
		if len(extra) == 0 && all {
			return nil
		}
		if len(extra) == 0 { // others' rules fill the list
			return errStays
		}
		if err := q.Driver.Apply(ctx, nil, extra); err != nil {
			return err
		}
	}
	return errStays // the rest at the next try
}

// discard takes the list of a task away that nothing here needs any more.
func (h *Hand) discard(t act.Task) {
	for _, e := range h.book.orders {
		if e.holds() && e.task.Targets == t.Targets {
			return
		}
	}
	_ = h.journal.w.Remove(targetFile(t)) // it lies there until the next time
}
