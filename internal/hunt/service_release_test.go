package hunt

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
)

func TestReleasableValues(t *testing.T) {
	sha := strings.Repeat("ab", 32)
	f := Finding{Host: "PC1.corp.example.jp", User: "ann@mail.example.jp", Examples: []Example{{
		Why: []Why{{Value: `"C:\Windows\evil.exe" -u hxxp://bad.attacker.net/a?b=c(1) & ping 203.0.113.9:443, https://10.0.0.1/x http://user:pass@bad.attacker.net/`}},
		Event: map[string]string{"Hashes": "SHA256=" + strings.ToUpper(sha) + ",IMPHASH=" + strings.Repeat("0", 32), "A": "192.168.1.1", "B": "198.51.100.7", "C": "100.64.1.1", "D": "fe80::1", "E": "2001:db8::7",
			"Q": "c2.attacker.net.", "Host": "srv.corp.example.jp", "Mail": "x.mail.example.jp", "Local": "printer.local", "Script": "run.ps1", "Own": "PC1.corp.example.jp", "L": "127.0.0.1", "CVE": "CVE-2024-1234",
			"P": "evil.dll", "W": "just some words", "N": "1.2", "U": "http://[2001:db8::7]:8080/a"}}}}
	var got []string
	for _, r := range releasable(&f, []netip.Prefix{own}) {
		got = append(got, r.Type+" "+r.Value)
	}
	want := []string{"address 2001:db8::7", "address 203.0.113.9", "domain c2.attacker.net", "hash " + sha, "url http://[2001:db8::7]:8080/a", "url http://bad.attacker.net/a?b=c(1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestReleasedValuesBecomeSightings(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.hunt()
		h.send(x.ID, "run-key-1", line("SECRETRULE", "SECRETHOST", "SECRETUSER", h.Clock.Now()))
		f := h.findings(FindingFilter{})[0]
		for _, v := range [][]string{{"198.51.100.7"}, {"203.0.113.10"}, {"203.0.113.9", "SECRETHOST"}} {
			if _, err := h.Release(h.hunter(), f.ID, v, false); !errors.Is(err, ErrValue) {
				t.Errorf("%v leaves: %v", v, err)
			}
		}
		if _, err := h.Release(h.other(), f.ID, []string{"203.0.113.9"}, false); !errors.Is(err, ErrNone) {
			t.Errorf("another releases: %v", err)
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM sighting_fact"); n != 0 {
			t.Fatalf("%d sightings", n)
		}
		got, err := h.Release(h.hunter(), f.ID, []string{"203.0.113[.]9", "http://bad.attacker.net/a?b=c", "203.0.113.9"}, false)
		h.must(err)
		if len(got.Released) != 2 || got.ReleasedAt.IsZero() || got.Version != f.Version+1 {
			t.Errorf("%+v", got)
		}
		if _, err := h.Release(h.hunter(), f.ID, []string{"203.0.113.9"}, false); !errors.Is(err, ErrReleased) {
			t.Errorf("%v", err)
		}
		list, _, err := h.Sightings.List(h.as("office", gate.OfficeAnalyst), sighting.Filter{})
		h.must(err)
		if len(list) != 2 {
			t.Fatalf("%+v", list)
		}
		for _, s := range list {
			if s.Origin != sighting.FromHunt || s.Org != "" || s.Ref != "" || s.Note != "" || s.Victim != "" || s.Named || s.Count != 1 {
				t.Errorf("more leaves than the value: %+v", s)
			}
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM bus_event WHERE subject = 'hunt.released'"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}
