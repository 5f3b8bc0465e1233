package selection

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
)

const formKind = "application/x-www-form-urlencoded"

// page reads a page and wants words on it; those after "!" must not be there.
func (s *site) page(who, path string, want ...string) string {
	s.t.Helper()
	code, body := s.send(who, "GET", path, "", nil)
	if code != 200 {
		s.t.Fatalf("%s, %s: %d %.600s", who, path, code, body)
	}
	for _, x := range want {
		not, hidden := strings.CutPrefix(x, "!")
		if strings.Contains(body, not) == hidden {
			s.t.Errorf("%s, %s: %q", who, path, x)
		}
	}
	if strings.Contains(body, "⟦") || strings.Contains(body, "ZgotmplZ") {
		s.t.Errorf("%s, %s: a word or an address is missing", who, path)
	}
	return body
}

func (s *site) post(who, path string, pairs ...string) string {
	s.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	code, to := s.send(who, "POST", path, formKind, []byte(v.Encode()))
	if code != 303 {
		s.t.Fatalf("%s, POST %s: %d %.800s", who, path, code, to)
	}
	return to
}

func (s *site) file(who, path, field string, content []byte, pairs ...string) (int, string) {
	s.t.Helper()
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + pairs[i] + "\"\r\n\r\n" + pairs[i+1] + "\r\n")
	}
	b.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + field + "\"; filename=\"f\"\r\n\r\n" + string(content) + "\r\n--x--\r\n")
	return s.send(who, "POST", path, "multipart/form-data; boundary=x", []byte(b.String()))
}

// The whole way of an agreement by its pages: offered, talked about, answered with
// other terms, accepted, granted, run, read for a purpose, ended.
func TestPagesOfAnAgreement(t *testing.T) {
	s := newSite(t)
	terms := []string{"title", "外から届く通信", "gives", "条件に合う通信の記録", "returns", "月に一度の分析", "link", "K-2", "from.y", "2026", "from.m", "11", "from.d", "22", "until.y", "2026", "until.m", "12", "until.d", "31",
		"cap", "1000", "fields", "src", "fields", "dst", "fields", "sport", "addresses", "plain", "retain_days", "30", "recipients", "police", "targets", "intrusion", "grounds", "指標がある", "no_other_means", "ほかにない", "necessity", "これだけ"}
	s.page(asClerk, "/agreements/new", "試験wind", "第11条", "断っても")
	code, body := s.send(asClerk, "POST", "/agreements", formKind, []byte(url.Values{"party": {s.country.ID("wind") + "/art11"}}.Encode()))
	if code != 422 || !strings.Contains(body, "エラー") {
		t.Errorf("an empty proposal: %d", code)
	}
	at := s.post(asClerk, "/agreements", append(terms, "party", s.country.ID("wind")+"/art11")...)
	s.page(asParty, "/agreements", "外から届く通信", "断っても不利益はありません")
	s.page(asParty, at, "条件に合う通信の記録", "月に一度の分析", "断っても不利益はありません", "理由は要りません", "2026年12月31日")
	for _, who := range []string{asInspector, "sea admin operator.admin"} {
		if code, _ := s.send(who, "GET", at, "", nil); code != 404 {
			t.Errorf("%s sees a proposal: %d", who, code)
		}
	}
	s.post(asParty, at+"/messages", "text", "工事の間は外せますか", "kind", "question")
	s.page(asClerk, at, "工事の間は外せますか")
	s.page(asParty, at+"/offer", "1000")
	s.post(asParty, at+"/offer", append(terms, "version", "1", "note", "少なく", "cap", "500")...)
	s.page(asClerk, at, "当事者の案を検討中", "少なく", "この内容で合意する")
	s.post(asClerk, at+"/accept", "version", "2")
	l := s.world.list()
	s.page(asClerk, at, "有効", "許可を出す", l.Name)
	s.post(asClerk, at+"/grants", "list", l.ID)
	list := s.page(asHandler, "/selection/new", "試験用の通信で実行する", "作った回線")
	id := regexp.MustCompile(`<option value="([0-9a-f-]{36})"`).FindStringSubmatch(list)
	if id == nil {
		t.Fatal("no approval to choose")
	}
	number := regexp.MustCompile(`--approval (S-[0-9A-Z]{4}-[0-9A-Z]{4}) --link K-2 --authority authority.pub`).FindStringSubmatch(list)
	if number == nil {
		t.Fatal("no command to copy")
	}
	s.page(asParty, at, "取得した量", "まだ何も取得していません")
	run := s.post(asHandler, "/selection", "approval", id[1], "traffic", "line")
	s.under.Wait()
	s.page(asHandler, run, "見たパケットは、どれも下のどれか1つに入ります", "パケットを見て", "選別した", "向きが違い、消去した", "試験用に作った通信での実行です", "この目的で開く")
	s.page(asHandler, run, number[1], "/selection?approval="+number[1])
	s.page(asHandler, "/selection?approval="+number[1], run)
	s.page(asHandler, "/selection?approval=S-0000-0000", "!"+run)
	s.page(asParty, at, "取得した量", number[1], "!まだ何も取得していません")
	if code, body := s.send(asHandler, "GET", run+"/records", "", nil); code != 403 || !strings.Contains(body, "目的を選んでください") {
		t.Errorf("records without a purpose: %d", code)
	}
	s.page(asHandler, run+"/records?purpose=analyse", "当事者協定", "198.18.66.6", "目的：分析", "!観測にする")
	records := s.page(asAnalyst, run+"/records?purpose=warn", "観測にする")
	ref := regexp.MustCompile(`name="selector" value="(s:[0-9a-f]{16})"`).FindStringSubmatch(records)
	if ref == nil {
		t.Fatal("no selector on the page")
	}
	if to := s.post(asAnalyst, run+"/sightings", "selector", ref[1], "purpose", "warn"); !strings.HasPrefix(to, "/sightings/") {
		t.Errorf("a sighting leads to %s", to)
	}
	s.page(asInspector, run, "読んだ記録", "分析", "!198.18.66.6", "!この目的で開く", "!ほかの機関に提供する")
	if code, _ := s.send(asInspector, "GET", run+"/records?purpose=analyse", "", nil); code != 403 {
		t.Errorf("an inspector's records: %d", code)
	}
	s.page(asHandler, run+"/disclose", "試験police", "!試験bank")
	s.post(asHandler, run+"/disclose", "recipient", s.country.ID("police"), "basis", "第27条", "caveat", "捜査に使わないこと", "purpose", "warn")
	given := s.page(asPolice, "/disclosures", "捜査に使わないこと", "第27条")
	if d, _, _, err := s.Disclosures(s.police(), "", 1); err != nil || len(d) != 1 {
		t.Errorf("%+v %v", d, err)
	}
	open := regexp.MustCompile(`action="(/disclosures/[0-9a-f-]{36})"`).FindStringSubmatch(given)
	s.page(asPolice, open[1]+"?purpose=warn", "198.18.66.6", "当事者協定", "捜査に使わないこと")
	if code, _ := s.send(asPolice, "GET", open[1], "", nil); code != 403 {
		t.Errorf("given records without a purpose: %d", code)
	}
	s.post(asParty, at+"/consents", "purpose", "統計", "consent_until.y", "2027", "consent_until.m", "1", "consent_until.d", "1")
	s.page(asHandler, run, "そのほか（同意あり）", "統計")
	s.post(asAnalyst, at+"/returned", "title", "12月の結果", "result", "指令が3回届いた")
	s.page(asParty, at, "12月の結果", "指令が3回届いた")
	s.post(asParty, at+"/end", "version", "2")
	s.page(asClerk, at, "終了")
	s.page(asInspector, "/agreements?ended=1", "終了")
	s.page(asCarrier, "/selection/volumes", "指示ごとの量と時刻", "!s:")
	s.page(asInspector, "/selection/receipts", "消去の証明")
}

// The pages of lists, of another language, of shares and re-identification.
func TestPagesOfListsAndKeys(t *testing.T) {
	s := newSite(t)
	s.page(asAnalyst, "/selector-lists/new", "警告一覧")
	code, to := s.file(asAnalyst, "/selector-lists", "file", []byte("type,value\nip,8.8.8.8\ndomain,c2.hibana.jp\n"), "name", "試しの条件")
	if code != 303 {
		t.Fatalf("%d %.500s", code, to)
	}
	s.page(asAnalyst, to, "別の人の確認を待っています", "8.8.8.8", "!この通りに決める")
	second := "office second office.analyst"
	s.page(second, to, "この通りに決める")
	s.post(second, to+"/second", "o0", "take", "o0_reason", "指令がここから来る")
	s.page(second, to, "使える", "入れた（2人目の担当）。理由：指令がここから来る")
	s.page(second, to+"?open=1", "c2.hibana.jp", "8.8.8.8")
	s.page(asInspector, to, "名前は非開示", "!試しの条件", "!8.8.8.8")
	s.page(asInspector, to+"?open=1", "名前は非開示", "c2.hibana.jp", "8.8.8.8")
	if code, body := s.file(asAnalyst, "/selector-lists", "file", []byte("not one of them all\n"), "name", "x"); code != 422 || !strings.Contains(body, "1行目が読めません") {
		t.Errorf("%d %.300s", code, body)
	}
	first, other := s.invited("office", "first", gate.OfficeHandler), s.invited("commission", "second", gate.Examiner)
	c := s.approve(approval.ForeignDomestic, s.world.list(), func(a *approval.Application) { a.Addresses = "pseudonym" })
	s.page(asClerk, "/selection/keys", "鍵を作って分ける", c.Number)
	s.post(asClerk, "/selection/keys", "approval", c.ID, "first", first, "second", other)
	s.page(asClerk, "/selection/keys", "受け取り待ち", "!鍵の半分を受け取る")
	for _, path := range []string{"/agreements", "/selector-lists", "/selection", "/selection/new", "/selection/keys", "/selection/receipts"} {
		for _, who := range []string{asClerk, asHandler, asAnalyst, asInspector, asParty, asPolice, asCarrier, "commission m commission.member"} {
			code, body := s.send(who, "GET", path+"?lang=en", "", nil)
			if code >= 500 || code == 200 && strings.ContainsAny(strings.Join(regexp.MustCompile(`(?s)<main.*</main>`).FindAllString(body, 1), ""), "選別協定承認鍵") && !strings.Contains(body, "試し") && !strings.Contains(body, "作った回線") && !strings.Contains(body, "選別の条件（") && !strings.Contains(body, "K-2") {
				t.Errorf("%s %s in English: %d", who, path, code)
			}
		}
	}
}

// What waits for whom stands on their first page.
func TestHome(t *testing.T) {
	s := newSite(t)
	s.Router.Page("GET /todos", func(q *httpd.Request) error {
		d, err := Home(q, s.Service)
		if err != nil {
			return err
		}
		return q.JSON(d.Todos)
	})
	a, err := s.Propose(s.clerk(), s.country.ID("wind"), Article11, s.terms())
	s.must(err)
	s.page(asParty, "/todos", "協定の申し入れに答える", "不利益はありません")
	s.page(asClerk, "/todos", "!協定")
	_, err = s.Offer(s.wind(), a.ID, 1, s.terms(), "")
	s.must(err)
	s.page(asClerk, "/todos", "当事者の案を検討する")
	s.page("office another office.clerk", "/todos", "!当事者の案")
	_, err = s.MakeList(s.analyst(), NewList{Name: "条件", File: "x", Data: []byte("8.8.8.8\n")})
	s.must(err)
	s.page("office second office.analyst", "/todos", "選別の条件を確認する")
	s.page(asAnalyst, "/todos", "!選別の条件")
	s.page(asInspector, "/todos", "!協定")
	s.page(asCarrier, "/todos", "!協定")
}

// Nothing a browser sends to these pages can be a capture: they take no file but
// lists and shares.
func TestNoPageTakesCaptures(t *testing.T) {
	names, err := filepath.Glob("web/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, n := range names {
		f, err := os.Open(n)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "captures") || strings.Contains(string(raw), "style=") {
			t.Errorf("%s sends a capture, or bears a style", n)
		}
	}
}
