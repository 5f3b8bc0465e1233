package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/measure"
	"noroshi/internal/measure/request"
	"noroshi/internal/org"
)

// asking is one request to others while it is played: who writes it, who sends it.
type asking struct {
	*country
	member         string
	writer, sender gate.Role
	second         int // which person of that role sends it
	id             request.ID
	digest         string
}

// takedown is a takedown that came to its end: how long ago it was sent, and after
// how many hours the page was gone.
type takedown struct {
	days, hours int
	host, name  string
	harm        request.Harm
}

var takedowns = []takedown{
	{41, 6, "Tern Hosting", "aohama-power-login.example", request.Phishing}, {37, 30, "Tern Hosting", "aohama-bill.example", request.Phishing}, {30, 3, "Petrel Cloud", "denki-return.example", request.Fraud},
	{26, 96, "Gannet Networks", "meter-update.example", request.Malware}, {19, 11, "Tern Hosting", "aohama-refund.example", request.Phishing}, {12, 52, "Gannet Networks", "aohama-support.example", request.Phishing},
	{6, 9, "Petrel Cloud", "denki-point.example", request.Fraud},
}

// requests lays out what organisations ask others: a power company whose customers
// are lured to copies of its pages, with seven that are gone, one that nobody
// answers, one that another person has to read and send, and one that is being
// written; and the police, who ask an abuse desk and order a carrier as steps of a
// measure.
func (c *country) requests() (out []moment) {
	at := func(days, hours int) time.Time {
		return c.now.AddDate(0, 0, -days).Add(time.Duration(hours) * time.Hour)
	}
	firm := func() *asking {
		return &asking{country: c, member: "power", writer: gate.OperatorReporter, sender: gate.OperatorAdmin}
	}
	out = append(out, moment{at(45, 0), func(context.Context) error { return c.desks() }})
	for i, t := range takedowns {
		a := firm()
		out = append(out, moment{at(t.days, 0), func(context.Context) error { return a.sent(t, i) }},
			moment{at(t.days, t.hours), func(context.Context) error { return a.gone() }})
	}
	silent, ready, draft := firm(), firm(), firm()
	police := &asking{country: c, member: "police", writer: gate.PoliceExecutive, sender: gate.PoliceExecutive, second: 1}
	order := &asking{country: c, member: "police", writer: gate.PoliceExecutive, sender: gate.PoliceExecutive, second: 1}
	strike := &striking{country: c, unit: "police"}
	return append(out,
		moment{at(5, 0), func(context.Context) error {
			return silent.sent(takedown{host: "Skua Servers", name: "aohama-notice.example", harm: request.Phishing}, 20)
		}},
		moment{at(2, 1), func(ctx context.Context) error { _, err := c.h.Requests.Tick(org.Local(ctx)); return err }},
		moment{at(0, -5), func(context.Context) error {
			return ready.checked(takedown{host: "Petrel Cloud", name: "aohama-mypage.example", harm: request.Phishing}, 21)
		}},
		moment{at(0, -1), func(context.Context) error {
			return draft.drafted(takedown{host: "Tern Hosting", name: "denki-survey.example", harm: request.Fraud}, 22)
		}},
		moment{at(6, 0), strike.planned(measure.Abroad, 24*time.Hour, 72)}, moment{at(6, 1), strike.asksOthers}, moment{at(6, 2), strike.consulted}, moment{at(6, 5), strike.approved},
		moment{at(5, 3), func(context.Context) error { return strike.asked(police, order) }},
		moment{at(5, 4), func(context.Context) error { return order.confirmed(false) }}, moment{at(5, 6), func(context.Context) error { return order.confirmed(true) }},
		moment{at(4, 20), func(context.Context) error { return police.gone() }},
	)
}

// desks says where answers go.
func (c *country) desks() error {
	for id, role := range map[string]gate.Role{"power": gate.OperatorAdmin, "police": gate.PoliceCommand} {
		ctx, err := c.acts(id, role, 0)
		if err != nil {
			return err
		}
		if err := c.h.Requests.SetDesk(ctx, request.Desk{Reply: "csirt@" + c.by[id].Domain, Name: c.both(id, "不正利用の窓口", "Abuse desk"), NameEN: "Abuse desk"}); err != nil {
			return fmt.Errorf("demo: desk: %w", err)
		}
	}
	return nil
}

func (a *asking) as(sends bool) (context.Context, error) {
	if sends {
		return a.acts(a.member, a.sender, a.second)
	}
	return a.acts(a.member, a.writer, 0)
}

// of writes what is asked about one page; n tells addresses apart.
func (a *asking) of(t takedown, n int) request.Draft {
	now := a.clock.Now()
	return request.Draft{Kind: request.Takedown, To: request.Contact{Mail: "abuse@" + strings.ToLower(strings.Fields(t.host)[0]) + ".example", Provider: t.host, Lang: text.EN},
		Subject: request.Subject{Address: "203.0.113." + strconv.Itoa(10+n), Port: 443, Protocol: "tcp", Name: t.name, URL: "https://" + t.name + "/login", Harm: t.harm,
			Does: "The page copies the customer pages of an electricity company and collects passwords and card numbers."},
		Evidence: []request.Evidence{{Noun: "other", From: now.Add(-5 * time.Hour), Until: now.Add(-time.Hour), Says: "Customers reported messages that lead to this page; our web server saw it load our images.",
			Lines: now.Add(-2*time.Hour).UTC().Format("2006-01-02T15:04:05Z") + " GET /img/logo.png referer=https://" + t.name + "/login 200"}},
		Asked: "Please take the page down, keep what would show who put it there, and tell us when it is done.", By: now.Add(72 * time.Hour),
		Victim: request.Victim{Who: a.both(a.member, "当社の客", "Our customers")}, TLP: "GREEN"}
}

func (a *asking) drafted(t takedown, n int) error {
	d := a.of(t, n)
	d.Victim.Hide = []string{"customer list"}
	return a.write(d)
}

func (a *asking) write(d request.Draft) error {
	ctx, err := a.as(false)
	if err != nil {
		return err
	}
	r, err := a.h.Requests.Draft(ctx, d)
	if err != nil {
		return fmt.Errorf("demo: request: %w", err)
	}
	a.id = r.ID
	return nil
}

func (a *asking) checked(t takedown, n int) error {
	if err := a.drafted(t, n); err != nil {
		return err
	}
	return a.check()
}

func (a *asking) check() error {
	ctx, err := a.as(false)
	if err != nil {
		return err
	}
	r, err := a.h.Requests.Check(ctx, a.id)
	if err != nil {
		return fmt.Errorf("demo: request checked: %w", err)
	}
	a.digest = r.Digest
	return nil
}

func (a *asking) sent(t takedown, n int) error {
	if err := a.checked(t, n); err != nil {
		return err
	}
	return a.send()
}

// asks writes a request, has it checked, and has another person send it.
func (a *asking) asks(d request.Draft) error {
	if err := a.write(d); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	return a.send()
}

// send has another person send what was checked. The demo has no mail server, so
// the file is taken and sent by hand; an order to a carrier arrives on the hub.
func (a *asking) send() error {
	ctx, err := a.as(true)
	if err != nil {
		return err
	}
	r, err := a.h.Requests.Send(ctx, a.id, a.digest)
	if err == nil && r.State == request.Sending && r.Way == request.InHand {
		_, err = a.h.Requests.Handed(ctx, a.id, request.Handed{Sent: true})
	}
	if err != nil {
		return fmt.Errorf("demo: request sent: %w", err)
	}
	return nil
}

// gone writes down that the desk says it is gone.
func (a *asking) gone() error {
	ctx, err := a.as(true)
	if err != nil {
		return err
	}
	if _, err = a.h.Requests.Answer(ctx, a.id, request.AnswerInput{Says: request.SaysGone, Text: "Thank you for your report. The content has been removed and the account is suspended.\n"}); err != nil {
		return fmt.Errorf("demo: request answered: %w", err)
	}
	return nil
}

// asksOthers makes the plan one that asks an abuse desk and orders a carrier.
func (m *striking) asksOthers(context.Context) error {
	cmd, err := m.as(false, 0)
	if err != nil {
		return err
	}
	from := m.clock.Now().Add(23 * time.Hour)
	return m.drafted(cmd, measure.Plan{From: from, Until: from.Add(24 * time.Hour), Ordinary: m.say("相手に頼むことと、国内の事業者への指示にとどめる。", "No more than to ask, and to order a carrier at home."),
		StopWhen: []string{m.say("持ち主のウェブサイトに影響が出たとき", "When the owner's web site is affected")}, Deconflict: m.say("ほかの案件と重ならない。", "It meets no other case."),
		Steps: []measure.PlanStep{
			{Kind: measure.AskTakedown, On: "203.0.113.99", What: m.say("設置先の事業者の窓口に、停止を頼む。", "Ask the abuse desk of the host to stop it.")},
			{Kind: measure.AskAdministrator, On: "203.0.113.99", What: m.say("国内の電気通信事業者に、この機器への通信を止めるよう指示する。", "Order a carrier at home to hold back traffic to the machine.")},
		}})
}

// asked carries out both steps, each by two.
func (m *striking) asked(police, order *asking) error {
	d := police.of(takedown{host: "Gannet Networks", name: "hibana-c2.example", harm: request.Command}, 89)
	d.Case, d.Step, d.Victim, d.Subject.URL, d.Subject.Does = m.id, 1, request.Victim{}, "", "The machine sends orders to infected machines of several companies."
	d.Evidence[0] = request.Evidence{Noun: "sighting", From: m.clock.Now().Add(-30 * time.Hour), Until: m.clock.Now().Add(-26 * time.Hour), Says: "Machines of several companies asked this address for orders, every ten minutes."}
	o := request.Draft{Kind: request.Carrier, Case: m.id, Step: 2, To: request.Contact{Org: string(m.by["telecom"].Org.ID), Lang: text.JA}, Subject: request.Subject{Address: "203.0.113.99", Harm: request.Command},
		Order: request.Order{What: "203.0.113.99 宛ての通信を止める。ほかの宛先の通信には触れない。", Cap: approval.Quantity{Bytes: 1_000_000_000}, Until: m.clock.Now().Add(20 * time.Hour)}}
	return m.executed(m.say("依頼と指示を終えた。", "Both were asked."),
		did{m.say("窓口に依頼を送った。", "The request was sent."), func() error { return police.asks(d) }}, did{m.say("通信事業者に指示した。", "The carrier was ordered."), func() error { return order.asks(o) }})
}

// confirmed is the carrier's word that it has the order, or carried it out.
func (a *asking) confirmed(done bool) error {
	ctx, err := a.acts("telecom", gate.CarrierClerk, 0)
	if err != nil {
		return err
	}
	if _, err = a.h.Requests.Confirm(ctx, a.id, done); err != nil {
		return fmt.Errorf("demo: order confirmed: %w", err)
	}
	return nil
}
