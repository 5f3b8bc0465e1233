package approval

import (
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

func pagesInstruction(r *httpd.Router, s *Service) {
	r.Page("GET /instructions", func(q *httpd.Request) error { return showInstructions(q, s) })
	r.Page("GET /instructions/{id}", func(q *httpd.Request) error { return showInstruction(q, s) })
	r.Page("GET /instructions/{id}/paper", func(q *httpd.Request) error {
		x, err := s.Instruction(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return q.Download("instruction.json", "application/json", strings.NewReader(x.Paper))
	})
	r.Page("POST /instructions/{id}/confirm", func(q *httpd.Request) error {
		do := s.Confirm
		if q.Form("stopped") == "1" { // what the page asked for: it may have ended since it was read
			do = s.ConfirmStopped
		}
		if _, err := do(q.Context(), q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/instructions/" + q.Path("id"))
	})
}

type instructionRow struct {
	ID, Number, Link, Basis, Cap, State, Tag, Period string
	Wait                                             string // for which confirmation
	Due                                              page.Due
}

func (p say) instruction(x Instructed) instructionRow {
	wait := ""
	switch {
	case x.State != Approved && x.StoppedAt.IsZero():
		wait = p.T("approval.web.to_stop")
	case x.State == Approved && x.ConfirmedAt.IsZero():
		wait = p.T("approval.web.to_confirm")
	}
	return instructionRow{ID: x.Approval, Number: x.Number, Link: x.Link, Basis: p.basis(x.Kind), Cap: p.quantity(x.Cap), State: p.T("approval.instruction." + string(x.State)), Tag: stateTag[x.State], Period: p.Time(x.From) + " – " + p.Time(x.Until),
		Wait: wait, Due: page.Due{At: x.Until, MetAt: x.EndedAt}}
}

type instructionsView struct {
	Head  page.Head
	List  *page.List
	Rows  []instructionRow
	Empty *page.Empty
}

// showInstructions lists what a carrier was instructed to do.
func showInstructions(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, next, err := s.Instructions(q.Context(), Filter{Waiting: q.Query("waiting") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := instructionsView{Head: page.Head{H1: p.T("approval.web.instructions"), Lead: p.T("approval.web.instructions_lead")}}
	for _, x := range list {
		v.Rows = append(v.Rows, p.instruction(x))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("approval.web.instructions_empty"), Say: p.T("approval.web.instructions_empty_say")}
	}
	v.List = &page.List{Path: "/instructions", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Filters: []page.Filter{{Name: "waiting", Value: "1", Label: p.T("approval.web.to_act"), Count: -1}},
		Columns: []page.Column{{Title: p.T("approval.web.link")}, {Title: p.T("approval.web.article")}, {Title: p.T("approval.web.period")}, {Title: p.T("approval.web.state")}}}
	return render(q, "approval/instructions", v.Head.H1, v, nil)
}

type instructionView struct {
	Head  page.Head
	ID    ID
	State string
	Tag   string
	Due   page.Due
	Facts page.Facts
	Ended string // how it ended, and that nothing more is to be sent
	Early string // when it begins, before it does
	Ask   bool   // for a confirmation: of receipt, or after the end of having stopped
	Done  []string
}

// showInstruction is one instruction: which line, on what basis, how long and
// how much, and the button that confirms it.
func showInstruction(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	x, err := s.Instruction(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	row := p.instruction(x)
	v := instructionView{ID: x.Approval, State: row.State, Tag: row.Tag, Due: row.Due, Ask: row.Wait != "",
		Head: page.Head{H1: p.T("approval.web.instruction_for", "link", x.Link), Lead: p.T("approval.web.instruction_lead"), Crumbs: []page.Crumb{{Text: p.T("approval.web.instructions"), Href: "/instructions"}, {Text: x.Number}}}}
	if !x.ConfirmedAt.IsZero() {
		v.Done = append(v.Done, p.T("approval.web.confirmed", "at", x.ConfirmedAt))
	}
	if x.State != Approved {
		v.Head.Lead, v.Ended = "", p.T("approval.web.instruction_over", "at", x.EndedAt, "state", row.State)
	}
	if !x.StoppedAt.IsZero() {
		v.Done = append(v.Done, p.T("approval.web.stopped", "at", x.StoppedAt))
	}
	if x.State == Approved && q.Now().Before(x.From) {
		v.Early, v.Due = p.T("approval.web.instruction_early", "at", x.From), page.Due{Word: p.T("approval.web.begins", "at", x.From)}
	}
	var ways []string
	for _, w := range x.Directions {
		ways = append(ways, p.T("approval.way."+w.String()))
	}
	left := ""
	if x.State == Approved {
		left = p.quantity(x.Left)
	}
	for _, f := range [][2]string{{"approval.web.article", row.Basis}, {"approval.web.direction", strings.Join(ways, ", ")}, {"approval.web.link", x.Link}, {"approval.web.period", row.Period}, {"approval.web.cap", row.Cap}, {"approval.left.cap", left},
		{"approval.web.number", x.Number}, {"approval.web.issued", p.Time(x.IssuedAt)}, {"approval.web.paper_id", x.Approval}, {"approval.web.contact", p.T("approval.web.contact_say", "office", x.Office, "number", x.Number)}, {"approval.web.signed_with", p.T("approval.web.signed_say", "key", x.Key)}} {
		if f[1] != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T(f[0]), Value: f[1]})
		}
	}
	return render(q, "approval/instruction", v.Head.H1, v, nil)
}
