package situation

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Home gathers what situation rooms want of whoever asks: its own tasks, the
// first due first.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !may(q, "situation.list") {
		return part, nil
	}
	p := say{q.Printer}
	list, err := s.Mine(q.Context(), 10)
	for _, x := range list {
		todo := page.Todo{Severity: "attend", Title: x.Task.Title, Href: "/situations/" + x.Event + "/tasks/" + x.Task.ID, Why: p.T("situation.web.home.why"), Due: p.due(x.Task), Act: p.T("situation.web.home.open")}
		if x.Task.Late(q.Now()) {
			todo.Severity = "act"
		}
		part.Todos = append(part.Todos, todo)
	}
	return part, err
}
