package exposure

import (
	"encoding/json"
	"strings"
	"testing"
)

// A proof names the ends of a range as the source states them now, also where
// the verdict stays.
func TestAProofFollowsItsSource(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		say := func(minute int, end string) {
			list := []said{{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "2.0", rev: minute}}
			raw, err := json.Marshal(map[string]any{"resultsPerPage": 1, "startIndex": 0, "totalResults": 1, "format": "NVD_CVE", "version": "2.0", "timestamp": "2026-03-01T04:05:06.789", "vulnerabilities": list})
			if err != nil {
				t.Fatal(err)
			}
			h.take("nvd", []byte(strings.Replace(string(raw), "versionEndExcluding", end, 1)), false)
			h.settle()
		}
		h.add(h.wind(), "cpe", gateway, "version", "1.0", "zone", "internet")
		for i, end := range []string{"versionEndExcluding", "versionEndIncluding", "versionEndExcluding"} {
			say(i, end)
			g := h.one(h.wind()).Detail.Lines[0].Because[0]
			if g.To != "2.0" || g.Through != (end == "versionEndIncluding") {
				t.Errorf("%s: the proof says %+v", end, g)
			}
		}
		// The day support ends moves, and nothing else does.
		for _, day := range []string{"2029-12-31", "2028-06-30"} {
			h.take("eol", []byte(`{"schema_version":"1.2.0","generated_at":"2026-03-01T00:00:00+00:00","total":1,"result":[{"name":"orvane-edgegate","label":"EdgeGate","category":"os",
				"identifiers":[{"id":"cpe:/o:orvane:edgegate","type":"cpe"}],"releases":[{"name":"1","releaseDate":"2023-01-10","isEol":false,"eolFrom":"`+day+`","latest":null}]}]}`), false)
			h.settle()
			h.work()
			if got := h.one(h.wind()).Detail.Lines[0].Ends; got != day {
				t.Errorf("support ends %s, want %s", got, day)
			}
		}
	})
}
