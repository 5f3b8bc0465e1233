package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write the golden files")

type thing struct {
	Name  string   `json:"name" minLength:"1" maxLength:"5" doc:"Name"`
	Zone  string   `json:"zone,omitempty" enum:"dmz,ot" doc:"Zone"`
	Count int      `json:"count,omitempty" minimum:"1" maximum:"9" doc:"How many"`
	Tags  []string `json:"tags,omitempty" maxItems:"2" doc:"Tags"`
	When  string   `json:"when,omitempty" format:"date" doc:"Day"`
	Sub   *thing   `json:"sub,omitempty" doc:"Another"`
}

type thingIn struct {
	Body thing
}

type thingOut struct {
	ETag string `header:"ETag"`
	Body thing
}

func (h *hub) things() {
	Op(h.Router, "POST /api/v1/things", "thing.add", "Add a thing", func(_ context.Context, in *thingIn) (*thingOut, error) {
		switch in.Body.Name {
		case "lost":
			return nil, fault.New(fault.NotFound, "httpd.not_found")
		case "held":
			return nil, fault.New(fault.Refused, "gate.role", "verb", "thing.add")
		case "rows":
			return nil, fault.New(fault.Invalid, "httpd.input").At(fault.Place{At: "row 23", Code: "httpd.field.long", Args: fault.Args{"limit": 5}}, fault.Place{At: "/name", Code: "httpd.field.missing"})
		case "bug":
			return nil, errors.New("disk /secret/path is on fire")
		case "slow":
			return nil, fault.New(fault.Busy, "httpd.rate", "wait", 90*time.Second)
		}
		return &thingOut{ETag(3), in.Body}, nil
	})
	Op(h.Router, "GET /api/v1/things", "thing.list", "List things", func(ctx context.Context, in *struct {
		Paging
		Zone string `query:"zone" enum:"dmz,ot"`
	}) (*List[thing], error) {
		if in.Cursor != "" {
			return ListOf[thing](ctx, nil, ""), nil
		}
		return ListOf(ctx, []thing{{Name: "a"}}, "abc"), nil
	})
	Op(h.Router, "GET /api/v1/things/{id}", "thing.read", "Read a thing", func(_ context.Context, in *struct {
		ID int `path:"id"`
	}) (*thingOut, error) {
		return &thingOut{ETag(in.ID), thing{Name: "x"}}, nil
	})
	Op(h.Router, "PUT /api/v1/things/{id}", "thing.change", "Change a thing", func(_ context.Context, in *struct {
		Match
		ID   int `path:"id"`
		Body thing
	}) (*thingOut, error) {
		if err := in.Check(ETag(in.ID)); err != nil {
			return nil, err
		}
		return &thingOut{ETag(in.ID + 1), in.Body}, nil
	})
}

func TestProblemDocuments(t *testing.T) {
	h := newHub(t)
	h.things()
	json201 := []string{"Authorization", "Bearer good", "Content-Type", "application/json"}
	for _, tc := range []struct {
		name, method, target, body string
		pairs                      []string
		status                     int
	}{
		{"lost", "POST", "/api/v1/things", `{"name":"lost"}`, json201, 404},
		{"held", "POST", "/api/v1/things", `{"name":"held"}`, json201, 403},
		{"rows", "POST", "/api/v1/things", `{"name":"rows"}`, json201, 422},
		{"bug", "POST", "/api/v1/things", `{"name":"bug"}`, json201, 500},
		{"slow", "POST", "/api/v1/things", `{"name":"slow"}`, json201, 429},
		{"fields", "POST", "/api/v1/things", `{"name":"toolong","zone":"moon","count":0,"tags":["a","b","c"],"when":"soon","extra":1,"sub":{"count":"one"}}`, json201, 422},
		{"syntax", "POST", "/api/v1/things", `{"name":`, json201, 400},
		{"empty", "POST", "/api/v1/things", ``, json201, 400},
		{"media", "POST", "/api/v1/things", `<a/>`, []string{"Authorization", "Bearer good", "Content-Type", "application/xml"}, 415},
		{"query", "GET", "/api/v1/things?limit=9000&zone=moon&colour=red", ``, json201, 422},
		{"path", "GET", "/api/v1/things/one", ``, json201, 422},
		{"no-match", "PUT", "/api/v1/things/7", `{"name":"a"}`, json201, 428},
		{"other-match", "PUT", "/api/v1/things/7", `{"name":"a"}`, append([]string{"If-Match", `"6"`}, json201...), 412},
		{"stranger", "GET", "/api/v1/things", ``, nil, 401},
		{"bad-token", "GET", "/api/v1/things", ``, []string{"Authorization", "Bearer bad"}, 401},
		{"nowhere", "GET", "/api/v1/nothing", ``, nil, 404},
		{"method", "DELETE", "/api/v1/things", ``, json201, 405},
	} {
		for _, lang := range text.Langs {
			res := h.ask(tc.method, tc.target, tc.body, append([]string{"Accept-Language", string(lang)}, tc.pairs...)...)
			// A token's owner has a language; the request's own wins.
			p := problemIn(t, res)
			if res.StatusCode != tc.status || p.Status != tc.status {
				t.Errorf("%s: status %d, in the document %d, want %d", tc.name, res.StatusCode, p.Status, tc.status)
			}
			p.Instance = strings.Replace(p.Instance, res.Header.Get("X-Request-Id"), "ID", 1)
			got, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tc.name+"."+string(lang)+".golden.json", append(got, '\n'))
			if strings.Contains(string(got), "secret") || strings.Contains(string(got), `"[`) {
				t.Errorf("%s: %s", tc.name, got)
			}
		}
	}
	if !strings.Contains(h.log.String(), "on fire") {
		t.Error("the cause of an internal error is not in the log")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

func TestHeadersOfErrors(t *testing.T) {
	h := newHub(t)
	h.things()
	auth := []string{"Authorization", "Bearer good"}
	if got := h.ask("POST", "/api/v1/things", `{"name":"slow"}`, auth...).Header.Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After %q", got)
	}
	if got := h.ask("DELETE", "/api/v1/things", "", auth...).Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow %q", got)
	}
	if got := h.ask("GET", "/api/v1/things", "").Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
		t.Errorf("WWW-Authenticate %q", got)
	}
}

func TestPagingAndETags(t *testing.T) {
	h := newHub(t)
	h.things()
	auth := []string{"Authorization", "Bearer good"}
	res := h.ask("GET", "/api/v1/things?zone=dmz&limit=2", "", auth...)
	if got, want := res.Header.Get("Link"), `</api/v1/things?cursor=abc&limit=2&zone=dmz>; rel="next"`; got != want {
		t.Errorf("Link = %s, want %s", got, want)
	}
	if got := read(t, res); got != `{"items":[{"name":"a"}],"next":"abc"}`+"\n" {
		t.Error(got)
	}
	res = h.ask("GET", "/api/v1/things?cursor=abc", "", auth...)
	if got := read(t, res); got != `{"items":[]}`+"\n" || res.Header.Get("Link") != "" {
		t.Errorf("last page: %s %v", got, res.Header)
	}
	res = h.ask("GET", "/api/v1/things/7", "", append(auth, "If-None-Match", `"6", W/"7"`)...)
	if got := read(t, res); res.StatusCode != http.StatusNotModified || got != "" {
		t.Errorf("If-None-Match: %d %q", res.StatusCode, got)
	}
	res = h.ask("GET", "/api/v1/things/7", "", append(auth, "If-None-Match", `"6"`)...)
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") != `"7"` {
		t.Errorf("other version: %d %v", res.StatusCode, res.Header)
	}
	res = h.ask("PUT", "/api/v1/things/7", `{"name":"b"}`, append(auth, "If-Match", `"7"`)...)
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") != `"8"` {
		t.Errorf("change: %d %v", res.StatusCode, res.Header)
	}
	for in, want := range map[string]struct {
		n   int
		err error
	}{`"7"`: {7, nil}, "": {0, ErrNoMatch}, `"x"`: {0, ErrMatch}, `7"`: {0, ErrMatch}} {
		n, err := Match{in}.Version()
		if n != want.n || !errors.Is(err, want.err) {
			t.Errorf("Version of %q = %d, %v", in, n, err)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	h := newHub(t)
	h.things()
	res := h.ask("GET", "/openapi.json", "")
	var doc struct {
		OpenAPI    string                               `json:"openapi"`
		Paths      map[string]map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas         map[string]any `json:"schemas"`
			SecuritySchemes map[string]any `json:"securitySchemes"`
		} `json:"components"`
	}
	body := read(t, res)
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) != 2 || doc.Paths["/api/v1/things"]["post"]["operationId"] != "thing.add" {
		t.Errorf("document: %.300s", body)
	}
	for _, name := range []string{"Problem", "ProblemPlace", "Thing", "PageHttpdThing"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("no schema %s in %v", name, doc.Components.Schemas)
		}
	}
	if strings.Contains(body, "ErrorModel") || strings.Contains(body, "ErrorDetail") {
		t.Error("the document speaks of errors we never send")
	}
	if !strings.Contains(body, "Idempotency-Key") || !strings.Contains(body, "application/problem+json") || doc.Components.SecuritySchemes["token"] == nil {
		t.Errorf("document lacks keys, problems or security: %s", body)
	}
	if h.ask("GET", "/openapi.json", "", "If-None-Match", res.Header.Get("ETag")).StatusCode != http.StatusNotModified {
		t.Error("the document has no useful ETag")
	}
}

func TestLanguageOfAToken(t *testing.T) {
	h := newHub(t)
	h.things()
	p := problemIn(t, h.ask("GET", "/api/v1/things/one", "", "Authorization", "Bearer good"))
	if p.Title != "There is something to fix" {
		t.Errorf("without Accept-Language a token's owner is spoken to in %q", p.Title)
	}
}

func TestIdentityReachesOperations(t *testing.T) {
	h := newHub(t)
	var got gate.Identity
	Op(h.Router, "GET /api/v1/me", "person.read", "Me", func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		got, _ = gate.From(ctx)
		return nil, nil
	})
	if res := h.ask("GET", "/api/v1/me", "", "Authorization", "bearer good"); res.StatusCode != 204 || got.Person != "p2" {
		t.Errorf("%d %+v", res.StatusCode, got)
	}
	if res := h.ask("GET", "/api/v1/me", "", "session", "sakura"); res.StatusCode != 204 || got.Person != "p1" {
		t.Errorf("%d %+v", res.StatusCode, got)
	}
}

func TestBytesInAndOut(t *testing.T) {
	h := newHub(t)
	type in struct {
		Name    string `query:"name" doc:"File name"`
		RawBody []byte `contentType:"application/octet-stream"`
	}
	type out struct {
		ContentType string `header:"Content-Type"`
		Status      int
		Body        []byte
	}
	Op(h.Router, "POST /api/v1/files", "file.add", "Add", func(_ context.Context, in *in) (*out, error) {
		return &out{"text/csv", 201, append([]byte(in.Name+":"), in.RawBody...)}, nil
	}, MaxBody(2<<20))
	big := strings.Repeat("\x00\xff", 900_000)
	res := h.ask("POST", "/api/v1/files?name=a.csv", big, "Content-Type", "application/octet-stream", "Authorization", "Bearer good", "Idempotency-Key", "f1")
	if got := read(t, res); res.StatusCode != 201 || got != "a.csv:"+big || res.Header.Get("Content-Type") != "text/csv" {
		t.Errorf("%d %v, %d bytes", res.StatusCode, res.Header, len(got))
	}
	// An answer too long to keep is not kept, and the act not repeated.
	res = h.ask("POST", "/api/v1/files?name=a.csv", big, "Content-Type", "application/octet-stream", "Authorization", "Bearer good", "Idempotency-Key", "f1")
	if p := problemIn(t, res); p.Code != ErrKeyShut.Code {
		t.Errorf("%+v", p)
	}
	for n, want := range map[int]int{2 << 20: 201, 2<<20 + 1: 413} {
		if res := h.ask("POST", "/api/v1/files?name=", strings.Repeat("x", n), "Content-Type", "application/octet-stream", "Authorization", "Bearer good"); res.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", n, res.StatusCode, want)
		}
		if res := h.send(bearer(newStream(t, "/api/v1/files", strings.Repeat("x", n)))); res.StatusCode != want {
			t.Errorf("%d bytes of unknown length: %d, want %d", n, res.StatusCode, want)
		}
	}
}

func bearer(req *http.Request) *http.Request {
	req.Header.Set("Authorization", "Bearer good")
	req.Header.Set("Content-Type", "application/octet-stream")
	return req
}
