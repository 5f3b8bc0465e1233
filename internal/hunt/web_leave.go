package hunt

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// pagesLeave registers the pages by which something of a finding becomes known
// elsewhere: values as sightings, and what it is harmless by as a suppression.
// Each shows exactly what it will be before it is done.
func (c *console) pagesLeave(r *httpd.Router) {
	r.Page("GET /hunt-findings/{id}/release", func(q *httpd.Request) error { return c.showRelease(q, nil) })
	r.Page("POST /hunt-findings/{id}/release", c.release)
	r.Page("GET /hunt-findings/{id}/suppress", func(q *httpd.Request) error { return c.showSuppress(q, nil) })
	r.Page("POST /hunt-findings/{id}/suppress", c.suppressFrom)
}

type releaseView struct {
	Head    page.Head
	ID      string
	Fields  []page.Field
	Chosen  []Releasable // what leaves, when it is to be confirmed
	Leaves  page.Facts   // with each of them
	Stays   string
	Named   bool
	Already []Released
	Back    string
}

// showRelease asks which values are to leave; with the values chosen it shows
// what others will get of them.
func (c *console) showRelease(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.release"); err != nil {
		return err
	}
	f, err := c.Finding(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	title := shelf.titleOf(p, f.Rule, f.Title)
	v := releaseView{ID: f.ID, Already: f.Released, Named: q.Form("named") == "on", Back: "/hunt-findings/" + f.ID}
	v.Head = page.Head{H1: p.T("hunt.web.release"), Lead: p.T("hunt.web.release_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: title, Href: v.Back}, {Text: p.T("hunt.web.release")}}}
	var options []page.Option
	for _, x := range f.Releasable {
		o := page.Option{Value: x.Value, Label: text.Printable(x.Value), Hint: p.T("hunt.web.value." + x.Type)}
		if slices.ContainsFunc(f.Released, func(r Released) bool { return r.Value == x.Value }) {
			o.Off = p.T("hunt.web.released_already")
		} else if slices.Contains(q.Forms()["values"], x.Value) {
			v.Chosen = append(v.Chosen, x)
		}
		options = append(options, o)
	}
	if bad != nil || q.R.Method == "GET" {
		v.Chosen = nil
	}
	if len(options) > 0 {
		v.Fields = []page.Field{{Name: "values", Kind: "choices", Label: p.T("hunt.web.values"), Need: page.Required, Hint: p.T("hunt.web.values_hint"), Options: options},
			{Name: "named", Kind: "check", Label: p.T("hunt.web.named"), Hint: p.T("hunt.web.named_hint")}}
	}
	add := adder(&v.Leaves)
	add(p.T("hunt.web.leaves.count"), p.Number(int64(f.Count)))
	if !f.First.IsZero() {
		add(p.T("hunt.web.leaves.when"), p.Time(f.First)+" – "+p.Time(f.Last))
	}
	add(p.T("hunt.web.leaves.origin"), p.T("hunt.web.leaves.from_hunt"))
	who := p.T("hunt.web.leaves.unnamed")
	if v.Named {
		who = q.Who.OrgName
	}
	add(p.T("hunt.web.leaves.who"), who)
	return render(q, "release", "hunts", v.Head.H1, v, bad)
}

func (c *console) release(q *httpd.Request) error {
	if q.Form("sure") != "1" {
		if len(q.Forms()["values"]) == 0 {
			var bad problems
			bad.add("values", "hunt.bad.empty")
			return c.showRelease(q, bad.fault())
		}
		return c.showRelease(q, nil)
	}
	_, err := c.Release(q.Context(), q.Path("id"), q.Forms()["values"], q.Form("named") == "on")
	if onForm(err) {
		return c.showRelease(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunt-findings/" + q.Path("id") + "#released")
}

type suppressView struct {
	Head   page.Head
	ID     string
	Fields []page.Field
	Back   string

	Sure      bool
	Condition string
	Until     time.Time
	Reason    string
	Hits      int // findings of the hunt that have its rule, host and account
	Personal  bool
	Hidden    url.Values
}

// usual is how long a suppression holds unless somebody says otherwise.
const usual = 90 * 24 * time.Hour

// showSuppress is the form of a suppression that begins at a finding, filled in
// with what the finding has in common with itself; and what it would come to.
func (c *console) showSuppress(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.suppress"); err != nil {
		return err
	}
	f, err := c.Finding(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	title := shelf.titleOf(p, f.Rule, f.Title)
	v := suppressView{ID: f.ID, Back: "/hunt-findings/" + f.ID}
	v.Head = page.Head{H1: p.T("hunt.web.suppress"), Lead: p.T("hunt.web.suppress_lead", "rule", title), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: title, Href: v.Back}, {Text: p.T("hunt.web.suppress")}}}
	if q.R.Method == "POST" && bad == nil {
		n, err := suppression(q, &f)
		if err == nil {
			n, err = n.normal(c.now())
		}
		if err != nil {
			bad = err
		} else {
			v.Sure, v.Until, v.Reason = true, n.UntilAt, printableLines(n.Reason)
			v.Condition = shelf.conditionText(p, n.Condition, f.Title)
			v.Personal = n.Host != "" || n.User != ""
			if v.Hits, err = c.Count(q.Context(), FindingFilter{Hunt: f.Hunt, Run: f.Run, Rule: f.Rule, Host: n.Host, User: n.User}); err != nil {
				return err
			}
			v.Hidden = q.Forms()
			v.Hidden.Del("csrf")
		}
	}
	fields := []page.Option{{Label: p.T("hunt.web.no_field")}}
	first := ""
	if len(f.Examples) > 0 {
		for _, y := range f.Examples[0].Why {
			if y.Field != "" && y.Value != "" && !slices.ContainsFunc(fields, func(o page.Option) bool { return o.Value == y.Field }) {
				fields = append(fields, page.Option{Value: y.Field, Label: text.Printable(y.Field) + ": " + text.Printable(cut(y.Value, 80))})
				if first == "" {
					first = y.Value
				}
			}
		}
	}
	v.Fields = []page.Field{
		{Name: "host", Label: p.T("hunt.web.host"), Need: page.Optional, Hint: p.T("hunt.web.suppress_host"), Value: f.Host},
		{Name: "user", Label: p.T("hunt.web.user"), Need: page.Optional, Hint: p.T("hunt.web.suppress_user"), Value: f.User},
		{Name: "field", Kind: "select", Label: p.T("hunt.web.field"), Need: page.Optional, Hint: p.T("hunt.web.field_hint"), Options: fields},
		{Name: "value", Label: p.T("hunt.web.field_value"), Need: page.Optional, Hint: p.T("hunt.web.field_value_hint"), Width: "wide"},
		{Name: "reason", Kind: "textarea", Label: p.T("hunt.web.reason"), Need: page.Required, Hint: p.T("hunt.web.suppress_reason"), Rows: 2, Limit: maxWords},
		{Name: "until_at", Kind: "datetime", Label: p.T("hunt.web.until_at"), Need: page.Required, Hint: p.T("hunt.web.until_hint"), Value: c.now().Add(usual).Format(time.RFC3339)},
	}
	return render(q, "suppress", "hunts", v.Head.H1, v, bad)
}

// suppression reads the form of one about the rule of a finding. A field without
// a value has the value that the finding has.
func suppression(q *httpd.Request, f *Finding) (n NewSuppression, err error) {
	n = NewSuppression{Title: f.Title, Reason: q.Form("reason"), Condition: Condition{Rule: f.Rule, Host: q.Form("host"), User: q.Form("user"), Field: q.Raw("field"), Value: q.Raw("value")}}
	if n.Field != "" && n.Value == "" && len(f.Examples) > 0 {
		for _, y := range f.Examples[0].Why {
			if y.Field == n.Field {
				n.Value = y.Value
			}
		}
	}
	at, wrong := page.ReadTime(q.Forms(), "until_at")
	if wrong != nil {
		return n, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*wrong)
	}
	n.UntilAt = at
	return n, nil
}

func (c *console) suppressFrom(q *httpd.Request) error {
	if q.Form("sure") != "1" {
		return c.showSuppress(q, nil)
	}
	f, err := c.Finding(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	n, err := suppression(q, &f)
	var out Suppression
	if err == nil {
		out, err = c.Suppress(q.Context(), n)
	}
	if onForm(err) {
		return c.showSuppress(q, err)
	}
	if err != nil {
		return err
	}
	if n.Host == "" && n.User == "" && may(q, "hunt.offer") {
		return q.Redirect("/hunt-suppressions/" + out.ID + "/offer")
	}
	return q.Redirect("/hunt-suppressions?made=" + strconv.Itoa(1))
}
