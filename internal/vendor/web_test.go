package vendor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "vendor", FS: Web})
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
	asMaker  = "maker maker.contact"
	asClerk  = "industry ministry.clerk"
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

func TestTheDeskOfBothSides(t *testing.T) {
	s := newSite(t)
	id, _ := s.maker()
	s.page(asOffice, "/vendor", "要請はありません", "/vendor/cases/new")
	s.page(asOffice, "/vendor/cases/new", "公開の約束")
	if code, body := s.send(asOffice, "POST", "/vendor/cases", form, "title=&vulnerability=x&facts=書きかけ"); code != 422 || !strings.Contains(body, "書きかけ") || !strings.Contains(body, "CVE番号で書いてください") {
		t.Errorf("%d %s", code, body)
	}
	at := s.post(asOffice, "/vendor/cases", "title", "認証の回避", "vulnerability", cve, "sectors", "electricity", "embargo.y", "2026", "embargo.m", "12", "embargo.d", "1", "embargo.h", "9", "embargo.zone", "+09:00", "embargo_zone", "America/New_York")
	s.page(asOffice, at, "認証の回避", "製造者を加える", "公開の約束を変える", "JST")
	if code, body := s.send(asOffice, "POST", at+"/makers", form, url.Values{"maker": {id}, "products": {"|cpe:broken"}}.Encode()); code != 422 || !strings.Contains(body, "CPEを読めません") {
		t.Errorf("%d %s", code, body)
	}
	s.post(asOffice, at+"/makers", "maker", id, "products", "EdgeGate 410 | cpe:2.3:h:orvane:edgegate_410:-:*:*:*:*:*:*:*\nEdgeGate 900\n", "send", "on")
	v, err := s.Case(s.office(), strings.TrimPrefix(at, "/vendor/cases/"))
	if err != nil || len(v.Requests) != 1 {
		t.Fatalf("%+v %v", v, err)
	}
	r := "/vendor/requests/" + v.Requests[0].Request.ID
	s.page(asClerk, "/vendor", "公開の約束の日時まで伏せています", "!"+cve, "!認証")
	s.page(asClerk, at, "段階だけが見えます", "!"+cve, "!EdgeGate")
	if code, _ := s.send(asClerk, "GET", r, "", ""); code != 404 {
		t.Errorf("a ministry opens it: %d", code)
	}
	s.page(asMaker, "/vendor", "認証の回避", "あなたの番です")
	s.page(asMaker, "/todos", "要請に答える")
	s.page(asMaker, r, "受け入れる", "EdgeGate 900", "未確認")
	s.post(asMaker, r+"/accept")
	x := s.open(s.office(), v.Requests[0].Request.ID)
	p := r + "/products/" + x.Products[0].ID
	s.page(asMaker, p, "予定日・公開日")
	code, body := s.send(asMaker, "POST", p, form, url.Values{"status": {"affected"}, "fix": {"planned"}, "interim": {"外に見せない"}}.Encode())
	if code != 422 || !strings.Contains(body, "修正の予定日を書いてください") || !strings.Contains(body, "外に見せない") || !strings.Contains(body, "aria-invalid") {
		t.Errorf("%d %s", code, body)
	}
	s.post(asMaker, p, "status", "affected", "fix", "planned", "fix_on.y", "令和8", "fix_on.m", "11", "fix_on.d", "30", "versions", "vers:generic/<9.1.5", "interim", "外に見せない")
	s.post(asMaker, r+"/bulk", "id", x.Products[1].ID, "status", "not_affected", "why", "component_not_present")
	s.post(asOffice, p+"/messages", "kind", "question", "text", "9.0系も同じですか")
	s.page(asMaker, r, "質問 1件", "修正の予定", "2026年11月30日（月）")
	s.page(asMaker, p, "9.0系も同じですか", "答え待ち")
	s.post(asMaker, p+"/messages", "kind", "answer", "text", "同じです")
	s.post(asMaker, r+"/messages", "kind", "note", "text", "よろしくお願いします")
	s.page(asOffice, p, "該当する", "同じです", "外に見せない")
	s.page(asOffice, r, "よろしくお願いします")
	s.page(asMaker, r+"/products/new", "製品を加える")
	s.post(asMaker, r+"/products/new", "name", "EdgeGate 77", "status", "unknown", "fix", "none")
	s.page(asOffice, r, "EdgeGate 77", "不明（調査中）")
	s.page(asMaker, "/vendor/products?fix=planned", "EdgeGate 410", "2026年11月30日（月）", "!EdgeGate 77")
	s.page(asOffice, "/vendor/cases", "修正の予定")
	if code, _ := s.send(asMaker, "POST", at+"/embargo", form, "reason=x"); code != 403 {
		t.Errorf("a maker lifts an embargo: %d", code)
	}
	if code, body := s.send(asOffice, "POST", at+"/embargo", form, "reason=x"); code != 422 || !strings.Contains(body, "いま終わらせるを選んで") {
		t.Errorf("an emptied date: %d %s", code, body)
	}
	s.post(asOffice, at+"/embargo", "lift", "on", "reason", "もう知られている")
	s.post(asMaker, p, "status", "affected", "fix", "released", "fixed", "9.1.5", "versions", "vers:generic/<9.1.5")
	s.page(asOffice, r, "該当する機関すべてに知らせる")
	if code, body := s.send(asOffice, "POST", r+"/close", form, ""); code != 422 && code != 409 || twice(body) != "" {
		t.Errorf("%d %s %s", code, twice(body), body)
	}
	if code, body := s.send(asOffice, "POST", r+"/told", form, ""); code != 422 || !strings.Contains(body, `href="#f-told_note"`) {
		t.Errorf("%d %s", code, body)
	}
	s.post(asOffice, r+"/told", "told_note", "電話で知らせた")
	s.post(asOffice, r+"/close", "close_note", "行き渡った")
	s.page(asOffice, r, "電話で知らせた", "完了")
	s.page(asClerk, r, "EdgeGate 410", "!電話")
	s.page(asOffice, "/todos", "!要請を進める")
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

// TestARefusedFormIsOnTheRecord asks for forms that are not for the reader.
func TestARefusedFormIsOnTheRecord(t *testing.T) {
	s := newSite(t)
	for n, path := range []string{"/vendor/cases/new", "/vendor/folder"} {
		who := map[string]string{"/vendor/cases/new": asClerk, "/vendor/folder": asOffice}[path]
		if code, _ := s.send(who, "GET", path, "", ""); code != 403 {
			t.Errorf("%s: %d", path, code)
		}
		if s.Entries(t, "vendor.start", "refused")+s.Entries(t, "vendor.export", "refused") != n+1 {
			t.Errorf("%s is not on the record", path)
		}
	}
}

func TestCommands(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s)
	defer srv.Close()
	id, _ := s.maker()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	words, err := text.Load(Words, cli.Words, fetch.Words, httpd.Words, gate.Words)
	if err != nil {
		t.Fatal(err)
	}
	run := func(who string, args ...string) (int, string) {
		t.Helper()
		var out, talk bytes.Buffer
		env := cli.New(words)
		env.Out, env.Err = &out, &talk
		root := env.Root("noroshi", "x")
		root.AddCommand(Commands(env))
		code := env.Run(context.Background(), root, append(append([]string{"vendor"}, args...), "--hub", srv.URL, "--token-file", file("token", who), "--lang", "ja"))
		return code, out.String() + talk.String()
	}
	code, out := run(asOffice, "request", file("case.json", `{"title":"認証の回避","vulnerability":"CVE-2026-12345","makers":[{"org":"`+id+`","products":[{"name":"EdgeGate 410"}]}]}`), "--json")
	var got Started
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || len(got.Requests) != 1 {
		t.Fatalf("%d %s", code, out)
	}
	r := got.Requests[0].ID
	if code, out := run(asOffice, "request", file("bad.json", `{"titel":"x"}`)); code != 2 || !strings.Contains(out, "titel") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(asMaker, "list", "--waiting"); code != 0 || !strings.Contains(out, "認証の回避") || !strings.Contains(out, "要請ずみ") {
		t.Errorf("%d %s", code, out)
	}
	// By its number, however it is written, and with what one has to know to answer.
	for _, number := range []string{got.Case.Number, strings.ToLower(got.Case.Number), strings.ReplaceAll(got.Case.Number, "-", "－")} {
		if code, out := run(asMaker, "show", number); code != 0 || !strings.Contains(out, "からの要請です") || !strings.Contains(out, "vendor answer "+r) {
			t.Errorf("%s: %d %s", number, code, out)
		}
	}
	if code, out := run(asMaker, "show", "V-0000-0000"); code == 0 || !strings.Contains(out, "要請") {
		t.Errorf("a number of nothing: %d %s", code, out)
	}
	if code, out := run(asOffice, "request", file("type.json", `{"title":"x","makers":["name"]}`)); code != 2 || strings.Contains(out, "vendor.") || !strings.Contains(out, "makers") {
		t.Errorf("a wrong type: %d %s", code, out)
	}
	if code, _ := run(asMaker, "answer", r); code != 2 {
		t.Errorf("no way to answer: %d", code)
	}
	if code, out := run(asMaker, "answer", r, file("a.json", `{"answers":[{"name":"EdgeGate 900","status":"affected","fix":"planned","fix_on":"2026-12-24"}]}`)); code != 0 || !strings.Contains(out, "修正の予定") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(asMaker, "answer", r, file("b.json", `{"answers":[{"name":"EdgeGate 900","status":"affected","fix":"planned"}]}`)); code == 0 || !strings.Contains(out, "answers/0/fix_on") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(asMaker, "answer", r, "--decline", "できない"); code != 0 || !strings.Contains(out, "応じない") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(asClerk, "show", r); code == 0 {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(asOffice, "show", r, "--json"); code != 0 || !strings.Contains(out, "できない") {
		t.Errorf("%d %s", code, out)
	}
}

// BenchmarkManySidedCase views a case of 300 makers with 50 products each and
// 10,000 messages.
func BenchmarkManySidedCase(b *testing.B) {
	h := newHub(b, testkit.DB(b, sources()...))
	const makers, products, messages = 300, 50, 10_000
	n := NewCase{Title: "多くの製品に入った部品の欠陥", Vulnerability: cve, Send: true}
	for i := range makers {
		id, _ := h.another()
		m := NewMaker{Org: id}
		for j := range products {
			m.Products = append(m.Products, NewProduct{Name: "製品 " + string(rune('A'+i%26)) + " " + strings.Repeat("x", j%7)})
		}
		n.Makers = append(n.Makers, m)
	}
	c, rs, err := h.Start(h.office(), n)
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Parts.DB.Write(b.Context(), func(tx *db.Tx) error {
		for i := range messages {
			r := rs[i%len(rs)]
			if _, err := h.Parts.Threads.Post(b.Context(), tx, c.Org, thread.Message{Object: requestObject(r.ID), With: r.Org, From: c.Org, Kind: thread.Note, Text: "確認しました"}, h.Clock.Now()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	view := func(name string, fn func() error) {
		b.Run(name, func(b *testing.B) {
			took = took[:0]
			for b.Loop() {
				t := time.Now()
				if err := fn(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(t))
			}
			b.ReportMetric(float64(p95(took).Microseconds())/1000, "p95-ms")
		})
	}
	view("case", func() error {
		v, err := h.Case(h.office(), c.ID)
		if err == nil && len(v.Requests) != makers {
			b.Fatal(len(v.Requests))
		}
		return err
	})
	view("request", func() error {
		v, err := h.Open(h.office(), rs[7].ID, "")
		if err == nil && len(v.Products) != products {
			b.Fatal(len(v.Products))
		}
		return err
	})
	view("list", func() error { _, _, _, err := h.List(h.office(), Filter{}); return err })
}

func p95(list []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(list))
	return s[len(s)*95/100]
}
