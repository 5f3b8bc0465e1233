package incident

import (
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
)

func (v *screen) delay(bad error) error {
	if !Access.May(v.Context(), "incident.delay") {
		return ErrNone
	}
	c, err := v.s.Cover(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	ground := page.Field{Name: "ground", Kind: "choice", Label: v.T("incident.web.delay.ground"), Need: page.Required}
	for _, g := range Rules().Grounds {
		ground.Options = append(ground.Options, page.Option{Value: g.ID, Label: v.both(g.Name), Hint: v.T("incident.web.delay.max", "n", g.MaxDays)})
	}
	at := "/inbox/" + c.Case.ID
	return v.confirm(confirmView{Head: page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Case.Number, Href: at}, {Text: v.T("incident.web.delay")}}, H1: v.T("incident.web.delay")},
		Say: []string{v.T("incident.web.delay.say"), v.T("incident.web.delay.say2")}, Action: at + "/delay", Button: v.T("incident.web.delay.act"),
		Fields: []page.Field{ground, {Name: "until", Kind: "date", Label: v.T("incident.web.delay.until"), Need: page.Required}, {Name: "note", Kind: "textarea", Rows: 3, Label: v.T("incident.web.reason"), Need: page.Required}},
		Back:   at, BackSay: v.T("incident.web.back")}, bad)
}

func (v *screen) delayed() error {
	until, bad := page.ReadDate(v.Forms(), "until")
	if bad == nil && until.IsZero() {
		bad = &fault.Place{At: "until", Code: "incident.web.delay.until.empty"}
	}
	if bad != nil {
		return v.delay(fault.New(fault.Invalid, "incident.web.invalid").At(*bad))
	}
	end := time.Date(until.Year(), until.Month(), until.Day()+1, 0, 0, 0, 0, v.Zone) // the day is over
	err := v.s.DelayReadings(v.Context(), v.Path("id"), v.Form("ground"), v.Form("note"), end)
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return v.delay(placed(err, "ground"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/inbox/" + v.Path("id"))
}

func (v *screen) supervise(bad error) error {
	if !Access.May(v.Context(), "incident.supervise") {
		return ErrNone
	}
	c, err := v.s.Cover(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	at := "/inbox/" + c.Case.ID
	return v.confirm(confirmView{Head: page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Case.Number, Href: at}, {Text: v.T("incident.web.supervise")}}, H1: v.T("incident.web.supervise")},
		Say: []string{v.T("incident.web.supervise.say"), v.T("incident.web.supervise.say2")}, Action: at + "/supervise", Button: v.T("incident.web.supervise.act"),
		Fields: []page.Field{{Name: "reason", Kind: "textarea", Rows: 4, Limit: maxWords, Label: v.T("incident.web.reason"), Need: page.Required, Hint: v.T("incident.web.supervise.reason")}},
		Back:   at, BackSay: v.T("incident.web.back")}, bad)
}

func (v *screen) supervised() error {
	_, err := v.s.AskSupervision(v.Context(), v.Path("id"), v.Form("reason"))
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return v.supervise(placed(err, "reason"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/inbox/" + v.Path("id") + "#supervision")
}

// decision is the second person's page.
func (v *screen) decision() error {
	c, err := v.s.Cover(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.Supervisions, func(x SupervisionCase) bool { return x.ID == v.Path("request") })
	if i < 0 {
		return ErrNone
	}
	d := decisionView{Request: v.request(c.Case, c.Supervisions[i]), Case: c.Case, Days: Rules().Supervision.Days, Back: "/inbox/" + c.Case.ID}
	d.Head = page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Case.Number, Href: d.Back}, {Text: v.T("incident.web.supervise")}}, H1: v.T("incident.web.supervise.h1"), Lead: v.T("incident.web.supervise.lead", "number", c.Case.Number)}
	d.About = page.Facts{Rows: append(v.coverFacts(c), page.Fact{Name: v.T("incident.web.supervise.asked"), Value: v.Time(d.Request.AskedAt)}, page.Fact{Name: v.T("incident.web.reason"), Value: d.Request.Reason})}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Handling = "inbox", page.Desk, v.handling(c.Case.TLP, v.T("incident.web.unopened"))
	return v.Render("incident/write", shell, d)
}

type decisionView struct {
	Head    page.Head
	Request requestRow
	Case    Case
	About   page.Facts
	Days    int
	Back    string
}

func (v *screen) decided() error {
	if err := v.s.DecideSupervision(v.Context(), v.Path("id"), v.Path("request"), v.Form("go") == "agree"); err != nil {
		return err
	}
	return v.Redirect("/inbox/" + v.Path("id"))
}
