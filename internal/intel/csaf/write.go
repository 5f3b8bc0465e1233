package csaf

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// node is an object to be written. Its members come out sorted by name, as
// §6.2.13 asks.
type node map[string]any

// put adds a member unless it is empty.
func (n node) put(name string, v any) {
	switch x := v.(type) {
	case string:
		if x == "" {
			return
		}
	case []string:
		if len(x) == 0 {
			return
		}
	case []node:
		if len(x) == 0 {
			return
		}
	case node:
		if len(x) == 0 {
			return
		}
	case time.Time:
		if x.IsZero() {
			return
		}
		v = stamp(x)
	}
	n[name] = v
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// New writes a document of CSAF 2.0: UTF-8 JSON, members sorted, two spaces of
// indent. The result always passes [Validate]; what keeps the advisory from it
// comes back as a fault (csaf.not_valid) with the places in the document that
// would be wrong.
func New(in Advisory) ([]byte, error) {
	if len(in.Revisions) == 0 {
		return nil, fault.New(fault.Invalid, "csaf.no_revision", "id", in.ID)
	}
	doc := node{"document": in.document()}
	doc.put("product_tree", in.tree())
	vulns := make([]node, 0, len(in.Vulnerabilities))
	for i := range in.Vulnerabilities {
		v, err := in.Vulnerabilities[i].node()
		if err != nil {
			return nil, err.At(fault.Place{At: "/vulnerabilities/" + strconv.Itoa(i), Code: err.Code, Args: err.Args})
		}
		vulns = append(vulns, v)
	}
	doc.put("vulnerabilities", vulns)
	out, err := encode(doc)
	if err != nil {
		return nil, err
	}
	if err := Validate(out).Err(); err != nil {
		return nil, err
	}
	return out, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fault.New(fault.Internal, "csaf.unwritable").Because(err)
	}
	return b.Bytes(), nil
}

func (in *Advisory) document() node {
	first, last := in.Revisions[0], in.Revisions[len(in.Revisions)-1]
	var history []node
	for i, r := range in.Revisions {
		history = append(history, node{"date": stamp(r.At), "number": strconv.Itoa(i + 1), "summary": r.Summary})
	}
	tracking := node{
		"current_release_date": stamp(last.At), "id": in.ID, "initial_release_date": stamp(first.At),
		"revision_history": history, "status": string(in.Status), "version": strconv.Itoa(len(in.Revisions)),
	}
	tracking.put("aliases", in.Aliases)
	if in.Engine != "" {
		tracking["generator"] = node{"date": stamp(last.At), "engine": node{"name": "Noroshi", "version": in.Engine}}
	}
	publisher := node{"category": in.Publisher.Category, "name": in.Publisher.Name, "namespace": in.Publisher.Namespace}
	publisher.put("contact_details", in.Publisher.Contact)
	publisher.put("issuing_authority", in.Publisher.Authority)
	doc := node{"category": string(in.Profile), "csaf_version": "2.0", "publisher": publisher, "title": in.Title, "tracking": tracking}
	doc.put("lang", in.Lang)
	if in.Severity != "" {
		doc["aggregate_severity"] = node{"text": in.Severity}
	}
	distribution := node{}
	label, words := in.TLP, in.Sharing
	switch label {
	case "CLEAR":
		label = "WHITE" // 2.0 knows the labels of TLP 1.0
	case "AMBER+STRICT":
		// The nearest label is weaker, so that the words have to say it.
		label, words = "AMBER", strings.TrimSpace("TLP:AMBER+STRICT "+words)
	}
	if label != "" {
		distribution["tlp"] = node{"label": label, "url": "https://www.first.org/tlp/"}
	}
	distribution.put("text", words)
	doc.put("distribution", distribution)
	doc.put("notes", notes(in.Notes))
	refs := references(in.References)
	if in.Folder != "" {
		u := strings.TrimSuffix(in.Folder, "/") + "/" + first.At.UTC().Format("2006") + "/" + FileName(in.ID)
		refs = append([]node{{"category": "self", "summary": "Canonical URL", "url": u}}, refs...)
	}
	doc.put("references", refs)
	return doc
}

func notes(in []Note) (out []node) {
	for _, n := range in {
		x := node{"category": n.Category, "text": n.Text}
		x.put("title", n.Title)
		x.put("audience", n.Audience)
		out = append(out, x)
	}
	return out
}

func references(in []Reference) (out []node) {
	for _, r := range in {
		category := "external"
		if r.Self {
			category = "self"
		}
		out = append(out, node{"category": category, "summary": r.Summary, "url": r.URL})
	}
	return out
}

// tree arranges the products by vendor, name and version.
func (in *Advisory) tree() node {
	tree := node{}
	type place struct{ vendor, name string }
	var vendors []string
	names := map[string][]string{}
	versions := map[place][]node{}
	var top []node // products that name no vendor
	bare := map[string][]node{}
	for _, p := range in.Products {
		full := p.full()
		if p.Vendor == "" {
			top = append(top, full)
			continue
		}
		if !slices.Contains(vendors, p.Vendor) {
			vendors = append(vendors, p.Vendor)
		}
		switch {
		case p.Range != "":
			versions[place{p.Vendor, p.Name}] = append(versions[place{p.Vendor, p.Name}], node{"category": "product_version_range", "name": p.Range, "product": full})
		case p.Version != "":
			versions[place{p.Vendor, p.Name}] = append(versions[place{p.Vendor, p.Name}], node{"category": "product_version", "name": p.Version, "product": full})
		default:
			bare[p.Vendor] = append(bare[p.Vendor], node{"category": "product_name", "name": p.Name, "product": full})
			continue
		}
		if !slices.Contains(names[p.Vendor], p.Name) {
			names[p.Vendor] = append(names[p.Vendor], p.Name)
		}
	}
	var branches []node
	for _, v := range vendors {
		under := bare[v]
		for _, n := range names[v] {
			under = append(under, node{"branches": versions[place{v, n}], "category": "product_name", "name": n})
		}
		branches = append(branches, node{"branches": under, "category": "vendor", "name": v})
	}
	tree.put("branches", branches)
	tree.put("full_product_names", top)
	var groups, relations []node
	for _, g := range in.Groups {
		x := node{"group_id": g.ID, "product_ids": g.Products}
		x.put("summary", g.Summary)
		groups = append(groups, x)
	}
	for _, r := range in.Relationships {
		relations = append(relations, node{
			"category": r.Category, "product_reference": r.Product, "relates_to_product_reference": r.On,
			"full_product_name": node{"name": r.Name, "product_id": r.ID},
		})
	}
	tree.put("product_groups", groups)
	tree.put("relationships", relations)
	return tree
}

func (p *Product) full() node {
	helper := node{}
	helper.put("cpe", p.CPE)
	helper.put("purl", p.PURL)
	helper.put("model_numbers", p.Models)
	helper.put("serial_numbers", p.Serials)
	helper.put("skus", p.SKU)
	version := p.Version
	if p.Range != "" {
		version = p.Range
	}
	full := node{"name": strings.Join(strings.Fields(p.Vendor+" "+p.Name+" "+version), " "), "product_id": p.ID}
	full.put("product_identification_helper", helper)
	return full
}

func (v *Vulnerability) node() (node, *fault.Error) {
	n := node{}
	n.put("cve", v.CVE)
	n.put("title", v.Title)
	if v.CWE != "" {
		n["cwe"] = node{"id": v.CWE, "name": v.CWEName}
	}
	n.put("discovery_date", v.Discovered)
	n.put("release_date", v.Released)
	n.put("notes", notes(v.Notes))
	n.put("references", references(v.References))
	var ids []node
	for _, system := range slices.Sorted(maps.Keys(v.IDs)) {
		ids = append(ids, node{"system_name": system, "text": v.IDs[system]})
	}
	n.put("ids", ids)
	if len(v.Acknowledgments) > 0 {
		n["acknowledgments"] = []node{{"names": v.Acknowledgments}}
	}
	status := node{}
	for name, list := range map[string][]string{
		"known_affected": v.Affected, "first_affected": v.FirstAffected, "last_affected": v.LastAffected,
		"fixed": v.Fixed, "first_fixed": v.FirstFixed, "recommended": v.Recommended,
		"known_not_affected": v.NotAffected, "under_investigation": v.Investigating,
	} {
		status.put(name, list)
	}
	n.put("product_status", status)
	who := func(x node, products, groups []string, at time.Time) node {
		x.put("product_ids", products)
		x.put("group_ids", groups)
		x.put("date", at)
		return x
	}
	var flags, threats, remedies, involved []node
	for _, f := range v.Flags {
		flags = append(flags, who(node{"label": string(f.Why)}, f.Products, f.Groups, f.At))
	}
	for _, t := range v.Threats {
		threats = append(threats, who(node{"category": t.Category, "details": t.Details}, t.Products, t.Groups, t.At))
	}
	for _, r := range v.Remediations {
		x := who(node{"category": r.Category, "details": r.Details}, r.Products, r.Groups, r.At)
		x.put("url", r.URL)
		if r.Restart != "" {
			x["restart_required"] = node{"category": r.Restart}
		}
		remedies = append(remedies, x)
	}
	for _, i := range v.Involvements {
		x := who(node{"party": i.Party, "status": i.Status}, nil, nil, i.At)
		x.put("summary", i.Summary)
		involved = append(involved, x)
	}
	n.put("flags", flags)
	n.put("threats", threats)
	n.put("remediations", remedies)
	n.put("involvements", involved)
	var scores []node
	for _, s := range v.Scores {
		x, err := s.node()
		if err != nil {
			return nil, err
		}
		scores = append(scores, x)
	}
	n.put("scores", scores)
	return n, nil
}

// node computes the CVSS object of a vector.
func (s *Score) node() (node, *fault.Error) {
	version, member := v2, "cvss_v2"
	switch {
	case strings.HasPrefix(s.Vector, v31.prefix):
		version, member = v31, "cvss_v3"
	case strings.HasPrefix(s.Vector, v30.prefix):
		version, member = v30, "cvss_v3"
	}
	got, ok := version.scores(&value{kind: object, keys: []string{"vectorString"}, items: []value{{kind: text, text: s.Vector}}})
	if !ok {
		return nil, fault.New(fault.Invalid, "csaf.vector", "value", clip(s.Vector))
	}
	c := node{"version": version.version, "vectorString": s.Vector, "baseScore": got["baseScore"]}
	if version != v2 {
		c["baseSeverity"] = rating(got["baseScore"])
	}
	return node{member: c, "products": s.Products}, nil
}
