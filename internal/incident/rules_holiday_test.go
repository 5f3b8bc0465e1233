package incident

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// computedHolidays is the slow twin of the data: the Act on National Holidays
// as rules. The equinoxes follow the usual approximation for 1980-2099.
func computedHolidays(year int) map[string]bool {
	day := func(m time.Month, d int) time.Time { return time.Date(year, m, d, 0, 0, 0, 0, time.UTC) }
	monday := func(m time.Month, n int) time.Time {
		d := day(m, 1)
		for d.Weekday() != time.Monday {
			d = d.AddDate(0, 0, 1)
		}
		return d.AddDate(0, 0, 7*(n-1))
	}
	equinox := func(base float64) int { return int(base + 0.242194*float64(year-1980) - float64((year-1980)/4)) }
	named := map[time.Time]bool{}
	for _, d := range []time.Time{day(1, 1), monday(1, 2), day(2, 11), day(2, 23), day(3, equinox(20.8431)), day(4, 29), day(5, 3), day(5, 4), day(5, 5),
		monday(7, 3), day(8, 11), monday(9, 3), day(9, equinox(23.2488)), monday(10, 2), day(11, 3), day(11, 23)} {
		named[d] = true
	}
	out := map[string]bool{}
	for d := day(1, 1); d.Year() == year; d = d.AddDate(0, 0, 1) {
		next := d.AddDate(0, 0, 1)
		switch {
		case named[d]:
			out[d.Format(time.DateOnly)] = true
			if d.Weekday() != time.Sunday {
				break
			}
			for named[next] {
				next = next.AddDate(0, 0, 1)
			}
			out[next.Format(time.DateOnly)] = true
		case named[d.AddDate(0, 0, -1)] && named[next]:
			out[d.Format(time.DateOnly)] = true
		}
	}
	return out
}

func TestHolidaysFollowTheAct(t *testing.T) {
	h := holidays()
	if h.From != 2026 || h.To != 2030 {
		t.Fatalf("%d-%d", h.From, h.To)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for y := h.From; y <= h.To; y++ {
		for d := range computedHolidays(y) {
			want[d] = true
		}
	}
	for d := range h.Days {
		got[d] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
