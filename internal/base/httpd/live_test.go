package httpd

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"noroshi/internal/base/gate"
)

func TestLivePings(t *testing.T) {
	h := newHub(t)
	h.Live("GET /live/{topic}", func(q *Request) (string, error) {
		if q.Path("topic") != "inbox" {
			return "", ErrNotFound
		}
		return "inbox/" + q.Who.Org, nil
	})
	srv := httptest.NewServer(h)
	defer srv.Close()
	get := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: "sakura"})
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := get("/live/inbox")
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "text/event-stream" {
		t.Fatalf("%d %s", res.StatusCode, ct)
	}
	in := bufio.NewReader(res.Body)
	next := func() string {
		s, err := in.ReadString('\n')
		if err != nil {
			return "end: " + err.Error()
		}
		return strings.TrimSpace(s)
	}
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if got := next(); got != w {
				t.Fatalf("got %q, want %q", got, w)
			}
		}
	}
	expect("retry: 5000", "")
	h.Ping("inbox/o2") // another organisation's
	h.Ping("inbox/o1", "todo", "clocks", "todo")
	expect("event: part", "data: todo", "", "event: part", "data: clocks", "")
	h.Ping("inbox/o1")
	expect("event: new", "data: 1", "")

	if res := get("/live/others"); res.StatusCode != 404 {
		t.Errorf("a topic that is not one's own: %d", res.StatusCode)
	}
	for i := 1; i < perPerson; i++ {
		if res := get("/live/inbox"); res.StatusCode != 200 {
			t.Fatalf("stream %d: %d", i, res.StatusCode)
		}
	}
	if res := get("/live/inbox"); res.StatusCode != 503 {
		t.Errorf("one stream too many: %d", res.StatusCode)
	}
	h.Close()
	if got := next(); !strings.HasPrefix(got, "end") {
		t.Errorf("after closing: %q", got)
	}
}

// sink is a connection that only takes.
type sink struct {
	mu   sync.Mutex
	head http.Header
	b    strings.Builder
}

func (s *sink) Header() http.Header { return s.head }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Flush()              {}
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *sink) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func TestLiveStreamEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		r := New(Options{Words: words(t), Identify: func(context.Context, Credential) (gate.Identity, error) {
			if ended.Load() {
				return gate.Identity{}, gate.ErrSignIn
			}
			return gate.Identity{Person: "p1", Org: "o1"}, nil
		}})
		r.Live("GET /live", func(*Request) (string, error) { return "x", nil })
		req := httptest.NewRequest("GET", "/live", nil)
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: "s"})
		out, done := &sink{head: http.Header{}}, make(chan bool)
		go func() { r.ServeHTTP(out, req); close(done) }()
		time.Sleep(heartbeat + time.Second)
		synctest.Wait()
		if got := out.String(); got != "retry: 5000\n\n: still here\n\n" {
			t.Errorf("after a heartbeat: %q", got)
		}
		for range 3 {
			r.Ping("x") // the reader is slow: these are one event
		}
		synctest.Wait()
		if got := out.String(); !strings.Contains(got, "event: new\ndata: ") {
			t.Errorf("pings: %q", got)
		}
		ended.Store(true)
		time.Sleep(heartbeat)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("the stream outlives the session")
			r.Close()
			<-done
		}
		if len(r.pings.topics)+len(r.pings.people)+r.pings.n != 0 {
			t.Errorf("left behind: %+v", r.pings)
		}
	})
}

// certificateFiles writes a certificate for 127.0.0.1 with a serial number.
func certificateFiles(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "hub"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	h := newHub(t)
	enter, leave := make(chan bool), make(chan bool)
	h.Page("GET /slow", func(q *Request) error { enter <- true; <-leave; return q.JSON("done") }, Public)
	h.Live("GET /live", func(*Request) (string, error) { return "x", nil }, Public)
	cert, key := certificateFiles(t, t.TempDir(), 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l, cert, key) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the test's own certificate
	base := "https://" + l.Addr().String()
	live, err := client.Get(base + "/live")
	if err != nil {
		t.Fatal(err)
	}
	if live.TLS.Version != tls.VersionTLS13 {
		t.Errorf("TLS version %x", live.TLS.Version)
	}
	body := make(chan string, 1)
	go func() {
		res, err := client.Get(base + "/slow")
		if err != nil {
			body <- err.Error()
			return
		}
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			body <- err.Error()
			return
		}
		body <- string(raw)
	}()
	<-enter
	stop()
	if _, err := io.ReadAll(live.Body); err != nil {
		t.Errorf("the stream does not end in order: %v", err)
	}
	leave <- true
	if got := <-body; got != "\"done\"\n" {
		t.Errorf("a request under way: %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := client.Get(base + "/healthz"); err == nil {
		t.Error("still listening")
	}
}

func TestRenewedCertificateIsPickedUp(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificateFiles(t, dir, 1)
	now := &clock{t: start}
	c := &certificate{certFile: cert, keyFile: key, now: now.Now}
	serial := func() int64 {
		t.Helper()
		p, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		x, err := x509.ParseCertificate(p.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return x.SerialNumber.Int64()
	}
	if serial() != 1 {
		t.Fatal("first certificate")
	}
	certificateFiles(t, dir, 2)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if serial() != 1 {
		t.Error("looked at the file again within a minute")
	}
	now.Add(time.Minute)
	if serial() != 2 {
		t.Error("the renewed certificate is not used")
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.Add(time.Minute)
	if serial() != 2 {
		t.Error("a half-written file takes the hub down")
	}
	if _, err := (&certificate{certFile: "none", keyFile: "none", now: now.Now}).get(nil); err == nil {
		t.Error("no certificate, no fault")
	}
}
