package csaf

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The tests of tracking: versions, dates and revision history.

var cvePattern = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,}$`)

// docVersion is a document version: an integer, or a version of semver.org.
type docVersion struct {
	whole             bool // integer versioning
	major             string
	minor, patch      string
	pre, build, plain string // plain is without build metadata
}

func parseVersion(s string) docVersion {
	v := docVersion{}
	v.plain, v.build, _ = strings.Cut(s, "+")
	core, pre, _ := strings.Cut(v.plain, "-")
	v.pre = pre
	parts := strings.Split(core, ".")
	v.major, v.minor, v.patch = parts[0], "0", "0"
	if len(parts) == 3 {
		v.minor, v.patch = parts[1], parts[2]
	}
	v.whole = len(parts) == 1
	return v
}

// compareDigits orders numbers of any length.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compare orders as semver.org 2.0.0 §11; integers count as x.0.0 (CSAF 2.1
// §6.1.14).
func (v docVersion) compare(w docVersion) int {
	if c := cmp.Or(compareDigits(v.major, w.major), compareDigits(v.minor, w.minor), compareDigits(v.patch, w.patch)); c != 0 {
		return c
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	a, b := strings.Split(v.pre, "."), strings.Split(w.pre, ".")
	for i := 0; i < len(a) && i < len(b); i++ {
		an, aErr := strconv.ParseUint(a[i], 10, 64)
		bn, bErr := strconv.ParseUint(b[i], 10, 64)
		var c int
		switch {
		case aErr == nil && bErr == nil:
			c = cmp.Compare(an, bn)
		case aErr == nil:
			c = -1
		case bErr == nil:
			c = 1
		default:
			c = strings.Compare(a[i], b[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

type revision struct {
	at      string
	time    time.Time
	version docVersion
	number  string
}

// history returns the revision history in order of date, then of number.
func (d *document) history() []revision {
	var out []revision
	for _, r := range d.doc().in("tracking").each("revision_history") {
		at, _ := moment(r.str("date"))
		out = append(out, revision{r.at, at, parseVersion(r.str("number")), r.str("number")})
	}
	slices.SortStableFunc(out, func(a, b revision) int {
		return cmp.Or(a.time.Compare(b.time), a.version.compare(b.version))
	})
	return out
}

func (d *document) status() string  { return d.doc().str("tracking", "status") }
func (d *document) version() string { return d.doc().str("tracking", "version") }
func (d *document) released() bool  { return d.status() == "final" || d.status() == "interim" }

const (
	atVersion = "/document/tracking/version"
	atHistory = "/document/tracking/revision_history"
)

func historySorted(d *document, t tell) {
	h := d.history()
	for i := 1; i < len(h); i++ {
		if h[i].version.compare(h[i-1].version) < 0 {
			t(h[i].at, "value", clip(h[i].number))
		}
	}
}

func translatorSource(d *document, t tell) {
	if d.doc().str("publisher", "category") == "translator" && d.doc().str("source_lang") == "" {
		t("/document/source_lang")
	}
}

func latestVersion(d *document, t tell) {
	h := d.history()
	if len(h) == 0 {
		return
	}
	last, own := h[len(h)-1].version, parseVersion(d.version())
	a, b := last.plain, own.plain
	if d.status() == "draft" {
		a, _, _ = strings.Cut(a, "-")
		b, _, _ = strings.Cut(b, "-")
	}
	if a != b {
		t(atVersion, "value", clip(h[len(h)-1].number))
	}
}

func statusDraft(d *document, t tell) {
	v := parseVersion(d.version())
	if (v.major == "0" || v.pre != "") && d.status() != "draft" {
		t("/document/tracking/status", "value", clip(d.version()))
	}
}

func releasedHistory(d *document, t tell) {
	for _, r := range d.history() {
		if d.released() && r.version.major == "0" {
			t(r.at+"/number", "value", clip(r.number))
		}
	}
}

func historyPrerelease(d *document, t tell) {
	for _, r := range d.history() {
		if r.version.pre != "" {
			t(r.at+"/number", "value", clip(r.number))
		}
	}
}

func releasedVersion(d *document, t tell) {
	if d.released() && parseVersion(d.version()).pre != "" {
		t(atVersion, "value", clip(d.version()))
	}
}

func historyGap(d *document, t tell) {
	h := d.history()
	for i, r := range h {
		major, err := strconv.ParseUint(r.version.major, 10, 63)
		if err != nil {
			continue
		}
		if i == 0 {
			if major > 1 {
				t(r.at+"/number", "value", clip(r.number))
			}
			continue
		}
		before, err := strconv.ParseUint(h[i-1].version.major, 10, 63)
		if err == nil && major != before && major != before+1 {
			t(r.at+"/number", "value", clip(r.number))
		}
	}
}

func historyTwice(d *document, t tell) {
	seen := map[string]bool{}
	for _, r := range d.doc().in("tracking").each("revision_history") {
		n := r.str("number")
		if seen[n] {
			t(r.at+"/number", "value", clip(n))
		}
		seen[n] = true
	}
}

func versioningMixed(d *document, t tell) {
	own := parseVersion(d.version()).whole
	for _, r := range d.doc().in("tracking").each("revision_history") {
		if n := r.str("number"); parseVersion(n).whole != own {
			t(r.at+"/number", "value", clip(n))
		}
	}
}

func historyBuild(d *document, t tell) {
	for _, r := range d.doc().in("tracking").each("revision_history") {
		if strings.Contains(r.str("number"), "+") {
			t(r.at+"/number", "value", clip(r.str("number")))
		}
	}
}

func initialOlder(d *document, t tell) {
	h := d.history()
	at, ok := moment(d.doc().str("tracking", "initial_release_date"))
	if ok && len(h) > 0 && at.Before(h[0].time) {
		t("/document/tracking/initial_release_date")
	}
}

func currentOlder(d *document, t tell) {
	h := d.history()
	at, ok := moment(d.doc().str("tracking", "current_release_date"))
	if ok && len(h) > 0 && at.Before(h[len(h)-1].time) {
		t("/document/tracking/current_release_date")
	}
}

func historySameTime(d *document, t tell) {
	h := d.history()
	for i := 1; i < len(h); i++ {
		if h[i].time.Equal(h[i-1].time) {
			t(h[i].at + "/date")
		}
	}
}

func idInTitle(d *document, t tell) {
	if id := d.doc().str("tracking", "id"); id != "" && strings.Contains(d.doc().str("title"), id) {
		t("/document/title", "value", clip(id))
	}
}

// late tells places whose time is after the newest revision of a document that
// is out.
func late(d *document, t tell, places []place) {
	h := d.history()
	if !d.released() || len(h) == 0 {
		return
	}
	for _, p := range places {
		if at, ok := moment(p.text); ok && at.After(h[len(h)-1].time) {
			t(p.at, "value", p.text)
		}
	}
}

func (d *document) clear() bool { return d.doc().str("distribution", "tlp", "label") == "CLEAR" }

func disclosureLate(d *document, t tell) {
	if !d.clear() {
		return
	}
	var all []place
	for _, v := range d.vulnerabilities() {
		if p := v.in("disclosure_date"); p.value != nil {
			all = append(all, p)
		}
	}
	late(d, t, all)
}

// contents lists the content of every metric of the document.
func (d *document) contents() (out []place) {
	for _, v := range d.vulnerabilities() {
		for _, m := range v.each("metrics") {
			if c := m.in("content"); c.value != nil && c.kind == object {
				out = append(out, c)
			}
		}
	}
	return out
}

func timestamps(d *document, name string) (out []place) {
	for _, c := range d.contents() {
		if p := c.in(name).in("timestamp"); p.value != nil {
			out = append(out, p)
		}
	}
	return out
}

func ssvcLate(d *document, t tell) { late(d, t, timestamps(d, "ssvc_v2")) }
func epssLate(d *document, t tell) { late(d, t, timestamps(d, "epss")) }

func exploitations(d *document) (out []place) {
	for _, v := range d.vulnerabilities() {
		out = append(out, v.each("first_known_exploitation_dates")...)
	}
	return out
}

func exploitationLate(d *document, t tell) {
	var all []place
	for _, e := range exploitations(d) {
		for _, name := range []string{"date", "exploitation_date"} {
			if p := e.in(name); p.value != nil {
				all = append(all, p)
			}
		}
	}
	late(d, t, all)
}

func exploitationOrder(d *document, t tell) {
	for _, e := range exploitations(d) {
		said, ok := moment(e.str("date"))
		was, ok2 := moment(e.str("exploitation_date"))
		if ok && ok2 && was.After(said) {
			t(e.at+"/exploitation_date", "value", e.str("exploitation_date"))
		}
	}
}

// dateTimeForm tells every value the schema wants as a date-time that is none.
func dateTimeForm(d *document, t tell) {
	schema21.check(d.root, "", func(f found) {
		if f.code == "csaf.schema.time" {
			t(f.at, "value", problemValue(f))
		}
	})
	for _, p := range timestamps(d, "ssvc_v2") {
		if _, ok := moment(p.text); !ok {
			t(p.at, "value", clip(p.text))
		}
	}
}
