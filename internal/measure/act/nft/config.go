package nft

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// Config is the section of a firewall; what its keys are for is said in
// the template of a configuration (executor.Template).
type Config struct {
	Table        string   `toml:"table"`
	Hooks        []string `toml:"hooks"`
	Own          []string `toml:"own"`
	Never        []string `toml:"never"`
	Floor4       int      `toml:"floor4"`
	Floor6       int      `toml:"floor6"`
	Most         int      `toml:"most"`
	ClearOnClose bool     `toml:"clear_on_close"`
}

// Default returns the section of an empty file.
func Default() Config {
	return Config{Table: "noroshi", Hooks: []string{"forward"}, Own: []string{}, Never: []string{}, Floor4: 24, Floor6: 48, Most: 100_000}
}

// Bounds that no configuration moves.
const (
	lowest4   = 8       // no rule is shorter, whatever the floor says
	lowest6   = 16      //
	mostRules = 500_000 // about 250 MB of kernel memory
	mostShape = 64      // lookups that a packet can cost
	mostNets  = 1_000   // own and never
	mostHolds = 4       // orders that hold one and the same thing: a comment has 255 bytes
	mostPart  = 0.25    // of all addresses of a family, in however many pieces
)

// always is what no firewall may be told to hold, in either family: without it
// the machine, or its link, stops working.
var always = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// settings are a Config that was read and found good.
type settings struct {
	Config
	own, never []netip.Prefix
	now        func() time.Time
}

// read checks a Config; the fault has a place for each key that is wrong.
func (c Config) read() (s settings, err error) {
	s = settings{Config: c, now: driver.Steady()}
	bad := fault.New(fault.Invalid, "measure.nft.config")
	wrong := func(at, code string, pairs ...any) {
		bad = bad.At(fault.Place{At: "nft." + at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
	if !tableName.MatchString(c.Table) {
		wrong("table", "measure.nft.config.table")
	}
	if len(c.Hooks) == 0 {
		wrong("hooks", "measure.nft.config.hook", "hook", "")
	}
	for i, h := range c.Hooks {
		if _, ok := hooks[h]; !ok || slices.Contains(c.Hooks[:i], h) {
			wrong("hooks["+strconv.Itoa(i)+"]", "measure.nft.config.hook", "hook", h)
		}
	}
	for _, n := range []struct {
		key            string
		is, least, max int
	}{{"floor4", c.Floor4, lowest4, 32}, {"floor6", c.Floor6, lowest6, 128}, {"most", c.Most, 1, mostRules}} {
		if n.is < n.least || n.is > n.max {
			wrong(n.key, "measure.nft.config.range", "low", n.least, "high", n.max)
		}
	}
	nets := func(key string, list []string) (out []netip.Prefix) {
		if len(list) > mostNets {
			wrong(key, "measure.nft.config.nets", "max", mostNets)
			return nil
		}
		for i, text := range list {
			p, err := netip.ParsePrefix(text)
			if err != nil || p.Addr().Is4In6() {
				wrong(key+"["+strconv.Itoa(i)+"]", "measure.nft.config.prefix")
				continue
			}
			out = append(out, p.Masked())
		}
		return out
	}
	s.own, s.never = nets("own", c.Own), nets("never", c.Never)
	if len(bad.Places) > 0 {
		return s, bad
	}
	return s, nil
}
