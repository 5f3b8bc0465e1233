// Package version orders version texts. Makers number their releases by
// different schemes, and the same text can stand higher in one and lower in
// another, so that each comparison says by which scheme.
package version

// Scheme is a way of ordering versions.
type Scheme uint8

// The schemes. Generic orders runs of digits as numbers and everything else by
// rules that hold for most makers; the others are what their makers document.
const (
	Generic Scheme = iota
	SemVer         // semver.org 2.0.0, §11
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
)

// Range is an interval of versions of one scheme. An empty bound is open.
type Range struct {
	From, To     string
	FromExcluded bool // From itself is not in it
	ToIncluded   bool // To itself is in it
}
