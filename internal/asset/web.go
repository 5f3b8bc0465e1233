package asset

import (
	"embed"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the pages of this noun.
//
//go:embed web
var Web embed.FS

// Pages registers the pages of registers, imports and statements.
func Pages(r *httpd.Router, s *Service) {
	pagesRegister(r, s)
	pagesItem(r, s)
	pagesImport(r, s)
	pagesStatement(r, s)
	r.Live("GET /live/assets", func(q *httpd.Request) (string, error) { return "asset/" + q.Who.Org, nil })
}

// may reports whether a verb is open to the reader: for showing or leaving out
// a link, never instead of the service's own answer.
func may(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Usage, fault.Unmet:
		return true
	}
	return false
}

// customer is what a contractor's pages say of the operator they are about.
type customer struct {
	ID, Name string
	Others   []page.Filter // the customers to choose from
}

// customerOf returns whose equipment a contractor looks at; none for an
// operator, who has only its own.
func customerOf(q *httpd.Request, s *Service) (customer, error) {
	names, err := s.Customers(q.Context())
	if err != nil || len(names) == 0 {
		return customer{}, err
	}
	c := customer{ID: q.Query("org")}
	for id := range names {
		if c.ID == "" || q.Query("org") == "" && id < c.ID {
			c.ID = id
		}
	}
	c.Name = names[c.ID]
	for id, name := range names {
		c.Others = append(c.Others, page.Filter{Name: "org", Value: id, Label: name, Count: -1})
	}
	return c, nil
}

// pagesRegister are the register with its picture, and what was taken out.
func pagesRegister(r *httpd.Router, s *Service) {
	r.Page("GET /assets", func(q *httpd.Request) error { return showRegister(q, s) })
	r.Page("POST /assets/bulk", func(q *httpd.Request) error {
		var ids []ID
		for _, id := range q.Forms()["id"] {
			ids = append(ids, ID(id))
		}
		back := httpd.LocalPath("/assets" + q.Form("back"))
		if _, err := s.Confirm(q.Context(), q.Form("org"), ids...); err != nil {
			return err
		}
		return q.Redirect(back)
	})
	r.Page("GET /assets/picture", func(q *httpd.Request) error { return showPicture(q, s) })
	r.Page("GET /assets/removed", func(q *httpd.Request) error { return showRemoved(q, s) })
}

// registerView is the register page.
type registerView struct {
	Head     page.Head
	Customer customer
	Empty    *page.Empty
	Overview Overview
	Age      string
	Gaps     []gapView
	Squares  page.Squares
	Figure   page.Figure
	List     *page.List
	Search   string
	Keep     []keptParam // of the query, for the search form
	Rows     []itemView
	Cut      bool
	Bulk     page.Bulk
	Back     string
}

type keptParam struct{ Name, Value string }

type gapView struct {
	Say, Href, Level string
	On               bool
}

// itemView is one piece of equipment in words.
type itemView struct {
	ID, Key, Product, Kind, Version, Zone, Service, Operated, Support, Age string
	Many                                                                   int
	NoVersion                                                              bool
	Tag, State                                                             string
}

func view(p text.Printer, s *Service, e *Entry, contractors map[string]string, now time.Time) itemView {
	v := itemView{ID: string(e.ID), Key: e.Key, Product: e.MakerName + " " + e.ProductName, Kind: p.T("asset.kind." + string(e.Kind)), Version: e.Sealed.Version,
		Zone: p.T("asset.zone." + zoneKey(e.Sealed.Zone)), Service: e.Service, Operated: operator(p, e.OperatedBy, contractors), Support: slashed(e.SupportEnds),
		Age: p.T("asset.web.days", "n", e.Age(now)), NoVersion: e.Sealed.Version == ""}
	if e.Key == "" {
		v.Key = p.T("asset.web.no_key")
	}
	if e.Quantity > 1 {
		v.Many = e.Quantity
	}
	v.Tag, v.State = state(p, s, e)
	return v
}

// slashed is a day as tables write it: 2027/3/31.
func slashed(d Date) string {
	if d.IsZero() {
		return ""
	}
	return strconv.Itoa(d.Year) + "/" + strconv.Itoa(int(d.Month)) + "/" + strconv.Itoa(d.Day)
}

func zoneKey(z Zone) string {
	if z == "" {
		return NoZone
	}
	return string(z)
}

func operator(p text.Printer, by string, contractors map[string]string) string {
	switch name := contractors[by]; {
	case by == Own:
		return p.T("asset.operated.own")
	case name != "":
		return name
	}
	return by
}

// state says in a word what a piece of equipment asks for, the most urgent
// first.
func state(p text.Printer, s *Service, e *Entry) (tag, say string) {
	today := s.today()
	tag = map[string]string{"act": "act", "attend": "attend", "fine": "good"}[e.Mark]
	switch s.Rules.Support(&e.Item, today) {
	case SupportEnded:
		return tag, p.T("asset.support.ended")
	case SupportEnding:
		if e.Mark == "attend" {
			return tag, p.T("asset.support.ending")
		}
	}
	for _, g := range s.Rules.Lacks(&e.Item) {
		if g.Level == e.Mark {
			return tag, lackWord(p, g.ID)
		}
	}
	return tag, p.T("asset.web.fine")
}

func lackWord(p text.Printer, gap string) string {
	if key := "asset.lack." + gap; p.Has(key) {
		return p.T(key)
	}
	return p.T("asset.lack.other")
}

func gapSentence(p text.Printer, gap string, n int) string {
	if key := "asset.gap." + gap; p.Has(key) {
		return p.T(key, "n", n)
	}
	return p.T("asset.web.gap_other", "n", n, "gap", gap)
}

func showRegister(q *httpd.Request, s *Service) error {
	p := q.Printer
	query := q.Queries()
	v := registerView{Search: q.Query("q")}
	var err error
	if v.Customer, err = customerOf(q, s); err != nil {
		return err
	}
	org := v.Customer.ID
	if v.Overview, err = s.Overview(q.Context(), org); err != nil {
		return err
	}
	contractors, err := s.Contractors(q.Context())
	if err != nil {
		return err
	}
	o := &v.Overview
	v.Head = page.Head{H1: p.T("asset.web.title"), Lead: p.T("asset.web.lead")}
	if v.Customer.ID != "" {
		v.Head.H1, v.Head.Lead = p.T("asset.web.operated_title"), p.T("asset.web.operated_lead")
	}
	if may(q, "asset.import") {
		v.Head.Acts = []page.Act{{Text: p.T("asset.web.import"), Href: "/assets/import", Icon: "up"}, {Text: p.T("asset.web.add"), Href: "/assets/new", Icon: "box"},
			{Text: p.T("asset.web.make_statement"), Href: "/statements/new", Icon: "document", Kind: "primary"}}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live, shell.Handling = "assets", page.Desk, "/live/assets", &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: p.T("asset.web.purpose")}
	if o.Tally.Entries == 0 && len(query) == 0 {
		v.Empty = &page.Empty{Title: p.T("asset.web.empty"), Say: p.T("asset.web.empty_say")}
		if may(q, "asset.import") {
			v.Empty.Act = &page.Act{Text: p.T("asset.web.import"), Href: "/assets/import", Kind: "primary", Icon: "up"}
		}
		return q.Render("asset/register", shell, v)
	}
	f := Filter{Org: org, Text: q.Query("q"), Kind: Kind(q.Query("kind")), Zone: q.Query("zone"), Gap: q.Query("gap"), Mark: q.Query("mark"), Support: Support(q.Query("support")),
		Operated: q.Query("operated"), Service: q.Query("service"), Maker: q.Query("maker"), Product: q.Query("product"), Sort: q.Query("sort"), Cursor: q.Query("after"), Limit: 50}
	found, err := s.List(q.Context(), f)
	if err != nil {
		return err
	}
	v.List = registerList(q, s, o, found)
	for i := range found.Entries {
		v.Rows = append(v.Rows, view(p, s, &found.Entries[i], contractors, q.Now()))
	}
	v.Cut = found.Cut
	for name := range query {
		if name != "q" && name != "after" && name != "sort" {
			v.Keep = append(v.Keep, keptParam{name, query.Get(name)})
		}
	}
	for _, g := range s.Rules.Gaps() {
		if n := o.Tally.Gaps[g.ID]; n > 0 {
			v.Gaps = append(v.Gaps, gapView{gapSentence(p, g.ID, n), v.List.With("gap", g.ID), g.Level, q.Query("gap") == g.ID})
		}
	}
	v.Age = p.T("asset.web.age", "median", o.Age.Median, "stale", o.Age.Stale, "days", s.Rules.House().StaleDays)
	m := o.Marks
	v.Squares = page.Squares{Title: p.T("asset.web.squares", "n", m.Act+m.Attend), Note: p.T("asset.web.squares_note"), Unit: p.T("asset.web.squares_unit"), Say: p.T("asset.web.squares_say", "act", m.Act, "attend", m.Attend, "fine", m.Fine),
		Parts: []page.Mass{{Label: p.T("asset.web.mark_act"), N: m.Act, Class: "f-act"}, {Label: p.T("asset.web.mark_attend"), N: m.Attend, Class: "f-attend"}, {Label: p.T("asset.web.fine"), N: m.Fine, Class: "f-line"}}}
	pic, err := s.Picture(q.Context(), org)
	if err != nil {
		return err
	}
	v.Figure = page.Figure{Title: p.T("asset.web.picture"), Note: p.T("asset.web.picture_note"), SVG: template.HTML(pic.SVG(p)), Table: "/assets/picture" + withOrg(org)}
	v.Bulk = page.Bulk{Form: "rows", Acts: []page.BulkAct{{Text: p.T("asset.web.confirm_today"), Name: "act", Value: "confirm"}}}
	if len(query) > 0 {
		v.Back = "?" + query.Encode()
	}
	return q.Render("asset/register", shell, v)
}

func withOrg(org string) string {
	if org == "" {
		return ""
	}
	return "?" + url.Values{"org": {org}}.Encode()
}

// registerList is the state of the list: its columns and filters.
func registerList(q *httpd.Request, s *Service, o *Overview, found Found) *page.List {
	p := q.Printer
	l := &page.List{Path: "/assets", Query: q.Queries(), Next: found.Next, Size: 50, From: 1, Shown: len(found.Entries), Total: -1, Columns: []page.Column{
		{Title: p.T("asset.web.choose_all"), Tick: true}, {Title: p.T("asset.field.id"), Sort: "key"}, {Title: p.T("asset.web.equipment"), Sort: "product"}, {Title: p.T("asset.field.version")}, {Title: p.T("asset.field.zone")},
		{Title: p.T("asset.field.service")}, {Title: p.T("asset.field.operated_by")}, {Title: p.T("asset.field.support_ends_at"), Sort: "support"}, {Title: p.T("asset.web.since_confirmed"), Sort: "confirmed", Num: true}, {Title: p.T("asset.web.state")}}}
	add := func(name, value, label string, n int) {
		if n != 0 || q.Query(name) == value {
			l.Filters = append(l.Filters, page.Filter{Name: name, Value: value, Label: label, Count: n})
		}
	}
	add("mark", "act", p.T("asset.web.mark_act"), o.Marks.Act)
	add("mark", "attend", p.T("asset.web.mark_attend"), o.Marks.Attend)
	for _, z := range Zones() {
		add("zone", string(z), p.T("asset.zone."+string(z)), o.Zones[z])
	}
	add("zone", NoZone, p.T("asset.zone.none"), o.Zones[""])
	add("support", string(SupportEnded), p.T("asset.support.ended"), o.Tally.SupportEnded)
	add("support", string(SupportEnding), p.T("asset.support.ending"), o.Tally.SupportEnding)
	if k := Kind(q.Query("kind")); k != "" && p.Has("asset.kind."+string(k)) {
		add("kind", string(k), p.T("asset.kind."+string(k)), o.Kinds[k])
	}
	if g := q.Query("gap"); g != "" {
		add("gap", g, lackWord(p, g), -1)
	}
	if len(q.Queries()) == 0 {
		l.Total = o.Tally.Entries
	}
	return l
}

// pictureView is the picture as a table.
type pictureView struct {
	Head  page.Head
	Nodes []pictureRow
	Links []pictureLink
}

type pictureRow struct {
	Zone, Name                 string
	Devices, Act, Attend, Fine int
}

type pictureLink struct {
	From, To string
	Entries  int
	Hot      bool
}

func showPicture(q *httpd.Request, s *Service) error {
	p := q.Printer
	pic, err := s.Picture(q.Context(), q.Query("org"))
	if err != nil {
		return err
	}
	back := "/assets" + withOrg(q.Query("org"))
	v := pictureView{Head: page.Head{H1: p.T("asset.web.picture_table"), Lead: pic.Sentence(p), Crumbs: []page.Crumb{{Text: p.T("asset.web.title"), Href: back}, {Text: p.T("asset.web.picture_table")}}}}
	for i := range pic.Nodes {
		n := &pic.Nodes[i]
		v.Nodes = append(v.Nodes, pictureRow{p.T("asset.zone." + zoneKey(n.Zone)), n.Label(p), n.Devices, n.Marks.Act, n.Marks.Attend, n.Marks.Fine})
	}
	for _, l := range pic.Links {
		v.Links = append(v.Links, pictureLink{v.Nodes[l.From].Name, v.Nodes[l.To].Name, l.Entries, l.Hot})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "assets", page.Desk
	return q.Render("asset/picture", shell, v)
}

// removedView lists what was taken out.
type removedView struct {
	Head page.Head
	Rows []removedRow
	List *page.List
}

type removedRow struct {
	Key, Product, Kind, Who string
	At                      time.Time
}

func showRemoved(q *httpd.Request, s *Service) error {
	p := q.Printer
	list, next, err := s.Removed(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := removedView{Head: page.Head{H1: p.T("asset.web.removed"), Lead: p.T("asset.web.removed_lead"), Crumbs: []page.Crumb{{Text: p.T("asset.web.title"), Href: "/assets"}, {Text: p.T("asset.web.removed")}}}}
	for _, x := range list {
		if x.Was != nil {
			v.Rows = append(v.Rows, removedRow{x.Was.Key, x.Was.MakerName + " " + x.Was.ProductName, p.T("asset.kind." + string(x.Was.Kind)), strings.TrimSpace(x.Org + " " + x.Person), x.At})
		}
	}
	v.List = &page.List{Path: "/assets/removed", Query: q.Queries(), Next: next, Size: 50, Shown: len(v.Rows), Total: -1,
		Columns: []page.Column{{Title: p.T("asset.field.id")}, {Title: p.T("asset.web.equipment")}, {Title: p.T("asset.field.kind")}, {Title: p.T("asset.web.when")}, {Title: p.T("asset.web.who")}}}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "assets", page.Desk
	return q.Render("asset/removed", shell, v)
}

// owns reports whether the reader is of an operator.
func owns(q *httpd.Request) bool { return Access.Reach(q.Who, "asset.list") == gate.Own }

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1 // nobody's revision
	}
	return n
}
