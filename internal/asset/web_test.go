package asset

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
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
// "member/person role role…".
type site struct {
	*hub
	*httpd.Router
	pages *page.Set
}

func newSite(t testing.TB) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, cli.Words, db.Words, fetch.Words, thread.Words, org.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "asset", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	rail := func(_ *httpd.Request, x *page.Shell) {
		x.Rail = []page.RailGroup{{Items: []page.RailItem{{Key: "assets", Href: "/assets", Icon: "server", Label: "asset.web.title"}, {Key: "statements", Href: "/statements", Icon: "document", Label: "asset.web.statements"}}}}
	}
	r := httpd.New(httpd.Options{Words: words, Pages: pages, Dress: rail, DB: h.Parts.DB, Ring: h.Parts.Ring, Now: h.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, roles, _ := strings.Cut(plainSession(c), " ")
		name, person, ok := strings.Cut(who, "/")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		id := h.country.Identity(name, person)
		if c.Agent == string(text.EN) { // the test's way to say which language the person speaks
			id.Lang = c.Agent
		}
		for _, role := range strings.Fields(roles) {
			id.Roles = append(id.Roles, gate.Role(role))
		}
		return id, nil
	}})
	Routes(r, h.Service, words)
	Pages(r, h.Service)
	return &site{h, r, pages}
}

const (
	asWriter = "wind/a operator.reporter"
	asKeeper = "contractor/m contractor.maintainer"
	asClerk  = "industry/c ministry.clerk"
	asOffice = "office/o office.clerk"
	asRival  = "sea/a operator.admin"
)

// get opens a page as somebody.
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

func (s *site) upload(who, name, list string, remove bool) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	f, err := m.CreateFormFile("file", name)
	if err != nil {
		s.t.Fatal(err)
	}
	io.WriteString(f, list)
	if remove {
		m.WriteField("remove", "on")
	}
	m.Close()
	r := httptest.NewRequest("POST", "/assets/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return s.send(who, r)
}

func plainSession(c httpd.Credential) string {
	s, err := url.QueryUnescape(c.Session)
	if err != nil || s == "" {
		return c.Bearer
	}
	return s
}

// see opens a page in both languages and wants words in the Japanese one.
func (s *site) see(who, path string, want ...string) string {
	s.t.Helper()
	status, en := s.get(who, path, text.EN)
	if status != 200 || !strings.Contains(en, `lang="en"`) {
		s.t.Errorf("%s in English: %d", path, status)
	}
	if m := regexp.MustCompile(`(?s)<main.*</main>`).FindString(en); strings.ContainsAny(hideNames.Replace(m), "をのはがにですます") {
		i := strings.IndexAny(hideNames.Replace(m), "をのはがにですます")
		s.t.Errorf("%s in English speaks Japanese: …%s", path, hideNames.Replace(m)[max(0, i-80):min(len(hideNames.Replace(m)), i+80)])
	}
	status, ja := s.get(who, path, text.JA)
	if status != 200 {
		s.t.Fatalf("%s: %d\n%s", path, status, ja)
	}
	for _, w := range want {
		if !strings.Contains(ja, w) {
			s.t.Errorf("%s does not say %q", path, w)
		}
	}
	return ja
}

// hideNames takes out what a person wrote, which is in their own language.
var hideNames = strings.NewReplacer("設置場所はどこですか", "", "本社です", "", "経済産業大臣", "", "特定重要電子計算機の届出書", "")

// An operator walks from a list to a receipt, a ministry and the office stamp
// it, with a browser that has no script.
func TestFromAListToAReceipt(t *testing.T) {
	s := newSite(t)
	s.see(asWriter, "/assets", "まだ設備がありません")
	s.see(asWriter, "/assets/import", "読める列", "下見をする", `href="/assets/sample.csv"`, "種別に書ける言葉", "監視操作端末", "SCADA", "64 MBまで", "台数。空なら1")
	if status, body := s.post(asWriter, "/assets/import", nil); status != 422 || !strings.Contains(body, "ファイルを選んでください") {
		t.Errorf("no file: %d", status)
	}
	if status, body := s.upload(asWriter, "x.csv", "%PDF\x00\x01", false); status != 422 || !strings.Contains(body, "開けません") {
		t.Errorf("not a list: %d", status)
	}
	status, at := s.upload(asWriter, "bad.csv", list3+"A-4,vpn,,=cmd(),1,1,dmz,10.0.300.4,,,,\n", false)
	if status != 303 {
		t.Fatalf("%d %s", status, at)
	}
	s.see(asWriter, at, "直すところが1行", "行5：メーカー名が空です", "aria-disabled")
	s.see(asWriter, at+"?show=added", "A-1", "VPN装置、インターネット側、2台")
	if status, csv := s.get(asWriter, at+"/invalid.csv", text.JA); status != 200 || !strings.Contains(csv, "メーカー名が空です") || strings.Contains(csv, ",=cmd") {
		t.Errorf("%d %q", status, csv)
	}
	if status, _ := s.post(asWriter, at+"/apply", nil); status != 422 {
		t.Errorf("a list with a wrong row: %d", status)
	}
	if status, _ := s.get(asRival, at, text.JA); status != 404 {
		t.Errorf("another operator's preview: %d", status)
	}
	_, at = s.upload(asWriter, "設備.csv", list3, true)
	s.see(asWriter, at, "3件を取り込む")
	if status, to := s.post(asWriter, at+"/apply", nil); status != 303 || to != "/assets" {
		t.Fatalf("%d %s", status, to)
	}
	s.see(asWriter, "/assets", "A-1", "インターネット側の2台の版が不明です", "EdgeGate 410", "<svg", "サポート終了", "1 日 00:00"[:0])
	s.see(asWriter, "/assets?zone=ot", "A-3")
	if body := s.see(asWriter, "/assets?zone=ot&q=plc", "A-3"); strings.Contains(body, ">A-1<") {
		t.Error("the filter lets others in")
	}
	s.see(asWriter, "/assets?q=nothing-like-it", "この条件に合う設備はありません")
	s.see(asWriter, "/assets/picture", "PLC-9")
	e := s.found("A-2")
	path := "/assets/" + string(e.ID)
	s.see(asWriter, path, "版が不明", "届出の対象か", "まだ決められません")
	s.see(asWriter, path+"/edit", `value="A-2"`)
	form := url.Values{"revision": {"1"}, "id": {"A-2"}, "maker": {""}, "product": {"EdgeGate 410"}, "version": {"9.2"}, "quantity": {"2"}, "zone": {"internet"}, "addresses": {"198.51.100.8"},
		"operated_by": {"other"}, "operated_other": {"請負先"}, "introduced_at.y": {"令和8"}, "introduced_at.m": {"１１"}, "introduced_at.d": {"1"}, "used": {""}, "affects": {"yes"}}
	if status, body := s.post(asWriter, path+"/edit", form); status != 422 || !strings.Contains(body, "メーカー名が空です") || !strings.Contains(body, "エラー：") || !strings.Contains(body, `value="9.2"`) {
		t.Errorf("no maker: %d", status)
	}
	form.Set("maker", "Orvane")
	if status, to := s.post(asWriter, path+"/edit", form); status != 303 || to != path {
		t.Errorf("%d %s", status, to)
	}
	if status, _ := s.post(asWriter, path+"/edit", form); status != 409 {
		t.Errorf("an older form: %d", status)
	}
	s.see(asWriter, path, "9.2", "請負先", "版：なし → 9.2", "試験wind")
	if status, _ := s.post(asWriter, path+"/confirm", nil); status != 303 {
		t.Errorf("confirm: %d", status)
	}
	if status, to := s.post(asWriter, "/assets/bulk", url.Values{"id": {string(e.ID)}, "back": {"?zone=ot"}}); status != 303 || to != "/assets?zone=ot" {
		t.Errorf("bulk: %d %s", status, to)
	}
	s.see(asWriter, path+"/remove", "台帳から外しますか")
	s.see(asWriter, "/assets/new", "メーカー")
	if status, to := s.post(asWriter, "/assets/new", url.Values{"maker": {"Microsoft"}, "product": {"Windows Server 2022"}, "id": {"W-1"}}); status != 303 {
		t.Errorf("add: %d %s", status, to)
	}
	s.see(asWriter, "/statements", "まだ届出がありません")
	if body := s.see(asWriter, "/statements/new", "対象か決まっていない設備", "指定を受けた特定社会基盤事業者", "は届出の対象か決まっていません"); strings.Contains(body, "届出は要りません") {
		t.Error("nothing is decided, and the page says that no statement is needed")
	}
	if status, to := s.post(asWriter, "/statements/scope", url.Values{"designated": {"yes"}, "used": {"yes"}, "affects": {"yes"}}); status != 303 || to != "/statements/new" {
		t.Errorf("scope: %d %s", status, to)
	}
	body := s.see(asWriter, "/statements/new", "第1号", "届出を提出する", "告示")
	rev := regexp.MustCompile(`name="revision" value="(\d+)"`).FindStringSubmatch(body)
	if rev == nil {
		t.Fatal("no revision in the form")
	}
	if status, body := s.post(asWriter, "/statements", url.Values{"revision": {"0"}}); status != 409 || !strings.Contains(body, "ほかの人が先に直しました") {
		t.Errorf("an older draft: %d", status)
	}
	status, at = s.post(asWriter, "/statements", url.Values{"revision": {rev[1]}, "sector": {"electricity"}})
	if status != 303 {
		t.Fatalf("submit: %d\n%s", status, at)
	}
	s.see(asWriter, at, "受付", "所管省が受け付けたあとに送られます", "記録の証明")
	s.see(asWriter, "/statements/new", "届出は要りません")
	s.see(asClerk, "/statements", "第1号", "待っています", "試験wind")
	s.see(asClerk, at, "受け付ける", "EdgeGate 410", "質問を送る")
	if status, _ := s.get(asOffice, at, text.JA); status != 404 {
		t.Errorf("the office before: %d", status)
	}
	if status, body := s.post(asClerk, at+"/ask", url.Values{"question": {""}}); status != 422 || !strings.Contains(body, "エラー：") {
		t.Errorf("an empty question: %d", status)
	}
	for _, act := range []struct {
		who, path string
		form      url.Values
	}{{asClerk, "/acknowledge", url.Values{"number": {"経-7"}}}, {asClerk, "/ask", url.Values{"question": {"設置場所はどこですか"}}}, {asWriter, "/answer", url.Values{"with": {s.country.ID("industry")}, "answer": {"本社です"}}},
		{asOffice, "/acknowledge", nil}} {
		if status, to := s.post(act.who, at+act.path, act.form); status != 303 || to != at {
			t.Errorf("%s: %d %s", act.path, status, to)
		}
	}
	s.see(asWriter, at, "経-7", "設置場所はどこですか", "本社です")
	for _, format := range []string{"xlsx", "json", "html"} {
		if status, _ := s.get(asOffice, at+"/form/"+format, text.JA); status != 200 {
			t.Errorf("%s: %d", format, status)
		}
	}
	if status, to := s.post(asWriter, path+"/remove", url.Values{"revision": {"2"}}); status != 303 {
		t.Errorf("remove: %d %s", status, to)
	}
	s.see(asWriter, "/assets/removed", "A-2", "EdgeGate 410")
	for _, p := range []string{"/assets", "/assets/new", "/assets/import", path, "/statements/new"} {
		if status, _ := s.get(asClerk, p, text.JA); status != 403 && status != 404 {
			t.Errorf("a ministry opens %s: %d", p, status)
		}
	}
}

func TestAContractorsPages(t *testing.T) {
	s := newSite(t)
	theirs := s.add(s.wind(), "id", "A-1", "operated_by", s.number("contractor"), "version", "9.1.3")
	ours := s.add(s.wind(), "id", "A-2")
	s.see(asKeeper, "/assets", "まだ設備がありません")
	s.tie("wind")
	body := s.see(asKeeper, "/assets", "運用を請け負う設備", "A-1", "試験wind", "試験contractor")
	if strings.Contains(body, ">A-2<") || strings.Contains(body, "/assets/import") {
		t.Error("it sees more than it operates")
	}
	path := "/assets/" + string(theirs.ID)
	s.see(asKeeper, path, "9.1.3")
	if body := s.see(asKeeper, path+"/edit", `value="9.1.3"`); strings.Contains(body, `name="affects"`) || strings.Contains(body, `name="operated_by"`) {
		t.Error("it is asked what is its customer's to say")
	}
	if status, _ := s.post(asKeeper, path+"/edit", url.Values{"revision": {"1"}, "id": {"A-1"}, "maker": {"Orvane"}, "product": {"EdgeGate 410"}, "version": {"9.1.5"}}); status != 303 {
		t.Errorf("%d", status)
	}
	s.see(asWriter, path, "試験contractor", "9.1.5")
	if status, _ := s.get(asKeeper, "/assets/"+string(ours.ID), text.JA); status != 404 {
		t.Errorf("%d", status)
	}
	if status, _ := s.get(asKeeper, "/assets/new", text.JA); status != 403 {
		t.Errorf("%d", status)
	}
	s.see(asWriter, "/assets/new", "試験contractor")
}

func TestAPI(t *testing.T) {
	s := newSite(t)
	call := func(who, method, path, body string, head ...string) (int, string, http.Header) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+who)
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String(), w.Header()
	}
	field := func(body, name string) string {
		m := regexp.MustCompile(`"` + name + `":"?([^",}]+)`).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("no %s in %s", name, body)
		}
		return m[1]
	}
	code, body, head := call(asWriter, "POST", "/api/v1/assets", `{"maker":"Orvane","product":"EdgeGate 410","id":"A-1","zone":"internet","support_ends_at":"令和8年10月31日","addresses":["198.51.100.7"]}`)
	if code != 201 || head.Get("ETag") != `"1"` || field(body, "support_ends_at") != "2026-10-31" {
		t.Fatalf("%d %s %s", code, head.Get("ETag"), body)
	}
	path := "/api/v1/assets/" + string(s.found("A-1").ID)
	for _, c := range []struct {
		name, who, method, path, body string
		head                          []string
		want                          int
	}{
		{"read", asWriter, "GET", path, "", nil, 200}, {"not changed", asWriter, "GET", path, "", []string{"If-None-Match", `"1"`}, 304}, {"rival", asRival, "GET", path, "", nil, 404},
		{"ministry", asClerk, "GET", path, "", nil, 403}, {"no version", asWriter, "PUT", path, `{"maker":"a","product":"b"}`, nil, 428},
		{"wrong version", asWriter, "PUT", path, `{"maker":"a","product":"b"}`, []string{"If-Match", `"7"`}, 412},
		{"wrong field", asWriter, "PUT", path, `{"maker":"a","product":"b","addresses":["10.0.300.4"]}`, []string{"If-Match", `"1"`}, 422},
		{"unknown field", asWriter, "POST", "/api/v1/assets", `{"maker":"a","product":"b","colour":"red"}`, nil, 422},
		{"change", asWriter, "PUT", path, `{"id":"A-1","maker":"Orvane","product":"EdgeGate 410","version":"9.2"}`, []string{"If-Match", `"1"`}, 200},
		{"history", asWriter, "GET", path + "/history", "", nil, 200}, {"list", asWriter, "GET", "/api/v1/assets?q=edgegate&limit=1", "", nil, 200}, {"bad filter", asWriter, "GET", "/api/v1/assets?zone=moon", "", nil, 422},
		{"overview", asWriter, "GET", "/api/v1/asset-overview", "", nil, 200}, {"picture", asWriter, "GET", "/api/v1/asset-picture", "", nil, 200},
		{"scope", asWriter, "PUT", "/api/v1/asset-scope", `{"designated":"yes","used":"yes","affects":"yes"}`, nil, 204}, {"steps", asWriter, "GET", "/api/v1/asset-scope", "", nil, 200},
		{"statements", asClerk, "GET", "/api/v1/statements", "", nil, 200}, {"remove without version", asWriter, "DELETE", path, "", nil, 428},
	} {
		if code, body, _ := call(c.who, c.method, c.path, c.body, c.head...); code != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, code, c.want, body)
		}
	}
	code, body, _ = call(asWriter, "POST", "/api/v1/asset-imports?name=list.csv&remove=true", list3, "Content-Type", "application/octet-stream")
	if code != 200 || !strings.Contains(body, `"changed":1`) && !strings.Contains(body, `"added":2`) {
		t.Fatalf("%d %s", code, body)
	}
	token := field(body, "token")
	apply := "/api/v1/asset-imports/" + token + "/apply"
	code, first, _ := call(asWriter, "POST", apply, "", "Idempotency-Key", "once")
	if code != 200 {
		t.Fatalf("%d %s", code, first)
	}
	if code, again, _ := call(asWriter, "POST", apply, "", "Idempotency-Key", "once"); code != 200 || again != first {
		t.Errorf("the same request again: %d %s", code, again)
	}
	if code, _, _ := call(asWriter, "POST", apply, ""); code != 404 {
		t.Errorf("applied twice: %d", code)
	}
	code, body, _ = call(asWriter, "GET", "/api/v1/statement-draft", "")
	if code != 200 || !strings.Contains(body, `"number":1`) {
		t.Fatalf("%d %s", code, body)
	}
	code, body, _ = call(asWriter, "POST", "/api/v1/statements", `{"revision":`+field(body, "revision")+`}`)
	if code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	id := field(body, "id")
	if code, body, _ := call(asClerk, "GET", "/api/v1/statements/"+id, ""); code != 200 || !strings.Contains(body, "secretbuild") {
		t.Errorf("%d %s", code, body)
	}
	if code, body, h := call(asClerk, "GET", "/api/v1/statements/"+id+"/form?format=xlsx", ""); code != 200 || !strings.HasPrefix(body, "PK") || !strings.Contains(h.Get("Content-Type"), "spreadsheet") {
		t.Errorf("%d %s", code, h.Get("Content-Type"))
	}
	for _, c := range [][3]string{{asClerk, "/questions", `{"text":"x?"}`}, {asWriter, "/answers", `{"with":"` + s.country.ID("industry") + `","text":"y"}`}, {asClerk, "/acknowledgement", `{"number":"7"}`}} {
		if code, body, _ := call(c[0], "POST", "/api/v1/statements/"+id+c[1], c[2]); code != 200 {
			t.Errorf("%s: %d %s", c[1], code, body)
		}
	}
	if code, body, _ := call(asRival, "GET", "/api/v1/statements/"+id, ""); code != 404 {
		t.Errorf("%d %s", code, body)
	}
	if _, body, _ := call(asWriter, "GET", "/openapi.json", ""); !strings.Contains(body, "AssetItemInput") && !strings.Contains(body, "ItemInput") {
		t.Error("not in the OpenAPI document")
	}
}

// NOROSHI_PAGES names a folder that gets the pages as files, to look at.
func TestWritePages(t *testing.T) {
	dir := os.Getenv("NOROSHI_PAGES")
	if dir == "" {
		t.Skip("NOROSHI_PAGES names no folder")
	}
	s := newSite(t)
	list := "id,kind,maker,product,version,quantity,zone,addresses,connects_to,service,operated_by,introduced_at,support_ends_at\n"
	for _, l := range strings.Split(pieces, "\n") {
		list += l + "\n"
	}
	s.tie("wind")
	v := s.preview(s.wind(), strings.ReplaceAll(list, "CONTRACTOR", s.number("contractor")), false)
	if _, err := s.ApplyImport(s.wind(), v.Token); err != nil {
		t.Fatal(err)
	}
	next := strings.ReplaceAll(list, "CONTRACTOR", s.number("contractor"))
	next = strings.Replace(next, "A-0121,vpn,Orvane,EdgeGate 410,9.1.3", "A-0121,vpn,Orvane,EdgeGate 410,9.1.5", 1) + "A-0143,hypervisor,セルヴィック,VM-Base 4,4.1,2,internal,,,連絡,own,2026-11-01,\nA-0144,vpn,,KX-2200,1,1,dmz,10.0.300.4,,,,令和十年春,\nA-0143,hypervisor,セルヴィック,VM-Base 4,4.1,2,internal,,,連絡,own,2026-11-01,\n"
	bad := s.preview(s.wind(), next, false)
	if err := s.SetFacts(s.wind(), ScopeFacts{Yes, Yes, Yes}); err != nil {
		t.Fatal(err)
	}
	_, draft := s.get(asWriter, "/statements/new", text.JA)
	st := s.submit()
	if _, err := s.Acknowledge(s.clerk(), st.Notice.ID, "経産-R8-0412"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(s.clerk(), st.Notice.ID, "A-0117の設置場所を教えてください。"); err != nil {
		t.Fatal(err)
	}
	e := s.found("A-0117")
	save := func(name, body string) {
		for _, a := range s.pages.Assets() {
			body = strings.ReplaceAll(body, `"`+a.Path, `"`+filepath.Base(a.Path))
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(a.Path)), a.Body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("draft", draft)
	for name, p := range map[string][2]string{
		"register": {asWriter, "/assets"}, "filtered": {asWriter, "/assets?zone=internet"}, "item": {asWriter, "/assets/" + string(e.ID)}, "edit": {asWriter, "/assets/" + string(e.ID) + "/edit"},
		"import": {asWriter, "/assets/import"}, "preview": {asWriter, "/imports/" + bad.Token}, "statement": {asWriter, "/statements/" + st.Notice.ID}, "statements": {asWriter, "/statements"},
		"inbox": {asClerk, "/statements"}, "received": {asOffice, "/statements/" + st.Notice.ID}, "contractor": {asKeeper, "/assets"}, "picture": {asWriter, "/assets/picture"},
	} {
		for _, lang := range text.Langs {
			status, body := s.get(p[0], p[1], lang)
			if status != 200 {
				t.Errorf("%s: %d", p[1], status)
			}
			save(name+"."+string(lang), body)
		}
	}
}

const pieces = `A-0117,vpn,Orvane,EdgeGate 410,9.1.5,1,internet,198.51.100.7,A-0031,給電指令の遠隔保守,CONTRACTOR,2026-04-01,2026-10-31
A-0118,vpn,Orvane,EdgeGate 410,9.1.5,1,internet,198.51.100.8,A-0031,給電指令の遠隔保守,CONTRACTOR,2026-04-01,2026-10-31
A-0121,vpn,Orvane,EdgeGate 410,9.1.3,1,internet,198.51.100.9,A-0031,給電指令の遠隔保守,own,2026-04-01,2028-10-31
A-0122,vpn,カナギ電子,KX-2200,,2,internet,198.51.100.10,,支社との接続,CONTRACTOR,2020-04-01,
A-0031,firewall,ミナト通信,FW-70,,1,dmz,10.1.0.1,A-0064; A-0200,社内の境界,own,2021-06-01,2027-03-31
A-0032,firewall,ミナト通信,FW-70,,1,dmz,10.1.0.2,A-0200,社内の境界,own,2021-06-01,2027-03-31
A-0064,mail,セルヴィック,Post 6,6.0.2,1,dmz,10.1.0.25,A-0201,連絡,own,2022-01-01,2027-01-31
A-0200,auth_server,セルヴィック,Keyring 3,3.4,2,internal,10.2.0.10,A-0300; A-0201,認証,own,2023-01-01,2029-03-31
A-0201,database,セルヴィック,Base 9,9.0,12,internal,10.2.0.20,,料金,own,2023-01-01,2029-03-31
A-0202,hypervisor,セルヴィック,VM-Base 4,4.1,24,internal,,,業務,own,2023-01-01,2029-03-31
A-0300,ot_hmi,ハルキ計装,View 5,5.2,8,ot,10.9.0.5,A-0301,給電指令,own,2019-01-01,2026-12-31
A-0301,ot_controller,ハルキ計装,PLC-9,1.0,60,ot,10.9.0.9,,給電指令,own,2019-01-01,
A-0302,ot_historian,ハルキ計装,Record 2,2.1,4,ot,10.9.0.20,A-0201,給電指令,own,2019-01-01,2028-03-31
A-0400,other,Microsoft,Windows Server 2022,,18,internal,,,業務,own,2022-01-01,2031-10-14
A-0500,other,ハルキ計装,Safety 1,1.0,6,isolated,,,保安,own,2015-01-01,2026-03-31`

// The sample that the import page offers is a list without a fault, in both
// languages, and a sentence about an unknown kind or zone names every one.
func TestSampleAndWordsOfAList(t *testing.T) {
	s := newSite(t)
	for _, lang := range text.Langs {
		status, csv := s.get(asWriter, "/assets/sample.csv", lang)
		if status != 200 {
			t.Fatalf("%s: %d %s", lang, status, csv)
		}
		got, err := s.Rules.Check("sample.csv", strings.NewReader(csv), int64(len(csv)), firstDay)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Clean || got.Valid != 3 || got.Duplicate != 0 || len(got.Notes) != 0 || len(got.File.Further) != 0 {
			t.Errorf("%s: %+v", lang, got)
		}
		p := printer(t, lang)
		say := func(code string) string {
			return sayPlace(p, fault.Place{Code: "asset.import." + code, Args: fault.Args{"row": 2, "col": "B", "value": "?"}})
		}
		kinds, zones := say("kind_unknown"), say("zone_unknown")
		word := func(name, code string) string {
			if lang == text.EN {
				return code
			}
			return name
		}
		for _, k := range Kinds() {
			name := p.T("asset.kind." + string(k))
			if !strings.Contains(kinds, word(name, string(k))) {
				t.Errorf("%s: %q does not name %s", lang, kinds, k)
			}
			if got, ok := ParseKind(name); !ok || got != k {
				t.Errorf("%s: %q is shown for %s and read as %q", lang, name, k, got)
			}
			if len(wordsFor(string(k), lang)) == 0 {
				t.Errorf("%s: no words for %s", lang, k)
			}
		}
		for _, z := range Zones() {
			name := p.T("asset.zone." + string(z))
			if !strings.Contains(zones, word(name, string(z))) {
				t.Errorf("%s: %q does not name %s", lang, zones, z)
			}
			if got, ok := ParseZone(name); !ok || got != z {
				t.Errorf("%s: %q is shown for %s and read as %q", lang, name, z, got)
			}
		}
	}
	if status, _ := s.get(asClerk, "/assets/sample.csv", text.JA); status != 403 {
		t.Errorf("a ministry: %d", status)
	}
}
