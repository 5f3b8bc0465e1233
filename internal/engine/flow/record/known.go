package record

import (
	"hash/maphash"
	"net/netip"

	"noroshi/internal/engine/memory"
)

// Bounds of what a Naming remembers, 2.5 MB in all. Of two names that fall together
// the later stays.
const (
	maxAsked = 1 << 15
	maxHosts = 1 << 10
)

// sum is a keyed hash of a name as it was sent, compared in full; zero is none.
type sum [2]uint64

// asked is what was made of a name that was asked for, and host how another is
// shown: nothing but what a record holds of them.
type (
	asked struct {
		sum        sum
		name       Name
		whole, own Hash
		length     uint8
		labels     uint8
		longest    uint8
		entropy    uint8
		made       uint8
	}
	host struct {
		sum  sum
		name Name
	}
)

// known are the names that were looked at lately, made with the first of them.
type known struct {
	seeds [2]maphash.Seed
	asked [maxAsked]asked
	hosts [maxHosts]host
}

// sumOf is the hash of a name.
func (n *Naming) sumOf(b []byte) sum {
	if n.known == nil {
		n.known = &known{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
		memory.Large(n.known.asked[:])
	}
	return sum{maphash.Bytes(n.known.seeds[0], b), maphash.Bytes(n.known.seeds[1], b)}
}

// askedAt is where a name that is asked for stands, and its hash: another for one
// that is judged.
func (n *Naming) askedAt(b []byte, judged bool) (*asked, sum) {
	s := n.sumOf(b)
	if judged {
		s[0]++
	}
	return &n.known.asked[s[0]%maxAsked], s
}

// Recall fills in what Remember was told or made of the same name: Name, Whole,
// Length, Labels, Longest, Entropy and, of one that was judged, Made and Own. It
// is false for a name that is not remembered.
func (n *Naming) Recall(d *DNS, name []byte, judged bool) bool {
	k, s := n.askedAt(name, judged)
	if k.sum != s {
		return false
	}
	d.Name, d.Whole, d.Own, d.Length, d.Labels, d.Longest, d.Entropy, d.Made = k.name, k.whole, k.own, k.length, k.labels, k.longest, k.entropy, k.made
	return true
}

// Remember makes the Name of a question of how it is written out, its Whole of the
// name itself and, when it is to be judged, Made and Own, and keeps what Recall
// fills in. The same few names are asked for again and again, and what was made of
// them tells no more than the record does.
func (n *Naming) Remember(d *DNS, name, written []byte, judged bool) {
	d.Name, d.Whole = n.host(written, netip.Addr{}), n.Fold(name)
	if judged {
		n.Judge(d, name)
	}
	k, s := n.askedAt(name, judged)
	*k = asked{s, d.Name, d.Whole, d.Own, d.Length, d.Labels, d.Longest, d.Entropy, d.Made}
}
