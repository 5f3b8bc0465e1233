package org

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Every code and word that the source names has a sentence, and the two
// languages agree.
func TestWords(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`"(org\.[a-z_]+(?:\.[a-z_0-9]+)+|org\.(?:invalid|stale|not_found))"`)
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".html") {
			return err
		}
		raw, err := os.ReadFile(name)
		for _, m := range used.FindAllStringSubmatch(string(raw), -1) {
			if !cat.Has(m[1]) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
