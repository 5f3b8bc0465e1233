package org

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

type orgsView struct {
	Head  page.Head
	Query string
	Orgs  []orgRow
	List  *page.List
}

type orgRow struct {
	Org
	Shown, Kinds, Sectors string
}

type orgView struct {
	Head     page.Head
	Org      Org
	Facts    page.Facts
	Contacts []contactRow
	Record   bool // only the record is to be seen
	Edit     bool // contacts and ties may be changed
	Ties     bool // ties are to be seen
	Declared []tieRow
	Received []tieRow
	Own      bool
	Settle   bool // what others declared may be answered
	Untie    bool // ties may be ended
}

type contactRow struct {
	Contact
	Say string
}

type tieRow struct {
	Tie
	Say, StateSay, Mark string
}

type contactsView struct {
	Head   page.Head
	Org    Org
	Groups []contactGroup
}

type contactGroup struct {
	Title  string
	Fields []page.Field
}

func pagesOrg(r *httpd.Router, s *Service) {
	r.Page("GET /organisation", func(q *httpd.Request) error { return q.Redirect("/organisations/" + q.Who.Org) })
	r.Page("GET /organisations", func(q *httpd.Request) error { return showOrgs(q, s) })
	r.Page("GET /organisations/new", func(q *httpd.Request) error {
		if err := s.mayRegister(q.Context()); err != nil {
			return err
		}
		return showOrgForm(q, s, Org{}, nil)
	})
	r.Page("POST /organisations/new", func(q *httpd.Request) error {
		o, err := s.Register(q.Context(), readOrgForm(q))
		if err != nil {
			return showOrgFail(q, s, Org{}, err)
		}
		return q.Redirect("/organisations/" + string(o.ID))
	})
	r.Page("GET /organisations/{id}", func(q *httpd.Request) error { return showOrg(q, s) })
	r.Page("GET /organisations/{id}/change", func(q *httpd.Request) error {
		if err := s.mayRegister(q.Context()); err != nil {
			return err
		}
		o, err := s.Get(q.Context(), ID(q.Path("id")))
		if err != nil {
			return err
		}
		return showOrgForm(q, s, o, nil)
	})
	r.Page("POST /organisations/{id}/change", func(q *httpd.Request) error {
		o := readOrgForm(q)
		o.ID = ID(q.Path("id"))
		if _, err := s.Change(q.Context(), o); err != nil {
			return showOrgFail(q, s, o, err)
		}
		return q.Redirect("/organisations/" + string(o.ID))
	})
	r.Page("GET /organisations/{id}/contacts", func(q *httpd.Request) error { return showContacts(q, s, nil) })
	r.Page("POST /organisations/{id}/contacts", func(q *httpd.Request) error {
		version, _ := strconv.ParseInt(q.Form("version"), 10, 64) // 0 is nobody's version
		contacts, places := readContacts(q)
		err := s.SetContacts(q.Context(), ID(q.Path("id")), version, contacts)
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showContacts(q, s, move(err, places))
		}
		return q.Redirect("/organisations/" + q.Path("id"))
	})
	pagesTies(r, s)
}

func pagesTies(r *httpd.Router, s *Service) {
	r.Page("GET /ties/new", func(q *httpd.Request) error { return showTieForm(q, s, nil) })
	r.Page("POST /ties/new", func(q *httpd.Request) error {
		_, err := s.Declare(q.Context(), Tie{Kind: TieKind(q.Form("kind")), Number: Number(q.Form("number")), Name: q.Form("name"), Services: q.Form("services")})
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showTieForm(q, s, at(err, "number"))
		}
		return q.Redirect("/organisations/" + q.Who.Org)
	})
	r.Page("POST /ties/{id}/answer", func(q *httpd.Request) error {
		if err := s.Settle(q.Context(), q.Path("id"), q.Form("answer") == "confirm"); err != nil {
			return err
		}
		return q.Redirect("/organisations/" + q.Who.Org)
	})
	r.Page("POST /ties/{id}/end", func(q *httpd.Request) error {
		if err := s.EndTie(q.Context(), q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/organisations/" + q.Who.Org)
	})
}

// sectorNames joins the names of sectors.
func (s *Service) sectorNames(p text.Printer, ids []string) string {
	var out []string
	for _, id := range ids {
		if x, ok := s.Sectors.Find(id); ok {
			out = append(out, x.Name.In(p.Lang))
		}
	}
	return strings.Join(out, p.T("org.web.comma"))
}

func showOrgs(q *httpd.Request, s *Service) error {
	p := q.Printer
	f := Filter{Text: q.Query("q"), Kind: Kind(q.Query("kind")), Sector: q.Query("sector"), Cursor: q.Query("after"), Limit: 50}
	list, next, err := s.List(q.Context(), f)
	if err != nil {
		return err
	}
	title := p.T("org.web.orgs.title")
	v := orgsView{Head: page.Head{H1: title}, Query: f.Text}
	if isHub(q) {
		v.Head.Acts = []page.Act{{Text: p.T("org.web.register"), Href: "/organisations/new", Kind: "primary"}}
	}
	for _, o := range list {
		v.Orgs = append(v.Orgs, orgRow{o, o.In(q.Lang), said(p, kindWords, o.Kinds), s.sectorNames(p, o.Sectors)})
	}
	v.List = &page.List{Path: "/organisations", Query: q.Queries(), Next: next, Size: 50, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("org.web.org")}, {Title: p.T("org.web.kinds")}, {Title: p.T("org.web.sectors")}}}
	for _, k := range Kinds {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "kind", Value: string(k), Label: p.T(kindWords + string(k)), Count: -1})
	}
	shell := q.Shell(title)
	shell.Key, shell.Density = "organisations", page.Desk
	return q.Render("org/orgs", shell, v)
}

func showOrg(q *httpd.Request, s *Service) error {
	p := q.Printer
	o, err := s.Get(q.Context(), ID(q.Path("id")))
	if err != nil {
		return err
	}
	own := string(o.ID) == q.Who.Org
	v := orgView{Org: o, Own: own, Record: q.Who.Has(gate.CommissionMember) && !own && !isHub(q)}
	v.Edit = Access.May(q.Context(), "org.contact") && (own || isHub(q))
	v.Settle, v.Untie = own && Access.May(q.Context(), "org.settle"), own && Access.May(q.Context(), "org.untie")
	v.Head = page.Head{H1: o.In(q.Lang)}
	if isHub(q) {
		v.Head.Acts = []page.Act{{Text: p.T("org.web.change"), Href: "/organisations/" + string(o.ID) + "/change"},
			{Text: p.T("org.web.people.title"), Href: withOrg("/people", o.ID)}}
	}
	v.Facts = page.Facts{Tight: true, Rows: []page.Fact{
		{Name: p.T("org.web.name.ja"), Value: o.Name.JA}, {Name: p.T("org.web.name.en"), Value: dash(o.Name.EN)},
		{Name: p.T("org.web.number"), Value: dash(string(o.Number))},
		{Name: p.T("org.web.kinds"), Value: said(p, kindWords, o.Kinds)},
		{Name: p.T("org.web.sectors"), Value: dash(s.sectorNames(p, o.Sectors))},
		{Name: p.T("org.web.since"), Value: p.Date(o.CreatedAt)},
	}}
	for _, c := range o.Contacts {
		v.Contacts = append(v.Contacts, contactRow{c, p.T(dutyWords + string(c.Duty))})
	}
	if own || isHub(q) {
		declared, received, err := s.Ties(q.Context(), o.ID)
		if err != nil {
			return err
		}
		v.Ties, v.Declared, v.Received = true, tieRows(p, declared), tieRows(p, received)
	}
	shell := q.Shell(v.Head.H1)
	shell.Key = "organisations"
	return q.Render("org/org", shell, v)
}

func tieRows(p text.Printer, ties []Tie) (out []tieRow) {
	for _, t := range ties {
		mark := "asked"
		if t.State == Confirmed {
			mark = "done"
		}
		out = append(out, tieRow{t, p.T("org.tie_kind." + string(t.Kind)), p.T("org.tie_state." + string(t.State)), mark})
	}
	return out
}

func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

func readOrgForm(q *httpd.Request) Org {
	o := Org{Number: Number(q.Form("number")), Name: text.Both{JA: q.Form("name.ja"), EN: q.Form("name.en")}, Kana: q.Form("kana"), Sectors: q.Forms()["sectors"]}
	for _, k := range q.Forms()["kinds"] {
		o.Kinds = append(o.Kinds, Kind(k))
	}
	o.Version, _ = strconv.ParseInt(q.Form("version"), 10, 64) // 0 is nobody's version
	return o
}

func showOrgFail(q *httpd.Request, s *Service, o Org, err error) error {
	if !formFault(err) {
		return err
	}
	if fault.Of(err).Code == ErrNumberTaken.Code {
		err = fault.New(fault.Invalid, "org.invalid", "n", 1).At(fault.Place{At: "number", Code: ErrNumberTaken.Code})
	}
	return showOrgForm(q, s, o, gather(gather(err, "kinds"), "sectors"))
}

func showOrgForm(q *httpd.Request, s *Service, o Org, fail error) error {
	p := q.Printer
	title, action := p.T("org.web.register"), "/organisations/new"
	if o.ID != "" {
		title, action = p.T("org.web.change"), "/organisations/"+string(o.ID)+"/change"
	}
	kinds := make([]string, len(o.Kinds))
	for i, k := range o.Kinds {
		kinds[i] = string(k)
	}
	var sectors []page.Option
	for _, x := range s.Sectors.List {
		role, _ := s.Sectors.Role(x.ID)
		sectors = append(sectors, page.Option{Value: x.ID, Label: x.Name.In(q.Lang), Hint: role.Name.In(q.Lang)})
	}
	return showForm(q, fail, "organisations", formView{
		Head:   page.Head{H1: title, Crumbs: []page.Crumb{crumb(p.T("org.web.orgs.title"), "/organisations"), crumb(title, "")}},
		Action: action, Button: p.T("org.web.save"), Back: "/organisations",
		Fields: []page.Field{
			{Name: "version", Kind: "hidden", Value: strconv.FormatInt(o.Version, 10)},
			{Name: "number", Label: p.T("org.web.number"), Hint: p.T("org.web.number.hint"), Value: string(o.Number), InputMode: "numeric"},
			{Name: "name.ja", Label: p.T("org.web.name.ja"), Need: page.Required, Value: o.Name.JA, Lang: "ja"},
			{Name: "name.en", Label: p.T("org.web.name.en"), Value: o.Name.EN, Lang: "en"},
			{Name: "kana", Label: p.T("org.web.kana"), Value: o.Kana, Lang: "ja"},
			{Name: "kinds", Kind: "choices", Label: p.T("org.web.kinds"), Need: page.Required, Options: options(p, kindWords, Kinds), Values: kinds},
			{Name: "sectors", Kind: "choices", Label: p.T("org.web.sectors"), Hint: p.T("org.web.sectors.hint"), Options: sectors, Values: o.Sectors},
		},
	})
}

// showContacts draws the form of contacts: those there are, and room for one
// more of each duty that has none.
func showContacts(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	o, err := s.Get(q.Context(), ID(q.Path("id")))
	if err != nil {
		return err
	}
	if string(o.ID) != q.Who.Org && !isHub(q) {
		return ErrOrgGone
	}
	list := slices.Clone(o.Contacts)
	for _, d := range Duties {
		if !slices.ContainsFunc(list, func(c Contact) bool { return c.Duty == d }) {
			list = append(list, Contact{Duty: d})
		}
	}
	if len(list) < maxContacts {
		list = append(list, Contact{Duty: Window})
	}
	v := contactsView{Org: o}
	title := p.T("org.web.contacts.change")
	v.Head = page.Head{H1: title, Lead: p.T("org.web.contacts.lead"), Crumbs: []page.Crumb{crumb(o.In(q.Lang), "/organisations/"+string(o.ID)), crumb(title, "")}}
	for i, c := range list {
		at := index("contacts", i)
		v.Groups = append(v.Groups, contactGroup{p.T("org.web.contact.n", "n", i+1), []page.Field{
			{Name: at + ".duty", Kind: "select", Label: p.T("org.web.duty"), Options: options(p, dutyWords, Duties), Value: string(c.Duty)},
			{Name: at + ".name", Label: p.T("org.web.name"), Value: c.Name},
			{Name: at + ".department", Label: p.T("org.web.department"), Value: c.Department},
			{Name: at + ".phone", Kind: "tel", Label: p.T("org.web.phone"), Value: c.Phone},
			{Name: at + ".mail", Kind: "email", Label: p.T("org.web.mail"), Value: c.Mail},
		}})
	}
	shell := q.Shell(title)
	shell.Key = "organisations"
	if fail != nil {
		shell = shell.Fail(fail, kept(q))
	}
	return q.Render("org/contacts", shell, v)
}

// readContacts reads the form of contacts without those left blank, and where
// each of the rest stood.
func readContacts(q *httpd.Request) (out []Contact, places []int) {
	for i := range maxContacts + 1 {
		at := index("contacts", i)
		c := Contact{Duty: Duty(q.Form(at + ".duty")), Name: q.Form(at + ".name"), Department: q.Form(at + ".department"), Mail: q.Form(at + ".mail"), Phone: q.Form(at + ".phone")}
		if c.Name+c.Department+c.Mail+c.Phone != "" {
			out, places = append(out, c), append(places, i)
		}
	}
	return out, places
}

// move turns the places of a fault from positions in the list to those in the
// form.
func move(err error, places []int) error {
	f := *fault.Of(err)
	f.Places = slices.Clone(f.Places)
	for i, pl := range f.Places {
		var n int
		if _, err := fmt.Sscanf(pl.At, "contacts[%d]", &n); err != nil || n >= len(places) {
			continue
		}
		rest := strings.TrimPrefix(pl.At, index("contacts", n))
		if rest == "" { // of the contact as a whole: its telephone is where to begin
			rest = ".phone"
		}
		f.Places[i].At = index("contacts", places[n]) + rest
	}
	return &f
}

func showTieForm(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	if err := s.mayTie(q.Context()); err != nil {
		return err
	}
	title := p.T("org.web.tie.new")
	return showForm(q, fail, "organisations", formView{
		Head:   page.Head{H1: title, Lead: p.T("org.web.tie.lead"), Crumbs: []page.Crumb{crumb(q.Who.OrgName, "/organisation"), crumb(title, "")}},
		Action: "/ties/new", Button: p.T("org.web.tie.go"), Back: "/organisation",
		Fields: []page.Field{
			{Name: "kind", Kind: "choice", Label: p.T("org.web.tie.kind"), Need: page.Required, Options: options(p, "org.tie_kind.", TieKinds), Value: string(SupplierTie)},
			{Name: "number", Label: p.T("org.web.number"), Need: page.Required, Hint: p.T("org.web.number.hint"), InputMode: "numeric"},
			{Name: "name", Label: p.T("org.web.tie.name"), Need: page.Required},
			{Name: "services", Kind: "textarea", Rows: 2, Label: p.T("org.web.tie.services")},
		},
	})
}
