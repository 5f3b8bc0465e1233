package hunt

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

const day = 24 * time.Hour

// What came in more than a year ago goes, in acts on record, but what became a
// sighting and what is held stays.
func TestResultsAreRemovedAtTheEndOfTheirTime(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, held := h.hunt(), h.hunt()
		var list []Incoming
		for i := range maxRemove + 7 {
			list = append(list, line(fmt.Sprintf("r%d", i), "PC1", "ann", h.Clock.Now()))
		}
		old := h.send(x.ID, "the-old-run", list...)
		stays := h.send(held.ID, "the-held-run", list[:3]...)
		held, err := h.Hold(h.admin(), held.ID, held.Version, "訴訟の証拠")
		h.must(err)
		all := h.findings(FindingFilter{Run: old.ID})
		released, decided, alone := all[0].ID, all[1].ID, all[2].ID
		batch, err := h.Triage(h.hunter(), Choice{IDs: []string{released, decided}}, Decision{Real, "both"})
		h.must(err)
		_, err = h.Decide(h.hunter(), alone, 1, Decision{Harmless, "SECRETREASON"})
		h.must(err)
		_, err = h.Release(h.hunter(), released, []string{"203.0.113.9"}, false)
		h.must(err)
		if !old.KeptUntil.Equal(old.At.AddDate(0, 0, KeepDays)) {
			t.Errorf("kept until %v", old.KeptUntil)
		}
		h.Clock.Pass(KeepDays * day)
		if n := h.expire(); n != 0 {
			t.Fatalf("%d removed on the last day", n)
		}
		h.Clock.Pass(time.Hour)
		young := h.send(x.ID, "the-young-run", list[:3]...)
		if n := h.expire(); n != len(list)-1 {
			t.Errorf("%d removed", n)
		}
		if n := h.Entries(t, "hunt.expire", "done"); n != 2 { // two acts of one run
			t.Errorf("%d acts", n)
		}
		left := h.findings(FindingFilter{Run: old.ID})
		if len(left) != 1 || left[0].ID != released || left[0].Reason != "both" || left[0].Decision != batch.ID {
			t.Errorf("%+v", left)
		}
		for query, want := range map[string]int{"SELECT count(*) FROM hunt_example": 1 + 3 + 3, "SELECT count(*) FROM hunt_attack": 2 * 7, "SELECT count(*) FROM hunt_decision": 1, "SELECT count(*) FROM hunt_finding": 7} {
			if n := testkit.Count(t, h.DB, query); n != want {
				t.Errorf("%s: %d, want %d", query, n, want)
			}
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM ledger_entry WHERE salt IS NOT NULL AND object IN ($1, $2)", findingName(alone), runName(old.ID)); n != 0 {
			t.Errorf("%d digests of what is gone can still be opened", n)
		}
		r, err := h.Run(h.hunter(), old.ID)
		h.must(err)
		if r.RemovedAt.IsZero() || !r.KeptUntil.IsZero() || r.Taken != len(list) || r.Events != 1000 {
			t.Errorf("%+v", r)
		}
		if n := len(h.findings(FindingFilter{Run: stays.ID})) + len(h.findings(FindingFilter{Run: young.ID})); n != 6 {
			t.Errorf("%d of what is held or young", n)
		}
		if n := h.expire(); n != 0 {
			t.Errorf("%d removed again", n)
		}
		if _, err := h.Receive(h.hunter(), x.ID, "the-old-run", Told{}); !errors.Is(err, ErrExpired) {
			t.Errorf("sent again: %v", err)
		}
		if _, err := h.ReceivePart(h.hunter(), old.ID, 9, list[:1]); !errors.Is(err, ErrExpired) {
			t.Errorf("another part: %v", err)
		}
		_, err = h.Unhold(h.admin(), held.ID, held.Version, "終わった")
		h.must(err)
		if n := h.expire(); n != 3 {
			t.Errorf("%d removed after the hold", n)
		}
	})
}

func TestWhoMayHoldAndRemove(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	x := h.hunt()
	for name, act := range map[string]func() error{
		"a hunter holds":   func() error { _, err := h.Hold(h.hunter(), x.ID, x.Version, "x"); return err },
		"a hunter expires": func() error { _, err := h.Expire(h.hunter(), h.Clock.Now()); return err },
		"an admin expires": func() error { _, err := h.Expire(h.admin(), h.Clock.Now()); return err },
	} {
		if err := act(); !errors.Is(err, gate.ErrRole) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Hold(h.other(), x.ID, x.Version, "x"); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
	if _, err := h.Hold(h.admin(), x.ID, x.Version, " "); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	y, err := h.Hold(h.admin(), x.ID, x.Version, "SECRETHOLD")
	h.must(err)
	if got, err := h.Hunt(h.hunter(), x.ID); err != nil || got.HoldWhy != "SECRETHOLD" || got.HoldAt.IsZero() {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := h.Hold(h.admin(), x.ID, y.Version, "x"); !errors.Is(err, ErrHeld) {
		t.Errorf("%v", err)
	}
	r := h.send(x.ID, "a-held-run", line("r", "PC", "u", h.Clock.Now()))
	if !r.KeptUntil.IsZero() {
		t.Errorf("%v", r.KeptUntil)
	}
	y, err = h.Unhold(h.admin(), x.ID, y.Version, "x")
	h.must(err)
	if _, err := h.Unhold(h.admin(), x.ID, y.Version, "x"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("%v", err)
	}
}

// expire removes what is due, as the hub does by the clock.
func (h *hub) expire() int {
	h.t.Helper()
	n, err := h.Expire(org.Local(context.Background()), h.Clock.Now())
	h.must(err)
	return n
}

// A desk says until when its results are kept; the head of an organisation holds
// and lets go.
func TestTheDeskSaysHowLongResultsAreKept(t *testing.T) {
	s := newSite(t)
	x := s.hunt()
	r := s.hub.send(x.ID, "a-run-of-two", line("r1", "PC1", "ann", s.Clock.Now()), line("r2", "PC1", "ann", s.Clock.Now()))
	f := s.findings(FindingFilter{})
	desk := "/hunts/" + x.ID
	s.page(asHunter, desk, "取り込みから365日で消します", "まで保存", "!name=\"why\"")
	s.page(asHunter, "/hunt-findings/"+f[0].ID, "まで保存")
	s.page(asAdmin, desk, "保全する", `action="/hunts/`+x.ID+`/hold"`)
	if code, _ := s.send(asHunter, "POST", desk+"/hold", urlForm, "why=x&version=2"); code != 403 {
		t.Errorf("%d", code)
	}
	s.post(asAdmin, desk+"/hold", "version", "2", "why", "<b>訴訟")
	s.page(asHunter, desk, "保全しています", "&lt;b&gt;訴訟", "保全中のため、消しません")
	s.post(asAdmin, desk+"/unhold", "version", "3", "why", "終わった")
	s.Clock.Pass(KeepDays*day + time.Minute)
	s.expire()
	s.page(asHunter, desk+"?run="+r.ID, "保存の期限が来たため", "に消去")
	s.page(asHunter, desk+"/report", "に消去")
	s.page(asHunter, "/hunts", "VPN 装置からの横展開")
	if left := s.findings(FindingFilter{}); len(left) != 0 {
		t.Errorf("%+v", left)
	}
}
