package notice

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Every sentence that code and pages ask for is there, and nobody keeps one
// that none of them says.
func TestWords(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, glob := range []string{"*.go", "web/*.html"} {
		more, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	key := regexp.MustCompile(`"(notice\.[a-z0-9_.]+)"`)
	said, begun := map[string]bool{}, []string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "rules_access.go" || name == "http.go" || name == "follow.go" {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(raw), -1) {
			said[m[1]] = true
			if strings.HasSuffix(m[1], ".") {
				begun = append(begun, m[1])
			} else if _, verb := Access[m[1]]; !verb && !cat.Has(m[1]) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
	}
	raw, err := os.ReadFile("rules_access.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`fault\.New\(fault\.\w+, "([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
		if said[m[1]] = true; !cat.Has(m[1]) {
			t.Errorf("no words for %s", m[1])
		}
	}
next:
	for _, k := range cat.Keys() {
		for _, b := range begun {
			if strings.HasPrefix(k, b) {
				continue next
			}
		}
		if !said[strings.TrimSuffix(k, ".hint")] && !said[k] {
			t.Errorf("%s is said by nobody", k)
		}
	}
}

// A page or a sentence in Japanese keeps to 40 characters a sentence (UI.md 8).
func TestSentencesAreShort(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	p := cat.Printer(text.JA, nil)
	for _, k := range cat.Keys() {
		if strings.HasSuffix(k, ".long") || k == "notice.cli.state" || k == "notice.field.tlp" { // lists of names
			continue
		}
		for _, s := range sentences(p.T(k)) {
			if n := len([]rune(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(s, "＊"))); n > 48 {
				t.Errorf("%s: %d characters: %s", k, n, s)
			}
		}
	}
}
