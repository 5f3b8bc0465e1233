package csaf

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// The tests of SSVC decision points (CSAF 2.1).

//go:embed ssvc.tsv
var ssvcTable string

// ssvcPoints are the decision points by namespace, key and version, with the
// keys of their values in order; and the registered namespaces.
var ssvcPoints = sync.OnceValue(func() (l struct {
	values map[[3]string][]string
	spaces map[string]bool
}) {
	l.values, l.spaces = map[[3]string][]string{}, map[string]bool{}
	for _, line := range strings.Split(ssvcTable, "\n") {
		if f := strings.Split(line, "\t"); len(f) == 4 && line[0] != '#' {
			l.values[[3]string{f[0], f[1], f[2]}] = strings.Fields(f[3])
			l.spaces[f[0]] = true
		}
	}
	return l
})

// point is one selected decision point with where it stands.
type point struct {
	place
	namespace string // full
	base      string // without extensions
	extended  bool
	object    place // the SSVC object
}

func (d *document) points() (out []point) {
	for _, c := range d.contents() {
		object := c.in("ssvc_v2")
		for _, s := range object.each("selections") {
			full := s.str("namespace")
			base, _, extended := strings.Cut(full, "/")
			out = append(out, point{s, full, base, extended, object})
		}
	}
	return out
}

// special reports a namespace reserved for examples and tests, with or without
// a fragment: anything goes there. "invalid" is reserved to be wrong.
func special(base string) bool {
	name, _, _ := strings.Cut(base, "#")
	return name == "example" || name == "test"
}

func ssvcPoint(d *document, t tell) {
	l := ssvcPoints()
	for _, p := range d.points() {
		if p.base == "invalid" {
			t(p.at+"/namespace", "value", clip(p.namespace))
			continue
		}
		if !l.spaces[p.base] {
			continue
		}
		want, known := l.values[[3]string{p.base, p.str("key"), p.str("version")}]
		if !known {
			t(p.at, "value", clip(p.str("key")))
			continue
		}
		// Values may be left out, but not added or put in another order.
		at := 0
		for _, v := range p.each("values") {
			i := slices.Index(want[at:], v.str("key"))
			if i < 0 {
				t(v.at+"/key", "value", clip(v.str("key")))
				break
			}
			at += i + 1
		}
	}
}

func ssvcUnknownSpace(d *document, t tell) {
	for _, p := range d.points() {
		if !ssvcPoints().spaces[p.base] && !special(p.base) {
			t(p.at+"/namespace", "value", clip(p.namespace))
		}
	}
}

func ssvcUnregistered(open bool) func(*document, tell) {
	return func(d *document, t tell) {
		for _, p := range d.points() {
			if d.clear() == open && strings.HasPrefix(p.base, "x_") {
				t(p.at+"/namespace", "value", clip(p.namespace))
			}
		}
	}
}

func ssvcExtended(open bool) func(*document, tell) {
	return func(d *document, t tell) {
		for _, p := range d.points() {
			if d.clear() == open && p.extended && !special(p.base) {
				t(p.at+"/namespace", "value", clip(p.namespace))
			}
		}
	}
}

// ssvcResource asks for a resource that explains a namespace nobody registered.
func ssvcResource(d *document, t tell) {
	for _, p := range d.points() {
		if ssvcPoints().spaces[p.namespace] || special(p.base) {
			continue
		}
		explained := false
		for _, r := range p.object.each("decision_point_resources") {
			explained = explained || strings.Contains(r.str("summary"), p.namespace)
		}
		if !explained {
			t(p.at+"/namespace", "value", clip(p.namespace))
		}
	}
}
