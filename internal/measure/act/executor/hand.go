package executor

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/folder"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// Equipment is a driver and the kinds of orders that it carries out.
type Equipment struct {
	Name   string
	Kinds  []driver.Kind
	Driver driver.Driver
	Fresh  bool // what it keeps its rules in was never written
}

// Config is what a hand needs.
type Config struct {
	Dir         string
	Name        string
	Authorities []note.Verifier // that sign Grants and instructions
	Guard       Guarded
	Equipment   []Equipment
	Now         func() time.Time       // nil: time.Now
	Passed      func() time.Duration   // that passed, whatever is done to the clock; nil: the monotonic clock
	Reconcile   time.Duration          // between looks at the equipment; 0: 30 s
	Settle      time.Duration          // until the equipment has to hold what it was told; 0: 10 s
	Longest     time.Duration          // that an order may last, whatever the hub signs; 0: 30 days
	Accept      bool                   // that the hub was put back to an older state
	Say         func(err error) string // a refusal in words, for people at the hub; nil: as it is
	Inject      func(step string) error
}

// Hand holds the orders of one folder.
type Hand struct {
	Config
	guard *guard
	clock *clock

	mu      sync.Mutex
	journal *journal
	book    *book
	alarms  []act.Warning // the hub has not heard of
	raised  map[act.Warning]time.Time
	nudge   chan struct{} // there is something to tell
	looked  time.Time
	swept   time.Time
	lost    map[act.ID]bool          // orders whose list cannot be read
	odd     map[string][]driver.Rule // by equipment: what it held at the last look and did not say whose it is
}

// Faults of a hand.
var (
	ErrReplayed = fault.New(fault.Refused, "executor.replayed") // the order was carried out already
	ErrOlder    = fault.New(fault.Refused, "executor.older")    // the instruction is older than one that was followed
	ErrKind     = fault.New(fault.Refused, "executor.kind")     // no equipment for it here
	ErrStranger = fault.New(fault.Refused, "executor.stranger") // the equipment holds what is not in the journal
	ErrTargets  = fault.New(fault.Refused, "executor.targets")  // the list is not there
	ErrLong     = fault.New(fault.Refused, "executor.long")     // it would last longer than this machine's owner lets anything last
)

// Open opens a folder and brings the equipment to what its journal says: what was
// under way when the process died is taken away, what was live is there again,
// what ran out is gone. Faults: ErrBusy, ErrJournal, ErrFull, ErrGuard,
// ErrStranger.
func Open(ctx context.Context, c Config) (h *Hand, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Reconcile == 0 {
		c.Reconcile = 30 * time.Second
	}
	if c.Settle == 0 {
		c.Settle = 10 * time.Second
	}
	if c.Say == nil {
		c.Say = error.Error
	}
	if c.Longest == 0 {
		c.Longest = 30 * 24 * time.Hour
	}
	if c.Passed == nil {
		start := time.Now()
		c.Passed = func() time.Duration { return time.Since(start) }
	}
	h = &Hand{Config: c, raised: map[act.Warning]time.Time{}, nudge: make(chan struct{}, 1), lost: map[act.ID]bool{}, odd: map[string][]driver.Rule{}}
	if h.guard, err = newGuard(c.Guard); err != nil {
		return nil, err
	}
	h.clock = newClock(c.Now, c.Passed, time.Time{})
	w := &folder.Writer{Dir: c.Dir, Mode: 0o600, Inject: c.Inject}
	var lines []Line
	if h.journal, lines, err = openJournal(w, func() time.Time { return h.clock.Now() }); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.journal.close()
		}
	}()
	if h.book, err = read(lines); err != nil {
		return nil, err
	}
	h.clock = newClock(c.Now, c.Passed, h.book.last)
	if c.Accept {
		if err := h.write(Line{What: Accepted}); err != nil {
			return nil, err
		}
	}
	return h, h.recover(ctx)
}

// Close ends the work in the folder. What the equipment holds stays until its
// time; the next Open takes it up.
func (h *Hand) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.journal.close()
}

// Actuator is the id of the process.
func (h *Hand) Actuator() act.ID { return h.book.actuator }

// Kinds are the kinds of orders that the equipment carries out.
func (h *Hand) Kinds() (out []driver.Kind) {
	for _, e := range h.Equipment {
		out = append(out, e.Kinds...)
	}
	return out
}

// write puts a line into the journal, and then into the book. What a full journal
// can do without is in the book alone.
func (h *Hand) write(l Line) error {
	l, err := h.journal.add(l)
	if err != nil && !(errors.Is(err, ErrFull) && l.soft()) {
		return err
	}
	return h.book.add(l)
}

// quiet is how long the same alarm is not raised again.
const quiet = time.Hour

// alarm has the hub hear of something: once an hour of the same.
func (h *Hand) alarm(what string, order act.ID) {
	w, now := act.Warning{Actuator: h.book.actuator, What: what, Order: order}, h.clock.Now()
	if len(h.raised) >= 10_000 {
		maps.DeleteFunc(h.raised, func(_ act.Warning, at time.Time) bool { return now.Sub(at) >= quiet })
	}
	if last, ok := h.raised[w]; len(h.raised) < 10_000 && (!ok || now.Sub(last) >= quiet) {
		h.raised[w] = now
		h.alarms = append(h.alarms, w)
		h.poke()
	}
}

// poke says that there is something to tell.
func (h *Hand) poke() {
	select {
	case h.nudge <- struct{}{}:
	default:
	}
}

// equipment finds what carries out a kind.
func (h *Hand) equipment(k driver.Kind) *Equipment {
	i := slices.IndexFunc(h.Equipment, func(e Equipment) bool { return slices.Contains(e.Kinds, k) })
	if i < 0 {
		return nil
	}
	return &h.Equipment[i]
}

// instruction opens an instruction, and refuses one that is older than one that
// was followed. What is forged or old is an alarm.
func (h *Hand) instruction(raw, what string) (act.Instruction, error) {
	i, err := act.OpenInstruction(raw, h.book.actuator, h.Authorities...)
	if err == nil && i.What != what {
		err = act.ErrForm
	}
	if err != nil {
		h.alarm("forged", "")
		return i, err
	}
	if i.Number <= h.book.number {
		h.alarm("rollback", "")
		return i, ErrOlder
	}
	h.clock.atLeast(i.IssuedAt)
	return i, nil
}

// targetFile is where the list of a task lies.
func targetFile(t act.Task) string { return "targets/" + t.Targets }

// Keep keeps the list of a task, after it was held against its digest.
func (h *Hand) Keep(t act.Task, raw []byte) error {
	if digest(raw) != t.Targets {
		return act.ErrChanged
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.journal.w.Write(targetFile(t), raw); err != nil {
		return err
	}
	return h.journal.w.Sync()
}

// Has reports whether the list of a task is there.
func (h *Hand) Has(t act.Task) bool {
	_, err := os.Stat(h.journal.w.Path(targetFile(t)))
	return err == nil
}

// rules are those of a task until an instant, from its list.
func (h *Hand) rules(t act.Task, until time.Time) ([]driver.Rule, error) {
	raw, err := os.ReadFile(h.journal.w.Path(targetFile(t)))
	if err != nil {
		return nil, ErrTargets.Because(err)
	}
	return t.Rules(raw, until)
}

// Show is the dry run of an order: what the equipment would be told. Nothing is
// touched. What does not fit is said in the answer; faults are those of the
// instruction.
func (h *Hand) Show(raw string) (i act.Instruction, d act.Dried, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, err = h.instruction(raw, act.Show); err != nil {
		return i, d, err
	}
	h.book.number = i.Number // nothing is touched: the journal need not know
	d = act.Dried{Actuator: h.book.actuator, Digest: i.Digest, Lines: []string{}}
	rules, err := h.fits(i.Task, h.clock.Now().Add(time.Duration(i.Task.Hours)*time.Hour))
	if err == nil {
		d.Rules = len(rules)
		d.Lines, d.More, err = h.equipment(i.Task.Kind).Driver.Show(rules, nil)
	}
	if f := fault.Of(err); err != nil {
		d.Reason, d.Says = f.Code, h.Say(err)
		return i, d, nil
	}
	d.Fits = true
	if o, ok := h.equipment(i.Task.Kind).Driver.(driver.Outliving); ok {
		if long := o.Outlives(); long != nil {
			d.Says = h.Say(long)
		}
	}
	return i, d, nil
}

// fits returns the rules of a task, when the equipment may be told them.
func (h *Hand) fits(t act.Task, until time.Time) ([]driver.Rule, error) {
	e := h.equipment(t.Kind)
	if e == nil {
		return nil, ErrKind
	}
	rules, err := h.rules(t, until)
	if err != nil {
		return nil, err
	}
	if until.Sub(h.clock.Now()) > h.Longest {
		return nil, ErrLong
	}
	if err := h.guard.check(rules); err != nil {
		return nil, err
	}
	return rules, e.Driver.Check(rules)
}

// Apply carries an order out, under its Grant. Faults are those of the instruction
// and of the journal, before anything was told; what came of it is in the book.
func (h *Hand) Apply(ctx context.Context, raw, paper string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, err := h.instruction(raw, act.Apply)
	if err != nil {
		return err
	}
	id := i.Task.Order
	if e := h.book.orders[id]; e != nil {
		h.alarm("replayed", id)
		return ErrReplayed
	}
	if _, err := i.Grant([]byte(paper), h.clock.Now(), h.Authorities...); err != nil {
		h.alarm("forged", id)
		return err
	}
	defer h.poke()
	err = h.write(Line{What: Intent, Order: id, Use: i.Use, Instruction: raw, Paper: paper, Rules: i.Task.Count})
	if errors.Is(err, ErrFull) { // it is not begun, and the hub hears why
		return h.write(Line{What: Gone, Order: id, Use: i.Use, State: act.Failed, Reason: "journal_full"})
	}
	if err != nil {
		return err
	}
	rules, err := h.fits(i.Task, i.Until)
	if err != nil { // nothing was told
		defer h.discard(i.Task)
		return h.write(Line{What: Gone, Order: id, State: act.Failed, Reason: fault.Of(err).Code})
	}
	if err := h.equipment(i.Task.Kind).Driver.Apply(ctx, rules, nil); err != nil {
		return h.remove(ctx, id, act.Failed, reasonOf(err, "apply_failed"))
	}
	if err := h.write(Line{What: Applied, Order: id, Rules: len(rules)}); err != nil {
		return err
	}
	return h.healthy(ctx, id)
}

// reasonOf is the code of a fault, or a name for what has none.
func reasonOf(err error, otherwise string) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal {
		return f.Code
	}
	return otherwise
}

// healthy asks the equipment whether it holds what it was told, and takes it away
// when it does not.
func (h *Hand) healthy(ctx context.Context, id act.ID) error {
	e := h.book.orders[id]
	q := h.equipment(e.task.Kind)
	want, err := h.want(q, id)
	if err != nil {
		return h.remove(ctx, id, act.Failed, reasonOf(err, "health_failed"))
	}
	mine := of(id, nil)
	missing, extra, err := h.settled(ctx, q, want, mine)
	switch {
	case err != nil:
		return h.remove(ctx, id, act.Failed, reasonOf(err, "health_failed"))
	case slices.ContainsFunc(missing, mine), slices.ContainsFunc(extra, mine):
		return h.remove(ctx, id, act.Failed, "health_failed")
	}
	return h.write(Line{What: Healthy, Order: id, Rules: e.task.Count})
}

// of tells rules of an order. Where the equipment does not say whose a rule is, it
// is the order's when its name is among those that the order let go.
func of(id act.ID, gone []driver.Rule) func(driver.Rule) bool {
	names := make(map[string]bool, len(gone))
	for i := range gone {
		names[gone[i].Name] = true
	}
	return func(r driver.Rule) bool { return r.Order == id || r.Order == "" && names[r.Name] }
}

// settled asks the equipment what it holds, again and again until of an order it
// is what it ought to be, or the time for that is over: resolvers fetch, routers
// hear of a change a moment later.
func (h *Hand) settled(ctx context.Context, q *Equipment, want []driver.Rule, mine func(driver.Rule) bool) (missing, extra []driver.Rule, err error) {
	end := time.Now().Add(h.Settle)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		missing, extra, err = q.Driver.Live(ctx, want)
		odd := err != nil || slices.ContainsFunc(missing, mine) || slices.ContainsFunc(extra, mine)
		if !odd || ctx.Err() != nil || time.Now().Add(wait).After(end) {
			return missing, extra, err
		}
		pause(ctx, wait)
	}
}

// want are the rules that equipment ought to hold, those of one more order
// included. An order whose list cannot be read is left out, and ended by the next
// look: it holds up no other.
func (h *Hand) want(q *Equipment, more act.ID) (out []driver.Rule, err error) {
	for _, id := range h.book.ids {
		e := h.book.orders[id]
		if !slices.Contains(q.Kinds, e.task.Kind) || id != more && (!e.wanted() || !h.clock.Now().Before(e.until)) {
			continue
		}
		rules, err := h.rules(e.task, e.until)
		if err != nil && id == more {
			return nil, err
		}
		if err != nil {
			h.lost[id] = true
		}
		if out == nil { // of one order with a million names there need be no second copy
			out = rules
			continue
		}
		out = append(out, rules...)
	}
	return out, nil
}

// Undo takes away what an order put there, as the hub instructs. What never was
// here is said to be gone.
func (h *Hand) Undo(ctx context.Context, raw string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, err := h.instruction(raw, act.Undo)
	if err != nil {
		return err
	}
	if e := h.book.orders[i.Task.Order]; e != nil && h.rests(e) {
		h.book.number, e.told = i.Number, outcome{} // the hub does not know how it stands
		h.poke()
		return nil
	}
	if err := h.write(Line{What: Numbered, Number: i.Number}); err != nil {
		return err
	}
	return h.undo(ctx, i.Task.Order, i.Use, i.Reason)
}

// rests reports whether there is nothing to do to undo an order: it is gone, or
// the next try has its time.
func (h *Hand) rests(e *entry) bool {
	return e.line == Gone || e.line == Removing && h.clock.Now().Before(e.wait)
}

func (h *Hand) undo(ctx context.Context, id, use act.ID, reason string) error {
	defer h.poke()
	e := h.book.orders[id]
	switch {
	case e == nil:
		return h.write(Line{What: Gone, Order: id, Use: use, State: act.Undone, Reason: "never_held"})
	case h.rests(e):
		return nil
	}
	return h.remove(ctx, id, act.Undone, reason)
}
