package sigma

import (
	"archive/zip"
	"io"
	"maps"
	"path"
	"strings"
	"testing"

	"noroshi/internal/testkit"
)

// archived is a file of an archive.
type archived struct {
	name string
	data []byte
}

// archive returns the rule files of an archive of ../shared/data under a folder.
func archive(t testing.TB, name, under string) []archived {
	z, err := zip.OpenReader("../../../../shared/data/" + name)
	if err != nil {
		testkit.Skip(t, "no shared data: "+err.Error())
	}
	defer z.Close()
	var files []archived
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, under) || path.Ext(f.Name) != ".yml" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, archived{f.Name, data})
	}
	return files
}

// load loads files without values for placeholders.
func load(files []archived, o Options) *Collection {
	return Load(func(yield func(string, []byte) bool) {
		for _, f := range files {
			if !yield(f.name, f.data) {
				return
			}
		}
	}, o)
}

// TestCorpus loads whole collections. What is rejected is listed with its
// reason, so that nothing new is lost unseen.
func TestCorpus(t *testing.T) {
	for _, c := range []struct {
		archive, under             string
		files, rules, correlations int
		rejected                   map[Code]int
	}{
		{"sigma/sigma-rules.zip", "rules/", 3141, 3141, 0, map[Code]int{}},
		{"sigma/sigma-rules.zip", "rules-", 639, 614, 0, map[Code]int{NeedsValues: 25}},
		{"sigma/sigma-rules.zip", "deprecated/", 172, 169, 1, map[Code]int{NeedsValues: 3}},
		// near is obsolete; the other four have prose for a condition.
		{"sigma/sigma-rules.zip", "unsupported/", 87, 77, 46, map[Code]int{ConditionName: 4, ConditionNear: 8}},
		{"sigma/hayabusa-rules.zip", "hayabusa/", 193, 193, 6, map[Code]int{}},
		{"lol/loldrivers-sigma.zip", "", 6, 6, 0, map[Code]int{}},
		// Two files are queries of other products.
		{"lol/lolrmm.zip", "detections/", 634, 632, 0, map[Code]int{NotRule: 2}},
	} {
		files := archive(t, c.archive, c.under)
		got := load(files, Options{})
		reasons := map[Code]int{}
		for _, r := range got.Rejected {
			reasons[r.Code]++
		}
		if len(files) != c.files || len(got.Rules) != c.rules || len(got.Correlations) != c.correlations || !maps.Equal(reasons, c.rejected) {
			t.Errorf("%s %s: %d files, %d rules, %d correlations, rejected %v", c.archive, c.under, len(files), len(got.Rules), len(got.Correlations), reasons)
			for i, r := range got.Rejected {
				if i < 60 {
					t.Log(r)
				}
			}
		}
	}
}

// TestValuesAreEnough gives each placeholder that is missed a value: then every
// rule that was rejected for it loads.
func TestValuesAreEnough(t *testing.T) {
	files := append(archive(t, "sigma/sigma-rules.zip", "rules-"), archive(t, "sigma/sigma-rules.zip", "deprecated/")...)
	first := load(files, Options{})
	values := map[string][]string{}
	for _, name := range Placeholders(first.Rejected) {
		values[name] = []string{"10.0.0.1", "10.0.0.2"}
	}
	if got := load(files, Options{Values: values}); len(got.Rejected) > 0 || len(got.Rules) != len(first.Rules)+len(first.Rejected) {
		t.Errorf("%d rules, rejected %v", len(got.Rules), got.Rejected)
	}
}
