package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

func allWords(t testing.TB) *text.Catalog {
	t.Helper()
	c, err := text.Load(Words, httpd.Words, page.Words, gate.Words, cli.Words, db.Words, fetch.Words, blob.Words, thread.Words, ledger.Words, org.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// door is the house's JSON API and console. A token, and a session, is
// "member/person role role…".
type door struct {
	*house
	*httpd.Router
	srv *httptest.Server
}

func newDoor(t testing.TB) *door {
	t.Helper()
	h := newHouse(t, testkit.DB(t, sources()...))
	if _, err := h.Parts.DB.Migrate(context.Background(), db.Source{Noun: "httpd", FS: httpd.Migrations}); err != nil {
		t.Fatal(err)
	}
	words := allWords(t)
	set, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "notice", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	set.SetClock(h.Clock.Now)
	r := httpd.New(httpd.Options{Words: words, Pages: set, DB: h.Parts.DB, Now: h.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		who, roles, _ := strings.Cut(c.Bearer+strings.ReplaceAll(c.Session, "~", " "), " ")
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
	Routes(r, h.Service)
	Pages(r, h.Service)
	r.Page("GET /as", func(q *httpd.Request) error {
		q.SignIn(q.Query("who"), 0)
		return q.Redirect("/")
	}, httpd.Public)
	r.Page("GET /home", func(q *httpd.Request) error {
		part, err := Home(q, h.Service)
		if err != nil {
			return err
		}
		return q.JSON(part.Todos)
	})
	return &door{house: h, Router: r}
}

const (
	asAnalyst  = "office/a office.analyst"
	asWind     = "wind/r operator.reporter"
	asSea      = "sea/r operator.reporter"
	asSupplier = "supplier/s supplier.contact"
	asDesk     = "jpcert/d jpcert.clerk"
)

// ask sends a request of the API and decodes the answer.
func (d *door) ask(who, method, path string, body, into any, head ...string) (int, string) {
	d.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(b), "application/octet-stream"
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
	if into != nil && w.Code < 300 {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			d.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w.Code, w.Body.String()
}

// want fails unless the status is as wanted.
func (d *door) want(status int, who, method, path string, body, into any, head ...string) string {
	d.t.Helper()
	code, said := d.ask(who, method, path, body, into, head...)
	if code != status {
		d.t.Fatalf("%s %s: %d, want %d: %s", method, path, code, status, said)
	}
	return said
}

// The whole way over the API: draft, change, check, send, open, answer, help,
// pass on, board.
func TestTheAPI(t *testing.T) {
	d := newDoor(t)
	d.tie(org.SupplierTie, "wind", "supplier")
	var n Notice
	d.want(201, asAnalyst, "POST", "/api/v1/notices", map[string]any{"vulnerability": "CVE-2026-90417"}, &n)
	if n.Content.Management == nil || n.Revision != 1 {
		t.Fatalf("%+v", n)
	}
	c := d.content()
	d.want(428, asAnalyst, "PUT", "/api/v1/notices/"+n.ID, c, nil)
	d.want(200, asAnalyst, "PUT", "/api/v1/notices/"+n.ID, c, &n, "If-Match", `"1"`)
	d.want(409, asAnalyst, "PUT", "/api/v1/notices/"+n.ID, c, nil, "If-Match", `"1"`)
	d.want(204, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/recipients", RecipientsInput{d.to("wind", "sea")}, nil)
	said := d.want(422, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/recipients", RecipientsInput{[]NewRecipient{{Org: "nobody"}}}, nil)
	if !strings.Contains(said, "/recipients/0") {
		t.Errorf("no place: %s", said)
	}
	var v Review
	d.want(200, asAnalyst, "GET", "/api/v1/notices/"+n.ID+"/review", nil, &v)
	if v.Recipients != 2 || len(v.Checked.Problems) > 0 {
		t.Fatalf("%+v", v)
	}
	var b Board
	d.want(200, asAnalyst, "GET", "/api/v1/notices/"+n.ID+"/board", nil, &b)
	var l Letter
	d.want(200, asAnalyst, "GET", "/api/v1/notices/"+n.ID+"/recipients/"+b.Rows[0].ID+"/preview", nil, &l)
	d.want(409, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/sending", SendInput{Revision: n.Revision, Despite: true}, nil) // of before there were recipients
	d.want(200, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/sending", SendInput{Revision: v.Notice.Revision, Despite: true}, nil)
	var inbox httpd.Page[Letter]
	d.want(200, asWind, "GET", "/api/v1/letters?open=true", nil, &inbox)
	if len(inbox.Items) != 1 {
		t.Fatalf("%+v", inbox)
	}
	at := "/api/v1/letters/" + inbox.Items[0].ID
	d.want(200, asWind, "GET", at, nil, &l)
	d.want(422, asWind, "POST", at+"/answers", AnswerInput{State: Planned, Date: "いつか"}, nil)
	d.want(201, asWind, "POST", at+"/answers", AnswerInput{State: Planned, Date: "2026-12-01", Interim: "線を抜く"}, nil)
	d.want(201, asWind, "POST", at+"/evidence?name=a.txt", []byte("proof"), nil)
	d.want(404, asSea, "GET", at, nil, nil)
	d.want(403, "commission/m commission.member", "GET", at, nil, nil)
	d.want(401, "", "GET", at, nil, nil)
	var tk Ticket
	d.want(200, asWind, "POST", at+"/help", TextInput{"どの線ですか"}, &tk)
	d.want(204, asDesk, "POST", "/api/v1/tickets/"+tk.ID+"/take", nil, nil)
	d.want(204, asDesk, "POST", "/api/v1/tickets/"+tk.ID+"/answers", TextInput{"青い線です"}, nil)
	d.want(200, asDesk, "GET", "/api/v1/tickets/"+tk.ID, nil, nil)
	d.want(204, asDesk, "POST", "/api/v1/tickets/"+tk.ID+"/close", nil, nil)
	d.want(200, asWind, "GET", at+"/help", nil, nil)
	var p Passed
	d.want(201, asWind, "POST", at+"/relay", RelayInput{Children: []Child{{Org: d.ID("supplier")}, firm("kiri")}, Why: "取引先", Cautions: true}, &p)
	d.want(200, asSupplier, "GET", "/api/v1/letters", nil, &inbox)
	d.want(200, asWind, "GET", at+"/passing", nil, nil)
	d.want(200, asWind, "POST", at+"/passing/"+p.Children[1].ID+"/link", nil, nil)
	d.want(200, asAnalyst, "GET", "/api/v1/notices/"+n.ID+"/board", nil, &b)
	if b.Counts[Planned] != 1 || b.Counts[Delivered] != 1 {
		t.Errorf("%+v", b.Counts)
	}
	if code, csv := d.ask(asAnalyst, "GET", "/api/v1/notices/"+n.ID+"/board.csv", nil, nil); code != http.StatusOK || !strings.Contains(csv, "planned") {
		t.Errorf("%d %s", code, csv)
	}
	var fix Notice
	d.want(201, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/correction", nil, &fix)
	d.want(204, asAnalyst, "DELETE", "/api/v1/notices/"+fix.ID, nil, nil)
	d.want(204, asAnalyst, "POST", "/api/v1/notices/"+n.ID+"/withdrawal", ReasonInput{"製品が違いました"}, nil)
}
