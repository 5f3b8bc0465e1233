package csaf

import (
	"slices"
	"strings"
	"time"
)

// Further recommended and informative tests of CSAF 2.1.

// hardwareAlone tells products that name hardware and that no path refers to.
func hardwareAlone(d *document, t tell) {
	used := map[string]bool{}
	for _, p := range d.products {
		used[p.path.str("beginning_product_reference")] = true
		for _, s := range p.path.list("subpaths") {
			used[s.str("next_product_reference")] = true
		}
	}
	for _, p := range d.products {
		h := p.node.get("product_identification_helper")
		if (h.get("serial_numbers") != nil || h.get("model_numbers") != nil) && !used[p.id()] {
			t(p.at, "value", clip(p.id()))
		}
	}
}

// helperShared tells an identifier that two products share.
func helperShared(d *document, t tell) {
	first := map[string]int{}
	for i, p := range d.products {
		h := place{p.at, p.node}.in("product_identification_helper")
		if h.value == nil {
			continue
		}
		for k, name := range h.keys {
			values := []value{h.items[k]}
			if h.items[k].kind == list {
				values = h.items[k].items
			}
			for j := range values {
				key := name + "\x00" + canonical(&values[j])
				if at, there := first[key]; there && at != i {
					t(h.at+"/"+name, "value", clip(p.id()))
				} else {
					first[key] = i
				}
			}
		}
	}
}

func pathNested(d *document, t tell) {
	made := map[string]bool{}
	for _, p := range d.products {
		if p.path != nil {
			made[p.id()] = true
		}
	}
	for _, p := range d.tree().each("product_paths") {
		if b := p.str("beginning_product_reference"); made[b] {
			t(p.at+"/beginning_product_reference", "value", clip(b))
		}
		for _, s := range p.each("subpaths") {
			if n := s.str("next_product_reference"); made[n] {
				t(s.at+"/next_product_reference", "value", clip(n))
			}
		}
	}
}

// openEnded tells a range without an upper end: what comes later is not known.
func openEnded(d *document, t tell) {
	spans(d, func(n place) {
		sp, ok := readSpan(n.text)
		if !ok {
			return
		}
		for i := len(sp.parts) - 1; i >= 0; i-- {
			switch op := sp.parts[i].op; {
			case op == "!=":
				continue
			case op[0] == '>':
				t(n.at, "value", clip(n.text))
			}
			return
		}
	})
}

// versTypes are the types of the VERS specification and its registry.
var versTypes = strings.Fields("all alpine alpm apk arch bitnami cargo composer conan conda cpan cran datetime deb debian ebuild gem generic gentoo github golang hackage hex huggingface intdot lexicographic luarocks mattermost maven mlflow mozilla nginx none npm nuget opam openssl otp pub pypi rpm semver swift")

func versUnknown(d *document, t tell) {
	spans(d, func(n place) {
		if m := versPattern.FindStringSubmatch(n.text); m != nil && m[1] != "" && !slices.Contains(versTypes, m[1]) {
			t(n.at, "value", clip(m[1]))
		}
	})
}

// hashNames are the digests OpenSSL names, which CSAF takes its names from
// (2.0 §3.1.3.3.2).
var hashNames = strings.Fields("blake2b512 blake2s256 gost md2 md4 md5 md5-sha1 mdc2 ripemd ripemd160 rmd160 sha1 sha224 sha256 sha3-224 sha3-256 sha3-384 sha3-512 sha384 sha512 sha512-224 sha512-256 shake128 shake256 sm3 whirlpool")

func hashUnknown(d *document, t tell) {
	for _, p := range d.products {
		for _, h := range (place{p.at, p.node}).in("product_identification_helper").each("hashes") {
			for _, f := range h.each("file_hashes") {
				if a := f.str("algorithm"); !slices.Contains(hashNames, a) {
					t(f.at+"/algorithm", "value", clip(a))
				}
			}
		}
	}
}

// epssOld asks for an EPSS estimate of the last fifteen days before the newest
// revision.
func epssOld(d *document, t tell) {
	h := d.history()
	if !d.released() || len(h) == 0 {
		return
	}
	for _, v := range d.vulnerabilities() {
		var youngest time.Time
		where := ""
		for _, m := range v.each("metrics") {
			p := m.in("content").in("epss").in("timestamp")
			if p.value == nil {
				continue
			}
			if at, ok := moment(p.text); ok && at.After(youngest) {
				youngest, where = at, p.at
			}
		}
		if where != "" && h[len(h)-1].time.Sub(youngest) > 15*24*time.Hour {
			t(where, "value", stamp(youngest))
		}
	}
}

func withdrawnExtension(d *document, t tell) {
	if d.of("csaf_withdrawn", "csaf_superseded") {
		for _, e := range d.extensions() {
			t(e.at)
		}
	}
}

// translated are the fixed titles in other languages, as the CSAF committee
// records them (csaf_2.1/language_specific_translation).
var translated = map[string]map[string]string{
	"de": {
		"License": "Lizenz", "Product Description": "Produktbeschreibung",
		"Reasoning for Supersession": "Begründung für die Ersetzung",
		"Reasoning for Withdrawal":   "Begründung für die Zurückziehung",
		"Superseding Document":       "Ersetzendes Dokument",
	},
}

// said returns a fixed title in the language of the document; "" when none is
// recorded.
func (d *document) said(title string) string {
	if d.english() {
		return title
	}
	base, _, _ := strings.Cut(strings.ToLower(d.doc().str("lang")), "-")
	return translated[base][title]
}

func (d *document) foreign(title string) string {
	if d.english() {
		return ""
	}
	return d.said(title)
}

func withdrawnReasonSaid(d *document, t tell) {
	if title := d.foreign("Reasoning for Withdrawal"); title != "" && d.of("csaf_withdrawn") {
		titled(d, t, title, "description")
	}
}

func supersededReasonSaid(d *document, t tell) {
	if title := d.foreign("Reasoning for Supersession"); title != "" && d.of("csaf_superseded") {
		titled(d, t, title, "description")
	}
}

func supersededReferenceSaid(d *document, t tell) {
	title := d.foreign("Superseding Document")
	if title == "" || !d.of("csaf_superseded") {
		return
	}
	for _, r := range d.doc().each("references") {
		if strings.HasPrefix(r.str("summary"), title) && r.str("category") == "external" {
			return
		}
	}
	t("/document/references", "value", title)
}

func licenceTextSaid(d *document, t tell) {
	title := d.foreign("License")
	if title == "" {
		return
	}
	if ids, _ := licences(d.doc().str("license_expression")); unlisted(ids) {
		titled(d, t, title, "legal_disclaimer")
	}
}

func descriptionLoose(d *document, t tell) {
	title := d.said("Product Description")
	for _, n := range d.doc().each("notes") {
		if title != "" && n.str("category") == "description" && strings.HasPrefix(n.str("title"), title) &&
			n.get("product_ids") == nil && n.get("group_ids") == nil {
			t(n.at)
		}
	}
}
