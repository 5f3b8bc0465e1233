package nft

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"

	"golang.org/x/sys/unix"
)

const (
	orderA = "01900000-0000-7000-8000-00000000000a"
	orderB = "01900000-0000-7000-8000-00000000000b"
)

func to(prefix string) driver.Rule {
	return driver.Rule{Order: orderA, Kind: driver.Filter, To: netip.MustParsePrefix(prefix), Until: time.Now().Add(time.Hour)}
}

func of(order string, r driver.Rule) driver.Rule { r.Order = order; return r }

// open opens a firewall in a namespace. Its methods have to be called there.
func open(t testing.TB, s *space, c Config) *firewall {
	t.Helper()
	var d driver.Driver
	s.must(t, func() (err error) { d, err = Open(c); return err })
	return d.(*firewall)
}

func apply(t testing.TB, s *space, f *firewall, add, remove []driver.Rule) {
	t.Helper()
	s.must(t, func() error { return f.Apply(context.Background(), add, remove) })
}

// live fails unless the kernel holds exactly these rules.
func live(t testing.TB, s *space, f *firewall, want ...driver.Rule) {
	t.Helper()
	s.must(t, func() error {
		missing, extra, err := f.Live(context.Background(), want)
		if err == nil && len(missing)+len(extra) > 0 {
			err = fmt.Errorf("missing %v, extra %v", missing, extra)
		}
		return err
	})
}

func TestPacketsAreHeldBackAndRecover(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	f := open(t, n.router, Default())
	web := driver.Rule{Order: orderA, Kind: driver.Filter, To: netip.MustParsePrefix("203.0.113.0/24"), From: netip.MustParsePrefix("10.1.0.2/32"), Proto: unix.IPPROTO_TCP, Port: 443, Until: time.Now().Add(time.Hour)}
	back := driver.Rule{Order: orderA, Kind: driver.Filter, From: netip.MustParsePrefix("2001:db8:2:3::/64"), Until: time.Now().Add(time.Hour)}
	for _, c := range []struct {
		name      string
		rules     []driver.Rule
		shut, yet string
	}{
		{"one address", []driver.Rule{to("198.51.100.7/32")}, "198.51.100.7:80", "198.51.100.8:80"},
		{"a prefix", []driver.Rule{to("198.51.100.64/26")}, "198.51.100.127:80", "198.51.100.128:80"},
		{"a prefix of six", []driver.Rule{to("2001:db8:2:1::/64")}, "[2001:db8:2:1::9]:80", "[2001:db8:2:2::9]:80"},
		{"source, protocol and port", []driver.Rule{web}, "203.0.113.9:443", "203.0.113.9:80"},
		{"what comes back", []driver.Rule{back}, "[2001:db8:2:3::1]:80", "[2001:db8:2:4::1]:80"},
		{"one inside another", []driver.Rule{to("198.51.100.0/24"), to("198.51.100.7/32")}, "198.51.100.7:80", "203.0.113.1:80"},
	} {
		t.Log(c.name)
		opens(t, n.client, c.shut)
		apply(t, n.router, f, c.rules, nil)
		live(t, n.router, f, c.rules...)
		shut(t, n.client, n.router, c.shut)
		opens(t, n.client, c.yet)
		apply(t, n.router, f, nil, c.rules)
		live(t, n.router, f)
		opens(t, n.client, c.shut)
	}
}

func TestEachRuleEndsByItselfWithoutUs(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	f := open(t, n.router, Default())
	short, long := to("198.51.100.7/32"), to("198.51.100.8/32")
	short.Until = time.Now().Add(5 * time.Second)
	apply(t, n.router, f, []driver.Rule{short, long}, nil)
	n.router.must(t, f.Close) // and nothing of ours runs
	shut(t, n.client, n.router, "198.51.100.7:80")
	time.Sleep(time.Until(short.Until) + 100*time.Millisecond)
	opens(t, n.client, "198.51.100.7:80")
	shut(t, n.client, n.router, "198.51.100.8:80")
	again := open(t, n.router, Default()) // a new process knows what it finds
	live(t, n.router, again, long)
	live(t, n.router, again, short, long)
	var extra []driver.Rule
	n.router.must(t, func() (err error) { _, extra, err = again.Live(context.Background(), nil); return err })
	if len(extra) != 1 || extra[0].Order != orderA || extra[0].To != long.To || !extra[0].Until.Equal(long.Until.Truncate(time.Millisecond)) {
		t.Errorf("found %v", extra)
	}
}

func TestHooksOfTheMachineItself(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	f := open(t, n.client, with(func(c *Config) { c.Hooks = []string{"input", "output"} }))
	out := to("198.51.100.7/32")
	in := driver.Rule{Order: orderA, Kind: driver.Filter, From: netip.MustParsePrefix("203.0.113.5/32"), Until: time.Now().Add(time.Hour)}
	apply(t, n.client, f, []driver.Rule{out, in}, nil)
	shut(t, n.client, n.client, "198.51.100.7:80")
	shut(t, n.client, n.client, "203.0.113.5:80")
	opens(t, n.client, "203.0.113.6:80")
}

func TestOtherTablesAreNeverTouched(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	says(t, s, `table inet filter { set v4_to32 { type ipv4_addr; elements = { 198.51.100.7 }; }
		chain forward { type filter hook forward priority 0; policy drop; ip daddr @v4_to32 accept; }; }
		table ip noroshi { chain c { counter accept; }; }`, "-f", "-")
	before := says(t, s, "", "list", "table", "inet", "filter") + says(t, s, "", "list", "table", "ip", "noroshi")
	f := open(t, s, with(func(c *Config) { c.ClearOnClose = true }))
	apply(t, s, f, []driver.Rule{to("198.51.100.7/32"), to("198.51.100.0/24")}, nil)
	apply(t, s, f, nil, []driver.Rule{to("198.51.100.7/32")})
	s.must(t, f.Close)
	if after := says(t, s, "", "list", "table", "inet", "filter") + says(t, s, "", "list", "table", "ip", "noroshi"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if all := says(t, s, "", "list", "tables"); strings.Contains(all, "inet noroshi") {
		t.Errorf("not cleared: %s", all)
	}
}

func TestAChangeIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	f := open(t, s, Default())
	apply(t, s, f, []driver.Rule{to("198.51.100.7/32")}, nil)
	before := says(t, s, "", "list", "table", "inet", "noroshi")

	// The kernel refuses the last message of a transaction: an element that is
	// not there cannot be taken away.
	var err error
	s.do(func() {
		now, _ := f.read()
		p := f.plan(now, []driver.Rule{to("203.0.113.1/32"), to("203.0.113.0/24")}, []driver.Rule{to("198.51.100.7/32")})
		k := keyOf(to("192.0.2.99/32"))
		p.del[k.shape()] = append(p.del[k.shape()], change{key: k})
		p.gone = nil
		err = f.commit(context.Background(), p)
	})
	if fault.Of(err).Code != "measure.nft.moved" || !errors.Is(err, unix.ENOENT) {
		t.Fatalf("got %v", err)
	}
	if after := says(t, s, "", "list", "table", "inet", "noroshi"); strip(after) != strip(before) {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}

	// One rule of many that must not be told, and none is.
	s.do(func() {
		err = f.Apply(context.Background(), []driver.Rule{to("203.0.113.1/32"), to("127.0.0.1/32")}, []driver.Rule{to("198.51.100.7/32")})
	})
	if fault.Of(err).Code != "measure.nft.refused" {
		t.Errorf("got %v", err)
	}
	live(t, s, f, to("198.51.100.7/32"))
}

// strip takes away what a listing says of passing time.
func strip(listing string) string {
	words := strings.Fields(listing)
	for i, w := range words {
		if w == "expires" && i+1 < len(words) {
			words[i+1] = "…"
		}
	}
	return strings.Join(words, " ")
}

func TestOrdersShareWhatTheyHold(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	f := open(t, s, Default())
	a, b := to("198.51.100.7/32"), of(orderB, to("198.51.100.7/32"))
	b.Until = a.Until.Add(time.Hour)
	apply(t, s, f, []driver.Rule{a}, nil)
	apply(t, s, f, []driver.Rule{b}, nil)
	live(t, s, f, a, b)
	apply(t, s, f, []driver.Rule{b, a}, nil) // told twice
	live(t, s, f, a, b)
	apply(t, s, f, nil, []driver.Rule{b, b})
	live(t, s, f, a) // and it ends when a does
	longer := a
	longer.Until = a.Until.Add(24 * time.Hour)
	apply(t, s, f, []driver.Rule{longer}, []driver.Rule{a})
	live(t, s, f, longer)
	var missing []driver.Rule
	s.must(t, func() (err error) { missing, _, err = f.Live(context.Background(), []driver.Rule{a}); return err })
	if len(missing) != 1 {
		t.Error("a rule that ends at another time is not missing")
	}
	var many []driver.Rule
	for i := range mostHolds {
		many = append(many, of(fmt.Sprintf("01900000-0000-7000-8000-0000000001%02d", i), a))
	}
	var err error
	s.do(func() { err = f.Apply(context.Background(), many, nil) })
	if places := fault.Of(err).Places; len(places) != 1 || places[0].Code != "measure.nft.bad.holds" || places[0].At != "/3" {
		t.Errorf("got %v", err)
	}
	past := to("203.0.113.1/32")
	past.Until = time.Now().Add(-time.Hour)
	apply(t, s, f, []driver.Rule{past}, nil)
	live(t, s, f, longer, past)
}

func TestTamperingIsSeenAndHealed(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	f := open(t, s, with(func(c *Config) { c.Hooks = []string{"forward", "input"} }))
	rule := to("198.51.100.7/32")
	apply(t, s, f, []driver.Rule{rule}, nil)
	live(t, s, f, rule)
	for _, act := range []string{
		"flush chain inet noroshi forward",
		"insert rule inet noroshi input accept",
		"insert rule inet noroshi input socket transparent 1 accept",
		"delete element inet noroshi v4_to32 { 198.51.100.7 }",
		"add table inet noroshi { flags dormant; }",
		"flush table inet noroshi; delete chain inet noroshi forward",
		"flush table inet noroshi; delete chain inet noroshi forward; add chain inet noroshi forward { type filter hook prerouting priority 0; }",
		"delete table inet noroshi",
	} {
		says(t, s, act, "-f", "-")
		var missing []driver.Rule
		s.must(t, func() (err error) { missing, _, err = f.Live(context.Background(), []driver.Rule{rule}); return err })
		if len(missing) != 1 {
			t.Errorf("%s: nothing is missing", act)
		}
		s.must(t, func() error {
			if err := f.Apply(context.Background(), []driver.Rule{rule}, nil); err != nil {
				return fmt.Errorf("%s: %w", act, err)
			}
			return nil
		})
		live(t, s, f, rule)
	}
	says(t, s, "add element inet noroshi v4_to32 { 198.51.100.9 }", "-f", "-")
	var extra []driver.Rule
	s.must(t, func() (err error) { _, extra, err = f.Live(context.Background(), []driver.Rule{rule}); return err })
	if len(extra) != 1 || extra[0].Order != nobody || extra[0].To.String() != "198.51.100.9/32" {
		t.Fatalf("extra %v", extra)
	}
	apply(t, s, f, nil, extra)
	live(t, s, f, rule)
}

func TestShowIsWhatNftWouldDo(t *testing.T) {
	t.Parallel()
	a, b := newSpace(t), newSpace(t)
	rules := []driver.Rule{to("198.51.100.7/32"), to("198.51.100.0/24"), to("2001:db8:2::/48"),
		{Order: orderA, Kind: driver.Filter, To: netip.MustParsePrefix("203.0.113.0/25"), From: netip.MustParsePrefix("192.0.2.0/24"), Proto: 17, Port: 53, Until: time.Now().Add(time.Hour)},
		{Order: orderA, Kind: driver.Filter, From: netip.MustParsePrefix("2001:db8:9::/64"), Proto: 58, Until: time.Now().Add(time.Hour)}}
	f, g := open(t, a, Default()), open(t, b, Default())
	var lines []string
	step := func(add, remove []driver.Rule) {
		t.Helper()
		a.must(t, func() (err error) { lines, _, err = f.Show(add, remove); return err })
		says(t, a, strings.Join(lines, "\n"), "-f", "-")
		apply(t, b, g, add, remove)
		if x, y := strip(says(t, a, "", "-n", "list", "ruleset")), strip(says(t, b, "", "-n", "list", "ruleset")); blurred(x) != blurred(y) {
			t.Fatalf("shown:\n%s\nthen:\n%s\ndone:\n%s", strings.Join(lines, "\n"), x, y)
		}
	}
	step(rules, nil)
	live(t, a, f, rules...)
	step(nil, rules[:2])
	step(rules[:1], rules[2:])
	live(t, a, f, rules[0])
	before := says(t, b, "", "list", "ruleset")
	b.must(t, func() (err error) { lines, _, err = g.Show(nil, rules); return err })
	if after := says(t, b, "", "list", "ruleset"); strip(after) != strip(before) || len(lines) == 0 {
		t.Error("a dry run touched the table")
	}
	b.must(t, func() (err error) { lines, _, err = g.Show(rules[:1], nil); return err })
	if len(lines) != 0 {
		t.Errorf("what is there already is shown: %v", lines)
	}
}

// processor is the time that this process, and the kernel for it, has computed.
func processor() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Round(time.Millisecond)
}

// blurred takes the milliseconds of timeouts away.
func blurred(listing string) string {
	words := strings.Fields(listing)
	for i, w := range words {
		if w == "timeout" && i+1 < len(words) && words[i+1] != ";" {
			words[i+1] = "…"
		}
	}
	return strings.Join(words, " ")
}

func TestAHundredThousandElements(t *testing.T) {
	s := newSpace(t)
	f := open(t, s, with(func(c *Config) { c.Most = 110_000 }))
	many := make([]driver.Rule, 100_000)
	for i := range many {
		many[i] = to(netip.PrefixFrom(netip.AddrFrom4([4]byte{60, byte(i >> 16), byte(i >> 8), byte(i)}), 32).String())
	}
	timed := func(name string, fn func()) {
		at, used := time.Now(), processor()
		fn()
		t.Logf("%s: %v, processor time %v", name, time.Since(at).Round(time.Millisecond), processor()-used)
	}
	timed("add 100,000", func() { apply(t, s, f, many, nil) })
	timed("compare", func() { live(t, s, f, many...) })
	one := to("61.0.0.1/32")
	timed("one more", func() { apply(t, s, f, []driver.Rule{one}, nil) })
	timed("remove 100,000", func() { apply(t, s, f, nil, many) })
	live(t, s, f, one)
}

// TestRandomChangesAreTheirTwin holds the kernel against a plain map, while
// somebody else changes other tables and, now and then, ours.
func TestRandomChangesAreTheirTwin(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	f := open(t, s, Default())
	rnd := rand.New(rand.NewPCG(1, 2))
	nets := []string{"198.51.100.0/24", "198.51.100.0/25", "198.51.100.7/32", "203.0.113.0/24", "203.0.113.0/32", "2001:db8::/48", "2001:db8::/64"}
	type id struct{ order, to string }
	twin := map[id]driver.Rule{}
	some := func() (list []driver.Rule) {
		for range rnd.IntN(5) {
			r := of([]string{orderA, orderB, orderA[:35] + "c"}[rnd.IntN(3)], to(nets[rnd.IntN(len(nets))]))
			r.Until = r.Until.Add(time.Duration(rnd.IntN(3)) * time.Hour)
			list = append(list, r)
		}
		return list
	}
	for i := range 150 {
		add, remove := some(), some()
		for _, r := range remove {
			delete(twin, id{r.Order, r.To.String()})
		}
		for _, r := range add {
			twin[id{r.Order, r.To.String()}] = r
		}
		apply(t, s, f, add, remove)
		switch rnd.IntN(10) {
		case 0:
			says(t, s, fmt.Sprintf("add table ip other%d", i), "-f", "-")
		case 1:
			f = open(t, s, Default())
		}
		want := slices.Collect(maps.Values(twin))
		if rnd.IntN(4) == 0 {
			continue // the next change begins from what was kept
		}
		live(t, s, f, want...)
		if len(want) > 0 && rnd.IntN(8) == 0 {
			says(t, s, "delete table inet noroshi", "-f", "-")
			apply(t, s, f, want, nil)
			live(t, s, f, want...)
		}
	}
}

// TestTheCapabilityIsAllThatIsNeeded runs this test again as nobody, with
// CAP_NET_ADMIN and without.
func TestTheCapabilityIsAllThatIsNeeded(t *testing.T) {
	if os.Getenv("NOROSHI_NFT_CHILD") != "" {
		f, err := Open(Default())
		if err == nil {
			err = f.Apply(context.Background(), []driver.Rule{to("198.51.100.7/32")}, nil)
		}
		fmt.Println("uid", os.Getuid(), "code", fault.Of(err))
		return
	}
	s := newSpace(t)
	// Where nobody may read it: a test's own program lies in a folder of root's.
	program := filepath.Join(t.TempDir(), "child")
	raw, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(program, raw, 0o755), os.Chmod(filepath.Dir(program), 0o755), os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		caps []uintptr
		want string
	}{{[]uintptr{unix.CAP_NET_ADMIN}, "uid 65534 code <nil>"}, {nil, "uid 65534 code measure.nft.capability"}} {
		var out []byte
		s.do(func() {
			cmd := exec.Command(program, "-test.run", "^TestTheCapabilityIsAllThatIsNeeded$")
			cmd.Env = append(os.Environ(), "NOROSHI_NFT_CHILD=1")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: c.caps}
			out, _ = cmd.CombinedOutput()
		})
		if !strings.Contains(string(out), c.want) {
			t.Errorf("want %s, got %.500s", c.want, out)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.must(t, func() error { return nil })
	f := open(t, s, with(func(c *Config) {
		c.Own, c.Never, c.Most = []string{"10.0.0.0/8", "2001:db8::/32"}, []string{"192.0.2.53/32"}, 3
	}))
	from := func(r driver.Rule, p string) driver.Rule { r.From = netip.MustParsePrefix(p); return r }
	bare := func(change func(*driver.Rule)) driver.Rule { r := to("198.51.100.7/32"); change(&r); return r }
	for _, c := range []struct {
		rule driver.Rule
		code string
	}{
		{to("0.0.0.0/0"), "broad"}, {to("::/0"), "broad"}, {to("198.51.0.0/16"), "broad"}, {to("2400::/32"), "broad"},
		{to("10.1.2.3/32"), "own"}, {to("2001:db8:7::/48"), "own"}, {from(to("10.1.2.3/32"), "10.2.0.0/16"), "broad"}, {from(to("10.1.2.3/32"), "10.2.0.0/24"), "own"},
		{to("192.0.2.0/24"), "never"}, {from(to("198.51.100.7/32"), "192.0.2.53/32"), "never"},
		{to("127.0.0.1/32"), "always"}, {to("224.0.0.5/32"), "always"}, {to("ff02::1/128"), "always"}, {to("fe80::/64"), "always"}, {to("::1/128"), "always"},
		{to("64:ff9b::/96"), "broad"}, {to("64:ff9b:1::/48"), "broad"}, {to("64:ff9b::c000:235/128"), "never"}, {to("2002:c000:235::/48"), "never"}, {to("64:ff9b::7f00:1/128"), "always"}, {to("64:ff9b::a01:203/128"), "own"},
		{from(to("198.51.100.7/32"), "2001:db8::1/128"), "families"},
		{bare(func(r *driver.Rule) { r.To = netip.MustParsePrefix("198.51.100.7/24") }), "prefix"},
		{bare(func(r *driver.Rule) { r.To = netip.MustParsePrefix("::ffff:198.51.100.7/128") }), "prefix"},
		{bare(func(r *driver.Rule) { r.To = netip.Prefix{} }), "nothing"},
		{bare(func(r *driver.Rule) { r.Port = 80 }), "port"}, {bare(func(r *driver.Rule) { r.Port, r.Proto = 80, 1 }), "port"},
		{bare(func(r *driver.Rule) { r.Until = time.Time{} }), "until"},
		{bare(func(r *driver.Rule) { r.Order = "7" }), "order"}, {bare(func(r *driver.Rule) { r.Order = orderA[:35] + "," }), "order"},
		{bare(func(r *driver.Rule) { r.Kind = driver.FlowSpec }), "kind"}, {bare(func(r *driver.Rule) { r.Name = "example.jp" }), "kind"},
	} {
		var err error
		s.do(func() { err = f.Check([]driver.Rule{to("198.51.100.7/32"), c.rule}) })
		if places := fault.Of(err).Places; len(places) != 1 || places[0].At != "/1" || places[0].Code != "measure.nft.bad."+c.code {
			t.Errorf("%v: got %v, want %s", c.rule.Packets(), err, c.code)
		}
	}
	var err error
	s.do(func() { err = f.Check([]driver.Rule{from(to("10.1.2.3/32"), "198.51.100.0/24")}) })
	if err != nil {
		t.Errorf("one's own on one side: %v", err)
	}
	apply(t, s, f, []driver.Rule{to("198.51.100.1/32"), to("198.51.100.2/32")}, nil)
	s.do(func() {
		err = f.Check([]driver.Rule{to("198.51.100.1/32"), to("198.51.100.3/32"), to("198.51.100.4/32")})
	})
	if fault.Of(err).Code != "measure.nft.many" {
		t.Errorf("got %v", err)
	}
	g := open(t, s, with(func(c *Config) { c.Floor4, c.Floor6 = 8, 16 }))
	var shapes []driver.Rule
	for i := 8; i <= 32; i++ {
		for j := 24; j <= 32; j++ {
			shapes = append(shapes, from(to(netip.PrefixFrom(netip.MustParseAddr("64.0.0.0"), i).String()), netip.PrefixFrom(netip.MustParseAddr("198.51.100.0"), j).String()))
		}
	}
	s.do(func() { err = g.Check(shapes) })
	if fault.Of(err).Code != "measure.nft.shapes" {
		t.Errorf("got %v", err)
	}
	var pieces []driver.Rule
	for i := range 64 { // a quarter of all, beside what is held
		pieces = append(pieces, to(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i)}), 8).String()))
	}
	s.do(func() { err = g.Check(pieces[:63]) })
	if err != nil {
		t.Errorf("less than a quarter: %v", err)
	}
	s.do(func() { err = g.Check(pieces) })
	if fault.Of(err).Code != "measure.nft.much" {
		t.Errorf("everything in pieces: %v", err)
	}
	wire(t, s, newSpace(t), "up", "down", []string{"198.51.100.77/24"}, nil)
	s.do(func() { err = g.Check([]driver.Rule{to("198.51.100.0/24")}) })
	if places := fault.Of(err).Places; len(places) != 1 || places[0].Code != "measure.nft.bad.own" {
		t.Errorf("this machine's own address: %v", err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for key, change := range map[string]func(*Config){
		"table":    func(c *Config) { c.Table = "x; flush ruleset" },
		"hooks":    func(c *Config) { c.Hooks = nil },
		"hooks[0]": func(c *Config) { c.Hooks = []string{"prerouting"} },
		"hooks[1]": func(c *Config) { c.Hooks = []string{"input", "input"} },
		"floor4":   func(c *Config) { c.Floor4 = 7 },
		"floor6":   func(c *Config) { c.Floor6 = 129 },
		"most":     func(c *Config) { c.Most = mostRules + 1 },
		"own[1]":   func(c *Config) { c.Own = []string{"10.0.0.0/8", "10.0.0.1"} },
		"never[0]": func(c *Config) { c.Never = []string{"::ffff:10.0.0.0/104"} },
		"never":    func(c *Config) { c.Never = make([]string, mostNets+1) },
	} {
		_, err := Open(with(change))
		if f := fault.Of(err); f.Code != "measure.nft.config" || len(f.Places) != 1 || f.Places[0].At != "nft."+key {
			t.Errorf("%s: got %.200v", key, err)
		}
	}
}

func TestNamesOfSetsAndKeysAreReadBack(t *testing.T) {
	for _, r := range []driver.Rule{to("198.51.100.7/32"), to("2001:db8::/48"),
		{From: netip.MustParsePrefix("192.0.2.0/24"), Proto: 6, Port: 443}, {From: netip.MustParsePrefix("2001:db8::/48"), To: netip.MustParsePrefix("2001:db8:1::/64"), Proto: 17}} {
		k := keyOf(r)
		s, ok := shapeOf(k.shape().String())
		got, fine := s.key(k.bytes())
		if !ok || !fine || s != k.shape() || got != k || len(k.bytes()) != int(s.datatype().Bytes) {
			t.Errorf("%v: %v %v %v %v", r, s, ok, got, fine)
		}
	}
	for _, name := range []string{"", "v4", "v4_to33", "v4_to-1", "v4_to24_from24", "v5_to24", "v4_to24_port", "v4_to024", "map", "v6_to129", "v4_proto"} {
		if s, ok := shapeOf(name); ok {
			t.Errorf("%q is read as %v", name, s)
		}
	}
	holds := []hold{{orderA, time.UnixMilli(1_900_000_000_123).UTC()}, {orderB, time.UnixMilli(1).UTC()}}
	if got := holdsOf(comment(holds)); !reflect.DeepEqual(got, holds) {
		t.Errorf("%v", got)
	}
	for _, c := range []string{"", "x", orderA, "a@b", "a@1,", strings.Repeat("a@1,", mostHolds) + "a@1"} {
		if got := holdsOf(c); got != nil {
			t.Errorf("%q: %v", c, got)
		}
	}
}

func TestEverySentenceIsSpoken(t *testing.T) { testkit.Said(t, "measure", Words) }

func with(change func(*Config)) Config {
	c := Default()
	change(&c)
	return c
}
