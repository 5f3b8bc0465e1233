package exposure

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/product"
)

// at returns facts that stand at a point of the tree.
func at(p point) Facts {
	f := Facts{Verdict: product.VerdictAffected, Devices: 1, Automatable: [...]string{"no", "yes"}[p.automatable], Zone: [...]string{"isolated", "internal", "internet"}[p.exposure]}
	switch p.exploitation {
	case Active:
		f.Known = true
	case Conceivable:
		f.Stated = Conceivable
	}
	switch p.human {
	case 1:
		f.Devices = ordinary.Devices
	case 2:
		f.Essential = true
	case 3:
		f.Essential, f.Dependents = true, ordinary.Dependents
	}
	return f
}

func points() (out []point) {
	for e := range 3 {
		for x := range 3 {
			for a := range 2 {
				for h := range 4 {
					out = append(out, point{Exploitation(e), x, a, h})
				}
			}
		}
	}
	return out
}

func TestEveryCombinationOfTheTree(t *testing.T) {
	// In the order of points: exploitation, exposure, automatable; each word is
	// one row over human impact.
	want := "tttt tttw tttw ttww ttww twwe ttww twww twww wwwe wwee weee wwee weee weee eeea eeaa eaaa"
	got := ""
	for i, p := range points() {
		if i > 0 && i%4 == 0 {
			got += " "
		}
		got += string("twea"[Decide(at(p), ordinary).Priority])
	}
	if got != want {
		t.Errorf("the tree decides\n%s, want\n%s", got, want)
	}
	for _, p := range points() {
		here := p.priority()
		for name, worse := range map[string]point{
			"exploitation": {min(p.exploitation+1, 2), p.exposure, p.automatable, p.human},
			"exposure":     {p.exploitation, min(p.exposure+1, 2), p.automatable, p.human},
			"automatable":  {p.exploitation, p.exposure, 1, p.human},
			"human impact": {p.exploitation, p.exposure, p.automatable, min(p.human+1, 3)},
		} {
			if worse.priority() < here {
				t.Errorf("%+v is %s, and with more %s only %s", p, here, name, worse.priority())
			}
		}
	}
}

func TestDecide(t *testing.T) {
	codes := func(d Decision) (out []string) {
		for _, r := range d.Reasons {
			out = append(out, r.Code)
		}
		return out
	}
	affected := Facts{Verdict: product.VerdictAffected, Devices: 1}
	with := func(change func(f *Facts)) Facts { f := affected; change(&f); return f }
	for _, c := range []struct {
		name string
		f    Facts
		want Priority
		says []string
	}{
		{"nothing known", affected, Track, []string{"no_exploit", "zone_unknown"}},
		{"KEV, ransomware, on the internet, essential", with(func(f *Facts) {
			f.Known, f.Ransomware, f.Zone, f.Essential = true, true, "internet", true
		}), Act, []string{"exploited_known", "ransomware", "zone_internet", "essential"}},
		{"a high estimate alone is never active", with(func(f *Facts) { f.Likelihood, f.Zone = 0.97, "internal" }), Track, []string{"likely", "zone_internal"}},
		{"a CVSS of ten alone decides nothing", with(func(f *Facts) {
			f.Vector, f.Zone = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "internal"
		}), Track, []string{"no_exploit", "zone_internal", "automatable_vector", "impact_total"}},
		{"an edge device without a zone counts as open", with(func(f *Facts) { f.Known, f.Edge = true, true }), Attend, []string{"exploited_known", "zone_unknown_edge"}},
		{"own sightings are attacks", with(func(f *Facts) { f.Sighted, f.Zone, f.Essential, f.Automatable = 2, "dmz", true, "yes" }), Attend,
			[]string{"exploited_here", "zone_dmz", "automatable", "essential"}},
		{"a control network", with(func(f *Facts) { f.Known, f.Zone, f.Control, f.Essential = true, "ot", true, true }), Attend, []string{"exploited_known", "zone_ot", "control", "essential"}},
		{"partial impact lowers", with(func(f *Facts) { f.Known, f.Zone, f.Essential, f.Impact = true, "internal", true, "partial" }), Attend,
			[]string{"exploited_known", "zone_internal", "essential", "impact_partial"}},
		{"an unknown version is no order to act", with(func(f *Facts) {
			f.Verdict, f.Certainty, f.Known, f.Zone, f.Essential = product.Unknown, product.VersionUnknown, true, "internet", true
		}), Attend, []string{"exploited_known", "zone_internet", "essential", "version_unknown"}},
		{"a proposed name is looked at first", with(func(f *Facts) {
			f.Verdict, f.Proposed, f.Known, f.Zone, f.Essential = product.Unknown, true, true, "internet", true
		}), Watch, []string{"exploited_known", "zone_internet", "essential", "name_proposed"}},
		{"only the platform", with(func(f *Facts) { f.Verdict, f.Certainty, f.Known = product.Unknown, product.PlatformOnly, true }), Watch,
			[]string{"exploited_known", "zone_unknown", "platform_only"}},
		{"dependents", with(func(f *Facts) { f.Known, f.Zone, f.Dependents = true, "internet", 4 }), Attend, []string{"exploited_known", "zone_internet", "dependents"}},
	} {
		got := Decide(c.f, ordinary)
		if got.Priority != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.name, got.Priority, c.want, codes(got))
		}
		if diff := cmp.Diff(c.says, codes(got)); diff != "" {
			t.Errorf("%s: reasons:\n%s", c.name, diff)
		}
	}
}

func TestThresholdsAreConfigured(t *testing.T) {
	f := Facts{Verdict: product.VerdictAffected, Devices: 5, Likelihood: 0.4, Zone: "internet", Automatable: "yes"}
	if got := Decide(f, Thresholds{Likelihood: 0.5, Devices: 10}); got.Priority != Track {
		t.Errorf("below both: %s", got.Priority)
	}
	if got := Decide(f, Thresholds{Likelihood: 0.4, Devices: 5}); got.Priority != Attend {
		t.Errorf("at both: %s", got.Priority)
	}
	if got := Decide(f, Thresholds{}); slices.ContainsFunc(got.Reasons, func(r Reason) bool { return r.Code == "likely" }) {
		t.Error("a threshold of zero is none at all")
	}
}

func TestVectors(t *testing.T) {
	for v, want := range map[string]bool{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":                    true,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H":                    false,
		"CVSS:3.0/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":                    false,
		"AV:N/AC:L/Au:N/C:C/I:C/A:C":                                      true,
		"AV:N/AC:L/Au:S/C:C/I:C/A:C":                                      false,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": true,
		"CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": false,
		"": false, "////": false,
	} {
		if got := vectorAutomatable(v); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}

func TestSupport(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Facts
		days int
		want Priority
	}{
		{"ended, on the internet", Facts{Zone: "internet", Devices: 1}, -1, Attend},
		{"ended, inside", Facts{Zone: "internal", Devices: 1}, 0, Watch},
		{"ended, inside, essential", Facts{Zone: "internal", Essential: true, Devices: 1}, -400, Attend},
		{"soon, on the internet", Facts{Zone: "internet", Devices: 1}, 90, Watch},
		{"soon, isolated", Facts{Zone: "isolated", Devices: 1}, 90, Track},
	} {
		if got := DecideSupport(c.f, c.days, ordinary); got.Priority != c.want || len(got.Reasons) < 2 {
			t.Errorf("%s: %s %v, want %s", c.name, got.Priority, got.Reasons, c.want)
		}
	}
}

func TestPriorityNames(t *testing.T) {
	for p := Track; p <= Act; p++ {
		var back Priority
		raw, err := p.MarshalText()
		if err != nil || back.UnmarshalText(raw) != nil || back != p {
			t.Errorf("%s does not come back: %s %v", p, back, err)
		}
	}
	if _, ok := ParsePriority("urgent"); ok {
		t.Error("a priority nobody knows")
	}
}
