package product

import (
	"slices"
	"testing"
	"time"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// parse reads a name of a test.
func parse(t testing.TB, s string) cpe.Name {
	t.Helper()
	n, err := cpe.ParseLenient(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return n
}

// nvdLine is a line as NVD writes it: a name, and the end of a range if any.
func nvdLine(t testing.TB, name, from, before string) Line {
	l := Line{Name: parse(t, name)}
	if from != "" || before != "" {
		l.Ranges = []version.Range{{From: from, To: before}}
	}
	return l
}

func platform(l Line) Line {
	l.Platform = true
	return l
}

func says(source, by string, root Node) Statement {
	return Statement{Vulnerability: "CVE-2024-0001", Source: source, By: by, Ref: source, Root: root}
}

func one(lines ...Line) Node { return Node{Children: []Node{{Children: []Node{{Lines: lines}}}}} }

func both(a, b []Line) Node {
	return Node{Children: []Node{{Op: And, Children: []Node{{Lines: a}, {Lines: b}}}}}
}

// judge matches with the index and with the twin, which must agree.
func judge(t *testing.T, s Subject, statements ...Statement) (f Finding, found bool) {
	t.Helper()
	for got := range New(statements).Match(s) {
		if found {
			t.Fatalf("more than one finding: %v, %v", f, got)
		}
		f, found = got, true
	}
	want, wanted := matchSlow(statements, s)["CVE-2024-0001"]
	if found != wanted || f.Verdict != want.Verdict || f.Certainty != want.Certainty {
		t.Errorf("found %v %v/%v; the twin: %v %v/%v", found, f.Verdict, f.Certainty, wanted, want.Verdict, want.Certainty)
	}
	return f, found
}

func rulesOf(f Finding) []Rule {
	var out []Rule
	for _, r := range f.Because {
		out = append(out, r.Rule)
	}
	return out
}

// Each case was reported to another tool as a wrong answer; the answer here is
// the right one.
func TestAnswersOthersGotWrong(t *testing.T) {
	chrome := "cpe:2.3:a:google:chrome:*:*:*:*:*:*:*:*"
	kernel := "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*"
	onLinux := says("nvd", "NVD", both([]Line{nvdLine(t, chrome, "", "114.0.5735.106")}, []Line{platform(nvdLine(t, kernel, "", ""))}))
	anyProduct := says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:pascom_cloud_phone_system:*:*:*:*:*:*:*:*:*", "", "")))
	for _, c := range []struct {
		issue   string
		subject Subject
		says    Statement
		found   bool
		want    Verdict
		rule    Rule
	}{
		{"grype#2770: the kernel a browser runs on", Subject{Name: parse(t, "cpe:2.3:o:linux:linux_kernel:5.14.0:*:*:*:*:*:*:*")}, onLinux, true, VerdictNotAffected, OnlyPlatform},
		{"grype#2770: the browser itself", Subject{Name: parse(t, "cpe:2.3:a:google:chrome:114.0.5735.90:*:*:*:*:*:*:*")}, onLinux, true, VerdictAffected, PlatformUnknown},
		{"grype#1349: the server a control panel runs beside", Subject{Name: parse(t, "cpe:2.3:a:apache:tomcat:8.5.87:*:*:*:*:*:*:*")},
			says("nvd", "NVD", both([]Line{nvdLine(t, "cpe:2.3:a:apache:tomcat:-:*:*:*:*:*:*:*", "", "")}, []Line{platform(nvdLine(t, "cpe:2.3:o:oracle:linux:7:-:*:*:*:*:*:*", "", ""))})), true, VerdictNotAffected, OtherVersion},
		{"grype#342: a product of the same name and another vendor", Subject{Name: parse(t, "cpe:2.3:a:processing:core:3.3.7:*:*:*:*:*:*:*"), Package: "pkg:maven/org.processing/core@3.3.7"},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:mobileiron:core:*:*:*:*:*:*:*:*", "", "10.6"))), false, Unknown, ""},
		{"grype#342: no vendor at all is only a proposal", Subject{Name: parse(t, "cpe:2.3:a:*:core:3.3.7:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:mobileiron:core:*:*:*:*:*:*:*:*", "", "10.6"))), true, Unknown, NameProposed},
		{"grype#3126: a line whose product is a wildcard", Subject{Name: parse(t, "cpe:2.3:a:hirono:denki:1.0:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:hirono:*:*:*:*:*:*:*:*:*", "", ""))), false, Unknown, ""},
		{"grype#580: a package named as a product of others", Subject{Name: parse(t, "cpe:2.3:a:nx:nx:13.4.3:*:*:*:*:*:*:*"), Package: "pkg:npm/nx@13.4.3"},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:siemens:nx:*:*:*:*:*:*:*:*", "", ""))), false, Unknown, ""},
		{"grype#1333: a longer product name is another product", Subject{Name: parse(t, "cpe:2.3:a:apache:cxf-xjc-runtime:3.3.1:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:apache:cxf:*:*:*:*:*:*:*:*", "", "3.3.10"))), false, Unknown, ""},
		{"grype#2844: an update counts in a range", Subject{Name: parse(t, "cpe:2.3:a:ntp:ntp:4.2.8:p18:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:ntp:ntp:*:*:*:*:*:*:*:*", "", "4.2.8p9"))), true, VerdictNotAffected, OutOfRange},
		{"grype#2844: the other way round", Subject{Name: parse(t, "cpe:2.3:a:ntp:ntp:4.2.8:p8:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:ntp:ntp:*:*:*:*:*:*:*:*", "", "4.2.8p9"))), true, VerdictAffected, InRange},
		{"grype#2365: an operating system is found as well as an application", Subject{Name: parse(t, "cpe:2.3:o:linux:linux_kernel:6.6.16:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", "6.2", "6.6.24"))), true, VerdictAffected, InRange},
		{"dependency-track#2945: another product's word in the name", Subject{Package: "pkg:maven/com.typesafe/config@1.4.1"},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:config-model_project:config-model:*:*:*:*:*:perl:*:*", "", "2.102"))), false, Unknown, ""},
		{"dependency-track#3063: a driver is not the server it talks to", Subject{Package: "pkg:golang/github.com/go-sql-driver/mysql@v1.6.0", Name: parse(t, "cpe:2.3:a:go-sql-driver:mysql:1.6.0:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:oracle:mysql:*:*:*:*:*:*:*:*", "", "8.0.33"))), false, Unknown, ""},
		{"dependency-track#3268: a hyphen is not every version", Subject{Name: parse(t, "cpe:2.3:a:apache:http_server:2.4.58:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:apache:http_server:-:*:*:*:*:*:*:*", "", ""))), true, VerdictNotAffected, OtherVersion},
		{"dependency-track#2580: a name without a vendor is not lost", Subject{Name: parse(t, "cpe:2.3:o:*:linux_kernel:4.19.139:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", "", "5.6.2"))), true, Unknown, NameProposed},
		{"dependency-track#2988: what the equipment leaves open is not another", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.2:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:windows:*:*", "", "1.3"))), true, VerdictAffected, EditionUnknown},
		{"dependency-track#3178: wildcards on both sides", Subject{Name: parse(t, "cpe:2.3:a:*:util-linux-setarch:2.37.4:*:*:*:*:*:*:*")}, anyProduct, false, Unknown, ""},
		{"dependency-track#2803: letters behind a number", Subject{Name: parse(t, "cpe:2.3:a:genivia:gsoap:2.8.123e:*:*:*:*:*:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:genivia:gsoap:*:*:*:*:*:*:*:*", "2.7.0", "2.8.75"))), true, VerdictNotAffected, OutOfRange},
		{"frontend#632, nvdtools#188: no product on one side, no vendor on the other", Subject{Name: parse(t, "cpe:2.3:a:*:bash:4.2.46:*:*:*:*:*:*:*")}, anyProduct, false, Unknown, ""},
		{"nvdtools#188: not even the vendor's own products", Subject{Name: parse(t, "cpe:2.3:a:pascom_cloud_phone_system:cloud_phone_system:7.20:*:*:*:*:*:*:*")}, anyProduct, false, Unknown, ""},
		{"fleet#14798: a zero before a number is nothing", Subject{Package: "pkg:pypi/certifi@2023.7.22", Name: parse(t, "cpe:2.3:a:certifi:certifi:2023.7.22:*:*:*:*:python:*:*")},
			says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:certifi:certifi:*:*:*:*:*:python:*:*", "2015.04.28", "2023.07.22"))), true, VerdictNotAffected, OutOfRange},
	} {
		t.Run(c.issue, func(t *testing.T) {
			f, found := judge(t, c.subject, c.says)
			if found != c.found || f.Verdict != c.want || c.rule != "" && !has(f, c.rule) {
				t.Errorf("found %v, %v %v; want %v, %v by %s", found, f.Verdict, rulesOf(f), c.found, c.want, c.rule)
			}
		})
	}
}

func TestVersionsUpdatesAndEditions(t *testing.T) {
	for _, c := range []struct {
		line, subject, registered string
		from, before              string
		want                      Verdict
		certainty                 Certainty
		rule                      Rule
	}{
		{"cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:*:*:*:*:*:*:*:*", "21.4R3-S2", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:r3-s3:*:*:*:*:*:*", "", "", "", VerdictNotAffected, Exact, OtherVersion},
		{"cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:*:*:*:*:*:*:*", "", "", "", Unknown, VersionUnknown, NoVersion},
		{"cpe:2.3:o:juniper:junos:21.4:r3-s2:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:-:*:*:*:*:*:*", "", "", "", VerdictNotAffected, Exact, OtherVersion},
		{"cpe:2.3:o:juniper:junos:21.4:-:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:r1:*:*:*:*:*:*", "", "", "", VerdictNotAffected, Exact, OtherVersion},
		{"cpe:2.3:o:juniper:junos:21.4:-:*:*:*:*:*:*", "cpe:2.3:o:juniper:junos:21.4:*:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:a:hirono:kamado:1.0:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:1.0:sp2:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:a:hirono:kamado:1.*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:1.7:*:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:a:hirono:kamado:1.*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:2.7:*:*:*:*:*:*:*", "", "", "", VerdictNotAffected, Exact, OtherVersion},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, AllVersions},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "", "1", "2", Unknown, VersionUnknown, NoVersion},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:-:*:*:*:*:*:*:*", "", "1", "2", Unknown, VersionUnknown, NoVersion},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "1.5", "1", "2", VerdictAffected, Exact, InRange},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:99.1:*:*:*:*:*:*:*", "", "1", "*", VerdictAffected, Exact, InRange},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:2.9.9:*:*:*:*:*:*:*", "", "1", "2.*", VerdictAffected, Exact, InRange},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:3.0:*:*:*:*:*:*:*", "", "1", "2.*", VerdictNotAffected, Exact, OutOfRange},
		{"cpe:2.3:a:hirono:kamado:-:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:-:*:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, SameVersion},
		{"cpe:2.3:a:hirono:kamado:-:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "", "", "", Unknown, VersionUnknown, NoVersion},
		{"cpe:2.3:h:hirono:kamado:-:*:*:*:*:*:*:*", "cpe:2.3:h:hirono:kamado:*:*:*:*:*:*:*:*", "", "", "", VerdictAffected, Exact, AllVersions},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:android:*:*", "cpe:2.3:a:hirono:kamado:1:*:*:*:*:windows:*:*", "", "", "", VerdictNotAffected, Exact, OtherEdition},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:android:*:*", "cpe:2.3:a:hirono:kamado:1:*:*:*:*:-:*:*", "", "", "", VerdictNotAffected, Exact, OtherEdition},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:-:*:*:*", "cpe:2.3:a:hirono:kamado:1:*:*:*:pro:*:*:*", "", "", "", VerdictNotAffected, Exact, OtherEdition},
		{"cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "cpe:2.3:a:hirono:kamado:1:*:*:*:pro:windows:x64:*", "", "", "", VerdictAffected, Exact, AllVersions},
		{"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*", "cpe:2.3:o:fortinet:fortios:7.4.2:*:*:*:*:*:*:*", "", "7.4.0", "7.4.3", VerdictAffected, Exact, InRange},
		{"cpe:2.3:a:ivanti:connect_secure:22.7:r2.5:*:*:*:*:*:*", "cpe:2.3:a:ivanti:connect_secure:*:*:*:*:*:*:*:*", "22.7R2.5", "", "", VerdictAffected, Exact, SameVersion},
	} {
		s := Subject{Name: parse(t, c.subject), Version: c.registered}
		f, found := judge(t, s, says("nvd", "NVD", one(nvdLine(t, c.line, c.from, c.before))))
		if !found || f.Verdict != c.want || f.Certainty != c.certainty || !has(f, c.rule) {
			t.Errorf("%s [%s,%s) on %s %s: %v %v/%v %v; want %v/%v by %s", c.line, c.from, c.before, c.subject, c.registered,
				found, f.Verdict, f.Certainty, rulesOf(f), c.want, c.certainty, c.rule)
		}
	}
}

func TestPlatforms(t *testing.T) {
	firmware := "cpe:2.3:o:cisco:rv340_firmware:*:*:*:*:*:*:*:*"
	device := platform(nvdLine(t, "cpe:2.3:h:cisco:rv340:-:*:*:*:*:*:*:*", "", ""))
	router := says("nvd", "NVD", both([]Line{nvdLine(t, firmware, "", "1.0.03.26")}, []Line{device}))
	app := nvdLine(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "", "2.0")
	windows := platform(nvdLine(t, "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*", "", ""))
	onWindows := says("nvd", "NVD", both([]Line{app}, []Line{windows}))
	not := both([]Line{app}, nil)
	not.Children[0].Children[1] = Node{Negate: true, Lines: []Line{windows}}
	for _, c := range []struct {
		why       string
		subject   Subject
		says      Statement
		want      Verdict
		certainty Certainty
		rule      Rule
	}{
		{"the device alone: its firmware may be concerned", Subject{Name: parse(t, "cpe:2.3:h:cisco:rv340:*:*:*:*:*:*:*:*"), Version: "1.0.03.20"}, router, Unknown, PlatformOnly, OnlyPlatform},
		{"firmware on the device", Subject{Name: parse(t, "cpe:2.3:o:cisco:rv340_firmware:1.0.03.20:*:*:*:*:*:*:*"), Platforms: []cpe.Name{device.Name}}, router, VerdictAffected, Exact, PlatformPresent},
		{"firmware on another device", Subject{Name: parse(t, "cpe:2.3:o:cisco:rv340_firmware:1.0.03.20:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:h:cisco:rv345:-:*:*:*:*:*:*:*")}}, router, VerdictNotAffected, Exact, PlatformMissing},
		{"fixed firmware", Subject{Name: parse(t, "cpe:2.3:o:cisco:rv340_firmware:1.0.03.26:*:*:*:*:*:*:*")}, router, VerdictNotAffected, Exact, OutOfRange},
		{"Windows alone", Subject{Name: parse(t, "cpe:2.3:o:microsoft:windows:10:*:*:*:*:*:*:*")}, onWindows, VerdictNotAffected, PlatformOnly, OnlyPlatform},
		{"on a release of Windows", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:o:microsoft:windows_server_2019:*:*:*:*:*:*:*:*")}}, onWindows, VerdictAffected, Exact, PlatformPresent},
		{"on Linux", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:o:linux:linux_kernel:6.1:*:*:*:*:*:*:*")}}, onWindows, VerdictNotAffected, Exact, PlatformMissing},
		{"nobody said on what", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*")}, onWindows, VerdictAffected, Exact, PlatformUnknown},
		{"beside another application", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:a:hirono:nabe:1:*:*:*:*:*:*:*")}}, onWindows, VerdictAffected, Exact, PlatformUnknown},
		{"not on Windows, and it is", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{windows.Name}}, says("nvd", "NVD", not), VerdictNotAffected, Exact, PlatformMissing},
		{"not on Windows, and it is not", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:o:linux:linux_kernel:6.1:*:*:*:*:*:*:*")}}, says("nvd", "NVD", not), VerdictAffected, Exact, PlatformPresent},
		{"a distribution may run the kernel", Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1.9:*:*:*:*:*:*:*"), Platforms: []cpe.Name{parse(t, "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*")}},
			says("nvd", "NVD", both([]Line{app}, []Line{platform(nvdLine(t, "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*", "", ""))})), VerdictAffected, Exact, PlatformUnknown},
	} {
		f, found := judge(t, c.subject, c.says)
		if !found || f.Verdict != c.want || f.Certainty != c.certainty || !has(f, c.rule) {
			t.Errorf("%s: %v %v/%v %v; want %v/%v by %s", c.why, found, f.Verdict, f.Certainty, rulesOf(f), c.want, c.certainty, c.rule)
		}
	}
}

func TestSourcesThatDisagree(t *testing.T) {
	name := "cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*"
	subject := Subject{Name: parse(t, "cpe:2.3:o:fortinet:fortios:7.4.2:*:*:*:*:*:*:*")}
	day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	with := func(s Statement, status Status, from, before string, days int) Statement {
		l := nvdLine(t, name, from, before)
		l.Status = status
		if status == NotAffected {
			l.Why = CodeNotPresent
		}
		s.Root, s.At = one(l), day.AddDate(0, 0, days)
		return s
	}
	maker, assigner, added := says("csaf", "Fortinet PSIRT", Node{}), says("cve", "fortinet", Node{}), says("cve", "CISA-ADP", Node{})
	coordinator, nvd, osv := says("csaf", "CISA", Node{}), says("nvd", "NVD", Node{}), says("osv", "OSV", Node{})
	for _, c := range []struct {
		why       string
		says      []Statement
		want      Verdict
		certainty Certainty
		rules     []Rule
		overruled bool
	}{
		{"the maker says not affected, NVD says affected", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 9), with(maker, NotAffected, "7.4.0", "7.4.3", 0)}, VerdictNotAffected, Exact, []Rule{MakerSays, InRange, SourcesDisagree, InRange}, true},
		{"the maker says affected, NVD says fixed", []Statement{with(nvd, Affected, "7.4.0", "7.4.2", 9), with(assigner, Affected, "7.4.0", "7.4.3", 0)}, VerdictAffected, Exact, []Rule{InRange, SourcesDisagree, OutOfRange}, true},
		{"the coordinator before NVD", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 9), with(added, Affected, "7.4.0", "7.4.1", 0)}, VerdictNotAffected, Exact, []Rule{OutOfRange, SourcesDisagree, InRange}, true},
		{"a publisher about the product of others after its maker", []Statement{with(coordinator, Affected, "", "7.4.9", 9), with(assigner, Affected, "", "7.4.1", 0)}, VerdictNotAffected, Exact, []Rule{OutOfRange, SourcesDisagree, InRange}, true},
		{"NVD before OSV", []Statement{with(osv, Affected, "", "7.4.9", 9), with(nvd, Affected, "", "7.4.1", 0)}, VerdictNotAffected, Exact, []Rule{OutOfRange, SourcesDisagree, InRange}, true},
		{"the newer of two from the maker", []Statement{with(maker, Investigating, "", "", 0), with(maker, NotAffected, "", "", 3)}, VerdictNotAffected, Exact, []Rule{MakerSays, AllVersions, StillInvestigate, AllVersions}, true},
		{"they agree", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 0), with(maker, Affected, "7.4.0", "7.4.3", 0)}, VerdictAffected, Exact, []Rule{InRange, InRange}, false},
		{"the maker is still looking, NVD says affected", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 0), with(maker, Investigating, "", "", 0)}, VerdictAffected, Exact, []Rule{InRange, StillInvestigate, AllVersions}, true},
		{"the maker is still looking, NVD says not", []Statement{with(nvd, Affected, "7.4.0", "7.4.1", 0), with(maker, Investigating, "", "", 0)}, Unknown, Exact, []Rule{StillInvestigate, AllVersions, OutOfRange}, true},
		{"the assigner does not know, NVD does", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 0), with(assigner, StatusUnknown, "", "", 0)}, VerdictAffected, Exact, []Rule{InRange, AllVersions}, true},
		{"the maker says nothing of this version", []Statement{with(nvd, Affected, "7.4.0", "7.4.3", 0), with(maker, NotAffected, "7.2", "7.2.9", 0)}, VerdictAffected, Exact, []Rule{InRange, OutOfRange}, true},
	} {
		t.Run(c.why, func(t *testing.T) {
			f, _ := judge(t, subject, c.says...)
			if f.Verdict != c.want || f.Certainty != c.certainty || !slices.Equal(rulesOf(f), c.rules) {
				t.Errorf("%v/%v %v; want %v/%v %v", f.Verdict, f.Certainty, rulesOf(f), c.want, c.certainty, c.rules)
			}
			if last := f.Because[len(f.Because)-1]; last.Overruled != c.overruled || f.Because[0].Overruled {
				t.Errorf("overruled: first %v, last %v; want false, %v", f.Because[0].Overruled, last.Overruled, c.overruled)
			}
		})
	}
}

// CVE 5: the affected branch of a product, what is unaffected in it, and a
// default for the rest.
func TestStatusesOfOneStatement(t *testing.T) {
	line := func(status Status, from, before string, single ...string) Line {
		l := nvdLine(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", from, before)
		l.Status, l.Versions = status, single
		return l
	}
	affectedButFixed := one(line(NotAffected, "1.5", "2.0"), line(NotAffected, "2.3", "*"), line(Affected, "", ""))
	unaffectedBut := one(line(Affected, "1.0", "1.4"), line(Affected, "", "", "3.1"), line(NotAffected, "", ""))
	for _, c := range []struct {
		root      Node
		version   string
		want      Verdict
		certainty Certainty
	}{
		{affectedButFixed, "1.4.9", VerdictAffected, Exact}, {affectedButFixed, "1.5", VerdictNotAffected, Exact},
		{affectedButFixed, "2.0", VerdictAffected, Exact}, {affectedButFixed, "2.3", VerdictNotAffected, Exact},
		{affectedButFixed, "9", VerdictNotAffected, Exact}, {affectedButFixed, "", Unknown, VersionUnknown},
		{unaffectedBut, "1.3", VerdictAffected, Exact}, {unaffectedBut, "1.4", VerdictNotAffected, Exact},
		{unaffectedBut, "3.1", VerdictAffected, Exact}, {unaffectedBut, "", Unknown, VersionUnknown},
		{one(line(Fixed, "", "", "2.0"), line(Affected, "", "2.0")), "1.9", VerdictAffected, Exact},
		{one(line(Affected, "", ""), line(Fixed, "", "", "2.0")), "2.0", VerdictNotAffected, Exact},
		{one(line(Fixed, "", "", "2.0")), "1.9", Unknown, Exact},
		{one(line(NotAffected, "", "")), "", VerdictNotAffected, Exact},
		{one(line(Investigating, "", "")), "1", Unknown, Exact},
		{one(line(StatusUnknown, "", "")), "1", Unknown, Exact},
	} {
		s := Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*"), Version: c.version}
		if f, found := judge(t, s, says("cve", "hirono", c.root)); !found || f.Verdict != c.want || f.Certainty != c.certainty {
			t.Errorf("%v in %+v: %v/%v, want %v/%v", c.version, c.root.Children[0].Children[0].Lines, f.Verdict, f.Certainty, c.want, c.certainty)
		}
	}
}

// A name that is only proposed never says more than unknown.
func TestProposedNames(t *testing.T) {
	st := says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*", "", "2")))
	for identity, want := range map[Identity]Verdict{Given: VerdictAffected, Confirmed: VerdictAffected, Equal: VerdictAffected, Proposed: Unknown} {
		f, _ := judge(t, Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1:*:*:*:*:*:*:*"), Identity: identity}, st)
		if f.Verdict != want || has(f, NameProposed) != (identity == Proposed) {
			t.Errorf("identity %d: %v %v, want %v", identity, f.Verdict, rulesOf(f), want)
		}
	}
}

func TestPackages(t *testing.T) {
	l := Line{Package: "pkg:npm/lodash", Scheme: version.SemVer, Ranges: []version.Range{{To: "4.17.21"}}}
	st := says("osv", "OSV", Node{Lines: []Line{l}})
	for v, want := range map[string]Verdict{"4.17.20": VerdictAffected, "4.17.21": VerdictNotAffected, "4.17.21-beta.1": VerdictAffected} {
		if f, found := judge(t, Subject{Package: "pkg:npm/lodash@" + v}, st); !found || f.Verdict != want {
			t.Errorf("lodash %s: %v %v, want %v", v, found, f.Verdict, want)
		}
	}
	if f, _ := judge(t, Subject{Package: "pkg:npm/lodash"}, st); f.Verdict != Unknown || f.Certainty != VersionUnknown {
		t.Errorf("without a version: %v/%v", f.Verdict, f.Certainty)
	}
	if _, found := judge(t, Subject{Package: "pkg:npm/lodash.merge@4.0.0"}, st); found {
		t.Error("another package is found")
	}
	// By name and by package one opinion.
	two := says("cve", "hirono", Node{Lines: []Line{{Package: "pkg:npm/kamado", Name: parse(t, "cpe:2.3:a:hirono:kamado:*:*:*:*:*:*:*:*"), Ranges: []version.Range{{To: "2"}}}}})
	f, _ := judge(t, Subject{Package: "pkg:npm/kamado@1.0.0", Name: parse(t, "cpe:2.3:a:hirono:kamado:1.0.0:*:*:*:*:*:*:*")}, two)
	if f.Verdict != VerdictAffected || len(f.Because) != 1 {
		t.Errorf("%v %v, want affected by one reason", f.Verdict, rulesOf(f))
	}
}

func TestExplainWhatIsNotNamed(t *testing.T) {
	x := New([]Statement{says("nvd", "NVD", one(nvdLine(t, "cpe:2.3:a:hirono:*:*:*:*:*:*:*:*:*", "", "")))})
	s := Subject{Name: parse(t, "cpe:2.3:a:hirono:kamado:1:*:*:*:*:*:*:*")}
	f, ok := x.Explain(s, "CVE-2024-0001")
	if !ok || f.Verdict != VerdictNotAffected || !slices.Equal(rulesOf(f), []Rule{OtherProduct, WildcardRefused}) {
		t.Errorf("%v %v %v", ok, f.Verdict, rulesOf(f))
	}
	if _, ok := x.Explain(s, "CVE-2024-0002"); ok {
		t.Error("a vulnerability nobody speaks of is explained")
	}
}
