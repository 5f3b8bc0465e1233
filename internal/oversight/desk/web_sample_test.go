package desk

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
	"noroshi/internal/testkit"
)

// get reads a page of the desk as somebody.
func (h *hub) get(who gate.Identity, path string) (int, string) {
	h.t.Helper()
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, db.Words, oversight.Words, approval.Words)
	h.must(err)
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "desk", FS: Web})
	h.must(err)
	pages.SetClock(h.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Version: "test", Identify: func(context.Context, httpd.Credential) (gate.Identity, error) { return who, nil }})
	Pages(r, h.Service)
	for _, route := range r.Routes() {
		if route.Pattern == "POST /oversight/samples/{id}/reveal" {
			h.t.Error("a page takes the nonce")
		}
	}
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Accept", "text/html")
	req.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape("x")})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// TestThePageTakesNoNonce shows a plan that waits for its nonce: the page has the
// command that reveals it from an own copy, and no field to type it into.
func TestThePageTakesNoNonce(t *testing.T) {
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	h.power(3)
	p, err := h.Plan(h.as("commission/inspector"), Planning{Strata: []Stratum{{"use", 2}}, Why: "x", Commitment: oversight.Commitment(NewNonce())})
	h.must(err)
	h.tick()
	code, body := h.get(h.country.Identity("commission", "inspector", gate.Inspector), "/oversight/samples/"+p.ID)
	if code != 200 || strings.Count(body, "--plan "+p.Number+" --secret FILE") != 1 {
		t.Errorf("%d: the command is not there: %s", code, body)
	}
	if strings.Contains(body, `name="nonce"`) || strings.Contains(body, "/reveal") {
		t.Error("the page asks for the nonce")
	}
}
