package exposure

import (
	"encoding/json"
	"slices"
	"testing"

	"noroshi/internal/asset"
	"noroshi/internal/base/httpd"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/sighting"
	"noroshi/internal/testkit"
)

// What followers read is what the senders write.
func TestEventsOfOthersAreRead(t *testing.T) {
	send := func(v any) json.RawMessage {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if e, err := decode[assetEvent](send(asset.Happened{Org: "o", Item: "i"})); err != nil || e.Org != "o" || e.Item != "i" {
		t.Errorf("asset: %+v %v", e, err)
	}
	if e, err := decode[intelEvent](send(intel.Stated{Vulnerabilities: []string{"v"}, Products: []string{"p"}, Many: true})); err != nil || !e.Many || !slices.Equal(e.Vulnerabilities, []string{"v"}) || !slices.Equal(e.Products, []string{"p"}) {
		t.Errorf("intel.stated: %+v %v", e, err)
	}
	if e, err := decode[intelEvent](send(intel.Exploited{Vulnerabilities: []string{"v"}, Many: true})); err != nil || !e.Many || len(e.Vulnerabilities) != 1 {
		t.Errorf("intel.exploited: %+v %v", e, err)
	}
	if e, err := decode[orgEvent](send(org.Tied{Customer: "c", Other: "o"})); err != nil || e.Customer != "c" || e.Other != "o" {
		t.Errorf("org.tied: %+v %v", e, err)
	}
	if e, err := decode[orgEvent](send(org.Changed{Org: "o"})); err != nil || e.Org != "o" {
		t.Errorf("org.changed: %+v %v", e, err)
	}
	if e, err := decode[sightingEvent](send(sighting.Happened{Kind: sighting.Exploited, Vulnerability: "v"})); err != nil || e.Kind != "exploited" || e.Vulnerability != "v" {
		t.Errorf("sighting: %+v %v", e, err)
	}
	if _, err := decode[assetEvent](json.RawMessage(`{"org":3}`)); err == nil {
		t.Error("nonsense is taken for an event")
	}
}

func TestRoutesAreRegistered(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	r := httpd.New(httpd.Options{DB: h.Parts.DB, Now: h.Clock.Now})
	Routes(r, h.Service)
	for _, want := range []string{"GET /api/v1/exposures", "POST /api/v1/exposure-verdicts"} {
		if !slices.ContainsFunc(r.Routes(), func(x httpd.Route) bool { return x.Pattern == want }) {
			t.Errorf("no route %s", want)
		}
	}
}
