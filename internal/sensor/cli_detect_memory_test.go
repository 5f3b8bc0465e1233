package sensor

import (
	"math"
	"runtime/debug"
	"testing"
)

// The goal holds while something is searched and is gone afterwards; one that was
// set before stays.
func TestMemoryGoal(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for set, want := range map[int64]int64{math.MaxInt64: memoryGoal, 1 << 31: 1 << 31} {
		debug.SetMemoryLimit(set)
		back := boundMemory()
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("%d while searching, want %d", got, want)
		}
		if back(); debug.SetMemoryLimit(-1) != set {
			t.Error("the goal stays")
		}
	}
}
