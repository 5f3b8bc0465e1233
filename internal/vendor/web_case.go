package vendor

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

func pagesCase(r *httpd.Router, s *Service) {
	r.Page("GET /vendor/cases", func(q *httpd.Request) error { return showCases(q, s) })
	r.Page("GET /vendor/cases/new", func(q *httpd.Request) error { return showStart(q, s, nil) })
	r.Page("POST /vendor/cases", func(q *httpd.Request) error { return start(q, s) })
	r.Page("GET /vendor/cases/{id}", func(q *httpd.Request) error { return showCase(q, s, nil) })
	r.Page("POST /vendor/cases/{id}/makers", func(q *httpd.Request) error {
		x, err := s.AddMaker(q.Context(), q.Path("id"), NewMaker{q.Form("maker"), readProducts(q.Form("products"))})
		if err == nil && q.Form("send") == "on" {
			err = s.Send(q.Context(), x.ID, time.Time{}, "")
		}
		return backToCase(q, s, err)
	})
	r.Page("POST /vendor/cases/{id}/embargo", func(q *httpd.Request) error {
		if q.Form("lift") == "on" {
			return backToCase(q, s, s.LiftEmbargo(q.Context(), q.Path("id"), q.Form("reason")))
		}
		until, bad := page.ReadTime(q.Forms(), "embargo")
		if bad != nil {
			return showCase(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad))
		}
		return backToCase(q, s, s.SetEmbargo(q.Context(), q.Path("id"), Embargo{until, q.Form("embargo_zone")}, q.Form("reason")))
	})
}

func backToCase(q *httpd.Request, s *Service, err error) error {
	if formFault(err) {
		return showCase(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/vendor/cases/" + q.Path("id"))
}

// readProducts reads one product a line: its name, or name | CPE | PURL.
func readProducts(s string) (out []NewProduct) {
	for l := range strings.Lines(s) {
		parts := strings.Split(l, "|")
		p := NewProduct{Name: strings.TrimSpace(parts[0])}
		for _, x := range parts[1:] {
			switch x = strings.TrimSpace(x); {
			case strings.HasPrefix(x, "pkg:"):
				p.PURL = x
			case x != "":
				p.CPE = x
			}
		}
		if p != (NewProduct{}) {
			out = append(out, p)
		}
	}
	return out
}

type casesView struct {
	Head  page.Head
	List  *page.List
	Rows  []caseLine
	Empty *page.Empty
}

type caseLine struct {
	Case   Case
	Title  string
	Due    page.Due
	States []countView
}

func (p say) states(m map[State]int) (out []countView) {
	for _, st := range States {
		if m[st] > 0 {
			out = append(out, countView{stateTag[st], p.state(st), m[st]})
		}
	}
	return out
}

// embargo is the end of an embargo with its zone, and Japan's time beside it.
func (p say) embargo(e Embargo, now time.Time) page.Due {
	switch {
	case e.Until.IsZero():
		return page.Due{Word: p.T("vendor.web.no_embargo")}
	case !e.Runs(now):
		return page.Due{At: e.Until, MetAt: e.Until, Word: p.T("vendor.web.embargo_over"), Zone: e.Location()}
	}
	d := page.Due{At: e.Until, Zone: e.Location()}
	if e.Location().String() != text.JST.String() && e.Zone != "Asia/Tokyo" {
		d.Also = text.JST
	}
	return d
}

func showCases(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, next, err := s.Cases(q.Context(), Filter{Vulnerability: strings.ToUpper(q.Query("vulnerability")), Done: q.Query("done") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := casesView{Head: page.Head{H1: p.T("vendor.web.cases"), Lead: p.T("vendor.web.cases_lead"), Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: p.T("vendor.web.cases")}}}}
	for _, x := range list {
		l := caseLine{Case: x.Case, Title: x.Case.Title, Due: p.embargo(x.Case.Embargo, q.Now()), States: p.states(x.States)}
		if x.Case.Closed {
			l.Title = p.T("vendor.web.embargoed")
		}
		v.Rows = append(v.Rows, l)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("vendor.web.empty"), Say: p.T("vendor.web.empty_say")}
	}
	v.List = &page.List{Path: "/vendor/cases", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("vendor.web.case")}, {Title: p.T("vendor.web.vulnerability")}, {Title: p.T("vendor.web.states")}, {Title: p.T("vendor.web.embargo")}},
		Filters: []page.Filter{{Name: "done", Value: "1", Label: p.T("vendor.web.done_too"), Count: -1}}}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "vendor", page.Desk, "/live/vendor"
	return q.Render("vendor/cases", shell, v)
}

type formView struct {
	Head   page.Head
	To     string
	Fields []page.Field
	Send   string
	Back   string
	Get    bool // reads only
}

func showStart(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	if err := s.admit(q.Context(), "vendor.start"); err != nil {
		return err
	}
	maker := Access.Reach(q.Who, "vendor.answer") == gate.Addressed
	var tlps, classes, sectors []page.Option
	for _, t := range TLPs {
		tlps = append(tlps, page.Option{Value: t, Label: "TLP:" + t})
	}
	for i := 0; i <= min(q.Who.Clearance, 3); i++ {
		classes = append(classes, page.Option{Value: strconv.Itoa(i), Label: p.T("page.clearance." + strconv.Itoa(i))})
	}
	if all, err := org.LoadSectors(nil); err == nil {
		for _, x := range all.List {
			sectors = append(sectors, page.Option{Value: x.ID, Label: x.Name.In(p.Lang)})
		}
	}
	v := formView{To: "/vendor/cases", Send: p.T("vendor.web.open"), Back: "/vendor", Head: page.Head{H1: p.T("vendor.web.start"), Lead: p.T("vendor.web.start_lead")}}
	if maker {
		v.Head.H1, v.Head.Lead = p.T("vendor.web.start_maker"), p.T("vendor.web.start_maker_lead")
	}
	v.Head.Crumbs = []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: v.Head.H1}}
	v.Fields = []page.Field{
		{Name: "title", Label: p.T("vendor.web.case_title"), Need: page.Required, Limit: maxTitle, Width: "wide"},
		{Name: "vulnerability", Label: p.T("vendor.web.vulnerability"), Need: page.Optional, Example: "CVE-2026-12345"},
		{Name: "facts", Kind: "textarea", Label: p.T("vendor.web.facts"), Need: page.Optional, Rows: 6, Limit: maxWords},
		{Name: "embargo", Kind: "datetime", Label: p.T("vendor.web.embargo"), Need: page.Optional, Hint: p.T("vendor.web.embargo_hint")},
		{Name: "embargo_zone", Kind: "select", Label: p.T("vendor.web.zone"), Options: zoneOptions(""), Value: "Asia/Tokyo"},
		{Name: "tlp", Kind: "select", Label: p.T("vendor.web.tlp"), Options: tlps, Value: "AMBER"},
		{Name: "clearance", Kind: "select", Label: p.T("vendor.web.clearance"), Options: classes, Value: "0"},
	}
	if maker {
		v.Fields = slices.Insert(v.Fields, 3, page.Field{Name: "products", Kind: "textarea", Label: p.T("vendor.web.products"), Need: page.Required, Rows: 4, Hint: p.T("vendor.web.products_hint")})
	} else {
		v.Fields = append(v.Fields, page.Field{Name: "sectors", Kind: "choices", Label: p.T("vendor.web.sectors"), Need: page.Optional, Options: sectors, Hint: p.T("vendor.web.sectors_hint")})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key = "vendor"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("vendor/form", shell, v)
}

func start(q *httpd.Request, s *Service) error {
	n := NewCase{Title: q.Form("title"), Vulnerability: q.Form("vulnerability"), Facts: q.Form("facts"), TLP: q.Form("tlp"), Sectors: q.Forms()["sectors"]}
	var bad *fault.Place
	if n.Embargo.Until, bad = page.ReadTime(q.Forms(), "embargo"); bad != nil {
		return showStart(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad))
	}
	n.Embargo.Zone = q.Form("embargo_zone")
	n.Clearance, _ = strconv.Atoi(q.Form("clearance"))
	if list := readProducts(q.Form("products")); len(list) > 0 {
		n.Makers = []NewMaker{{Products: list}}
	}
	c, _, err := s.Start(q.Context(), n)
	if formFault(err) {
		return showStart(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/vendor/cases/" + c.ID)
}

type caseView struct {
	Head    page.Head
	Case    Case
	Own     bool
	Embargo page.Due
	Facts   page.Facts
	States  []countView
	Rows    []rowView
	List    *page.List
	Add     []page.Field
	Move    []page.Field
}

func showCase(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Case(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	c := x.Case
	v := caseView{Case: c, Own: Access.Reach(q.Who, "vendor.change") == gate.Own, Embargo: p.embargo(c.Embargo, q.Now()), States: p.states(x.States)}
	v.Head = page.Head{H1: c.Number + "　" + c.Title, Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: p.T("vendor.web.cases"), Href: "/vendor/cases"}, {Text: c.Number}}}
	if c.Closed {
		v.Head.H1, v.Head.Lead = c.Number, p.T("vendor.web.embargoed_say")
	}
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("vendor.web.vulnerability"), c.Vulnerability)
	add(p.T("vendor.web.basis"), p.T("vendor.basis."+string(c.Basis)))
	add(p.T("vendor.web.coordinator"), x.Names[c.Org])
	add(p.T("vendor.web.starter"), x.Names[c.Starter])
	add(p.T("vendor.web.facts"), c.Facts)
	add(p.T("vendor.web.opened"), p.Time(c.CreatedAt))
	if !c.ClosedAt.IsZero() {
		add(p.T("vendor.web.closed"), p.Time(c.ClosedAt))
	}
	for _, r := range x.Requests {
		v.Rows = append(v.Rows, p.row(r, x.Names, sideOf(reach(q)), q.Now()))
	}
	v.List = &page.List{Columns: []page.Column{{Title: p.T("vendor.web.maker")}, {Title: p.T("vendor.web.state")}, {Title: p.T("vendor.web.products")}, {Title: p.T("vendor.web.due")}}}
	if v.Own {
		makers, err := s.Makers(q.Context())
		if err != nil {
			return err
		}
		var options []page.Option
		for _, id := range slices.SortedFunc(maps.Keys(makers), func(a, b string) int { return strings.Compare(makers[a], makers[b]) }) {
			if !slices.ContainsFunc(x.Requests, func(r Row) bool { return r.Request.Org == id }) {
				options = append(options, page.Option{Value: id, Label: makers[id]})
			}
		}
		if len(options) > 0 {
			v.Add = []page.Field{{Name: "maker", Kind: "select", Label: p.T("vendor.web.maker"), Need: page.Required, Options: options},
				{Name: "products", Kind: "textarea", Label: p.T("vendor.web.products"), Need: page.Required, Rows: 4, Hint: p.T("vendor.web.products_hint")},
				{Name: "send", Kind: "check", Label: p.T("vendor.web.send_now"), Value: "on"}}
		}
		if c.Embargo.Runs(q.Now()) {
			v.Move = []page.Field{{Name: "embargo", Kind: "datetime", Label: p.T("vendor.web.embargo"), Value: c.Embargo.Until.In(text.JST).Format(time.RFC3339)},
				{Name: "embargo_zone", Kind: "select", Label: p.T("vendor.web.zone"), Options: zoneOptions(c.Embargo.Zone), Value: c.Embargo.Zone},
				{Name: "lift", Kind: "check", Label: p.T("vendor.web.lift"), Value: "on"},
				{Name: "reason", Kind: "textarea", Label: p.T("vendor.web.reason"), Need: page.Required, Rows: 2}}
		}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live, shell.Handling = "vendor", page.Desk, "/live/vendor", &page.Handling{TLP: c.TLP, Clearance: c.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("vendor/case", shell, v)
}
