package httpd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

type count struct {
	mu sync.Mutex
	n  int
}

func (c *count) add() int { c.mu.Lock(); defer c.mu.Unlock(); c.n++; return c.n }

type numbered struct {
	Location string `header:"Location"`
	Status   int
	Body     struct {
		N int `json:"n"`
	}
}

func TestIdempotencyKey(t *testing.T) {
	h := newHub(t)
	var ran count
	enter, leave := make(chan bool), make(chan bool)
	type in struct {
		Body struct {
			What string `json:"what" maxLength:"20"`
		}
	}
	add := func(_ context.Context, in *in) (*numbered, error) {
		n := ran.add()
		switch in.Body.What {
		case "wait":
			enter <- true
			<-leave
		case "held":
			return nil, fault.New(fault.Refused, "gate.role", "verb", "thing.add")
		case "busy":
			return nil, ErrBusy
		case "bug":
			return nil, errors.New("commit: who knows")
		case "panic":
			panic("no")
		}
		out := &numbered{Location: "/api/v1/n/1", Status: 201}
		out.Body.N = n
		return out, nil
	}
	Op(h.Router, "POST /api/v1/n", "thing.add", "Add", add)
	Op(h.Router, "POST /api/v1/secrets", "secret.add", "Add", add, Secret)
	post := func(who, key, what string) *http.Response {
		return h.ask("POST", "/api/v1/n", `{"what":"`+what+`"}`, "Content-Type", "application/json", "Idempotency-Key", key, "Accept-Language", "en", who, map[string]string{"session": "sakura", "Authorization": "Bearer good"}[who])
	}
	first := post("session", "k1", "a")
	body := read(t, first)
	if first.StatusCode != 201 || body != "{\"n\":1}\n" {
		t.Fatalf("first: %d %s", first.StatusCode, body)
	}
	second := post("session", "k1", "a")
	if got := read(t, second); second.StatusCode != 201 || got != body || second.Header.Get("Location") != "/api/v1/n/1" || second.Header.Get("Idempotency-Replayed") != "true" || second.Header.Get("Content-Type") != "application/json" {
		t.Errorf("second: %d %s %v", second.StatusCode, got, second.Header)
	}
	if p := problemIn(t, post("session", "k1", "b")); p.Code != ErrKeyReused.Code || p.Status != 422 {
		t.Errorf("other request: %+v", p)
	}
	if res := post("Authorization", "k1", "b"); res.StatusCode != 201 || read(t, res) != "{\"n\":2}\n" {
		t.Error("another person's key is not one's own")
	}
	if ran.n != 2 {
		t.Errorf("ran %d times, want 2", ran.n)
	}

	t.Run("while the first runs", func(t *testing.T) {
		done := make(chan *http.Response)
		go func() { done <- post("session", "k2", "wait") }()
		<-enter
		if p := problemIn(t, post("session", "k2", "wait")); p.Code != ErrKeyOpen.Code || p.Status != 409 {
			t.Errorf("concurrent: %+v", p)
		}
		leave <- true
		if res := <-done; res.StatusCode != 201 {
			t.Errorf("first: %d", res.StatusCode)
		}
		if res := post("session", "k2", "wait"); res.StatusCode != 201 || res.Header.Get("Idempotency-Replayed") == "" {
			t.Errorf("after: %d", res.StatusCode)
		}
	})
	t.Run("what did nothing can be tried again", func(t *testing.T) {
		for what, status := range map[string]int{"held": 403, "busy": 503, strings.Repeat("x", 21): 422} {
			if res := post("session", "k3", what); res.StatusCode != status {
				t.Errorf("%s: %d", what, res.StatusCode)
			}
		}
		if res := post("session", "k3", "a"); res.StatusCode != 201 {
			t.Errorf("afterwards: %d", res.StatusCode)
		}
	})
	t.Run("what may have happened is not run again", func(t *testing.T) {
		for _, what := range []string{"bug", "panic"} {
			key := "k4" + what
			if res := post("session", key, what); res.StatusCode != 500 {
				t.Errorf("%s: %d", what, res.StatusCode)
			}
			before := ran.n
			if p := problemIn(t, post("session", key, what)); p.Code != ErrKeyOpen.Code {
				t.Errorf("%s: %+v", what, p)
			}
			h.now.Add(longest)
			if p := problemIn(t, post("session", key, what)); p.Code != ErrKeyUnknown.Code || p.Status != 409 || p.Hint == "" {
				t.Errorf("%s later: %+v", what, p)
			}
			if ran.n != before {
				t.Errorf("%s ran again", what)
			}
		}
	})
	t.Run("a secret is not kept", func(t *testing.T) {
		ask := func() *http.Response {
			return h.ask("POST", "/api/v1/secrets", `{"what":"a"}`, "Content-Type", "application/json", "Idempotency-Key", "k5", "session", "sakura")
		}
		if res := ask(); res.StatusCode != 201 {
			t.Fatalf("%d", res.StatusCode)
		}
		if p := problemIn(t, ask()); p.Code != ErrKeyShut.Code {
			t.Errorf("%+v", p)
		}
	})
	t.Run("bad keys", func(t *testing.T) {
		for _, key := range []string{"a b", strings.Repeat("x", 201), "鍵"} {
			if p := problemIn(t, post("session", key, "a")); p.Code != ErrKey.Code || p.Status != 400 {
				t.Errorf("%q: %+v", key, p)
			}
		}
		before := ran.n
		if res := h.ask("POST", "/api/v1/n", `{"what":"`+strings.Repeat("x", DefaultBody)+`"}`, "Idempotency-Key", "k6", "session", "sakura"); res.StatusCode != 413 || ran.n != before {
			t.Errorf("body over the limit: %d", res.StatusCode)
		}
	})
	t.Run("keys are forgotten after a day", func(t *testing.T) {
		h.now.Add(KeyAge - 2*longest - time.Second)
		if n, err := h.Sweep(t.Context()); err != nil || n != 0 {
			t.Errorf("too early: %d %v", n, err)
		}
		h.now.Add(3 * longest)
		n, err := h.Sweep(t.Context())
		if err != nil || n < 5 {
			t.Errorf("swept %d, %v", n, err)
		}
		if res := post("session", "k1", "b"); res.StatusCode != 201 {
			t.Errorf("a forgotten key: %d", res.StatusCode)
		}
	})
}

// Many clients that send the same thing at once get one result.
func TestOneKeyManyClients(t *testing.T) {
	h := newHub(t)
	var ran count
	Op(h.Router, "POST /api/v1/n", "thing.add", "Add", func(context.Context, *struct{}) (*numbered, error) {
		out := &numbered{Status: 201}
		out.Body.N = ran.add()
		return out, nil
	})
	var wg sync.WaitGroup
	codes := make([]int, 32)
	for i := range codes {
		wg.Go(func() {
			codes[i] = h.ask("POST", "/api/v1/n", "", "Idempotency-Key", "same", "session", "sakura").StatusCode
		})
	}
	wg.Wait()
	if ran.n != 1 {
		t.Errorf("ran %d times", ran.n)
	}
	for _, c := range codes {
		if c != 201 && c != 409 {
			t.Errorf("status %d", c)
		}
	}
}

// What an answer says is sealed elsewhere; it is not in clear beside its key.
func TestKeptAnswersAreSealed(t *testing.T) {
	h := newHub(t)
	type out struct{ Body struct{ Words string } }
	Op(h.Router, "POST /api/v1/words", "words.add", "Add", func(context.Context, *struct{}) (*out, error) {
		o := &out{}
		o.Body.Words = "a reason that is nobody else's"
		return o, nil
	})
	ask := func() *http.Response {
		return h.ask("POST", "/api/v1/words", "", "Idempotency-Key", "k", "Authorization", "Bearer good")
	}
	ask()
	var body []byte
	if err := h.opt.DB.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), "SELECT body FROM httpd_idempotency WHERE key = 'k'").Scan(&body)
	}); err != nil || len(body) == 0 || bytes.Contains(body, []byte("reason")) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	again, err := io.ReadAll(ask().Body)
	if err != nil || !bytes.Contains(again, []byte("a reason")) {
		t.Errorf("%s %v", again, err)
	}
}
