package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestGrams compares the pass over texts with a search for each needle.
func TestGrams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(least, most int) string {
		b := make([]byte, least+rnd.IntN(most))
		for i := range b {
			b[i] = "ab\\c"[rnd.IntN(4)]
		}
		return string(b)
	}
	r := newRarity()
	for round := range 600 {
		least := gramSize + round%2*(stride-1)
		var items []gramItem
		for n := range 1 + rnd.IntN(40) {
			text := word(least, 6)
			items = append(items, gramItem{slot: slot(rnd.IntN(4)), needle: uint32(n), text: text})
		}
		group := func(s slot) byte { return []byte{1 << 7, 1, 2, 4}[s] }
		g := newGrams(items, group, r.place)
		for range 20 {
			s, text := slot(1+rnd.IntN(3)), []byte(word(gramSize, 40))
			var got []uint32
			for at := g.next(text, 0, group(s)|1<<7); at < len(text); at = g.next(text, g.after(at), group(s)|1<<7) {
				for _, it := range g.list(text, at) {
					from := at - int(it.before)
					if (it.slot == s || it.slot == anySlot) && from >= 0 && strings.HasPrefix(string(text[from:]), it.text) {
						got = append(got, it.needle)
					}
				}
			}
			slices.Sort(got)
			got = slices.Compact(got)
			var want []uint32
			for _, it := range items {
				if (it.slot == s || it.slot == anySlot) && strings.Contains(string(text), it.text) {
					want = append(want, it.needle)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q in slot %d: found %v, want %v", text, s, got, want)
			}
		}
	}
}

func BenchmarkGrams(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var items []gramItem
	r := newRarity()
	for n := range 8000 {
		text := fmt.Sprintf("%x-needle-%x", rnd.Uint32(), rnd.Uint32())
		items = append(items, gramItem{slot: slot(1 + n%7), needle: uint32(n), text: text})
	}
	g := newGrams(items, func(s slot) byte { return 1 << (s - 1) }, r.place)
	text := []byte(strings.Repeat(`c:\windows\system32\windowspowershell\v1.0\powershell.exe -nop -enc jabzaqaaoq `, 8))
	b.SetBytes(int64(len(text)))
	hits := 0
	for b.Loop() {
		for at := g.next(text, 0, 1); at < len(text); at = g.next(text, g.after(at), 1) {
			hits++
		}
	}
	b.ReportMetric(float64(hits)/float64(b.N), "hints")
}
