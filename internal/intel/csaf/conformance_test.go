package csaf

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared opens an archive of ../shared/data. Without it the test is skipped,
// and fails where everything has to run.
func shared(t testing.TB, name string) *zip.ReadCloser {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "..", "..", "shared", "data", "vuln", "csaf", name))
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("shared data is not here: ", err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

func content(t testing.TB, z *zip.ReadCloser, name string) []byte {
	t.Helper()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type testCases struct {
	Tests []struct {
		ID, Group       string
		Failures, Valid []struct {
			Name   string
			Valid  bool
			Result string
		}
	}
}

func TestOASISDocuments(t *testing.T) {
	z := shared(t, "oasis-csaf-tests.zip")
	for _, edition := range []struct {
		dir  string
		in   edition
		want []string // the tests that are not there
	}{
		{"csaf_2.0", in20, untested(in20)},
		{"csaf_2.1", in21, untested(in21)},
	} {
		base := edition.dir + "/test/validator/data/"
		var cases testCases
		if err := json.Unmarshal(content(t, z, base+"testcases.json"), &cases); err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, r := range rules {
			have[r.number] = have[r.number] || r.in&edition.in != 0
		}
		var missing []string
		count := map[string][2]int{}
		for _, test := range cases.Tests {
			if !have[test.ID] {
				missing = append(missing, test.ID)
				continue
			}
			for _, doc := range test.Failures {
				rep := Validate(content(t, z, base+doc.Name))
				if !finds(rep, test.ID) {
					t.Errorf("%s: %s says nothing of it: %v", doc.Name, test.ID, rep.Problems)
				}
				if doc.Valid != rep.OK() && !excuse(doc.Name, rep) {
					t.Errorf("%s: valid = %v, want %v: %v", doc.Name, rep.OK(), doc.Valid, rep.Problems)
				}
				c := count[test.Group]
				c[0]++
				count[test.Group] = c
			}
			for _, doc := range test.Valid {
				rep := Validate(content(t, z, base+doc.Name))
				if finds(rep, test.ID) && !(strings.HasPrefix(test.ID, "6.1.48") && excuse(doc.Name, rep)) {
					t.Errorf("%s: must pass %s: %v", doc.Name, test.ID, rep.Problems)
				}
				if doc.Valid != rep.OK() && !excuse(doc.Name, rep) {
					t.Errorf("%s: valid = %v, want %v: %v", doc.Name, rep.OK(), doc.Valid, rep.Problems)
				}
				c := count[test.Group]
				c[1]++
				count[test.Group] = c
			}
		}
		t.Logf("%s: must fail, must pass: %v", edition.dir, count)
		t.Logf("%s: not implemented: %v", edition.dir, missing)
		if edition.in == in21 {
			for tail := range excused {
				if !used[tail] {
					t.Errorf("%s needs no excuse", tail)
				}
			}
		}
		if !slices.Equal(missing, edition.want) {
			t.Errorf("%s: not implemented %v, Untested says %v", edition.dir, missing, edition.want)
		}
	}
}

func finds(r Report, number string) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Rule == number })
}

// excused are documents that fail the mandatory test named here although
// testcases.json calls them valid: what they are for is another test.
var excused = map[string]string{
	"6-2-08-02": "6.1.25", "6-2-09-02": "6.1.25", // one algorithm twice in one file
	"6-1-27-13-16": "6.1.1 6.1.2",                 // an id twice, another nowhere
	"6-1-50-14":    "6.1.2", "6-1-50-15": "6.1.2", // an id twice
	"6-1-10-13":    "6.1.9",                                  // CVSS 2.0 base score 9.0 where the vector gives 10.0
	"6-2-21-02":    "6.1.14 6.1.21",                          // numbers not in the order of dates
	"6-1-48-16":    "6.1.48",                                 // a decision point E 3.0.1 that SSVC never published
	"6-1-48-19":    "6.1.48",                                 // keys M C R where SSVC has M R C; 6-1-48-08 must fail for the same
	"6-2-34-03":    "6.1.48",                                 // the namespace "invalid"
	"6-2-39-02-01": "6.1.27.14", "6-2-39-03-01": "6.1.27.14", // no description
	"6-3-21-01-02": "6.1.1", "6-3-21-01-12": "6.1.1",
}

// used are the excuses that were needed.
var used = map[string]bool{}

func excuse(name string, r Report) bool {
	for tail, rules := range excused {
		if !strings.HasSuffix(name, tail+".json") {
			continue
		}
		used[tail] = true
		for _, p := range r.Problems {
			if p.Class <= Mandatory && !slices.Contains(strings.Fields(rules), p.Rule) {
				return false
			}
		}
		return true
	}
	return false
}
