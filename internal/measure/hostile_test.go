package measure

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/mail"
	office "noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
	"noroshi/internal/testkit"
)

// Whose officers somebody's are is registered, not said: a prefecture's command
// cannot open a case as the National Police Agency, nor can anybody else.
func TestWhoseOfficersIsRegistered(t *testing.T) {
	h := lite(t)
	_, c, err := h.Open(h.as("prefecture/command"), Opening{Threat: threat()})
	if err != nil || c.Facts.Body != Prefecture {
		t.Errorf("a prefecture's case is one of %s, %v", c.Facts.Body, err)
	}
	if _, c, err = h.Open(h.as("police/command"), Opening{Threat: threat()}); err != nil || c.Facts.Body != National {
		t.Errorf("a case of the agency is one of %s, %v", c.Facts.Body, err)
	}
	odd := gate.With(context.Background(), h.country.Identity("wind", "x", gate.PoliceCommand))
	if _, _, err = h.Open(odd, Opening{Threat: threat()}); !slices.Contains(places(err), "org measure.bad.body") {
		t.Errorf("a power company opens a case: %v", err)
	}
}

// places are those of a fault, with what is wrong there.
func places(err error) (out []string) {
	if err != nil {
		for _, p := range fault.Of(err).Places {
			out = append(out, p.At+" "+p.Code)
		}
	}
	return out
}

// What came to nothing before the commission is no emergency, in whatever words and
// hours it is written again, and in whatever case; another plan needs a superior.
func TestWhatWasRefusedIsNoEmergency(t *testing.T) {
	for name, end := range map[string]func(h *hub, id, approved ID){
		"refused":    func(h *hub, _, a ID) { h.decided(a, approval.Against) },
		"taken back": func(h *hub, id, _ ID) { h.must("recall", second(h.Recall(h.as("police/command"), id, "急ぐ。"))) },
		"given up": func(h *hub, id, a ID) {
			h.decided(a, approval.For)
			h.must("recall", second(h.Recall(h.as("police/command"), id, "急ぐ。")))
		},
		"revoked": func(h *hub, _, a ID) {
			h.decided(a, approval.For)
			h.must("revoke", h.Approvals.Revoke(h.as("commission/member1"), a, "不要。"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := lite(t)
			cmd := h.as("police/command")
			k, _ := h.planned(Japan, National)
			c, err := h.Ask(cmd, k.ID, "理由。")
			h.must("ask", err)
			end(h, k.ID, c.Approval)
			if _, err := h.Declare(cmd, k.ID, "いとまがない。"); err == nil {
				t.Error("declared at once")
			}
			again := h.plan()
			again.From, again.Until, again.Ordinary = again.From.Add(time.Minute), again.Until.Add(time.Minute), "言い方を変えた。"
			again.Steps[0].What = "別の言い方。"
			slices.Reverse(again.Steps)
			_, err = h.Draft(cmd, k.ID, again)
			h.must("plan", err)
			if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" || !slices.Contains(places(err), "fresh measure.guard.fresh") {
				t.Errorf("the same plan in other words: %v", err)
			}
			h.must("second", second(h.Second(h.as("police/superior"), k.ID, "やむを得ない。")))
			if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.fresh" {
				t.Errorf("the same plan with a superior's signature: %v", err)
			}
			other, _ := h.planned(Japan, National)
			h.must("second", second(h.Second(h.as("police/superior"), other.ID, "やむを得ない。")))
			if _, err := h.Declare(cmd, other.ID, "いとまがない。"); code(err) != "measure.guard.fresh" {
				t.Errorf("the same plan in another case: %v", err)
			}
			_, err = h.Draft(cmd, k.ID, h.plan(AccessCheck))
			h.must("another plan", err)
			for _, x := range []struct {
				who  string
				kase ID
				same bool
			}{{"police/superior", k.ID, false}, {"commission/member1", other.ID, true}, {"police/executive1", k.ID, false}} {
				v, err := h.Show(h.as(x.who), x.kase)
				if x.who == "police/executive1" {
					if err == nil && len(v.Chains[0].Tried) > 0 {
						t.Error("who carries out reads plans that came to nothing")
					}
					continue
				}
				h.must("show", err)
				if list := v.Chains[0].Tried; len(list) != 1 || list[0].Plan == nil || list[0].Same != x.same || list[0].Case != k.Number || list[0].Asked == "" || list[0].Act == "" {
					t.Errorf("%s sees %+v beside the plan", x.who, list)
				}
			}
			if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" {
				t.Errorf("another plan without a superior: %v", err)
			}
			h.must("second", second(h.Second(h.as("police/superior"), k.ID, "やむを得ない。")))
			c, err = h.Declare(cmd, k.ID, "いとまがない。")
			state(t, c, err, Declared)
			_, err = h.Ask(cmd, other.ID, "理由。")
			h.must("ask again", err) // the way by the commission stays open
		})
	}
}

// An emergency after an emergency on one machine needs a superior until the first is
// reviewed, whatever case and spelling it comes in; and so does going on with one
// when something came to stand against it meanwhile.
func TestEmergenciesInARow(t *testing.T) {
	h := lite(t)
	cmd := h.as("police/command")
	first := h.emergency()
	h.must("notify", second(h.Notify(cmd, first.ID, "通知。")))
	x := threat()
	x.Machine = " ::ffff:198.18.66.6 " // the same in IPv6
	k, _, err := h.Open(cmd, Opening{Threat: x})
	h.must("open", err)
	h.ready("police", k.ID, Japan)
	if _, err := h.Declare(cmd, k.ID, "いとまがない。"); code(err) != "measure.guard.brake" {
		t.Errorf("a second emergency on the machine: %v", err)
	}
	h.settled(first.ID, "confirm")
	c, err := h.Declare(cmd, k.ID, "いとまがない。")
	state(t, c, err, Declared)
	h.Clock.Pass(time.Hour) // its own notice is overdue now
	if _, err := h.Authorise(cmd, k.ID, "命じる。"); code(err) != "measure.guard.brake" {
		t.Errorf("authorised while a notice is overdue: %v", err)
	}
	h.must("second", second(h.Second(h.as("police/superior"), k.ID, "やむを得ない。")))
	c, err = h.Authorise(cmd, k.ID, "命じる。")
	state(t, c, err, Authorised)
	unit := h.country.ID("police")
	h.must("shut", h.Shut(h.as("commission/member1"), unit, true))
	h.must("shut", h.Shut(h.as("police/superior"), "", true))
	if _, err := h.Begin(h.as("police/executive1"), k.ID); code(err) != "measure.guard.braked" {
		t.Errorf("began while emergencies are shut off: %v", err)
	}
}

// Something in one's own network does not outlast the emergency, and is done to
// something that can be told; something on a machine is done on that of the case.
func TestStepsAreBound(t *testing.T) {
	h := lite(t)
	cmd := h.as("police/command")
	k, _ := h.planned(Japan, National)
	long := h.plan(OwnBlock)
	_, err := h.Draft(cmd, k.ID, long) // 24 hours
	h.must("plan", err)
	wants(t, "a block of a day", second(h.Declare(cmd, k.ID, "いとまがない。")), ErrLong)
	long.Steps[0].Hours = 6
	_, err = h.Draft(cmd, k.ID, long)
	h.must("plan", err)
	h.must("declare", second(h.Declare(cmd, k.ID, "いとまがない。")))

	k = h.elsewhere()
	for on, want := range map[string]string{"": "measure.bad.target", "あの機器": "measure.bad.target", "0.0.0.0/0": "measure.bad.target", "a b": "measure.bad.target", "198.51.100.0/24": "", "BAD.Example.": "", "2001:db8::1": ""} {
		p := h.plan(OwnSinkhole)
		p.Steps[0].On = on
		_, err := h.Draft(cmd, k.ID, p)
		if got := strings.Join(places(err), ","); want == "" && err != nil || want != "" && got != "steps/0/on "+want {
			t.Errorf("%q: %v", on, err)
		}
	}
	p := h.plan(StopFunction) // on 198.18.66.6, and the case is about another
	if _, err := h.Draft(cmd, k.ID, p); !slices.Contains(places(err), "steps/0/on measure.bad.machine") {
		t.Errorf("a step on another machine: %v", err)
	}
}

// What the commission set is shown to who carries out, and binds them: its end and
// its conditions.
func TestTheCommissionsBounds(t *testing.T) {
	h := lite(t)
	one, two := h.as("police/executive1"), h.as("police/executive2")
	k, _ := h.planned(Japan, National)
	c, err := h.Ask(h.as("police/command"), k.ID, "理由。")
	h.must("ask", err)
	h.must("examine", h.Approvals.Examine(h.as("commission/examiner"), c.Approval, "要件を満たす。", nil))
	for _, n := range []string{"1", "2", "3"} {
		_, err := h.Approvals.Vote(h.as("commission/member"+n), c.Approval, approval.NewVote{Choice: approval.For})
		h.must("vote", err)
	}
	until := h.Clock.Now().Add(3 * time.Hour).Truncate(time.Second)
	_, err = h.Approvals.Decide(h.as("commission/member1"), c.Approval, approval.Decision{Reason: "短くする。", Until: until, Conditions: []string{"夜間に限る"}})
	h.must("decide", err)
	h.must("authorise", second(h.Authorise(h.as("police/command"), k.ID, "命じる。")))
	h.Clock.Pass(2 * time.Hour)
	h.must("begin", second(h.Begin(one, k.ID)))
	v, err := h.Show(two, k.ID)
	h.must("show", err)
	if x := v.Chains[0]; x.Bounds == nil || !x.Bounds.Until.Equal(until) || !slices.Equal(x.Bounds.Conditions, []string{"夜間に限る"}) || !x.Ends.Equal(until) {
		t.Errorf("who carries out sees %+v, ends %s", x.Bounds, x.Ends)
	}
	h.must("intend", second(h.Intend(one, k.ID, 1, "行う。")))
	e := h.entries()
	if p := e[len(e)-1].Public; p["power_until"] != until.Format(time.RFC3339Nano) || p["order"] == nil || p["conditions"] == nil || p["step_id"] == nil {
		t.Errorf("in clear: %v", p)
	}
	h.Clock.Pass(time.Hour)
	if _, err := h.Go(two, k.ID); err == nil {
		t.Error("said go after the commission's end, within the hours of the plan")
	}
}

// A step that was carried out is not carried out again; one that failed may be.
func TestAStepIsDoneOnce(t *testing.T) {
	h := lite(t)
	one, two := h.as("police/executive1"), h.as("police/executive2")
	k, c := h.approved()
	h.must("begin", second(h.Begin(one, k.ID)))
	for _, o := range []Outcome{Failed, Worked} {
		h.must("intend", second(h.Intend(one, k.ID, 1, "行う。")))
		h.must("go", second(h.Go(two, k.ID)))
		h.must("outcome", second(h.Outcome(one, k.ID, Ending{Outcome: o, Says: "結果。"})))
	}
	if _, err := h.Intend(one, k.ID, 1, "もう一度。"); code(err) != "measure.guard.once" {
		t.Errorf("carried out again: %v", err)
	}
	var got []ID
	for cursor, more := "", true; more; more = cursor != "" {
		list, next, err := h.Done(one, c.ID, cursor, 1)
		h.must("steps", err)
		for _, d := range list {
			got = append(got, d.ID)
		}
		cursor = next
	}
	if len(got) != 2 || got[0] < got[1] {
		t.Errorf("steps by page: %v", got)
	}
	acts := 0
	for cursor, more := "", true; more; more = cursor != "" {
		list, _, next, err := h.Past(h.as("commission/inspector"), c.ID, cursor, 3)
		h.must("acts", err)
		acts, cursor = acts+len(list), next
	}
	v, err := h.Show(h.as("police/command"), k.ID)
	h.must("show", err)
	if x := v.Chains[0]; len(x.Past) != acts || acts < 15 {
		t.Errorf("%d acts by page, %d on the case", acts, len(x.Past))
	}
}

// When those who are on a step are gone, two of the command end it, and it stops.
func TestAStepWithoutItsOfficers(t *testing.T) {
	h := lite(t)
	cmd, other := h.as("police/command"), h.as("police/command2")
	k, _ := h.approved()
	h.must("begin", second(h.Begin(h.as("police/executive1"), k.ID)))
	h.must("intend", second(h.Intend(h.as("police/executive1"), k.ID, 1, "行う。")))
	h.must("go", second(h.Go(h.as("police/executive2"), k.ID)))
	if _, err := h.Account(cmd, k.ID, "不明。"); code(err) != "measure.guard.left" {
		t.Errorf("accounted for a step whose officers are there: %v", err)
	}
	h.must("dismiss", second(h.Dismiss(cmd, k.ID, "police/executive1")))
	if _, err := h.Account(cmd, k.ID, "不明。"); code(err) != "measure.guard.left" {
		t.Errorf("accounted for a step of which one officer is there: %v", err)
	}
	h.must("dismiss", second(h.Dismiss(cmd, k.ID, "police/executive2")))
	if _, err := h.Dismiss(cmd, k.ID, "police/executive2"); !slices.Contains(places(err), "person measure.bad.dismiss") {
		t.Errorf("dismissed twice: %v", err)
	}
	if _, err := h.Vouch(other, k.ID); code(err) != "measure.guard.accounted" {
		t.Errorf("vouched for nothing: %v", err)
	}
	h.must("account", second(h.Account(cmd, k.ID, "機能が止まったかはわからない。")))
	wants(t, "one person for both", second(h.Vouch(cmd, k.ID)), ErrTwo)
	c, err := h.Vouch(other, k.ID)
	state(t, c, err, Stopped)
	v, err := h.Show(cmd, k.ID)
	h.must("show", err)
	if d := v.Chains[0].Done[0]; d.Outcome != Lost || d.Account != "command, command2" {
		t.Errorf("the step: %+v", d)
	}
	h.must("review", second(h.Review(cmd, k.ID, "検証。")))
}

// Forces that gave a case up may be asked again; while they are on it, nobody else.
func TestTheForcesAreAskedAgain(t *testing.T) {
	h := lite(t)
	cmd, forces := h.as("police/command"), h.country.ID("defence")
	k, _ := h.planned(Japan, National)
	h.must("invite", second(h.Invite(cmd, k.ID, forces)))
	wants(t, "twice", second(h.Invite(cmd, k.ID, forces)), ErrTwice)
	h.must("drop", second(h.Drop(h.as("defence/command"), k.ID, "担えない。")))
	h.must("invite again", second(h.Invite(cmd, k.ID, forces)))
	c, err := h.Assess(h.as("defence/command"), k.ID, assessment())
	state(t, c, err, Assessed)
	wants(t, "twice", second(h.Invite(cmd, k.ID, forces)), ErrTwice)
}

// "Jointly" is a case of the police that has come as far as a location itself, and
// that nobody stopped.
func TestJointlyIsAlongside(t *testing.T) {
	h := lite(t)
	cmd, police := h.as("defence/command"), h.as("police/command")
	k, _, err := h.Open(police, Opening{Threat: threat()})
	h.must("open", err)
	h.must("invite", second(h.Invite(police, k.ID, h.country.ID("defence"))))
	h.ready("defence", k.ID, Japan)
	h.must("agree", second(h.Agree(h.as("safety/member"), k.ID, "求める。")))
	h.must("order", second(h.Order(h.as("office/minister"), k.ID, OrderInput{Text: "命ずる。", Until: h.Clock.Now().Add(48 * time.Hour)})))
	if _, err := h.Ask(cmd, k.ID, "理由。"); code(err) != "measure.guard.g12" {
		t.Errorf("the police have opened a case and no more: %v", err)
	}
	h.ready("police", k.ID, Japan)
	c, err := h.Ask(cmd, k.ID, "理由。")
	state(t, c, err, Pending)
}

// Who is asked sees what they were asked about and no later draft; what others have
// on the same machine is for the commission; and who the officers are, for their
// command.
func TestNobodySeesMoreThanTheirs(t *testing.T) {
	h := lite(t)
	cmd, clerk := h.as("police/command"), h.as("foreign/clerk")
	k, _ := h.planned(Abroad, National)
	h.consulted("police", k.ID)
	before, err := h.Show(clerk, k.ID)
	h.must("show", err)
	a := assessment()
	a.Danger.Grounds = "後から分かった秘密。"
	h.must("plan", second(h.Draft(cmd, k.ID, h.plan(RemoveProgram))))
	h.must("assess", second(h.Assess(cmd, k.ID, a)))
	h.must("locate", second(h.Locate(cmd, k.ID, Location{Place: Unknown, Grounds: "後の判断。"})))
	later := h.plan(AccessCheck, StopFunction, RemoveProgram)
	h.must("plan", second(h.Draft(cmd, k.ID, later)))
	after, err := h.Show(clerk, k.ID)
	h.must("show", err)
	b, _ := json.Marshal(before.Chains)
	if c, _ := json.Marshal(after.Chains); string(b) != string(c) {
		t.Errorf("the clerk saw\n%s\nand sees\n%s", b, c)
	}
	list, _, _, err := h.List(clerk, Filter{})
	h.must("list", err)
	if len(list) != 1 || list[0].Chain.State != Consulted || list[0].Chain.Facts.Place != Abroad || len(list[0].Chain.Approval) > 0 {
		t.Errorf("the clerk's list: %+v", list)
	}
	if _, _, err := h.Done(clerk, k.ID, "", 10); err != ErrNone {
		t.Errorf("the clerk reads steps: %v", err)
	}

	_, _ = h.planned(Japan, Prefecture) // of another unit, on the same machine
	for name, want := range map[string]int{"police/command": 0, "commission/inspector": 1, "police/executive1": 0, "foreign/clerk": 0} {
		v, err := h.Show(h.as(name), k.ID)
		h.must("show", err)
		if v.Same != want {
			t.Errorf("%s is told of %d other cases", name, v.Same)
		}
	}
	_, _ = h.planned(Japan, National)
	if v, _ := h.Show(cmd, k.ID); v.Same != 1 {
		t.Errorf("the command is told of %d other cases of its own", v.Same)
	}
	for _, name := range []string{"commission/member1", "commission/inspector", "police/superior", "police/executive1"} {
		v, err := h.Show(h.as(name), k.ID)
		h.must("show", err)
		raw, _ := json.Marshal(v)
		list, _, _, err := h.Past(h.as(name), v.Chains[0].ID, "", 100)
		h.must("acts", err)
		more, _ := json.Marshal(list)
		if strings.Contains(string(raw)+string(more), "police/executive") {
			t.Errorf("%s reads who the officers are", name)
		}
	}
}

// The commission settles an emergency by a quorum, and whoever closes it has said
// how they see it.
func TestTheCommissionSettlesByVoices(t *testing.T) {
	h := lite(t)
	k := h.emergency()
	h.must("notify", second(h.Notify(h.as("police/command"), k.ID, "通知。")))
	one := h.as("commission/member1")
	if _, err := h.Settle(one, k.ID, "相当。"); code(err) != "measure.guard.weighed" {
		t.Errorf("settled without a voice: %v", err)
	}
	for range 3 { // one voice, however often
		h.must("weigh", second(h.Weigh(one, k.ID, Verdict{Text: "相当である。"})))
	}
	if _, err := h.Settle(one, k.ID, "相当。"); code(err) != "measure.guard.weighed" {
		t.Errorf("one member alone settles: %v", err)
	}
	h.must("weigh", second(h.Weigh(h.as("commission/member2"), k.ID, Verdict{Recommends: true, Text: "改めるべきである。"})))
	h.must("weigh", second(h.Weigh(h.as("commission/member3"), k.ID, Verdict{Recommends: true, Text: "改めるべきである。"})))
	wants(t, "who said nothing closes", second(h.Settle(h.as("commission/member4"), k.ID, "相当。")), ErrVoice)
	c, err := h.Settle(one, k.ID, "手順を改めること。")
	if err != nil || c.Facts.Notice != Advised {
		t.Errorf("%s, %v", c.Facts.Notice, err)
	}
	e := h.entries()
	if p := e[len(e)-1].Public; p["act"] != "advise" || len(p) == 0 || p["against"] == nil || p["quorum"] == nil {
		t.Errorf("in clear: %v", p)
	}
	v, err := h.Show(h.as("police/command"), k.ID)
	h.must("show", err)
	raw, _ := json.Marshal(v)
	if strings.Contains(string(raw), "改めるべきである") || len(v.Chains[0].Voices) > 0 {
		t.Error("the unit reads what members said")
	}
	if v, _ = h.Show(h.as("commission/inspector"), k.ID); len(v.Chains[0].Voices) != 3 || v.Chains[0].Voices[0].Text == "" {
		t.Errorf("the inspector reads %+v", v.Chains[0].Voices)
	}
}

// Everybody who takes part in a step is asked whether they may carry it out: an
// examiner of the very approval is not the second of two.
func TestBothOfAStepAreApart(t *testing.T) {
	h := lite(t)
	k, c := h.approved()
	h.must("put", h.DB.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO approval_person (approval_id, person, side) VALUES ($1, $2, $3)", c.Approval, "police/executive2", string(approval.ExaminerSide))
		return err
	}))
	h.must("begin", second(h.Begin(h.as("police/executive1"), k.ID)))
	h.must("intend", second(h.Intend(h.as("police/executive1"), k.ID, 1, "行う。")))
	wants(t, "who examined it says go", second(h.Go(h.as("police/executive2"), k.ID)), approval.ErrExecutor)
}

// A plan that was edited in its table is none: it is not shown, not declared and
// not carried out.
func TestAnEditedPlanIsNone(t *testing.T) {
	h := lite(t)
	k, c := h.approved()
	h.must("begin", second(h.Begin(h.as("police/executive1"), k.ID)))
	p := h.plan()
	p.Steps[0].What = "別のこと。"
	h.must("edit", h.DB.Write(context.Background(), func(tx *db.Tx) error {
		was, err := lastAct(context.Background(), tx, c.ID, "plan", db.Above)
		if err != nil {
			return err
		}
		sealed, err := h.Service.Keys.SealJSON(context.Background(), tx, c.Org, p, "measure_act/"+was.ID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(context.Background(), "UPDATE measure_act SET sealed = $2 WHERE id = $1", was.ID, sealed)
		return err
	}))
	v, err := h.Show(h.as("police/executive1"), k.ID)
	h.must("show", err)
	if x := v.Chains[0]; x.Planned != nil || !slices.Equal(x.Altered, []string{"plan"}) {
		t.Errorf("an edited plan is shown: %+v", x.Planned)
	}
	wants(t, "a step of an edited plan", second(h.Intend(h.as("police/executive1"), k.ID, 1, "行う。")), ErrAltered)
}

// One chain that cannot be read holds up no alarm of another.
func TestAnUnreadableChainHoldsUpNothing(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		bad := h.emergency()
		h.must("spoil", h.DB.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), "UPDATE measure_chain SET facts = '{' WHERE case_id = $1", bad.ID)
			return err
		}))
		x := threat()
		x.Machine = "198.18.77.7"
		k, _, err := h.Open(h.as("police/command"), Opening{Threat: x})
		h.must("open", err)
		h.ready("police", k.ID, Japan, x.Machine)
		h.must("declare", second(h.Declare(h.as("police/command"), k.ID, "いとまがない。")))
		h.Clock.Pass(time.Hour)
		if n, err := h.Tick(t.Context()); n != 1 || err == nil || !strings.Contains(err.Error(), "facts") {
			t.Errorf("%d alarms, %v", n, err)
		}
	})
}

// An alarm is raised of what is owed wherever a chain stands.
func TestAlarmsEverywhere(t *testing.T) {
	h := lite(t)
	k := h.emergency()
	h.must("stop", second(h.Stop(h.as("commission/member1"), k.ID, "止める。")))
	h.Clock.Pass(time.Hour)
	if n, err := h.Tick(t.Context()); n != 1 || err != nil {
		t.Errorf("%d alarms of what was stopped, %v", n, err)
	}
	e := h.entries()
	if last := e[len(e)-1]; last.Verb != "measure.alarm" || last.Public["what"] != "notice" || last.Who != "" {
		t.Errorf("on record: %+v", last)
	}
}

// box keeps the mails of a hub.
type box struct{ mails []mail.Message }

func (b *box) Send(_ context.Context, m mail.Message) error {
	b.mails = append(b.mails, m)
	return nil
}

// An alarm goes out by the channels that the commission and the unit set: that there
// is something, and where to read it.
func TestAlarmsAreSent(t *testing.T) {
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "post", FS: office.Migrations}, db.Source{Noun: "channel", FS: channel.Migrations})...))
	words, err := text.Load(channel.Words)
	h.must("words", err)
	var got box
	letters := office.New(office.Config{DB: h.DB, Keys: h.Keys, Mail: &got, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now})
	h.Channels = channel.Open(channel.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Office: letters, Orgs: h.country.Service, Words: words, BaseURL: "https://hub.example", Mails: true, Now: h.Clock.Now})
	for _, who := range []string{"commission/inspector", "police/command"} {
		c, _, err := h.Channels.Set(h.as(who), channel.Channel{Kind: channel.Mail, Address: strings.ReplaceAll(who, "/", "@") + ".example", Lang: text.JA, Contact: 1, Least: "act"})
		h.must("set", err)
		_, err = letters.Round(t.Context())
		h.must("round", err)
		last := got.mails[len(got.mails)-1]
		h.must("confirm", h.Channels.Confirm(h.as(who), c.ID, regexp.MustCompile(`\b\d{6}\b`).FindString(last.Text)))
	}
	got.mails = nil
	k := h.emergency()
	_, err = letters.Round(t.Context())
	h.must("round", err)
	if len(got.mails) != 1 || !strings.Contains(got.mails[0].To, "inspector") {
		t.Errorf("of a declaration %d mails went out", len(got.mails))
	}
	got.mails = nil
	h.Clock.Pass(time.Hour)
	_, err = h.Tick(t.Context())
	h.must("tick", err)
	_, err = letters.Round(t.Context())
	h.must("round", err)
	if len(got.mails) != 2 {
		t.Fatalf("of an alarm %d mails went out", len(got.mails))
	}
	for _, m := range got.mails {
		if !strings.Contains(m.Subject, k.Number) || !strings.Contains(m.Text, "期限を過ぎた") || !strings.Contains(m.Text, "https://hub.example/measures/") || strings.Contains(m.Text, "198.18") {
			t.Errorf("the mail says %q, %q", m.Subject, m.Text)
		}
	}
}
