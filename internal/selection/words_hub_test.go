package selection

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Every sentence of the hub's side is spoken, and every one that is spoken exists
// in both languages.
func TestEveryWordOfTheHubIsSaid(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	key, said := regexp.MustCompile(`"(selection\.(?:agreement|list|hub|record|custody|opening)\.[a-z0-9_.]+)"`), map[string]bool{}
	for _, pattern := range []string{"*.go", "web/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range key.FindAllStringSubmatch(string(raw), -1) {
				said[m[1]] = true
			}
		}
	}
	known := map[string]bool{}
	for _, k := range cat.Keys() {
		known[k] = true
		if !key.MatchString(`"` + k + `"`) {
			continue
		}
		base := strings.TrimSuffix(k, ".hint")
		if !said[base] && !said[base[:strings.LastIndexByte(base, '.')+1]] {
			t.Errorf("%s: nobody says it", k)
		}
	}
	for k := range said {
		if !strings.HasSuffix(k, ".") && !known[k] {
			t.Errorf("%s: there are no words for it", k)
		}
	}
	if len(said) < 300 {
		t.Errorf("only %d words are said", len(said))
	}
}
