package app

import (
	"errors"
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/notice"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// request asks two makers about a flaw that nobody else knows of yet. Each sees
// what it is asked, and nothing of the other; an operator sees nothing.
func (a *alarm) request() (string, error) {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	until := a.clock.Now().Add(14 * time.Hour)
	c, requests, err := a.h.Vendors.Start(analyst, vendor.NewCase{Vulnerability: invented, Send: true, Sectors: []string{"electricity"},
		Title:   a.words("EdgeGate の管理画面の認証回避", "Authentication bypass in the EdgeGate management page"),
		Facts:   a.words("管理画面の特定の要求で、ログインなしに設定を読まれます。", "A certain request to the management page reads the configuration without sign-in."),
		Embargo: vendor.Embargo{Until: until, Zone: "Asia/Tokyo"},
		Makers: []vendor.NewMaker{
			{Org: string(a.by["akari"].Org.ID), Products: []vendor.NewProduct{{Name: "EdgeGate", CPE: "cpe:2.3:a:akari:edgegate:*:*:*:*:*:*:*:*"}}},
			{Org: string(a.by["minato"].Org.ID), Products: []vendor.NewProduct{{Name: "FieldPort", CPE: "cpe:2.3:a:minato:fieldport:*:*:*:*:*:*:*:*"}}},
		}})
	if err != nil {
		return "", err
	}
	a.secret, a.asked = c, map[string]vendor.Request{}
	for _, r := range requests {
		for _, id := range []string{"akari", "minato"} {
			if r.Org == string(a.by[id].Org.ID) {
				a.asked[id] = r
			}
		}
	}
	second, err := a.acting("minato", gate.MakerContact)
	if err != nil {
		return "", err
	}
	mine, _, _, err := a.h.Vendors.List(second, vendor.Filter{})
	if err != nil {
		return "", err
	}
	_, gone := a.h.Vendors.Open(second, a.asked["akari"].ID, "")
	if err := must(len(mine) == 1 && errors.Is(gone, vendor.ErrNone), "the second maker sees %d requests, %v", len(mine), gone); err != nil {
		return "", err
	}
	power, err := a.operator()
	if err != nil {
		return "", err
	}
	_, barred := a.h.Vendors.Case(power.ctx, c.ID)
	a.note("app.story.embargo", "until", a.say.Time(until), "zone", c.Embargo.Zone)
	return a.say.T("app.story.vendor_asked", "a", a.named("akari"), "b", a.named("minato"), "number", c.Number), must(fault.Of(barred) != nil, "an operator reads the case")
}

// planned is the maker's first answer. A document of the step is there, and our
// own validator takes it.
func (a *alarm) planned() (string, error) {
	akari, err := a.acting("akari", gate.MakerContact)
	if err != nil {
		return "", err
	}
	if err := a.h.Vendors.Accept(akari, a.asked["akari"].ID); err != nil {
		return "", err
	}
	day := a.clock.Now().AddDate(0, 0, 1).In(text.JST)
	if err := a.answerFor("akari", vendor.ProductAnswer{Status: vendor.Affected, Versions: "vers:generic/>=7.0|<7.4.1", Fix: vendor.Planned, FixOn: day.Format(time.DateOnly),
		Interim: a.words("管理画面に届く場所を限ってください。", "Limit where the management page can be reached from.")}); err != nil {
		return "", err
	}
	if err := a.answerFor("minato", vendor.ProductAnswer{Status: vendor.NotAffected, Why: string(product.CodeNotPresent), Detail: a.words("この機能はありません。", "It does not have this feature.")}); err != nil {
		return "", err
	}
	v, err := a.standing(vendor.FixPlanned)
	if err != nil {
		return "", err
	}
	return a.say.T("app.story.vendor_planned", "maker", a.named("akari"), "day", a.say.Date(day)), a.valid(v)
}

// answerFor answers for the one product that a maker is asked about.
func (a *alarm) answerFor(id string, answer vendor.ProductAnswer) error {
	ctx, err := a.acting(id, gate.MakerContact)
	if err != nil {
		return err
	}
	v, err := a.h.Vendors.Open(ctx, a.asked[id].ID, "")
	if err != nil {
		return err
	}
	answer.ID = v.Products[0].ID
	return a.h.Vendors.Answer(ctx, a.asked[id].ID, []vendor.ProductAnswer{answer})
}

// standing reads the first maker's request as the office does.
func (a *alarm) standing(want vendor.State) (v vendor.RequestView, err error) {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return v, err
	}
	if v, err = a.h.Vendors.Open(analyst, a.asked["akari"].ID, ""); err != nil {
		return v, err
	}
	return v, must(v.Request.State == want, "the request is %s", v.Request.State)
}

// valid checks every document of a request by the standard.
func (a *alarm) valid(v vendor.RequestView) error {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return err
	}
	if err := must(len(v.Documents) > 0, "no document"); err != nil {
		return err
	}
	for _, d := range v.Documents {
		_, raw, err := a.h.Vendors.Download(analyst, v.Request.ID, d.ID)
		if err != nil {
			return err
		}
		if err := csaf.Validate(raw).Err(); err != nil {
			return err
		}
	}
	last := v.Documents[0]
	for _, d := range v.Documents {
		if d.At.After(last.At) {
			last = d
		}
	}
	a.note("app.story.csaf", "n", len(v.Documents), "status", last.Status, "size", a.say.Bytes(last.Size))
	return nil
}

// released: the repair is there, and telling everybody before the agreed hour
// is refused.
func (a *alarm) released() (string, error) {
	if err := a.answerFor("akari", vendor.ProductAnswer{Status: vendor.Affected, Versions: "vers:generic/>=7.0|<7.4.1", Fix: vendor.Released, Fixed: "7.4.1", FixURL: "https://www.akari-net.example/edgegate/7.4.1",
		FixOn: a.clock.Now().In(text.JST).Format(time.DateOnly)}); err != nil {
		return "", err
	}
	v, err := a.standing(vendor.FixReleased)
	if err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	if _, err := a.h.Vendors.Tell(analyst, v.Request.ID); !errors.Is(err, vendor.ErrEmbargo) {
		return "", must(false, "told before the agreed hour: %v", err)
	}
	return a.say.T("app.story.vendor_released", "maker", a.named("akari"), "version", "7.4.1"), a.valid(v)
}

// everybodyTold: the agreed hour is over, what the maker states is matched, and
// everyone who has the product is told. That closes the request.
func (a *alarm) everybodyTold() (string, error) {
	if err := a.rest(); err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	e, err := a.exposed("power", invented)
	if err != nil {
		return "", err
	}
	got, err := a.h.Vendors.Tell(analyst, a.asked["akari"].ID)
	if err != nil {
		return "", err
	}
	power, err := a.operator()
	if err != nil {
		return "", err
	}
	inbox, _, err := a.h.Notices.Inbox(power.ctx, notice.Filter{Limit: 1})
	if err != nil {
		return "", err
	}
	if err := must(got.Recipients == 1 && len(inbox) == 1 && slices.Contains(inbox[0].Content.About, invented), "%d told, %+v", got.Recipients, inbox); err != nil {
		return "", err
	}
	after, err := a.inboxes()
	if err != nil {
		return "", err
	}
	for id, n := range after {
		if err := must(n == a.before[id] || id == "power", "%s has %d letters, had %d", id, n, a.before[id]); err != nil {
			return "", err
		}
	}
	if err := a.h.Vendors.Close(analyst, a.asked["akari"].ID, a.words("該当者に知らせ、修正版も出た。", "Those concerned were told, and the repair is there.")); err != nil {
		return "", err
	}
	v, err := a.standing(vendor.Closed)
	if err != nil {
		return "", err
	}
	return a.say.T("app.story.vendor_told", "n", got.Recipients, "org", a.named("power"), "devices", e.Devices), a.valid(v)
}

// opened joins the incident of the night to an event of several bodies.
func (a *alarm) opened() (string, error) {
	clerk, err := a.acting("office", gate.OfficeClerk)
	if err != nil {
		return "", err
	}
	e, err := a.h.Situations.Open(clerk, situation.NewEvent{About: []string{lastExploited}, EveryHours: 6,
		Title:   a.words("認証の装置を狙う攻撃", "Attacks on gateways"),
		Summary: a.words("攻撃に使われる脆弱性と、届いた報告をまとめて見ます。", "The exploited vulnerability and the report are looked at together.")})
	if err != nil {
		return "", err
	}
	a.room = e.ID
	for id, sees := range map[string]situation.Sees{"industry": {Incidents: true, Tasks: true, Decisions: true, Reports: true, People: true}, "power": {}} {
		if _, err := a.h.Situations.Invite(clerk, e.ID, string(a.by[id].Org.ID), sees); err != nil {
			return "", err
		}
	}
	joined, err := a.h.Situations.Join(clerk, e.ID, a.sent.Case.Number)
	if err != nil {
		return "", err
	}
	ministry, err := a.acting("industry", gate.MinistryClerk)
	if err != nil {
		return "", err
	}
	v, err := a.h.Situations.Get(ministry, e.ID, "")
	if err != nil {
		return "", err
	}
	rival, err := a.acting("starlight", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	_, gone := a.h.Situations.Get(rival, e.ID, "")
	return a.say.T("app.story.room_opened", "number", e.Number, "report", joined.Number, "org", a.named("industry"), "operator", a.named("power")),
		must(len(v.Incidents) == 1 && v.Incidents[0].Number == a.sent.Case.Number && errors.Is(gone, situation.ErrNone), "%+v, %v", v.Incidents, gone)
}

// worked gives a task to a ministry and one to an operator, the second of which
// waits for the first. Each does its own; the operator sees no other's.
func (a *alarm) worked() (string, error) {
	clerk, err := a.acting("office", gate.OfficeClerk)
	if err != nil {
		return "", err
	}
	due := a.clock.Now().Add(20 * time.Hour)
	titles := map[string]string{"industry": a.words("所管の事業者の状況を集める", "Collect how the operators of the sector stand"), "power": a.words("接続の記録を保全する", "Preserve the connection records")}
	for _, id := range []string{"industry", "power"} {
		t, err := a.h.Situations.Assign(clerk, a.room, situation.NewTask{Owner: string(a.by[id].Org.ID), Title: titles[id], DueAt: due})
		if err != nil {
			return "", err
		}
		a.tasks = append(a.tasks, t)
		a.note("app.story.task", "org", a.named(id), "title", titles[id], "left", a.say.Left(due, a.clock.Now()))
	}
	power, err := a.operator()
	if err != nil {
		return "", err
	}
	v, err := a.h.Situations.Get(power.ctx, a.room, "")
	if err != nil {
		return "", err
	}
	if err := must(len(v.Tasks) == 1 && v.Tasks[0].ID == a.tasks[1].ID && len(v.Incidents) == 0, "the operator sees %+v", v); err != nil {
		return "", err
	}
	for _, to := range []situation.TaskState{situation.Started, situation.Done} {
		if _, err := a.h.Situations.Move(power.ctx, a.room, a.tasks[1].ID, to, a.words("30日分を別の装置に写しました。", "Thirty days are copied to another device.")); err != nil {
			return "", err
		}
	}
	ministry, err := a.acting("industry", gate.MinistryClerk)
	if err != nil {
		return "", err
	}
	if _, err := a.h.Situations.Move(ministry, a.room, a.tasks[0].ID, situation.Started, ""); err != nil {
		return "", err
	}
	seen, err := a.h.Situations.Get(clerk, a.room, "")
	if err != nil {
		return "", err
	}
	states := map[situation.TaskState]int{}
	for _, t := range seen.Tasks {
		states[t.State]++
	}
	return a.say.T("app.story.room_tasks", "done", states[situation.Done], "started", states[situation.Started]), must(states[situation.Done] == 1 && states[situation.Started] == 1, "%v", states)
}

// reported makes a report of the facts, which the ministry reads and the
// operator does not.
func (a *alarm) reported() (string, error) {
	clerk, err := a.acting("office", gate.OfficeClerk)
	if err != nil {
		return "", err
	}
	made, err := a.h.Situations.Make(clerk, a.room, a.words("被害は広がっていません。残る作業は1件です。", "It is not spreading; one task is left."))
	if err != nil {
		return "", err
	}
	ministry, err := a.acting("industry", gate.MinistryClerk)
	if err != nil {
		return "", err
	}
	_, r, _, err := a.h.Situations.Report(ministry, a.room, made.Version)
	if err != nil {
		return "", err
	}
	power, err := a.operator()
	if err != nil {
		return "", err
	}
	_, _, _, gone := a.h.Situations.Report(power.ctx, a.room, made.Version)
	a.more = append(a.more, r.Judgement)
	return a.say.T("app.story.room_report", "n", made.Version, "done", r.Tasks.Done, "open", r.Tasks.Open, "org", a.named("industry")),
		must(r.Tasks.Done == 1 && len(r.Exposure) > 0 && len(r.Answers) > 0 && errors.Is(gone, situation.ErrNone), "%+v, %v", r, gone)
}
