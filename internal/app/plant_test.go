package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
	"noroshi/internal/oversight/rogue"
)

// TestEveryRuleIsFoundInTheStory breaks each rule of the auditor in the story's
// own ledger: a replay finds that rule and nothing else.
func TestEveryRuleIsFoundInTheStory(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := tellStory(t.Context(), words, words.Printer(text.EN, nil), dir, 3, nil); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "ledger.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := tlog.ParseKeys(raw)
	if err != nil {
		t.Fatal(err)
	}
	var leaves [][]byte
	if _, err := tlog.Verify(t.Context(), os.DirFS(filepath.Join(dir, "ledger")), tlog.Options{Keys: keys, Replay: func(_ uint64, leaf []byte) error {
		leaves = append(leaves, bytes.Clone(leaf))
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	kinds, err := approval.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	judge := func(leaves [][]byte) ([]string, error) { return oversight.Broken(kinds, leaves) }
	if found, err := judge(leaves); err != nil || len(found) > 0 {
		t.Fatalf("the story itself: %v %v", found, err)
	}
	table, err := oversight.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, r := range table.Rules {
		out, err := rogue.Plant(leaves, r.ID, judge)
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		found, err := judge(out)
		if err != nil || len(found) != 1 || found[0] != r.ID {
			t.Errorf("%s: a replay finds %v: %v", r.ID, found, err)
		}
		if !slices.EqualFunc(out[:1], leaves[:1], bytes.Equal) && len(out) > len(leaves)+10 {
			made++
		}
	}
	t.Logf("%d rules in %d entries, %d of them in a past made up for it", len(table.Rules), len(leaves), made)
}
