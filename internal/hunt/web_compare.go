package hunt

import (
	"net/url"
	"slices"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type compareView struct {
	Head   page.Head
	Path   string
	Fields []page.Field
	Two    bool
	Before Received
	After  Received
	Tabs   *page.List
	List   *page.List
	Rows   []row
	Change string
}

// showCompare shows what came, went and stayed from one run of a hunt to
// another; without two runs it asks for them.
func (c *console) showCompare(q *httpd.Request) error {
	p := q.Printer
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	runs, _, err := c.Runs(q.Context(), h.ID, "", runsShown)
	if err != nil {
		return err
	}
	before, after := q.Query("before"), q.Query("after_run")
	path := "/hunts/" + h.ID + "/compare"
	v := compareView{Path: path, Head: page.Head{H1: p.T("hunt.web.compare"), Lead: p.T("hunt.web.compare_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: "/hunts/" + h.ID}, {Text: p.T("hunt.web.compare")}}}}
	var options []page.Option
	for _, r := range runs {
		options = append(options, page.Option{Value: r.ID, Label: p.T("hunt.web.run_of", "at", p.Time(r.At), "n", r.Groups)})
	}
	v.Fields = []page.Field{{Name: "before", Kind: "select", Label: p.T("hunt.web.before"), Options: options, Value: before}, {Name: "after_run", Kind: "select", Label: p.T("hunt.web.after"), Options: options, Value: after}}
	if before == "" || after == "" {
		return render(q, "compare", "hunts", v.Head.H1, v, nil)
	}
	both, err := c.Compare(q.Context(), before, after)
	if onForm(err) {
		return render(q, "compare", "hunts", v.Head.H1, v, err)
	}
	if err != nil {
		return err
	}
	v.Two, v.Before, v.After = true, both.Before, both.After
	change := Change(q.Query("change"))
	if !slices.Contains(Changes, change) {
		change = Came
	}
	query := url.Values{"before": {before}, "after_run": {after}}
	v.Tabs = &page.List{Path: path, Query: url.Values{"before": {before}, "after_run": {after}, "change": {string(change)}}}
	for _, x := range []struct {
		change Change
		n      int
	}{{Came, both.Came}, {Gone, both.Gone}, {Both, both.Both}} {
		v.Tabs.Filters = append(v.Tabs.Filters, page.Filter{Name: "change", Value: string(x.change), Label: p.T("hunt.web.change." + string(x.change)), Count: x.n})
	}
	list, next, err := c.Changed(q.Context(), before, after, change, q.Query("from"), deskRows)
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	first, err := c.firsts(q, list)
	if err != nil {
		return err
	}
	for i := range list {
		x := shelf.row(p, &list[i])
		x.Why = whyLine(p, first[list[i].ID].Why)
		v.Rows = append(v.Rows, x)
	}
	query.Set("change", string(change))
	v.Change = p.T("hunt.web.change_none." + string(change))
	v.List = &page.List{Path: path, Query: query, Size: deskRows, From: 1, Shown: len(list), Total: -1}
	if next != "" {
		query.Set("from", next)
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("hunt.web.more"), Href: address(path, query)})
	}
	return render(q, "compare", "hunts", v.Head.H1, v, nil)
}
