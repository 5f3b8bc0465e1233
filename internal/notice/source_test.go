package notice

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/exposure"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// An advisory and the news that it is used in attacks come in; the operators
// with such equipment stand in one draft with their reasons, and nobody else
// does; sent, each has it.
func TestFromAnAdvisoryToThoseConcerned(t *testing.T) {
	more := []db.Source{{Noun: "asset", FS: asset.Migrations}, {Noun: "intel", FS: intel.Migrations}, {Noun: "exposure", FS: exposure.Migrations}}
	testkit.Each(t, append(sources(), more...), func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		assets, err := asset.Open(asset.Config{DB: d, Ledger: h.Ledger, Keys: h.Parts.Keys, Threads: h.Threads, Orgs: h.Country.Service, Now: h.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		facts, err := intel.Open(intel.Config{DB: d, Ledger: h.Ledger, Dir: t.TempDir(), Now: h.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		exposed, err := exposure.Open(exposure.Config{DB: d, Ledger: h.Ledger, Keys: h.Parts.Keys, Orgs: h.Country.Service, Assets: assets, Intel: facts, Now: h.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		h.Service.Exposed, h.Service.Vulnerability = ExposedBy(exposed), FactsBy(facts)
		events := bus.New(d, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), append(exposure.Followers(exposed), Followers(h.Service)...)...)
		settle := func() {
			t.Helper()
			if err := events.Settle(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := exposed.Work(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := events.Settle(context.Background()); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Tick(org.Local(context.Background()), h.now()); err != nil {
				t.Fatal(err)
			}
		}
		add := func(ctx context.Context, pairs ...string) {
			t.Helper()
			in := &asset.Draft{}
			for i := 0; i+1 < len(pairs); i += 2 {
				f, ok := asset.FieldNamed(pairs[i])
				if !ok {
					t.Fatalf("no field %s", pairs[i])
				}
				in.Values[f] = pairs[i+1]
			}
			if _, err := assets.Add(ctx, in, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		gate410 := []string{"maker", "Orvane", "product", "EdgeGate 410", "kind", "vpn", "zone", "internet", "service", "給電指令", "cpe", "cpe:2.3:o:orvane:edgegate_410:*:*:*:*:*:*:*:*"}
		add(h.wind(), append(gate410, "version", "9.1.2", "quantity", "3")...)
		add(h.sea(), append(gate410, "version", "9.1.9")...) // repaired already
		add(h.bank(), append(gate410, "quantity", "2")...)   // version not known
		settle()
		receive := func(feed string, v any) {
			t.Helper()
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := facts.Receive(h.analyst(), intel.Request{Feed: feed}, feed+".json", strings.NewReader(string(raw)), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		type m = map[string]any
		receive("nvd", m{"resultsPerPage": 1, "startIndex": 0, "totalResults": 1, "format": "NVD_CVE", "version": "2.0", "timestamp": "2026-11-20T04:05:06.789", "vulnerabilities": []m{{"cve": m{
			"id": "CVE-2026-90417", "sourceIdentifier": "psirt@orvane.example", "published": "2026-11-19T10:15:00.123", "lastModified": "2026-11-20T01:00:03.000", "vulnStatus": "Analyzed",
			"descriptions": []m{{"lang": "en", "value": "Authentication of the management port can be avoided."}}, "metrics": m{}, "references": []m{},
			"configurations": []m{{"nodes": []m{{"operator": "OR", "negate": false, "cpeMatch": []m{{"vulnerable": true, "criteria": "cpe:2.3:o:orvane:edgegate_410:*:*:*:*:*:*:*:*", "versionEndExcluding": "9.1.8", "matchCriteriaId": "11111111-1111-4111-8111-111111111111"}}}}}}}}}})
		settle()
		receive("kev", m{"title": "catalogue", "catalogVersion": "2026.11.20", "dateReleased": "2026-11-20T10:00:00.0000Z", "count": 1, "vulnerabilities": []m{{"cveID": "CVE-2026-90417", "vendorProject": "Orvane", "product": "EdgeGate",
			"vulnerabilityName": "Orvane EdgeGate flaw", "dateAdded": "2026-11-20", "shortDescription": "A flaw.", "requiredAction": "Install the fix.", "dueDate": "2026-12-11", "knownRansomwareCampaignUse": "Unknown", "notes": "", "cwes": []string{}}}})
		settle()
		list, _, err := h.List(h.analyst(), Filter{})
		if err != nil || len(list) != 1 || !list[0].Auto {
			t.Fatalf("%d drafts, want one: %+v %v", len(list), list, err)
		}
		n := list[0]
		b, err := h.Board(h.analyst(), n.ID, "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		why := map[string]string{}
		for _, r := range b.Rows {
			why[r.Org] = r.Why[0].JA
		}
		if _, told := why[h.ID("sea")]; told {
			t.Error("who has the repaired version is told")
		}
		if w := why[h.ID("wind")]; !strings.Contains(w, "3台") || !strings.Contains(w, "該当します") {
			t.Errorf("wind is told why: %q", w)
		}
		if w, told := why[h.ID("bank")]; told && !strings.Contains(w, "おそれ") {
			t.Errorf("a version that is not known is no certainty: %q", w)
		}
		c := n.Content
		if c.Severity != Act || c.AttackSeenAt.IsZero() || !strings.Contains(c.Technical.Details.EN, "management port") || !strings.Contains(c.Management.What.JA, "攻撃に使われています") {
			t.Errorf("%+v", c)
		}
		sent, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision, Despite: true})
		if err != nil {
			t.Fatal(err)
		}
		if sent.Late < 24*time.Hour {
			t.Errorf("the warning comes %v after the attack", sent.Late)
		}
		if l := h.read(h.wind()); len(l.Why) != 2 || l.Content.Management == nil {
			t.Errorf("%+v", l)
		}
		if got, _, err := h.Inbox(h.sea(), Filter{}); len(got) != 0 || err != nil {
			t.Errorf("sea has %d letters, %v", len(got), err)
		}
		// Nothing new, no new draft.
		settle()
		if list, _, _ := h.List(h.analyst(), Filter{Stage: Draft}); len(list) != 0 {
			t.Errorf("%d drafts too many", len(list))
		}
	})
}
