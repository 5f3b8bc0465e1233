package product

import "testing"

// The coordinator calls PAN-OS an application and the NVD an operating system
// (CVE-2024-3382); FortiOS and ASA go the same way. One product is meant, and
// hardware of the same name is another thing.
func TestSoftwareIsOneProductWhateverItsPart(t *testing.T) {
	as := func(part string) Statement {
		return says("cve", "CISA-ADP", one(nvdLine(t, "cpe:2.3:"+part+":orvane:gate-os:*:*:*:*:*:*:*:*", "10.2.0", "10.2.7")))
	}
	for _, c := range []struct {
		is, said string
		want     Verdict
		found    bool
	}{
		{"o", "a", VerdictAffected, true}, {"a", "o", VerdictAffected, true}, {"o", "o", VerdictAffected, true},
		{"h", "a", Unknown, false}, {"o", "h", Unknown, false}, {"a", "h", Unknown, false},
	} {
		s := Subject{Name: parse(t, "cpe:2.3:"+c.is+":orvane:gate-os:10.2.3:*:*:*:*:*:*:*")}
		f, found := judge(t, s, as(c.said))
		if found != c.found || found && f.Verdict != c.want {
			t.Errorf("%s asked, %s said: %v %v, want %v %v", c.is, c.said, found, f.Verdict, c.found, c.want)
		}
	}
	other := Subject{Name: parse(t, "cpe:2.3:o:orvane:gate-os_cloud:10.2.3:*:*:*:*:*:*:*")}
	if f, found := judge(t, other, as("a")); found {
		t.Errorf("another product is related: %v", f)
	}
}
