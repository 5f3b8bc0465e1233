package feed

import (
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

func itoa(n int) string { return strconv.Itoa(n) }

// cveVersion is one entry of a product's versions.
type cveVersion struct {
	version, less, lessEqual, kind string
	status                         string
	changes                        []cveChange
}

type cveChange struct{ at, status string }

// cveProduct is one entry of "affected".
type cveProduct struct {
	vendor, product, name, collection, purl, status string
	cpes                                            []cpe.Name
	platforms                                       []string
	versions                                        []cveVersion
}

// cveAffected reads one entry of "affected" and appends its lines.
//
// No CPE name is made of vendor and product texts: they do not say whether an
// application, an operating system or a device is meant, and "Cisco IOS XE
// Software" is not how the dictionary calls it. A wrong name is worse than
// none; the text stays for the dictionary to propose from.
func (p *reading) cveAffected(c *jsonscan.Cursor, lines []product.Line) []product.Line {
	var a cveProduct
	for key := range c.Object() {
		switch string(key) {
		case "vendor":
			a.vendor = strings.TrimSpace(c.String())
		case "product":
			a.product = strings.TrimSpace(c.String())
		case "packageName":
			a.name = c.String()
		case "collectionURL":
			a.collection = c.String()
		case "packageURL":
			a.purl = c.String()
		case "defaultStatus":
			a.status = p.word(c.Bytes())
		case "platforms":
			for range c.Array() {
				if s := c.String(); len(a.platforms) < 20 {
					a.platforms = append(a.platforms, s)
				}
			}
		case "cpes":
			for range c.Array() {
				if n, ok := p.nameOf(c.Bytes()); ok && p.part(linePart) {
					a.cpes = append(a.cpes, n)
				}
			}
		case "versions":
			for range c.Array() {
				if v := p.cveVersion(c); p.part(linePart) {
					a.versions = append(a.versions, v)
				}
			}
		}
	}
	said := a.lines()
	if len(said) == 0 {
		return lines
	}
	for _, who := range a.who() {
		for _, l := range said {
			if !p.part(linePart) {
				return lines
			}
			l.Name, l.Package, l.Text = who.Name, who.Package, who.Text
			// A version inside the name counts only where no other is given:
			// makers put the fixed one there as often as the affected one.
			if len(a.versions) > 0 {
				if l.Name.Version == cpe.NA && l.Status == product.Affected && len(l.Ranges)+len(l.Versions) == 0 {
					l.Unread = noVersion
				}
				l.Name.Version, l.Name.Update = cpe.Any, cpe.Any
			}
			lines = append(lines, l)
		}
	}
	return lines
}

func (p *reading) cveVersion(c *jsonscan.Cursor) (v cveVersion) {
	for key := range c.Object() {
		switch string(key) {
		case "version":
			v.version = strings.TrimSpace(c.String())
		case "lessThan":
			v.less = strings.TrimSpace(c.String())
		case "lessThanOrEqual":
			v.lessEqual = strings.TrimSpace(c.String())
		case "versionType":
			v.kind = strings.ToLower(string(c.Bytes()))
		case "status":
			v.status = p.word(c.Bytes())
		case "changes":
			for range c.Array() {
				var ch cveChange
				for key := range c.Object() {
					switch string(key) {
					case "at":
						ch.at = strings.TrimSpace(c.String())
					case "status":
						ch.status = p.word(c.Bytes())
					}
				}
				if p.part(1) {
					v.changes = append(v.changes, ch)
				}
			}
		}
	}
	return v
}

// who returns the names of the product, one line each.
func (a *cveProduct) who() (who []product.Line) {
	seen := map[cpe.Name]bool{}
	for _, n := range a.cpes {
		key := n
		if len(a.versions) > 0 {
			key.Version, key.Update = cpe.Any, cpe.Any
		}
		if !seen[key] {
			seen[key] = true
			who = append(who, product.Line{Name: n})
		}
	}
	if purl := barePURL(a.purl); purl != "" {
		who = append(who, product.Line{Package: purl})
	} else if purl := collected(a.collection, a.name); purl != "" {
		who = append(who, product.Line{Package: purl})
	}
	if len(who) > 0 {
		return who
	}
	text := strings.TrimSpace(known(a.vendor) + " " + known(a.product))
	if known(a.product) == "" || len(text) > 400 {
		return nil // "n/a" is no product
	}
	return []product.Line{{Text: text}}
}

func known(s string) string {
	if vague[strings.ToLower(s)] {
		return ""
	}
	return s
}

func cveStatus(s string) product.Status {
	switch s {
	case "affected":
		return product.Affected
	case "unaffected":
		return product.NotAffected
	}
	return product.StatusUnknown
}

// lines returns what is said of the versions, by status and scheme.
func (a *cveProduct) lines() (lines []product.Line) {
	detail := ""
	if len(a.platforms) > 0 {
		detail = strings.Join(a.platforms, ", ")
		if len(detail) > 400 {
			detail = clip(detail)
		}
	}
	comparable := false
	for i := range a.versions {
		comparable = comparable || a.versions[i].kind != "git"
	}
	if len(a.versions) > 0 && !comparable {
		return []product.Line{{Status: product.StatusUnknown, Detail: onlyCommits}}
	}
	for i := range a.versions {
		v := &a.versions[i]
		if v.kind == "git" {
			continue // the same in commits; nobody registers these
		}
		for _, l := range v.lines() {
			if l.Detail == "" {
				l.Detail = detail
			}
			// Single versions of one status go into one line; ranges keep their
			// own, since each has its own fix.
			if n := len(lines) - 1; n >= 0 && len(l.Versions) == 1 && len(l.Ranges) == 0 && len(lines[n].Ranges) == 0 && len(lines[n].Versions) > 0 &&
				lines[n].Status == l.Status && lines[n].Scheme == l.Scheme && lines[n].Detail == l.Detail {
				lines[n].Versions = append(lines[n].Versions, l.Versions...)
				continue
			}
			lines = append(lines, l)
		}
	}
	// What is not listed has the default status. Unaffected and unknown go
	// without saying; affected means all but what is listed otherwise.
	if a.status == "affected" || len(a.versions) == 0 {
		lines = append(lines, product.Line{Status: cveStatus(a.status), Detail: detail})
	}
	return lines
}

// noVersion is the version of a name of which its source says that it has none.
const noVersion = "-"

// amongReleases leaves "every version" of a name without a version unread where
// another line names releases of the same product: "windows_10:-" beside
// windows_10 1607 is the first release and not all of them.
func amongReleases(lines []product.Line) {
	releases := map[cpe.Name]bool{}
	of := func(l *product.Line) cpe.Name {
		return cpe.Name{Part: l.Name.Part, Vendor: l.Name.Vendor, Product: l.Name.Product}
	}
	for i := range lines {
		if l := &lines[i]; len(l.Ranges)+len(l.Versions) > 0 || l.Name.Version.Set() {
			releases[of(l)] = true
		}
	}
	for i := range lines {
		if l := &lines[i]; l.Unread == noVersion && !releases[of(l)] {
			l.Unread = ""
		}
	}
}

// onlyCommits marks a line whose source gives commits and no versions.
const onlyCommits = "git"

// besides leaves out lines that know only commits, where another line knows
// versions of the same product.
func besides(lines []product.Line) []product.Line {
	type who struct {
		name      cpe.Name
		pkg, text string
	}
	other := map[who]bool{}
	any := false
	for _, l := range lines {
		if l.Detail != onlyCommits {
			other[who{name: l.Name, pkg: l.Package, text: l.Text}] = true
		} else {
			any = true
		}
	}
	if !any {
		return lines
	}
	return slices.DeleteFunc(lines, func(l product.Line) bool {
		return l.Detail == onlyCommits && other[who{name: l.Name, pkg: l.Package, text: l.Text}]
	})
}

// schemeOf maps the versionType of the CVE Record Format.
func schemeOf(kind string) version.Scheme {
	switch kind {
	case "semver":
		return version.SemVer
	case "python":
		return version.PEP440
	case "maven":
		return version.Maven
	case "rpm":
		return version.RPM
	case "deb", "dpkg", "debian":
		return version.Debian
	case "gem", "rubygems":
		return version.Gem
	case "apk":
		return version.Alpine
	case "date":
		return version.Date
	}
	return version.Generic
}

func (v *cveVersion) lines() []product.Line {
	l := product.Line{Status: cveStatus(v.status), Scheme: schemeOf(v.kind)}
	unsure := func(words string) []product.Line {
		l.Status, l.Detail = product.StatusUnknown, clip(words)
		return []product.Line{l}
	}
	to, included := v.less, false
	if v.lessEqual != "" {
		to, included = v.lessEqual, true
	}
	if to == "" && len(v.changes) == 0 {
		if vague[strings.ToLower(v.version)] {
			return unsure(v.version)
		}
		m, ok := versionText(v.version)
		if !ok {
			return unsure(v.version)
		}
		l.Ranges, l.Versions, l.Fixed = m.ranges, m.versions, m.fixed
		return []product.Line{l}
	}
	r := version.Range{From: v.version, To: to, ToIncluded: included}
	if r.From == "0" || r.From == "*" || vague[strings.ToLower(r.From)] {
		r.From = ""
	}
	switch {
	case to == "*":
		r.To, r.ToIncluded = "", false
	case to != "" && vague[strings.ToLower(to)]:
		return unsure("< " + to)
	case strings.HasSuffix(to, "*") || strings.HasSuffix(to, ".x"):
		s, ok := series(to)
		if !ok {
			return unsure(to)
		}
		r.To, r.ToIncluded = s.To, false
	case to != "":
		// "< next of 4.0.1 P1" and other sentences are no bound.
		if m, ok := versionText(to); !ok || len(m.versions) != 1 {
			return unsure("< " + to)
		} else {
			r.To = m.versions[0]
		}
	}
	if r.From != "" {
		m, ok := versionText(r.From)
		switch {
		case ok && len(m.versions) == 1:
			r.From = m.versions[0]
		case ok && len(m.ranges) == 1 && m.ranges[0].From != "": // "7.x" up to something
			r.From = m.ranges[0].From
		case ok && m.all:
			r.From = ""
		default:
			return unsure(r.From + " < " + to)
		}
	}
	return v.split(l, r)
}

// split cuts a range at the versions where its status changes.
func (v *cveVersion) split(l product.Line, r version.Range) (lines []product.Line) {
	add := func(r version.Range, status product.Status, fixed string) {
		if r.From != "" && r.From == r.To && !r.ToIncluded {
			return
		}
		x := l
		x.Status, x.Ranges, x.Fixed = status, []version.Range{r}, fixed
		if r == (version.Range{}) {
			x.Ranges = nil
		}
		lines = append(lines, x)
	}
	status := cveStatus(v.status)
	for _, ch := range v.changes {
		m, ok := versionText(ch.at)
		if !ok || len(m.versions) != 1 {
			continue
		}
		at, next := m.versions[0], cveStatus(ch.status)
		if next == status {
			continue
		}
		fixed := ""
		if status == product.Affected && next == product.NotAffected {
			fixed = at
		}
		add(version.Range{From: r.From, To: at}, status, fixed)
		r.From, status = at, next
	}
	fixed := ""
	if status == product.Affected && !r.ToIncluded && v.less == r.To {
		fixed = r.To
	}
	add(r, status, fixed)
	return lines
}
