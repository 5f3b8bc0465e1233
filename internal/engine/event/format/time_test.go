package format

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	want := time.Date(2026, 11, 22, 20, 1, 2, 0, tokyo).UnixNano()
	for _, c := range []struct {
		in   string
		more int64 // nanoseconds after the time above
	}{
		{"2026-11-22T20:01:02+09:00", 0},
		{"2026-11-22T20:01:02+0900", 0},
		{"2026-11-22T20:01:02+09", 0},
		{"2026-11-22T11:01:02Z", 0},
		{"2026-11-22T11:01:02.123456789Z", 123456789},
		{"2026-11-22T11:01:02.1234567891Z", 123456789},
		{"2026-11-22 20:01:02,250", 250e6},
		{"2026-11-22 20:01:02 JST", 0},
		{"2026-11-22 11:01:02 UTC", 0},
		{"2026-11-22 11:01:02.5 +00:00", 5e8},
		{"2026/11/22 20:01:02", 0},
		{"2026/11/22  20:01:02", 0},
		{"2026.11.22 20:01:02", 0},
		{"2026年11月22日 20:01:02", 0},
		{"22/Nov/2026:20:01:02 +0900", 0},
		{"22-Nov-2026 20:01:02.125", 125e6},
		{"11/22/2026 8:01:02 PM", 0},
		{"11/22/2026 20:01:02", 0},
		{"Sun, 22 Nov 2026 11:01:02 GMT", 0},
		{"Sun Nov 22 20:01:02 2026", 0},
		{"Nov 22 2026 20:01:02", 0},
		{"Nov 22, 2026 20:01:02.5", 5e8},
		{"2026 Nov 22 20:01:02.000", 0},
		{" 2026-11-22T11:01:02z ", 0},
		{"/Date(1795345262000)/", 0},
		{"1795345262", 0},
		{"1795345262.25", 25e7},
		{"1795345262123", 123e6},
		{"1795345262123456", 123456e3},
		{"1795345262123456789", 123456789},
		{"134398188620000000", 0},
		{"20261122110102", 0},
		{"2026-11-22 20:01", -2e9},
		{"2026-11-22 20:00:60", -2e9},
		{"2026-11-23 00:00", 14338e9},
		{"2026-11-22 24:00:00", 14338e9},
		{"2026-11-23", 14338e9},
		{"20261122", -39662e9},
	} {
		got, ok := parseTime([]byte(c.in), tokyo)
		if !ok || got != want+c.more {
			t.Errorf("%q: %v %v, want %v", c.in, time.Unix(0, got).UTC(), ok, time.Unix(0, want+c.more).UTC())
		}
	}
	for _, in := range []string{"", "-", "x", "2026-13-01", "2026-02-29", "2026-11-22T25:00:00Z", "2026-11-22 20:01:02 PM",
		"2026-11-22 20:01:02 home", "99999999999999999999", "1795345262.", "13/13/2026 00:00:00", "Nov 22 20:01:02", "0001-01-01T00:00:00Z",
		"2026年11月22", "12.5.4", "192.0.2.1", "Monday"} {
		if got, ok := parseTime([]byte(in), tokyo); ok {
			t.Errorf("%q is a time: %v", in, time.Unix(0, got).UTC())
		}
	}
}

// TestParseTimeTwin compares with the standard library over 580 years.
func TestParseTimeTwin(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 9*3600), time.FixedZone("", -12600)} {
		for s := int64(-9.2e9); s < 9.1e9; s += 7919993 {
			at := time.Unix(s, 120000000).In(zone)
			for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.000", "2006/01/02 15:04:05.00", "02/Jan/2006:15:04:05.000 -0700",
				"1/2/2006 3:04:05.00 PM", "Jan _2 2006 15:04:05.000", "Mon, 02 Jan 2006 15:04:05.000 -0700"} {
				text := at.Format(layout)
				got, ok := parseTime([]byte(text), zone)
				if !ok || got != at.UnixNano() {
					t.Fatalf("%q: %v %v", text, time.Unix(0, got).In(zone), ok)
				}
			}
		}
	}
}

// TestYearOf reads times without a year, over a new year and in a leap year.
func TestYearOf(t *testing.T) {
	at := func(s string) int64 {
		ns, ok := parseTime([]byte(s), nil)
		if !ok {
			t.Fatal(s)
		}
		return ns
	}
	last := yearOf{last: at("2027-01-03T12:00:00Z")}
	first := yearOf{year: 2026, month: 12}
	for _, c := range []struct {
		y        yearOf
		in, want string
	}{
		{last, "Jan  3 11:00:00", "2027-01-03T11:00:00Z"},
		{last, "Jan  4 11:00:00", "2027-01-04T11:00:00Z"}, // a clock ahead
		{last, "Jan  5 11:00:00", "2026-01-05T11:00:00Z"},
		{last, "Dec 31 23:59:59", "2026-12-31T23:59:59Z"},
		{last, "Feb 29 10:00:00", "2024-02-29T10:00:00Z"},
		{first, "Dec 31 23:59:59", "2026-12-31T23:59:59Z"},
		{first, "Nov 30 23:59:59", "2026-11-30T23:59:59Z"},
		{first, "Jan  1 00:00:00", "2027-01-01T00:00:00Z"},
		{first, "Feb 28 00:00:00", "2027-02-28T00:00:00Z"},
	} {
		civil, n, ok := readCivil([]byte(c.in))
		if !ok || n != len(c.in) {
			t.Fatal(c.in, n, ok)
		}
		if got, ok := c.y.ns(civil); !ok || got != at(c.want) {
			t.Errorf("%s: %v %v, want %s", c.in, time.Unix(0, got).UTC(), ok, c.want)
		}
	}
	none := yearOf{}
	c, _, _ := readCivil([]byte("Nov 22 20:01:02"))
	if got, ok := none.ns(c); got != 0 || !ok {
		t.Error("a year came from nowhere")
	}
	c, _, _ = readCivil([]byte("Nov 31 20:01:02"))
	if _, ok := none.ns(c); ok {
		t.Error("a day that no November has")
	}
}

func TestParseTimeAllocates(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	text := []byte("2026-11-22 20:01:02.123")
	if n := testing.AllocsPerRun(100, func() { parseTime(text, tokyo) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-11-22T20:01:02+09:00", "Sun Nov 22 20:01:02 2026", "2026年11月22日 20:01:02", "11/22/2026 8:01:02 PM", "/Date(1)/", "*Mar  1 00:00:01.123"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ns, ok := parseTime(b, nil)
		if !ok {
			return
		}
		text := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		if again, ok := parseTime([]byte(text), nil); !ok || again != ns {
			t.Fatalf("%q is %s, which is %d %v", b, text, again, ok)
		}
	})
}

func BenchmarkParseTime(b *testing.B) {
	text := []byte("2026-11-22T20:01:02.123456Z")
	for b.Loop() {
		parseTime(text, nil)
	}
}
