package feed

import (
	"strings"

	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product"
)

// readDocuments reads a document that is one record or an array of records.
func (p *reading) readDocuments(record func(v jsonscan.Value, place string) error) error {
	k, err := p.scan.Kind()
	if err != nil {
		return err
	}
	if k == jsonscan.Array {
		err = p.each(record)
	} else {
		var v jsonscan.Value
		if v, err = p.scan.Value(); err == nil {
			err = record(v, "")
		}
	}
	if err != nil {
		return err
	}
	return p.scan.End()
}

// cveRecord reads a record of the CVE Record Format 5.x. The CNA's container
// and each ADP container become statements of their own: they are different
// people, and can say different things.
func (p *reading) cveRecord(v jsonscan.Value, place string) error {
	p.begin()
	r := &Record{Licence: LicenceCVE}
	var f further
	c := v.Cursor()
	rejected := false
	for key := range c.Object() {
		switch string(key) {
		case "cveMetadata":
			for key := range c.Object() {
				switch string(key) {
				case "cveId":
					r.ID = c.String()
				case "state":
					rejected = string(c.Bytes()) == "REJECTED"
				case "assignerShortName":
					r.By = p.word(c.Bytes())
				case "datePublished":
					r.Published = c.Time()
				case "dateUpdated":
					r.Modified = c.Time()
				case "dateRejected":
					f.add("dateRejected", c.Raw())
				}
			}
		case "containers":
			p.cveContainers(c, r, &f)
		case "dataType":
			if string(c.Bytes()) != "CVE_RECORD" {
				c.Mark()
			}
		case "dataVersion":
			if !strings.HasPrefix(c.String(), "5.") {
				c.Mark()
			}
		default:
			f.add(string(key), c.Raw())
		}
	}
	if at, wrong := c.Wrong(); wrong {
		return p.fault("feed.field_wrong", place+at)
	}
	if !isCVE(r.ID) {
		return p.fault("feed.bad_id", place+"/cveMetadata/cveId", "value", clip(r.ID))
	}
	r.Withdrawn = rejected
	r.Ref = "https://www.cve.org/CVERecord?id=" + r.ID
	for i := range r.Statements {
		s := &r.Statements[i]
		s.Vulnerability, s.Ref = r.ID, r.Ref+s.Ref
		if s.At.IsZero() {
			s.At = r.Modified
		}
	}
	if rejected {
		r.Statements = nil // of a number that was taken back nothing holds
	}
	r.Further = f.json()
	return p.emit(r, r.ID, place, v)
}

func (p *reading) cveContainers(c *jsonscan.Cursor, r *Record, f *further) {
	for key := range c.Object() {
		switch string(key) {
		case "cna":
			p.cveContainer(c, r, f, "#/containers/cna")
		case "adp":
			for i := range c.Array() {
				p.cveContainer(c, r, f, "#/containers/adp/"+itoa(i))
			}
		}
	}
}

// cveContainer reads what one party says. The provider's name can stand after
// the statements, so that they are signed at the end.
func (p *reading) cveContainer(c *jsonscan.Cursor, r *Record, f *further, place string) {
	first, scored := len(r.Statements), len(r.Scores)
	cna := strings.HasSuffix(place, "/cna")
	var by product.Statement
	by.Source, by.Licence = "cve", LicenceCVE
	var lines []product.Line
	for key := range c.Object() {
		switch string(key) {
		case "providerMetadata":
			for key := range c.Object() {
				switch string(key) {
				case "shortName":
					by.By = p.word(c.Bytes())
				case "dateUpdated":
					by.At = c.Time()
				}
			}
		case "title":
			if t := c.String(); cna {
				r.Title = t
			}
		case "descriptions", "rejectedReasons":
			for range c.Array() {
				lang, text := langValue(c, "value")
				r.describe(lang, text)
			}
		case "affected":
			for range c.Array() {
				lines = p.cveAffected(c, lines)
			}
		case "cpeApplicability":
			if root, any := p.nvdConfigurations(c); any {
				r.Statements = append(r.Statements, product.Statement{Ref: place + "/cpeApplicability", Root: root})
			}
		case "metrics":
			for range c.Array() {
				p.cveMetric(c, r, f)
			}
		case "problemTypes":
			for range c.Array() {
				p.cveProblems(c, r)
			}
		case "references":
			for range c.Array() {
				for key := range c.Object() {
					if string(key) == "url" {
						r.refer(c.String())
					}
				}
			}
		case "solutions", "workarounds":
			for range c.Array() {
				if lang, text := langValue(c, "value"); (lang == "" || strings.HasPrefix(lang, "en") || strings.HasPrefix(lang, "ja")) && text != "" && len(r.Remedies) < 50 && len(text) <= mostText {
					r.Remedies = append(r.Remedies, strings.TrimSpace(text))
				}
			}
		case "x_legacyV4Record", "x_generator":
			// The same once more in an older form, and the name of an editor.
		default:
			name := string(key)
			if !cna {
				name = strings.TrimPrefix(place, "#/containers/") + "/" + name
			}
			f.add(name, c.Raw())
		}
	}
	lines = besides(lines)
	amongReleases(lines)
	if len(lines) > 0 {
		r.Statements = append(r.Statements, product.Statement{Ref: place + "/affected", Root: product.Node{Lines: lines}})
	}
	if by.By == "CISA-ADP" {
		by.Licence = LicenceADP
	}
	for i := first; i < len(r.Statements); i++ {
		s := &r.Statements[i]
		s.Source, s.By, s.At, s.Licence = by.Source, by.By, by.At, by.Licence
	}
	for i := scored; i < len(r.Scores); i++ {
		r.Scores[i].By = by.By
	}
}

func (p *reading) cveMetric(c *jsonscan.Cursor, r *Record, f *further) {
	for key := range c.Object() {
		switch string(key) {
		case "cvssV2_0", "cvssV3_0", "cvssV3_1", "cvssV4_0":
			var s Score
			for key := range c.Object() {
				switch string(key) {
				case "vectorString":
					s.Vector = c.String()
				case "baseScore":
					s.Score = c.Float()
				}
			}
			r.score(s)
		case "other":
			kind := ""
			var content jsonscan.Value
			for key := range c.Object() {
				switch string(key) {
				case "type":
					kind = c.String()
				case "content":
					content = c.Raw()
				}
			}
			switch kind {
			case "ssvc":
				r.Decision = ssvc(content)
			case "kev":
				p.cveKEV(content, r)
			default:
				f.add(clip("metric: "+kind), content) // a maker's own scale
			}
		}
	}
}

// ssvc reads the decision points of CISA's coordinator tree. A value that is
// none of the tree's makes no decision.
func ssvc(v jsonscan.Value) *Decision {
	var d Decision
	c := v.Cursor()
	for key := range c.Object() {
		switch string(key) {
		case "timestamp":
			d.At = c.Time()
		case "options":
			for range c.Array() {
				for key := range c.Object() {
					switch strings.ToLower(string(key)) {
					case "exploitation":
						d.Exploitation = strings.ToLower(c.String())
					case "automatable":
						d.Automatable = strings.ToLower(c.String())
					case "technical impact":
						d.Impact = strings.ToLower(c.String())
					}
				}
			}
		}
	}
	if d.Exploitation == "public poc" {
		d.Exploitation = "poc"
	}
	if !strings.Contains(" none poc active ", " "+d.Exploitation+" ") || d.Automatable != "yes" && d.Automatable != "no" || d.Impact != "partial" && d.Impact != "total" {
		return nil
	}
	return &d
}

// cveKEV reads what CISA's container says of its own catalogue.
func (p *reading) cveKEV(v jsonscan.Value, r *Record) {
	var x Exploited
	c := v.Cursor()
	for key := range c.Object() {
		if string(key) == "dateAdded" {
			x.Added = c.Time()
		}
	}
	if !x.Added.IsZero() {
		r.Exploited = &x
	}
}

func (p *reading) cveProblems(c *jsonscan.Cursor, r *Record) {
	for key := range c.Object() {
		if string(key) != "descriptions" {
			continue
		}
		for range c.Array() {
			id, text := "", ""
			for key := range c.Object() {
				switch string(key) {
				case "cweId":
					id = c.String()
				case "description":
					text = c.String()
				}
			}
			if id == "" { // many write "CWE-79 Cross-site …" and no id
				id, _, _ = strings.Cut(text, " ")
				id = strings.TrimSuffix(id, ":")
			}
			r.weak(id)
		}
	}
}
