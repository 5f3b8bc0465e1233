package app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
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

	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

func (n *nation) wants(what string, r reply, status ...int) {
	n.t.Helper()
	if !slices.Contains(status, r.status) {
		n.t.Errorf("%s: %d, want %v\n%.400s", what, r.status, status, r.body)
	}
}

// A form on another site posts with the reporter's cookie; nothing happens.
func TestAttackerPostsFromAnotherSite(t *testing.T) {
	n := newNation(t)
	admin := n.citizen("wind/admin")
	count := func() int {
		return testkit.Count(t, n.DB, "SELECT count(*) FROM ledger_entry WHERE verb NOT LIKE 'session.%'")
	}
	before := count()
	for _, head := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		for _, target := range []string{"/reports/new", "/people/new", "/account/tokens/new", "/sign-out", "/sign-in", "/theme", "/assets/new"} {
			n.wants(strings.Join(head, ": ")+" "+target, n.call(admin, "POST", target, url.Values{"kind": {"ddos"}, "name": {"x"}, "scopes": {"org.read"}, "days": {"1"}}, head...), http.StatusForbidden)
		}
		n.wants("API", n.call(admin, "POST", "/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`, head...), http.StatusForbidden)
		n.wants("API", n.call(admin, "DELETE", "/api/v1/ties/"+incident.NewID(), nil, head...), http.StatusForbidden)
	}
	if after := count(); after != before {
		t.Errorf("%d acts from other sites", after-before)
	}
	r := n.call(admin, "GET", "/account", nil)
	n.wants("the session lives on", r, 200)
	if policy := r.head.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
}

// Somebody plants a session before the victim signs in, and tries links, codes
// and forms again that were used once.
func TestAttackerAtTheDoor(t *testing.T) {
	n := newNation(t)
	victim := n.citizen("wind/reporter")
	n.clock.Pass(time.Minute) // another code than the one of the invitation
	planted := n.login(n.citizen("sea/reporter").id)
	form := n.call(&citizen{session: planted}, "POST", "/sign-in", url.Values{"mail": {victim.mail}, "password": {nationPassword}})
	n.wants("password", form, 200)
	step := regexp.MustCompile(`name="step" value="([^"]+)"`).FindStringSubmatch(form.body)
	if step == nil {
		t.Fatalf("no second step in\n%s", form.body)
	}
	code := n.code(victim)
	in := n.call(&citizen{session: planted}, "POST", "/sign-in/code", url.Values{"step": {step[1]}, "code": {code}, "next": {"https://evil.example/"}})
	n.wants("code", in, http.StatusSeeOther)
	if in.to() != "/" {
		t.Errorf("sent on to %s", in.to())
	}
	got := cookieOf(in)
	switch {
	case got == nil:
		t.Fatal("no cookie")
	case got.Value == planted || got.Value == "":
		t.Error("the session that was there before is the one after")
	case !got.HttpOnly || got.SameSite != http.SameSiteLaxMode && got.SameSite != http.SameSiteStrictMode:
		t.Errorf("cookie %v", got)
	}
	n.wants("the step again", n.call(nil, "POST", "/sign-in/code", url.Values{"step": {step[1]}, "code": {code}}), 409, 422)
	second := n.call(nil, "POST", "/sign-in", url.Values{"mail": {victim.mail}, "password": {nationPassword}})
	step = regexp.MustCompile(`name="step" value="([^"]+)"`).FindStringSubmatch(second.body)
	replayed := n.call(nil, "POST", "/sign-in/code", url.Values{"step": {step[1]}, "code": {code}})
	n.wants("the code again within its time", replayed, 422)
	if cookieOf(replayed) != nil {
		t.Error("a code was good twice")
	}
	n.wants("a session as a bearer", n.call(&citizen{bearer: got.Value}, "GET", "/api/v1/me", nil), 401)

	_, link, err := n.Orgs.Invite(org.Local(t.Context()), org.Person{Org: n.orgs["wind"].ID, Name: "新人", Mail: "new@wind.example", Roles: []gate.Role{gate.OperatorViewer}})
	n.must(err)
	enrol, err := n.Orgs.Enrolment(t.Context(), link)
	n.must(err)
	fresh := &citizen{secret: enrol.Secret}
	accept := url.Values{"password": {nationPassword}, "password_again": {nationPassword}, "code": {n.code(fresh)}}
	n.wants("the invitation", n.call(nil, "POST", "/welcome/"+link, accept), 200)
	n.clock.Pass(time.Minute)
	accept.Set("code", n.code(fresh))
	n.wants("the invitation again", n.call(nil, "POST", "/welcome/"+link, accept), 404)
	n.wants("the invitation's page again", n.call(nil, "GET", "/welcome/"+link, nil), 404)

	n.Orgs.DemoLinks = true
	door, err := n.Orgs.SignInLink(t.Context(), victim.id)
	n.must(err)
	n.wants("a sign-in link", n.call(nil, "POST", "/demo/"+door, url.Values{}), 303)
	n.wants("a sign-in link again", n.call(nil, "POST", "/demo/"+door, url.Values{}), 404)
	unused, err := n.Orgs.SignInLink(t.Context(), victim.id)
	n.must(err)
	n.Orgs.DemoLinks = false
	n.wants("a sign-in link on a hub that is no demo", n.call(nil, "POST", "/demo/"+unused, url.Values{}), 404)
	out := n.call(&citizen{session: got.Value}, "POST", "/sign-out", url.Values{})
	n.wants("signing out", out, 303)
	n.wants("the session after signing out", n.call(&citizen{session: got.Value}, "GET", "/api/v1/me", nil), 401)
}

func cookieOf(r reply) *http.Cookie {
	for _, c := range (&http.Response{Header: r.head}).Cookies() {
		if strings.HasSuffix(c.Name, "noroshi") {
			return c
		}
	}
	return nil
}

// Addresses of elsewhere never become a Location.
func TestAttackerSendsPeopleElsewhere(t *testing.T) {
	n := newNation(t)
	c := n.citizen("wind/reporter")
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "/%2f/evil.example", "javascript:alert(1)", "/\t/evil.example", "/a\r\nSet-Cookie: x=y", " //evil.example", "https:evil.example"} {
		for _, r := range []reply{
			n.call(c, "GET", "/sign-in?next="+url.QueryEscape(next), nil),
			n.call(c, "POST", "/theme", url.Values{"theme": {"dark"}, "next": {next}}),
			n.call(c, "POST", "/theme?next="+url.QueryEscape(next), url.Values{"theme": {"dark"}}),
		} {
			u, err := url.Parse(r.to())
			if r.status != 303 || err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(r.to(), "\\\r\n\t") {
				t.Errorf("next=%q: %d %q", next, r.status, r.to())
			}
		}
	}
	r := n.call(nil, "GET", "/people?q=//evil.example", nil)
	if r.status != 303 || !strings.HasPrefix(r.to(), "/sign-in?next=%2Fpeople") {
		t.Errorf("%d %s", r.status, r.to())
	}
	for _, path := range []string{"//evil.example/..", "/%5cevil.example/", "/reports//evil.example"} {
		req := httptest.NewRequest("GET", "/", nil)
		req.URL.Path = path
		if got := n.send(c, req); strings.Contains(got.to(), "//") || strings.HasPrefix(got.to(), `/\`) {
			t.Errorf("%s: to %s", path, got.to())
		}
	}
}

// Bodies that are too large, too deep, or bombs are told so and leave nothing.
func TestAttackerSendsTooMuch(t *testing.T) {
	n := newNation(t)
	n.furnish()
	c := n.citizen("wind/reporter")
	deep := strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)
	for _, x := range []struct {
		what, method, target string
		body                 any
		status               []int
	}{
		{"deep report", "POST", "/api/v1/incidents", deep, []int{400, 422, 413}},
		{"deep list", "POST", "/api/v1/tokens", strings.Repeat("[", 400_000), []int{400, 422}},
		{"long form", "POST", "/reports/new", url.Values{"kind": {strings.Repeat("x", 2<<20)}}, []int{413}},
		{"long JSON", "POST", "/api/v1/tokens", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, []int{413}},
		{"many fields", "POST", "/reports/new", rawForm(strings.Repeat("a=1&", 3000)), []int{400, 413, 422}},
		{"many files", "POST", "/assets/import", manyFiles(40), []int{400, 413, 422}},
		{"no text", "POST", "/reports/new", url.Values{"kind": {"a\x00b"}}, []int{400, 422}},
		{"a number beyond numbers", "POST", "/api/v1/assets", `{"maker":"x","product":"y","quantity":1e400}`, []int{400, 422}},
		{"a report twice in one", "POST", "/api/v1/incidents", `{"format":1,"format":1}`, []int{400, 422}},
	} {
		req := n.request(x.method, x.target, x.body)
		got := n.send(c, req)
		n.wants(x.what, got, x.status...)
	}
	for what, list := range map[string][]byte{"zip bomb": sheet(bytes.Repeat([]byte(" "), 200<<20)), "no sheet": sheet(nil), "entities": sheet([]byte(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData><row><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>`))} {
		req := httptest.NewRequest("POST", "/api/v1/asset-imports?name=list.xlsx", bytes.NewReader(list))
		req.Header.Set("Content-Type", "application/octet-stream")
		began := time.Now()
		n.wants(what, n.send(c, req), 400, 413, 422)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %s", what, took)
		}
	}
	req := httptest.NewRequest("POST", "/api/v1/incidents/"+n.things["draft"][0].id+"/files?name=big.bin", io.LimitReader(zeros{}, 120<<20))
	req.Header.Set("Content-Type", "application/octet-stream")
	req.ContentLength = -1
	n.wants("an attachment without end", n.send(c, req), 413)
	left := 0
	n.must(filepath.WalkDir(filepath.Join(n.Config.Hub.DataDir, "blobs"), func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil && info.Size() > 1<<20 {
				left++
			}
		}
		return err
	}))
	if left > 0 {
		t.Errorf("%d large files are left of what was refused", left)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func rawForm(s string) multi { return multi{[]byte(s), "application/x-www-form-urlencoded"} }

func manyFiles(count int) multi {
	var pairs bytes.Buffer
	boundary := "b0undary"
	for i := range count {
		fmt.Fprintf(&pairs, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%d.csv\"\r\n\r\nx\r\n", boundary, i)
	}
	pairs.WriteString("--" + boundary + "--\r\n")
	return multi{pairs.Bytes(), "multipart/form-data; boundary=" + boundary}
}

// sheet is a spreadsheet with one sheet of the given XML.
func sheet(xml []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string][]byte{
		"[Content_Types].xml":        []byte(`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`),
		"xl/workbook.xml":            []byte(`<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>`),
		"xl/_rels/workbook.xml.rels": []byte(`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`),
		"xl/worksheets/sheet1.xml":   xml,
	} {
		if content == nil {
			continue
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Paths lead nowhere but to what is served, and entry bundles to auditors only.
func TestAttackerWalksThePaths(t *testing.T) {
	n := newNation(t)
	n.furnish()
	secret, err := os.ReadFile(n.Config.LedgerKey())
	n.must(err)
	member, reporter := n.citizen("commission/member"), n.citizen("wind/reporter")
	for _, path := range []string{"/ledger/../noroshi.db", "/ledger/..%2fnoroshi.db", "/ledger/tile/../../keys/ledger.key", "/ledger/tile/0/../../../keys", "/ledger/%2e%2e/keys/ledger.key",
		"/ledger//etc/passwd", "/ledger/tile/entries/../../checkpoint", "/-/assets/../../go.mod", "/-/assets/..%2f..%2fgo.mod", "/ledger/tile/0/x000/000", "/ledger/tile/0/000.p/0", "/ledger/tile/64/000"} {
		for _, c := range []*citizen{nil, member} {
			req := httptest.NewRequest("GET", "/", nil)
			u, err := url.Parse("http://example.com" + path)
			n.must(err)
			req.URL = u
			got := n.send(c, req)
			if got.status == 200 || strings.Contains(got.body, string(secret)) || strings.Contains(got.body, "SQLite format") {
				t.Errorf("%s: %d %.80q", path, got.status, got.body)
			}
		}
	}
	head := n.call(nil, "GET", "/ledger/checkpoint", nil)
	n.wants("checkpoint", head, 200)
	size := strings.Split(head.body, "\n")[1]
	bundle := "/ledger/tile/entries/000.p/" + size
	if len(size) > 2 { // 256 entries fill a tile
		bundle = "/ledger/tile/entries/000"
	}
	n.wants("an entry bundle without a credential", n.call(nil, "GET", bundle, nil), 401)
	n.wants("an entry bundle for an operator", n.call(reporter, "GET", bundle, nil), 401, 403)
	n.wants("an entry bundle for the commission", n.call(member, "GET", bundle, nil), 200)
	for _, file := range []string{"..%2f..%2fnoroshi.db", "%2e%2e", "x%00y", strings.Repeat("a", 5000)} {
		got := n.call(reporter, "GET", "/reports/"+n.things["case"][0].id+"/files/"+file, nil)
		n.wants("a file called "+file[:min(20, len(file))], got, 404, 400, 414, 422, 307, 301)
	}
}

// Names of files and numbers come back in headers without breaking them.
func TestAttackerNamesFiles(t *testing.T) {
	n := newNation(t)
	n.furnish()
	c := n.citizen("wind/reporter")
	draft := n.things["draft"][0]
	for _, name := range []string{"a\r\nSet-Cookie: noroshi=x.txt", `a"; filename="b.exe`, "../../etc/passwd", "C:\\x\\y.txt", "<script>alert(1)</script>.html", strings.Repeat("長", 100), "\u202egnp.exe", "a;b.txt", "=cmd|' /C calc'!A0.csv"} {
		got := n.call(c, "POST", "/api/v1/incidents/"+draft.id+"/files?name="+url.QueryEscape(name), rawBody("<script>alert(1)</script>"))
		if got.status == 422 || got.status == 400 {
			continue // refused is fine, too
		}
		n.wants("attach "+name, got, 201)
		var m struct{ ID string }
		n.must(json.Unmarshal([]byte(got.body), &m))
		for _, at := range []string{"/api/v1/incidents/" + draft.id + "/files/" + m.ID, "/reports/" + draft.id + "/files/" + m.ID} {
			back := n.call(c, "GET", at, nil)
			disposition := back.head.Get("Content-Disposition")
			how, params, err := mime.ParseMediaType(disposition)
			if back.status != 200 || how != "attachment" || len(params) != 1 || strings.ContainsAny(params["filename"], "/\\\r\n") || back.head.Get("Set-Cookie") != "" {
				t.Errorf("%s of %q: %d %q %v", at, name, back.status, disposition, err)
			}
			if kind := back.head.Get("Content-Type"); strings.Contains(kind, "html") && back.head.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s of %q: %q", at, name, kind)
			}
			if policy := back.head.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("%s: policy %q", at, policy)
			}
		}
	}
	harmless(t, "files page", n.call(c, "GET", "/drafts/"+draft.id+"/files", nil).body)
}

// A token does what its scopes say and nothing else, and never what makes
// access.
func TestAttackerWidensAToken(t *testing.T) {
	n := newNation(t)
	n.furnish()
	admin := n.citizen("wind/admin")
	for _, scope := range []string{"*", "incident", "incident.*.open", "INCIDENT.OPEN", "incident.**", "person.invite", "token.issue", "me.change", "", " ", "nothing.here"} {
		raw, err := json.Marshal(map[string]any{"name": "x", "scopes": []string{scope}})
		n.must(err)
		n.wants("scope "+scope, n.call(admin, "POST", "/api/v1/tokens", string(raw)), 422)
	}
	_, secret, err := n.Orgs.IssueToken(n.as("wind/admin"), "一覧", []string{"incident.list"}, time.Hour)
	n.must(err)
	token := &citizen{bearer: secret}
	id := n.things["case"][0].id
	n.wants("what it is for", n.call(token, "GET", "/api/v1/incidents", nil), 200)
	for _, x := range [][2]string{{"GET", "/api/v1/incidents/" + id}, {"GET", "/api/v1/assets"}, {"GET", "/api/v1/people"}, {"GET", "/reports/" + id}, {"GET", "/account"}, {"GET", "/drafts/" + n.things["draft"][0].id},
		{"POST", "/api/v1/people/" + n.things["person"][0].id + "/suspend"}, {"GET", "/api/v1/tokens"}, {"GET", "/api/v1/incidents/" + id + "/forms/jp-act42.json"}} {
		n.wants(x[0]+" "+x[1], n.call(token, x[0], x[1], nil), 403)
	}
	all, secret2, err := n.Orgs.IssueToken(n.as("wind/admin"), "全部", []string{"incident.*", "asset.*", "org.*", "person.*", "token.*", "session.*", "me.*"}, time.Hour)
	if err == nil {
		wide := &citizen{bearer: secret2}
		for _, x := range []struct{ target, body string }{{"/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`}, {"/api/v1/people", `{"name":"x","mail":"x@y.example","roles":["operator.admin"]}`},
			{"/api/v1/people/" + n.things["person"][0].id + "/link", `{}`}} {
			n.wants("a wide token at "+x.target, n.call(wide, "POST", x.target, x.body), 403)
		}
		n.wants("both at once: the token counts", n.call(&citizen{bearer: secret2}, "POST", "/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`, "Cookie", "noroshi="+admin.session), 403)
		n.must(n.Orgs.RevokeToken(n.as("wind/admin"), all.ID))
		n.wants("revoked", n.call(wide, "GET", "/api/v1/me", nil), 401)
	}
	n.clock.Pass(2 * time.Hour)
	n.wants("expired", n.call(token, "GET", "/api/v1/incidents", nil), 401)
}

// An Idempotency-Key of somebody else's gives nothing of theirs away.
func TestAttackerReusesAKey(t *testing.T) {
	n := newNation(t)
	body := `{"kind":"ddos"}`
	one := n.call(n.citizen("wind/reporter"), "POST", "/api/v1/incident-drafts", body, "Idempotency-Key", "night-1")
	n.wants("first", one, 201)
	again := n.call(n.citizen("wind/reporter"), "POST", "/api/v1/incident-drafts", body, "Idempotency-Key", "night-1")
	if again.body != one.body || again.head.Get("Idempotency-Replayed") != "true" {
		t.Errorf("not the same answer: %d %s", again.status, again.body)
	}
	for _, name := range []string{"sea/reporter", "wind/admin"} {
		other := n.call(n.citizen(name), "POST", "/api/v1/incident-drafts", body, "Idempotency-Key", "night-1")
		if other.status != 201 || other.head.Get("Idempotency-Replayed") != "" || other.head.Get("Location") == one.head.Get("Location") {
			t.Errorf("%s: %d %s", name, other.status, other.body)
		}
	}
	n.wants("same key, other body", n.call(n.citizen("wind/reporter"), "POST", "/api/v1/incident-drafts", `{"kind":"other"}`, "Idempotency-Key", "night-1"), 422)
	n.wants("refused with a key", n.call(n.citizen("wind/viewer"), "POST", "/api/v1/incident-drafts", body, "Idempotency-Key", "night-1"), 403)
	n.wants("a stranger with a key", n.call(nil, "POST", "/api/v1/incident-drafts", body, "Idempotency-Key", "night-1"), 401)
	n.wants("a secret is not replayed", n.call(n.citizen("wind/admin"), "POST", "/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`, "Idempotency-Key", "t"), 200)
	n.wants("a secret is not replayed", n.call(n.citizen("wind/admin"), "POST", "/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`, "Idempotency-Key", "t"), 409)
}

// Pings reach the organisation they are for and nobody else.
func TestAttackerListens(t *testing.T) {
	n := newNation(t)
	heard := map[string]chan string{}
	for _, name := range []string{"wind/reporter", "sea/reporter", "maker/contact"} {
		c, ch := n.citizen(name), make(chan string, 1)
		heard[name] = ch
		srv := httptest.NewServer(n.Router)
		t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		// Whatever the client adds to the address, the topic is its own.
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/live/incident?org="+string(n.orgs["wind"].ID)+"&topic=incident/"+string(n.orgs["wind"].ID), nil)
		n.must(err)
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: c.session})
		res, err := http.DefaultClient.Do(req)
		n.must(err)
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d", name, res.StatusCode)
		}
		go func() {
			defer res.Body.Close()
			buf := make([]byte, 4096)
			var all string
			for {
				k, err := res.Body.Read(buf)
				if all += string(buf[:k]); strings.Contains(all, "event: ") || err != nil {
					ch <- all
					return
				}
			}
		}()
	}
	for range 600 { // the readers may still be on their way in
		n.Router.Ping("incident/" + string(n.orgs["wind"].ID))
		select {
		case got := <-heard["wind/reporter"]:
			if !strings.Contains(got, "event: new") {
				t.Errorf("heard %q", got)
			}
			for _, name := range []string{"sea/reporter", "maker/contact"} {
				select {
				case got := <-heard[name]:
					t.Errorf("%s hears of wind: %q", name, got)
				default:
				}
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("nobody hears anything")
}
