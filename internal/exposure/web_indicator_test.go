package exposure

import (
	"strings"
	"testing"

	"noroshi/internal/base/text"
	"noroshi/internal/incident"
)

// An operator reads which of its equipment an item names; the office reads how
// many; nobody else gets the page.
func TestIndicatorPage(t *testing.T) {
	s := newSite(t)
	s.items()
	if code, body := s.get(asWind, "/indicators", text.JA); code != 200 || !strings.Contains(body, "載っている情報はありません") {
		t.Errorf("%d", code)
	}
	s.add(s.wind(), "addresses", "203.0.113.9")
	s.publish(incident.Green, 0, "", "203.0.113.0/24")
	s.publish(incident.Amber, 0, "", "203.0.113.9")
	s.settle()
	for who, want := range map[string][]string{
		asWind:    {"item of 203.0.113.0/24", "Orvane EdgeGate 410", "203.0.113[.]0/24", "!item of 203.0.113.9"},
		asViewer:  {"item of 203.0.113.0/24", "Orvane EdgeGate 410", "!item of 203.0.113.9"},
		asSea:     {"!item of", "載っている情報はありません"},
		asAnalyst: {"item of 203.0.113.0/24", "item of 203.0.113.9", "件数だけ", "!Orvane", "!試験wind"},
	} {
		code, body := s.get(who, "/indicators", text.JA)
		if code != 200 {
			t.Errorf("%s: %d", who, code)
		}
		for _, w := range want {
			if no, not := strings.CutPrefix(w, "!"); strings.Contains(body, no) == not {
				t.Errorf("%s: %q", who, w)
			}
		}
	}
	for _, who := range []string{asKeeper, asClerk, asSuper, asOffice, asAdmin, asMember, asPolice} {
		if code, body := s.get(who, "/indicators", text.JA); code != 403 || strings.Contains(body, "item of") {
			t.Errorf("%s: %d", who, code)
		}
	}
	if n := s.Entries(t, "exposure.appear", "refused"); n != 7 {
		t.Errorf("%d refusals recorded", n)
	}
	if code, body := s.get(asWind, "/indicators", text.EN); code != 200 || !strings.Contains(body, "Named in intelligence") {
		t.Errorf("%d", code)
	}
}
