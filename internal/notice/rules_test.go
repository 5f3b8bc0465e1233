package notice

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"noroshi/internal/base/text"
)

func TestPlainWords(t *testing.T) {
	r := Rules()
	for _, c := range []struct {
		lang text.Lang
		text string
		want []string // jargon, or "long"
	}{
		{text.JA, "装置の線を抜いてください。電源は切らないでください。", nil},
		{text.JA, "ファームウェアを更新", []string{"ファームウェア"}},
		{text.JA, "回線遮断をしてください", []string{"回線遮断"}}, // the longer word, once
		{text.JA, "ＣＶＥ－２０２６－１ です", []string{"cve"}},
		{text.JA, "CVEXの箱", nil}, // a Latin word only when it stands alone
		{text.JA, strings.Repeat("あ", 31), []string{"long"}},
		{text.JA, strings.Repeat("あ", 30) + "。" + strings.Repeat("い", 30), nil},
		{text.JA, "EdgeGate を 9.1.8 にしてください", nil},
		{text.EN, "Apply the patches now.", []string{"patch"}},
		{text.EN, "Look at the dispatch desk.", nil},
		{text.EN, "Use version 9.1.8 now. " + strings.Repeat("word ", 21), []string{"long"}},
		{text.EN, "", nil},
	} {
		var got []string
		for _, h := range r.Plain(c.lang, c.text) {
			if h.Word == "" {
				got = append(got, "long")
			} else {
				got = append(got, h.Word)
				if h.Use == "" {
					t.Errorf("%q: nothing to say in the place of %q", c.text, h.Word)
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

// No list of words makes the search go wrong on any text.
func FuzzPlain(f *testing.F) {
	f.Add("ファームウェアをアップデート。", "patch the firmware.")
	f.Add("İİİİ\xff\x00", "ﬁrmware")
	f.Fuzz(func(t *testing.T, ja, en string) {
		r := Rules()
		if n := len(r.Plain(text.JA, ja)) + len(r.Plain(text.EN, en)); n > 4*maxPlainHits {
			t.Errorf("%d hits", n)
		}
		c := Content{TLP: Clear, Management: &Brief{TLP: Clear, What: text.Both{JA: ja, EN: en}}, Technical: &Package{TLP: Red, Details: text.Both{JA: en, EN: ja}, Indicators: []Indicator{{Value: ja}}}}
		torn := r.Tear(&c, []string{en})
		// What is asked for and stands there word for word is found.
		if v := technicalValues(&Package{Indicators: []Indicator{{Value: ja}}}); len(v) > 0 && len(torn.Leaks) == 0 {
			t.Errorf("%q stands in the version below and is not found", ja)
		}
	})
}

func TestTheTearLine(t *testing.T) {
	r := Rules()
	technical := &Package{TLP: Amber, Details: text.Both{JA: "203.0.113.9 と https://bad.example/a を見る。"},
		Indicators: []Indicator{{Kind: "mail", Value: "boss@evil.example"}, {Kind: "other", Value: "ab"}, {Kind: "account", Value: "svc-maint"}}}
	for _, c := range []struct {
		name string
		mark TLP
		text string
		want []string
	}{
		{"clean", Green, "線を抜いてください", nil},
		{"an address", Green, "203.0.113.9", []string{"203.0.113.9"}},
		{"defanged", Green, "hxxps://bad[.]example/a", []string{"https://bad.example/a"}},
		{"a mail address in full width", Clear, "ｂｏｓｓ＠ｅｖｉｌ．ｅｘａｍｐｌｅ", []string{"boss@evil.example"}},
		{"two letters are no value", Green, "ab", nil},
		{"an account", Green, "SVC-MAINT の停止", []string{"svc-maint"}},
		{"the same mark may hold it", Amber, "203.0.113.9", nil},
		{"a narrower one too", Red, "203.0.113.9", nil},
	} {
		content := Content{TLP: Amber, Technical: technical, Management: &Brief{TLP: c.mark, What: text.Both{JA: c.text}}}
		var got []string
		for _, l := range r.Tear(&content, nil).Leaks {
			got = append(got, l.Value)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	// Names, with and without what kind of firm it is.
	content := Content{Title: text.Both{JA: "蒼浜電力での件"}, Small: &Steps{TLP: Clear, Note: text.Both{EN: "as at Aohama Power"}}}
	for _, n := range []string{"蒼浜電力株式会社", "Aohama Power Co., Ltd."} {
		if got := r.Tear(&content, []string{n}).Leaks; len(got) != 1 || !got[0].Name {
			t.Errorf("%s: %v", n, got)
		}
	}
	if got := r.Tear(&content, []string{"電力", "Fukagawa"}).Leaks; len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// Every indicator that is put anywhere into a wider version is found.
func TestTheTearLineFindsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-z0-9]{4,12}(\.[a-z]{2,5}){1,2}`).Draw(t, "value")
		before, after := rapid.StringMatching(`[ぁ-ん ]{0,8}`).Draw(t, "before"), rapid.StringMatching(`[ぁ-ん ]{0,8}`).Draw(t, "after")
		shown := value
		if rapid.Bool().Draw(t, "defanged") {
			shown = strings.ToUpper(strings.ReplaceAll(value, ".", "[.]"))
		}
		c := Content{TLP: Amber, Technical: &Package{TLP: Red, Indicators: []Indicator{{Value: value}}}, Small: &Steps{TLP: Clear, Steps: []Step{{Do: text.Both{JA: before + shown + after}}}}}
		if len(Rules().Tear(&c, nil).Leaks) == 0 {
			t.Errorf("%q in %q", value, before+shown+after)
		}
	})
}

func TestEveryMove(t *testing.T) {
	r := Rules()
	answers := r.Answers()
	if len(answers) != 6 {
		t.Fatalf("%v", answers)
	}
	for _, from := range []State{Delivered, Opened, Checking, Affected, NotAffected, Mitigated, Planned, NeedsHelp} {
		for _, to := range answers {
			if err := r.Move(from, to); err != nil {
				t.Errorf("%s → %s: %v", from, to, err)
			}
		}
		for _, to := range []State{Listed, Delivered, Opened, "", "nonsense"} {
			if r.Move(from, to) == nil {
				t.Errorf("%s → %s", from, to)
			}
		}
	}
	if r.Move(Listed, Affected) == nil {
		t.Error("a draft is answered")
	}
}

// A range never points at fewer firms than the rules allow, and holds the count.
func TestBlur(t *testing.T) {
	r := Rules()
	for total := range 60 {
		for n := range total + 1 {
			got := r.Blur(n, total)
			if n < got.From || n > got.To || got.From < 0 || got.To > total {
				t.Fatalf("%d of %d: %+v", n, total, got)
			}
			if got.Exact() && total > 0 && (n < r.Relay.Exact || total-n < r.Relay.Exact) {
				t.Errorf("%d of %d is shown as it is", n, total)
			}
		}
	}
}

func TestSchedule(t *testing.T) {
	r := Rules()
	sent := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	all := r.Schedule(sent, sent.Add(8*time.Hour), sent.Add(48*time.Hour))
	if len(all) != 5 || all[0].Due != sent.Add(4*time.Hour) || all[4].Due != sent.Add(72*time.Hour) || all[4].Contact != 2 {
		t.Fatalf("%+v", all)
	}
	if i, at, ok := r.Next(all, 0, Planned); !ok || i != 3 || at != sent.Add(48*time.Hour) {
		t.Errorf("planned: %d %v %v", i, at, ok)
	}
	if _, _, ok := r.Next(all, 0, NotAffected); ok {
		t.Error("somebody not affected is reminded")
	}
	if c, step, ok := r.Overdue(all, 0, Opened, sent.Add(9*time.Hour)); !ok || step != 2 || c.At != 100 {
		t.Errorf("%+v %d %v", c, step, ok)
	}
	if got := r.Schedule(sent, sent, time.Time{}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct{ in, want []time.Duration }{
		{[]time.Duration{3, 1, 2}, []time.Duration{1, 2, 3}}, {[]time.Duration{4, 2}, []time.Duration{2, 3, 4}}, {[]time.Duration{-5, 7}, []time.Duration{0, 3, 7}},
	} {
		if s := SpreadOf(c.in); s.Least != c.want[0] || s.Median != c.want[1] || s.Most != c.want[2] {
			t.Errorf("%v: %+v", c.in, s)
		}
	}
	last := -1.0
	for d := time.Second; d < 1000*time.Hour; d *= 2 {
		if x := LogPlace(d); x < last || x < 0 || x > 100 {
			t.Errorf("%v at %v", d, x)
		} else {
			last = x
		}
	}
}

func TestNumbersInAnySpelling(t *testing.T) {
	for range 100 {
		n := newNumber()
		plain := strings.ReplaceAll(n, "-", "")
		for _, s := range []string{n, plain, strings.ToLower(n), " " + n[:3] + " " + n[3:]} {
			if got := noticeNumber(s); got != n {
				t.Errorf("%q: %q, want %q", s, got, n)
			}
		}
	}
}

func TestIndicatorsOfAForm(t *testing.T) {
	got := readIndicators("198.51.100.7\tentry\n  update[.]edge-gate.example  c2\n\n2001:db8::1\nhxxps://x.example/a\n" + strings.Repeat("ab", 32) + "\na@b.example\n/var/log/x\nsvc\n10.0.0.0/8")
	var kinds []string
	for _, i := range got {
		kinds = append(kinds, i.Kind)
	}
	if diff := cmp.Diff([]string{"address", "domain", "address", "url", "hash", "mail", "path", "other", "address"}, kinds); diff != "" || got[0].Note != "entry" || got[1].Note != "c2" {
		t.Errorf("%s %+v", diff, got)
	}
}

func TestRulesThatAreWrong(t *testing.T) {
	for _, change := range [][2]string{
		{`relay = "tied"`, `relay = "some"`}, {`to = ["opened"`, `to = ["lost"`}, {`of = "fix"`, `of = "hope"`}, {`help_hours = 2`, `help_hours = 0`}, {`tiers = 3`, `tiers = 0`}, {`exact = 5`, `exactly = 5`},
	} {
		if _, err := parseRules(strings.Replace(ruleData, change[0], change[1], 1), jargonData); err == nil {
			t.Errorf("%s is taken", change[1])
		}
	}
	if _, err := parseRules(ruleData, "[[word]]\nja = \"あ\""); err == nil {
		t.Error("a word without what to use")
	}
}
