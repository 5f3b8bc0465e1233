package vendor

import (
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Home gathers what requests want of whoever asks: of a maker the answers and
// fixes that are due, of a coordinator what waits for it, silence first.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	at := reach(q)
	if at != gate.Own && at != gate.Addressed {
		return part, nil
	}
	p := say{q.Printer}
	rows, names, _, err := s.List(q.Context(), Filter{Waiting: true, Limit: 10})
	for _, x := range rows {
		todo := page.Todo{Severity: "attend", Href: "/vendor/requests/" + x.Request.ID, Act: p.T("vendor.web.home.open"), Due: p.due(x.Request), Why: p.T("vendor.web.asked_by", "org", names[x.Case.Org])}
		switch {
		case at == gate.Addressed && x.Request.State == FixPlanned:
			todo.Title = p.T("vendor.web.home.fix", "title", x.Case.Title)
		case at == gate.Addressed:
			todo.Title = p.T("vendor.web.home.answer", "title", x.Case.Title)
		default:
			todo.Title, todo.Why = p.T("vendor.web.home.next", "number", x.Case.Number, "maker", names[x.Request.Org]), p.state(x.Request.State)
		}
		if x.Request.Silent(q.Now()) > 0 {
			todo.Severity = "act"
		}
		part.Todos = append(part.Todos, todo)
	}
	return part, err
}
