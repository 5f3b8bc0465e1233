package org

import (
	"errors"
	"html/template"
	"strconv"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

type signInView struct {
	Head   page.Head
	Fields []page.Field
	Next   string
	Step   string
}

type welcomeView struct {
	Head   page.Head
	Fields []page.Field
	QR     template.HTML // empty when no device is enrolled
	Secret string        // in groups of four
	Token  string
	Facts  page.Facts
}

type codesView struct {
	Head  page.Head
	Codes []string
}

func pagesSignIn(r *httpd.Router, s *Service) {
	r.Page("GET /sign-in", func(q *httpd.Request) error {
		if q.Signed {
			return q.Redirect(q.Next("/"))
		}
		return showSignIn(q, nil)
	}, httpd.Public)
	r.Page("POST /sign-in", func(q *httpd.Request) error {
		step, err := s.SignIn(q.Context(), q.Form("mail"), q.Raw("password"), from(q))
		if err != nil {
			if !formFault(err) {
				return err
			}
			return showSignIn(q, err)
		}
		return showCode(q, step, nil)
	}, httpd.Public)
	r.Page("POST /sign-in/code", func(q *httpd.Request) error {
		signed, err := s.SignInCode(q.Context(), q.Form("step"), q.Form("code"), from(q))
		switch {
		case errors.Is(err, ErrStep):
			return showSignIn(q, err)
		case err != nil && formFault(err):
			return showCode(q, q.Form("step"), err)
		case err != nil:
			return err
		}
		return enter(q, signed, q.Next("/"))
	}, httpd.Public)
	r.Page("POST /sign-out", func(q *httpd.Request) error {
		if err := s.SignOut(q.Context()); err != nil {
			return err
		}
		q.SignOut()
		return q.Redirect("/sign-in")
	}, httpd.Public)

	r.Page("GET /welcome/{token}", func(q *httpd.Request) error { return showWelcome(q, s, nil) }, httpd.Public)
	r.Page("POST /welcome/{token}", func(q *httpd.Request) error {
		e, err := s.Enrolment(q.Context(), q.Path("token"))
		if err != nil {
			return linkGone(q, err)
		}
		speak(q, e.Lang) // the codes and the faults too
		if q.Raw("password") != q.Raw("password_again") {
			return showWelcome(q, s, at(fault.New(fault.Invalid, "org.password.differ"), "password_again"))
		}
		j, err := s.Accept(q.Context(), q.Path("token"), q.Raw("password"), q.Form("code"), from(q))
		switch {
		case errors.Is(err, ErrCode):
			return showWelcome(q, s, at(err, "code"))
		case err != nil && formFault(err):
			return showWelcome(q, s, at(err, "password"))
		case err != nil:
			return linkGone(q, err)
		}
		q.SignIn(j.Secret, 0)
		if len(j.Codes) == 0 {
			return q.Redirect("/")
		}
		return showCodes(q, j.Codes)
	}, httpd.Public)

	r.Page("GET /demo/{token}", func(q *httpd.Request) error {
		if !s.DemoLinks {
			return ErrLink
		}
		// A page with a button: a mail scanner or a preview that follows the
		// link must not use it up.
		return q.Render("org/demo", q.Shell(q.Printer.T("org.web.demo.title")), welcomeView{Token: q.Path("token"),
			Head: page.Head{H1: q.Printer.T("org.web.demo.title"), Lead: q.Printer.T("org.web.demo.lead")}})
	}, httpd.Public)
	r.Page("POST /demo/{token}", func(q *httpd.Request) error {
		signed, err := s.SignInByLink(q.Context(), q.Path("token"), from(q))
		if err != nil {
			return err
		}
		return enter(q, signed, "/")
	}, httpd.Public)
}

// enter sets the cookie and goes on. The cookie ends with the browser; the
// session itself ends at its own times.
func enter(q *httpd.Request, signed Signed, next string) error {
	q.SignIn(signed.Secret, 0)
	return q.Redirect(next)
}

func showSignIn(q *httpd.Request, err error) error {
	p := q.Printer
	shell := q.Shell(p.T("org.web.signin.title"))
	if err != nil {
		shell = shell.Fail(err, kept(q))
	}
	return q.Render("org/signin", shell, signInView{
		Head: page.Head{H1: p.T("org.web.signin.title"), Lead: p.T("org.web.signin.lead")},
		Next: q.Next("/"),
		Fields: []page.Field{
			{Name: "mail", Kind: "email", Label: p.T("org.web.mail"), Autocomplete: "username"},
			{Name: "password", Kind: "password", Label: p.T("org.web.password"), Autocomplete: "current-password"},
		},
	})
}

func showCode(q *httpd.Request, step string, err error) error {
	p := q.Printer
	shell := q.Shell(p.T("org.web.code.title"))
	if err != nil {
		shell = shell.Fail(at(err, "code"), kept(q))
	}
	return q.Render("org/code", shell, signInView{
		Head: page.Head{H1: p.T("org.web.code.title")}, Next: q.Next("/"), Step: step,
		Fields: []page.Field{{Name: "code", Label: p.T("org.web.code"), Hint: p.T("org.web.code.hint"), Autocomplete: "one-time-code", Width: "w12"}},
	})
}

func showWelcome(q *httpd.Request, s *Service, fail error) error {
	e, err := s.Enrolment(q.Context(), q.Path("token"))
	if err != nil {
		return linkGone(q, err)
	}
	speak(q, e.Lang)
	p := q.Printer
	v := welcomeView{Token: q.Path("token")}
	title := p.T("org.web.welcome.title")
	v.Head = page.Head{H1: title, Lead: p.T("org.web.welcome.lead", "org", e.OrgName, "name", e.Name)}
	if e.Purpose != Invitation {
		title = p.T("org.web.recover.title")
		v.Head = page.Head{H1: title, Lead: p.T("org.web.recover.lead", "name", e.Name)}
	}
	v.Facts = page.Facts{Tight: true, Rows: []page.Fact{{Name: p.T("org.web.mail"), Value: e.Mail}, {Name: p.T("org.web.until"), Value: p.Time(e.Expires)}}}
	v.Fields = []page.Field{
		{Name: "password", Kind: "password", Label: p.T("org.web.new_password"), Hint: p.T("org.web.new_password.hint", "min", minPassword), Autocomplete: "new-password"},
		{Name: "password_again", Kind: "password", Label: p.T("org.web.password_again"), Autocomplete: "new-password"},
		{Name: "code", Label: p.T("org.web.code"), Hint: p.T("org.web.code.hint"), Autocomplete: "one-time-code", Width: "w12"},
	}
	if e.URL != "" {
		path, side, err := QR(e.URL)
		if err != nil {
			return err
		}
		v.QR = drawQR(path, side, p.T("org.web.qr"))
		v.Secret = grouped(e.Secret)
		v.Fields[2].Hint = p.T("org.web.code.enrol")
	}
	shell := q.Shell(title)
	if fail != nil {
		shell = shell.Fail(fail, kept(q))
	}
	return q.Render("org/welcome", shell, v)
}

// linkGone answers a link that does not work: one page for one that was used,
// has ended, or never was, so that it tells nothing, and with the way on.
func linkGone(q *httpd.Request, err error) error {
	if !errors.Is(err, ErrLink) {
		return err
	}
	title := q.Printer.T("org.web.gone.title")
	return q.Render("org/gone", q.Shell(title).Fail(ErrLink, nil), signInView{Head: page.Head{H1: title}})
}

// speak answers in the language of the person a link is for, who has no
// session yet to know it from; what they chose in this browser comes first,
// as it does before the setting of an account.
func speak(q *httpd.Request, lang text.Lang) {
	_, asked := text.ParseLang(q.Query("lang"))
	_, kept := text.ParseLang(q.Cookie("noroshi_lang"))
	if !asked && !kept {
		q.Lang, q.Printer.Lang = lang, lang
	}
}

// drawQR draws a QR code dark on white in either theme: scanners want it so.
func drawQR(path string, side int, say string) template.HTML {
	n := template.HTMLEscapeString
	size := strconv.Itoa(side)
	return template.HTML(`<svg class="qr" viewBox="0 0 ` + size + ` ` + size + `" width="240" height="240" role="img" aria-label="` + n(say) +
		`" shape-rendering="crispEdges"><rect width="` + size + `" height="` + size + `" fill="#fff"/><path fill="#000" d="` + n(path) + `"/></svg>`)
}

// grouped sets a space after every fourth character, for typing by hand.
func grouped(s string) string {
	var out []byte
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			out = append(out, ' ')
		}
		out = append(out, s[i])
	}
	return string(out)
}

func showCodes(q *httpd.Request, codes []string) error {
	p := q.Printer
	title := p.T("org.web.codes.title")
	return q.Render("org/codes", q.Shell(title), codesView{Head: page.Head{H1: title, Lead: p.T("org.web.codes.lead")}, Codes: codes})
}
