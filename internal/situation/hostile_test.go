package situation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
)

// A report says no more than the room itself: neither to whom else a decision
// went, nor that there was one that is not theirs to see.
func TestAReportNamesNoOtherAddressee(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(0, "industry", "wind", "police")
		_, err := h.Decide(h.office(), e.ID, "止める", "", h.country.ID("police"), h.country.ID("wind"))
		h.must(err)
		_, err = h.Decide(h.office(), e.ID, "知らせる", "", h.country.ID("industry"))
		h.must(err)
		_, err = h.Make(h.office(), e.ID, "")
		h.must(err)
		h.must(h.Narrow(h.office(), e.ID, h.country.ID("police"), Sees{Reports: true}))
		_, r, names, err := h.Report(h.police(), e.ID, 1)
		h.must(err)
		raw, _ := json.Marshal([]any{r, names})
		if len(r.Decisions) != 1 || strings.Contains(string(raw), h.country.ID("wind")) || strings.Contains(string(raw), h.country.ID("industry")) {
			t.Errorf("%s", raw)
		}
		h.must(h.Narrow(h.office(), e.ID, h.country.ID("police"), Sees{Incidents: true, Tasks: true, Reports: true, People: true}))
		_, r, _, err = h.Report(h.police(), e.ID, 1)
		h.must(err)
		for _, m := range r.Line {
			if m.What == "decided" {
				t.Errorf("who sees no decisions sees when there were some: %+v", m)
			}
		}
	})
}

// One event whose report cannot be made holds up no other's.
func TestOneBadEventHoldsUpNone(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		bad, good := h.opened(1), h.opened(1)
		h.must(h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE situation_event SET reports = $2 WHERE id = $1", bad.ID, maxReports)
			return err
		}))
		h.Clock.Pass(time.Hour)
		if n, err := h.Tick(t.Context()); n != 1 || err == nil {
			t.Errorf("%d %v", n, err)
		}
		v, err := h.Get(h.office(), good.ID, "")
		h.must(err)
		if len(v.Reports) != 1 {
			t.Errorf("%+v", v.Reports)
		}
	})
}

// Nobody is given a task in a room that is being closed.
func TestClosingWhileSomebodyAssigns(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for i := range 8 {
			e := h.opened(0, "industry", "wind")
			var g sync.WaitGroup
			var closed, given error
			g.Go(func() { closed = h.Close(h.office(), e.ID, "終わり") })
			g.Go(func() {
				_, given = h.Assign(h.clerk(), e.ID, NewTask{Owner: h.country.ID("wind"), Title: fmt.Sprint("調べる", i)})
			})
			g.Wait()
			if closed == nil && !errors.Is(given, ErrClosed) || closed != nil && (!errors.Is(closed, ErrUndone) || given != nil) {
				t.Fatalf("closed: %v, given: %v", closed, given)
			}
		}
	})
}

// A member that does not see who takes part does not learn it by giving tasks
// or addressing decisions: whoever is there and whoever is not are refused alike.
func TestANarrowedMemberNamesNobody(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(0, "wind", "police")
		give := func(name string) error {
			_, err := h.Assign(h.police(), e.ID, NewTask{Owner: h.country.ID(name), Title: "調べる"})
			return err
		}
		decide := func(name string) error {
			_, err := h.Decide(h.police(), e.ID, "止める", "", h.country.ID(name))
			return err
		}
		h.must(h.Narrow(h.office(), e.ID, h.country.ID("police"), Sees{Tasks: true, Decisions: true}))
		for what, try := range map[string]func(string) error{"task": give, "decision": decide} {
			there, absent := try("wind"), try("sea")
			if there == nil || absent == nil || there.Error() != absent.Error() {
				t.Errorf("%s: %v, %v", what, there, absent)
			}
			for _, name := range []string{"office", "police"} {
				h.must(try(name))
			}
		}
		h.must(h.Narrow(h.office(), e.ID, h.country.ID("police"), Sees{Tasks: true, Decisions: true, People: true}))
		h.must(give("wind"))
		h.must(decide("wind"))
	})
}
