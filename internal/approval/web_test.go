package approval

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
	"strconv"
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

// site is the hub with its pages and API. A session or token is
// "member/person role".
type site struct {
	*hub
	*httpd.Router
	words *text.Catalog
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, thread.Words, cli.Words, fetch.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "approval", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	pages.SetClock(h.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session + c.Bearer)
		who, role, ok := strings.Cut(who, " ")
		name, person, _ := strings.Cut(who, "/")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		if name == "carrier" {
			id, _ := gate.From(h.carrying())
			return id, nil
		}
		return h.country.Identity(name, person, gate.Role(role)), nil
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
	return &site{h, r, words}
}

const (
	encoded    = "application/x-www-form-urlencoded"
	asClerk    = "office/clerk office.clerk"
	asHandler  = "office/handler office.handler"
	asExaminer = "commission/examiner commission.examiner"
	asWatch    = "commission/inspector commission.inspector"
	asCarrier  = "carrier/a carrier.clerk"
	asAnalyst  = "office/n office.analyst"
)

func asMember(n string) string { return "commission/member" + n + " commission.member" }

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
	for _, w := range append(want, "![approval.", "!%!") {
		not, hidden := strings.CutPrefix(w, "!")
		if strings.Contains(body, not) == hidden {
			s.t.Errorf("%s, %s: %q", who, path, w)
		}
	}
	if id := twice(body); id != "" {
		s.t.Errorf("%s, %s: %s twice", who, path, id)
	}
	return body
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

func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func (s *site) post(who, path string, pairs ...string) string {
	s.t.Helper()
	code, to := s.send(who, "POST", path, encoded, values(pairs...))
	if code != 303 {
		s.t.Fatalf("%s posts %s: %d %.300s", who, path, code, to)
	}
	return to
}

// wrong posts a form that comes back with words.
func (s *site) wrong(who, path string, want []string, pairs ...string) {
	s.t.Helper()
	code, body := s.send(who, "POST", path, encoded, values(pairs...))
	if code != 422 && code != 409 {
		s.t.Errorf("%s posts %s: %d", who, path, code)
	}
	for _, w := range append(want, "aria-invalid") {
		if !strings.Contains(body, w) {
			s.t.Errorf("%s posts %s: no %q", who, path, w)
		}
	}
	if id := twice(body); id != "" {
		s.t.Errorf("%s: %s twice", path, id)
	}
}

func at(name string, t time.Time) []string {
	t = t.In(text.JST)
	return []string{name + ".y", strconv.Itoa(t.Year()), name + ".m", strconv.Itoa(int(t.Month())), name + ".d", strconv.Itoa(t.Day()), name + ".h", strconv.Itoa(t.Hour()), name + ".min", strconv.Itoa(t.Minute()), name + ".zone", "+09:00"}
}

func (s *site) askForm() []string {
	now := s.Clock.Now().Add(time.Hour)
	out := []string{"kind", "fd", "link", "K-2", "carrier", s.carrier, "capacity_mbps", "10,000", "cap", "1099", "selectors/name", "電力の侵入の指標", "selectors/count", "38", "selectors/hash", hash("a"),
		"targets", "電力の制御系への侵入\n", "fields", "start, src、dst", "addresses", "pseudonym", "retain_days", "365", "recipients", "国家サイバー統括室", "grounds", "一致する指標が3件ある", "no_other_means", "協定が結べなかった", "necessity", "制御系だけに限る"}
	return append(append(out, at("from", now)...), at("until", now.AddDate(0, 1, 0))...)
}

func TestTheCommissionsDeskAndTheAskersPages(t *testing.T) {
	s := newSite(t)
	s.page(asClerk, "/approvals", "案件はありません", "/approvals/new")
	s.page(asClerk, "/approvals/new", "試験carrier(架空)", "最長3か月")
	s.page(asClerk, "/approvals/new?kind=reidentify", "再識別する仮名")
	s.wrong(asClerk, "/approvals", []string{"書きかけの理由", "量の上限をバイト数かパケット数で", "条件の数を1以上で", `href="#f-selectors`}, "kind", "fd", "grounds", "書きかけの理由")
	s.wrong(asClerk, "/approvals", []string{"0以上の数字で"}, "kind", "fd", "retain_days", "x")
	to := s.post(asClerk, "/approvals", s.askForm()...)
	id := strings.TrimPrefix(to, "/approvals/")
	for who, code := range map[string]int{asHandler: 404, asAnalyst: 403, asCarrier: 403, asExaminer: 200, asWatch: 200, asMember("1"): 200} {
		if got, _ := s.send(who, "GET", to, "", ""); got != code {
			t.Errorf("%s: %d, want %d", who, got, code)
		}
	}
	s.page(asExaminer, "/approvals?waiting=1", "外内通信の選別", "試験office", "申請")
	s.page(asExaminer, "/todos", "審査する")
	s.page(asExaminer, to, "要件の確認", "人が判断", "機械が確認", "公式の文書とまだ照合していない", "/examine", "!あなたの判断")
	s.wrong(asExaminer, to+"/question", []string{"質問"}, "question_text", " ")
	s.post(asExaminer, to+"/question", "question_text", "上限を半分にできませんか")
	if code, body := s.send(asExaminer, "POST", to+"/examine", encoded, "examine_text=x"); code != 422 || !strings.Contains(body, "答えのない質問が1件") {
		t.Errorf("%d", code)
	}
	s.page(asClerk, "/todos", "質問に答える")
	s.page(asClerk, to, "答え待ち", "上限を半分に", "/answer", "!審査の意見")
	s.post(asClerk, to+"/answer", "answer_text", "できません")
	s.wrong(asExaminer, to+"/examine", nil, "examine_text", "")
	s.post(asExaminer, to+"/examine", "examine_text", "要件を満たすと考える")
	s.page(asMember("1"), "/todos", "判断する")
	s.page(asMember("1"), to, "あなたの判断", "要件を満たすと考える", "承認 0、不承認 0", "この回線を名指した案件は、ほかにありません", "20文字に満たない", "!/decide")
	s.wrong(asMember("1"), to+"/vote", []string{"承認するかどうかを選んで"})
	s.wrong(asMember("1"), to+"/vote", []string{"「意見」が空です"}, "choice", "against")
	for _, n := range []string{"1", "2"} {
		s.post(asMember(n), to+"/vote", "choice", "for", "conditions", "夜間に限る\n")
	}
	s.page(asMember("3"), to, "承認 2、不承認 0", "!/decide\"")
	s.post(asMember("3"), to+"/vote", "choice", "against", "opinion", "前回の実績は上限の3割である")
	s.page(asMember("1"), to, "少数意見（member3）", "前回の実績は", "多数決で決定する")
	s.page(asWatch, to, "少数意見（member3）", "!多数決で決定する", "!あなたの判断")
	s.page(asClerk, to, "!少数意見", "!要件を満たすと考える")
	s.wrong(asMember("1"), to+"/decide", nil, "decide_reason", "")
	s.wrong(asMember("1"), to+"/decide", []string{"申請より広くはできません"}, "decide_reason", "よい", "decide_cap", "2000")
	s.wrong(asMember("1"), to+"/decide", []string{"0以上の数字で"}, "decide_reason", "よい", "decide_cap", "x")
	s.wrong(asMember("1"), to+"/decide", []string{"申請にないものは外せません"}, "decide_reason", "よい", "decide_without_fields", "ja4")
	s.page(asMember("1"), to, "終わりを早める", "残さない項目", "提供を認めない機関")
	s.post(asMember("1"), to+"/decide", "decide_reason", "要件を満たす", "decide_cap", "1,098", "decide_retain", "30", "decide_without_fields", "dst")
	s.page(asClerk, to, "申請は 1.1 TB", "30日", "申請は 365日", "認めなかったもの：宛先のアドレス")
	s.page(asClerk, to, "承認", "夜間に限る", "要件を満たす", "受領の確認がまだ", "!/extend")
	again := s.ask() // of the same line
	s.examine(again.ID)
	s.page(asMember("1"), "/approvals/"+again.ID, "回線が同じ", "!この回線を名指した案件は")
	s.page(asHandler, "/approvals", "承認")
	s.Clock.Pass(2 * time.Hour)
	s.page(asClerk, to, "/extend")
	s.page(asHandler, "/todos", "実施できる承認")
	s.page(asWatch, "/todos", "承認された")
	s.page(asHandler, to, "署名した命令書を受け取る", "!/give-up\"")
	if code, body := s.send(asHandler, "GET", to+"/order", "", ""); code != 200 || !strings.Contains(body, `"order"`) {
		t.Errorf("%d %s", code, body)
	} else if _, err := Open([]byte(body), s.Verifier); err != nil {
		t.Error(err)
	}
	s.page(asCarrier, "/todos", "指示の受領を確認する")
	if code, to := s.send(asCarrier, "GET", "/approvals", "", ""); code != 303 || to != "/instructions" {
		t.Errorf("%d %s", code, to)
	}
	s.page(asCarrier, "/instructions", "K-2", "受領の確認待ち", "!指標", "!制御系")
	s.page(asCarrier, "/instructions/"+id, "第32条", "受領を確認する", "1.1 TB", "問い合わせ先", "署名した鍵", "!指標", "!制御系", "!国家サイバー")
	s.post(asCarrier, "/instructions/"+id+"/confirm")
	s.page(asCarrier, "/instructions/"+id, "に指示書の受領を確認")
	if code, body := s.send(asCarrier, "GET", "/instructions/"+id+"/paper", "", ""); code != 200 {
		t.Errorf("%d %s", code, body)
	} else if _, err := OpenInstruction([]byte(body), s.Verifier); err != nil {
		t.Error(err)
	}
	c, err := s.Show(s.inspector(), id)
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.redeem(s.grantOf(id), s.hand(), scope(c.Case))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.redeem(s.grantOf(id), s.hand(), scope(c.Case))
	wants(t, "twice", err, ErrBusy)
	s.page(asWatch, to+"/uses", "実行中", "別の実行が進んでいます")
	s.finish(u, Quantity{Packets: 9, Bytes: 12345678})
	s.page(asWatch, to+"/uses", "12.3 MB", "9パケット", "終わり")
	s.page(asClerk, to+"/extend", "延長を申請する", id)
	s.page(asWatch, "/approvals/calendar", "K-2")
	s.Clock.Pass(20 * 24 * time.Hour)
	s.page(asClerk, "/todos", "まもなく終わる承認")
	s.wrong(asMember("1"), to+"/revoke", nil)
	s.post(asMember("1"), to+"/revoke", "revoke_reason", "条件に反した")
	s.page(asCarrier, "/instructions/"+id, "この指示は終わりました")
	s.page(asClerk, to, "条件に反した", "取り消し")
	for _, path := range []string{"/approvals", "/approvals/new", "/approvals/calendar", to, to + "/uses"} {
		if body := s.page(asClerk, path+"?lang=en"); regexp.MustCompile(`<h1>[^<]*[ぁ-ん]`).MatchString(body) {
			t.Errorf("%s is not in English", path)
		}
	}
}

func TestEarlierCasesAreComparedFieldByField(t *testing.T) {
	s := newSite(t)
	s.approve(func(a *Application) { a.Selectors.Count = 4812 })
	c := s.ask()
	s.page(asExaminer, "/approvals/"+c.ID, "欄ごとに並べて比べる", "この案件", "<b>選別の条件 1（4,812件）</b>", "夜間に限る", "種類が同じ、回線が同じ")
	s.page(asClerk, "/approvals/"+c.ID, "!欄ごとに並べて比べる", "!4,812")
}

func TestAClosedCaseOffersNothing(t *testing.T) {
	s := newSite(t)
	c := s.ask()
	s.post(asClerk, "/approvals/"+c.ID+"/withdraw", "withdraw_reason", "不要になった")
	body := s.page(asClerk, "/approvals/"+c.ID, "取り下げ", "不要になった")
	if n := strings.Count(body, "<form class=\"stack-s\""); n != 0 {
		t.Errorf("%d forms", n)
	}
	c = s.approve()
	if code, body := s.send(asClerk, "GET", "/approvals/"+c.ID+"/extend", "", ""); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	s.post(asClerk, "/approvals/"+c.ID+"/give-up", "give_up_reason", "終わった")
	if code, body := s.send(asClerk, "GET", "/approvals/"+c.ID+"/extend", "", ""); code != 422 || !strings.Contains(body, "もとの承認が効力を持っていません") {
		t.Errorf("%d", code)
	}
}

func TestCommandsAgainstAHub(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s.Router)
	defer srv.Close()
	dir := t.TempDir()
	run := func(who, lang string, args ...string) (int, string) {
		t.Helper()
		token := filepath.Join(dir, "token")
		if err := os.WriteFile(token, []byte(url.QueryEscape(who)), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, talk bytes.Buffer
		env := cli.New(s.words)
		env.Out, env.Err = &out, &talk
		line := append([]string{"approval"}, args...)
		line = append(line, "--hub", srv.URL, "--token-file", token, "--lang", lang)
		env.Listen(line)
		root := env.Root("noroshi", "x")
		root.AddCommand(Commands(env))
		code := env.Run(context.Background(), root, line)
		return code, out.String() + talk.String()
	}
	must := func(code int, who, lang string, want []string, args ...string) string {
		t.Helper()
		got, out := run(who, lang, args...)
		if got != code {
			t.Fatalf("%v: exit %d, want %d\n%s", args, got, code, out)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%v does not say %q:\n%s", args, w, out)
			}
		}
		return out
	}
	file := func(name, body string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for lang, want := range map[string]string{"ja": "監理委員会への承認の申請", "en": "An application for an approval"} {
		must(0, asClerk, lang, []string{want, "no_other_means"}, "ask", "--template")
	}
	template := must(0, asClerk, "ja", nil, "ask", "--template")
	now := s.Clock.Now().Add(time.Minute)
	filled := strings.NewReplacer("2027-10-01T00:00:00+09:00", now.Format(time.RFC3339), "2028-01-01T00:00:00+09:00", now.AddDate(0, 1, 0).Format(time.RFC3339),
		`carrier = ""`, `carrier = "`+s.carrier+`"`, `hash = ""`, `hash = "`+hash("b")+`"`, `"dport", "proto", "name"`, `"bytes"`).Replace(template)
	must(3, asClerk, "ja", []string{"carrier", "selectors/hash", "fields"}, "ask", file("blank.toml", template))
	must(2, asClerk, "en", []string{"body"}, "ask", file("extra.toml", filled+"\nbody = true\n"))
	must(2, asClerk, "en", []string{"line 1"}, "ask", file("broken.toml", "kind = "))
	must(2, asClerk, "en", []string{"not JSON"}, "ask", file("broken.json", "{"))
	must(2, asClerk, "en", []string{"body"}, "ask", file("extra.json", `{"body": 1}`))
	must(2, asClerk, "en", []string{"--template"}, "ask")
	must(3, asHandler, "en", nil, "ask", file("ask.toml", filled))
	out := must(0, asClerk, "ja", []string{"申請しました：S-"}, "ask", file("ask.toml", filled))
	number := regexp.MustCompile(`S-[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(out)
	must(0, asExaminer, "ja", []string{number, "外内通信", "K-2"}, "list", "--waiting")
	must(3, asAnalyst, "ja", nil, "show", "S-0000-0000")
	must(1, asExaminer, "ja", nil, "show", "S-0000-0000")
	must(0, asExaminer, "ja", []string{"なぜこの量ですか"}, "examine", number, "--question", "なぜこの量ですか")
	must(3, asExaminer, "ja", []string{"答えのない質問が1件"}, "examine", number, "--opinion", "よい")
	must(2, asExaminer, "en", []string{"--question, --opinion"}, "examine", number)
	must(0, asClerk, "ja", []string{"少ないからです"}, "answer", number, "--text", "少ないからです")
	must(0, asExaminer, "ja", []string{"審査済み", "よいと考える"}, "examine", number, "--opinion", "よいと考える")
	must(2, asMember("1"), "en", []string{"--vote"}, "decide", number)
	must(0, asMember("1"), "ja", []string{"承認 1、不承認 0"}, "decide", number, "--vote", "for", "--condition", "夜間に限る")
	must(3, asMember("1"), "ja", []string{"投票は1票で、3票が必要です"}, "decide", number, "--close", "--reason", "よい")
	must(3, asMember("2"), "ja", []string{"opinion"}, "decide", number, "--vote", "against")
	must(0, asMember("2"), "ja", nil, "decide", number, "--vote", "against", "--reason", "量が多い")
	must(0, asMember("3"), "ja", nil, "decide", number, "--vote", "for")
	must(2, asMember("3"), "ja", []string{"--until"}, "decide", number, "--close", "--reason", "x", "--until", "tomorrow")
	must(3, asMember("3"), "ja", []string{"広くはできません"}, "decide", number, "--close", "--reason", "x", "--max-bytes", "99999999999999")
	must(0, asMember("3"), "ja", []string{"承認", "夜間に限る", "要件を満たす", "申請は 1.1 TB"}, "decide", number, "--close", "--reason", "要件を満たす", "--max-bytes", "1099000000000")
	order := filepath.Join(dir, "order.json")
	must(0, asHandler, "ja", nil, "show", number, "--order", order)
	raw, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := Open(raw, s.Verifier); err != nil || g.Order().Selectors != hash("b") {
		t.Errorf("%v", err)
	}
	must(2, asHandler, "ja", []string{"書けません"}, "show", number, "--order", order)
	must(0, asWatch, "en", []string{number, "0 of 1.1 TB"}, "show", number, "--uses")
	var v View
	if err := json.Unmarshal([]byte(must(0, asWatch, "en", nil, "show", number, "--json")), &v); err != nil || v.Case.State != Approved || v.Case.Asked.Directions[0].String() != "fd" {
		t.Errorf("%+v %v", v.Case, err)
	}
	must(0, asWatch, "en", []string{number}, "list", "--running", "--json")
	extension := strings.NewReplacer(now.Format(time.RFC3339), now.AddDate(0, 1, 0).Format(time.RFC3339), now.AddDate(0, 1, 0).Format(time.RFC3339), now.AddDate(0, 2, 0).Format(time.RFC3339)).Replace(filled)
	s.Clock.Pass(time.Hour)
	must(0, asClerk, "en", []string{"Asked: S-"}, "ask", file("more.toml", extension), "--extend", number)
	must(1, asClerk, "en", []string{"asked for already"}, "ask", file("more.toml", extension), "--extend", number)
	must(3, asClerk, "en", []string{"reason"}, "withdraw", number, "--give-up")
	must(1, asClerk, "en", nil, "withdraw", number, "--reason", "x")
	must(0, asClerk, "en", []string{"Given up"}, "withdraw", number, "--give-up", "--reason", "done")
	must(3, asClerk, "en", nil, "decide", number, "--revoke", "--reason", "x")
}
