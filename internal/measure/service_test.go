package measure

import (
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
)

func state(t testing.TB, c Chain, err error, want State) {
	t.Helper()
	if err != nil || c.State != want {
		t.Fatalf("%s, %v; want %s", c.State, err, want)
	}
}

// code is the code of a fault; empty for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// The whole way of a case abroad, from the threat to its closing, and what the
// ledger says of it in clear.
func TestTheWholeWay(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k, _ := h.approved()
		cmd, one := h.as("police/command"), h.as("police/executive1")
		c, err := h.Begin(one, k.ID)
		state(t, c, err, Executing)
		h.carried(k.ID, 1, "police/executive")
		h.carried(k.ID, 2, "police/executive")
		c, err = h.Finish(one, k.ID, "指令は止まった。")
		state(t, c, err, Executed)
		if _, err := h.Close(cmd, k.ID, "終わり。"); code(err) != ErrStep.Code {
			t.Errorf("closed before it was looked back at: %v", err)
		}
		c, err = h.Review(cmd, k.ID, "ほかへの影響はなかった。")
		state(t, c, err, Reviewed)
		if _, err := h.Close(cmd, k.ID, "終わり。"); code(err) != "measure.guard.restored" {
			t.Errorf("closed before it was restored: %v", err)
		}
		_, err = h.Restore(cmd, k.ID, "戻すものはない。")
		h.must("restore", err)
		_, err = h.Tell(cmd, k.ID, "管理者に知らせた。")
		h.must("tell", err)
		c, err = h.Close(cmd, k.ID, "終わり。")
		state(t, c, err, Closed)

		v, err := h.Show(cmd, k.Number)
		h.must("show", err)
		if x := v.Chains[0]; len(x.Done) != 2 || x.Done[0].First != "executive1" || x.Done[0].Second != "executive2" || x.Done[1].Outcome != Worked || x.Assessment == nil || x.Planned == nil || x.Worksheet == nil || len(x.Officers) != 2 {
			t.Errorf("what is shown at the end: %+v", x)
		}
		verbs := map[string]int{}
		for _, e := range h.entries() {
			verbs[e.Verb]++
			if !strings.HasPrefix(e.Verb, "measure.") || e.Outcome != ledger.Done {
				continue
			}
			p := e.Public
			for _, need := range []string{"chain", "act", "kind", "body", "to", "by"} {
				if p[need] == nil {
					t.Errorf("%s says no %s in clear", e.Verb, need)
				}
			}
			if e.Verb == "measure.go" && (p["first"] == nil || p["second"] == nil || p["first"] == p["second"] || p["plan"] == nil || p["approval"] == nil || e.Grant == "" || p["window_until"] == nil || p["step"] == nil) {
				t.Errorf("a step says %v", p)
			}
			for _, secret := range []string{"198.18", "指令", "executive1"} {
				for name, x := range p {
					if s, ok := x.(string); ok && strings.Contains(s, secret) {
						t.Errorf("%s tells %s in %s", e.Verb, secret, name)
					}
				}
			}
		}
		for _, verb := range []string{"measure.open", "measure.consult", "measure.answer", "measure.lapse", "measure.authorise", "measure.begin", "measure.go", "measure.close"} {
			if verbs[verb] == 0 {
				t.Errorf("%s is not on the ledger", verb)
			}
		}
	})
}

// What the law asks before anybody acts, one condition at a time: the act is
// refused and the refusal is on record.
func TestNothingWithoutItsCondition(t *testing.T) {
	h := lite(t)
	cmd := h.as("police/command")
	k, _ := h.planned(Unknown, National)
	_, err := h.Ask(cmd, k.ID, "理由。")
	if code(err) != "measure.guard.g7" {
		t.Errorf("asked without consulting: %v", err)
	}
	_, err = h.Declare(cmd, k.ID, "いとまがない。")
	if code(err) != "measure.guard.g7" {
		t.Errorf("declared without consulting: %v", err)
	}
	e := h.entries()
	if last := e[len(e)-1]; last.Verb != "measure.declare" || last.Outcome != ledger.Refused || last.Reason != "measure.guard.g7" {
		t.Errorf("on record: %+v", last)
	}
	p, _ := h.planned(Abroad, Prefecture)
	if _, err = h.Consult(h.as("prefecture/command"), p.ID, worksheet()); code(err) != "measure.guard.g6" {
		t.Errorf("a prefecture abroad: %v", err)
	}

	one, _, err := h.Open(cmd, Opening{Threat: threat()})
	h.must("open", err)
	if _, err := h.Locate(cmd, one.ID, Location{Place: Japan, Grounds: "国内。"}); code(err) != ErrStep.Code {
		t.Errorf("located before it was assessed: %v", err)
	}
	a := assessment()
	a.Danger.Met = false
	_, err = h.Assess(cmd, one.ID, a)
	h.must("assess", err)
	if _, err := h.Locate(cmd, one.ID, Location{Place: Japan, Grounds: "国内。"}); code(err) != "measure.guard.g3" {
		t.Errorf("no danger: %v", err)
	}
	_, err = h.Assess(cmd, one.ID, assessment())
	h.must("assess", err)
	_, err = h.Locate(cmd, one.ID, Location{Place: Japan, Grounds: "国内。"})
	h.must("locate", err)
	_, err = h.Draft(cmd, one.ID, h.plan())
	h.must("plan", err)
	if _, err := h.Ask(cmd, one.ID, "理由。"); code(err) != "measure.guard.g1" {
		t.Errorf("nobody is designated: %v", err)
	}
}

// A machine in Japan needs no consultation; what the commission refuses is not
// carried out, and another plan may be made.
func TestWhatTheCommissionRefuses(t *testing.T) {
	h := lite(t)
	cmd := h.as("prefecture/command")
	k, _ := h.planned(Japan, Prefecture)
	c, err := h.Ask(cmd, k.ID, "理由。")
	state(t, c, err, Pending)
	if _, err := h.Authorise(cmd, k.ID, "命じる。"); code(err) != ErrStep.Code {
		t.Errorf("authorised while it is before the commission: %v", err)
	}
	if _, err := h.Draft(cmd, k.ID, h.plan()); code(err) != ErrStep.Code {
		t.Errorf("another plan while one is before the commission: %v", err)
	}
	h.decided(c.Approval, approval.Against)
	_, err = h.Authorise(cmd, k.ID, "命じる。")
	if code(err) != ErrStep.Code {
		t.Errorf("authorised what was refused: %v", err)
	}
	v, err := h.Show(cmd, k.ID)
	h.must("show", err)
	if v.Chains[0].State != Declined {
		t.Errorf("stands at %s", v.Chains[0].State)
	}
	c, err = h.Draft(cmd, k.ID, h.plan(AskAdministrator))
	state(t, c, err, Planned)
	if c.Approval != "" {
		t.Error("another plan keeps the approval of the one before")
	}
}

// An approval is of one plan: whoever goes back to change it loses it.
func TestAnotherPlanIsAnotherPlan(t *testing.T) {
	h := lite(t)
	cmd := h.as("police/command")
	k, _ := h.planned(Japan, National)
	c, err := h.Ask(cmd, k.ID, "理由。")
	state(t, c, err, Pending)
	h.decided(c.Approval, approval.For)
	c, err = h.Recall(cmd, k.ID, "計画を直す。")
	state(t, c, err, Planned)
	if v, err := h.Approvals.Show(h.as("commission/member1"), c.Approval); err != nil || v.Case.State != approval.GivenUp {
		t.Errorf("the approval stands at %s, %v", v.Case.State, err)
	}
	c, err = h.Draft(cmd, k.ID, h.plan(RemoveProgram))
	state(t, c, err, Planned)
	if _, err := h.Authorise(cmd, k.ID, "命じる。"); code(err) != ErrStep.Code {
		t.Errorf("authorised without an approval: %v", err)
	}
}

// Who asks does not act; a step is two persons'; only who was designated acts, and
// only what is in the plan.
func TestWhoMayActAndOnWhat(t *testing.T) {
	h := lite(t)
	cmd, one, two := h.as("police/command"), h.as("police/executive1"), h.as("police/executive2")
	k, _ := h.approved()
	wants(t, "not designated", second(h.Begin(h.as("police/executive3"), k.ID)), ErrNone)
	if _, err := h.Begin(cmd, k.ID); code(err) != "gate.role" {
		t.Errorf("a command begins: %v", err)
	}
	if _, err := h.Designate(cmd, k.ID, "police/executive4"); code(err) != ErrStep.Code {
		t.Errorf("designated after the approval: %v", err)
	}
	_, err := h.Begin(one, k.ID)
	h.must("begin", err)
	if _, err := h.Intend(one, k.ID, 3, "別のこと。"); code(err) != "measure.guard.in_plan" {
		t.Errorf("a step that is not in the plan: %v", err)
	}
	_, err = h.Intend(one, k.ID, 1, "調べる。")
	h.must("intend", err)
	wants(t, "one person for both", second(h.Go(one, k.ID)), ErrTwo)
	if _, err := h.Intend(two, k.ID, 2, "同時に行う。"); code(err) != "measure.guard.no_step" {
		t.Errorf("two steps at once: %v", err)
	}
	if _, err := h.Outcome(one, k.ID, Ending{Outcome: Worked, Says: "終わった。"}); code(err) != "measure.guard.gone" {
		t.Errorf("an outcome before anybody said go: %v", err)
	}
	_, err = h.Go(two, k.ID)
	h.must("go", err)
	if _, err := h.Finish(one, k.ID, "終わり。"); code(err) != "measure.guard.no_step" {
		t.Errorf("finished with a step under way: %v", err)
	}
	c, err := h.Outcome(one, k.ID, Ending{Outcome: Deviated, Says: "別の機器につながった。"})
	state(t, c, err, Stopped)
	if _, err := h.Intend(one, k.ID, 2, "続ける。"); code(err) != ErrStep.Code {
		t.Errorf("went on after a deviation: %v", err)
	}
}

// second drops what comes with an error.
func second[T any](_ T, err error) error { return err }

// An approval that is revoked, or whose hours are over, lets nobody act from that
// instant on, whether or not anybody wrote it down; what is under way can still
// be accounted for.
func TestPowerEndsAtOnce(t *testing.T) {
	h := lite(t)
	one, two := h.as("police/executive1"), h.as("police/executive2")
	k, c := h.approved()
	_, err := h.Begin(one, k.ID)
	h.must("begin", err)
	_, err = h.Intend(one, k.ID, 1, "調べる。")
	h.must("intend", err)
	_, err = h.Go(two, k.ID)
	h.must("go", err)
	h.must("revoke", h.Approvals.Revoke(h.as("commission/member1"), c.Approval, "必要がなくなった。"))
	c, err = h.Outcome(one, k.ID, Ending{Outcome: Failed, Says: "途中でやめた。"})
	state(t, c, err, Stopped)
	if _, err := h.Intend(one, k.ID, 2, "続ける。"); code(err) != ErrStep.Code {
		t.Errorf("acted without an approval: %v", err)
	}

	k, _ = h.approved()
	h.Clock.Pass(24 * time.Hour)
	if _, err := h.Begin(one, k.ID); err == nil {
		t.Error("began after the hours of the plan")
	}
	n, err := h.Tick(t.Context())
	if err != nil || n != 0 { // the attempt wrote it down
		t.Errorf("tick: %d, %v", n, err)
	}
}

// The hours of the plan bind: not before, not after.
func TestOnlyInItsHours(t *testing.T) {
	h := lite(t)
	k, _ := h.planned(Japan, National)
	c, err := h.Ask(h.as("police/command"), k.ID, "理由。")
	h.must("ask", err)
	h.decided(c.Approval, approval.For)
	_, err = h.Authorise(h.as("police/command"), k.ID, "命じる。")
	h.must("authorise", err)
	if _, err := h.Begin(h.as("police/executive1"), k.ID); code(err) != "measure.guard.window" {
		t.Errorf("before the hours: %v", err)
	}
}

// A Grant of one plan is none of another, and none of selections.
func TestAnApprovalCoversNothingElse(t *testing.T) {
	h := lite(t)
	_, c := h.approved()
	for what, s := range map[string]approval.Scope{
		"another plan":  {Kind: approval.PolicePower, Measure: c.ID, Plan: strings.Repeat("0", 64)},
		"another chain": {Kind: approval.PolicePower, Measure: newID(), Plan: c.Plan},
		"the forces":    {Kind: approval.DefencePower, Measure: c.ID, Plan: c.Plan},
		"a selection":   {},
	} {
		g := h.grant(c.Approval)
		if err := g.Covers(s); err == nil {
			t.Errorf("%s is covered", what)
		}
	}
	if g := h.grant(c.Approval); g.Covers(approval.Scope{Kind: approval.PolicePower, Measure: c.ID, Plan: c.Plan}) != nil {
		t.Error("the plan itself is not covered")
	}
	if !errors.Is((approval.Grant{}).Covers(approval.Scope{Kind: approval.PolicePower, Measure: c.ID, Plan: c.Plan}), approval.ErrNoGrant) {
		t.Error("the zero Grant covers something")
	}
}
