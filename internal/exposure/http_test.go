package exposure

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	"noroshi/internal/intel/feed"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// door is the JSON API of a hub. A token is "member/person role role…".
type door struct {
	*hub
	*httpd.Router
	words *text.Catalog
}

func newDoor(t testing.TB) *door {
	t.Helper()
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "httpd", FS: httpd.Migrations})...))
	words, err := text.Load(Words, page.Words, httpd.Words, gate.Words, cli.Words, db.Words, fetch.Words, thread.Words, org.Words, asset.Words, intel.Words, feed.Words)
	if err != nil {
		t.Fatal(err)
	}
	r := httpd.New(httpd.Options{Words: words, DB: h.Parts.DB, Now: h.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, roles, _ := strings.Cut(c.Bearer, " ")
		name, person, ok := strings.Cut(who, "/")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		id := h.country.Identity(name, person)
		for _, role := range strings.Fields(roles) {
			id.Roles = append(id.Roles, gate.Role(role))
		}
		return id, nil
	}})
	Routes(r, h.Service)
	return &door{h, r, words}
}

const (
	byWriter  = "wind/a operator.reporter"
	byRival   = "sea/a operator.reporter"
	byAnalyst = "office/n office.analyst"
	byClerk   = "industry/c ministry.clerk"
)

// call sends a request and returns the status and the body, which it decodes
// into out when that is not nil.
func (d *door) call(who, method, path string, body, out any) (int, string) {
	d.t.Helper()
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Authorization", "Bearer "+who)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			d.t.Errorf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Code, w.Header().Get("Content-Type") + " " + w.Body.String()
}

func TestTheAPI(t *testing.T) {
	d := newDoor(t)
	e, _ := d.exposed()
	var list page1
	if code, body := d.call(byWriter, "GET", "/api/v1/exposures?priority=watch&verdict=affected", nil, &list); code != 200 || len(list.Items) != 1 || list.Items[0].ID != e.ID || list.Items[0].Priority != Watch {
		t.Fatalf("%d %s", code, body)
	}
	var one Exposure
	if code, body := d.call(byWriter, "GET", "/api/v1/exposures/"+string(e.ID), nil, &one); code != 200 || one.Detail == nil || one.Detail.Lines[0].Version != "9.1.5" {
		t.Fatalf("%d %s", code, body)
	}
	for _, c := range []struct {
		who, method, path string
		body              any
		code              int
		has, hasNot       string
	}{
		{byRival, "GET", "/api/v1/exposures/" + string(e.ID), nil, 404, "", "9.1.5"},
		{byRival, "GET", "/api/v1/exposures/no-such", nil, 404, "", ""},
		{byAnalyst, "GET", "/api/v1/exposures/" + string(e.ID), nil, 200, "CVE-2026-90001", "9.1.5"},
		{byAnalyst, "GET", "/api/v1/vulnerabilities/CVE-2026-90001/exposures", nil, 200, "wind", "9.1.5"},
		{byWriter, "GET", "/api/v1/vulnerabilities/CVE-2026-90001/exposures", nil, 403, "", ""},
		{byWriter, "GET", "/api/v1/exposures?priority=urgent", nil, 422, "priority", ""},
		{byWriter, "GET", "/api/v1/exposures?cursor=nonsense", nil, 400, "", ""},
		{byWriter, "GET", "/api/v1/exposure-tally", nil, 200, `"watch":1`, ""},
		{byWriter, "GET", "/api/v1/exposure-figures", nil, 200, `"new":1`, ""},
		{byWriter, "GET", "/api/v1/exposure-supply", nil, 200, "dependents", ""},
		{byClerk, "GET", "/api/v1/exposure-picture?weeks=true", nil, 200, "electricity", ""},
		{byClerk, "GET", "/api/v1/exposure-picture.csv", nil, 200, "text/csv; charset=utf-8 sector,product", "wind"},
		{byWriter, "GET", "/api/v1/exposure-picture.csv", nil, 403, "", ""},
		{byWriter, "GET", "/api/v1/exposure-names?undecided=true", nil, 200, "items", ""},
		{byWriter, "PUT", "/api/v1/exposure-names", NewName{MakerKey: "x", ProductKey: "y", CPE: "nonsense"}, 422, "cpe", ""},
		{byWriter, "POST", "/api/v1/exposure-indicators", TouchInput{[]string{"10.0.0.0/8"}}, 422, "values", ""},
		{byWriter, "POST", "/api/v1/exposure-indicators", TouchInput{[]string{"203.0.113.9"}}, 200, `"touched":[]`, ""},
		{byWriter, "POST", "/api/v1/exposure-verdicts", map[string]any{"exposures": []ID{e.ID}, "justification": "because", "words": ""}, 422, "justification", ""},
		{byRival, "POST", "/api/v1/exposure-verdicts", judge(e.ID), 404, "", ""},
		{byAnalyst, "POST", "/api/v1/exposure-verdicts", judge(e.ID), 403, "", ""},
		{byAnalyst, "POST", "/api/v1/exposure-proposals", judge(e.ID), 200, string(e.ID), ""},
		{byWriter, "POST", "/api/v1/exposure-marks", MarkInput{Exposures: []ID{e.ID}, State: Seen}, 200, "receipt", ""},
		{byWriter, "POST", "/api/v1/exposure-verdicts", judge(e.ID), 200, "receipt", ""},
		{byWriter, "GET", "/api/v1/exposures?state=judged", nil, 200, string(e.ID), ""},
		{byWriter, "POST", "/api/v1/exposure-undo", UndoInput{[]ID{e.ID}}, 200, "receipt", ""},
		{byWriter, "POST", "/api/v1/exposure-undo", UndoInput{[]ID{e.ID}}, 404, "", ""},
		{byWriter, "POST", "/api/v1/exposure-rematch", map[string]any{}, 403, "", ""},
		{byAnalyst, "POST", "/api/v1/exposure-rematch", map[string]any{}, 200, `"found":0`, ""},
		{byAnalyst, "GET", "/api/v1/exposure-rematches", nil, 200, "ended_at", ""},
	} {
		code, body := d.call(c.who, c.method, c.path, c.body, nil)
		if code != c.code || c.has != "" && !strings.Contains(body, c.has) || c.hasNot != "" && strings.Contains(body, c.hasNot) {
			t.Errorf("%s: %s %s: %d, want %d with %q without %q: %s", c.who, c.method, c.path, code, c.code, c.has, c.hasNot, body)
		}
	}
	var proposed Exposure
	d.call(byWriter, "GET", "/api/v1/exposures/"+string(e.ID), nil, &proposed)
	if len(proposed.Proposed) != 1 {
		t.Fatalf("%+v", proposed)
	}
	if code, body := d.call(byWriter, "POST", "/api/v1/exposures/"+string(e.ID)+"/agree", AgreeInput{proposed.Proposed[0].ID}, nil); code != 200 {
		t.Errorf("%d %s", code, body)
	}
}

// page1 is one page of the API's list.
type page1 = struct {
	Items []Exposure `json:"items"`
	Next  string     `json:"next"`
}

func TestCommandsAgainstAHub(t *testing.T) {
	d := newDoor(t)
	e, _ := d.exposed()
	srv := httptest.NewServer(http.Handler(d.Router))
	defer srv.Close()
	run := func(who, lang string, args ...string) (int, string) {
		t.Helper()
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte(who), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, talk bytes.Buffer
		env := cli.New(d.words)
		env.Out, env.Err = &out, &talk
		root := env.Root("noroshi", "x")
		root.AddCommand(Commands(env))
		code := env.Run(context.Background(), root, append(append([]string{"exposure"}, args...), "--hub", srv.URL, "--token-file", token, "--lang", lang))
		return code, out.String() + talk.String()
	}
	for _, c := range []struct {
		who, lang string
		args      []string
		code      int
		want      []string
	}{
		{byWriter, "ja", []string{"list"}, 0, []string{"注視", "CVE-2026-90001", "Orvane EdgeGate 410", "該当（確実）", "1台", string(e.ID)}},
		{byWriter, "en", []string{"list", "--priority", "watch", "--limit", "1"}, 0, []string{"Watch", "Affected (certain)", "1 device"}},
		{byWriter, "en", []string{"list", "--json", "--all"}, 0, []string{`"vulnerability": "CVE-2026-90001"`}},
		{byWriter, "en", []string{"show", string(e.ID)}, 0, []string{"9.1.5", "It can be reached from the internet", "It supports an essential service", "internet"}},
		{byWriter, "ja", []string{"show", string(e.ID)}, 0, []string{"インターネットから届きます", "重要な役務を支えています"}},
		{byAnalyst, "en", []string{"rematch"}, 0, []string{"1 entries, 1 exposures: 0 new, 0 changed, 0 ended"}},
		{byRival, "en", []string{"show", string(e.ID)}, 1, []string{"No such exposure"}},
		{byWriter, "ja", []string{"rematch"}, 3, nil},
		{byWriter, "ja", []string{"list", "--priority", "urgent"}, 3, nil},
	} {
		code, out := run(c.who, c.lang, c.args...)
		if code != c.code {
			t.Errorf("%v: exit %d, want %d\n%s", c.args, code, c.code, out)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v does not say %q:\n%s", c.args, w, out)
			}
		}
	}
}
