package hunt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTimeline: with room for a few lines or for all, what comes out is what a
// stable sort makes of it.
func TestTimeline(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, room := range []int{1, 500, 5_000, 1 << 20} {
		type line struct {
			at   int64
			text []byte
		}
		var want, got []line
		tl := &timeline{room: room}
		for i := range 2000 {
			l := line{at: int64(rng.IntN(100)) - 50, text: binary.BigEndian.AppendUint32(bytes.Repeat([]byte{'x'}, rng.IntN(20)), uint32(i))}
			want = append(want, l)
			if err := tl.add(l.at, l.text); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b line) int { return cmp.Compare(a.at, b.at) })
		if err := tl.each(func(at int64, text []byte) error {
			got = append(got, line{at, bytes.Clone(text)})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(want, got, func(a, b line) bool { return a.at == b.at && bytes.Equal(a.text, b.text) }) {
			t.Errorf("room for %d bytes: %d lines in another order", room, len(got))
		}
	}
}
