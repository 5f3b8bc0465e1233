package hunt

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// homeHunts is how many hunts the first page names.
const homeHunts = 3

// Home gathers what hunts want of whoever asks: open hunts whose newest run has
// hits that nobody decided on; nothing for who may not see hunts.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "hunt.list") {
		return part, nil
	}
	p := q.Printer
	list, _, err := s.Hunts(q.Context(), HuntFilter{Stage: Opened, Limit: homeHunts})
	if err != nil {
		return part, err
	}
	for _, h := range list {
		runs, _, err := s.Runs(q.Context(), h.ID, "", runsShown)
		if err != nil {
			return part, err
		}
		if len(runs) == 0 {
			continue
		}
		_, levels, err := s.CountParts(q.Context(), FindingFilter{Hunt: h.ID, Run: latest(runs).ID, Waiting: true})
		if err != nil {
			return part, err
		}
		n, grave, severity := 0, levels["critical"]+levels["high"], "watch"
		for _, k := range levels {
			n += k
		}
		if n == 0 {
			continue
		}
		if grave > 0 {
			severity = "attend"
		}
		part.Todos = append(part.Todos, page.Todo{Severity: severity, Title: p.T("hunt.web.home", "number", h.Number, "title", text.Printable(h.Title), "n", n), Href: "/hunts/" + h.ID,
			Why: p.T("hunt.web.home_why", "grave", grave), Act: p.T("hunt.web.home_open")})
	}
	return part, nil
}
