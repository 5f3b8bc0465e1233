package approval

import (
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Pages registers the pages of approvals: the list and the calendar, the case
// file with the acts open to each side, the form to ask, the uses of an
// approval, and the carrier's instructions.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /approvals", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /approvals/calendar", func(q *httpd.Request) error { return showCalendar(q, s) })
	pagesAsk(r, s)
	pagesCase(r, s)
	pagesInstruction(r, s)
	r.Live("GET /live/approval", func(q *httpd.Request) (string, error) { return "approval/" + q.Who.Org, nil })
}

func may(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// carries reports whether who looks has instructions and nothing else.
func carries(q *httpd.Request) bool {
	return Access.Reach(q.Who, "approval.list") == gate.None && may(q, "approval.instruct")
}

type listRow struct {
	ID, Number, Kind, Org, Link, State, Tag, Share, Cap string
	Period                                              string
	Due                                                 page.Due
	Open                                                int
	Soon, Unconfirmed                                   bool
}

func (s *Service) row(p say, c Case, names map[string]string, now time.Time) listRow {
	v := listRow{ID: c.ID, Number: c.Number, Kind: p.kind(c.Asked.Kind), Org: names[c.Org], Link: c.Asked.Link, State: p.state(c.State), Tag: stateTag[c.State], Share: p.ofLine(&c),
		Cap: p.limit(c.Cap), Period: p.Date(c.Asked.From) + " – " + p.Date(c.Until), Open: c.Open}
	v.Due = page.Due{At: c.Until}
	if c.State != Approved {
		v.Due = page.Due{At: c.Until, MetAt: c.EndedAt, Word: p.T("approval.web.until")}
	}
	v.Soon = c.State == Approved && s.Rules.soon(c.Until, now)
	v.Unconfirmed = c.State == Approved && c.Asked.Carrier != "" && c.ConfirmedAt.IsZero()
	return v
}

type listView struct {
	Head     page.Head
	List     *page.List
	Rows     []listRow
	Empty    *page.Empty
	Calendar bool
}

// showList is the list of cases by state.
func showList(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	if carries(q) {
		return q.Redirect("/instructions")
	}
	list, names, next, err := s.List(q.Context(), Filter{State: State(q.Query("state")), Kind: Kind(q.Query("kind")), Waiting: q.Query("waiting") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("approval.web.title"), Lead: p.T("approval.web.lead")}}
	v.Head.Acts = []page.Act{{Text: p.T("approval.web.calendar"), Href: "/approvals/calendar", Icon: "calendar"}}
	if may(q, "approval.ask") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("approval.web.ask"), Href: "/approvals/new", Icon: "document", Kind: "primary"})
	}
	for _, c := range list {
		v.Rows = append(v.Rows, s.row(p, c, names, q.Now()))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("approval.web.empty"), Say: p.T("approval.web.empty_say")}
	}
	v.List = &page.List{Path: "/approvals", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("approval.web.case")}, {Title: p.T("approval.web.link")},
		{Title: p.T("approval.web.state")}, {Title: p.T("approval.web.cap"), Num: true}, {Title: p.T("approval.web.period")}}}
	if sideOf(q.Who) != WatchSide {
		v.List.Filters = []page.Filter{{Name: "waiting", Value: "1", Label: p.T("approval.web.waiting"), Count: -1}}
	}
	for _, st := range []State{Asked, Examined, Approved, Declined, Expired, Revoked} {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.state(st), Count: -1})
	}
	for _, k := range slices.Concat(Kinds, MeasureKinds, []Kind{Agreement}) {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "kind", Value: string(k), Label: p.kind(k), Count: -1})
	}
	return render(q, "approval/list", v.Head.H1, v, nil)
}

// showCalendar is what ends when: approvals in force, the next end in front.
func showCalendar(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, names, next, err := s.Calendar(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := listView{Calendar: true, Head: page.Head{H1: p.T("approval.web.calendar"), Lead: p.T("approval.web.calendar_lead"), Crumbs: []page.Crumb{{Text: p.T("approval.web.title"), Href: "/approvals"}, {Text: p.T("approval.web.calendar")}}}}
	for _, c := range list {
		v.Rows = append(v.Rows, s.row(p, c, names, q.Now()))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("approval.web.calendar_empty"), Say: p.T("approval.web.calendar_empty_say")}
	}
	v.List = &page.List{Path: "/approvals/calendar", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("approval.web.case")}, {Title: p.T("approval.web.link")},
		{Title: p.T("approval.web.state")}, {Title: p.T("approval.web.cap"), Num: true}, {Title: p.T("approval.web.until")}}}
	return render(q, "approval/list", v.Head.H1, v, nil)
}

// render draws a page of approvals, with a fault where there is one.
func render(q *httpd.Request, name, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = "approval", page.Desk, "/live/approval"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render(name, shell, v)
}

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Usage, fault.Unmet:
		return true
	}
	return false
}

func (p say) options(prefix string, ids ...string) (out []page.Option) {
	for _, id := range ids {
		out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
	}
	return out
}
