package csaf

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	lang "noroshi/internal/base/text"
)

// Every sentence is said, every code has a sentence, in both languages.
func TestWords(t *testing.T) {
	cat, err := lang.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	names, _ := filepath.Glob("*.go")
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(csaf\.[a-z0-9_.]*[a-z0-9_])"`).FindAllStringSubmatch(string(src), -1) {
			used[m[1]] = true
		}
	}
	for i := range rules {
		used[rules[i].code()] = true
	}
	for code := range used {
		if !cat.Has(code) {
			t.Errorf("%s has no words", code)
		}
	}
	for _, key := range cat.Keys() {
		if !used[strings.TrimSuffix(key, ".hint")] {
			t.Errorf("%s: nobody says it", key)
		}
	}
}

// What the tests find in the OASIS documents can be said in both languages,
// with every place filled.
func TestProblemsCanBeSaid(t *testing.T) {
	z := shared(t, "oasis-csaf-tests.zip")
	cat, err := lang.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	open := regexp.MustCompile(`\{(value|name|want|got|allowed|least|n|limit|offset|id|url|version)[}|]`)
	said := map[string]bool{}
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" || !strings.Contains(f.Name, "/data/") {
			continue
		}
		for _, p := range Validate(content(t, z, f.Name)).Problems {
			var pairs []any
			for k, v := range p.Args {
				pairs = append(pairs, k, v)
			}
			for _, l := range lang.Langs {
				if s := cat.Printer(l, nil).T(p.Code, pairs...); s == "" || open.MatchString(s) || strings.Contains(s, "csaf.") {
					t.Errorf("%s: %s %s: %q", f.Name, l, p.Code, s)
				}
			}
			said[p.Code] = true
		}
	}
	if len(said) < 100 {
		t.Errorf("only %d sentences were needed", len(said))
	}
}
