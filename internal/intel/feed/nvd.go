package feed

import (
	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/version"
)

// readNVD reads a page of NVD CVE API 2.0, one of its records, an array of
// these, or a record that overrides NVD's configurations.
func (p *reading) readNVD() error {
	k, err := p.scan.Kind()
	if err != nil {
		return err
	}
	if k == jsonscan.Array {
		if err := p.each(p.nvdRecord); err != nil {
			return err
		}
		return p.scan.End()
	}
	return p.nvdPage()
}

// each enters the array at hand and reads every element.
func (p *reading) each(record func(v jsonscan.Value, place string) error) error {
	if k, err := p.scan.Kind(); err != nil {
		return err
	} else if k != jsonscan.Array {
		return p.fault("feed.field_wrong", p.scan.Path())
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	for {
		more, err := p.scan.Next()
		if err != nil || !more {
			return err
		}
		place := p.scan.Path()
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		if err := record(v, place); err != nil {
			return err
		}
	}
}

// nvdPage reads the object of a page. A single record is an object as well,
// and only the names in it tell: it has no list.
func (p *reading) nvdPage() error {
	if p.mark != "/resultsPerPage" && p.mark != "/vulnerabilities/*/cve" {
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		if err := p.nvdRecord(v, ""); err != nil {
			return err
		}
		return p.scan.End()
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	said, start, found := int64(-1), int64(0), int64(0)
	total := int64(-1)
	for {
		more, err := p.scan.Next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key, place := p.scan.Key(), p.scan.Path()
		if key == "vulnerabilities" {
			err = p.each(func(v jsonscan.Value, place string) error {
				found++
				return p.nvdRecord(v, place)
			})
			if err != nil {
				return err
			}
			continue
		}
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		c := v.Cursor()
		switch key {
		case "resultsPerPage":
			said = c.Int()
		case "startIndex":
			start = c.Int()
		case "totalResults":
			total = c.Int()
		case "timestamp":
			if err := p.released(c.Time(), place); err != nil {
				return err
			}
		case "version":
			p.file.Version = c.String()
		}
		if _, wrong := c.Wrong(); wrong {
			return p.fault("feed.field_wrong", place)
		}
	}
	// resultsPerPage is how many the page holds, in files that mirrors make it
	// is how many it could hold: only the total of a file that begins at the
	// first record and claims to be whole is binding.
	if said > 0 && said != found && (total < 0 || start+found < min(total, start+said)) {
		return p.fault("feed.count", "/resultsPerPage", "said", said, "found", found)
	}
	return p.scan.End()
}

// nvdRecord reads {"cve": {…}}, beside which an override says for which CVE it
// is, or a record without that frame.
func (p *reading) nvdRecord(v jsonscan.Value, place string) error {
	p.begin()
	r := &Record{By: "NVD", Licence: LicenceNVD}
	c := v.Cursor()
	var f further
	framed := false
	for key := range c.Object() {
		switch string(key) {
		case "cve":
			framed = true
			p.nvdBody(c, r, &f)
		case "_annotation":
			p.nvdAnnotation(c, r)
		}
	}
	if !framed {
		f = further{}
		c = v.Cursor()
		p.nvdBody(c, r, &f)
	}
	if at, wrong := c.Wrong(); wrong {
		return p.fault("feed.field_wrong", place+at)
	}
	if !isCVE(r.ID) {
		return p.fault("feed.bad_id", place, "value", clip(r.ID))
	}
	r.Ref = "https://nvd.nist.gov/vuln/detail/" + r.ID
	for i := range r.Statements {
		s := &r.Statements[i]
		s.Vulnerability, s.By, s.Ref, s.At, s.Licence = r.ID, r.By, r.Ref, r.Modified, r.Licence
	}
	r.Further = f.json()
	return p.emit(r, r.ID, place, v)
}

// nvdAnnotation reads the frame of a record that somebody else than NVD gives
// in NVD's form. Whose work it is and on what terms, such a file does not say.
func (p *reading) nvdAnnotation(c *jsonscan.Cursor, r *Record) {
	r.Licence, r.By = "", ""
	for key := range c.Object() {
		switch string(key) {
		case "cve_id":
			r.ID = c.String()
		case "cna":
			r.By = p.word(c.Bytes())
		case "description":
			r.describe("en", c.String())
		case "published":
			r.Published = c.Time()
		case "modified":
			r.Modified = c.Time()
		case "references":
			for range c.Array() {
				r.refer(c.String())
			}
		}
	}
}

func (p *reading) nvdBody(c *jsonscan.Cursor, r *Record, f *further) {
	var x Exploited
	for key := range c.Object() {
		switch string(key) {
		case "id":
			r.ID = c.String()
		case "published":
			r.Published = c.Time()
		case "lastModified":
			r.Modified = c.Time()
		case "vulnStatus":
			// NVD CVE API 2.0: Received, Awaiting Analysis, Undergoing Analysis,
			// Analyzed, Modified, Deferred, Rejected.
			status := c.Raw()
			r.Withdrawn = string(status) == `"Rejected"` || string(status) == `"REJECTED"`
			f.add("vulnStatus", status)
		case "cisaExploitAdd":
			x.Added = c.Time()
		case "cisaActionDue":
			x.Due = c.Time()
		case "cisaRequiredAction":
			x.Action = c.String()
			r.Remedies = append(r.Remedies, x.Action)
		case "cisaVulnerabilityName":
			r.Title = c.String()
		case "descriptions":
			for range c.Array() {
				lang, text := langValue(c, "value")
				r.describe(lang, text)
			}
		case "metrics":
			for range c.Object() {
				for range c.Array() {
					p.nvdMetric(c, r)
				}
			}
		case "weaknesses":
			for range c.Array() {
				for key := range c.Object() {
					if string(key) == "description" {
						for range c.Array() {
							_, id := langValue(c, "value")
							r.weak(id)
						}
					}
				}
			}
		case "configurations":
			if root, any := p.nvdConfigurations(c); any {
				r.Statements = append(r.Statements, product.Statement{Source: string(NVD), Root: root})
			}
		case "references":
			for range c.Array() {
				for key := range c.Object() {
					if string(key) == "url" {
						r.refer(c.String())
					}
				}
			}
		default:
			f.add(string(key), c.Raw())
		}
	}
	if !x.Added.IsZero() {
		r.Exploited = &x
	}
}

func (p *reading) nvdMetric(c *jsonscan.Cursor, r *Record) {
	var s Score
	for key := range c.Object() {
		switch string(key) {
		case "source":
			s.By = p.word(c.Bytes())
		case "cvssData":
			for key := range c.Object() {
				switch string(key) {
				case "vectorString":
					s.Vector = c.String()
				case "baseScore":
					s.Score = c.Float()
				}
			}
		}
	}
	r.score(s)
}

// nvdConfigurations reads the array of configurations: they are alternatives.
func (p *reading) nvdConfigurations(c *jsonscan.Cursor) (root product.Node, any bool) {
	for range c.Array() {
		n := p.nvdNode(c)
		if len(n.Children) > 0 || len(n.Lines) > 0 {
			root.Children = append(root.Children, n)
		}
	}
	if len(root.Children) == 1 {
		return root.Children[0], true
	}
	return root, len(root.Children) > 0
}

// nvdNode reads a configuration or a node of one: they differ only in how they
// call their parts.
func (p *reading) nvdNode(c *jsonscan.Cursor) product.Node {
	var n product.Node
	for key := range c.Object() {
		switch string(key) {
		case "operator":
			switch op := c.Bytes(); string(op) {
			case "AND":
				n.Op = product.And
			case "OR", "":
			default:
				c.Mark()
			}
		case "negate":
			n.Negate = c.Bool()
		case "nodes", "children":
			for range c.Array() {
				if in := p.nvdNode(c); p.part(1) && len(in.Children)+len(in.Lines) > 0 {
					n.Children = append(n.Children, in)
				}
			}
		case "cpeMatch":
			for range c.Array() {
				if l := p.nvdLine(c); p.part(linePart) && (l.Name.Part != "" || l.Text != "") {
					n.Lines = append(n.Lines, l)
				}
			}
		}
	}
	// Around a single node a configuration says nothing of its own.
	if len(n.Children) == 1 && len(n.Lines) == 0 && !n.Negate {
		return n.Children[0]
	}
	return n
}

func (p *reading) nvdLine(c *jsonscan.Cursor) product.Line {
	var l product.Line
	var v version.Range
	for key := range c.Object() {
		switch string(key) {
		case "vulnerable":
			l.Platform = !c.Bool()
		case "criteria":
			b := c.Bytes()
			var ok bool
			if l.Name, ok = p.nameOf(b); !ok {
				l.Text = string(b) // kept to be seen; it names nothing
			}
		case "versionStartIncluding":
			v.From = p.word(c.Bytes())
		case "versionStartExcluding":
			v.From, v.FromExcluded = p.word(c.Bytes()), true
		case "versionEndIncluding":
			v.To, v.ToIncluded = p.word(c.Bytes()), true
		case "versionEndExcluding":
			v.To = p.word(c.Bytes())
			l.Fixed = v.To
		}
	}
	if v != (version.Range{}) {
		l.Ranges = []version.Range{v}
	}
	return l
}

// langValue reads {"lang": …, field: …}.
func langValue(c *jsonscan.Cursor, field string) (lang, value string) {
	for key := range c.Object() {
		switch string(key) {
		case "lang":
			lang = c.String()
		case field:
			value = c.String()
		}
	}
	return lang, value
}
