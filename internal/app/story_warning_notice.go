package app

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/notice"
)

// drafted is what the program wrote: the facts, whom it concerns, and why each.
func (a *alarm) drafted() (string, error) {
	if err := a.settle(a.ctx); err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	drafts, _, err := a.h.Notices.List(analyst, notice.Filter{Stage: notice.Draft, Limit: 50})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(drafts, func(o notice.Overview) bool { return slices.Contains(o.Content.About, lastExploited) })
	if err := must(i >= 0, "none of %d drafts is about %s", len(drafts), lastExploited); err != nil {
		return "", err
	}
	if a.notice, err = a.h.Notices.Get(analyst, drafts[i].ID); err != nil {
		return "", err
	}
	b, err := a.h.Notices.Board(analyst, a.notice.ID, "", "", 50)
	if err != nil {
		return "", err
	}
	for _, r := range b.Rows {
		if err := must(len(r.Why) > 0 && r.Devices > 0, "%s is not told why", r.Name); err != nil {
			return "", err
		}
		a.note("app.story.why_you", "org", r.Name, "why", r.Why[0].In(a.say.Lang))
	}
	return a.say.T("app.story.drafted", "number", a.notice.Number, "n", len(b.Rows)), must(a.notice.Auto && len(b.Rows) == len(told3) && a.notice.Content.Severity == notice.Act, "%+v", a.notice)
}

// checked writes the version for small firms, which every recipient may pass
// on. What stands in the technical
// version alone may not stand there, and hard words are named; what is
// corrected is clean.
func (a *alarm) checked() (string, error) {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	const address = "198.51.100.77" // TEST-NET-2, RFC 5737
	c := a.notice.Content
	tech := *c.Technical
	tech.Indicators = append(slices.Clone(tech.Indicators), notice.Indicator{Kind: "address", Value: address})
	c.Technical, c.Small = &tech, smallSteps(a.by["shioji"])
	c.Small.Note = text.Both{JA: "ファームウェアを、" + address + "に触れさせないでください。", EN: "Keep the firmware away from " + address + "."}
	if err := a.passable(analyst, a.notice.ID); err != nil {
		return "", err
	}
	if a.notice, err = a.h.Notices.Get(analyst, a.notice.ID); err != nil {
		return "", err
	}
	n, err := a.h.Notices.Edit(analyst, a.notice.ID, a.notice.Revision, c)
	if err != nil {
		return "", err
	}
	bad, err := a.h.Notices.Review(analyst, n.ID)
	if err != nil {
		return "", err
	}
	_, refused := a.h.Notices.Send(analyst, n.ID, notice.SendInput{Revision: n.Revision, Despite: true})
	hard := slices.IndexFunc(bad.Checked.Remarks, func(p fault.Place) bool { return p.Code == "notice.check.jargon" })
	if err := must(bad.Checked.Leaks > 0 && hard >= 0 && errors.Is(refused, notice.ErrChecks), "%+v, %v", bad.Checked, refused); err != nil {
		return "", err
	}
	for _, x := range a.say.Fault(notice.ErrChecks.At(bad.Checked.Problems[0], bad.Checked.Remarks[hard])).Places {
		a.more = append(a.more, x.Say)
	}
	c.Small.Note = smallSteps(a.by["shioji"]).Note
	if a.notice, err = a.h.Notices.Edit(analyst, n.ID, n.Revision, c); err != nil {
		return "", err
	}
	good, err := a.h.Notices.Review(analyst, n.ID)
	if err != nil {
		return "", err
	}
	plain := !slices.ContainsFunc(good.Checked.Remarks, func(p fault.Place) bool { return strings.HasPrefix(p.At, "/small") })
	return a.say.T("app.story.checked", "steps", len(c.Small.Steps)), must(good.Checked.Leaks == 0 && len(good.Checked.Problems) == 0 && plain, "%+v", good.Checked)
}

// sentOut reaches those exposed and nobody else: every other inbox is as it
// was.
func (a *alarm) sentOut() (string, error) {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	got, err := a.h.Notices.Send(analyst, a.notice.ID, notice.SendInput{Revision: a.notice.Revision, Despite: true})
	if err != nil {
		return "", err
	}
	after, err := a.inboxes()
	if err != nil {
		return "", err
	}
	others := 0
	for _, id := range slices.Sorted(maps.Keys(after)) {
		more := 0
		if slices.Contains(told3, id) {
			more = 1
		} else {
			others++
		}
		if err := must(after[id] == a.before[id]+more, "%s has %d letters, had %d", id, after[id], a.before[id]); err != nil {
			return "", err
		}
	}
	a.letter = map[string]notice.ID{}
	for _, id := range told3 {
		ctx, err := a.acting(id, gate.OperatorReporter)
		if err != nil {
			return "", err
		}
		inbox, _, err := a.h.Notices.Inbox(ctx, notice.Filter{Limit: 1})
		if err != nil {
			return "", err
		}
		a.letter[id] = inbox[0].ID
	}
	return a.say.T("app.story.sent_out", "n", got.Recipients, "others", others), must(got.Recipients == len(told3) && got.Late > 0, "%+v", got)
}

// read: each opens its own letter, which says nothing of the others.
func (a *alarm) read() (string, error) {
	for _, id := range told3 {
		ctx, err := a.acting(id, gate.OperatorReporter)
		if err != nil {
			return "", err
		}
		l, err := a.h.Notices.Open(ctx, a.letter[id])
		if err != nil {
			return "", err
		}
		raw, err := json.Marshal(l)
		if err != nil {
			return "", err
		}
		for _, other := range told3 {
			if other == id {
				continue
			}
			o := a.by[other]
			_, gone := a.h.Notices.Open(ctx, a.letter[other])
			if err := must(silent(string(raw), string(o.Org.ID), o.orgPlan.Name.JA, o.orgPlan.Name.EN) && errors.Is(gone, notice.ErrNone), "%s learns of %s: %v", id, other, gone); err != nil {
				return "", err
			}
		}
	}
	power, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	path, err := a.h.Channels.Subscribe(power)
	if err != nil {
		return "", err
	}
	ics, err := a.h.Channels.Subscribed(a.ctx, path, a.say)
	if err != nil {
		return "", err
	}
	events := strings.Count(string(ics), "BEGIN:VEVENT")
	a.note("app.story.calendar", "org", a.named("power"), "n", events)
	return a.say.T("app.story.read", "n", len(a.letter)), must(events == 1, "%d deadlines in the calendar", events)
}

// answered: each in its way; the sender sees which.
func (a *alarm) answered() (string, error) {
	day := a.clock.Now().AddDate(0, 0, 12).In(text.JST)
	answers := map[string]notice.AnswerInput{
		"rail": {State: notice.Mitigated, Note: a.words("修正版に上げ、接続をすべて切りました。", "Updated, and all sessions ended.")},
		"power": {State: notice.Planned, Date: day.Format(time.DateOnly), Note: a.words("試験機で確かめてから上げます。", "After a test on a spare device."),
			Interim: a.words("外からの接続を保守の回線だけにしました。", "Only the maintenance line can reach it.")},
		"water": {State: notice.NeedsHelp, Note: a.words("版の確かめ方が分かりません。", "We do not know how to check the version.")},
	}
	for _, id := range told3 {
		ctx, err := a.acting(id, gate.OperatorReporter)
		if err != nil {
			return "", err
		}
		if _, err := a.h.Notices.Answer(ctx, a.letter[id], answers[id]); err != nil {
			return "", err
		}
	}
	// A plan without what is done until then is no plan.
	ctx, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	_, vague := a.h.Notices.Answer(ctx, a.letter["power"], notice.AnswerInput{State: notice.Planned, Date: day.Format(time.DateOnly)})
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	b, err := a.h.Notices.Board(analyst, a.notice.ID, "", "", 50)
	if err != nil {
		return "", err
	}
	for _, r := range b.Rows {
		a.note("app.story.said", "org", r.Name, "state", a.say.T("notice.web.state."+string(r.State)), "note", r.Note)
	}
	return a.say.T("app.story.answered", "day", a.say.Date(day)),
		must(b.Counts[notice.Mitigated] == 1 && b.Counts[notice.Planned] == 1 && b.Counts[notice.NeedsHelp] == 1 && fault.KindOf(vague) == fault.Invalid, "%v, %v", b.Counts, vague)
}

// helped takes the call for help at the desk and answers it.
func (a *alarm) helped() (string, error) {
	desk, err := a.acting("centre", gate.JPCERTClerk)
	if err != nil {
		return "", err
	}
	list, _, err := a.h.Notices.Tickets(desk, false, "", 10)
	if err != nil {
		return "", err
	}
	name := a.named("centre")
	if len(list) == 0 { // the office's own desk
		if desk, err = a.acting("office", gate.OfficeAnalyst); err != nil {
			return "", err
		}
		if list, _, err = a.h.Notices.Tickets(desk, false, "", 10); err != nil {
			return "", err
		}
		name = a.named("office")
	}
	if err := must(len(list) == 1 && list[0].Org == string(a.by["water"].Org.ID), "%d tickets", len(list)); err != nil {
		return "", err
	}
	if err := a.h.Notices.Take(desk, list[0].ID); err != nil {
		return "", err
	}
	answer := a.words("設定の画面の右上に版が出ます。電話で一緒に見ます。", "The version stands at the top right of the settings page. We will look at it with you by telephone.")
	if err := a.h.Notices.Assist(desk, list[0].ID, answer); err != nil {
		return "", err
	}
	water, err := a.acting("water", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	talk, err := a.h.Notices.Help(water, a.letter["water"])
	if err != nil {
		return "", err
	}
	heard := slices.ContainsFunc(talk, func(m thread.Message) bool { return m.Text == answer })
	a.more = append(a.more, answer)
	return a.say.T("app.story.helped", "desk", name, "due", a.say.Left(list[0].Due, a.clock.Now())), must(heard, "%d messages", len(talk))
}

// relayed passes the letter on in one act: to a supplier on the hub, and to a
// firm without an account. Neither learns of the other.
func (a *alarm) relayed() (string, error) {
	power, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	in := notice.RelayInput{Versions: []notice.Kind{notice.Small}, Why: a.words("同じ装置で当社の設備を保守しているためです。", "You maintain our systems with the same kind of device."),
		Children: []notice.Child{{Org: string(a.by["s01"].Org.ID)}, {Name: a.words(isobe.JA, isobe.EN), Mail: isobeMail}}}
	_, unread := a.h.Notices.Relay(power, a.letter["power"], in)
	if err := must(errors.Is(unread, notice.ErrCautions), "passed on without the cautions: %v", unread); err != nil {
		return "", err
	}
	in.Cautions = true
	got, err := a.h.Notices.Relay(power, a.letter["power"], in)
	if err != nil {
		return "", err
	}
	for _, c := range got.Children {
		if c.Org == "" {
			a.link = c.Link[strings.LastIndex(c.Link, "/")+1:]
		}
	}
	supplier, err := a.acting("s01", gate.SupplierContact)
	if err != nil {
		return "", err
	}
	inbox, _, err := a.h.Notices.Inbox(supplier, notice.Filter{Limit: 10})
	if err != nil {
		return "", err
	}
	if err := must(len(inbox) == 1 && a.link != "", "the supplier has %d letters", len(inbox)); err != nil {
		return "", err
	}
	l, err := a.h.Notices.Open(supplier, inbox[0].ID)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	for i, step := range l.Content.Small.Steps {
		a.note("app.story.step", "n", i+1, "do", step.Do.In(a.say.Lang))
	}
	return a.say.T("app.story.relayed", "org", a.named("power"), "supplier", a.named("s01"), "firm", isobe.In(a.say.Lang)),
		must(l.Content.Technical == nil && l.Content.Management == nil && silent(string(raw), isobe.JA, isobe.EN, isobeMail, a.by["water"].orgPlan.Name.JA), "the supplier reads %s", raw)
}

// tapped is the small firm: the link opens, and a second tap answers. Whoever
// passed it on sees ranges, and not who.
func (a *alarm) tapped() (string, error) {
	slip, err := a.h.Notices.ByLink(a.ctx, a.link, a.say.Lang)
	if err != nil {
		return "", err
	}
	if err := must(slip.Letter.Content.Small != nil && slip.Letter.Content.Technical == nil, "%+v", slip.Letter.Content); err != nil {
		return "", err
	}
	if err := a.h.Notices.OpenByLink(a.ctx, a.link); err != nil {
		return "", err
	}
	if _, err := a.h.Notices.AnswerByLink(a.ctx, a.link, notice.AnswerInput{State: notice.Mitigated}); err != nil {
		return "", err
	}
	if _, err := a.h.Notices.ByLink(a.ctx, strings.Repeat("A", len(a.link)), a.say.Lang); !errors.Is(err, notice.ErrNone) {
		return "", must(false, "a guessed link opens: %v", err)
	}
	power, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	passing, err := a.h.Notices.Passing(power, a.letter["power"])
	if err != nil {
		return "", err
	}
	r := passing.Counts[notice.Mitigated]
	return a.say.T("app.story.tapped", "firm", slip.Name, "org", a.named("power"), "from", r.From, "to", r.To),
		must(passing.Total == 2 && !r.Exact() && len(passing.Shown) == 0, "%+v", passing)
}

// board is what the sender sees at the end: how long each step took, and that
// the warning came after the attack.
func (a *alarm) board() (string, error) {
	power, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	if _, err := a.h.Notices.Answer(power, a.letter["power"], notice.AnswerInput{State: notice.Mitigated, Note: a.words("予定より早く上げました。", "Updated sooner than planned.")}); err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	b, err := a.h.Notices.Board(analyst, a.notice.ID, "", "", 50)
	if err != nil {
		return "", err
	}
	for _, step := range []string{"sent", "opened", "answered", "fixed"} {
		t := b.Times[step]
		if err := must(t.N > 0, "nobody has %s it", step); err != nil {
			return "", err
		}
		a.note("app.story.took."+step, "n", t.N, "d", a.say.Duration(t.Median))
	}
	return a.say.T("app.story.board", "late", a.say.Duration(b.Late)),
		must(b.Late > 0 && b.Times["fixed"].N == 2, "%s late, %+v", b.Late, b.Times)
}
