package product

import (
	"strings"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// level is how far something holds. The order matters: of alternatives the
// highest counts, of conditions the lowest.
type level uint8

const (
	unnamed level = iota // the statement does not speak of it
	no                   // it does not hold
	unsure               // the version is not known or cannot be compared
	likely               // it holds if a platform is there of which nobody said anything
	yes                  // it holds
)

// line is a Line made ready for comparing.
type line struct {
	*Line
	path     string // /children/0/lines/3
	key, pkg string // product keys of Name, else of Text, and of Package; empty when there is none
	scheme   version.Scheme
	version  string             // Name.Version as text, empty when Any or NA
	update   string             // Name.Update as text, empty when Any or NA
	joined   string             // both
	base     version.Prepared   // version
	whole    version.Prepared   // joined
	spans    []interval         // Ranges
	singles  []version.Prepared // Versions
	general  bool               // it asks for no edition, target or language
	weight   uint8              // 3 single versions, 2 ranges, 1 all versions: what is said more closely goes first
}

func newLine(l *Line, path string) line {
	c := line{Line: l, path: path, scheme: schemeOf(l)}
	if k := Keys(l.Name, ""); len(k) > 0 {
		c.key = k[0]
	}
	c.pkg = packageKey(l.Package)
	if l.onlyText() {
		c.key = TextKey(l.Text)
	}
	c.version, c.update = text(l.Name.Version), text(l.Name.Update)
	c.joined = joined(c.version, c.update)
	n := l.Name
	n.Part, n.Vendor, n.Product, n.Version, n.Update = "", "", "", "", ""
	c.general = n.IsZero()
	if c.version != "" {
		c.base, _ = version.Prepare(c.scheme, c.version)
		c.whole = c.base
		if c.update != "" {
			c.whole, _ = version.Prepare(c.scheme, c.joined)
		}
	}
	if len(l.Ranges) > 0 {
		c.spans = make([]interval, len(l.Ranges))
		for i := range l.Ranges {
			c.spans[i] = newInterval(c.scheme, &l.Ranges[i])
		}
	}
	if len(l.Versions) > 0 {
		c.singles = make([]version.Prepared, len(l.Versions))
		for i, v := range l.Versions {
			c.singles[i], _ = version.Prepare(c.scheme, v)
		}
	}
	switch {
	case len(l.Versions) > 0 || len(l.Ranges) == 0 && c.version != "" && l.Unread == "":
		c.weight = 3
	case l.Unread != "" || len(l.Ranges) > 0 && !anyOpen(l.Ranges):
		c.weight = 2
	default:
		c.weight = 1
	}
	return c
}

// anyOpen reports whether one of the ranges holds every version.
func anyOpen(ranges []version.Range) bool {
	for i := range ranges {
		if open(&ranges[i]) {
			return true
		}
	}
	return false
}

// release is the version of a piece of equipment.
type release struct {
	base   reading // without the update; empty when nobody said it
	update string  // empty when not said, and when there is none
	bare   bool    // it is known that there is no update
	full   reading // both
	none   bool    // a version has no meaning for it (CPE "-")
}

// set takes the version a name states, or, where it states none, the first of
// the others that is not empty.
func (r *release) set(n *cpe.Name, others ...string) {
	base := text(n.Version)
	r.update, r.bare = text(n.Update), n.Update == cpe.NA
	for _, o := range others {
		if base != "" {
			break
		}
		base = strings.TrimSpace(o)
	}
	r.none = base == "" && n.Version == cpe.NA
	r.base.text, r.base.done = base, 0
	r.full.text, r.full.done = joined(base, r.update), 0
}

// met is how a line meets a piece of equipment.
type met struct {
	level   level
	rule    Rule
	rng     *version.Range
	edition bool // the line asks for an edition, a target or an update that nobody stated
}

// meet compares a line with equipment of the same product. n is nil where the
// two share a package and no name.
func (l *line) meet(n *cpe.Name, v *release) met {
	edition := false
	if n != nil && !l.general {
		var other bool
		if other, edition = l.otherEdition(n); other {
			return met{level: no, rule: OtherEdition}
		}
	}
	m := l.meetVersion(v)
	m.edition = edition
	return m
}

// otherEdition compares the attributes that are neither product nor version.
// What the line leaves open holds; what the equipment leaves open is unsaid.
func (l *line) otherEdition(n *cpe.Name) (other, unsaid bool) {
	for _, a := range [...]struct{ said, is cpe.Value }{
		{l.Name.Edition, n.Edition}, {l.Name.Language, n.Language}, {l.Name.SWEdition, n.SWEdition},
		{l.Name.TargetSW, n.TargetSW}, {l.Name.TargetHW, n.TargetHW}, {l.Name.Others, n.Others},
	} {
		switch {
		case a.said == cpe.Any || a.said == a.is:
		case a.is == cpe.Any:
			unsaid = unsaid || a.said != cpe.NA
		case a.said == cpe.NA || a.is == cpe.NA || !glob(a.said, a.is):
			return true, false
		}
	}
	return false, unsaid
}

func (l *line) meetVersion(v *release) met {
	if len(l.Ranges) > 0 || len(l.Versions) > 0 || l.Unread != "" {
		return l.meetRanges(v)
	}
	said, update := l.Name.Version, l.Name.Update
	switch {
	case said == cpe.Any && (update == cpe.Any || update == cpe.NA):
		return met{level: yes, rule: AllVersions}
	case said == cpe.NA && (l.Platform || l.Name.Part == "h"):
		// Hardware carries "-" because it has no version, and a platform is
		// named without one: both mean the product as such.
		return met{level: yes, rule: AllVersions}
	case said == cpe.NA && v.none:
		return met{level: yes, rule: SameVersion}
	case v.base.text == "":
		return met{level: unsure, rule: NoVersion}
	case said == cpe.NA:
		return met{level: no, rule: OtherVersion} // "-" is not "every version"
	case said.Wild():
		if !glob(said, cpe.Make(v.base.text)) {
			return met{level: no, rule: OtherVersion}
		}
	case said != cpe.Any:
		return l.meetSingle(v)
	}
	return l.meetUpdate(v)
}

// meetSingle compares a line that names one version, and perhaps an update.
func (l *line) meetSingle(v *release) met {
	same, known := v.full.is(l.scheme, l.joined, l.whole)
	if same && !(l.Name.Update == cpe.NA && v.update != "") {
		return met{level: yes, rule: SameVersion}
	}
	base, baseKnown := v.base.is(l.scheme, l.version, l.base)
	switch {
	case base:
		return l.meetUpdate(v)
	case known && baseKnown:
		return met{level: no, rule: OtherVersion}
	}
	return met{level: unsure, rule: NotComparable}
}

// meetUpdate compares the updates of one version.
func (l *line) meetUpdate(v *release) met {
	switch u := l.Name.Update; {
	case u == cpe.Any:
		return met{level: yes, rule: SameVersion}
	case u == cpe.NA:
		if v.update != "" {
			return met{level: no, rule: OtherVersion}
		}
		return met{level: yes, rule: SameVersion}
	case v.bare:
		return met{level: no, rule: OtherVersion}
	case v.update == "":
		return met{level: unsure, rule: NoVersion} // which update runs, nobody said
	case glob(u, cpe.Make(v.update)):
		return met{level: yes, rule: SameVersion}
	}
	return met{level: no, rule: OtherVersion}
}

// meetRanges compares a line that gives ranges, single versions or both.
func (l *line) meetRanges(v *release) met {
	for i := range l.Ranges {
		if open(&l.Ranges[i]) {
			return met{level: yes, rule: AllVersions, rng: &l.Ranges[i]}
		}
	}
	if v.base.text == "" {
		return met{level: unsure, rule: NoVersion}
	}
	comparable := l.Unread == ""
	for i, single := range l.Versions {
		same, known := v.full.is(l.scheme, single, l.singles[i])
		if same {
			return met{level: yes, rule: SameVersion}
		}
		comparable = comparable && known
	}
	at := v.full.prepare(l.scheme)
	for i := range l.Ranges {
		in, known := l.spans[i].contains(&l.Ranges[i], at)
		if in && known {
			return met{level: yes, rule: InRange, rng: &l.Ranges[i]}
		}
		comparable = comparable && known
	}
	switch {
	case !comparable:
		return met{level: unsure, rule: NotComparable}
	case len(l.Ranges) == 0:
		return met{level: no, rule: OtherVersion}
	}
	return met{level: no, rule: OutOfRange, rng: &l.Ranges[len(l.Ranges)-1]}
}
