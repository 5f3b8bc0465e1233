package request

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/page"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/measure"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// site is the hub with its pages. A session is the name of somebody, such as
// wind/reporter1.
type site struct {
	*hub
	*httpd.Router
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, measure.Words, fetch.Words, post.Words, mail.Words)
	h.must("words", err)
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "request", FS: Web})
	h.must("pages", err)
	pages.SetClock(h.Clock.Now)
	h.Words = words
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session + c.Bearer)
		if !strings.Contains(who, "/") {
			return gate.Identity{}, gate.ErrSignIn
		}
		return h.who(who), nil
	}})
	Routes(r, h.Service)
	Pages(r, h.Service)
	return &site{h, r}
}

// open asks for a page, post sends a form. A redirect is its address.
func (s *site) open(who, path string) (int, string) {
	s.t.Helper()
	return s.ask(who, httptest.NewRequest("GET", path, nil))
}

func (s *site) post(who, to string, form url.Values) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest("POST", to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(who, r)
}

func (s *site) ask(who string, r *http.Request) (int, string) {
	s.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(who)})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	s.must("read", err)
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, string(raw)
}

// A person writes, another reads what goes and sends it, in a browser without
// script.
func TestFromTheFormToTheAnswer(t *testing.T) {
	s := newSite(t)
	writer, sender := "wind/reporter1", "wind/reporter2"
	g := &registry{say: map[string]string{"/rdap/ip/198.51.100.7": `{"objectClassName":"ip network","name":"HOST-NET","entities":[` + entity(`"abuse"`, "fn", "Abuse Desk", "email", "abuse@host.example") + `}]}`}}
	s.looks(g)
	form := func(more ...string) url.Values {
		v := url.Values{"kind": {"takedown"}, "subject.address": {"198.51.100.7"}, "subject.harm": {"phishing"}, "subject.does": {"It collects <passwords>."}, "asked": {"Please stop it."}, "tlp": {"GREEN"},
			"evidence[0].says": {"Customers were sent there."}, "evidence[0].from.y": {"2026"}, "evidence[0].from.m": {"11"}, "evidence[0].from.d": {"21"}, "evidence[0].from.h": {"10"}, "evidence[0].from.min": {"0"}, "evidence[0].from.zone": {"+09:00"}, "evidence[0].noun": {"other"}, "to.lang": {"en"}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	has := func(what, page string, all ...string) {
		t.Helper()
		for _, x := range all {
			if !strings.Contains(page, x) {
				t.Errorf("%s lacks %q", what, x)
			}
		}
	}
	code, got := s.post(writer, "/requests", form())
	if code != 422 {
		t.Errorf("without a mail address: %d", code)
	}
	has("the form", got, "エラー", "It collects &lt;passwords&gt;.", `id="f-to-mail"`)
	_, got = s.post(writer, "/requests", form("do", "look"))
	has("the form with what the registry says", got, "abuse@host.example", "HOST-NET", "Abuse Desk")
	code, at := s.post(writer, "/requests", form("to.mail", "abuse@host.example", "to.provider", "HOST-NET", "to.source", "rdap", "to.found_at", "2026-11-22T00:00:00Z"))
	if code != 303 {
		t.Fatalf("%d %s", code, regexp.MustCompile(`(?s)class="errors".*?</div>`).FindString(at))
	}
	_, got = s.open(writer, at)
	has("a draft before anybody said where answers go", got, "回答の届け先が決まっていません")
	if code, got := s.post("wind/admin1", "/requests/desk", url.Values{"reply": {"csirt@wind.example"}, "follow_days": {"3"}}); code != 303 {
		t.Fatalf("desk: %d %.300s", code, got)
	}
	if code, got := s.post(writer, at+"/check", url.Values{}); code != 303 {
		t.Fatalf("check: %d %.300s", code, got)
	}
	_, got = s.open(writer, at)
	has("the writer's page", got, "別の人に、読んで送るよう頼んでください", "It collects &lt;passwords&gt;.", "2026-11-21 01:00:00 UTC")
	_, got = s.open(sender, at)
	digest := regexp.MustCompile(`name="digest" value="([0-9a-f]{64})"`).FindStringSubmatch(got)
	if digest == nil {
		t.Fatalf("nothing to be sent on the sender's page")
	}
	_, eml := s.open(sender, at+"/mail")
	if digestOf([]byte(eml)) != digest[1] {
		t.Error("the file is not the mail that is shown")
	}
	if code, _ := s.post(writer, at+"/send", url.Values{"digest": {digest[1]}}); code != 403 {
		t.Errorf("who wrote it sends it: %d", code)
	}
	if code, _ := s.post(sender, at+"/send", url.Values{"digest": {digest[1]}}); code != 303 {
		t.Errorf("send: %d", code)
	}
	s.round()
	if len(s.box.taken) != 1 || string(s.box.taken[0].Raw) != eml {
		t.Errorf("%d went", len(s.box.taken))
	}
	s.Clock.Pass(5 * time.Hour)
	if code, got := s.post(sender, at+"/answer", url.Values{"says": {"acted"}, "by": {"recipient"}, "text": {"Gone.\r\n"}}); code != 303 {
		t.Errorf("answer: %d %.300s", code, got)
	}
	_, got = s.open("wind/viewer1", "/requests")
	has("the list", got, "止まりました", "5時間", "100 %", "HOST-NET")
	_, got = s.open("wind/viewer1", at)
	has("one", got, "送ったメール", "Gone.", digestOf([]byte("Gone.\r\n"))[:4])
	if strings.Contains(got, "<form method=\"post\" action=\""+at) {
		t.Error("a viewer has a form")
	}
	if code, _ := s.open("sea/reporter1", at); code != 404 {
		t.Errorf("another organisation: %d", code)
	}
}
