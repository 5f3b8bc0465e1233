package text

import (
	"fmt"
	"strconv"
	"time"
)

// JST is Japan's zone, fixed so that a machine without zone data knows it.
var JST = time.FixedZone("JST", 9*3600)

var weekdays = [7]string{"日", "月", "火", "水", "木", "金", "土"}

// Number groups digits by three: 4,812.
func (p Printer) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Time writes an instant in running text, with its zone:
// 2026年11月5日（木）14:05 JST, or Thu 5 Nov 2026, 14:05 JST.
func (p Printer) Time(t time.Time) string {
	t = t.In(p.Zone)
	if p.Lang == JA {
		return p.Date(t) + t.Format("15:04 MST")
	}
	return t.Format("Mon 2 Jan 2006, 15:04 MST")
}

// Date writes a day in running text: 2026年11月5日（木）, or Thu 5 Nov 2026.
func (p Printer) Date(t time.Time) string {
	t = t.In(p.Zone)
	if p.Lang == JA {
		return fmt.Sprintf("%d年%d月%d日（%s）", t.Year(), t.Month(), t.Day(), weekdays[t.Weekday()])
	}
	return t.Format("Mon 2 Jan 2006")
}

// Short writes an instant for a table cell: 11/5 14:05, or 5 Nov 14:05, with the
// year only when it differs from that of now.
func (p Printer) Short(t, now time.Time) string {
	return p.ShortDate(t, now) + t.In(p.Zone).Format(" 15:04")
}

// ShortDate writes a day for a table cell or an axis: 11/5, or 5 Nov, with the
// year only when it differs from that of now.
func (p Printer) ShortDate(t, now time.Time) string {
	t, now = t.In(p.Zone), now.In(p.Zone)
	same := t.Year() == now.Year()
	switch {
	case p.Lang == JA && same:
		return t.Format("1/2")
	case p.Lang == JA:
		return t.Format("2006/1/2")
	case same:
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// Reiwa writes a day in the Japanese era calendar as on seals and official
// forms: 令和8年11月5日. Days before 2019-05-01 are written in the common era.
func (p Printer) Reiwa(t time.Time) string {
	t = t.In(JST)
	if t.Before(time.Date(2019, 5, 1, 0, 0, 0, 0, JST)) {
		return fmt.Sprintf("%d年%d月%d日", t.Year(), t.Month(), t.Day())
	}
	y := strconv.Itoa(t.Year() - 2018)
	if y == "1" {
		y = "元"
	}
	return fmt.Sprintf("令和%s年%d月%d日", y, t.Month(), t.Day())
}

// Duration writes the two largest units without a sign: 9時間35分, 29日9時間,
// 9 h 35 min, 29 d 9 h. Under an hour it goes down to the second.
func (p Printer) Duration(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	u := [4]string{" d", " h", " min", " s"}
	sep := " "
	if p.Lang == JA {
		u, sep = [4]string{"日", "時間", "分", "秒"}, ""
	}
	parts := [4]int64{int64(d / (24 * time.Hour)), int64(d/time.Hour) % 24, int64(d/time.Minute) % 60, int64(d/time.Second) % 60}
	first := 0
	for first < 3 && parts[first] == 0 {
		first++
	}
	out := p.Number(parts[first]) + u[first]
	if first < 3 && parts[first+1] != 0 && (first < 2 || parts[0]+parts[1] == 0) {
		out += sep + p.Number(parts[first+1]) + u[first+1]
	}
	return out
}

// Left says how long there is to a deadline, or how long it is past:
// 残り 9時間35分, 2時間10分 過ぎています.
func (p Printer) Left(due, now time.Time) string {
	d := due.Sub(now)
	switch {
	case p.Lang == JA && d >= 0:
		return "残り " + p.Duration(d)
	case p.Lang == JA:
		return p.Duration(d) + " 過ぎています"
	case d >= 0:
		return p.Duration(d) + " left"
	}
	return p.Duration(d) + " overdue"
}

// Bytes writes a size in decimal units: 1.4 MB.
func (p Printer) Bytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// Stamp returns what a <time datetime> attribute wants: RFC 3339 with offset.
func (p Printer) Stamp(t time.Time) string { return t.In(p.Zone).Format(time.RFC3339) }
