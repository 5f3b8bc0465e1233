package executor

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act"
)

// Hub is what a hand asks of a hub: fetch.Hub is one.
type Hub interface {
	Do(ctx context.Context, method, path string, body, out any, key string) error
}

// Times of the contact with the hub.
const (
	waitSeconds = 25              // that a contact waits for something to do
	retry       = 3 * time.Second // after a contact that failed
	each        = time.Second     // between contacts that were answered at once, after some
	atOnce      = 10
	answer      = 20 * time.Second // for anything but a contact
)

// Run works until ctx ends: it does what the hub asks and tells it what came of
// it, and does what time does whether or not the hub answers. say hears what a
// person beside it may want to know; it may be nil.
func (h *Hand) Run(ctx context.Context, hub Hub, say func(err error)) error {
	if say == nil {
		say = func(error) {}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for left, since := atOnce, time.Now(); ctx.Err() == nil; {
			if err := h.Round(ctx, hub, waitSeconds); err != nil && ctx.Err() == nil {
				if errors.Is(err, ErrJournal) {
					return err
				}
				say(err)
				pause(ctx, retry)
			}
			// What stays as it is, is asked about again and again, at no storm's pace.
			passed := time.Since(since) / each
			left, since = min(left+int(passed), atOnce)-1, since.Add(passed*each)
			if left <= 0 {
				pause(ctx, each)
			}
		}
		return nil
	})
	g.Go(func() error {
		for ctx.Err() == nil {
			if err := errors.Join(h.Tend(ctx), h.marks(ctx)); err != nil && ctx.Err() == nil {
				say(err)
			}
			pause(ctx, h.pauseFor())
		}
		return nil
	})
	return g.Wait()
}

// pauseFor is until something ends, at most a second.
func (h *Hand) pauseFor() time.Duration {
	next := h.Next()
	if next.IsZero() {
		return time.Second
	}
	return max(min(time.Second, next.Sub(h.clock.Now())), 10*time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Round is one contact: what there is to tell is told, then the hub is asked for
// something to do, for so many seconds at most, and that is done.
func (h *Hand) Round(ctx context.Context, hub Hub, wait int) error {
	if err := h.tell(ctx, hub); err != nil {
		return err
	}
	j, err := h.ask(ctx, hub, wait)
	if err != nil || ctx.Err() != nil {
		return err
	}
	var failed []error
	for _, raw := range j.Told {
		failed = append(failed, h.told(ctx, hub, raw))
	}
	for _, id := range slices.Concat(j.Take, j.Settled) {
		failed = append(failed, h.take(ctx, hub, id))
	}
	h.mu.Lock()
	if !j.Now.IsZero() && h.clock.far(j.Now) {
		h.alarm("clock", "")
	}
	if len(j.Unknown) > 0 { // the hub was put back: what is held stays until its time
		h.alarm("rollback", "")
	}
	h.mu.Unlock()
	return errors.Join(append(failed, h.tell(ctx, hub))...)
}

// ask asks the hub for something to do. It comes back at once when there is
// something to tell.
func (h *Hand) ask(ctx context.Context, hub Hub, wait int) (j act.Jobs, err error) {
	c := act.Contact{Actuator: h.book.actuator, Name: h.Name, Kinds: h.Kinds(), Wait: wait, Holds: []act.Held{}}
	h.mu.Lock()
	c.Number = h.book.number
	for _, id := range h.book.ids {
		if e := h.book.orders[id]; e.holds() {
			c.Holds = append(c.Holds, act.Held{Order: id, Use: e.use})
		}
	}
	h.mu.Unlock()
	poll, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-h.nudge:
			stop()
		case <-poll.Done():
		}
	}()
	if err = hub.Do(poll, "POST", "/api/v1/act-work", c, &j, ""); err != nil && poll.Err() != nil {
		return act.Jobs{}, nil // to tell something, or to end
	}
	return j, err
}

// told does what an instruction says.
func (h *Hand) told(ctx context.Context, hub Hub, raw string) error {
	i, err := act.OpenInstruction(raw, h.book.actuator, h.Authorities...)
	if err != nil || i.What == act.Undo {
		return h.Undo(ctx, raw) // which refuses what is forged
	}
	if err := h.fetch(ctx, hub, i.Task); err != nil {
		return err
	}
	i, d, err := h.Show(raw)
	if err != nil {
		return err
	}
	return h.post(ctx, hub, i.Task.Order, "dry", d, nil)
}

// fetch gets the list of a task that is not here yet.
func (h *Hand) fetch(ctx context.Context, hub Hub, t act.Task) error {
	if h.Has(t) {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, answer)
	defer stop()
	var raw []byte
	if err := hub.Do(ctx, "GET", "/api/v1/act-orders/"+url.PathEscape(t.Order)+"/targets", nil, &raw, ""); err != nil {
		return err
	}
	return h.Keep(t, raw)
}

func (h *Hand) post(ctx context.Context, hub Hub, id act.ID, what string, in, out any) error {
	ctx, stop := context.WithTimeout(ctx, answer)
	defer stop()
	return hub.Do(ctx, "POST", "/api/v1/act-orders/"+url.PathEscape(id)+"/"+what, in, out, "")
}

// take takes an order and carries it out. One that is here already has an outcome,
// which is told again.
func (h *Hand) take(ctx context.Context, hub Hub, id act.ID) error {
	h.mu.Lock()
	e := h.book.orders[id]
	if e != nil {
		e.told = outcome{}
	}
	h.mu.Unlock()
	if e != nil {
		return nil
	}
	var c act.Carry
	if err := h.post(ctx, hub, id, "take", act.Claim{Actuator: h.book.actuator}, &c); err != nil {
		if fault.Of(err).Code == act.ErrStep.Code { // it is live there, and was never here
			h.mu.Lock()
			h.alarm("drift", id)
			h.mu.Unlock()
			return nil
		}
		return err
	}
	i, err := act.OpenInstruction(c.Instruction, h.book.actuator, h.Authorities...)
	if err == nil {
		err = h.fetch(ctx, hub, i.Task)
	}
	if err != nil && !errors.Is(err, act.ErrForm) && !errors.Is(err, act.ErrSignature) && !errors.Is(err, act.ErrHeld) && !errors.Is(err, act.ErrChanged) {
		return err
	}
	return h.Apply(ctx, c.Instruction, c.Paper) // which refuses what is forged
}

// tell tells the hub what it does not know yet: alarms, and then outcomes, which
// may end them.
func (h *Hand) tell(ctx context.Context, hub Hub) error {
	select { // what it was for is told now
	case <-h.nudge:
	default:
	}
	if err := h.warn(ctx, hub); err != nil {
		return err
	}
	for {
		id, x, ok := h.untold()
		if !ok {
			return nil
		}
		err := h.post(ctx, hub, id, "outcome", x, nil)
		if err != nil && !settled(err) {
			return err
		}
		h.mu.Lock()
		if err != nil {
			h.alarm("drift", id)
		}
		err = h.write(Line{What: Told, Order: id, State: x.State, Rules: x.Rules, Missing: x.Missing, Extra: x.Extra, Reason: x.Reason})
		h.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// warn tells the hub the alarms that it has not heard of.
func (h *Hand) warn(ctx context.Context, hub Hub) error {
	for {
		h.mu.Lock()
		if len(h.alarms) == 0 {
			h.mu.Unlock()
			return nil
		}
		w := h.alarms[0]
		h.mu.Unlock()
		c, stop := context.WithTimeout(ctx, answer)
		err := hub.Do(c, "POST", "/api/v1/act-alarms", w, nil, "")
		stop()
		if err != nil && !settled(err) {
			return err
		}
		h.mu.Lock()
		h.alarms = h.alarms[1:]
		h.mu.Unlock()
	}
}

// settled reports whether the hub will say the same again: it knows of another
// state of the order, or not of the order at all.
func settled(err error) bool {
	k := fault.KindOf(err)
	if fault.Of(err).Code == act.ErrRevision.Code { // somebody else was faster: the next time it is heard
		return false
	}
	return k == fault.Conflict || k == fault.NotFound || k == fault.Refused || k == fault.Invalid
}

// untold finds an outcome that the hub does not know.
func (h *Hand) untold() (id act.ID, x act.Outcome, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.book.ids {
		e := h.book.orders[id]
		if n := e.now(); n != e.told && n.state != "" {
			return id, act.Outcome{Actuator: h.book.actuator, Use: e.use, State: n.state, Rules: n.rules, Missing: n.missing, Extra: n.extra, Reason: n.reason, Says: e.says, At: e.happened}, true
		}
	}
	return "", x, false
}

// markDir is where somebody beside the process asks it to undo an order.
const markDir = "undo"

// MarkUndo asks the process of a folder to undo an order that it holds, without
// the hub. The folder knows orders by their ids alone.
func MarkUndo(dir string, id act.ID) error {
	held, err := Status(dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(held, func(r Row) bool { return r.Order == id }) {
		return fault.New(fault.NotFound, "executor.not_held", "order", id, "dir", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, markDir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, markDir, id), nil, 0o600)
}

// marks does what somebody beside the process asks: files that name an order.
func (h *Hand) marks(ctx context.Context) error {
	names, err := os.ReadDir(filepath.Join(h.Dir, markDir))
	if err != nil {
		return nil // nobody asked for anything
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var failed []error
	for _, n := range names[:min(len(names), 1000)] {
		if e := h.book.orders[n.Name()]; e != nil && e.holds() {
			failed = append(failed, h.undo(ctx, n.Name(), e.use, "local"))
		}
		failed = append(failed, os.Remove(filepath.Join(h.Dir, markDir, n.Name())))
	}
	return errors.Join(failed...)
}

// Row is one order of a folder, for who looks at it beside the process.
type Row struct {
	Order act.ID    `json:"order"`
	Kind  string    `json:"kind"`
	Line  string    `json:"journal"`
	Rules int       `json:"rules"`
	Until time.Time `json:"until"`
}

// Status reads what a folder holds, while its process works or not.
func Status(dir string) (out []Row, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		return nil, fault.New(fault.Usage, "executor.no_folder", "dir", dir).Because(err)
	}
	if len(raw) > maxJournal {
		return nil, ErrFull
	}
	lines, _, _, err := parse(raw, "")
	if err != nil {
		return nil, err
	}
	b, err := read(lines)
	if err != nil {
		return nil, err
	}
	for _, id := range b.ids {
		e := b.orders[id]
		out = append(out, Row{id, string(e.task.Kind), e.line, e.rules, e.until})
	}
	return out, nil
}
