package org

import (
	"embed"
	"net/url"
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

// Pages registers the pages: sign-in and links for anybody, the rest for whom
// the table allows.
func Pages(r *httpd.Router, s *Service) {
	pagesSignIn(r, s)
	pagesAccount(r, s)
	pagesPeople(r, s)
	pagesOrg(r, s)
	pagesView(r, s)
}

// from returns what somebody signs in from.
func from(q *httpd.Request) Device {
	c := q.Credential()
	return Device{Addr: c.Addr, Agent: c.Agent}
}

// kept returns the form to give back to a page, without what is secret.
func kept(q *httpd.Request) url.Values {
	form := url.Values{}
	for k, v := range q.Forms() {
		if !strings.Contains(k, "password") && k != "code" && k != "step" {
			form[k] = v
		}
	}
	return form
}

// at puts a fault without places at a field, so that the page marks it.
func at(err error, field string) error {
	f := fault.Of(err)
	if f.Kind != fault.Invalid || len(f.Places) > 0 {
		return err
	}
	return fault.New(fault.Invalid, "org.invalid", "n", 1).At(fault.Place{At: field, Code: f.Code, Args: f.Args})
}

// formFault reports whether an error belongs back on the form, and not on an
// error page.
func formFault(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Busy:
		return true
	}
	return false
}

// options returns choices of a list whose words stand under a prefix.
func options[T ~string](p text.Printer, prefix string, values []T) []page.Option {
	out := make([]page.Option, len(values))
	for i, v := range values {
		out[i] = page.Option{Value: string(v), Label: p.T(prefix + string(v))}
	}
	return out
}

// said joins the words of values.
func said[T ~string](p text.Printer, prefix string, values []T) string {
	w := make([]string, len(values))
	for i, v := range values {
		w[i] = p.T(prefix + string(v))
	}
	return strings.Join(w, p.T("org.web.comma"))
}

// the words of what is stored as a value
const (
	roleWords  = "org.role."
	kindWords  = "org.kinds."
	dutyWords  = "org.duty."
	stateWords = "org.person_state."
)

func crumb(text, href string) page.Crumb { return page.Crumb{Text: text, Href: href} }

// langs are the choices of language, each in itself.
var langs = []page.Option{{Value: string(text.JA), Label: "日本語"}, {Value: string(text.EN), Label: "English"}}

// clearances are the levels of clearance as choices.
func clearances(p text.Printer, upTo int) []page.Option {
	var out []page.Option
	for i, key := range []string{"org.clearance.0", "org.clearance.1", "org.clearance.2", "org.clearance.3"} {
		if i <= upTo {
			out = append(out, page.Option{Value: string(rune('0' + i)), Label: p.T(key)})
		}
	}
	return out
}

// manages reports whether the reader may manage people at all; for showing
// or leaving out a link, never instead of the service's own answer.
func manages(q *httpd.Request) bool {
	return q.Who.Token == "" && Access.May(q.Context(), "person.invite")
}

func isHub(q *httpd.Request) bool { return q.Who.Has(gate.HubAdmin) }

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
