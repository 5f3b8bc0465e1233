package intel

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/testkit"
)

// post sends a form as a browser does, with a file when there is one.
func (s *site) post(role, path string, file []byte, pairs ...string) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			s.t.Fatal(err)
		}
	}
	if file != nil {
		f, err := w.CreateFormFile("file", "list.csv")
		if err == nil {
			_, err = f.Write(file)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	w.Close()
	req := httptest.NewRequest("POST", path, &b)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(role)})
	r := httptest.NewRecorder()
	s.ServeHTTP(r, req)
	raw, err := io.ReadAll(r.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Code == http.StatusSeeOther {
		return r.Code, r.Header().Get("Location")
	}
	return r.Code, string(raw)
}

func newItemSite(t *testing.T) *site {
	s := newSite(t)
	s.Service.Keys = s.Parts.Keys
	return s
}

// An analyst writes an item from a list, corrects it, publishes it, and writes
// its next version; an operator reads both.
func TestItemsOnPages(t *testing.T) {
	s := newItemSite(t)
	see := func(role, path string, want ...string) string {
		t.Helper()
		code, body := s.get(role, path)
		if code != 200 {
			t.Errorf("%s %s: %d %.300s", role, path, code, body)
		}
		for _, w := range want {
			if no, not := strings.CutPrefix(w, "!"); strings.Contains(body, no) == not {
				t.Errorf("%s %s: %q", role, path, w)
			}
		}
		return body
	}
	const analyst, operator = "office.analyst", "operator.viewer"
	see(analyst, "/intelligence", "まだ情報はありません", "/intelligence/new")
	see(operator, "/intelligence", "まだ情報はありません", "!/intelligence/new")
	see(analyst, "/intelligence/new", "TLP:AMBER&#43;STRICT", `name="reliability"`, "1 行に 1 つ", "報告の番号")
	code, body := s.post(analyst, "/intelligence", nil, "title", "", "tlp", "GREEN", "indicators", "これは何か", "reliability", "B", "credibility", "2")
	if code != 422 || !strings.Contains(body, "これは何か") || !strings.Contains(body, "どれとも読めません") {
		t.Errorf("%d %.200s", code, body)
	}
	code, body = s.post(analyst, "/intelligence", []byte("who,when\na,b\n"), "title", "x", "tlp", "GREEN")
	if code != 400 || !strings.Contains(body, "列名を書いてください") {
		t.Errorf("%d", code)
	}
	code, at := s.post(analyst, "/intelligence", []byte("ip,comment\n45.77.1.9,C2 server\nx,y\n"), "title", "VPN への攻撃", "summary", "外から届きます", "text", "10.0.0.1 と CVE-2024-21762 <script>", "tlp", "GREEN",
		"clearance", "0", "reliability", "B", "credibility", "2", "english/title", "Attacks on VPNs", "valid_until", "")
	if code != 303 {
		t.Fatalf("%d %s", code, at)
	}
	see(analyst, at, "VPN への攻撃", "45.77.1[.]9", "C2 server", "内側のアドレスです", "CVE-2024-21762", "&lt;script&gt;", "TLP:GREEN", "下書き", "公開する", "取り込まなかったもの：ip 1 件", at+"/file", "ほぼ信頼できる")
	if code, _ := s.get(operator, at); code != 200 { // of the same organisation in this test
		t.Errorf("%d", code)
	}
	see(analyst, at+"/edit", `value="VPN への攻撃"`, "45.77.1[.]9", `name="revision"`, "!報告の番号")
	edit := func(revision, title string) (int, string) {
		return s.post(analyst, at, nil, "revision", revision, "title", title, "text", "10.0.0.1", "tlp", "GREEN", "clearance", "0", "reliability", "B", "credibility", "2", "indicators", "45[.]77.1.9\n45.77.1.10")
	}
	if code, where := edit("1", "VPN への攻撃（訂正）"); code != 303 || where != at {
		t.Fatalf("%d %s", code, where)
	}
	if code, body := edit("1", "おくれて"); code != 422 && code != 409 || !strings.Contains(body, "ほかの人が変えました") {
		t.Errorf("%d %.200s", code, body)
	}
	see(analyst, at, "（訂正）", "＋ 45.77.1[.]10", "C2 server", "− CVE-2024-21762")
	if code, where := s.post(analyst, at+"/publish", nil); code != 303 || where != at {
		t.Fatalf("%d %s", code, where)
	}
	see(operator, at, "45.77.1[.]10", "公開", "!公開する", "!取り下げる")
	see(operator, "/intelligence?q=45.77.1%5B.%5D10", "（訂正）")
	see(operator, "/intelligence?q=cve-2024-21762", "あてはまる情報はありません")
	see(operator, at+"?lang=en", "Indicators")
	code, next := s.post(analyst, at, nil, "revision", "3", "title", "二つ目の版", "tlp", "GREEN", "reliability", "A", "credibility", "1")
	if code != 303 || next == at {
		t.Fatalf("%d %s", code, next)
	}
	if code, _ := s.post(analyst, next+"/publish", nil); code != 303 {
		t.Fatal(code)
	}
	see(operator, at, "新しい版を開く", next)
	see(operator, next, "第 2 版", "第 1 版", "B2", "A1")
	see(operator, "/intelligence", "二つ目の版", "!（訂正）")
	see(operator, "/intelligence?state=replaced", "（訂正）")
	if code, _ := s.post(analyst, next+"/withdraw", nil, "why", "誤りでした"); code != 303 {
		t.Fatal(code)
	}
	see(operator, next, "使わないでください", "誤りでした")
	if code, body := s.get(analyst, at+"/file"); code != 200 || !strings.HasPrefix(body, "ip,comment") {
		t.Errorf("%d %q", code, body)
	}
	code, red := s.post(analyst, "/intelligence", nil, "title", "名指し", "tlp", "RED")
	if code != 303 {
		t.Fatal(code)
	}
	if code, body := s.post(analyst, red+"/publish", nil); code != 422 || !strings.Contains(body, "TLP:RED は届ける組織") {
		t.Errorf("%d", code)
	}
}

// For every role: who reaches the pages and the API of items, and that a refusal
// is recorded.
func TestWhoReachesItems(t *testing.T) {
	s := newItemSite(t)
	_, at := s.post("office.analyst", "/intelligence", nil, "title", "x", "text", "45.77.1.9", "tlp", "CLEAR")
	refusals := 0
	for _, role := range gate.Roles {
		writes := role == gate.OfficeAnalyst || role == gate.JPCERTClerk
		for _, path := range []string{"/intelligence", at, "/api/v1/intel-items", "/api/v1/intel-items/" + strings.TrimPrefix(at, "/intelligence/")} {
			if code, _ := s.get(string(role), path); code != 200 {
				t.Errorf("%s GET %s: %d", role, path, code)
			}
		}
		for _, path := range []string{"/intelligence/new", at + "/edit"} {
			code, _ := s.get(string(role), path)
			if (code == 200) != writes || !writes && code != 403 {
				t.Errorf("%s GET %s: %d", role, path, code)
			}
			if !writes {
				refusals++
			}
		}
		for _, path := range []string{"/intelligence", at, at + "/publish", at + "/withdraw"} {
			code, _ := s.post(string(role), path, nil, "title", "", "tlp", "RED")
			if writes && code == 403 || !writes && code != 403 {
				t.Errorf("%s POST %s: %d", role, path, code)
			}
			if !writes {
				refusals++
			}
		}
	}
	got := 0
	for _, verb := range []string{"intel.add", "intel.edit", "intel.publish", "intel.withdraw"} {
		got += s.Entries(t, verb, "refused")
	}
	if got < refusals {
		t.Errorf("%d refusals recorded of %d", got, refusals)
	}
	if n := testkit.Count(t, s.Parts.DB, "SELECT count(*) FROM intel_item"); n != 1 {
		t.Errorf("%d items", n)
	}
}
