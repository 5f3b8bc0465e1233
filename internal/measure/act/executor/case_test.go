package executor

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// officers are who has to do with a case, by how their names begin.
var officers = map[string]gate.Role{"police/command": gate.PoliceCommand, "police/executive": gate.PoliceExecutive, "police/machine": gate.Actuator, "foreign/clerk": gate.ForeignClerk,
	"commission/member": gate.CommissionMember, "commission/examiner": gate.Examiner}

// officer is somebody by a name such as police/executive2.
func (w *world) officer(name string) (gate.Identity, bool) {
	for begin, role := range officers {
		if strings.HasPrefix(name, begin) {
			place, person, _ := strings.Cut(name, "/")
			return w.country.Identity(place, person, role), true
		}
	}
	return gate.Identity{}, false
}

func (w *world) acting(name string) context.Context {
	w.t.Helper()
	who, ok := w.officer(name)
	if !ok {
		w.t.Fatalf("nobody is called %s", name)
	}
	return gate.With(context.Background(), who)
}

// begun is a case abroad whose plan holds a name back on the police's own network,
// approved by the commission and begun, its first step not yet meant.
func (w *world) begun(name string) measure.ID {
	w.t.Helper()
	m, cmd := w.measures, w.acting("police/command")
	m.Person = func(_ context.Context, _ *db.Tx, id string) (gate.Identity, error) {
		if who, ok := w.officer(id); ok {
			return who, nil
		}
		return gate.Identity{}, org.ErrPersonGone
	}
	yes := func(grounds string) measure.Finding { return measure.Finding{Met: true, Grounds: grounds} }
	k, _, err := m.Open(cmd, measure.Opening{Threat: measure.Threat{Title: "指令サーバー", Machine: "198.18.66.6", Does: "感染した機器に不正な指令を送っている。", Protected: "電力の供給", Rank: measure.Infrastructure,
		Evidence: []measure.Evidence{{Noun: "sighting", ID: "x", Says: "3社の機器が指令を受けた。"}}}})
	w.must(err)
	_, err = m.Assess(cmd, k.ID, measure.Assessment{Unlawful: yes("確認された。"), Danger: yes("停電のおそれ。"), Urgent: yes("今夜とみられる。"), Proportionate: yes("名前に限る。"),
		Necessity: "ほかの手段では間に合わない。", Collateral: "正当なサービスはない。", Organised: yes("国外から。"), Indispensable: yes("技術が要る。")})
	w.must(err)
	_, err = m.Locate(cmd, k.ID, measure.Location{Place: measure.Abroad, Grounds: "経路の情報による。"})
	w.must(err)
	for _, n := range []string{"1", "2"} {
		_, err = m.Designate(cmd, k.ID, "police/executive"+n)
		w.must(err)
	}
	now := w.Clock.Now()
	_, err = m.Draft(cmd, k.ID, measure.Plan{From: now.Add(time.Hour), Until: now.Add(24 * time.Hour), Ordinary: "自網で止める。", StopWhen: []string{"業務に影響が出たとき"}, Deconflict: "重ならない。",
		Steps: []measure.PlanStep{{Kind: measure.OwnSinkhole, On: name, What: "自網の応答を変える。", Undo: "元に戻す。", Hours: 3}}})
	w.must(err)
	c, err := m.Consult(cmd, k.ID, measure.Worksheet{Basis: "necessity", Peril: "電力の供給", OnlyWay: "管理者に届かない。", Sovereignty: "自網に限る。", Others: "影響しない。", Rules: []string{"26"}})
	w.must(err)
	_, err = m.Answer(w.acting("foreign/clerk"), k.ID, measure.Opinion{Worksheet: c.Worksheet, Text: "許容される範囲にある。"})
	w.must(err)
	c, err = m.Ask(cmd, k.ID, "ほかの手段では間に合わない。")
	w.must(err)
	w.must(m.Approvals.Examine(w.acting("commission/examiner"), c.Approval, "要件を満たす。", nil))
	for _, n := range []string{"1", "2", "3"} {
		_, err = m.Approvals.Vote(w.acting("commission/member"+n), c.Approval, approval.NewVote{Choice: approval.For, Opinion: "理由による。"})
		w.must(err)
	}
	_, err = m.Approvals.Decide(w.acting("commission/member1"), c.Approval, approval.Decision{Reason: "理由による。"})
	w.must(err)
	_, err = m.Authorise(cmd, k.ID, "実施を命じる。")
	w.must(err)
	w.Clock.Pass(time.Hour)
	_, err = m.Begin(w.acting("police/executive1"), k.ID)
	w.must(err)
	return k.ID
}

// An order under a measure's Grant, everything over HTTP: it rests on the case's
// approval and on a step under way, is released by an officer of that step, lasts
// no longer than the step, and ends when the measure is stopped.
func TestUnderACase(t *testing.T) {
	for name, stuck := range map[string]bool{"whole": false, "equipment does not let go": true} {
		t.Run(name, func(t *testing.T) { underACase(t, stuck) })
	}
}

// underACase is the life of such an order. Where it is stuck, somebody beside the
// equipment took it away before the measure is stopped, and the equipment keeps it.
func underACase(t *testing.T, stuck bool) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) {
		w := worldOn(t, d)
		id := w.begun("bad.example")
		s := httptest.NewServer(w.handled())
		t.Cleanup(s.Close)
		hub := func(name string) *fetch.Hub {
			h, err := fetch.NewHub(s.URL, name, "ja")
			w.must(err)
			return h
		}
		ctx := context.Background()
		do := func(name, path string, in any) (o act.Order, err error) {
			err = hub(name).Do(ctx, "POST", "/api/v1/act-orders"+path, in, &o, "")
			return o, err
		}
		ask := act.Ask{Kind: driver.Sinkhole, Targets: []string{"bad.example"}, Hours: 2, Grounds: "計画の手順1。", Basis: act.OwnBasis, Case: id, Step: 1}
		for what, change := range map[string]func(a *act.Ask){"another name": func(a *act.Ask) { a.Targets = []string{"other.example"} }, "longer": func(a *act.Ask) { a.Hours = 4 }, "below": func(a *act.Ask) { a.Below = true }} {
			a := ask
			change(&a)
			if _, err := do("police/command", "", a); code(err) != act.ErrOffPlan.Code {
				t.Errorf("%s: %v", what, err)
			}
		}
		o, err := do("police/command", "", ask)
		w.must(err)
		c := w.config()
		h, err := Open(ctx, c)
		w.must(err)
		defer h.Close()
		round := func() {
			t.Helper()
			for range 3 {
				if err := h.Round(ctx, hub("police/machine"), 0); err != nil {
					t.Error(err)
				}
			}
		}
		round()
		yes := act.Decision{Digest: o.Digest}
		if _, err := do("police/executive1", "/"+o.ID+"/approve", yes); err == nil {
			t.Error("released before the step is under way")
		}
		_, err = w.measures.Intend(w.acting("police/executive1"), id, 1, "止める。")
		w.must(err)
		_, err = w.measures.Go(w.acting("police/executive2"), id)
		w.must(err)
		if _, err := do("police/command", "/"+o.ID+"/approve", yes); code(err) != act.ErrApart.Code {
			t.Errorf("released by who asked: %v", err)
		}
		if _, err := do("police/command2", "/"+o.ID+"/approve", yes); err == nil {
			t.Error("released by who does not carry the step out")
		}
		o, err = do("police/executive2", "/"+o.ID+"/approve", yes)
		w.must(err)
		round()
		w.holds("bad.example")
		var v act.View
		w.must(hub("police/executive1").Do(ctx, "GET", "/api/v1/act-orders/"+o.ID, nil, &v, ""))
		if v.State != act.Live || v.Task.Chain == "" || v.Approval == "" || v.Until.After(w.Clock.Now().Add(2*time.Hour)) {
			t.Errorf("%s under %q of %q until %s", v.State, v.Approval, v.Task.Chain, v.Until)
		}
		if n := w.Entries(t, "act.take", "done"); n != 1 {
			t.Errorf("%d intents", n)
		}
		stays := func() {
			t.Helper()
			var v act.View
			w.must(hub("police/executive1").Do(ctx, "GET", "/api/v1/act-orders/"+o.ID, nil, &v, ""))
			if v.State != act.Stuck {
				t.Errorf("%s, want stuck", v.State)
			}
		}
		if stuck {
			w.box.deaf = true
			w.must(MarkUndo(c.Dir, o.ID))
			w.must(h.marks(ctx))
			round()
			stays()
		}
		// The commission has the measure stopped: what it carried ends with it.
		_, err = w.measures.Stop(w.acting("commission/member1"), id, "止める。")
		w.must(err)
		round()
		if stuck { // that it ends is on record, once
			w.Clock.Pass(time.Minute)
			round()
			stays()
			if n := w.Entries(t, "act.end", "done"); n != 1 {
				t.Errorf("%d ends on record", n)
			}
			w.box.deaf = false
			w.Clock.Pass(5 * time.Minute)
			w.must(h.Tend(ctx))
			round()
		}
		w.holds()
		w.must(hub("police/executive1").Do(ctx, "GET", "/api/v1/act-orders/"+o.ID, nil, &v, ""))
		if want := map[bool]string{false: "revoked", true: "local"}[stuck]; v.State != act.Undone || v.Reason != want {
			t.Errorf("%s %s", v.State, v.Reason)
		}
	})
}
