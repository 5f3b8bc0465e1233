package intel

import (
	"context"
	"errors"
	"strings"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// A report becomes an item only through somebody it was sent to, with its
// reporter's consent; the reporter is in none of it, and sees that it was used.
func TestAnItemOutOfAReport(t *testing.T) {
	list := append(sources(), country.Sources()...)
	testkit.Each(t, append(list, db.Source{Noun: "incident", FS: incident.Migrations}), func(t *testing.T, d *db.DB) {
		h := newItemHub(t, d)
		c := country.New(t, h.Parts)
		profiles, err := incident.LoadProfiles(nil)
		if err != nil {
			t.Fatal(err)
		}
		h.Incidents = incident.New(incident.Config{DB: d, Ledger: h.Parts.Ledger, Keys: h.Parts.Keys, Blobs: h.Blobs, Threads: h.Threads, Orgs: c.Service, Profiles: profiles, Now: h.Clock.Now})
		h.Orgs = c.Service
		h.Registered = func(_ context.Context, _ *db.Tx, hosts []string, org string) (map[string]bool, error) {
			if org != c.ID("wind") {
				return nil, nil
			}
			return map[string]bool{"203.0.113.200": true}, nil
		}
		reporter := c.As("wind", "a", gate.OperatorReporter)
		send := func(consent, jpcert bool) incident.ID {
			r := incident.Template(incident.Ransomware)
			r.TLP = incident.AmberStrict
			r.Consents["share_indicators_consent"], r.Consents["share_with_nco_consent"] = consent, true
			r.Consents["share_with_jpcert_consent"] = jpcert
			r.Values["tech.indicators"] = incident.KnownValue([]incident.Row{{"type": "ip", "value": "45.77.1.9"}, {"type": "ip", "value": "203.0.113.200"}, {"type": "domain", "value": "evil.badhost.jp"}})
			if consent {
				r.Values["share.peer_note"] = incident.KnownValue("試験wind（架空）です。VPN を止めてください")
			}
			got, err := h.Incidents.Submit(reporter, r, "")
			if err != nil {
				t.Fatal(err)
			}
			return got.Case.ID
		}
		both := c.As("office", "n", gate.OfficeAnalyst, gate.OfficeClerk)
		id := string(send(true, false))
		it, err := h.AddFromReport(both, id, "analyse", NewItem{Title: "VPN への攻撃", TLP: incident.Clear})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(it.Values(), " "); got != "45.77.1.9 evil.badhost.jp" || it.TLP != incident.AmberStrict || it.Origin != FromReport || it.Provenance[0].Ref != id+"/1" || strings.Contains(it.Text, "wind") || !strings.Contains(it.Text, "VPN を止めて") {
			t.Errorf("%q %+v", got, it)
		}
		if it, err = h.Edit(both, it.ID, it.Revision, NewItem{Title: "x", TLP: incident.Clear}); err != nil || it.TLP != incident.AmberStrict {
			t.Errorf("an edit makes it wider: %s %v", it.TLP, err)
		}
		readings, _, err := h.Incidents.Readings(reporter, incident.ID(id), "", 0)
		if err != nil || len(readings) != 1 || readings[0].Purpose != "analyse" || readings[0].Org != c.ID("office") {
			t.Errorf("%+v %v", readings, err)
		}
		v, err := h.Incidents.Open(reporter, incident.ID(id), 0, "")
		if err != nil || len(v.Feedback) != 1 || !strings.Contains(v.Feedback[0].Done, "組織名を伏せた") || !strings.Contains(v.Feedback[0].Done, "without your name") {
			t.Errorf("%+v %v", v.Feedback, err)
		}
		if _, err := h.AddFromReport(both, id, "sanction", NewItem{Title: "x"}); !errors.Is(err, incident.ErrBarred) {
			t.Errorf("for a barred purpose: %v", err)
		}
		if _, err := h.AddFromReport(c.As("office", "m", gate.OfficeAnalyst), id, "analyse", NewItem{Title: "x"}); fault.KindOf(err) != fault.Refused {
			t.Errorf("somebody it was not sent to: %v", err)
		}
		if _, err := h.AddFromReport(c.As("jpcert", "j", gate.JPCERTClerk), id, "respond", NewItem{Title: "x"}); fault.KindOf(err) != fault.NotFound {
			t.Errorf("an organisation it was not sent to: %v", err)
		}
		if _, err := h.AddFromReport(c.As("industry", "c", gate.MinistryClerk), id, "analyse", NewItem{Title: "x"}); fault.KindOf(err) != fault.Refused {
			t.Errorf("a ministry: %v", err)
		}
		closed := string(send(false, true))
		if _, err := h.AddFromReport(both, closed, "analyse", NewItem{Title: "x"}); !errors.Is(err, ErrConsent) {
			t.Errorf("without consent: %v", err)
		}
		jpcert := c.As("jpcert", "j", gate.JPCERTClerk)
		if _, err := h.AddFromReport(jpcert, closed, "respond", NewItem{Title: "x"}); !errors.Is(err, ErrConsent) {
			t.Errorf("the coordinator without consent: %v", err)
		}
		if it, err := h.AddFromReport(jpcert, string(send(true, true)), "respond", NewItem{Title: "x"}); err != nil || it.Org != c.ID("jpcert") {
			t.Errorf("the coordinator: %v", err)
		}
		if err := h.drop(jpcert, it.ID); !errors.Is(err, ErrNoItem) {
			t.Errorf("another's draft is dropped: %v", err)
		}
		gone, err := h.Add(both, NewItem{Title: "gone", Text: "45.77.1.9"})
		if err == nil {
			err = h.drop(both, gone.ID)
		}
		if _, after := h.Item(both, gone.ID); err != nil || !errors.Is(after, ErrNoItem) {
			t.Errorf("a dropped draft: %v %v", err, after)
		}
		items, _, err := h.Items(both, ItemFilter{})
		if err != nil || len(items) != 1 {
			t.Errorf("%d items, %v", len(items), err)
		}
		if n := h.Entries(t, "intel.add", "refused"); n != 3 { // the ministry, and the missing consents
			t.Errorf("%d refusals recorded", n)
		}
	})
}
