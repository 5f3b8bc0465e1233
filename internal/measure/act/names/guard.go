package names

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// MaxPlaces is how many faulty rules one fault names.
const MaxPlaces = 100

// needed are names that everything else hangs on: the root's and the common
// registries' servers, reverse mapping, and what never leaves a machine or a
// link (RFC 6761, RFC 6762).
var needed = []string{"arpa", "localhost", "local", "root-servers.net", "gtld-servers.net", "dns.jp"}

// Guard says which names are never held back.
type Guard struct {
	kept   map[string]string // name to the code of the sentence that says why
	parent map[string]bool   // proper ancestors of those
}

// NewGuard returns a guard of one's own domains and of others that are never
// held back: they and everything below them. Names are in any form that Parse
// reads; a single label stands for a whole top-level domain.
func NewGuard(own, never []string) (*Guard, error) {
	g := &Guard{kept: map[string]string{}, parent: map[string]bool{}}
	for _, n := range needed {
		g.keep(n, "names.needed")
	}
	for _, list := range []struct {
		names []string
		code  string
	}{{never, "names.never"}, {own, "names.own"}} {
		for _, s := range list.names {
			// A label in front makes a name of a top-level domain too.
			name, err := Parse("x." + strings.TrimSpace(s))
			if err != nil {
				return nil, notName(s)
			}
			g.keep(name[2:], list.code)
		}
	}
	return g, nil
}

func (g *Guard) keep(name, code string) {
	g.kept[name] = code
	for {
		_, up, ok := strings.Cut(name, ".")
		if !ok {
			return
		}
		g.parent[up], name = true, up
	}
}

// Check refuses what must not be held back or is no name at all. The fault has
// a place for each rule, at most MaxPlaces, whose At is the rule's name.
func (g *Guard) Check(kind driver.Kind, rules []driver.Rule) error {
	var bad []fault.Place
	for i := range rules {
		if code := g.refuse(kind, &rules[i]); code != "" {
			if len(bad) == MaxPlaces {
				break
			}
			bad = append(bad, fault.Place{At: shown(rules[i].Name), Code: code})
		}
	}
	if bad == nil {
		return nil
	}
	return fault.New(fault.Invalid, "names.refused", "n", len(bad)).At(bad...)
}

// refuse returns the code of what is wrong with a rule, or nothing.
func (g *Guard) refuse(kind driver.Kind, r *driver.Rule) string {
	switch {
	case r.Kind != kind || r.To.IsValid() || r.From.IsValid() || r.Proto != 0 || r.Port != 0:
		return "names.kind"
	case r.Order == "" || len(r.Order) > maxOrder:
		return "names.order"
	case !Valid(r.Name):
		return "names.invalid"
	case strings.HasPrefix(r.Name[strings.LastIndexByte(r.Name, '.')+1:], "rpz-"):
		// The last labels by which policy zones tell triggers apart
		// (draft-vixie-dnsop-dns-rpz-00 §4): such a name would be an address.
		return "names.trigger"
	case r.Below && g.parent[r.Name]:
		return "names.above"
	}
	for name, ok := r.Name, true; ok; _, name, ok = strings.Cut(name, ".") {
		if code := g.kept[name]; code != "" {
			return code
		}
	}
	if suffix, _ := publicsuffix.PublicSuffix(r.Name); suffix == r.Name {
		return "names.suffix"
	}
	return ""
}
