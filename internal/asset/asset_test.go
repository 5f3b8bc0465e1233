package asset

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

func TestParseDate(t *testing.T) {
	for want, list := range map[string][]string{
		"2026-03-31": {
			"2026-03-31", "2026/3/31", "2026.3.31", "20260331", "2026年3月31日", "２０２６年３月３１日", "令和8年3月31日", "令和 8 年 3 月 31 日",
			"R8.3.31", "r8/3/31", "R08-03-31", "Ｒ８．３．３１", "2026/3/31 (火)", "2026年3月31日（火曜日）", "2026-03-31T09:00:00+09:00", "2026/03/31 9:00",
			"46112", "㋿8年3月31日", "平成38年3月31日", " 2026-03-31 ",
		},
		"2019-04-01": {"H31/4/1", "平成31年4月1日", "H31.4.1"},
		"2019-05-01": {"令和元年5月1日", "R1.5.1", "R元.5.1"},
		"1989-01-07": {"昭和64年1月7日", "S64.1.7"},
		"1989-01-08": {"平成元年1月8日"},
		"2024-02-29": {"2024-02-29", "R6.2.29"},
	} {
		for _, s := range list {
			if got, ok := ParseDate(s); !ok || got.String() != want {
				t.Errorf("%q: %v %v, want %s", s, got, ok, want)
			}
		}
	}
	for _, s := range []string{
		"", "令和元年4月30日", "平成元年1月7日", "R0.1.1", "2026-02-29", "2026-13-01", "2026-00-10", "2026-3", "2026年3月", "令和8年", "3/31/2026", "31.3.2026",
		"26/3/31", "8.3.31", "2026-03/31", "2026年3月31", "1949-12-31", "2200-01-01", "2026-03-31 (吉)", "2026-03-31x", "461121", "4611", "R", "令和", "X8.3.31",
		"2026-03-31 25:00", "99999999999999999999", strings.Repeat("2", 100),
	} {
		if got, ok := ParseDate(s); ok {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func TestDateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := DateOf(time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 91_000).Draw(t, "days")))
		if got, ok := ParseDate(d.String()); !ok || got != d {
			t.Fatalf("%v: %v", d, got)
		}
		raw, err := json.Marshal(d)
		var back Date
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || back != d {
			t.Fatalf("%s: %v %v", raw, back, err)
		}
		if reiwa := text.JST; !d.Before(Date{2019, 5, 1}) {
			if got, ok := ParseDate((text.Printer{Lang: text.JA, Zone: reiwa}).Reiwa(d.In(reiwa))); !ok || got != d {
				t.Fatalf("%v: %v", d, got)
			}
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"令和8年3月31日", "H31/4/1", "20260331", "46112", "2026-03-31 (火) 9:00", "00001", "20360231"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseDate(s); ok {
			if again, ok := ParseDate(d.String()); !ok || again != d {
				t.Fatalf("%q: %v, then %v", s, d, again)
			}
		} else if !d.IsZero() {
			t.Fatalf("%q: refused, yet %v", s, d)
		}
	})
}

func TestParseCPE(t *testing.T) {
	for _, s := range []string{
		"cpe:2.3:h:cisco:asa_5506-x:-:*:*:*:*:*:*:*", "cpe:2.3:o:fortinet:fortios:7.4.3:*:*:*:*:*:*:*", `cpe:2.3:a:foo\\bar:big\$money_2010:*:*:*:*:special:ipod_touch:80gb:*`,
		`cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*`, `cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*`, "cpe:2.3:a:v:p:??:*:*:*:*:*:*:*",
		`cpe:2.3:a:v:p\::1\.0:*:*:*:*:*:*:*`, `cpe:2.3:a:v:p\*:1:*:*:*:*:*:*:*`, `cpe:2.3:a:v:p\?:1:*:*:*:*:*:*:*`, `cpe:2.3:a:v:p\??:1:*:*:*:*:*:*:*`,
	} {
		if got, ok := ParseCPE(s); !ok || got != s {
			t.Errorf("%s: %q %v", s, got, ok)
		}
	}
	if got, ok := ParseCPE("CPE:2.3:H:Cisco:ASA:-:*:*:*:*:*:*:*"); !ok || got != "cpe:2.3:h:cisco:asa:-:*:*:*:*:*:*:*" {
		t.Errorf("upper case: %q", got)
	}
	for _, s := range []string{
		"", "cpe:/h:cisco:asa", "cpe:2.3:", "cpe:2.3:h:cisco", "cpe:2.3:x:a:b:c:*:*:*:*:*:*:*", "cpe:2.3:h:a:b:c:*:*:*:*:*:*", "cpe:2.3:h:a:b:c:*:*:*:*:*:*:*:*",
		"cpe:2.3:h::b:c:*:*:*:*:*:*:*", "cpe:2.3:h:a b:b:c:*:*:*:*:*:*:*", "cpe:2.3:h:a*b:b:c:*:*:*:*:*:*:*", "cpe:2.3:h:a?b:b:c:*:*:*:*:*:*:*", "cpe:2.3:h:**:b:c:*:*:*:*:*:*:*",
		"cpe:2.3:h:日本:b:c:*:*:*:*:*:*:*", `cpe:2.3:h:a\:b:c:*:*:*:*:*:*:*`, `cpe:2.3:h:a\b:b:c:*:*:*:*:*:*:*`, "cpe:2.3:h:a:b:c:*:*:*:*:*:*:*:", "cpe:2.3:h:a:b:c:*:*:*:*:*:*:" + `\`,
	} {
		if got, ok := ParseCPE(s); ok {
			t.Errorf("%s: accepted as %s", s, got)
		}
	}
}

func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"cpe:2.3:h:cisco:asa:-:*:*:*:*:*:*:*", "pkg:deb/debian/curl@7.50.3-1?arch=i386", "2001:db8::/32", "*.例え.jp", "\xa7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range map[string]func(string) (string, bool){"cpe": ParseCPE, "purl": ParsePURL, "address": ParseAddress, "domain": ParseDomain} {
			if a, ok := parse(s); ok {
				if b, ok := parse(a); !ok || a != b {
					t.Errorf("%s: %q is %q, then %q", name, s, a, b)
				}
			}
		}
	})
}

func TestParsePURL(t *testing.T) {
	for in, want := range map[string]string{
		"pkg:deb/debian/curl@7.50.3-1?arch=i386":  "pkg:deb/debian/curl@7.50.3-1?arch=i386",
		"pkg:GitHub/Package-URL/purl-Spec@244fd4": "pkg:github/package-url/purl-spec@244fd4",
		"pkg:generic/fortios@7.4.3":               "pkg:generic/fortios@7.4.3",
		"npm/foo":                                 "", "pkg:": "", "pkg:npm": "", "": "",
	} {
		if got, ok := ParsePURL(in); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
}

func TestAddressesAndDomains(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "１９２．０．２．１": "192.0.2.1", "192.0.2.77/24": "192.0.2.0/24", "192.0.2.1/32": "192.0.2.1", "2001:DB8:0::1": "2001:db8::1",
		"::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1/32": "2001:db8::/32",
		"192.0.2.1:443": "", "192.0.2.1-9": "", "fe80::1%eth0": "", "192.0.2.256": "", "192.0.2.1/33": "", "example.jp": "", "::ffff:192.0.2.1/120": "",
	} {
		if got, ok := ParseAddress(in); got != want || ok != (want != "") {
			t.Errorf("address %s: %q %v", in, got, ok)
		}
	}
	for in, want := range map[string]string{
		"VPN.Example.JP.": "vpn.example.jp", "*.example.jp": "*.example.jp", "日本語.example": "xn--wgv71a119e.example", "localhost": "localhost", "ｗｗｗ.example.jp": "www.example.jp",
		"https://example.jp/": "", "example.jp:443": "", "a..b": "", "192.0.2.1": "", "*": "", ".": "", "a b.jp": "", strings.Repeat("a", 64) + ".jp": "", "*.*.jp": "", "user@example.jp": "",
	} {
		if got, ok := ParseDomain(in); got != want || ok != (want != "") {
			t.Errorf("domain %s: %q %v", in, got, ok)
		}
	}
}

func TestNewAnswersAForm(t *testing.T) {
	var d Draft
	d.Values[FieldProduct] = "X\u202e5"
	d.Values[FieldOperatedBy] = "7000-0120-50003"
	d.Values[FieldAddresses] = strings.Repeat("192.0.2.1,", 10) + "2001:db8::1"
	d.Values[FieldService] = strings.Repeat("あ", MaxName+1)
	d.Values[FieldSite] = "a\xffb"
	it, problems := New(&d, nil)
	if diff := cmp.Diff([]string{
		"service asset.too_long", "operated_by asset.corporate_check", "product asset.hidden_characters", "site asset.broken_characters", "maker asset.maker_empty",
	}, sortedLike(problems)); diff != "" {
		t.Error(diff)
	}
	say(t, fault.New(fault.Invalid, "asset.import.file_empty").At(problems...))
	if !slices.Equal(it.Sealed.Addresses, []string{"192.0.2.1", "2001:db8::1"}) || it.Quantity != 1 {
		t.Errorf("%+v", it)
	}
}

// sortedLike lists problems in the order of the check, service and operator first.
func sortedLike(places []fault.Place) []string {
	out := spots(places)
	order := []string{"service", "operated_by", "product", "site", "maker"}
	slices.SortStableFunc(out, func(a, b string) int {
		return slices.Index(order, strings.Fields(a)[0]) - slices.Index(order, strings.Fields(b)[0])
	})
	return out
}

func TestListLimits(t *testing.T) {
	var d Draft
	d.Values[FieldMaker], d.Values[FieldProduct] = "A", "B"
	var many []string
	for i := range MaxList + 1 {
		many = append(many, "host"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
	}
	d.Values[FieldConnects] = strings.Join(many, "、")
	d.Further = map[string]string{"a": "x\x01", "b": strings.Repeat("x", MaxFurtherV+1), "empty": " "}
	it, problems := New(&d, nil)
	if diff := cmp.Diff([]string{"connects_to asset.too_many", "further/a asset.further_bad", "further/b asset.further_bad"}, spots(problems)); diff != "" {
		t.Error(diff)
	}
	if it.Further != nil {
		t.Errorf("%v", it.Further)
	}
	d = Draft{Further: map[string]string{}}
	for _, f := range many[:MaxFurther+1] {
		d.Further[f] = "x"
	}
	_, problems = New(&d, nil)
	if last := problems[len(problems)-1]; last.Code != "asset.further_many" {
		t.Error(last)
	}
}

func TestCorporateNumber(t *testing.T) {
	for _, s := range []string{"7000012050002", "1000012050002", "8000012050001"} {
		sum := 0 // the ordinance, written out: the weights run 1, 2, 1, 2 … from the right
		for i, w := len(s)-1, 1; i > 0; i, w = i-1, 3-w {
			sum += int(s[i]-'0') * w
		}
		if want := byte('0'+9-sum%9) == s[0]; corporateNumber(s) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
	if !corporateNumber("7000012050002") { // the National Tax Agency's own
		t.Error("a real number is refused")
	}
}

// Every sentence that is shown can be said in both languages, the ones for
// tables agree with the ones for forms, and the names of kinds, zones and
// columns are read back as what they name.
func TestWords(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range text.Langs {
		p := words.Printer(l, nil)
		for _, key := range words.Keys() {
			code, ok := strings.CutPrefix(key, "asset.import.")
			if !ok || !words.Has("asset."+code) || code == "maker_empty" || code == "product_empty" {
				continue
			}
			if form, table := strings.ToLower(p.T("asset."+code)), strings.ToLower(p.T(key)); !strings.HasSuffix(table, form) {
				t.Errorf("%s %s: %q does not end with %q", l, key, table, form)
			}
		}
		for _, k := range Kinds() {
			if got, ok := ParseKind(p.T("asset.kind." + string(k))); !ok || got != k {
				t.Errorf("%s: kind %s is read as %q", l, k, got)
			}
		}
		for _, z := range Zones() {
			if got, ok := ParseZone(p.T("asset.zone." + string(z))); !ok || got != z {
				t.Errorf("%s: zone %s is read as %q", l, z, got)
			}
		}
		for _, f := range Fields() {
			if got, rank, ok := fieldOf(p.T("asset.field." + f.String())); !ok || got != f || rank > 20 {
				t.Errorf("%s: column %s is read as %v", l, f, got)
			}
			if got, rank, ok := fieldOf(f.String()); !ok || got != f || rank != 0 {
				t.Errorf("column %s is read as %v, rank %d", f, got, rank)
			}
		}
	}
	if _, err := parseVocabulary("own=['x']\n[column]\nid=['メーカー']\nmaker=['メーカー']"); err == nil {
		t.Error("a header with two meanings must fail")
	}
}

// Every code that reading can answer with has its sentence, for forms and for tables.
func TestEveryCodeHasItsSentence(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`"(asset\.[a-z_]+[a-z_.]*[a-z_])"`)
	inField := regexp.MustCompile(`(?:c\.add\(\w+, |c\.list\(\w+, d, )"([a-z_]+)"`)
	inCell := regexp.MustCompile(`(?:at\(\w+(?:\.col)?, |trouble: |trouble = (?:.*, )?)"([a-z_]+)"`)
	n := 0
	for _, pattern := range []string{"asset*.go", "read*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, m := range whole.FindAllStringSubmatch(string(src), -1) {
				want = append(want, m[1])
			}
			for _, m := range inField.FindAllStringSubmatch(string(src), -1) {
				want = append(want, "asset."+m[1], "asset.import."+m[1])
			}
			for _, m := range inCell.FindAllStringSubmatch(string(src), -1) {
				want = append(want, "asset.import."+m[1])
			}
			for _, w := range want {
				if n++; !words.Has(w) {
					t.Errorf("%s: no sentence for %s", name, w)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d codes found: the patterns no longer fit the code", n)
	}
}
