package desk

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

// TestExcludedAgreesWithFractions holds the share that a sample excludes against a
// count in fractions, tried from the smallest number of violations on.
func TestExcludedAgreesWithFractions(t *testing.T) {
	binomial := func(n, k int) *big.Int { return new(big.Int).Binomial(int64(n), int64(k)) }
	slow := func(total, n, c int) float64 {
		for d := c + 1; d <= total; d++ {
			sum := new(big.Int)
			for k := 0; k <= c; k++ {
				if k <= d && n-k <= total-d {
					sum.Add(sum, new(big.Int).Mul(binomial(d, k), binomial(total-d, n-k)))
				}
			}
			if new(big.Rat).SetFrac(sum, binomial(total, n)).Cmp(big.NewRat(1, 20)) <= 0 {
				return float64(d) / float64(total)
			}
		}
		return 1
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		total := 1 + rng.IntN(120)
		n := 1 + rng.IntN(total)
		c := rng.IntN(min(n, 5) + 1)
		want, got := slow(total, n, c), Excluded(uint64(total), n, c, 95)
		if c == n { // nothing but findings: any share fits
			want = 1
		}
		if got != want {
			t.Fatalf("%d of %d with %d findings excludes %v, counted in fractions %v", n, total, c, got, want)
		}
	}
	if got := Excluded(1_000_000, 59, 0, 95); got < 0.049 || got > 0.0501 {
		t.Errorf("59 of a million exclude %v, not about 5 %%", got)
	}
	if Excluded(0, 0, 0, 95) != 1 || Excluded(10, 0, 0, 95) != 1 || Excluded(10, 11, 0, 95) != 1 {
		t.Error("what was not drawn excludes something")
	}
}

// TestDrawIsFair draws by sorting, the slow way, and by luck over many seeds.
func TestDrawIsFair(t *testing.T) {
	var all []unit
	for i := range 20 {
		all = append(all, unit{place: uint64(i * 3)})
	}
	times := map[uint64]int{}
	for i := range 4000 {
		s := seed("root", string(rune('a'+i%26))+time.Duration(i).String(), "nonce")
		got := draw(s, all, 5)
		if len(got) != 5 || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 5 {
			t.Fatalf("%v", got)
		}
		shuffled := slices.Clone(all)
		rand.New(rand.NewPCG(uint64(i), 1)).Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		if !slices.Equal(draw(s, shuffled, 5), got) {
			t.Fatal("the order of the population changes the sample")
		}
		for _, p := range got {
			times[p]++
		}
	}
	for p, n := range times { // 1000 expected, standard deviation 27
		if n < 850 || n > 1150 {
			t.Errorf("entry %d was drawn %d times of 4000, not about 1000", p, n)
		}
	}
	if len(draw(seed("a", "b", "c"), all, 50)) != 20 || len(draw(seed("a", "b", "c"), nil, 5)) != 0 {
		t.Error("more were drawn than there are")
	}
}

// TestTheWeekEndsBeforeMonday holds up to when the public page counts.
func TestTheWeekEndsBeforeMonday(t *testing.T) {
	for day := range 14 {
		now := time.Date(2026, 11, 16+day, 10, 0, 0, 0, text.JST) // the 16th is a Monday
		got := week(now, text.JST)
		if got.Weekday() != time.Monday || got.After(now) || now.Sub(got) >= 7*24*time.Hour || got.Hour() != 0 {
			t.Errorf("%v: %v", now, got)
		}
	}
}

// TestSmallNumbersLookAlike holds that the public page tells none from a few.
func TestSmallNumbersLookAlike(t *testing.T) {
	s := &Service{}
	var err error
	if s.Numbers, err = LoadNumbers(); err != nil {
		t.Fatal(err)
	}
	p := printer(t)
	if s.coarse(0, p) != s.coarse(4, p) || s.coarse(4, p) == s.coarse(5, p) || s.coarse(5, p) != s.coarse(9, p) {
		t.Error(s.coarse(0, p), s.coarse(4, p), s.coarse(5, p), s.coarse(9, p))
	}
}
