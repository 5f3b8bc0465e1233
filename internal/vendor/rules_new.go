package vendor

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
)

// Bounds of a case.
const (
	maxTitle    = 200 // characters
	maxName     = 200
	maxWords    = 4000
	maxMakers   = 500
	maxProducts = 200 // of one request
	maxSectors  = 50
	// MaxDocument bounds a CSAF document that a maker hands in, in bytes.
	MaxDocument = 4 << 20
	maxEmbargo  = 400 * 24 * time.Hour
)

// TLPs lists the labels of TLP 2.0, narrowest first.
var TLPs = []string{"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}

var cveForm = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,12}$`)

// Justifications lists why a product is not affected (CSAF 2.0 §3.2.3.5.2).
var Justifications = []product.Justification{product.ComponentNotPresent, product.CodeNotPresent, product.CodeNotInExecutePath, product.CodeNotControllable, product.InlineMitigationsPresent}

// mistakes gathers what is wrong, by place.
type mistakes []fault.Place

func (m *mistakes) add(at, code string, pairs ...any) {
	*m = append(*m, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", len(m)).At(m...)
}

func clean(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "")) }

// line is words on one line.
func line(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(clean(s))), " ") }

func (m *mistakes) text(at, s string, limit int, needed bool) string {
	s = clean(s)
	if needed && s == "" {
		m.add(at, "vendor.bad.empty")
	}
	if utf8.RuneCountInString(s) > limit {
		m.add(at, "vendor.bad.long", "max", limit)
	}
	return s
}

// normal checks a case and writes it in its one form.
func (n NewCase) normal(now time.Time, clearance int) (NewCase, error) {
	var bad mistakes
	n.Title = line(bad.text("title", n.Title, maxTitle, true))
	n.Facts = bad.text("facts", n.Facts, maxWords, false)
	if n.Vulnerability = strings.ToUpper(line(n.Vulnerability)); n.Vulnerability != "" && !cveForm.MatchString(n.Vulnerability) {
		bad.add("vulnerability", "vendor.bad.vulnerability")
	}
	if n.TLP = strings.TrimPrefix(strings.ToUpper(clean(n.TLP)), "TLP:"); n.TLP == "" {
		n.TLP = "AMBER"
	}
	if !slices.Contains(TLPs, n.TLP) {
		bad.add("tlp", "vendor.bad.tlp")
	}
	if n.Clearance < 0 || n.Clearance > clearance {
		bad.add("clearance", "vendor.bad.clearance", "max", clearance)
	}
	n.Embargo = bad.embargo(n.Embargo, now)
	if len(n.Sectors) > maxSectors {
		bad.add("sectors", "vendor.bad.many", "max", maxSectors)
	}
	if len(n.Makers) > maxMakers {
		bad.add("makers", "vendor.bad.many", "max", maxMakers)
	}
	seen := map[string]bool{}
	for i, m := range n.Makers[:min(len(n.Makers), maxMakers)] {
		at := "makers/" + strconv.Itoa(i)
		if m.Org == "" || seen[m.Org] {
			bad.add(at+"/org", "vendor.bad.maker")
		}
		seen[m.Org] = true
		n.Makers[i].Products = bad.products(at+"/products", m.Products)
	}
	n.DueAt = bad.due(n.DueAt, now)
	return n, bad.err()
}

func (m *mistakes) embargo(e Embargo, now time.Time) Embargo {
	if e.Until.IsZero() {
		return Embargo{}
	}
	if e.Zone == "" {
		e.Zone = "Asia/Tokyo"
	}
	if _, err := time.LoadLocation(e.Zone); err != nil || e.Zone == "Local" {
		m.add("embargo_zone", "vendor.bad.zone")
	}
	if !e.Until.After(now) || e.Until.After(now.Add(maxEmbargo)) {
		m.add("embargo", "vendor.bad.embargo", "days", int(maxEmbargo.Hours()/24))
	}
	e.Until = e.Until.UTC().Truncate(time.Microsecond)
	return e
}

// due checks when answers are due; the zero time is the house target.
func (m *mistakes) due(at, now time.Time) time.Time {
	if at.IsZero() {
		return now.AddDate(0, 0, answerDays)
	}
	if at.Before(now.Add(minAnswer)) || at.After(now.Add(maxEmbargo)) {
		m.add("due_at", "vendor.bad.due")
	}
	return at.UTC().Truncate(time.Microsecond)
}

func (m *mistakes) products(at string, list []NewProduct) (out []NewProduct) {
	if len(list) > maxProducts {
		m.add(at, "vendor.bad.many", "max", maxProducts)
		return nil
	}
	for i, p := range list {
		here := at + "/" + strconv.Itoa(i)
		p.Name = line(m.text(here+"/name", p.Name, maxName, true))
		p.CPE, p.PURL = m.names(here, p.CPE, p.PURL)
		out = append(out, p)
	}
	return out
}

// names checks the machine's names of a product, as the register does.
func (m *mistakes) names(at, cpe, purl string) (string, string) {
	d := &asset.Draft{}
	d.Values[asset.FieldMaker], d.Values[asset.FieldProduct] = "x", "x"
	d.Values[asset.FieldCPE], d.Values[asset.FieldPURL] = clean(cpe), clean(purl)
	it, problems := asset.New(d, nil)
	for _, p := range problems {
		if strings.Contains(p.Code, "cpe") {
			m.add(at+"/cpe", "vendor.bad.cpe")
		} else if strings.Contains(p.Code, "purl") {
			m.add(at+"/purl", "vendor.bad.purl")
		}
	}
	return it.Sealed.CPE, it.Sealed.PURL
}

// normal checks an answer about one product; at names it.
func (a ProductAnswer) normal(bad *mistakes, at string, now time.Time) ProductAnswer {
	if a.ID == "" {
		a.Name = line(bad.text(at+"/name", a.Name, maxName, true))
		a.CPE, a.PURL = bad.names(at, a.CPE, a.PURL)
	}
	if !slices.Contains(Statuses, a.Status) {
		bad.add(at+"/status", "vendor.bad.status")
	}
	a.Versions = line(bad.text(at+"/versions", a.Versions, maxName, false))
	a.Detail, a.Interim = bad.text(at+"/detail", a.Detail, maxWords, false), bad.text(at+"/interim", a.Interim, maxWords, false)
	if a.Why = clean(a.Why); a.Status == NotAffected {
		if a.Why != "" && !slices.Contains(Justifications, product.Justification(a.Why)) {
			bad.add(at+"/why", "vendor.bad.why")
		}
		if a.Why == "" && a.Detail == "" {
			bad.add(at+"/why", "vendor.bad.reason")
		}
	} else {
		a.Why = ""
	}
	if a.Fix == "" {
		a.Fix = NoFix
	}
	if a.Status != Affected { // there is nothing to mend
		a.Fix, a.FixOn, a.Fixed, a.FixURL, a.Interim = NoFix, "", "", "", ""
	}
	if !slices.Contains(Fixes, a.Fix) {
		bad.add(at+"/fix", "vendor.bad.fix")
	}
	a.FixOn = bad.day(at+"/fix_on", a.FixOn)
	switch on, _ := time.Parse(dayLayout, a.FixOn); {
	case a.Fix == Planned && a.FixOn == "":
		bad.add(at+"/fix_on", "vendor.bad.fix_on")
	case a.Fix == Released && on.After(now.AddDate(0, 0, 1)):
		bad.add(at+"/fix_on", "vendor.bad.fix_ahead")
	case a.Fix == Released && a.FixOn == "":
		a.FixOn = now.In(time.FixedZone("JST", 9*3600)).Format(dayLayout)
	case a.Fix == NoFix || a.Fix == WillNot:
		a.FixOn = ""
	}
	if a.Fixed = line(bad.text(at+"/fixed", a.Fixed, maxName, a.Fix == Released)); a.Fix != Released && a.Fix != Planned {
		a.Fixed = ""
	}
	if a.FixURL = clean(a.FixURL); a.FixURL != "" {
		if u, err := url.Parse(a.FixURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(a.FixURL) > 2000 {
			bad.add(at+"/fix_url", "vendor.bad.url")
		}
	}
	a.SupportEnds = bad.day(at+"/support_ends", a.SupportEnds)
	return a
}

// day checks a day written as 2026-12-01; empty stays empty.
func (m *mistakes) day(at, s string) string {
	if s = norm.NFKC.String(clean(s)); s == "" {
		return ""
	}
	t, err := time.Parse(dayLayout, s)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		m.add(at, "vendor.bad.day")
		return ""
	}
	return t.Format(dayLayout)
}
