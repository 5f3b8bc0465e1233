package httpd

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

func TestPanicIsAPageAndALine(t *testing.T) {
	h := newHub(t)
	h.Page("GET /case/{id}", func(*Request) error { panic("index out of range") })
	res := h.ask("GET", "/case/hidden-name?q=hidden-query", "", "session", "sakura", "Accept", "text/html")
	if body := read(t, res); res.StatusCode != 500 || !strings.Contains(body, "処理できませんでした") || strings.Contains(body, "index out") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	log := h.log.String()
	for _, want := range []string{"index out of range", `"stack"`, res.Header.Get("X-Request-Id"), `"route":"GET /case/{id}"`, `"status":500`, `"person":"p1"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	for _, secret := range []string{"hidden-name", "hidden-query", "sakura"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log tells %s", secret)
		}
	}
}

func TestOnlySoManyAtATime(t *testing.T) {
	h := newHub(t, func(o *Options) { o.Concurrent = 2 })
	enter, leave := make(chan bool), make(chan bool)
	h.Page("GET /slow", func(q *Request) error { enter <- true; <-leave; return q.JSON(1) }, Public)
	done := make(chan int)
	for range 2 {
		go func() { done <- h.ask("GET", "/slow", "").StatusCode }()
		<-enter
	}
	res := h.ask("GET", "/slow", "")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a third: %d %v", res.StatusCode, res.Header)
	}
	for range 2 {
		leave <- true
		if c := <-done; c != 200 {
			t.Errorf("%d", c)
		}
	}
	go func() { <-enter; leave <- true }()
	if c := h.ask("GET", "/slow", "").StatusCode; c != 200 {
		t.Errorf("afterwards: %d", c)
	}
}

func TestOnlyAFewLargeBodiesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{Words: words(t)})
		leave := make(chan bool)
		r.Page("POST /big", func(q *Request) error { <-leave; return q.JSON(1) }, Public, MaxBody(2<<20))
		codes := make(chan int, maxLarge+2)
		post := func() {
			w := httptest.NewRecorder()
			req := httptest.NewRequest("POST", "/big", strings.NewReader("a=b"))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.ServeHTTP(w, req)
			codes <- w.Code
		}
		for range maxLarge {
			go post()
		}
		synctest.Wait()
		go post()
		time.Sleep(largeWait + time.Second)
		if c := <-codes; c != 503 {
			t.Errorf("one too many, and no room in time: %d", c)
		}
		go post()
		synctest.Wait()
		for range maxLarge + 1 {
			leave <- true
			if c := <-codes; c != 200 {
				t.Errorf("in its turn: %d", c)
			}
		}
	})
}

func TestIdentifyThatBreaksIsAnError(t *testing.T) {
	h := newHub(t, func(o *Options) {
		o.Identify = func(context.Context, Credential) (gate.Identity, error) {
			return gate.Identity{}, errors.New("database is down")
		}
	})
	h.Page("GET /open", func(q *Request) error { return q.JSON(1) }, Public)
	if res := h.ask("GET", "/open", "", "session", "x"); res.StatusCode != 500 {
		t.Errorf("with a session: %d", res.StatusCode)
	}
	if res := h.ask("GET", "/open", ""); res.StatusCode != 200 {
		t.Errorf("without: %d", res.StatusCode)
	}
}

func TestMethodsAndCleanPaths(t *testing.T) {
	h := newHub(t)
	h.Page("GET /a/b", func(q *Request) error { return q.JSON(1) }, Public)
	h.Page("POST /a/b", func(q *Request) error { return q.JSON(1) }, Public)
	if res := h.ask("DELETE", "/a/b", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res := h.ask("GET", "/a//b?x=y", ""); res.StatusCode/100 != 3 || res.Header.Get("Location") != "/a/b?x=y" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res := h.ask("HEAD", "/a/b", ""); res.StatusCode != 200 {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
	for _, bad := range []func(){
		func() { h.Page("/no/method", nil) },
		func() {
			Op(h.Router, "GET /elsewhere", "a.b", "", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a pattern that cannot be is registered")
				}
			}()
			bad()
		}()
	}
}

func TestHealth(t *testing.T) {
	h := newHub(t)
	ill := errors.New("no disk at /secret")
	var now error
	h.Health("database", func(context.Context) error { return nil })
	h.Health("ledger", func(context.Context) error { return now })
	if res := h.ask("GET", "/healthz", ""); res.StatusCode != 200 || !strings.Contains(read(t, res), `"status":"ok"`) {
		t.Error("well")
	}
	now = ill
	res := h.ask("GET", "/healthz", "")
	if body := read(t, res); res.StatusCode != 503 || strings.Contains(body, "secret") || !strings.Contains(body, `"name":"ledger","ok":false`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if !strings.Contains(h.log.String(), "/secret") {
		t.Error("the log does not say what is wrong")
	}
	now = nil
	h.HealthAside("witness", func(context.Context) error { return ill })
	res = h.ask("GET", "/healthz", "")
	if body := read(t, res); res.StatusCode != 200 || !strings.Contains(body, `"status":"ok"`) || !strings.Contains(body, `"name":"witness","ok":false`) {
		t.Errorf("a part aside: %d %s", res.StatusCode, body)
	}
}

func TestMetrics(t *testing.T) {
	from := func(h *hub, addr string, pairs ...string) *http.Response {
		req := httptest.NewRequest("GET", "/metrics", nil)
		req.RemoteAddr = addr
		for i := 0; i < len(pairs); i += 2 {
			req.Header.Set(pairs[i], pairs[i+1])
		}
		return h.send(req)
	}
	h := newHub(t)
	h.Page("GET /case/{id}", func(q *Request) error { return q.JSON(1) }, Public)
	for _, id := range []string{"1", "2", "3"} {
		h.ask("GET", "/case/"+id, "")
	}
	h.ask("BREW", "/coffee", "")
	res := from(h, "127.0.0.1:999")
	body := read(t, res)
	for _, want := range []string{`noroshi_http_requests_total{method="GET",route="GET /case/{id}",status="200"} 3`, `method="other",route="none"`, "noroshi_http_requests_in_flight 1", `noroshi_build_info{go=`, "go_goroutines"} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	for addr, pairs := range map[string][]string{"192.0.2.1:999": nil, "127.0.0.1:1": {"X-Forwarded-For", "192.0.2.1"}} {
		if res := from(h, addr, pairs...); res.StatusCode != 404 {
			t.Errorf("%s: %d", addr, res.StatusCode)
		}
	}
	h = newHub(t, func(o *Options) { o.MetricsToken = "0123456789abcdef" })
	if res := from(h, "127.0.0.1:1"); res.StatusCode != 404 {
		t.Errorf("without the token: %d", res.StatusCode)
	}
	if res := from(h, "192.0.2.1:1", "Authorization", "Bearer 0123456789abcdef"); res.StatusCode != 200 {
		t.Errorf("with the token: %d", res.StatusCode)
	}
}

func TestBuckets(t *testing.T) {
	now := &clock{t: start}
	b := NewBuckets(10*time.Second, 3, 100, now.Now)
	for i := range 3 {
		if err := b.Take("a"); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	err := b.Take("a")
	if f := fault.Of(err); !errors.Is(err, ErrRate) || f.Args["wait"] != 10*time.Second || Status(err) != 429 {
		t.Fatalf("fourth: %v", err)
	}
	if b.Take("b") != nil {
		t.Error("another key pays for the first")
	}
	now.Add(10 * time.Second)
	if b.Take("a") != nil || b.Take("a") == nil {
		t.Error("one token after one interval")
	}
	b.Forget("a")
	if b.Take("a") != nil {
		t.Error("forgotten")
	}
	// A flood of new keys frees no exhausted one.
	for b.Take("a") == nil {
	}
	for i := range 10_000 {
		_ = b.Take("x" + strings.Repeat("y", i%97) + string(rune('a'+i%26)) + time.Duration(i).String())
	}
	if len(b.m) > 100 {
		t.Errorf("%d keys", len(b.m))
	}
	if b.Take("a") == nil {
		t.Error("a flood freed an exhausted key")
	}
}

func TestRoutesAreListed(t *testing.T) {
	h := newHub(t)
	h.things()
	h.Page("GET /open", func(*Request) error { return nil }, Public)
	h.Live("GET /live/{topic}", func(*Request) (string, error) { return "", nil })
	seen := map[string]Route{}
	for _, r := range h.Routes() {
		seen[r.Pattern] = r
	}
	for pattern, want := range map[string]Route{
		"GET /open":           {"GET /open", true, false, false},
		"POST /api/v1/things": {"POST /api/v1/things", false, true, false},
		"GET /live/{topic}":   {"GET /live/{topic}", false, false, true},
		"GET /healthz":        {"GET /healthz", true, false, false},
	} {
		if seen[pattern] != want {
			t.Errorf("%s: %+v", pattern, seen[pattern])
		}
	}
}

// Every code this package can answer with has its sentence, and the sentence
// only the arguments that come with it.
func TestEveryCodeHasWords(t *testing.T) {
	cat := words(t)
	codes := map[string]string{}
	for _, f := range []*fault.Error{
		ErrNotFound, ErrMethod, ErrCrossOrigin, ErrBusy, ErrChanged, ErrMatch, ErrNoMatch, ErrCut, ErrBody, ErrForm, ErrInput, ErrMediaType,
		ErrCredential, ErrKey, ErrKeyReused, ErrKeyOpen, ErrKeyUnknown, ErrKeyShut, ErrStreams,
	} {
		codes[f.Code] = ""
	}
	codes["httpd.field.wrong"], codes["httpd.field.text"] = "", ""
	for _, c := range complaints() {
		codes[c.code] = c.arg
	}
	for k := fault.Internal; k <= fault.Unmet; k++ {
		codes["httpd.kind."+k.String()] = ""
	}
	for code, arg := range codes {
		for _, lang := range text.Langs {
			p := cat.Printer(lang, nil)
			said := p.T(code)
			if arg != "" {
				said = p.T(code, arg, "5")
			}
			if !p.Has(code) || strings.ContainsAny(said, "[]{}") {
				t.Errorf("%s in %s: %q", code, lang, said)
			}
		}
	}
}
