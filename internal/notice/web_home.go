package notice

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeRows is how many letters, drafts and calls the first page names.
const homeRows = 5

// Home is this noun's part of somebody's first page: letters that wait for an
// answer, drafts the program made, calls for help at one's desk.
func Home(q *httpd.Request, s *Service) (page.Part, error) {
	v := newScreen(q, s)
	var p page.Part
	ctx := v.Context()
	if Access.May(ctx, "notice.inbox") {
		list, _, err := s.Inbox(ctx, Filter{Open: true, Limit: homeRows})
		if err != nil {
			return p, err
		}
		for _, l := range list {
			p.Todos = append(p.Todos, page.Todo{Severity: string(l.Content.Severity), Title: v.T("notice.web.home.answer", "title", v.say(l.Content.Title)), Href: "/letters/" + l.ID,
				Why: v.T("notice.web.home.from", "from", l.FromName, "number", l.Number), Due: page.Due{At: l.Content.AnswerBy}, Act: v.T("notice.web.home.open")})
		}
	}
	if Access.May(ctx, "notice.draft") {
		list, _, err := s.List(ctx, Filter{Stage: Draft, Limit: homeRows})
		if err != nil {
			return p, err
		}
		for _, n := range list {
			t := page.Todo{Severity: string(n.Content.Severity), Title: v.T("notice.web.home.draft", "title", v.say(n.Content.Title)), Href: "/notices/" + n.ID, Why: v.T("notice.web.home.draft.why", "n", n.Recipients), Act: v.T("notice.web.home.check")}
			if n.Auto {
				t.Why = v.T("notice.web.home.auto", "n", n.Recipients)
			}
			p.Todos = append(p.Todos, t)
		}
	}
	if Access.May(ctx, "notice.desk") {
		list, _, err := s.Tickets(ctx, false, "", homeRows)
		if err != nil {
			return p, err
		}
		for _, t := range list {
			if t.State == TicketAnswered {
				continue
			}
			p.Todos = append(p.Todos, page.Todo{Severity: string(t.Severity), Title: v.T("notice.web.home.help", "name", t.Name), Href: "/tickets/" + t.ID,
				Why: v.T("notice.web.home.number", "number", t.Number), Due: page.Due{At: t.Due}, Act: v.T("notice.web.home.open")})
		}
	}
	return p, nil
}
