package measure

import (
	"slices"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
)

// Pages registers the pages of measures: what waits, a case as far as who looks
// may see it, a form for every act, and one of its own for every paper.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /measures", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /measures/{id}", func(q *httpd.Request) error { return showCase(q, s, nil) })
	r.Page("GET /measures/{id}/acts", func(q *httpd.Request) error { return showActs(q, s) })
	pagesActs(r, s)
	pagesPapers(r, s)
	r.Live("GET /live/measure", func(q *httpd.Request) (string, error) {
		return "measure/" + q.Who.Org, s.Watch(q.Context())
	})
}

// say draws words with the printer at hand.
type say struct{ text.Printer }

func (p say) state(s State) string { return p.T("measure.state." + string(s)) }
func (p say) act(a string) string  { return p.T("measure.act." + a) }
func (p say) body(b Body) string   { return p.T("measure.body." + string(b)) }

// stateTag is how a state looks.
var stateTag = map[State]string{Consulting: "ai", Pending: "ai", Approved: "good", Declined: "act", Declared: "act", Authorised: "watch", Executing: "act", Executed: "good", Stopped: "attend", Closed: "plain", Dropped: "plain"}

func tagOf(s State) string {
	if t := stateTag[s]; t != "" {
		return t
	}
	return "watch"
}

type listRow struct {
	ID, Number, Title, Org, Body, State, Tag, Notice string
	Late                                             bool
	Hours, Waits                                     string
}

type listView struct {
	Head  page.Head
	List  *page.List
	Rows  []listRow
	Empty *page.Empty
	Ratio string
}

// showList is the list of cases, each by its chain of command.
func showList(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	f := Filter{State: State(q.Query("state")), Late: q.Query("late") == "1", Waits: q.Query("waits") == "1", Cursor: q.Query("after"), Limit: 50}
	list, names, next, err := s.List(q.Context(), f)
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("measure.web.title"), Lead: p.T("measure.web.lead")}}
	if Access.May(q.Context(), "measure.open") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("measure.act.open"), Href: "/measures/new", Kind: "primary", Icon: "document"})
	}
	if channel.Access.May(q.Context(), "channel.list") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("measure.web.ways"), Href: "/channels", Kind: "small", Icon: "mail"})
	}
	for _, x := range list {
		row := listRow{ID: x.Chain.ID, Number: x.Case.Number, Title: x.Case.Threat.Title, Org: names[x.Chain.Org], Body: p.body(x.Chain.Facts.Body), State: p.state(x.Chain.State), Tag: tagOf(x.Chain.State), Late: x.Late}
		if x.Chain.Facts.Notice != "" {
			row.Notice = p.T("measure.notice." + string(x.Chain.Facts.Notice))
		}
		if !x.Chain.Until.IsZero() {
			row.Hours = p.Short(x.Chain.From, q.Now()) + " – " + p.Short(x.Chain.Until, q.Now())
		}
		if x.Waits != "" {
			row.Waits = p.act(x.Waits)
		}
		v.Rows = append(v.Rows, row)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("measure.web.empty"), Say: p.T("measure.web.empty_say")}
	}
	by := sideOf(q.Who)
	if by == MemberSide || by == WatchSide {
		r, err := s.Ratio(q.Context())
		if err != nil {
			return err
		}
		v.Ratio = p.T("measure.web.ratio", "ordinary", r.Ordinary, "emergency", r.Emergency, "late", r.Late)
	}
	v.List = &page.List{Path: "/measures", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("measure.web.case")}, {Title: p.T("measure.web.unit")}, {Title: p.T("measure.web.state")}, {Title: p.T("measure.web.hours")}}}
	if by != WatchSide {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "waits", Value: "1", Label: p.T("measure.web.only_waits"), Count: -1})
	}
	if by.inside() {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "late", Value: "1", Label: p.T("measure.web.only_late"), Count: -1})
	}
	return render(q, "measure/list", v.Head.H1, v, nil)
}

func render(q *httpd.Request, name, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = "measures", page.Desk, "/live/measure"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render(name, shell, v)
}

// formFault reports whether an error belongs back on the form, and so does what
// the rules of measures refuse: it is on the record all the same.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Unmet:
		return true
	case fault.Refused:
		return strings.HasPrefix(fault.Of(err).Code, "measure.")
	}
	return false
}

// renamed names the places of a fault as the fields of a form are named: a list
// that is written as lines is one field.
func renamed(err error, prefix string, lists ...string) error {
	out := *fault.Of(err)
	out.Places = slices.Clone(out.Places)
	for i := range out.Places {
		at := out.Places[i].At
		if list, _, ok := strings.Cut(at, "/"); ok && slices.Contains(lists, list) {
			at = list
		}
		out.Places[i].At = prefix + at
	}
	return &out
}
