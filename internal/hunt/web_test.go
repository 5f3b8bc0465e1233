package hunt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/org"
	"noroshi/internal/sensor"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
)

// site is the hub with the pages of hunts. A session is "member role".
type site struct {
	*hub
	*httpd.Router
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	config := h.Config
	config.Starter, config.StarterVersion, config.BaseURL = starter.FS(), starter.Version, "https://hub.example.jp"
	h.Service = Open(config)
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, cli.Words, sensor.Words, sighting.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "hunt", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	pages.SetClock(h.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session)
		name, role, ok := strings.Cut(who, " ")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		return h.country.Identity(name, "a", gate.Role(role)), nil
	}})
	Pages(r, h.Service)
	r.Page("GET /todos", func(q *httpd.Request) error {
		d, err := Home(q, h.Service)
		if err != nil {
			return err
		}
		return q.JSON(d.Todos)
	})
	r.Page("GET /as", func(q *httpd.Request) error {
		q.SignIn(strings.ReplaceAll(q.Query("who"), "~", " "), time.Hour)
		return q.Redirect(q.Next("/hunts"))
	}, httpd.Public)
	return &site{h, r}
}

const (
	urlForm  = "application/x-www-form-urlencoded"
	asHunter = "wind operator.reporter"
	asAdmin  = "wind operator.admin"
	asViewer = "wind operator.viewer"
	asOther  = "sea operator.admin"
	asOffice = "office office.analyst"
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
	s.has(path, body, want...)
	return body
}

func (s *site) has(what, body string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		not, hidden := strings.CutPrefix(w, "!")
		if strings.Contains(body, not) == hidden {
			s.t.Errorf("%s: %q\n%s", what, w, body)
		}
	}
}

func pairs(list []string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		v.Add(list[i], list[i+1])
	}
	return v
}

// post posts a form that goes through, and returns where it leads.
func (s *site) post(who, path string, list ...string) string {
	s.t.Helper()
	code, to := s.send(who, "POST", path, urlForm, pairs(list).Encode())
	if code != 303 {
		s.t.Fatalf("%s, %s: %d %s", who, path, code, to)
	}
	return to
}

// stays posts a form that does not go through.
func (s *site) stays(who, path string, want int, list ...string) string {
	s.t.Helper()
	code, body := s.send(who, "POST", path, urlForm, pairs(list).Encode())
	if code != want {
		s.t.Fatalf("%s, %s: %d, want %d: %s", who, path, code, want, body)
	}
	return body
}

func (s *site) upload(who, path, field, name string, content []byte) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w, err := m.CreateFormFile(field, name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	s.must(err)
	return s.send(who, "POST", path, m.FormDataContentType(), b.String())
}

func jsonl(t testing.TB, list ...Incoming) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, x := range list {
		raw, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(raw, '\n'))
	}
	return out.Bytes()
}

// hostile is what an intruder writes into logs for whoever reads them.
const hostile = "<script>alert(1)</script>\u202Egpj.exe"

func TestResultsAreBroughtFilteredTriagedAndUndone(t *testing.T) {
	s := newSite(t)
	s.page(asHunter, "/hunts", "まだハンティングがありません")
	body := s.stays(asHunter, "/hunts", 422, "title", "夜の操作", "question", "")
	s.has("form", body, "夜の操作", `id="f-question-error"`, "エラー")
	bring := s.post(asHunter, "/hunts", "title", "夜の操作", "question", "管理者の道具が夜に使われていないか", "rules", "starter/"+starter.Version)
	id := strings.Split(bring, "/")[2]
	s.page(asHunter, bring, "noroshi hunt seal LOGS --out pack.zip", "noroshi hunt send pack.zip --hunt H-", "--hub https://hub.example.jp")
	h, err := s.Hunt(s.hunter(), id)
	s.must(err)
	s.post(asHunter, "/hunts/"+id+"/begin", "version", fmt.Sprint(h.Version))

	at := s.Clock.Now().Add(-24 * time.Hour)
	list := []Incoming{line("r1", "PC-A", "alice", at), line("r1", "PC-B", "bob", at.Add(time.Minute)), line("r2", "PC-A", "alice", at.Add(time.Hour)), line("r3", "PC-C", "", at)}
	code, body := s.upload(asHunter, bring, "file", "x.jsonl", append(jsonl(t, list[0]), []byte("{\"kind\":\"poem\"}\nnot json\n")...))
	if code != 422 || !strings.Contains(body, "2行目") || !strings.Contains(body, "3行目") {
		t.Fatalf("%d %s", code, body)
	}
	if n := testkit.Count(t, s.Parts.DB, "SELECT count(*) FROM hunt_run"); n != 0 {
		t.Errorf("%d runs of a file that is wrong", n)
	}
	code, to := s.upload(asHunter, bring, "file", "x.jsonl", jsonl(t, list...))
	if code != 303 {
		t.Fatalf("%d %s", code, to)
	}
	if code, again := s.upload(asHunter, bring, "file", "x.jsonl", jsonl(t, list...)); code != 303 || again != to {
		t.Errorf("the same file again: %d %s, not %s", code, again, to)
	}
	desk := "/hunts/" + id
	s.page(asHunter, desk, "PC-A", "PC-B", "PC-C", "CommandLine: powershell -enc", "まれ", `name="id"`)
	body = s.page(asHunter, desk+"?host=pc-a", "機械：pc-a", "Title of r1", "Title of r2")
	if n := strings.Count(body, `name="id"`); n != 2 {
		t.Errorf("%d of one host", n)
	}
	if n := strings.Count(s.page(asHunter, desk+"?user=bob&technique=T1021"), `name="id"`); n != 1 {
		t.Errorf("%d of one account", n)
	}
	s.page(asViewer, desk, "PC-A", `!name="id"`)

	// All of a filter, with the number the person saw.
	body = s.page(asHunter, desk+"/triage?host=PC-A", "この条件の2件すべて", `name="expect" value="2"`)
	query := regexp.MustCompile(`name="query" value="([^"]*)"`).FindStringSubmatch(body)[1]
	body = s.stays(asHunter, desk+"/triage", 422, "sure", "1", "query", query, "expect", "2", "state", "harmless")
	s.has("no reason", body, `id="f-reason-error"`)
	body = s.stays(asHunter, desk+"/triage", 409, "sure", "1", "query", query, "expect", "7", "state", "harmless", "reason", "夜間保守")
	s.has("another number", body, "夜間保守")
	to = s.post(asHunter, desk+"/triage", "sure", "1", "query", query, "expect", "2", "state", "harmless", "reason", "夜間保守")
	body = s.page(asHunter, to, "2件を「害なし」にしました", "元に戻す")
	undo := regexp.MustCompile(`action="(/hunt-batches/[^"]*/undo[^"]*)"`).FindStringSubmatch(body)[1]
	s.page(asHunter, desk, "!PC-A</a>", "PC-B")
	s.page(asHunter, "/hunt-batches", "夜間保守", "元に戻す")
	to = s.post(asHunter, strings.ReplaceAll(undo, "&amp;", "&"))
	s.page(asHunter, to, "2件を元に戻しました")
	if n := len(s.findings(FindingFilter{State: Fresh})); n != 4 {
		t.Errorf("%d new after undo", n)
	}

	// Ticked ones: nothing changes before it is confirmed.
	all := s.findings(FindingFilter{Host: "PC-B"})
	code, body = s.send(asHunter, "POST", desk+"/triage", urlForm, pairs([]string{"id", all[0].ID, "state", "real", "query", "host=PC-B"}).Encode())
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	s.has("confirmation", body, "選んだ1件", all[0].ID, `value="real" checked`)
	if s.findings(FindingFilter{Host: "PC-B"})[0].State != Fresh {
		t.Error("it changed before it was confirmed")
	}
	s.post(asHunter, desk+"/triage", "sure", "1", "id", all[0].ID, "query", "host=PC-B", "state", "real", "reason", "本物")
	s.page(asHunter, desk+"/report", "攻撃と判断した検出", "仕分け待ちが3件", "PC-B", "次に確かめること")
	for _, who := range []string{asOther} {
		if code, _ := s.send(who, "GET", desk, "", ""); code != 404 {
			t.Errorf("%s sees another's desk: %d", who, code)
		}
	}
	if code, _ := s.send(asOffice, "GET", desk, "", ""); code != 403 {
		t.Errorf("an analyst: %d", code)
	}
	if code, _ := s.send(asViewer, "POST", desk+"/triage", urlForm, "sure=1&state=taken&expect=1"); code != 403 {
		t.Errorf("a viewer triages: %d", code)
	}
}

func TestADetectionIsExplainedReleasedAndSuppressed(t *testing.T) {
	s := newSite(t)
	h := s.hunt()
	at := s.Clock.Now().Add(-24 * time.Hour)
	const known = "fd5fd30d-e74b-49ab-be69-eecd1da69066" // a rule of the program
	s.hub.send(h.ID, "a-run-of-tests", line(known, "PC-A", "alice", at), line("r2", "PC-A", "carol", at.Add(10*time.Minute)), line("r3", "PC-Z", "alice", at.Add(5*time.Hour)))
	f := s.findings(FindingFilter{Rule: known})[0]
	path := "/hunt-findings/" + f.ID
	ja := s.page(asHunter, path, "なぜ当たったか", "powershell -enc SECRETCOMMAND", "「evil」を含む", "同じ機械の前後1時間", "Title of r2", "!Title of r3", "次に確かめること", "害のない場合")
	r, ok := mustShelf(t, s).byRef[known]
	if !ok || !strings.Contains(ja, r.TitleJA) {
		t.Errorf("the title is not in the reader's language")
	}
	s.page(asHunter, path+"?lang=en", "Why it was found", r.Title, "Same host, an hour before and after")
	s.stays(asHunter, path+"/decide", 409, "version", "99", "state", "taken")
	body := s.stays(asHunter, path+"/decide", 422, "version", fmt.Sprint(f.Version), "state", "real", "reason", " ")
	s.has("no reason", body, `id="f-reason-error"`)
	to := s.post(asHunter, path+"/decide", "version", fmt.Sprint(f.Version), "state", "real", "reason", "通信先が外")
	s.page(asHunter, to, "通信先が外")

	// Release: chosen, shown, done.
	s.page(asHunter, path+"/release", "203.0.113.9", "bad.attacker.net", "!198.51.100.7", "!SECRETCOMMAND")
	s.has("none chosen", s.stays(asHunter, path+"/release", 422), `id="f-values-error"`)
	code, body := s.send(asHunter, "POST", path+"/release", urlForm, "values=203.0.113.9")
	s.has("preview", body, "外へ出るもの", "203.0.113.9", "伝えない", "!bad.attacker.net", "!PC-A")
	if code != 200 || testkit.Count(t, s.Parts.DB, "SELECT count(*) FROM sighting_fact") != 0 {
		t.Fatalf("%d: it left before it was confirmed", code)
	}
	s.stays(asHunter, path+"/release", 422, "sure", "1", "values", "PC-A")
	s.post(asHunter, path+"/release", "sure", "1", "values", "203.0.113.9")
	if n := testkit.Count(t, s.Parts.DB, "SELECT count(*) FROM sighting_fact"); n != 1 {
		t.Errorf("%d sightings", n)
	}
	s.page(asHunter, path, "外へ提供したもの", "203.0.113.9")
	s.page(asHunter, path+"/release", "提供済み")

	// Suppress: shown, made, shared without a host.
	s.page(asHunter, path+"/suppress", `value="PC-A"`, "CommandLine")
	until := s.Clock.Now().AddDate(0, 1, 0)
	fill := []string{"reason", "保守の道具", "until_at.y", fmt.Sprint(until.Year()), "until_at.m", fmt.Sprint(int(until.Month())), "until_at.d", fmt.Sprint(until.Day()), "until_at.h", "9", "until_at.min", "0"}
	s.has("no reason", s.stays(asAdmin, path+"/suppress", 422, slices.Concat(fill, []string{"reason", ""})[2:]...), `id="f-reason-error"`)
	code, body = s.send(asAdmin, "POST", path+"/suppress", urlForm, pairs(slices.Concat(fill, []string{"field", "CommandLine"})).Encode())
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	s.has("preview", body, "この内容で抑制します", "CommandLine が「powershell -enc SECRETCOMMAND", "検出は1件")
	to = s.post(asAdmin, path+"/suppress", slices.Concat(fill, []string{"sure", "1"})...)
	if !strings.HasSuffix(to, "/offer") {
		t.Fatal(to)
	}
	s.page(asAdmin, to, "ほかの組織に見える内容", "保守の道具", "!PC-A")
	s.post(asAdmin, to)
	other := s.page(asOther, "/hunt-suppressions", "保守の道具", "5組織未満", "!PC-A")
	adopt := regexp.MustCompile(`action="(/hunt-offers/[^"]*/adopt)"`).FindStringSubmatch(other)[1]
	s.post(asOther, adopt)
	s.page(asOther, "/hunt-suppressions", "取り入れ済み")
	if code, _ := s.send(asHunter, "GET", to, "", ""); code != 403 {
		t.Errorf("who does not speak for the organisation offers: %d", code)
	}
	s.page(asHunter, "/hunt-suppressions/file", "[[suppress]]", known)
	var todos []page.Todo
	if err := json.Unmarshal([]byte(s.page(asHunter, "/todos")), &todos); err != nil || len(todos) != 1 || !strings.Contains(todos[0].Title, "仕分け待ち2件") {
		t.Errorf("%+v %v", todos, err)
	}
	if got := s.page(asOffice, "/todos"); strings.TrimSpace(got) != "null" {
		t.Errorf("an analyst's home: %s", got)
	}
}

func mustShelf(t testing.TB, s *site) *shelf {
	t.Helper()
	x, err := s.shelf()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRunsAreComparedAndAHuntIsClosed(t *testing.T) {
	s := newSite(t)
	h := s.hunt()
	at := s.Clock.Now().Add(-24 * time.Hour)
	a := s.hub.send(h.ID, "first-run", line("r1", "PC-A", "alice", at), line("r2", "PC-B", "bob", at))
	s.Clock.Pass(time.Hour)
	b := s.hub.send(h.ID, "second-run", line("r2", "PC-B", "bob", at), line("r3", "PC-C", "carol", at))
	path := "/hunts/" + h.ID + "/compare?before=" + a.ID + "&after_run=" + b.ID
	s.page(asHunter, path, "PC-C", "!PC-A<")
	s.page(asHunter, path+"&change=gone", "PC-A", "!PC-C<")
	s.page(asHunter, path+"&change=both", "PC-B", "!PC-C<")
	s.has("one run twice", func() string {
		_, body := s.send(asHunter, "GET", "/hunts/"+h.ID+"/compare?before="+a.ID+"&after_run="+a.ID, "", "")
		return body
	}(), "比べる")
	s.page(asHunter, "/hunts/"+h.ID+"/close", "まだ仕分け待ちが2件")
	s.stays(asHunter, "/hunts/"+h.ID+"/close", 409, "version", "1", "conclusion", "found", "words", "x")
	body := s.stays(asHunter, "/hunts/"+h.ID+"/close", 422, "version", fmt.Sprint(h.Version), "words", "跡があった")
	s.has("no conclusion", body, "跡があった", `id="f-conclusion-error"`)
	s.post(asHunter, "/hunts/"+h.ID+"/close", "version", fmt.Sprint(h.Version), "conclusion", "found", "words", "跡があった")
	s.page(asHunter, "/hunts/"+h.ID+"/report", "跡があった", "見つかった", "TLP:AMBER")
	s.page(asHunter, "/hunts/"+h.ID+"/bring", "進行中のハンティングだけ", "もう一度開く")
}

func TestRulesAreBrowsedAndUploaded(t *testing.T) {
	s := newSite(t)
	s.page(asViewer, "/hunt-rules", "標準の規則集", "!name=\"about\"")
	body := s.page(asViewer, "/hunt-rules/starter?theme=windows%2Fransomware", "身代金要求型")
	if n := strings.Count(body, "data-item"); n < 3 || n > 60 {
		t.Errorf("%d rules of a theme", n)
	}
	s.page(asViewer, "/hunt-rules/starter?technique=T1490&lang=en", "T1490", "Built-in rules")
	s.page(asViewer, "/hunt-rules/starter/rule?id=fd5fd30d-e74b-49ab-be69-eecd1da69066", "次に確かめること", "condition:", "Windows：身代金要求型")
	if code, _ := s.send(asViewer, "GET", "/hunt-rules/starter/rule?id=none", "", ""); code != 404 {
		t.Errorf("%d", code)
	}
	s.has("no name", s.stays(asHunter, "/hunt-rules", 422, "name", ""), `id="f-name-error"`)
	to := s.post(asHunter, "/hunt-rules", "name", hostile)
	s.page(asHunter, to, "規則の入った zip", "&lt;script&gt;", "!<script>alert", "!\u202E")
	if code, body := s.upload(asHunter, to, "zip", "x.zip", []byte("not a zip")); code < 400 || code > 422 {
		t.Errorf("%d %s", code, body)
	}
	bad := strings.Replace(goodRule, "detection:", "detection_:", 1)
	code, body := s.upload(asHunter, to, "zip", "x.zip", zipBook(t, map[string]string{"a.yml": goodRule, "b.yml": bad}))
	if code != 303 {
		t.Fatalf("%d %s", code, body)
	}
	body = s.page(asHunter, to, "b.yml の", "規則1件", "使えない規則1件")
	zip := regexp.MustCompile(`href="(/hunt-rules/[^"]*/zip)"`).FindStringSubmatch(body)[1]
	if got := s.page(asHunter, zip); !strings.HasPrefix(got, "PK") {
		t.Errorf("%.20q", got)
	}
	s.post(asHunter, to+"/retire", "why", "古い")
	s.page(asHunter, to, "この規則集は終了しました", "!name=\"zip\"")
}

// What an intruder writes into logs shows as text on every page, turns no
// direction, and is never in an attribute by itself.
func TestHostileWordsStayWords(t *testing.T) {
	s := newSite(t)
	h, err := s.Draft(s.hunter(), NewHunt{Title: hostile, Question: hostile, Hosts: hostile, Logs: hostile, Notice: hostile})
	s.must(err)
	h, err = s.Begin(s.hunter(), h.ID, h.Version)
	s.must(err)
	at := s.Clock.Now().Add(-24 * time.Hour)
	x := line(hostile, hostile, hostile, at)
	x.Rule.Title, x.Source, x.Why = hostile, hostile, []Why{{Field: hostile, Op: hostile, Want: hostile, Value: hostile}}
	x.Event = map[string]string{hostile: hostile, "DestinationIp": "203.0.113.9"}
	y := x
	y.User = "carol"
	a := s.hub.send(h.ID, "hostile-run", x, y)
	b := s.hub.send(h.ID, "hostile-again", x)
	f := s.findings(FindingFilter{Run: a.ID})[0]
	sup, err := s.Suppress(s.admin(), NewSuppression{Condition: Condition{Rule: hostile, Field: hostile, Value: hostile}, Title: hostile, Reason: hostile, UntilAt: s.Clock.Now().AddDate(0, 1, 0)})
	s.must(err)
	batch, err := s.Triage(s.hunter(), Choice{IDs: []string{f.ID}}, Decision{State: Real, Reason: hostile})
	s.must(err)
	narrow := url.Values{"run": {"all"}, "state": {"all"}, "host": {hostile}, "user": {hostile}, "rule": {hostile}, "did": {batch.ID}}.Encode()
	for _, path := range []string{"/hunts", "/hunts/" + h.ID, "/hunts/" + h.ID + "?" + narrow, "/hunts/" + h.ID + "/edit", "/hunts/" + h.ID + "/triage?" + narrow, "/hunts/" + h.ID + "/report", "/hunts/" + h.ID + "/bring",
		"/hunts/" + h.ID + "/close", "/hunts/" + h.ID + "/compare?before=" + a.ID + "&after_run=" + b.ID + "&change=both", "/hunt-findings/" + f.ID, "/hunt-findings/" + f.ID + "/release", "/hunt-findings/" + f.ID + "/suppress",
		"/hunt-suppressions", "/hunt-suppressions/" + sup.ID + "/offer", "/hunt-batches"} {
		for _, lang := range []string{"ja", "en"} {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			body := s.page(asAdmin, path+sep+"lang="+lang)
			if strings.Contains(body, "<script>alert") || strings.Contains(stripFields(body), "\u202E") {
				at := max(strings.Index(body, "<script>alert"), strings.Index(stripFields(body), "\u202E"))
				t.Errorf("%s: %s", path, body[max(at-200, 0):min(at+100, len(body))])
			}
			if i := strings.Index(body, "[hunt."); i >= 0 {
				t.Errorf("%s: %s", path, body[i:min(i+60, len(body))])
			}
		}
	}
}

// stripFields leaves out what stands in fields and is sent back as it is.
func stripFields(body string) string {
	return regexp.MustCompile(`(?s)value="[^"]*"|<textarea.*?</textarea>`).ReplaceAllString(body, "")
}

func TestADeskOfTwoThousandIsPaged(t *testing.T) {
	s := newSite(t)
	h := s.hunt()
	at := s.Clock.Now().Add(-24 * time.Hour)
	var list []Incoming
	for i := range 2000 {
		list = append(list, line(fmt.Sprintf("r%d", i%40), fmt.Sprintf("PC-%03d", i/10), fmt.Sprintf("u%d", i%7), at.Add(time.Duration(i)*time.Second)))
	}
	s.hub.send(h.ID, "a-long-run", list...)
	seen, path := map[string]bool{}, "/hunts/"+h.ID
	for range 60 {
		body := s.page(asHunter, path)
		for _, m := range regexp.MustCompile(`name="id" value="([^"]+)"`).FindAllStringSubmatch(body, -1) {
			seen[m[1]] = true
		}
		if len(body) > 150<<10 {
			t.Fatalf("%d bytes", len(body))
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	if len(seen) != 2000 {
		t.Errorf("%d of 2000 on the pages", len(seen))
	}
	query := "state=&run="
	body := s.page(asHunter, "/hunts/"+h.ID+"/triage")
	s.has("all", body, "2,000件すべて")
	to := s.post(asHunter, "/hunts/"+h.ID+"/triage", "sure", "1", "query", query, "expect", "2000", "state", "harmless", "reason", "試験")
	s.page(asHunter, to, "2,000件を「害なし」にしました")
}
