package zeek

import (
	"bytes"
	"hash/maphash"
	"net/netip"

	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
)

// Bounds of what is remembered of names that were shortened already.
const (
	maxKnown   = 1 << 15 // names of each kind; when full, all are forgotten
	knownAddrs = 1 << 10 // a power of two
)

// names shortens names and remembers, under a hash of the whole, what came of
// it: the same few thousand names make up most of a log. The hash is seeded
// anew for every reader, so that it says nothing outside of it.
type names struct {
	naming *record.Naming
	seed   maphash.Seed
	hosts  map[uint64]record.Name
	paths  map[uint64]record.Name
	agents map[uint64]record.Agent
	asked  map[uint64]question
	addrs  []knownAddr
}

type question struct {
	name                                   record.Name
	whole, own                             record.Hash
	length, labels, longest, entropy, made uint8
}

type knownAddr struct {
	hash uint64
	addr netip.Addr
}

func newNames(n *record.Naming) names {
	return names{naming: n, seed: maphash.MakeSeed(), hosts: map[uint64]record.Name{}, paths: map[uint64]record.Name{},
		agents: map[uint64]record.Agent{}, asked: map[uint64]question{}, addrs: make([]knownAddr, knownAddrs)}
}

// known returns what was remembered under the hash of b, or makes it.
func known[T any](m map[uint64]T, seed maphash.Seed, b []byte, make func([]byte) T) T {
	h := maphash.Bytes(seed, b)
	v, ok := m[h]
	if !ok {
		if len(m) >= maxKnown {
			clear(m)
		}
		v = make(b)
		m[h] = v
	}
	return v
}

func (n *names) host(b []byte) record.Name {
	if len(b) == 0 {
		return record.Name{}
	}
	return known(n.hosts, n.seed, b, n.naming.Host)
}

// hostOf is host of a communication with dst, which may be written in its place.
func (n *names) hostOf(b []byte, dst netip.Addr) record.Name {
	if dst.Is6() && bytes.IndexByte(b, ':') >= 0 {
		return n.naming.HostOf(b, dst)
	}
	return n.host(b)
}

func (n *names) path(b []byte) record.Name {
	if len(b) == 0 {
		return record.Name{}
	}
	return known(n.paths, n.seed, b, n.naming.Path)
}

func (n *names) agent(b []byte) record.Agent {
	if len(b) == 0 {
		return record.Agent{}
	}
	return known(n.agents, n.seed, b, n.naming.Agent)
}

func (n *names) hash(b []byte) record.Hash {
	if len(b) == 0 {
		return record.Hash{}
	}
	return n.naming.Hash(b)
}

// addr reads an address; of IPv6 the last ones are remembered.
func (n *names) addr(b []byte) (netip.Addr, bool) {
	if bytes.IndexByte(b, ':') < 0 {
		return parse4(b)
	}
	if len(b) > 45 {
		return netip.Addr{}, false
	}
	h := maphash.Bytes(n.seed, b)
	k := &n.addrs[h&(knownAddrs-1)]
	if k.hash == h && k.addr.IsValid() {
		return k.addr, true
	}
	for _, c := range b {
		// Nothing but an address may become a string here, not even in an error.
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') && c != ':' && c != '.' {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil {
		return netip.Addr{}, false
	}
	*k = knownAddr{h, a.Unmap()}
	return k.addr, true
}

// question fills in the name that was asked for and its numbers, and, of a
// protocol whose names are registered, how it was made.
func (n *names) question(d *record.DNS, b []byte, registered bool) {
	if len(b) == 0 {
		return
	}
	q := known(n.asked, n.seed, b, n.measure)
	d.Name, d.Whole, d.Length, d.Labels, d.Longest, d.Entropy = q.name, q.whole, q.length, q.labels, q.longest, q.entropy
	if registered {
		d.Made, d.Own = q.made, q.own
	}
}

func (n *names) measure(b []byte) question {
	q := question{name: n.naming.Host(b), whole: n.naming.Fold(b), length: uint8(min(len(b), 255))}
	labels, start := 0, 0
	for i := 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '.' {
			labels++
			q.longest = max(q.longest, uint8(min(i-start, 255)))
			start = i + 1
		}
	}
	q.labels = uint8(min(labels, 255))
	below := b
	if s := domain.Cut(b); s.OK {
		below = b[:s.From]
	}
	q.entropy = record.Entropy(below)
	d := record.DNS{Whole: q.whole}
	n.naming.Judge(&d, b)
	q.made, q.own = d.Made, d.Own
	return q
}
