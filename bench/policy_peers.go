//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/rpz"
)

// policyCompile has BIND read the zone file that we write.
func policyCompile(ctx context.Context, s setting) (f figures, err error) {
	w, err := openPolicy(s, func(c *rpz.Config) {
		c.Listen, c.Secondaries, c.File = "", nil, filepath.Join(filepath.Dir(c.Dir), "zone")
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.driver.Apply(ctx, policyRules(), nil); err != nil {
		return nil, err
	}
	began := time.Now()
	// One more name writes the whole file again.
	if err := w.driver.Apply(ctx, []driver.Rule{{Order: "one", Kind: driver.Sinkhole, Name: "one.example", Answer: driver.NoDomain}}, nil); err != nil {
		return nil, err
	}
	f = figures{"write s": time.Since(began).Seconds()}
	o, err := start(ctx, nil, w.dir, "named-compilezone", "-q", "-F", "raw", "-o", filepath.Join(w.dir, "raw"), policyZone, w.config.File)
	if err != nil {
		return nil, err
	}
	f["read s"], f["read MB"] = o.took.Seconds(), o.peak
	return f, nil
}

// policyUnbound and policyBIND are a resolver that fetches the zone, from an
// order until it answers by it.
func policyUnbound(ctx context.Context, s setting) (figures, error) {
	return policyResolver(ctx, s, func(c *rpz.Config) { c.Unsigned = []string{"127.0.0.1"} }, "unbound", []string{"-d", "-c"}, `
server:
	directory: "%[1]s"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	logfile: "%[1]s/log"
	interface: 127.0.0.1@%[2]s
	do-ip6: no
	access-control: 127.0.0.0/8 allow
	do-not-query-localhost: no
	module-config: "respip iterator"
forward-zone:
	name: "."
	forward-addr: 127.0.0.1@%[4]s
rpz:
	name: "rpz.hub.example"
	primary: 127.0.0.1@%[3]s
	allow-notify: 127.0.0.1
	for-downstream: yes
remote-control:
	control-enable: no
`)
}

func policyBIND(ctx context.Context, s setting) (figures, error) {
	return policyResolver(ctx, s, nil, "named", []string{"-f", "-c"}, bindConf(policyZone))
}

// policyBINDRecent is BIND with a second zone for what changed lately.
func policyBINDRecent(ctx context.Context, s setting) (figures, error) {
	const recent = "rpz-new.hub.example"
	return policyResolver(ctx, s, func(c *rpz.Config) { c.Recent = recent }, "named", []string{"-f", "-c"}, bindConf(recent, policyZone))
}

func bindConf(zones ...string) string {
	conf := `
key "noroshi" { algorithm hmac-sha256; secret "%[5]s"; };
controls { };
options {
	directory "%[1]s"; pid-file "%[1]s/pid"; session-keyfile "%[1]s/session"; managed-keys-directory "%[1]s";
	listen-on port %[2]s { 127.0.0.1; }; listen-on-v6 { none; };
	recursion yes; allow-recursion { 127.0.0.1; }; dnssec-validation no; empty-zones-enable no; notify no;
	forward only; forwarders { 127.0.0.1 port %[4]s; };
	response-policy { ZONES } qname-wait-recurse no min-update-interval 0;
};
`
	list := ""
	for _, z := range zones {
		list += `zone "` + z + `"; `
		conf += `zone "` + z + `" {
	type secondary; file "` + z + `"; masterfile-format raw; allow-query { key noroshi; };
	primaries { 127.0.0.1 port %[3]s key noroshi; };
};
`
	}
	return strings.Replace(conf, "ZONES", list, 1)
}

// policyResolver starts a resolver with a zone of one name, orders the others,
// then one more, and takes that one back.
func policyResolver(ctx context.Context, s setting, change func(*rpz.Config), name string, args []string, conf string) (f figures, err error) {
	w, err := openPolicy(s, change)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	one := func(name string) []driver.Rule {
		return []driver.Rule{{Order: "one", Kind: driver.Sinkhole, Name: name, Answer: driver.NoDomain}}
	}
	if err := w.driver.Apply(ctx, one("first.example"), nil); err != nil {
		return nil, err
	}
	outside, err := policyOutside()
	if err != nil {
		return nil, err
	}
	defer outside.Shutdown()
	_, at, _ := net.SplitHostPort(w.resolver)
	_, from, _ := net.SplitHostPort(w.config.Listen)
	_, world, _ := net.SplitHostPort(outside.PacketConn.LocalAddr().String())
	file := filepath.Join(w.dir, "conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, conf, w.dir, at, from, world, w.secret), 0o600); err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, name, append(args, file)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	if _, err := w.becomes(ctx, "first.example", dns.RcodeNameError); err != nil {
		return nil, err
	}
	rules := policyRules()
	f = figures{}
	for _, step := range []struct {
		figure      string
		add, remove []driver.Rule
		name        string
		rcode       int
		unit        time.Duration
	}{
		{"all s", rules, nil, rules[len(rules)-1].Name, dns.RcodeNameError, time.Second},
		{"one ms", one("late.example"), nil, "late.example", dns.RcodeNameError, time.Millisecond},
		{"fewer ms", nil, one("late.example"), "late.example", dns.RcodeSuccess, time.Millisecond},
	} {
		began, before := time.Now(), processTime(c.Process.Pid)
		if err := w.driver.Apply(ctx, step.add, step.remove); err != nil {
			return nil, err
		}
		if _, err := w.becomes(ctx, step.name, step.rcode); err != nil {
			return nil, err
		}
		f[step.figure] = float64(time.Since(began)) / float64(step.unit)
		f["cpu "+step.figure] = float64(processTime(c.Process.Pid)-before) / float64(step.unit)
		// What it does behind its answers is not of the next step.
		for idle := 0; idle < 4 && ctx.Err() == nil; idle++ {
			before := processTime(c.Process.Pid)
			if time.Sleep(500 * time.Millisecond); processTime(c.Process.Pid)-before > 20*time.Millisecond {
				idle = -1
			}
		}
	}
	return f, nil
}

// processTime is the processor time of a process so far, to the 10 ms that the
// kernel counts in.
func processTime(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	w := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, _ := strconv.Atoi(w[11])
	system, _ := strconv.Atoi(w[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// policyOutside answers every name that is not held back.
func policyOutside() (*dns.Server, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg).SetReply(q)
		r.RecursionAvailable = true
		r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(203, 0, 113, 9)}}
		_ = w.WriteMsg(r)
	})}
	go func() { _ = s.ActivateAndServe() }() // ends with Shutdown
	return s, nil
}

// becomes asks the resolver for a name until the answer is that.
func (w *policyWorld) becomes(ctx context.Context, name string, rcode int) (time.Duration, error) {
	began, last := time.Now(), ""
	for time.Since(began) < 3*time.Minute && ctx.Err() == nil {
		q := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
		r, _, err := (&dns.Client{Timeout: 500 * time.Millisecond}).ExchangeContext(ctx, q, w.resolver)
		if err == nil && r.Rcode == rcode {
			return time.Since(began), nil
		}
		if last = fmt.Sprint(err); err == nil {
			last = dns.RcodeToString[r.Rcode]
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("%s stayed %s", name, last)
}
