package csaf

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed cwe.tsv
var cweTable string

// weakness is what one or more versions of the CWE list say of a number.
type weakness struct {
	from, to   int // places in versions
	use        byte
	deprecated bool
	name       string
}

// cweList is the whole list, read when a document first names a weakness.
var cweList = sync.OnceValue(func() (l struct {
	versions map[string]int
	dates    []string // of the versions
	by       map[string][]weakness
}) {
	l.versions, l.by = map[string]int{}, map[string][]weakness{}
	for _, line := range strings.Split(cweTable, "\n") {
		f := strings.Split(line, "\t")
		switch {
		case line == "" || line[0] == '#':
		case len(l.versions) == 0:
			for i, v := range f {
				name, date, _ := strings.Cut(v, "=")
				l.versions[name] = i
				l.dates = append(l.dates, date)
			}
		case len(f) == 5:
			id := "CWE-" + f[0]
			l.by[id] = append(l.by[id], weakness{
				from: l.versions[f[1]], to: l.versions[f[2]],
				use: f[3][0], deprecated: strings.HasSuffix(f[3], "x"), name: f[4],
			})
		}
	}
	return l
})

// lookCWE finds a weakness as a version of the list has it. known is false for
// a version later than the list we carry: then nothing can be said.
func lookCWE(id, version string) (w weakness, there, known bool) {
	l := cweList()
	at, known := l.versions[version]
	if !known {
		return w, false, false
	}
	for _, w := range l.by[id] {
		if w.from <= at && at <= w.to {
			return w, true, true
		}
	}
	return w, false, true
}

// cweKnown asks that a weakness exists under the name given: in 2.1 in the
// version given, in 2.0 in any.
func cweKnown(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		if c := v.in("cwe"); c.value != nil {
			ok := false
			for _, w := range cweList().by[c.str("id")] {
				ok = ok || w.name == c.str("name")
			}
			if !ok {
				t(c.at, "value", clip(c.str("id")))
			}
		}
		for _, c := range v.each("cwes") {
			if w, there, known := lookCWE(c.str("id"), c.str("version")); known && (!there || w.name != c.str("name")) {
				t(c.at, "value", clip(c.str("id")))
			}
		}
	}
}

func eachCWE(d *document, each func(c place, w weakness)) {
	for _, v := range d.vulnerabilities() {
		for _, c := range v.each("cwes") {
			if w, there, _ := lookCWE(c.str("id"), c.str("version")); there {
				each(c, w)
			}
		}
	}
}

func cweDeprecated(d *document, t tell) {
	eachCWE(d, func(c place, w weakness) {
		if w.deprecated {
			t(c.at+"/id", "value", c.str("id"))
		}
	})
}

func cweUse(marks string) func(*document, tell) {
	return func(d *document, t tell) {
		eachCWE(d, func(c place, w weakness) {
			if strings.IndexByte(marks, w.use) >= 0 {
				t(c.at+"/id", "value", c.str("id"))
			}
		})
	}
}

func cweMissing(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		if v.get("cwe") == nil && v.get("cwes") == nil {
			t(v.at)
		}
	}
}

// cweNotLatest asks for the version of the list that was the newest when the
// document was last revised. Of versions we do not carry nothing is said.
func cweNotLatest(d *document, t tell) {
	h := d.history()
	if len(h) == 0 {
		return
	}
	l := cweList()
	on, latest := h[len(h)-1].time.UTC().Format("2006-01-02"), -1
	for i, date := range l.dates {
		if date <= on {
			latest = i
		}
	}
	for _, v := range d.vulnerabilities() {
		for _, c := range v.each("cwes") {
			if at, known := l.versions[c.str("version")]; known && at != latest {
				t(c.at+"/version", "value", clip(c.str("version")))
			}
		}
	}
}
