package csaf

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// The tests of languages, licences, sharing and what else is only text.

func (d *document) languages() (out []place) {
	for _, name := range []string{"lang", "source_lang"} {
		if p := d.doc().in(name); p.value != nil && p.kind == text {
			out = append(out, p)
		}
	}
	return out
}

// languageKnown asks whether every subtag is registered (BCP 47).
func languageKnown(d *document, t tell) {
	for _, l := range d.languages() {
		var unknown language.ValueError
		if _, err := language.Parse(l.text); errors.As(err, &unknown) || err != nil && !strings.EqualFold(l.text, "i-default") {
			t(l.at, "value", clip(l.text))
		}
	}
}

// private are the subtags BCP 47 keeps for private use: qaa–qtz, Qaaa–Qabx,
// AA, QM–QZ, XA–XZ and what follows x.
var private = regexp.MustCompile(`(?i)^(q[a-t][a-z]|x)(-|$)|-(x-|qa[a-b][a-x](-|$)|(aa|q[m-z]|x[a-z]|zz)(-|$))`)

func languagePrivate(d *document, t tell) {
	for _, l := range d.languages() {
		if private.MatchString(l.text) {
			t(l.at, "value", clip(l.text))
		}
	}
}

func languageDefault(d *document, t tell) {
	for _, l := range d.languages() {
		if strings.EqualFold(l.text, "i-default") {
			t(l.at)
		}
	}
}

func languageMissing(d *document, t tell) {
	if d.doc().str("lang") == "" {
		t("/document/lang")
	}
}

func translationSame(d *document, t tell) {
	if s := d.doc().str("source_lang"); s != "" && strings.EqualFold(s, d.doc().str("lang")) {
		t("/document/source_lang", "value", clip(s))
	}
}

// canonicalURL returns the URL a document says it stands at, "" when none of
// its references fits (CSAF 2.0 §6.2.11).
func canonicalURL(d *document) string {
	name := FileName(d.doc().str("tracking", "id"))
	for _, r := range d.doc().each("references") {
		u := r.str("url")
		if r.str("category") == "self" && strings.HasPrefix(u, "https://") && strings.HasSuffix(u, "/"+name) {
			return u
		}
	}
	return ""
}

func canonicalMissing(d *document, t tell) {
	if canonicalURL(d) == "" {
		t("/document/references")
	}
}

func tlpMissing(d *document, t tell) {
	if d.doc().str("distribution", "tlp", "label") == "" {
		t("/document/distribution/tlp/label")
	}
}

// unsorted tells the first name of each object that stands out of order.
func unsorted(d *document, t tell) {
	var walk func(v *value, at string)
	walk = func(v *value, at string) {
		for i := range v.items {
			switch v.kind {
			case object:
				if i > 0 && v.keys[i] < v.keys[i-1] {
					t(pointer(at, v.keys[i]), "value", clip(v.keys[i]))
				}
				walk(&v.items[i], pointer(at, v.keys[i]))
			case list:
				walk(&v.items[i], pointerN(at, i))
			}
		}
	}
	walk(d.root, "")
}

func extraMembers(d *document, t tell) {
	for _, f := range d.extra {
		t(f.at, "value", problemValue(f))
	}
	everyCVSS(d, func(c cvssObject, version *cvssVersion) {
		version.shape.check(c.value, c.at, func(f found) {
			if f.extra {
				t(f.at, "value", problemValue(f))
			}
		})
	})
}

const (
	maxUUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	nilUUID = "00000000-0000-0000-0000-000000000000"
	atGroup = "/document/distribution/sharing_group"
)

func (d *document) sharing() (id, name string, there bool) {
	g := d.doc().get("distribution", "sharing_group")
	return g.str("id"), g.str("name"), g != nil
}

func sharingMax(d *document, t tell) {
	if id, _, _ := d.sharing(); id == maxUUID && !d.clear() {
		t(atGroup + "/id")
	}
}

func sharingPublic(d *document, t tell) {
	id, _, there := d.sharing()
	if there && d.clear() && id != maxUUID && (id != nilUUID || d.status() != "draft") {
		t(atGroup+"/id", "value", clip(id))
	}
}

func sharingName(d *document, t tell) {
	id, name, _ := d.sharing()
	if name == "Public" && id != maxUUID || name == "No sharing allowed" && id != nilUUID {
		t(atGroup+"/name", "value", name)
	}
}

func sharingNameMissing(d *document, t tell) {
	id, name, _ := d.sharing()
	if id == maxUUID && name != "Public" || id == nilUUID && name != "No sharing allowed" {
		t(atGroup+"/name", "value", clip(name))
	}
}

func sharingUUID(which string) func(*document, tell) {
	return func(d *document, t tell) {
		if id, _, _ := d.sharing(); id == which {
			t(atGroup + "/id")
		}
	}
}

func sharingOnClear(d *document, t tell) {
	if _, _, there := d.sharing(); there && d.clear() {
		t(atGroup)
	}
}

var (
	licenceID     = regexp.MustCompile(`^[A-Za-z0-9.-]+\+?$`)
	licenceRef    = regexp.MustCompile(`^LicenseRef-[A-Za-z0-9.-]+$`)
	additionRef   = regexp.MustCompile(`^AdditionRef-[A-Za-z0-9.-]+$`)
	licenceTokens = regexp.MustCompile(`\(|\)|[^\s()]+`)
)

// licences reads an SPDX licence expression (SPDX 3.0.1 annex B) and returns
// its identifiers. DocumentRef is not allowed in CSAF (2.1 §3.2.2.7).
func licences(s string) (ids []string, ok bool) {
	tokens := licenceTokens.FindAllString(s, 1000)
	depth, want := 0, true // want an identifier next
	for i := 0; i < len(tokens); i++ {
		switch tok := tokens[i]; {
		case tok == "(":
			if !want {
				return nil, false
			}
			depth++
		case tok == ")":
			if want || depth == 0 {
				return nil, false
			}
			depth--
		case slices.Contains([]string{"AND", "OR", "and", "or"}, tok):
			if want {
				return nil, false
			}
			want = true
		case tok == "WITH" || tok == "with":
			if want || i+1 == len(tokens) || tokens[i-1] == ")" {
				return nil, false
			}
			i++
			if !isIdentifier(tokens[i], "AdditionRef-", additionRef) || strings.HasSuffix(tokens[i], "+") {
				return nil, false
			}
			ids = append(ids, tokens[i])
		default:
			if !want || !isIdentifier(tok, "LicenseRef-", licenceRef) {
				return nil, false
			}
			ids = append(ids, tok)
			want = false
		}
	}
	return ids, !want && depth == 0
}

func isIdentifier(tok, prefix string, ref *regexp.Regexp) bool {
	if len(tok) >= len(prefix) && strings.EqualFold(tok[:len(prefix)], prefix) {
		return ref.MatchString(tok)
	}
	return licenceID.MatchString(tok)
}

func licenceForm(d *document, t tell) {
	if e := d.doc().str("license_expression"); e != "" {
		if _, ok := licences(e); !ok {
			t("/document/license_expression", "value", clip(e))
		}
	}
}

// licenceText asks for the text of a licence no public list has. A reference
// is on such a list only when ScanCode keeps it.
func licenceText(d *document, t tell) {
	if !d.english() {
		return
	}
	ids, _ := licences(d.doc().str("license_expression"))
	if unlisted(ids) {
		titled(d, t, "License", "legal_disclaimer")
	}
}

func unlisted(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		return (strings.HasPrefix(id, "LicenseRef-") || strings.HasPrefix(id, "AdditionRef-")) && !strings.HasPrefix(id, "LicenseRef-scancode-")
	})
}

func licenceMissing(d *document, t tell) {
	if d.doc().str("license_expression") == "" {
		t("/document/license_expression")
	}
}
