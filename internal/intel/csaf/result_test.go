package csaf

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
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
