package exposure

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

// Every word that the source names is there, and every word there is named.
func TestWords(t *testing.T) {
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	src := ""
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "match") || strings.HasPrefix(name, "explain") { // those have their own test
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src += string(raw)
	}
	inCode := regexp.MustCompile(`(?:fault\.New\([a-zA-Z.]+, |Code: |\.T\(|Say\()"(exposure\.[a-z_.]+)"`)
	for _, m := range inCode.FindAllStringSubmatch(src, -1) {
		if !strings.HasSuffix(m[1], ".") && !cat.Has(m[1]) {
			t.Errorf("no words for %s", m[1])
		}
	}
	said := map[string]bool{}
	for _, m := range regexp.MustCompile(`say\("([a-z_]+)"`).FindAllStringSubmatch(src, -1) {
		said[m[1]] = true
		if !cat.Has("exposure.because." + m[1]) {
			t.Errorf("no words for the reason %s", m[1])
		}
	}
	for _, st := range States() {
		if !cat.Has("exposure.state." + string(st)) {
			t.Errorf("no words for the state %s", st)
		}
	}
	for _, j := range Justifications() {
		if !cat.Has("exposure.why." + string(j)) {
			t.Errorf("no words for %s", j)
		}
	}
	for _, n := range priorityNames {
		if !cat.Has("exposure.priority." + n) {
			t.Errorf("no words for %s", n)
		}
	}
	if len(said) < 20 {
		t.Errorf("only %d reasons were found in the source", len(said))
	}
}
