package feed

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// readJVN reads what JVN iPedia gives out: JVNRSS (RSS 1.0 with the sec
// module: overviews) or VULDEF (the full text, with versions).
func (p *reading) readJVN() error {
	x := newXML(p.in)
	x.src.left = xmlElement
	if _, err := x.root(); err != nil {
		return p.xmlFault(err, x, "/")
	}
	items, answered, said := 0, 0, -1
	for {
		x.src.left = xmlElement
		t, err := x.next()
		if err != nil {
			return p.xmlFault(err, x, "/")
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			break // the end of the root
		}
		place := "/" + start.Name.Local
		e, err := x.element(start)
		if err != nil {
			return p.xmlFault(err, x, place+"["+itoa(items+1)+"]")
		}
		switch e.name {
		case "channel":
			if err := p.jvnDate(e, place); err != nil {
				return err
			}
		case "item":
			items++
			err = p.jvnItem(e, place+"["+itoa(items)+"]")
		case "Vulinfo":
			items++
			err = p.vulinfo(e, place+"["+itoa(items)+"]")
		case "Status":
			// MyJVN API: retCd other than 0 is an error, totalResRet how many follow.
			answered++
			if code := e.attr("retCd"); code != "" && code != "0" {
				return p.fault("feed.field_wrong", "/Status/@retCd")
			}
			if n, err := strconv.Atoi(e.attr("totalResRet")); err == nil {
				said = n
			}
		}
		if err != nil {
			return err
		}
	}
	if _, err := x.next(); err == nil || err.Error() != "EOF" {
		return p.xmlFault(fmt.Errorf("xml: content after the end"), x, "/")
	}
	if said >= 0 && said != items {
		return p.fault("feed.count", "/Status/@totalResRet", "said", said, "found", items)
	}
	return nil
}

// jvnDate notes the date of a feed.
func (p *reading) jvnDate(e *element, place string) error {
	for _, name := range []string{"date", "modified", "issued"} {
		if t, ok := jsonscan.ParseTime(e.word(name)); ok {
			return p.released(t, place+"/"+name)
		}
	}
	return nil
}

// tongue tells the language of a text: JVN has Japanese and English files, and
// not all say which they are.
func tongue(s string) string {
	for _, r := range s {
		if unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) {
			return "ja"
		}
	}
	return "en"
}

func (p *reading) jvnItem(e *element, place string) error {
	id := strings.ReplaceAll(e.word("identifier"), "#", "") // JVNVU#90000001
	if id == "" {                                           // JVN's own advisories: the last part of the address
		id = e.word("link")
		id = strings.TrimSuffix(strings.TrimSuffix(id[strings.LastIndexByte(strings.TrimSuffix(id, "/"), '/')+1:], "/"), ".html")
	}
	// The full text has the same address: what is said in the two stays apart.
	p.begin()
	r := &Record{Title: e.word("title"), By: "JVN", Ref: e.word("link") + "#overview", Licence: LicenceJVN}
	r.describe(tongue(e.word("description")), e.word("description"))
	var err error
	if r.Published, err = p.xmlTime(e, place, "issued"); err != nil {
		return err
	}
	if r.Modified, err = p.xmlTime(e, place, "modified", "date"); err != nil {
		return err
	}
	var cves []string
	for _, ref := range e.at("references") {
		switch about := ref.attr("id"); {
		case isCVE(about):
			cves = append(cves, about)
		case strings.HasPrefix(about, "CWE-"):
			r.weak(about)
		case about != "" && ref.attr("source") == "JVN":
			r.also(strings.ReplaceAll(about, "#", ""))
		}
		r.refer(ref.text)
	}
	for _, c := range e.at("cvss") {
		score, _ := strconv.ParseFloat(c.attr("score"), 64)
		r.score(Score{Vector: c.attr("vector"), Score: score, By: "JVN"})
	}
	var lines []product.Line
	for _, c := range e.at("cpe") {
		// An overview names products and no versions: it can only say that the
		// product is meant.
		if l, ok := p.jvnProduct(c.text, c.attr("vendor"), c.attr("product")); ok {
			l.Status = product.StatusUnknown
			lines = append(lines, l)
		}
	}
	return p.jvnEmit(r, id, cves, lines, place)
}

// jvnEmit yields what was read of one item.
func (p *reading) jvnEmit(r *Record, id string, cves []string, lines []product.Line, place string) error {
	if !plainID(id) {
		return p.fault("feed.bad_id", place, "value", clip(id))
	}
	if len(lines) > 0 {
		r.Statements = []product.Statement{{Source: string(JVN), Root: product.Node{Lines: lines}}}
	}
	return p.perCVE(r, id, r.Ref, cves, place, []byte(fmt.Sprint(*r, cves)))
}

// xmlTime returns the time in the first of some elements that is there.
func (p *reading) xmlTime(e *element, place string, names ...string) (t time.Time, err error) {
	for _, name := range names {
		s := e.word(name)
		if s == "" {
			continue
		}
		t, ok := jsonscan.ParseTime(s)
		if !ok {
			return t, p.fault("feed.field_wrong", place+"/"+name)
		}
		return t, nil
	}
	return t, nil
}

// jvnProduct returns a line for a product. JVN gives products without an
// official name one of the vendor "misc", which is a place to put them and no
// vendor.
func (p *reading) jvnProduct(name, vendor, title string) (product.Line, bool) {
	if n, ok := p.nameOf([]byte(name)); ok && n.Vendor != "misc" && n.Vendor != cpe.Any && n.Product != cpe.Any {
		n.Version = cpe.Any
		return product.Line{Name: n}, true
	}
	text := strings.TrimSpace(vendor + " " + title)
	return product.Line{Text: text}, title != "" && len(text) <= 400
}

func (p *reading) vulinfo(e *element, place string) error {
	id := e.word("VulinfoID")
	p.begin()
	r := &Record{By: "JVN", Licence: LicenceJVN, Ref: "https://jvndb.jvn.jp/ja/contents/" + year(id) + "/" + id + ".html"}
	data := e.at("VulinfoData")
	if len(data) == 0 {
		return p.fault("feed.field_missing", place+"/VulinfoData")
	}
	d := data[0]
	r.Title = d.word("Title")
	overview := d.word("VulinfoDescription", "Overview")
	r.describe(tongue(overview), overview)
	var err error
	if r.Published, err = p.xmlTime(d, place, "DateFirstPublished"); err != nil {
		return err
	}
	if r.Modified, err = p.xmlTime(d, place, "DateLastUpdated"); err != nil {
		return err
	}
	for _, c := range d.at("Impact", "Cvss") {
		score, _ := strconv.ParseFloat(c.word("Base"), 64)
		r.score(Score{Vector: c.word("Vector"), Score: score, By: "JVN"})
	}
	var f further
	for i, s := range d.at("Impact", "ImpactItem", "Description") {
		f.text("impact/"+itoa(i), s.text)
	}
	f.text("public", d.word("DatePublic"))
	r.Further = f.json()
	for _, s := range d.at("Solution", "SolutionItem", "Description") {
		if s.text != "" && len(r.Remedies) < 50 && len(s.text) <= mostText {
			r.Remedies = append(r.Remedies, s.text)
		}
	}
	var cves []string
	for _, rel := range d.at("Related", "RelatedItem") {
		about := rel.word("VulinfoID")
		switch {
		case isCVE(about):
			cves = append(cves, about)
		case rel.attr("type") == "cwe" || strings.HasPrefix(about, "CWE-"):
			r.weak(about)
		case rel.attr("type") == "vendor", about == "":
		default:
			r.also(strings.ReplaceAll(about, "#", ""))
		}
		r.refer(rel.word("URL"))
	}
	var lines []product.Line
	for _, a := range d.at("Affected", "AffectedItem") {
		l, ok := p.jvnProduct(a.word("Cpe"), a.word("Name"), a.word("ProductName"))
		if ok {
			lines = append(lines, jvnVersions(l, a)...)
		}
	}
	return p.jvnEmit(r, id, cves, lines, place)
}

// jvnVersions returns a line for each text about versions. One that cannot be
// understood stays to be read, and says only that the product is meant.
func jvnVersions(l product.Line, a *element) (lines []product.Line) {
	for _, v := range a.at("VersionNumber") {
		one := l
		m, ok := versionText(v.text)
		if !ok {
			one.Status, one.Detail = product.StatusUnknown, clip(v.text)
		}
		one.Ranges, one.Versions, one.Fixed = m.ranges, m.versions, m.fixed
		lines = append(lines, one)
	}
	if len(lines) == 0 {
		l.Status = product.StatusUnknown
		lines = append(lines, l)
	}
	return lines
}

// year returns the year in JVNDB-2024-000001.
func year(id string) string {
	_, rest, _ := strings.Cut(id, "-")
	y, _, _ := strings.Cut(rest, "-")
	return y
}
