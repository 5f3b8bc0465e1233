package oversight

import (
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/oversight/rogue"
)

// lawful is a made-up history in which every rule is kept.
func lawful(seed uint64, affairs int) [][]byte { return rogue.Lawful(seed, affairs) }

func numbers(t testing.TB) approval.Rules {
	t.Helper()
	k, err := approval.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// judge replays a history.
func judge(t testing.TB, kinds approval.Rules, all [][]byte) Result {
	t.Helper()
	r, err := NewReplay(kinds)
	if err != nil {
		t.Fatal(err)
	}
	for i, leaf := range all {
		if err := r.Take(uint64(i), leaf); err != nil {
			t.Fatal(err)
		}
	}
	return r.Close(time.Time{})
}
