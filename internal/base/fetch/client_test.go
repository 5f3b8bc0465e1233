package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/base/fault"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// opened is a client that may go to test servers on this machine.
func opened(t *testing.T, servers ...*httptest.Server) *Client {
	t.Helper()
	p := Policy{Networks: loopback, Plain: true}
	for _, s := range servers {
		p.Hosts = append(p.Hosts, strings.TrimPrefix(s.URL, "http://"))
	}
	c, err := NewClient(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func code(err error) string { return fault.Of(err).Code }

// No spelling of an address of our own network gets out of the form, the list
// or the dial.
func TestNoWayIn(t *testing.T) {
	hit := atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit.Add(1) }))
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	c, err := NewClient(Policy{Hosts: []string{"*", "*:" + port}, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	c.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil // whatever the name
	}
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "127.000.000.001",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "[fec0::1]", "[fd00:ec2::254]",
		"169.254.169.254", "[::ffff:169.254.169.254]", "metadata.google.internal", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
		"①②⑦.⓪.⓪.①", "127。0。0。1", "rebind.example", "a.example@127.0.0.1", "127.0.0.1#.example", "127.0.0.1\\.example", "exam ple", "x\r\nHost: y",
	} {
		for _, p := range []string{"", ":" + port} {
			_, err := c.Get(t.Context(), Want{URL: "http://" + host + p + "/", Dir: t.TempDir()})
			if !strings.HasPrefix(code(err), "fetch.") || code(err) == "fetch.status" {
				t.Errorf("%q: %v", host+p, err)
			}
			if _, err := c.Post(t.Context(), "http://"+host+p+"/", nil, nil); err == nil {
				t.Errorf("%q takes a post", host+p)
			}
		}
	}
	for _, u := range []string{"", "file:///etc/passwd", "gopher://a.example/", "//a.example", "http:a.example", "ftp://a.example/", "https://", "https://u:p@a.example/", strings.Repeat("https://a.example/", 500)} {
		if _, err := c.Get(t.Context(), Want{URL: u, Dir: t.TempDir()}); err == nil {
			t.Errorf("%q: taken", u)
		}
	}
	if hit.Load() != 0 {
		t.Errorf("%d requests got in", hit.Load())
	}
}

func TestHosts(t *testing.T) {
	p := Policy{Hosts: []string{"feeds.example", "*.data.example", "odd.example:8443"}}
	for u, want := range map[string]bool{
		"https://feeds.example/a": true, "https://FEEDS.example./a": true, "https://feeds.example:443/": true, "https://feeds.example:444/": false, "http://feeds.example/": false,
		"https://x.feeds.example/": false, "https://notfeeds.example/": false, "https://feeds.example.evil.example/": false,
		"https://a.data.example/": true, "https://b.a.data.example/": true, "https://data.example/": false, "https://evildata.example/": false,
		"https://odd.example:8443/": true, "https://odd.example/": false,
	} {
		if _, err := p.Check(u); (err == nil) != want {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := (&Policy{}).Check("https://feeds.example/"); code(err) != "fetch.host" {
		t.Error("without a list there is no way out:", err)
	}
}

// A name that is public when it is looked at and ours when it is dialled is
// looked at once: what was checked is what is dialled.
func TestRebinding(t *testing.T) {
	c, _ := NewClient(Policy{Hosts: []string{"*"}, Plain: true})
	asked := 0
	c.lookup = func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked == 1 {
			return []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("169.254.169.254")}, nil
		}
		return nil, errors.New("asked twice")
	}
	_, err := c.Get(t.Context(), Want{URL: "http://a.example/", Dir: t.TempDir()})
	if code(err) != "fetch.address" || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

func TestRedirects(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached by a redirect") }))
	defer inner.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		switch {
		case r.URL.Path == "/private":
			http.Redirect(w, r, inner.URL, http.StatusFound)
		case r.URL.Path == "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case r.URL.Path == "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		case n > 0:
			http.Redirect(w, r, fmt.Sprintf("/?n=%d", n-1), http.StatusTemporaryRedirect)
		default:
			io.WriteString(w, "here")
		}
	}))
	defer s.Close()
	c := opened(t, s)
	for path, want := range map[string]string{"/?n=5": "", "/?n=6": "fetch.redirects", "/private": "fetch.host", "/metadata": "fetch.address", "/file": "fetch.url"} {
		got, err := c.Get(t.Context(), Want{URL: s.URL + path, Dir: t.TempDir()})
		if want == "" && err != nil || want != "" && code(err) != want {
			t.Errorf("%s: %+v %v", path, got, err)
		}
	}
	r, err := c.Post(t.Context(), s.URL+"/?n=1", nil, []byte("x"))
	if err != nil || r.Status != 307 {
		t.Errorf("a post follows no redirect: %+v %v", r, err)
	}
}

// server serves a body with an ETag and breaks answers off.
type server struct {
	body     string
	etag     string
	cut      int // bytes after which an answer breaks off; 0 never
	requests []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")+" "+r.Header.Get("If-None-Match")))
	w.Header().Set("ETag", s.etag)
	if r.Header.Get("If-None-Match") == s.etag {
		w.WriteHeader(304)
		return
	}
	body, at := s.body, 0
	if rg := r.Header.Get("Range"); rg != "" && r.Header.Get("If-Range") == s.etag {
		fmt.Sscanf(rg, "bytes=%d-", &at)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(body)-1, len(body)))
		w.Header().Set("Content-Length", strconv.Itoa(len(body)-at))
		w.WriteHeader(206)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	end := len(body)
	if s.cut > 0 {
		end = min(end, at+s.cut)
	}
	io.WriteString(w, body[at:end])
	if end < len(body) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestAFileThatBreaksOffIsContinued(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	sum := sha256.Sum256([]byte(body))
	h := &server{body: body, etag: `"one"`, cut: 150_000}
	s := httptest.NewServer(h)
	defer s.Close()
	c, dir := opened(t, s), t.TempDir()
	if _, err := c.Get(t.Context(), Want{URL: s.URL, Dir: dir}); code(err) != "fetch.cut" || len(h.requests) != attempts {
		t.Fatalf("%v after %q", err, h.requests)
	}
	got, err := c.Get(t.Context(), Want{URL: s.URL, Dir: dir}) // as after a restart
	if err != nil {
		t.Fatal(err)
	}
	if got.SHA256 != hex.EncodeToString(sum[:]) || got.Size != int64(len(body)) || got.Resumed != 900_000 {
		t.Errorf("%+v after %q", got, h.requests)
	}
	raw, _ := os.ReadFile(got.Path)
	if string(raw) != body {
		t.Error("another file")
	}
	again, err := c.Get(t.Context(), Want{URL: s.URL, Dir: dir, ETag: got.ETag})
	if err != nil || !again.Same {
		t.Errorf("%+v %v", again, err)
	}
}

// A file that changed while it lay half fetched is fetched from the beginning.
func TestAChangedFileIsNotContinued(t *testing.T) {
	h := &server{body: strings.Repeat("a", 500_000), etag: `"one"`, cut: 100_000}
	s := httptest.NewServer(h)
	defer s.Close()
	c, dir := opened(t, s), t.TempDir()
	if _, err := c.Get(t.Context(), Want{URL: s.URL, Dir: dir}); err == nil {
		t.Fatal("whole")
	}
	h.body, h.etag, h.cut = strings.Repeat("b", 450_000), `"two"`, 0
	got, err := c.Get(t.Context(), Want{URL: s.URL, Dir: dir})
	raw, _ := os.ReadFile(got.Path)
	if err != nil || string(raw) != h.body || got.Resumed != 0 {
		t.Errorf("%v %d bytes %+v", err, len(raw), got)
	}
}

func TestBounds(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stated":
			w.Header().Set("Content-Length", "2000000")
			io.WriteString(w, "x")
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case "/slow":
			w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/busy":
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(429)
		case "/gone":
			w.WriteHeader(410)
		}
	}))
	defer s.Close()
	c := opened(t, s)
	c.stall = 50 * time.Millisecond
	for path, want := range map[string]string{"/stated": "fetch.file_large", "/endless": "fetch.file_large", "/slow": "fetch.cut", "/busy": "fetch.status", "/gone": "fetch.status"} {
		dir := t.TempDir()
		got, err := c.Get(t.Context(), Want{URL: s.URL + path, Dir: dir, Max: 1 << 20})
		if code(err) != want {
			t.Errorf("%s: %v", path, err)
		}
		if path == "/busy" && (got.After != 90*time.Second || fault.KindOf(err) != fault.Busy) {
			t.Errorf("%+v %v", got, err)
		}
		if left, _ := os.ReadDir(dir); want == "fetch.file_large" && len(left) != 0 {
			t.Errorf("%s leaves %v", path, left)
		}
	}
}

func TestPost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		w.WriteHeader(503)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("webhook-id"), raw)
		io.WriteString(w, strings.Repeat("x", maxReply))
	}))
	defer s.Close()
	r, err := opened(t, s).Post(t.Context(), s.URL, http.Header{"webhook-id": {"m1"}}, []byte(`{"a":1}`))
	if err != nil || r.Status != 503 || !strings.HasPrefix(string(r.Body), `POST m1 {"a":1}x`) || len(r.Body) != maxReply {
		t.Errorf("%d %.40q %v", r.Status, r.Body, err)
	}
}

func TestThroughAProxy(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		io.WriteString(w, "by proxy")
	}))
	defer proxy.Close()
	c, err := NewClient(Policy{Hosts: []string{"feeds.example"}, Plain: true, Proxy: proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(t.Context(), Want{URL: "http://feeds.example/a", Dir: t.TempDir()})
	if err != nil || asked != "http://feeds.example/a" || got.Size != 8 {
		t.Errorf("%+v %v %q", got, err, asked)
	}
	if _, err := c.Get(t.Context(), Want{URL: "http://other.example/", Dir: t.TempDir()}); code(err) != "fetch.host" {
		t.Error(err)
	}
	if _, err := NewClient(Policy{Proxy: "socks5://x"}); code(err) != "fetch.proxy" {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"https://a.example/", "http://0x7f.1/", "https://[::ffff:1.2.3.4]:443/", "https://a@b/"} {
		f.Add(s)
	}
	p := Policy{Hosts: []string{"*"}}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := p.Check(s)
		if err != nil {
			return
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if a, err := netip.ParseAddr(host); err == nil && !public(a) || u.Scheme != "https" || u.User != nil || host == "" {
			t.Errorf("%q goes to %q", s, u)
		}
	})
}

// Two who want the same file at once each get it whole.
func TestOneFileForTwo(t *testing.T) {
	h := &server{body: strings.Repeat("0123456789", 50_000), etag: `"one"`}
	var one sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		h.ServeHTTP(w, r)
	}))
	defer s.Close()
	c, dir := opened(t, s), t.TempDir()
	var wait sync.WaitGroup
	paths := make([]string, 8)
	for i := range paths {
		wait.Go(func() {
			got, err := c.Get(context.Background(), Want{URL: s.URL, Dir: dir})
			if err != nil {
				t.Error(err)
			}
			paths[i] = got.Path
		})
	}
	wait.Wait()
	for _, p := range paths {
		if raw, err := os.ReadFile(p); err != nil || string(raw) != h.body {
			t.Errorf("%s: %d bytes, %v", p, len(raw), err)
		}
	}
}
