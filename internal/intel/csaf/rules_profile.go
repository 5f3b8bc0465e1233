package csaf

import (
	"slices"
	"strings"
	"unicode"
)

// The tests of profiles (CSAF 2.0 §4, 2.1 §4).

// profileNames are the profiles a document that is none of them may not be
// named after (§6.1.26).
var profileNames = []string{
	"securityincidentresponse", "informationaladvisory", "securityadvisory", "vex",
	"withdrawn", "superseded", "deprecatedsecurityadvisory",
}

func categoryReserved(d *document, t tell) {
	c := d.doc().str("category")
	known := []string{"csaf_base", "csaf_security_incident_response", "csaf_informational_advisory", "csaf_security_advisory", "csaf_vex"}
	if d.is21 {
		known = append(known, "csaf_deprecated_security_advisory", "csaf_withdrawn", "csaf_superseded")
	}
	if c == "" || slices.Contains(known, c) {
		return
	}
	lower := strings.ToLower(c)
	plain := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) || unicode.Is(unicode.Pc, r) || r == '\u0332' || r == '\u2010' || r == '\u00ad' {
			return -1
		}
		return r
	}, lower)
	names := profileNames
	if !d.is21 {
		names = names[:4]
	}
	if strings.HasPrefix(lower, "csaf_") || slices.Contains(names, plain) || slices.Contains(names, strings.TrimPrefix(plain, "csaf")) {
		t("/document/category", "value", clip(c))
	}
}

// of reports whether the document is of one of the profiles.
func (d *document) of(profiles ...string) bool {
	return slices.Contains(profiles, d.doc().str("category"))
}

func profileNotes(d *document, t tell) {
	if d.of("csaf_informational_advisory", "csaf_security_incident_response") &&
		!noteOf(d, "description", "details", "general", "summary") {
		t("/document/notes")
	}
}

func noteOf(d *document, categories ...string) bool {
	for _, n := range d.doc().each("notes") {
		if slices.Contains(categories, n.str("category")) {
			return true
		}
	}
	return false
}

func profileReferences(d *document, t tell) {
	if !d.of("csaf_informational_advisory", "csaf_security_incident_response") {
		return
	}
	for _, r := range d.doc().each("references") {
		if c := r.str("category"); c == "external" || c == "" {
			return
		}
	}
	t("/document/references")
}

func profileNoVulnerabilities(d *document, t tell) {
	if d.of("csaf_informational_advisory") || d.is21 && d.of("csaf_withdrawn", "csaf_superseded") {
		if d.root.get("vulnerabilities") != nil {
			t("/vulnerabilities")
		}
	}
}

// advisory are the profiles that speak of products and vulnerabilities.
func (d *document) advisory() bool {
	return d.of("csaf_security_advisory", "csaf_vex") || d.is21 && d.of("csaf_deprecated_security_advisory")
}

func profileTree(d *document, t tell) {
	if d.advisory() && d.root.get("product_tree") == nil {
		t("/product_tree")
	}
}

func profileVulnerabilities(d *document, t tell) {
	if d.advisory() && d.root.get("vulnerabilities") == nil {
		t("/vulnerabilities")
	}
}

func profileVulnerabilityNotes(d *document, t tell) {
	if d.advisory() {
		lacks(d, t, "notes")
	}
}

func profileStatus(d *document, t tell) {
	if d.of("csaf_security_advisory") || d.is21 && d.advisory() {
		lacks(d, t, "product_status")
	}
}

func lacks(d *document, t tell, member string) {
	for _, v := range d.vulnerabilities() {
		if v.get(member) == nil {
			t(v.at + "/" + member)
		}
	}
}

func profileVEXStatus(d *document, t tell) {
	if !d.of("csaf_vex") {
		return
	}
	for _, v := range d.vulnerabilities() {
		s := v.in("product_status")
		if s.get("fixed") == nil && s.get("known_affected") == nil && s.get("known_not_affected") == nil && s.get("under_investigation") == nil {
			t(s.at)
		}
	}
}

func profileVEXID(d *document, t tell) {
	if !d.of("csaf_vex") {
		return
	}
	for _, v := range d.vulnerabilities() {
		if v.get("cve") != nil {
			continue
		}
		ids := v.each("ids")
		if len(ids) == 0 {
			t(v.at)
			continue
		}
		named, general := map[string]bool{}, !d.is21
		for _, i := range ids {
			general = general || i.get("product_ids") == nil && i.get("group_ids") == nil
			for id := range d.concerned(i) {
				named[id] = true
			}
		}
		if general {
			continue
		}
		for _, list := range statusNames {
			for _, id := range v.in("product_status").each(list) {
				if !named[id.text] {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}

func profileImpact(d *document, t tell) {
	if !d.of("csaf_vex") {
		return
	}
	for _, v := range d.vulnerabilities() {
		why := map[string]bool{}
		for _, f := range v.each("flags") {
			for id := range d.concerned(f) {
				why[id] = true
			}
		}
		for _, th := range v.each("threats") {
			if th.str("category") == "impact" {
				for id := range d.concerned(th) {
					why[id] = true
				}
			}
		}
		for _, id := range v.in("product_status").each("known_not_affected") {
			if !why[id.text] {
				t(id.at, "value", clip(id.text))
			}
		}
	}
}

func profileAction(d *document, t tell) {
	if !d.of("csaf_vex") {
		return
	}
	for _, v := range d.vulnerabilities() {
		what := map[string]bool{}
		for _, r := range v.each("remediations") {
			for id := range d.concerned(r) {
				what[id] = true
			}
		}
		for _, id := range v.in("product_status").each("known_affected") {
			if !what[id.text] {
				t(id.at, "value", clip(id.text))
			}
		}
	}
}

func profileAffected(d *document, t tell) {
	if !d.of("csaf_security_advisory") {
		return
	}
	for _, v := range d.vulnerabilities() {
		if v.get("product_status", "known_affected") == nil {
			t(v.at + "/product_status/known_affected")
		}
	}
}

// family says what a product is without its version: two products of one
// family differ in version only. A path counts by the family of what it begins
// with and by what it is installed on.
func (d *document) family(id string, deep int) string {
	i, ok := d.defined[id]
	if !ok || deep > 8 {
		return "undefined"
	}
	p := d.products[i]
	var b strings.Builder
	for _, x := range p.branches {
		if c := x.str("category"); c != "product_version" && c != "product_version_range" && c != "patch_level" && c != "service_pack" {
			b.WriteString(c + "=" + x.str("name") + "\x00")
		}
	}
	if p.path != nil {
		b.WriteString("path\x00" + d.family(p.path.str("beginning_product_reference"), deep+1))
		for _, s := range p.path.list("subpaths") {
			if s.str("category") == "installed_with" {
				break
			}
			b.WriteString("\x00" + s.str("category") + "\x00" + s.str("next_product_reference"))
		}
	}
	if s := strings.TrimPrefix(b.String(), "path\x00"); s != "" {
		return s
	}
	return "nowhere"
}

func profileFixedAffected(d *document, t tell) {
	if !d.of("csaf_security_advisory") {
		return
	}
	// What is installed with a product as its fix stands for that product.
	patches := map[string][]string{}
	for _, p := range d.products {
		for _, s := range p.path.list("subpaths") {
			if s.str("category") == "installed_with" {
				patches[s.str("next_product_reference")] = append(patches[s.str("next_product_reference")], d.family(p.id(), 0))
			}
		}
	}
	for _, v := range d.vulnerabilities() {
		affected := map[string]bool{}
		for _, list := range []string{"first_affected", "known_affected", "last_affected"} {
			for _, id := range v.strs("product_status", list) {
				affected[d.family(id, 0)] = true
			}
		}
		for _, list := range []string{"first_fixed", "fixed"} {
			for _, id := range v.in("product_status").each(list) {
				f := d.family(id.text, 0)
				ok := affected[f] || f == "undefined"
				for _, other := range patches[id.text] {
					ok = ok || affected[other]
				}
				if !ok {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}

func withdrawnNotes(d *document, t tell) {
	if d.of("csaf_withdrawn", "csaf_superseded") && !noteOf(d, "description") {
		t("/document/notes")
	}
}

func withdrawnTree(d *document, t tell) {
	if d.of("csaf_withdrawn", "csaf_superseded") && d.root.get("product_tree") != nil {
		t("/product_tree")
	}
}

func withdrawnHistory(d *document, t tell) {
	if d.of("csaf_withdrawn", "csaf_superseded") && len(d.history()) < 2 {
		t(atHistory)
	}
}

// english reports whether the language of the document is English or not said.
func (d *document) english() bool {
	base, _, _ := strings.Cut(strings.ToLower(d.doc().str("lang")), "-")
	return base == "" || base == "en"
}

func titled(d *document, t tell, title, category string) {
	n, right := 0, false
	at := "/document/notes"
	for _, note := range d.doc().each("notes") {
		if note.str("title") == title {
			n++
			at = note.at
			right = note.str("category") == category
		}
	}
	if n != 1 || !right {
		t(at, "value", title)
	}
}

func withdrawnReason(d *document, t tell) {
	if d.of("csaf_withdrawn") && d.english() {
		titled(d, t, "Reasoning for Withdrawal", "description")
	}
}

func supersededReason(d *document, t tell) {
	if d.of("csaf_superseded") && d.english() {
		titled(d, t, "Reasoning for Supersession", "description")
	}
}

func supersededReference(d *document, t tell) {
	if !d.of("csaf_superseded") || !d.english() {
		return
	}
	for _, r := range d.doc().each("references") {
		if strings.HasPrefix(r.str("summary"), "Superseding Document") && r.str("category") == "external" {
			return
		}
	}
	t("/document/references")
}

func profileDeprecated(d *document, t tell) {
	if strings.HasPrefix(d.doc().str("category"), "csaf_deprecated_") {
		t("/document/category", "value", clip(d.doc().str("category")))
	}
}
