package proxylist

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// program starts a proxy and ends it with the test.
func program(t *testing.T, name string, args ...string) *os.Process {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name)) // of whom it is not in the path
	}
	if err != nil {
		testkit.Skip(t, name+" is not installed")
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if raw, err := os.ReadFile(said.Name()); t.Failed() && err == nil {
			t.Logf("%s said:\n%s", name, raw[max(0, len(raw)-4000):])
		}
		_ = said.Close()
	})
	return cmd.Process
}

// site is what is behind every name.
func site(t *testing.T) (port string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page of "+r.Host) }))
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return port
}

// free returns an address that nothing uses, below the ports that the system
// gives out by itself.
func free(t *testing.T) string {
	t.Helper()
	for range 1000 {
		at := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", at); err == nil {
			_ = l.Close()
			return at
		}
	}
	t.Fatal("no port is free")
	return ""
}

// becomes waits until a request ends with a status.
func becomes(t *testing.T, get func() (*http.Response, error), what string, want int) {
	t.Helper()
	got := ""
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		r, err := get()
		if got = fmt.Sprint(err); err == nil {
			_ = r.Body.Close()
			if got = r.Status; r.StatusCode == want {
				return
			}
		}
	}
	t.Fatalf("%s is %s, want %d", what, got, want)
}

// Squid refuses the names of the list, those below where it says so, and no
// others; and after it was told to read again, what ended is let through.
func TestSquid(t *testing.T) {
	c, at, origin := local(t, "squid"), free(t), site(t)
	d := opened(t, c)
	rules := []driver.Rule{rule("bad.example", true), rule("deep.bad.example", false), rule("odd.example", false)}
	apply(t, d, rules, nil)
	dir := t.TempDir()
	// Squid gives up being root, and its user has to read what is here.
	for _, d := range []string{dir, filepath.Dir(dir), filepath.Dir(c.File)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hosts := "127.0.0.1 bad.example a.bad.example odd.example a.odd.example good.example\n"
	conf := fmt.Sprintf(`
http_port %[1]s
pid_filename none
hosts_file %[2]s/hosts
dns_nameservers 127.0.0.1
cache deny all
access_log none
cache_log /dev/stderr
coredump_dir %[2]s
shutdown_lifetime 1 seconds
acl held dstdomain "%[3]s"
http_access deny held
http_access allow all
`, at, dir, c.File)
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(hosts), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "squid.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	squid := program(t, "squid", "-N", "-d", "1", "-f", filepath.Join(dir, "squid.conf"))
	through := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: at}), DisableKeepAlives: true}}
	get := func(name string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return through.Get("http://" + name + ":" + origin + "/") }
	}
	is := func(name string, want int) {
		t.Helper()
		becomes(t, get(name), name, want)
	}
	is("good.example", http.StatusOK)
	is("bad.example", http.StatusForbidden)
	is("a.bad.example", http.StatusForbidden)
	is("odd.example", http.StatusForbidden)
	is("a.odd.example", http.StatusOK)
	apply(t, d, []driver.Rule{rule("good.example", false)}, rules[:1])
	if err := squid.Signal(syscall.SIGHUP); err != nil { // as the administrator's hook does
		t.Fatal(err)
	}
	is("good.example", http.StatusForbidden)
	is("a.bad.example", http.StatusOK)
	is("odd.example", http.StatusForbidden)
}

// HAProxy refuses by the two lookups that the package's comment shows.
func TestHAProxy(t *testing.T) {
	c, at, origin := local(t, "haproxy"), free(t), site(t)
	d := opened(t, c)
	until := func(r driver.Rule, in time.Duration) driver.Rule { r.Until = time.Now().Add(in); return r }
	short := until(rule("short.example", true), 8*time.Second)
	short.Order = "order-2"
	apply(t, d, []driver.Rule{until(rule("bad.example", true), time.Hour), until(rule("odd.example", false), time.Hour), short}, nil)
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend in
	bind %[1]s
	http-request set-var(txn.host) req.hdr(host),host_only,lower
	http-request set-var(txn.end) str(=),concat(,txn.host),map_str_int(%[2]s,0)
	http-request deny if { date,sub(txn.end) -m int lt 0 }
	http-request set-var(txn.end) var(txn.host),map_end_int(%[2]s,0)
	http-request deny if { date,sub(txn.end) -m int lt 0 }
	default_backend out
backend out
	server site 127.0.0.1:%[3]s
`, at, c.File, origin), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, "haproxy", "-db", "-f", conf)
	is := func(name string, want int) {
		t.Helper()
		becomes(t, func() (*http.Response, error) {
			q, err := http.NewRequest(http.MethodGet, "http://"+at+"/", strings.NewReader(""))
			if err != nil {
				return nil, err
			}
			q.Host = name
			return http.DefaultClient.Do(q)
		}, name, want)
	}
	is("a.short.example", 403)
	is("short.example", 403)
	for name, want := range map[string]int{
		"good.example": 200, "bad.example": 403, "a.b.bad.example": 403, "Bad.Example:80": 403, "notbad.example": 200,
		"odd.example": 403, "a.odd.example": 200, "bad.example.good.example": 200,
	} {
		is(name, want)
	}
	// Nobody tells HAProxy anything any more, and what is over is over.
	is("short.example", 200)
	is("a.short.example", 200)
	if time.Now().Before(short.Until.Truncate(time.Second)) {
		t.Error("it was let through before its end")
	}
	is("bad.example", 403)
}
