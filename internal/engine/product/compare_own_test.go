package product

import (
	"testing"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// A version copied from what a machine shows is read; what is not plainly one
// stays what it was.
func TestOwnVersion(t *testing.T) {
	for _, c := range []struct{ vendor, ware, said, want string }{
		{"openbsd", "openssh", "OpenSSH_9.8p1", "9.8p1"},
		{"sonicwall", "sonicos", "SonicOS 7.0.1-5095", "7.0.1-5095"},
		{"sonicwall", "sonicos", "SonicWall SonicOS: v7.0.1-5095", "v7.0.1-5095"},
		{"fortinet", "fortios", "FGT100F v7.2.4", "7.2.4"},
		{"fortinet", "fortios", "FortiOS v7.2.4 build1396", "v7.2.4 build1396"},
		{"cisco", "ios_xe", "Version 17.9.4a, RELEASE SOFTWARE (fc3)", "17.9.4a"},
		{"cisco", "ios_xe", "Cisco IOS XE Software, Version 17.9.4a", "17.9.4a"},
		{"cisco", "ios_xe", "IOS-XE 17.9.4a", "17.9.4a"},
		{"citrix", "netscaler_gateway", "NS13.1: Build 49.15.nc", "13.1-49.15"},
		{"fortinet", "fortios", "7.2.4", "7.2.4"},
		{"fortinet", "fortios", "FortiWeb 7.2.4", "FortiWeb 7.2.4"},
		{"fortinet", "fortios", "FortiOS", "FortiOS"},
		{"fortinet", "fortios", "FortiOS unknown", "FortiOS unknown"},
		{"orvane", "gate1", "gate10.2", "gate10.2"},
		{"orvane", "gate", "v1.2 to v1.4", "v1.2 to v1.4"},
	} {
		if got := ownVersion(c.said, &cpe.Name{Part: "o", Vendor: cpe.Value(c.vendor), Product: cpe.Value(c.ware)}); got != c.want {
			t.Errorf("%q of %s: %q, want %q", c.said, c.ware, got, c.want)
		}
	}
	name := cpe.Name{Part: "a", Vendor: "openbsd", Product: "openssh"}
	x := New([]Statement{{Vulnerability: "CVE-2026-90001", Source: "nvd", Root: Node{Lines: []Line{{Name: name, Ranges: []version.Range{{To: "9.8"}}}}}}})
	for said, want := range map[string]Verdict{"OpenSSH_9.7p1": VerdictAffected, "OpenSSH_9.9p1": VerdictNotAffected, "Example_9.7": Unknown} {
		for f := range x.Match(Subject{Name: name, Version: said}) {
			if f.Verdict != want {
				t.Errorf("%s: %v", said, f.Verdict)
			}
		}
	}
}

func FuzzOwnVersion(f *testing.F) {
	f.Add("OpenSSH_9.8p1", "openssh")
	f.Add("NS13.1: Build 49.15.nc", "netscaler_gateway")
	f.Fuzz(func(t *testing.T, said, ware string) {
		n := cpe.Name{Part: "a", Vendor: "citrix", Product: cpe.Value(ware)}
		if got := ownVersion(said, &n); len(got) > len(said) {
			t.Errorf("%q grew to %q", said, got)
		}
	})
}
