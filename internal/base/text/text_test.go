package text

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"noroshi/internal/base/fault"
)

func words(ja, en string) fstest.MapFS {
	return fstest.MapFS{"text/ja.toml": {Data: []byte(ja)}, "text/en.toml": {Data: []byte(en)}}
}

func TestLoadRefusesUnequalLanguages(t *testing.T) {
	for name, c := range map[string]struct{ ja, en, want string }{
		"missing English":  {`"a" = "x"`, ``, "a: no English"},
		"missing Japanese": {``, `"a" = "x"`, "a: no Japanese"},
		"other arguments":  {`"a" = "{n}台"`, `"a" = "{m} devices"`, "arguments [n] in ja, [m] in en"},
	} {
		if _, err := Load(words(c.ja, c.en)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(words(`"a"="x"`, `"a"="x"`), words(`"a"="y"`, `"a"="y"`)); err == nil {
		t.Error("a key given twice must fail")
	}
}

type deed string

func (d deed) WordsKey() string { return "deed." + string(d) }

func TestPrinter(t *testing.T) {
	c, err := Load(words(`"rows" = "{n}行です"
"x.bad" = "行{row}を直してください"
"deed.mend" = "屋根を直す"`, `"rows" = "{n} {n|row|rows}"
"x.bad" = "Fix row {row}"
"deed.mend" = "mend roofs"`))
	if err != nil {
		t.Fatal(err)
	}
	ja, en := c.Printer(JA, nil), c.Printer(EN, nil)
	at := time.Date(2026, 11, 5, 5, 5, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{ja.T("rows", "n", 4812), "4,812行です"},
		{en.T("rows", "n", 1), "1 row"},
		{en.T("rows", "n", 2), "2 rows"},
		{en.T("nope"), "[nope]"},
		{ja.Time(at), "2026年11月5日（木）14:05 JST"},
		{en.Time(at), "Thu 5 Nov 2026, 14:05 JST"},
		{ja.Short(at, at), "11/5 14:05"},
		{en.Short(at, at), "5 Nov 14:05"},
		{ja.Short(at, at.AddDate(1, 0, 0)), "2026/11/5 14:05"},
		{en.Short(at, at.AddDate(1, 0, 0)), "5 Nov 2026 14:05"},
		{ja.ShortDate(at.Add(10*time.Hour), at), "11/6"},
		{en.ShortDate(at.Add(10*time.Hour), at), "6 Nov"},
		{ja.Reiwa(at), "令和8年11月5日"},
		{ja.Reiwa(time.Date(2019, 5, 1, 0, 0, 0, 0, JST)), "令和元年5月1日"},
		{ja.Reiwa(time.Date(2019, 4, 30, 0, 0, 0, 0, JST)), "2019年4月30日"},
		{ja.Left(at.Add(9*time.Hour+35*time.Minute+7*time.Second), at), "残り 9時間35分"},
		{ja.Left(at.Add(-130*time.Minute), at), "2時間10分 過ぎています"},
		{en.Left(at.Add(29*24*time.Hour+9*time.Hour), at), "29 d 9 h left"},
		{en.Duration(61 * time.Second), "1 min 1 s"},
		{ja.Duration(90 * time.Minute), "1時間30分"},
		{ja.Duration(24 * time.Hour), "1日"},
		{ja.Number(-1234567), "-1,234,567"},
		{en.Bytes(1_400_000), "1.4 MB"},
		{en.Fault(fault.New(fault.Invalid, "x.bad", "row", 3)).Title, "Fix row 3"},
		{en.Fault(fault.New(fault.Invalid, "x.bad", "row", deed("mend"))).Title, "Fix row mend roofs"},
		{ja.Fault(fault.New(fault.Invalid, "x.bad", "row", deed("mend"))).Title, "行屋根を直すを直してください"},
		{en.Fault(fault.New(fault.Invalid, "x.bad", "row", deed("burn"))).Title, "Fix row burn"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestParseLang(t *testing.T) {
	for in, want := range map[string]Lang{"en_GB.UTF-8": EN, "ja": JA, "EN": EN, "ja-JP": JA} {
		if got, ok := ParseLang(in); !ok || got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
	if _, ok := ParseLang("jam"); ok {
		t.Error("jam is not Japanese")
	}
}

func TestAReaderIsNotDeceivedByWhatIsUnseen(t *testing.T) {
	for in, want := range map[string]string{
		"run/\x1b[2J\u202e1\u009b8m": "run/␛[2J\uFFFD1\uFFFD8m", // a terminal takes no orders
		"a\x7fb\tc":                  "a␡b␉c",
		"pay\u200bpal\ufeff":         "pay\uFFFDpal\uFFFD",
		"one\u2028two":               "one\uFFFDtwo",
		"青葉電力 Ökofirma":              "青葉電力 Ökofirma",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
