package notice

import (
	"testing"

	"noroshi/internal/org"
)

// What is filled in is never marked wider than the facts it is made from.
func TestFilledInIsMarkedNoWider(t *testing.T) {
	for from, want := range map[TLP][3]TLP{
		"": {Green, Amber, Clear}, Clear: {Green, Amber, Clear}, Green: {Green, Amber, Green}, Amber: {Amber, Amber, Amber}, AmberStrict: {AmberStrict, AmberStrict, AmberStrict}, Red: {Red, Red, Red},
	} {
		c := fillIn(Content{}, Facts{About: []string{"CVE-2026-90001"}, TLP: from}, []Exposed{{Org: "a", Product: "Akari EdgeGate", Devices: 1}})
		if got := [3]TLP{c.Management.TLP, c.Technical.TLP, c.Small.TLP}; got != want {
			t.Errorf("from TLP:%s: %v, want %v", from, got, want)
		}
	}
}

// The version for small firms begins in words that pass its own check.
func TestFilledInStepsArePlain(t *testing.T) {
	for _, fixed := range []string{"", "7.4.8"} {
		for _, product := range []string{"Akari EdgeGate", ""} {
			c := fillIn(Content{}, Facts{About: []string{"CVE-2026-90001"}, Fixed: fixed}, []Exposed{{Org: "a", Product: product, Devices: 1}})
			if len(c.Small.Steps) > maxSteps {
				t.Errorf("%d steps", len(c.Small.Steps))
			}
			words := []string{c.Small.Title.JA}
			english := []string{c.Small.Title.EN}
			for _, s := range c.Small.Steps {
				words, english = append(words, s.Do.JA, s.How.JA), append(english, s.Do.EN, s.How.EN)
			}
			for _, w := range words {
				for _, hit := range Rules().Plain("ja", w) {
					t.Errorf("%q: %+v", w, hit)
				}
			}
			for _, w := range english {
				for _, hit := range Rules().Plain("en", w) {
					t.Errorf("%q: %+v", w, hit)
				}
			}
		}
	}
}

// A draft about a vulnerability has all three versions when there is a desk to
// call, and no version for small firms when there is none.
func TestADraftNamesWhoHelps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		draft := func() Notice {
			n, err := h.Draft(h.analyst(), NewNotice{Vulnerability: "CVE-2026-90417"})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := draft(); n.Content.Small != nil || n.Content.Management == nil {
			t.Errorf("nobody can be called, and the steps say: %+v", n.Content.Small)
		}
		ctx := org.Local(t.Context())
		desk, err := h.Country.Get(ctx, org.ID(h.ID("jpcert")))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Country.SetContacts(ctx, desk.ID, desk.Version, []org.Contact{{Duty: org.Window, Name: "窓口", Phone: "00-0000-0010"}}); err != nil {
			t.Fatal(err)
		}
		n := draft()
		if n.Content.Small == nil || n.Content.Small.Helper.Phone != "00-0000-0010" || n.Content.Small.Helper.Name.Empty() {
			t.Errorf("%+v", n.Content.Small)
		}
	})
}
