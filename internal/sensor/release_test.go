package sensor

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// Released without a name, a finding tells nothing of whose network it was: not
// its own end, not the machine between, in no language and of no kind.
func TestAnUnnamedReleaseNamesNobody(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, kind := range detect.Kinds {
		f := Finding{Found: Found{Kind: string(kind), Score: 0.9, Src: "192.0.2.41", Dst: "192.0.2.43", Start: at, End: at,
			Evidence: json.RawMessage(`{"through":"192.0.2.42","address":"192.0.2.44","tool":"x","indicator":"y","count":3,"targets":4,"app":"ssh"}`)}}
		for _, l := range []text.Lang{text.JA, text.EN} {
			p := words.Printer(l, nil)
			if got := Say(p, &f, false); strings.Contains(got, "192.0.2.") || !strings.Contains(got, kindWord(p, string(kind))) {
				t.Errorf("%s %s: %s", kind, l, got)
			}
			if got := Say(p, &f, true); got == Say(p, &f, false) {
				t.Errorf("%s %s: named and unnamed say the same: %s", kind, l, got)
			}
		}
	}
}

// What others get of a finding is the attacker's end, never one's own machine
// and never a victim.
func TestOtherIsTheAttacker(t *testing.T) {
	own := prefixes("192.0.2.0/24\n2001:db8:1::/48、本社の回線")
	if len(own) != 2 {
		t.Fatal(own)
	}
	for _, c := range []struct{ kind, src, dst, evidence, want string }{
		{"beacon", "192.0.2.1", "203.0.113.9", `{}`, "203.0.113.9"},
		{"beacon", "192.0.2.1", "c2.evil.example", `{}`, "c2.evil.example"},
		{"beacon", "192.0.2.1", "api.{0a1b2c3d4e5f:12}.example", `{}`, ""},
		{"beacon", "10.0.0.1", "192.0.2.7", `{}`, ""},
		{"beacon", "10.0.0.1", "100.64.1.1", `{}`, ""},
		{"beacon", "10.0.0.1", "10.0.0.2", `{}`, ""},
		{"beacon", "10.0.0.1", "2001:db8:1::5", `{}`, ""},
		{"host_scan", "203.0.113.9", "", `{}`, "203.0.113.9"},
		{"host_scan", "192.0.2.42", "", `{}`, ""},
		{"password_guessing", "203.0.113.9", "192.0.2.1", `{"from_outside":true}`, "203.0.113.9"},
		{"password_guessing", "198.51.100.1", "203.0.113.9", `{"from_outside":false}`, ""},
		{"flood", "192.0.2.1", "203.0.113.77", `{"to_home":false}`, ""},
		{"flood", "203.0.113.9", "192.0.2.1", `{"to_home":true}`, "203.0.113.9"},
		{"reflector", "192.0.2.53", "203.0.113.77", `{}`, ""},
		{"stepping_stone", "203.0.113.9", "10.0.0.9", `{"from_outside":true,"to_outside":false,"through":"192.0.2.43"}`, "203.0.113.9"},
		{"stepping_stone", "10.0.0.9", "203.0.113.9", `{"from_outside":false,"to_outside":true}`, "203.0.113.9"},
		{"stepping_stone", "10.0.0.9", "10.0.0.8", `{"from_outside":false,"to_outside":false}`, ""},
	} {
		f := Finding{Found: Found{Kind: c.kind, Src: c.src, Dst: c.dst, Evidence: json.RawMessage(c.evidence)}}
		if got := f.other(own); got != c.want {
			t.Errorf("%s %s → %s %s: %q, want %q", c.kind, c.src, c.dst, c.evidence, got, c.want)
		}
	}
	if !own[0].Contains(netip.MustParseAddr("192.0.2.200")) {
		t.Error(own)
	}
}
