package feed

import (
	"bytes"
	"errors"

	"noroshi/internal/engine/jsonscan"
)

// marks are the members that only one kind of document has, by their path; an
// asterisk stands for the first element of an array.
var marks = map[string]Kind{
	"/cveMetadata": CVE5, "/containers": CVE5, "/*/cveMetadata": CVE5, "/*/containers": CVE5,
	"/catalogVersion": KEV, "/vulnerabilities/*/cveID": KEV,
	"/resultsPerPage": NVD, "/_annotation": NVD, "/vulnStatus": NVD, "/configurations": NVD, "/sourceIdentifier": NVD,
	"/*/vulnStatus": NVD, "/*/configurations": NVD, "/*/sourceIdentifier": NVD, "/*/_annotation": NVD,
	"/document": CSAF, "/product_tree": CSAF, "/vulnerabilities/*/product_status": CSAF,
	"/affected": OSV, "/modified": OSV, "/vulns": OSV, "/*/modified": OSV, "/*/affected": OSV,
	"/data/*/epss": EPSS,
	"/result":      EOL, "/generated_at": EOL, "/products": EOL, "/*/cycle": EOL,
}

// detect finds the kind of the document that begins with head.
func (p *reading) detect(head []byte) (Kind, error) {
	b := trimmed(head)
	switch {
	case len(b) == 0:
		return "", p.fault("feed.empty", "")
	case bytes.HasPrefix(b, []byte("#model_version")), bytes.HasPrefix(b, []byte("cve,epss")):
		return EPSS, nil
	case b[0] == '<':
		return p.detectXML(b)
	case b[0] != '{' && b[0] != '[':
		return "", p.fault("feed.unknown_kind", "")
	}
	p.scan.Reset(bytes.NewReader(head))
	kind, err := p.marked("", 0)
	if kind != "" {
		return kind, nil
	}
	if err != nil && !errors.Is(err, jsonscan.ErrCut) {
		return "", p.broken(err)
	}
	if err == nil {
		if err := p.scan.End(); err != nil {
			return "", p.broken(err)
		}
	} else if len(head) < prefix {
		return "", p.broken(err)
	}
	return "", p.fault("feed.unknown_kind", "")
}

// marked goes through the value at hand until a mark is found.
func (p *reading) marked(at string, depth int) (Kind, error) {
	k, err := p.scan.Kind()
	if err != nil {
		return "", err
	}
	if kind := marks[at]; kind != "" {
		p.mark = at
		return kind, nil
	}
	// Two kinds say cve there: NVD's holds an object, CSAF's an id.
	if at == "/vulnerabilities/*/cve" || at == "/cve" || at == "/*/cve" {
		p.mark = at
		if k == jsonscan.Object {
			return NVD, nil
		} else if at == "/vulnerabilities/*/cve" {
			return CSAF, nil
		}
	}
	if k != jsonscan.Object && k != jsonscan.Array || depth >= 3 {
		return "", nil
	}
	if err := p.scan.Enter(); err != nil {
		return "", err
	}
	for {
		more, err := p.scan.Next()
		if err != nil || !more {
			return "", err
		}
		step := at + "/*"
		if k == jsonscan.Object {
			step = at + "/" + p.scan.Key()
		}
		if kind, err := p.marked(step, depth+1); kind != "" || err != nil {
			return kind, err
		}
	}
}

// detectXML finds the kind of an XML document by its first element.
func (p *reading) detectXML(b []byte) (Kind, error) {
	if bytes.Contains(b[:min(len(b), 4<<10)], []byte("<!DOCTYPE")) {
		return "", p.fault("feed.xml_doctype", "")
	}
	x := newXML(bytes.NewReader(b))
	start, err := x.root()
	// MyJVN answers a question to which it knows nothing by a result of its own.
	none := start == "Result" && bytes.Contains(b[:min(len(b), 4<<10)], []byte("jvndb.jvn.jp/myjvn"))
	if err == nil && (start == "RDF" || start == "VULDEF-Document" || none) {
		p.mark = start
		return JVN, nil
	}
	return "", p.fault("feed.unknown_kind", "")
}
