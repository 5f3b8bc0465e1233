package testkit

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Said fails the test for every sentence of a noun that neither its code nor
// its pages speak, and returns the keys they do. It reads the folder the test
// runs in. A key made of a prefix and an id is spoken when its prefix is; a
// hint goes with its fault.
func Said(t testing.TB, noun string, words fs.FS) map[string]bool {
	t.Helper()
	cat, err := text.Load(words)
	if err != nil {
		t.Fatal(err)
	}
	key, said := regexp.MustCompile(`"(`+noun+`\.[a-z0-9_.]+)"`), map[string]bool{}
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
	for _, k := range cat.Keys() {
		base := strings.TrimSuffix(k, ".hint")
		if !said[base] && !said[base[:strings.LastIndexByte(base, '.')+1]] {
			t.Errorf("%s: nobody says it", k)
		}
	}
	return said
}
