package incident

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// console is a hub with the pages of this noun on it.
type console struct {
	*world
	srv *httptest.Server
	who map[string]gate.Identity
}

// cast are the people of the tests, by the name they sign in with.
var cast = []struct {
	name, org, kind string
	roles           []gate.Role
}{
	{"reporter", "wind", "operator", []gate.Role{gate.OperatorReporter}},
	{"colleague", "wind", "operator", []gate.Role{gate.OperatorAdmin}},
	{"viewer", "wind", "operator", []gate.Role{gate.OperatorViewer}},
	{"rival", "sea", "operator", []gate.Role{gate.OperatorReporter}},
	{"clerk", "ministry", "ministry", []gate.Role{gate.MinistryClerk}},
	{"boss", "ministry", "ministry", []gate.Role{gate.MinistrySuper}},
	{"treasurer", "treasury", "ministry", []gate.Role{gate.MinistryClerk}},
	{"office", "office", "office", []gate.Role{gate.OfficeClerk}},
	{"police", "police", "police", []gate.Role{gate.PoliceOfficer}},
	{"privacy", "privacy", "privacy", []gate.Role{gate.PrivacyClerk}},
	{"commission", "commission", "commission", []gate.Role{gate.CommissionMember}},
}

func newConsole(t testing.TB) *console {
	t.Helper()
	c := &console{world: newWorld(t), who: map[string]gate.Identity{}}
	words, err := text.Load(page.Words, httpd.Words, gate.Words, blob.Words, thread.Words, ledger.Words, db.Words, org.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	set, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "incident", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return c.time }
	set.SetClock(now)
	for _, p := range cast {
		id, _ := gate.From(c.as(p.org, p.name, p.roles...))
		id.Name, id.OrgName, id.Session = p.name, p.org+"（架空）", p.name
		if p.org == "ministry" {
			id.Sectors = []string{"electricity", "gas"}
		}
		c.who[p.name] = id
	}
	r := httpd.New(httpd.Options{Words: words, Pages: set, Now: now,
		Identify: func(_ context.Context, cred httpd.Credential) (gate.Identity, error) {
			if id, ok := c.who[cred.Session]; ok {
				return id, nil
			}
			return gate.Identity{}, gate.ErrSignIn
		},
		Dress: func(q *httpd.Request, s *page.Shell) {
			item := func(key, href, icon string) page.RailItem {
				return page.RailItem{Key: key, Href: href, Icon: icon, Label: "incident.web." + key}
			}
			s.Rail = []page.RailGroup{{Items: []page.RailItem{item("reports", "/reports", "document"), item("inbox", "/inbox", "mail"), item("readings", "/readings", "eye")}}}
		}})
	Pages(r, c.Service)
	r.Page("GET /as/{name}", func(q *httpd.Request) error {
		q.SignIn(q.Path("name"), time.Hour)
		return q.Redirect(q.Next("/reports"))
	}, httpd.Public)
	r.Page("GET /home", func(q *httpd.Request) error {
		d, err := Home(q, c.Service)
		if err != nil {
			return err
		}
		return q.Render("incident/home", q.Shell("home"), d)
	})
	r.Page("GET /todos", func(q *httpd.Request) error {
		d, err := Home(q, c.Service)
		if err != nil {
			return err
		}
		return q.JSON(d.Todos)
	})
	c.srv = httptest.NewUnstartedServer(r)
	return c
}

// visitor is a browser of one person.
type visitor struct {
	*http.Client
	t    testing.TB
	base string
}

func (c *console) visit(name string) *visitor {
	c.t.Helper()
	if c.srv.URL == "" {
		c.srv.Start()
		c.t.Cleanup(c.srv.Close)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	v := &visitor{&http.Client{Jar: jar}, c.t, c.srv.URL}
	v.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.get("/as/" + name)
	return v
}

// answer is what came back.
type reply struct {
	status   int
	body, to string
	header   http.Header
}

func (v *visitor) do(req *http.Request) reply {
	v.t.Helper()
	req.Header.Set("Accept", "text/html")
	res, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if m := unsaid.FindString(string(body)); m != "" {
		v.t.Errorf("%s %s: words missing: %s", req.Method, req.URL.Path, m)
	}
	return reply{res.StatusCode, string(body), res.Header.Get("Location"), res.Header}
}

// unsaid is what a page shows for a word or an argument it lacks.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|[ >「]\{[a-z_]+\}`)

func (v *visitor) get(path string) reply {
	v.t.Helper()
	req, err := http.NewRequest("GET", v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

func (v *visitor) post(path string, pairs ...string) reply {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest("POST", v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// went posts and wants to be sent on.
func (v *visitor) went(path string, pairs ...string) string {
	v.t.Helper()
	r := v.post(path, pairs...)
	if r.status != http.StatusSeeOther {
		v.t.Fatalf("POST %s: %d\n%s", path, r.status, plain(r.body))
	}
	return r.to
}

// saw gets a page in both languages and wants what is to be seen on it.
func (v *visitor) saw(path string, want ...string) string {
	v.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	if r := v.get(path + sep + "lang=en"); r.status != 200 || !strings.Contains(r.body, `<html lang="en"`) {
		v.t.Errorf("GET %s in English: %d\n%s", path, r.status, plain(r.body))
	}
	r := v.get(path + sep + "lang=ja")
	if r.status != 200 {
		v.t.Fatalf("GET %s: %d\n%s", path, r.status, plain(r.body))
	}
	for _, w := range want {
		if !strings.Contains(r.body, w) {
			v.t.Errorf("GET %s lacks %q:\n%s", path, w, plain(r.body))
		}
	}
	return r.body
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\s*\n\s*`)
)

func plain(html string) string {
	return blanks.ReplaceAllString(tags.ReplaceAllString(html, ""), "\n")
}

func hidden1(t testing.TB, body, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + regexp.QuoteMeta(name) + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no hidden field %s in\n%s", name, plain(body))
	}
	return m[1]
}

// story is one incident with everything that can happen to it, and a draft.
type story struct {
	id, draft, request ID
}

func (c *console) story() (s story) {
	c.t.Helper()
	must := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	reporter, clerk, boss, office := c.ctx("reporter"), c.ctx("clerk"), c.ctx("boss"), c.ctx("office")
	r := c.report(Ransomware)
	r.Consents = map[string]bool{"share_with_nco_consent": true}
	r.Severity, r.Class = Act, "malicious-code"
	got, err := c.Submit(reporter, r, "")
	must(err)
	s.id = got.Case.ID
	c.time = c.time.Add(20 * time.Minute)
	_, err = c.Acknowledge(clerk, s.id, "電安 8-0931")
	must(err)
	_, err = c.Open(clerk, s.id, 0, "receive")
	must(err)
	_, err = c.Ask(clerk, s.id, "止めた役務の範囲を教えてください。")
	must(err)
	_, err = c.Open(office, s.id, 0, "analyse")
	must(err)
	_, err = c.Give(office, s.id, "同じ手口の知らせを、名前を伏せて6者に出しました。", "保守アカウントを止めてください。")
	must(err)
	_, err = c.Attach(reporter, s.id, strings.NewReader("MZ…"), "脅迫文.txt")
	must(err)
	x, err := c.AskSupervision(clerk, s.id, "法第6条の命令の要否を確かめるため")
	must(err)
	s.request = x.ID
	must(c.DelayReadings(boss, s.id, "security", "調べている", c.time.AddDate(0, 0, 10)))
	_, err = c.Open(boss, s.id, 0, "analyse")
	must(err)
	c.time = c.time.Add(5 * time.Hour)
	next, err := c.StartNext(reporter, s.id, Followup)
	must(err)
	next, err = c.SaveDraft(reporter, next.ID, next.Revision, Changes{Values: map[FieldID]Value{
		"report.change_note": KnownValue("影響を受けた機器が2台から3台になりました"), "systems.count": KnownValue(int64(3)), "event.title": KnownValue("遠隔保守用VPN装置への侵入")}})
	must(err)
	fill := Template(Ransomware).Next(Followup)
	c.complete(next.ID, fill)
	next, err = c.Draft(reporter, next.ID)
	must(err)
	_, err = c.SubmitDraft(reporter, next.ID, next.Revision)
	must(err)
	d, err := c.StartDraft(reporter, Other)
	must(err)
	base := d.Revision
	d, err = c.SaveDraft(reporter, d.ID, base, Changes{Scope: map[string]string{"designated": "yes", "uses": "yes", "important": "yes", "event": "unknown"}, Values: map[FieldID]Value{
		"event.title": KnownValue("認証サーバへの不審な接続"), "operator.designated": KnownValue(true), "event.recognised_at": KnownValue("2026-11-05T02:18:00+09:00"), "event.occurred_at": {State: Investigating}}})
	must(err)
	_, err = c.SaveDraft(c.ctx("colleague"), d.ID, base, Changes{Values: map[FieldID]Value{"event.title": KnownValue("認証サーバが止まった")}})
	must(err)
	_, err = c.Attach(reporter, d.ID, strings.NewReader("a log line"), "auth.log")
	must(err)
	s.draft = d.ID
	return s
}

// complete fills what a draft lacks from a complete report.
func (c *console) complete(draft ID, from *Report) {
	c.t.Helper()
	for range 3 {
		p, err := c.PreviewDraft(c.ctx("reporter"), draft)
		if err != nil {
			c.t.Fatal(err)
		}
		ch := Changes{Values: map[FieldID]Value{}, Consents: map[string]bool{}}
		for _, m := range p.Check.Missing {
			if m.Reason == ReasonConsent {
				ch.Consents[string(m.Field)] = true
			} else if v := from.Value(m.Field); v.Answered() {
				ch.Values[m.Field] = v
			} else {
				ch.Values[m.Field] = guess(m.Field)
			}
		}
		if _, err := c.SaveDraft(c.ctx("reporter"), draft, p.Draft.Revision, ch); err != nil {
			c.t.Fatal(err)
		}
	}
}

// guess is some answer to a question.
func guess(id FieldID) Value {
	f, _ := Dictionary().Get(id)
	switch {
	case f.Investigating:
		return Value{State: Investigating}
	case f.Unknown:
		return Value{State: Unknown}
	case f.Type == TypeBool:
		return KnownValue(false)
	case f.Type == TypeChoice:
		return KnownValue(f.Options[0].ID)
	case f.Type == TypeChoices:
		return KnownValue([]string{f.Options[0].ID})
	case f.Type == TypeList:
		return KnownValue([]string{"送電"})
	case f.Type == TypeRecord:
		return KnownValue(Row{"name": "当直", "phone": "00-0000-0000"})
	}
	return KnownValue("書きました")
}

func (c *console) ctx(name string) context.Context {
	return gate.With(context.Background(), c.who[name])
}

// TestServePages shows the pages of a story until it is killed: for looking
// at them. NOROSHI_PAGES names the address to listen at.
func TestServePages(t *testing.T) {
	at := os.Getenv("NOROSHI_PAGES")
	if at == "" {
		t.Skip("NOROSHI_PAGES names no address")
	}
	c := newConsole(t)
	s := c.story()
	fmt.Printf("http://%[1]s/as/reporter?next=/reports/%[2]s\nhttp://%[1]s/as/reporter?next=/drafts/%[3]s\nhttp://%[1]s/as/clerk?next=/inbox/%[2]s\nhttp://%[1]s/as/boss?next=/inbox/%[2]s/supervise/%[4]s\n", at, s.id, s.draft, s.request)
	if err := http.ListenAndServe(at, c.srv.Config.Handler); err != nil { //nolint:gosec // a test's own server
		t.Fatal(err)
	}
}
