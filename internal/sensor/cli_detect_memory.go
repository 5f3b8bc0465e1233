package sensor

import (
	"math"
	"runtime/debug"
)

// memoryGoal is from how much memory on the runtime looks for what is not used any
// more instead of taking new, in bytes. The tables of the detectors have at most
// about 1.1 GB, however much is read; without a goal as much again would be taken
// before anybody looks.
const memoryGoal = 1_700_000_000

// boundMemory sets the goal unless whoever started the program has set another
// (GOMEMLIMIT), and returns what puts it back.
func boundMemory() func() {
	before := debug.SetMemoryLimit(-1)
	if before != math.MaxInt64 {
		return func() {}
	}
	debug.SetMemoryLimit(memoryGoal)
	return func() { debug.SetMemoryLimit(before) }
}
