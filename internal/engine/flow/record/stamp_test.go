package record

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// A time is what package time makes of it, whenever it is.
func TestAppendTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := []int64{0, -1, 1, 999, 1000, -1000, -1001, math.MaxInt64, math.MinInt64}
	for year := 1678; year < 2262; year++ { // every day that some years have and others have not
		for _, at := range [...]time.Time{time.Date(year, 2, 28, 23, 59, 59, 999999999, time.UTC), time.Date(year, 3, 1, 0, 0, 0, 0, time.UTC),
			time.Date(year, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)} {
			list = append(list, at.UnixNano(), at.UnixNano()-1)
		}
	}
	for range 20_000 {
		list = append(list, int64(rng.Uint64())>>rng.IntN(64))
	}
	for _, ns := range list {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		if got := string(AppendTime([]byte("x"), ns)); got != "x"+want {
			t.Fatalf("%d: %s, want %s", ns, got, want)
		}
	}
}

func TestAppendShare(t *testing.T) {
	for v := range 256 {
		want := strconv.FormatFloat(float64(v)/255, 'f', 3, 64)
		if got := string(AppendShare(nil, uint8(v))); got != want {
			t.Errorf("%d: %s, want %s", v, got, want)
		}
	}
}

// A text is read again as it was, but for bytes that are no UTF-8.
func TestAppendText(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		b := make([]rune, rng.IntN(12))
		for i := range b {
			if b[i] = rune(rng.IntN(256)); rng.IntN(2) == 0 {
				b[i] = rune("ab\"\\\x00\x1f\x7f~日"[rng.IntN(9)])
			}
		}
		var got string
		if err := json.Unmarshal(AppendText(nil, string(b)), &got); err != nil || got != string(b) {
			t.Fatalf("%q: %q %v", string(b), got, err)
		}
	}
}

func BenchmarkAppendTime(b *testing.B) {
	var buf [32]byte
	for i := range b.N {
		AppendTime(buf[:0], int64(i)*1e12)
	}
}
