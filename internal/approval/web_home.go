package approval

import (
	"cmp"
	"slices"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeRows is how many cases the first page names.
const homeRows = 5

// Home gathers what approvals want of whoever asks: questions to answer, cases
// to examine, to vote on and to close, approvals one may carry out and those
// that end soon, those that were ended of late, instructions to confirm and to
// stop, new decisions to look at.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	p := say{q.Printer}
	if carries(q) {
		list, _, err := s.Instructions(q.Context(), Filter{Waiting: true, Limit: 50})
		slices.SortStableFunc(list, func(a, b Instructed) int { return cmp.Compare(running(a), running(b)) })
		for _, x := range list[:min(len(list), homeRows)] {
			if x.State != Approved {
				part.Todos = append(part.Todos, page.Todo{Severity: "act", Title: p.T("approval.home.stop", "link", x.Link), Href: "/instructions/" + x.Approval, Why: p.T("approval.home.stop_why", "number", x.Number), Due: page.Due{At: x.EndedAt, Word: p.T("approval.home.at_once")}, Act: p.T("approval.home.open")})
				continue
			}
			part.Todos = append(part.Todos, page.Todo{Severity: "act", Title: p.T("approval.home.confirm", "link", x.Link), Href: "/instructions/" + x.Approval, Why: x.Number + " " + p.basis(x.Kind), Due: page.Due{At: x.Until}, Act: p.T("approval.home.open")})
		}
		return part, err
	}
	if !may(q, "approval.list") {
		return part, nil
	}
	by := sideOf(q.Who)
	f := Filter{Waiting: true, Limit: homeRows}
	if by == WatchSide {
		f = Filter{State: Approved, Limit: homeRows}
	}
	list, names, _, err := s.List(q.Context(), f)
	if err != nil {
		return part, err
	}
	for _, c := range list {
		t := page.Todo{Severity: "attend", Title: p.T("approval.home."+string(by), "number", c.Number, "kind", p.kind(c.Asked.Kind)), Href: "/approvals/" + c.ID, Why: p.T("approval.web.asked_by", "org", names[c.Org]), Act: p.T("approval.home.open"),
			Due: page.Due{At: c.Until}}
		switch by {
		case AskerSide:
			t.Severity, t.Due = "act", page.Due{At: c.Asked.From}
		case ExaminerSide, MemberSide:
			t.Due = page.Due{At: c.Asked.From} // decided later, its period runs without it
		case HandlerSide, WatchSide:
			t.Severity = "watch"
		}
		part.Todos = append(part.Todos, t)
	}
	if by == AskerSide || by == HandlerSide || by == WatchSide {
		over, _, _, err := s.List(q.Context(), Filter{Ended: true, Limit: homeRows})
		if err != nil {
			return part, err
		}
		for _, c := range over {
			part.Todos = append(part.Todos, page.Todo{Severity: "attend", Title: p.T("approval.home.over", "number", c.Number, "kind", p.kind(c.Asked.Kind), "state", p.state(c.State)), Href: "/approvals/" + c.ID, Why: p.confirmed(&c), Due: page.Due{At: c.EndedAt, Word: p.state(c.State), Off: true}, Act: p.T("approval.home.open")})
		}
	}
	if by != AskerSide {
		return part, nil
	}
	running, _, _, err := s.Calendar(q.Context(), "", homeRows)
	for _, c := range running {
		if s.Rules.soon(c.Until, q.Now()) {
			part.Todos = append(part.Todos, page.Todo{Severity: "watch", Title: p.T("approval.home.ends", "number", c.Number, "kind", p.kind(c.Asked.Kind)), Href: "/approvals/" + c.ID, Why: p.T("approval.home.ends_why"), Due: page.Due{At: c.Until}, Act: p.T("approval.home.open")})
		}
	}
	return part, err
}

// running orders instructions: what is to be stopped comes first.
func running(x Instructed) int {
	if x.State == Approved {
		return 1
	}
	return 0
}
