package act

import (
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/measure/act/driver"
)

// Who settles an order by hand that the equipment goes on holding hides nothing:
// past the grace, or when the actuator says so, an alarm stands at the order that is
// over, until the actuator says that it is gone.
func TestSettledAndHeld(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for name, says := range map[string]bool{"by its journal": false, "by its word": true} {
			o := h.sent("bad.example")
			h.must(h.told(o, Live))
			h.must(h.told(o, Stuck))
			_, err := h.Settle(h.admin(), o.ID, "装置を見た。")
			h.must(err)
			wrong := func() int {
				list, _, _, err := h.List(h.admin(), Filter{Wrong: true})
				h.must(err)
				return len(list)
			}
			contact := func(holds ...Held) Jobs {
				j, err := h.Work(h.machine("wind"), Contact{Actuator: "wind-box", Kinds: driver.Kinds, Holds: holds})
				h.must(err)
				return j
			}
			it, before := Held{Order: o.ID, Use: o.use}, h.Entries(t, "act.alarm", ledger.Done)
			if j := contact(it); len(j.Told) != 1 {
				t.Errorf("%s: %d instructions to undo it", name, len(j.Told))
			}
			h.Clock.Pass(30 * time.Second)
			if j := contact(it); len(j.Told) != 0 || wrong() != 0 {
				t.Errorf("%s: undone again after half a minute, or an alarm within the grace", name)
			}
			h.Clock.Pass(31 * time.Second)
			if j := contact(it); len(j.Told) != 1 {
				t.Errorf("%s: not undone again after a minute", name)
			}
			if says {
				h.must(h.told(o, Stuck))
			} else {
				h.Clock.Pass(10 * time.Minute)
				contact(it)
			}
			contact(it)
			if got := h.load(o.ID); got.State != Undone || got.Alarm != "held" || !got.alarmed() || wrong() != 1 {
				t.Errorf("%s: %s, alarm %q, %d to be looked at", name, got.State, got.Alarm, wrong())
			}
			if n := h.Entries(t, "act.alarm", ledger.Done) - before; n != 1 {
				t.Errorf("%s: %d alarms on record", name, n)
			}
			h.must(h.Warn(h.machine("wind"), Warning{Actuator: "wind-box", What: "drift", Order: o.ID}))
			if got := h.load(o.ID); got.Alarm != "held" {
				t.Errorf("%s: hidden by %q", name, got.Alarm)
			}
			h.Clock.Pass(time.Minute)
			if j := contact(); len(j.Settled) != 1 { // it is gone, and its outcome is asked for
				t.Errorf("%s: asked for %v", name, j.Settled)
			}
			_, err = h.Settle(h.reporter(), o.ID, "装置を見た。")
			if code(err) != gate.ErrRole.Code {
				t.Errorf("%s: closed by who does not decide: %v", name, err)
			}
			_, err = h.Settle(h.admin(), o.ID, "装置をもう一度見た。") // an actuator that never comes back
			h.must(err)
			if got := h.load(o.ID); got.State != Undone || got.Alarm != "" || wrong() != 0 {
				t.Errorf("%s: %s, alarm %q after a second look", name, got.State, got.Alarm)
			}
			if _, err = h.Settle(h.admin(), o.ID, "もう一度。"); code(err) != ErrStep.Code {
				t.Errorf("%s: closed without an alarm: %v", name, err)
			}
			h.Clock.Pass(10 * time.Minute)
			contact(it)
			if got := h.load(o.ID); got.Alarm != "held" {
				t.Errorf("%s: alarm %q although it says again that it holds it", name, got.Alarm)
			}
			h.must(h.told(o, Expired))
			if got := h.load(o.ID); got.State != Undone || got.Alarm != "" || wrong() != 0 {
				t.Errorf("%s: %s, alarm %q after it is gone", name, got.State, got.Alarm)
			}
		}
	})
}
