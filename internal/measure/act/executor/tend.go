package executor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// recover brings the equipment to what the journal says, after a start.
func (h *Hand) recover(ctx context.Context) error {
	if len(h.book.ids) == 0 {
		return h.strangers(ctx)
	}
	var failed []error
	h.sweep(h.clock.Now())
	for _, id := range slices.Clone(h.book.ids) {
		e := h.book.orders[id]
		if e.wanted() && h.refused(e) {
			failed = append(failed, h.remove(ctx, id, act.Failed, "refused"))
			continue
		}
		switch e.line {
		case Intent: // nobody knows whether it was told: it is taken away, and not tried again
			failed = append(failed, h.remove(ctx, id, act.Failed, "interrupted"))
		case Applied:
			failed = append(failed, h.healthy(ctx, id))
		case Removing:
			failed = append(failed, h.remove(ctx, id, e.ending, e.reason))
		}
	}
	return errors.Join(append(failed, h.tend(ctx, true))...)
}

// refused reports whether what is held must not be any more: the configuration
// names more that goes on working than it did when it was told.
func (h *Hand) refused(e *entry) bool {
	_, err := h.fits(e.task, e.until)
	return err != nil && slices.Contains([]fault.Kind{fault.Refused, fault.Invalid, fault.TooLarge}, fault.KindOf(err))
}

// sweep takes away lists that no order needs which is held here: of what was only
// tried, or never came to anything. Who takes an order fetches its list anew.
func (h *Hand) sweep(now time.Time) {
	h.swept = now
	needed := map[string]bool{}
	for _, e := range h.book.orders {
		needed[e.task.Targets] = needed[e.task.Targets] || e.holds()
	}
	dir := h.journal.w.Path("targets")
	list, err := os.ReadDir(dir)
	if err != nil {
		return // there is none
	}
	for _, f := range list {
		info, err := f.Info()
		if err == nil && !needed[f.Name()] && time.Since(info.ModTime()) > quiet {
			_ = os.Remove(filepath.Join(dir, f.Name())) // it lies there until the next time
		}
	}
}

// strangers refuses equipment that holds something in a folder that never told it
// anything: another process does, or its folder was lost.
func (h *Hand) strangers(ctx context.Context) error {
	for i := range h.Equipment {
		q := &h.Equipment[i]
		_, extra, err := q.Driver.Live(ctx, nil)
		if err != nil && q.Fresh {
			if err = q.Driver.Apply(ctx, nil, nil); err == nil {
				_, extra, err = h.settled(ctx, q, nil, of("", nil))
			}
		}
		if err != nil {
			return err
		}
		if len(extra) > 0 {
			return ErrStranger
		}
	}
	return nil
}

// Tend does what time does: ends orders whose time is over, tries removals again
// that failed, and looks from time to time whether the equipment still holds what
// it was told. It needs no hub.
func (h *Hand) Tend(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tend(ctx, false)
}

func (h *Hand) tend(ctx context.Context, look bool) error {
	now := h.clock.Now()
	if h.clock.jumped() {
		h.alarm("clock", "")
	}
	var failed []error
	for _, id := range slices.Clone(h.book.ids) {
		e := h.book.orders[id]
		switch {
		case e.line == Gone:
		case e.line == Removing:
			if !now.Before(e.wait) {
				failed = append(failed, h.remove(ctx, id, e.ending, e.reason))
			}
		case !now.Before(e.until):
			failed = append(failed, h.remove(ctx, id, act.Expired, "time"))
		}
	}
	if now.Sub(h.swept) >= quiet {
		h.sweep(now)
	}
	if every := h.every(); look || now.Sub(h.looked) >= every {
		h.looked = now
		for i := range h.Equipment {
			failed = append(failed, h.reconcile(ctx, &h.Equipment[i], look))
		}
	}
	return errors.Join(failed...)
}

// every is how often the equipment is looked at: large sets less often.
func (h *Hand) every() time.Duration {
	n := 0
	for _, e := range h.book.orders {
		if e.wanted() {
			n += e.rules
		}
	}
	return h.Reconcile * time.Duration(1+n/50_000)
}

// maxExtra bounds the rounds in which rules of nobody are taken away at once.
const maxExtra = 100

// reconcile makes the equipment hold exactly what it ought to, and says what was
// not so. After a start it is given time to come up.
func (h *Hand) reconcile(ctx context.Context, q *Equipment, start bool) error {
	want, err := h.want(q, "")
	if err != nil {
		return err
	}
	for id := range h.lost { // want found them
		delete(h.lost, id)
		if err := h.remove(ctx, id, act.Failed, "list_lost"); err != nil {
			return err
		}
	}
	missing, extra, err := q.Driver.Live(ctx, want)
	if start && err != nil {
		missing, extra, err = h.settled(ctx, q, want, of("", nil))
	}
	if err != nil { // told again, it may hold it: a file that somebody changed
		if e := h.halve(q, nil, nil, "unreachable", h.Say(err)); e != nil {
			return e
		}
		if err = q.Driver.Apply(ctx, want, nil); err == nil {
			missing, extra, err = h.settled(ctx, q, want, of("", nil))
		}
	}
	if err != nil {
		return nil // it stays half, and is looked at again
	}
	h.again(q, extra)
	if extra, err = h.strip(ctx, q, want, extra); err != nil {
		return h.halve(q, nil, nil, "unreachable", h.Say(err))
	}
	if len(missing) > 0 {
		if err := h.halve(q, missing, extra, "drift", ""); err != nil {
			return err
		}
		if missing, err = h.restore(ctx, q, missing, want); err != nil {
			return h.halve(q, nil, nil, "restore_failed", h.Say(err))
		}
	}
	return h.whole(q, missing)
}

// strip takes away what equipment holds and nobody ordered. What is being removed
// anyway it leaves, and of what the equipment does not say whose it is, what may
// lag behind: that which was not there yet at the last look.
func (h *Hand) strip(ctx context.Context, q *Equipment, want, extra []driver.Rule) ([]driver.Rule, error) {
	before := h.odd[q.Name]
	h.odd[q.Name] = slices.DeleteFunc(slices.Clone(extra), func(r driver.Rule) bool { return r.Order != "" })
	for range maxExtra {
		extra = slices.DeleteFunc(extra, func(r driver.Rule) bool {
			e := h.book.orders[r.Order]
			lags := func(b driver.Rule) bool { return b.Name == r.Name && b.To == r.To && b.From == r.From }
			return r.Order == "" && !slices.ContainsFunc(before, lags) || e != nil && e.line == Removing
		})
		if len(extra) == 0 {
			break
		}
		h.alarm("extra", "")
		if err := q.Driver.Apply(ctx, nil, extra); err != nil {
			return extra, err
		}
		var err error
		if _, extra, err = q.Driver.Live(ctx, want); err != nil {
			return extra, err
		}
	}
	return extra, nil
}

// restore tells equipment again what it lost of orders that are live.
func (h *Hand) restore(ctx context.Context, q *Equipment, missing, want []driver.Rule) ([]driver.Rule, error) {
	hit := map[string]bool{}
	for _, r := range missing {
		hit[r.Order] = true
	}
	again := slices.DeleteFunc(slices.Clone(want), func(r driver.Rule) bool { return !hit[r.Order] })
	for id := range hit {
		if err := h.write(Line{What: Restored, Order: id}); err != nil {
			return nil, err
		}
	}
	if err := q.Driver.Apply(ctx, again, nil); err != nil {
		return nil, err
	}
	missing, _, err := h.settled(ctx, q, want, of(missing[0].Order, nil))
	return missing, err
}

// halve writes down that equipment holds another set than it ought to, of the
// orders of which something is missing, or of all when nobody knows. says is told
// people at the hub, beside what is missing.
func (h *Hand) halve(q *Equipment, missing, extra []driver.Rule, reason, says string) error {
	lost := map[string]int{}
	for _, r := range missing {
		lost[r.Order]++
	}
	for _, id := range h.book.ids {
		e := h.book.orders[id]
		if !slices.Contains(q.Kinds, e.task.Kind) || !e.wanted() || missing != nil && lost[id] == 0 {
			continue
		}
		l := Line{What: Halved, Order: id, Rules: e.task.Count - lost[id], Missing: lost[id], Extra: len(extra), Reason: reason}
		if e.line == Halved && e.missing == l.Missing && e.reason == l.Reason {
			continue
		}
		if err := h.write(l); err != nil {
			return err
		}
		lacks := slices.DeleteFunc(slices.Clone(missing), func(r driver.Rule) bool { return r.Order != id })
		e.says = strings.TrimLeft(says+"\n"+listed(lacks), "\n")
		h.alarm("drift", id)
		h.poke()
	}
	return nil
}

// whole writes down that equipment holds again what it ought to.
func (h *Hand) whole(q *Equipment, missing []driver.Rule) error {
	for _, id := range h.book.ids {
		e := h.book.orders[id]
		if e.line != Halved || !slices.Contains(q.Kinds, e.task.Kind) || slices.ContainsFunc(missing, func(r driver.Rule) bool { return r.Order == id }) {
			continue
		}
		if err := h.write(Line{What: Healthy, Order: id, Rules: e.task.Count, Reason: "restored"}); err != nil {
			return err
		}
		e.says = ""
		h.poke()
	}
	return nil
}

// Next is when something ends by itself next; zero for never.
func (h *Hand) Next() (at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.book.orders {
		if e.holds() && (at.IsZero() || e.until.Before(at)) {
			at = e.until
		}
	}
	return at
}
