package intel

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Home gathers the feeds that need somebody, for those who keep them.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "intel.import") {
		return part, nil
	}
	feeds, err := s.Feeds(q.Context())
	p := q.Printer
	for _, f := range feeds {
		if f.State != Failing && f.State != Stale {
			continue
		}
		todo := page.Todo{Severity: "attend", Title: p.T("intel.web.home."+string(f.State), "feed", f.ID), Href: "/feeds/" + f.ID, Act: p.T("intel.web.home.open")}
		if f.Failed != nil {
			todo.Why = p.Fault(f.Failed.fault()).Title
		}
		part.Todos = append(part.Todos, todo)
	}
	return part, err
}
