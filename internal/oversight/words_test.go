package oversight

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "oversight", Words) }

// TestEveryRuleAndFindingIsSaid holds the table of rules and what a replay can
// find against the sentences.
func TestEveryRuleAndFindingIsSaid(t *testing.T) {
	table, err := LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, k := range cat.Keys() {
		keys[k] = true
	}
	for i, r := range table.Rules {
		if !keys["oversight.rule."+r.ID] || r.ID != ruleIDs[i] {
			t.Errorf("rule %s has no sentence, or is not in its place", r.ID)
		}
	}
	for _, l := range table.Limits {
		if !keys["oversight.limit."+l.ID] {
			t.Errorf("limit %s has no sentence", l.ID)
		}
	}
	found := foundCodes(t)
	for code := range found {
		if !keys["oversight.found."+code] {
			t.Errorf("finding %s has no sentence", code)
		}
	}
	for k := range keys {
		if m := regexp.MustCompile(`^oversight\.found\.(.*)$`).FindStringSubmatch(k); m != nil && !found[m[1]] {
			t.Errorf("%s: nothing is found so", k)
		}
	}
}

// foundCodes reads the codes of findings out of the replay's sources.
func foundCodes(t *testing.T) map[string]bool {
	t.Helper()
	names, err := filepath.Glob("replay*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(?s)(?:check|checkAt|violate|overdueAt|owes|orderOwes|owedBy)\((?:n, )?rule[A-Za-z]+,(.*?)\n`)
	quoted := regexp.MustCompile(`"([a-z_]+)"`)
	codes := map[string]bool{}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range call.FindAllStringSubmatch(strings.NewReplacer(",\n", ", ", "&&\n", "&& ").Replace(string(raw)), -1) {
			// The first quoted word behind the condition is the code: in the condition
			// itself texts are only in calls such as r.e.text("to").
			rest := regexp.MustCompile(`\.(?:text|number|has|yes|time|fact)\("[a-z_]+"\)|(?:==|Row\([A-Za-z.]+,) "[a-z_]+"`).ReplaceAllString(m[1], "")
			if q := quoted.FindStringSubmatch(rest); q != nil {
				codes[q[1]] = true
			}
		}
	}
	return codes
}

// TestStatesAreSaidInWords: a finding tells of states as their noun does, not by
// the names that programs have for them.
func TestStatesAreSaidInWords(t *testing.T) {
	cat, err := text.Load(Words, approval.Words)
	if err != nil {
		t.Fatal(err)
	}
	step := Violation{Rule: ruleSteps, Found: "case_step", Args: map[string]any{"from": "asked", "to": "approved"}}
	for lang, want := range map[text.Lang]string{text.JA: "審査中", text.EN: "Under examination"} {
		got := Result{Violations: []Violation{step}}.Speak(cat.Printer(lang, nil)).Violations[0].Text
		if strings.Contains(got, "asked") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", lang, got)
		}
	}
	list := alike([]Violation{{Rule: "a", Text: "x", Object: "o", Entries: []uint64{1, 5}}, {Rule: "b"}, {Rule: "a", Text: "x", Object: "o", Entries: []uint64{1, 7}}})
	if len(list) != 2 || len(list[0].Entries) != 3 || list[0].Entries[2] != 7 {
		t.Errorf("%+v", list)
	}
}
