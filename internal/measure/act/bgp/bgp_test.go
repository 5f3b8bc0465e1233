package bgp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

const (
	orderA = "01900000-0000-7000-8000-00000000000a"
	orderB = "01900000-0000-7000-8000-00000000000b"
)

// with is a speaker of AS 64512 that owns 203.0.113.0/24, 198.51.0.0/16 and 2001:db8::/32.
func with(change func(*Config)) Config {
	c := Default()
	c.AS, c.RouterID, c.NextHop4, c.NextHop6 = 64512, "192.0.2.9", "192.0.2.1", "100::1"
	c.Own, c.Never = []string{"203.0.113.0/24", "198.51.0.0/16", "2001:db8::/32"}, []string{"203.0.113.53/32"}
	c.Peers = []string{"127.0.0.77 as=64513"}
	if change != nil {
		change(&c)
	}
	return c
}

func begin(t testing.TB, c Config, now func() time.Time) *speaker {
	t.Helper()
	s, err := start(c, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-s.done:
		default:
			s.Close()
		}
	})
	return s
}

func hole(to string) driver.Rule {
	return driver.Rule{Order: orderA, Kind: driver.Blackhole, To: netip.MustParsePrefix(to), Until: time.Now().Add(time.Hour)}
}

func flow(to, from string, proto uint8, port uint16) driver.Rule {
	r := driver.Rule{Order: orderA, Kind: driver.FlowSpec, To: netip.MustParsePrefix(to), Proto: proto, Port: port, Until: time.Now().Add(time.Hour)}
	if from != "" {
		r.From = netip.MustParsePrefix(from)
	}
	return r
}

func of(order string, r driver.Rule) driver.Rule { r.Order = order; return r }

func isLive(t testing.TB, s *speaker, want ...driver.Rule) bool {
	t.Helper()
	missing, extra, err := s.Live(context.Background(), want)
	if err != nil {
		t.Fatal(err)
	}
	return len(missing)+len(extra) == 0
}

func apply(t testing.TB, s *speaker, add, remove []driver.Rule) {
	t.Helper()
	if err := s.Apply(context.Background(), add, remove); err != nil {
		t.Fatal(err)
	}
}

func TestARouterIsToldAndForgets(t *testing.T) {
	g := newRouter(t, "127.0.0.31", "127.0.0.32", 64513, 64512, "[neighbors.transport.config]\npassive-mode = true\n[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255")
	s := begin(t, with(func(c *Config) {
		c.Peers = []string{fmt.Sprintf("127.0.0.31 as=64513 port=%d local=127.0.0.32", g.port)}
		c.Communities = []string{"64512:666"}
	}), time.Now)
	rules := []driver.Rule{hole("203.0.113.7/32"), hole("2001:db8::7/128"), flow("198.51.100.0/24", "192.0.2.0/24", 17, 53), flow("2001:db8:1::/48", "2001:db8:ffff::/48", 6, 443), flow("203.0.113.9/32", "", 0, 0)}
	apply(t, s, rules[:1], nil)
	if isLive(t, s, rules[0]) {
		t.Error("live without a session")
	}
	t.Logf("session: %v", until(t, "the session stands", func() bool { return isLive(t, s, rules[0]) }).Round(time.Millisecond))

	apply(t, s, rules, nil)
	took := until(t, "the router has every rule", func() bool {
		return len(g.rib("ipv4"))+len(g.rib("ipv6"))+len(g.rib("ipv4-flowspec"))+len(g.rib("ipv6-flowspec")) == len(rules)
	})
	t.Logf("at the router after %v, which is asked by a program of its own", took.Round(time.Millisecond))
	if !isLive(t, s, rules...) {
		t.Error("not live")
	}
	for _, c := range []struct {
		family, prefix string
		attrs          []string
	}{
		{"ipv4", "203.0.113.7/32", []string{"192.0.2.1", "4294967041", "4294902426", "4227859098"}}, // NO_EXPORT, BLACKHOLE, 64512:666
		{"ipv6", "2001:db8::7/128", []string{"100::1", "4294967041", "4294902426"}},
		{"ipv4-flowspec", "[destination: 198.51.100.0/24][source: 192.0.2.0/24][protocol: ==udp][destination-port: ==53]", []string{"4294967041", `"rate":0`}},
		{"ipv6-flowspec", "[destination: 2001:db8:1::/48/0][source: 2001:db8:ffff::/48/0][protocol: ==tcp][destination-port: ==443]", []string{"4294967041", `"rate":0`}},
		{"ipv4-flowspec", "[destination: 203.0.113.9/32]", []string{"4294967041", `"rate":0`}},
	} {
		got, ok := g.rib(c.family)[c.prefix]
		if !ok {
			t.Errorf("%s: %s is not there: %v", c.family, c.prefix, g.rib(c.family))
		}
		for _, a := range c.attrs {
			if !strings.Contains(got, a) {
				t.Errorf("%s: no %s in %s", c.prefix, a, got)
			}
		}
	}

	one := flow("198.51.100.8/32", "", 6, 0)
	at := time.Now()
	apply(t, s, []driver.Rule{one}, nil)
	until(t, "one more", func() bool { return len(g.rib("ipv4-flowspec")) == 3 })
	t.Logf("one rule live after %v", time.Since(at).Round(time.Millisecond))

	apply(t, s, nil, append(rules[1:], one))
	until(t, "what is taken away is gone", func() bool {
		return len(g.rib("ipv4")) == 1 && len(g.rib("ipv6"))+len(g.rib("ipv4-flowspec"))+len(g.rib("ipv6-flowspec")) == 0
	})
	short := hole("203.0.113.8/32")
	short.Until = time.Now().Add(1500 * time.Millisecond)
	apply(t, s, []driver.Rule{short}, nil)
	until(t, "it is there", func() bool { return len(g.rib("ipv4")) == 2 })
	until(t, "it ends by itself", func() bool { return len(g.rib("ipv4")) == 1 })
	if late := time.Since(short.Until); late < 0 || late > 2*time.Second {
		t.Errorf("ended %v after its end", late)
	}
	if !isLive(t, s, rules[0], short) {
		t.Error("not live after one ended")
	}

	// The router announces a default route, and nothing of it is taken over.
	if _, err := g.ask("global", "rib", "add", "-a", "ipv4", "0.0.0.0/0", "nexthop", "127.0.0.31"); err != nil {
		t.Fatal(err)
	}
	var heard uint64
	until(t, "it is heard", func() bool {
		_ = s.bgp.ListPeer(context.Background(), &api.ListPeerRequest{}, func(p *api.Peer) {
			for _, a := range p.AfiSafis {
				heard += a.State.Received
			}
		})
		return heard > 0
	})
	_ = s.bgp.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_GLOBAL, Family: bgp.RF_IPv4_UC}, func(n bgp.NLRI, _ []*apiutil.Path) {
		if n.String() != "203.0.113.7/32" {
			t.Errorf("learned %s", n)
		}
	})
	s.Close()
	until(t, "Close withdraws all", func() bool { _, there := g.rib("ipv4")["203.0.113.7/32"]; return !there })
}

func TestARouterInsideDialsWithAPassword(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "md5")
	if err := os.WriteFile(secret, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := listensOn(t, "127.0.0.42")
	s := begin(t, with(func(c *Config) {
		c.Listen, c.ListenOn = ours, []string{"127.0.0.42"}
		c.Peers = []string{"127.0.0.41 as=64512 passive plain_ttl flowspec password_file=" + secret}
	}), time.Now)
	g := newRouter(t, "127.0.0.41", "127.0.0.42", 64512, 64512, fmt.Sprintf("auth-password = \"correct horse\"\n[neighbors.transport.config]\nremote-port = %d\nlocal-address = \"127.0.0.41\"\n[neighbors.timers.config]\nconnect-retry = 1\nidle-hold-time-after-reset = 1", ours))
	rule := flow("198.51.100.0/24", "", 17, 123)
	apply(t, s, []driver.Rule{rule}, nil)
	until(t, "live", func() bool { return isLive(t, s, rule) })
	until(t, "the router has it", func() bool { return len(g.rib("ipv4-flowspec")) == 1 })
	err := s.Apply(context.Background(), []driver.Rule{hole("203.0.113.7/32")}, nil)
	if f := fault.Of(err); len(f.Places) != 1 || f.Places[0].Code != "measure.bgp.bad.nobody" {
		t.Errorf("a blackhole that nobody is told: %v", err)
	}
	g.stop()
	until(t, "a lost router is missing", func() bool { return !isLive(t, s, rule) })
}

func TestOrdersShareARoute(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	clock := testkit.NewClock()
	clock.Pass(now.Sub(clock.Now()))
	s := begin(t, with(nil), clock.Now)
	a, b := hole("203.0.113.7/32"), of(orderB, hole("203.0.113.7/32"))
	a.Until, b.Until = now.Add(time.Hour), now.Add(2*time.Hour)
	routes := func() (n int) {
		for _, f := range families {
			_ = s.bgp.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_GLOBAL, Family: f}, func(bgp.NLRI, []*apiutil.Path) { n++ })
		}
		return n
	}
	extra := func(want ...driver.Rule) []driver.Rule {
		_, extra, err := s.Live(context.Background(), want)
		if err != nil {
			t.Fatal(err)
		}
		return extra
	}
	apply(t, s, []driver.Rule{a, b}, nil)
	apply(t, s, []driver.Rule{a, b}, nil)
	if routes() != 1 || len(extra()) != 2 || len(extra(a)) != 1 {
		t.Fatalf("%d routes, extra %v", routes(), extra())
	}
	apply(t, s, nil, []driver.Rule{a, a})
	if routes() != 1 || len(extra(b)) != 0 {
		t.Fatal("the other order's route went")
	}
	apply(t, s, []driver.Rule{a}, []driver.Rule{a})
	clock.Pass(time.Hour)
	if s.expire(); routes() != 1 || len(extra()) != 1 {
		t.Fatal("the longer order ended with the shorter")
	}
	clock.Pass(time.Hour)
	if s.expire(); routes() != 0 || len(s.held) != 0 {
		t.Fatal("nothing ended")
	}
	apply(t, s, []driver.Rule{a}, nil) // its end has passed
	if routes() != 0 || len(extra()) != 0 {
		t.Error("what has ended was announced")
	}
}

func TestAChangeIsWholeOrNothing(t *testing.T) {
	s := begin(t, with(nil), time.Now)
	first := hole("203.0.113.7/32")
	apply(t, s, []driver.Rule{first}, nil)
	err := s.Apply(context.Background(), []driver.Rule{hole("203.0.113.8/32"), hole("192.0.2.1/32")}, []driver.Rule{first})
	if fault.Of(err).Code != "measure.bgp.refused" || len(s.held) != 1 {
		t.Errorf("%v, %d held", err, len(s.held))
	}
	// The speaker itself refuses one of two: the other is not left behind.
	bad := &apiutil.Path{Family: bgp.RF_IPv4_UC, Nlri: s.held[keyOf(first)].path.Nlri}
	good, err := s.route(keyOf(hole("203.0.113.9/32")))
	if err != nil {
		t.Fatal(err)
	}
	k1, k2 := keyOf(hole("203.0.113.9/32")), keyOf(hole("203.0.113.10/32"))
	if s.tell(map[key]*held{k1: {path: good}, k2: {path: bad}}, []key{k1, k2}, nil) == nil {
		t.Error("a route without a next hop was taken")
	}
	_ = s.bgp.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_GLOBAL, Family: bgp.RF_IPv4_UC}, func(n bgp.NLRI, _ []*apiutil.Path) {
		if n.String() != "203.0.113.7/32" {
			t.Errorf("%s was left behind", n)
		}
	})
}

func TestShowSaysAndTouchesNothing(t *testing.T) {
	s := begin(t, with(func(c *Config) { c.Peers = []string{"127.0.0.77 as=64513 flowspec", "127.0.0.78 as=64514"} }), time.Now)
	old := hole("203.0.113.7/32")
	apply(t, s, []driver.Rule{old}, nil)
	lines, more, err := s.Show([]driver.Rule{flow("198.51.100.0/24", "", 17, 53), hole("203.0.113.8/32"), old}, []driver.Rule{old})
	if err != nil || more != 0 || len(s.held) != 1 {
		t.Fatal(err, more, len(s.held))
	}
	want := []string{
		"announce ipv4-unicast 203.0.113.8/32 {Communities: no-export, blackhole} {Nexthop: 192.0.2.1} → 127.0.0.78",
		"announce ipv4-flowspec [destination: 198.51.100.0/24][protocol: ==udp][destination-port: ==53] {Extcomms: [discard(as: 64512)]} {Communities: no-export} → 127.0.0.77, 127.0.0.78",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
	if lines, _, _ = s.Show(nil, []driver.Rule{old}); len(lines) != 1 || !strings.HasPrefix(lines[0], "withdraw ipv4-unicast 203.0.113.7/32 →") {
		t.Errorf("got %v", lines)
	}
}

func TestADryRunHasNoSessions(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := with(func(c *Config) { c.Listen, c.ListenOn = taken.Addr().(*net.TCPAddr).Port, []string{"127.0.0.1"} })
	if _, err := Open(c); fault.Of(err).Code != "measure.bgp.start" {
		t.Errorf("a port that is taken: %v", err)
	}
	d, err := Dry(c)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := d.Show([]driver.Rule{hole("203.0.113.7/32")}, nil)
	if err != nil || len(lines) != 1 || d.Check([]driver.Rule{hole("192.0.2.1/32")}) == nil {
		t.Errorf("%v %v", lines, err)
	}
	_, _, live := d.Live(t.Context(), nil)
	if err := d.Apply(t.Context(), nil, nil); fault.Of(err).Code != "measure.bgp.dry" || fault.Of(live).Code != "measure.bgp.dry" || d.Close() != nil {
		t.Errorf("%v %v", err, live)
	}
}

func TestRefusals(t *testing.T) {
	s := begin(t, with(func(c *Config) {
		c.NextHop6, c.Most, c.Peers = "", 2, []string{"127.0.0.77 as=64513", "203.0.113.1 as=64513 port=9"}
	}), time.Now)
	change := func(r driver.Rule, f func(*driver.Rule)) driver.Rule { f(&r); return r }
	for _, c := range []struct {
		rule driver.Rule
		code string
	}{
		{hole("0.0.0.0/0"), "never"}, {flow("0.0.0.0/0", "", 0, 0), "never"}, {hole("198.51.0.0/16"), "broad"}, {hole("203.0.113.0/24"), "never"}, {hole("198.51.100.0/31"), "broad"},
		{flow("198.51.0.0/23", "", 0, 0), "broad"}, {flow("2001:db8::/47", "", 0, 0), "broad"}, {flow("::/0", "", 0, 0), "never"},
		{hole("192.0.2.1/32"), "own"}, {flow("192.0.2.0/24", "", 0, 0), "own"}, {flow("2001:db9::/48", "", 0, 0), "own"},
		{hole("203.0.113.1/32"), "never"}, {flow("203.0.113.0/30", "", 0, 0), "never"}, {hole("203.0.113.53/32"), "never"}, {flow("203.0.113.0/24", "", 0, 0), "never"}, {flow("198.51.100.0/24", "203.0.113.53/32", 0, 0), "never"},
		{flow("198.51.100.0/24", "0.0.0.0/0", 0, 0), "never"}, {flow("198.51.100.0/24", "10.0.0.0/7", 0, 0), "source"}, {flow("2001:db8::/48", "::/0", 0, 0), "never"},
		{flow("2001:db8::/48", "64:ff9b::/96", 0, 0), "never"}, {flow("2001:db8::/48", "64:ff9b::cb00:7135/128", 0, 0), "never"}, {flow("2001:db8::/48", "64:ff9b::a00:0/103", 0, 0), "source"},
		{flow("198.51.100.0/24", "2001:db8::/48", 0, 0), "families"}, {flow("198.51.100.0/24", "", 0, 80), "port"}, {flow("198.51.100.0/24", "", 1, 80), "port"},
		{hole("2001:db8::1/128"), "hop"}, {change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.Proto = 6 }), "only"},
		{flow("198.51.100.7/24", "", 0, 0), "prefix"}, {flow("198.51.100.0/24", "192.0.2.1/24", 0, 0), "prefix"}, {flow("::ffff:198.51.100.0/120", "", 0, 0), "prefix"},
		{change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.To = netip.Prefix{} }), "nothing"},
		{change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.Until = time.Time{} }), "until"},
		{change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.Order = "x" }), "order"},
		{change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.Kind = driver.Filter }), "kind"}, {change(hole("203.0.113.7/32"), func(r *driver.Rule) { r.Name = "example.jp" }), "kind"},
	} {
		err := s.Check([]driver.Rule{hole("203.0.113.7/32"), c.rule})
		if f := fault.Of(err); len(f.Places) != 1 || f.Places[0].At != "/1" || f.Places[0].Code != "measure.bgp.bad."+c.code {
			t.Errorf("%s %s: got %v, want %s", c.rule.Kind, c.rule.Packets(), err, c.code)
		}
	}
	apply(t, s, []driver.Rule{hole("203.0.113.7/32")}, nil)
	if err := s.Check([]driver.Rule{hole("203.0.113.7/32"), hole("203.0.113.8/32")}); err != nil {
		t.Error(err)
	}
	if err := s.Check([]driver.Rule{hole("203.0.113.8/32"), hole("203.0.113.9/32")}); fault.Of(err).Code != "measure.bgp.many" {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for key, change := range map[string]func(*Config){
		"as":               func(c *Config) { c.AS = 0 },
		"router_id":        func(c *Config) { c.RouterID = "2001:db8::1" },
		"listen":           func(c *Config) { c.Listen = 0 },
		"listen_on[0]":     func(c *Config) { c.ListenOn = []string{"localhost"} },
		"own":              func(c *Config) { c.Own = nil },
		"own[0]":           func(c *Config) { c.Own = []string{"0.0.0.0/0"} },
		"own[1]":           func(c *Config) { c.Own = []string{"10.0.0.0/8", "128.0.0.0/1"} },
		"never[0]":         func(c *Config) { c.Never = []string{"x"} },
		"next_hop4":        func(c *Config) { c.NextHop4 = "100::1" },
		"next_hop6":        func(c *Config) { c.NextHop6 = "::ffff:192.0.2.1" },
		"communities[0]":   func(c *Config) { c.Communities = []string{"65535:65281"} },
		"flow_floor4":      func(c *Config) { c.FlowFloor4 = 15 },
		"flow_floor6":      func(c *Config) { c.FlowFloor6 = 31 },
		"blackhole_floor4": func(c *Config) { c.BlackholeFloor4 = 23 },
		"blackhole_floor6": func(c *Config) { c.BlackholeFloor6 = 47 },
		"most":             func(c *Config) { c.Most = 20_001 },
		"peers":            func(c *Config) { c.Peers = nil },
		"peers[0]":         func(c *Config) { c.Peers = []string{"router as=1"} },
		"peers[1]":         func(c *Config) { c.Peers = []string{"192.0.2.1 as=1", "192.0.2.1 as=2"} },
		"peers[2]":         func(c *Config) { c.Peers = []string{"192.0.2.1 as=1", "192.0.2.2 as=1", "192.0.2.3"} },
	} {
		_, err := Open(with(change))
		if f := fault.Of(err); f.Code != "measure.bgp.config" || len(f.Places) != 1 || f.Places[0].At != "bgp."+key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	open := filepath.Join(t.TempDir(), "md5")
	if err := os.WriteFile(open, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for word, code := range map[string]string{"password_file=" + open: "open", "as=0": "word", "as=4294967295": "word", "port=0": "word", "hops=65": "word", "passive": "passive", "plain_ttl=1": "word", "colour": "word", "password_file=/nonexistent": "password"} {
		_, err := Open(with(func(c *Config) { c.Peers = []string{"192.0.2.1 as=1 " + word} }))
		if f := fault.Of(err); len(f.Places) == 0 || f.Places[0].Code != "measure.bgp.config."+code {
			t.Errorf("%s: got %v", word, err)
		}
	}
}

func TestEverySentenceIsSpoken(t *testing.T) { testkit.Said(t, "measure", Words) }
