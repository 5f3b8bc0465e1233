package request

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/measure"
)

// striking is a case of the police whose plan asks an abuse desk (step 1), orders a
// carrier (step 2) and asks an owner (step 3).
func (h *hub) striking() (kase measure.ID) {
	h.t.Helper()
	cmd := h.as("police/command1")
	now := h.Clock.Now()
	opening := measure.Opening{Threat: measure.Threat{Title: "指令サーバー", Machine: "198.51.100.7", Does: "不正な指令を送る。", Protected: "電力の供給", Rank: measure.Infrastructure,
		Evidence: []measure.Evidence{{Noun: "sighting", ID: "x", Says: "見られた。"}}}}
	k, _, err := h.Measures.Open(cmd, opening)
	h.must("open", err)
	f := measure.Finding{Met: true, Grounds: "認められる。"}
	_, err = h.Measures.Assess(cmd, k.ID, measure.Assessment{Unlawful: f, Danger: f, Urgent: f, Proportionate: f, Necessity: "ほかにない。", Collateral: "ない。"})
	h.must("assess", err)
	_, err = h.Measures.Locate(cmd, k.ID, measure.Location{Place: measure.Abroad, Country: "XX", Grounds: "経路の情報"})
	h.must("locate", err)
	for _, n := range []string{"1", "2", "3"} {
		_, err = h.Measures.Designate(cmd, k.ID, "police/executive"+n)
		h.must("designate", err)
	}
	p := measure.Plan{From: now.Add(time.Hour), Until: now.Add(24 * time.Hour), Ordinary: "頼むだけである。", StopWhen: []string{"止まったとき"}, Deconflict: "重ならない。", Steps: []measure.PlanStep{
		{Kind: measure.AskTakedown, On: "198.51.100.7", What: "窓口に停止を頼む。"}, {Kind: measure.AskAdministrator, On: "198.51.100.7", What: "通信事業者に指示する。"}, {Kind: measure.AskAdministrator, On: "198.51.100.7", What: "持ち主に知らせる。"}}}
	_, err = h.Measures.Draft(cmd, k.ID, p)
	h.must("plan", err)
	asked, err := h.Measures.Consult(cmd, k.ID, measure.Worksheet{Basis: "necessity", Peril: "電力", OnlyWay: "ほかにない。", Sovereignty: "触れない。", Others: "ない。"})
	h.must("consult", err)
	_, err = h.Measures.Answer(h.as("foreign/clerk1"), k.ID, measure.Opinion{Worksheet: asked.Worksheet, Text: "許容される。"})
	h.must("answer", err)
	c, err := h.Measures.Ask(cmd, k.ID, "ほかの手段では間に合わない。")
	h.must("ask", err)
	h.must("examine", h.Measures.Approvals.Examine(h.as("commission/examiner1"), c.Approval, "要件を満たす。", nil))
	for _, n := range []string{"1", "2", "3"} {
		_, err := h.Measures.Approvals.Vote(h.as("commission/member"+n), c.Approval, approval.NewVote{Choice: approval.For, Opinion: "理由による。"})
		h.must("vote", err)
	}
	_, err = h.Measures.Approvals.Decide(h.as("commission/member1"), c.Approval, approval.Decision{Reason: "理由による。"})
	h.must("decide", err)
	return k.ID
}

// begun is such a case while it is carried out.
func (h *hub) begun() measure.ID {
	h.t.Helper()
	k := h.striking()
	_, err := h.Measures.Authorise(h.as("police/command1"), k, "実施を命じる。")
	h.must("authorise", err)
	h.Clock.Pass(2 * time.Hour)
	_, err = h.Measures.Begin(h.as("police/executive1"), k)
	h.must("begin", err)
	h.must("desk", h.SetDesk(h.as("police/command1"), Desk{Reply: "desk@police.example"}))
	return k
}

// gone means a step, and has another say go.
func (h *hub) gone(k measure.ID, step int) {
	h.t.Helper()
	_, err := h.Measures.Intend(h.as("police/executive1"), k, step, "頼む。")
	h.must("intend", err)
	_, err = h.Measures.Go(h.as("police/executive2"), k)
	h.must("go", err)
}

func (h *hub) stepDraft(k measure.ID, step int) Draft {
	d := phishing(h.Clock.Now())
	d.Case, d.Step, d.Victim, d.Subject.Harm = k, step, Victim{}, Command
	return d
}

// A request that is a step of a measure goes out while that step may be carried
// out, by one of its two persons, and not otherwise.
func TestAStepGoesOutOnlyWhileItMayBeCarriedOut(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k := h.begun()
		if _, err := h.Draft(h.as("police/command1"), h.stepDraft(k, 3)); !placed(err, "step", "request.step") {
			t.Errorf("a step of another kind: %v", err)
		}
		if _, err := h.Draft(h.as("police/command1"), h.stepDraft(k, 9)); !placed(err, "step", "request.step") {
			t.Errorf("no such step: %v", err)
		}
		if _, err := h.Draft(h.as("wind/reporter1"), h.stepDraft(k, 1)); !placed(err, "step", "request.step") {
			t.Errorf("another's case: %v", err)
		}
		r, err := h.Draft(h.as("police/command1"), h.stepDraft(k, 1))
		h.must("draft", err)
		r, err = h.Check(h.as("police/command1"), r.ID)
		h.must("check", err)
		refused := func(when, who string) {
			t.Helper()
			if _, err := h.Send(h.as(who), r.ID, r.Digest); fault.KindOf(err) != fault.Refused && fault.KindOf(err) != fault.Unmet && fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s, %s: %v", when, who, err)
			}
		}
		refused("nobody said go", "police/executive1")
		h.gone(k, 1)
		refused("who commands", "police/command2")
		refused("a third officer", "police/executive3")
		refused("not designated", "police/executive9")
		refused("another organisation", "wind/reporter1")
		_, err = h.Send(h.as("police/executive2"), r.ID, r.Digest)
		h.must("send", err)
		e := h.acts("request.send")
		last := e[len(e)-1]
		if last.Grant == "" || last.Public["approval"] != last.Grant || last.Public["chain"] != r.Chain || last.Public["emergency"] != false || last.Public["plan"] == "" {
			t.Errorf("%+v", last)
		}
		h.round()
		v, err := h.Show(h.as("commission/member1"), r.ID)
		h.must("the commission reads it", err)
		if v.Request.State != Sent || len(v.Acts) != 0 || v.Past[0].Name != "" {
			t.Errorf("%+v", v)
		}
		if _, err := h.Show(h.as("police/executive9"), r.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("an officer who was not designated: %v", err)
		}
		f, err := h.Figures(h.as("commission/member1"))
		if err != nil || f.Total.Sent != 1 || len(f.Providers) != 0 {
			t.Errorf("%+v %v", f, err)
		}
	})
}

// What has not left when the measure is stopped, or its hours are over, does not
// leave any more, whoever tries again.
func TestWhatIsStoppedDoesNotLeave(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k := h.begun()
		r, err := h.Draft(h.as("police/executive2"), h.stepDraft(k, 1))
		h.must("draft", err)
		r, err = h.Check(h.as("police/executive2"), r.ID)
		h.must("check", err)
		h.gone(k, 1)
		_, err = h.Send(h.as("police/executive1"), r.ID, r.Digest)
		h.must("send", err)
		_, err = h.Measures.Stop(h.as("commission/member1"), k, "止める")
		h.must("stop", err)
		h.must("bus", h.bus.Settle(t.Context()))
		h.round()
		v, err := h.Show(h.as("police/command1"), r.ID)
		h.must("show", err)
		if v.Request.State != Undelivered || v.Mails[0].Why != "post.withdrawn" || len(h.box.taken) != 0 {
			t.Errorf("%s %+v, %d taken", v.Request.State, v.Mails, len(h.box.taken))
		}
		_, err = h.Change(h.as("police/executive2"), r.ID, v.Draft)
		h.must("change", err)
		r, err = h.Check(h.as("police/executive2"), r.ID)
		h.must("check", err)
		if _, err = h.Send(h.as("police/executive1"), r.ID, r.Digest); fault.KindOf(err) != fault.Refused {
			t.Errorf("after the stop: %v", err)
		}
	})
	eachHub(t, func(t *testing.T, h *hub) {
		k := h.begun()
		r, err := h.Draft(h.as("police/executive2"), h.stepDraft(k, 1))
		h.must("draft", err)
		r, err = h.Check(h.as("police/executive2"), r.ID)
		h.must("check", err)
		h.gone(k, 1)
		h.box.fail = fault.New(fault.Busy, "mail.later", "why", "later")
		_, err = h.Send(h.as("police/executive1"), r.ID, r.Digest)
		h.must("send", err)
		h.round()
		h.box.fail = nil
		h.Clock.Pass(25 * time.Hour)
		h.round()
		v, err := h.Show(h.as("police/command1"), r.ID)
		h.must("show", err)
		if v.Request.State != Undelivered || len(h.box.taken) != 0 {
			t.Errorf("after its hours: %s, %d taken", v.Request.State, len(h.box.taken))
		}
	})
}

// A carrier gets a signed order and nothing else: what, how much, when, and the
// approval. It confirms, and says that it was carried out.
func TestAnOrderToACarrierSaysNothingElse(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k := h.begun()
		d := Draft{Kind: Carrier, To: Contact{Org: h.carrier, Lang: text.JA}, Subject: Subject{Address: "198.51.100.7", Harm: Command}, Evidence: []Evidence{{Says: "証拠の説明", From: h.Clock.Now().Add(-time.Hour)}},
			Victim: Victim{Who: "山田電機", Hide: []string{"山田電機"}}, Order: Order{What: "198.51.100.7 宛ての通信を止める。", Cap: approval.Quantity{Bytes: 1 << 30}, Until: h.Clock.Now().Add(12 * time.Hour)}}
		if _, err := h.Draft(h.as("police/executive1"), d); !placed(err, "case", "request.bad.power") {
			t.Errorf("without a case: %v", err)
		}
		d.Case, d.Step = k, 2
		wrong := d
		wrong.To.Org = h.country.ID("sea")
		if _, err := h.Draft(h.as("police/executive1"), wrong); !placed(err, "to.org", "request.bad.carrier") {
			t.Errorf("no carrier: %v", err)
		}
		late := d
		late.Order.Until = h.Clock.Now().Add(30 * time.Hour)
		r, err := h.Draft(h.as("police/executive1"), late)
		h.must("draft", err)
		if _, err = h.Check(h.as("police/executive1"), r.ID); !placed(err, "order.until", "request.bad.beyond") {
			t.Errorf("longer than the plan: %v", err)
		}
		_, err = h.Change(h.as("police/executive1"), r.ID, d)
		h.must("change", err)
		r, err = h.Check(h.as("police/executive1"), r.ID)
		h.must("check", err)
		if list, _, err := h.Orders(h.as("carrier/clerk1"), "", 0); err != nil || len(list) != 0 {
			t.Errorf("before it was sent: %v %v", list, err)
		}
		h.gone(k, 2)
		r, err = h.Send(h.as("police/executive2"), r.ID, r.Digest)
		h.must("send", err)
		if r.State != Sent || len(h.box.taken) != 0 {
			t.Errorf("%s", r.State)
		}
		list, _, err := h.Orders(h.as("carrier/clerk1"), "", 0)
		h.must("orders", err)
		if len(list) != 1 || list[0].What != d.Order.What || list[0].Approval == "" || list[0].Instruction.Cap != d.Order.Cap || !list[0].Until.Equal(d.Order.Until) {
			t.Fatalf("%+v", list)
		}
		raw, _ := json.Marshal(list)
		for _, secret := range []string{"山田", "証拠の説明", "電力", k} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("the carrier reads %q: %s", secret, raw)
			}
		}
		if _, err := h.Show(h.as("carrier/clerk1"), r.ID); fault.KindOf(err) != fault.Refused {
			t.Errorf("the carrier opens the request: %v", err)
		}
		i, err := OpenInstruction([]byte(list[0].Paper), h.Verifier)
		if err != nil || i.Basis != "警察官職務執行法 第6条の2" {
			t.Errorf("%+v %v", i, err)
		}
		for range 2 {
			o, err := h.Confirm(h.as("carrier/clerk1"), r.ID, false)
			if err != nil || o.State != Acknowledged {
				t.Errorf("%+v %v", o, err)
			}
		}
		o, err := h.Confirm(h.as("carrier/clerk1"), r.ID, true)
		if err != nil || o.State != Acted || o.DoneAt.IsZero() {
			t.Errorf("%+v %v", o, err)
		}
		v, err := h.Show(h.as("police/command1"), r.ID)
		h.must("show", err)
		if last := v.Past[len(v.Past)-1]; last.By != Theirs || last.Name != "" {
			t.Errorf("%+v", last)
		}
	})
}
