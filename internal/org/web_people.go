package org

import (
	"strconv"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

type peopleView struct {
	Head    page.Head
	People  []personRow
	List    *page.List
	Manages bool
}

type personRow struct {
	Person
	Roles string
}

type personView struct {
	Head     page.Head
	Person   Person
	Mark     string
	Fields   []page.Field
	Facts    page.Facts
	Manages  bool
	Self     bool
	Sessions []Session
}

type linkView struct {
	Head page.Head
	Link string
	Till page.Facts
	Back string
}

func pagesPeople(r *httpd.Router, s *Service) {
	r.Page("GET /people", func(q *httpd.Request) error {
		org := ID(q.Query("org"))
		list, next, err := s.People(q.Context(), org, q.Query("after"), 50)
		if err != nil {
			return err
		}
		p := q.Printer
		title := p.T("org.web.people.title")
		v := peopleView{Head: page.Head{H1: title, Lead: p.T("org.web.people.lead")}, Manages: manages(q)}
		if v.Manages {
			v.Head.Acts = []page.Act{{Text: p.T("org.web.invite"), Href: withOrg("/people/new", org), Kind: "primary", Icon: "people"}}
		}
		for _, x := range list {
			v.People = append(v.People, personRow{x, said(p, roleWords, x.Roles)})
		}
		v.List = &page.List{Path: "/people", Query: q.Queries(), Next: next, Size: 50, Shown: len(list), Total: -1, Columns: []page.Column{
			{Title: p.T("org.web.name")}, {Title: p.T("org.web.roles")}, {Title: p.T("org.web.clearance")}, {Title: p.T("org.web.state")}, {Title: p.T("org.web.last")}}}
		shell := q.Shell(title)
		shell.Key = "people"
		return q.Render("org/people", shell, v)
	})
	r.Page("GET /people/new", func(q *httpd.Request) error { return showInvite(q, s, nil) })
	r.Page("POST /people/new", func(q *httpd.Request) error {
		p := readPersonForm(q)
		p.Org = ID(q.Query("org"))
		p, link, err := s.Invite(q.Context(), p)
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showInvite(q, s, gather(err, "roles"))
		}
		return showLink(q, s, p, link, Invitation)
	})
	r.Page("GET /people/{id}", func(q *httpd.Request) error { return showPerson(q, s, nil) })
	r.Page("POST /people/{id}", func(q *httpd.Request) error {
		p := readPersonForm(q)
		p.ID = PersonID(q.Path("id"))
		p.Version, _ = strconv.ParseInt(q.Form("version"), 10, 64) // 0 is nobody's version
		if _, err := s.ChangePerson(q.Context(), p); err != nil {
			if !formFault(err) {
				return err
			}
			return showPerson(q, s, gather(err, "roles"))
		}
		return q.Redirect("/people/" + string(p.ID))
	})
	r.Page("POST /people/{id}/suspend", func(q *httpd.Request) error {
		if err := s.Suspend(q.Context(), PersonID(q.Path("id"))); err != nil {
			return err
		}
		return q.Redirect("/people/" + q.Path("id"))
	})
	r.Page("POST /people/{id}/resume", func(q *httpd.Request) error {
		if err := s.Resume(q.Context(), PersonID(q.Path("id"))); err != nil {
			return err
		}
		return q.Redirect("/people/" + q.Path("id"))
	})
	r.Page("POST /people/{id}/link", func(q *httpd.Request) error {
		link, purpose, err := s.Link(q.Context(), PersonID(q.Path("id")), q.Form("re_enrol") == "on")
		if err != nil {
			return err
		}
		p, err := s.Person(q.Context(), PersonID(q.Path("id")))
		if err != nil {
			return err
		}
		return showLink(q, s, p, link, purpose)
	})
}

func withOrg(path string, org ID) string {
	if org == "" {
		return path
	}
	return path + "?org=" + string(org)
}

func readPersonForm(q *httpd.Request) Person {
	p := Person{Name: q.Form("name"), Mail: q.Form("mail"), Lang: text.Lang(q.Form("lang"))}
	for _, r := range q.Forms()["roles"] {
		p.Roles = append(p.Roles, gate.Role(r))
	}
	var err error
	if p.Clearance, err = strconv.Atoi(q.Form("clearance")); err != nil {
		p.Clearance = -1 // not a choice of the form: refused by the service
	}
	return p
}

func personFields(q *httpd.Request, p Person, kinds []Kind) []page.Field {
	w := q.Printer
	upTo := ownClearance
	if isHub(q) {
		upTo = maxClearance
	}
	roles := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		roles[i] = string(r)
	}
	return []page.Field{
		{Name: "name", Label: w.T("org.web.name"), Need: page.Required, Value: p.Name},
		{Name: "mail", Kind: "email", Label: w.T("org.web.mail"), Need: page.Required, Hint: w.T("org.web.mail.hint"), Value: p.Mail},
		{Name: "roles", Kind: "choices", Label: w.T("org.web.roles"), Need: page.Required, Options: options(w, roleWords, RolesFor(kinds)), Values: roles},
		{Name: "clearance", Kind: "choice", Label: w.T("org.web.clearance"), Hint: w.T("org.web.clearance.hint"), Options: clearances(w, max(upTo, p.Clearance)), Value: strconv.Itoa(p.Clearance)},
		{Name: "lang", Kind: "choice", Label: w.T("org.web.lang"), Options: langs, Value: string(p.Lang)},
	}
}

func showInvite(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	org := ID(q.Query("org"))
	if org == "" {
		org = ID(q.Who.Org)
	}
	if err := s.mayManage(q.Context()); err != nil {
		return err
	}
	o, err := s.Get(q.Context(), org)
	if err != nil {
		return err
	}
	title := p.T("org.web.invite")
	return showForm(q, fail, "people", formView{
		Head: page.Head{H1: title, Lead: p.T("org.web.invite.lead", "org", o.In(q.Lang)), Crumbs: []page.Crumb{
			crumb(p.T("org.web.people.title"), withOrg("/people", ID(q.Query("org")))), crumb(title, "")}},
		Action: withOrg("/people/new", ID(q.Query("org"))), Button: p.T("org.web.invite.go"), Back: "/people",
		Fields: personFields(q, Person{Lang: q.Lang}, o.Kinds),
	})
}

func showPerson(q *httpd.Request, s *Service, fail error) error {
	w := q.Printer
	p, err := s.Person(q.Context(), PersonID(q.Path("id")))
	if err != nil {
		return err
	}
	o, err := s.Get(q.Context(), p.Org)
	if err != nil {
		return err
	}
	v := personView{Person: p, Manages: manages(q), Self: string(p.ID) == q.Who.Person, Mark: markOf(p.State)}
	v.Head = page.Head{H1: p.Name, Crumbs: []page.Crumb{crumb(w.T("org.web.people.title"), "/people"), crumb(p.Name, "")}}
	v.Facts = page.Facts{Tight: true, Rows: []page.Fact{
		{Name: w.T("org.web.mail"), Value: p.Mail}, {Name: w.T("org.web.org"), Value: o.In(q.Lang)},
		{Name: w.T("org.web.state"), Value: w.T(stateWords + string(p.State))},
		{Name: w.T("org.web.roles"), Value: said(w, roleWords, p.Roles)},
		{Name: w.T("org.web.clearance"), Value: w.T("org.clearance." + strconv.Itoa(p.Clearance))},
	}}
	if v.Manages {
		v.Fields = personFields(q, p, o.Kinds)
		if isHub(q) {
			if v.Sessions, err = s.Sessions(q.Context(), p.ID); err != nil {
				return err
			}
		}
	}
	shell := q.Shell(p.Name)
	shell.Key = "people"
	if fail != nil {
		shell = shell.Fail(fail, kept(q))
	}
	return q.Render("org/person", shell, v)
}

// markOf returns the state mark of a person.
func markOf(s PersonState) string {
	switch s {
	case Active:
		return "done"
	case Suspended:
		return "expired"
	}
	return "asked"
}

func showLink(q *httpd.Request, s *Service, p Person, link string, purpose Purpose) error {
	w := q.Printer
	title := w.T("org.web.link.title")
	return q.Render("org/link", q.Shell(title), linkView{
		Head: page.Head{H1: title, Lead: w.T("org.web.link.lead", "name", p.Name)}, Link: s.LinkURL(link), Back: "/people/" + string(p.ID),
		Till: page.Facts{Tight: true, Rows: []page.Fact{
			{Name: w.T("org.web.link.for"), Value: w.T("org.purpose." + string(purpose))},
			{Name: w.T("org.web.until"), Value: w.Time(q.Now().Add(lifetimes[purpose]))},
		}},
	})
}
