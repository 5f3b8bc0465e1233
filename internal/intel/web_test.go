package intel

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
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/intel/feed"
	"noroshi/internal/testkit"
)

// kevFile is a small catalogue of exploited vulnerabilities.
const kevFile = `{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2026.11.20","dateReleased":"2026-11-20T15:00:00.0000Z","count":1,"vulnerabilities":[
{"cveID":"CVE-2024-21762","vendorProject":"Fortinet","product":"FortiOS","vulnerabilityName":"Fortinet FortiOS Out-of-Bound Write Vulnerability","dateAdded":"2024-02-09","shortDescription":"Out-of-bound write.","requiredAction":"Apply mitigations per vendor instructions.","dueDate":"2024-02-16","knownRansomwareCampaignUse":"Known","notes":"","cwes":["CWE-787"]}]}`

// nvdFile is one record of the NVD with a range of versions.
const nvdFile = `{"resultsPerPage":1,"startIndex":0,"totalResults":1,"format":"NVD_CVE","version":"2.0","timestamp":"2026-11-20T10:00:00.000","vulnerabilities":[{"cve":{"id":"CVE-2024-21762","sourceIdentifier":"psirt@fortinet.com","published":"2024-02-09T09:15:08.087","lastModified":"2024-11-29T15:23:42.243","vulnStatus":"Analyzed","descriptions":[{"lang":"en","value":"An out-of-bounds write in FortiOS."}],
"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]},
"weaknesses":[{"source":"psirt@fortinet.com","type":"Primary","description":[{"lang":"en","value":"CWE-787"}]}],
"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*","versionStartIncluding":"7.4.0","versionEndExcluding":"7.4.3","matchCriteriaId":"A"}]}]}],
"references":[{"url":"https://fortiguard.com/psirt/FG-IR-24-015","source":"psirt@fortinet.com"}]}}]}`

// site is the hub with its pages and API. A session or token is a role.
type site struct {
	*hub
	*httpd.Router
	words *text.Catalog
}

func newSite(t *testing.T, feeds ...FeedSource) *site {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...), feeds...)
	words, err := text.Load(Words, feed.Words, page.Words, httpd.Words, gate.Words, db.Words, fetch.Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "intel", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.Parts.DB, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		role, _ := url.QueryUnescape(c.Session + c.Bearer)
		if role == "" {
			return gate.Identity{}, gate.ErrSignIn
		}
		kind, _, _ := strings.Cut(role, ".")
		id := gate.Identity{Person: "p", Org: "o", Kinds: []string{kind}, Roles: []gate.Role{gate.Role(role)}}
		if c.Bearer != "" {
			id.Token, id.Scopes = "t", []string{"intel.*"}
		}
		return id, nil
	}})
	Routes(r, h.Service, words)
	Pages(r, h.Service)
	return &site{h, r, words}
}

func (s *site) get(role, path string) (int, string) {
	s.t.Helper()
	req := httptest.NewRequest("GET", path, nil)
	req.Header.Set("Accept", "text/html")
	req.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(role)})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, string(raw)
}

// command runs a command line against the hub.
func (s *site) command(role string) func(args ...string) (int, string) {
	srv := httptest.NewServer(s)
	s.t.Cleanup(srv.Close)
	token := filepath.Join(s.t.(*testing.T).TempDir(), "token")
	if err := os.WriteFile(token, []byte(role), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return func(args ...string) (int, string) {
		s.t.Helper()
		var out, talk bytes.Buffer
		env := cli.New(s.words)
		env.Out, env.Err, env.Now = &out, &talk, s.Clock.Now
		root := env.Root("noroshi", "x")
		root.AddCommand(FeedCommands(env, nil), Commands(env))
		code := env.Run(context.Background(), root, append(args, "--hub", srv.URL, "--token-file", token, "--lang", "ja"))
		return code, out.String() + talk.String()
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An analyst checks a file, sends it and a folder to the hub, and everybody
// reads what came of it.
func TestFeedsTellTheStory(t *testing.T) {
	s := newSite(t)
	const analyst, viewer = "office.analyst", "operator.viewer"
	run := s.command(analyst)
	folder := t.TempDir()
	for name, body := range map[string]string{"a.json": nvdFile, "README.md": "no feed"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kev := write(t, "kev.json", kevFile)
	if code, out := s.get(viewer, "/vulnerabilities"); code != 200 || !strings.Contains(out, "まだありません") {
		t.Errorf("%d %s", code, out)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"feed", "status"}, 0, "フィード"},
		{[]string{"feed", "import", "--check", kev}, 0, "kev、ファイル 1、記録 1"},
		{[]string{"feed", "import", "--check", write(t, "x.json", `{"a":1}`)}, 2, ""},
		{[]string{"feed", "import", "--check", write(t, "x.json", strings.Replace(kevFile, "2024-02-09", "2027-02-09", 1))}, 3, "未来"},
		{[]string{"feed", "import", kev}, 0, "kev（kev）：1 件。追加 1"},
		{[]string{"feed", "import", kev}, 0, "前と同じファイル"},
		{[]string{"feed", "import", folder}, 0, "nvd（nvd）：1 件。追加 1"},
		{[]string{"feed", "import"}, 2, "ファイルか URL"},
		{[]string{"feed", "import", filepath.Join(folder, "none")}, 2, "読めません"},
		{[]string{"feed", "import", "--feed", "UPPER", kev}, 3, "英小文字"},
		{[]string{"feed", "import", "https://feeds.example/kev.json"}, 3, "外へつなぎません"},
		{[]string{"feed", "import", write(t, "half.json", nvdFile[:len(nvdFile)/2])}, 0, ""}, // code is checked below
		{[]string{"feed", "status"}, 0, "良好"},
		{[]string{"intel", "show", "CVE-2024-21762"}, 0, "悪用: 2024年2月9日"},
		{[]string{"intel", "show", "CVE-1999-0001"}, 1, "どの情報源も述べていません"},
	} {
		code, out := run(c.args...)
		if strings.HasSuffix(c.args[len(c.args)-1], "half.json") {
			if code == 0 {
				t.Errorf("half a file was taken: %s", out)
			}
			continue
		}
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%q: %d\n%s", c.args, code, out)
		}
	}
	if code, out := s.command(viewer)("feed", "import", kev); code != 3 {
		t.Errorf("a viewer imports: %d %s", code, out)
	}
	code, out := s.get(viewer, "/vulnerabilities/CVE-2024-21762")
	for _, want := range []string{"攻撃に使われています", "9.8", "7.4.0 以上 7.4.3 未満", "fortinet fortios", "NVD", "KEV", "CWE-787", "Fortinet FortiOS Out-of-Bound Write Vulnerability", "くい違うときは"} {
		if code != 200 || !strings.Contains(out, want) {
			t.Errorf("%d: the page lacks %q", code, want)
		}
	}
	for path, want := range map[string]string{"/vulnerabilities?q=fortinet+fortios": "CVE-2024-21762", "/vulnerabilities?q=cve-2024-21": "CVE-2024-21762", "/vulnerabilities?kind=kev": "CVE-2024-21762", "/vulnerabilities?q=nothing": "当てはまるものがありません",
		"/vulnerabilities?q=%25": "当てはまるものがありません", "/vulnerabilities?q=cve-2023": "当てはまるものがありません"} {
		if code, out := s.get(viewer, path); code != 200 || !strings.Contains(out, want) {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := s.get(viewer, "/feeds"); code != 403 {
		t.Errorf("a viewer looks at feeds: %d", code)
	}
	if code, out := s.get("ministry.clerk", "/feeds"); code != 200 || !strings.Contains(out, "良好") || strings.Contains(out, "ファイルを取り込む") {
		t.Errorf("%d", code)
	}
	if code, out := s.get(analyst, "/feeds/nvd"); code != 200 || !strings.Contains(out, "取り込みの記録") {
		t.Errorf("%d %s", code, out)
	}
	if code, _ := s.get(analyst, "/feeds/none"); code != 404 {
		t.Errorf("%d", code)
	}
	if code, out := s.get(analyst, "/openapi.json"); code != 200 || !strings.Contains(out, `"IntelShown"`) || !strings.Contains(out, `"ProductNode"`) {
		t.Errorf("%d, the schema of a vulnerability is not described", code)
	}
	for path, want := range map[string]string{"/api/v1/feeds": `"state":"fresh"`, "/api/v1/feeds/kev/imports": `"added":1`, "/api/v1/vulnerabilities?kind=kev": `"exploited":true`, "/api/v1/vulnerabilities/CVE-2024-21762": `"fortinet:fortios`} {
		if code, out := s.get(analyst, path); code != 200 || !strings.Contains(out, want) && !strings.Contains(out, strings.Trim(want, `"`)) {
			t.Errorf("%s: %d %s", path, code, out)
		}
	}
}

// origin is a feed's server.
type origin struct {
	body, sum, etag string
	status          int
	seen            int
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.seen++
	switch {
	case o.status != 0:
		w.WriteHeader(o.status)
	case strings.HasSuffix(r.URL.Path, ".sha256"):
		io.WriteString(w, o.sum+"  kev.json\n")
	case r.Header.Get("If-None-Match") == o.etag && o.etag != "":
		w.WriteHeader(304)
	default:
		w.Header().Set("ETag", o.etag)
		io.WriteString(w, o.body)
	}
}

func (s *site) health(id string) Health {
	s.t.Helper()
	feeds, err := s.Feeds(analyst)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range feeds {
		if h.ID == id {
			return h
		}
	}
	s.t.Fatalf("no feed %s in %v", id, feeds)
	return Health{}
}

// The schedule fetches a feed, asks no more than it has to, and says why it
// stopped, when it comes back and how old what it has is.
func TestTheScheduleLooksAtFeeds(t *testing.T) {
	o := &origin{body: kevFile, etag: `"1"`}
	sum, _, _ := sumFile(write(t, "k", kevFile))
	o.sum = sum
	srv := httptest.NewServer(o)
	defer srv.Close()
	src := FeedSource{ID: "kev", Kind: feed.KEV, URL: srv.URL + "/kev.json?key=secret", Every: 2 * 60 * minute, Checksum: srv.URL + "/kev.json.sha256", Licence: "CC0-1.0"}
	s := newSite(t, src, FeedSource{ID: "asked", URL: srv.URL + "/asked"})
	s.Client = loopbackClient(t, srv.URL)
	round := func() Health {
		t.Helper()
		if err := s.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
		return s.health("kev")
	}
	if h := s.health("kev"); h.State != Never || strings.Contains(h.Where, "secret") {
		t.Errorf("%+v", h)
	}
	h := round()
	if h.State != Fresh || h.Records != 1 || h.ETag != `"1"` || !h.NextAt.Equal(s.Clock.Now().Add(src.Every)) || s.Entries(t, "intel.import", "done") != 1 {
		t.Fatalf("%+v", h)
	}
	if ev := s.events(); len(ev) != 1 || !strings.Contains(ev[0], `intel.exploited {"feed":"kev","vulnerabilities":["CVE-2024-21762"]}`) {
		t.Error(ev)
	}
	seen := o.seen
	if round(); o.seen != seen {
		t.Error("asked before its time")
	}
	s.Clock.Pass(src.Every)
	if h = round(); o.seen != seen+1 || h.State != Fresh || s.Entries(t, "intel.import", "done") != 1 {
		t.Errorf("304: %+v", h)
	}
	s.Clock.Pass(src.Every)
	o.status = 503
	h = round()
	if h.State != Failing || h.Failed.Code != "fetch.status" || h.Tries != 1 || !h.NextAt.Equal(s.Clock.Now().Add(minute)) || h.Records != 1 {
		t.Errorf("%+v %+v", h, h.Failed)
	}
	if code, out := s.get("office.analyst", "/feeds"); code != 200 || !strings.Contains(out, "断りました（HTTP 503）") || strings.Contains(out, "secret") {
		t.Errorf("%d %s", code, out)
	}
	s.Clock.Pass(minute)
	if h = round(); h.Tries != 2 || !h.NextAt.Equal(s.Clock.Now().Add(2*minute)) {
		t.Errorf("%+v", h)
	}
	if code, out := s.command("office.analyst")("feed", "status"); code != 3 || !strings.Contains(out, "失敗") {
		t.Errorf("%d %s", code, out)
	}
	s.Clock.Pass(2 * minute)
	o.status, o.etag, o.body = 0, `"2"`, strings.Replace(kevFile, "2024-02-16", "2024-03-16", 1) // not what the checksum says
	if h = round(); h.Failed == nil || h.Failed.Code != ErrSum.Code || h.Records != 1 {
		t.Errorf("%+v", h)
	}
	if v := s.shows("CVE-2024-21762"); v.Exploited.Due.Month() != 2 {
		t.Error("a file with another checksum was taken")
	}
	o.sum, _, _ = sumFile(write(t, "k", o.body))
	s.Clock.Pass(src.Every)
	if h = round(); h.State != Fresh || h.Failed != nil || s.shows("CVE-2024-21762").Exploited.Due.Month() != 3 {
		t.Errorf("%+v %+v", h, h.Failed)
	}
	s.Clock.Pass(3 * src.Every)
	if h = s.health("kev"); h.State != Stale {
		t.Errorf("%+v", h)
	}
	if got, err := s.ImportURL(analyst, Request{Feed: "kev"}); err != nil || !got.Same {
		t.Errorf("%+v %v", got, err)
	}
	raw, err := json.Marshal(s.health("kev"))
	if err != nil || bytes.Contains(raw, []byte("secret")) {
		t.Errorf("%s %v", raw, err)
	}
}
