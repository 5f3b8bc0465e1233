package match

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestSeekIsIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261123, 7))
	for range 200_000 {
		value := make([]byte, rng.IntN(120))
		for i := range value {
			value[i] = "ab- "[rng.IntN(4)]
		}
		text := make([]byte, rng.IntN(5))
		for i := range text {
			text[i] = "ab- "[rng.IntN(4)]
		}
		s := newSeek(text)
		if got, want := s.in(value), bytes.Index(value, text); got != want {
			t.Fatalf("%q in %q: %d, want %d", text, value, got, want)
		}
	}
}
