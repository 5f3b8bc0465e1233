package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
	"noroshi/internal/org"
	"noroshi/internal/selection"
	"noroshi/internal/sensor/synth"
)

// drillLink is the line between countries that exists in the demo alone.
var drillLink = text.Both{JA: "架空の国際回線 K-1", EN: "Made-up international line K-1"}

// drill is some minutes of that line, which begin when it is read.
func (h *Hub) drill() (selection.Drill, error) {
	table, err := geo.Embedded()
	if err != nil {
		return selection.Drill{}, err
	}
	p, err := selection.NewPrefixes(table, synth.LinkOwn(), synth.LinkAway())
	return selection.Drill{ID: "line", Name: drillLink, Link: drillLink.JA, Prefixes: p, Open: func() (io.ReadCloser, error) {
		var b bytes.Buffer
		if err := synth.WriteLink(&b, synth.LinkConfig{Seed: trafficSeed, Start: h.now()}); err != nil {
			return nil, err
		}
		return io.NopCloser(&b), nil
	}}, err
}

// acts returns the n-th person of a member with a role, acting.
func (c *country) acts(id string, role gate.Role, n int) (context.Context, error) {
	p, err := c.by[id].with(role, n)
	return p.ctx, err
}

// conditions is the list that the demo selects by: a server and a name that
// infected machines ask for, and a public resolver that must not be in it.
const conditions = "type,value\naddress,198.18.66.6\nsuffix,.hibana.example\naddress,8.8.8.8\n"

// compose has an analyst make the list, once, and another decide about what met a
// warning list: the server goes in, the resolver stays out.
func (c *country) compose() (l selection.List, err error) {
	if c.list.ID != "" {
		return c.list, nil
	}
	defer func() { c.list = l }()
	first, err := c.acts("office", gate.OfficeAnalyst, 0)
	if err != nil {
		return selection.List{}, err
	}
	l, err = c.h.Selections.MakeList(first, selection.NewList{Name: c.both("office", "不正な指令の取得に使われるもの", "What fetches unlawful orders"), File: "list.csv", Data: []byte(conditions),
		Act: c.both("office", "遠隔からの不正な指令", "Unlawful orders from afar")})
	if err != nil {
		return l, err
	}
	second, err := c.acts("office", gate.OfficeAnalyst, 1)
	if err != nil {
		return l, err
	}
	for i := range l.Overrides {
		o := &l.Overrides[i]
		if o.Take = o.Value == synth.LinkServer.String(); o.Take {
			o.Reason = c.both("office", "演習用の番号で、誰のものでもない", "A number for exercises that nobody has")
		}
	}
	return c.h.Selections.Second(second, l.ID, l.Overrides, false)
}

// both picks words in the language of a member.
func (c *country) both(id, ja, en string) string {
	return text.Both{JA: ja, EN: en}.In(c.by[id].lang())
}

// application is what the office asks of the commission, for a list.
func (c *country) application(kind approval.Kind, l selection.List, from, until time.Time) approval.Application {
	w := func(ja, en string) string { return c.both("office", ja, en) }
	return approval.Application{
		Kind: kind, Link: drillLink.JA, Capacity: 10_000, From: from, Until: until, Cap: approval.Quantity{Packets: 100_000},
		Selectors: approval.Selectors{Hash: l.SHA256, Name: l.Name, Count: l.Selectors}, Targets: []string{w("遠隔からの不正な指令", "Unlawful orders from afar")},
		Fields: []string{"src", "dst", "sport", "dport", "proto", "app", "name"}, Addresses: "plain", RetainDays: 1, Recipients: []string{string(c.by["police"].Org.ID)},
		Grounds:   w("3つの事業者の所見と外国の政府の情報が、この回線を通る指令の取得で一致している。", "Findings of three operators and word of a foreign government agree on orders that are fetched over this line."),
		NoOther:   w("指令のサーバーは国外にあり、持ち主の協力を得られない。ほかの方法では、誰が指令を受けているか分からない。", "The server stands abroad and its owner does not help. By no other means can be known who fetches orders."),
		Necessity: w("1本の回線で、国境をまたぐこの方向の、2つの条件に当たる通信だけとし、本文は読まない。期間は、指令の取得が1度は起きる長さにとどめる。", "One line, one direction across the border, only what meets two conditions, and no content; the period is no longer than one fetching of orders needs."),
		Carrier:   string(c.by["telecom"].Org.ID),
	}
}

// approve brings an application to its approval: an examiner asks and is
// answered, three members vote, one against.
func (c *country) approve(a approval.Application) (approval.Case, error) {
	p, err := c.examined(a)
	if err != nil {
		return p, err
	}
	if err := c.voted(p.ID, 0); err != nil {
		return p, err
	}
	chair, err := c.acts("commission", gate.CommissionMember, 0)
	if err != nil {
		return p, err
	}
	return c.h.Approvals.Decide(chair, p.ID, approval.Decision{Reason: c.both("commission", "要件をすべて満たしている。", "All requirements are met.")})
}

// voted has the members vote, from one of them on: the last one is against.
func (c *country) voted(id approval.ID, from int) error {
	w := func(ja, en string) string { return c.both("commission", ja, en) }
	for i, v := range []approval.NewVote{
		{Choice: approval.For, Conditions: []string{w("実施の結果を翌日までに委員会に報告する", "The result is reported to the commission by the next day")}},
		{Choice: approval.For},
		{Choice: approval.Against, Opinion: w("期間はもっと短くできたはずである。", "The period could have been shorter.")},
	} {
		if i < from {
			continue
		}
		member, err := c.acts("commission", gate.CommissionMember, i)
		if err != nil {
			return err
		}
		if _, err := c.h.Approvals.Vote(member, id, v); err != nil {
			return fmt.Errorf("vote %d: %w", i, err)
		}
	}
	return nil
}

// examined asks, and brings the application before the commission.
func (c *country) examined(a approval.Application) (approval.Case, error) {
	clerk, err := c.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return approval.Case{}, err
	}
	p, err := c.h.Approvals.Ask(clerk, a)
	if err != nil {
		return p, err
	}
	examiner, err := c.acts("commission", gate.Examiner, 0)
	if err != nil {
		return p, err
	}
	w := func(id, ja, en string) string { return c.both(id, ja, en) }
	if err := c.h.Approvals.Question(examiner, p.ID, w("commission", "量の上限をこの値にした根拠は何ですか。", "On what does the cap rest?")); err != nil {
		return p, err
	}
	if err := c.h.Approvals.Answer(clerk, p.ID, w("office", "条件に当たる通信の見込みの10倍です。回線の容量からみれば、ごくわずかです。", "It is ten times what is expected to meet the conditions, and very little of what the line can carry.")); err != nil {
		return p, err
	}
	return p, c.h.Approvals.Examine(examiner, p.ID, w("commission", "根拠は3つの出所で一致し、ほかの手段も検討されている。要件を満たす。", "The grounds agree in three sources, and other means were weighed. The requirements are met."), nil)
}

// power lays out what the office asked of the commission and of operators, and
// what it did with it.
func (c *country) power() []moment {
	at := func(days int) time.Time { return c.now.AddDate(0, 0, -days) }
	return []moment{
		{at(12), c.powerBefore},
		{at(11).Add(time.Hour), c.powerErased},
		{at(3), c.powerNow},
		{at(1), c.powerWaits},
	}
}

// powerBefore is an approval that was used and ran out.
func (c *country) powerBefore(context.Context) error {
	l, err := c.compose()
	if err != nil {
		return fmt.Errorf("demo: list: %w", err)
	}
	now := c.clock.Now()
	p, err := c.approve(c.application(approval.ForeignForeign, l, now, now.AddDate(0, 0, 5)))
	if err != nil {
		return fmt.Errorf("demo: first approval: %w", err)
	}
	return c.carryOut(p)
}

// powerErased is the day on which what that approval selected has to be destroyed.
func (c *country) powerErased(ctx context.Context) error {
	if _, err := c.h.Selections.Erase(org.Local(ctx)); err != nil {
		return fmt.Errorf("demo: erase: %w", err)
	}
	return nil
}

// entrust has two people hold the key of an approval's pseudonyms.
func (c *country) entrust(p approval.Case) error {
	clerk, err := c.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return err
	}
	var holders [2]person
	if holders[0], err = c.by["office"].with(gate.OfficeHandler, 1); err != nil {
		return err
	}
	if holders[1], err = c.by["commission"].with(gate.Examiner, 0); err != nil {
		return err
	}
	for _, who := range holders {
		if err := c.h.Selections.Hold(who.ctx, true); err != nil {
			return fmt.Errorf("demo: holder: %w", err)
		}
	}
	if _, err := c.h.Selections.Custody(clerk, string(p.ID), string(holders[0].ID), string(holders[1].ID)); err != nil {
		return fmt.Errorf("demo: custody: %w", err)
	}
	_, err = c.h.Selections.TakeShare(holders[1].ctx, string(p.ID)) // the other is still to take theirs
	return err
}

// carryOut has the carrier confirm and a handler try the order on the drill.
func (c *country) carryOut(p approval.Case) error {
	carrier, err := c.acts("telecom", gate.CarrierClerk, 0)
	if err != nil {
		return err
	}
	if _, err := c.h.Approvals.Confirm(carrier, p.ID); err != nil {
		return fmt.Errorf("demo: instruction: %w", err)
	}
	handler, err := c.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return err
	}
	if _, err := c.h.Selections.RunDrill(handler, selection.NewRun{Approval: string(p.ID)}, "line"); err != nil {
		return fmt.Errorf("demo: run: %w", err)
	}
	return nil
}

// powerNow is an approval in force with a run, and two agreements that operators
// were asked for, of which one is in force.
func (c *country) powerNow(context.Context) error {
	l, err := c.compose()
	if err != nil {
		return fmt.Errorf("demo: list: %w", err)
	}
	now := c.clock.Now()
	a := c.application(approval.ForeignDomestic, l, now, now.AddDate(0, 0, 60))
	a.RetainDays = 365
	p, err := c.approve(a)
	if err != nil {
		return fmt.Errorf("demo: second approval: %w", err)
	}
	if err := c.entrust(p); err != nil {
		return err
	}
	if err := c.carryOut(p); err != nil {
		return err
	}
	for _, id := range []string{"power", "rail"} {
		if err := c.propose(id, now); err != nil {
			return fmt.Errorf("demo: agreement with %s: %w", id, err)
		}
	}
	return nil
}

// propose offers an operator an agreement; the first one accepts.
func (c *country) propose(id string, now time.Time) error {
	clerk, err := c.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return err
	}
	w := func(ja, en string) string { return c.both(id, ja, en) }
	g, err := c.h.Selections.Propose(clerk, string(c.by[id].Org.ID), selection.Article11, selection.Terms{
		Title: w("本社の外部接続に入る通信の分析", "Analysis of what comes in over the head office uplink"), Link: c.by[id].Org.In(c.by[id].lang()) + " U-1",
		From: now, Until: now.AddDate(0, 0, 90), Cap: approval.Quantity{Packets: 1_000_000}, Fields: []string{"src", "dst", "dport", "proto", "app", "name"}, Addresses: "plain", RetainDays: 180,
		Grounds: w("同じ業種の事業者が続けて狙われている。", "Operators of the same sector were attacked one after another."), NoOther: w("自社の検知だけでは、指令の取得を見分けられない。", "One's own detection cannot tell the fetching of orders."),
		Necessity: w("国外から入る通信のうち、条件に当たるものだけとする。", "Only what comes in from abroad and meets the conditions."),
		Gives:     w("国外から本社に入る通信の写し。本文は読まれず、当たらないものはその場で消えます。", "A copy of what comes in from abroad. Content is not read, and what does not match is destroyed on the spot."),
		Returns:   w("御社の機器が攻撃者とやりとりしていれば、その日のうちにお知らせします。", "If machines of yours talk to attackers, you are told the same day."),
	})
	if err != nil || id != "power" {
		return err
	}
	admin, err := c.acts(id, gate.OperatorAdmin, 0)
	if err != nil {
		return err
	}
	_, err = c.h.Selections.Accept(admin, g.ID, g.Version)
	return err
}

// powerWaits is what waits for the commission: one application to be examined,
// one to be voted on.
func (c *country) powerWaits(context.Context) error {
	l, err := c.compose()
	if err != nil {
		return fmt.Errorf("demo: list: %w", err)
	}
	now := c.clock.Now()
	clerk, err := c.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return err
	}
	if _, err := c.h.Approvals.Ask(clerk, c.application(approval.DomesticForeign, l, now.AddDate(0, 0, 2), now.AddDate(0, 0, 32))); err != nil {
		return fmt.Errorf("demo: third application: %w", err)
	}
	if _, err := c.approve(c.application(approval.ForeignDomestic, l, now.AddDate(0, 0, 4), now.AddDate(0, 0, 34))); err != nil { // the carrier is still to confirm it
		return fmt.Errorf("demo: fourth application: %w", err)
	}
	p, err := c.examined(c.application(approval.ForeignForeign, l, now.AddDate(0, 0, 3), now.AddDate(0, 0, 93)))
	if err != nil {
		return fmt.Errorf("demo: fifth application: %w", err)
	}
	return c.voted(p.ID, 1) // the first member's vote is the one that is missing
}
