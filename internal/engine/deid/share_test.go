package deid

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func split(t testing.TB, k *Key, holders, need int) []*Share {
	t.Helper()
	made, err := k.Split(holders, need)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range made { // as holders get them
		if made[i], err = ParseShare(s.Text()); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// TestAnyOfThoseNeededJoin tries every choice of holders of every split up to
// five of them: enough give the key back, fewer do not.
func TestAnyOfThoseNeededJoin(t *testing.T) {
	for holders := 2; holders <= 5; holders++ {
		for need := 2; need <= holders; need++ {
			k := newKey(t, "A")
			shares := split(t, k, holders, need)
			for choice := 1; choice < 1<<holders; choice++ {
				var some []*Share
				for i, s := range shares {
					if choice>>i&1 == 1 {
						some = append(some, s)
					}
				}
				slices.Reverse(some) // in any order
				got, err := Join(some...)
				var why *JoinError
				if len(some) < need {
					if !errors.As(err, &why) || why.Why != TooFew || why.Need != need || why.Have != len(some) {
						t.Fatalf("%d of %d, %d given: %v", need, holders, len(some), err)
					}
				} else if err != nil || *got != *k {
					t.Fatalf("%d of %d: %v", need, holders, err)
				}
			}
		}
	}
	for _, bad := range [][2]int{{1, 1}, {2, 1}, {2, 3}, {MaxHolders + 1, 2}} {
		if _, err := newKey(t, "").Split(bad[0], bad[1]); err != ErrHolders {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestWhichShareIsWrongIsSaid(t *testing.T) {
	k := newKey(t, "A")
	other := newKey(t, "A")
	mine, theirs, again := split(t, k, 3, 2), split(t, other, 3, 2), split(t, k, 3, 2)
	four := split(t, k, 4, 2)
	altered := *mine[1]
	altered.y[5] ^= 1
	both := altered // with a list of marks to match
	both.marks = slices.Clone(both.marks)
	both.marks[1] = both.mark()
	for name, c := range map[string]struct {
		shares []*Share
		at     []int
		why    string
	}{
		"another key's":       {[]*Share{mine[0], theirs[1]}, []int{1}, OtherKey},
		"another split's":     {[]*Share{mine[0], again[1]}, []int{0, 1}, OtherCut},
		"another split's two": {[]*Share{mine[0], four[1]}, []int{1}, OtherCut},
		"twice":               {[]*Share{mine[0], mine[1], mine[0]}, []int{2}, Duplicate},
		"altered":             {[]*Share{mine[0], &altered}, []int{1}, Altered},
		"altered of three":    {[]*Share{mine[0], &altered, mine[2]}, []int{1}, Altered},
		"altered with marks":  {[]*Share{mine[0], &both, mine[2]}, []int{1}, OtherCut},
		"none":                {nil, nil, TooFew},
	} {
		_, err := Join(c.shares...)
		var got *JoinError
		if !errors.As(err, &got) || !slices.Equal(got.At, c.at) || got.Why != c.why {
			t.Errorf("%s: %v, want %v %s", name, err, c.at, c.why)
		}
	}
	// All lists forged alike: the key's id still tells that something is wrong.
	a, b := *mine[0], both
	a.marks = both.marks
	if _, err := Join(&a, &b); err == nil || err.(*JoinError).Why != Wrong {
		t.Errorf("forged alike: %v", err)
	}
}

func TestEveryEditOfAShareIsFound(t *testing.T) {
	raw := split(t, newKey(t, "A"), 2, 2)[0].Text()
	for i := range raw {
		for bit := range 8 {
			edited := bytes.Clone(raw)
			edited[i] ^= 1 << bit
			if s, err := ParseShare(edited); err == nil {
				t.Fatalf("byte %d edited: %+v", i, s)
			}
		}
		if _, err := ParseShare(raw[:i]); err == nil {
			t.Fatalf("cut at %d", i)
		}
	}
}

// TestTooFewSharesSayNothing: with need-1 shares of a key, every key is as
// likely. For one byte of a 2-of-2 split, each value of the other share's byte
// gives another byte of the key.
func TestTooFewSharesSayNothing(t *testing.T) {
	for y1 := range 256 {
		seen := map[byte]bool{}
		for y2 := range 256 {
			// At 0 of the line through (1, y1) and (2, y2).
			w1 := multiply(2, invert(1^2))
			w2 := multiply(1, invert(2^1))
			seen[multiply(w1, byte(y1))^multiply(w2, byte(y2))] = true
		}
		if len(seen) != 256 {
			t.Fatalf("share %d leaves %d keys", y1, len(seen))
		}
	}
	// And the shares of one key differ from split to split.
	k := newKey(t, "")
	if a, b := split(t, k, 2, 2), split(t, k, 2, 2); a[0].y == b[0].y {
		t.Error("the same share twice")
	}
}

// TestFieldAgainstTables: products and inverses equal those by logarithms.
func TestFieldAgainstTables(t *testing.T) {
	var exp [255]byte
	log := map[byte]int{}
	for i, v := 0, byte(1); i < 255; i++ {
		exp[i], log[v] = v, i
		double := v << 1
		if v&0x80 != 0 {
			double ^= 0x1b
		}
		v ^= double // 3 generates the field
	}
	for a := range 256 {
		for b := range 256 {
			want := byte(0)
			if a > 0 && b > 0 {
				want = exp[(log[byte(a)]+log[byte(b)])%255]
			}
			if got := multiply(byte(a), byte(b)); got != want {
				t.Fatalf("%d × %d = %d, want %d", a, b, got, want)
			}
		}
		if a > 0 && multiply(byte(a), invert(byte(a))) != 1 {
			t.Fatalf("1/%d", a)
		}
	}
}

func FuzzShare(f *testing.F) {
	k, err := FromSecret([32]byte{1}, "A")
	if err != nil {
		f.Fatal(err)
	}
	shares, err := k.Split(3, 2)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shares[0].Text())
	f.Add([]byte(shareKind + "\nid: 0123456789abcdef\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseShare(b)
		if err != nil {
			return
		}
		if again, err := ParseShare(s.Text()); err != nil || again.y != s.y {
			t.Error("what was read is not what is written")
		}
		_, _ = Join(s, shares[1])
	})
}

func TestJoinErrorNamesPlaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := rng.IntN(5)
	if got, want := (&JoinError{At: []int{n}, Why: Altered}).Error(), fmt.Sprintf("deid: share [%d]: altered", n+1); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
