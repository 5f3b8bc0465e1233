package csaf

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// Where the OASIS data says at which place a test fails, we name that place.
func TestOASISPlaces(t *testing.T) {
	z := shared(t, "oasis-csaf-tests.zip")
	base := "csaf_2.1/test/validator/data/"
	var cases testCases
	if err := json.Unmarshal(content(t, z, base+"testcases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	n, same := 0, 0
	for _, test := range cases.Tests {
		for _, doc := range test.Failures {
			if doc.Result == "" || slices.Contains(Untested("2.1"), test.ID) {
				continue
			}
			type finding struct {
				Path string `json:"instance_path"`
			}
			var result struct {
				Primary struct{ Errors, Warnings, Infos []finding } `json:"primary_result"`
			}
			if err := json.Unmarshal(content(t, z, base+doc.Result), &result); err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for _, f := range slices.Concat(result.Primary.Errors, result.Primary.Warnings, result.Primary.Infos) {
				want = append(want, f.Path)
			}
			for _, p := range Validate(content(t, z, base+doc.Name)).Problems {
				if p.Rule == test.ID {
					got = append(got, p.At)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			want, got = slices.Compact(want), slices.Compact(got)
			n++
			if slices.Equal(want, got) {
				same++
			}
			// We may be more exact: the entry of a list and not the list.
			within := func(at string, all []string) bool {
				return slices.ContainsFunc(all, func(p string) bool { return at == p || strings.HasPrefix(at, p+"/") })
			}
			for _, at := range got {
				if !within(at, want) && !strings.HasSuffix(doc.Name, "6-1-27-08-02.json") { // its first place is that of the one product that has an id
					t.Errorf("%s: %s is not among %v", doc.Name, at, want)
				}
			}
			if len(got) == 0 {
				t.Errorf("%s: nothing, the data say %v", doc.Name, want)
			}
		}
	}
	t.Logf("%d of %d documents: the very same places, in the others places inside them", same, n)
}

// Every document of the OASIS data that has the shape of one can be read, and
// its records are complete.
func TestOASISDocumentsAreRead(t *testing.T) {
	z := shared(t, "oasis-csaf-tests.zip")
	read, records, nodes := 0, 0, 0
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || strings.Contains(f.Name, ".result.") {
			continue
		}
		raw := content(t, z, f.Name)
		rep := Validate(raw)
		if rep.Version == "" || slices.ContainsFunc(rep.Problems, func(p Problem) bool { return p.Class == Schema }) {
			continue
		}
		read++
		err := Read(context.Background(), f.Name, bytes.NewReader(raw), func(r *feed.Record) error {
			records++
			if r.ID == "" || r.By == "" || r.Ref == "" || r.Modified.IsZero() || !json.Valid(r.Further) {
				t.Errorf("%s: %+v", f.Name, r)
			}
			for _, s := range r.Statements {
				nodes += len(s.Root.Children)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	t.Logf("%d documents, %d records, %d with platforms", read, records, nodes)
	if read < 700 || nodes == 0 {
		t.Errorf("only %d documents, %d nodes", read, nodes)
	}
	for _, name := range []string{"csaf_2.0", "csaf_2.1"} {
		n := 0
		err := ReadFeed(bytes.NewReader(content(t, z, name+"/examples/ROLIE/example-01-feed-tlp-white.json")), func(e Entry) error {
			n++
			if !strings.HasPrefix(e.URL, "https://") || e.Updated.IsZero() {
				t.Errorf("%+v", e)
			}
			return nil
		})
		if err != nil || n == 0 {
			t.Errorf("%s: %d entries, %v", name, n, err)
		}
	}
}

// What is new in 2.1 becomes fields of the record.
func TestRead21(t *testing.T) {
	recs := readAll(t, `{"$schema":"https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json","document":{"category":"csaf_base","csaf_version":"2.1","lang":"ja",
	"distribution":{"tlp":{"label":"AMBER+STRICT"},"sharing_group":{"id":"5868d6e1-bd9c-4b4b-9b6a-2a6ef0b0a2c1"}},"license_expression":"CC-BY-4.0",
	"publisher":{"category":"coordinator","name":"Minato CERT","namespace":"https://minato.example"},"title":"T","tracking":{"current_release_date":"2026-03-02T00:00:00Z","id":"M-1",
	"initial_release_date":"2026-03-01T00:00:00Z","revision_history":[{"date":"2026-03-01T00:00:00Z","number":"1","summary":"s"}],"status":"final","version":"1"}},
	"product_tree":{"full_product_names":[{"name":"App 2","product_id":"A","product_identification_helper":{"purls":["pkg:npm/app@2.0.0","pkg:npm/app@2.0.0?arch=x"]}},
	 {"name":"OS","product_id":"O","product_identification_helper":{"cpe":"cpe:2.3:o:kumo:os:5:*:*:*:*:*:*:*"}},{"name":"Box","product_id":"H","product_identification_helper":{"cpe":"cpe:2.3:h:kumo:box:-:*:*:*:*:*:*:*"}}],
	 "product_paths":[{"beginning_product_reference":"A","full_product_name":{"name":"A on O on H","product_id":"AOH"},"subpaths":[{"category":"installed_on","next_product_reference":"O"},{"category":"installed_on","next_product_reference":"H"}]}]},
	"vulnerabilities":[{"cve":"CVE-2026-1","cwes":[{"id":"CWE-79","name":"x","version":"4.13"}],"disclosure_date":"2026-02-01T00:00:00Z","notes":[{"category":"description","text":"説明"}],
	 "first_known_exploitation_dates":[{"date":"2026-02-10T00:00:00Z","exploitation_date":"2026-02-05T00:00:00Z","product_ids":["A"]}],"product_status":{"known_affected":["AOH"]},
	 "metrics":[{"products":["AOH"],"source":"https://other.example","content":{"cvss_v4":{"version":"4.0","vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","baseScore":9.3,"baseSeverity":"CRITICAL"},
	  "epss":{"percentile":"0.97","probability":"0.5","timestamp":"2026-02-20T00:00:00Z"},"ssvc_v2":{"schemaVersion":"2.0.0","timestamp":"2026-02-21T00:00:00Z","selections":[
	  {"namespace":"ssvc","key":"E","version":"1.1.0","values":[{"key":"A"}]},{"namespace":"ssvc","key":"A","version":"2.0.0","values":[{"key":"Y"}]},{"namespace":"ssvc","key":"TI","version":"1.0.0","values":[{"key":"T"}]}]}}}]}]}`)
	r := recs[0]
	if r.Licence != "CC-BY-4.0" || r.Description["ja"] != "説明" || r.Exploited == nil || r.Exploited.Added.Day() != 5 || r.Likelihood == nil || r.Likelihood.Score != 0.5 ||
		r.Decision == nil || r.Decision.Exploitation != "active" || r.Decision.Automatable != "yes" || r.Decision.Impact != "total" ||
		r.Scores[0].By != "https://other.example" || r.Weaknesses[0] != "CWE-79" || r.Published.Month() != 2 {
		t.Errorf("%+v", r)
	}
	and := r.Statements[0].Root.Children
	if len(and) != 1 || and[0].Op != product.And || len(and[0].Lines) != 3 || and[0].Lines[0].Package != "pkg:npm/app" || and[0].Lines[0].Platform || !and[0].Lines[1].Platform || !and[0].Lines[2].Platform {
		t.Errorf("%+v", and)
	}
	gone := readAll(t, `{"document":{"category":"csaf_withdrawn","csaf_version":"2.1","publisher":{"name":"Minato CERT"},"title":"T","tracking":{"id":"M-2"}}}`)
	if len(gone) != 1 || !gone[0].Withdrawn || gone[0].ID != "M-2" {
		t.Errorf("%+v", gone)
	}
}
