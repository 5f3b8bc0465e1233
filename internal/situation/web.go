package situation

import (
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// Pages registers the pages of situation rooms.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /situations", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /situations/new", func(q *httpd.Request) error { return showOpen(q, s, nil) })
	r.Page("POST /situations", func(q *httpd.Request) error { return open(q, s) })
	pagesRoom(r, s)
	pagesTask(r, s)
	r.Page("GET /situations/{id}/reports/{version}", func(q *httpd.Request) error { return showReport(q, s) })
	r.Live("GET /live/situation", func(q *httpd.Request) (string, error) { return "situation/" + q.Who.Org, nil })
}

// say draws words with the printer at hand.
type say struct{ text.Printer }

func may(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Unmet:
		return true
	}
	return false
}

// taskTag is how a task's state looks.
var taskTag = map[TaskState]string{Todo: "plain", Started: "ai", Done: "good", Cannot: "attend", Cancelled: "plain"}

func (p say) task(t TaskState) string { return p.T("situation.task." + string(t)) }

func (p say) options(prefix string, ids ...string) (out []page.Option) {
	for _, id := range ids {
		out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
	}
	return out
}

func labels() (out []page.Option) {
	for _, t := range TLPs {
		out = append(out, page.Option{Value: t, Label: "TLP:" + t})
	}
	return out
}

type listView struct {
	Head  page.Head
	List  *page.List
	Rows  []listRow
	Empty *page.Empty
}

type listRow struct {
	Event Event
	Next  page.Due
	Mine  bool
}

// clock is when the next report is due.
func (p say) clock(e Event) page.Due {
	switch {
	case e.State == Closed:
		return page.Due{At: e.ClosedAt, MetAt: e.ClosedAt, Word: p.T("situation.web.closed")}
	case e.NextAt.IsZero():
		return page.Due{Word: p.T("situation.web.no_beat")}
	}
	return page.Due{At: e.NextAt}
}

func showList(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, next, err := s.List(q.Context(), q.Query("closed") == "1", q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("situation.web.title"), Lead: p.T("situation.web.lead")}}
	if may(q, "situation.open") {
		v.Head.Acts = []page.Act{{Text: p.T("situation.web.open"), Href: "/situations/new", Kind: "primary", Icon: "flag"}}
	}
	for _, e := range list {
		v.Rows = append(v.Rows, listRow{e, p.clock(e), e.Org == q.Who.Org})
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("situation.web.empty"), Say: p.T("situation.web.empty_say")}
	}
	v.List = &page.List{Path: "/situations", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("situation.web.event")}, {Title: p.T("situation.web.opened")}, {Title: p.T("situation.web.next")}, {Title: "TLP"}},
		Filters: []page.Filter{{Name: "closed", Value: "1", Label: p.T("situation.web.closed_too"), Count: -1}}}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "situations", page.Desk, "/live/situation"
	return q.Render("situation/list", shell, v)
}

type formView struct {
	Head   page.Head
	Fields []page.Field
}

func showOpen(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	if err := s.admit(q.Context()); err != nil {
		return err
	}
	var classes []page.Option
	for i := range min(q.Who.Clearance, 3) + 1 {
		n := string(rune('0' + i))
		classes = append(classes, page.Option{Value: n, Label: p.T("page.clearance." + n)})
	}
	v := formView{Head: page.Head{H1: p.T("situation.web.open"), Lead: p.T("situation.web.open_lead"), Crumbs: []page.Crumb{{Text: p.T("situation.web.title"), Href: "/situations"}, {Text: p.T("situation.web.open")}}},
		Fields: []page.Field{{Name: "title", Label: p.T("situation.web.name"), Need: page.Required, Limit: maxTitle, Width: "wide", Hint: p.T("situation.web.name_hint")},
			{Name: "summary", Kind: "textarea", Label: p.T("situation.web.summary"), Need: page.Optional, Rows: 5, Limit: maxWords},
			{Name: "about", Kind: "textarea", Label: p.T("situation.web.about"), Need: page.Optional, Rows: 2, Hint: p.T("situation.web.about_hint"), Example: "CVE-2026-12345"},
			{Name: "every_hours", Kind: "number", Label: p.T("situation.web.every"), Need: page.Optional, Value: "6", Unit: p.T("situation.web.hours"), Hint: p.T("situation.web.every_hint")},
			{Name: "tlp", Kind: "select", Label: "TLP", Options: labels(), Value: "AMBER"},
			{Name: "clearance", Kind: "select", Label: p.T("situation.web.clearance"), Options: classes, Value: "0"}}}
	shell := q.Shell(v.Head.H1)
	shell.Key = "situations"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("situation/form", shell, v)
}

func open(q *httpd.Request, s *Service) error {
	n := NewEvent{Title: q.Form("title"), Summary: q.Form("summary"), About: strings.Fields(strings.NewReplacer(",", " ", "、", " ").Replace(q.Form("about"))), TLP: q.Form("tlp")}
	var ok, ok2 bool
	n.EveryHours, ok = whole(q.Form("every_hours"))
	n.Clearance, ok2 = whole(q.Form("clearance"))
	if !ok || !ok2 {
		return showOpen(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "every_hours", Code: "situation.bad.every", Args: fault.Args{"max": maxEvery}}))
	}
	e, err := s.Open(q.Context(), n)
	if formFault(err) {
		return showOpen(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/situations/" + e.ID)
}

// messageLine is a message in words.
type messageLine struct {
	thread.Message
	Who     string
	To      string
	Waiting bool
}

func (p say) messages(list []thread.Message, names map[string]string, lead string) (out []messageLine) {
	for _, m := range list {
		l := messageLine{Message: m, Who: names[m.From], Waiting: m.Kind == thread.Question && m.AnsweredAt.IsZero()}
		if m.From == lead {
			l.To = names[m.With]
		}
		out = append(out, l)
	}
	return out
}

func (p say) sayFields() []page.Field {
	return []page.Field{{Name: "text", Kind: "textarea", Label: p.T("situation.web.message"), Need: page.Required, Rows: 3, Limit: thread.MaxText},
		{Name: "kind", Kind: "select", Label: p.T("situation.web.kind"), Value: "note", Options: p.options("situation.kind.", "question", "answer", "note")}}
}
