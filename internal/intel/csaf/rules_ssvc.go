package csaf

import "strings"

// The tests of SSVC objects and of extensions (CSAF 2.1).

var ssvcShape = func() *shape {
	key := like(`^(([a-zA-Z0-9])|([a-zA-Z0-9][a-zA-Z0-9_]*[a-zA-Z0-9])|(T\*))$`)
	reference := obj("uri summary", fields{"uri": link(), "summary": {kind: text}})
	namespace := like(`^(x_[a-z0-9]([a-z0-9.-]*[a-z0-9])?#[a-z0-9]+([.-][a-z0-9]+)*|[a-z][a-z0-9]([.-]?[a-z0-9]+)+(#[a-z0-9]+([.-][a-z0-9]+)*)?)(/.*)?$`)
	namespace.minLen = 3
	s := obj("timestamp schemaVersion selections", fields{
		"timestamp":                instant(),
		"schemaVersion":            one("2.0.0"),
		"target_ids":               set(&shape{kind: text}),
		"decision_point_resources": arr(reference),
		"references":               arr(reference),
		"selections": arr(obj("namespace key version values", fields{
			"namespace": namespace, "key": key, "name": word(), "definition": word(),
			"version": like(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`),
			"values":  arr(obj("key", fields{"name": word(), "definition": word(), "key": key})),
		})),
	})
	return s.closing(map[*shape]bool{})
}()

func ssvcInvalid(d *document, t tell) {
	for _, c := range d.contents() {
		if p := c.in("ssvc_v2"); p.value != nil {
			ssvcShape.check(p.value, p.at, func(f found) { t(f.at, "value", problemValue(f)) })
		}
	}
}

func ssvcTarget(d *document, t tell) {
	many := len(d.vulnerabilities()) > 1
	own := d.doc().str("tracking", "id")
	for _, v := range d.vulnerabilities() {
		known := map[string]bool{v.str("cve"): true, own: !many}
		for _, i := range v.each("ids") {
			known[i.str("text")] = true
		}
		for _, m := range v.each("metrics") {
			for _, id := range m.in("content").in("ssvc_v2").each("target_ids") {
				if !known[id.text] || id.text == own && many {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}

var extensionShape = func() *shape {
	s := obj("$schema category critical content", fields{
		"$schema": link(), "category": one("essential significant supplementary"),
		"critical": {kind: boolean}, "content": (&shape{kind: object}).least(1),
	})
	return s.closing(map[*shape]bool{})
}()

// extensions lists every extension of the document.
func (d *document) extensions() (out []place) {
	add := func(p place) { out = append(out, p.each("x_extensions")...) }
	add(d.top())
	add(d.doc())
	for _, p := range d.products {
		add(place{p.at, p.node})
	}
	for _, v := range d.vulnerabilities() {
		add(v)
	}
	for _, c := range d.contents() {
		add(c)
	}
	return out
}

func extensionForm(d *document, t tell) {
	for _, e := range d.extensions() {
		extensionShape.check(e.value, e.at, func(f found) { t(f.at, "value", problemValue(f)) })
	}
}

func extensionEssential(d *document, t tell) {
	for _, e := range d.extensions() {
		if e.str("category") == "essential" {
			t(e.at + "/category")
		}
	}
}

// extensionAt tells the extensions of one part of a document: by the prefix of
// their place, or in metrics or vulnerabilities.
func extensionAt(part string) func(*document, tell) {
	return func(d *document, t tell) {
		for _, e := range d.extensions() {
			in := strings.HasPrefix(e.at, part)
			if strings.HasPrefix(e.at, "/vulnerabilities/") {
				metric := strings.Contains(e.at, "/metrics/")
				in = part == "metrics" && metric || part == "vulnerability" && !metric
			}
			if in {
				t(e.at)
			}
		}
	}
}
