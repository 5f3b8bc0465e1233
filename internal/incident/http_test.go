package incident

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// door is the house's JSON API. A token is "member/person role role…".
type door struct {
	*house
	*httpd.Router
}

func allWords(t testing.TB) *text.Catalog {
	t.Helper()
	c, err := text.Load(Words, httpd.Words, page.Words, gate.Words, cli.Words, db.Words, fetch.Words, blob.Words, thread.Words, ledger.Words, org.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newDoor(t testing.TB, h *house) *door {
	t.Helper()
	if _, err := h.Parts.DB.Migrate(context.Background(), db.Source{Noun: "httpd", FS: httpd.Migrations}); err != nil {
		t.Fatal(err)
	}
	words := allWords(t)
	r := httpd.New(httpd.Options{Words: words, DB: h.Parts.DB, Ring: h.Parts.Ring, Now: h.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, roles, _ := strings.Cut(c.Bearer, " ")
		name, person, ok := strings.Cut(who, "/")
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		id := h.Identity(name, person)
		for _, role := range strings.Fields(roles) {
			id.Roles = append(id.Roles, gate.Role(role))
		}
		return id, nil
	}})
	Routes(r, h.Service, words)
	return &door{h, r}
}

const (
	asReporter = "wind/a operator.reporter"
	asSecond   = "wind/b operator.reporter operator.admin"
	asRival    = "sea/a operator.reporter operator.admin"
	asClerk    = "industry/c ministry.clerk"
	asMember   = "commission/m commission.member"
)

type answer struct {
	*http.Response
	body []byte
}

// ask sends a request; body is JSON, text or bytes.
func (d *door) ask(who, method, path string, body any, head ...string) answer {
	d.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(b), "application/octet-stream"
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, path, r)
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, req)
	return answer{w.Result(), w.Body.Bytes()}
}

// want fails unless the status is as wanted, and decodes the answer.
func (d *door) want(status int, a answer, into ...any) answer {
	d.t.Helper()
	if a.StatusCode != status {
		d.t.Fatalf("%d, want %d: %s", a.StatusCode, status, a.body)
	}
	for _, x := range into {
		if err := json.Unmarshal(a.body, x); err != nil {
			d.t.Fatalf("%v: %s", err, a.body)
		}
	}
	return a
}

func sample(t testing.TB, k Kind) []byte {
	t.Helper()
	raw, err := Template(k).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTheAPITellsTheWholeStory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := newDoor(t, h)
		var got struct {
			Case    Case
			Receipt ledger.Receipt
			Promise string
			Clocks  []json.RawMessage
		}
		first := d.want(201, d.ask(asReporter, "POST", "/api/v1/incidents", string(sample(t, Ransomware)), "Idempotency-Key", "k1"), &got)
		at := first.Header.Get("Location")
		if at != "/api/v1/incidents/"+got.Case.ID || first.Header.Get("ETag") != `"1"` || !strings.Contains(got.Promise, got.Receipt.Entry) || len(got.Clocks) == 0 {
			t.Fatalf("%s %+v", at, got)
		}
		if again := d.want(201, d.ask(asReporter, "POST", "/api/v1/incidents", string(sample(t, Ransomware)), "Idempotency-Key", "k1")); !bytes.Equal(again.body, first.body) {
			t.Errorf("the same key: %s", again.body)
		}
		var list struct {
			Items []CaseItem
			Next  string
		}
		d.want(200, d.ask(asClerk, "GET", "/api/v1/incidents?waiting=true&kind=ransomware", nil), &list)
		if len(list.Items) != 1 || list.Items[0].OrgName == "" || list.Items[0].Number != got.Case.Number {
			t.Errorf("%+v", list)
		}
		d.want(422, d.ask(asClerk, "GET", at, nil)) // no purpose
		d.want(403, d.ask(asClerk, "GET", at+"?purpose=sanction", nil))
		d.want(404, d.ask(asRival, "GET", at, nil))
		d.want(403, d.ask(asMember, "GET", at+"?purpose=receive", nil))
		d.want(401, d.ask("", "GET", at, nil))
		var view struct {
			Mine   bool
			Report struct{ Values map[string]json.RawMessage }
			Entry  string
		}
		d.want(200, d.ask(asClerk, "GET", at+"?purpose=receive", nil), &view)
		if view.Mine || view.Entry == "" || len(view.Report.Values) == 0 {
			t.Errorf("%+v", view)
		}
		d.want(201, d.ask(asClerk, "POST", at+"/acknowledgement", AckInput{Number: "産情第1号"}))
		d.want(409, d.ask(asClerk, "POST", at+"/acknowledgement", AckInput{}))
		d.want(201, d.ask(asClerk, "POST", at+"/questions", QuestionInput{"復旧の見込みはいつですか"}))
		d.want(201, d.ask(asReporter, "POST", at+"/answers", AnswerInput{h.ID("industry"), "明日の朝です"}))
		d.want(201, d.ask(asClerk, "POST", at+"/feedback", FeedbackInput{"同業に注意喚起しました", "VPN装置を更新してください"}))
		var messages []thread.Message
		d.want(200, d.ask(asReporter, "GET", at+"/questions", nil), &messages)
		var feedback []Feedback
		d.want(200, d.ask(asReporter, "GET", at+"/feedback", nil), &feedback)
		if len(messages) != 2 || len(feedback) != 1 || feedback[0].Advice != "VPN装置を更新してください" {
			t.Errorf("%+v %+v", messages, feedback)
		}
		var readings struct{ Items []Reading }
		d.want(200, d.ask(asReporter, "GET", "/api/v1/incident-readings?case="+got.Case.ID, nil), &readings)
		if len(readings.Items) != 1 || readings.Items[0].Purpose != "receive" {
			t.Errorf("%+v", readings)
		}
		if err := h.Ledger.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		var proofs []Proof
		d.want(200, d.ask(asReporter, "GET", at+"/receipts", nil), &proofs)
		if len(proofs) != 2 || proofs[0].What != "submitted" || proofs[1].Number != "産情第1号" || proofs[0].Name == "" || !strings.HasPrefix(proofs[0].Proof, "c2sp.org/tlog-proof@v1") || proofs[1].Proof == "" {
			t.Errorf("%+v", proofs)
		}
		d.want(200, d.ask(asClerk, "GET", at+"/receipts", nil), &proofs)
		if len(proofs) != 1 || proofs[0].What != "acknowledged" {
			t.Errorf("a recipient's receipts: %+v", proofs)
		}
		var clocks Result2
		d.want(200, d.ask(asReporter, "GET", at+"/clocks", nil), &clocks)
		if len(clocks.Profiles) == 0 {
			t.Error("no clocks")
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(sample(t, Ransomware), &raw); err != nil {
			t.Fatal(err)
		}
		raw["stage"], raw["version"], raw["severity"] = json.RawMessage(`"followup"`), json.RawMessage(`2`), json.RawMessage(`"watch"`)
		d.want(201, d.ask(asReporter, "POST", at+"/versions", raw))
		d.want(409, d.ask(asReporter, "POST", at+"/versions", raw))
		var changes []struct{ Field string }
		d.want(200, d.ask(asReporter, "GET", at+"/versions/2/changes", nil), &changes)
		if !slices.ContainsFunc(changes, func(c struct{ Field string }) bool { return c.Field == string(ChangedSeverity) }) {
			t.Errorf("%+v", changes)
		}
		var versions []Version
		d.want(200, d.ask(asReporter, "GET", at+"/versions", nil), &versions)
		if len(versions) != 2 || versions[1].Entry == "" {
			t.Errorf("%+v", versions)
		}
		form := d.want(200, d.ask(asReporter, "GET", at+"/forms/jp-act42.xlsx", nil))
		if !bytes.HasPrefix(form.body, []byte("PK")) || !strings.Contains(form.Header.Get("Content-Disposition"), "jp-act42-v2.xlsx") {
			t.Errorf("%v", form.Header)
		}
		if ics := d.want(200, d.ask(asReporter, "GET", at+"/clocks.ics?lang=en", nil)); !bytes.HasPrefix(ics.body, []byte("BEGIN:VCALENDAR")) {
			t.Errorf("%.40s", ics.body)
		}
		if shut := d.want(200, d.ask(asReporter, "GET", at+"/redacted", nil)); !bytes.Contains(shut.body, []byte(`{"redacted":true}`)) {
			t.Error("nothing redacted")
		}
		d.want(404, d.ask(asReporter, "GET", at+"/forms/nobody.xlsx", nil))
		d.want(204, d.ask(asSecond, "POST", at+"/hold", ReasonInput{"訴訟"}))
		d.want(403, d.ask(asReporter, "POST", at+"/hold", ReasonInput{"訴訟"}))
		d.want(204, d.ask(asReporter, "POST", at+"/withdrawal", ReasonInput{"誤報でした"}))
	})
}

// Result2 is as much of a Result as the story looks at.
type Result2 struct {
	Profiles []struct{ ID string }
}

func TestADraftThroughTheAPI(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := newDoor(t, h)
		type draft struct {
			ID       string
			Revision int
			Report   struct{ Values map[string]json.RawMessage }
			Clashes  []struct{ At, Choice string }
		}
		var x, y draft
		made := d.want(201, d.ask(asReporter, "POST", "/api/v1/incident-drafts", DraftStart{Kind: Ransomware}), &x)
		at := made.Header.Get("Location")
		var template struct {
			Values   map[string]json.RawMessage
			Consents map[string]bool
			Severity Severity
			Class    string
		}
		if err := json.Unmarshal(sample(t, Ransomware), &template); err != nil {
			t.Fatal(err)
		}
		change := DraftChange{Values: template.Values, Consents: template.Consents, Severity: &template.Severity, Class: &template.Class}
		d.want(428, d.ask(asReporter, "PATCH", at, change))
		saved := d.want(200, d.ask(asReporter, "PATCH", at, change, "If-Match", made.Header.Get("ETag")), &x)
		base := saved.Header.Get("ETag")
		d.want(200, d.ask(asReporter, "PATCH", at, `{"values":{"event.title":"甲"}}`, "If-Match", base))
		d.want(200, d.ask(asSecond, "PATCH", at, `{"values":{"event.title":"乙","event.outline":null}}`, "If-Match", base), &y)
		if x = y; len(x.Clashes) != 1 || x.Clashes[0].At != "/values/event.title" || x.Report.Values["event.outline"] != nil {
			t.Fatalf("%+v %s", x.Clashes, x.Report.Values["event.outline"])
		}
		bad := d.want(400, d.ask(asReporter, "PATCH", at, `{"values":{"event.titel":"x"}}`, "If-Match", base))
		if !bytes.Contains(bad.body, []byte("/values/event.titel")) {
			t.Errorf("%s", bad.body)
		}
		d.want(404, d.ask(asRival, "GET", at, nil))
		d.want(404, d.ask(asRival, "PATCH", at, `{}`, "If-Match", base))
		d.want(200, d.ask(asSecond, "POST", at+"/clashes/"+x.Clashes[0].Choice, ClashInput{Other: true}), &x)
		done := d.want(200, d.ask(asReporter, "PATCH", at, fmt.Sprintf(`{"values":{"event.outline":%s}}`, template.Values["event.outline"]), "If-Match", fmt.Sprintf(`"%d"`, x.Revision)), &x)
		content := []byte("<script>alert(1)</script>")
		var m blob.Meta
		d.want(201, d.ask(asReporter, "POST", "/api/v1/incidents/"+x.ID+"/files?name=%E8%A8%98%E9%8C%B2.html", content), &m)
		file := d.want(200, d.ask(asReporter, "GET", "/api/v1/incidents/"+x.ID+"/files/"+m.ID, nil))
		if !bytes.Equal(file.body, content) || file.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment;") || !strings.HasPrefix(file.Header.Get("Repr-Digest"), "sha-256=:") {
			t.Errorf("%v %s", file.Header, file.body)
		}
		var p struct{ Check struct{ Clean bool } }
		d.want(200, d.ask(asReporter, "GET", at+"/preview", nil), &p)
		if !p.Check.Clean {
			t.Error("not clean")
		}
		d.want(409, d.ask(asReporter, "POST", at+"/submission", nil, "If-Match", base))
		var got struct{ Case Case }
		d.want(201, d.ask(asReporter, "POST", at+"/submission", nil, "If-Match", done.Header.Get("ETag")), &got)
		if got.Case.ID != x.ID {
			t.Errorf("%+v", got)
		}
		d.want(409, d.ask(asReporter, "DELETE", "/api/v1/incidents/"+x.ID+"/files/"+m.ID, nil))
		d.want(404, d.ask(asReporter, "GET", at, nil))
		var next draft
		again := d.want(201, d.ask(asReporter, "POST", "/api/v1/incident-drafts", DraftStart{Case: x.ID}), &next)
		d.want(204, d.ask(asSecond, "DELETE", again.Header.Get("Location"), nil))
		var lines []DraftLine
		d.want(200, d.ask(asReporter, "GET", "/api/v1/incident-drafts", nil), &lines)
		if len(lines) != 0 {
			t.Errorf("%+v", lines)
		}
	})
}

func TestWrongReportsAreToldByLine(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	d := newDoor(t, h)
	for body, want := range map[string]struct {
		status int
		say    string
	}{
		"":                           {400, "httpd.field.missing"},
		"{\n \"format\": 1,\n x":     {400, "3:2"},
		`{"format":1,"kind":"fire"}`: {400, "/stage"},
		strings.Replace(string(sample(t, Ransomware)), `"tlp": "`, `"tlp": "X`, 1):       {422, "/tlp"},
		strings.Replace(string(sample(t, Ransomware)), `"event.title"`, `"event.no"`, 1): {400, "/values/event.no"},
		strings.Repeat("[", 100000): {400, "incident.json.deep"},
	} {
		a := d.ask(asReporter, "POST", "/api/v1/incidents", body)
		if a.StatusCode != want.status || !bytes.Contains(a.body, []byte(want.say)) || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60q: %d %s", body, a.StatusCode, a.body)
		}
	}
	if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM incident_case"); n != 0 {
		t.Errorf("%d cases", n)
	}
}

func TestTheDocumentSaysWhatAnAnswerIs(t *testing.T) {
	d := newDoor(t, newHouse(t, testkit.DB(t, sources()...)))
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(d.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	if _, ok := doc.Components.Schemas["IncidentReport"]; !ok {
		t.Error("no schema of a report")
	}
	if !bytes.Contains(d.OpenAPI(), []byte(`"investigating"`)) || bytes.Contains(d.OpenAPI(), []byte(`"State":`)) {
		t.Error("an answer is not told as it is written")
	}
	for path := range doc.Paths {
		if !strings.HasPrefix(path, "/api/v1/incident") {
			t.Errorf("%s", path)
		}
	}
}

// Every operation, for everybody: nobody but the operator itself and those it
// was sent to gets anything but a refusal, and a rival cannot tell a report
// that is from one that is not.
func TestNoRouteTellsAStrangerAnything(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	d := newDoor(t, h)
	c := h.reported(Ransomware)
	draft := h.filled(h.reporter(), Other)
	m, err := h.Attach(h.reporter(), draft.ID, strings.NewReader("x"), "x")
	if err != nil {
		t.Fatal(err)
	}
	open := []string{"incident-profiles", "incident-purposes"}
	lists := []string{"/api/v1/incidents", "/api/v1/incident-drafts", "/api/v1/incident-readings"}
	for _, route := range d.Routes() {
		method, pattern, _ := strings.Cut(route.Pattern, " ")
		if !strings.HasPrefix(pattern, "/api/v1/") || slices.ContainsFunc(open, func(s string) bool { return strings.HasSuffix(pattern, s) }) {
			continue
		}
		fill := func(id string) string {
			return strings.NewReplacer("{id}", id, "{file}", m.ID, "{form}", "jp-act42.json", "{version}", "1", "{choice}", "x", "{request}", "x").Replace(pattern)
		}
		body := any(nil)
		if method == "POST" || method == "PATCH" {
			body = `{"reason":"x","text":"x","with":"x","done":"x","ground":"security","note":"x","until":"2026-12-01T00:00:00Z","agree":true,"other":true,"kind":"other","case":"` + c.ID + `"}`
		}
		for _, who := range []string{asRival, asMember, "treasury/c ministry.clerk ministry.supervisor", "office/a office.analyst", "contractor/x contractor.maintainer", "maker/x maker.contact", "hub/x hub.admin", "supplier/x supplier.contact", "wind/none"} {
			real := d.ask(who, method, fill(c.ID)+purposeOf(pattern), body, "If-Match", `"1"`)
			none := d.ask(who, method, fill(NewID())+purposeOf(pattern), body, "If-Match", `"1"`)
			if real.StatusCode != none.StatusCode {
				t.Errorf("%s %s tells %s that there is one: %d, %d otherwise", method, pattern, who, real.StatusCode, none.StatusCode)
			}
			own := slices.Contains(lists, pattern) && real.StatusCode == 200 && !bytes.Contains(real.body, []byte(c.ID))
			if real.StatusCode < 400 && !own {
				// the commission sees the record of readings, and nothing else
				if who != asMember || pattern != "/api/v1/incident-readings" {
					t.Errorf("%s %s for %s: %d %.200s", method, pattern, who, real.StatusCode, real.body)
				}
			}
			if bytes.Contains(real.body, []byte(c.Number)) {
				t.Errorf("%s %s names the case to %s", method, pattern, who)
			}
		}
		if a := d.ask("", method, fill(c.ID), body); a.StatusCode != 401 {
			t.Errorf("%s %s without a credential: %d", method, pattern, a.StatusCode)
		}
	}
	if now, err := h.Open(h.reporter(), c.ID, 0, ""); err != nil || now.Case.State != Open || now.Case.Version != 1 || !now.Case.HoldAt.IsZero() {
		t.Errorf("somebody changed it: %+v %v", now.Case, err)
	}
}

func purposeOf(pattern string) string {
	for _, end := range []string{"/{id}", "/versions", "/changes", "/questions", "/feedback", "/files/{file}", "/forms/{form}", "/redacted"} {
		if strings.HasSuffix(pattern, end) && !strings.Contains(pattern, "drafts") {
			return "?purpose=receive"
		}
	}
	return ""
}
