package situation

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// TestEveryWordIsUsed finds sentences that no code and no page speaks. A key
// made of a prefix and an id is used when its prefix is.
func TestEveryWordIsUsed(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, pattern := range []string{"*.go", "web/*.html"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				all.Write(raw)
			}
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(situation\.[a-z_.]+)"`).FindAllStringSubmatch(all.String(), -1) {
		used[m[1]] = true
	}
	for _, key := range words.Keys() {
		if !used[key] && !used[key[:strings.LastIndexByte(key, '.')+1]] {
			t.Errorf("%s: nobody says it", key)
		}
	}
}
