package product

import (
	"slices"
	"strings"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/purl"
)

// Keys returns the product keys of a name and of a package, either of which
// may be zero: "cpe:<part>:<vendor>:<product>" with the values as the
// formatted string binding writes them, and "purl:<type>/<namespace>/<name>" as
// [purl.Key] writes it, without the namespace when there is none.
// Statements and subjects that share a key speak of one product.
//
// A name without a vendor or a product has no key, and wildcards are none:
// nothing is ever matched by such a name. A wildcard beside letters stands for
// itself, so that it meets only what is written the same. A name of any part
// has the keys of all three. A package URL that cannot be read has none.
func Keys(name cpe.Name, pkg string) []string {
	var keys []string
	if names(name.Vendor) && names(name.Product) {
		rest := ":" + string(name.Vendor) + ":" + string(name.Product)
		switch {
		case name.Part == cpe.Any:
			keys = append(keys, "cpe:a"+rest, "cpe:o"+rest, "cpe:h"+rest)
		case names(name.Part):
			keys = append(keys, "cpe:"+string(name.Part)+rest)
		}
	}
	if k := packageKey(pkg); k != "" {
		keys = append(keys, k)
	}
	return keys
}

// AskKeys returns the keys by which statements about a piece of equipment are
// found: those of [Keys], and of an application or an operating system also the
// other of the two, after them. Sources do not agree which of them firmware is:
// of one CVE, NVD says "o:fortinet:fortios" and the coordinator "a:fortinet:
// fortios", and both mean the one product. Vendor and product stay exact, and
// hardware stays apart. The last are those of the other names that software is
// known to go by.
func AskKeys(name cpe.Name, pkg string) []string {
	keys, _ := askKeys(name, pkg)
	return keys
}

// askKeys also says how many of the keys, the first, are of the name itself.
func askKeys(name cpe.Name, pkg string) (keys []string, own int) {
	keys = Keys(name, pkg)
	others := otherNames(name)
	other := cpe.Value("a")
	switch name.Part {
	case "a":
		other = "o"
	case "o":
	default:
		return keys, len(keys)
	}
	name.Part = other
	keys = append(keys, Keys(name, "")...)
	own = len(keys)
	for _, n := range others {
		keys = append(keys, Keys(n, "")...)
		n.Part = other
		keys = append(keys, Keys(n, "")...)
	}
	return keys, own
}

// LineKeys returns the product keys under which a line is found: those of
// [Keys], or where it gives only text, [TextKey].
func LineKeys(l *Line) []string {
	keys := Keys(l.Name, l.Package)
	if l.onlyText() {
		if k := TextKey(l.Text); k != "" {
			keys = append(keys, k)
		}
	}
	return keys
}

// onlyText reports whether a line names its product in words only.
func (l *Line) onlyText() bool { return l.Text != "" && l.Name.Product == cpe.Any && l.Package == "" }

// TextKey returns the key of a product in words, maker first: "said:" and the
// words without case, width, blanks, punctuation and company forms. A maker
// that is named twice ("Cisco Cisco IOS XE Software") counts once, and
// "software" at the end is no part of a name. It is empty when there are no
// words, or more than a name has.
func TextKey(s string) string {
	if len(s) > maxText {
		return ""
	}
	words := slices.DeleteFunc(tokens(s), func(w string) bool { return companyForms[w] })
	for n := len(words) / 2; n > 0; n-- {
		if slices.Equal(words[:n], words[n:2*n]) {
			words = words[n:]
			break
		}
	}
	if n := len(words); n > 2 && words[n-1] == "software" {
		words = words[:n-1]
	}
	if len(words) == 0 {
		return ""
	}
	return "said:" + strings.Join(words, "")
}

// packageKey returns the key of a package URL, and "" when it is none.
func packageKey(pkg string) string {
	if pkg == "" {
		return ""
	}
	key, _, err := purl.Key(pkg)
	if err != nil {
		return ""
	}
	return "purl:" + key
}

// names reports whether a value names something: it is neither Any nor NA nor
// wildcards only.
func names(v cpe.Value) bool {
	return v != cpe.NA && strings.Trim(string(v), "*?") != ""
}
