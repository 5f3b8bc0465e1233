package request

import (
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Pages registers the pages of requests to others: the list with its figures, one
// request with its mail, the form, the desk, and a carrier's orders.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /requests", func(q *httpd.Request) error { return showList(q, s) })
	pagesForm(r, s)
	pagesOne(r, s)
	pagesOrders(r, s)
	r.Live("GET /live/request", func(q *httpd.Request) (string, error) { return "request/" + q.Who.Org, nil })
}

// say draws words with the printer at hand.
type say struct{ text.Printer }

func (p say) state(s State) string { return p.T("request.state." + string(s)) }
func (p say) kind(k Kind) string   { return p.T("request.kind." + string(k)) }
func (p say) harm(h Harm) string   { return p.T("request.harm." + string(h)) }

// stateTag is how a state looks.
var stateTag = map[State]string{Drafted: "draft", Checked: "attend", Sending: "watch", Undelivered: "act", Sent: "ai", NoAnswer: "act", Acknowledged: "watch", Refused: "attend", Acted: "good", Closed: "plain"}

// span is a span in words; none is a dash.
func (p say) span(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return p.Duration(d)
}

type row struct {
	ID, Number, Machine, Harm, Kind, Provider, State, Tag string
	Age                                                   string
	Due                                                   page.Due
}

type figureRow struct {
	Name, Share, Median, Ninth, Oldest string
	Sent, Answered, Gone, Open         int
}

type listView struct {
	Head   page.Head
	List   *page.List
	Rows   []row
	Empty  *page.Empty
	Total  figureRow
	Kinds  []figureRow
	Others []figureRow
	Cut    bool
	Since  string
}

func (p say) row(x *Listed, now time.Time) row {
	v := row{ID: x.ID, Number: x.Number, Machine: x.Machine, Harm: p.harm(x.Harm), Kind: p.kind(x.Kind), Provider: x.Provider, State: p.state(x.State), Tag: stateTag[x.State]}
	switch {
	case !x.GoneAt.IsZero() && !x.SentAt.IsZero():
		v.Age = p.T("request.web.took", "time", p.span(max(time.Minute, x.GoneAt.Sub(x.SentAt))))
	case !x.SentAt.IsZero() && x.State != Closed:
		v.Age = p.T("request.web.since", "time", p.span(now.Sub(x.SentAt)))
	}
	if x.State == Sent || x.State == Acknowledged {
		v.Due = page.Due{At: x.NextAt}
	}
	return v
}

func (p say) figure(name string, f Figure) figureRow {
	v := figureRow{Name: name, Sent: f.Sent, Answered: f.Answered, Gone: f.Gone, Open: f.Open, Median: p.span(f.Median), Ninth: p.span(f.Ninth), Oldest: p.span(f.Oldest)}
	if f.Sent > 0 {
		v.Share = p.T("request.web.share", "percent", (f.Answered*100+f.Sent/2)/f.Sent)
	}
	return v
}

// showList is what an organisation asks others, with how it went so far.
func showList(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, next, err := s.List(q.Context(), Filter{State: State(q.Query("state")), Kind: Kind(q.Query("kind")), Case: q.Query("case"), Late: q.Query("late") == "1", Open: q.Query("closed") != "1" && q.Query("state") == "", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	f, err := s.Figures(q.Context())
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("request.web.title"), Lead: p.T("request.web.lead")}, Cut: f.Cut, Since: p.T("request.web.figures_since", "day", p.Date(f.Since)), Total: p.figure(p.T("request.figure.all"), f.Total)}
	if Access.Reach(q.Who, "request.list") == gate.All {
		v.Head.Lead = p.T("request.web.lead_watch")
	}
	if Access.May(q.Context(), "request.draft") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("request.web.new"), Href: "/requests/new", Kind: "primary", Icon: "mail"})
	}
	if Access.May(q.Context(), "request.desk") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("request.web.desk"), Href: "/requests/desk"})
	}
	for i := range list {
		v.Rows = append(v.Rows, p.row(&list[i], q.Now()))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("request.web.empty"), Say: p.T("request.web.empty_say")}
	}
	for _, x := range f.Kinds {
		v.Kinds = append(v.Kinds, p.figure(p.kind(x.Kind), x))
	}
	for _, x := range f.Providers {
		v.Others = append(v.Others, p.figure(x.Provider, x))
	}
	v.List = &page.List{Path: "/requests", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("request.web.machine")}, {Title: p.T("request.web.to")}, {Title: p.T("request.web.state")}, {Title: p.T("request.web.age")}}}
	v.List.Filters = []page.Filter{{Name: "late", Value: "1", Label: p.T("request.web.late"), Count: -1}}
	for _, st := range []State{Drafted, Checked, Sent, Acted} {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.state(st), Count: -1})
	}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "closed", Value: "1", Label: p.T("request.web.closed_too"), Count: -1})
	return render(q, "request/list", v.Head.H1, v, nil)
}

func render(q *httpd.Request, name, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = "requests", page.Desk, "/live/request"
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
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Unmet, fault.Usage, fault.Busy:
		return true
	}
	return false
}

// homeRows is how many requests the first page names.
const homeRows = 5

// Home gathers what requests want of whoever asks: a mail to be read and sent, one
// that did not arrive, one that nobody answered; of a carrier, orders to confirm and
// to report on.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if Access.May(q.Context(), "request.orders") {
		return homeOrders(q, s)
	}
	if Access.Reach(q.Who, "request.draft") != gate.Own {
		return part, nil
	}
	p := say{q.Printer}
	for _, st := range []State{Undelivered, Checked, NoAnswer} {
		list, _, err := s.List(q.Context(), Filter{State: st, Limit: homeRows})
		if err != nil {
			return part, err
		}
		for i := range list {
			x := &list[i]
			if st == Checked && x.writer == q.Who.Person { // another sends it
				continue
			}
			part.Todos = append(part.Todos, page.Todo{Severity: map[State]string{Undelivered: "act", Checked: "attend", NoAnswer: "attend"}[st], Title: p.T("request.home."+string(st), "number", x.Number), Href: "/requests/" + x.ID,
				Why: x.Machine + "　" + p.harm(x.Harm), Act: p.T("request.home.open")})
		}
	}
	return part, nil
}
