package org

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// browser is somebody at the console of a hub.
type browser struct {
	t      *testing.T
	hub    *httpd.Router
	cookie string
	lang   string
}

func newHub(t *testing.T, w *world) *httpd.Router {
	t.Helper()
	cat, err := text.Load(Words, httpd.Words, page.Words, gate.Words, cli.Words, db.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(cat, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "org", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	r := httpd.New(httpd.Options{Words: cat, Pages: pages, DB: w.DB, Now: w.clock, Identify: Identify(w.Service), Version: "test",
		Dress: func(q *httpd.Request, s *page.Shell) {
			if q.Signed {
				s.Account = "/account"
				s.Rail = []page.RailGroup{{Title: "org.web.account.title", Items: []page.RailItem{
					{Key: "account", Href: "/account", Icon: "key", Label: "org.web.account.title"}, {Key: "people", Href: "/people", Icon: "people", Label: "org.web.people.title"},
					{Key: "organisations", Href: "/organisations", Icon: "info", Label: "org.web.orgs.title"}}}}
			}
		}})
	Routes(r, w.Service)
	Pages(r, w.Service)
	return r
}

// The page behind a link speaks the language of the person it is for, unless
// this browser was told another.
func TestInvitationSpeaksTheLanguageOfThePerson(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "electricity")
	hub := newHub(t, w)
	for _, c := range []struct {
		person               text.Lang
		browser, query, want string
	}{
		{text.EN, "", "", "en"}, {text.EN, "ja", "", "en"}, {text.JA, "en", "", "ja"}, {text.EN, "en", "?lang=ja", "ja"},
	} {
		_, link, err := w.Invite(w.sys, Person{Org: o.ID, Name: "新人", Mail: "new-" + string(c.person) + c.browser + "@example.jp", Lang: c.person, Roles: []gate.Role{gate.OperatorViewer}})
		if err != nil {
			t.Fatal(err)
		}
		b := &browser{t: t, hub: hub, lang: c.browser}
		if body := b.get("/welcome/" + link + c.query); !strings.Contains(body, `<html lang="`+c.want+`"`) {
			t.Errorf("%+v: %.120s", c, body)
		}
		// A choice made in this browser earlier stands.
		rec := httptest.NewRecorder()
		hub.ServeHTTP(rec, httptest.NewRequest("GET", "/sign-in?lang=ja", nil))
		again := httptest.NewRequest("GET", "/welcome/"+link, nil)
		for _, k := range rec.Result().Cookies() {
			again.AddCookie(k)
		}
		rec = httptest.NewRecorder()
		if hub.ServeHTTP(rec, again); !strings.Contains(rec.Body.String(), `<html lang="ja"`) {
			t.Errorf("%+v: the browser's own choice is lost", c)
		}
		code, body, _ := b.ask("POST", "/welcome/"+link+c.query, url.Values{"password": {"a"}, "password_again": {"b"}})
		if code != 422 || !strings.Contains(body, `<html lang="`+c.want+`"`) {
			t.Errorf("%+v: %d %.120s", c, code, body)
		}
	}
}

// ask sends a request and returns status, body and where it was sent on to.
func (b *browser) ask(method, path string, form url.Values) (int, string, string) {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req := httptest.NewRequest(method, path, body)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", b.lang)
	if b.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: b.cookie})
	}
	rec := httptest.NewRecorder()
	b.hub.ServeHTTP(rec, req)
	for _, c := range rec.Result().Cookies() {
		if c.Name == "noroshi" {
			if !c.HttpOnly || c.SameSite == http.SameSiteNoneMode {
				b.t.Errorf("cookie %+v", c)
			}
			b.cookie = c.Value
		}
	}
	out := rec.Body.String()
	if m := regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}`).FindString(out); m != "" {
		b.t.Errorf("%s %s: words missing: %s", method, path, m)
	}
	return rec.Code, out, rec.Header().Get("Location")
}

func (b *browser) get(path string) string {
	b.t.Helper()
	code, body, _ := b.ask("GET", path, nil)
	if code != http.StatusOK {
		b.t.Fatalf("GET %s: %d\n%s", path, code, body)
	}
	return body
}

func hidden(t *testing.T, body, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no hidden %s in\n%s", name, body)
	}
	return m[1]
}

// A new colleague from invitation to first sign-in, as a browser sees it.
func TestPagesFromInvitationToSignIn(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			w := newWorld(t)
			o := w.org(1, Operator, "electricity")
			admin := w.member(o, "admin@example.jp", gate.OperatorAdmin)
			hub := newHub(t, w)
			boss := &browser{t: t, hub: hub, cookie: admin.session, lang: lang}
			boss.get("/people")
			boss.get("/people/new")
			code, body, _ := boss.ask("POST", "/people/new", url.Values{"name": {""}, "mail": {"not an address"}, "clearance": {"0"}, "lang": {lang}})
			if code != 422 || !strings.Contains(body, "not an address") || strings.Count(body, `aria-invalid`) < 2 {
				t.Errorf("%d: what was typed must come back with the faults", code)
			}
			code, body, _ = boss.ask("POST", "/people/new", url.Values{"name": {"新人 花"}, "mail": {"new@example.jp"}, "roles": {"operator.viewer"}, "clearance": {"1"}, "lang": {lang}})
			m := regexp.MustCompile(`/welcome/nrt_[A-Za-z0-9_-]{43}`).FindString(body)
			if code != 200 || m == "" {
				t.Fatalf("%d\n%s", code, body)
			}

			me := &browser{t: t, hub: hub, lang: lang}
			body = me.get(m)
			secret := strings.ReplaceAll(regexp.MustCompile(`<code>([A-Z2-7 ]{32,})</code>`).FindStringSubmatch(body)[1], " ", "")
			if !strings.Contains(body, `<svg class="qr"`) {
				t.Error("no QR code")
			}
			person := &member{secret: secret}
			if code, body, _ = me.ask("POST", m, url.Values{"password": {password}, "password_again": {"x"}, "code": {"000000"}}); code != 422 || strings.Contains(body, password) {
				t.Errorf("%d: two different passwords, and none given back", code)
			}
			if code, _, _ = me.ask("POST", m, url.Values{"password": {password}, "password_again": {password}, "code": {"000000"}}); code != 422 || me.cookie != "" {
				t.Errorf("%d: wrong code", code)
			}
			code, body, _ = me.ask("POST", m, url.Values{"password": {password}, "password_again": {password}, "code": {w.code(person)}})
			if code != 200 || me.cookie == "" || strings.Count(body, "<li><code>") != recoveryCodes {
				t.Fatalf("%d\n%s", code, body)
			}
			stranger := &browser{t: t, hub: hub, lang: lang}
			used, mistyped := m, "/welcome/"+ticketPrefix+strings.Repeat("A", 43)
			form := url.Values{"password": {password}, "password_again": {password}, "code": {"000000"}}
			pages := map[string]bool{}
			for _, path := range []string{used, mistyped, "/welcome/x"} {
				for _, method := range []string{"GET", "POST"} {
					code, body, _ := stranger.ask(method, path, map[string]url.Values{"POST": form}[method])
					if code != 404 || !strings.Contains(body, `class="btn primary" href="/sign-in"`) {
						t.Errorf("%s %s: %d\n%s", method, path, code, body)
					}
					pages[strings.ReplaceAll(body, path, "")] = true
				}
			}
			if len(pages) != 1 {
				t.Errorf("%d pages for links that do not work; one must not tell used from mistyped", len(pages))
			}
			for _, path := range []string{"/account", "/account/password", "/account/codes", "/account/tokens/new", "/people", "/organisations", "/organisations/" + string(o.ID)} {
				me.get(path)
			}
			if code, _, _ := me.ask("GET", "/people/new", nil); code != 403 {
				t.Errorf("a viewer's invitation form: %d", code)
			}
			if code, _, to := me.ask("POST", "/sign-out", url.Values{}); code != 303 || to != "/sign-in" {
				t.Errorf("%d %s", code, to)
			}
			if code, _, to := me.ask("GET", "/account", nil); code != 303 || !strings.HasPrefix(to, "/sign-in?next=") {
				t.Errorf("after signing out: %d %s", code, to)
			}

			w.pass(step)
			body = me.get("/sign-in?next=/people")
			if hidden(t, body, "next") != "/people" {
				t.Error("the way back is lost")
			}
			if code, body, _ = me.ask("POST", "/sign-in", url.Values{"mail": {"new@example.jp"}, "password": {"wrong"}, "next": {"/people"}}); code != 422 || hidden(t, body, "next") != "/people" {
				t.Errorf("wrong password: %d", code)
			}
			code, body, _ = me.ask("POST", "/sign-in", url.Values{"mail": {"new@example.jp"}, "password": {password}, "next": {"/people"}})
			if code != 200 {
				t.Fatal(code)
			}
			code, _, to := me.ask("POST", "/sign-in/code", url.Values{"step": {hidden(t, body, "step")}, "next": {"/people"}, "code": {w.code(person)}})
			if code != 303 || to != "/people" {
				t.Errorf("%d %s", code, to)
			}
			me.get("/account")
			if code, _, to = (&browser{t: t, hub: hub}).ask("POST", "/sign-in/code", url.Values{"step": {"x"}, "code": {"1"}, "next": {"https://evil.example/"}}); code == 303 {
				t.Errorf("sent on to %s", to)
			}
		})
	}
}

func TestPagesOfTheAdministrators(t *testing.T) {
	c := newCountry(t)
	hub := newHub(t, c.world)
	boss := &browser{t: t, hub: hub, cookie: c.as[gate.HubAdmin].session}
	admin := &browser{t: t, hub: hub, cookie: c.as[gate.OperatorAdmin].session}
	body := boss.get("/organisations")
	if !strings.Contains(body, c.gasco.Name.JA) {
		t.Error("the hub sees all")
	}
	if strings.Contains(admin.get("/organisations?q="+url.QueryEscape(c.gasco.Name.JA)), `/organisations/`+string(c.gasco.ID)) {
		t.Error("an operator sees another")
	}
	boss.get("/organisations/new")
	code, body, _ := boss.ask("POST", "/organisations/new", url.Values{"number": {string(c.gasco.Number)}, "name.ja": {"重複"}, "kinds": {"supplier"}})
	if code != 422 || !strings.Contains(body, `value="重複"`) {
		t.Errorf("taken number: %d", code)
	}
	code, _, to := boss.ask("POST", "/organisations/new", url.Values{"number": {string(number(t, 500))}, "name.ja": {"新しい会社"}, "kinds": {"operator"}, "sectors": {"water"}})
	if code != 303 {
		t.Fatal(code)
	}
	boss.get(to)
	body = boss.get(to + "/change")
	if code, _, _ = boss.ask("POST", to+"/change", url.Values{"version": {hidden(t, body, "version")}, "name.ja": {"改めた会社"}, "kinds": {"operator"}, "sectors": {"water"}}); code != 303 {
		t.Errorf("change: %d", code)
	}
	if code, body, _ = boss.ask("POST", to+"/change", url.Values{"version": {"1"}, "name.ja": {"遅れた変更"}, "kinds": {"operator"}, "sectors": {"water"}}); code != 409 || !strings.Contains(body, "遅れた変更") {
		t.Errorf("stale change: %d", code)
	}
	own := "/organisations/" + string(c.power.ID)
	body = admin.get(own + "/contacts")
	v := hidden(t, body, "version")
	code, body, _ = admin.ask("POST", own+"/contacts", url.Values{"version": {v}, "contacts[1].duty": {"window"}, "contacts[1].name": {"窓口"}, "contacts[1].mail": {"bad"}})
	if code != 422 || !strings.Contains(body, `href="#f-contacts-1--mail"`) {
		t.Errorf("contacts: %d", code)
	}
	if code, _, _ = admin.ask("POST", own+"/contacts", url.Values{"version": {v}, "contacts[1].duty": {"all_hours"}, "contacts[1].name": {"当直"}, "contacts[1].phone": {"03-0000-0000"}}); code != 303 {
		t.Errorf("contacts: %d", code)
	}
	if !strings.Contains(admin.get(own), "03-0000-0000") {
		t.Error("contact not shown")
	}
	if code, _, _ = admin.ask("GET", "/organisations/"+string(c.gasco.ID), nil); code != 404 {
		t.Errorf("another operator: %d", code)
	}
	if code, _, _ = admin.ask("GET", "/organisations/new", nil); code != 403 {
		t.Errorf("registering: %d", code)
	}
	admin.get("/ties/new")
	if code, _, _ = admin.ask("POST", "/ties/new", url.Values{"kind": {"contractor"}, "number": {string(c.contractor.Number)}, "name": {"請負先"}}); code != 303 {
		t.Errorf("tie: %d", code)
	}
	con := &browser{t: t, hub: hub, cookie: c.as[gate.Maintainer].session}
	body = con.get("/organisations/" + string(c.contractor.ID))
	m := regexp.MustCompile(`/ties/[0-9a-f-]+/answer`).FindString(body)
	if m == "" {
		t.Fatalf("nothing to answer in\n%s", body)
	}
	if code, _, _ = con.ask("POST", m, url.Values{"answer": {"confirm"}}); code != 303 {
		t.Errorf("answer: %d", code)
	}
	p := c.member(c.power, "colleague@example.jp", gate.OperatorViewer)
	page := "/people/" + string(p.ID)
	body = admin.get(page)
	if code, _, _ = admin.ask("POST", page, url.Values{"version": {hidden(t, body, "version")}, "name": {"改名 花"}, "mail": {p.Mail}, "roles": {"operator.reporter"}, "clearance": {"1"}, "lang": {"ja"}}); code != 303 {
		t.Errorf("change person: %d", code)
	}
	if code, body, _ = admin.ask("POST", page+"/link", url.Values{}); code != 200 || !strings.Contains(body, "/welcome/nrt_") {
		t.Errorf("recovery link: %d", code)
	}
	for _, act := range []string{"/suspend", "/resume"} {
		if code, _, _ = admin.ask("POST", page+act, url.Values{}); code != 303 {
			t.Errorf("%s: %d", act, code)
		}
	}
	code, body, _ = admin.ask("POST", "/account/tokens/new", url.Values{"name": {"夜間"}, "scopes": {"asset.*\nincident.submit"}, "days": {"30"}})
	if code != 200 || !regexp.MustCompile(`nrs_[A-Za-z0-9_-]{43}`).MatchString(body) {
		t.Errorf("token: %d", code)
	}
	if code, _, _ = admin.ask("POST", "/account/tokens/new", url.Values{"name": {""}, "scopes": {"token.issue"}, "days": {"9999"}}); code != 422 {
		t.Errorf("bad token: %d", code)
	}
	code, _, _ = admin.ask("POST", "/account/password", url.Values{"old_password": {password}, "new_password": {"ラクダ nine harbours"}, "password_again": {"ラクダ nine harbours"}})
	if code != 303 {
		t.Errorf("password: %d", code)
	}
	admin.get("/account")
	member, err := c.SignInLink(t.Context(), c.as[gate.OfficeAnalyst].ID)
	if err != nil {
		t.Fatal(err)
	}
	guest := &browser{t: t, hub: hub}
	guest.get("/demo/" + member)
	if code, _, _ = guest.ask("POST", "/demo/"+member, url.Values{}); code != 303 || guest.cookie == "" {
		t.Errorf("demo link: %d", code)
	}
	guest.get("/account")
}

// The API answers like the pages, and a token reaches only its scopes.
func TestAPI(t *testing.T) {
	c := newCountry(t)
	hub := newHub(t, c.world)
	_, secret, err := c.IssueToken(c.as[gate.OperatorAdmin].ctx, "試験", []string{"org.read", "org.list", "person.*"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string, head ...string) (int, string, http.Header) {
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+secret)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(head); i += 2 {
			req.Header.Set(head[i], head[i+1])
		}
		rec := httptest.NewRecorder()
		hub.ServeHTTP(rec, req)
		return rec.Code, rec.Body.String(), rec.Header()
	}
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/api/v1/me", "", 200, `"operator.admin"`},
		{"GET", "/api/v1/sectors", "", 200, `"electricity"`},
		{"GET", "/api/v1/organisations?limit=2", "", 200, `"next"`},
		{"GET", "/api/v1/organisations/" + string(c.power.ID), "", 200, string(c.power.Number)},
		{"GET", "/api/v1/organisations/" + string(c.gasco.ID), "", 404, "problem"},
		{"POST", "/api/v1/organisations", `{"name_ja":"x","kinds":["supplier"]}`, 403, "gate.scope"},
		{"GET", "/api/v1/people", "", 200, `"items"`},
		{"GET", "/api/v1/people/" + string(c.as[gate.MinistryClerk].ID), "", 404, ""},
		{"POST", "/api/v1/people", `{"name":"x","mail":"x@example.jp","roles":["operator.viewer"]}`, 403, "gate.scope"},
		{"GET", "/api/v1/tokens", "", 403, "gate.scope"},
		{"POST", "/api/v1/tokens", `{"name":"x","scopes":["org.read"]}`, 403, "gate.scope"},
		{"DELETE", "/api/v1/ties/" + newID(), "", 403, "gate.scope"},
	} {
		code, body, _ := ask(c.method, c.path, c.body)
		if code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, code, body)
		}
	}
	secret = c.as[gate.HubAdmin].session // not a bearer
	if code, _, _ := ask("GET", "/api/v1/me", ""); code != 401 {
		t.Errorf("a session as a bearer: %d", code)
	}
	_, secret, err = c.IssueTokenFor(c.sys, c.as[gate.HubAdmin].ID, "試験", []string{"org.*"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	code, body, head := ask("POST", "/api/v1/organisations", fmt.Sprintf(`{"number":"%s","name_ja":"API の会社","kinds":["supplier"]}`, number(t, 700)))
	if code != 200 || head.Get("ETag") != `"1"` {
		t.Fatalf("%d %s", code, body)
	}
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(body)[1]
	for _, c := range []struct {
		match string
		code  int
	}{{"", 428}, {`"7"`, 409}, {`"1"`, 204}, {`"1"`, 409}} {
		code, body, _ := ask("PUT", "/api/v1/organisations/"+id+"/contacts", `[{"duty":"window","name":"窓口","mail":"a@example.jp"}]`, "If-Match", c.match)
		if code != c.code {
			t.Errorf("If-Match %s: %d %s", c.match, code, body)
		}
	}
	if code, body, _ := ask("POST", "/api/v1/organisations", `{"number":"123","name_ja":"","kinds":["bank"]}`); code != 422 || !strings.Contains(body, "org.number.length") || !strings.Contains(body, "org.kind.unknown") {
		t.Errorf("%d %s", code, body)
	}
}

// Every value that is shown has words.
func TestEveryValueHasWords(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range gate.Roles {
		keys = append(keys, roleWords+string(r))
	}
	for _, k := range Kinds {
		keys = append(keys, kindWords+string(k))
	}
	for _, d := range Duties {
		keys = append(keys, dutyWords+string(d))
	}
	for _, k := range TieKinds {
		keys = append(keys, "org.tie_kind."+string(k))
	}
	for _, s := range []TieState{Declared, Confirmed, Declined, Ended} {
		keys = append(keys, "org.tie_state."+string(s))
	}
	for _, s := range []PersonState{Invited, Active, Suspended} {
		keys = append(keys, stateWords+string(s))
	}
	for _, p := range []Purpose{Invitation, Recovery, ReEnrol} {
		keys = append(keys, "org.purpose."+string(p))
	}
	for _, h := range []string{byCode, byRecoveryCode, byInvitation, byReEnrol, byRecovery, byDemo} {
		keys = append(keys, "org.how."+h)
	}
	for _, k := range keys {
		if !cat.Has(k) {
			t.Errorf("no words for %s", k)
		}
	}
}
