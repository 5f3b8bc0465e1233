package memory

import "testing"

// What is asked for may lie anywhere, and be nothing at all.
func TestSoonHarmless(t *testing.T) {
	Soon[[4096]byte](nil)
	Begins(new(byte), 1)
	Soon(new(struct{}))
	x := make([]uint64, 3)
	Soon(&x[2])
	Large(x[:0])
	Large(x)
	if x[0]|x[1]|x[2] != 0 {
		t.Error(x)
	}
}
