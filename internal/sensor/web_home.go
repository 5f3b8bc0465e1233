package sensor

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeTodos is how many findings the first page names.
const homeTodos = 3

// Home gathers what findings want of whoever asks: the most urgent ones that
// nobody took yet, and a source that fell silent or loses much; nothing for who
// may not see findings.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "finding.list") {
		return part, nil
	}
	p := q.Printer
	list, _, err := s.Findings(q.Context(), Filter{State: Fresh, Limit: homeTodos})
	if err != nil {
		return part, err
	}
	for _, x := range list {
		if x.Rank > Attend {
			break
		}
		row := findingRowOf(p, x)
		part.Todos = append(part.Todos, page.Todo{Severity: row.Severity, Title: titleOf(p, &x),
			Href: "/findings/" + x.ID, Why: p.T("sensor.web.home_why", "score", row.Hundred), Act: p.T("sensor.web.home_open")})
	}
	sources, _, err := s.Sources(q.Context(), "", 50)
	if err != nil {
		return part, err
	}
	for _, x := range sources {
		if row := sourceRowOf(p, x, s.now()); row.Tag == "act" {
			part.Todos = append(part.Todos, page.Todo{Severity: "attend", Title: p.T("sensor.web.home_silent", "name", x.Name), Href: "/sensors/" + x.ID, Why: row.Health, Act: p.T("sensor.web.home_open")})
		}
	}
	return part, nil
}
