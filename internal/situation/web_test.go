package situation

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

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/incident"
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
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, thread.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "situation", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	pages.SetClock(h.Clock.Now)
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
	r.Page("GET /todos", func(q *httpd.Request) error {
		d, err := Home(q, h.Service)
		if err != nil {
			return err
		}
		return q.JSON(d.Todos)
	})
	return &site{h, r}
}

const (
	form     = "application/x-www-form-urlencoded"
	asOffice = "office office.clerk"
	asClerk  = "industry ministry.clerk"
	asWind   = "wind operator.reporter"
	asSea    = "sea operator.reporter"
)

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

// page reads a page and wants words on it; those after "!" must not be there.
func (s *site) page(who, path string, want ...string) string {
	s.t.Helper()
	code, body := s.send(who, "GET", path, "", "")
	if code != 200 {
		s.t.Fatalf("%s, %s: %d %s", who, path, code, body)
	}
	for _, w := range want {
		not, hidden := strings.CutPrefix(w, "!")
		if strings.Contains(body, not) == hidden {
			s.t.Errorf("%s, %s: %q\n%s", who, path, w, body)
		}
	}
	return body
}

func (s *site) post(who, path string, pairs ...string) string {
	s.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	code, to := s.send(who, "POST", path, form, v.Encode())
	if code != 303 {
		s.t.Fatalf("%s posts %s: %d %s", who, path, code, to)
	}
	return to
}

func TestTheRoomOfEverySide(t *testing.T) {
	s := newSite(t)
	got, err := s.Incidents.Submit(s.wind(), incident.Template(incident.Ransomware).Clone(), "")
	s.must(err)
	s.page(asOffice, "/situations", "いま開いている事態はありません")
	s.page(asOffice, "/situations/new", "状況報告の間隔")
	if code, body := s.send(asOffice, "POST", "/situations", form, "title=x&about=bug&every_hours=999"); code != 422 || !strings.Contains(body, "CVE番号で書いてください") || !strings.Contains(body, "0から168まで") {
		t.Errorf("%d %s", code, body)
	}
	at := s.post(asOffice, "/situations", "title", "電力への侵入", "summary", "同じ手口", "about", "cve-2026-12345", "every_hours", "６", "tlp", "AMBER", "clearance", "0")
	s.page(asOffice, at, "同じ手口", "参加を求める", "次の状況報告")
	for _, name := range []string{"industry", "wind", "sea"} {
		s.post(asOffice, at+"/participants", "org", s.country.ID(name), "sees", "incidents", "sees", "tasks", "sees", "decisions", "sees", "reports", "sees", "people")
	}
	if code, body := s.send(asClerk, "POST", at+"/incidents", form, "incident=N-AAAA-AAAA"); code != 422 || !strings.Contains(body, "受付にありません") {
		t.Errorf("%d %s", code, body)
	}
	s.post(asClerk, at+"/incidents", "incident", got.Case.Number)
	s.post(asOffice, at+"/tasks", "owner", s.country.ID("wind"), "title", "通信の記録を残す", "detail", "90日分", "due_at.y", "2026", "due_at.m", "11", "due_at.d", "22", "due_at.h", "12", "due_at.zone", "+09:00")
	if code, body := s.send(asOffice, "POST", at+"/tasks", form, "title=x"); code != 422 || !strings.Contains(body, "担当する機関を選んでください") || strings.Count(body, "<details open>") != 1 || twice(body) != "" {
		t.Errorf("%d %s", code, body)
	}
	s.post(asOffice, at+"/decisions", "what", "外からの接続を止める", "to", s.country.ID("wind"))
	s.post(asOffice, at+"/decisions", "what", "公表は見送る")
	s.post(asOffice, at+"/messages", "with", s.country.ID("wind"), "kind", "question", "text", "いつ始めましたか")
	s.page(asClerk, at, got.Case.Number, "通信の記録を残す", "公表は見送る", "時の流れ", "!参加を求める")
	s.page(asWind, at, "通信の記録を残す", "外からの接続を止める", "いつ始めましたか", "!公表", "!試験sea", "!"+got.Case.Number, "!同じ手口")
	s.page(asSea, at, "電力への侵入", "!通信の記録", "!外からの", "!いつ始め", "!試験wind")
	own, err := s.Mine(s.wind(), 10)
	if err != nil || len(own) != 1 {
		t.Fatalf("%v %v", own, err)
	}
	task := at + "/tasks/" + own[0].Task.ID
	s.page(asWind, "/todos", "通信の記録を残す")
	s.page(asWind, task, "90日分", "終わりました", "できません", "!取り消す")
	s.page(asOffice, task, "取り消す", "!できません")
	if code, _ := s.send(asSea, "GET", task, "", ""); code != 404 {
		t.Errorf("another's task: %d", code)
	}
	if code, body := s.send(asWind, "POST", task+"/state", form, "state=cannot"); code != 422 || !strings.Contains(body, "空です") {
		t.Errorf("%d %s", code, body)
	}
	s.post(asWind, task+"/messages", "kind", "note", "text", "始めました")
	s.post(asWind, task+"/state", "state", "done", "answer", "残しました")
	s.page(asOffice, task, "残しました", "始めました")
	s.post(asOffice, at+"/reports", "judgement", "広がりは止まった")
	for who, langs := range map[string][]string{asOffice: {"広がりは止まった", "終わった課題", "該当する機関", "5–9", "1000&#43;", "ランサムウェア 1"}, asClerk: {"広がりは止まった"}} {
		s.page(who, at+"/reports/1", langs...)
	}
	if code, _ := s.send(asWind, "GET", at+"/reports/1", "", ""); code != 404 {
		t.Errorf("a firm reads the report: %d", code)
	}
	if code, _ := s.send(asOffice, "GET", at+"/reports/x", "", ""); code != 404 {
		t.Errorf("%d", code)
	}
	if code, _ := s.send(asClerk, "POST", at+"/close", form, "lessons=x"); code != 403 {
		t.Errorf("a member closes: %d", code)
	}
	s.post(asOffice, at+"/narrow", "member", s.country.ID("industry"), "shows", "reports")
	s.page(asClerk, at, "!公表は見送る", "!通信の記録を残す")
	s.post(asOffice, at+"/close", "lessons", "記録は先に残す")
	s.page(asClerk, "/situations?closed=1", "電力への侵入", "終えた時刻")
	s.page(asOffice, at, "記録は先に残す", "!課題を渡す</button>")
}

// twice returns an id that stands on a page twice.
func twice(body string) string {
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if seen[m[1]] {
			return m[1]
		}
		seen[m[1]] = true
	}
	return ""
}

func TestAPI(t *testing.T) {
	s := newSite(t)
	code, body := s.send(asOffice, "POST", "/api/v1/situations", "application/json", `{"title":"電力への侵入","every_hours":6}`)
	if code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	list, _, err := s.List(s.office(), false, "", 0)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	at := "/api/v1/situations/" + list[0].ID
	for _, c := range []struct {
		who, method, path, body string
		code                    int
	}{
		{asOffice, "POST", "/participants", `{"org":"` + s.country.ID("wind") + `","sees":{"incidents":true,"tasks":true,"decisions":true,"reports":true,"people":true}}`, 201},
		{asOffice, "POST", "/participants", `{"org":"` + s.country.ID("wind") + `","sees":{"incidents":true,"tasks":true,"decisions":true,"reports":true,"people":true}}`, 409},
		{asOffice, "POST", "/tasks", `{"owner":"` + s.country.ID("wind") + `","title":"記録を残す"}`, 201},
		{asOffice, "POST", "/tasks", `{"owner":"nobody","title":"x"}`, 422},
		{asOffice, "POST", "/decisions", `{"what":"止める"}`, 201},
		{asOffice, "POST", "/messages", `{"with":"` + s.country.ID("wind") + `","text":"x"}`, 201},
		{asWind, "POST", "/decisions", `{"what":"止める"}`, 403},
		{asWind, "POST", "/messages", `{"text":"y"}`, 201},
		{asSea, "GET", "", "", 404},
		{asSea, "POST", "/messages", `{"text":"y"}`, 404},
		{asOffice, "POST", "/reports", `{"judgement":"x"}`, 201},
		{asOffice, "GET", "/reports/1", "", 200},
		{asWind, "GET", "/reports/1", "", 404},
		{asOffice, "POST", "/close", `{"lessons":"x"}`, 422},
		{"commission commission.member", "GET", "", "", 403},
	} {
		kind := "application/json"
		if code, body := s.send(c.who, c.method, at+c.path, kind, c.body); code != c.code {
			t.Errorf("%s %s %s: %d, want %d %s", c.who, c.method, c.path, code, c.code, body)
		}
	}
	own, err := s.Mine(s.wind(), 1)
	if err != nil || len(own) != 1 {
		t.Fatalf("%v %v", own, err)
	}
	if code, body := s.send(asWind, "POST", at+"/tasks/"+own[0].Task.ID+"/state", "application/json", `{"state":"done"}`); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := s.send(asWind, "GET", at+"/tasks/"+own[0].Task.ID, "", ""); code != 200 || strings.Contains(body, `"by"`) && strings.Contains(body, `"by":"`+s.country.ID("office")) {
		t.Errorf("%d %s", code, body)
	}
}
