package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	if _, err := tellStory(t.Context(), words, words.Printer(text.EN, nil), dir, 3, "none", nil); err != nil {
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

// The story leaves the auditor the log of a hub that breaks one rule, under
// another key than that of the hub it was played on.
func TestTheStoryLeavesARogueLog(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := tellStory(t.Context(), words, words.Printer(text.JA, nil), dir, 5, "measure_two", nil); err != nil {
		t.Fatal(err)
	}
	key := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if rogue := key("auditor/ledger.vkey"); rogue == key("ledger.vkey") || !strings.HasPrefix(rogue, rogueOrigin) {
		t.Errorf("the key of the rogue log is %s", rogue)
	}
	if key("auditor/ledger/checkpoint") == key("ledger/checkpoint") {
		t.Error("the rogue log is the hub's own")
	}
	for _, o := range []demoFlags{{plant: "no_rule", story: true}, {plant: "measure_two"}} {
		if plantable(o) == nil {
			t.Errorf("%+v is played", o)
		}
	}
}
