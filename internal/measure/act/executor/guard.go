package executor

import (
	"net/netip"
	"slices"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// Guarded is what must go on working, whatever is ordered: names of one's own and
// those that one's work hangs on, and networks.
type Guarded struct {
	Names    []string `toml:"names"`
	Prefixes []string `toml:"prefixes"`
}

// Faults of the guard.
var (
	ErrGuarded = fault.New(fault.Refused, "executor.guarded") // a rule would hold back what must go on working
	ErrGuard   = fault.New(fault.Usage, "executor.guard")     // nothing is named that must go on working
)

// guard finds rules that hold back what must go on working.
type guard struct {
	exact  map[string]bool
	parent map[string]bool // the names above them: a rule for these and all below
	nets   []netip.Prefix
}

// maxGuarded bounds the names and the networks of a guard.
const maxGuarded = 10_000

func newGuard(c Guarded) (*guard, error) {
	if len(c.Names)+len(c.Prefixes) == 0 {
		return nil, ErrGuard
	}
	if len(c.Names) > maxGuarded || len(c.Prefixes) > maxGuarded {
		return nil, fault.New(fault.Usage, "executor.guard_many", "max", maxGuarded)
	}
	g := &guard{exact: map[string]bool{}, parent: map[string]bool{}}
	for _, raw := range c.Names {
		n, err := names.Parse(raw)
		if err != nil {
			return nil, err
		}
		g.exact[n] = true
		for _, above, ok := strings.Cut(n, "."); ok; _, above, ok = strings.Cut(above, ".") {
			g.parent[above] = true
		}
	}
	for _, raw := range c.Prefixes {
		p, err := netip.ParsePrefix(raw)
		if a, e := netip.ParseAddr(raw); err != nil && e == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil || p.Bits() == 0 || p.Addr().Is4In6() { // which would guard nothing
			return nil, fault.New(fault.Usage, "executor.guard_prefix", "value", raw)
		}
		g.nets = append(g.nets, p.Masked())
	}
	return g, nil
}

// check refuses the first rule that holds back what must go on working.
func (g *guard) check(rules []driver.Rule) error {
	for i := range rules {
		if what := g.meets(&rules[i]); what != "" {
			return fault.New(fault.Refused, ErrGuarded.Code, "what", what)
		}
	}
	return nil
}

func (g *guard) meets(r *driver.Rule) string {
	if r.Name != "" {
		if g.exact[r.Name] || r.Below && g.parent[r.Name] {
			return r.Name
		}
		return ""
	}
	for _, p := range []netip.Prefix{r.To, r.From} {
		if p.IsValid() && (p.Bits() == 0 || slices.ContainsFunc(g.nets, p.Overlaps)) {
			return p.String()
		}
		if four, ok := driver.Embedded(p); ok && (four.Bits() == 0 || slices.ContainsFunc(g.nets, four.Overlaps)) {
			return p.String()
		}
	}
	return ""
}
