package noroshi

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// code is the name of a working note, which no reader can look up; short is
// one that only a line about sources can tell from a product or a cell.
var (
	code  = regexp.MustCompile(`\b(?:FACTS|PEERS|ENGINES|LIBS)\b|\bF[0-9]+\.[0-9]|\bF-[A-Z][0-9]|\bissue [0-9]`)
	short = regexp.MustCompile(`\b[A-Z][0-9]{1,2}\b|\b(?:ZEE[CM]?|LIX|NEWT|NLI[34]|HSP[12])\b|\bsection [0-9]+ \(|\bTimeline\b`)
)

// working finds the names of working notes in a file.
func working(name, body string) (found []string) {
	for _, line := range strings.Split(body, "\n") {
		found = append(found, code.FindAllString(line, -1)...)
		if strings.HasSuffix(name, ".toml") && strings.HasPrefix(strings.TrimSpace(line), "source") {
			found = append(found, short.FindAllString(line, -1)...)
		}
	}
	return found
}

// shown is a source that readers see, in both languages.
var (
	shown    = regexp.MustCompile(`\bsource\s*=\s*\{ ja = "([^"]*)", en = "([^"]*)" \}`)
	japanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
)

// Whoever is told "the law says so" must be able to open it: data, code and
// documents cite what is public, never the notes they were written from.
func TestSourcesArePublic(t *testing.T) {
	files, both := 0, 0
	for _, root := range []string{"internal", "docs"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || !regexp.MustCompile(`\.(?:toml|go|html|md)$`).MatchString(name) {
				return err
			}
			body, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			files++
			for _, m := range shown.FindAllStringSubmatch(string(body), -1) {
				both++
				if !japanese.MatchString(m[1]) || m[2] == "" || japanese.MatchString(m[2]) {
					t.Errorf("%s: %s does not speak to both readers", name, m[0])
				}
			}
			for _, c := range working(name, string(body)) {
				t.Errorf("%s cites %q, which nobody else can look up", name, c)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 || both < 50 {
		t.Errorf("only %d files and %d sources were read", files, both)
	}
}

func TestWorkingNotesAreFound(t *testing.T) {
	for line, want := range map[string]bool{
		`# FACTS section 8 (PPC)`:                     true,
		`// content and clock: issue 2`:               true,
		`source = "Act 42 art 2(3); F3.1.5"`:          true,
		`source = "F-P15: about two years"`:           true,
		`source = { ja = "C5 (proposed)", en = "C5"}`: true,
		`source = "section 8 (PPC)"`:                  true,
		`source           = "Timeline"`:               true,
		`product = { name = "FortiGate", id = "F5" }`: false,
		`source = { ja = "法（令和7年法律第42号）第5条", en = "Act No. 42 of 2025, art 5" }`: false,
		`source = "6 U.S.C. § 681b(a)(1); RFC 6962 section 2.1"`:                 false,
	} {
		if got := working("x.toml", line); (len(got) > 0) != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
