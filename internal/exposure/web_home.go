package exposure

import (
	"net/url"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeTodos is how many exposures the first page names; homeLook how many of
// the most urgent it looks at for that.
const (
	homeTodos = 3
	homeLook  = 40
)

// homeView is this noun's fragment of the first page.
type homeView struct {
	Title   string
	Squares page.Squares
}

// Home gathers what exposures want of whoever asks: of an operator and its
// contractor what to do first, of the office and a ministry what to act on, and
// a small picture; nothing for who may not see exposures.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	v := on(q, s)
	reach := v.reach()
	if reach == gate.None {
		return part, nil
	}
	tally, err := s.Tally(q.Context(), Filter{})
	if err != nil {
		return part, err
	}
	if tally[Act]+tally[Attend]+tally[Watch]+tally[Track] == 0 {
		return part, nil
	}
	watches := reach == gate.All || reach == gate.Sector
	found, err := s.List(q.Context(), Filter{Limit: homeLook})
	if err != nil {
		return part, err
	}
	if err := v.written(found.Rows); err != nil {
		return part, err
	}
	told := map[string]bool{}
	for i := range found.Rows {
		e := &found.Rows[i]
		if e.Priority < Attend || len(part.Todos) == homeTodos {
			break
		}
		r := v.row(e)
		todo := page.Todo{Severity: r.Priority, Title: r.Title, Href: r.Href, Why: v.p.T("exposure.web.home_why", "next", r.Next, "product", r.Product, "n", r.Devices), Due: r.Due, Act: v.p.T("exposure.web.home_open")}
		if watches { // many operators, one thing to do
			if told[e.Vulnerability] {
				continue
			}
			told[e.Vulnerability] = true
			c, err := s.Concerned(q.Context(), e.Vulnerability)
			if err != nil {
				return part, err
			}
			todo.Href, todo.Why = "/exposures/vulnerability/"+url.PathEscape(e.Vulnerability), v.p.T("exposure.web.home_orgs", "orgs", c.Orgs, "n", c.Devices)
			if e.Vulnerability == SupportEnd {
				todo.Title = v.p.T("exposure.web.filter.support")
			}
		}
		part.Todos = append(part.Todos, todo)
	}
	part.Template, part.Data = "exposure/home", homeView{v.p.T("exposure.web.title." + reachWord(reach)), v.byPriority(tally)}
	return part, nil
}
