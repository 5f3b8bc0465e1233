package incident

import (
	"testing"
	"time"
)

var checkNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func resultOf(t testing.TB, res Result, id string) ProfileResult {
	t.Helper()
	for _, p := range res.Profiles {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("no result for %s", id)
	return ProfileResult{}
}

// Every template is complete: nothing is missing for anybody it concerns.
func TestTemplatesCheckClean(t *testing.T) {
	for _, k := range Kinds {
		res := Check(Template(k), Builtin(), Facts{}, checkNow)
		if !res.Clean {
			t.Errorf("%s: %+v", k, res.Missing)
		}
		if got := resultOf(t, res, "jp-act42"); got.Ready != ReadyYes || len(got.Recipients) != 2 {
			t.Errorf("%s: statute %+v", k, got)
		}
		form := map[Kind]string{DDoS: "jp-common-1", Ransomware: "jp-common-2", Other: "jp-common-3", Cause: "jp-common-3"}[k]
		for _, id := range []string{"jp-common-1", "jp-common-2", "jp-common-3"} {
			if got := resultOf(t, res, id).Ready; (got == ReadyYes) != (id == form) {
				t.Errorf("%s: %s is %s", k, id, got)
			}
		}
	}
}

// Taking any required answer away is found, and said for the profile and by
// its clock.
func TestEveryRequiredFieldIsMissed(t *testing.T) {
	for _, k := range Kinds {
		for _, p := range Builtin().All {
			whole := Template(k)
			if v, _ := p.AppliesTo(whole); v != VerdictYes || !p.InForce(checkNow) || p.Consent != "" && !whole.Consent(p.Consent) {
				continue
			}
			for _, id := range p.StageFor(First).RequiredFields(whole) {
				r := whole.Clone()
				delete(r.Values, id)
				found := false
				for _, g := range Check(r, Builtin(), Facts{}, checkNow).Missing {
					for _, w := range g.Wanted {
						found = found || g.Field == id && w.Profile == p.ID && len(w.For) > 0 && w.By != nil
					}
				}
				if v, _ := p.AppliesTo(r); !found && v == VerdictYes {
					t.Errorf("%s without %s: %s does not miss it", k, id, p.ID)
				}
			}
		}
	}
}

func TestCheckCases(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Report)
		profile string
		ready   Ready
		missing []FieldID
	}{
		{"unknown and being investigated are answers", func(r *Report) {
			r.Values["systems.affected"] = Value{State: Investigating}
			r.Values["event.status"] = Value{State: Investigating}
		}, "jp-act42", ReadyYes, nil},
		{"a final report leaves nothing open", func(r *Report) {
			r.Stage = Final
			r.Values["tech.root_cause"] = Value{State: Investigating}
		}, "jp-act42", ReadyMissing, []FieldID{"tech.root_cause"}},
		{"whether one is designated must be answered", func(r *Report) { delete(r.Values, "operator.designated") }, "jp-act42", ReadyOpen, []FieldID{"operator.designated"}},
		{"who is not designated has no duty", func(r *Report) { r.Values["operator.designated"] = KnownValue(false) }, "jp-act42", ReadyNo, nil},
		{"personal data under investigation decides later", func(r *Report) { r.Values["personal.involved"] = Value{State: Investigating} }, "jp-ppc", ReadyOpen, nil},
		{"without consent the police get nothing", func(r *Report) { r.Consents = nil }, "jp-police", ReadyConsent, nil},
		{"a duty abroad wants its consent", func(r *Report) {
			r.Consents["send_abroad_consent"] = false
			r.Values["operator.regimes"] = KnownValue([]string{"eu_nis2"})
			r.Values["foreign.nis2_significant"] = KnownValue(true)
			for _, id := range []FieldID{"operator.name_en", "operator.eu_state"} {
				r.Values[id] = KnownValue("x")
			}
			r.Values["event.malicious"], r.Values["event.cross_border"] = KnownValue(true), KnownValue(true)
		}, "eu-nis2", ReadyMissing, []FieldID{"send_abroad_consent"}},
		{"a proposal is never counted", func(r *Report) {
			r.Values["operator.regimes"] = KnownValue([]string{"us_circia", "uk_csr"})
		}, "us-circia", ReadyNotInUse, nil},
		{"an empty table is no answer", func(r *Report) { r.Values["systems.affected"] = KnownValue([]Row{}) }, "jp-act42", ReadyMissing, []FieldID{"systems.affected"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Template(Ransomware)
			c.change(r)
			res := Check(r, Builtin(), Facts{}, checkNow)
			p := resultOf(t, res, c.profile)
			if p.Ready != c.ready {
				t.Fatalf("%s, want %s: %+v", p.Ready, c.ready, p.Missing)
			}
			for _, id := range c.missing {
				found := false
				for _, m := range p.Missing {
					found = found || m.Field == id
				}
				if !found || res.Clean {
					t.Errorf("%s is not missed: %+v", id, p.Missing)
				}
			}
		})
	}
}

// Without consent the national office gets no common form, and the ministry does.
func TestRecipientConsent(t *testing.T) {
	for _, agreed := range []bool{false, true} {
		r := Template(Ransomware)
		r.Consents = map[string]bool{"share_with_nco_consent": agreed}
		p := resultOf(t, Check(r, Builtin(), Facts{}, checkNow), "jp-common-2")
		for _, rc := range p.Recipients {
			if want := rc.Role == RoleOffice && !agreed; rc.Withheld != want {
				t.Errorf("agreed %v: %s withheld %v", agreed, rc.Role, rc.Withheld)
			}
		}
	}
}

// The ransom payment clock starts at the payment, and only when there was one.
func TestPaymentStartsItsOwnClock(t *testing.T) {
	p, _ := Builtin().Get("us-circia-payment")
	r := Template(Ransomware)
	r.Values["operator.regimes"] = KnownValue([]string{"us_circia"})
	r.Values["payment.made"] = KnownValue(false)
	if v, _ := p.AppliesTo(r); v != VerdictNo {
		t.Errorf("no payment: %s", v)
	}
	r.Values["payment.made"] = KnownValue(true)
	delete(r.Values, "payment.paid_at")
	if v, _ := p.AppliesTo(r); v != VerdictYes {
		t.Errorf("payment: %s", v)
	}
	if c := p.Clocks(r, Facts{}, checkNow)[0]; c.Due != nil || c.StartedAt != nil {
		t.Errorf("no time of payment, and yet %+v", c)
	}
}

// DORA has two clocks for one report; the earlier one is what counts.
func TestEarliestDeadlineCounts(t *testing.T) {
	p, _ := Builtin().Get("eu-dora")
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-11-05T00:00:00Z")
	by := func() time.Time { return *firstDue(p.Clocks(r, Facts{}, checkNow), "initial").Due }
	if got := by(); !got.Equal(at(t, "2026-11-06T00:00:00Z")) {
		t.Errorf("from awareness alone: %v", got)
	}
	r.Values["foreign.classified_at"] = KnownValue("2026-11-05T03:00:00Z")
	if got := by(); !got.Equal(at(t, "2026-11-05T07:00:00Z")) {
		t.Errorf("from classification: %v", got)
	}
	r.Values["foreign.classified_at"] = KnownValue("2026-11-05T22:00:00Z")
	if got := by(); !got.Equal(at(t, "2026-11-06T00:00:00Z")) {
		t.Errorf("classified late: %v", got)
	}
}
