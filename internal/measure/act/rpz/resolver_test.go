package rpz

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// outside answers every name with an address, as the rest of the world would,
// and remembers who was asked for.
type outside struct {
	addr string
	mu   sync.Mutex
	seen []string
}

func world(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = conn.LocalAddr().String()
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		o.mu.Lock()
		o.seen = append(o.seen, strings.ToLower(q.Question[0].Name))
		o.mu.Unlock()
		r := new(dns.Msg).SetReply(q)
		r.Authoritative, r.RecursionAvailable = true, true
		if q.Question[0].Qtype == dns.TypeA {
			r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(203, 0, 113, 9)}}
		}
		_ = w.WriteMsg(r)
	})}
	go func() { _ = s.ActivateAndServe() }() // ends with Shutdown
	t.Cleanup(func() { _ = s.Shutdown() })
	return o
}

func (o *outside) port() string { return o.addr[strings.LastIndexByte(o.addr, ':')+1:] }

// asked reports whether anybody asked the world for a name.
func (o *outside) asked(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.seen, name+".")
}

// program starts a resolver and ends it with the test; what it says is returned.
func program(t *testing.T, name string, args ...string) *said {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name)) // of whom it is not in the path
	}
	if err != nil {
		testkit.Skip(t, name+" is not installed")
	}
	out := &said{}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, out.last(6000))
		}
	})
	return out
}

// said keeps what a program writes.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) last(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.b.String()
	return b[max(0, len(b)-n):]
}

// answerOf asks a resolver as a user's machine does: "nxdomain", "nodata", the
// addresses, or what went wrong.
func answerOf(addr, name string, kind uint16) string {
	m := new(dns.Msg)
	m.SetQuestion(name+".", kind)
	c := &dns.Client{Timeout: 2 * time.Second}
	r, _, err := c.Exchange(m, addr)
	switch {
	case err != nil:
		return err.Error()
	case r.Rcode == dns.RcodeNameError:
		return "nxdomain"
	case r.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[r.Rcode]
	}
	var found []string
	for _, rr := range r.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			found = append(found, rr.A.String())
		case *dns.AAAA:
			found = append(found, rr.AAAA.String())
		}
	}
	if len(found) == 0 {
		return "nodata"
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

// becomes waits until a resolver answers so, and returns how long that took.
func becomes(t *testing.T, addr, name string, kind uint16, want string) time.Duration {
	t.Helper()
	began, got := time.Now(), ""
	for time.Since(began) < 20*time.Second {
		if got = answerOf(addr, name, kind); got == want {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s is %s, want %s", name, got, want)
	return 0
}

// converges waits until the equipment holds exactly these rules.
func converges(t *testing.T, d driver.Driver, want []driver.Rule) {
	t.Helper()
	var missing, extra []driver.Rule
	var err error
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		if missing, extra, err = d.Live(t.Context(), want); err == nil && len(missing)+len(extra) == 0 {
			return
		}
	}
	t.Fatalf("missing %v, extra %v, %v", missing, extra, err)
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (c Config) secret(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// bind starts BIND 9 as a resolver that fetches the zones with a key.
func bind(t *testing.T, c Config, secret string, o *outside) *said {
	t.Helper()
	return bindWith(t, c, secret, o, "", "min-update-interval 0")
}

// bindWith is bind with more options of each zone, and others of the policy.
func bindWith(t *testing.T, c Config, secret string, o *outside, more, options string) *said {
	t.Helper()
	dir := t.TempDir()
	var policy, zones strings.Builder
	for _, zone := range []string{c.Recent, c.Zone} {
		if zone == "" {
			continue
		}
		fmt.Fprintf(&policy, "zone %q; ", zone)
		fmt.Fprintf(&zones, `
zone "%[1]s" {
	type secondary; file "%[1]s.db"; masterfile-format text; allow-query { key noroshi; };
	primaries { 127.0.0.1 port %[2]s key noroshi; };
	%[3]s
};
`, zone, portOf(c.Listen), more)
	}
	return program(t, "named", "-g", "-n", "2", "-c", write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
key "noroshi" { algorithm hmac-sha256; secret "%s"; };
controls { };
options {
	directory "%[2]s"; pid-file "%[2]s/pid"; session-keyfile "%[2]s/session"; managed-keys-directory "%[2]s";
	listen-on port %[3]s { 127.0.0.1; }; listen-on-v6 { none; };
	recursion yes; allow-recursion { 127.0.0.1; }; dnssec-validation no; empty-zones-enable no; notify no;
	forward only; forwarders { 127.0.0.1 port %[4]s; };
	response-policy { %[5]s} qname-wait-recurse no %[7]s;
};
%[6]s`, secret, dir, portOf(c.Secondaries[0]), o.port(), policy.String(), zones.String(), options)))
}

// unbound starts Unbound, which fetches the zone from this machine without a key.
func unbound(t *testing.T, c Config, o *outside) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program(t, "unbound", "-d", "-c", write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`
server:
	directory: "%[1]s"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	logfile: ""
	verbosity: 2
	interface: 127.0.0.1@%[2]s
	do-ip6: no
	access-control: 127.0.0.0/8 allow
	do-not-query-localhost: no
	module-config: "respip iterator"
forward-zone:
	name: "."
	forward-addr: 127.0.0.1@%[3]s
rpz:
	name: "rpz.hub.example"
	primary: 127.0.0.1@%[4]s
	allow-notify: 127.0.0.1
	for-downstream: yes
	zonefile: "%[1]s/rpz.zone"
remote-control:
	control-enable: yes
	control-interface: "%[1]s/control"
	control-use-cert: no
`, dir, portOf(c.Secondaries[0]), o.port(), portOf(c.Listen))))
	return dir
}

// walk is what a resolver has to live through: names that are held back, names
// that are not, an end, our process beginning anew.
func walk(t *testing.T, c Config, z *zone, o *outside, said *said) {
	t.Helper()
	at := c.Secondaries[0]
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true), rule("odd.example", driver.NoData, false), rule("page.example", driver.Walled, false)}
	apply(t, z, rules, nil)
	converges(t, z, rules)
	becomes(t, at, "bad.example", dns.TypeA, "nxdomain")
	becomes(t, at, "a.b.bad.example", dns.TypeA, "nxdomain")
	becomes(t, at, "odd.example", dns.TypeA, "nodata")
	becomes(t, at, "page.example", dns.TypeA, "192.0.2.80")
	becomes(t, at, "page.example", dns.TypeAAAA, "2001:db8::80")
	becomes(t, at, "good.example", dns.TypeA, "203.0.113.9")
	becomes(t, at, "below.page.example", dns.TypeA, "203.0.113.9")
	// One more name: by its difference.
	more := rule("late.example", driver.NoDomain, false)
	apply(t, z, []driver.Rule{more}, nil)
	t.Logf("one more name was live after %v", becomes(t, at, "late.example", dns.TypeA, "nxdomain"))
	converges(t, z, append(rules, more))
	for _, name := range []string{"bad.example", "a.b.bad.example", "odd.example", "page.example"} {
		if o.asked(name) {
			t.Errorf("%s was asked for outside", name)
		}
	}
	// An order ends, and the name is what it was.
	apply(t, z, nil, rules[:1])
	t.Logf("one name fewer was live after %v", becomes(t, at, "bad.example", dns.TypeA, "203.0.113.9"))
	becomes(t, at, "x.bad.example", dns.TypeA, "203.0.113.9")
	becomes(t, at, "late.example", dns.TypeA, "nxdomain")
	// Our process is gone: the resolver keeps the zone, and Live says so when it
	// is back.
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	becomes(t, at, "late.example", dns.TypeA, "nxdomain")
	again, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	left := append(slices.Clone(rules[1:]), more)
	converges(t, again, left)
	apply(t, again, rules[:1], nil)
	becomes(t, at, "bad.example", dns.TypeA, "nxdomain")
	becomes(t, at, "page.example", dns.TypeA, "192.0.2.80")
	converges(t, again, append(left, rules[0]))
	if said != nil && !strings.Contains(said.last(1<<20), "1 messages, 5 records") { // four SOA and what is new
		t.Error("no difference was ever fetched")
	}
}

func TestBIND(t *testing.T) {
	c, o := local(t), world(t)
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	walk(t, c, z, o, bind(t, c, c.secret(t), o))
}

// With a zone of its own for what changed lately it is the same, also while names
// are folded into the large one.
func TestBINDWithRecent(t *testing.T) {
	c, o := local(t), world(t)
	c.Recent = "rpz-new.hub.example"
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	z.room = 4
	walk(t, c, z, o, bind(t, c, c.secret(t), o))
}

// With another key BIND gets nothing, and Live says that it holds nothing.
func TestBINDWithAnotherKey(t *testing.T) {
	c, o := local(t), world(t)
	z := opened(t, c)
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true)}
	apply(t, z, rules, nil)
	said := bind(t, c, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", o)
	for began := time.Now(); !strings.Contains(said.last(1<<20), "tsig"); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("BIND never asked")
		}
	}
	// Without its zone BIND answers nothing, or as if there were none.
	if got := answerOf(c.Secondaries[0], "bad.example", dns.TypeA); got == "nxdomain" {
		t.Errorf("bad.example is %s", got)
	}
	if _, _, err := z.Live(t.Context(), rules); err == nil {
		t.Error("a resolver without the zone passes for one that has it")
	}
}

func TestUnbound(t *testing.T) {
	c, o := local(t), world(t)
	c.Unsigned = []string{"127.0.0.1"}
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	unbound(t, c, o)
	walk(t, c, z, o, nil)
}

// knot starts Knot DNS, which fetches the zone with a key and hands it on to
// resolvers on its own machine.
func knot(t *testing.T, c Config, below uint16) {
	t.Helper()
	dir := t.TempDir()
	program(t, "knotd", "-c", write(t, filepath.Join(dir, "knot.conf"), fmt.Sprintf(`
server:
    rundir: %[1]s
    listen: 127.0.0.1@%[2]s
    user: %[5]s
log:
  - target: stderr
    any: info
database:
    storage: %[1]s
key:
  - id: noroshi
    algorithm: hmac-sha256
    secret: %[4]s
remote:
  - id: hub
    address: 127.0.0.1@%[3]s
    key: noroshi
  - id: below
    address: 127.0.0.1@%[6]d
acl:
  - id: told
    address: 127.0.0.1
    key: noroshi
    action: notify
  - id: fetched
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: %[1]s
zone:
  - domain: rpz.hub.example
    master: hub
    notify: below
    acl: [told, fetched]
`, dir, portOf(c.Secondaries[0]), portOf(c.Listen), c.secret(t), user(), below)))
}

// A resolver that knows no TSIG, on another machine than ours, has the zone from
// Knot DNS beside it.
func TestUnboundBehindKnot(t *testing.T) {
	c, o := local(t), world(t)
	z := opened(t, c)
	apply(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)}, nil)
	behind := c
	behind.Listen, behind.Secondaries = c.Secondaries[0], []string{fmt.Sprint("127.0.0.1:", port(t))}
	knot(t, c, netip.MustParseAddrPort(behind.Secondaries[0]).Port())
	converges(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)})
	unbound(t, behind, o)
	becomes(t, behind.Secondaries[0], "a.bad.example", dns.TypeA, "nxdomain")
	apply(t, z, []driver.Rule{rule("page.example", driver.Walled, false)}, []driver.Rule{rule("bad.example", driver.NoDomain, true)})
	becomes(t, behind.Secondaries[0], "page.example", dns.TypeA, "192.0.2.80")
	becomes(t, behind.Secondaries[0], "a.bad.example", dns.TypeA, "203.0.113.9")
}

// Knot DNS, which hands a zone on, has it as a client sees it.
func TestKnot(t *testing.T) {
	c := local(t)
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true), rule("page.example", driver.Walled, false)}
	apply(t, z, rules, nil)
	knot(t, c, port(t))
	converges(t, z, rules)
	held := func(owner string) string {
		m := new(dns.Msg)
		m.SetQuestion(owner+".rpz.hub.example.", dns.TypeCNAME)
		r, err := dns.Exchange(m, c.Secondaries[0])
		if err != nil || len(r.Answer) != 1 {
			return fmt.Sprint(dns.RcodeToString[r.Rcode], err)
		}
		return r.Answer[0].(*dns.CNAME).Target
	}
	if got := held("bad.example"); got != "." {
		t.Errorf("bad.example is %s", got)
	}
	if got := held("deep.below.bad.example"); got != "." {
		t.Errorf("below it is %s", got)
	}
	// Our process ends and begins anew.
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	z = opened(t, c)
	converges(t, z, rules)
	more := rule("odd.example", driver.NoData, false)
	apply(t, z, []driver.Rule{more}, rules[:1])
	converges(t, z, []driver.Rule{rules[1], more})
	if got := held("odd.example"); got != "*." {
		t.Errorf("odd.example is %s", got)
	}
	if got := held("bad.example"); got == "." {
		t.Error("bad.example is still held back")
	}
}

// user is whom Knot runs as: who runs the test.
func user() string {
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		return "root"
	}
	return strings.TrimSpace(string(out))
}

// Knot Resolver reads the zone file, and reads it again when it is replaced.
func TestKnotResolver(t *testing.T) {
	c, o := local(t), world(t)
	at := c.Secondaries[0]
	c.File, c.Listen, c.Secondaries, c.KeyFile = filepath.Join(t.TempDir(), "rpz.zone"), "", nil, ""
	z := opened(t, c)
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true), rule("odd.example", driver.NoData, false), rule("page.example", driver.Walled, false)}
	apply(t, z, rules, nil)
	dir := t.TempDir()
	program(t, "kresd", "-n", "-c", write(t, filepath.Join(dir, "kresd.conf"), fmt.Sprintf(`
net.listen('127.0.0.1', %s, { kind = 'dns' })
cache.size = 10 * MB
trust_anchors.remove('.')
policy.add(policy.rpz(policy.DENY, '%s', %v))
policy.add(policy.all(policy.STUB('127.0.0.1@%s')))
`, portOf(at), c.File, watches(), o.port())), dir)
	becomes(t, at, "bad.example", dns.TypeA, "nxdomain")
	becomes(t, at, "a.bad.example", dns.TypeA, "nxdomain")
	becomes(t, at, "odd.example", dns.TypeA, "nodata")
	becomes(t, at, "page.example", dns.TypeA, "192.0.2.80")
	becomes(t, at, "good.example", dns.TypeA, "203.0.113.9")
	if !watches() {
		testkit.Skip(t, "lua-cqueues is not installed: Knot Resolver does not see that a file changed")
	}
	apply(t, z, []driver.Rule{rule("late.example", driver.NoDomain, false)}, rules[:1])
	becomes(t, at, "late.example", dns.TypeA, "nxdomain")
	becomes(t, at, "bad.example", dns.TypeA, "203.0.113.9")
}

// watches reports whether Knot Resolver can see that a file changed, which needs
// a library of Lua.
func watches() bool {
	found, err := filepath.Glob("/usr/lib/*/lua/5.1/_cqueues.so")
	return err == nil && len(found) > 0
}
