package page

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden draws every component in both languages, as it first appears and
// as it comes back with mistakes.
func TestGolden(t *testing.T) {
	s := gallerySet(t)
	for name, shell := range map[string]Shell{
		"gallery.ja": galleryShell(text.JA), "gallery.en": galleryShell(text.EN),
		"mistakes.ja": faulty(text.JA), "mistakes.en": faulty(text.EN),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".golden.html", galleryPage(t, s, shell))
		})
	}
}

var fingerprint = regexp.MustCompile(`/noroshi\.[\w-]{12}\.(css|js|svg)`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	got = fingerprint.ReplaceAllString(got, "/noroshi.$1") // else every change of the stylesheet changes every golden
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got; -update writes it):\n%s", file, d)
	}
}
