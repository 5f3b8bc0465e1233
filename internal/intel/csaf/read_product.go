package csaf

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// lineSet is what a product id stands for: lines any of which names the
// product, and what it has to run on, all of which has to be there.
type lineSet struct {
	lines     []product.Line
	platforms [][]product.Line
	extra     *value // identification that a line has no field for
}

// maxNest is how deep relationships are followed.
const maxNest = 8

// products resolves every product id of a tree.
func (rd *reader) products(tree *value) {
	rd.lines = map[string]*lineSet{}
	rd.group = map[string][]string{}
	for _, g := range tree.list("product_groups") {
		rd.group[g.str("group_id")] = append(rd.group[g.str("group_id")], g.strs("product_ids")...)
	}
	all := productsOf(tree)
	paths := map[string]*productAt{}
	for i := range all {
		p := &all[i]
		if _, there := rd.lines[p.id()]; there || p.id() == "" {
			continue
		}
		if p.path != nil {
			if paths[p.id()] == nil {
				paths[p.id()] = p
			}
			continue
		}
		rd.lines[p.id()] = &lineSet{lines: linesOf(p), extra: extraIdentification(p.node)}
	}
	for id, p := range paths {
		rd.resolve(id, p, paths, 0)
	}
}

// resolve works out a relationship or product path: what it begins with is the
// product, everything it stands on or belongs to is platform.
func (rd *reader) resolve(id string, p *productAt, paths map[string]*productAt, deep int) *lineSet {
	if s := rd.lines[id]; s != nil {
		return s
	}
	if p == nil || deep > maxNest {
		return nil
	}
	get := func(ref string) *lineSet { return rd.resolve(ref, paths[ref], paths, deep+1) }
	begin := p.path.str("product_reference")
	on := []string{p.path.str("relates_to_product_reference")}
	if b := p.path.str("beginning_product_reference"); b != "" {
		begin, on = b, nil
		for _, s := range p.path.list("subpaths") {
			on = append(on, s.str("next_product_reference"))
		}
	}
	set := &lineSet{extra: extraIdentification(p.node)}
	if base := get(begin); base != nil {
		set.lines = base.lines
		if set.extra == nil {
			set.extra = base.extra
		}
		set.platforms = append(set.platforms, base.platforms...)
	}
	// A name of its own says more than the parts do.
	if own := identified(p); len(own) > 0 && len(set.lines) > 0 && set.lines[0].Text != "" {
		set.lines = own
	}
	for _, ref := range on {
		under := get(ref)
		if under == nil || len(set.platforms) >= 16 {
			continue
		}
		var marked []product.Line
		for _, l := range under.lines {
			l.Platform = true
			marked = append(marked, l)
		}
		set.platforms = append(append(set.platforms, marked), under.platforms...)
	}
	if len(set.lines) > 0 {
		rd.lines[id] = set
		return set
	}
	return nil
}

// extraIdentification returns the helper when it holds more than CPE and PURL.
func extraIdentification(node *value) *value {
	h := node.get("product_identification_helper")
	if h == nil || h.kind != object {
		return nil
	}
	for _, k := range h.keys {
		if k != "cpe" && k != "purl" && k != "purls" {
			return h
		}
	}
	return nil
}

// identified returns one line per CPE and package URL of a full product name.
func identified(p *productAt) (lines []product.Line) {
	h := p.node.get("product_identification_helper")
	if s := h.str("cpe"); s != "" {
		if n, err := cpe.ParseLenient(s); err == nil {
			lines = append(lines, product.Line{Name: n, Scheme: version.SchemeOf(n.Part, n.Vendor, n.Product)})
		}
	}
	purls := h.strs("purls")
	if s := h.str("purl"); s != "" {
		purls = append(purls, s)
	}
	seen := map[string]bool{}
	for _, s := range purls {
		u, err := packageurl.FromString(s)
		if err != nil || len(s) > 2000 || len(lines) > 20 {
			continue
		}
		bare := packageurl.NewPackageURL(u.Type, u.Namespace, u.Name, "", nil, "").ToString()
		if seen[bare+"@"+u.Version] {
			continue
		}
		seen[bare+"@"+u.Version] = true
		l := product.Line{Package: bare, Scheme: version.SchemeOfPackage(u.Type)}
		if u.Version != "" {
			l.Versions = []string{u.Version}
		}
		lines = append(lines, l)
	}
	return lines
}

// linesOf turns a full product name with its branches into lines.
func linesOf(p *productAt) []product.Line {
	lines := identified(p)
	var vendor, name, exact, ranged string
	for _, b := range p.branches {
		switch b.str("category") {
		case "vendor":
			vendor = b.str("name")
		case "product_name":
			name = b.str("name")
		case "product_version":
			exact = b.str("name")
		case "product_version_range":
			ranged = b.str("name")
		}
	}
	if len(lines) == 0 {
		words := strings.TrimSpace(vendor + " " + name)
		if name == "" || vendor == "" {
			words = p.node.str("name")
		}
		lines = []product.Line{{Text: cut(words, 400)}}
	}
	if exact == "" && ranged == "" {
		return lines
	}
	for i := range lines {
		l := &lines[i]
		m := readVersions(exact, ranged, l.Scheme)
		switch {
		case ranged == "" && (l.Name.Version.Set() || len(l.Versions) > 0):
			// The identifier states the version, with its update and edition.
		default:
			if m.named {
				l.Scheme = m.scheme
			}
			l.Name.Version, l.Name.Update = cpe.Any, cpe.Any
			l.Ranges, l.Versions, l.Fixed, l.Detail = m.ranges, m.versions, m.fixed, m.unread
		}
	}
	return lines
}

// meaning is what product_status says of a list, in the order in which a later
// list overrules an earlier for the same product.
var meaning = []struct {
	list   string
	status product.Status
}{
	{"unknown", product.StatusUnknown},
	{"under_investigation", product.Investigating},
	{"recommended", product.Fixed},
	{"first_fixed", product.Fixed},
	{"fixed", product.Fixed},
	{"known_not_affected", product.NotAffected},
	{"first_affected", product.Affected},
	{"last_affected", product.Affected},
	{"known_affected", product.Affected},
}

// applicability builds the node of a vulnerability. What lines have no room for
// comes back as members for the record's Further.
func (rd *reader) applicability(v *value) (product.Node, []member, error) {
	status := map[string]product.Status{}
	var order []string
	for _, m := range meaning {
		for _, id := range v.strs("product_status", m.list) {
			if _, had := status[id]; !had {
				order = append(order, id)
			} else if m.list == "recommended" {
				continue // a recommendation does not say that it is fixed when another list says otherwise
			}
			status[id] = m.status
		}
	}
	why, detail := rd.reasons(v, status)
	b := builder{index: map[string]int{}}
	extra, lost := value{kind: object}, value{kind: list}
	for _, id := range order {
		set := rd.lines[id]
		if set == nil {
			if len(lost.items) < 20 {
				lost.items = append(lost.items, value{kind: text, text: cut(id, 200)})
			}
			continue
		}
		if set.extra != nil && len(extra.keys) < 200 {
			extra.keys, extra.items = append(extra.keys, id), append(extra.items, *set.extra)
		}
		if b.add(set, status[id], why[id], detail[id]); b.lines > mostLines {
			return b.root, nil, fault.New(fault.TooLarge, "csaf.too_many_products", "limit", mostLines)
		}
	}
	var more []member
	if len(extra.keys) > 0 {
		more = append(more, member{"products", &extra})
	}
	if len(lost.items) > 0 {
		more = append(more, member{"_undefined_products", &lost})
	}
	return b.root, more, nil
}

// reasons gathers, by product, the justification and the words that go with its
// status.
func (rd *reader) reasons(v *value, status map[string]product.Status) (map[string]product.Justification, map[string]string) {
	why, detail := map[string]product.Justification{}, map[string]string{}
	named := 0
	each := func(item *value, say func(id string)) {
		for _, id := range item.strs("product_ids") {
			say(id)
		}
		for _, g := range item.strs("group_ids") {
			if named += len(rd.group[g]); named > mostNamed {
				return
			}
			for _, id := range rd.group[g] {
				say(id)
			}
		}
	}
	for i, f := range v.list("flags") {
		each(&v.list("flags")[i], func(id string) {
			if status[id] == product.NotAffected && why[id] == "" {
				why[id] = product.Justification(f.str("label"))
			}
		})
	}
	for i, t := range v.list("threats") {
		if t.str("category") != "impact" {
			continue
		}
		words := cut(t.str("details"), 400)
		each(&v.list("threats")[i], func(id string) {
			if status[id] == product.NotAffected && detail[id] == "" {
				detail[id] = words
			}
		})
	}
	// The remedy that repairs comes before the one that only helps.
	for _, category := range []string{"vendor_fix", "fix_planned", "mitigation", "workaround", "no_fix_planned", "none_available", "optional_patch"} {
		for i, m := range v.list("remediations") {
			if m.str("category") != category {
				continue
			}
			words := cut(m.str("details"), 400)
			each(&v.list("remediations")[i], func(id string) {
				if status[id] == product.Affected && detail[id] == "" {
					detail[id] = words
				}
			})
		}
	}
	return why, detail
}

// builder joins lines that differ in versions only.
type builder struct {
	root  product.Node
	index map[string]int
	lines int // with those of platforms
}

// mostLines bounds a statement; the largest public documents have a tenth.
const mostLines = 500_000

// mostNamed bounds how many products all groups of one vulnerability name.
const mostNamed = 2_000_000

func (b *builder) add(set *lineSet, status product.Status, why product.Justification, detail string) {
	lines := make([]product.Line, len(set.lines))
	for i, l := range set.lines {
		l.Status, l.Why = status, why
		if l.Detail == "" {
			l.Detail = detail
		}
		if status != product.Affected {
			l.Fixed = ""
		}
		lines[i] = l
	}
	if len(set.platforms) > 0 {
		n := product.Node{Op: product.And}
		for _, part := range append([][]product.Line{lines}, set.platforms...) {
			b.lines += len(part)
			if len(part) == 1 {
				n.Lines = append(n.Lines, part[0])
			} else {
				n.Children = append(n.Children, product.Node{Lines: part})
			}
		}
		b.root.Children = append(b.root.Children, n)
		return
	}
	b.lines += len(lines)
	for _, l := range lines {
		// A line with ranges keeps its own, since each has its own fix.
		if len(l.Ranges) > 0 || len(l.Versions) == 0 {
			b.root.Lines = append(b.root.Lines, l)
			continue
		}
		key := string([]byte{byte(l.Status), byte(l.Scheme)}) + l.Name.String() + "\x00" + l.Package + "\x00" + l.Text + "\x00" + string(l.Why) + "\x00" + l.Detail
		if i, ok := b.index[key]; ok && len(b.root.Lines[i].Versions) < 10000 {
			b.root.Lines[i].Versions = append(b.root.Lines[i].Versions, l.Versions...)
			continue
		}
		l.Versions = append([]string(nil), l.Versions...)
		b.index[key] = len(b.root.Lines)
		b.root.Lines = append(b.root.Lines, l)
	}
}
