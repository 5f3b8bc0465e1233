package page

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
)

// splitTime splits "2026-11-05" or an RFC 3339 instant into the words of its
// parts, and reports whether it is one.
func splitTime(s string) (y, m, d, h, min string, ok bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return strconv.Itoa(t.Year()), strconv.Itoa(int(t.Month())), strconv.Itoa(t.Day()), t.Format("15"), t.Format("04"), true
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return strconv.Itoa(t.Year()), strconv.Itoa(int(t.Month())), strconv.Itoa(t.Day()), "", "", true
	}
	return "", "", "", "", "", false
}

// zoneOf returns the offset of an RFC 3339 instant, Japan's when there is none.
func zoneOf(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Format("-07:00")
	}
	return "+09:00"
}

// eras are the first days of the Japanese eras people still write, as years
// to add to the year of the era.
var eras = []struct {
	names string
	add   int
}{{"令和 R r", 2018}, {"平成 H h", 1988}, {"昭和 S s", 1925}}

// year reads a year as people write it: 2026, ２０２６, 令和8, 令和元, R8.
func year(s string) (int, bool) {
	for _, e := range eras {
		for _, name := range strings.Fields(e.names) {
			if rest, ok := strings.CutPrefix(s, name); ok {
				rest = strings.TrimLeft(strings.TrimSpace(rest), ".")
				if rest == "元" {
					return e.add + 1, true
				}
				n, err := strconv.Atoi(rest)
				return e.add + n, err == nil && n > 0 && n < 100
			}
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1000 && n <= 9999
}

func part1(form url.Values, name string) string {
	s := strings.TrimSpace(norm.NFKC.String(form.Get(name)))
	return strings.TrimRight(s, "年月日時分")
}

// whole splits a day typed or pasted whole into the first field, which is that of
// the year or that of the day: 2026-11-05, 2026/11/5, 令和8年11月5日, R8.11.5,
// 5 Nov 2026, November 5, 2026. A month in figures stands between its year and its
// day, the year first.
func whole(s string) (y, m, d string, ok bool) {
	f := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-/.,年月日 ", r) })
	if len(f) == 4 { // "令和 8 11 5", "Thu 5 Nov 2026"
		if _, named := month(f[2]); named && len([]rune(f[0])) == 3 {
			f = f[1:]
		} else if len([]rune(f[0])) <= 2 {
			f = []string{f[0] + f[1], f[2], f[3]}
		}
	}
	if len(f) != 3 {
		return "", "", "", false
	}
	figures := func(i int) bool { _, err := strconv.Atoi(f[i]); return err == nil }
	if _, named := month(f[0]); named && !figures(0) {
		return f[2], f[0], f[1], true
	}
	if !figures(1) {
		return f[2], f[1], f[0], true
	}
	return f[0], f[1], f[2], true
}

// month reads a month in figures, or its English name, of which three letters do.
func month(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	for m := time.January; m <= time.December && len(s) >= 3; m++ {
		if full := m.String(); len(s) <= len(full) && strings.EqualFold(s, full[:len(s)]) {
			return int(m), true
		}
	}
	return 0, false
}

// ReadDate reads the day a date field sent. It accepts full-width digits,
// years of the Japanese era, English names of months, and a whole day pasted into
// the first field. An empty field is the zero time without a fault.
func ReadDate(form url.Values, name string) (time.Time, *fault.Place) {
	y, m, d := part1(form, name+".y"), part1(form, name+".m"), part1(form, name+".d")
	if y == "" && m == "" && d == "" {
		return time.Time{}, nil
	}
	if a, b, c, ok := whole(y + d); ok && m == "" && (y == "" || d == "") {
		y, m, d = a, b, c
	}
	bad := &fault.Place{At: name, Code: "page.bad.date"}
	yy, ok := year(y)
	mm, known := month(m)
	dd, err := strconv.Atoi(d)
	if !ok || !known || err != nil {
		return time.Time{}, bad
	}
	t := time.Date(yy, time.Month(mm), dd, 0, 0, 0, 0, time.UTC)
	if t.Day() != dd || int(t.Month()) != mm {
		return time.Time{}, &fault.Place{At: name, Code: "page.bad.day"}
	}
	return t, nil
}

// ReadTime reads the instant a datetime field sent, in the zone sent with it.
// 24:00 is the end of the day. An empty field is the zero time without a fault.
func ReadTime(form url.Values, name string) (time.Time, *fault.Place) {
	day, bad := ReadDate(form, name)
	h, min := part1(form, name+".h"), part1(form, name+".min")
	if bad != nil {
		return time.Time{}, bad
	}
	if day.IsZero() {
		if h != "" || min != "" {
			return time.Time{}, &fault.Place{At: name, Code: "page.bad.date"}
		}
		return time.Time{}, nil
	}
	if a, b, ok := strings.Cut(h, ":"); ok && min == "" {
		h, min = a, b
	}
	hh, err1 := strconv.Atoi(h)
	mm, err2 := strconv.Atoi(min)
	if min == "" {
		mm, err2 = 0, nil
	}
	if err1 != nil || err2 != nil || hh < 0 || hh > 24 || mm < 0 || mm > 59 || hh == 24 && mm > 0 {
		return time.Time{}, &fault.Place{At: name, Code: "page.bad.time"}
	}
	zone, ok := offset(form.Get(name + ".zone"))
	if !ok {
		return time.Time{}, &fault.Place{At: name, Code: "page.bad.zone"}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), hh, mm, 0, 0, zone), nil
}

// offset reads a zone as "+09:00"; empty is Japan's.
func offset(s string) (*time.Location, bool) {
	if s == "" {
		s = "+09:00"
	}
	t, err := time.Parse("-07:00", s)
	if err != nil {
		return nil, false
	}
	_, sec := t.Zone()
	if sec == 9*3600 {
		return time.FixedZone("JST", sec), true
	}
	if sec == 0 {
		return time.UTC, true
	}
	return time.FixedZone("UTC"+s, sec), true
}
