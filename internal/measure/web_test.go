package measure

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
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

// site is a hub with its pages; who looks is named by a cookie.
type site struct {
	*hub
	*httpd.Router
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, approval.Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, thread.Words, cli.Words, fetch.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "approval", FS: approval.Web}, page.Source{Noun: "measure", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	pages.SetClock(h.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session + c.Bearer)
		if who == "" {
			return gate.Identity{}, gate.ErrSignIn
		}
		return h.who(who), nil
	}})
	Routes(r, h.Service)
	Pages(r, h.Service)
	approval.Pages(r, h.Approvals)
	r.Page("GET /todos", func(q *httpd.Request) error {
		d, err := Home(q, h.Service)
		if err != nil {
			return err
		}
		return q.JSON(d.Todos)
	})
	return &site{h, r}
}

func (s *site) send(who, method, path string, form url.Values) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
	code, body := s.send(who, "GET", path, nil)
	if code != 200 {
		s.t.Fatalf("%s, %s: %d %.2000s", who, path, code, body)
	}
	for _, w := range append(want, "![measure.", "!%!", "!ZgotmplZ") {
		word, not := strings.CutPrefix(w, "!")
		if strings.Contains(body, word) == not {
			s.t.Errorf("%s, %s: %q", who, path, w)
		}
	}
	return body
}

// Every paper of a case is written on a page, what is wrong with it is said at its
// field, and what was typed stays.
func TestPapersAreWrittenOnPages(t *testing.T) {
	s := newSite(t)
	const cmd = "police/command"
	s.page(cmd, "/measures", "案件を開く", "案件はありません")
	s.page(cmd, "/measures/new", "機器", "根拠 2")
	open := url.Values{"title": {"指令サーバー"}, "machine": {"あの機器"}, "does": {"指令を送る。"}, "protected": {"電力"}, "rank": {"infrastructure"}, "rows": {"3"}, "evidence/1/noun": {"sighting"}, "evidence/1/id": {"S-1"}, "evidence/1/says": {"3社が受けた。"}}
	code, body := s.send(cmd, "POST", "/measures", open)
	if code != 422 || !strings.Contains(body, "ドメイン名のどれかを1つ") || !strings.Contains(body, "3社が受けた。") {
		t.Errorf("a machine that is none: %d %.400s", code, body)
	}
	open.Set("more", "1")
	if code, body = s.send(cmd, "POST", "/measures", open); code != 200 || !strings.Contains(body, "根拠 5") || !strings.Contains(body, "3社が受けた。") {
		t.Errorf("more rows: %d", code)
	}
	open.Del("more")
	open.Set("machine", "198.18.66.6")
	code, at := s.send(cmd, "POST", "/measures", open)
	if code != 303 {
		t.Fatalf("opened: %d %.400s", code, at)
	}
	id := strings.TrimPrefix(at, "/measures/")
	s.page(cmd, at, "要件を評価する", "警察庁")
	s.page(cmd, at+"/write/assess", "放置すると")
	if code, body = s.send(cmd, "POST", at+"/assess", url.Values{"unlawful/met": {"yes"}}); code != 422 || !strings.Contains(body, "書かれていません") {
		t.Errorf("half an assessment: %d", code)
	}
	assess := url.Values{"necessity": {"ほかにない。"}, "collateral": {"ない。"}, "owner_is_victim": {"on"}}
	for _, f := range []string{"unlawful", "danger", "urgent", "proportionate"} {
		assess.Set(f+"/met", "yes")
		assess.Set(f+"/grounds", f+"の根拠。")
	}
	s.posts(cmd, at+"/assess", assess)
	s.page(cmd, at+"/write/assess", "dangerの根拠。") // what stands is offered again
	s.posts(cmd, at+"/locate", url.Values{"place": {"unknown"}, "grounds": {"経路による。"}})
	for _, n := range []string{"1", "2"} {
		s.must("designate", second(s.Designate(s.as(cmd), id, "police/executive"+n)))
	}
	s.page(cmd, at+"/write/plan", "手順 2", "機能の停止（記録のみ）")
	plan := url.Values{"rows": {"3"}, "ordinary": {"一つの機能だけ。"}, "stop_when": {"影響が出たとき\n持ち主が求めたとき\n"}, "deconflict": {"ない。"},
		"steps/1/kind": {"stop_function"}, "steps/1/on": {"198.18.99.9"}, "steps/1/what": {"止める。"}, "steps/1/undo": {"戻す。"}}
	from := s.Clock.Now().Add(time.Hour)
	for at, x := range map[string]time.Time{"from": from, "until": from.Add(5 * time.Hour)} {
		x = x.In(text.JST)
		plan.Set(at+".y", x.Format("2006"))
		plan.Set(at+".m", x.Format("1"))
		plan.Set(at+".d", x.Format("2"))
		plan.Set(at+".h", x.Format("15"))
		plan.Set(at+".min", x.Format("04"))
	}
	if code, body = s.send(cmd, "POST", at+"/plan", plan); code != 422 || !strings.Contains(body, "別の機器には別の案件") {
		t.Errorf("a step on another machine: %d", code)
	}
	plan.Set("steps/1/on", "198.18.66.6")
	s.posts(cmd, at+"/plan", plan)
	s.page(cmd, at, "持ち主が求めたとき", "機能の停止", "外務大臣と協議する")
	s.posts(cmd, at+"/consult", url.Values{"basis": {"necessity"}, "peril": {"電力"}, "only_way": {"届かない。"}, "sovereignty": {"一つの機能。"}, "others": {"ない。"}, "rules": {"26\n4"}})
	body = s.page("foreign/clerk", at, "あなたが今すること", "26, 4", "!止める。", "!police/executive")
	if code, _ := s.send("foreign/clerk", "POST", at+"/answer", url.Values{"answer_text": {"範囲にある。"}, "answer_worksheet": {strings.Repeat("0", 64)}}); code != 409 {
		t.Errorf("an answer to another worksheet: %d", code)
	}
	_, sheet, _ := strings.Cut(body, `name="answer_worksheet" value="`)
	s.posts("foreign/clerk", at+"/answer", url.Values{"answer_text": {"範囲にある。"}, "answer_worksheet": {sheet[:64]}})
	s.page("foreign/clerk", "/measures", "協議済み", "!あなたの番")
	if code, body = s.send(cmd, "POST", at+"/close", url.Values{"close_text": {"終わり。"}}); code != 409 || !strings.Contains(body, "いまの段階ではできません") {
		t.Errorf("closed at once: %d", code)
	}
}

// posts sends a form that has to be taken.
func (s *site) posts(who, path string, form url.Values) {
	s.t.Helper()
	if code, body := s.send(who, "POST", path, form); code != 303 {
		s.t.Fatalf("%s, %s: %d %.3000s", who, path, code, body)
	}
}

// What waits is on the first page of whom it waits for, however many cases are newer;
// what is late is on that of the commission and of the unit.
func TestWhatWaitsIsOnTheFirstPage(t *testing.T) {
	s := newSite(t)
	k := s.emergency()
	s.Clock.Pass(time.Hour)
	for range 12 {
		_, _, err := s.Open(s.as("police/command"), Opening{Threat: threat()})
		s.must("open", err)
	}
	_, err := s.Tick(t.Context())
	s.must("tick", err)
	for who, want := range map[string]string{"police/command": k.Number + " 委員会に通知する", "police/superior": k.Number + " 上官が署名する", "commission/member1": k.Number + " 期限を過ぎた", "commission/inspector": k.Number + " 期限を過ぎた"} {
		if _, body := s.send(who, "GET", "/todos", nil); !strings.Contains(body, want) {
			t.Errorf("%s: %s", who, body)
		}
	}
	s.must("notify", second(s.Notify(s.as("police/command"), k.ID, "通知。")))
	if _, body := s.send("commission/member1", "GET", "/todos", nil); !strings.Contains(body, k.Number+" 審査の意見を述べる") {
		t.Errorf("a member: %s", body)
	}
	if _, body := s.send("wind/reporter", "GET", "/todos", nil); body != "null" && body != "[]" && strings.Contains(body, k.Number) {
		t.Errorf("an operator: %s", body)
	}
}

// Whoever asks again, judges or signs reads the plans that came to nothing beside
// the one in force, with what became of them; who carries out does not.
func TestPlansThatCameToNothingStandBeside(t *testing.T) {
	s := newSite(t)
	cmd := s.as("police/command")
	k, _ := s.planned(Japan, National)
	c, err := s.Ask(cmd, k.ID, "理由。")
	s.must("ask", err)
	s.decided(c.Approval, approval.Against)
	next := s.plan(AccessCheck)
	next.Ordinary = "確認だけに限る。"
	_, err = s.Draft(cmd, k.ID, next)
	s.must("plan", err)
	for _, who := range []string{"police/command", "police/superior", "commission/member1"} {
		code, body := s.send(who, "GET", "/measures/"+k.ID, nil)
		for _, want := range []string{"委員会で通らなかった計画", "不承認", `data-th="1番目"`, `data-th="いまの計画"`, "確認だけに限る。"} {
			if code != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: %d, no %q", who, code, want)
			}
		}
	}
	if _, body := s.send("police/executive1", "GET", "/measures/"+k.ID, nil); strings.Contains(body, "通らなかった計画") {
		t.Error("who carries out reads plans that came to nothing")
	}
}
