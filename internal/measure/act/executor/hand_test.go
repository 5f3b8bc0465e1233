package executor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// The whole way: asked, shown, approved, taken, live, undone; and what the ledger
// says of it.
func TestTheWholeWay(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.ask("Bad.Example", "worse.example")
	if _, err := w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest}); code(err) != act.ErrUndried.Code {
		t.Errorf("approved without a dry run: %v", err)
	}
	w.round(h)
	w.holds()
	v := w.show(o.ID)
	if v.Shown == nil || !slices.Equal(v.Shown.Lines, []string{"+bad.example", "+worse.example"}) || !v.Shown.Fits || !strings.Contains(v.Shown.Says, "test.outlives") {
		t.Fatalf("dry run: %+v", v.Shown)
	}
	if _, err := w.acts.Approve(w.as("reporter", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest}); code(err) != act.ErrApart.Code {
		t.Errorf("who asked approves: %v", err)
	}
	if _, err := w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: strings.Repeat("0", 64)}); code(err) != act.ErrDigest.Code {
		t.Errorf("another order: %v", err)
	}
	w.approve(o)
	w.round(h)
	w.holds("bad.example", "worse.example")
	w.stands(o.ID, act.Live)
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤りだった。")
	w.must(err)
	w.round(h)
	w.holds()
	w.stands(o.ID, act.Undone)
	for verb, n := range map[string]int{"act.ask": 1, "act.dry": 1, "act.approve": 1, "act.take": 1, "act.outcome": 2, "act.undo": 1, "act.alarm": 0} {
		if got := w.Entries(t, verb, "done"); got != n {
			t.Errorf("%s: %d entries, want %d", verb, got, n)
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "hand", targetFile(o.Task))); err == nil {
		t.Error("the list stays after the end")
	}
}

// It ends by itself, also when the hub is away, and the hub hears of it later.
func TestItEndsByItself(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.away = true
	w.Clock.Pass(2*time.Hour - time.Second)
	w.must(h.Tend(context.Background()))
	w.holds("bad.example")
	w.Clock.Pass(time.Second)
	w.must(h.Tend(context.Background()))
	w.holds()
	w.away = false
	w.round(h)
	w.stands(o.ID, act.Expired)
}

// A machine whose clock is put back does not hold longer, and says so.
func TestClockPutBack(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	back := time.Duration(0)
	c.Now = func() time.Time { return w.Clock.Now().Add(back) }
	h, err := Open(context.Background(), c)
	w.must(err)
	defer h.Close()
	o := w.live(h, "bad.example")
	back = -24 * time.Hour
	w.Clock.Pass(2 * time.Hour)
	w.must(h.Tend(context.Background()))
	w.holds()
	w.round(h)
	w.stands(o.ID, act.Expired)
	if n := w.Entries(t, "act.alarm", "done"); n == 0 {
		t.Error("nobody heard that the clock was put back")
	}
	h.Close()
	back = -48 * time.Hour // and it starts again like that
	h, err = Open(context.Background(), c)
	w.must(err)
	if h.clock.Now().Before(w.Clock.Now().Add(-time.Second)) {
		t.Errorf("started at %s", h.clock.Now())
	}
}

// What was live is there again after a restart, exactly; what others put into our
// part of the equipment is taken away, and told.
func TestReconcile(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	o := w.live(h, "bad.example", "worse.example")
	h.Close()
	w.must(w.box.Apply(context.Background(), []driver.Rule{{Order: "x", Kind: driver.Sinkhole, Name: "nobody.example"}}, []driver.Rule{{Order: o.ID, Kind: driver.Sinkhole, Name: "bad.example", Answer: driver.NoDomain}}))
	w.holds("nobody.example", "worse.example")
	h = w.open()
	defer h.Close()
	w.holds("bad.example", "worse.example")
	w.round(h)
	v := w.show(o.ID)
	if v.State != act.Live || v.Reason != "restored" || v.Rules != 2 {
		t.Errorf("%s %s %d", v.State, v.Reason, v.Rules)
	}
	if n := w.Entries(t, "act.alarm", "done"); n < 2 {
		t.Errorf("%d alarms of what was not as told", n)
	}
	// Equipment that cannot be mended is told as half.
	w.box.half = true
	w.must(w.box.Apply(context.Background(), nil, []driver.Rule{{Order: o.ID, Kind: driver.Sinkhole, Name: "bad.example", Answer: driver.NoDomain}, {Order: o.ID, Kind: driver.Sinkhole, Name: "worse.example", Answer: driver.NoDomain}}))
	w.Clock.Pass(time.Minute)
	w.must(h.Tend(context.Background()))
	w.round(h)
	if v := w.show(o.ID); v.State != act.Half || v.Missing == 0 {
		t.Errorf("half: %s, missing %d", v.State, v.Missing)
	}
	w.box.half = false
	w.Clock.Pass(time.Minute)
	w.must(h.Tend(context.Background()))
	w.round(h)
	w.stands(o.ID, act.Live)
}

// Equipment that fails, or does half, is put back as it was, and the order fails.
func TestHalfWorking(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(b *box)
		reason string
	}{
		"fails": {func(b *box) {
			b.fail = func(add, _ []driver.Rule) error {
				if len(add) > 0 {
					return errors.New("no")
				}
				return nil
			}
		}, "apply_failed"},
		"deaf": {func(b *box) { b.deaf = true }, "health_failed"},
		"half": {func(b *box) { b.half = true }, "health_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.open()
			defer h.Close()
			o := w.ask("bad.example", "worse.example")
			w.round(h)
			w.approve(o)
			c.set(w.box)
			w.round(h)
			w.holds()
			if v := w.show(o.ID); v.State != act.Failed || v.Reason != c.reason {
				t.Errorf("%s %s", v.State, v.Reason)
			}
		})
	}
}

// What must go on working is never told, and the approver sees why.
func TestGuard(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	for _, c := range []struct {
		ask    act.Ask
		reason string
	}{
		{act.Ask{Kind: driver.Sinkhole, Targets: []string{"wind.example"}, Below: true}, ErrGuarded.Code},
		{act.Ask{Kind: driver.Sinkhole, Targets: []string{"www.wind.example"}}, ErrGuarded.Code},
		{act.Ask{Kind: driver.Filter, Targets: []string{"192.0.2.0/24"}}, ErrGuarded.Code},
		{act.Ask{Kind: driver.Sinkhole, Targets: []string{"unfit.example"}}, "test.unfit"},
		{act.Ask{Kind: driver.Sinkhole, Targets: []string{"wind.example"}}, ""},
	} {
		c.ask.Hours, c.ask.Grounds, c.ask.Basis = 1, "理由。", act.OwnBasis
		o, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), c.ask)
		w.must(err)
		w.round(h)
		v := w.show(o.ID)
		if v.Shown == nil || v.Shown.Reason != c.reason || v.Shown.Fits != (c.reason == "") {
			t.Fatalf("%v: %+v", c.ask.Targets, v.Shown)
		}
		if c.reason == "" {
			continue
		}
		if _, err := w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest}); code(err) != act.ErrUnfit.Code {
			t.Errorf("approved: %v", err)
		}
	}
	c := w.config()
	c.Guard, c.Dir = Guarded{}, t.TempDir()
	if _, err := Open(context.Background(), c); code(err) != ErrGuard.Code {
		t.Errorf("nothing is guarded: %v", err)
	}
}

// Instructions that were changed, are another's, old, or come twice are refused,
// and told.
func TestForged(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.ask("bad.example")
	w.round(h)
	w.approve(o)
	var kept act.Carry
	w.mangle = func(path string, out any) {
		if c, ok := out.(*act.Carry); ok {
			kept = *c
			c.Instruction = strings.Replace(c.Instruction, `"hours":2`, `"hours":9`, 1)
		}
	}
	if err := h.Round(context.Background(), w, 0); code(err) != act.ErrSignature.Code {
		t.Errorf("a changed instruction: %v", err)
	}
	w.mangle = func(path string, out any) {
		if c, ok := out.(*act.Carry); ok {
			c.Paper = strings.Replace(c.Paper, "指令", "別の", 1)
		}
	}
	w.Clock.Pass(11 * time.Second) // it is asked for again
	if err := h.Round(context.Background(), w, 0); code(err) != approvalSignature {
		t.Errorf("a changed paper: %v", err)
	}
	w.holds()
	w.mangle = nil
	w.Clock.Pass(11 * time.Second)
	w.round(h)
	w.holds("bad.example")
	w.stands(o.ID, act.Live)
	if err := h.Apply(context.Background(), kept.Instruction, kept.Paper); code(err) != ErrOlder.Code {
		t.Errorf("an old instruction: %v", err)
	}
	var i struct {
		Instruction json.RawMessage `json:"instruction"`
	}
	w.must(json.Unmarshal([]byte(kept.Instruction), &i))
	if err := h.Undo(context.Background(), `{"instruction":`+string(i.Instruction)+`,"signature":""}`); code(err) != act.ErrSignature.Code {
		t.Errorf("an undo that nobody signed: %v", err)
	}
	if n := w.Entries(t, "act.take", "done"); n != 1 {
		t.Errorf("%d intents of one order", n)
	}
	w.round(h)
	if n := w.Entries(t, "act.alarm", "done"); n < 2 {
		t.Errorf("%d alarms", n)
	}
}

const approvalSignature = "approval.order.signature"

// A second process takes nothing of an order that another one showed; two cannot
// work in one folder, nor in a copy of one.
func TestTwoExecutors(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	if _, err := Open(context.Background(), w.config()); code(err) != ErrBusy.Code {
		t.Errorf("two in one folder: %v", err)
	}
	o := w.ask("bad.example")
	w.round(h)
	w.approve(o)
	c := w.config()
	c.Dir = filepath.Join(w.dir, "second")
	second, err := Open(context.Background(), c)
	w.must(err)
	defer second.Close()
	if err := second.Round(context.Background(), w, 0); err != nil {
		t.Error(err)
	}
	if err := second.take(context.Background(), w, o.ID); code(err) != act.ErrHeld.Code {
		t.Errorf("another process takes it: %v", err)
	}
	w.round(h)
	w.holds("bad.example")
	c.Dir = filepath.Join(w.dir, "third")
	if _, err := Open(context.Background(), c); code(err) != ErrStranger.Code {
		t.Errorf("a new folder at equipment that another one tells: %v", err)
	}
	h.Close()
	copied := filepath.Join(w.dir, "copy")
	w.must(os.CopyFS(copied, os.DirFS(filepath.Join(w.dir, "hand"))))
	c.Dir = copied
	if _, err := Open(context.Background(), c); code(err) != ErrJournal.Code {
		t.Errorf("a copy: %v", err)
	}
}

// A hub that was put back to an older state gets no order done again, and hears
// that it was.
func TestHubPutBack(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.must(w.DB.Write(context.Background(), dbPutBack(o.ID)))
	if err := h.Round(context.Background(), w, 0); err != nil && code(err) != ErrOlder.Code {
		t.Errorf("%v", err)
	}
	w.round(h)
	w.holds("bad.example") // until its time, and no longer
	if n := w.Entries(t, "act.alarm", "done"); n == 0 {
		t.Error("nobody heard of it")
	}
	w.Clock.Pass(2 * time.Hour)
	w.must(h.Tend(context.Background()))
	w.holds()
}

// Somebody beside the machine can undo without the hub.
func TestUndoBeside(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.away = true
	w.must(MarkUndo(filepath.Join(w.dir, "hand"), o.ID))
	w.must(h.marks(context.Background()))
	w.holds()
	w.away = false
	w.round(h)
	w.stands(o.ID, act.Undone)
	if err := MarkUndo(filepath.Join(w.dir, "hand"), "A-7K3Q-9F2M"); err == nil {
		t.Error("a number that the folder does not know is undone")
	}
	if err := MarkUndo(filepath.Join(w.dir, "hand"), "../x"); err == nil {
		t.Error("a name outside the folder")
	}
	rows, err := Status(filepath.Join(w.dir, "hand"))
	if err != nil || len(rows) != 1 || rows[0].Line != Gone {
		t.Errorf("%v %v", rows, err)
	}
}

// Run is the whole process: an order is live within a second of its approval.
func TestRun(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx, w, nil) }()
	o := w.ask("bad.example")
	until := func(want act.State) time.Duration {
		begun := time.Now()
		for time.Since(begun) < 20*time.Second {
			if v := w.show(o.ID); v.State == want && (want != act.Asked || !v.DriedAt.IsZero()) {
				return time.Since(begun)
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("never %s", want)
		return 0
	}
	until(act.Asked)
	w.approve(o)
	t.Logf("live %s after the approval", until(act.Live))
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "終わり。")
	w.must(err)
	t.Logf("undone %s after it was asked for", until(act.Undone))
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A machine whose clock is behind the hub's begins and ends an order by the hub's
// signed time, and says that its own is far off.
func TestClockBehind(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Now = func() time.Time { return w.Clock.Now().Add(-time.Hour) }
	h, err := Open(context.Background(), c)
	w.must(err)
	defer h.Close()
	o := w.live(h, "bad.example")
	w.Clock.Pass(2 * time.Hour)
	w.must(h.Tend(context.Background()))
	w.holds()
	w.round(h)
	w.stands(o.ID, act.Expired)
	if n := w.Entries(t, "act.alarm", "done"); n == 0 {
		t.Error("nobody heard that the clock is behind")
	}
}
