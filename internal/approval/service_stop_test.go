package approval

import (
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
)

func TestWhoeverSendsIsToldToStop(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		waits := func(n int) []Instructed {
			t.Helper()
			list, _, err := h.Instructions(h.carrying(), Filter{Waiting: true})
			if err != nil || len(list) != n {
				t.Fatalf("%d wait, want %d: %v", len(list), n, err)
			}
			return list
		}
		ended := func(n int) []Case {
			t.Helper()
			list, _, _, err := h.List(h.inspector(), Filter{Ended: true})
			if err != nil || len(list) != n {
				t.Fatalf("%d ended, want %d: %v", len(list), n, err)
			}
			return list
		}
		c := h.approve()
		_, err := h.ConfirmStopped(h.carrying(), c.ID)
		wants(t, "stopped while it holds", err, ErrStep)
		_, err = h.Confirm(h.carrying(), c.ID)
		wants(t, "receipt", err, nil)
		waits(0)
		ended(0)
		wants(t, "revoke", h.Revoke(h.member("1"), c.ID, "止める"), nil)
		if x := waits(1)[0]; x.State != Revoked || x.Number != c.Number || !x.StoppedAt.IsZero() {
			t.Errorf("%+v", x)
		}
		if x := ended(1)[0]; x.ID != c.ID || !x.StoppedAt.IsZero() {
			t.Errorf("%+v", x)
		}
		// Who presses the button of a page read before the end has not stopped.
		if x, err := h.Confirm(h.carrying(), c.ID); err != nil || !x.StoppedAt.IsZero() {
			t.Errorf("%+v %v", x, err)
		}
		stranger := gate.With(t.Context(), gate.Identity{Person: "y", Org: newID(), Roles: []gate.Role{gate.CarrierClerk}, Session: "s"})
		_, err = h.ConfirmStopped(stranger, c.ID)
		wants(t, "another's", err, ErrNone)
		first, err := h.ConfirmStopped(h.carrying(), c.ID)
		wants(t, "stopped", err, nil)
		h.Clock.Pass(time.Hour)
		if x, err := h.ConfirmStopped(h.carrying(), c.ID); err != nil || !x.StoppedAt.Equal(first.StoppedAt) || x.StoppedAt.IsZero() {
			t.Errorf("twice: %+v %v", x, err)
		}
		waits(0)
		ended(1)
		h.Clock.Pass(late)
		ended(0)

		c = h.approve() // given up
		wants(t, "give up", h.GiveUp(h.clerk(), c.ID, "終わった"), nil)
		waits(1)
		h.Clock.Pass(late + time.Hour)
		ended(1) // as long as nobody confirms it
		_, err = h.ConfirmStopped(h.carrying(), c.Number)
		wants(t, "by its number", err, nil)

		c = h.approve() // expired, whether or not it is written
		h.Clock.Pass(31 * 24 * time.Hour)
		waits(1)
		_, err = h.Tick(t.Context())
		wants(t, "tick", err, nil)
		waits(1)
		ended(1)
		x, err := h.ConfirmStopped(h.carrying(), c.ID)
		if err != nil || x.StoppedAt.IsZero() || x.State != Expired {
			t.Errorf("%+v %v", x, err)
		}
		waits(0)
		ended(0)
	})
}

func TestWhatGoesOnIsNotStopped(t *testing.T) {
	h := lite(t)
	c := h.approve()
	h.Clock.Pass(2 * time.Hour)
	h.approve(func(a *Application) {
		more, err := h.Extension(h.clerk(), c.Number)
		if err != nil || more.Extends != c.ID {
			t.Fatalf("%+v %v", more, err)
		}
		a.From, a.Until, a.Extends = more.From, more.From.AddDate(0, 0, 20), c.Number
	})
	h.Clock.Pass(c.Until.Sub(h.Clock.Now()) + time.Hour)
	list, _, err := h.Instructions(h.carrying(), Filter{Waiting: true})
	if err != nil || len(list) != 1 || list[0].State != Approved {
		t.Errorf("%+v %v", list, err)
	}
	h.Clock.Pass(30 * 24 * time.Hour)
	if list, _, err = h.Instructions(h.carrying(), Filter{Waiting: true}); err != nil || len(list) != 2 || list[0].State != Expired {
		t.Errorf("%+v %v", list, err)
	}
}

func TestANumberNamesACaseWithinReach(t *testing.T) {
	h := lite(t)
	c := h.ask()
	lower := " " + strings.ToLower(c.Number)
	view, err := h.Show(h.clerk(), lower)
	if err != nil || view.Case.ID != c.ID {
		t.Errorf("%+v %v", view.Case, err)
	}
	_, err = h.Show(h.handler(), c.Number)
	wants(t, "what is not approved", err, ErrNone)
	stranger := gate.With(t.Context(), gate.Identity{Person: "y", Org: newID(), Roles: []gate.Role{gate.OfficeClerk}, Session: "s"})
	_, err = h.Show(stranger, c.Number)
	wants(t, "another's", err, ErrNone)
	_, none := h.Show(stranger, "S-0000-0000")
	if err.Error() != none.Error() {
		t.Errorf("%v, and of none %v", err, none)
	}
	if id, err := h.Named(stranger, c.Number); id != c.Number || err != nil {
		t.Errorf("%s %v", id, err)
	}
	if id, err := h.Named(h.clerk(), lower); id != c.ID || err != nil {
		t.Errorf("%s %v", id, err)
	}
	wants(t, "question", h.Question(h.examiner(), c.Number, "なぜですか"), nil)
	wants(t, "answer", h.Answer(h.clerk(), c.Number, "こうです"), nil)
	other := h.approve()
	wants(t, "examine", h.Examine(h.examiner(), c.Number, "よい。", []ID{other.Number}), nil)
	for _, n := range []string{"1", "2", "3"} {
		_, err := h.Vote(h.member(n), c.Number, NewVote{Choice: For})
		wants(t, "vote", err, nil)
	}
	_, err = h.Decide(h.member("1"), c.Number, Decision{Reason: "よい。"})
	wants(t, "decide", err, nil)
	if v, err := h.Show(h.member("1"), c.Number); err != nil || len(v.Votes) != 3 || len(v.Messages) != 2 || len(v.Past) != 3 || len(v.Opinion.Compared) == 0 {
		t.Errorf("%+v %v", v, err)
	}
	if x, err := h.Instruction(h.carrying(), c.Number); err != nil || x.Approval != c.ID || x.Number != c.Number {
		t.Errorf("%+v %v", x, err)
	}
	if raw, err := h.Paper(h.handler(), c.Number); err != nil || len(raw) == 0 {
		t.Errorf("%v", err)
	}
	if v, err := h.Uses(h.inspector(), c.Number, "", 0); err != nil || v.Case.ID != c.ID {
		t.Errorf("%v", err)
	}
	wants(t, "revoke", h.Revoke(h.member("1"), c.Number, "止める"), nil)
	if h.state(c.ID) != Revoked {
		t.Error("not revoked")
	}
}

func TestARevocationIsSeenByAllWhomItStops(t *testing.T) {
	s := newSite(t)
	c := s.approve()
	s.Clock.Pass(time.Hour)
	to := "/approvals/" + c.Number
	for _, who := range []string{asClerk, asHandler} {
		s.page(who, to, "実施の前に鍵を作り", `href="/selection/keys"`)
	}
	s.page(asWatch, to, "!実施の前に鍵を作り")
	s.page(asMember("1"), to, "委員1人でできます")
	s.page(asCarrier, "/instructions/"+c.ID, c.Number, "受領を確認する", "期間の間だけ送って")
	s.post(asCarrier, "/instructions/"+c.ID+"/confirm")
	s.post(asMember("1"), to+"/revoke", "revoke_reason", "条件に反した")
	s.page(asCarrier, "/todos", "送るのを止める", c.Number)
	s.page(asCarrier, "/instructions?waiting=1", "停止の確認待ち")
	s.page(asCarrier, "/instructions/"+c.ID, "この後は何も送らない", "送るのを止めたことを確認する", "!期間の間だけ送って")
	for _, who := range []string{asHandler, asWatch, asClerk} {
		s.page(who, "/todos", "終わった承認（取り消し）", "送付の停止の確認がまだ", c.Number)
		s.page(who, to, "委員1人が取り消しました", "送付の停止の確認がまだ", "!実施の前に鍵を作り")
	}
	s.post(asCarrier, "/instructions/"+c.Number+"/confirm", "stopped", "1")
	s.page(asCarrier, "/todos", "!送るのを止める")
	s.page(asCarrier, "/instructions/"+c.ID+"?lang=en", "Stop confirmed on", "!Confirm that sending")
	s.page(asHandler, "/todos", "に送付の停止を確認")
	if code, body := s.send(asCarrier, "POST", "/api/v1/instructions/"+c.Number+"/confirm?stopped=true", "application/json", ""); code != 200 || !strings.Contains(body, `"stopped_at"`) {
		t.Errorf("%d %s", code, body)
	}
}
