package product

import (
	"testing"

	"noroshi/internal/engine/product/version"
)

// CVE records call FortiOS and PAN-OS "semver" (CVE-2023-27997, CVE-2024-23113);
// by that order a build would stand above its release, and a hotfix below.
func TestTheMakersOrderGoesBeforeSemVer(t *testing.T) {
	for _, c := range []struct {
		name, v string
		r       version.Range
		want    Verdict
	}{
		{"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*", "7.2.4 build1396", version.Range{From: "7.2.0", To: "7.2.4", ToIncluded: true}, VerdictAffected},
		{"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*", "v7.2.4,build1396,230131 (GA.F)", version.Range{From: "7.2.0", To: "7.2.4", ToIncluded: true}, VerdictAffected},
		{"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*", "7.2-7.4", version.Range{From: "7.2.0", To: "7.2.6", ToIncluded: true}, Unknown},
		{"cpe:2.3:o:paloaltonetworks:pan-os:*:*:*:*:*:*:*:*", "10.1.6-h3", version.Range{From: "10.1.0", To: "10.1.6"}, VerdictNotAffected},
		{"cpe:2.3:a:orvane:gatekit:*:*:*:*:*:*:*:*", "2.0.0-rc.1", version.Range{From: "1.0.0", To: "2.0.0"}, VerdictAffected},
	} {
		l := Line{Name: parse(t, c.name), Scheme: version.SemVer, Ranges: []version.Range{c.r}}
		f, found := judge(t, Subject{Name: parse(t, c.name), Version: c.v}, says("cve", "CISA-ADP", one(l)))
		if !found || f.Verdict != c.want {
			t.Errorf("%s %s: %v %v, want %v", c.name, c.v, found, f.Verdict, c.want)
		}
	}
}
