package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/request"
	"noroshi/internal/oversight"
	"noroshi/internal/sensor/synth"
)

// strike is the part of the story in which what was found abroad is ended as far
// as the law allows: by asking who can, and on one's own network.
type strike struct {
	*story
	m     *striking
	chain measure.Chain
	desk  *asking // of who hosts the server
	box   *box    // the police's own resolver
	order act.Order
}

// measureScenes follow what was selected: the server that sends the orders stands
// abroad.
func (s *story) measureScenes() []scene {
	x := &strike{story: s, m: &striking{country: s.country, unit: "police"}}
	at := func(minute int) time.Duration { return 9*day + 10*time.Hour + time.Duration(minute)*time.Minute }
	return []scene{
		{"measure", at(10), x.opened},
		{"measure", at(20), x.consulted},
		{"approval", at(30), x.approved},
		{"measure", at(40), x.carried},
		{"measure", at(70), x.gone},
		{"measure", at(80), x.closed},
	}
}

// opened opens the case and plans the least that helps. Somebody who would act at
// once is refused, on the record.
func (x *strike) opened() (string, error) {
	if err := x.m.planned(measure.Abroad, 0, 24)(x.ctx); err != nil {
		return "", err
	}
	cmd, err := x.m.as(false, 0)
	if err != nil {
		return "", err
	}
	from := x.clock.Now()
	if err := x.m.drafted(cmd, measure.Plan{From: from, Until: from.Add(12 * time.Hour), Ordinary: x.m.say("相手の機器には触れず、事業者への要請と自らの網での遮断にとどめる。", "The machine is not touched: its provider is asked, and one's own network holds it back."),
		StopWhen: []string{x.m.say("遮断で業務に影響が出たとき", "When work suffers from what is held back")}, Deconflict: x.m.say("ほかの案件と重ならない。", "It meets no other case."),
		Steps: []measure.PlanStep{
			{Kind: measure.AskTakedown, On: synth.LinkServer.String(), What: x.m.say("事業者に、指令を送る機能の停止を求める。", "Ask the provider to end what sends the orders.")},
			x.m.sinkhole(24),
		}}); err != nil {
		return "", err
	}
	hand, err := x.m.as(true, 0)
	if err != nil {
		return "", err
	}
	_, early := x.m.h.Measures.Begin(hand, x.m.id)
	v, err := x.h.Measures.Show(cmd, x.m.id)
	if err != nil {
		return "", err
	}
	return x.say.T("app.story.measure_opened", "number", v.Case.Number, "steps", 2), must(early != nil, "an officer began without anybody's word")
}

// consulted asks the Foreign Minister, without whom nothing goes on.
func (x *strike) consulted() (string, error) {
	cmd, err := x.m.as(false, 0)
	if err != nil {
		return "", err
	}
	_, early := x.h.Measures.Ask(cmd, x.m.id, x.m.say("管理者に届かない。", "Its administrator cannot be reached."))
	if err := must(early != nil, "the commission was asked before the Foreign Minister"); err != nil {
		return "", err
	}
	if err := x.m.consulted(x.ctx); err != nil {
		return "", err
	}
	return x.say.T("app.story.measure_consulted", "org", x.named("foreign")), nil
}

// approved has the commission decide; who approved does not carry out.
func (x *strike) approved() (string, error) {
	if err := x.m.approved(x.ctx); err != nil {
		return "", err
	}
	member, err := x.acts("commission", gate.CommissionMember, 0)
	if err != nil {
		return "", err
	}
	_, other := x.h.Measures.Begin(member, x.m.id)
	v, err := x.h.Measures.Show(member, x.m.id)
	if err != nil {
		return "", err
	}
	x.chain = v.Chains[0].Chain
	return x.say.T("app.story.measure_approved", "until", x.say.Time(x.chain.Until)), must(other != nil && x.chain.State == measure.Authorised, "%v, %s", other, x.chain.State)
}

// carried carries both steps out, each by two: one person alone cannot.
func (x *strike) carried() (string, error) {
	one, err := x.m.as(true, 0)
	if err != nil {
		return "", err
	}
	two, err := x.m.as(true, 1)
	if err != nil {
		return "", err
	}
	if _, err := x.h.Measures.Begin(one, x.m.id); err != nil {
		return "", err
	}
	if err := x.alone(one); err != nil {
		return "", err
	}
	if err := x.m.step(one, two, 1, did{x.m.say("事業者の窓口に要請を送った。", "The abuse desk of the provider was asked."), x.takedown}); err != nil {
		return "", err
	}
	if err := x.asked(); err != nil {
		return "", err
	}
	if err := x.m.step(one, two, 2, did{x.m.say("遮断した。", "It was sinkholed."), func() error { return x.sinkholed(one) }}); err != nil {
		return "", err
	}
	if _, err := x.h.Measures.Finish(two, x.m.id, x.m.say("指令は止まった。", "The orders have stopped.")); err != nil {
		return "", err
	}
	return x.say.T("app.story.measure_carried", "steps", 2), nil
}

// takedown asks the abuse desk of who hosts the server: one officer writes, the
// other reads the very bytes and sends them.
func (x *strike) takedown() error {
	if err := x.desks(); err != nil {
		return err
	}
	x.desk = &asking{country: x.country, member: "police", writer: gate.PoliceExecutive, sender: gate.PoliceExecutive, second: 1}
	d := x.desk.of(takedown{host: "Gannet Networks", name: "hibana.example", harm: request.Command}, 0)
	now := x.clock.Now()
	d.Case, d.Step, d.Victim = x.m.id, 1, request.Victim{}
	d.Subject = request.Subject{Address: synth.LinkServer.String(), Port: 443, Protocol: "tcp", Harm: request.Command, Does: "The machine sends orders to infected machines of several companies."}
	d.Evidence = []request.Evidence{{Noun: "sighting", From: now.Add(-48 * time.Hour), Until: now.Add(-24 * time.Hour), Says: "Machines of several companies asked this address for orders, every ten minutes."}}
	return x.desk.asks(d)
}

// asked has the command ask for the name to be held back on the police's own
// network, as the plan says; the actuator shows what would change.
func (x *strike) asked() (err error) {
	if x.box, err = x.openBox(x.ctx, "police"); err != nil {
		return err
	}
	cmd, err := x.m.as(false, 0)
	if err != nil {
		return err
	}
	if x.order, err = x.h.Acts.Ask(cmd, act.Ask{Kind: driver.Sinkhole, Targets: []string{"hibana.example"}, Hours: 10, Basis: act.OwnBasis, Case: x.m.id, Step: 2,
		Grounds: x.m.say("計画の手順2のとおり。", "As step 2 of the plan says.")}); err != nil {
		return err
	}
	if err := x.box.works(x.ctx); err != nil {
		return err
	}
	_, own := x.h.Acts.Approve(cmd, x.order.ID, act.Decision{Digest: x.order.Digest})
	return must(own != nil, "who asked approved their own order")
}

// sinkholed has an officer of the step release the order: the actuator takes it,
// and the resolver's zone holds the name.
func (x *strike) sinkholed(officer context.Context) error {
	if _, err := x.h.Acts.Approve(officer, x.order.ID, act.Decision{Digest: x.order.Digest}); err != nil {
		return err
	}
	if err := x.box.works(x.ctx); err != nil {
		return err
	}
	v, err := x.h.Acts.Show(officer, x.order.ID)
	if err != nil {
		return err
	}
	zone, err := os.ReadFile(filepath.Join(x.dir, "act", "police", "rpz.zone"))
	if err != nil {
		return err
	}
	x.note("app.story.measure_zone", "number", v.Order.Number, "until", x.say.Time(v.Order.Until))
	return must(v.Order.State == act.Live && bytes.Contains(zone, []byte("hibana.example")), "the order is %s", v.Order.State)
}

// gone is the desk's word that it is gone, as a person writes it down: nobody here
// looks.
func (x *strike) gone() (string, error) {
	if err := x.desk.gone(); err != nil {
		return "", err
	}
	ctx, err := x.desk.as(true)
	if err != nil {
		return "", err
	}
	v, err := x.h.Requests.Show(ctx, x.desk.id)
	if err != nil {
		return "", err
	}
	return x.say.T("app.story.measure_gone", "number", v.Request.Number), must(v.Request.State == request.Acted, "the request is %s", v.Request.State)
}

// alone tries what one person must not: to say go to their own intent.
func (x *strike) alone(one context.Context) error {
	if _, err := x.h.Measures.Intend(one, x.m.id, 1, x.m.say("要請を送る。", "Send the request.")); err != nil {
		return err
	}
	_, self := x.h.Measures.Go(one, x.m.id)
	if err := must(errors.Is(self, measure.ErrTwo), "one person said go to their own intent: %v", self); err != nil {
		return err
	}
	_, err := x.h.Measures.Unsay(one, x.m.id, x.m.say("もう一人を待つ。", "The second person is waited for."))
	return err
}

// closed looks back, tells the owner and closes.
func (x *strike) closed() (string, error) {
	defer x.box.close()
	if err := x.m.closed(x.ctx); err != nil {
		return "", err
	}
	watch, err := x.acts("commission", gate.Inspector, 0)
	if err != nil {
		return "", err
	}
	v, err := x.h.Measures.Show(watch, x.m.id)
	if err != nil {
		return "", err
	}
	n := len(v.Chains[0].Past)
	return x.say.T("app.story.measure_closed", "n", n), must(v.Chains[0].State == measure.Closed && n > 10, "%s after %d acts", v.Chains[0].State, n)
}

// replayed is what the commission does on a machine of its own: it holds the rules
// against the entries of the log, and needs nothing else.
func (s *story) replayed() (string, error) {
	keys, err := s.keys()
	if err != nil {
		return "", err
	}
	got, err := oversight.ReplayLog(s.ctx, os.DirFS(s.folder()), oversight.Options{Keys: keys, Kinds: s.h.Approvals.Rules, Now: s.clock.Now()})
	if err != nil {
		return "", err
	}
	checked := 0
	for _, n := range got.Checked {
		if n > 0 {
			checked++
		}
	}
	for _, v := range got.Violations {
		s.more = append(s.more, fmt.Sprint(v.Rule, " ", v.Entries))
	}
	return s.say.T("app.story.replayed", "n", int64(got.Entries), "rules", checked), must(got.Clean(), "the replay found %d violations", len(got.Violations))
}
