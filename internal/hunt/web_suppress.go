package hunt

import (
	"bytes"
	"errors"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

func (c *console) pagesSuppress(r *httpd.Router) {
	r.Page("GET /hunt-suppressions", func(q *httpd.Request) error { return c.showSuppressions(q, nil) })
	r.Page("GET /hunt-suppressions/file", func(q *httpd.Request) error {
		file, err := c.SuppressFile(q.Context())
		if err != nil {
			return err
		}
		return q.Download("suppress.toml", "application/toml", bytes.NewReader(file))
	})
	r.Page("POST /hunt-suppressions/{id}/end", func(q *httpd.Request) error {
		return c.then(q, c.Unsuppress(q.Context(), q.Path("id"), q.Form("why")))
	})
	r.Page("GET /hunt-suppressions/{id}/offer", func(q *httpd.Request) error { return c.showOffer(q, nil) })
	r.Page("POST /hunt-suppressions/{id}/offer", func(q *httpd.Request) error {
		_, err := c.Offer(q.Context(), q.Path("id"), q.Form("named") == "on")
		if onForm(err) {
			return c.showOffer(q, err)
		}
		return c.then(q, err)
	})
	r.Page("POST /hunt-offers/{id}/withdraw", func(q *httpd.Request) error { return c.then(q, c.Withdraw(q.Context(), q.Path("id"))) })
	r.Page("POST /hunt-offers/{id}/adopt", func(q *httpd.Request) error {
		_, err := c.Adopt(q.Context(), q.Path("id"))
		return c.then(q, err)
	})
}

// then goes back to the list after an act on it, or shows there why it failed.
func (c *console) then(q *httpd.Request, err error) error {
	if onForm(err) {
		return c.showSuppressions(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunt-suppressions")
}

type suppressionRow struct {
	Suppression
	Condition, State, Tag, Who string
	InForce, Personal          bool
}

type offerRow struct {
	Offer
	Condition, Users string
}

type suppressionsView struct {
	Head   page.Head
	Rows   []suppressionRow
	List   *page.List
	Offers []offerRow
	Others *page.List
	End    bool
	Share  bool
	Adopt  bool
}

func (c *console) showSuppressions(q *httpd.Request, bad error) error {
	p := q.Printer
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	list, next, err := c.Suppressions(q.Context(), q.Query("all") == "1", q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := suppressionsView{Head: page.Head{H1: p.T("hunt.web.suppressions"), Lead: p.T("hunt.web.suppressions_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.suppressions")}},
		Acts: []page.Act{{Text: p.T("hunt.web.suppress_file"), Href: "/hunt-suppressions/file", Icon: "down"}}}, End: may(q, "hunt.unsuppress"), Share: may(q, "hunt.offer"), Adopt: may(q, "hunt.adopt")}
	var people []string
	for _, x := range list {
		people = append(people, x.By)
	}
	names, err := c.Names(q.Context(), people...)
	if err != nil {
		return err
	}
	for _, x := range list {
		r := suppressionRow{Suppression: x, Condition: shelf.conditionText(p, x.Condition, x.Title), Who: names[x.By], Personal: x.Host != "" || x.User != ""}
		r.Reason = printableLines(x.Reason)
		switch {
		case !x.EndedAt.IsZero():
			r.State, r.Tag = p.T("hunt.web.suppression.ended"), "plain"
		case !x.UntilAt.After(c.now()):
			r.State, r.Tag = p.T("hunt.web.suppression.over"), "plain"
		default:
			r.State, r.Tag, r.InForce = p.T("hunt.web.suppression.on"), "good", true
		}
		v.Rows = append(v.Rows, r)
	}
	v.List = &page.List{Path: "/hunt-suppressions", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Filters: []page.Filter{
		{Name: "all", Label: p.T("hunt.web.suppression.on"), Count: -1}, {Name: "all", Value: "1", Label: p.T("hunt.web.all"), Count: -1}}}
	if err := c.offers(q, &v, shelf); err != nil {
		return err
	}
	return render(q, "suppressions", "hunts", v.Head.H1, v, bad)
}

// offers lists what others share; who may not see it sees none.
func (c *console) offers(q *httpd.Request, v *suppressionsView, shelf *shelf) error {
	if !may(q, "hunt.offers") {
		return nil
	}
	p := q.Printer
	list, next, err := c.Offers(q.Context(), q.Query("offers"), 50)
	if err != nil {
		return err
	}
	for _, x := range list {
		r := offerRow{Offer: x, Condition: shelf.conditionText(p, x.Condition, x.Title), Users: p.T("hunt.web.offer.few")}
		if x.Users > 0 {
			r.Users = p.T("hunt.web.offer.users", "n", x.Users)
		}
		r.Reason = printableLines(x.Reason)
		v.Offers = append(v.Offers, r)
	}
	if next != "" {
		others := page.List{Path: "/hunt-suppressions", Query: q.Queries()}
		v.Others = &page.List{Path: others.With("offers", next)}
	}
	return nil
}

type offerView struct {
	Head   page.Head
	ID     string
	Facts  page.Facts
	Field  page.Field
	Stays  string
	Absent string
}

// showOffer shows exactly what others would see of a suppression.
func (c *console) showOffer(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.offer"); err != nil {
		return err
	}
	v := offerView{ID: q.Path("id"), Head: page.Head{H1: p.T("hunt.web.offer"), Lead: p.T("hunt.web.offer_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.suppressions"), Href: "/hunt-suppressions"}, {Text: p.T("hunt.web.offer")}}},
		Field: page.Field{Name: "named", Kind: "check", Label: p.T("hunt.web.offer.named"), Hint: p.T("hunt.web.offer.named_hint")}}
	x, err := c.Preview(q.Context(), v.ID)
	if errors.Is(err, ErrNone) || err != nil && fault.KindOf(err) != fault.Conflict {
		return err
	}
	if err != nil { // it cannot be offered: the page says why and offers nothing
		v.Absent = p.Fault(err).Title
		return render(q, "offer", "hunts", v.Head.H1, v, bad)
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	add := adder(&v.Facts)
	add(p.T("hunt.web.rule"), shelf.titleOf(p, x.Condition.Rule, x.Title))
	add(p.T("hunt.web.rule_id"), text.Printable(x.Condition.Rule))
	if x.Condition.Field != "" {
		add(p.T("hunt.web.field"), text.Printable(x.Condition.Field))
		add(p.T("hunt.web.field_value"), text.Printable(x.Condition.Value))
	}
	add(p.T("hunt.web.reason"), printableLines(x.Reason))
	add(p.T("hunt.web.until_at"), p.Time(x.UntilAt))
	return render(q, "offer", "hunts", v.Head.H1, v, bad)
}
