package exposure

import (
	"slices"
	"strings"
	"testing"
)

// osv is what OSV says of one package under its own id.
func osv(id, alias string) []byte {
	aliases := "[]"
	if alias != "" {
		aliases = `["` + strings.ReplaceAll(alias, " ", `","`) + `"]`
	}
	return []byte(`{"schema_version":"1.6.0","id":"` + id + `","modified":"2026-11-0` + string(rune('1'+len(alias)%8)) + `T00:00:00Z","published":"2026-11-01T00:00:00Z","aliases":` + aliases + `,
		"summary":"A flaw.","affected":[{"package":{"ecosystem":"npm","name":"gatekit","purl":"pkg:npm/gatekit"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`)
}

// A vulnerability that goes by another id first is the same exposure's under
// its CVE id later, however one comes to it.
func TestAnotherNameIsNoOtherVulnerability(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.add(h.wind(), "purl", "pkg:npm/gatekit@1.2.0")
		h.settle()
		check := func(when string, want ...string) {
			t.Helper()
			h.settle()
			var got []string
			for _, r := range h.rows() {
				got = append(got, strings.Fields(r)[1])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
			run, err := h.Rematch(h.analyst())
			if err != nil || run.Counts.Found+run.Counts.Changed+run.Counts.Ended != 0 {
				t.Errorf("%s: a rematch finds %+v %v", when, run.Counts, err)
			}
		}
		h.take("osv", osv("GHSA-aaaa-bbbb-cccc", ""), false)
		check("its own id", "GHSA-aaaa-bbbb-cccc")
		h.take("osv", osv("GHSA-aaaa-bbbb-cccc", "CVE-2026-90001"), false)
		check("a CVE id", "CVE-2026-90001")
		h.take("osv", osv("GHSA-aaaa-bbbb-cccc", "CVE-2026-90001 CVE-2026-90002"), false)
		check("two CVE ids", "CVE-2026-90001", "CVE-2026-90002")
	})
}
