package names

import (
	"crypto/sha256"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// sealed makes a snapshot of a body, so that a fuzzer gets past the checksum.
func sealed(body []byte) []byte {
	b := append([]byte(snapshotHead), body...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"Bad.Example.":                   "bad.example",
		"例え.テスト":                         "xn--r8jz45g.xn--zckzah",
		" _dmarc.bad.example":            "_dmarc.bad.example",
		"-x-.bad.example":                "-x-.bad.example",
		"BÜCHER.example":                 "xn--bcher-kva.example",
		"bad。example":                    "bad.example",
		"":                               "",
		"example":                        "",
		"192.0.2.1":                      "",
		"a..example":                     "",
		".a.example":                     "",
		"*.bad.example":                  "",
		"bad.example/x":                  "",
		"bad example.jp":                 "",
		"xn--999999999.example":          "",
		strings.Repeat("a", 64) + ".jp":  "",
		strings.Repeat("ab.", 84) + "jp": "",
		"a\x00b.example":                 "",
	} {
		got, err := Parse(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestGuard(t *testing.T) {
	g, err := NewGuard([]string{"Hub.Example", "自治体.example"}, []string{"mail.partner.example", "jp"})
	if err != nil {
		t.Fatal(err)
	}
	town, err := Parse("自治体.example")
	if err != nil {
		t.Fatal(err)
	}
	rule := func(change func(*driver.Rule)) driver.Rule {
		r := driver.Rule{Order: "o", Kind: driver.Sinkhole, Name: "bad.test", Answer: driver.NoDomain}
		change(&r)
		return r
	}
	named := func(s string) driver.Rule { return rule(func(r *driver.Rule) { r.Name = s }) }
	below := func(s string) driver.Rule { return rule(func(r *driver.Rule) { r.Name, r.Below = s, true }) }
	for code, rules := range map[string][]driver.Rule{
		"":              {named("bad.test"), below("bad.test"), named("partner.example"), named("xhub.example"), named("evil.github.io")},
		"names.own":     {named("hub.example"), named("a.b.hub.example"), named("www." + town)},
		"names.never":   {named("mail.partner.example"), below("x.mail.partner.example"), named("anything.jp")},
		"names.above":   {below("partner.example")},
		"names.suffix":  {named("co.uk"), named("github.io"), below("com.au")},
		"names.needed":  {named("1.2.0.192.in-addr.arpa"), named("printer.local"), named("a.root-servers.net")},
		"names.trigger": {named("32.1.2.0.192.rpz-ip"), named("ns.bad.rpz-nsdname"), named("a.rpz-passthru")},
		"names.invalid": {named("Bad.test"), named("bad.test."), named("com"), named("a_.b c"), named("*.bad.test"), named("")},
		"names.order":   {rule(func(r *driver.Rule) { r.Order = "" }), rule(func(r *driver.Rule) { r.Order = strings.Repeat("x", 65) })},
		"names.kind":    {rule(func(r *driver.Rule) { r.Kind = driver.Proxy }), rule(func(r *driver.Rule) { r.Port = 80 })},
	} {
		for _, r := range rules {
			err := g.Check(driver.Sinkhole, []driver.Rule{r})
			if code == "" {
				if err != nil {
					t.Errorf("%s: %v", r.Name, err)
				}
				continue
			}
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].Code != code || f.Places[0].At != r.Name {
				t.Errorf("%s: %v, want %s", r.Name, err, code)
			}
		}
	}
	many := make([]driver.Rule, 1000)
	if f := fault.Of(g.Check(driver.Sinkhole, many)); len(f.Places) != MaxPlaces {
		t.Errorf("%d places", len(f.Places))
	}
	if _, err := NewGuard([]string{"a b"}, nil); err == nil {
		t.Error("what is no name was taken")
	}
}
