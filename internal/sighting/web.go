package sighting

import (
	"strconv"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// maxForm bounds the body of the form that adds evidence.
const maxForm = maxUpload + 1<<20

// Pages registers the pages of sightings.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /sightings", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /sightings/new", func(q *httpd.Request) error { return showForm(q, s, nil) })
	r.Page("POST /sightings", func(q *httpd.Request) error { return record(q, s) })
	r.Page("GET /sightings/{id}", func(q *httpd.Request) error { return showOne(q, s, nil) })
	r.Page("POST /sightings/{id}/withdraw", func(q *httpd.Request) error {
		if err := s.Withdraw(q.Context(), q.Path("id"), q.Form("why")); err != nil {
			return err
		}
		return q.Redirect("/sightings/" + q.Path("id"))
	})
	r.Page("POST /sightings/{id}/files", func(q *httpd.Request) error {
		f := q.File("file")
		if f == nil {
			return q.Redirect("/sightings/" + q.Path("id"))
		}
		if _, err := s.Attach(q.Context(), q.Path("id"), f.Reader(), f.Name); err != nil {
			if k := fault.KindOf(err); k == fault.Conflict || k == fault.TooLarge {
				return showOne(q, s, err)
			}
			return err
		}
		return q.Redirect("/sightings/" + q.Path("id"))
	}, httpd.MaxBody(maxForm))
	r.Page("GET /sightings/{id}/files/{file}", func(q *httpd.Request) error {
		m, content, err := s.Download(q.Context(), q.Path("id"), q.Path("file"))
		if err != nil {
			return err
		}
		defer content.Close()
		return q.Download(m.Name, "application/octet-stream", content)
	})
	r.Live("GET /live/sighting", func(q *httpd.Request) (string, error) { return "sighting/" + q.Who.Org, nil })
}

// row is a sighting in words.
type row struct {
	Sighting
	Kind, Origin, From string
}

func rowOf(p text.Printer, x Sighting, names map[org.ID]string) row {
	v := row{Sighting: x, Kind: p.T("sighting.kind." + string(x.What)), Origin: p.T("sighting.origin." + string(x.Origin)), From: p.T("sighting.web.hidden")}
	if x.Provenance != "" {
		v.Origin = p.T("sighting.web.selected", "origin", v.Origin, "provenance", p.T("sighting.provenance."+x.Provenance))
	}
	switch {
	case x.Mine:
		v.From = p.T("sighting.web.yours")
	case x.Org != "":
		v.From = names[org.ID(x.Org)]
	}
	return v
}

type listView struct {
	Head   page.Head
	List   *page.List
	Rows   []row
	Empty  *page.Empty
	Search string
}

func showList(q *httpd.Request, s *Service) error {
	p := q.Printer
	list, next, err := s.List(q.Context(), Filter{What: Kind(q.Query("what")), Value: q.Query("value"), Origin: Origin(q.Query("origin")), Withdrawn: q.Query("withdrawn") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	names, err := s.Names(q.Context(), list...)
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("sighting.web.title"), Lead: p.T("sighting.web.lead")}, Search: q.Query("value")}
	if Access.May(q.Context(), "sighting.record") {
		v.Head.Acts = []page.Act{{Text: p.T("sighting.web.add"), Href: "/sightings/new", Kind: "primary", Icon: "eye"}}
	}
	if len(list) == 0 && len(q.Queries()) == 0 {
		v.Empty = &page.Empty{Title: p.T("sighting.web.empty"), Say: p.T("sighting.web.empty_say")}
	}
	for _, x := range list {
		v.Rows = append(v.Rows, rowOf(p, x, names))
	}
	v.List = &page.List{Path: "/sightings", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("sighting.web.value")}, {Title: p.T("sighting.web.what")}, {Title: p.T("sighting.web.count"), Num: true}, {Title: p.T("sighting.web.last")}, {Title: p.T("sighting.web.origin")}, {Title: p.T("sighting.web.reporter")}, {Title: p.T("sighting.web.tlp")}}}
	for _, k := range Kinds {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "what", Value: string(k), Label: p.T("sighting.kind." + string(k)), Count: -1})
	}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "withdrawn", Value: "1", Label: p.T("sighting.web.withdrawn_too"), Count: -1})
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "sightings", page.Desk, "/live/sighting"
	return q.Render("sighting/list", shell, v)
}

type formView struct {
	Head   page.Head
	Fields []page.Field
}

// showForm is the form of a new sighting; with a fault it is the one that was
// sent, with all that was typed.
func showForm(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	if err := s.mayRecord(q.Context()); err != nil {
		return err
	}
	option := func(prefix string, ids ...string) (out []page.Option) {
		for _, id := range ids {
			out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
		}
		return out
	}
	var tlps, classes []page.Option
	for _, t := range TLPs {
		tlps = append(tlps, page.Option{Value: t, Label: "TLP:" + t})
	}
	for i := 0; i <= min(q.Who.Clearance, 3); i++ {
		classes = append(classes, page.Option{Value: strconv.Itoa(i), Label: p.T("page.clearance." + strconv.Itoa(i))})
	}
	v := formView{Head: page.Head{H1: p.T("sighting.web.add"), Crumbs: []page.Crumb{{Text: p.T("sighting.web.title"), Href: "/sightings"}, {Text: p.T("sighting.web.add")}}},
		Fields: []page.Field{
			{Name: "what", Kind: "choice", Label: p.T("sighting.web.what"), Need: page.Required, Options: option("sighting.kind.", string(Exploited), string(Indicator), string(Behaviour))},
			{Name: "value", Label: p.T("sighting.web.value"), Need: page.Required, Hint: p.T("sighting.web.value_hint"), Example: "CVE-2026-12345", Width: "wide"},
			{Name: "vulnerability", Label: p.T("sighting.web.vulnerability"), Need: page.Optional, Example: "CVE-2026-12345"},
			{Name: "count", Kind: "number", Label: p.T("sighting.web.count"), Need: page.Optional, Value: "1"},
			{Name: "first_at", Kind: "datetime", Label: p.T("sighting.web.first"), Need: page.Optional},
			{Name: "last_at", Kind: "datetime", Label: p.T("sighting.web.last"), Need: page.Optional},
			{Name: "note", Kind: "textarea", Label: p.T("sighting.web.note"), Need: page.Optional, Rows: 4, Limit: maxNote},
			{Name: "victim", Label: p.T("sighting.web.victim"), Need: page.Optional, Hint: p.T("sighting.web.victim_hint")},
			{Name: "tlp", Kind: "select", Label: p.T("sighting.web.tlp"), Options: tlps, Value: "AMBER"},
			{Name: "clearance", Kind: "select", Label: p.T("sighting.web.clearance"), Options: classes, Value: "0"},
			{Name: "named", Kind: "check", Label: p.T("sighting.web.named"), Hint: p.T("sighting.web.named_hint")},
		}}
	shell := q.Shell(v.Head.H1)
	shell.Key = "sightings"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("sighting/form", shell, v)
}

func record(q *httpd.Request, s *Service) error {
	form := q.Forms()
	n := New{What: Kind(q.Form("what")), Value: q.Form("value"), Vulnerability: q.Form("vulnerability"), Note: q.Form("note"), Victim: q.Form("victim"),
		TLP: q.Form("tlp"), Named: q.Form("named") == "on", Origin: ByHand}
	var places []fault.Place
	number := func(at string) int {
		if q.Form(at) == "" {
			return 0
		}
		i, err := strconv.Atoi(norm.NFKC.String(q.Form(at)))
		if err != nil {
			places = append(places, fault.Place{At: at, Code: "sighting.bad.count", Args: fault.Args{"max": maxCount}})
		}
		return i
	}
	n.Count, n.Clearance = number("count"), number("clearance")
	var bad *fault.Place
	if n.FirstAt, bad = page.ReadTime(form, "first_at"); bad != nil {
		places = append(places, *bad)
	}
	if n.LastAt, bad = page.ReadTime(form, "last_at"); bad != nil {
		places = append(places, *bad)
	}
	if len(places) > 0 {
		return showForm(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", len(places)).At(places...))
	}
	x, err := s.Record(q.Context(), n)
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return showForm(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/sightings/" + x.ID)
}

type oneView struct {
	Head  page.Head
	Row   row
	Facts page.Facts
	Add   bool
	Field page.Field
	Why   page.Field
}

func showOne(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	x, err := s.Get(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	names, err := s.Names(q.Context(), x)
	if err != nil {
		return err
	}
	v := oneView{Row: rowOf(p, x, names), Add: x.Mine && x.WithdrawnAt.IsZero() && Access.May(q.Context(), "sighting.attach"),
		Field: page.Field{Name: "file", Kind: "file", Label: p.T("sighting.web.file"), Need: page.Required}, Why: page.Field{Name: "why", Kind: "textarea", Label: p.T("sighting.web.why"), Need: page.Optional, Rows: 2}}
	v.Head = page.Head{H1: x.Value, Crumbs: []page.Crumb{{Text: p.T("sighting.web.title"), Href: "/sightings"}, {Text: v.Row.Kind}}}
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("sighting.web.what"), v.Row.Kind)
	add(p.T("sighting.type."+string(x.Type)), x.Value)
	add(p.T("sighting.web.vulnerability"), x.Vulnerability)
	add(p.T("sighting.web.count"), p.Number(int64(x.Count)))
	add(p.T("sighting.web.first"), p.Time(x.FirstAt))
	add(p.T("sighting.web.last"), p.Time(x.LastAt))
	add(p.T("sighting.web.origin"), v.Row.Origin)
	add(p.T("sighting.web.reporter"), v.Row.From)
	add(p.T("sighting.web.victim"), x.Victim)
	add(p.T("sighting.web.note"), x.Note)
	add(p.T("sighting.web.at"), p.Time(x.At))
	if !x.WithdrawnAt.IsZero() {
		add(p.T("sighting.web.withdrawn_at"), p.Time(x.WithdrawnAt))
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Handling = "sightings", &page.Handling{TLP: x.TLP, Clearance: x.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("sighting/one", shell, v)
}
