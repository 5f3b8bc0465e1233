package measure

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/org"
)

// form is an act that is open to who looks.
type form struct {
	To, Title, Kind, Hint string
	Fields                []page.Field
}

// written are the acts that a form with one text is enough for, in the order in
// which they are offered.
var written = []string{"answer", "object", "agree", "ask", "declare", "second", "notify", "settle", "authorise", "account", "finish", "restore", "tell", "review", "close", "unsay", "recall", "stop", "drop"}

// sheets are the acts that have a page of their own.
var sheets = []string{"assess", "locate", "plan", "consult"}

// stops are the acts that end something for good.
var stops = []string{"object", "stop", "drop"}

// acts are what who looks may do: first what they have to do now, then the rest,
// and links to the papers.
func (v *chainView) acts(p say, s *Service, c *ChainView, people []page.Option) {
	for _, paper := range sheets {
		if slices.Contains(c.Acts, paper) {
			v.Papers = append(v.Papers, paperLink{p.act(paper), "/measures/" + c.ID + "/write/" + paper})
		}
	}
	for _, f := range p.forms(s, c, people) {
		now := c.Waits == f.To || c.Waits == "answer" && f.To == "object" || c.Waits == "confirm" && f.To == "settle"
		if now {
			v.Now = append(v.Now, f)
		} else {
			v.Forms = append(v.Forms, f)
		}
	}
}

// forms are those of the acts that are open to who looks.
func (p say) forms(s *Service, c *ChainView, people []page.Option) (out []form) {
	open := slices.Clone(c.Acts)
	if slices.Contains(open, "confirm") {
		open = append(open, "settle")
	}
	area := func(act string) page.Field {
		label := "measure.text." + act
		if !p.Has(label) {
			label = "measure.web.text"
		}
		return page.Field{Name: act + "_text", Kind: "textarea", Label: p.T(label), Need: page.Required, Rows: 3, Limit: maxWords}
	}
	add := func(act string, fields ...page.Field) {
		if !slices.Contains(open, act) {
			return
		}
		f := form{To: act, Title: p.act(act), Fields: fields, Hint: p.hint(s, act)}
		if slices.Contains(stops, act) {
			f.Kind = "stop"
		}
		out = append(out, f)
	}
	add("begin")
	add("intend", page.Field{Name: "intend_number", Kind: "choice", Label: p.T("measure.web.step"), Need: page.Required, Options: p.stepsLeft(c)}, area("intend"))
	add("go")
	var ends []page.Option
	for _, o := range Outcomes {
		ends = append(ends, page.Option{Value: string(o), Label: p.T("measure.outcome." + string(o))})
	}
	add("outcome", page.Field{Name: "outcome_outcome", Kind: "choice", Label: p.T("measure.web.outcome"), Need: page.Required, Options: ends}, area("outcome"),
		page.Field{Name: "outcome_evidence", Label: p.T("measure.web.digest"), Need: page.Optional, Limit: 100, Width: "wide"})
	add("order", area("order"), page.Field{Name: "order_until", Kind: "datetime", Label: p.T("measure.web.order_until"), Need: page.Required})
	add("vouch")
	add("weigh", page.Field{Name: "weigh_choice", Kind: "choice", Label: p.T("measure.web.your_view"), Need: page.Required, Options: []page.Option{{Value: "confirm", Label: p.T("measure.voice.confirm")}, {Value: "advise", Label: p.T("measure.voice.advise")}}}, area("weigh"))
	for _, act := range written {
		fields := []page.Field{area(act)}
		if act == "answer" || act == "object" { // of the very worksheet that stands above
			fields = append(fields, page.Field{Name: act + "_worksheet", Kind: "hidden", Value: c.Chain.Worksheet})
		}
		add(act, fields...)
	}
	if len(people) > 0 {
		add("designate", page.Field{Name: "designate_person", Kind: "select", Label: p.T("measure.web.officer"), Need: page.Required, Options: people})
	}
	var forces []page.Option
	for _, o := range c.forces {
		forces = append(forces, page.Option{Value: string(o.ID), Label: o.Name.In(p.Lang)})
	}
	if len(forces) > 0 {
		add("invite", page.Field{Name: "invite_org", Kind: "select", Label: p.T("measure.web.forces"), Need: page.Required, Options: forces})
	}
	return out
}

// hint says what an act means and what follows from it; empty for most.
func (p say) hint(s *Service, act string) string {
	key := "measure.hint." + act
	if !p.Has(key) {
		return ""
	}
	n := &s.Numbers
	switch act {
	case "declare":
		return p.T(key, "hours", n.EmergencyHours.Value, "minutes", n.NoticeMinutes.Value, "steps", n.EmergencySteps.Value)
	case "notify":
		return p.T(key, "days", n.ReviewDays.Value)
	case "settle":
		return p.T(key, "quorum", s.quorum())
	}
	return p.T(key)
}

// stepsLeft are the steps of the plan to choose from; what was carried out says so.
func (p say) stepsLeft(c *ChainView) (out []page.Option) {
	if c.Planned == nil {
		return nil
	}
	for i, x := range c.Planned.Steps {
		o := page.Option{Value: strconv.Itoa(i + 1), Label: strconv.Itoa(i+1) + ". " + p.T("measure.kind."+string(x.Kind)) + "　" + x.On, Hint: x.What}
		for _, d := range c.Done {
			if d.Number == i+1 && d.Outcome != "" && d.Outcome != Failed && d.Outcome != Unsaid {
				o.Off = p.T("measure.outcome." + string(d.Outcome))
			}
		}
		out = append(out, o)
	}
	return out
}

// hands are the people whom a command may designate, and of the police the forces
// that it may put on the case.
func (s *Service) hands(q *httpd.Request, x *View) (people []page.Option, err error) {
	if x.Side != CommandSide || len(x.Chains) == 0 {
		return nil, nil
	}
	role := gate.PoliceExecutive
	if x.Chains[0].Facts.Body == Defence {
		role = gate.DefenceUnit
	}
	for cursor, n := "", 0; n < 10; n++ {
		list, next, err := s.Orgs.People(q.Context(), "", cursor, 100)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if m.Has(role) && m.State == org.Active && !slices.ContainsFunc(x.Chains[0].Officers, func(o Officer) bool { return o.Person == string(m.ID) }) {
				people = append(people, page.Option{Value: string(m.ID), Label: m.Name})
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if role == gate.PoliceExecutive {
		x.Chains[0].forces, err = s.Forces(q.Context())
	}
	return people, err
}

// pagesActs registers the forms of the acts.
func pagesActs(r *httpd.Router, s *Service) {
	act := func(name string, do func(q *httpd.Request, id ID, text string) (Chain, error)) {
		r.Page("POST /measures/{id}/"+name, func(q *httpd.Request) error {
			_, err := do(q, q.Path("id"), q.Form(name+"_text"))
			if formFault(err) {
				return showCase(q, s, renamed(err, name+"_"))
			}
			if err != nil {
				return err
			}
			return q.Redirect("/measures/" + q.Path("id"))
		})
	}
	for name, do := range map[string]func(ctx context.Context, id ID, text string) (Chain, error){
		"agree": s.Agree, "ask": s.Ask, "recall": s.Recall, "drop": s.Drop, "second": s.Second, "declare": s.Declare, "notify": s.Notify, "authorise": s.Authorise, "finish": s.Finish,
		"stop": s.Stop, "restore": s.Restore, "tell": s.Tell, "review": s.Review, "close": s.Close, "unsay": s.Unsay, "settle": s.Settle, "account": s.Account,
	} {
		act(name, func(q *httpd.Request, id ID, text string) (Chain, error) { return do(q.Context(), id, text) })
	}
	for _, objects := range []bool{false, true} {
		name := map[bool]string{false: "answer", true: "object"}[objects]
		act(name, func(q *httpd.Request, id ID, text string) (Chain, error) {
			return s.Answer(q.Context(), id, Opinion{Objects: objects, Text: text, Worksheet: q.Form(name + "_worksheet")})
		})
	}
	act("weigh", func(q *httpd.Request, id ID, text string) (Chain, error) {
		how := q.Form("weigh_choice")
		if how != choice(false) && how != choice(true) { // said to who may say something at all
			if err := s.may(q.Context(), "measure.weigh"); err != nil {
				return Chain{}, err
			}
			_, err := s.Show(q.Context(), id)
			return Chain{}, cmp.Or(err, invalid("choice", "measure.bad.choice"))
		}
		return s.Weigh(q.Context(), id, Verdict{Recommends: how == choice(true), Text: text})
	})
	act("order", func(q *httpd.Request, id ID, text string) (Chain, error) {
		until, _ := page.ReadTime(q.Forms(), "order_until") // what is no time is none, and the rules say so
		return s.Order(q.Context(), id, OrderInput{Text: text, Until: until})
	})
	act("begin", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Begin(q.Context(), id) })
	act("go", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Go(q.Context(), id) })
	act("vouch", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Vouch(q.Context(), id) })
	act("intend", func(q *httpd.Request, id ID, text string) (Chain, error) {
		n, _ := strconv.Atoi(q.Form("intend_number")) // none is no step of any plan
		return s.Intend(q.Context(), id, n, text)
	})
	act("outcome", func(q *httpd.Request, id ID, text string) (Chain, error) {
		return s.Outcome(q.Context(), id, Ending{Outcome: Outcome(q.Form("outcome_outcome")), Says: text, Evidence: q.Form("outcome_evidence")})
	})
	act("designate", func(q *httpd.Request, id ID, _ string) (Chain, error) {
		return s.Designate(q.Context(), id, q.Form("designate_person"))
	})
	act("dismiss", func(q *httpd.Request, id ID, _ string) (Chain, error) {
		return s.Dismiss(q.Context(), id, q.Form("person"))
	})
	act("invite", func(q *httpd.Request, id ID, _ string) (Chain, error) {
		return s.Invite(q.Context(), id, q.Form("invite_org"))
	})
	r.Page("POST /measure-switches", func(q *httpd.Request) error {
		if err := s.Shut(q.Context(), q.Form("org"), q.Form("shut") == "1"); err != nil {
			return err
		}
		return q.Redirect(q.Next("/measures"))
	})
}
