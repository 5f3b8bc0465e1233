package sigma

import (
	"strings"
	"testing"
)

// TestSchema loads the examples that the specification tests its schemas with.
// The rules that its correlations are over are not among them.
func TestSchema(t *testing.T) {
	files := archive(t, "sigma/sigma-specification.zip", "tests/schema/")
	if len(files) != 12 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		got := Parse(f.name, f.data, Options{})
		if len(got.Rejected) > 0 || len(got.Rules)+len(got.Filters) != 1 {
			t.Errorf("%s: %v", f.name, got.Rejected)
		}
		for _, w := range got.Warnings {
			if w.Code != TaxonomyOther && w.Code != FilterKeeps {
				t.Error(w)
			}
		}
	}
}

// TestSchemaRequires takes away or changes what the schemas require.
func TestSchemaRequires(t *testing.T) {
	for _, f := range archive(t, "sigma/sigma-specification.zip", "tests/schema/") {
		text := string(f.data)
		kind := strings.Split(f.name, "/")[2]
		for _, key := range map[string][]string{
			"rules": {"title", "logsource", "detection", "    condition"}, "filter": {"logsource", "filter", "    rules", "    condition"}, "correlation": {"correlation", "    type", "    rules", "    timespan"},
		}[kind] {
			broken := strings.Replace("\n"+text, "\n"+key+":", "\n"+key+"_:", 1)
			if broken == "\n"+text {
				t.Errorf("%s has no %s", f.name, key)
			}
			got := load([]archived{{f.name, []byte(broken)}}, Options{})
			// An identifier and an id can stand for what is missing, which is said.
			if len(got.Rejected) == 0 && len(got.Warnings) == 0 {
				t.Errorf("%s without %s is taken", f.name, strings.TrimSpace(key))
			}
		}
	}
}
