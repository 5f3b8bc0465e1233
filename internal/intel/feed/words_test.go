package feed

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Every fault has words in both languages, no words are left over, and what a
// fault is filled with is what its sentence asks for.
func TestWords(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`"(feed\.[a-z0-9_]+)"`)
	used := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
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
	for _, k := range cat.Keys() {
		if !used[strings.TrimSuffix(k, ".hint")] {
			t.Errorf("%s is said by nobody", k)
		}
	}
	for _, lang := range text.Langs {
		p := cat.Printer(lang, nil)
		_, err := reader.Read(t.Context(), "kev.json", strings.NewReader(strings.Replace(sample(t, "kev.json"), `"count": 2`, `"count": 7`, 1)), ignore)
		said := p.T(fault.Of(err).Code, pairs(err)...)
		if !strings.Contains(said, "kev.json") || !strings.Contains(said, "/count") || !strings.Contains(said, "7") || strings.Contains(said, "{") {
			t.Error(said)
		}
	}
}

func pairs(err error) (p []any) {
	for k, v := range fault.Of(err).Args {
		p = append(p, k, v)
	}
	return p
}
