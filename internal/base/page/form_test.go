package page

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

func date(y, m, d string) url.Values {
	return url.Values{"x.y": {y}, "x.m": {m}, "x.d": {d}}
}

func TestReadDate(t *testing.T) {
	for _, c := range []struct {
		y, m, d string
		want    string // day, or code of the fault
	}{
		{"2026", "11", "5", "2026-11-05"},
		{"２０２６", "１１", "０５", "2026-11-05"},
		{"2026年", "11月", "5日", "2026-11-05"},
		{"令和8", "11", "5", "2026-11-05"},
		{"令和８年", "11", "5", "2026-11-05"},
		{"R8", "4", "1", "2026-04-01"},
		{"令和元", "5", "1", "2019-05-01"},
		{"平成31", "4", "30", "2019-04-30"},
		{"S64", "1", "7", "1989-01-07"},
		{"2028-03-31", "", "", "2028-03-31"},
		{"2028/3/31", "", "", "2028-03-31"},
		{"令和8年11月5日", "", "", "2026-11-05"},
		{"R8.11.5", "", "", "2026-11-05"},
		{"令和 8 11 5", "", "", "2026-11-05"},
		{" 2026 ", "2", "28", "2026-02-28"},
		{"2026", "Nov", "5", "2026-11-05"},
		{"2026", "september", "5", "2026-09-05"},
		{"", "", "2028-03-31", "2028-03-31"},
		{"", "", "31 March 2028", "2028-03-31"},
		{"", "", "Thu 5 Nov 2026", "2026-11-05"},
		{"", "", "November 5, 2026", "2026-11-05"},
		{"", "", "5/11/2026", "page.bad.date"},
		{"2026", "Ju", "5", "page.bad.date"},
		{"2026", "Decemberly", "5", "page.bad.date"},
		{"", "", "5", "page.bad.date"},
		{"2026-11-05", "", "5", "page.bad.date"},
		{"", "", "", "0001-01-01"},
		{"2026", "2", "29", "page.bad.day"},
		{"2026", "13", "1", "page.bad.day"},
		{"2026", "", "1", "page.bad.date"},
		{"26", "1", "1", "page.bad.date"},
		{"令和十年春", "", "", "page.bad.date"},
		{"令和0", "1", "1", "page.bad.date"},
		{"2026", "-1", "1", "page.bad.day"},
		{"99999999999999999999", "1", "1", "page.bad.date"},
	} {
		got, bad := ReadDate(date(c.y, c.m, c.d), "x")
		s := got.Format(time.DateOnly)
		if bad != nil {
			s = bad.Code
			if bad.At != "x" {
				t.Errorf("%v: fault at %q", c, bad.At)
			}
		}
		if s != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.y, c.m, c.d, s, c.want)
		}
	}
}

func TestReadTime(t *testing.T) {
	for _, c := range []struct{ h, min, zone, want string }{
		{"23", "40", "", "2026-11-05T23:40:00+09:00"},
		{"２３時", "４０分", "+09:00", "2026-11-05T23:40:00+09:00"},
		{"23:40", "", "+01:00", "2026-11-05T23:40:00+01:00"},
		{"9", "", "+00:00", "2026-11-05T09:00:00Z"},
		{"24", "0", "", "2026-11-06T00:00:00+09:00"},
		{"24", "1", "", "page.bad.time"},
		{"-1", "0", "", "page.bad.time"},
		{"", "", "", "page.bad.time"},
		{"1", "60", "", "page.bad.time"},
		{"1", "0", "Mars", "page.bad.zone"},
	} {
		f := date("2026", "11", "5")
		f.Set("x.h", c.h)
		f.Set("x.min", c.min)
		f.Set("x.zone", c.zone)
		got, bad := ReadTime(f, "x")
		s := got.Format(time.RFC3339)
		if bad != nil {
			s = bad.Code
		}
		if s != c.want {
			t.Errorf("%v: %s", c, s)
		}
	}
	if got, bad := ReadTime(url.Values{"x.zone": {"+09:00"}}, "x"); bad != nil || !got.IsZero() {
		t.Errorf("nothing typed: %v %v", got, bad)
	}
	if _, bad := ReadTime(url.Values{"x.h": {"9"}}, "x"); bad == nil {
		t.Error("a time without a day must be told")
	}
}

// FuzzReadTime: whatever is typed, a fault or a time comes back, and what was
// read survives being shown in the fields again.
func FuzzReadTime(f *testing.F) {
	f.Add("2026", "11", "5", "23", "40", "+09:00")
	f.Add("令和8年11月5日", "", "", "9:05", "", "")
	f.Add("R.", "", "元", "..", "２４", "-12:00")
	f.Fuzz(func(t *testing.T, y, m, d, h, min, zone string) {
		form := url.Values{"x.y": {y}, "x.m": {m}, "x.d": {d}, "x.h": {h}, "x.min": {min}, "x.zone": {zone}}
		got, bad := ReadTime(form, "x")
		if bad != nil || got.IsZero() {
			return
		}
		var again url.Values
		{
			y, m, d, h, min, _ := splitTime(got.Format(time.RFC3339))
			again = url.Values{"x.y": {y}, "x.m": {m}, "x.d": {d}, "x.h": {h}, "x.min": {min}, "x.zone": {zoneOf(got.Format(time.RFC3339))}}
		}
		if back, bad := ReadTime(again, "x"); bad != nil || !back.Equal(got) {
			t.Errorf("%v: %v became %v, %v", form, got, back, bad)
		}
	})
}

func TestListLinks(t *testing.T) {
	l := &List{Path: "/assets", Query: url.Values{"zone": {"dmz"}, "sort": {"maker"}, "after": {"c1"}}, Next: "c2"}
	for _, c := range []struct{ got, want string }{
		{l.FilterLink(Filter{Name: "zone", Value: "ot"}), "/assets?sort=maker&zone=ot"},
		{l.FilterLink(Filter{Name: "zone", Value: "dmz"}), "/assets?sort=maker"},
		{l.SortLink(Column{Sort: "maker"}), "/assets?sort=-maker&zone=dmz"},
		{l.SortLink(Column{Sort: "n"}), "/assets?sort=n&zone=dmz"},
		{l.Sorted(Column{Sort: "maker"}), "ascending"},
		{l.Sorted(Column{}), ""},
		{l.NextLink(), "/assets?after=c2&sort=maker&zone=dmz"},
		{l.PrevLink(), ""},
		{l.FirstLink(), "/assets?sort=maker&zone=dmz"},
		{(&List{Path: "/a", Query: url.Values{}}).FirstLink(), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if l.Query.Get("after") != "c1" {
		t.Error("links must not change the query")
	}
}

func TestDueSaysWhatIsLeft(t *testing.T) {
	d := &drawer{set: gallerySet(t)}
	d.begin(Shell{Lang: text.JA, Now: galleryNow})
	at := func(day, h, m int) time.Time { return time.Date(2026, 11, day, h, m, 0, 0, text.JST) }
	for name, c := range map[string]struct {
		due                 Due
		kind, word, instant string
	}{
		"far":      {Due{At: at(30, 9, 0)}, "", "残り 24日18時間", "11/30 09:00 JST"},
		"soon":     {Due{At: at(6, 14, 5)}, "soon", "残り 23時間59分", "11/6 14:05 JST"},
		"day":      {Due{At: at(6, 14, 6)}, "", "残り 1日", "11/6 14:06 JST"},
		"late":     {Due{At: at(5, 11, 55)}, "late", "2時間10分 過ぎています", "11/5 11:55 JST"},
		"met":      {Due{At: at(5, 11, 55), MetAt: at(5, 2, 18)}, "met", "提出済み", "11/5 02:18 JST"},
		"midnight": {Due{At: at(10, 0, 0)}, "", "残り 4日9時間", "11/9 24:00 JST"},
		"newyear":  {Due{At: time.Date(2027, 1, 1, 0, 0, 0, 0, text.JST)}, "", "残り 56日9時間", "12/31 24:00 JST"},
		"promptly": {Due{Word: "速やかに"}, "", "速やかに", ""},
		"off":      {Due{At: at(6, 0, 0), Word: "施行前", Off: true}, "off", "施行前", "11/5 24:00 JST"},
	} {
		v := d.dueView(c.due)
		if v.Kind != c.kind || v.Word != c.word || v.Instant != c.instant {
			t.Errorf("%s: %q %q %q", name, v.Kind, v.Word, v.Instant)
		}
	}
}

func TestLanesScale(t *testing.T) {
	start := galleryNow
	sc := newScale(start, start.Add(30*24*time.Hour))
	last := 0.0
	for _, h := range []int{-5, 0, 1, 12, 24, 72, 240, 720, 9999} {
		x := sc.at(start.Add(time.Duration(h) * time.Hour))
		if x < last || x < 1 || x > 96 {
			t.Errorf("%d h stands at %.1f%% after %.1f%%", h, x, last)
		}
		last = x
	}
	if x := sc.at(start.Add(24 * time.Hour)); x < 15 || x > 25 {
		t.Errorf("the first day takes %.1f%%", x)
	}
}

func TestSquaresAreBounded(t *testing.T) {
	s := gallerySet(t)
	d, err := s.take()
	if err != nil {
		t.Fatal(err)
	}
	d.begin(Shell{})
	for _, n := range []int{0, 1, 400, 401, 2_000_000} {
		h, err := d.squares(Squares{Say: "s", Note: "四角1つが1台", Unit: "台", Parts: []Mass{{"a", n, "f-act"}, {"b", 1, "f-line"}}})
		if err != nil {
			t.Fatal(err)
		}
		marks := 0
		for i := range len(h) - 5 {
			if h[i:i+5] == "<rect" {
				marks++
			}
		}
		if marks > most+4 || n > 0 && marks < 2 {
			t.Errorf("%d things: %d marks", n, marks)
		}
		if each := strings.Contains(string(h), "四角1つが1台"); each != (n < most) {
			t.Errorf("%d things: the caption says one to a square: %v", n, each)
		}
		if n == 401 && !strings.Contains(string(h), "四角1つが約2台です") {
			t.Errorf("%d things: %s", n, h)
		}
	}
	if _, err := d.squares(Squares{Parts: []Mass{{"a", -1, ""}}}); err == nil {
		t.Error("a negative count must fail")
	}
	if _, err := d.squares(Squares{Parts: []Mass{{"a", 401, ""}}}); err == nil {
		t.Error("several to a square without a unit must fail")
	}
}
