package nft

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
)

// Config is one firewall.
type Config struct {
	Table        string           `toml:"table"`          // name of the table of our own, family inet; empty: noroshi
	Hooks        []string         `toml:"hooks"`          // where packets are looked at: forward, input, output; empty: forward
	Own          []netip.Prefix   `toml:"own"`            // one's own networks: never all that a rule names
	Never        []netip.Prefix   `toml:"never"`          // what no rule may touch on either side: management, resolvers
	Floor4       int              `toml:"floor4"`         // shortest IPv4 prefix, 0: 24
	Floor6       int              `toml:"floor6"`         // shortest IPv6 prefix, 0: 48
	Most         int              `toml:"most"`           // how many rules at once, 0: 100,000
	ClearOnClose bool             `toml:"clear_on_close"` // Close takes the table away; otherwise each rule stays until its own end
	Now          func() time.Time `toml:"-"`              // nil: time.Now
}

// Bounds that no configuration moves.
const (
	lowest4   = 8       // no rule is shorter, whatever the floor says
	lowest6   = 16      //
	mostRules = 500_000 // about 250 MB of kernel memory
	mostShape = 64      // lookups that a packet can cost
	mostNets  = 1_000   // own and never
	mostHolds = 4       // orders that hold one and the same thing: a comment has 255 bytes
)

// always is what no firewall may be told to hold, in either family: without it
// the machine, or its link, stops working.
var always = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/127"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// filled returns the configuration with what was left open, or a fault that
// names every key that cannot be so.
func (c Config) filled() (Config, error) {
	bad := fault.New(fault.Invalid, "measure.nft.config")
	wrong := func(at, code string, pairs ...any) {
		bad = bad.At(fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
	if c.Table == "" {
		c.Table = "noroshi"
	}
	if !tableName.MatchString(c.Table) {
		wrong("table", "measure.nft.config.table")
	}
	if len(c.Hooks) == 0 {
		c.Hooks = []string{"forward"}
	}
	for i, h := range c.Hooks {
		if _, ok := hooks[h]; !ok || slices.Contains(c.Hooks[:i], h) {
			wrong("hooks", "measure.nft.config.hook", "hook", h)
		}
	}
	between := func(at string, n *int, preset, low, high int) {
		if *n == 0 {
			*n = preset
		}
		if *n < low || *n > high {
			wrong(at, "measure.nft.config.range", "low", low, "high", high)
		}
	}
	between("floor4", &c.Floor4, 24, lowest4, 32)
	between("floor6", &c.Floor6, 48, lowest6, 128)
	between("most", &c.Most, 100_000, 1, mostRules)
	if len(c.Own)+len(c.Never) > mostNets {
		wrong("own", "measure.nft.config.nets", "max", mostNets)
	}
	for i, p := range slices.Concat(c.Own, c.Never) {
		if !p.IsValid() || p.Addr().Is4In6() {
			wrong("own, never: "+strconv.Itoa(i+1), "measure.nft.config.prefix")
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(bad.Places) > 0 {
		return c, bad
	}
	return c, nil
}
