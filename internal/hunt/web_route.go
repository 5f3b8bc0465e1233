package hunt

import (
	"html/template"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// routeView is the path of an attack as a picture and as a table.
type routeView struct {
	Figure page.Figure
	Rows   []routeLine
	Left   []string
}

// route draws the path of everything that was not decided to be harmless: what
// is real, and what may be and is grave enough.
func (c *console) route(q *httpd.Request, shelf *shelf, list []Finding) (v routeView, err error) {
	p := q.Printer
	var chosen []Finding
	for i := range list {
		if f := &list[i]; f.State == Real || f.State != Harmless && shelf.ruleOf(f).Level >= pathLevel {
			chosen = append(chosen, *f)
		}
	}
	beyond := max(len(chosen)-pathSigns, 0)
	chosen = chosen[:len(chosen)-beyond]
	first, err := c.firsts(q, chosen)
	if err != nil {
		return v, err
	}
	r := newRoute(signsOf(p, shelf, chosen, first))
	r.Left += beyond
	if !r.worth() {
		return v, nil
	}
	v.Figure = page.Figure{Note: p.T("hunt.path.note"), Title: r.finding(p), SVG: template.HTML(r.svg(p))} // every word in it is escaped
	v.Rows, v.Left = r.table(p), r.left(p)
	return v, nil
}

// signsOf are what findings tell of a path.
func signsOf(p text.Printer, shelf *shelf, list []Finding, first map[string]Example) []sign {
	var out []sign
	for i := range list {
		f := &list[i]
		r := shelf.ruleOf(f)
		s := sign{At: f.First, Last: f.Last, Level: r.Level, Host: f.Host, User: f.User, Tactics: knownTactics(Tactics(r)), Title: shelf.titleOf(p, f.Rule, f.Title), Href: "/hunt-findings/" + f.ID, Count: f.Count, State: f.State}
		event := first[f.ID].Event
		s.between(func(name string) string { return event[name] })
		out = append(out, s)
	}
	return out
}
