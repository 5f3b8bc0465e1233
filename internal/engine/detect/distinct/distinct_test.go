package distinct

import (
	"fmt"
	"math"
	"testing"
)

// The estimate stays within four standard errors of the truth.
func TestCount(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 10, 50, 100, 300, 1000, 10_000, 200_000} {
		var c, a, b Counter
		for i := range n {
			h := Hash(7, fmt.Sprint("name", i))
			c.Add(h)
			c.Add(h)
			if i%3 == 0 {
				a.Add(h)
			} else {
				b.Add(h)
			}
		}
		got := c.Count()
		if slack := 0.26*float64(n) + 1; math.Abs(got-float64(n)) > slack {
			t.Errorf("%d counted as %.1f", n, got)
		}
		if u := Union(&a, &b); u != got {
			t.Errorf("%d: union %.1f, together %.1f", n, u, got)
		}
	}
	if Hash(1, "ABC") != Hash(1, []byte("abc")) || Hash(1, "abc") == Hash(2, "abc") {
		t.Error("hash")
	}
}
