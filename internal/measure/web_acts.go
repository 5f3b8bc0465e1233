package measure

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type actsView struct {
	Head page.Head
	List *page.List
	Rows []actRow
}

type actRow struct {
	Step page.Step
	Org  string
}

// showActs is the whole history of a chain of command, page by page, the last act
// first.
func showActs(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	id := q.Path("id")
	list, names, next, err := s.Past(q.Context(), id, q.Query("after"), shown)
	if err != nil {
		return err
	}
	v := actsView{Head: page.Head{H1: p.T("measure.web.past"), Crumbs: []page.Crumb{{Text: p.T("measure.web.title"), Href: "/measures"}, {Text: p.T("measure.web.case"), Href: "/measures/" + id}, {Text: p.T("measure.web.past")}}}}
	for i := range list {
		v.Rows = append(v.Rows, actRow{p.step(&list[i]), names[list[i].Org]})
	}
	v.List = &page.List{Path: "/measures/" + id + "/acts", Query: q.Queries(), Next: next, Size: shown, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("measure.web.at")}, {Title: p.T("measure.web.act")}, {Title: p.T("measure.web.who")}}}
	return render(q, "measure/acts", v.Head.H1, v, nil)
}

// step is one act of the history in words.
func (p say) step(h *Past) page.Step {
	st := page.Step{Kind: "done", At: h.At, What: p.T("measure.web.by_side", "what", p.act(h.Act), "who", p.T("measure.side."+string(h.By)))}
	if words, ok := h.Said.(string); ok && !named(h.Act) && h.Act != "invite" {
		st.Note = words
	} else if m, ok := h.Said.(map[string]any); ok {
		st.Note, _ = m["text"].(string)
	}
	return st
}
