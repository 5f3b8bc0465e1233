// Package version orders version texts. Makers number their releases by
// different schemes, and the same text can stand higher in one and lower in
// another, so that each comparison says by which scheme.
package version

import "strings"

// Scheme is a way of ordering versions.
type Scheme uint8

// The schemes. Generic orders runs of digits as numbers and everything else by
// rules that hold for most makers; the others are what their makers document.
// Their numbers are stored: a new one goes to the end.
const (
	Generic Scheme = iota
	SemVer         // semver.org 2.0.0, §11; npm, Go, crates
	Debian         // deb-version(7): epoch:upstream-revision
	RPM            // rpmvercmp: epoch:version-release
	Maven          // Maven ComparableVersion
	PEP440         // Python
	Gem            // RubyGems
	Cisco          // IOS, IOS XE, ASA: 15.2(4)M3, 9.16(4)23
	Junos          // 21.4R3-S2
	PANOS          // 10.1.6-h3
	FortiOS        // 7.4.3, builds left out
	Ivanti         // 22.7R2.5
	Date           // 2024-03-01, 20240301, 2024.3
	Alpine         // apk: 1.2.3_p1-r0
	NXOS           // Cisco NX-OS: 7.0(3)I7(9), 10.2(3)F
	Java           // 1.8.0_191, 8u191, 17.0.1+12
	schemes        // how many there are
)

var names = [schemes]string{"generic", "semver", "debian", "rpm", "maven", "pep440", "gem", "cisco", "junos", "panos", "fortios", "ivanti", "date", "alpine", "nxos", "java"}

// String returns the name of the scheme, in lower case.
func (s Scheme) String() string {
	if s >= schemes {
		return "generic"
	}
	return names[s]
}

// ParseScheme reads what String writes, the names that CVE records (5.x,
// versionType) and the VERS specification use, and the types of PURLs. It reports whether it knows the
// name; the scheme is Generic if not.
func ParseScheme(name string) (Scheme, bool) {
	name = strings.ToLower(name)
	for s, n := range names {
		if n == name {
			return Scheme(s), true
		}
	}
	switch name {
	case "go":
		return SemVer, true
	case "dpkg":
		return Debian, true
	case "python":
		return PEP440, true
	case "custom", "intdot":
		return Generic, true
	}
	s := SchemeOfPackage(name)
	return s, s != Generic
}

// Range is an interval of versions of one scheme. An empty bound is open, and
// so are "*" and the lower bound "0". A bound that ends in ".x" or ".*" means
// all versions that start so: as From the first of them, as To the last.
type Range struct {
	From, To     string
	FromExcluded bool // From itself is not in it
	ToIncluded   bool // To itself is in it
}

// Contains reports whether a version lies in the range. It does not know (ok
// is false) when the version, or the bound that decides, cannot be read or
// ordered by the scheme. A range open at both ends contains every text.
func (r Range) Contains(s Scheme, v string) (in, ok bool) {
	var k, b key
	from, to := !openFrom(r.From), !openTo(r.To)
	if !from && !to {
		return true, true
	}
	if !k.write(s, v) {
		return false, false
	}
	ok = true
	if from {
		c, known := 0, false
		if b.writeBound(s, r.From, false) {
			c, known = k.compare(&b)
		}
		if known && (c < 0 || c == 0 && r.FromExcluded) {
			return false, true
		}
		ok = known
	}
	if to {
		c, known := 0, false
		b = key{}
		if b.writeBound(s, r.To, true) {
			c, known = k.compare(&b)
		}
		if known && (c > 0 || c == 0 && !r.ToIncluded) {
			return false, true
		}
		ok = ok && known
	}
	return ok, ok
}

func openFrom(s string) bool { return s == "" || s == "0" || s == "*" || s == "-" }
func openTo(s string) bool   { return s == "" || s == "*" || s == "-" }

// Compare orders two versions by a scheme: -1, 0 or 1. They are not comparable
// (ok is false) when one is empty, a wildcard or a text that the scheme cannot
// read, or when their maker gives no order between them: Cisco trains, Junos
// special branches, versions of differently named lines.
func Compare(s Scheme, a, b string) (order int, ok bool) {
	var x, y key
	if !x.write(s, a) || !y.write(s, b) {
		return 0, false
	}
	return x.compare(&y)
}

// Same reports whether two texts name the same version: letter by letter but
// for case, or by the order of the scheme.
func Same(s Scheme, a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if strings.EqualFold(a, b) {
		return true
	}
	c, ok := Compare(s, a, b)
	return ok && c == 0
}

// Prepared is a version read once to be compared often. The zero value is
// comparable to nothing.
type Prepared struct {
	key      string
	from, to uint16 // what must be equal, or versions equal before it have no order
}

// Prepare reads a version. It reports whether the scheme can read it.
func Prepare(s Scheme, v string) (Prepared, bool) {
	var k key
	if !k.write(s, v) {
		return Prepared{}, false
	}
	return k.prepared(), true
}

// PrepareBound reads a bound of a range, in which a last component x or * is
// the first (last: the last) of all versions that start so.
func PrepareBound(s Scheme, v string, last bool) (Prepared, bool) {
	var k key
	if !k.writeBound(s, v, last) {
		return Prepared{}, false
	}
	return k.prepared(), true
}

// Compare orders two versions prepared by the same scheme, as [Compare] does.
func (p Prepared) Compare(q Prepared) (order int, ok bool) {
	if p.key == "" || q.key == "" || apart(p.key, q.key, p.from, p.to, q.from, q.to) {
		return 0, false
	}
	return strings.Compare(p.key, q.key), true
}
