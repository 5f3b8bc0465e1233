package vendor

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
)

// issue is what a document is made of besides the request itself.
type issue struct {
	maker     string // name of the publisher
	namespace string
	lang      text.Lang
	words     text.Printer
	tlp       string
	status    csaf.Status
	past      []csaf.Revision // of earlier documents, the oldest first
	summary   string          // of this revision
	at        time.Time
}

// ranged are the affected versions that a machine can read: a version range
// specifier, or a comparison.
var ranged = regexp.MustCompile(`^(?:vers:[a-z0-9.+-]+/[^\s]+|(?:<|<=|>|>=)\s?[^\s<>=]+)$`)

// single is a fixed version that stands as one version in a product tree; what
// else makers write for it ("9.1 or later") is said in the remedy only
// (CSAF 2.0 §6.1.31).
var single = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+~:()-]*[0-9][0-9A-Za-z._+~:()-]*$|^[0-9]+$`)

// advisory writes what a maker said of its products as a CSAF 2.0 advisory; with
// no product affected as a VEX document. Products of which nothing was said are
// left out: a document does not say that nobody looked. ErrNothing when that
// leaves none, or there is nothing to name the vulnerability by.
func advisory(c Case, request ID, list []Product, i issue) (csaf.Advisory, error) {
	v := csaf.Vulnerability{CVE: c.Vulnerability, Title: c.Title, Notes: []csaf.Note{{Category: "description", Title: c.Title, Text: firstOf(c.Facts, c.Title)}}}
	if v.CVE == "" {
		v.IDs = map[string]string{i.words.T("vendor.csaf.system"): c.Number}
	}
	a := csaf.Advisory{ID: strings.ToLower("noroshi-" + c.Number + "-" + request[len(request)-6:]), Profile: csaf.VEX, Title: c.Title, Lang: string(i.lang), TLP: i.tlp, Status: i.status, Engine: "1",
		Publisher: csaf.Publisher{Name: i.maker, Category: "vendor", Namespace: i.namespace}, Revisions: append(slices.Clone(i.past), csaf.Revision{At: i.at, Summary: i.summary}),
		Notes: []csaf.Note{{Category: "summary", Title: i.words.T("vendor.csaf.summary"), Text: c.Title}}}
	named := map[string]int{}
	for n, p := range list {
		if p.Status == NotChecked {
			continue
		}
		id := "P" + strconv.Itoa(n+1)
		name := p.Name
		if named[name]++; named[name] > 1 { // two entries of one name are two products
			name += " (" + strconv.Itoa(named[name]) + ")"
		}
		x := csaf.Product{ID: id, Vendor: i.maker, Name: name, CPE: p.CPE, PURL: p.PURL}
		if p.Status == Affected && ranged.MatchString(p.Versions) {
			x.Range = p.Versions
		}
		a.Products = append(a.Products, x)
		said(&v, &a, id, name, p, i)
	}
	if len(a.Products) == 0 {
		return a, ErrNothing
	}
	if len(v.Affected) > 0 {
		a.Profile = csaf.SecurityAdvisory
	}
	a.Vulnerabilities = []csaf.Vulnerability{v}
	return a, nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// said adds what a maker says of one product to the vulnerability.
func said(v *csaf.Vulnerability, a *csaf.Advisory, id, name string, p Product, i issue) {
	one := []string{id}
	switch p.Status {
	case Unknown:
		v.Investigating = append(v.Investigating, id)
		return
	case NotAffected:
		v.NotAffected = append(v.NotAffected, id)
		if p.Why != "" {
			v.Flags = append(v.Flags, csaf.Flag{Why: product.Justification(p.Why), Products: one})
		}
		if p.Detail != "" || p.Why == "" {
			v.Threats = append(v.Threats, csaf.Threat{Category: "impact", Details: firstOf(p.Detail, p.Name), Products: one})
		}
		return
	}
	v.Affected = append(v.Affected, id)
	if p.Detail != "" || p.Versions != "" && !ranged.MatchString(p.Versions) {
		v.Notes = append(v.Notes, csaf.Note{Category: "details", Title: name, Text: strings.TrimSpace(p.Versions + "\n" + p.Detail)})
	}
	if p.Interim != "" {
		v.Remediations = append(v.Remediations, csaf.Remediation{Category: "mitigation", Details: p.Interim, Products: one})
	}
	day, _ := time.ParseInLocation(dayLayout, p.FixOn, text.JST)
	switch p.Fix {
	case Released:
		if fixed := id + "F"; single.MatchString(p.Fixed) {
			v.Fixed = append(v.Fixed, fixed)
			a.Products = append(a.Products, csaf.Product{ID: fixed, Vendor: i.maker, Name: name, Version: p.Fixed})
		}
		v.Remediations = append(v.Remediations, csaf.Remediation{Category: "vendor_fix", Details: i.words.T("vendor.csaf.fixed", "version", p.Fixed), URL: p.FixURL, At: day.UTC(), Products: one})
	case Planned:
		v.Remediations = append(v.Remediations, csaf.Remediation{Category: "none_available", Details: i.words.T("vendor.csaf.planned", "day", p.FixOn), Products: one})
	case WillNot:
		v.Remediations = append(v.Remediations, csaf.Remediation{Category: "no_fix_planned", Details: i.words.T("vendor.csaf.will_not"), Products: one})
	case NoFix:
		v.Remediations = append(v.Remediations, csaf.Remediation{Category: "none_available", Details: i.words.T("vendor.csaf.none"), Products: one})
	}
}

// answersOf reads the answers of a maker out of the records of a document: of
// one vulnerability, or of the only one when the case has no id yet. A line is
// about a product of the request when both have the same CPE product, the same
// package or the same words; any other is a product that the maker adds.
func answersOf(records []*feed.Record, vulnerability string, list []Product) ([]ProductAnswer, error) {
	var rec *feed.Record
	for _, r := range records {
		if r.ID == vulnerability || slices.Contains(r.Aliases, vulnerability) || vulnerability == "" && len(records) == 1 {
			rec = r
		}
	}
	if rec == nil {
		return nil, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "file", Code: ErrDocument.Code})
	}
	var out []ProductAnswer
	byKey := map[string]int{}
	for _, st := range rec.Statements {
		for l := range linesOf(&st.Root, 0) {
			if l.Platform {
				continue
			}
			key := lineKey(l)
			i, ok := byKey[key]
			if !ok {
				if len(out) == maxProducts {
					return nil, fault.New(fault.TooLarge, "vendor.bad.many", "max", maxProducts)
				}
				i = len(out)
				byKey[key] = i
				a := ProductAnswer{Name: lineName(l), PURL: l.Package, Status: Unknown, Fix: NoFix}
				if l.Name.Product.Set() {
					n := l.Name
					a.CPE = n.String()
				}
				for _, p := range list {
					if sameProduct(p, l) {
						a.ID, a.SupportEnds = p.ID, p.SupportEnds
					}
				}
				out = append(out, a)
			}
			merge(&out[i], l)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "file", Code: ErrDocument.Code})
	}
	for i := range out {
		if a := &out[i]; a.Status == NotAffected && a.Why == "" && a.Detail == "" {
			a.Detail = firstOf(rec.Title, vulnerability) // the document says so without a reason
		}
	}
	return out, nil
}
