package vendor

import (
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Pages registers the pages of requests to makers: the coordinator's desk, the
// maker's desk, and what a ministry sees.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /vendor", func(q *httpd.Request) error { return showDesk(q, s) })
	r.Page("GET /vendor/products", func(q *httpd.Request) error { return showProducts(q, s) })
	pagesCase(r, s)
	pagesRequest(r, s)
	r.Live("GET /live/vendor", func(q *httpd.Request) (string, error) { return "vendor/" + q.Who.Org, nil })
}

// stateTag is how a state looks.
var stateTag = map[State]string{Reported: "plain", Triaged: "ai", RequestSent: "ai", NoAnswer: "act", Declined: "attend", Accepted: "watch", FixPlanned: "watch",
	FixReleased: "attend", UsersNotified: "good", Closed: "plain"}

// statusTag is how a status looks.
var statusTag = map[Status]string{Affected: "act", Unknown: "attend", NotChecked: "plain", NotAffected: "good"}

// say draws words with the printer at hand.
type say struct{ text.Printer }

func (p say) state(s State) string   { return p.T("vendor.state." + string(s)) }
func (p say) status(s Status) string { return p.T("vendor.status." + string(s)) }

// reach is how far who looks reaches.
func reach(q *httpd.Request) gate.Reach { return Access.Reach(q.Who, "vendor.list") }

func may(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// rowView is a request in words.
type rowView struct {
	Shut                                    bool // the reader may know of it, and not open it
	ID, Number, Title, Vulnerability, Maker string
	State, Tag                              string
	Due                                     page.Due
	Waits                                   bool
	Counts                                  []countView
	Silent                                  string
}

type countView struct {
	Tag, Word string
	N         int
}

func (p say) counts(c Counts) (out []countView) {
	for _, s := range Statuses {
		if c[s] > 0 {
			out = append(out, countView{statusTag[s], p.status(s), c[s]})
		}
	}
	return out
}

// day is a day that was written as YYYY-MM-DD, in words.
func (p say) day(iso string) string {
	t, err := time.ParseInLocation(time.DateOnly, iso, p.Zone)
	if err != nil {
		return iso
	}
	return p.Date(t)
}

// due is the clock of a request: its answer, its fix, or nothing more.
func (p say) due(r Request) page.Due {
	switch {
	case r.DueAt.IsZero():
		return page.Due{Word: p.T("vendor.web.no_due")}
	case r.State == RequestSent || r.State == NoAnswer || r.State == Accepted || r.State == FixPlanned:
		return page.Due{At: r.DueAt}
	case r.State == Declined:
		return page.Due{At: r.DueAt, MetAt: r.AnsweredAt, Word: p.T("vendor.web.due_answered")}
	case !r.ReleasedAt.IsZero():
		return page.Due{At: r.DueAt, MetAt: r.ReleasedAt, Word: p.T("vendor.web.due_released")}
	}
	return page.Due{Word: p.T("vendor.web.no_due")}
}

func (p say) row(x Row, names map[string]string, side Side, now time.Time) rowView {
	v := rowView{ID: x.Request.ID, Number: x.Case.Number, Title: x.Case.Title, Vulnerability: x.Case.Vulnerability, Maker: names[x.Request.Org], State: p.state(x.Request.State),
		Tag: stateTag[x.Request.State], Due: p.due(x.Request), Waits: x.Request.WaitsFor == side, Counts: p.counts(x.Counts)}
	if v.Shut = x.Case.Closed; v.Shut {
		v.Title = p.T("vendor.web.embargoed")
	}
	if d := x.Request.Silent(now); d > 0 {
		v.Silent = p.T("vendor.web.silent", "time", p.Duration(d))
	}
	return v
}

type deskView struct {
	Head  page.Head
	List  *page.List
	Rows  []rowView
	Empty *page.Empty
	Mine  bool
}

// showDesk is the list of requests by deadline.
func showDesk(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	rows, names, next, err := s.List(q.Context(), Filter{State: State(q.Query("state")), Vulnerability: strings.ToUpper(q.Query("vulnerability")), Waiting: q.Query("waiting") == "1",
		Done: q.Query("done") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	at := reach(q)
	v := deskView{Mine: at == gate.Addressed, Head: page.Head{H1: p.T("vendor.web.title"), Lead: p.T("vendor.web.lead")}}
	if v.Mine {
		v.Head.Lead = p.T("vendor.web.lead_maker")
	}
	if may(q, "vendor.start") {
		start := page.Act{Text: p.T("vendor.web.start"), Href: "/vendor/cases/new", Icon: "flag", Kind: "primary"}
		if v.Mine {
			start.Text, start.Kind = p.T("vendor.web.start_maker"), ""
			v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("vendor.web.own_products"), Href: "/vendor/products", Icon: "box"}, page.Act{Text: p.T("vendor.web.folder"), Href: "/vendor/folder", Icon: "down"})
		}
		v.Head.Acts = append(v.Head.Acts, start)
	}
	if !v.Mine {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("vendor.web.cases"), Href: "/vendor/cases", Icon: "list"})
	}
	for _, x := range rows {
		v.Rows = append(v.Rows, p.row(x, names, sideOf(at), q.Now()))
	}
	if len(rows) == 0 {
		v.Empty = &page.Empty{Title: p.T("vendor.web.empty"), Say: p.T("vendor.web.empty_say")}
	}
	v.List = &page.List{Path: "/vendor", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(rows), Total: -1, Columns: []page.Column{{Title: p.T("vendor.web.case")}, {Title: p.T("vendor.web.maker")},
		{Title: p.T("vendor.web.state")}, {Title: p.T("vendor.web.products")}, {Title: p.T("vendor.web.due")}}}
	v.List.Filters = []page.Filter{{Name: "waiting", Value: "1", Label: p.T("vendor.web.waiting"), Count: -1}}
	for _, st := range []State{NoAnswer, RequestSent, Accepted, FixPlanned, FixReleased} {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.state(st), Count: -1})
	}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "done", Value: "1", Label: p.T("vendor.web.done_too"), Count: -1})
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "vendor", page.Desk, "/live/vendor"
	return q.Render("vendor/desk", shell, v)
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

// zones are those offered for an embargo; the agreed one is always shown.
var zones = []string{"Asia/Tokyo", "UTC", "America/New_York", "America/Los_Angeles", "Europe/Brussels", "Europe/London", "Asia/Singapore", "Australia/Sydney"}

func zoneOptions(also string) (out []page.Option) {
	list := zones
	if also != "" && !slices.Contains(list, also) {
		list = append(slices.Clone(list), also)
	}
	for _, z := range list {
		out = append(out, page.Option{Value: z, Label: z})
	}
	return out
}

func (p say) options(prefix string, ids ...string) (out []page.Option) {
	for _, id := range ids {
		out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
	}
	return out
}
