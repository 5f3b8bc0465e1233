package exposure

import (
	"fmt"
	"strings"
	"testing"
)

// cveRecord is a CVE record that names no product by an id: only what is known
// of the vulnerability.
func cveRecord(id, exploitation string, minute int) []byte {
	at := fmt.Sprintf("2026-02-20T01:%02d:03.000Z", minute)
	meta := `"cveMetadata":{"cveId":"` + id + `","assignerOrgId":"11111111-1111-4111-8111-111111111111","assignerShortName":"orvane","state":"PUBLISHED","dateUpdated":"` + at + `"}`
	provider := `"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","shortName":"orvane","dateUpdated":"` + at + `"}`
	return []byte(`{"dataType":"CVE_RECORD","dataVersion":"5.1",` + meta + `,"containers":{"cna":{` + provider + `,
		"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"n/a","product":"n/a","versions":[{"status":"affected","version":"n/a"}]}]},
		"adp":[{"title":"CISA ADP Vulnrichment","providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP"},
		"metrics":[{"other":{"type":"ssvc","content":{"id":"` + id + `","role":"CISA Coordinator","version":"2.0.3","timestamp":"2026-02-20T00:00:00Z",
		"options":[{"Exploitation":"` + exploitation + `"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}}]}]}}`)
}

// What a source knows of a vulnerability reaches the exposures that others'
// statements made, though the source names no product.
func TestAFactWithoutAProductReachesExposures(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "2.0"})
		h.add(h.wind(), "cpe", gateway, "version", "1.0", "zone", "internet")
		h.settle()
		last := strings.Join(h.rows(), "; ")
		for i, step := range []string{"active", "none"} {
			h.take("cve", cveRecord("CVE-2026-90001", step, i+1), false)
			h.settle()
			got := strings.Join(h.rows(), "; ")
			if got == last {
				t.Errorf("%s: still %s", step, got)
			}
			if run, err := h.Rematch(h.analyst()); err != nil || run.Counts.Found+run.Counts.Changed+run.Counts.Ended != 0 {
				t.Errorf("%s: a rematch finds %+v %v", step, run.Counts, err)
			}
			last = got
		}
	})
}
