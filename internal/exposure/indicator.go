package exposure

import (
	"net/netip"
	"slices"
	"strings"

	"noroshi/internal/intel"
)

// maxLooked bounds the indicators of published items that a register is held
// against, the newest items first.
const maxLooked = 200_000

// looked is the addresses, networks and domains of published items, sorted so
// that what touches an entry of a register is found without going through all.
// It is made of decrypted items and stays in memory.
type looked struct {
	refs     []ref
	nets     map[netip.Prefix][]int // places in refs
	inOrder  []int                  // those with a network, by first address
	names    map[string][]int       // whole domains
	reversed []int                  // those with a domain, by reversed labels
}

// ref is one indicator of one item.
type ref struct {
	item  string
	value string // as the item has it
	Indicator
	key string // reversed labels of a domain
}

// lookedOf takes what of items can be in a register.
func lookedOf(items []*intel.Item) *looked {
	l := &looked{nets: map[netip.Prefix][]int{}, names: map[string][]int{}}
	for _, it := range slices.Backward(items) {
		for _, x := range it.Indicators {
			ind, ok := ParseIndicator(x.Host())
			if !ok || len(l.refs) >= maxLooked {
				continue
			}
			l.refs = append(l.refs, ref{item: it.ID, value: x.Value, Indicator: ind, key: reversed(ind.domain)})
		}
	}
	for i := range l.refs {
		if r := &l.refs[i]; r.domain == "" {
			l.nets[r.prefix] = append(l.nets[r.prefix], i)
			l.inOrder = append(l.inOrder, i)
		} else {
			l.names[r.domain] = append(l.names[r.domain], i)
			l.reversed = append(l.reversed, i)
		}
	}
	slices.SortFunc(l.inOrder, func(a, b int) int { return l.refs[a].prefix.Addr().Compare(l.refs[b].prefix.Addr()) })
	slices.SortFunc(l.reversed, func(a, b int) int { return strings.Compare(l.refs[a].key, l.refs[b].key) })
	return l
}

// reversed writes the labels of a domain from its end: "vpn.wind.example" is
// "example.wind.vpn."; what lies under a domain begins with its key.
func reversed(domain string) string {
	if domain = strings.TrimPrefix(domain, "*."); domain == "" {
		return ""
	}
	labels := strings.Split(domain, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}

// find returns what touches an entry, the values of each item once and in
// order.
func (l *looked) find(addresses, domains []string) map[string][]string {
	if len(l.refs) == 0 || len(addresses)+len(domains) == 0 {
		return nil
	}
	out := map[string][]string{}
	take := func(i int) {
		r := &l.refs[i]
		out[r.item] = append(out[r.item], r.value)
	}
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			ip, err := netip.ParseAddr(a)
			if err != nil {
				continue
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		for bits := range p.Bits() + 1 { // what it lies in, and itself
			if n, err := p.Addr().Prefix(bits); err == nil {
				for _, i := range l.nets[n] {
					take(i)
				}
			}
		}
		from, _ := slices.BinarySearchFunc(l.inOrder, p.Addr(), func(i int, at netip.Addr) int { return l.refs[i].prefix.Addr().Compare(at) })
		for _, i := range l.inOrder[from:] { // what lies in it
			q := l.refs[i].prefix
			if !p.Contains(q.Addr()) {
				break
			}
			if q.Bits() > p.Bits() {
				take(i)
			}
		}
	}
	for _, d := range domains {
		key := reversed(d)
		from, _ := slices.BinarySearchFunc(l.reversed, key, func(i int, at string) int { return strings.Compare(l.refs[i].key, at) })
		for _, i := range l.reversed[from:] { // it, and what lies under it
			if !strings.HasPrefix(l.refs[i].key, key) {
				break
			}
			take(i)
		}
		for rest := strings.TrimPrefix(d, "*."); ; { // names with "*." that it lies under
			_, up, ok := strings.Cut(rest, ".")
			if !ok {
				break
			}
			for _, i := range l.names["*."+up] {
				take(i)
			}
			rest = up
		}
	}
	for item, values := range out {
		slices.Sort(values)
		out[item] = slices.Compact(values)
	}
	return out
}

// most is about how many spots asks names at most: an address by itself and by
// each network from /8 on.
func (l *looked) most() int { return 26 * len(l.refs) }

// asks returns by which spots all of it is found, each once.
func (l *looked) asks() (out []string) {
	for i := range l.refs {
		out = append(out, l.refs[i].asks()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
