package measure

import (
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// emergency is a case that was declared and authorised without the commission.
func (h *hub) emergency() Case {
	h.t.Helper()
	k, _ := h.planned(Abroad, National)
	h.consulted("police", k.ID)
	cmd := h.as("police/command")
	_, err := h.Declare(cmd, k.ID, "次の指令まで1時間しかない。")
	h.must("declare", err)
	_, err = h.Authorise(cmd, k.ID, "実施を命じる。")
	h.must("authorise", err)
	return k
}

// settled has three members of the commission say how they see an emergency, and one
// of them close the review.
func (h *hub) settled(id ID, want string) {
	h.t.Helper()
	for i, n := range []string{"1", "2", "3"} {
		_, err := h.Weigh(h.as("commission/member"+n), id, Verdict{Recommends: i > 0 && want == "advise", Text: "通知の時刻による。"})
		h.must("weigh", err)
	}
	_, err := h.Settle(h.as("commission/member1"), id, "審査の結果。")
	h.must("settle", err)
}

// elsewhere is a case on another machine, planned.
func (h *hub) elsewhere() Case {
	h.t.Helper()
	x := threat()
	x.Machine = "198.18.77.7"
	k, _, err := h.Open(h.as("police/command"), Opening{Threat: x})
	h.must("open", err)
	h.ready("police", k.ID, Japan, x.Machine)
	return k
}

// An emergency waives the commission's prior approval alone, lasts a few hours,
// and is owed a notice and a review before the case can be closed.
func TestAnEmergency(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		cmd, member := h.as("police/command"), h.as("commission/member1")
		k := h.emergency()
		if _, err := h.Begin(h.as("police/executive1"), k.ID); code(err) != "measure.guard.window" {
			t.Errorf("an emergency does not waive the hours of the plan: %v", err)
		}
		h.Clock.Pass(61 * time.Minute)
		if _, err := h.Begin(h.as("police/executive1"), k.ID); code(err) != "measure.guard.braked" {
			t.Errorf("began while its own notice is overdue: %v", err)
		}
		_, err := h.Second(h.as("police/superior"), k.ID, "通知は作成中である。")
		h.must("second", err)
		_, err = h.Begin(h.as("police/executive1"), k.ID)
		h.must("begin", err)
		h.carried(k.ID, 1, "police/executive")

		n, err := h.Tick(t.Context())
		if err != nil || n != 1 {
			t.Errorf("an overdue notice raises %d alarms, %v", n, err)
		}
		if n, _ := h.Tick(t.Context()); n != 0 {
			t.Error("the alarm is raised twice")
		}
		r, err := h.Ratio(member)
		if err != nil || r != (Ratio{Ordinary: 0, Emergency: 1, Late: 1}) {
			t.Errorf("the ratio is %+v, %v", r, err)
		}
		_, err = h.Finish(h.as("police/executive2"), k.ID, "止まった。")
		h.must("finish", err)
		_, err = h.Review(cmd, k.ID, "ほかへの影響はなかった。")
		h.must("review", err)
		_, err = h.Restore(cmd, k.ID, "戻すものはない。")
		h.must("restore", err)
		_, err = h.Tell(cmd, k.ID, "知らせた。")
		h.must("tell", err)
		if _, err := h.Close(cmd, k.ID, "終わり。"); code(err) != "measure.guard.settled" {
			t.Errorf("closed without notice and review: %v", err)
		}
		if _, err := h.Weigh(member, k.ID, Verdict{Text: "相当。"}); code(err) != ErrNotice.Code {
			t.Errorf("reviewed before it was notified: %v", err)
		}
		c, err := h.Notify(cmd, k.ID, "いとまがなかった理由と結果。")
		h.must("notify", err)
		if c.ReviewDueAt.IsZero() || !c.AlarmedAt.IsZero() {
			t.Errorf("after the notice: %+v", c)
		}
		h.Clock.Pass(31 * 24 * time.Hour)
		if n, err := h.Tick(t.Context()); err != nil || n != 1 {
			t.Errorf("a review that is late raises %d alarms, %v", n, err)
		}
		h.settled(k.ID, "advise")
		c, err = h.Close(cmd, k.ID, "終わり。")
		state(t, c, err, Closed)
	})
}

// A declaration runs out by itself, and then nobody begins anything.
func TestAnEmergencyRunsOut(t *testing.T) {
	h := lite(t)
	k := h.emergency()
	h.Clock.Pass(6 * time.Hour)
	if _, err := h.Begin(h.as("police/executive1"), k.ID); err == nil {
		t.Error("began after the declaration had run out")
	}
	v, err := h.Show(h.as("commission/inspector"), k.ID)
	h.must("show", err)
	if c := v.Chains[0]; c.State != Stopped || !c.Late {
		t.Errorf("stands at %s, late %v", c.State, c.Late)
	}
}

// A plan that is too broad is no emergency's.
func TestAnEmergencyIsNarrow(t *testing.T) {
	h := lite(t)
	k, _ := h.planned(Japan, National)
	_, err := h.Draft(h.as("police/command"), k.ID, h.plan(AccessCheck, StopFunction, RemoveProgram, ChangeSecret))
	h.must("plan", err)
	wants(t, "four steps", second(h.Declare(h.as("police/command"), k.ID, "いとまがない。")), ErrBroad)
}

// While a notice is overdue, another declaration needs a superior's signature; and
// none helps where commission and unit have both shut it.
func TestTheBrake(t *testing.T) {
	h := lite(t)
	cmd, chief, member := h.as("police/command"), h.as("police/superior"), h.as("commission/member1")
	first := h.emergency()
	k := h.elsewhere()
	asked := func(when string, want bool) {
		t.Helper()
		v, err := h.Show(chief, k.ID)
		h.must("show", err)
		if got := v.Chains[0].Waits == "second"; got != want {
			t.Errorf("%s: a superior is asked to sign: %v", when, got)
		}
	}
	if _, err := h.Second(chief, k.ID, "やむを得ない。"); code(err) != "measure.guard.late" {
		t.Errorf("signed while nothing is late: %v", err)
	}
	asked("while nothing is late", false)
	h.Clock.Pass(time.Hour)
	asked("while a notice is overdue", true)
	if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" {
		t.Errorf("declared while a notice is overdue: %v", err)
	}
	if _, err := h.Second(h.as("police/command9"), k.ID, "やむを得ない。"); code(err) != "gate.role" {
		t.Errorf("a colleague signs as a superior: %v", err)
	}
	h.must("shut", h.Shut(h.as("commission/member1"), h.country.ID("police"), true))
	h.must("shut", h.Shut(chief, "", true))
	asked("while both shut emergencies off", false)
	h.must("open", h.Shut(h.as("commission/member1"), h.country.ID("police"), false))
	h.must("open", h.Shut(chief, "", false))
	_, err := h.Second(chief, k.ID, "やむを得ない。")
	h.must("second", err)
	asked("once signed", false)

	unit := h.country.ID("police")
	h.must("shut", h.Shut(member, unit, true))
	v, err := h.Show(cmd, k.ID)
	h.must("show", err)
	if len(v.Switches) != 2 || v.Switches[0].Agreed {
		t.Errorf("switches %+v", v.Switches)
	}
	wants(t, "a command shuts or opens nothing", h.Shut(cmd, "", true), gate.ErrRole)
	h.must("shut", h.Shut(chief, "", true))
	if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" {
		t.Errorf("declared while it is shut by both: %v", err)
	}
	h.must("open again", h.Shut(chief, "", false))
	if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" {
		t.Errorf("one side alone opened it again: %v", err)
	}
	h.must("open again", h.Shut(member, unit, false))
	c, err := h.Declare(cmd, k.ID, "いとまがない。")
	state(t, c, err, Declared)
	e := h.entries()
	if p := e[len(e)-1].Public; p["overdue"] != true || p["second_signature"] != true || p["superior"] == nil || p["superior"] == e[len(e)-1].Who || p["notice_due_at"] == nil {
		t.Errorf("in clear: %v", p)
	}
	_, err = h.Notify(cmd, first.ID, "通知。")
	h.must("notify", err)
}

// The self-defence forces act on a case of the police: with a chain of their own,
// the safety commission's word and the Prime Minister's order; and neither side
// sees the other's plan.
func TestTheForcesOnACaseOfThePolice(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		cmd := h.as("defence/command")
		k, _ := h.planned(Unknown, National)
		wants(t, "before it is shared", second(h.Show(cmd, k.ID)), ErrNone)
		_, err := h.Invite(h.as("police/command"), k.ID, h.country.ID("defence"))
		h.must("invite", err)
		wants(t, "shared twice", second(h.Invite(h.as("police/command"), k.ID, h.country.ID("defence"))), ErrTwice)
		h.ready("defence", k.ID, Japan)
		if _, err := h.Ask(cmd, k.ID, "理由。"); code(err) != "measure.guard.g7" {
			t.Errorf("the police do not believe it in Japan: %v", err)
		}
		wants(t, "before there is anything to agree to", second(h.Show(h.as("office/minister"), k.ID)), ErrNone)
		h.consulted("defence", k.ID)
		if _, err := h.Ask(cmd, k.ID, "理由。"); code(err) != "measure.guard.g12" {
			t.Errorf("without the safety commission: %v", err)
		}
		if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.g12" {
			t.Errorf("an emergency without the safety commission: %v", err)
		}
		_, err = h.Agree(h.as("safety/member"), k.ID, "自衛隊に求める。")
		h.must("agree", err)
		if _, err := h.Ask(cmd, k.ID, "理由。"); err == nil {
			t.Error("asked without the Prime Minister's order")
		}
		_, err = h.Order(h.as("office/minister"), k.ID, OrderInput{Text: "命ずる。", Until: h.Clock.Now().Add(2 * time.Hour)})
		h.must("order", err)
		c, err := h.Declare(cmd, k.ID, "いとまがない。")
		state(t, c, err, Declared)
		_, err = h.Authorise(cmd, k.ID, "命じる。")
		h.must("authorise", err)
		_, err = h.Notify(cmd, k.ID, "通知。")
		h.must("notify", err)
		h.Clock.Pass(2 * time.Hour)
		if _, err := h.Begin(h.as("defence/unit1"), k.ID); code(err) != "measure.guard.g12" {
			t.Errorf("after the period of the order: %v", err)
		}

		v, err := h.Show(cmd, k.ID)
		h.must("show", err)
		if len(v.Chains) != 1 || v.Chains[0].Org != h.country.ID("defence") || len(v.Others) != 1 || v.Others[0].Body != National || v.Others[0].State != Planned {
			t.Errorf("the forces see %+v", v)
		}
		v, err = h.Show(h.as("foreign/clerk"), k.ID)
		h.must("show", err)
		if len(v.Chains) != 1 || v.Chains[0].Worksheet == nil || v.Chains[0].Planned == nil || v.Chains[0].Planned.Steps[0].What != "" || len(v.Chains[0].Done) != 0 || v.Chains[0].Officers != nil || len(v.Others) != 0 {
			t.Errorf("the Foreign Minister's clerk sees %+v", v)
		}
		v, err = h.Show(h.as("commission/member1"), k.ID)
		h.must("show", err)
		if len(v.Chains) != 2 {
			t.Errorf("the commission sees %d chains", len(v.Chains))
		}
		wants(t, "an operator", second(h.Show(h.as("wind/reporter"), k.ID)), gate.ErrRole)
		wants(t, "who is not designated", second(h.Show(h.as("police/executive7"), k.ID)), ErrNone)
	})
}

// An objection of the Foreign Minister sends the plan back; only another
// consultation helps.
func TestAnObjection(t *testing.T) {
	h := lite(t)
	cmd := h.as("police/command")
	k, _ := h.planned(Abroad, National)
	c, err := h.Consult(cmd, k.ID, worksheet())
	h.must("consult", err)
	wants(t, "an answer to a worksheet that was not read", second(h.Answer(h.as("foreign/clerk"), k.ID, Opinion{Text: "異論はない。"})), ErrSheet)
	c, err = h.Answer(h.as("foreign/clerk"), k.ID, Opinion{Objects: true, Worksheet: c.Worksheet, Text: "相手国と協議中である。"})
	state(t, c, err, Planned)
	if _, err := h.Ask(cmd, k.ID, "理由。"); code(err) != "measure.guard.g7" {
		t.Errorf("asked against an objection: %v", err)
	}
	h.consulted("police", k.ID)
	c, err = h.Ask(cmd, k.ID, "理由。")
	state(t, c, err, Pending)
	for _, e := range h.entries() {
		if e.Verb == "measure.answer" && e.Outcome == ledger.Done && e.Public["place"] != "abroad" {
			t.Errorf("in clear: %v", e.Public)
		}
	}
}

// Every refusal of the gate is on record, for every verb and every role.
func TestEveryRole(t *testing.T) {
	h := lite(t)
	k, _ := h.planned(Japan, National)
	for verb, act := range map[string]func(name string) error{
		"measure.plan":      func(n string) error { return second(h.Draft(h.as(n), k.ID, Plan{})) },
		"measure.answer":    func(n string) error { return second(h.Answer(h.as(n), k.ID, Opinion{})) },
		"measure.agree":     func(n string) error { return second(h.Agree(h.as(n), k.ID, "")) },
		"measure.order":     func(n string) error { return second(h.Order(h.as(n), k.ID, OrderInput{})) },
		"measure.begin":     func(n string) error { return second(h.Begin(h.as(n), k.ID)) },
		"measure.settle":    func(n string) error { return second(h.Settle(h.as(n), k.ID, "")) },
		"measure.weigh":     func(n string) error { return second(h.Weigh(h.as(n), k.ID, Verdict{})) },
		"measure.second":    func(n string) error { return second(h.Second(h.as(n), k.ID, "")) },
		"measure.notify":    func(n string) error { return second(h.Notify(h.as(n), k.ID, "")) },
		"measure.authorise": func(n string) error { return second(h.Authorise(h.as(n), k.ID, "")) },
		"measure.stop":      func(n string) error { return second(h.Stop(h.as(n), k.ID, "")) },
		"measure.read":      func(n string) error { return second(h.Show(h.as(n), k.ID)) },
	} {
		for _, r := range roles {
			err := act(r.name)
			row := Access[verb]
			if refused := code(err) == "gate.role"; refused != (row[r.role] == gate.None) {
				t.Errorf("%s by %s: %v", verb, r.role, err)
			}
		}
	}
	n := 0
	for _, e := range h.entries() {
		if e.Outcome == ledger.Refused && e.Reason == "gate.role" {
			n++
		}
	}
	if n < 60 {
		t.Errorf("%d refusals are on record", n)
	}
}
