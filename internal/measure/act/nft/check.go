package nft

import (
	"net"
	"net/netip"
	"strconv"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/google/uuid"
)

const mostPlaces = 100 // faults that one refusal lists

// Check refuses what this firewall must not be told. The fault has a place for
// each rule refused, at most 100: /3 is the fourth.
func (f *firewall) Check(rules []driver.Rule) error {
	if err := f.lawful(rules); err != nil {
		return err
	}
	now, err := f.read()
	if err != nil {
		return err
	}
	return f.fits(now, rules)
}

func (f *firewall) lawful(rules []driver.Rule) error {
	own, err := machine()
	if err != nil {
		return fault.New(fault.Internal, "measure.nft.read").Because(err)
	}
	l := law{settings: f.settings, mine: own}
	bad := fault.New(fault.Invalid, "measure.nft.refused")
	n := 0
	for i, r := range rules {
		if code, args := l.refuses(r); code != "" {
			if n++; n <= mostPlaces {
				bad.Places = append(bad.Places, fault.Place{At: "/" + strconv.Itoa(i), Code: code, Args: args})
			}
		}
	}
	if n > 0 {
		bad.Args = fault.Args{"n": n}
		return bad
	}
	return nil
}

// fits refuses rules that are too many with those held: altogether, in what they
// cover, in their shapes, or in the orders that hold the same thing.
func (f *firewall) fits(now *held, rules []driver.Rule) error {
	count, shapes, seen, holds := 0, map[shape]bool{}, map[claim]bool{}, map[key]int{}
	parts := map[bool]float64{} // of all IPv4 and of all IPv6 addresses
	for s, set := range now.sets {
		shapes[s] = len(set) > 0
		for k, e := range set {
			parts[s.six] += k.part()
			count += max(len(e.holds), 1)
			for _, h := range e.holds {
				seen[claim{h.order, k}] = true
			}
		}
	}
	for i, r := range rules {
		k := keyOf(r)
		if seen[claim{r.Order, k}] {
			continue
		}
		seen[claim{r.Order, k}] = true
		count++
		switch e := now.sets[k.shape()][k]; {
		case holds[k] > 0:
		case e != nil:
			holds[k] = len(e.holds)
		default:
			parts[k.shape().six] += k.part()
		}
		if holds[k]++; holds[k] > mostHolds {
			return fault.New(fault.Invalid, "measure.nft.refused", "n", 1).At(fault.Place{At: "/" + strconv.Itoa(i), Code: "measure.nft.bad.holds",
				Args: fault.Args{"rule": r.Packets(), "max": mostHolds}})
		}
		shapes[k.shape()] = true
	}
	used := 0
	for _, is := range shapes {
		if is {
			used++
		}
	}
	switch {
	case count > f.Most:
		return fault.New(fault.TooLarge, "measure.nft.many", "n", count, "max", f.Most)
	case used > mostShape:
		return fault.New(fault.TooLarge, "measure.nft.shapes", "n", used, "max", mostShape)
	case max(parts[false], parts[true]) > mostPart:
		return fault.New(fault.TooLarge, "measure.nft.much")
	}
	return nil
}

// law is what a rule is measured against.
type law struct {
	settings
	mine []netip.Prefix // the addresses of this machine
}

// refuses returns the code of what is wrong with a rule, and nothing when it may be told.
func (l law) refuses(r driver.Rule) (code string, args fault.Args) {
	args = fault.Args{"rule": r.Packets()}
	if _, err := uuid.Parse(r.Order); err != nil || len(r.Order) != 36 {
		return "measure.nft.bad.order", args
	}
	switch {
	case r.Kind != driver.Filter || r.Name != "" || r.Below || r.Answer != "":
		return "measure.nft.bad.kind", args
	case r.Until.IsZero():
		return "measure.nft.bad.until", args
	case !r.To.IsValid() && !r.From.IsValid():
		return "measure.nft.bad.nothing", args
	case r.To.IsValid() && r.From.IsValid() && r.To.Addr().Is4() != r.From.Addr().Is4():
		return "measure.nft.bad.families", args
	case r.Port != 0 && driver.Ported[r.Proto] == "":
		return "measure.nft.bad.port", args
	}
	foreign := false
	for _, p := range []netip.Prefix{r.To, r.From} {
		if !p.IsValid() {
			continue
		}
		if p.Addr().Is4In6() || p != p.Masked() {
			return "measure.nft.bad.prefix", args
		}
		own := false
		for _, face := range faces(p) {
			if code := l.touches(face, args); code != "" {
				return code, args
			}
			_, ours := overlaps(l.own, face)
			_, mine := overlaps(l.mine, face)
			own = own || ours || mine
		}
		foreign = foreign || !own
	}
	if !foreign {
		return "measure.nft.bad.own", args
	}
	return "", nil
}

// faces are a range and the IPv4 addresses that it reaches through a translator.
func faces(p netip.Prefix) []netip.Prefix {
	if four, ok := driver.Embedded(p); ok {
		return []netip.Prefix{p, four}
	}
	return []netip.Prefix{p}
}

// touches says what a range must not: be broad, or lie over what goes on working.
func (l law) touches(p netip.Prefix, args fault.Args) (code string) {
	if floor := l.floor(p); p.Bits() < floor {
		args["floor"] = floor
		return "measure.nft.bad.broad"
	}
	for _, x := range []struct {
		nets []netip.Prefix
		code string
	}{{l.never, "measure.nft.bad.never"}, {always, "measure.nft.bad.always"}} {
		if net, hit := overlaps(x.nets, p); hit {
			args["net"] = net.String()
			return x.code
		}
	}
	return ""
}

func (l law) floor(p netip.Prefix) int {
	if p.Addr().Is4() {
		return l.Floor4
	}
	return l.Floor6
}

func overlaps(list []netip.Prefix, p netip.Prefix) (netip.Prefix, bool) {
	for _, q := range list {
		if q.Overlaps(p) {
			return q, true
		}
	}
	return netip.Prefix{}, false
}

// machine returns the addresses of this machine as they are now.
func machine() ([]netip.Prefix, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				ip = ip.Unmap()
				out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
			}
		}
	}
	return out, nil
}
