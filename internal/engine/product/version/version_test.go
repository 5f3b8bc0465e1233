package version

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noroshi/internal/engine/product/cpe"

	"pgregory.net/rapid"
)

// shared returns the path of a file of ../shared/data. Without it the test is
// skipped, or fails if NOROSHI_TEST_ALL is set.
func shared(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatalf("public vectors are required: %v", err)
		}
		t.Skipf("public vectors are absent: %v", err)
	}
	return path
}

// The version pairs of nvdtools. Their author marks two as debatable, and both
// come out his way: 5-appl_1.16.1 stands below 5-1.0.1 because a word stands
// below a number (he doubts that a product's name in a version has any order);
// 5-a1 stands below 5a1 only where nothing else tells them apart (he doubts
// that the hyphen should count, and so do we: both are the first alpha of 5).
func TestVectors(t *testing.T) {
	data, err := os.ReadFile(shared(t, "vuln/cpe/cpe-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Pairs []struct {
			A, B string
			Cmp  int
		} `json:"version_compare"`
	}
	if err := json.Unmarshal(data, &v); err != nil || len(v.Pairs) != 20 {
		t.Fatalf("%d pairs, %v", len(v.Pairs), err)
	}
	for _, p := range v.Pairs {
		check(t, Generic, p.A, p.B, p.Cmp)
	}
}

func check(t *testing.T, s Scheme, a, b string, want int) {
	t.Helper()
	for range 2 {
		got, ok := Compare(s, a, b)
		if !ok || got != want {
			t.Errorf("%s: %q to %q: %d %v, want %d", s, a, b, got, ok, want)
		}
		x, okX := Prepare(s, a)
		y, okY := Prepare(s, b)
		if got, ok := x.Compare(y); !okX || !okY || !ok || got != want {
			t.Errorf("%s: prepared %q to %q: %d %v, want %d", s, a, b, got, ok, want)
		}
		a, b, want = b, a, -want
	}
}

// Each line rises from left to right; what stands in one string, parted by |,
// is equal.
var rising = map[Scheme][][]string{
	Generic: {
		{"1.0-dev", "1.0-alpha", "1.0-alpha.2|1.0alpha2|1.0_alpha2", "1.0-beta", "1.0-M1", "1.0-preview.1", "1.0-rc1|1.0.0-RC.1|1.0rc-1", "1.0-SNAPSHOT", "1.0|1|1.0.0|v1.0|V1.0.0|1.0.0.Final|1.0-release", "1.0-p1|1.0p1|1.0 patch 1", "1.0-sp1", "1.0.1", "1.1", "2"},
		{"1.0.2", "1.0.2a", "1.0.2k", "1.0.2z", "1.0.2za", "1.0.2zd", "1.0.2.1", "1.1.0"},           // OpenSSL
		{"9.8", "9.8p1", "9.8p2", "9.9", "9.9p1"},                                                   // OpenSSH
		{"9.4.3", "9.4.3-P1", "9.4.3-P5", "9.4.4", "9.5.0a1", "9.5.0b2", "9.5.0rc1", "9.5.0"},       // BIND
		{"9.16.8-S1", "9.16.48", "9.16.48-S1", "9.18.0"},                                            // BIND, supported preview
		{"10.0.17763.5328", "10.0.17763.5329", "10.0.19041.1", "10.0.20348.2227"},                   // Windows
		{"12.2", "12.2 sp1|12.2-SP1", "12.2 sp2", "12.3"},                                           // service packs
		{"2022", "2022 su6", "2022 su6 november security update", "2024", "2024 november security"}, // Ivanti EPM
		{"R30", "R30_P2|r30 p2", "R31", "R31_P1", "R31_P3", "r36", "r36 p2", "r36 p4"},              // NGINX Plus
		{"11.2.2|11.2.2+build.5", "11.2.2+security-01", "11.2.3"},                                   // Grafana
		{"12.5(1)", "12.5(1)SU1", "12.5(1)SU7", "14", "14SU2"},                                      // Cisco UCM
		{"1809", "1903", "2004|20H1", "20h2|2009", "21h1", "21h2", "22h2"},                          // Windows 10
		{"7.5.20", "8", "8.4.3"},
		{"5.5", "5.6", "5.10"},
		{"4.2.8", "4.2.8p1", "4.2.8p9", "4.2.8p17"},                                                      // ntp
		{"7:5.1.6|5.1.6", "7:5.1.7"},                                                                     // epochs
		{"13.0-47.24", "13.0-92.19", "13.1-48.47", "14.1-8.50"},                                          // NetScaler
		{"10.2.1.9-57sv", "10.2.1.13-72sv", "10.2.1.14-75sv"},                                            // SonicWall SMA
		{"2026.1.0-latest", "2026.1.0-latest.1", "2026.1.0"}, {"21.2.0-next.2", "21.2.0-rc.0", "21.2.0"}, // Discourse, Angular
		{"14.01.37", "Rev.14.01.38|14.01.38|Firmware 14.01.38|Ver.14.01.38"},
		{"9.0.0-M1", "9.0.0-M10", "9.0.0-RC1", "9.0.0"}, // Tomcat
		{"99999999999999999998", "99999999999999999999", "100000000000000000000"},
	},
	SemVer: {
		{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0|v1.0.0|1.0|1|1.0.0+build.5", "1.0.1", "1.1.0", "2.0.0"}, // §11
		{"1.0.0-0", "1.0.0-1", "1.0.0-A", "1.0.0-a", "1.0.0-a.b", "1.0.0-a-b"},
		{"2.0.0rc1", "2.0.0", "2.0.0p4", "2.0.0p38", "2.0.1"}, {"511.5", "511.5 TCU4", "511.5 TCU4 HF3", "520.1"},
		{"4.5.6.7", "4.5.6.8", "4.5.7"}, {"1.27.0-0", "1.27.0-rc.2|1.27rc.2", "1.27.0|go1.27|go1.27.0"},
		{"1.4.0-0.3.7", "1.4.0-x.7.z.92", "1.4.0"},
	},
	Debian: {
		{"1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0|0:1.0|1.0-0|1.00", "1.0-0ubuntu1", "1.0-1~bpo10+1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-2", "1.0a", "1.0+dfsg", "1.0.1", "1:0.1"},
		{"2.36-9", "2.36-9+deb12u3", "2.36-9+deb12u13", "2.37-1"},
		{"1.2.3-4", "1.2.10-1"},
		{"7.4.052-1", "7.4.52-2"},
	},
	RPM: {
		{"1.0~rc1", "1.0|0:1.0", "1.0^20240101", "1.0a", "1.0.1", "1.1", "2.0", "1:0.5"},
		{"1.0-1", "1.0-1.el9", "1.0-2", "1.0.1-1"},
		{"2.34-60.el9", "2.34-100.el9", "2.34-100.el9_4.2"},
		{"1.0|1_0|1.0."}, {"5.5p1", "5.5p2", "5.5p10"}, {"10xyz", "10.1xyz"}, {"xyz.4", "8"}, {"FC5", "fc4"},
		{"1.05|1.5", "1.10"}, {"1.0~rc1~git123", "1.0~rc1"}, {"1.0^git1~pre", "1.0^git1"}, {"6.0", "6.0.rc1"},
	},
	Maven: {
		{"1-alpha|1-a0|1.0-alpha|1.0.0.alpha", "1-alpha-1|1-a1|1alpha1", "1-beta|1-b0", "1-milestone", "1-rc|1-cr", "1-SNAPSHOT", "1|1.0|1.0.0|1-ga|1.0-final|1-release|1.ga", "1-sp", "1-abc", "1-xyz", "1-1", "1.1|1.1.0"},
		{"1.0-RC2", "1.0-RC3", "1.0", "1.0.1"},
		{"1-foo2", "1-foo10"},
		{"2.0", "2.0-1", "2.0.1", "2.0.1-klm", "2.0.1-lmn", "2.0.1-123"},
		{"5.3.18|5.3.18.RELEASE", "5.3.20"},
		{"9.4.0.v20161208", "9.4.1.v20170120"},
	},
	PEP440: {
		{"1.dev0", "1.0.dev456", "1.0a1|1.0.alpha1|1.0-a.1", "1.0a2.dev456", "1.0a2", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rcdev456", "1.0rc1.dev456", "1.0rc1|1.0c1|1.0pre1|1.0preview1", "1.0|1|1.0.0|v1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456|1.0-456|1.0r456", "1.0.15", "1.1.dev1", "1!0.5"},
	},
	Gem: {
		{"1.0.a", "1.0.b1", "1.0.b10", "1.0.rc1", "1.0|1|1.0.0", "1.0.1", "1.1"},
		{"3.0.0.beta", "3.0.0.beta.2", "3.0.0.pre", "3.0.0.rc1", "3.0.0"},
		{"1.0-1", "1.0"},
	},
	Cisco: {
		{"15.2", "15.2(4)M", "15.2(4)M3|IOS 15.2(4)m3", "15.2(4)M3a", "15.2(4)M10", "15.2(7)M", "15.3(1)M"},
		{"12.4", "12.4(15)T", "12.4(15)T17", "12.4(24)T", "15.0(1)M"},
		{"12.4(25)", "12.4(25a)", "12.4(25d)", "12.4(25g)"},
		{"9.16(4)|9.16.4", "9.16(4)23|9.16.4.23", "9.16.4.85", "9.18(1)", "9.20.4.10", "9.23.1.19"},
		{"7.0.6", "7.2.5|7.2.5-208", "7.2.5.1|7.2.5.1-29", "7.2.10", "7.4.0", "7.7.10.1"},
		{"16.12.5", "16.12.5b", "16.12.6", "17.3.4", "17.3.4a", "17.3.5", "17.9.4|Cupertino 17.9.4", "17.9.4a"},
		{"3.16.4bs|03.16.04b.S", "3.16.5s", "3.18.0s"},
		{"15.2(2)E", "15.2(7)E3", "15.2(7)E10"},
	},
	NXOS: {
		{"7.0(3)I7(8)", "7.0(3)I7(9)", "7.0(3)I7(10)", "9.2(1)", "9.3(5)", "9.3(5w)", "9.3(10)", "10.2(3)|10.2(3)F|10.2(3)M", "10.2(5)M", "10.3(1)F"},
		{"6.2(24)", "6.2(24a)", "7.3(0)d1(1)", "8.4(4a)"},
	},
	Junos: {
		{"21.4", "21.4R1|21.4R1.12|21.4r1|Junos OS 21.4R1|JUNOS: 21.4R1", "21.4R1-S1", "21.4R1-S2", "21.4R2", "21.4R3|21.4R3.15|21.4R3-EVO", "21.4R3-S1", "21.4R3-S2|21.4R3-S2.3|21.4-r3-s2|21.4R3-S2-EVO", "21.4R3-S10", "22.1R1"},
		{"15.1", "15.1X49-D10", "15.1X49-D170|15.1X49-D170.4", "15.1X49-D180", "16.1R1"},
		{"12.3R12", "12.3R12-S10", "12.3R12-S21", "14.1R1"},
		{"18.2X75-D30", "18.2X75-D430", "18.3R1"},
	},
	PANOS: {
		{"10.1.6-b2", "10.1.6|PAN-OS 10.1.6", "10.1.6-h1", "10.1.6-h3|10.1.6-H3|10.1.6-h3.xfr", "10.1.6-h10", "10.1.7", "10.1.14", "10.2.0|10.2", "10.2.0-h2", "10.2.4", "11.0.0"},
		{"9.0.9", "9.0.9-h1", "9.0.16", "9.0.16-h7", "9.1.0"},
		{"11.1.4-h7", "11.1.4-h13", "11.1.5"},
	},
	FortiOS: {
		{"7.4.0 beta1", "7.4.0|7.4", "7.4.2", "7.4.3|FortiOS v7.4.3|v7.4.3,build2573|7.4.3 build2573 (GA)|v7.4.3", "7.4.10", "7.6.0"},
		{"5.2.3|5.2 patch 3", "5.4"},
		{"6.0.17", "6.2.15", "6.4.14", "7.0.13"},
	},
	Ivanti: {
		{"22.7", "22.7R1", "22.7R1.1", "22.7R2|22.7r2", "22.7R2.1", "22.7R2.5|22.7R2.5 (Build 3793)", "22.7R2.10", "22.8R1"},
		{"9.1R9", "9.1R14.4", "9.1R18.7", "9.1R18.9", "9.1R18.10", "22.1R1"},
	},
	Date: {
		{"2023.2.13|2023.02.13|20230213|2023-02-13", "2024", "2024.3|202403|2024-03", "2024-03-01|20240301", "2024-03-02", "2024-11"},
		{"RELEASE.2024-05-10T01-41-38Z", "RELEASE.2024-05-10T02-00-00Z", "RELEASE.2025-01-01T00-00-00Z"},
	},
	Alpine: {
		{"1.2.3_alpha", "1.2.3_alpha2", "1.2.3_beta1", "1.2.3_pre1", "1.2.3_rc1-r3", "1.2.3|1.2.3-r0", "1.2.3-r1", "1.2.3-r10", "1.2.3_git20240101", "1.2.3_p1", "1.2.3_p1-r1", "1.2.3a", "1.2.3.1", "1.2.10"},
		{"3.0.09", "3.0.1"}, {"1.36.1-r15", "1.36.1-r29"}, {"9.9_p1-r0", "9.9_p2-r0"},
	},
	Java: {
		{"1.6.0_45|6u45", "1.7.0_80", "1.8.0|8", "1.8.0_191|8u191|8.0.191|1.8.0-update191|1.8.0 update_191|1.8.0_191-b12", "1.8.0_202", "11-ea", "11|11.0.0|11+28", "11.0.2", "17.0.1|17.0.1+12", "17.0.10", "21"},
	},
}

func TestRising(t *testing.T) {
	for s, tables := range rising {
		for _, line := range tables {
			for i := range line {
				for _, a := range split(line[i]) {
					for _, b := range split(line[i]) {
						check(t, s, a, b, 0)
					}
					for j := i + 1; j < len(line); j++ {
						for _, b := range split(line[j]) {
							check(t, s, a, b, -1)
						}
					}
				}
			}
		}
	}
}

func split(s string) (parts []string) {
	for i := 0; ; i++ {
		if i == len(s) {
			return append(parts, s)
		}
		if s[i] == '|' {
			parts, s, i = append(parts, s[:i]), s[i+1:], -1
		}
	}
}

// What must not be ordered.
func TestNotComparable(t *testing.T) {
	for _, c := range []struct {
		s    Scheme
		a, b string
	}{
		{Generic, "", "1"}, {Generic, "*", "1"}, {Generic, "-", "1"}, {Generic, "9.9.x", "9.9.1"}, {Generic, "9.*", "9.1"},
		{Generic, "fuji", "1"}, {Generic, "unspecified", "1"}, {Generic, "n/a", "1"}, {Generic, "1.0以前", "1"},
		{Generic, "3f2a9c01be4d77aa01", "1.2"}, {Generic, "c3f2a9c01be4d77aa01", "1.2"},
		{Generic, "<v2.10.3", "1"}, {Generic, "7.0.5, 7.0.4", "1"}, {Generic, "5.0 through 5.2", "1"}, {Generic, "6.2.0 and below", "1"}, {Generic, "all before 7", "1"}, {SemVer, "4.0.4, 3.6.3", "1"},
		{Generic, "core_9.9", "9.9"}, {Generic, "er9.9.9", "9.9.9"},
		{SemVer, "latest", "1.0.0"}, {SemVer, "1.0.0-", "1.0.0"}, {SemVer, "1..0", "1.0.0"},
		{Debian, "abc", "1"}, {Debian, "1.0-", "1"}, {PEP440, "1.0++5", "1"}, {PEP440, "1.0+a.", "1"}, {Debian, "x:1", "1"}, {RPM, "x:1", "1"}, {PEP440, "1.0-unknown", "1.0"}, {Alpine, "1.0_unknown", "1.0"},
		{Cisco, "15.2(4)M3", "15.2(4)S1"}, {Cisco, "15.2(7)E", "15.2(4)M"}, {Cisco, "12.4(25d)", "12.4(24)T"}, {Cisco, "15.2(4", "15.2"}, {Cisco, "any", "15.2"},
		{NXOS, "7.0(3)I7(9)", "7.0(3)N1(1)"},
		{Junos, "15.1X49-D170", "15.1R7"}, {Junos, "15.1X49-D170", "15.1X53-D10"}, {Junos, "junos", "21.4"},
		{PANOS, "cloud", "10.1"}, {FortiOS, "all", "7.4"}, {FortiOS, "FortiOS before 7.0.3", "7.4"}, {FortiOS, "FortiADC 7.0.0 through 7.0.1", "7.4"}, {Cisco, "before 15.2(4)M3", "15.2"}, {Ivanti, "all", "22.7"}, {Date, "1.2.3", "2024"}, {Date, "20241301", "2024"}, {Java, "graal", "8"},
	} {
		if got, ok := Compare(c.s, c.a, c.b); ok {
			t.Errorf("%s: %q to %q: %d", c.s, c.a, c.b, got)
		}
		x, _ := Prepare(c.s, c.a)
		y, _ := Prepare(c.s, c.b)
		if got, ok := x.Compare(y); ok {
			t.Errorf("%s: prepared %q to %q: %d", c.s, c.a, c.b, got)
		}
	}
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		s      Scheme
		r      Range
		v      string
		in, ok bool
	}{
		{Generic, Range{}, "anything", true, true},
		{Generic, Range{From: "0", To: "*"}, "fuji", true, true},
		{Generic, Range{From: "1.0", To: "2.0"}, "1.0", true, true},
		{Generic, Range{From: "1.0", To: "2.0"}, "1", true, true},
		{Generic, Range{From: "1.0", To: "2.0", FromExcluded: true}, "1.0.0", false, true},
		{Generic, Range{From: "1.0", To: "2.0"}, "2.0", false, true},
		{Generic, Range{From: "1.0", To: "2.0", ToIncluded: true}, "2.0.0", true, true},
		{Generic, Range{From: "1.0", To: "2.0"}, "2.0-rc1", true, true},
		{Generic, Range{From: "1.0", To: "2.0"}, "", false, false},
		{Generic, Range{From: "1.0", To: "2.0"}, "fuji", false, false},
		{Generic, Range{To: "1.0.2zd"}, "1.0.2k", true, true},
		{Generic, Range{From: "fuji", To: "2.0"}, "3", false, true}, // above the end, whatever fuji is
		{Generic, Range{From: "fuji", To: "2.0"}, "1", false, false},
		{Generic, Range{From: "1.0", To: "fuji"}, "0.9", false, true},
		{Generic, Range{From: "5.2.x", To: "5.4.x", ToIncluded: true}, "5.4.99", true, true},
		{Generic, Range{From: "5.2.x", To: "5.4.x", ToIncluded: true}, "5.2", true, true},
		{Generic, Range{From: "5.2.x", To: "5.4.x", ToIncluded: true}, "5.5", false, true},
		{Generic, Range{From: "5.0.x", To: "5.0.*", ToIncluded: true}, "5.1", false, true},
		{Generic, Range{From: "5.0.x", To: "5.0.*", ToIncluded: true}, "5.0.3", true, true},
		{SemVer, Range{From: "1.2.x", To: "1.2.x", ToIncluded: true}, "1.2.9", true, true},
		{SemVer, Range{From: "1.2.x", To: "1.2.x", ToIncluded: true}, "1.3.0", false, true},
		{FortiOS, Range{From: "7.0.x", To: "7.0.x", ToIncluded: true}, "v7.0.13,build0566", true, true},
		{FortiOS, Range{From: "7.0.x", To: "7.0.x", ToIncluded: true}, "7.2.0", false, true},
		{PANOS, Range{From: "10.1.0", To: "10.1.6-h3"}, "10.1.6", true, true},
		{PANOS, Range{From: "10.1.0", To: "10.1.6-h3"}, "10.1.6-h6", false, true},
		{Junos, Range{From: "21.4", To: "21.4R3-S5"}, "21.4R3-S2.3", true, true},
		{Junos, Range{From: "21.4", To: "21.4R3-S5"}, "21.4R3-S5", false, true},
		{Junos, Range{To: "15.1R7"}, "15.1X49-D170", false, false},
		{Cisco, Range{To: "15.2(4)M11"}, "15.2(4)S7", false, false},
		{Cisco, Range{To: "15.2(4)M11"}, "15.3(1)S", false, true},
		{Cisco, Range{From: "9.16", To: "9.16.4.85"}, "9.16(4)23", true, true},
		{Ivanti, Range{From: "22.7R1", To: "22.7R2.5"}, "22.7R2.4", true, true},
		{Junos, Range{From: "20.1*", To: "20.2*", ToIncluded: true}, "20.2R3-S5", true, true},
		{Junos, Range{From: "20.1*", To: "20.2*", ToIncluded: true}, "20.3R1", false, true},
		{Junos, Range{From: "22.2*-EVO", To: "22.2*-EVO", ToIncluded: true}, "22.2R1-EVO", true, true},
		{Junos, Range{From: "22.3", To: "22.3R2-S2, 22.3R3"}, "22.3R2-S1", true, true},
		{Junos, Range{From: "22.3", To: "22.3R2-S2, 22.3R3"}, "22.3R2-S2", false, true},
		{Maven, Range{From: "2.414.*", To: "2.414.*", ToIncluded: true}, "2.414.3", true, true},
		{Maven, Range{From: "2.414.*", To: "2.414.*", ToIncluded: true}, "2.426", false, true},
		{Generic, Range{From: "h5.1.x", To: "h5.1.x", ToIncluded: true}, "h5.1.8", true, true},
		{Generic, Range{From: "c5.x.x", To: "c5.x.x", ToIncluded: true}, "c5.9", true, true},
		{Generic, Range{From: "09-*", To: "09-*", ToIncluded: true}, "09-50", true, true},
		{Debian, Range{From: "1.0", To: "2.x", ToIncluded: true}, "1.5", false, false},
		{Java, Range{From: "1.8.0", To: "1.8.0_192"}, "8u191", true, true},
	} {
		in, ok := c.r.Contains(c.s, c.v)
		if in != c.in || ok != c.ok {
			t.Errorf("%s: %q in %+v: %v %v, want %v %v", c.s, c.v, c.r, in, ok, c.in, c.ok)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		s                     Scheme
		version, update, same string
	}{
		{Junos, "21.4", "r3-s2", "21.4R3-S2"}, {Junos, "15.1x49", "d170", "15.1X49-D170"}, {Junos, "21.4", "-", "21.4"},
		{PANOS, "10.1.6", "h3", "10.1.6-h3"}, {PANOS, "10.1.6", "-", "10.1.6"},
		{Cisco, "15.2", "(4)m3", "15.2(4)M3"},
		{Ivanti, "22.7", "r2.5", "22.7R2.5"}, {Java, "1.8.0", "update_191", "8u191"}, {Java, "1.8.0", "update191", "1.8.0_191"},
		{Generic, "9.8", "p1", "9.8p1"}, {Generic, "12.2", "sp1", "12.2 SP1"}, {Generic, "3.7.0", "a3", "3.7.0a3"},
		{Generic, "2.0", "rc1", "2.0-rc1"}, {Generic, "9.0.0", "m3", "9.0.0-M3"}, {Generic, "5.1", "*", "5.1"}, {Generic, "5.1", "", "5.1"},
	} {
		got := Join(c.version, c.update)
		if order, ok := Compare(c.s, got, c.same); !ok || order != 0 {
			t.Errorf("%s: %s and %s: %q is not %q (%d %v)", c.s, c.version, c.update, got, c.same, order, ok)
		}
	}
	for _, c := range []struct {
		s    Scheme
		a, b [2]string
	}{
		{Generic, [2]string{"12.2", ""}, [2]string{"12.2", "sp1"}}, {Generic, [2]string{"12.2", "r2"}, [2]string{"12.2", "r3"}},
		{Generic, [2]string{"-", "update2"}, [2]string{"-", "update3"}}, {Generic, [2]string{"2016", "cumulative_update_9"}, [2]string{"2016", "cumulative_update_21"}},
		{Generic, [2]string{"12.2", "p4"}, [2]string{"12.2.1", ""}}, {Generic, [2]string{"12.2", "beta"}, [2]string{"12.2", "-"}},
		{Generic, [2]string{"12.2", "hotfix1"}, [2]string{"12.2", "hotfix10"}}, {Generic, [2]string{"8.5", "sp2"}, [2]string{"8.5", "sp10"}},
	} {
		check(t, c.s, Join(c.a[0], c.a[1]), Join(c.b[0], c.b[1]), -1)
	}
	if got := Join("*", "sp1"); got != "*" {
		t.Errorf("an update of no version: %q", got)
	}
}

func TestSchemes(t *testing.T) {
	for s := range schemes {
		if got, ok := ParseScheme(s.String()); !ok || got != s {
			t.Errorf("%d: %q is %v, %v", s, s.String(), got, ok)
		}
		if len(rising[s]) == 0 {
			t.Errorf("%s: no table", s)
		}
	}
	if s, ok := ParseScheme("git"); ok || s != Generic {
		t.Errorf("git: %v, %v", s, ok)
	}
	for name, want := range map[string]Scheme{
		"cpe:2.3:o:cisco:ios_xe:*:*:*:*:*:*:*:*": Cisco, "cpe:2.3:o:cisco:nx-os:*:*:*:*:*:*:*:*": NXOS,
		"cpe:2.3:a:cisco:unified_communications_manager:*:*:*:*:*:*:*:*": Generic,
		"cpe:2.3:o:juniper:junos:*:*:*:*:*:*:*:*":                        Junos, "cpe:2.3:o:paloaltonetworks:pan-os:*:*:*:*:*:*:*:*": PANOS,
		"cpe:2.3:a:fortinet:fortiproxy:*:*:*:*:*:*:*:*": FortiOS, "cpe:2.3:a:ivanti:connect_secure:*:*:*:*:*:*:*:*": Ivanti,
		"cpe:2.3:a:ivanti:endpoint_manager:*:*:*:*:*:*:*:*": Generic, "cpe:2.3:a:oracle:jdk:*:*:*:*:*:*:*:*": Java,
		"cpe:2.3:o:debian:debian_linux:*:*:*:*:*:*:*:*": Generic, "cpe:2.3:a:minio:minio:*:*:*:*:*:*:*:*": Date,
	} {
		n, err := cpe.Parse(name)
		if got := SchemeOf(n.Part, n.Vendor, n.Product); err != nil || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for typ, want := range map[string]Scheme{"npm": SemVer, "DEB": Debian, "rpm": RPM, "maven": Maven, "pypi": PEP440, "gem": Gem, "apk": Alpine, "generic": Generic} {
		if got := SchemeOfPackage(typ); got != want {
			t.Errorf("%s: %v, want %v", typ, got, want)
		}
	}
}

// words are what versions of a scheme are made of, to build likely ones.
func drawn(s Scheme) *rapid.Generator[string] {
	var real []string
	for _, line := range rising[s] {
		for _, same := range line {
			real = append(real, split(same)...)
		}
	}
	slices.Sort(real)
	piece := rapid.SampledFrom([]string{"0", "1", "2", "00", "01", "10", ".", ".0", "-", "_", "~", "^", "+", ":", "(", ")", "a", "b", "m", "p", "r", "s", "h", "x", "rc", "alpha", "sp", "R3", "-S2", "dev", "post", "S", "T"})
	return rapid.Custom(func(t *rapid.T) string {
		v := rapid.SampledFrom(real).Draw(t, "real")
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			at := rapid.IntRange(0, len(v)).Draw(t, "at")
			if len(v) > 1 && at < len(v) && rapid.Bool().Draw(t, "cut") {
				v = v[:at] + v[at+1:]
			} else {
				v = v[:at] + piece.Draw(t, "piece") + v[at:]
			}
		}
		return v
	})
}

// Each scheme is reflexive, antisymmetric and, among what it orders at all,
// transitive; prepared versions say the same.
func TestOrder(t *testing.T) {
	for s := range schemes {
		t.Run(s.String(), func(t *testing.T) {
			gen := drawn(s)
			rapid.Check(t, func(t *rapid.T) {
				a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
				if order, ok := Compare(s, a, a); ok && order != 0 {
					t.Fatalf("%q is not itself", a)
				}
				ab, okAB := Compare(s, a, b)
				if ba, ok := Compare(s, b, a); ok != okAB || ba != -ab {
					t.Fatalf("%q to %q: %d %v, back %d %v", a, b, ab, okAB, ba, ok)
				}
				x, _ := Prepare(s, a)
				y, _ := Prepare(s, b)
				if got, ok := x.Compare(y); ok != okAB || got != ab {
					t.Fatalf("%q to %q: %d %v, prepared %d %v", a, b, ab, okAB, got, ok)
				}
				bc, okBC := Compare(s, b, c)
				ac, okAC := Compare(s, a, c)
				if okAB && okBC && okAC && (ab <= 0 && bc <= 0 && ac > 0 || ab == 0 && bc == 0 && ac != 0) {
					t.Fatalf("%q %d %q %d %q, but %d", a, ab, b, bc, c, ac)
				}
				r := Range{From: b, To: c, ToIncluded: true}
				if in, ok := r.Contains(s, a); in && !ok {
					t.Fatalf("%q in %+v without knowing", a, r)
				} else if okAB && okAC && ok && !openFrom(b) && !openTo(c) && in != (ab >= 0 && ac <= 0) {
					t.Fatalf("%q in %+v: %v, %d, %d", a, r, in, ab, ac)
				}
			})
		})
	}
}

func FuzzCompare(f *testing.F) {
	for s, tables := range rising {
		for _, line := range tables {
			f.Add(uint8(s), line[0], line[len(line)-1])
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, a, b string) {
		s := Scheme(n) % schemes
		ab, okAB := Compare(s, a, b)
		ba, okBA := Compare(s, b, a)
		if okAB != okBA || ab != -ba {
			t.Fatalf("%s: %q to %q: %d %v, back %d %v", s, a, b, ab, okAB, ba, okBA)
		}
		if order, ok := Compare(s, a, a); ok && order != 0 {
			t.Fatalf("%s: %q is not itself", s, a)
		}
		Range{From: a, To: b}.Contains(s, a)
		_ = Join(a, b)
	})
}

func BenchmarkCompare(b *testing.B) {
	for s, pair := range map[Scheme][2]string{
		Generic: {"10.0.17763.5328", "10.0.17763.5329"}, SemVer: {"1.2.3-beta.2", "1.2.3-beta.11"}, Debian: {"1:2.36-9+deb12u3", "1:2.36-9+deb12u13"},
		Maven: {"1.0.0-RC2", "1.0.0-RC3"}, Cisco: {"15.2(4)M3", "15.2(4)M10"}, Junos: {"21.4R3-S2", "21.4R3-S10"},
	} {
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c, ok := Compare(s, pair[0], pair[1]); c != -1 || !ok {
					b.Fatal(c, ok)
				}
			}
		})
	}
	b.Run("prepared", func(b *testing.B) {
		x, _ := Prepare(Generic, "10.0.17763.5328")
		y, _ := Prepare(Generic, "10.0.17763.5329")
		b.ReportAllocs()
		for b.Loop() {
			if c, ok := x.Compare(y); c != -1 || !ok {
				b.Fatal(c, ok)
			}
		}
	})
}
