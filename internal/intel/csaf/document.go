package csaf

import "slices"

// document is a parsed document with what the tests ask for again and again.
type document struct {
	root     *value
	is21     bool
	products []productAt
	defined  map[string]int // product id → its first place in products
	groups   map[string][]string
	extra    []found // members the schema does not know
	pairs    *[]overlap
	named    int // products that items named, groups resolved
}

// mostResolved bounds the work of resolving groups: a small document can name a
// large group a million times.
const mostResolved = 5_000_000

// productAt is one full product name with the place it is defined at.
type productAt struct {
	at       string // JSON pointer of the full product name
	node     *value
	branches []*value // from the root, the last is the one that holds it
	path     *value   // relationship (2.0) or product path (2.1) that defines it
	depth    int      // how many branches arrays lie above
}

func (p *productAt) id() string { return p.node.str("product_id") }

// editions a rule belongs to.
type edition uint8

const (
	in20 edition = 1 << iota
	in21
	both = in20 | in21
)

func (d *document) edition() edition {
	if d.is21 {
		return in21
	}
	return in20
}

func newDocument(root *value, is21 bool) *document {
	d := &document{root: root, is21: is21, defined: map[string]int{}, groups: map[string][]string{}}
	d.products = productsOf(root.get("product_tree"))
	for i := range d.products {
		if id := d.products[i].id(); id != "" {
			if _, ok := d.defined[id]; !ok {
				d.defined[id] = i
			}
		}
	}
	groups := root.list("product_tree", "product_groups")
	for i := range groups {
		id := groups[i].str("group_id")
		d.groups[id] = append(d.groups[id], groups[i].strs("product_ids")...)
	}
	return d
}

// productsOf lists the full product names of a product tree in document order.
func productsOf(tree *value) (out []productAt) {
	var walk func(at string, branches []value, above []*value)
	walk = func(at string, branches []value, above []*value) {
		for i := range branches {
			b, at := &branches[i], pointerN(at, i)
			path := append(slices.Clip(above), b)
			if p := b.get("product"); p != nil && p.kind == object {
				out = append(out, productAt{at: at + "/product", node: p, branches: path, depth: len(path)})
			}
			walk(at+"/branches", b.list("branches"), path)
		}
	}
	walk("/product_tree/branches", tree.list("branches"), nil)
	names := tree.list("full_product_names")
	for i := range names {
		out = append(out, productAt{at: pointerN("/product_tree/full_product_names", i), node: &names[i]})
	}
	for _, list := range []string{"relationships", "product_paths"} {
		items := tree.list(list)
		for i := range items {
			if p := items[i].get("full_product_name"); p != nil {
				out = append(out, productAt{at: pointerN("/product_tree/"+list, i) + "/full_product_name", node: p, path: &items[i]})
			}
		}
	}
	return out
}

// place is a value with its JSON pointer.
type place struct {
	at string
	*value
}

// each lists the items of the array at path.
func (p place) each(name string) []place {
	items := p.list(name)
	out := make([]place, len(items))
	for i := range items {
		out[i] = place{pointerN(p.at+"/"+name, i), &items[i]}
	}
	return out
}

// in returns the member of that name; its value is nil when there is none.
func (p place) in(name string) place { return place{p.at + "/" + name, p.get(name)} }

func (d *document) top() place               { return place{"", d.root} }
func (d *document) doc() place               { return d.top().in("document") }
func (d *document) tree() place              { return d.top().in("product_tree") }
func (d *document) vulnerabilities() []place { return d.top().each("vulnerabilities") }

// references lists every place that names a product (of "product_ids") or a
// product group ("group_ids").
func (d *document) references(of string) (out []place) {
	strings := func(p place, name string) {
		for _, s := range p.each(name) {
			if s.kind == text {
				out = append(out, s)
			}
		}
	}
	single := func(p place, name string) {
		if s := p.in(name); s.value != nil && s.kind == text {
			out = append(out, s)
		}
	}
	if of == "product_ids" {
		for _, g := range d.tree().each("product_groups") {
			strings(g, of)
		}
		for _, r := range d.tree().each("relationships") {
			single(r, "product_reference")
			single(r, "relates_to_product_reference")
		}
		for _, p := range d.tree().each("product_paths") {
			single(p, "beginning_product_reference")
			for _, s := range p.each("subpaths") {
				single(s, "next_product_reference")
			}
		}
	}
	if d.is21 {
		for _, n := range d.doc().each("notes") {
			strings(n, of)
		}
	}
	scoped := []string{"flags", "remediations", "threats"}
	if d.is21 {
		scoped = append(scoped, "ids", "involvements", "notes", "first_known_exploitation_dates")
	}
	for _, v := range d.vulnerabilities() {
		for _, name := range scoped {
			for _, item := range v.each(name) {
				strings(item, of)
			}
		}
		if of != "product_ids" {
			continue
		}
		for _, name := range statusNames {
			strings(v.in("product_status"), name)
		}
		for _, name := range []string{"scores", "metrics"} {
			for _, item := range v.each(name) {
				strings(item, "products")
			}
		}
	}
	return out
}

// concerned returns the products an item speaks of, groups resolved, each once
// with the pointer that names it.
func (d *document) concerned(item place) map[string]string {
	out := map[string]string{}
	for _, p := range item.each("product_ids") {
		if _, ok := out[p.text]; !ok {
			out[p.text] = p.at
		}
	}
	d.named += len(out)
	for _, g := range item.each("group_ids") {
		if d.named += len(d.groups[g.text]); d.named > mostResolved {
			return out
		}
		for _, id := range d.groups[g.text] {
			if _, ok := out[id]; !ok {
				out[id] = g.at
			}
		}
	}
	return out
}

// cvssObjects lists the CVSS objects of a vulnerability, with the products and
// the source they are for.
func (d *document) cvssObjects(v place) (out []cvssObject) {
	add := func(holder place, products []string, source string) {
		if holder.value == nil || holder.kind != object {
			return
		}
		for i, name := range holder.keys {
			if len(name) > 6 && name[:6] == "cvss_v" && holder.items[i].kind == object {
				out = append(out, cvssObject{place{pointer(holder.at, name), &holder.items[i]}, name, products, source})
			}
		}
	}
	for _, s := range v.each("scores") {
		add(s, s.strs("products"), "")
	}
	for _, m := range v.each("metrics") {
		add(m.in("content"), m.strs("products"), m.str("source"))
	}
	return out
}

type cvssObject struct {
	place
	name     string
	products []string
	source   string
}
