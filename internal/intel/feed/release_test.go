package feed

import (
	"strings"
	"testing"

	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// "-" beside named releases is one of them, and not all; alone it is every
// version its source says.
func TestNoVersionAmongReleases(t *testing.T) {
	const first = `{"cpes":["cpe:2.3:o:orvane:gate_10:1607:*:*:*:*:*:*:*"],"vendor":"orvane","product":"gate_10","versions":[{"status":"affected","version":"1607"}]},`
	const open = `{"cpes":["cpe:2.3:o:orvane:gate_10:-:*:*:*:*:*:*:*"],"vendor":"orvane","product":"gate_10","versions":[{"status":"affected","version":"0","versionType":"custom","lessThanOrEqual":"*"}]}`
	for _, c := range []struct {
		affected, version string
		want              product.Verdict
	}{
		{first + open, "22h2", product.Unknown},
		{first + open, "1607", product.VerdictAffected},
		{strings.ReplaceAll(first, "gate_10", "gate_8") + open, "22h2", product.VerdictAffected},
	} {
		text := `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-90001","assignerOrgId":"11111111-1111-4111-8111-111111111111","state":"PUBLISHED","datePublished":"2026-02-03T10:15:00.000Z","dateUpdated":"2026-02-20T01:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","shortName":"orvane"},"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[` + c.affected + `],"references":[{"url":"https://orvane.example/1"}]}}}`
		var b product.Builder
		if _, err := (Reader{}).Read(t.Context(), "CVE-2026-90001.json", strings.NewReader(text), func(r *Record) error {
			b.Add(r.Statements[0])
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		got := product.Verdict(99)
		for f := range b.Index().Match(product.Subject{Name: cpe.Name{Part: "o", Vendor: "orvane", Product: "gate_10", Version: cpe.Value(c.version)}}) {
			got = f.Verdict
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.version, got, c.want)
		}
	}
}
