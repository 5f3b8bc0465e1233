package executor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// machine is a network namespace of its own: what runs in it runs on one thread
// that nothing else gets.
type machine struct {
	t    testing.TB
	work chan func()
	fd   int
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{t: t, work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never given back: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			m.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		ready <- err
		for f := range m.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		close(m.work)
		testkit.Skip(t, "network namespaces need root: "+err.Error())
	}
	t.Cleanup(func() { close(m.work); _ = unix.Close(m.fd) })
	m.must(func() error { return address("lo", "") })
	return m
}

// must runs something inside.
func (m *machine) must(f func() error) {
	m.t.Helper()
	done := make(chan error)
	m.work <- func() { done <- f() }
	if err := <-done; err != nil {
		m.t.Fatal(err)
	}
}

// address gives a link an address and sets it up.
func address(link, addr string) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return err
	}
	if addr != "" {
		a, err := netlink.ParseAddr(addr)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(l)
}

// listen is a listener inside.
func (m *machine) listen(at string) (l net.Listener) {
	m.t.Helper()
	m.must(func() (err error) {
		l, err = net.Listen("tcp", at)
		return err
	})
	return l
}

// reaches reports whether a connection from inside is answered.
func (m *machine) reaches(at string) (ok bool) {
	m.must(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0) // on this thread, which alone is inside
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := netip.MustParseAddrPort(at)
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Usec: 400_000}); err != nil {
			return err
		}
		ok = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}) == nil
		return nil
	})
	return ok
}

// program builds what the tests run: without cgo, as it is delivered.
func program(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "noroshi-program-") // where nobody may run it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "noroshi")
	c := exec.Command("go", "build", "-o", file, "noroshi/cmd/noroshi")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// router is a program of others that learns what it is told.
type router struct {
	m   *machine
	cmd *exec.Cmd
}

func newRouter(t testing.TB, m *machine, dir string) *router {
	t.Helper()
	path, err := exec.LookPath("gobgpd")
	if err != nil {
		testkit.Skip(t, "gobgpd is not installed")
	}
	conf := "[global.config]\nas = 64513\nrouter-id = \"192.0.2.200\"\nport = 1179\nlocal-address-list = [\"127.0.0.51\"]\n" +
		"[[neighbors]]\n[neighbors.config]\nneighbor-address = \"127.0.0.52\"\npeer-as = 64512\n[neighbors.transport.config]\npassive-mode = true\n[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255\n"
	for _, f := range []string{"ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec"} {
		conf += fmt.Sprintf("[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = %q\n", f)
	}
	file := filepath.Join(dir, "gobgpd.toml")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &router{m, exec.Command(path, "-f", file, "-p", "--pprof-disable", "--api-hosts", "127.0.0.1:50051")}
	m.must(r.cmd.Start)
	t.Cleanup(r.stop)
	return r
}

func (r *router) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// has reports whether the router learned a route of a family whose text has a word.
func (r *router) has(family, word string) bool {
	var out []byte
	r.m.must(func() error {
		out, _ = exec.Command("gobgp", "-u", "127.0.0.1", "-p", "50051", "global", "rib", "-a", family).Output() // before it is up: nothing
		return nil
	})
	return strings.Contains(string(out), word)
}

// real is a world whose clock runs, behind the machine's by some time, and whose
// hub is served inside a machine.
type real struct {
	*world
	m       *machine
	file    string // the program
	conf    string
	token   string
	behind  atomic.Int64 // by which its clock is behind the machine's: an hour is over sooner
	server  *http.Server
	handler http.Handler
	ran     time.Time
}

const hubAt = "127.0.0.1:8443"

// running opens a world that is served in a machine and whose clock is the
// machine's.
func running(t *testing.T, d *db.DB) *real {
	r := &real{world: worldOn(t, d), m: newMachine(t), file: program(t)}
	r.acts.Own = func(context.Context, *db.Tx, string) ([]netip.Prefix, error) {
		return []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, nil
	}
	r.acts.Now = func() time.Time { return r.Clock.Now().Add(-time.Duration(r.behind.Load())) }
	r.Clock.Pass(time.Since(testkit.Start))
	r.ran = time.Now()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				r.Clock.Pass(time.Since(r.ran))
				r.ran = time.Now()
			}
		}
	}()
	r.handler = r.handled()
	r.serve()
	for _, dir := range []string{r.dir, filepath.Dir(r.dir)} { // nobody has to read what is in it
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.token = filepath.Join(r.dir, "token")
	if err := os.WriteFile(r.token, []byte("machine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *real) serve() {
	r.server = &http.Server{Handler: r.handler}
	l := r.m.listen(hubAt)
	go func() { _ = r.server.Serve(l) }() // ends with Close
	r.t.Cleanup(func() { _ = r.server.Close() })
}

// process is a started program of ours.
type process struct {
	cmd  *exec.Cmd
	said *strings.Builder
}

// start runs "noroshi act run" inside, as nobody who may tell the firewall.
func (r *real) start(dir, config string) *process {
	r.t.Helper()
	r.must(os.MkdirAll(dir, 0o700))
	r.must(os.Chown(dir, 65534, 65534))
	p := &process{said: &strings.Builder{}}
	p.cmd = exec.Command(r.file, "act", "run", "--dir", dir, "--config", config, "--hub", "http://"+hubAt, "--token-file", r.token, "--lang", "en")
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}}
	r.m.must(p.cmd.Start)
	r.t.Cleanup(func() {
		p.kill()
		if r.t.Failed() {
			r.t.Logf("%s", p.said)
		}
	})
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // SIGKILL: nothing is tidied
	_ = p.cmd.Wait()
}

// powers are the sets of capabilities that a process holds, by /proc.
func (p *process) powers(t testing.TB) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if k, v, ok := strings.Cut(line, ":"); ok && (strings.HasPrefix(k, "Cap") || k == "NoNewPrivs" || k == "Uid") {
			out[k] = strings.Join(strings.Fields(v), " ")
		}
	}
	return out
}

// within waits until something is so, and returns how long that took.
func within(t testing.TB, most time.Duration, what string, so func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > most {
			t.Fatalf("not within %s: %s", most, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// becomes waits until the hub says of an order that it stands so.
func (r *real) becomes(o act.Order, want act.State, most time.Duration) time.Duration {
	r.t.Helper()
	return within(r.t, most, o.Number+" is "+string(want), func() bool { return r.show(o.ID).State == want })
}

// orders has somebody ask, and another person approve when its dry run is there.
func (r *real) orders(kind driver.Kind, target string, behind time.Duration) act.Order {
	r.t.Helper()
	r.behind.Store(int64(behind))
	defer r.behind.Store(0)
	o, err := r.acts.Ask(r.as("reporter", gate.OperatorReporter), act.Ask{Kind: kind, Targets: []string{target}, Hours: 1, Grounds: "指令サーバー。", Basis: act.OwnBasis})
	r.must(err)
	within(r.t, 20*time.Second, "a dry run", func() bool { v := r.show(o.ID); return !v.DriedAt.IsZero() })
	if v := r.show(o.ID); !v.Shown.Fits {
		r.t.Fatalf("%s does not fit: %s", kind, v.Shown.Says)
	}
	o, err = r.acts.Approve(r.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest})
	r.must(err)
	return o
}

// TestTheProgram is the program as it is delivered, beside a real firewall and a
// real router in a namespace, told over HTTP: it keeps one power, packets and
// routes are really held back, what works goes on when one piece of equipment does
// not, and everything ends by itself with the hub away and with the process dead.
func TestTheProgram(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Skip(t, "network namespaces and capabilities need root")
	}
	testkit.Each(t, sources(), theProgram)
}

func theProgram(t *testing.T, d *db.DB) {
	r := running(t, d)
	other := newMachine(t)
	r.m.must(func() error {
		err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up"}, PeerName: "up", PeerNamespace: netlink.NsFd(other.fd)})
		if err == nil {
			err = address("up", "198.51.100.1/24")
		}
		return err
	})
	other.must(func() error { return address("up", "198.51.100.7/24") })
	site := "198.51.100.7:80"
	l := other.listen(site)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	within(t, 5*time.Second, "the site answers", func() bool { return r.m.reaches(site) })
	gobgpd := newRouter(t, r.m, r.dir)
	r.conf = filepath.Join(r.dir, "act.toml")
	r.must(os.WriteFile(r.conf, []byte(fmt.Sprintf(`name = "edge"
authority = [%q]
look = "1s"
settle = "5s"
[guard]
prefixes = ["203.0.113.0/28"]
[nft]
hooks = ["output"]
own = ["192.0.2.0/24"]
[bgp]
as = 64512
router_id = "192.0.2.9"
peers = ["127.0.0.51 as=64513 port=1179 local=127.0.0.52"]
own = ["192.0.2.0/24"]
next_hop4 = "192.0.2.1"
`, r.key)), 0o644))
	dir := filepath.Join(r.dir, "edge")
	p := r.start(dir, r.conf)

	// It is live within a second or so, and really held back.
	packets := r.orders(driver.Filter, "198.51.100.7", 0)
	t.Logf("nftables: live %s after the approval", r.becomes(packets, act.Live, 20*time.Second).Round(time.Millisecond))
	if r.m.reaches(site) {
		t.Error("live, and packets pass")
	}
	flow := r.orders(driver.FlowSpec, "192.0.2.7/32", 0)
	t.Logf("FlowSpec: live %s after the approval", r.becomes(flow, act.Live, 20*time.Second).Round(time.Millisecond))
	within(t, 5*time.Second, "the router has the flow", func() bool { return gobgpd.has("ipv4-flowspec", "192.0.2.7/32") })

	// One power, whatever it was started with.
	powers := p.powers(t)
	if powers["CapEff"] != "0000000000001000" || powers["CapPrm"] != powers["CapEff"] || powers["CapInh"] != "0000000000000000" || powers["CapAmb"] != "0000000000000000" || powers["NoNewPrivs"] != "1" || !strings.HasPrefix(powers["Uid"], "65534") {
		t.Errorf("powers: %v", powers)
	}

	// Another process gets neither the folder nor the equipment.
	for name, want := range map[string]string{"edge": "Another process works in this folder.", "second": "holds rules that this folder's journal does not know"} {
		second := r.start(filepath.Join(r.dir, name), r.conf)
		if err := second.cmd.Wait(); err == nil || !strings.Contains(second.said.String(), want) {
			t.Errorf("a second process in %s: %v, %s", name, err, second.said)
		}
	}
	if r.m.reaches(site) || !gobgpd.has("ipv4-flowspec", "192.0.2.7/32") {
		t.Error("a second process changed what is held back")
	}

	// The router goes: its order is seen as half, the firewall's stays live.
	gobgpd.stop()
	r.becomes(flow, act.Half, 60*time.Second)
	r.becomes(packets, act.Live, time.Second)
	if v := r.show(flow.ID); v.Alarm != "drift" {
		t.Errorf("alarm %q", v.Alarm)
	}
	gobgpd = newRouter(t, r.m, r.dir)
	t.Logf("FlowSpec: live again %s after the router was back", r.becomes(flow, act.Live, 90*time.Second).Round(time.Millisecond))
	within(t, 10*time.Second, "no alarm stands", func() bool { return r.show(flow.ID).Alarm == "" })

	// The hub is away: what ends, ends.
	short := r.orders(driver.FlowSpec, "192.0.2.8/32", time.Hour-20*time.Second)
	r.becomes(short, act.Live, 15*time.Second)
	r.must(r.server.Close())
	within(t, 5*time.Second, "the router has the flow", func() bool { return gobgpd.has("ipv4-flowspec", "192.0.2.8/32") })
	within(t, 30*time.Second, "the router forgot the flow", func() bool { return !gobgpd.has("ipv4-flowspec", "192.0.2.8/32") })
	if !gobgpd.has("ipv4-flowspec", "192.0.2.7/32") {
		t.Error("another order ended with it")
	}
	r.serve()
	r.becomes(short, act.Expired, 20*time.Second)

	// The process is dead: the kernel ends its rules, the session its routes.
	_, err := r.acts.Undo(r.as("reporter", gate.OperatorReporter), packets.ID, "試し。")
	r.must(err)
	r.becomes(packets, act.Undone, 20*time.Second)
	within(t, 5*time.Second, "packets pass", func() bool { return r.m.reaches(site) })
	last := r.orders(driver.Filter, "198.51.100.7", time.Hour-20*time.Second)
	r.becomes(last, act.Live, 15*time.Second)
	p.kill()
	if r.m.reaches(site) {
		t.Error("packets pass as soon as the process is dead")
	}
	t.Logf("routes: forgotten %s after the process was killed", within(t, 40*time.Second, "the router forgot", func() bool { return !gobgpd.has("ipv4-flowspec", "192.0.2.7/32") }).Round(time.Millisecond))
	within(t, 30*time.Second, "packets pass without the process", func() bool { return r.m.reaches(site) })
	r.start(dir, r.conf)
	r.becomes(last, act.Expired, 20*time.Second)
	within(t, 20*time.Second, "the router has the flow again", func() bool { return gobgpd.has("ipv4-flowspec", "192.0.2.7/32") })
	r.becomes(flow, act.Live, 10*time.Second)
	_, err = r.acts.Undo(r.as("reporter", gate.OperatorReporter), flow.ID, "終わり。")
	r.must(err)
	r.becomes(flow, act.Undone, 20*time.Second)
	within(t, 5*time.Second, "the router forgot", func() bool { return !gobgpd.has("ipv4-flowspec", "192.0.2.7/32") })
}
