package csaf

import (
	"noroshi/internal/engine/product/version"
)

// The tests of version ranges that overlap under one product (CSAF 2.1 §6.2.50,
// §6.3.19). Two statements about one version that contradict, or say the same
// twice, are nearly always a slip.

// sibling is a branch with a version or a range of versions.
type sibling struct {
	at     string
	node   *value
	leaf   bool // it holds a product and no further branches
	vers   bool // written as vers, and readable
	read   versions
	ids    []string // of all products below
	single bool     // category product_version
}

// overlap is a range and another branch beside it that share a version.
type overlap struct{ a, b *sibling }

// mostPairs bounds how many branches of one level are compared.
const mostPairs = 1_000_000

// overlaps finds all pairs, each once when both are ranges.
func (d *document) overlaps() (out []overlap) {
	if d.pairs != nil {
		return *d.pairs
	}
	compared := 0
	var walk func(parent place)
	walk = func(parent place) {
		var level []*sibling
		for _, b := range parent.each("branches") {
			if s := siblingOf(b.value); s != nil {
				s.at = b.at
				level = append(level, s)
			}
			walk(b)
		}
		for i, a := range level {
			if a.single {
				continue
			}
			for j, b := range level {
				if i == j || !b.single && j < i && a.leaf && b.leaf {
					continue
				}
				if compared++; compared > mostPairs {
					return
				}
				if a.meets(b) {
					out = append(out, overlap{a, b})
				}
			}
		}
	}
	walk(d.tree())
	d.pairs = &out
	return out
}

func siblingOf(b *value) *sibling {
	name, category := b.str("name"), b.str("category")
	s := &sibling{node: b, leaf: b.get("product") != nil, single: category == "product_version"}
	switch category {
	case "product_version":
		s.read = versions{versions: []string{name}}
	case "product_version_range":
		sp, ok := readSpan(name)
		if !ok {
			return nil
		}
		s.vers = sp.scheme != ""
		s.read = readVersions("", name, version.Generic)
		if s.read.unread != "" {
			return nil
		}
	default:
		return nil
	}
	var ids func(v *value)
	ids = func(v *value) {
		if id := v.str("product", "product_id"); id != "" && len(s.ids) < 1000 {
			s.ids = append(s.ids, id)
		}
		for i := range v.list("branches") {
			ids(&v.list("branches")[i])
		}
	}
	ids(b)
	return s
}

// meets reports whether a range and a sibling surely share a version.
func (s *sibling) meets(o *sibling) bool {
	scheme := s.read.scheme
	all := func(v *versions) bool { return len(v.ranges)+len(v.versions) == 0 }
	if all(&s.read) || all(&o.read) {
		return true
	}
	for _, r := range s.read.ranges {
		for _, v := range o.read.versions {
			if in, known := r.Contains(scheme, v); in && known {
				return true
			}
		}
		for _, q := range o.read.ranges {
			if common(scheme, r, q) {
				return true
			}
		}
	}
	for _, v := range s.read.versions {
		for _, q := range o.read.ranges {
			if in, known := q.Contains(scheme, v); in && known {
				return true
			}
		}
		for _, w := range o.read.versions {
			if version.Same(scheme, v, w) {
				return true
			}
		}
	}
	return false
}

// common reports whether two intervals surely share a version.
func common(scheme version.Scheme, a, b version.Range) bool {
	below := func(x, y version.Range) bool { // does x surely begin before y ends
		if x.From == "" || y.To == "" {
			return true
		}
		order, known := version.Compare(scheme, x.From, y.To)
		return known && (order < 0 || order == 0 && !x.FromExcluded && y.ToIncluded)
	}
	return below(a, b) && below(b, a)
}

// beside calls each for the pairs of which both sides have a status in a
// vulnerability, with the group of either.
func (d *document) beside(each func(o overlap, at, id, groupA, groupB string)) {
	pairs, work := d.overlaps(), 0
	for _, v := range d.vulnerabilities() {
		group, at := map[string]string{}, map[string]string{}
		for _, list := range statusNames {
			if statusGroups[list] == "recommended" {
				continue
			}
			for _, id := range v.in("product_status").each(list) {
				group[id.text], at[id.text] = statusGroups[list], id.at
			}
		}
		for _, o := range pairs {
			if work += len(o.a.ids); work > mostResolved {
				return
			}
			for _, a := range o.a.ids {
				if group[a] == "" {
					continue
				}
				if work += len(o.b.ids); work > mostResolved {
					return
				}
				for _, b := range o.b.ids {
					if group[b] != "" {
						each(o, at[a], a, group[a], group[b])
					}
				}
			}
		}
	}
}

func rangesContradict(vers bool) func(*document, tell) {
	return func(d *document, t tell) {
		d.beside(func(o overlap, at, id, a, b string) {
			if o.b.leaf && !o.b.single && o.b.vers == vers && a != b {
				t(at, "value", clip(id))
			}
		})
	}
}

func versionContradicts(d *document, t tell) {
	d.beside(func(o overlap, at, id, a, b string) {
		if o.b.leaf && o.b.single && a != b {
			t(at, "value", clip(id))
		}
	})
}

func rangesRepeat(vers bool) func(*document, tell) {
	return func(d *document, t tell) {
		d.beside(func(o overlap, at, id, a, b string) {
			if o.b.leaf && !o.b.single && o.b.vers == vers && a == b {
				t(at, "value", clip(id))
			}
		})
	}
}

func versionRepeats(d *document, t tell) {
	d.beside(func(o overlap, at, id, a, b string) {
		if o.b.leaf && o.b.single && a == b {
			t(at, "value", clip(id))
		}
	})
}

// branchOverlaps needs no status: what has branches of its own is no leaf, and
// the branches below both would say where a version belongs.
func branchOverlaps(single bool) func(*document, tell) {
	return func(d *document, t tell) {
		for _, o := range d.overlaps() {
			if !o.b.leaf && o.b.single == single {
				t(o.a.at, "value", clip(o.a.node.str("name")))
			}
		}
	}
}
