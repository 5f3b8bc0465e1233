package executor

import (
	"context"
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

// What cannot be taken away is told, and tried again until it is.
func TestWhatStays(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.box.deaf = true
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	w.round(h)
	w.holds("bad.example")
	v := w.show(o.ID)
	if v.State != act.Stuck || v.Reason != "undo_failed" || v.Rules != 1 || v.Alarm != "" {
		t.Errorf("%s %s, %d rules, alarm %q", v.State, v.Reason, v.Rules, v.Alarm)
	}
	if last := v.Past[0]; last.To != act.Stuck || last.Said != "bad.example" { // which rules stay
		t.Errorf("%s: %q", last.To, last.Said)
	}
	list, _, _, err := w.acts.List(w.as("admin", gate.OperatorAdmin), act.Filter{Wrong: true})
	if err != nil || len(list) != 1 || list[0].ID != o.ID {
		t.Errorf("to be looked at: %v %v", list, err)
	}
	if !slices.Equal(v.Acts, []string{"undo", "settle"}) {
		t.Errorf("open: %v", v.Acts)
	}
	// Each try waits twice as long as the one before, five minutes at most.
	for range 12 {
		w.Clock.Pass(5 * time.Minute)
		w.must(h.Tend(context.Background()))
	}
	if e := h.book.orders[o.ID]; e.tries < 10 || e.wait.Sub(h.clock.Now()) != lastWait {
		t.Errorf("%d tries, the next in %s", e.tries, e.wait.Sub(h.clock.Now()))
	}
	tries := h.book.orders[o.ID].tries
	w.Clock.Pass(time.Minute)
	w.must(h.Tend(context.Background()))
	if n := h.book.orders[o.ID].tries; n != tries {
		t.Errorf("tried again within the wait: %d, %d", tries, n)
	}
	n := w.Entries(t, "act.outcome", "done")
	w.round(h)
	if again := w.Entries(t, "act.outcome", "done"); again != n {
		t.Errorf("the same is told again: %d entries, then %d", n, again)
	}
	w.box.deaf = false
	w.Clock.Pass(5 * time.Minute)
	w.must(h.Tend(context.Background()))
	w.holds()
	w.round(h)
	w.stands(o.ID, act.Undone)
}

// Who asked for an order has it undone although the equipment already says that it
// does not let go of it: the hub wrote down no wish until then.
func TestUndoOfWhatStays(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.box.deaf = true
	w.must(MarkUndo(h.Dir, o.ID))
	w.must(h.marks(context.Background()))
	w.round(h)
	w.stands(o.ID, act.Stuck)
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	w.round(h)
	w.round(h)
	w.stands(o.ID, act.Stuck) // and not for ever on its way
	w.box.deaf = false
	w.Clock.Pass(5 * time.Minute)
	w.must(h.Tend(context.Background()))
	w.round(h)
	w.stands(o.ID, act.Undone)
}

// What should have ended by itself and stays is seen at the hub as that.
func TestWhatStaysAtItsEnd(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example", "worse.example")
	w.box.fail = func(_, remove []driver.Rule) error {
		if len(remove) > 0 {
			return errors.New("no")
		}
		return nil
	}
	w.Clock.Pass(2 * time.Hour)
	w.must(h.Tend(context.Background()))
	w.round(h)
	v := w.show(o.ID)
	if v.State != act.Stuck || v.Rules != 2 || !strings.Contains(v.Past[0].Said, "bad.example\nworse.example") {
		t.Errorf("%s, %d rules: %q", v.State, v.Rules, v.Past[0].Said)
	}
	h.Close()
	h = w.open() // a start tries at once
	w.round(h)
	w.stands(o.ID, act.Stuck)
	h.Close()
	w.box.fail = nil
	h = w.open()
	w.holds()
	w.round(h)
	w.stands(o.ID, act.Expired)
}

// What somebody takes away by hand is known to be gone at the next look, however
// long the wait before the next try is, and although the equipment takes no orders.
func TestTakenAwayByHand(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.box.fail = func(_, remove []driver.Rule) error {
		if len(remove) > 0 {
			return errors.New("no")
		}
		return nil
	}
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	w.round(h)
	for range 8 {
		w.Clock.Pass(5 * time.Minute)
		w.must(h.Tend(context.Background()))
	}
	w.stands(o.ID, act.Stuck)
	w.must(os.Remove(w.box.file))
	for range 2 { // a look, and the try that follows it
		w.Clock.Pass(31 * time.Second)
		w.must(h.Tend(context.Background()))
	}
	w.round(h)
	w.stands(o.ID, act.Undone)
}

// An alarm that equipment was not as told ends when it is whole again, also the
// second time, when the hub hears the same outcome as before.
func TestDriftCalms(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example", "worse.example")
	for i := range 3 {
		w.must(w.box.Apply(context.Background(), nil, []driver.Rule{{Order: o.ID, Kind: driver.Sinkhole, Name: "bad.example", Answer: driver.NoDomain}}))
		w.Clock.Pass(2 * time.Hour / 10)
		w.must(h.Tend(context.Background()))
		w.holds("bad.example", "worse.example")
		w.round(h)
		if v := w.show(o.ID); v.State != act.Live || v.Alarm != "" {
			t.Errorf("%d: %s, alarm %q", i, v.State, v.Alarm)
		}
	}
	if n := w.Entries(t, "act.alarm", "done"); n == 0 {
		t.Error("no alarm is on record")
	}
	m, err := w.acts.Actuators(w.as("admin", gate.OperatorAdmin))
	w.must(err)
	if m.Actuators[0].Alarm != "" {
		t.Errorf("the actuator has the order's alarm: %s", m.Actuators[0].Alarm)
	}
}

// An alarm of an actuator is shown for a day after it was raised last; a grave one
// for a week, whatever else comes and goes meanwhile.
func TestAlarmOfAnActuatorIsForgotten(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	w.live(h, "bad.example") // so that one that is not heard of is missed
	for _, what := range []string{"clock", "forged"} {
		w.must(w.acts.Warn(w.machine("machine"), act.Warning{Actuator: h.Actuator(), What: what}))
	}
	stand := func(when string, passing string, grave int) {
		t.Helper()
		m, err := w.acts.Actuators(w.as("admin", gate.OperatorAdmin))
		w.must(err)
		if a := m.Actuators[0]; a.Alarm != passing || len(a.Grave) != grave {
			t.Errorf("%s: %q and %v", when, a.Alarm, a.Grave)
		}
	}
	pass := func(d time.Duration) {
		w.Clock.Pass(d)
		_, err := w.acts.Tick(context.Background())
		w.must(err)
	}
	w.round(h)
	stand("at once", "clock", 1)
	pass(time.Hour)
	stand("not heard of", "lost", 1)
	w.round(h)
	stand("heard of again", "", 1)
	w.must(w.acts.Warn(w.machine("machine"), act.Warning{Actuator: h.Actuator(), What: "replayed"}))
	w.must(w.acts.Warn(w.machine("machine"), act.Warning{Actuator: h.Actuator(), What: "journal"}))
	w.Clock.Pass(23 * time.Hour)
	w.round(h)
	stand("after a day", "replayed", 2)
	w.Clock.Pass(2 * time.Hour)
	w.round(h)
	stand("after more than a day", "", 2)
	w.Clock.Pass(5 * 24 * time.Hour)
	w.round(h)
	stand("after six days", "", 2)
	w.Clock.Pass(24 * time.Hour)
	w.round(h)
	stand("after a week", "", 0)
}

// A reset empties the equipment and the folder: nothing comes back, and the hub
// hears that it is gone.
func TestReset(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	o := w.live(h, "bad.example")
	if _, err := Reset(context.Background(), w.config()); code(err) != ErrBusy.Code {
		t.Errorf("while the process works: %v", err)
	}
	w.holds("bad.example")
	h.Close()
	n, err := Reset(context.Background(), w.config())
	if err != nil || n != 1 {
		t.Errorf("%d rules, %v", n, err)
	}
	w.holds()
	rows, err := Status(filepath.Join(w.dir, "hand"))
	if err != nil || len(rows) != 1 || rows[0].Line != Gone {
		t.Errorf("%v %v", rows, err)
	}
	h = w.open()
	defer h.Close()
	w.holds()
	w.round(h)
	if v := w.show(o.ID); v.State != act.Undone || v.Reason != "reset" {
		t.Errorf("%s %s", v.State, v.Reason)
	}
	// A folder whose journal cannot be believed keeps no equipment from being emptied.
	next := w.live(h, "worse.example")
	h.Close()
	w.must(os.WriteFile(filepath.Join(w.dir, "hand", journalName), []byte("x\n"), 0o600))
	if n, err := Reset(context.Background(), w.config()); err != nil || n != next.Task.Count {
		t.Errorf("%d rules, %v", n, err)
	}
	w.holds()
}

// An order that is settled by hand at the hub while the equipment holds it stays in
// sight there, and an instruction to undo it has the hub told how it stands.
func TestSettledWhileItStays(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.box.deaf = true
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	w.round(h)
	w.stands(o.ID, act.Stuck)
	_, err = w.acts.Settle(w.as("admin", gate.OperatorAdmin), o.ID, "装置を見た。")
	w.must(err)
	w.round(h)
	w.round(h)
	if v := w.show(o.ID); v.State != act.Undone || v.Alarm != "held" {
		t.Errorf("%s, alarm %q", v.State, v.Alarm)
	}
	w.box.deaf = false
	w.Clock.Pass(5 * time.Minute)
	w.must(h.Tend(context.Background()))
	w.round(h)
	if v := w.show(o.ID); v.State != act.Undone || v.Alarm != "" {
		t.Errorf("%s, alarm %q after it is gone", v.State, v.Alarm)
	}
}
