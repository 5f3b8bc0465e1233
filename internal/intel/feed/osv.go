package feed

import (
	"strings"

	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// readOSV reads records of the Open Source Vulnerability format: one, an array,
// or the answer of a query.
func (p *reading) readOSV() error {
	if p.mark != "/vulns" {
		return p.readDocuments(p.osvRecord)
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	for {
		more, err := p.scan.Next()
		if err != nil {
			return err
		}
		if !more {
			return p.scan.End()
		}
		if p.scan.Key() == "vulns" {
			if err := p.each(p.osvRecord); err != nil {
				return err
			}
		}
	}
}

// osvLicences are the terms of the databases that feed OSV, by the beginning of
// their ids, as osv.dev lists them. The others do not say.
var osvLicences = map[string]string{
	"GHSA": LicenceOSV, "PYSEC": LicenceOSV, "GO": LicenceOSV, "OSV": LicenceOSV, "RUSTSEC": "CC0-1.0", "GSD": "CC0-1.0", "HSEC": "CC0-1.0",
}

func (p *reading) osvRecord(v jsonscan.Value, place string) error {
	p.begin()
	r := &Record{}
	var f further
	var cves []string
	id := ""
	c := v.Cursor()
	for key := range c.Object() {
		switch string(key) {
		case "id":
			id = c.String()
		case "schema_version":
		case "published":
			r.Published = c.Time()
		case "modified":
			r.Modified = c.Time()
		case "withdrawn":
			r.Withdrawn = !c.Time().IsZero()
		case "aliases", "upstream":
			for range c.Array() {
				if a := c.String(); isCVE(a) && p.part(1) {
					cves = append(cves, a)
				} else {
					r.also(a)
				}
			}
		case "summary":
			r.Title = c.String()
		case "details":
			r.describe("en", c.String())
		case "severity":
			osvSeverity(c, r)
		case "references":
			for range c.Array() {
				for key := range c.Object() {
					if string(key) == "url" {
						r.refer(c.String())
					}
				}
			}
		case "affected":
			var root product.Node
			for range c.Array() {
				if n, ok := p.osvAffected(c, r); ok && p.part(1) {
					root.Children = append(root.Children, n)
				}
			}
			if len(root.Children) > 0 {
				r.Statements = append(r.Statements, product.Statement{Source: string(OSV), Root: flat(root)})
			}
		case "database_specific":
			raw := c.Raw()
			osvWeaknesses(raw, r)
			f.add(string(key), raw)
		default:
			f.add(string(key), c.Raw())
		}
	}
	if at, wrong := c.Wrong(); wrong {
		return p.fault("feed.field_wrong", place+at)
	}
	if !plainID(id) {
		return p.fault("feed.bad_id", place+"/id", "value", clip(id))
	}
	if r.Modified.IsZero() {
		return p.fault("feed.field_missing", place+"/modified")
	}
	r.By, _, _ = strings.Cut(id, "-")
	r.Licence = osvLicences[r.By]
	r.Ref = "https://osv.dev/vulnerability/" + id
	r.Further = f.json()
	return p.perCVE(r, id, id, cves, place, v)
}

// flat takes lines out of nodes that only hold them.
func flat(root product.Node) product.Node {
	var out product.Node
	for _, n := range root.Children {
		if n.Op == product.Or && !n.Negate && len(n.Children) == 0 {
			out.Lines = append(out.Lines, n.Lines...)
		} else {
			out.Children = append(out.Children, n)
		}
	}
	return out
}

// mostCVEs is how many vulnerabilities one advisory may speak of.
const mostCVEs = 2000

// perCVE yields a record for each CVE an advisory is about, or one under its
// own id when it names none, so that what several sources say of a
// vulnerability meets. Key is what the advisory is told from others by.
func (p *reading) perCVE(r *Record, id, key string, cves []string, place string, raw []byte) error {
	if isCVE(id) || len(cves) == 0 {
		cves = []string{id}
	}
	seen := map[string]bool{}
	base, said := r.Aliases, r.Statements
	for _, cve := range cves[:min(len(cves), mostCVEs)] {
		if seen[cve] {
			continue
		}
		seen[cve] = true
		one := *r
		one.ID, one.Aliases = cve, nil
		one.also(id)
		for _, a := range base {
			one.also(a)
		}
		one.Statements = make([]product.Statement, len(said))
		for i, s := range said {
			s.Vulnerability, s.By, s.Ref, s.At, s.Licence = cve, r.By, r.Ref, r.Modified, r.Licence
			one.Statements[i] = s
		}
		if one.Withdrawn {
			one.Statements = nil
		}
		if err := p.emit(&one, key+" "+cve, place, raw); err != nil {
			return err
		}
	}
	return nil
}

func osvSeverity(c *jsonscan.Cursor, r *Record) {
	for range c.Array() {
		kind, vector := "", ""
		for key := range c.Object() {
			switch string(key) {
			case "type":
				kind = c.String()
			case "score":
				vector = c.String()
			}
		}
		if strings.HasPrefix(kind, "CVSS_") {
			r.score(Score{Vector: vector})
		}
	}
}

func osvWeaknesses(v jsonscan.Value, r *Record) {
	if v.Kind() != jsonscan.Object {
		return
	}
	c := v.Cursor()
	for key := range c.Object() {
		if string(key) == "cwe_ids" && c.Kind() == jsonscan.Array {
			for range c.Array() {
				r.weak(c.String())
			}
		}
	}
}

// ecosystem is what an OSV ecosystem means: the type and namespace of its
// package URLs, how it orders versions, and the system its releases run on.
type ecosystem struct {
	kind, namespace string
	scheme          version.Scheme
	system          string // vendor:product of the operating system, when "Debian:12" names a release of one
}

var ecosystems = map[string]ecosystem{
	"npm": {kind: "npm", scheme: version.SemVer}, "PyPI": {kind: "pypi", scheme: version.PEP440}, "Go": {kind: "golang", scheme: version.SemVer},
	"Maven": {kind: "maven", scheme: version.Maven}, "RubyGems": {kind: "gem", scheme: version.Gem}, "crates.io": {kind: "cargo", scheme: version.SemVer},
	"NuGet": {kind: "nuget", scheme: version.SemVer}, "Packagist": {kind: "composer", scheme: version.Generic}, "Hex": {kind: "hex", scheme: version.SemVer},
	"Pub": {kind: "pub", scheme: version.SemVer}, "Hackage": {kind: "hackage", scheme: version.Generic}, "CRAN": {kind: "cran", scheme: version.Generic},
	"GitHub Actions": {kind: "githubactions", scheme: version.SemVer}, "SwiftURL": {kind: "swift", scheme: version.SemVer},
	"Debian":      {kind: "deb", namespace: "debian", scheme: version.Debian, system: "debian:debian_linux"},
	"Ubuntu":      {kind: "deb", namespace: "ubuntu", scheme: version.Debian, system: "canonical:ubuntu_linux"},
	"Alpine":      {kind: "apk", namespace: "alpine", scheme: version.Alpine, system: "alpinelinux:alpine_linux"},
	"AlmaLinux":   {kind: "rpm", namespace: "almalinux", scheme: version.RPM, system: "almalinux:almalinux"},
	"Rocky Linux": {kind: "rpm", namespace: "rocky-linux", scheme: version.RPM},
	"Red Hat":     {kind: "rpm", namespace: "redhat", scheme: version.RPM},
	"SUSE":        {kind: "rpm", namespace: "suse", scheme: version.RPM}, "openSUSE": {kind: "rpm", namespace: "opensuse", scheme: version.RPM},
	"Wolfi": {kind: "apk", namespace: "wolfi", scheme: version.Alpine}, "Chainguard": {kind: "apk", namespace: "chainguard", scheme: version.Alpine},
}

// osvAffected reads one entry of "affected".
func (p *reading) osvAffected(c *jsonscan.Cursor, r *Record) (product.Node, bool) {
	var eco, name, url string
	var ranges []version.Range
	var fixed []string
	var versions []string
	semver, git := false, false
	for key := range c.Object() {
		switch string(key) {
		case "package":
			for key := range c.Object() {
				switch string(key) {
				case "ecosystem":
					eco = c.String()
				case "name":
					name = c.String()
				case "purl":
					url = c.String()
				}
			}
		case "ranges":
			for range c.Array() {
				kind, some, fixes := p.osvRange(c)
				if kind == "GIT" {
					git = true
					continue
				}
				semver = semver || kind == "SEMVER"
				ranges, fixed = append(ranges, some...), append(fixed, fixes...)
			}
		case "versions":
			for range c.Array() {
				if v := c.Bytes(); p.part(1) {
					versions = append(versions, p.word(v))
				}
			}
		case "severity":
			osvSeverity(c, r)
		}
	}
	family, release, _ := strings.Cut(eco, ":")
	e := ecosystems[family]
	l := product.Line{Scheme: e.scheme, Versions: versions}
	if semver {
		l.Scheme = version.SemVer
	}
	if l.Package = barePURL(url); l.Package == "" && e.namespace != "" {
		l.Package = packageURL(e.kind, e.namespace, name)
	} else if l.Package == "" {
		l.Package = packageOf(e.kind, name)
	}
	if l.Package == "" {
		if l.Text = strings.TrimSpace(family + " " + name); l.Text == "" || len(l.Text) > 400 {
			return product.Node{}, false
		}
	}
	n := product.Node{}
	for i, g := range ranges {
		if !p.part(linePart) {
			break
		}
		one := l
		one.Ranges, one.Fixed = []version.Range{g}, fixed[i]
		if i > 0 {
			one.Versions = nil
		}
		if g == (version.Range{}) {
			one.Ranges, one.Versions = nil, nil
		}
		n.Lines = append(n.Lines, one)
	}
	if len(ranges) == 0 {
		if len(versions) == 0 {
			l.Status = product.StatusUnknown // commits, or nothing at all
			if git {
				l.Detail = onlyCommits
			}
		}
		n.Lines = append(n.Lines, l)
	}
	if system := systemOf(e, release); system != (cpe.Name{}) {
		return product.Node{Op: product.And, Children: []product.Node{n, {Lines: []product.Line{{Platform: true, Name: system}}}}}, true
	}
	return n, true
}

// systemOf returns the release of a distribution that a package is of: the same
// package has other fixed versions in the next release.
func systemOf(e ecosystem, release string) cpe.Name {
	if e.system == "" {
		return cpe.Name{}
	}
	release = strings.TrimSuffix(strings.TrimPrefix(release, "v"), ":LTS")
	release = strings.TrimPrefix(release, "Pro:")
	if !dotted.MatchString(release) {
		return cpe.Name{}
	}
	vendor, name, _ := strings.Cut(e.system, ":")
	return cpe.Name{Part: "o", Vendor: cpe.Value(vendor), Product: cpe.Value(name), Version: cpe.Make(release)}
}

// osvRange reads one range: events in the order of versions. Fixes are the
// versions that end the ranges, empty where the last affected one is given.
func (p *reading) osvRange(c *jsonscan.Cursor) (kind string, ranges []version.Range, fixes []string) {
	var r version.Range
	open := false
	closed := func(to string, included bool, fix string) {
		// A second end without a beginning belongs to another branch, about
		// which it says nothing that could be compared.
		if !open || !p.part(1) {
			return
		}
		r.To, r.ToIncluded = to, included
		ranges, fixes = append(ranges, r), append(fixes, fix)
		open, r = false, version.Range{}
	}
	for key := range c.Object() {
		switch string(key) {
		case "type":
			kind = c.String()
		case "events":
			for range c.Array() {
				for key := range c.Object() {
					at := string(c.Bytes())
					switch string(key) {
					case "introduced":
						if open {
							break // affected already
						}
						if open = true; at != "0" {
							r.From = at
						}
					case "fixed":
						closed(at, false, at)
					case "last_affected":
						closed(at, true, "")
					case "limit":
						if at != "*" {
							closed(at, false, "")
						}
					}
				}
			}
		}
	}
	if open {
		ranges, fixes = append(ranges, r), append(fixes, "")
	}
	return kind, ranges, fixes
}
