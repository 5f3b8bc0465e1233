package org

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

func TestSectors(t *testing.T) {
	s, err := LoadSectors(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.List) != 15 || len(s.Roles) != 4 {
		t.Errorf("%d sectors, %d roles", len(s.List), len(s.Roles))
	}
	n := 0
	for _, r := range s.Roles {
		n += len(s.Of(r.ID))
	}
	if n != 15 {
		t.Errorf("%d sectors have a competent role", n)
	}
	if r, ok := s.Role("finance"); !ok || r.ID != "finance" {
		t.Errorf("%+v", r)
	}
	if _, ok := s.Role("medical"); ok {
		t.Error("medical care is not on the list of the Act")
	}
}

func TestOrgNormal(t *testing.T) {
	s, err := LoadSectors(nil)
	if err != nil {
		t.Fatal(err)
	}
	good := Org{Number: "９９９９－００００－００１７", Name: text.Both{JA: " 蒼浜　電力\t株式会社 "}, Kana: "あおはま でんりょく", Kinds: []Kind{Operator, Operator, Supplier}, Sectors: []string{"electricity"}}
	n, err := CompleteNumber("999900000017")
	if err != nil {
		t.Fatal(err)
	}
	good.Number = n
	got, err := good.Normal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := Org{Number: n, Name: text.Both{JA: "蒼浜 電力 株式会社"}, Kana: "アオハマ デンリョク", Kinds: []Kind{Operator, Supplier}, Sectors: []string{"electricity"}, Contacts: nil}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	bad := Org{Number: "1234567890123", Kana: "abc漢", Kinds: []Kind{"bank", Ministry}, Sectors: []string{"medical"},
		Name:     text.Both{JA: " ", EN: strings.Repeat("x", 500)},
		Contacts: []Contact{{Duty: "chief", Name: ""}, {Duty: Window, Name: "窓", Mail: "not an address"}, {Duty: Window, Name: "窓", Phone: "call me"}}}
	_, err = bad.Normal(s)
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid {
		t.Fatal(err)
	}
	at := map[string]string{}
	for _, p := range f.Places {
		at[p.At] = p.Code
	}
	wantAt := map[string]string{
		"number": "org.number.check", "name.ja": "org.field.empty", "name.en": "org.field.long", "kana": "org.kana.form",
		"kinds[0]": "org.kind.unknown", "sectors[0]": "org.sector.unknown",
		"contacts[0].duty": "org.contact.duty", "contacts[0].name": "org.field.empty", "contacts[0]": "org.contact.unreachable",
		"contacts[1].mail": "org.mail.form", "contacts[2].phone": "org.phone.form",
	}
	if d := cmp.Diff(wantAt, at); d != "" {
		t.Error(d)
	}
	if _, err := (Org{Name: text.Both{JA: "省"}, Kinds: []Kind{Ministry}}).Normal(s); err == nil {
		t.Error("a ministry without a sector is competent for nothing")
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"Taro@Example.JP": "taro@example.jp", "ｔａｒｏ＠example.jp": "taro@example.jp", " a.b+c@example.co.jp ": "a.b+c@example.co.jp",
		"taro": "", "<taro@example.jp>": "", "Taro <taro@example.jp>": "", "a@b@c": "", "a b@example.jp": "", `"a b"@example.jp`: "",
		"taro@example.jp\r\nBcc: all@example.jp": "", strings.Repeat("a", 300) + "@example.jp": "",
	} {
		var p problems
		got := p.address("mail", in, true)
		if (want == "") != (len(p) > 0) || want != "" && got != want {
			t.Errorf("%.40q: %q, %v", in, got, p)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	own := []string{"試験 太郎", "taro.shiken@aohama.example", "蒼浜電力株式会社", "Aohama Electric Power"}
	for pw, code := range map[string]string{
		"correct horse battery staple": "",
		"鯨 corridor seventeen":         "",
		"かえるぴょこぴょこみぴょこぴょ":              "",
		"7Jk$2pQx!9Zt":                 "",
		"short":                        "short",
		"elevenchars":                  "short",
		"aaaaaaaaaaaaaaaa":             "plain",
		"abcabcabcabcabc":              "plain",
		"abcdefghijklmnop":             "plain",
		"9876543210987":                "plain",
		"aohama-2026!!":                "own",
		"Aohama Power1":                "own",
		"taroshiken taro.shiken":       "own",
		"太郎太郎太郎123456":                 "own",
		"Password2026!":                "common",
		"p@ssw0rd12345":                "common",
		"sakura20261122":               "common",
		"noroshi123456":                "own",
		strings.Repeat("あx1く", 65):     "long",
		strings.Repeat("x", 1<<20):     "long",
		"valid until\xff here":         "text",
	} {
		err := CheckPassword(pw, own...)
		if code == "" && err != nil || code != "" && !errors.Is(err, fault.New(fault.Invalid, "org.password."+code)) {
			t.Errorf("%.40q: want %q, got %v", pw, code, err)
		}
	}
}

func TestPasswordDigests(t *testing.T) {
	d := digest(cheap, "ﾊﾟｽﾜｰﾄﾞ typed in half width")
	if !strings.HasPrefix(d, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Error(d)
	}
	for pw, want := range map[string]bool{"ﾊﾟｽﾜｰﾄﾞ typed in half width": true, "パスワード typed in half width": true, "パスワード typed in half widtH": false, "": false} {
		if ok, err := compare(d, pw); err != nil || ok != want {
			t.Errorf("%q: %v, %v", pw, ok, err)
		}
	}
	// A row that somebody tampered with neither panics nor eats the memory.
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=8,t=1,p=1$$", strings.Replace(d, "m=8", "m=4294967295", 1), strings.Replace(d, "t=1", "t=99999", 1),
		strings.Replace(d, "p=1", "p=0", 1), strings.Replace(d, "argon2id", "argon2i", 1), d[:len(d)-4]} {
		if _, err := compare(bad, "x"); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
	h := newHasher(Cost{Memory: 16, Time: 1, Lanes: 1}, 1, 8)
	right, old, err := h.verify(t.Context(), "パスワード typed in half width", d)
	if err != nil || !right[0] || !old[0] {
		t.Errorf("a digest of another cost is made anew: %v %v %v", right, old, err)
	}
}

// The vector of RFC 6238 appendix B (SHA-1), in six digits, and the rules
// round it.
func TestCodes(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // "12345678901234567890"
	at := time.Unix(1111111109, 0)
	n := at.Unix() / 30
	for _, c := range []struct {
		code string
		now  time.Time
		used int64
		want int64
	}{
		{"081804", at, 0, n},
		{"０８１ ８０４", at, 0, n},
		{"081804", at.Add(step), 0, n},
		{"081804", at.Add(-step), 0, n},
		{"081804", at.Add(2 * step), 0, 0},
		{"081804", at.Add(-2 * step), 0, 0},
		{"081804", at, n - 1, n},
		{"081804", at, n, 0},
		{"081804", at, n + 1, 0},
		{"081805", at, 0, 0},
		{"", at, 0, 0},
		{strings.Repeat("0", 1<<20), at, 0, 0},
	} {
		if got, err := matchStep(secret, c.code, c.now, c.used); err != nil || got != c.want {
			t.Errorf("%.10q at %v, used %d: %d, %v", c.code, c.now.Unix(), c.used, got, err)
		}
	}
	for range 5 {
		s := newTOTPSecret()
		code, err := totp.GenerateCode(s, at)
		if got, _ := matchStep(s, code, at, 0); err != nil || got != n {
			t.Errorf("own secret %s: %d, %v", s, got, err)
		}
	}
	u, err := otpauth(secret, "Noroshi", "taro@example.jp")
	if err != nil || !strings.HasPrefix(u, "otpauth://totp/Noroshi:taro@example.jp?") || !strings.Contains(u, "secret="+secret) {
		t.Error(u, err)
	}
}

// The path of the QR code, painted, is the code.
func TestQR(t *testing.T) {
	path, side, err := QR("otpauth://totp/Noroshi:taro@example.jp?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	if err != nil {
		t.Fatal(err)
	}
	// Three finder patterns: a dark run of seven at each corner but one.
	for _, want := range []string{"M4 4h7v1", "M" + itoa(side-11) + " 4h7v1", "M4 " + itoa(side-11) + "h7v1"} {
		if !strings.Contains(path, want) {
			t.Errorf("no finder pattern at %s", want)
		}
	}
	if side < 33 || side > 80 || strings.Contains(path, "M"+itoa(side-11)+" "+itoa(side-11)+"h7v1") {
		t.Errorf("side %d", side)
	}
	if _, _, err := QR(strings.Repeat("x", 5000)); err == nil {
		t.Error("more than a QR code holds")
	}
}

func itoa(n int) string { return strings.Trim(strings.Replace(index("", n), "[", "", 1), "]") }

func TestWaits(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 0, 4: 0, 5: 2 * time.Second, 6: 4 * time.Second, 10: 64 * time.Second, 14: longestWait, 1 << 40: longestWait} {
		if got := wait(n); got != want {
			t.Errorf("%d: %v", n, got)
		}
	}
}

func TestRolesFit(t *testing.T) {
	seen := map[gate.Role]bool{}
	for _, k := range Kinds {
		for _, r := range RolesFor([]Kind{k}) {
			seen[r] = true
		}
	}
	for _, r := range gate.Roles {
		if !seen[r] {
			t.Errorf("%s fits no organisation", r)
		}
	}
	if rs := RolesFor([]Kind{Commission, Operator}); len(rs) != 7 {
		t.Errorf("%v", rs)
	}
}

func TestDeviceLabel(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1":   "Safari, iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                "Firefox, Linux",
		"curl/8.5":   "curl",
		"":           "",
		"\x1b[2Jあ\n": "[2Jあ",
	} {
		if got := (Device{Agent: agent}).label(); got != want {
			t.Errorf("%q: %q", agent, got)
		}
	}
}

func FuzzTyped(f *testing.F) {
	for _, s := range []string{"taro@example.jp", "03-0000-0000", "アオ", "\xff\x00", "１２３"} {
		f.Add(s)
	}
	s, err := LoadSectors(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in string) {
		o := Org{Number: Number(in), Name: text.Both{JA: in}, Kana: in, Kinds: []Kind{Supplier, Kind(in)}, Contacts: []Contact{{Duty: Window, Name: in, Mail: in, Phone: in}}}
		if got, err := o.Normal(s); err == nil {
			if again, err := got.Normal(s); err != nil || !cmp.Equal(got, again) {
				t.Errorf("not stable: %v\n%s", err, cmp.Diff(got, again))
			}
		}
		_ = CheckPassword(in, in)
		_ = normalCode(in)
		_ = addressKey(in)
		_ = Device{Agent: in}.label()
	})
}

// What one sign-in costs by default; see DefaultCost.
func BenchmarkPassword(b *testing.B) {
	d := digest(DefaultCost, "correct horse battery staple")
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := compare(d, "correct horse battery staple"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
