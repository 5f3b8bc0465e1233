package product

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"noroshi/internal/engine/product/cpe"
)

// Keys returns the product keys of a name and of a package, either of which
// may be zero: "cpe:<part>:<vendor>:<product>" with the values as the
// formatted string binding writes them, and "purl:<type>/<namespace>/<name>".
// Statements and subjects that share a key speak of one product.
//
// A name without a vendor or a product, or with a wildcard in one, has no key:
// nothing is ever matched by such a name. A name of any part has the keys of
// all three. A package URL that cannot be read has none.
func Keys(name cpe.Name, pkg string) []string {
	var keys []string
	if literal(name.Vendor) && literal(name.Product) {
		rest := ":" + string(name.Vendor) + ":" + string(name.Product)
		switch {
		case name.Part == cpe.Any:
			keys = append(keys, "cpe:a"+rest, "cpe:o"+rest, "cpe:h"+rest)
		case literal(name.Part):
			keys = append(keys, "cpe:"+string(name.Part)+rest)
		}
	}
	if k := packageKey(pkg); k != "" {
		keys = append(keys, k)
	}
	return keys
}

// packageKey returns the key of a package URL, and "" when it is none.
func packageKey(pkg string) string {
	if pkg == "" {
		return ""
	}
	u, err := packageurl.FromString(pkg)
	if err != nil {
		return ""
	}
	return "purl:" + u.Type + "/" + u.Namespace + "/" + u.Name
}

// literal reports whether a value is a string without wildcards: neither Any
// nor NA, and no `*` or `?` that is not behind a backslash.
func literal(v cpe.Value) bool {
	return v != cpe.Any && v != cpe.NA && !wild(string(v))
}

// wild reports whether a value has a wildcard that is not behind a backslash
// (NISTIR 7696 §6.3).
func wild(s string) bool {
	if strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '?') < 0 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		}
	}
	return false
}
