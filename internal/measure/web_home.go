package measure

import (
	"context"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeRows is how many cases the first page names, and homePages how many pages of
// those that may wait are looked through for them.
const (
	homeRows  = 10
	homePages = 20
)

// Home gathers what measures want of whoever asks: what waits for them, and what
// is past its time; for all but the commission also what else is under way that
// they have to do with.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "measure.list") {
		return part, nil
	}
	p, by := say{q.Printer}, sideOf(q.Who)
	seen := map[ID]bool{}
	for cursor, n := "", 0; n < homePages && len(part.Todos) < homeRows; n++ {
		list, _, next, err := s.List(q.Context(), Filter{Waits: true, Going: true, Cursor: cursor, Limit: 50})
		if err != nil {
			return part, err
		}
		for i := range list {
			if x := &list[i]; (x.Waits != "" || x.Late) && len(part.Todos) < homeRows {
				seen[x.Chain.ID] = true
				part.Todos = append(part.Todos, p.todo(x))
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if by == MemberSide || by == WatchSide || len(part.Todos) >= homeRows {
		return part, nil
	}
	list, _, _, err := s.List(q.Context(), Filter{Going: true, Limit: homeRows})
	for i := range list {
		if x := &list[i]; !seen[x.Chain.ID] && len(part.Todos) < homeRows {
			part.Todos = append(part.Todos, p.todo(x))
		}
	}
	return part, err
}

// Waiting counts, for the menu, the cases that wait for who looks, up to a page of
// them, and says whether something is past its time. Who has nothing to do with
// measures waits for nothing.
func Waiting(ctx context.Context, s *Service) (n int, late bool, err error) {
	if !Access.May(ctx, "measure.list") {
		return 0, false, nil
	}
	list, _, _, err := s.List(ctx, Filter{Waits: true, Going: true, Limit: 50})
	for _, x := range list {
		if x.Waits != "" || x.Late {
			n++
		}
		late = late || x.Late
	}
	return n, late, err
}

// todo is a case as a thing to do.
func (p say) todo(x *Listed) page.Todo {
	c := &x.Chain
	t := page.Todo{Severity: "watch", Title: p.T("measure.home.state", "number", x.Case.Number, "state", p.state(c.State)), Href: "/measures/" + c.ID, Why: x.Case.Threat.Title, Act: p.T("measure.home.open")}
	switch {
	case x.Waits != "":
		t.Severity = "act"
		if !x.Late && (x.Waits == "weigh" || x.Waits == "confirm" || x.Waits == "close" || x.Waits == "review") {
			t.Severity = "attend" // days are left
		}
		t.Title, t.Href = p.T("measure.home.act", "number", x.Case.Number, "act", p.act(x.Waits)), t.Href+"#"+c.ID
		if x.Waits == "second" && !c.declared() { // the command may as well wait for the commission
			t.Severity, t.Title = "attend", p.T("measure.home.sign", "number", x.Case.Number)
		}
	case x.Late:
		t.Severity, t.Title = "attend", p.T("measure.home.late", "number", x.Case.Number)
	}
	switch c.Facts.Notice {
	case Due:
		t.Due = page.Due{At: c.NoticeDueAt}
	case Noticed:
		t.Due = page.Due{At: c.ReviewDueAt}
	}
	return t
}
