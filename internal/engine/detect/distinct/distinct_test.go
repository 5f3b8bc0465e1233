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

// What Least says is not reached is not, whatever was counted.
func TestLeast(t *testing.T) {
	for _, want := range []float64{0, 1, 5, 20, 60, 150, 177, 400} {
		least, reached := Least(want), false
		for seed := range uint64(20) {
			var a, b Counter
			for i := range 1000 {
				h := Mix(seed<<32 | uint64(i))
				if i%3 == 0 {
					a.Add(h)
				} else {
					b.Add(h)
				}
				over := Union(&a, &b) >= want
				reached = reached || over
				if over && a.Filled()+b.Filled() < least {
					t.Fatalf("%v is reached with %d and %d registers, not %d", want, a.Filled(), b.Filled(), least)
				}
			}
		}
		if !reached || want > 0 && want < 150 && least < int(want/2) {
			t.Errorf("%v: %d, reached %v", want, least, reached)
		}
	}
}

func BenchmarkUnion(b *testing.B) {
	var x, y Counter
	for i := range uint64(100) {
		x.Add(Mix(i))
		y.Add(Mix(i + 50))
	}
	for b.Loop() {
		Union(&x, &y)
	}
}
