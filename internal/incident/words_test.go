package incident

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Every sentence a fault of this package may need exists in both languages.
func TestWordsComplete(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`"(incident\.(?:report|json|key|value|form|parse|echo|scope)\.[a-z0-9_.]+)"`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllStringSubmatch(string(src), -1) {
			used[m[1]] = true
			if !cat.Has(m[1]) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
	}
	for form := range forms {
		if form != "" && !cat.Has("incident.form."+form) {
			t.Errorf("no words for the form %q", form)
		}
	}
	for _, k := range cat.Keys() {
		group := regexp.MustCompile(`^incident\.(report|json|key|value|parse|echo|scope)\.`).MatchString(k)
		if group && !used[strings.TrimSuffix(k, ".hint")] {
			t.Errorf("%s is said by nobody", k)
		}
	}
}

// sentences loads the words as a command would.
func sentences(t testing.TB) *text.Catalog {
	t.Helper()
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}
