package rpz

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// port returns a port of this machine that nothing uses, below those that the
// system gives out by itself.
func port(t testing.TB) uint16 {
	t.Helper()
	for range 1000 {
		at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(10_000+mathrand.IntN(20_000)))
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		_ = tcp.Close()
		if err == nil {
			_ = udp.Close()
			return at.Port()
		}
	}
	t.Fatal("no port is free")
	return 0
}

// local is a zone served on this machine, with a key, to a resolver on another
// port of it.
func local(t testing.TB) Config {
	t.Helper()
	dir := t.TempDir()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	c := Default()
	c.Zone, c.Dir, c.KeyFile = "rpz.hub.example", filepath.Join(dir, "rpz"), filepath.Join(dir, "key")
	c.Listen = fmt.Sprint("127.0.0.1:", port(t))
	c.Secondaries = []string{fmt.Sprint("127.0.0.1:", port(t))}
	c.Walled = []string{"192.0.2.80", "2001:db8::80"}
	if err := os.WriteFile(c.KeyFile, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func opened(t testing.TB, c Config) *zone {
	t.Helper()
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	})
	return z
}

func rule(name string, answer driver.Answer, below bool) driver.Rule {
	return driver.Rule{Order: "order-1", Kind: driver.Sinkhole, Name: name, Answer: answer, Below: below}
}

func apply(t testing.TB, d driver.Driver, add, remove []driver.Rule) {
	t.Helper()
	if err := d.Apply(t.Context(), add, remove); err != nil {
		t.Fatal(err)
	}
}

// fetched is a transfer by a client that is not ours: the records in order.
func fetched(c Config, kind uint16, serial uint32) ([]dns.RR, error) {
	return fetchedZone(c, c.Zone, kind, serial)
}

func fetchedZone(c Config, zone string, kind uint16, serial uint32) ([]dns.RR, error) {
	m := new(dns.Msg)
	if m.SetAxfr(zone + "."); kind == dns.TypeIXFR {
		m.SetIxfr(zone+".", serial, "localhost.", "nobody.invalid.")
	}
	tr := &dns.Transfer{ReadTimeout: 20 * time.Second}
	if c.KeyFile != "" {
		secret, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return nil, err
		}
		tr.TsigSecret = map[string]string{c.KeyName + ".": strings.TrimSpace(string(secret))}
		m.SetTsig(c.KeyName+".", dns.HmacSHA256, 300, time.Now().Unix())
	}
	in, err := tr.In(m, c.Listen)
	if err != nil {
		return nil, err
	}
	var all []dns.RR
	for e := range in {
		if e.Error != nil {
			err = e.Error
		}
		all = append(all, e.RR...)
	}
	return all, err
}

// set is records as lines, without the SOA, and its serial.
func set(t testing.TB, rrs []dns.RR) (map[string]bool, uint32) {
	t.Helper()
	first, ok := rrs[0].(*dns.SOA)
	last, end := rrs[len(rrs)-1].(*dns.SOA)
	if !ok || !end || len(rrs) < 2 || first.Serial != last.Serial {
		t.Fatalf("%d records between %v and %v", len(rrs), rrs[0], rrs[len(rrs)-1])
	}
	out := map[string]bool{}
	for _, rr := range rrs[1 : len(rrs)-1] {
		if out[rr.String()] {
			t.Fatalf("twice: %v", rr)
		}
		out[rr.String()] = true
	}
	return out, first.Serial
}

// twin says the slow and obvious way which records rules come to.
func twin(rules map[driver.Rule]bool) map[string]bool {
	rank := map[driver.Answer]int{driver.Walled: 1, driver.NoData: 2, driver.NoDomain: 3}
	best := map[string]driver.Answer{}
	put := func(owner string, a driver.Answer) {
		if rank[a] > rank[best[owner]] {
			best[owner] = a
		}
	}
	for r := range rules {
		put(r.Name, r.Answer)
		if r.Below {
			put("*."+r.Name, r.Answer)
		}
	}
	out := map[string]bool{"rpz.hub.example.\t60\tIN\tNS\tlocalhost.": true}
	for owner, a := range best {
		for _, data := range map[driver.Answer][]string{driver.NoDomain: {"CNAME\t."}, driver.NoData: {"CNAME\t*."}, driver.Walled: {"A\t192.0.2.80", "AAAA\t2001:db8::80"}}[a] {
			out[owner+".rpz.hub.example.\t60\tIN\t"+data] = true
		}
	}
	return out
}

func some(rnd *mathrand.Rand, n, names int) (rules []driver.Rule) {
	for range n {
		rules = append(rules, driver.Rule{Order: fmt.Sprint("order-", rnd.IntN(3)), Kind: driver.Sinkhole, Below: rnd.IntN(3) == 0,
			Name:   fmt.Sprintf("%s%d.bad.example", strings.Repeat("x", rnd.IntN(60)), rnd.IntN(names)),
			Answer: []driver.Answer{driver.NoDomain, driver.NoData, driver.Walled}[rnd.IntN(3)]})
	}
	return rules
}

// What a client fetches is what the twin says, and the differences since any
// serial it was at lead there too, also when the process began anew between.
func TestTransfersAreTheTwin(t *testing.T) {
	for seed := range uint64(3) {
		rnd := mathrand.New(mathrand.NewPCG(seed, 3))
		c := local(t)
		z, err := open(c, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		rules, history := map[driver.Rule]bool{}, map[uint32]map[string]bool{}
		names := 1 + rnd.IntN(1500)
		for range 8 {
			add, remove := some(rnd, rnd.IntN(names), names), some(rnd, rnd.IntN(names), names)
			for r := range rules {
				if rnd.IntN(4) == 0 {
					remove = append(remove, r)
				}
			}
			for _, r := range remove {
				delete(rules, r)
			}
			for _, r := range add {
				rules[r] = true
			}
			apply(t, z, add, remove)
			if rnd.IntN(3) == 0 {
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
				if z, err = open(c, time.Now); err != nil {
					t.Fatal(err)
				}
			}
			rrs, err := fetched(c, dns.TypeAXFR, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, serial := set(t, rrs)
			if want := twin(rules); !maps.Equal(got, want) {
				t.Fatalf("seed %d: %d records, want %d", seed, len(got), len(want))
			}
			history[serial] = got
			for old, zone := range history {
				rrs, err := fetched(c, dns.TypeIXFR, old)
				if err != nil {
					t.Fatalf("seed %d, since %d of %d: %v", seed, old, serial, err)
				}
				if next := moved(t, zone, old, rrs); !maps.Equal(next, got) {
					t.Fatalf("seed %d: since %d of %d came to %d records, want %d", seed, old, serial, len(next), len(got))
				}
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// moved is a zone after an answer to IXFR (RFC 1995 §4).
func moved(t *testing.T, zone map[string]bool, from uint32, rrs []dns.RR) map[string]bool {
	t.Helper()
	last := rrs[0].(*dns.SOA).Serial
	if len(rrs) == 1 {
		if last != from {
			t.Fatalf("nothing since %d, but the zone is at %d", from, last)
		}
		return zone
	}
	if _, ok := rrs[1].(*dns.SOA); !ok {
		out, _ := set(t, rrs)
		return out
	}
	out, adding, at := maps.Clone(zone), true, from
	for _, rr := range rrs[1 : len(rrs)-1] {
		if soa, ok := rr.(*dns.SOA); ok {
			if adding = !adding; !adding && soa.Serial != at {
				t.Fatalf("a step begins at %d, the one before ended at %d", soa.Serial, at)
			}
			at = soa.Serial
			continue
		}
		if out[rr.String()] == adding {
			t.Fatalf("%v: there %v, adding %v", rr, out[rr.String()], adding)
		}
		if out[rr.String()] = true; !adding {
			delete(out, rr.String())
		}
	}
	if at != last {
		t.Fatalf("steps end at %d, not %d", at, last)
	}
	return out
}

// A serial never goes back: not with the clock, and not when the state is lost.
func TestSerialGoesForward(t *testing.T) {
	c := local(t)
	now := time.Unix(4_000_000_000, 0)
	serial := func(z *zone) uint32 { return z.serving.Load().serial }
	z, err := open(c, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if z.serving.Load() != nil {
		t.Error("a new folder serves an empty zone before anybody said so")
	}
	apply(t, z, []driver.Rule{rule("a.example", driver.NoDomain, false)}, nil)
	first := serial(z)
	now = now.Add(-time.Hour)
	apply(t, z, []driver.Rule{rule("b.example", driver.NoDomain, false)}, nil)
	if serial(z) != first+1 || first != 4_000_000_000 {
		t.Errorf("%d after %d", serial(z), first)
	}
	apply(t, z, []driver.Rule{rule("b.example", driver.NoDomain, false)}, nil)
	if serial(z) != first+1 {
		t.Error("nothing changed, and the serial did")
	}
	// Past the end of the numbers it goes round (RFC 1982).
	now = time.Unix(1<<32+5, 0)
	apply(t, z, nil, []driver.Rule{rule("b.example", driver.NoDomain, false)})
	if serial(z) != 5 || !newer(serial(z), first) {
		t.Errorf("%d after %d", serial(z), first)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	c.Walled = nil
	if z, err = open(c, func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	if serial(z) != 6 || len(z.serving.Load().zones[whole].steps) != 0 {
		t.Errorf("written down otherwise, the serial is %d", serial(z))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if z, err = open(c, func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	apply(t, z, nil, nil)
	if serial(z) != 65 {
		t.Errorf("after a loss the serial is %d", serial(z))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// The history that differences are answered from is bounded.
func TestHistoryIsBounded(t *testing.T) {
	var steps []*step
	for i := range maxSteps + 5 {
		steps = bounded(append(steps, &step{from: uint32(i), to: uint32(i + 1), added: make([]byte, 100)}))
	}
	if len(steps) != maxSteps || steps[0].from != 5 {
		t.Errorf("%d steps from %d", len(steps), steps[0].from)
	}
	if n := len(bounded([]*step{{added: make([]byte, maxStepBytes)}, {added: make([]byte, 1)}})); n != 1 {
		t.Errorf("%d steps of too many bytes", n)
	}
}

func TestShowAndCheck(t *testing.T) {
	c := local(t)
	c.Own, c.Never = []string{"hub.example"}, []string{"partner.example"}
	z := opened(t, c)
	apply(t, z, []driver.Rule{rule("old.example", driver.NoDomain, true)}, nil)
	before := z.serving.Load()
	lines, more, err := z.Show([]driver.Rule{rule("bad.example", driver.Walled, true), rule("old.example", driver.NoData, false)}, []driver.Rule{rule("old.example", driver.NoDomain, true)})
	want := []string{
		"+ bad.example.rpz.hub.example. A 192.0.2.80", "+ bad.example.rpz.hub.example. AAAA 2001:db8::80",
		"+ *.bad.example.rpz.hub.example. A 192.0.2.80", "+ *.bad.example.rpz.hub.example. AAAA 2001:db8::80",
		"- old.example.rpz.hub.example. CNAME .", "+ old.example.rpz.hub.example. CNAME *.", "- *.old.example.rpz.hub.example. CNAME .",
	}
	if !slices.Equal(lines, want) || more != 0 || err != nil {
		t.Errorf("%s\n%d %v", strings.Join(lines, "\n"), more, err)
	}
	var many []driver.Rule
	for i := range 1500 {
		many = append(many, rule(fmt.Sprintf("n%d.example", i), driver.NoDomain, false))
	}
	if lines, more, err = z.Show(many, nil); len(lines) != 1000 || more != 500 || err != nil {
		t.Errorf("%d lines, %d more, %v", len(lines), more, err)
	}
	if z.serving.Load() != before {
		t.Error("a dry run changed what is served")
	}
	long := strings.Repeat("abcdefg.", 30) + "example"
	for code, r := range map[string]driver.Rule{
		"names.own": rule("www.hub.example", driver.NoDomain, false), "names.never": rule("partner.example", driver.NoDomain, false),
		"rpz.answer": rule("bad.example", "", false), "rpz.long": rule(long, driver.NoDomain, false), "names.suffix": rule("co.jp", driver.NoDomain, true),
	} {
		for _, err := range []error{z.Check([]driver.Rule{rule("bad.example", driver.NoDomain, false), r}), z.Apply(t.Context(), []driver.Rule{r}, nil)} {
			if f := fault.Of(err); f == nil || f.Places[0].Code != code || f.Places[0].At != r.Name {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
	if z.serving.Load() != before {
		t.Error("a refused rule changed what is served")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := z.Apply(ended, many, nil); err != context.Canceled || z.serving.Load() != before {
		t.Errorf("told too late: %v", err)
	}
}

// A dry run needs neither folder nor key nor port, and leaves none taken.
func TestDry(t *testing.T) {
	c := local(t)
	opened(t, c)
	c.KeyFile = "/nowhere"
	d, err := Dry(c)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := d.Show([]driver.Rule{rule("bad.example", driver.NoDomain, false)}, nil)
	if err != nil || len(lines) != 1 || lines[0] != "+ bad.example.rpz.hub.example. CNAME ." {
		t.Error(lines, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	for code, change := range map[string]func(*Config){
		"rpz.zone":         func(c *Config) { c.Zone = "rpz" },
		"rpz.recent":       func(c *Config) { c.Recent = c.Zone },
		"rpz.dir":          func(c *Config) { c.Dir = "" },
		"rpz.nothing":      func(c *Config) { c.Listen = "" },
		"rpz.listen":       func(c *Config) { c.Listen = "0.0.0.0:53" },
		"rpz.nobody":       func(c *Config) { c.Secondaries = nil },
		"rpz.secondary":    func(c *Config) { c.Secondaries = []string{"resolver.example"} },
		"rpz.unsigned":     func(c *Config) { c.Unsigned = []string{"192.0.2.1"} },
		"rpz.key_needed":   func(c *Config) { c.KeyFile = ""; c.Secondaries = []string{"192.0.2.53"} },
		"rpz.key_file":     func(c *Config) { c.KeyFile += ".no" },
		"rpz.key_mode":     func(c *Config) { _ = os.Chmod(c.KeyFile, 0o640) },
		"rpz.key_short":    func(c *Config) { _ = os.WriteFile(c.KeyFile, []byte("c2hvcnQ="), 0o600) },
		"rpz.key_name":     func(c *Config) { c.KeyName = "a b" },
		"rpz.max_names":    func(c *Config) { c.MaxNames = 0 },
		"rpz.ttl":          func(c *Config) { c.TTL = 24 * time.Hour },
		"rpz.expire":       func(c *Config) { c.Expire = time.Minute },
		"rpz.probe":        func(c *Config) { c.Probe = "probe.other.example" }, // not of one's own
		"rpz.walled":       func(c *Config) { c.Walled = []string{"a.example", "b.example"} },
		"names.not_a_name": func(c *Config) { c.Own = []string{"a b"} },
	} {
		c := local(t)
		change(&c)
		_, err := Open(c)
		f := fault.Of(err)
		if f == nil || f.Code != code && (len(f.Places) != 1 || f.Places[0].Code != code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	c := local(t)
	opened(t, c)
	if _, err := Open(c); fault.Of(err).Code != "names.locked" {
		t.Errorf("twice: %v", err)
	}
	c.Dir = t.TempDir()
	if _, err := Open(c); fault.Of(err).Code != "rpz.cannot_listen" {
		t.Errorf("twice on one port: %v", err)
	}
}

// The zone file is what is held, and what somebody changed in it is noticed and
// written again.
func TestFile(t *testing.T) {
	c := local(t)
	c.File, c.Listen, c.Secondaries = filepath.Join(t.TempDir(), "rpz.zone"), "", nil
	z := opened(t, c)
	rules := []driver.Rule{rule("bad.example", driver.NoDomain, true), rule("odd.example", driver.NoData, false), rule("page.example", driver.Walled, false)}
	apply(t, z, rules, nil)
	read := func() map[string]bool {
		f, err := os.Open(c.File)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out, p := map[string]bool{}, dns.NewZoneParser(f, "", "")
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			if rr.Header().Rrtype != dns.TypeSOA {
				out[rr.String()] = true
			}
		}
		if p.Err() != nil {
			t.Fatal(p.Err())
		}
		return out
	}
	want := twin(map[driver.Rule]bool{rules[0]: true, rules[1]: true, rules[2]: true})
	if got := read(); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	live := func() (missing, extra []driver.Rule) {
		t.Helper()
		missing, extra, err := z.Live(t.Context(), rules)
		if err != nil {
			t.Fatal(err)
		}
		return missing, extra
	}
	if m, e := live(); m != nil || e != nil {
		t.Error(m, e)
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(raw), "odd.example CNAME *.\n", "more.example CNAME .\n", 1)
	if err := os.WriteFile(c.File, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if m, e := live(); len(m) != 1 || m[0] != rules[1] || len(e) != 1 || e[0].Name != "more.example" {
		t.Errorf("missing %v, extra %v", m, e)
	}
	apply(t, z, nil, nil)
	if m, e := live(); m != nil || e != nil || !maps.Equal(read(), want) {
		t.Error(m, e)
	}
	if err := os.Remove(c.File); err != nil {
		t.Fatal(err)
	}
	if m, _ := live(); len(m) != 3 {
		t.Errorf("without its file nothing is missing: %v", m)
	}
}

func TestWords(t *testing.T) { testkit.Said(t, "rpz", Words) }
