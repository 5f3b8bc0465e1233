package detect

import (
	"math"
	"slices"
	"testing"
)

// Bytes of 2^63 and more, as an export may claim, are not below zero.
func TestFactsAreNotBelowZero(t *testing.T) {
	sum := uint64(1<<63 + 938)
	var f Finding
	f.fact("bytes_out", int64(sum))
	f.fact("bytes_there", []int64{5, int64(sum)})
	f.fact("delay_s", -0.5)
	if f.Fact("bytes_out") != int64(math.MaxInt64) || !slices.Equal(f.Fact("bytes_there").([]int64), []int64{5, math.MaxInt64}) || f.Number("delay_s") != -0.5 {
		t.Errorf("%+v", f.Facts)
	}
}
