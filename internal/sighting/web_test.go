package sighting

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// site is the hub with its pages and API. A session or token is "member role".
type site struct {
	*hub
	*httpd.Router
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, blob.Words, db.Words, org.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "sighting", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session + c.Bearer)
		name, role, ok := strings.Cut(who, " ")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		id := h.country.Identity(name, "a", gate.Role(role))
		id.Clearance = 1
		return id, nil
	}})
	Routes(r, h.Service)
	Pages(r, h.Service)
	return &site{h, r}
}

func (s *site) send(who, method, path, kind, body string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(who)})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, string(raw)
}

const form = "application/x-www-form-urlencoded"

func TestPagesTellTheStory(t *testing.T) {
	s := newSite(t)
	const wind, analyst = "wind operator.reporter", "office office.analyst"
	if code, body := s.send(wind, "GET", "/sightings", "", ""); code != 200 || !strings.Contains(body, "まだ観測はありません") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := s.send(wind, "GET", "/sightings/new", "", ""); code != 200 {
		t.Errorf("%d", code)
	}
	code, body := s.send(wind, "POST", "/sightings", form, url.Values{"what": {"indicator"}, "value": {"not a value"}, "note": {"書きかけ"}}.Encode())
	if code != 422 || !strings.Contains(body, "書きかけ") || !strings.Contains(body, "アドレス、ドメイン、URL、ハッシュ、CVE番号のどれか") {
		t.Errorf("%d %s", code, body)
	}
	code, at := s.send(wind, "POST", "/sightings", form, url.Values{"what": {"indicator"}, "value": {"evil[.]example"}, "count": {"３"}, "note": {"夜間の通信"}}.Encode())
	if code != 303 {
		t.Fatalf("%d %s", code, at)
	}
	for who, hides := range map[string]string{wind: "伏せています", analyst: "試験wind"} {
		code, body := s.send(who, "GET", at, "", "")
		if code != 200 || !strings.Contains(body, "evil.example") || !strings.Contains(body, "夜間の通信") || strings.Contains(body, hides) {
			t.Errorf("%s: %d %s", who, code, body)
		}
		if code, body := s.send(who, "GET", "/sightings?value=EVIL.example&what=indicator", "", ""); code != 200 || !strings.Contains(body, at) {
			t.Errorf("%s: %d %s", who, code, body)
		}
	}
	blank := strings.Repeat("0", len(at)-len("/sightings/"))
	_, none := s.send("sea operator.reporter", "GET", "/sightings/"+blank, "", "")
	if code, body := s.send("sea operator.reporter", "GET", at, "", ""); code != 404 || strings.Contains(body, "evil") || len(body) != len(none) {
		t.Errorf("%d %s", code, body)
	}
	if code, to := s.send(wind, "POST", at+"/withdraw", form, "why=x"); code != 303 || to != at {
		t.Errorf("%d %s", code, to)
	}
	if _, body := s.send(wind, "GET", at, "", ""); !strings.Contains(body, "取り下げた時刻") {
		t.Error(body)
	}
}

func TestAPI(t *testing.T) {
	s := newSite(t)
	code, body := s.send("wind operator.reporter", "POST", "/api/v1/sightings", "application/json", `{"what":"exploited","vulnerability":"CVE-2026-12345","named":true}`)
	var x Sighting
	if err := json.Unmarshal([]byte(body), &x); code != 201 || err != nil || x.Value != "CVE-2026-12345" {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := s.send("wind operator.reporter", "POST", "/api/v1/sightings/"+x.ID+"/files?name=a.log", "application/octet-stream", "log"); code != 201 {
		t.Errorf("%d %s", code, body)
	}
	code, body = s.send("office office.analyst", "GET", "/api/v1/sightings/"+x.ID, "", "")
	if err := json.Unmarshal([]byte(body), &x); code != 200 || err != nil || len(x.Files) != 1 {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := s.send("office office.analyst", "GET", "/api/v1/sightings/"+x.ID+"/files/"+x.Files[0].ID, "", ""); code != 200 || body != "log" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := s.send("wind operator.reporter", "POST", "/api/v1/sightings", "application/json", `{"what":"indicator","value":"?"}`); code != 422 || !strings.Contains(body, `"at":"value"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := s.send("industry ministry.clerk", "GET", "/api/v1/sightings", "", ""); code != 403 {
		t.Errorf("%d", code)
	}
	if code, body := s.send("wind operator.reporter", "GET", "/api/v1/sightings?vulnerability=CVE-2026-12345", "", ""); code != 200 || !strings.Contains(body, x.ID) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := s.send("wind operator.reporter", "POST", "/api/v1/sightings/"+x.ID+"/withdraw", "application/json", `{"why":"x"}`); code != 204 {
		t.Errorf("%d %s", code, body)
	}
}
