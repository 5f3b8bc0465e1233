package selection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
)

// site is the world with its pages and API. A session or token is "member person
// role".
type site struct {
	*world
	*httpd.Router
}

func newSite(t testing.TB) *site {
	t.Helper()
	return siteOn(t, testkit.DB(t, siteSources()...))
}

func siteSources() []db.Source {
	return append(worldSources(), db.Source{Noun: "httpd", FS: httpd.Migrations})
}

// eachSite is a site on each database.
func eachSite(t *testing.T, fn func(t *testing.T, s *site)) {
	testkit.Each(t, siteSources(), func(t *testing.T, d *db.DB) { fn(t, siteOn(t, d)) })
}

func siteOn(t testing.TB, d *db.DB) *site {
	t.Helper()
	w := newWorld(t, d)
	words, err := text.Load(Words, approval.Words, sighting.Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, thread.Words, blob.Words, ledger.Words)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "selection", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	pages.SetClock(w.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: w.Parts.DB, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, _ := url.QueryUnescape(c.Session + c.Bearer)
		part := strings.Fields(who)
		if len(part) != 3 {
			return gate.Identity{}, gate.ErrSignIn
		}
		if part[0] == "carrier" {
			return gate.Identity{Person: "carrier/" + part[1], Name: part[1], Org: w.carrier, Kinds: []string{"carrier"}, Roles: []gate.Role{gate.Role(part[2])}, Session: "s", Lang: "ja"}, nil
		}
		id := w.country.Identity(part[0], part[1], gate.Role(part[2]))
		id.Clearance = 1
		return id, nil
	}})
	Routes(r, w.Service)
	Pages(r, w.Service)
	return &site{w, r}
}

func (s *site) send(who, method, path, kind string, body []byte) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if strings.HasPrefix(path, "/api/") {
		r.Header.Set("Authorization", "Bearer "+url.QueryEscape(who))
	} else {
		r.Header.Set("Accept", "text/html")
		r.AddCookie(&http.Cookie{Name: "noroshi", Value: url.QueryEscape(who)})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	s.must(err)
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, string(raw)
}

// call sends JSON and reads the answer into out.
func (s *site) call(who, method, path string, in, out any) {
	s.t.Helper()
	var body []byte
	kind := ""
	if in != nil {
		raw, err := json.Marshal(in)
		s.must(err)
		body, kind = raw, "application/json"
	}
	code, got := s.send(who, method, path, kind, body)
	if code >= 300 {
		s.t.Fatalf("%s %s: %d %.400s", method, path, code, got)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(got), out); err != nil {
			s.t.Fatalf("%s %s: %v %.400s", method, path, err, got)
		}
	}
}

const (
	asClerk     = "office clerk office.clerk"
	asHandler   = "office handler office.handler"
	asAnalyst   = "office analyst office.analyst"
	asParty     = "wind admin operator.admin"
	asInspector = "commission inspector commission.inspector"
	asPolice    = "police officer police.officer"
	asCarrier   = "carrier a carrier.clerk"
)

// A run on another machine: it gets paper and list, beats, hands in records by
// pages and ends with its statement; what it hands in is held against the order.
func TestRunOnAnotherMachine(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	var begun Remote
	s.call(asHandler, "POST", "/api/v1/selection-runs", RunInput{Approval: c.ID, Link: "K-2", MadeUp: true}, &begun)
	at := "/api/v1/selection-runs/" + begun.Run.ID
	if code, _ := s.send("office other office.handler", "GET", at+"/selectors", "", nil); code != 404 {
		t.Errorf("another handler fetched the list: %d", code)
	}
	_, file := s.send(asHandler, "GET", at+"/selectors", "", nil)
	g, err := approval.Open([]byte(begun.Paper), s.approvals.Verifier)
	s.must(err)
	list, err := ReadSelectors("list", []byte(file))
	s.must(err)
	var lines [][]byte
	beats := 0
	st, err := Run(t.Context(), Job{Grant: g, Run: begun.Run.ID, Link: "K-2", Selectors: list, Prefixes: madeUpPrefixes(t), MadeUp: true, Now: s.Clock.Now, Used: begun.Used,
		Sources: []Source{{Name: "line", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.traffic())), nil }}},
		Put:     func(k Kept) error { lines = append(lines, bytes.Clone(k.Line)); return nil },
		Alive: func() error {
			beats++
			if code, body := s.send(asHandler, "POST", at+"/beat", "application/json", []byte(`{"bytes":1000}`)); code >= 300 {
				return fmt.Errorf("%d %s", code, body)
			}
			return nil
		}})
	s.must(err)
	if beats == 0 || len(lines) < 3 {
		t.Fatalf("%d beats, %d records", beats, len(lines))
	}
	half := len(lines) / 2
	page := func(n int, part [][]byte) (int, string) {
		return s.send(asHandler, "POST", fmt.Sprintf("%s/records/%d", at, n), "application/octet-stream", bytes.Join(part, nil))
	}
	if code, body := page(0, lines[:half]); code >= 300 {
		t.Fatalf("%d %s", code, body)
	}
	if code, _ := page(0, lines[:half]); code >= 300 {
		t.Errorf("the same page again: %d", code)
	}
	if code, _ := page(2, lines[half:]); code != 422 {
		t.Errorf("a page too far: %d", code)
	}
	for name, edit := range map[string]func(string) string{
		"content":              func(x string) string { return strings.Replace(x, `{"start"`, `{"payload":"zzz","start"`, 1) },
		"a field twice":        func(x string) string { return strings.Replace(x, `{"start"`, `{"PKTS":1,"start"`, 1) },
		"another direction":    func(x string) string { return strings.Replace(x, `"direction":"fd"`, `"direction":"ff"`, 1) },
		"another provenance":   func(x string) string { return strings.Replace(x, `"provenance":"fd"`, `"provenance":"agreement"`, 1) },
		"another approval":     func(x string) string { return strings.Replace(x, c.ID, newID(), 1) },
		"a field not approved": func(x string) string { return strings.Replace(x, `"pkts"`, `"vlan":7,"pkts"`, 1) },
		"kept for ever":        func(x string) string { return strings.Replace(x, `"retain_until":"20`, `"retain_until":"21`, 1) },
		"before the period":    func(x string) string { return strings.Replace(x, `"start":"2026`, `"start":"2016`, 1) },
	} {
		bad := [][]byte{lines[half], []byte(edit(string(lines[half])))}
		if bytes.Equal(bad[0], bad[1]) {
			t.Fatalf("%s: nothing was edited: %s", name, lines[half])
		}
		if code, body := page(1, bad); code != 422 {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	raw := st.encode()
	if code, _ := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", raw); code != 422 {
		t.Errorf("a statement of more than was handed in: %d", code)
	}
	if code, body := page(1, lines[half:]); code >= 300 {
		t.Fatalf("%d %s", code, body)
	}
	if code, _ := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", bytes.Replace(raw, []byte(`"packets": `), []byte(`"packets": 1`), 1)); code != 422 {
		t.Errorf("an edited statement: %d", code)
	}
	if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", raw); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	var v RunView
	s.call(asInspector, "GET", at, nil, &v)
	if v.Run.State != RunDone || v.Run.Records != int64(len(lines)) || v.Run.Counter == "" {
		t.Errorf("%s %d", v.Run.State, v.Run.Records)
	}
	var records httpd.Page[Stored]
	s.call(asHandler, "GET", "/api/v1/selection-records?purpose=analyse&limit=500&run="+v.Run.ID, nil, &records)
	for i, x := range records.Items {
		if string(x.Line)+"\n" != string(lines[i]) {
			t.Fatalf("record %d came back otherwise", i)
		}
	}
}

// Revoked while it beats, a run on another machine hears it with the next beat;
// given up, nothing of it stays.
func TestMachineHearsTheEnd(t *testing.T) {
	s := newSite(t)
	l := s.world.list()
	c := s.approve(approval.ForeignDomestic, l)
	var begun Remote
	s.call(asHandler, "POST", "/api/v1/selection-runs", RunInput{Approval: c.ID, Link: "K-2"}, &begun)
	at := "/api/v1/selection-runs/" + begun.Run.ID
	s.must(s.approvals.Revoke(s.member("1"), c.ID, "止める"))
	if code, body := s.send(asHandler, "POST", at+"/beat", "application/json", []byte(`{}`)); code != 403 || !strings.Contains(body, "approval.grant.withdrawn") {
		t.Errorf("%d %s", code, body)
	}
	s.call(asHandler, "DELETE", at, nil, nil)
	if code, _ := s.send(asHandler, "POST", at+"/beat", "application/json", []byte(`{}`)); code != 409 {
		t.Errorf("a beat after the end: %d", code)
	}
	if n := s.count("SELECT count(*) FROM approval_use WHERE ended_at = 0"); n != 0 {
		t.Error("the use is still open")
	}
}

// A capture is read as it comes in, and never to be repeated from a store.
func TestCaptureByHTTP(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	code, body := s.send(asHandler, "POST", "/api/v1/selection-captures?link=K-2&source=x&approval="+c.ID, "application/octet-stream", s.traffic())
	if code != 201 || !strings.Contains(body, `"state":"done"`) {
		t.Errorf("%d %.300s", code, body)
	}
	if code, _ := s.send(asAnalyst, "POST", "/api/v1/selection-captures?approval="+c.ID, "application/octet-stream", s.traffic()); code != 403 {
		t.Errorf("an analyst ran: %d", code)
	}
}

// Every operation of the API is tried by every role: who has no row in the table
// is refused, and it stands on the ledger.
func TestEveryRoleAtEveryOperation(t *testing.T) {
	s := newSite(t)
	places := map[gate.Role]string{gate.OperatorViewer: "wind", gate.OperatorReporter: "wind", gate.OperatorAdmin: "sea", gate.Maintainer: "contractor", gate.MinistryClerk: "industry", gate.MinistrySuper: "industry",
		gate.OfficeClerk: "office", gate.OfficeAnalyst: "office", gate.OfficeHandler: "office", gate.PoliceOfficer: "police", gate.PoliceCommand: "police", gate.PoliceExecutive: "police", gate.PoliceSuperior: "police", gate.DefenceSuperior: "defence", gate.DefenceCommand: "defence", gate.DefenceUnit: "defence", gate.ForeignClerk: "foreign", gate.SafetyMember: "safety", gate.Minister: "office", gate.Actuator: "wind", gate.PrivacyClerk: "privacy", gate.JPCERTClerk: "jpcert", gate.CommissionMember: "commission",
		gate.Examiner: "commission", gate.Inspector: "commission", gate.CarrierClerk: "carrier", gate.MakerContact: "maker", gate.SupplierContact: "supplier", gate.HubAdmin: "hub"}
	at := newID()
	answer := `{"version":1}`
	calls := []struct{ verbs, method, path, body string }{
		{"agreement.list", "GET", "/api/v1/agreements", ""},
		{"agreement.read", "GET", "/api/v1/agreements/" + at, ""},
		{"agreement.settle agreement.answer", "POST", "/api/v1/agreements/" + at + "/accept", answer},
		{"agreement.answer", "POST", "/api/v1/agreements/" + at + "/refuse", answer},
		{"agreement.settle", "POST", "/api/v1/agreements/" + at + "/take-back", answer},
		{"agreement.end", "POST", "/api/v1/agreements/" + at + "/end", answer},
		{"agreement.settle", "POST", "/api/v1/agreements/" + at + "/keeper", `{"person":"x"}`},
		{"agreement.say", "POST", "/api/v1/agreements/" + at + "/messages", `{"text":"x"}`},
		{"agreement.grant", "POST", "/api/v1/agreements/" + at + "/grants", `{"list":"x"}`},
		{"agreement.consent", "POST", "/api/v1/agreements/" + at + "/consents", `{"purpose":"x","until":"2030-01-01T00:00:00Z"}`},
		{"agreement.consent", "DELETE", "/api/v1/agreements/" + at + "/consents/x", ""},
		{"agreement.return", "POST", "/api/v1/agreements/" + at + "/returned", `{"title":"x","text":"x"}`},
		{"selection.lists", "GET", "/api/v1/selector-lists", ""},
		{"selection.lists", "GET", "/api/v1/selector-lists/" + at, ""},
		{"selection.list_open", "GET", "/api/v1/selector-lists/" + at + "/selectors", ""},
		{"selection.list_second", "POST", "/api/v1/selector-lists/" + at + "/second", `{}`},
		{"selection.runs", "GET", "/api/v1/selection-runs", ""},
		{"selection.runs", "GET", "/api/v1/selection-runs/" + at, ""},
		{"selection.run", "POST", "/api/v1/selection-runs", `{"approval":"` + at + `"}`},
		{"selection.run", "POST", "/api/v1/selection-drills", `{"approval":"` + at + `","traffic":"line"}`},
		{"selection.run", "GET", "/api/v1/selection-runs/" + at + "/selectors", ""},
		{"selection.run", "POST", "/api/v1/selection-runs/" + at + "/beat", `{}`},
		{"selection.run", "DELETE", "/api/v1/selection-runs/" + at, ""},
		{"selection.carrier", "GET", "/api/v1/selection-volumes", ""},
		{"selection.read", "GET", "/api/v1/selection-records?purpose=analyse&run=" + at, ""},
		{"selection.read", "GET", "/api/v1/selection-disclosures", ""},
		{"selection.disclose", "POST", "/api/v1/selection-disclosures", `{"run":"` + at + `","recipient":"x","basis":"x","caveat":"x","purpose":"warn"}`},
		{"selection.extend", "POST", "/api/v1/selection-runs/" + at + "/extension", `{"until":"2030-01-01T00:00:00Z","reason":"x"}`},
		{"selection.sight", "POST", "/api/v1/selection-runs/" + at + "/sightings", `{"selector":"s:1","purpose":"warn"}`},
		{"selection.sight", "POST", "/api/v1/selection-runs/" + at + "/items", `{"selector":"s:1","title":"x","purpose":"warn"}`},
		{"selection.runs", "GET", "/api/v1/selection-receipts", ""},
		{"selection.hold", "GET", "/api/v1/selection-holders", ""},
		{"selection.hold", "POST", "/api/v1/selection-holders", `{"ready":false}`},
		{"selection.hold", "GET", "/api/v1/selection-keys", ""},
		{"selection.custody", "POST", "/api/v1/selection-keys", `{"approval":"x","first":"a","second":"b"}`},
		{"selection.hold", "POST", "/api/v1/selection-keys/" + at + "/share", ""},
		{"selection.reidentify selection.hold selection.inspect", "GET", "/api/v1/selection-openings", ""},
		{"selection.reidentify", "POST", "/api/v1/selection-openings", `{"approval":"x","purpose":"warn"}`},
		{"selection.reidentify", "POST", "/api/v1/selection-openings/" + at + "/result", ""},
	}
	refused := 0
	for _, c := range calls {
		for _, role := range gate.Roles {
			place, ok := places[role]
			if !ok {
				t.Fatalf("%s has no place", role)
			}
			open := false
			for _, v := range strings.Fields(c.verbs) {
				open = open || Access.Reach(gate.Identity{Roles: []gate.Role{role}}, v) != gate.None
			}
			kind := ""
			if c.body != "" {
				kind = "application/json"
			}
			code, body := s.send(place+" a "+string(role), c.method, c.path, kind, []byte(c.body))
			if !open {
				refused++
			}
			if code >= 500 || open == (code == 403 && strings.Contains(body, "gate.role")) {
				t.Errorf("%s %s by %s: %d %.200s", c.method, c.path, role, code, body)
			}
		}
		if code, _ := s.send("", c.method, c.path, "", []byte(c.body)); code != 401 {
			t.Errorf("%s %s by nobody: %d", c.method, c.path, code)
		}
	}
	if n := s.count("SELECT count(*) FROM ledger_entry WHERE leaf LIKE '%gate.role%'"); n < refused {
		t.Errorf("%d of %d refusals on the ledger", n, refused)
	}
}
