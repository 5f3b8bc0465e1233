package app

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/exposure"
	"noroshi/internal/intel"
	"noroshi/internal/notice"
	"noroshi/internal/org"
	"noroshi/internal/vendor"
)

// demoFeeds are small feeds made of facts: ids of vulnerabilities, the days
// they came into the catalogue, names of products, ranges of versions, ends of
// support.
//
//go:embed data/demo/feeds
var demoFeeds embed.FS

// lastExploited is the entry of the catalogue that arrives while the reader
// looks: two devices of the demo are concerned.
const lastExploited = "CVE-2025-5777"

// warnings lays out how the public facts reach those concerned: feeds arrive,
// equipment is found, notices go out and are answered, makers are asked.
func (c *country) warnings() []moment {
	at := func(days int, minutes ...int) time.Time {
		t := c.now.AddDate(0, 0, -days)
		for _, m := range minutes {
			t = t.Add(time.Duration(m) * time.Minute)
		}
		return t
	}
	w := &warning{country: c}
	all := []moment{
		{at(30), func(ctx context.Context) error { return c.takeFeeds(ctx, "nvd.json", "eol.json") }},
		{at(29), c.takeCatalogue},
		{at(29, 35), w.judge},
		{at(29, 50), w.send},
		{at(27), w.relay},
		{at(26), w.help},
		{at(24), w.observe},
		{at(22), w.askAll},
		{at(20), w.ask},
		{at(19), w.withdraw},
		{at(18, 90), w.maker},
		{at(16), w.repair},
		{at(9), w.know},
		{at(3), w.gather},
		{at(2), w.askAnew},
		{at(1), w.correct},
	}
	for i, m := range c.operators() {
		all = append(all, moment{at(29, 70+55*i), func(context.Context) error { return w.answer(m, i) }})
	}
	all = append(all, moment{at(0, -110), func(ctx context.Context) error {
		return c.takeFeeds(ctx, "kev.json")
	}})
	return all
}

// warning is what the moments tell one another.
type warning struct {
	*country
	request vendor.ID
	asked   map[string]vendor.ID // by maker; the last case counts
}

// takeFeeds takes files of feeds, lets the equipment they concern be found,
// and drafts what asks for a notice.
func (c *country) takeFeeds(ctx context.Context, names ...string) error {
	for _, name := range names {
		raw, err := fs.ReadFile(demoFeeds, "data/demo/feeds/"+name)
		if err != nil {
			return err
		}
		if err := c.takeFeed(ctx, name, raw); err != nil {
			return err
		}
	}
	return c.settle(ctx)
}

func (c *country) takeFeed(ctx context.Context, name string, raw []byte) error {
	if _, err := c.h.Intel.Receive(org.Local(ctx), intel.Request{}, name, bytes.NewReader(raw), int64(len(raw))); err != nil {
		return fmt.Errorf("demo: feed %s: %w", name, err)
	}
	return nil
}

// settle lets everything happen that follows from what was done.
func (c *country) settle(ctx context.Context) error {
	for range 3 {
		if err := c.h.Bus.Settle(ctx); err != nil {
			return err
		}
		if err := c.h.Remind(ctx); err != nil {
			return err
		}
	}
	return c.h.Bus.Settle(ctx)
}

// takeCatalogue takes the catalogue of exploited vulnerabilities as it was
// before its last entry.
func (c *country) takeCatalogue(ctx context.Context) error {
	raw, err := catalogueBefore(lastExploited)
	if err != nil {
		return err
	}
	if err := c.takeFeed(ctx, "kev.json", raw); err != nil {
		return err
	}
	return c.settle(ctx)
}

// catalogueBefore returns the catalogue without one of its entries.
func catalogueBefore(id string) ([]byte, error) {
	raw, err := fs.ReadFile(demoFeeds, "data/demo/feeds/kev.json")
	if err != nil {
		return nil, err
	}
	var file map[string]any
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	list, _ := file["vulnerabilities"].([]any)
	list = slices.DeleteFunc(list, func(v any) bool { return v.(map[string]any)["cveID"] == id })
	file["vulnerabilities"], file["count"] = list, len(list)
	return json.Marshal(file)
}

// judge: one operator knows why one of its devices is not affected.
func (w *warning) judge(context.Context) error {
	for _, m := range w.operators() {
		p, err := m.with(gate.OperatorReporter, 0)
		if err != nil {
			return err
		}
		got, err := w.h.Exposures.List(p.ctx, exposure.Filter{Verdict: "affected", Kind: "vulnerability", Limit: 50})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(got.Rows, func(e exposure.Exposure) bool { return e.Priority != exposure.Act })
		if i < 0 {
			continue
		}
		_, err = w.h.Exposures.Judge(p.ctx, exposure.NewJudgement{Exposures: []exposure.ID{got.Rows[i].ID}, Justification: product.CodeNotInExecutePath,
			Words: text.Both{JA: "該当する機能を止めています。設定の記録は運用台帳にあります。", EN: "The feature is switched off; the change record is in the operations log."}.In(m.lang())})
		return err
	}
	return nil
}

// answer: an operator opens what it was told and answers, each in its way; one
// in six has not looked yet.
func (w *warning) answer(m *member, i int) error {
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	inbox, _, err := w.h.Notices.Inbox(p.ctx, notice.Filter{Limit: 50})
	if err != nil {
		return err
	}
	say := func(ja, en string) string { return text.Both{JA: ja, EN: en}.In(m.lang()) }
	for k, l := range inbox {
		turn := (i + k) % 6
		if turn == 5 {
			continue
		}
		if _, err := w.h.Notices.Open(p.ctx, l.ID); err != nil {
			return err
		}
		in := notice.AnswerInput{State: notice.Mitigated, Note: say("修正版に上げ、再起動しました。ログに異常はありません。", "Updated and restarted; nothing unusual in the logs.")}
		switch turn {
		case 1:
			in = notice.AnswerInput{State: notice.Planned, Date: w.now.AddDate(0, 0, 12).In(text.JST).Format(time.DateOnly), Interim: say("管理画面に届く場所を保守の回線だけにしました。", "The management page is reachable from the maintenance line only."),
				Note: say("試験機で確かめてから上げます。", "After a test on a spare device.")}
		case 2:
			in = notice.AnswerInput{State: notice.Affected, Note: say("2台が該当します。止める時刻を調整しています。", "Two devices are affected; we are agreeing on when to stop them.")}
		case 3:
			in = notice.AnswerInput{State: notice.Checking}
		case 4:
			in = notice.AnswerInput{State: notice.NeedsHelp, Note: say("版の確かめ方が分かりません。保守の会社と連絡が取れません。", "We do not know how to check the version, and cannot reach the maintenance firm.")}
		}
		if _, err := w.h.Notices.Answer(p.ctx, l.ID, in); err != nil {
			return fmt.Errorf("demo: %s answers: %w", m.orgPlan.ID, err)
		}
	}
	return nil
}
