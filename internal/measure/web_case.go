package measure

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// form is an act that is open to who looks.
type form struct {
	To, Title, Kind string
	Fields          []page.Field
}

type chainView struct {
	ID, Title, State, Tag, Notice string
	Late                          bool
	Due                           page.Due
	Own                           bool
	Missing                       []string
	Facts                         page.Facts
	Plan                          []planLine
	Steps                         []page.Step
	Done                          []doneLine
	Forms                         []form
	Approval                      string
	Documents                     bool // of its own are written elsewhere
}

type planLine struct{ Kind, On, What string }

type doneLine struct {
	Number                                int
	Intent, Outcome, Says, Evidence, Whom string
	At                                    time.Time
}

type caseView struct {
	Head   page.Head
	Facts  page.Facts
	Chains []chainView
	Others []string
	Same   string
}

// showCase is a case: the threat, and each chain of command that who looks may
// see, with what it lacks, its papers, what was done, and what they may do.
func showCase(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	t := x.Case.Threat
	v := caseView{Head: page.Head{H1: x.Case.Number + "　" + t.Title, Lead: p.T("measure.web.opened_by", "org", x.Names[x.Case.Org], "at", x.Case.CreatedAt), Crumbs: []page.Crumb{{Text: p.T("measure.web.title"), Href: "/measures"}, {Text: x.Case.Number}}}}
	v.Facts.Rows = p.rows("measure.web.machine", t.Machine, "measure.web.does", t.Does, "measure.web.protected", t.Protected, "measure.web.rank", p.T("measure.rank."+string(t.Rank)), "measure.web.victims", t.Victims)
	for _, e := range t.Evidence {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("measure.web.evidence"), Value: e.Says, Note: e.Noun + " " + e.ID})
	}
	if x.Same > 0 {
		v.Same = p.T("measure.cli.same", "n", x.Same)
	}
	for i := range x.Chains {
		v.Chains = append(v.Chains, p.chain(&x, &x.Chains[i]))
	}
	for _, o := range x.Others {
		line := p.T("measure.cli.other") + " " + x.Names[o.Org] + " " + p.state(o.State)
		if !o.Until.IsZero() {
			line += " " + p.Time(o.From) + " – " + p.Time(o.Until)
		}
		v.Others = append(v.Others, line)
	}
	return render(q, "measure/case", v.Head.H1, v, bad)
}

// rows are facts by name and value; what is empty is left out.
func (p say) rows(pairs ...string) (out []page.Fact) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, page.Fact{Name: p.T(pairs[i]), Value: pairs[i+1]})
		}
	}
	return out
}

func (p say) chain(x *View, c *ChainView) chainView {
	v := chainView{ID: c.ID, Title: p.body(c.Facts.Body) + "　" + x.Names[c.Org], State: p.state(c.State), Tag: tagOf(c.State), Late: c.Late, Documents: x.Side == CommandSide}
	if c.Facts.Notice != "" {
		v.Notice = p.T("measure.notice." + string(c.Facts.Notice))
	}
	switch c.Facts.Notice {
	case Due:
		v.Due = page.Due{At: c.NoticeDueAt}
	case Noticed:
		v.Due = page.Due{At: c.ReviewDueAt}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Missing)) {
		v.Missing = append(v.Missing, p.T("measure.cli.missing", "guard", p.T("measure.guard."+strings.ToLower(id)), "article", c.Missing[id]))
	}
	v.Facts.Rows = p.papers(c)
	if c.Planned != nil {
		for _, s := range c.Planned.Steps {
			v.Plan = append(v.Plan, planLine{p.T("measure.kind." + string(s.Kind)), s.On, s.What})
		}
	}
	for _, h := range c.Past {
		v.Steps = append(v.Steps, p.step(&h))
	}
	for _, d := range c.Done {
		l := doneLine{Number: d.Number, Intent: d.Intent, Says: d.Says, Evidence: d.Evidence, At: d.IntendedAt, Outcome: p.T("measure.web.under_way")}
		if d.Outcome != "" {
			l.Outcome = p.T("measure.outcome." + string(d.Outcome))
		}
		if d.First != "" {
			l.Whom = strings.TrimSuffix(d.First+", "+d.Second, ", ")
		}
		v.Done = append(v.Done, l)
	}
	if x.Side == CommandSide || x.Side == MemberSide || x.Side == WatchSide {
		v.Approval = c.Approval
	}
	v.Forms = p.forms(c)
	return v
}

// papers are the documents of a chain in words.
func (p say) papers(c *ChainView) (out []page.Fact) {
	if l := c.Location; l != nil {
		out = append(out, p.rows("measure.web.place", p.T("measure.place."+string(l.Place))+" "+l.Country+"\n"+l.Grounds)...)
	}
	if a := c.Assessment; a != nil {
		for _, f := range []struct {
			name string
			f    Finding
		}{{"measure.web.unlawful", a.Unlawful}, {"measure.web.danger", a.Danger}, {"measure.web.urgent", a.Urgent}, {"measure.web.proportionate", a.Proportionate}, {"measure.web.organised", a.Organised}, {"measure.web.indispensable", a.Indispensable}} {
			if f.f.Grounds != "" {
				met := p.T("measure.web.not_met")
				if f.f.Met {
					met = p.T("measure.web.met")
				}
				out = append(out, page.Fact{Name: p.T(f.name), Value: f.f.Grounds, Note: met})
			}
		}
		out = append(out, p.rows("measure.web.necessity", a.Necessity, "measure.web.collateral", a.Collateral)...)
	}
	if w := c.Worksheet; w != nil {
		out = append(out, p.rows("measure.web.peril", w.Peril, "measure.web.only_way", w.OnlyWay, "measure.web.sovereignty", w.Sovereignty, "measure.web.others", w.Others, "measure.web.tallinn", strings.Join(w.Rules, ", "))...)
	}
	if pl := c.Planned; pl != nil {
		out = append(out, p.rows("measure.web.hours", p.Time(pl.From)+" – "+p.Time(pl.Until), "measure.web.ordinary", pl.Ordinary, "measure.web.stop_when", strings.Join(pl.StopWhen, "\n"), "measure.web.deconflict", pl.Deconflict)...)
	}
	return out
}

// written are the acts that a form with one text is enough for.
var written = []string{"answer", "object", "agree", "ask", "recall", "second", "declare", "notify", "weigh", "settle", "authorise", "account", "finish", "restore", "tell", "review", "close", "unsay", "stop", "drop"}

// forms are those of the acts that are open to who looks.
func (p say) forms(c *ChainView) (out []form) {
	area := func(act string) page.Field {
		return page.Field{Name: act + "_text", Kind: "textarea", Label: p.T("measure.web.text"), Need: page.Required, Rows: 3, Limit: maxWords}
	}
	add := func(act string, fields ...page.Field) {
		if !slices.Contains(c.Acts, act) {
			return
		}
		kind := ""
		if act == "stop" || act == "object" || act == "drop" {
			kind = "stop"
		}
		out = append(out, form{To: act, Title: p.act(act), Kind: kind, Fields: fields})
	}
	add("order", area("order"), page.Field{Name: "order_until", Kind: "datetime", Label: p.T("measure.web.order_until"), Need: page.Required})
	add("begin")
	var numbers []page.Option
	if c.Planned != nil {
		for i, s := range c.Planned.Steps {
			numbers = append(numbers, page.Option{Value: strconv.Itoa(i + 1), Label: strconv.Itoa(i+1) + ". " + p.T("measure.kind."+string(s.Kind))})
		}
	}
	add("intend", page.Field{Name: "intend_number", Kind: "choice", Label: p.T("measure.web.step"), Need: page.Required, Options: numbers}, area("intend"))
	add("go")
	var ends []page.Option
	for _, o := range Outcomes {
		ends = append(ends, page.Option{Value: string(o), Label: p.T("measure.outcome." + string(o))})
	}
	add("outcome", page.Field{Name: "outcome_outcome", Kind: "choice", Label: p.T("measure.web.outcome"), Need: page.Required, Options: ends}, area("outcome"),
		page.Field{Name: "outcome_evidence", Label: p.T("measure.web.digest"), Need: page.Optional, Limit: 100})
	for _, act := range written {
		add(act, area(act))
	}
	return out
}

func pagesActs(r *httpd.Router, s *Service) {
	act := func(name string, do func(q *httpd.Request, id ID, text string) (Chain, error)) {
		r.Page("POST /measures/{id}/"+name, func(q *httpd.Request) error {
			_, err := do(q, q.Path("id"), q.Form(name+"_text"))
			if formFault(err) {
				return showCase(q, s, err)
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
		act(map[bool]string{false: "answer", true: "object"}[objects], func(q *httpd.Request, id ID, text string) (Chain, error) {
			return s.Answer(q.Context(), id, Opinion{Objects: objects, Text: text, Worksheet: q.Form("worksheet")})
		})
	}
	for _, recommends := range []bool{false, true} {
		act(map[bool]string{false: "weigh", true: "weigh_advise"}[recommends], func(q *httpd.Request, id ID, text string) (Chain, error) {
			return s.Weigh(q.Context(), id, Verdict{Recommends: recommends, Text: text})
		})
	}
	act("order", func(q *httpd.Request, id ID, text string) (c Chain, err error) {
		until, bad := page.ReadTime(q.Forms(), "order_until")
		if bad != nil {
			return c, invalid("order_until", bad.Code)
		}
		return s.Order(q.Context(), id, OrderInput{Text: text, Until: until})
	})
	act("begin", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Begin(q.Context(), id) })
	act("vouch", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Vouch(q.Context(), id) })
	act("go", func(q *httpd.Request, id ID, _ string) (Chain, error) { return s.Go(q.Context(), id) })
	act("intend", func(q *httpd.Request, id ID, text string) (Chain, error) {
		n, _ := strconv.Atoi(q.Form("intend_number")) // none is no step of any plan
		return s.Intend(q.Context(), id, n, text)
	})
	act("outcome", func(q *httpd.Request, id ID, text string) (Chain, error) {
		return s.Outcome(q.Context(), id, Ending{Outcome: Outcome(q.Form("outcome_outcome")), Says: text, Evidence: q.Form("outcome_evidence")})
	})
}
