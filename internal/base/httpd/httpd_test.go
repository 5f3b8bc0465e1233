package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

var start = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// hub is a router with two people and the routes the tests ask.
type hub struct {
	*Router
	t   *testing.T
	log *lines
	now *clock

	mu   sync.Mutex
	ends map[string]bool // sessions that ended
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func words(t *testing.T) *text.Catalog {
	t.Helper()
	c, err := text.Load(Words, page.Words, gate.Words, cli.Words, db.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newHub(t *testing.T, change ...func(*Options)) *hub {
	t.Helper()
	cat := words(t)
	pages, err := page.New(cat, page.Source{Noun: "httpd", FS: Web})
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "httpd", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, log: &lines{}, now: &clock{t: start}, ends: map[string]bool{}}
	ring, err := key.OpenRing(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Ring:  ring,
		Words: cat, Pages: pages, DB: d, Now: h.now.Now, Log: slog.New(slog.NewJSONHandler(h.log, nil)), Version: "test",
		Identify: func(_ context.Context, c Credential) (gate.Identity, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			switch {
			case c.Session == "sakura" && !h.ends["sakura"]:
				return gate.Identity{Person: "p1", Org: "o1", Name: "佐倉", Session: "s1"}, nil
			case c.Bearer == "good":
				return gate.Identity{Person: "p2", Org: "o2", Name: "Doe", Token: "t1", Lang: "en"}, nil
			}
			return gate.Identity{}, gate.ErrSignIn
		},
	}
	for _, c := range change {
		c(&o)
	}
	h.Router = New(o)
	return h
}

// ask sends a request; pairs are header names and values. The session cookie
// is written as "session".
func (h *hub) ask(method, target, body string, pairs ...string) *http.Response {
	h.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, target, r)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "session" {
			req.AddCookie(&http.Cookie{Name: h.sessionCookie(), Value: pairs[i+1]})
			continue
		}
		req.Header.Set(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func problemIn(t *testing.T, res *http.Response) Problem {
	t.Helper()
	var p Problem
	if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("content type %q: %s", ct, read(t, res))
	}
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStrictHeadersOnEverything(t *testing.T) {
	h := newHub(t, func(o *Options) { o.Secure = true })
	h.Page("GET /open", func(q *Request) error { return q.Render("httpd/error", q.Shell("t"), errorPage{Title: "t"}) }, Public)
	h.Page("GET /bad", func(*Request) error { panic("no") }, Public)
	h.Page("GET /closed", func(*Request) error { return nil })
	Op(h.Router, "GET /api/v1/x", "x.read", "x", func(context.Context, *struct{}) (*struct{}, error) {
		return nil, fault.New(fault.Conflict, "httpd.changed")
	}, Public)
	for _, target := range []string{"/open", "/bad", "/closed", "/nowhere", "/api/v1/x", "/api/v1/none", "/healthz", "/openapi.json", "/metrics"} {
		res := h.ask("GET", target, "")
		for name, want := range map[string]string{
			"Content-Security-Policy":      policy,
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", target, name, got, want)
			}
		}
		if res.Header.Get("X-Request-Id") == "" || res.Header.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no request id or no permissions policy", target)
		}
		if cc := res.Header.Get("Cache-Control"); cc != Fresh && target != "/openapi.json" {
			t.Errorf("%s: Cache-Control = %q", target, cc)
		}
	}
}

// newStream returns a POST whose length is not announced.
func newStream(t *testing.T, target, body string) *http.Request {
	t.Helper()
	req := httptest.NewRequest("POST", target, io.MultiReader(strings.NewReader(body)))
	req.ContentLength = -1
	return req
}

func (h *hub) send(req *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}
