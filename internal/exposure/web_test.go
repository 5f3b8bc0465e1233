package exposure

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// site is the hub with its pages. A session is "member/person role role…".
type site struct {
	*hub
	*httpd.Router
	pages *page.Set
}

const (
	asWind    = "wind/a operator.reporter"
	asViewer  = "wind/v operator.viewer"
	asSea     = "sea/a operator.admin"
	asBank    = "bank/a operator.admin"
	asKeeper  = "contractor/m contractor.maintainer"
	asClerk   = "industry/c ministry.clerk"
	asSuper   = "treasury/c ministry.supervisor"
	asOffice  = "office/o office.clerk"
	asAnalyst = "office/n office.analyst"
	asAdmin   = "hub/h hub.admin"
	asMember  = "commission/k commission.member"
	asPolice  = "police/p police.officer"
)

func newSite(t *testing.T) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, cli.Words, db.Words, fetch.Words, thread.Words, org.Words, asset.Words, intel.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "exposure", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	rail := func(q *httpd.Request, x *page.Shell) {
		x.Rail = []page.RailGroup{{Items: []page.RailItem{{Key: "exposures", Href: "/exposures", Icon: "shield", Label: "exposure.web.title." + reachWord(Access.Reach(q.Who, "exposure.list"))},
			{Key: "sectors", Href: "/exposures/sectors", Icon: "graph", Label: "exposure.web.sectors"}, {Key: "executive", Href: "/executive", Icon: "scale", Label: "exposure.web.five"}}}}
		x.Search = "/search"
	}
	r := httpd.New(httpd.Options{Words: words, Pages: pages, Dress: rail, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Version: "test",
		Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
			session, _ := url.QueryUnescape(c.Session)
			who, roles, _ := strings.Cut(session, " ")
			name, person, ok := strings.Cut(who, "/")
			if !ok {
				return gate.Identity{}, gate.ErrSignIn
			}
			id := h.country.Identity(name, person)
			id.Lang = c.Agent // the test's way to say which language the person speaks
			for _, role := range strings.Fields(roles) {
				id.Roles = append(id.Roles, gate.Role(role))
			}
			return id, nil
		}})
	Pages(r, h.Service)
	r.Page("GET /home-part", func(q *httpd.Request) error {
		part, err := Home(q, h.Service)
		if err != nil {
			return err
		}
		return q.JSON(part)
	})
	return &site{h, r, pages}
}

func (s *site) get(who, path string, lang text.Lang) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("User-Agent", string(lang))
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
	r.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(who)})
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

// bad is what no page may hold: the policy would stop it, or a word is missing.
var bad = regexp.MustCompile(`(?i)<script(?:>| [^>]*>[^<])|<style|\sstyle=|\son[a-z]+=|\[exposure\.[a-z_.]+\]|\[page\.[a-z_.]+\]|\{[a-z]+\}|%!`)

var notEnglish = regexp.MustCompile(`[をのはがにですます]`)

// see opens a page in both languages and wants words in the Japanese one.
func (s *site) see(who, path string, want ...string) string {
	s.t.Helper()
	status, en := s.get(who, path, text.EN)
	if status != 200 || !strings.Contains(en, `lang="en"`) {
		s.t.Errorf("%s %s in English: %d", who, path, status)
	}
	if m := regexp.MustCompile(`(?s)<main.*</main>`).FindString(en); notEnglish.MatchString(theirs.ReplaceAllString(m, "")) {
		m = theirs.ReplaceAllString(m, "")
		at := notEnglish.FindStringIndex(m)[0]
		s.t.Errorf("%s in English speaks Japanese: …%s", path, m[max(0, at-60):min(len(m), at+60)])
	}
	status, ja := s.get(who, path, text.JA)
	if status != 200 {
		s.t.Fatalf("%s %s: %d\n%s", who, path, status, ja)
	}
	for _, w := range want {
		if !strings.Contains(ja, w) {
			s.t.Errorf("%s: %s does not say %q", who, path, w)
		}
	}
	for _, page := range []string{ja, en} {
		if m := bad.FindString(page); m != "" {
			at := strings.Index(page, m)
			s.t.Errorf("%s: %s holds %q: %s", who, path, m, page[max(0, at-80):min(len(page), at+80)])
		}
	}
	s.keep(who, path, ja)
	s.keep("en_"+who, path, en)
	return ja
}

// theirs is what people wrote themselves, in their own language.
var theirs = regexp.MustCompile(`送電の監視|保守のVPN|使っていない機能です`)

// keep writes pages into a folder for a person to look at, when one is named.
func (s *site) keep(who, path, body string) {
	dir := os.Getenv("NOROSHI_KEEP_PAGES")
	if dir == "" {
		return
	}
	if a, ok := s.pages.Asset(regexp.MustCompile(`/-/assets/[^"]*\.css`).FindString(body)); ok {
		os.WriteFile(dir+"/style.css", a.Body, 0o644)
		body = regexp.MustCompile(`/-/assets/[^"]*\.css`).ReplaceAllString(body, "style.css")
	}
	name := strings.NewReplacer("/", "_", "?", "-", "&", "-", "=", "-", " ", "_", ".", "-").Replace(strings.SplitN(who, " ", 2)[0] + path)
	base := dir + "/" + name[:min(len(name), 70)]
	for i := 1; ; i++ { // one of each time it was opened
		file := base + "-" + strconv.Itoa(i) + ".html"
		if _, err := os.Stat(file); err != nil {
			os.WriteFile(file, []byte(body), 0o644)
			return
		}
	}
}

// town puts equipment and statements in place: three operators, of which one
// has the most to do, two vulnerabilities of which one is used in attacks, and
// names only written freely.
func (s *site) town() {
	s.t.Helper()
	w := s.wind()
	s.tie(org.ContractorTie, "wind", "contractor")
	s.tie(org.SupplierTie, "wind", "supplier")
	s.say(said{id: "CVE-2026-51190", vendor: "kanata", product: "mail_post", before: "7.0"})
	s.attack("CVE-2026-51190")
	s.settle()
	s.add(w, "id", "A-117", "cpe", gateway, "version", "9.1.5", "zone", "internet", "quantity", "3", "service", "送電の監視")
	s.add(w, "id", "A-118", "cpe", gateway, "version", "9.1.3", "zone", "dmz", "operated_by", s.number("contractor"))
	s.add(w, "id", "A-121", "cpe", gateway, "zone", "internal", "service", "送電の監視")
	s.add(w, "id", "B-1", "maker", "Kanata", "product", "Mail Pst", "kind", "server", "version", "6.0", "zone", "dmz")
	s.add(w, "id", "C-1", "maker", "Oldsoft", "product", "History H3", "kind", "server", "version", "3", "zone", "ot", "support_ends_at", "2020-01-31")
	s.add(s.as("sea"), "id", "SEA-9", "cpe", gateway, "version", "9.1.7", "zone", "internet")
	s.add(s.as("bank"), "id", "BANK-7", "cpe", gateway, "zone", "internal")
	s.settle()
	s.say(said{id: "CVE-2026-90417", vendor: "orvane", product: "edgegate", before: "9.1.8"}, said{id: "CVE-2026-70233", vendor: "orvane", product: "edgegate", before: "9.1.4"})
	s.settle()
	s.attack("CVE-2026-90417")
	s.work()
}

// of returns the id of the exposure of an operator to a vulnerability.
func (s *site) of(ctx context.Context, vulnerability string) ID {
	s.t.Helper()
	got, err := s.List(ctx, Filter{Vulnerability: vulnerability, All: true})
	if err != nil || len(got.Rows) == 0 {
		s.t.Fatalf("%s: %v, rows %v", vulnerability, err, s.rows())
	}
	return got.Rows[0].ID
}

func TestAnOperatorsDay(t *testing.T) {
	s := newSite(t)
	s.see(asWind, "/exposures", "うちに関わる脆弱性", "いま関わる脆弱性はありません")
	s.see(asWind, "/executive", "いま、経営に決めてほしいことはありません")
	s.town()
	body := s.see(asWind, "/exposures", "CVE-2026-90417", "きょう直します", "即応", "悪用を確認", "なぜ、うちが該当するのか", "サポートが終わりました", `data-live="/live/exposure"`)
	if strings.Contains(body, "試験sea") || strings.Contains(body, "SEA-9") {
		t.Error("the page of one operator names another")
	}
	id := string(s.of(s.wind(), "CVE-2026-90417"))
	one := "/exposures/" + id
	s.see(asWind, one, "NVD", "A-117", "版9.1.5は、NVDの範囲（9.1.8未満）に入ります", "インターネット側", "送電の監視", "すでに攻撃に使われています", "CISA KEV", "該当（確実）", "うちの版 9.1.5", `href="/vulnerabilities/CVE-2026-90417"`, `role="img"`)
	s.see(asWind, "/exposures?kind=support", "History H3")
	s.see(asWind, "/exposures?priority=track&state=ended", "この条件に合う該当はありません")
	if status, _ := s.get(asWind, "/exposures?priority=urgent", text.JA); status != 422 {
		t.Errorf("a filter nobody has: %d", status)
	}
	for path, other := range map[string]string{one: asSea, "/exposures/00000000-0000-7000-8000-000000000000": asWind} {
		if status, _ := s.get(other, path, text.JA); status != 404 {
			t.Errorf("%s for %s: %d", path, other, status)
		}
	}
	s.see(asWind, "/exposures/verdict?id="+id, "なぜ該当しないのですか", "その機能を使っていません")
	if status, body := s.post(asWind, "/exposures/verdict", url.Values{"id": {id}, "words": {"使っていない機能です"}}); status != 422 || !strings.Contains(body, "理由の種類を選んでください") || !strings.Contains(body, "使っていない機能です") {
		t.Errorf("no justification: %d", status)
	}
	if status, to := s.post(asWind, "/exposures/verdict", url.Values{"id": {id}, "justification": {"vulnerable_code_not_in_execute_path"}, "words": {"使っていない機能です"}, "until.y": {"2027"}, "until.m": {"3"}, "until.d": {"31"}}); status != 303 || to != one {
		t.Errorf("verdict: %d %s", status, to)
	}
	body = s.see(asWind, one, "該当しないと決めました", "使っていない機能です", "弱点のあるコードは動きません", "元に戻す", "2027年3月31日")
	undo := regexp.MustCompile(`/exposures/undo\?[^"]*`).FindString(body)
	if status, to := s.post(asWind, strings.ReplaceAll(undo, "&amp;", "&"), nil); status != 303 || to != one {
		t.Errorf("undo: %d %s", status, to)
	}
	s.see(asWind, one, "元に戻しました", "新しい")
	// A verdict comes back when attacks begin.
	other := s.of(s.wind(), "CVE-2026-70233")
	if status, _ := s.post(asWind, "/exposures/verdict", url.Values{"id": {string(other)}, "justification": {"component_not_present"}, "words": {"使っていない機能です"}}); status != 303 {
		t.Error(status)
	}
	s.see(asWind, "/exposures/"+string(other), "いまは何もいりません", "判断を取り消す")
	s.attack("CVE-2026-70233")
	s.work()
	s.see(asWind, "/exposures/"+string(other), "攻撃が始まりました。前の判断を見直します", "該当しない…")
	for _, p := range []string{"/exposures/sectors", "/exposures/sectors.csv", "/exposures/vulnerability/CVE-2026-90417", "/exposures/runs"} {
		if status, _ := s.get(asWind, p, text.JA); status != 403 {
			t.Errorf("an operator opens %s: %d", p, status)
		}
	}
	if body := s.see(asViewer, one, "A-117"); strings.Contains(body, "/mark") || strings.Contains(body, "/exposures/verdict") {
		t.Error("who may only look is offered acts")
	}
	if status, _ := s.post(asViewer, one+"/mark", url.Values{"state": {"handled"}}); status != 403 {
		t.Errorf("a viewer marks: %d", status)
	}
}

func TestBulkAndUndo(t *testing.T) {
	s := newSite(t)
	s.town()
	a, b := s.of(s.wind(), "CVE-2026-90417"), s.of(s.wind(), "CVE-2026-70233")
	both := url.Values{"id": {string(a), string(b)}, "back": {"?exploited=1"}}
	state := func(id ID) State {
		e, err := s.Get(s.wind(), id)
		if err != nil {
			t.Fatal(err)
		}
		return e.State
	}
	act := func(what string) {
		t.Helper()
		both.Set("act", what)
		if status, to := s.post(asWind, "/exposures/bulk", both); status != 303 || to != "/exposures?exploited=1" {
			t.Fatalf("%s: %d %s", what, status, to)
		}
	}
	undo := func() string {
		t.Helper()
		_, body := s.get(asWind, "/exposures?state=all", text.JA)
		return strings.ReplaceAll(regexp.MustCompile(`/exposures/undo\?[^"]*`).FindString(body), "&amp;", "&")
	}
	if _, body := s.get(asWind, "/exposures", text.JA); strings.Contains(body, "/exposures/undo") {
		t.Error("there is nothing to undo yet")
	}
	if status, _ := s.post(asWind, "/exposures/"+string(a)+"/mark", url.Values{"state": {"seen"}}); status != 303 {
		t.Fatal(status)
	}
	act("handled")
	if state(a) != Handled || state(b) != Handled {
		t.Fatalf("%s %s", state(a), state(b))
	}
	s.see(asWind, "/exposures?state=handled", "直前：2件を「対処した」にしました")
	at := undo()
	if status, to := s.post(asWind, at, url.Values{"back": {"?exploited=1"}}); status != 303 || to != "/exposures?exploited=1" {
		t.Fatalf("undo %q: %d %s", at, status, to)
	}
	if state(a) != Seen || state(b) != New {
		t.Errorf("each is not as it was before: %s %s", state(a), state(b))
	}
	if status, _ := s.post(asWind, at, nil); status != 404 {
		t.Errorf("the same undo twice: %d", status)
	}
	act("seen")
	if status, _ := s.post("wind/b operator.reporter", undo(), nil); status != 404 {
		t.Errorf("another person's undo: %d", status)
	}
	if status, _ := s.post("wind/b operator.reporter", "/exposures/bulk", url.Values{"id": {string(a)}, "act": {"handled"}}); status != 303 {
		t.Error(status)
	}
	if status, body := s.post(asWind, undo(), nil); status != 409 || !strings.Contains(body, "ほかの人が先に動かしました") || state(b) != Seen {
		t.Errorf("an undo after somebody else's act: %d %s", status, state(b))
	}
	s.Clock.Pass(undoFor + time.Second)
	if u := undo(); u != "" {
		t.Errorf("after ten minutes it still offers %s", u)
	}
	both.Set("act", "judge")
	status, to := s.post(asWind, "/exposures/bulk", both)
	if status != 303 || !strings.HasPrefix(to, "/exposures/verdict?id=") {
		t.Fatalf("%d %s", status, to)
	}
	s.see(asWind, to, "対象は2件です")
	if status, _ := s.post(asSea, "/exposures/bulk", both); status != 303 {
		t.Error(status)
	}
	if status, _ := s.get(asSea, to, text.JA); status != 404 {
		t.Errorf("another operator's exposures on the form: %d", status)
	}
}

func TestNamesPage(t *testing.T) {
	s := newSite(t)
	s.see(asWind, "/exposures/names", "確かめる名前はありません")
	s.town()
	body := s.see(asWind, "/exposures/names", "Mail Pst", "kanata:mail_post", "つづりがいちばん近い名前です", "History H3", "似た名前が告知にありません")
	row := func(product string) (n string, form url.Values) {
		m := regexp.MustCompile(`name="maker\.(\d+)" value="([^"]*)"><input type="hidden" name="product\.\d+" value="` + product + `"`).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("no row of %s in %s", product, body)
		}
		return m[1], url.Values{"maker." + m[1]: {m[2]}, "product." + m[1]: {product}}
	}
	n, form := row("mailpst")
	form.Set("one", "confirm "+n)
	form.Set("other."+n, "not a name")
	if status, body := s.post(asWind, "/exposures/names", form); status != 422 || !strings.Contains(body, "CPEを読めません") || !strings.Contains(body, "エラー：") {
		t.Errorf("a wrong name: %d", status)
	}
	form.Del("other." + n)
	form.Set("pick."+n, "cpe cpe:2.3:a:kanata:mail_post:*:*:*:*:*:*:*:*")
	if status, _ := s.post(asViewer, "/exposures/names", form); status != 403 {
		t.Errorf("a viewer decides: %d", status)
	}
	if status, to := s.post(asWind, "/exposures/names", form); status != 303 || to != "/exposures/names" {
		t.Fatalf("%d %s", status, to)
	}
	if body = s.see(asWind, "/exposures/names"); strings.Contains(body, "Mail Pst") {
		t.Error("what is decided is still asked")
	}
	s.see(asWind, "/exposures/names?all=1", "確かめました")
	s.settle()
	n, form = row("historyh3")
	form["id"], form["act"] = []string{n}, []string{"refuse"}
	if status, _ := s.post(asWind, "/exposures/names", form); status != 303 {
		t.Error(status)
	}
	for _, who := range []string{asAnalyst, asClerk, asKeeper} {
		if status, _ := s.get(who, "/exposures/names", text.JA); status != 403 {
			t.Errorf("%s opens names: %d", who, status)
		}
	}
}

func TestTheOfficeAndMinistries(t *testing.T) {
	s := newSite(t)
	s.see(asAnalyst, "/exposures", "突合の列", "いま、該当はありません")
	s.see(asClerk, "/exposures/sectors", "いま、該当はありません")
	s.town()
	where := "/exposures/vulnerability/CVE-2026-90417"
	body := s.see(asAnalyst, "/exposures", "突合の列", "3機関", "電気", "3機関への知らせを作る", "未確認3件", "/notices/new?vulnerability=CVE-2026-90417")
	noDetail := func(who, path, body string) {
		t.Helper()
		for _, secret := range []string{"A-117", "9.1.5", "送電の監視", "SEA-9", "BANK-7"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s reads %q at %s", who, secret, path)
			}
		}
	}
	noDetail(asAnalyst, "/exposures", body)
	noDetail(asAnalyst, "/exposures?by=org", s.see(asAnalyst, "/exposures?by=org", "試験wind", "試験sea", "試験bank", "版と設備は、事業者と請負先だけが見られます"))
	if body := s.see(asClerk, "/exposures", "2機関", "電気"); strings.Contains(body, "金融") {
		t.Error("the queue of a ministry counts another's sector")
	}
	one := "/exposures/" + string(s.of(s.wind(), "CVE-2026-90417"))
	for _, who := range []string{asAnalyst, asOffice, asClerk} {
		noDetail(who, one, s.see(who, one, "試験wind", "CISA KEV"))
		noDetail(who, where, s.see(who, where, "電気", "だれ"[:0], "該当する機関"))
	}
	s.see(asAnalyst, where, "3機関が該当します", "3機関への知らせを作る")
	body = s.see(asClerk, where, "2機関が該当します")
	if strings.Contains(body, "試験bank") || strings.Contains(body, "金融") || strings.Contains(body, "/notices/new") {
		t.Error("a ministry learns of another's sector")
	}
	if body := s.see(asSuper, "/exposures?by=org", "試験bank"); strings.Contains(body, "試験wind") {
		t.Error("a ministry sees another's operators")
	}
	s.see(asAnalyst, "/exposures?by=org&sector=finance", "試験bank")
	s.see(asAnalyst, "/exposures/vulnerability/CVE-1999-0001", "該当する機関はありません")
	body = s.see(asClerk, "/exposures/sectors", "電気", "1–4", "<svg", "5未満の数は幅で示します")
	if strings.Contains(body, "金融") || strings.Contains(body, "試験") && strings.Contains(regexp.MustCompile(`(?s)<main.*</main>`).FindString(body), "試験wind") {
		t.Error("the picture of a ministry names others")
	}
	s.see(asAnalyst, "/exposures/sectors?priority=act", "即応")
	status, csv := s.get(asClerk, "/exposures/sectors.csv", text.JA)
	if status != 200 || !strings.Contains(csv, "electricity") || strings.Contains(csv, "finance") {
		t.Errorf("%d %s", status, csv)
	}
	// The office suggests, the operator agrees.
	id := strings.TrimPrefix(one, "/exposures/")
	s.see(asAnalyst, "/exposures/verdict?id="+id, "「該当しない」を勧める")
	if status, to := s.post(asAnalyst, "/exposures/verdict", url.Values{"id": {id}, "justification": {"component_not_present"}, "words": {"使っていない機能です"}}); status != 303 || to != one {
		t.Fatalf("propose: %d %s", status, to)
	}
	if status, _ := s.post(asOffice, "/exposures/verdict", url.Values{"id": {id}, "justification": {"component_not_present"}, "words": {"x"}}); status != 403 {
		t.Errorf("a clerk suggests: %d", status)
	}
	body = s.see(asWind, one, "国家統括室の勧め", "使っていない機能です")
	m := regexp.MustCompile(`name="verdict" value="([^"]+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatal("no button to agree")
	}
	if status, to := s.post(asWind, one+"/agree", url.Values{"verdict": {m[1]}}); status != 303 || to != one {
		t.Errorf("agree: %d %s", status, to)
	}
	if status, to := s.post(asWind, one+"/undo", nil); status != 303 || to != one {
		t.Errorf("undo: %d %s", status, to)
	}
}

func TestAContractorsPages(t *testing.T) {
	s := newSite(t)
	s.town()
	body := s.see(asKeeper, "/exposures", "運用する設備に関わる脆弱性", "CVE-2026-90417", "試験wind", "次の点検")
	for _, secret := range []string{"A-117", "9.1.5", "History H3", "試験sea"} {
		if strings.Contains(body, secret) {
			t.Errorf("a contractor reads %q", secret)
		}
	}
	one := "/exposures/" + string(s.of(s.country.As("contractor", "m", gate.Maintainer), "CVE-2026-90417"))
	body = s.see(asKeeper, one, "A-118", "9.1.3")
	if strings.Contains(body, "A-117") || strings.Contains(body, "送電の監視") {
		t.Error("a contractor reads of equipment it does not run")
	}
	if status, _ := s.post(asKeeper, one+"/mark", url.Values{"state": {"handled"}}); status != 403 {
		t.Errorf("a contractor marks: %d", status)
	}
}

func TestExecutiveSupplyAndRuns(t *testing.T) {
	s := newSite(t)
	s.town()
	s.see(asWind, "/executive", "今週の5つの数", "いま急ぐ該当", "13週で0件から", "決めてほしいこと", "日を決めて直す", `href="/executive?print=1"`)
	if body := s.see(asWind, "/executive?print=1", "今週の5つの数"); strings.Contains(body, `href="/executive?print=1"`) || strings.Contains(body, `id="nav"`) {
		t.Error("the sheet is not for paper")
	}
	s.see(asClerk, "/executive", "該当する機関に知らせる")
	s.see(asWind, "/exposures/supply", "この組織が頼る組織", "試験supplier", "1段目")
	s.see(asAnalyst, "/exposures/supply", "機関を選んでください")
	s.see(asAnalyst, "/exposures/supply?org="+s.country.ID("supplier"), "試験wind")
	for _, org := range []string{s.country.ID("sea"), "nobody"} {
		if status, _ := s.get(asWind, "/exposures/supply?org="+org, text.JA); status != 404 {
			t.Errorf("an operator reads another's supply links: %d", status)
		}
	}
	s.see(asAdmin, "/exposures/runs", "まだやり直していません", "すべて突き合わせ直す")
	if status, to := s.post(asAdmin, "/exposures/runs", nil); status != 303 || to != "/exposures/runs" {
		t.Fatalf("%d %s", status, to)
	}
	s.see(asAnalyst, "/exposures/runs", "いま動いています")
	s.work()
	if body := s.see(asMember, "/exposures/runs"); strings.Contains(body, "すべて突き合わせ直す") || strings.Contains(body, "動いています") {
		t.Error("the commission may only look, and the rematch has ended")
	}
	for _, who := range []string{asPolice, asAdmin, asMember} {
		if status, _ := s.get(who, "/exposures", text.JA); status != 403 {
			t.Errorf("%s opens the queue: %d", who, status)
		}
	}
	if status, _ := s.post(asWind, "/exposures/runs", nil); status != 403 {
		t.Errorf("an operator asks for a rematch: %d", status)
	}
}

func TestHome(t *testing.T) {
	s := newSite(t)
	_, none := s.get(asWind, "/home-part", text.JA)
	if !strings.Contains(none, `"Todos":null`) || !strings.Contains(none, `"Template":""`) {
		t.Errorf("nothing to do: %s", none)
	}
	s.town()
	status, body := s.get(asWind, "/home-part", text.JA)
	if status != 200 || !strings.Contains(body, "きょう直します") || !strings.Contains(body, `"Severity":"act"`) || !strings.Contains(body, "exposure/home") {
		t.Errorf("%d %s", status, body)
	}
	if _, body := s.get(asAnalyst, "/home-part", text.JA); !strings.Contains(body, "/exposures/vulnerability/CVE-2026-90417") || strings.Count(body, "CVE-2026-90417") != 1 {
		t.Errorf("the office gets each vulnerability once: %s", body)
	}
	if _, got := s.get(asPolice, "/home-part", text.JA); got != none {
		t.Errorf("police: %s", got)
	}
}
