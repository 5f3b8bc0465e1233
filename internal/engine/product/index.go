package product

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"

	"noroshi/internal/engine/product/cpe"
)

// Builder collects statements for an [Index]. Its zero value is ready.
type Builder struct {
	statements []*Statement
}

// Add takes a statement in; it must not be changed afterwards.
func (b *Builder) Add(s Statement) { b.statements = append(b.statements, &s) }

// Len is the number of statements taken in.
func (b *Builder) Len() int { return len(b.statements) }

// Index makes the index. The builder must not be used afterwards.
func (b *Builder) Index() *Index { return newIndex(b.statements) }

// New makes an index of a few statements: those about one product, or about
// one vulnerability.
func New(statements []Statement) *Index {
	refs := make([]*Statement, len(statements))
	for i := range statements {
		refs[i] = &statements[i]
	}
	return newIndex(refs)
}

// Index finds what statements say of a piece of equipment. It does not change
// for those who use it, who may be many goroutines at once.
type Index struct {
	statements []*Statement
	products   map[string]*entry
	vendors    map[string][]string // "part:product" to the product keys of every vendor
}

// entry is what is known of one product. Most products of an index are never
// asked for, so that plans are made when the first subject comes.
type entry struct {
	key   string
	refs  []uint32 // of statements, ordered by vulnerability
	once  sync.Once
	plans []plan
	table table
}

func newIndex(statements []*Statement) *Index {
	x := &Index{statements: statements, products: map[string]*entry{}}
	known := map[identity]*entry{}
	for i, s := range statements {
		x.file(uint32(i), &s.Root, known, 0)
	}
	for _, e := range x.products {
		slices.SortStableFunc(e.refs, func(a, b uint32) int {
			return cmp.Compare(statements[a].Vulnerability, statements[b].Vulnerability)
		})
	}
	x.byProduct()
	return x
}

// identity is what makes a product key, without putting it together.
type identity struct {
	part, vendor, product cpe.Value
	pkg, text             string
}

// file notes under the products of a node that a statement names them.
func (x *Index) file(ref uint32, n *Node, known map[identity]*entry, depth int) {
	if depth > maxDepth {
		return
	}
	for i := range n.Lines {
		l := &n.Lines[i]
		if l.Name.Product != cpe.Any {
			x.under(ref, identity{part: l.Name.Part, vendor: l.Name.Vendor, product: l.Name.Product}, known)
		}
		if l.Package != "" {
			x.under(ref, identity{pkg: l.Package}, known)
		}
		if l.onlyText() {
			x.under(ref, identity{text: l.Text}, known)
		}
	}
	for i := range n.Children {
		x.file(ref, &n.Children[i], known, depth+1)
	}
}

func (x *Index) under(ref uint32, id identity, known map[identity]*entry) {
	e, ok := known[id]
	if !ok {
		key := packageKey(id.pkg)
		if keys := Keys(cpe.Name{Part: id.part, Vendor: id.vendor, Product: id.product}, ""); len(keys) > 0 {
			key = keys[0]
		}
		if id.text != "" {
			key = TextKey(id.text)
		}
		if key != "" {
			if e = x.products[key]; e == nil {
				e = &entry{key: key}
				x.products[key] = e
			}
		}
		known[id] = e
	}
	if e != nil && (len(e.refs) == 0 || e.refs[len(e.refs)-1] != ref) {
		e.refs = append(e.refs, ref)
	}
}

// byProduct fills vendors.
func (x *Index) byProduct() {
	x.vendors = make(map[string][]string, len(x.products))
	for key := range x.products {
		if rest, isCPE := strings.CutPrefix(key, "cpe:"); isCPE {
			if partOf, vendorProduct, ok := strings.Cut(rest, ":"); ok {
				if _, p, ok := cutValue(vendorProduct); ok {
					x.vendors[partOf+":"+p] = append(x.vendors[partOf+":"+p], key)
				}
			}
		}
	}
	for _, keys := range x.vendors {
		slices.Sort(keys)
	}
}

// cutValue splits a text of two bound values at the colon between them.
func cutValue(s string) (before, after string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// of returns what is known of a product, nil when nothing is.
func (x *Index) of(key string) *entry {
	e := x.products[key]
	if e != nil {
		e.once.Do(func() { e.compile(x.statements) })
	}
	return e
}

// Len is the number of statements.
func (x *Index) Len() int { return len(x.statements) }

// Statements yields every statement, in the order they were added.
func (x *Index) Statements() iter.Seq[*Statement] { return slices.Values(x.statements) }

// Products yields the product keys statements are about, in no order.
func (x *Index) Products() iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range x.products {
			if !yield(k) {
				return
			}
		}
	}
}
