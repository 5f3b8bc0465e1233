package asset

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Date is a day of the civil calendar, without zone. The zero value means
// that no date was given.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of an instant in the zone of t.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero reports whether no date was given.
func (d Date) IsZero() bool { return d == Date{} }

// String returns 2026-03-31, or nothing when no date was given.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// In returns the first instant of the day in a zone.
func (d Date) In(z *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, z)
}

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool {
	return d.Year < e.Year || d.Year == e.Year && (d.Month < e.Month || d.Month == e.Month && d.Day < e.Day)
}

// MarshalText writes 2026-03-31, or nothing.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("date: %w", err)
	}
	*d = DateOf(t)
	return nil
}

// The years a register can speak of: before 1950 there was nothing to
// register, and a date after 2199 is a slip of the hand.
const (
	minYear = 1950
	maxYear = 2199
)

func civil(y, m, d int) (Date, bool) {
	if y < minYear || y > maxYear || m < 1 || m > 12 || d < 1 || d > 31 {
		return Date{}, false
	}
	want := Date{y, time.Month(m), d}
	if DateOf(want.In(time.UTC)) != want { // 30 February
		return Date{}, false
	}
	return want, true
}

// era is a Japanese era: a year y of it is the common year base+y.
type era struct {
	kanji, letter string
	base          int
	first         Date // its first day
}

var eras = []era{
	{"令和", "R", 2018, Date{2019, 5, 1}},
	{"平成", "H", 1988, Date{1989, 1, 8}},
	{"昭和", "S", 1925, Date{1926, 12, 25}},
}

// ParseDate reads a day as people write it in Japan: 2026-03-31, 2026/3/31,
// 2026.3.31, 20260331, 2026年3月31日, 令和8年3月31日, R8.3.31, H31/4/1, also in full
// width, with a weekday in brackets or a time of day after it, and the serial
// number that a spreadsheet's 1900 calendar stores (46112). It does not guess:
// a month without a day, a two-digit year, or day-first order is not read.
func ParseDate(s string) (Date, bool) {
	s = strings.TrimSpace(norm.NFKC.String(s))
	if len(s) == 0 || len(s) > 64 {
		return Date{}, false
	}
	if isDigits(s) {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return Date{}, false
		case len(s) == 8:
			return civil(n/10000, n/100%100, n%100)
		case len(s) == 5:
			return serialDate(float64(n), false)
		}
		return Date{}, false
	}
	base := era{}
	for _, e := range eras {
		if rest, ok := strings.CutPrefix(s, e.kanji); ok {
			s, base = strings.TrimSpace(rest), e
		} else if len(s) > 1 && strings.EqualFold(s[:1], e.letter) && (s[1] >= '0' && s[1] <= '9' || s[1] == '.' || strings.HasPrefix(s[1:], "元")) {
			s, base = strings.TrimPrefix(s[1:], "."), e
		}
		if base.base != 0 {
			break
		}
	}
	if base.base != 0 {
		if rest, ok := strings.CutPrefix(s, "元"); ok {
			s = "1" + rest
		}
	}
	y, m, d, ok := threeNumbers(s)
	if !ok {
		return Date{}, false
	}
	if base.base == 0 {
		if y < 1000 { // a two-digit year could be an era's
			return Date{}, false
		}
		return civil(y, m, d)
	}
	got, ok := civil(base.base+y, m, d)
	if !ok || got.Before(base.first) {
		return Date{}, false
	}
	// A year of an era that ended is still understood in later years (平成33年):
	// lists made before the change carry such days for the end of support.
	return got, true
}

// threeNumbers reads "8年3月31日", "2026/3/31" and the like, one kind of
// separator throughout. What may follow is a weekday in brackets or a time.
func threeNumbers(s string) (y, m, d int, ok bool) {
	y, s, ok = leadingNumber(s, 4)
	if !ok || s == "" {
		return 0, 0, 0, false
	}
	var end string
	switch {
	case strings.HasPrefix(s, "年"):
		s = strings.TrimSpace(s[len("年"):])
		if m, s, ok = leadingNumber(s, 2); !ok {
			return 0, 0, 0, false
		}
		if s, ok = strings.CutPrefix(s, "月"); !ok {
			return 0, 0, 0, false
		}
		end = "日"
	case s[0] == '-' || s[0] == '/' || s[0] == '.':
		sep := s[:1]
		if m, s, ok = leadingNumber(strings.TrimSpace(s[1:]), 2); !ok {
			return 0, 0, 0, false
		}
		if s, ok = strings.CutPrefix(s, sep); !ok {
			return 0, 0, 0, false
		}
	default:
		return 0, 0, 0, false
	}
	if d, s, ok = leadingNumber(strings.TrimSpace(s), 2); !ok {
		return 0, 0, 0, false
	}
	if end != "" {
		if s, ok = strings.CutPrefix(s, end); !ok {
			return 0, 0, 0, false
		}
	}
	return y, m, d, tailAllowed(s)
}

func tailAllowed(s string) bool {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "("); ok {
		day, after, closed := strings.Cut(rest, ")")
		day = strings.TrimSuffix(day, "曜日")
		if !closed || utf8.RuneCountInString(day) != 1 || !strings.Contains("月火水木金土日", day) {
			return false
		}
		s = strings.TrimSpace(after)
	}
	if s == "" {
		return true
	}
	s = strings.TrimPrefix(s, "T")
	for _, layout := range []string{"15:04", "15:04:05", "15:04:05Z07:00", "15:04Z07:00"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func leadingNumber(s string, digits int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < digits && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		i++
	}
	if i == 0 || i < len(s) && s[i] >= '0' && s[i] <= '9' {
		return 0, s, false
	}
	return n, strings.TrimSpace(s[i:]), true
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func originDay(origin time.Time, days int) (y, m, d int) {
	year, month, day := origin.AddDate(0, 0, days).Date()
	return year, int(month), day
}

// serialDate turns a spreadsheet's day number into a date. The 1900 calendar
// counts a 29 February 1900 that never was, so its day 60 is not a date and
// every later day counts from 1899-12-30 (ECMA-376 part 1, 18.17.4.1).
func serialDate(n float64, from1904 bool) (Date, bool) {
	if !(n >= 1 && n < 200_000) {
		return Date{}, false
	}
	origin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if from1904 {
		origin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return civil(originDay(origin, int(n)))
}
