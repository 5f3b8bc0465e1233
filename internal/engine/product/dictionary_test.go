package product

import (
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/product/cpe"
)

func TestPropose(t *testing.T) {
	d := NewDictionary()
	for _, n := range []string{
		"cpe:2.3:o:fortinet:fortios:7.4.1:*:*:*:*:*:*:*", "cpe:2.3:o:fortinet:fortios:7.4.2:*:*:*:*:*:*:*", "cpe:2.3:a:fortinet:fortimanager:*:*:*:*:*:*:*:*",
		"cpe:2.3:o:paloaltonetworks:pan-os:*:*:*:*:*:*:*:*", "cpe:2.3:o:cisco:ios_xe:*:*:*:*:*:*:*:*", "cpe:2.3:o:cisco:rv340_firmware:*:*:*:*:*:*:*:*",
		"cpe:2.3:h:cisco:rv340:-:*:*:*:*:*:*:*", "cpe:2.3:o:microsoft:windows_server_2019:*:*:*:*:*:*:*:*", "cpe:2.3:a:ivanti:connect_secure:*:*:*:*:*:*:*:*",
		"cpe:2.3:a:hirono:*:*:*:*:*:*:*:*:*", "cpe:2.3:a:mobileiron:core:*:*:*:*:*:*:*:*",
	} {
		d.AddName(parse(t, n), "")
	}
	d.AddName(cpe.Name{}, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1")
	if d.Len() != 10 {
		t.Errorf("%d names, want 10", d.Len())
	}
	for _, c := range []struct {
		maker, product, version string
		first                   string // key of the first proposal; empty: none
		identity                Identity
		why                     Why
	}{
		{"Fortinet", "FortiOS", "7.4.3", "cpe:o:fortinet:fortios", Equal, SameMakerAndProduct},
		{"Fortinet, Inc.", "Fortinet FortiOS", "", "cpe:o:fortinet:fortios", Equal, SameMakerAndProduct},
		{"ＦＯＲＴＩＮＥＴ", "ｆｏｒｔｉ ＯＳ", "", "cpe:o:fortinet:fortios", Equal, SameMakerAndProduct},
		{"Palo Alto Networks", "PAN-OS", "", "cpe:o:paloaltonetworks:pan-os", Equal, SameMakerAndProduct},
		{"Palo Alto", "PAN-OS", "", "cpe:o:paloaltonetworks:pan-os", Proposed, NearMaker},
		{"Cisco", "IOS XE Software", "17.3", "cpe:o:cisco:ios_xe", Proposed, SameMaker},
		{"Cisco Systems", "RV340", "1.0", "cpe:h:cisco:rv340", Proposed, NearMaker},
		{"Cisco", "RV-340", "1.0", "cpe:h:cisco:rv340", Equal, SameMakerAndProduct},
		{"Microsoft", "Windows Server", "2019", "cpe:o:microsoft:windows_server_2019", Proposed, WithVersion},
		{"Ivanti", "Conect Secure", "", "cpe:a:ivanti:connect_secure", Proposed, NearSpelling},
		{"", "fortios", "", "cpe:o:fortinet:fortios", Proposed, SameProduct},
		{"", "log4j-core", "2.14", "purl:maven/org.apache.logging.log4j/log4j-core", Proposed, SameProduct},
		{"Hirono", "Kamado", "1", "", 0, ""},
		{"Processing", "core", "3.3.7", "cpe:a:mobileiron:core", Proposed, SameProduct},
		{"Fortinet", "", "", "", 0, ""},
		{strings.Repeat("長い", 5000), strings.Repeat("名前 ", 5000), "", "", 0, ""},
	} {
		got := d.Propose(c.maker, c.product, c.version)
		if c.first == "" {
			if len(got) > 0 {
				t.Errorf("%.20s %.20s: %v, want nothing", c.maker, c.product, got[0])
			}
			continue
		}
		if len(got) == 0 {
			t.Errorf("%s %s: nothing", c.maker, c.product)
			continue
		}
		p := got[0]
		if p.Key != c.first || p.Identity != c.identity || !slices.Contains(p.Why, c.why) || p.Score <= 0 || p.Score > 1 {
			t.Errorf("%s %s: %s %d %v %.2f, want %s %d by %s", c.maker, c.product, p.Key, p.Identity, p.Why, p.Score, c.first, c.identity, c.why)
		}
	}
	if got := d.Propose("Cisco", "RV340", ""); len(got) != 2 || got[1].Why[1] != ItsFirmware {
		t.Errorf("a device without its firmware: %v", got)
	}
	if got := d.Propose("Fortinet", "FortiOS", "7"); got[0].Mentions != 2 {
		t.Errorf("%d mentions, want 2", got[0].Mentions)
	}
}

// Every product of the feeds is found by its own name.
func TestProposeEveryProduct(t *testing.T) {
	x := New(nvdStatements(t))
	d := x.Dictionary()
	missed := 0
	for key := range x.Products() {
		name := d.entries[d.index[key]].name
		got := d.Propose(strings.ToUpper(name.Vendor.Text()), strings.ReplaceAll(name.Product.Text(), "_", " "), "")
		if !slices.ContainsFunc(got, func(p Proposal) bool { return p.Key == key && p.Identity == Equal }) {
			missed++
			t.Logf("missed: %s, got %v", key, got)
		}
	}
	if missed > 0 {
		t.Errorf("%d of %d products are not found by their own names", missed, d.Len())
	}
}

func FuzzPropose(f *testing.F) {
	d := NewDictionary()
	d.AddName(cpe.Name{Part: "o", Vendor: "fortinet", Product: "fortios"}, "pkg:npm/a")
	f.Add("Fortinet", "FortiOS", "7")
	f.Fuzz(func(t *testing.T, maker, product, version string) {
		for _, p := range d.Propose(maker, product, version) {
			if p.Score < leastScore || p.Score > 1 || len(p.Why) == 0 {
				t.Errorf("%q %q: %+v", maker, product, p)
			}
		}
	})
}
