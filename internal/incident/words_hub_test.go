package incident

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every fault of the hub's side has its sentence, so that nobody reads a code.
func TestEveryFaultHasWords(t *testing.T) {
	cat := allWords(t)
	said := regexp.MustCompile(`(?:fault\.New\(fault\.[A-Za-z]+, |Code: |p?\.?T\(|\bsay\(at, )"([a-z]+\.[a-z0-9_.]+)"`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "web") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(src), -1) {
			if n++; !strings.HasSuffix(m[1], ".") && !cat.Has(m[1]) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
	}
	for _, r := range []Reason{ReasonEmpty, ReasonInvestigating, ReasonGate, ReasonConsent} {
		if !cat.Has("incident.missing." + string(r)) {
			t.Errorf("no words for incident.missing.%s", r)
		}
	}
	if n < 100 {
		t.Errorf("only %d codes found", n)
	}
}
