package rpz

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// soon has a zone expire seconds after its process is gone.
func soon(z *zone, seconds uint32) {
	for _, l := range z.layouts {
		l.refresh, l.retry, l.expire = 2, 1, seconds
	}
}

// BIND forgets the zone when our process is gone for longer than its expire, and
// holds it again when we are back.
func TestBINDForgetsAfterUs(t *testing.T) {
	c, o := local(t), world(t)
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	soon(z, 8)
	at := c.Secondaries[0]
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true)}
	apply(t, z, rules, nil)
	bindWith(t, c, c.secret(t), o, "min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 1;", "min-update-interval 0")
	becomes(t, at, "bad.example", dns.TypeA, "nxdomain")
	time.Sleep(10 * time.Second) // longer than it expires: while we are there it does not
	if got := answerOf(at, "bad.example", dns.TypeA); got != "nxdomain" {
		t.Errorf("while we are there: %s", got)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if got := answerOf(at, "bad.example", dns.TypeA); got != "nxdomain" {
		t.Errorf("a moment after we are gone: %s", got)
	}
	t.Logf("forgotten %v after we were gone", becomes(t, at, "bad.example", dns.TypeA, "203.0.113.9").Round(time.Millisecond))
	if got := answerOf(at, "good.example", dns.TypeA); got != "203.0.113.9" {
		t.Errorf("another name: %s", got)
	}
	time.Sleep(3 * time.Second)
	again := opened(t, c)
	soon(again, 8)
	t.Logf("held again %v after we were back", becomes(t, at, "bad.example", dns.TypeA, "nxdomain").Round(time.Millisecond))
	converges(t, again, rules)
}

// So does Knot DNS, which hands the zone on.
func TestKnotForgetsAfterUs(t *testing.T) {
	c := local(t)
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	soon(z, 8)
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true)}
	apply(t, z, rules, nil)
	knot(t, c, port(t))
	converges(t, z, rules)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("forgotten %v after we were gone", becomes(t, c.Secondaries[0], "bad.example.rpz.hub.example", dns.TypeCNAME, "SERVFAIL").Round(time.Millisecond))
}

// Unbound 1.17 does not: who runs it lets names go by a command, as the guide says.
func TestUnboundStaysAfterUs(t *testing.T) {
	c, o := local(t), world(t)
	c.Unsigned = []string{"127.0.0.1"}
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	soon(z, 4)
	apply(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)}, nil)
	dir, at := unbound(t, c, o), c.Secondaries[0]
	becomes(t, at, "bad.example", dns.TypeA, "nxdomain")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(8 * time.Second)
	if got := answerOf(at, "bad.example", dns.TypeA); got != "nxdomain" {
		t.Errorf("it forgets by itself now (%s): say so in the guide", got)
	}
	out, err := exec.Command("unbound-control", "-c", filepath.Join(dir, "unbound.conf"), "rpz_disable", c.Zone+".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	becomes(t, at, "bad.example", dns.TypeA, "203.0.113.9")
}

// With a probe, live means that BIND holds the name back: not when it has fetched
// the zone, but when it has taken it into its policy.
func TestProbeIsWhatBINDHoldsBack(t *testing.T) {
	c, o := local(t), world(t)
	c.Own, c.Probe, c.Recent = []string{"hub.example"}, "rpz-probe.hub.example", "rpz-new.hub.example"
	z := opened(t, c)
	at := c.Secondaries[0]
	bindWith(t, c, c.secret(t), o, "", "min-update-interval 6")
	rules := []driver.Rule{rule("first.example", driver.NoDomain, false)}
	apply(t, z, rules, nil)
	converges(t, z, rules)
	lagged := false
	for _, name := range []string{"second.example", "third.example"} {
		more := rule(name, driver.NoDomain, false)
		apply(t, z, []driver.Rule{more}, nil)
		rules = append(rules, more)
		for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			missing, extra, err := z.Live(t.Context(), rules)
			if err == nil && len(missing)+len(extra) == 0 {
				break
			}
			lagged = true
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%s: missing %v, extra %v, %v", name, missing, extra, err)
			}
		}
		if got := answerOf(at, name, dns.TypeA); got != "nxdomain" {
			t.Errorf("%s is said to be held back, and is %s", name, got)
		}
	}
	if !lagged {
		t.Error("BIND never waited between changes: the test shows nothing")
	}
}

// A resolver that fetches the zone and does not use it is no resolver that holds
// names back.
func TestProbeFindsAZoneThatIsNotUsed(t *testing.T) {
	c, o := local(t), world(t)
	c.Own, c.Probe = []string{"hub.example"}, "rpz-probe.hub.example"
	c.Unsigned = []string{"127.0.0.1"}
	z := opened(t, c)
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, false)}
	apply(t, z, rules, nil)
	unbound(t, c, o)
	becomes(t, c.Secondaries[0], "bad.example", dns.TypeA, "nxdomain")
	converges(t, z, rules) // Unbound answers for the probe too
	apply(t, z, nil, rules)
	converges(t, z, nil)
	other := c
	other.Secondaries = []string{o.addr} // which knows no policy
	other.Dir, other.Listen = t.TempDir(), local(t).Listen
	y := opened(t, other)
	apply(t, y, rules, nil)
	if _, _, err := y.Live(t.Context(), rules); err == nil || fault.Of(err).Code != "rpz.unheld" {
		t.Errorf("a resolver without the policy: %v", err)
	}
}
