package notice

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/org"
)

// visitor is a browser of one person, or of nobody.
type visitor struct {
	*http.Client
	t    testing.TB
	base string
}

func (d *door) visit(who string) *visitor {
	d.t.Helper()
	if d.srv == nil {
		d.srv = httptest.NewServer(d)
		d.t.(*testing.T).Cleanup(d.srv.Close)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	v := &visitor{&http.Client{Jar: jar}, d.t, d.srv.URL}
	v.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if who != "" {
		v.get(303, "/as?who="+tilde(who))
	}
	return v
}

func (v *visitor) get(status int, path string) string {
	v.t.Helper()
	return v.send(status, "GET", path, nil)
}

// post sends a form and returns where it leads, or the page.
func (v *visitor) post(status int, path string, form url.Values) string {
	v.t.Helper()
	return v.send(status, "POST", path, form)
}

func (v *visitor) send(status int, method, path string, form url.Values) string {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != status {
		v.t.Fatalf("%s %s: %d, want %d\n%.3000s", method, path, res.StatusCode, status, raw)
	}
	if strings.Contains(string(raw), "notice.web.") {
		v.t.Errorf("%s shows a key", path)
	}
	if to := res.Header.Get("Location"); to != "" {
		return to
	}
	return string(raw)
}

func (v *visitor) says(page string, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			v.t.Errorf("the page does not say %q", w)
		}
	}
}

// An analyst's morning: a draft from an id, its versions, its recipients, the
// check, the sending, the board.
func TestAnAnalystSends(t *testing.T) {
	d := newDoor(t)
	d.exposed = []Exposed{{Org: d.ID("wind"), Product: "EdgeGate 410", Devices: 3, Certain: true, Priority: Act}}
	v := d.visit(asAnalyst)
	v.says(v.get(200, "/notices"), "知らせはまだありません")
	v.says(v.post(422, "/notices", url.Values{"vulnerability": {""}}), "ここを書いてください")
	v.says(v.post(422, "/notices", url.Values{"vulnerability": {"???"}}), "CVE-2024-12345")
	at := v.post(303, "/notices", url.Values{"vulnerability": {"cve-2026-90417"}})
	edit := v.get(200, at)
	v.says(edit, "認証を避けられる欠陥", `name="/management/what/ja"`, `name="/small/steps/0/do/ja"`, "TLP:AMBER")
	form := url.Values{"revision": {"1"}, "/title/ja": {"EdgeGate 410 の認証回避"}, "/title/en": {"EdgeGate 410"}, "/severity": {"act"}, "/tlp": {"AMBER"}, "/clearance": {"0"}, "/about": {"CVE-2026-90417"},
		"/answer_by.y": {"2026"}, "/answer_by.m": {"11"}, "/answer_by.d": {"23"}, "/answer_by.h": {"18"}, "/answer_by.min": {"00"},
		"/management/tlp": {"GREEN"}, "/management/what/ja": {"198.51.100.7 に気をつける"}, "/management/what/en": {"a"}, "/management/so_what/ja": {"い"}, "/management/so_what/en": {"b"}, "/management/decide/ja": {"う"}, "/management/decide/en": {"c"},
		"/technical/tlp": {"AMBER"}, "/technical/details/ja": {"え"}, "/technical/details/en": {"d"}, "/technical/indicators": {"198.51.100.7  入口\nupdate.edge-gate.example\n"}, "/technical/checks/ja": {"見る"}, "/technical/checks/en": {"look"},
		"/small/tlp": {"CLEAR"}, "/small/title/ja": {"箱の線を抜いてください"}, "/small/title/en": {"Pull the cable"}, "/small/steps/0/do/ja": {"ファームウェアを見る"}, "/small/steps/0/do/en": {"Look"}, "/small/helper/name/ja": {"窓口"}, "/small/helper/phone": {"００-００００-００００"}}
	bad := url.Values{}
	for k, x := range form {
		bad[k] = x
	}
	bad.Set("/answer_by.m", "13")
	bad.Set("/small/helper/phone", "電話")
	v.says(v.post(422, at, bad), "EdgeGate 410 の認証回避") // nothing typed is lost
	base := strings.TrimSuffix(at, "/edit")
	form.Set("next", "recipients")
	if to := v.post(303, at, form); to != base+"/recipients" {
		t.Errorf("to %s", to)
	}
	v.says(v.post(409, at, form), "先に直しました")
	page := v.get(200, base+"/recipients")
	v.says(page, "試験wind", "3台", `value="`+d.ID("sea")+`"`)
	v.post(303, base+"/recipients", url.Values{"org": {d.ID("sea")}, "version": {"management", "technical"}, "why": {"同じ装置をお使いです"}})
	preview := regexp.MustCompile(`/notices/[^"]+/preview/[^"]+`).FindString(v.get(200, base+"/recipients"))
	v.says(v.get(200, preview), "この相手に見える通りです")
	check := v.get(200, base+"/check")
	v.says(check, "技術の版だけの値「198.51.100.7」が残っています", "「ファームウェア」は難しい言葉です", "2者に届きます")
	form.Set("revision", "2")
	v.says(v.post(409, at, form), "先に直しました") // sea was added, and this form does not say what it saw
	form.Set("seen", regexp.MustCompile(`name="seen" value="([0-9a-f]{64})"`).FindStringSubmatch(v.get(200, at))[1])
	form.Set("/management/what/ja", "入口に欠陥があります。")
	v.post(303, at, form)
	v.says(v.get(200, base+"/check"), "残っていません")
	v.says(v.post(422, base+"/send", url.Values{"revision": {"4"}}), "気になる所")
	board := v.get(200, v.post(303, base+"/send", url.Values{"revision": {"4"}, "despite": {"on"}}))
	v.says(board, "2者に届きました", "<b>2</b>届いた", "中央値")
	v.says(v.get(200, base+"?lang=en"), "Delivered", "How it stands")
	v.get(200, base+"?lang=ja")
	v.post(303, base+"/correct", url.Values{})
	v.says(v.get(200, base+"/withdraw"), "理由")
	v.says(v.post(422, base+"/withdraw", url.Values{"reason": {""}}), "ここを書いてください")
	v.post(303, base+"/withdraw", url.Values{"reason": {"製品が違いました"}})
	v.says(v.get(200, base), "取り消されました", "製品が違いました")
	d.visit(asWind).get(403, "/notices")
	d.visit("").get(303, "/notices")
}

// An operator reads, answers, asks for help, and passes it on; the desk helps;
// a small firm answers in two taps without an account.
func TestAnOperatorAndASmallFirm(t *testing.T) {
	d := newDoor(t)
	d.tie(org.SupplierTie, "wind", "supplier")
	n := d.told("wind", "sea")
	v := d.visit(asWind)
	inbox := v.get(200, "/letters")
	v.says(inbox, "EdgeGate 410 の認証回避", "新着", "即応", "TLP:AMBER")
	if home := v.get(200, "/home"); !strings.Contains(home, "EdgeGate 410") {
		t.Errorf("home: %s", home)
	}
	at := regexp.MustCompile(`/letters/[0-9a-f-]{36}`).FindString(inbox)
	letter := v.get(200, at)
	v.says(letter, "なぜ、貴社に届いたのですか", "遠隔保守の入口に欠陥があります", "助けが必要")
	if strings.Contains(letter, "試験sea") || strings.Contains(v.get(200, at+"?version=technical"), "試験sea") {
		t.Error("another recipient is named")
	}
	v.says(v.get(200, at+"?version=technical"), "update.edge-gate.example", "ハッシュ")
	v.says(v.get(200, at+"?version=small"), "装置の線を抜いてください", "00-0000-0000")
	v.says(v.post(422, at+"/answer", url.Values{"state": {""}}), "答えを一覧から選んでください")
	v.says(v.post(422, at+"/answer", url.Values{"state": {"planned"}, "note": {"急ぎます"}}), "日付で書いてください", "その日までにしておくこと", "急ぎます")
	v.post(303, at+"/answer", url.Values{"state": {"planned"}, "date.y": {"令和8"}, "date.m": {"12"}, "date.d": {"1"}, "interim": {"線を抜く"}})
	v.says(v.get(200, at), "日を決めて直す", "2026年12月1日（火）", "線を抜く")
	v.post(303, at+"/help", url.Values{"question": {"どの線ですか"}})
	desk := d.visit(asDesk)
	tickets := desk.get(200, "/tickets")
	ticket := regexp.MustCompile(`/tickets/[0-9a-f-]{36}`).FindString(tickets)
	desk.says(desk.get(200, ticket), "どの線ですか", "試験wind")
	desk.post(303, ticket+"/take", url.Values{})
	desk.says(desk.post(422, ticket+"/answer", url.Values{"answer": {""}}), "ここを書いてください")
	desk.post(303, ticket+"/answer", url.Values{"answer": {"青い線です"}})
	desk.post(303, ticket+"/close", url.Values{})
	v.says(v.get(200, at), "青い線です")

	relay := v.get(200, at+"/relay")
	v.says(relay, "独占禁止法", "パートナーシップ", "試験supplier")
	v.says(v.post(422, at+"/relay", url.Values{"children": {"霧沢精工, info@kirisawa.example"}, "why": {"弊社の保守に使うため"}, "version": {"small"}}), "注意を読み")
	v.says(v.post(422, at+"/relay", url.Values{"children": {"霧沢精工"}, "why": {"x"}, "version": {"small"}, "cautions": {"on"}}), "メールアドレス")
	v.post(403, at+"/relay", url.Values{"children": {"霧沢精工, info@kirisawa.example"}, "why": {"x"}, "version": {"technical"}, "cautions": {"on"}})
	done := v.post(200, at+"/relay", url.Values{"org": {d.ID("supplier")}, "children": {"霧沢精工, info@kirisawa.example"}, "why": {"弊社の保守に使うため"}, "version": {"small"}, "cautions": {"on"}})
	link := regexp.MustCompile(`https://hub\.example(/n/[A-Za-z0-9_-]{22})`).FindStringSubmatch(done)
	if link == nil {
		t.Fatalf("no link: %.2000s", done)
	}
	if again := v.get(200, at+"/relay"); strings.Contains(again, "/n/") {
		t.Error("the link is shown twice")
	}
	firm := d.visit("")
	slip := firm.get(200, link[1])
	firm.says(slip, "霧沢精工 さまへ", "装置の線を抜いてください", "終わりました", "手伝ってほしい", "当社には関係ない", "00-0000-0000", n.Number)
	if strings.Contains(slip, "<script") || len(slip) > 20_000 || strings.Contains(slip, "試験supplier") || strings.Contains(slip, "CVE-") || strings.Contains(slip, "edge-gate.example") {
		t.Errorf("%d bytes\n%s", len(slip), slip)
	}
	sure := firm.post(200, link[1], url.Values{"state": {"mitigated"}}) // the first tap
	firm.says(sure, "この答えを送ります")
	firm.get(200, firm.post(303, link[1], url.Values{"state": {"mitigated"}, "sure": {"1"}})) // the second
	firm.says(firm.get(200, link[1]), "いまの答え", "答えを変える")
	firm.says(firm.get(200, link[1]+"?lang=en"), "Pull the cable out", "It is done")
	firm.get(200, link[1]+"?lang=ja")
	firm.post(303, link[1], url.Values{"state": {"needs_help"}, "sure": {"1"}, "note": {"線がありません"}})
	firm.says(firm.get(200, link[1]+"?done=1"), "連絡します")
	firm.get(404, "/n/"+newToken())
	v.says(v.get(200, at+"/relay"), "0〜2")
	d.visit("supplier/s supplier.contact").says(d.visit("supplier/s supplier.contact").get(200, "/letters"), "急ぎの対応")
	d.visit(asSea).get(404, at)
	d.visit(asSea).get(404, at+"/relay")
}

// A flood of guesses is stopped.
func TestGuessingLinks(t *testing.T) {
	d := newDoor(t)
	v := d.visit("")
	for range 30 {
		v.get(404, "/n/"+newToken())
	}
	v.get(http.StatusTooManyRequests, "/n/"+newToken())
}

// tilde writes a session as a cookie can hold it.
func tilde(who string) string { return url.QueryEscape(strings.ReplaceAll(who, " ", "~")) }
