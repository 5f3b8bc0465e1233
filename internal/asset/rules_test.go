package asset

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func rules(t testing.TB) *Rules {
	t.Helper()
	r, err := LoadRules(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// piece makes an Item from name, value pairs of columns.
func piece(t testing.TB, pairs ...string) Item {
	t.Helper()
	var d Draft
	for i := 0; i+1 < len(pairs); i += 2 {
		f, ok := FieldNamed(pairs[i])
		if !ok {
			t.Fatalf("no field %q", pairs[i])
		}
		d.Values[f] = pairs[i+1]
	}
	it, bad := New(&d, nil)
	if len(bad) > 0 {
		t.Fatalf("%v: %v", pairs, bad)
	}
	return it
}

func day(s string) Date {
	d, ok := ParseDate(s)
	if !ok {
		panic("BUG: not a date: " + s)
	}
	return d
}

func TestDueDates(t *testing.T) {
	r := rules(t)
	for _, c := range []struct {
		name           string
		ev             Event
		introduced, at string
		duty           string
		statutory      string
		house          string
		promptly       bool
	}{
		{"installed long before the Act applied", EventIntroduction, "2015-04-01", "2026-11-22", "transition", "2027-03-31", "", false},
		{"the last day before it applied", EventIntroduction, "2026-09-30", "2026-11-22", "transition", "2027-03-31", "", false},
		{"the first day it applied", EventIntroduction, "2026-10-01", "2026-10-01", "introduction", "", "2026-10-15", true},
		{"later", EventIntroduction, "2026-12-25", "2026-12-25", "introduction", "", "2027-01-08", true},
		{"nobody wrote the day", EventIntroduction, "", "2026-11-22", "undated", "", "2026-12-06", true},
		{"a change of old equipment has no transition", EventChange, "2015-04-01", "2026-11-22", "change", "", "2026-12-06", true},
		{"withdrawn", EventWithdrawal, "2015-04-01", "2026-11-22", "withdrawal", "", "2026-12-06", true},
		{"no day of the event, no target", EventChange, "", "", "change", "", "", true},
	} {
		var in, at Date
		if c.introduced != "" {
			in = day(c.introduced)
		}
		if c.at != "" {
			at = day(c.at)
		}
		got := r.Due(c.ev, in, at)
		if got.Duty != c.duty || got.Statutory.String() != c.statutory || got.House.String() != c.house || got.Promptly != c.promptly {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got.Source.Empty() || got.Reason.Empty() {
			t.Errorf("%s: no source or reason", c.name)
		}
		if got.Promptly && !got.Statutory.IsZero() {
			t.Errorf("%s: promptly has no number", c.name)
		}
	}
}

func TestNotice1ExcludesWindowsOnlyFromNotification(t *testing.T) {
	r := rules(t)
	on := day("2026-11-22")
	for _, c := range []struct {
		maker, product string
		want           Answer
	}{
		{"Microsoft", "Windows", Yes},
		{"Microsoft", "Windows Server 2022 Standard", Yes},
		{"Microsoft Corporation", "Microsoft Windows Server 2019 Datacenter", Yes},
		{"Microsoft", "Windows Server 2019 for the HMI", Unknown},
		{"マイクロソフト", "Windows 11 Pro 24H2", Yes},
		{"日本マイクロソフト株式会社", "ＷＩＮＤＯＷＳ　ＳＥＲＶＥＲ　２０１６　Ｒ２", Yes},
		{"Microsoft", "Windows 10 IoT Enterprise LTSC 2021", Yes},
		{"Microsoft", "Windows Admin Center", Unknown},
		{"Microsoft", "Windows Defender", Unknown},
		{"Microsoft", "Exchange Server 2019", No},
		{"Microsoft", "SQL Server 2022", No},
		{"Microsoft", "Windowsill 3", No},
		{"Orvane", "Windows Server 2022", No},
	} {
		it := piece(t, "maker", c.maker, "product", c.product)
		ex, got := r.Excluded(&it, on)
		if got != c.want {
			t.Errorf("%s %s: %s, want %s (key %q %q)", c.maker, c.product, got, c.want, it.MakerKey, it.ProductKey)
		}
		if (ex != nil) != (got != No) {
			t.Errorf("%s: the row of the notice goes with yes and unknown: %v", c.product, ex)
		}
	}
	it := piece(t, "maker", "Microsoft", "product", "Windows Server 2022")
	if _, got := r.Excluded(&it, day("2026-09-30")); got != No {
		t.Error("the notice did not hold before 1 October 2026")
	}
	s := r.Scope(ScopeFacts{Yes, Yes, Yes}, &it, on)
	if s.Verdict != ScopeExcluded || s.Incident != Yes || s.Exclusion != "notice-1-windows" {
		t.Errorf("excluded from notification, not from incident reporting: %+v", s)
	}
}

func TestScope(t *testing.T) {
	r := rules(t)
	it := piece(t, "maker", "Orvane", "product", "EdgeGate 410")
	for _, c := range []struct {
		f        ScopeFacts
		verdict  ScopeVerdict
		incident Answer
		last     string
		steps    int
	}{
		{ScopeFacts{Yes, Yes, Yes}, ScopeNotify, Yes, "excluded", 4},
		{ScopeFacts{No, Yes, Yes}, ScopeOutside, No, "designated", 1},
		{ScopeFacts{Yes, No, Yes}, ScopeOutside, No, "used", 2},
		{ScopeFacts{Yes, Yes, No}, ScopeOutside, No, "affects", 3},
		{ScopeFacts{Yes, Yes, Unknown}, ScopeUnsure, Unknown, "affects", 3},
		{ScopeFacts{}, ScopeUnsure, Unknown, "designated", 1},
		{ScopeFacts{Yes, "maybe", Yes}, ScopeUnsure, Unknown, "used", 2},
	} {
		got := r.Scope(c.f, &it, day("2026-11-22"))
		last := got.Walk[len(got.Walk)-1]
		if got.Verdict != c.verdict || got.Incident != c.incident || last.Step != c.last || len(got.Walk) != c.steps {
			t.Errorf("%+v: %+v", c.f, got)
		}
		for _, w := range got.Walk {
			if w.Reason.Empty() || w.Source.Empty() {
				t.Errorf("%+v: step %s has no reason or source", c.f, w.Step)
			}
		}
	}
}

func TestGaps(t *testing.T) {
	r := rules(t)
	today := day("2026-11-22")
	full := []string{"service", "給電指令", "operated_by", "自社", "introduced_at", "2020-04-01", "support_ends_at", "2030-03-31", "addresses", "203.0.113.10", "version", "9.1.5"}
	ids := func(it Item) (out []string) {
		for _, g := range r.Lacks(&it) {
			out = append(out, g.ID)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"complete", append([]string{"maker", "Orvane", "product", "EdgeGate", "kind", "vpn", "zone", "internet"}, full...), nil},
		{"no version on the internet", append([]string{"maker", "Orvane", "product", "EdgeGate", "kind", "vpn", "zone", "internet"}, full[:10]...), []string{"version_internet"}},
		{"a cloud service has no version of ours", append([]string{"maker", "Orvane", "product", "Sky", "kind", "cloud_saas", "zone", "internet"}, full[:10]...), nil},
		{"a domain is as good as an address", append([]string{"maker", "Orvane", "product", "EdgeGate", "kind", "vpn", "zone", "internet", "domains", "vpn.example.jp", "version", "1"}, full[:8]...), nil},
		{"bare", []string{"maker", "Orvane", "product", "EdgeGate", "kind", "router"}, []string{"zone_missing", "service_missing", "introduced_missing"}},
	} {
		if d := cmp.Diff(c.want, ids(piece(t, c.pairs...))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	var tally Tally
	for range 4 {
		it := piece(t, "maker", "Orvane", "product", "EdgeGate", "kind", "vpn", "zone", "internet", "quantity", "3", "support_ends_at", "2026-11-21")
		tally.Add(r, &it, today)
	}
	if tally.Gaps["version_internet"] != 12 || tally.Devices != 12 || tally.Entries != 4 || tally.SupportEnded != 12 {
		t.Errorf("%+v", tally)
	}
}

func TestSupport(t *testing.T) {
	r := rules(t)
	today := day("2026-11-22")
	for ends, want := range map[string]Support{
		"": SupportUnknown, "2026-11-21": SupportEnded, "2026-11-22": SupportEnding,
		"2027-05-21": SupportEnding, "2027-05-22": SupportFine, // 180 and 181 days
	} {
		it := piece(t, "maker", "Orvane", "product", "EdgeGate", "support_ends_at", ends)
		if got := r.Support(&it, today); got != want {
			t.Errorf("%q: %s, want %s", ends, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	r := rules(t)
	today := day("2026-11-22")
	got := r.Age([]Date{today, {}, day("2026-10-12"), day("2026-05-26"), day("2026-05-25"), day("2026-12-31")}, today)
	want := Age{Entries: 6, Median: 41, Oldest: 181, Stale: 1, Never: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if (r.Age(nil, today) != Age{}) {
		t.Error("an empty register has no age")
	}
}

// A broken rule must fail when it is loaded, never when it is needed.
func TestLoadRulesRefusesBrokenRules(t *testing.T) {
	read := func(name string) string {
		raw, err := data.ReadFile("data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, c := range []struct{ file, from, to, want string }{
		{"duties.toml", `event            = "withdrawal"`, `event            = "change"`, "each of introduction, change and withdrawal"},
		{"duties.toml", `introduced_from  = "2026-10-01"`, `introduced_from  = "2026-10-03"`, "no row for an introduction"},
		{"duties.toml", `due              = "2027-03-31"`, `due              = "2027-02-31"`, "duties.toml"},
		{"duties.toml", `house_days       = 14`, `house_dayz       = 14`, "unknown key"},
		{"duties.toml", `field    = "maker"`, `field    = "makr"`, "no field"},
		{"duties.toml", `level  = "act"`, `level  = "red"`, "no level"},
		{"scope.toml", `verdict  = "notify"`, `verdict  = "perhaps"`, "no verdict"},
		{"scope.toml", `id       = "excluded"`, `id       = "weather"`, "no step"},
		{"exclusions.toml", `from     = "2026-10-01"`, ``, "exclusion"},
	} {
		raw := read(c.file)
		if !strings.Contains(raw, c.from) {
			t.Fatalf("%s no longer holds %q", c.file, c.from)
		}
		_, err := LoadRules(fstest.MapFS{c.file: {Data: []byte(strings.Replace(raw, c.from, c.to, 1))}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v", c.file, c.to, err)
		}
	}
}
