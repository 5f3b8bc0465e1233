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

// route draws the path of what was decided to be real, else of what may be and
// is grave enough.
func (c *console) route(q *httpd.Request, shelf *shelf, list []Finding) (v routeView, err error) {
	p := q.Printer
	real, maybe := sortOut(list)
	chosen := real
	if len(chosen) == 0 {
		for i := range maybe {
			if shelf.ruleOf(&maybe[i]).Level >= pathLevel {
				chosen = append(chosen, maybe[i])
			}
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

// sortOut are the findings that were decided to be real, and those that may be.
func sortOut(list []Finding) (real, maybe []Finding) {
	for _, f := range list {
		switch f.State {
		case Real:
			real = append(real, f)
		case Fresh, Taken, Unsure:
			maybe = append(maybe, f)
		}
	}
	return real, maybe
}

// signsOf are what findings tell of a path.
func signsOf(p text.Printer, shelf *shelf, list []Finding, first map[string]Example) []sign {
	var out []sign
	for i := range list {
		f := &list[i]
		r := shelf.ruleOf(f)
		s := sign{At: f.First, Last: f.Last, Level: r.Level, Host: f.Host, User: f.User, Tactics: knownTactics(Tactics(r)), Title: shelf.titleOf(p, f.Rule, f.Title), Href: "/hunt-findings/" + f.ID, Count: f.Count}
		event := first[f.ID].Event
		s.between(func(name string) string { return event[name] })
		out = append(out, s)
	}
	return out
}
