package detect

import (
	"net/netip"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// A name matches whatever letters it is asked for with, also where names are
// kept as they were sent.
func TestSignsInAnyCase(t *testing.T) {
	for _, full := range []bool{false, true} {
		n := record.NewNaming([32]byte{1}, full)
		for _, list := range []string{"c2.evil-site.example", "C2.Evil-Site.example"} {
			dns := record.Record{Start: noon, End: noon, Src: inner, Dst: other, DstPort: 53, Proto: 17, App: record.DNSApp}
			dns.AddDNS(record.DNS{Name: n.Host([]byte("C2.EvIl-SiTe.eXaMpLe")), Answered: true})
			tls := conn(noon, inner, remote, 443, 900, 9000, second)
			tls.TLS = &record.TLS{SNI: n.Host([]byte("x.C2.EVIL-SITE.EXAMPLE"))}
			for _, r := range []record.Record{dns, tls} {
				all := found(Indicator, []record.Record{r}, Config{Signs: []Sign{{Label: "list", Name: n.Host([]byte(list)).String()}}})
				if len(all) != 1 || all[0].Name != strings.ToLower(all[0].Name) {
					t.Errorf("full %v, %s: %+v", full, list, all)
				}
			}
		}
	}
}

// What a list calls a sign cannot steer a terminal.
func TestSignLabelsArePlain(t *testing.T) {
	r := conn(noon, inner, remote, 443, 900, 9000, second)
	given := []Sign{{Label: "indicator--1\x1b]0;owned\a\u009b2J\u202eab\u2066c\u200b\xff", Prefix: netip.PrefixFrom(remote, 32)}}
	all := found(Indicator, []record.Record{r}, Config{Signs: given})
	if len(all) != 1 || all[0].Fact("indicator") != "indicator--1]0;owned2Jabc" {
		t.Errorf("%+v", all)
	}
	if !strings.Contains(given[0].Label, "\x1b") {
		t.Error("the caller's list was changed")
	}
	if got := readable(strings.Repeat("信", 200)); len(got) != 255 {
		t.Errorf("%d bytes", len(got))
	}
}
