package vendor

import (
	"iter"
	"strings"

	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// maxDepth bounds how deep a statement's nodes are read.
const maxDepth = 8

// linesOf gives the lines of a statement, wherever they stand in it.
func linesOf(n *product.Node, depth int) iter.Seq[product.Line] {
	return func(yield func(product.Line) bool) {
		for _, l := range n.Lines {
			if !yield(l) {
				return
			}
		}
		for i := range n.Children {
			if depth == maxDepth {
				return
			}
			for l := range linesOf(&n.Children[i], depth+1) {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// lineKey tells apart the products that lines are about, whatever versions.
func lineKey(l product.Line) string {
	switch {
	case l.Name.Product.Set():
		return "cpe:" + string(l.Name.Vendor) + ":" + string(l.Name.Product)
	case l.Package != "":
		return l.Package
	}
	return "text:" + fold(l.Text)
}

// fold makes spellings of a product's name alike.
func fold(s string) string { return strings.ToLower(line(s)) }

// lineName is what people call the product of a line.
func lineName(l product.Line) string {
	name := line(l.Text)
	switch {
	case name != "":
	case l.Name.Product.Set():
		name = strings.ReplaceAll(strings.TrimSpace(l.Name.Vendor.Text()+" "+l.Name.Product.Text()), "_", " ")
	default:
		name = l.Package
	}
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	return name
}

// sameProduct reports whether a line is about a product of the request.
func sameProduct(p Product, l product.Line) bool {
	if p.CPE != "" && l.Name.Product.Set() {
		n, err := cpe.Parse(p.CPE)
		return err == nil && n.Vendor == l.Name.Vendor && n.Product == l.Name.Product
	}
	if p.PURL != "" && l.Package != "" {
		bare, _, _ := strings.Cut(p.PURL, "@")
		return bare == l.Package
	}
	text := fold(l.Text)
	return text != "" && (text == fold(p.Name) || strings.HasSuffix(text, " "+fold(p.Name)))
}

// merge adds a line to what was read of its product: affected goes before what
// is looked into, and that before not affected.
func merge(a *ProductAnswer, l product.Line) {
	switch l.Status {
	case product.Affected:
		a.Status, a.Why = Affected, ""
		if v := versionsOf(l); v != "" && !strings.Contains(a.Versions, v) && len(a.Versions)+len(v) < maxName {
			a.Versions = strings.TrimSpace(a.Versions + " " + v)
		}
		if l.Fixed != "" && a.Fix != Released {
			a.Fix, a.Fixed = Released, l.Fixed
		}
		if l.Detail != "" && a.Detail == "" {
			a.Detail = cutRunes(l.Detail, maxWords)
		}
	case product.NotAffected:
		if a.Status != Affected {
			a.Status, a.Why, a.Detail = NotAffected, string(l.Why), cutRunes(l.Detail, maxWords)
		}
	case product.Fixed:
		if len(l.Versions) > 0 {
			a.Fix, a.Fixed = Released, l.Versions[0]
		} else if l.Name.Version.Set() {
			a.Fix, a.Fixed = Released, l.Name.Version.Text()
		}
	}
}

func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// versionsOf writes the versions of a line as a version range specifier.
func versionsOf(l product.Line) string {
	if len(l.Ranges) == 1 && len(l.Versions) == 0 {
		return rangeText(l.Ranges[0])
	}
	if len(l.Ranges) == 0 && len(l.Versions) == 1 {
		return l.Versions[0]
	}
	return ""
}

func rangeText(r version.Range) string {
	var parts []string
	if r.From != "" {
		op := ">="
		if r.FromExcluded {
			op = ">"
		}
		parts = append(parts, op+r.From)
	}
	if r.To != "" {
		op := "<"
		if r.ToIncluded {
			op = "<="
		}
		parts = append(parts, op+r.To)
	}
	if len(parts) == 0 || strings.ContainsAny(strings.Join(parts, ""), " \t") {
		return ""
	}
	return "vers:generic/" + strings.Join(parts, "|")
}
