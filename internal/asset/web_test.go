package asset

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// site is the hub with its pages and API. A session or token is
// "member/person role role…".
type site struct {
	*hub
	*httpd.Router
	pages *page.Set
}

func newSite(t testing.TB) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, cli.Words, db.Words, fetch.Words, thread.Words, org.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "asset", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, roles, _ := strings.Cut(c.Session+c.Bearer, " ")
		name, person, ok := strings.Cut(who, "/")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		id := h.country.Identity(name, person)
		for _, role := range strings.Fields(roles) {
			id.Roles = append(id.Roles, gate.Role(role))
		}
		return id, nil
	}})
	Routes(r, h.Service, words)
	Pages(r, h.Service)
	return &site{h, r, pages}
}

const (
	asWriter = "wind/a operator.reporter"
	asKeeper = "contractor/m contractor.maintainer"
	asClerk  = "industry/c ministry.clerk"
	asOffice = "office/o office.clerk"
	asRival  = "sea/a operator.admin"
)

// get opens a page as somebody.
func (s *site) get(who, path string, lang text.Lang) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept-Language", string(lang))
	return s.send(who, r)
}

func (s *site) post(who, path string, form url.Values) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.send(who, r)
}

// send returns the status and the body, or where the answer leads.
func (s *site) send(who string, r *http.Request) (int, string) {
	s.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: httpd.SessionCookie(false), Value: url.QueryEscape(who)})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusSeeOther {
		return res.StatusCode, res.Header.Get("Location")
	}
	return res.StatusCode, string(body)
}

func (s *site) upload(who, name, list string, remove bool) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	f, err := m.CreateFormFile("file", name)
	if err != nil {
		s.t.Fatal(err)
	}
	io.WriteString(f, list)
	if remove {
		m.WriteField("remove", "on")
	}
	m.Close()
	r := httptest.NewRequest("POST", "/assets/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return s.send(who, r)
}
