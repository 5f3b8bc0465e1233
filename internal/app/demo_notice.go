package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/notice"
	"noroshi/internal/org"
)

// isobe is a firm that is not on the hub: it is told by link.
var isobe = text.Both{JA: "有限会社いそべ電機", EN: "Isobe Electric Ltd."}

const isobeMail = "isobe@isobe-denki.example"

// smallSteps is the version for small firms of a notice about a gateway, with
// the firm that helps.
func smallSteps(helper *member) *notice.Steps {
	do := func(ja, en, howJA, howEN string) notice.Step {
		return notice.Step{Do: text.Both{JA: ja, EN: en}, How: text.Both{JA: howJA, EN: howEN}}
	}
	return &notice.Steps{TLP: notice.Clear,
		Title: text.Both{JA: "外とつなぐ箱に、急ぎの直しが必要です", EN: "The box that connects you to the outside needs a repair now"},
		Steps: []notice.Step{
			do("保守の会社に電話してください", "Call your maintenance firm", "「急ぎの直しがある」と伝えます。", "Say that there is an urgent repair."),
			do("箱の外向きの線を抜いてください", "Pull the outside cable out of the box", "電源は切らないでください。", "Leave the power on."),
			do("新しい版に直してもらってください", "Have it brought to the newest version", "", ""),
			do("パスワードを変えてください", "Change the passwords", "箱に入る人、全員の分です。", "Of everybody who signs in to the box."),
			do("終わったら、下のボタンで答えてください", "When done, answer with a button below", "", ""),
		},
		Helper: notice.Helper{Name: helper.orgPlan.Name, Phone: "00-0000-0100", Hours: text.Both{JA: "平日 9時から17時", EN: "Weekdays, 9 to 17"}},
		Note:   text.Both{JA: "線を抜く間、外からは入れません。", EN: "While the cable is out, nobody connects from outside."},
	}
}

// send: the analyst looks at what the program drafted, adds the version for
// small firms, and sends all but the last, which waits for the reader.
func (w *warning) send(context.Context) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	drafts, _, err := w.h.Notices.List(analyst.ctx, notice.Filter{Stage: notice.Draft, Limit: 50})
	if err != nil {
		return err
	}
	for i, d := range drafts {
		if i == len(drafts)-1 && i > 0 {
			break
		}
		n, err := w.h.Notices.Get(analyst.ctx, d.ID)
		if err != nil {
			return err
		}
		n.Content.Small = smallSteps(w.by["shioji"])
		if err := w.passable(analyst.ctx, n.ID); err != nil {
			return err
		}
		if n, err = w.h.Notices.Edit(analyst.ctx, n.ID, n.Revision, n.Content); err != nil {
			return fmt.Errorf("demo: notice about %v: %w", d.Content.About, err)
		}
		if _, err := w.h.Notices.Send(analyst.ctx, n.ID, notice.SendInput{Revision: n.Revision, Despite: true}); err != nil {
			return fmt.Errorf("demo: notice about %v: %w", n.Content.About, err)
		}
	}
	return w.settle(analyst.ctx)
}

// passable gives every recipient of a draft all versions, so that it can pass
// the one for small firms on.
func (c *country) passable(ctx context.Context, id notice.ID) error {
	b, err := c.h.Notices.Board(ctx, id, "", "", 200)
	if err != nil {
		return err
	}
	list := make([]notice.NewRecipient, len(b.Rows))
	for i, r := range b.Rows {
		list[i] = notice.NewRecipient{Org: r.Org, Versions: notice.Kinds}
	}
	return c.h.Notices.AddRecipients(ctx, id, list)
}

// relay: the operators that were told pass a notice on to their suppliers and
// contractors on the hub, and the first of them to a small firm by link, which
// answers.
func (w *warning) relay(ctx context.Context) error {
	linked := false
	for _, m := range w.operators() {
		p, err := m.with(gate.OperatorReporter, 0)
		if err != nil {
			return err
		}
		inbox, _, err := w.h.Notices.Inbox(p.ctx, notice.Filter{Limit: 50})
		if err != nil {
			return err
		}
		for _, l := range inbox {
			reach, err := w.h.Notices.Reachable(p.ctx, l.ID)
			if err != nil {
				return err
			}
			if len(reach.Tied) == 0 || !slices.Contains(reach.Open, notice.Small) {
				continue
			}
			in := notice.RelayInput{Versions: []notice.Kind{notice.Small}, Cautions: true,
				Why: text.Both{JA: "同じ装置で当社の保守をお願いしているためです。", EN: "You maintain our systems with the same kind of device."}.In(m.lang())}
			for _, t := range reach.Tied {
				in.Children = append(in.Children, notice.Child{Org: t.Org})
			}
			if !linked {
				in.Children = append(in.Children, notice.Child{Name: isobe.In(m.lang()), Mail: isobeMail})
			}
			passed, err := w.h.Notices.Relay(p.ctx, l.ID, in)
			if err != nil {
				return fmt.Errorf("demo: %s passes on: %w", m.orgPlan.ID, err)
			}
			if !linked {
				linked = true
				if err := w.tap(ctx, passed); err != nil {
					return err
				}
			}
			break // one notice of each
		}
	}
	return nil
}

// tap: the small firm opens its link, answers, and lets its customer see that.
func (w *warning) tap(ctx context.Context, passed notice.Passed) error {
	shown := true // whoever told it may see its answer
	for _, c := range passed.Children {
		if c.Link == "" {
			continue
		}
		token := c.Link[strings.LastIndex(c.Link, "/")+1:]
		if err := w.h.Notices.OpenByLink(ctx, token); err != nil {
			return fmt.Errorf("demo: %s opens its link: %w", c.Name, err)
		}
		if _, err := w.h.Notices.AnswerByLink(ctx, token, notice.AnswerInput{State: notice.Mitigated, Shown: &shown}); err != nil {
			return fmt.Errorf("demo: %s answers: %w", c.Name, err)
		}
	}
	return nil
}

// help: of the calls for help at a desk one is answered and closed, one is
// answered, one is taken; the rest wait for the reader.
func (w *warning) help(context.Context) error {
	desks := map[string]gate.Role{"centre": gate.JPCERTClerk, "office": gate.OfficeAnalyst}
	for _, id := range []string{"centre", "office"} {
		m := w.by[id]
		p, err := m.with(desks[id], 0)
		if err != nil {
			return err
		}
		list, _, err := w.h.Notices.Tickets(p.ctx, false, "", 50)
		if err != nil {
			return err
		}
		for i, t := range list[:min(len(list), 2)] {
			if err := w.h.Notices.Take(p.ctx, t.ID); err != nil {
				return err
			}
			if i > 0 && len(list) > 1 {
				continue
			}
			if err := w.h.Notices.Assist(p.ctx, t.ID, text.Both{JA: "設定の画面の右上に版が出ます。電話で一緒に見ます。", EN: "The version stands at the top right of the settings page. We will look at it with you by telephone."}.In(m.lang())); err != nil {
				return err
			}
		}
	}
	return nil
}

// correct: the analyst corrects a notice that was sent; recipients have the
// corrected one in its place, and have not looked yet.
func (w *warning) correct(context.Context) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	sent, _, err := w.h.Notices.List(analyst.ctx, notice.Filter{Stage: notice.Sent, Limit: 50})
	if err != nil {
		return err
	}
	if len(sent) == 0 {
		return fmt.Errorf("demo: no notice was sent")
	}
	n, err := w.h.Notices.Correct(analyst.ctx, sent[0].ID)
	if err != nil {
		return err
	}
	now := w.clock.Now()
	n.Content.AnswerBy, n.Content.FixBy = now.AddDate(0, 0, 3), now.AddDate(0, 0, 14)
	n.Content.Technical.Checks = append(slices.Clone(n.Content.Technical.Checks), text.Both{JA: "上げた後に、残っている接続をすべて切る", EN: "After the update, end every session that is left"})
	if n, err = w.h.Notices.Edit(analyst.ctx, n.ID, n.Revision, n.Content); err != nil {
		return err
	}
	_, err = w.h.Notices.Send(analyst.ctx, n.ID, notice.SendInput{Revision: n.Revision, Despite: true})
	return err
}

// withdraw: a ministry warned the operators of its sectors by hand, and takes
// it back when it turns out to be nothing.
func (w *warning) withdraw(context.Context) error {
	m := w.by["industry"]
	clerk, err := m.with(gate.MinistryClerk, 0)
	if err != nil {
		return err
	}
	in := notice.NewNotice{Nobody: true, Content: notice.Content{Severity: notice.Attend, TLP: notice.Green,
		Title: text.Both{JA: "停電時の監視の止まり方について", EN: "How monitoring stops in a power cut"},
		Management: &notice.Brief{TLP: notice.Green, What: text.Both{JA: "停電の後、監視が戻らない例がありました。", EN: "Monitoring did not come back after a power cut."},
			SoWhat: text.Both{JA: "異常に気付くのが遅れます。", EN: "Faults would be noticed late."}, Decide: text.Both{JA: "予備の電源の試験をいつ行うか。", EN: "When to test the reserve power."}}}}
	for _, o := range w.operators() {
		if o.Is(org.Operator) && slices.Contains(m.orgPlan.Sectors, o.orgPlan.Sectors[0]) {
			in.Recipients = append(in.Recipients, notice.NewRecipient{Org: string(o.Org.ID), Versions: []notice.Kind{notice.Management}, Why: []text.Both{{JA: "所管の分野の事業者です。", EN: "You are an operator of the sector."}}})
		}
	}
	n, err := w.h.Notices.Draft(clerk.ctx, in)
	if err != nil {
		return fmt.Errorf("demo: notice of a ministry: %w", err)
	}
	if _, err := w.h.Notices.Send(clerk.ctx, n.ID, notice.SendInput{Revision: n.Revision, Despite: true}); err != nil {
		return fmt.Errorf("demo: notice of a ministry: %w", err)
	}
	return w.h.Notices.Withdraw(clerk.ctx, n.ID, text.Both{JA: "原因は1社の設定でした。対応は要りません。", EN: "The cause was one firm's settings; nothing has to be done."}.In(m.lang()))
}
