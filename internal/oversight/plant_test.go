package oversight

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"noroshi/internal/oversight/rogue"
)

// TestEveryRuleCanBePlanted breaks each rule, and it alone, in a ledger in which
// hardly anything happened.
func TestEveryRuleCanBePlanted(t *testing.T) {
	kinds := numbers(t)
	judge := func(leaves [][]byte) ([]string, error) { return Broken(kinds, leaves) }
	entries := lawful(77, 1)
	for _, id := range ruleIDs {
		if !slices.Contains(rogue.Rules(), id) {
			t.Errorf("%s cannot be planted", id)
			continue
		}
		out, err := rogue.Plant(entries, id, judge)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if slices.EqualFunc(out, entries, bytes.Equal) {
			t.Errorf("%s: nothing was planted", id)
		}
	}
	if _, err := rogue.Plant(entries, "no_rule", judge); !errors.Is(err, rogue.ErrRule) {
		t.Errorf("a rule that there is not: %v", err)
	}
	if found, err := judge(entries); err != nil || len(found) > 0 {
		t.Errorf("the entries themselves: %v %v", found, err)
	}
}
