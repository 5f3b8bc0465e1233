package detect

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func addr4(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// While there is room a cache is a map.
func TestCacheIsAMap(t *testing.T) {
	c, twin := newCache[int](1<<16), map[uint64]int{}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60000 {
		h := mix(uint64(rng.IntN(12000)), 5)
		v, fresh := c.at(h)
		if _, have := twin[h]; fresh == have {
			t.Fatalf("fresh %v, have %v", fresh, have)
		}
		*v++
		twin[h]++
	}
	if c.N != len(twin) || c.Evicted != 0 {
		t.Fatalf("%d of %d, %d gone", c.N, len(twin), c.Evicted)
	}
	for h, n := range twin {
		if v := c.find(h); v == nil || *v != n {
			t.Fatalf("%x: %v, want %d", h, v, n)
		}
	}
	sum := 0
	c.each(func(v *int) { sum += *v })
	if sum != 60000 || c.find(12345) != nil {
		t.Errorf("%d", sum)
	}
}

// A full cache keeps what is used and tells of what goes.
func TestCacheForgetsWhatIsUsedLeast(t *testing.T) {
	c := newCache[int](1024)
	gone := 0
	c.drop = func(*int) { gone++ }
	for i := range 200000 {
		for k := range 20 {
			v, _ := c.at(mix(uint64(k), 1))
			*v++
		}
		c.at(mix(uint64(i), 2))
	}
	if c.N > 1024 || int64(gone) != c.Evicted || gone < 198000 {
		t.Errorf("%d in use, %d gone, %d counted", c.N, gone, c.Evicted)
	}
	for k := range 20 {
		if v := c.find(mix(uint64(k), 1)); v == nil || *v < 190000 {
			t.Errorf("what was used always is lost: %v", v)
		}
	}
}

func TestCounting(t *testing.T) {
	for _, n := range []int{0, 1, 10, 40, 100, 400, 1500} {
		var f few
		var m many
		for i := range n {
			f.add(mix(uint64(i), 3))
			m.add(mix(uint64(i), 3))
			m.add(mix(uint64(i), 3))
		}
		if n <= 100 && math.Abs(f.count()-float64(n)) > 4+0.25*float64(n) {
			t.Errorf("few: %d counted as %.1f", n, f.count())
		}
		if math.Abs(m.count()-float64(n)) > 2+0.12*float64(n) {
			t.Errorf("many: %d counted as %.1f", n, m.count())
		}
	}
}

func TestSeriesKeepsTheSum(t *testing.T) {
	var s series
	rng := rand.New(rand.NewPCG(1, 2))
	sum := 0.0
	for at := int64(0); at < 3*24*hour; at += int64(rng.IntN(int(hour))) {
		s.add(1_700_000_000*second+at, 2, minute)
		sum += 2
	}
	s.add(1, 5, minute) // long before: at the beginning
	got := 0.0
	for _, v := range s.values() {
		got += v
	}
	if got != sum+5 || s.Width < 3*24*hour/slots || s.Width > 2*3*24*hour/slots {
		t.Errorf("%v, want %v; width %v min", got, sum+5, s.Width/minute)
	}
}

func TestQuantiles(t *testing.T) {
	v := []float64{1, 2, 3, 4, 100}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 100, 0.125: 1.5} {
		if got := quantile(v, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if deviation(v) != 1 || deviation(nil) != 0 {
		t.Error(deviation(v))
	}
}

func FuzzCacheNeverLosesItsCount(f *testing.F) {
	f.Add([]byte("abcabcabd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := newCache[int](16)
		for _, k := range b {
			c.at(mix(uint64(k), 9))
		}
		n := 0
		c.each(func(*int) { n++ })
		if n != c.N || n > 16 {
			t.Errorf("%d in the table, %d counted", n, c.N)
		}
	})
}
