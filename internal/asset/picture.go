package asset

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Bounds of a picture: what a person can still read.
const (
	maxNodesPerZone = 9   // kinds beyond that are drawn as one node
	maxOutside      = 6   // named parties outside the register, the rest being one node
	maxPictureLinks = 120 // the links with the most pieces behind them
	maxByProduct    = 12  // up to so many products each is a node of its own; above, each kind is
)

// Mark says what a piece of equipment asks of its operator.
type Mark uint8

// The marks, most urgent first.
const (
	MarkAct    Mark = iota // support has ended, or a gap of level act
	MarkAttend             // support ends soon, or a gap of level attend
	MarkFine
)

// Mark returns the mark of a piece of equipment today.
func (r *Rules) Mark(it *Item, today Date) Mark {
	m := MarkFine
	switch r.Support(it, today) {
	case SupportEnded:
		return MarkAct
	case SupportEnding:
		m = MarkAttend
	}
	for i := range r.gaps {
		if g := &r.gaps[i]; g.Level != "watch" && g.open(it) {
			if g.Level == "act" {
				return MarkAct
			}
			m = MarkAttend
		}
	}
	return m
}

// Picture is a register as zones, groups of equipment and the links between
// them: plain data, the same as table and as drawing.
type Picture struct {
	Zones     []PictureZone `json:"zones"` // from the outside in; "" last, only when equipment without a zone exists
	Nodes     []Node        `json:"nodes"` // zone by zone
	Links     []Link        `json:"links"` // most pieces first
	MoreLinks int           `json:"more_links,omitempty"`
	Marks     Marks         `json:"marks"`
}

// PictureZone is one column of a picture.
type PictureZone struct {
	Zone    Zone `json:"zone"`
	Devices int  `json:"devices"`
}

// Marks counts devices by mark.
type Marks struct {
	Act    int `json:"act"`
	Attend int `json:"attend"`
	Fine   int `json:"fine"`
}

// Node is a group of equipment of one zone: of one kind or one product; or of
// the kinds with the fewest devices; or a party outside the register that
// something connects to.
type Node struct {
	Zone    Zone   `json:"zone"`
	Kind    Kind   `json:"kind,omitempty"`    // empty when several are drawn as one, and outside
	Product string `json:"product,omitempty"` // canonical name, when products are drawn apart
	Several int    `json:"several,omitempty"` // so many kinds, or outside parties, drawn as one
	Outside string `json:"outside,omitempty"` // the name as written, of a party not in the register
	Beyond  bool   `json:"beyond,omitempty"`  // not in the register
	Devices int    `json:"devices,omitempty"`
	Marks   Marks  `json:"marks,omitzero"`
}

// Link joins two nodes by their index. It has no direction: what the register
// says is who can talk, not who calls. Devices counts the entries behind it.
type Link struct {
	From    int  `json:"from"` // the node further out
	To      int  `json:"to"`
	Entries int  `json:"entries"`
	Hot     bool `json:"hot,omitempty"` // both ends hold equipment marked act
}

type nodeKey struct {
	zone    Zone
	kind    Kind
	product string
	outside string
	several bool
	beyond  bool
}

// NewPicture draws up the picture of a register. mark says what each piece
// asks for; see Rules.Mark. It holds at most some 60 nodes and 120 links,
// however large the register is.
func NewPicture(items []Item, mark func(*Item) Mark) Picture {
	b := pictureBuilder{items: items, group: make([]nodeKey, len(items)), nodes: map[nodeKey]*Node{}}
	b.groupItems(mark)
	b.fewerKinds()
	pairs := b.connect()
	return b.finish(pairs)
}

type pictureBuilder struct {
	items []Item
	group []nodeKey // by index of items
	nodes map[nodeKey]*Node
}

func (b *pictureBuilder) groupItems(mark func(*Item) Mark) {
	products := map[nodeKey]bool{}
	for i := range b.items {
		it := &b.items[i]
		products[nodeKey{zone: it.Sealed.Zone, kind: it.Kind, product: it.MakerKey + " " + it.ProductKey}] = true
		if len(products) > maxByProduct {
			break
		}
	}
	for i := range b.items {
		it := &b.items[i]
		k := nodeKey{zone: it.Sealed.Zone, kind: it.Kind}
		if len(products) <= maxByProduct {
			k.product = it.MakerKey + " " + it.ProductKey
		}
		b.group[i] = k
		n := b.nodes[k]
		if n == nil {
			n = &Node{Zone: k.zone, Kind: k.kind}
			if k.product != "" {
				n.Product = it.ProductName
			}
			b.nodes[k] = n
		}
		d := max(1, it.Quantity)
		n.Devices += d
		switch mark(it) {
		case MarkAct:
			n.Marks.Act += d
		case MarkAttend:
			n.Marks.Attend += d
		default:
			n.Marks.Fine += d
		}
	}
}

// fewerKinds draws the smallest groups of a crowded zone as one. Groups with
// something to act on stay apart as long as there is room.
func (b *pictureBuilder) fewerKinds() {
	byZone := map[Zone][]nodeKey{}
	for k := range b.nodes {
		byZone[k.zone] = append(byZone[k.zone], k)
	}
	into := map[nodeKey]nodeKey{}
	for zone, keys := range byZone {
		if len(keys) <= maxNodesPerZone {
			continue
		}
		slices.SortFunc(keys, func(x, y nodeKey) int {
			return cmp.Or(-cmp.Compare(b.nodes[x].Marks.Act, b.nodes[y].Marks.Act), -cmp.Compare(b.nodes[x].Devices, b.nodes[y].Devices), cmp.Compare(x.kind, y.kind), cmp.Compare(x.product, y.product))
		})
		rest := nodeKey{zone: zone, several: true}
		sum := &Node{Zone: zone}
		for _, k := range keys[maxNodesPerZone-1:] {
			n := b.nodes[k]
			sum.Several++
			sum.Devices += n.Devices
			sum.Marks.Act += n.Marks.Act
			sum.Marks.Attend += n.Marks.Attend
			sum.Marks.Fine += n.Marks.Fine
			into[k] = rest
			delete(b.nodes, k)
		}
		b.nodes[rest] = sum
	}
	for i, k := range b.group {
		if to, ok := into[k]; ok {
			b.group[i] = to
		}
	}
}

type pair struct{ a, b nodeKey }

// connect resolves what equipment says it connects to: an own id, an address
// (alone, or within a prefix that equipment has), a domain, or the name of a
// product that is in one node only. What is none of these is a party outside.
func (b *pictureBuilder) connect() map[pair]int {
	d := b.directory()
	pairs := map[pair]int{}
	outside := map[string]map[nodeKey]int{}
	for i := range b.items {
		for _, c := range b.items[i].Sealed.Connects {
			to, ok := d.find(c)
			switch {
			case !ok:
				if outside[c] == nil {
					outside[c] = map[nodeKey]int{}
				}
				outside[c][b.group[i]]++
			case to != b.group[i]:
				pairs[pair{b.group[i], to}]++
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(outside), func(x, y string) int {
		return cmp.Or(-cmp.Compare(total(outside[x]), total(outside[y])), cmp.Compare(x, y))
	})
	for i, name := range names {
		k := nodeKey{zone: ZoneInternet, outside: name, beyond: true}
		if len(names) > maxOutside && i >= maxOutside-1 {
			k = nodeKey{zone: ZoneInternet, several: true, beyond: true}
		}
		n := b.nodes[k]
		if n == nil {
			n = &Node{Zone: ZoneInternet, Outside: k.outside, Beyond: true}
			b.nodes[k] = n
		}
		if k.several {
			n.Several++
		}
		for from, entries := range outside[name] {
			pairs[pair{k, from}] += entries
		}
	}
	return pairs
}

func total(m map[nodeKey]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

type directory struct {
	names    map[string]nodeKey
	prefixes map[netip.Prefix]nodeKey
	bits     []int // prefix lengths in use, longest first
}

func (b *pictureBuilder) directory() directory {
	d := directory{names: map[string]nodeKey{}, prefixes: map[netip.Prefix]nodeKey{}}
	products := map[string]nodeKey{}
	for i := range b.items {
		it := &b.items[i]
		for _, name := range []string{exact(it.Product), exact(it.ProductName)} {
			if at, ok := products[name]; ok && at != b.group[i] {
				products[name] = nodeKey{} // in two nodes: no answer
			} else {
				products[name] = b.group[i]
			}
		}
		for _, a := range it.Sealed.Addresses {
			if p, err := netip.ParsePrefix(a); err == nil {
				d.prefixes[p] = b.group[i]
				if !slices.Contains(d.bits, p.Bits()) {
					d.bits = append(d.bits, p.Bits())
				}
			}
		}
	}
	slices.SortFunc(d.bits, func(x, y int) int { return y - x })
	for name, k := range products {
		if k != (nodeKey{}) {
			d.names[name] = k
		}
	}
	// Later entries override: an own id is the surest name of all.
	for i := range b.items {
		for _, s := range b.items[i].Sealed.Domains {
			d.names[s] = b.group[i]
		}
		for _, s := range b.items[i].Sealed.Addresses {
			d.names[s] = b.group[i]
		}
	}
	for i := range b.items {
		if k := b.items[i].Key; k != "" {
			d.names[exact(k)] = b.group[i]
		}
	}
	return d
}

func (d *directory) find(name string) (nodeKey, bool) {
	if k, ok := d.names[exact(name)]; ok {
		return k, true
	}
	if a, err := netip.ParseAddr(name); err == nil {
		for _, bits := range d.bits {
			if p, err := a.Prefix(bits); err == nil {
				if k, ok := d.prefixes[p]; ok {
					return k, true
				}
			}
		}
	}
	return nodeKey{}, false
}

func (b *pictureBuilder) finish(pairs map[pair]int) Picture {
	order := append(Zones(), "")
	kinds := Kinds()
	rank := func(k nodeKey) int {
		switch {
		case k.several:
			return len(kinds)
		case k.beyond:
			return -1
		}
		return slices.Index(kinds, k.kind)
	}
	keys := slices.SortedFunc(maps.Keys(b.nodes), func(x, y nodeKey) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.zone), slices.Index(order, y.zone)), -cmpBool(x.beyond, y.beyond),
			cmp.Compare(rank(x), rank(y)), cmp.Compare(x.product, y.product), cmp.Compare(x.outside, y.outside))
	})
	p := Picture{}
	at := map[nodeKey]int{}
	devices := map[Zone]int{}
	for i, k := range keys {
		n := *b.nodes[k]
		at[k] = i
		devices[k.zone] += n.Devices
		p.Marks.Act += n.Marks.Act
		p.Marks.Attend += n.Marks.Attend
		p.Marks.Fine += n.Marks.Fine
		p.Nodes = append(p.Nodes, n)
	}
	for _, z := range order {
		if z != "" || devices[z] > 0 {
			p.Zones = append(p.Zones, PictureZone{z, devices[z]})
		}
	}
	links := map[[2]int]int{}
	for pr, n := range pairs {
		x, y := at[pr.a], at[pr.b]
		links[[2]int{min(x, y), max(x, y)}] += n
	}
	for k, n := range links {
		hot := p.Nodes[k[0]].Marks.Act > 0 && p.Nodes[k[1]].Marks.Act > 0
		p.Links = append(p.Links, Link{k[0], k[1], n, hot})
	}
	slices.SortFunc(p.Links, func(x, y Link) int {
		return cmp.Or(-cmpBool(x.Hot, y.Hot), -cmp.Compare(x.Entries, y.Entries), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	if len(p.Links) > maxPictureLinks {
		p.MoreLinks = len(p.Links) - maxPictureLinks
		p.Links = p.Links[:maxPictureLinks]
	}
	return p
}

func cmpBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}
