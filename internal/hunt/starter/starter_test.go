package starter

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"noroshi/internal/engine/sigma"
)

// document is what of a rule file is not in [sigma.Rule].
type document struct {
	Title          string
	Correlation    any
	FalsePositives []string `yaml:"falsepositives"`
	Noroshi        *struct {
		TitleJA          string   `yaml:"title_ja"`
		DescriptionJA    string   `yaml:"description_ja"`
		FalsePositivesJA []string `yaml:"falsepositives_ja"`
		Next             []string
		NextJA           []string `yaml:"next_ja"`
	}
}

// load reads the rules and insists on every one of them.
func load(t *testing.T) *sigma.Collection {
	t.Helper()
	c := sigma.Load(All(), sigma.Options{})
	for _, n := range slices.Concat(c.Rejected, c.Warnings) {
		t.Errorf("%+v", n)
	}
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// shown returns the rules whose hits are told: not those that only feed
// correlations.
func shown(c *sigma.Collection) []*sigma.Rule {
	all := slices.Concat(c.Rules, c.Correlations)
	return slices.DeleteFunc(all, func(r *sigma.Rule) bool { return r.Hidden })
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestRules(t *testing.T) {
	c := load(t)
	rules := shown(c)
	if len(rules) < 120 {
		t.Errorf("%d rules, fewer than 120", len(rules))
	}
	if len(c.Correlations) < 6 {
		t.Errorf("%d correlations, fewer than 6", len(c.Correlations))
	}
	ids, titles, levels := map[string]string{}, map[string]string{}, map[sigma.Level]int{}
	for _, r := range slices.Concat(c.Rules, c.Correlations) {
		if _, err := uuid.Parse(r.ID); err != nil || !uuid4.MatchString(r.ID) {
			t.Errorf("%s: %q is no random UUID", r.File, r.ID)
		}
		if ids[r.ID] != "" {
			t.Errorf("%s: its id is that of %s", r.File, ids[r.ID])
		}
		ids[r.ID] = r.File
		if titles[r.Title] != "" {
			t.Errorf("%s: its title is that of %s", r.File, titles[r.Title])
		}
		titles[r.Title] = r.File
		if r.Author != "Noroshi" || r.Date == "" || r.Status != "test" {
			t.Errorf("%s: author %q, date %q, status %q", r.File, r.Author, r.Date, r.Status)
		}
	}
	for _, r := range rules {
		levels[r.Level]++
		tactic, technique := false, false
		for _, tag := range r.Tags {
			technique = technique || techniqueTag.MatchString(tag)
			tactic = tactic || !techniqueTag.MatchString(tag)
		}
		if !tactic || !technique {
			t.Errorf("%s: tags %v lack a tactic or a technique", r.File, r.Tags)
		}
	}
	for _, level := range []sigma.Level{sigma.Low, sigma.Medium, sigma.High, sigma.Critical} {
		if n := levels[level]; n == 0 || n > len(rules)*2/3 {
			t.Errorf("%d of %d rules have level %s", n, len(rules), level)
		}
	}
}

// TestEveryFileIsEmbedded finds a file that stands too deep for the patterns.
func TestEveryFileIsEmbedded(t *testing.T) {
	embedded := 0
	for name, data := range All() {
		embedded++
		disk, err := os.ReadFile(filepath.Join("rules", filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(disk, data) {
			t.Errorf("%s: differs from the file: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join("rules", filepath.FromSlash(strings.TrimSuffix(name, ".yml")+".samples.json"))); err != nil {
			t.Error(err)
		}
	}
	found := 0
	err := fs.WalkDir(os.DirFS("rules"), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case strings.HasSuffix(name, ".yml"):
			found++
		case !strings.HasSuffix(name, ".samples.json"):
			t.Errorf("%s is neither a rule nor its samples", name)
		}
		return nil
	})
	if err != nil || found != embedded {
		t.Errorf("%d files, %d embedded: %v", found, embedded, err)
	}
}

// TestWords: what a person reads stands in both languages, in the right script.
func TestWords(t *testing.T) {
	for name, data := range All() {
		read := yaml.NewDecoder(bytes.NewReader(data))
		told := 0
		for {
			var d document
			err := read.Decode(&d)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d.Noroshi == nil {
				continue
			}
			told++
			n := d.Noroshi
			english(t, name, d.Title)
			english(t, name, d.FalsePositives...)
			english(t, name, n.Next...)
			japanese(t, name, n.TitleJA, n.DescriptionJA)
			japanese(t, name, n.FalsePositivesJA...)
			japanese(t, name, n.NextJA...)
			if !strings.HasSuffix(n.DescriptionJA, "。") {
				t.Errorf("%s: the Japanese description is no sentence: %s", name, n.DescriptionJA)
			}
			if len(n.Next) != len(n.NextJA) || len(n.Next) < 2 || len(n.Next) > 4 {
				t.Errorf("%s: %d and %d next steps", name, len(n.Next), len(n.NextJA))
			}
			if len(d.FalsePositives) == 0 || len(d.FalsePositives) != len(n.FalsePositivesJA) {
				t.Errorf("%s: %d and %d false positives", name, len(d.FalsePositives), len(n.FalsePositivesJA))
			}
		}
		if told != 1 {
			t.Errorf("%s: %d documents have Japanese text, not 1", name, told)
		}
	}
	for _, r := range shown(load(t)) {
		english(t, r.File, r.Title, r.Description)
		japanese(t, r.File, r.TitleJA, r.DescriptionJA)
		if len(r.Next) == 0 || len(r.NextJA) != len(r.Next) {
			t.Errorf("%s: the reader has no next steps", r.File)
		}
	}
}

func isJapanese(r rune) bool {
	return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
}

func english(t *testing.T, file string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if text == "" || strings.ContainsFunc(text, isJapanese) {
			t.Errorf("%s: no English: %q", file, text)
		}
	}
}

func japanese(t *testing.T, file string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.ContainsFunc(text, isJapanese) {
			t.Errorf("%s: no Japanese: %q", file, text)
		}
		if strings.Contains(text, "狩り") || strings.ContainsAny(text, "，．") {
			t.Errorf("%s: not our Japanese: %q", file, text)
		}
	}
}
