package product

import (
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// What is said of a product under one of its names holds under the others, and
// the proof says so; hardware and names that only begin alike stay apart.
func TestRenamed(t *testing.T) {
	say := func(part, vendor, ware string) *Index {
		return New([]Statement{{Vulnerability: "CVE-2026-90001", Source: "nvd", Root: Node{Lines: []Line{
			{Name: cpe.Name{Part: cpe.Value(part), Vendor: cpe.Value(vendor), Product: cpe.Value(ware)}, Ranges: []version.Range{{To: "9.16.4.57"}}}}}}})
	}
	for _, c := range []struct {
		said, is      [3]string
		want, renamed bool
	}{
		{[3]string{"a", "cisco", "asa"}, [3]string{"o", "cisco", "adaptive_security_appliance_software"}, true, true},
		{[3]string{"o", "cisco", "adaptive_security_appliance_software"}, [3]string{"a", "cisco", "asa"}, true, true},
		{[3]string{"a", "cisco", "asa"}, [3]string{"a", "cisco", "asa"}, true, false},
		{[3]string{"a", "pulsesecure", "pulse_connect_secure"}, [3]string{"a", "ivanti", "connect_secure"}, true, true},
		{[3]string{"a", "ivanti", "standalone_sentry"}, [3]string{"a", "mobileiron", "sentry"}, true, true},
		{[3]string{"h", "citrix", "gateway"}, [3]string{"a", "citrix", "netscaler_gateway"}, false, false},
		{[3]string{"a", "citrix", "netscaler_gateway"}, [3]string{"a", "citrix", "gate"}, false, false},
	} {
		x := say(c.said[0], c.said[1], c.said[2])
		s := Subject{Name: cpe.Name{Part: cpe.Value(c.is[0]), Vendor: cpe.Value(c.is[1]), Product: cpe.Value(c.is[2]), Version: `9.16.4.23`}}
		for name, find := range map[string]func(Subject) func(func(Finding) bool){
			"match":     func(s Subject) func(func(Finding) bool) { return x.Match(s) },
			"concerned": func(s Subject) func(func(Finding) bool) { return x.Concerned(s) },
		} {
			got, renamed := false, false
			for f := range find(s) {
				got = f.Verdict == VerdictAffected
				renamed = slices.ContainsFunc(f.Because, func(r Reason) bool { return r.Rule == Renamed })
			}
			if got != c.want || renamed != c.renamed {
				t.Errorf("%s: %v said of %v: affected %v, renamed %v", name, c.is, c.said, got, renamed)
			}
		}
	}
	// A name stands in one line of the table only, spelled as names are.
	seen := map[string]bool{}
	for _, n := range strings.Fields(formerly) {
		if _, err := cpe.Parse("cpe:2.3:a:" + n + ":*:*:*:*:*:*:*:*"); err != nil || seen[n] {
			t.Errorf("%s: twice, or no name: %v", n, err)
		}
		seen[n] = true
	}
}
