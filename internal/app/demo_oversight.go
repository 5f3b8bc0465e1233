package app

import (
	"context"
	"fmt"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/oversight"
	"noroshi/internal/oversight/desk"
)

// inspecting is the commission's inspection while it is played.
type inspecting struct {
	*country
	sample desk.Plan
	paper  desk.ID
}

// oversight lays out an inspection: a sample with one finding, a recommendation
// about it that waits for its answer, and one sealed entry that the police are
// asked to open.
func (c *country) oversight() []moment {
	at := func(days, hours int) time.Time {
		return c.now.AddDate(0, 0, -days).Add(time.Duration(hours) * time.Hour)
	}
	x := &inspecting{country: c}
	return []moment{{at(6, 1), x.draws}, {at(6, 4), x.finds}, {at(5, 2), x.settles}, {at(4, 3), x.unseals}}
}

func (x *inspecting) say(ja, en string) string { return x.both("commission", ja, en) }

// read has the desk read the ledger as it is signed by now.
func (x *inspecting) read(ctx context.Context) error {
	for range 2 { // the first draws, the second reads what was drawn
		if err := x.h.Ledger.Settle(ctx); err != nil {
			return err
		}
		if _, err := x.h.Desk.Tick(ctx); err != nil {
			return fmt.Errorf("demo: inspection: %w", err)
		}
	}
	return nil
}

// draws plans a sample and has it drawn.
func (x *inspecting) draws(ctx context.Context) error {
	inspector, err := x.acts("commission", gate.Inspector, 0)
	if err != nil {
		return err
	}
	nonce := desk.NewNonce()
	p, err := x.h.Desk.Plan(inspector, desk.Planning{Commitment: oversight.Commitment(nonce), Strata: []desk.Stratum{{Kind: "case", Size: 2}, {Kind: "measure", Size: 1}, {Kind: "use", Size: 3}, {Kind: "erase", Size: 1}},
		Why: x.say("承認の要件、措置の手順、選んだ記録の利用の目的を、実際の書類と照らし合わせる。", "Requirements of approvals, steps of measures and purposes of use are held against the papers.")})
	if err != nil {
		return fmt.Errorf("demo: sample: %w", err)
	}
	if err := x.read(ctx); err != nil {
		return err
	}
	if _, err := x.h.Desk.Reveal(inspector, p.ID, desk.Revealing{Nonce: nonce}); err != nil {
		return fmt.Errorf("demo: sample: %w", err)
	}
	if err := x.read(ctx); err != nil {
		return err
	}
	x.sample, err = x.h.Desk.Sample(inspector, p.ID)
	return err
}

// finds looks at all of the sample; one act is a finding, of which a
// recommendation is drafted.
func (x *inspecting) finds(context.Context) error {
	inspector, err := x.acts("commission", gate.Inspector, 0)
	if err != nil {
		return err
	}
	var found []uint64
	for i, k := range x.sample.Picks {
		c := desk.Checking{Place: k.Place, Result: desk.Fine}
		if i == len(x.sample.Picks)-1 {
			c.Result, c.Note = desk.Finding, x.say("手続きに反してはいないが、目的の書き方が一般的で、あとから確かめにくい。", "No rule is broken, but the purpose is written in terms too general to be checked later.")
			found = append(found, k.Place)
		}
		if err := x.h.Desk.Check(inspector, x.sample.ID, c); err != nil {
			return fmt.Errorf("demo: sample: %w", err)
		}
	}
	p, err := x.h.Desk.Draft(inspector, desk.Draft{Kind: desk.Recommendation, To: string(x.by["police"].Org.ID), Entries: found, Title: x.say("目的を具体的に書くこと", "Purposes to be written in particular"),
		Text: x.say("抜取り検査で、目的の書き方が一般的で、あとから確かめにくいものがありました。\n目的を、案件ごとに具体的に書く手順に改めてください。改めた手順と、始める日を回答してください。",
			"A sample showed a purpose in terms too general to be checked later.\nPlease have purposes written in particular, case by case, and answer with the new procedure and the day from which it holds.")})
	x.paper = p.ID
	if err != nil {
		return fmt.Errorf("demo: recommendation: %w", err)
	}
	return nil
}

// settles has one member propose the recommendation, and another settle it.
func (x *inspecting) settles(context.Context) error {
	first, err := x.acts("commission", gate.CommissionMember, 0)
	if err != nil {
		return err
	}
	second, err := x.acts("commission", gate.CommissionMember, 1)
	if err != nil {
		return err
	}
	if _, err := x.h.Desk.Propose(first, x.paper); err != nil {
		return fmt.Errorf("demo: recommendation: %w", err)
	}
	if _, err := x.h.Desk.Settle(second, x.paper); err != nil {
		return fmt.Errorf("demo: recommendation: %w", err)
	}
	return nil
}

// unseals asks the police to open the report by which they ended the measure of
// the sample.
func (x *inspecting) unseals(ctx context.Context) error {
	if err := x.h.Ledger.Settle(ctx); err != nil { // what is asked for has its place by now
		return err
	}
	inspector, err := x.acts("commission", gate.Inspector, 0)
	if err != nil {
		return err
	}
	for _, k := range x.sample.Picks {
		if k.Kind != "measure" {
			continue
		}
		e, err := x.h.Desk.Entry(inspector, k.Place)
		if err != nil {
			return fmt.Errorf("demo: sealed entry: %w", err)
		}
		list, _, err := x.h.Ledger.Entries(ctx, ledger.Filter{Object: e.Entry.Object})
		if err != nil {
			return err
		}
		for _, r := range list {
			if r.Entry.Verb != "measure.finish" {
				continue
			}
			if _, err := x.h.Desk.Unseal(inspector, desk.Asking{Entry: r.Entry.ID, Ground: desk.ForSample,
				Text: x.say("実施を終えたときの報告が、計画の範囲と合うかを確かめる。", "Whether the report that ended it agrees with the extent of the plan.")}); err != nil {
				return fmt.Errorf("demo: sealed entry: %w", err)
			}
		}
	}
	return nil
}
