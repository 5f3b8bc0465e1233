package csaf

import (
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"
)

// The tests of products, groups and branches.

func productUndefined(d *document, t tell) {
	for _, r := range d.references("product_ids") {
		if _, ok := d.defined[r.text]; !ok {
			t(r.at, "value", clip(r.text))
		}
	}
}

func productTwice(d *document, t tell) {
	for i, p := range d.products {
		if first, ok := d.defined[p.id()]; ok && first != i {
			t(p.at+"/product_id", "value", clip(p.id()))
		}
	}
}

// productCircle follows what each relationship or path is made of. Each product
// is finished once, so that long chains cost their length and not its square.
func productCircle(d *document, t tell) {
	uses := map[string][]string{}
	for _, p := range d.products {
		if p.path == nil {
			continue
		}
		id := p.id()
		for _, name := range []string{"product_reference", "relates_to_product_reference", "beginning_product_reference"} {
			if r := p.path.str(name); r != "" {
				uses[id] = append(uses[id], r)
			}
		}
		for _, s := range p.path.list("subpaths") {
			uses[id] = append(uses[id], s.str("next_product_reference"))
		}
	}
	const open, done = 1, 2
	state := map[string]int{}
	circle := map[string]bool{}
	for start := range uses {
		type frame struct {
			id   string
			next int
		}
		stack := []frame{{start, 0}}
		if state[start] == done {
			continue
		}
		state[start] = open
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next == len(uses[f.id]) {
				state[f.id] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := uses[f.id][f.next]
			f.next++
			switch state[to] {
			case open:
				for i := len(stack) - 1; i >= 0; i-- {
					circle[stack[i].id] = true
					if stack[i].id == to {
						break
					}
				}
			case 0:
				if uses[to] != nil {
					state[to] = open
					stack = append(stack, frame{to, 0})
				}
			}
		}
	}
	for _, p := range d.products {
		if p.path != nil && circle[p.id()] {
			t(p.at+"/product_id", "value", clip(p.id()))
		}
	}
}

func groupUndefined(d *document, t tell) {
	for _, r := range d.references("group_ids") {
		if _, ok := d.groups[r.text]; !ok {
			t(r.at, "value", clip(r.text))
		}
	}
}

func groupTwice(d *document, t tell) {
	seen := map[string]bool{}
	for _, g := range d.tree().each("product_groups") {
		id := g.str("group_id")
		if seen[id] {
			t(g.at+"/group_id", "value", clip(id))
		}
		seen[id] = true
	}
}

// purls lists the package URLs of the document.
func (d *document) purls() (out []place) {
	for _, p := range d.products {
		h := place{p.at, p.node}.in("product_identification_helper")
		if one := h.in("purl"); one.value != nil && one.kind == text {
			out = append(out, one)
		}
		for _, u := range h.each("purls") {
			if u.kind == text {
				out = append(out, u)
			}
		}
	}
	return out
}

func purlValid(d *document, t tell) {
	for _, p := range d.purls() {
		if !isPURL(p.text) {
			t(p.at, "value", clip(p.text))
		}
	}
}

// isPURL checks the text beyond what the parser asks: a name, and nothing that
// the parser would have repaired silently (ECMA-427 §5).
func isPURL(s string) bool {
	u, err := packageurl.FromString(s)
	if err != nil || u.Name == "" {
		return false
	}
	rest := strings.TrimPrefix(s, "pkg:")
	if rest == s || strings.HasPrefix(rest, "/") {
		return false
	}
	return !(slices.Contains(noNamespace, u.Type) && u.Namespace != "") && !(slices.Contains(needNamespace, u.Type) && u.Namespace == "")
}

// Types whose definitions forbid a namespace, or ask for one.
var (
	noNamespace   = []string{"bitnami", "cargo", "cocoapods", "conda", "cran", "gem", "hackage", "mlflow", "nuget", "oci", "pub", "pypi"}
	needNamespace = []string{"bitbucket", "composer", "github", "maven", "swift"}
)

func purlsDiffer(d *document, t tell) {
	for _, p := range d.products {
		all := place{p.at, p.node}.in("product_identification_helper").each("purls")
		first := ""
		for i, u := range all {
			parsed, err := packageurl.FromString(u.text)
			if err != nil {
				continue
			}
			parsed.Qualifiers = nil
			if s := parsed.ToString(); i == 0 || first == "" {
				first = s
			} else if s != first {
				t(u.at, "value", clip(u.text))
			}
		}
	}
}

func hashTwice(d *document, t tell) {
	for _, p := range d.products {
		for _, h := range (place{p.at, p.node}).in("product_identification_helper").each("hashes") {
			seen := map[string]bool{}
			for _, f := range h.each("file_hashes") {
				a := f.str("algorithm")
				if seen[a] {
					t(f.at, "value", clip(a))
				}
				seen[a] = true
			}
		}
	}
}

func onlyHash(name string) func(*document, tell) {
	return func(d *document, t tell) {
		for _, p := range d.products {
			for _, h := range (place{p.at, p.node}).in("product_identification_helper").each("hashes") {
				only := true
				all := h.each("file_hashes")
				for _, f := range all {
					only = only && f.str("algorithm") == name
				}
				if only && len(all) > 0 {
					t(h.at + "/file_hashes")
				}
			}
		}
	}
}

func hashShort(d *document, t tell) {
	for _, p := range d.products {
		for _, h := range (place{p.at, p.node}).in("product_identification_helper").each("hashes") {
			for _, f := range h.each("file_hashes") {
				if v := f.str("value"); len(v) < 64 {
					t(f.at+"/value", "value", clip(v))
				}
			}
		}
	}
}

// branches calls each for every branch of the tree, with its place.
func (d *document) branches(each func(b place)) {
	var walk func(p place)
	walk = func(p place) {
		for _, b := range p.each("branches") {
			each(b)
			walk(b)
		}
	}
	walk(d.tree())
}

var rangeWords = map[string]bool{"after": true, "all": true, "before": true, "earlier": true, "later": true, "prior": true, "versions": true}

func versionIsRange(d *document, t tell) {
	d.branches(func(b place) {
		if b.str("category") != "product_version" {
			return
		}
		name := strings.ToLower(b.str("name"))
		bad := strings.ContainsAny(name, "<>")
		for _, w := range strings.Fields(name) {
			bad = bad || rangeWords[w]
		}
		if bad {
			t(b.at+"/name", "value", clip(b.str("name")))
		}
	})
}

func branchesDeep(d *document, t tell) {
	for _, p := range d.products {
		if p.depth > 30 {
			t(p.at, "value", p.depth)
		}
	}
}

func branchesStacked(d *document, t tell) {
	for _, p := range d.products {
		seen := map[string]bool{}
		for _, b := range p.branches {
			c := b.str("category")
			if seen[c] && c != "product_family" {
				t(p.at, "value", c)
				break
			}
			seen[c] = true
		}
	}
}

func versionAndRange(d *document, t tell) {
	for _, p := range d.products {
		var version, span bool
		for _, b := range p.branches {
			version = version || b.str("category") == "product_version"
			span = span || b.str("category") == "product_version_range"
		}
		if version && span {
			t(p.at)
		}
	}
}

func starsIn(list string) func(*document, tell) {
	return func(d *document, t tell) {
		for _, p := range d.products {
			for _, n := range (place{p.at, p.node}).in("product_identification_helper").each(list) {
				stars, escaped := 0, false
				for _, c := range n.text {
					if c == '*' && !escaped {
						stars++
					}
					escaped = c == '\\' && !escaped
				}
				if stars > 1 {
					t(n.at, "value", clip(n.text))
				}
			}
		}
	}
}

func productUnused(d *document, t tell) {
	if strings.HasPrefix(d.doc().str("category"), "csaf_informational_advisory") {
		return
	}
	used := map[string]bool{}
	for _, r := range d.references("product_ids") {
		used[r.text] = true
	}
	for _, p := range d.products {
		if id := p.id(); id != "" && !used[id] {
			t(p.at+"/product_id", "value", clip(id))
		}
	}
}

func helperMissing(d *document, t tell) {
	for _, p := range d.products {
		if p.node.get("product_identification_helper") == nil {
			t(p.at, "value", clip(p.id()))
		}
	}
}

func branchOrder(d *document, t tell) {
	for _, p := range d.products {
		if p.branches == nil {
			continue
		}
		want := []string{"vendor", "product_name", "product_version"}
		for _, b := range p.branches {
			if len(want) > 0 && b.str("category") == want[0] {
				want = want[1:]
			}
		}
		if len(want) > 0 {
			t(p.at, "value", want[0])
		}
	}
}

func rangeUsed(d *document, t tell) {
	d.branches(func(b place) {
		if b.str("category") == "product_version_range" {
			t(b.at + "/category")
		}
	})
}

var vVersion = regexp.MustCompile(`^[vV][0-9].*$`)

func versionV(d *document, t tell) {
	d.branches(func(b place) {
		if b.str("category") == "product_version" && vVersion.MatchString(b.str("name")) {
			t(b.at+"/name", "value", clip(b.str("name")))
		}
	})
}

func vendorOpenSource(d *document, t tell) {
	d.branches(func(b place) {
		plain := strings.Join(strings.Fields(strings.ToLower(b.str("name"))), "")
		if b.str("category") == "vendor" && plain == "opensource" {
			t(b.at + "/name")
		}
	})
}
