package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/sensor/synth"
)

// striking is one case of access and neutralisation while it is played, and the
// chain of command that plays it.
type striking struct {
	*country
	id    measure.ID
	unit  string     // id of the member: police or defence
	chain measure.ID // of its own, once it has asked the Foreign Minister
	sheet string     // digest of what the Foreign Minister was asked on
}

// as is the n-th person of the chain's own who commands, or who carries out.
func (m *striking) as(hand bool, n int) (context.Context, error) {
	role := map[string]gate.Role{"police": gate.PoliceCommand, "defence": gate.DefenceCommand}[m.unit]
	if hand {
		role = map[string]gate.Role{"police": gate.PoliceExecutive, "defence": gate.DefenceUnit}[m.unit]
	}
	return m.acts(m.unit, role, n)
}

func (m *striking) say(ja, en string) string { return m.both(m.unit, ja, en) }

// measures lays out four cases: one that came to its end, an emergency that the
// commission reviews, and one on which police and self-defence forces are, which
// waits for the Foreign Minister and for the Prime Minister.
func (c *country) measures() []moment {
	at := func(days, hours int) time.Time {
		return c.now.AddDate(0, 0, -days).Add(time.Duration(hours) * time.Hour)
	}
	past, night, joint := &striking{country: c, unit: "police"}, &striking{country: c, unit: "police"}, &striking{country: c, unit: "police"}
	forces := &striking{country: c, unit: "defence"}
	return []moment{
		{at(9, 0), past.planned(measure.Abroad, 26*time.Hour, 72)}, {at(9, 2), past.consulted}, {at(9, 5), past.approved}, {at(8, 3), past.carried}, {at(7, 0), past.closed},
		{at(3, 0), night.planned(measure.Unknown, 0, 6)}, {at(3, 1), night.consulted}, {at(3, 2), night.declared}, {at(3, 2).Add(40 * time.Minute), night.noticed},
		{at(1, 0), joint.planned(measure.Unknown, 48*time.Hour, 72)}, {at(1, 1), joint.consults},
		{at(1, 2), func(ctx context.Context) error { return forces.joined(ctx, joint) }},
	}
}

// planned opens a case of the server that unlawful orders come from and brings it
// to a plan that begins a while later, with a sinkhole of some hours.
func (m *striking) planned(place measure.Place, later time.Duration, hours int) func(context.Context) error {
	return func(ctx context.Context) error {
		l, err := m.compose()
		if err != nil {
			return fmt.Errorf("demo: list: %w", err)
		}
		cmd, err := m.as(false, 0)
		if err != nil {
			return err
		}
		k, _, err := m.h.Measures.Open(cmd, measure.Opening{Threat: measure.Threat{
			Title: m.say("不正な指令を送るサーバー", "A server that sends unlawful orders"), Machine: synth.LinkServer.String(), Rank: measure.Infrastructure,
			Does:      m.say("電力会社などの感染した機器に、不正な指令を送っている。", "It sends unlawful orders to infected machines of power companies and others."),
			Protected: m.say("電力の供給", "The supply of electricity"), Victims: m.say("3社の、あわせて12台の機器", "Twelve machines of three companies"),
			Evidence: []measure.Evidence{{Noun: "selection", ID: l.ID, Digest: l.SHA256, Says: m.say("この条件に当たる通信が、3社の機器から出ている。", "Communications that meet these conditions come from machines of three companies.")}},
		}})
		if err != nil {
			return fmt.Errorf("demo: measure: %w", err)
		}
		m.id = k.ID
		return m.prepare(place, later, hours)
	}
}

// prepare writes assessment, place, officers and plan of one chain of command.
func (m *striking) prepare(place measure.Place, later time.Duration, hours int) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	met := func(ja, en string) measure.Finding { return measure.Finding{Met: true, Grounds: m.say(ja, en)} }
	if _, err := m.h.Measures.Assess(cmd, m.id, measure.Assessment{
		Unlawful: met("指令を受けた機器が、別の機器への侵入を試みた。", "Machines that got the orders tried to enter others."), Danger: met("変電所の監視が止まるおそれがある。", "Monitoring of substations may stop."),
		Urgent: met("次の指令は数日のうちとみられる。", "The next orders are expected within days."), Proportionate: met("指令を送る機能だけを止める。", "Only the function that sends orders is stopped."),
		Organised: met("国外から、複数の国の機器を使い、計画的に行われている。", "From abroad, with machines in several countries, by plan."), Indispensable: met("復号に部隊の技術が要る。", "Only the unit's technique decrypts it."),
		Necessity:  m.say("管理者に連絡がつかず、ほかの手段では指令が止まらない。", "Its administrator cannot be reached, and nothing else stops the orders."),
		Collateral: m.say("機器には持ち主のウェブサイトもある。サイトには触れない。", "The owner's web site is on the machine too, and is left alone."), OwnerIsVictim: true,
	}); err != nil {
		return fmt.Errorf("demo: assessment: %w", err)
	}
	if _, err := m.h.Measures.Locate(cmd, m.id, measure.Location{Place: place, Grounds: m.say("経路の情報と登録の情報による。", "By routing and registration data.")}); err != nil {
		return fmt.Errorf("demo: place: %w", err)
	}
	role := map[string]gate.Role{"police": gate.PoliceExecutive, "defence": gate.DefenceUnit}[m.unit]
	for n := range 2 {
		p, err := m.by[m.unit].with(role, n)
		if err != nil {
			return err
		}
		if _, err := m.h.Measures.Designate(cmd, m.id, string(p.ID)); err != nil {
			return fmt.Errorf("demo: officer: %w", err)
		}
	}
	from := m.clock.Now().Add(later)
	return m.drafted(cmd, measure.Plan{From: from, Until: from.Add(24 * time.Hour), Ordinary: m.say("指令を送る機能の停止にとどめ、中の情報は集めない。", "No more than the function is stopped; nothing is collected."),
		StopWhen: []string{m.say("持ち主のウェブサイトに影響が出たとき", "When the owner's web site is affected")}, Deconflict: m.say("ほかの案件と重ならない。情報収集の面からの異論はない。", "It meets no other case, and intelligence has no objection."),
		Steps: []measure.PlanStep{
			{Kind: measure.AccessCheck, On: synth.LinkServer.String(), What: m.say("指令を送る機能がどれかを確かめる。", "Find out which function sends the orders.")},
			{Kind: measure.StopFunction, On: synth.LinkServer.String(), What: m.say("その機能を止める。", "Stop that function."), Undo: m.say("設定を戻す。", "Restore the setting.")},
			m.sinkhole(hours),
		}})
}

// sinkhole is the step of a plan that holds the name back in one's own resolver.
func (m *striking) sinkhole(hours int) measure.PlanStep {
	return measure.PlanStep{Kind: measure.OwnSinkhole, On: "hibana.example", What: m.say("自組織の名前解決で遮断する。", "Sinkhole the name in one's own resolver."), Undo: m.say("遮断をやめる。", "Remove it."), Hours: hours}
}

func (m *striking) drafted(cmd context.Context, p measure.Plan) error {
	if _, err := m.h.Measures.Draft(cmd, m.id, p); err != nil {
		return fmt.Errorf("demo: plan: %w", err)
	}
	return nil
}

// consults asks the Foreign Minister, who has yet to answer.
func (m *striking) consults(context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	c, err := m.h.Measures.Consult(cmd, m.id, measure.Worksheet{Basis: "necessity", Peril: m.say("電力の供給に重大で差し迫った危険がある。", "A grave and imminent peril to the supply of electricity."),
		OnlyWay: m.say("管理者、事業者への連絡は試みたが届かない。", "Administrator and provider were tried in vain."), Sovereignty: m.say("一つの機能を止めるにとどめる。", "No more than one function is stopped."),
		Others: m.say("相手国の重要な利益を損なわない。", "No essential interest of the other State is impaired."), Rules: []string{"4", "26"}})
	m.chain, m.sheet = c.ID, c.Worksheet
	return err
}

// consulted asks the Foreign Minister and has them answer.
func (m *striking) consulted(ctx context.Context) error {
	if err := m.consults(ctx); err != nil {
		return fmt.Errorf("demo: consultation: %w", err)
	}
	clerk, err := m.acts("foreign", gate.ForeignClerk, 0)
	if err != nil {
		return err
	}
	if _, err = m.h.Measures.Answer(clerk, m.chain, measure.Opinion{Worksheet: m.sheet, Text: m.both("foreign", "緊急状態として、国際法上許容される範囲にある。", "Within what international law allows, as a state of necessity.")}); err != nil {
		return fmt.Errorf("demo: answer: %w", err)
	}
	return nil
}

// approved brings the plan to the commission's approval, and authorises it.
func (m *striking) approved(context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	ch, err := m.h.Measures.Ask(cmd, m.id, m.say("管理者への命令は届かず、依頼した事業者も応じない。", "An order does not reach the administrator, and the provider does not answer."))
	if err != nil {
		return fmt.Errorf("demo: measure asked: %w", err)
	}
	examiner, err := m.acts("commission", gate.Examiner, 0)
	if err != nil {
		return err
	}
	if err := m.h.Approvals.Examine(examiner, ch.Approval, m.both("commission", "協議の結果と計画が合っている。要件を満たす。", "Plan and consultation agree. The requirements are met."), nil); err != nil {
		return fmt.Errorf("demo: examined: %w", err)
	}
	if err := m.voted(ch.Approval, 0); err != nil {
		return err
	}
	chair, err := m.acts("commission", gate.CommissionMember, 0)
	if err != nil {
		return err
	}
	if _, err := m.h.Approvals.Decide(chair, ch.Approval, approval.Decision{Reason: m.both("commission", "要件をすべて満たしている。", "All requirements are met.")}); err != nil {
		return fmt.Errorf("demo: decided: %w", err)
	}
	return m.authorise(cmd)
}

func (m *striking) authorise(cmd context.Context) error {
	_, err := m.h.Measures.Authorise(cmd, m.id, m.say("計画のとおり実施すること。", "Carry the plan out as it is written."))
	return err
}

// carried carries out the steps, none of which is done by this program.
func (m *striking) carried(context.Context) error {
	return m.executed(m.say("指令は止まった。", "The orders have stopped."), did{says: m.say("機能は一つだった。", "It was one function.")}, did{says: m.say("止まった。", "It stopped.")},
		did{says: m.say("遮断した。", "It was sinkholed.")})
}

// did is what came of a step, and what this program does of it, if anything.
type did struct {
	says string
	do   func() error // nil: nothing
}

// executed carries out the steps of the plan in turn, each by two, and says what
// came of all of it.
func (m *striking) executed(end string, steps ...did) error {
	one, err := m.as(true, 0)
	if err != nil {
		return err
	}
	two, err := m.as(true, 1)
	if err != nil {
		return err
	}
	if _, err := m.h.Measures.Begin(one, m.id); err != nil {
		return fmt.Errorf("demo: begin: %w", err)
	}
	for i, d := range steps {
		if err := m.step(one, two, i+1, d); err != nil {
			return fmt.Errorf("demo: step %d: %w", i+1, err)
		}
	}
	if _, err := m.h.Measures.Finish(two, m.id, end); err != nil {
		return fmt.Errorf("demo: finish: %w", err)
	}
	return nil
}

// step carries out the n-th step of the plan: what is done comes after the second
// person's word.
func (m *striking) step(one, two context.Context, n int, d did) error {
	if _, err := m.h.Measures.Intend(one, m.id, n, m.say("計画の手順のとおり。", "As the plan says.")); err != nil {
		return err
	}
	if _, err := m.h.Measures.Go(two, m.id); err != nil {
		return err
	}
	if d.do != nil {
		if err := d.do(); err != nil {
			return err
		}
	}
	_, err := m.h.Measures.Outcome(one, m.id, measure.Ending{Outcome: measure.Worked, Says: d.says, Evidence: fmt.Sprintf("%x", sha256.Sum256([]byte(d.says)))})
	return err
}

// closed looks back, restores, tells the owner and closes.
func (m *striking) closed(context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	for _, act := range []func() (measure.Chain, error){
		func() (measure.Chain, error) {
			return m.h.Measures.Review(cmd, m.id, m.say("指令は再開していない。ウェブサイトへの影響もなかった。", "No orders since; the web site was not affected."))
		},
		func() (measure.Chain, error) {
			return m.h.Measures.Restore(cmd, m.id, m.say("遮断は72時間で自動で終わる。止めた機能は戻さない。", "The sinkhole ends by itself after 72 hours; the function stays stopped."))
		},
		func() (measure.Chain, error) {
			return m.h.Measures.Tell(cmd, m.id, m.say("相手国の窓口を通じて、持ち主に知らせた。", "The owner was told by way of the other State's contact point."))
		},
		func() (measure.Chain, error) {
			return m.h.Measures.Close(cmd, m.id, m.say("目的を達した。", "It has served its purpose."))
		},
	} {
		if _, err := act(); err != nil {
			return fmt.Errorf("demo: end of a measure: %w", err)
		}
	}
	return nil
}

// declared is an emergency: there is no time for the commission's prior approval.
func (m *striking) declared(ctx context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	if _, err := m.h.Measures.Declare(cmd, m.id, m.say("次の指令まで2時間とみられ、承認を待ついとまがない。", "The next orders are expected within two hours: there is no time to wait.")); err != nil {
		return fmt.Errorf("demo: emergency: %w", err)
	}
	if err := m.authorise(cmd); err != nil {
		return err
	}
	return m.carried(ctx)
}

// noticed tells the commission, which has yet to review it.
func (m *striking) noticed(context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	if _, err := m.h.Measures.Notify(cmd, m.id, m.say("いとまがなかった理由、行った手順、結果は記録のとおり。", "Why there was no time, what was done and what came of it is on record.")); err != nil {
		return fmt.Errorf("demo: notice: %w", err)
	}
	_, err = m.h.Measures.Review(cmd, m.id, m.say("ほかへの影響はなかった。", "Nothing else was affected."))
	return err
}

// joined puts the forces on a case of the police: the safety commission has asked
// them to act, and the Prime Minister's order is what they wait for.
func (m *striking) joined(ctx context.Context, police *striking) error {
	cmd, err := police.as(false, 0)
	if err != nil {
		return err
	}
	if _, err := m.h.Measures.Invite(cmd, police.id, string(m.country.by["defence"].Org.ID)); err != nil {
		return fmt.Errorf("demo: forces: %w", err)
	}
	m.id = police.id
	if err := m.prepare(measure.Unknown, 48*time.Hour, 72); err != nil {
		return err
	}
	if err := m.consulted(ctx); err != nil {
		return err
	}
	member, err := m.acts("safety", gate.SafetyMember, 0)
	if err != nil {
		return err
	}
	_, err = m.h.Measures.Agree(member, m.id, m.both("safety", "自衛隊が警察と共同して対処することを求める。", "The forces are requested to act jointly with the police."))
	return err
}
