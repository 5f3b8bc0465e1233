package bgp

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/testkit"
)

// gobgpd is a router: a program of its own, which learns what it is told.
type gobgpd struct {
	t         testing.TB
	port, api int
	cmd       *exec.Cmd
}

// listensOn returns a port that nothing listens on.
func listensOn(t testing.TB, addr string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// router starts a gobgpd that listens on addr and has one neighbour, ours.
func newRouter(t testing.TB, addr, neighbour string, as, peerAS int, more string) *gobgpd {
	t.Helper()
	path, err := exec.LookPath("gobgpd")
	if err != nil {
		testkit.Skip(t, "gobgpd is not installed")
	}
	g := &gobgpd{t: t, port: listensOn(t, addr), api: listensOn(t, "127.0.0.1")}
	var b strings.Builder
	fmt.Fprintf(&b, "[global.config]\nas = %d\nrouter-id = \"192.0.2.200\"\nport = %d\nlocal-address-list = [%q]\n", as, g.port, addr)
	fmt.Fprintf(&b, "[[neighbors]]\n[neighbors.config]\nneighbor-address = %q\npeer-as = %d\n%s\n", neighbour, peerAS, more)
	for _, f := range []string{"ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec"} {
		fmt.Fprintf(&b, "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = %q\n", f)
	}
	file := filepath.Join(t.TempDir(), "gobgpd.toml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(file + ".log")
	if err != nil {
		t.Fatal(err)
	}
	g.cmd = exec.Command(path, "-f", file, "-p", "--pprof-disable", "--api-hosts", "127.0.0.1:"+strconv.Itoa(g.api))
	g.cmd.Stdout, g.cmd.Stderr = log, log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.stop()
		if t.Failed() {
			raw, _ := os.ReadFile(log.Name())
			t.Logf("gobgpd: %.3000s", raw)
		}
	})
	until(t, "gobgpd answers", func() bool { _, err := g.ask("neighbor"); return err == nil })
	return g
}

func (g *gobgpd) stop() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
}

func (g *gobgpd) ask(args ...string) ([]byte, error) {
	return exec.Command("gobgp", append([]string{"-u", "127.0.0.1", "-p", strconv.Itoa(g.api)}, args...)...).Output()
}

// rib is what the router has learned of one family, prefix by prefix: the text of
// its attributes.
func (g *gobgpd) rib(family string) map[string]string {
	g.t.Helper()
	raw, err := g.ask("global", "rib", "-a", family, "-j")
	if err != nil {
		g.t.Fatalf("gobgp: %v", err)
	}
	var tables map[string][]struct {
		Attrs json.RawMessage `json:"attrs"`
	}
	out := map[string]string{}
	if len(strings.TrimSpace(string(raw))) == 0 || json.Unmarshal(raw, &tables) != nil {
		return out
	}
	for prefix, paths := range tables {
		for _, p := range paths {
			out[prefix] = string(p.Attrs)
		}
	}
	return out
}

// until waits for something to become so, at most ten seconds, and says how long it took.
func until(t testing.TB, what string, so func() bool) time.Duration {
	t.Helper()
	at := time.Now()
	for time.Since(at) < 20*time.Second {
		if so() {
			return time.Since(at)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not so after %v: %s", time.Since(at).Round(time.Second), what)
	return 0
}
