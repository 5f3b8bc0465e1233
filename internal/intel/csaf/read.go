package csaf

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// Head is what a document says of itself.
type Head struct {
	ID        string
	Version   string // of the document
	Status    string // draft, interim, final
	Category  string // csaf_security_advisory, csaf_vex …
	Edition   string // of CSAF: 2.0, 2.1
	Title     string
	Lang      string
	Publisher string
	Role      string // publisher category: vendor, coordinator, discoverer, translator, user, other
	Namespace string // URL of the publisher
	TLP       string // CLEAR, GREEN, AMBER, AMBER+STRICT, RED; WHITE of 2.0 is CLEAR; empty when not said
	Sharing   string // id of the sharing group (2.1)
	Licence   string // SPDX expression (2.1)
	URL       string // canonical URL, else empty
	Initial   time.Time
	Current   time.Time
}

// headOf reads the head. It asks only for what a record cannot do without.
func headOf(doc *value) (Head, error) {
	h := Head{
		ID: doc.str("tracking", "id"), Version: doc.str("tracking", "version"), Status: doc.str("tracking", "status"),
		Category: doc.str("category"), Edition: doc.str("csaf_version"), Title: doc.str("title"), Lang: doc.str("lang"),
		Publisher: doc.str("publisher", "name"), Role: doc.str("publisher", "category"), Namespace: doc.str("publisher", "namespace"),
		TLP: doc.str("distribution", "tlp", "label"), Sharing: doc.str("distribution", "sharing_group", "id"),
		Licence: doc.str("license_expression"),
	}
	if h.TLP == "WHITE" {
		h.TLP = "CLEAR"
	}
	h.Initial, _ = moment(doc.str("tracking", "initial_release_date"))
	h.Current, _ = moment(doc.str("tracking", "current_release_date"))
	h.URL = canonicalURL(&document{root: &value{kind: object, keys: []string{"document"}, items: []value{*doc}}})
	switch {
	case h.Edition != "2.0" && h.Edition != "2.1":
		return h, fault.New(fault.Usage, "csaf.version", "value", clip(h.Edition)).At(fault.Place{At: "/document/csaf_version", Code: "csaf.version", Args: fault.Args{"value": clip(h.Edition)}})
	case h.ID == "":
		return h, fault.New(fault.Usage, "csaf.no_id").At(fault.Place{At: "/document/tracking/id", Code: "csaf.no_id"})
	}
	return h, nil
}

// readHead reads a whole document for its head, without holding the rest. The
// document has to be sound JSON to its end.
func readHead(raw []byte) (h Head, err error) {
	p := newParser(bytes.NewReader(raw))
	var doc *value
	err = p.members(func(name string) error {
		base := p.held
		if name == "vulnerabilities" && p.peek() == '[' {
			return p.elements(func(int) error {
				p.held = base
				_, err := p.value()
				return err
			})
		}
		v, err := p.value()
		if name == "document" {
			doc = &v
		} else {
			p.held = base
		}
		return err
	})
	if err == nil {
		err = p.done()
	}
	if err != nil {
		return h, err
	}
	if doc == nil {
		return h, fault.New(fault.Usage, "csaf.no_document")
	}
	return headOf(doc)
}

// reader turns one document into records.
type reader struct {
	ctx   context.Context
	name  string
	yield func(*feed.Record) error
	head  Head
	doc   *value
	lines map[string]*lineSet
	group map[string][]string
	other []member // what stands at the top and we know no use for
	front []part   // of every record's Further
	rest  []part
	n     int
}

type member struct {
	name  string
	value *value
}

// Read reads a document of CSAF 2.0 or 2.1 and calls yield with one record per
// vulnerability, in document order; a withdrawn or superseded document (2.1)
// gives one record that says so. The record is the callee's to keep. Of the
// vulnerabilities only one is held at a time when they stand behind the product
// tree, as in the order the standard recommends.
//
// A document need not be valid to be read; [Validate] says whether it is. The
// error is a fault that names the file and the place, or what yield or the
// context said. Records are yielded before the end is seen: whoever stores them
// has to drop them when Read returns an error.
func Read(ctx context.Context, name string, r io.Reader, yield func(*feed.Record) error) error {
	_, err := read(ctx, name, r, yield)
	return err
}

func read(ctx context.Context, name string, r io.Reader, yield func(*feed.Record) error) (Head, error) {
	rd := &reader{ctx: ctx, name: name, yield: yield}
	err := rd.read(newParser(r))
	if f := fault.Of(err); f != nil && f.Code != "fault.internal" && f.Args["file"] == nil {
		g := *f
		g.Args = fault.Args{"file": name}
		for k, v := range f.Args {
			g.Args[k] = v
		}
		err = &g
	}
	return rd.head, err
}

func (rd *reader) read(p *parser) error {
	var tree *value
	var early []value // vulnerabilities that stand before what they refer to
	ready := false
	prepare := func() error {
		if rd.doc == nil {
			return fault.New(fault.Usage, "csaf.no_document")
		}
		var err error
		if rd.head, err = headOf(rd.doc); err != nil {
			return err
		}
		rd.products(tree)
		ready = true
		return nil
	}
	seen := false
	err := p.members(func(name string) error {
		if err := rd.ctx.Err(); err != nil {
			return err
		}
		if name == "vulnerabilities" && rd.doc != nil && tree != nil {
			seen = true
			if err := prepare(); err != nil {
				return err
			}
			base := p.held
			return p.elements(func(int) error {
				p.held = base
				v, err := p.value()
				if err != nil {
					return err
				}
				return rd.vulnerability(&v)
			})
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		switch name {
		case "document":
			rd.doc = &v
		case "product_tree":
			tree = &v
		case "vulnerabilities":
			early = v.items
		case "$schema":
		default:
			rd.other = append(rd.other, member{name, &v})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.done(); err != nil {
		return err
	}
	if !ready {
		if err := prepare(); err != nil {
			return err
		}
	}
	for i := range early {
		if err := rd.vulnerability(&early[i]); err != nil {
			return err
		}
	}
	if c := rd.head.Category; rd.n == 0 && !seen && (c == "csaf_withdrawn" || c == "csaf_superseded") {
		return rd.yield(&feed.Record{
			ID: rd.head.ID, Kind: feed.CSAF, By: rd.head.Publisher, Ref: rd.ref(), Licence: rd.head.Licence, Withdrawn: true,
			Published: rd.head.Initial, Modified: rd.head.Current, Title: rd.head.Title,
			Further: rd.further(nil),
		})
	}
	return nil
}

// ref names the document: where it stands, else its publisher and id.
func (rd *reader) ref() string {
	if rd.head.URL != "" {
		return rd.head.URL
	}
	return rd.head.ID
}

// language returns the key under which texts of the document stand.
func (rd *reader) language() string {
	if len(rd.head.Lang) >= 2 && (len(rd.head.Lang) == 2 || rd.head.Lang[2] == '-') {
		return string([]byte{rd.head.Lang[0] | 0x20, rd.head.Lang[1] | 0x20})
	}
	return "en"
}

// Bounds of what one record holds of each list.
const (
	mostRemedies   = 100
	mostReferences = 500
	mostText       = 64 << 10
)

func (rd *reader) vulnerability(v *value) error {
	if err := rd.ctx.Err(); err != nil {
		return err
	}
	i := rd.n
	rd.n++
	if v.kind != object {
		return nil
	}
	r := &feed.Record{
		ID: v.str("cve"), Kind: feed.CSAF, By: rd.head.Publisher, Ref: rd.ref(), Licence: rd.head.Licence,
		Published: rd.head.Initial, Modified: rd.head.Current, Title: v.str("title"),
	}
	for _, id := range v.list("ids") {
		switch s := id.str("text"); {
		case s == "":
		case r.ID == "":
			r.ID = s
		case s != r.ID && len(r.Aliases) < 100:
			r.Aliases = append(r.Aliases, s)
		}
	}
	if r.ID == "" {
		r.ID = rd.head.ID + "#" + strconv.Itoa(i+1)
	}
	if r.Title == "" {
		r.Title = rd.head.Title
	}
	for _, name := range []string{"release_date", "disclosure_date"} {
		if at, ok := moment(v.str(name)); ok {
			r.Published = at
		}
	}
	rd.texts(r, v)
	rd.measures(r, v)
	root, more, err := rd.applicability(v)
	if err != nil {
		return err
	}
	if len(root.Lines)+len(root.Children) > 0 {
		r.Statements = []product.Statement{{
			Vulnerability: r.ID, Source: string(feed.CSAF), By: rd.head.Publisher,
			Ref: rd.ref() + "#/vulnerabilities/" + strconv.Itoa(i), At: rd.head.Current, Licence: rd.head.Licence, Root: root,
		}}
	}
	r.Further = rd.further(v, more...)
	return rd.yield(r)
}

// texts takes over what is said in words.
func (rd *reader) texts(r *feed.Record, v *value) {
	for _, kind := range []string{"description", "summary", "details", "general"} {
		for _, n := range v.list("notes") {
			if n.str("category") == kind && r.Description == nil && n.str("text") != "" {
				r.Description = map[string]string{rd.language(): cut(n.str("text"), mostText)}
			}
		}
	}
	had := map[string]bool{}
	for _, m := range v.list("remediations") {
		s := cut(m.str("details"), 4<<10)
		if u := m.str("url"); u != "" && len(u) < 2000 {
			s += " " + u
		}
		if s != "" && !had[s] && len(r.Remedies) < mostRemedies {
			had[s] = true
			r.Remedies = append(r.Remedies, s)
		}
	}
	for _, from := range []*value{v, rd.doc} {
		for _, ref := range from.list("references") {
			if u := ref.str("url"); u != "" && len(u) < 2000 && !had[u] && len(r.References) < mostReferences {
				had[u] = true
				r.References = append(r.References, u)
			}
		}
	}
	if id := v.str("cwe", "id"); id != "" {
		r.Weaknesses = append(r.Weaknesses, id)
	}
	for _, c := range v.list("cwes") {
		if id := c.str("id"); id != "" && len(r.Weaknesses) < 100 {
			r.Weaknesses = append(r.Weaknesses, id)
		}
	}
}

// measures takes over scores and what is known of exploitation.
func (rd *reader) measures(r *feed.Record, v *value) {
	d := document{root: rd.doc}
	had := map[feed.Score]bool{}
	for _, c := range d.cvssObjects(place{"", v}) {
		s := feed.Score{Vector: c.str("vectorString"), By: rd.head.Publisher}
		s.Score, _ = c.float("baseScore")
		if c.source != "" && len(c.source) < 500 {
			s.By = c.source
		}
		if s.Vector != "" && len(s.Vector) < 500 && !had[s] && len(r.Scores) < 50 {
			had[s] = true
			r.Scores = append(r.Scores, s)
		}
	}
	for _, m := range v.list("metrics") {
		if e := m.get("content", "epss"); e != nil && r.Likelihood == nil {
			p, err := strconv.ParseFloat(e.str("probability"), 64)
			q, err2 := strconv.ParseFloat(e.str("percentile"), 64)
			if at, ok := moment(e.str("timestamp")); ok && err == nil && err2 == nil && p >= 0 && p <= 1 && q >= 0 && q <= 1 {
				r.Likelihood = &feed.Likelihood{Score: p, Percentile: q, On: at}
			}
		}
		if s := m.get("content", "ssvc_v2"); s != nil && r.Decision == nil {
			r.Decision = decision(s)
		}
	}
	for _, e := range v.list("first_known_exploitation_dates") {
		at, ok := moment(e.str("exploitation_date"))
		if ok && (r.Exploited == nil || at.Before(r.Exploited.Added)) {
			r.Exploited = &feed.Exploited{Added: at}
		}
	}
}

// decision reads the decision points of SSVC that CISA's coordinator tree uses,
// when all three are there with one value each.
func decision(s *value) *feed.Decision {
	words := map[string]map[string]string{
		"E":  {"N": "none", "P": "poc", "A": "active"},
		"A":  {"N": "no", "Y": "yes"},
		"TI": {"P": "partial", "T": "total"},
	}
	got := map[string]string{}
	for _, sel := range s.list("selections") {
		values := sel.list("values")
		if sel.str("namespace") == "ssvc" && len(values) == 1 {
			if w := words[sel.str("key")][values[0].str("key")]; w != "" {
				got[sel.str("key")] = w
			}
		}
	}
	if len(got) < 3 {
		return nil
	}
	at, _ := moment(s.str("timestamp"))
	return &feed.Decision{Exploitation: got["E"], Automatable: got["A"], Impact: got["TI"], At: at}
}

// cut shortens a text to at most n bytes at a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
