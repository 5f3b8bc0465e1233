package org

import (
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

type accountView struct {
	Head      page.Head
	Facts     page.Facts
	Langs     []page.Field
	Sessions  []Session
	Tokens    []Token
	CodesLeft int
	CodesLow  bool
	Views     []View
}

type formView struct {
	Head   page.Head
	Action string
	Button string
	Back   string
	Fields []page.Field
	Note   string
}

type tokenView struct {
	Head   page.Head
	Secret string
	Token  Token
}

func pagesAccount(r *httpd.Router, s *Service) {
	r.Page("GET /account", func(q *httpd.Request) error { return showAccount(q, s, "") })
	r.Page("POST /account/lang", func(q *httpd.Request) error {
		if err := s.SetLang(q.Context(), text.Lang(q.Form("lang"))); err != nil {
			return err
		}
		return q.Redirect("/account")
	})
	r.Page("POST /account/sessions/{id}/end", func(q *httpd.Request) error {
		if err := s.EndSession(q.Context(), "", q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/account")
	})
	r.Page("POST /account/sessions/end", func(q *httpd.Request) error {
		if _, err := s.EndOthers(q.Context()); err != nil {
			return err
		}
		return q.Redirect("/account")
	})
	r.Page("GET /account/password", func(q *httpd.Request) error { return showPassword(q, nil) })
	r.Page("POST /account/password", func(q *httpd.Request) error {
		if q.Raw("new_password") != q.Raw("password_again") {
			return showPassword(q, at(fault.New(fault.Invalid, "org.password.differ"), "password_again"))
		}
		signed, err := s.ChangePassword(q.Context(), q.Raw("old_password"), q.Raw("new_password"), from(q))
		if err != nil {
			field := "new_password"
			if fault.Of(err).Code == ErrPassword.Code {
				field = "old_password"
			}
			if !formFault(err) {
				return err
			}
			return showPassword(q, at(err, field))
		}
		return enter(q, signed, "/account")
	})
	r.Page("GET /account/codes", func(q *httpd.Request) error { return showNewCodes(q, nil) })
	r.Page("POST /account/codes", func(q *httpd.Request) error {
		codes, err := s.NewCodes(q.Context(), q.Form("code"), from(q))
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showNewCodes(q, at(err, "code"))
		}
		return showCodes(q, codes)
	})
	r.Page("GET /account/tokens/new", func(q *httpd.Request) error { return showNewToken(q, s, nil) })
	r.Page("POST /account/tokens/new", func(q *httpd.Request) error {
		n, err := strconv.Atoi(q.Form("days"))
		if err != nil || n < 1 || n > 366 {
			n = 1000 // refused with the bounds by the service
		}
		scopes := strings.Fields(strings.ReplaceAll(q.Form("scopes"), ",", " "))
		t, secret, err := s.IssueToken(q.Context(), q.Form("name"), scopes, days(n))
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showNewToken(q, s, gather(err, "scopes"))
		}
		title := q.Printer.T("org.web.token.made")
		return q.Render("org/token", q.Shell(title), tokenView{Head: page.Head{H1: title, Lead: q.Printer.T("org.web.token.made.lead")}, Secret: secret, Token: t})
	})
	r.Page("POST /account/tokens/{id}/revoke", func(q *httpd.Request) error {
		if err := s.RevokeToken(q.Context(), q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/account")
	})
}

func showAccount(q *httpd.Request, s *Service, flash string) error {
	p := q.Printer
	me, err := s.Me(q.Context())
	if err != nil {
		return err
	}
	v := accountView{CodesLeft: me.CodesLeft, CodesLow: me.CodesLeft < 3}
	if v.Sessions, err = s.Sessions(q.Context(), ""); err != nil {
		return err
	}
	if v.Tokens, err = s.Tokens(q.Context(), ""); err != nil {
		return err
	}
	if v.Views, err = s.Views(q.Context(), ""); err != nil {
		return err
	}
	title := p.T("org.web.account.title")
	v.Head = page.Head{H1: title}
	v.Facts = page.Facts{Tight: true, Rows: []page.Fact{
		{Name: p.T("org.web.name"), Value: me.Person.Name},
		{Name: p.T("org.web.mail"), Value: me.Person.Mail},
		{Name: p.T("org.web.org"), Value: me.Org.In(q.Lang)},
		{Name: p.T("org.web.roles"), Value: said(p, roleWords, me.Person.Roles)},
		{Name: p.T("org.web.clearance"), Value: p.T("org.clearance." + strconv.Itoa(me.Person.Clearance))},
	}}
	v.Langs = []page.Field{{Name: "lang", Kind: "choice", Label: p.T("org.web.lang"), Options: langs, Value: string(me.Person.Lang)}}
	shell := q.Shell(title)
	shell.Key = "account"
	if flash != "" {
		shell.Flash = append(shell.Flash, page.Flash{Kind: "good", Text: flash})
	}
	return q.Render("org/account", shell, v)
}

// showForm draws a page that is one form.
func showForm(q *httpd.Request, fail error, key string, v formView) error {
	shell := q.Shell(v.Head.H1)
	shell.Key = key
	if fail != nil {
		shell = shell.Fail(fail, kept(q))
	}
	return q.Render("org/form", shell, v)
}

func showPassword(q *httpd.Request, fail error) error {
	p := q.Printer
	title := p.T("org.web.change_password")
	return showForm(q, fail, "account", formView{
		Head:   page.Head{H1: title, Crumbs: []page.Crumb{crumb(p.T("org.web.account.title"), "/account"), crumb(title, "")}},
		Action: "/account/password", Button: title, Back: "/account", Note: p.T("org.web.change_password.note"),
		Fields: []page.Field{
			{Name: "old_password", Kind: "password", Label: p.T("org.web.old_password"), Autocomplete: "current-password"},
			{Name: "new_password", Kind: "password", Label: p.T("org.web.new_password"), Hint: p.T("org.web.new_password.hint", "min", minPassword), Autocomplete: "new-password"},
			{Name: "password_again", Kind: "password", Label: p.T("org.web.password_again"), Autocomplete: "new-password"},
		},
	})
}

func showNewCodes(q *httpd.Request, fail error) error {
	p := q.Printer
	title := p.T("org.web.new_codes")
	return showForm(q, fail, "account", formView{
		Head:   page.Head{H1: title, Crumbs: []page.Crumb{crumb(p.T("org.web.account.title"), "/account"), crumb(title, "")}},
		Action: "/account/codes", Button: title, Back: "/account", Note: p.T("org.web.new_codes.note"),
		Fields: []page.Field{{Name: "code", Label: p.T("org.web.code"), Hint: p.T("org.web.code.hint"), Autocomplete: "one-time-code", Width: "w12"}},
	})
}

func showNewToken(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	title := p.T("org.web.token.new")
	hint := p.T("org.web.token.scopes.hint")
	return showForm(q, fail, "account", formView{
		Head:   page.Head{H1: title, Lead: p.T("org.web.token.lead"), Crumbs: []page.Crumb{crumb(p.T("org.web.account.title"), "/account"), crumb(title, "")}},
		Action: "/account/tokens/new", Button: p.T("org.web.token.go"), Back: "/account",
		Fields: []page.Field{
			{Name: "name", Label: p.T("org.web.token.name"), Need: page.Required, Example: p.T("org.web.token.name.example")},
			{Name: "scopes", Kind: "textarea", Rows: 4, Label: p.T("org.web.token.scopes"), Need: page.Required, Hint: hint, Example: "asset.* incident.submit"},
			{Name: "days", Kind: "number", Label: p.T("org.web.token.days"), Value: "90", Unit: p.T("org.web.token.unit"), Width: "w4"},
		},
	})
}

// gather moves the places of single values of a list to the one field they
// were typed in.
func gather(err error, list string) error {
	f := *fault.Of(err)
	f.Places = slices.Clone(f.Places)
	for i := range f.Places {
		if strings.HasPrefix(f.Places[i].At, list+"[") {
			f.Places[i].At = list
		}
	}
	return &f
}
