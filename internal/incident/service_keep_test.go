package incident

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

func TestContentIsDestroyedBySchedule(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		hub := org.Local(t.Context())
		var cases []Case
		for range 4 {
			cases = append(cases, h.reported(Ransomware))
		}
		gone, held, extended, fresh := cases[0].ID, cases[1].ID, cases[2].ID, cases[3].ID
		if _, err := h.Attach(h.reporter(), gone, strings.NewReader("log"), "a.log"); err != nil {
			t.Fatal(err)
		}
		next, err := h.StartNext(h.reporter(), gone, Followup)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Attach(h.reporter(), next.ID, strings.NewReader("log"), "b.log"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Ask(h.clerk(), gone, "被害は広がりましたか"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Give(h.clerk(), gone, "関係省と共有しました", ""); err != nil {
			t.Fatal(err)
		}
		if err := h.Hold(h.admin(), held, "訴訟が続いているため"); err != nil {
			t.Fatal(err)
		}
		if why, err := h.HoldReason(h.viewer(), held); err != nil || why != "訴訟が続いているため" {
			t.Errorf("%q %v", why, err)
		}
		due := cases[0].RetainUntil
		if err := h.Extend(h.admin(), extended, due.AddDate(0, 6, 0), "調べが続いているため"); err != nil {
			t.Fatal(err)
		}
		if n, err := h.Purge(hub, due.Add(-time.Hour)); err != nil || n != 0 {
			t.Errorf("%d destroyed early: %v", n, err)
		}
		h.Clock.Pass(24 * time.Hour)
		r := Template(Ransomware).Clone().Next(Followup)
		r.ID = fresh
		if _, err := h.Submit(h.reporter(), r, ""); err != nil { // a change starts the period anew
			t.Fatal(err)
		}
		if n, err := h.Purge(hub, due.Add(time.Hour)); err != nil || n != 1 {
			t.Fatalf("%d destroyed, want 1: %v", n, err)
		}
		if n, err := h.Purge(hub, due.Add(time.Hour)); err != nil || n != 0 {
			t.Errorf("again: %d %v", n, err)
		}
		for _, who := range []context.Context{h.reporter(), h.clerk()} {
			if _, err := h.Open(who, gone, 0, "receive"); !errors.Is(err, ErrPurged) {
				t.Errorf("opens: %v", err)
			}
		}
		for table, q := range map[string]string{
			"versions":      "SELECT count(*) FROM incident_version WHERE case_id = $1 AND length(sealed) > 0",
			"feedback":      "SELECT count(*) FROM incident_feedback WHERE case_id = $1 AND length(sealed) > 0",
			"drafts":        "SELECT count(*) FROM incident_draft WHERE case_id = $1",
			"conversations": "SELECT count(*) FROM thread_message WHERE object = 'incident/' || $1",
			"files":         "SELECT count(*) FROM blob_file WHERE object <> $1",
		} {
			if n := testkit.Count(t, h.Parts.DB, q, gone); n != 0 {
				t.Errorf("%s: %d left", table, n)
			}
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM incident_delivery WHERE case_id = $1", gone); n == 0 {
			t.Error("to whom it went is part of the record")
		}
		if h.Entries(t, "incident.purge", ledger.Done) != 1 {
			t.Error("a destruction is an act")
		}
		for _, id := range []ID{held, extended, fresh} {
			if _, err := h.Open(h.reporter(), id, 0, ""); err != nil {
				t.Errorf("%v", err)
			}
		}
		if err := h.Release(h.admin(), held, "和解したため"); err != nil {
			t.Fatal(err)
		}
		if n, err := h.Purge(hub, due.AddDate(0, 7, 0)); err != nil || n != 3 {
			t.Errorf("%d destroyed, want 3: %v", n, err)
		}
	})
}

func TestWhoMayKeepAndDestroy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Other)
		for name, x := range map[string]struct {
			who  context.Context
			want fault.Kind
		}{
			"a reporter":       {h.reporter(), fault.Refused},
			"the ministry":     {h.clerk(), fault.Refused},
			"another operator": {h.rival(), fault.NotFound},
			"nobody":           {context.Background(), fault.Unauthenticated},
		} {
			for i, err := range []error{h.Hold(x.who, c.ID, "x"), h.Release(x.who, c.ID, "x"), h.Extend(x.who, c.ID, c.RetainUntil.AddDate(1, 0, 0), "x")} {
				if fault.KindOf(err) != x.want {
					t.Errorf("%s, %d: %v", name, i, err)
				}
			}
			if _, err := h.Purge(x.who, c.RetainUntil.AddDate(1, 0, 0)); err == nil {
				t.Errorf("%s destroyed", name)
			}
		}
		for name, err := range map[string]error{
			"without a reason":    h.Hold(h.admin(), c.ID, " "),
			"released, not held":  h.Release(h.admin(), c.ID, "x"),
			"extended backwards":  h.Extend(h.admin(), c.ID, c.RetainUntil, "x"),
			"extended for ever":   h.Extend(h.admin(), c.ID, c.RetainUntil.AddDate(30, 0, 0), "x"),
			"a case that is none": h.Hold(h.admin(), NewID(), "x"),
		} {
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if err := h.Hold(h.admin(), c.ID, "x"); err != nil {
			t.Fatal(err)
		}
		if err := h.Hold(h.admin(), c.ID, "x"); !errors.Is(err, ErrHeld) {
			t.Errorf("twice: %v", err)
		}
	})
}
