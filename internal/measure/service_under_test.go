package measure

import (
	"errors"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

// A step may be carried out by the two who meant it, while all that it rests on
// holds, and by nobody else and at no other time.
func TestOnlyAStepUnderWayIsCarriedOut(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k, _ := h.planned(Abroad, National)
		under := func(person string, number int) error {
			t.Helper()
			return h.DB.Write(t.Context(), func(tx *db.Tx) error {
				_, err := h.UnderWay(t.Context(), tx, k.ID, number, h.who(person))
				return err
			})
		}
		refused := func(when, person string, number int) {
			t.Helper()
			if err := under(person, number); fault.KindOf(err) != fault.Refused && fault.KindOf(err) != fault.Unmet {
				t.Errorf("%s, %s, step %d: %v", when, person, number, err)
			}
		}
		refused("planned", "police/executive1", 1)
		h.must("in plan", h.DB.Write(t.Context(), func(tx *db.Tx) error {
			u, err := h.InPlan(t.Context(), tx, k.ID, 2, h.who("police/executive1"))
			if err == nil && (u.Step.Kind != StopFunction || u.Approval != "") {
				t.Errorf("%+v", u)
			}
			return err
		}))
		for _, who := range []string{"commission/member", "wind/reporter", "defence/unit1", "police/executive9"} {
			if err := under(who, 1); !errors.Is(err, ErrNone) {
				t.Errorf("%s: %v", who, err)
			}
		}
		h.consulted("police", k.ID)
		c, err := h.Ask(h.as("police/command"), k.ID, "ほかの手段では間に合わない。")
		h.must("ask", err)
		h.decided(c.Approval, approval.For)
		_, err = h.Authorise(h.as("police/command"), k.ID, "実施を命じる。")
		h.must("authorise", err)
		h.Clock.Pass(time.Hour)
		refused("authorised", "police/executive1", 1)
		hand := h.as("police/executive1")
		_, err = h.Begin(hand, k.ID)
		h.must("begin", err)
		refused("begun", "police/executive1", 1)
		_, err = h.Intend(hand, k.ID, 1, "調べる")
		h.must("intend", err)
		refused("meant", "police/executive1", 1)
		_, err = h.Go(h.as("police/executive2"), k.ID)
		h.must("go", err)
		h.must("first", under("police/executive1", 1))
		h.must("second", under("police/executive2", 1))
		refused("another step", "police/executive1", 2)
		refused("no such step", "police/executive1", 3)
		refused("who commands", "police/command", 1)
		_, err = h.Stop(h.as("commission/member"), k.ID, "止める")
		h.must("stop", err)
		refused("stopped", "police/executive1", 1)
	})
}
