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
	"noroshi/internal/sighting"
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
		{at(24), w.observe},
		{at(20), w.ask},
		{at(18, 90), w.maker},
	}
	for i, m := range c.operators() {
		all = append(all, moment{at(29, 70+55*i), func(context.Context) error { return w.answer(m, i) }})
	}
	all = append(all, moment{at(27), w.relay}, moment{at(0, -110), func(ctx context.Context) error {
		return c.takeFeeds(ctx, "kev.json")
	}})
	return all
}

// warning is what the moments tell one another.
type warning struct {
	*country
	request vendor.ID
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

// send: the analyst looks at what the program drafted and sends all but the
// last, which waits for the reader.
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
		if _, err := w.h.Notices.Send(analyst.ctx, d.ID, notice.SendInput{Revision: n.Revision, Despite: true}); err != nil {
			return fmt.Errorf("demo: notice about %v: %w", n.Content.About, err)
		}
	}
	return w.settle(analyst.ctx)
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

// relay: the first operator that was told passes a notice on to its suppliers
// on the hub and to a small firm by link.
func (w *warning) relay(context.Context) error {
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
			in.Children = append(in.Children, notice.Child{Name: text.Both{JA: "有限会社いそべ電機", EN: "Isobe Electric Ltd."}.In(m.lang()), Mail: "isobe@isobe-denki.example"})
			if _, err := w.h.Notices.Relay(p.ctx, l.ID, in); err != nil {
				return fmt.Errorf("demo: %s passes on: %w", m.orgPlan.ID, err)
			}
			return nil
		}
	}
	return nil
}

// observe: an operator saw somebody try.
func (w *warning) observe(context.Context) error {
	p, err := w.by["starlight"].with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	_, err = w.h.Sightings.Record(p.ctx, sighting.New{What: sighting.Indicator, Value: "198.51.100.77", Count: 41, Origin: sighting.ByHand, TLP: "AMBER",
		Note: text.Both{JA: "管理画面への接続の試みが続きました。入られてはいません。", EN: "Repeated attempts to reach the management page; nobody got in."}.In(w.by["starlight"].lang())})
	return err
}

// ask: the office asks a maker about a flaw that nobody else knows of yet.
func (w *warning) ask(context.Context) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	l := w.by["office"].lang()
	c, requests, err := w.h.Vendors.Start(analyst.ctx, vendor.NewCase{
		Title:   text.Both{JA: "EdgeGate の管理画面の認証回避", EN: "Authentication bypass in the EdgeGate management page"}.In(l),
		Facts:   text.Both{JA: "管理画面の特定の要求で、ログインなしに設定を読まれます。7.2 系で確かめました。", EN: "A certain request to the management page reads the configuration without sign-in; confirmed on 7.2."}.In(l),
		Embargo: vendor.Embargo{Until: w.now.AddDate(0, 0, 9).Truncate(time.Hour), Zone: "Asia/Tokyo"}, Sectors: []string{"electricity"}, Send: true,
		Makers: []vendor.NewMaker{{Org: string(w.by["akari"].Org.ID), Products: []vendor.NewProduct{{Name: "EdgeGate", CPE: "cpe:2.3:a:akari:edgegate:*:*:*:*:*:*:*:*"}, {Name: "WallLine", CPE: "cpe:2.3:a:akari:wallline:*:*:*:*:*:*:*:*"}}}},
	})
	if err != nil {
		return fmt.Errorf("demo: case %s: %w", c.ID, err)
	}
	w.request = requests[0].ID
	return nil
}

// maker: the maker takes the request, and says of one product when it will be
// repaired and of the other that it is not affected.
func (w *warning) maker(context.Context) error {
	p, err := w.by["akari"].with(gate.MakerContact, 0)
	if err != nil {
		return err
	}
	if err := w.h.Vendors.Accept(p.ctx, w.request); err != nil {
		return err
	}
	v, err := w.h.Vendors.Open(p.ctx, w.request, "")
	if err != nil {
		return err
	}
	l := w.by["akari"].lang()
	for _, x := range v.Products {
		a := vendor.ProductAnswer{ID: x.ID, Status: vendor.NotAffected, Why: string(product.CodeNotPresent), Detail: text.Both{JA: "この機能はありません。", EN: "It does not have this feature."}.In(l)}
		if x.Name == "EdgeGate" {
			a = vendor.ProductAnswer{ID: x.ID, Status: vendor.Affected, Versions: "7.0 – 7.2.3", Fix: vendor.Planned, FixOn: w.now.AddDate(0, 0, 7).In(text.JST).Format(time.DateOnly),
				Interim: text.Both{JA: "管理画面に届く場所を限ってください。", EN: "Limit where the management page can be reached from."}.In(l)}
		}
		if err := w.h.Vendors.Answer(p.ctx, w.request, []vendor.ProductAnswer{a}); err != nil {
			return fmt.Errorf("demo: maker's answer on %s: %w", x.Name, err)
		}
	}
	return nil
}
