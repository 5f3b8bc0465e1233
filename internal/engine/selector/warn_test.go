package selector

import (
	"errors"
	"strings"
	"testing"
)

func TestBuiltInLists(t *testing.T) {
	all := strings.Join(BuiltInLists(), " ")
	for value, want := range map[string]string{
		"0.0.0.0/0": widePrefixes, "::/0": widePrefixes, "64.0.0.0/7": widePrefixes, "2400::/12": widePrefixes, "65.0.0.0/8": "", "65.0.0.0/9": "", "64.0.0.0/8": resolvers, "2400:cb00::/32": "",
		"10.1.2.3": reserved, "192.168.0.0/16": reserved, "172.16.0.0/11": "hostbits", "172.0.0.0/8": reserved, "127.0.0.1": reserved, "224.0.0.1": reserved, "240.0.0.0/8": reserved, "255.255.255.255": reserved,
		"fe80::1": reserved, "ff02::1": reserved, "fd00::/8": widePrefixes, "fd00:1::/32": reserved, "::1": reserved, "2002:c000:204::1": reserved,
		"8.8.8.8": resolvers, "8.8.8.0/24": resolvers, "8.8.8.9": "", "2606:4700:4700::1111": resolvers, "198.41.0.4": rootServers, "202.12.27.0/24": rootServers,
		"192.0.2.1": "", "203.0.113.0/24": "", "2001:db8::1": "",
		"com": singleLabel, ".jp": singleLabel, "co.jp": registrySuffixes, ".co.jp": registrySuffixes, "evil.co.jp": "", "lg.jp": registrySuffixes,
		"localhost": specialNames, "printer.local": specialNames, "1.0.0.127.in-addr.arpa": specialNames, ".onion": specialNames, "x.onion": specialNames, "example.com": specialNames, "example": specialNames,
		"evil.example": "", "www.example.com": "", "evil.test": "", "notlocal": singleLabel, "x.notlocal": "",
		"dns.google": resolvers, ".google": singleLabel, ".quad9.net": resolvers, "quad9.net": "", "x.dns.google": resolvers,
		"tcp/443": commonPorts, "udp/53": commonPorts, "tcp/445": "", "udp/443": commonPorts, "sctp/443": "",
		`"GET /"`: commonBytes, "hex:00000000": commonBytes, `"HTTP/1.1"`: commonBytes, `"cmd.exe"`: "", "hex:160301": "short",
		"d41d8cd98f00b204e9800998ecf8427e": commonSums, "e7d705a3286e19ea42f587b344ee6865": "",
		"http://8.8.8.8/": resolvers, "http://8.8.8.8/*": resolvers, "http://8.8.8.8/evil": "", "http://dns.google/{x}": resolvers, "http://*.google.example/*": "",
	} {
		got, err := BuiltIn().Check(0, value)
		if want == "hostbits" || want == "short" {
			if err == nil {
				t.Errorf("%s: no error", value)
			}
			continue
		}
		if got != want || err != nil || !strings.Contains(all, got) {
			t.Errorf("%s: %q %v, want %q", value, got, err, want)
		}
	}
}

func TestOverride(t *testing.T) {
	for _, c := range []struct {
		reason, by, lister string
		want               Problem
	}{
		{"", "", "Sato", WarnedListed}, {"abused", "", "Sato", WarnedAlone}, {"", "Suzuki", "Sato", WarnedAlone}, {"  ", "Suzuki", "Sato", WarnedAlone},
		{"abused", "Suzuki", "", WarnedNobody}, {"abused", " sato ", "Sato", WarnedSame}, {"abused", "Suzuki", "Sato", ""},
	} {
		b := NewBuilder(Options{Lister: c.lister})
		_, err := b.Add(Selector{Value: "8.8.8.8", Reason: c.reason, By: c.by})
		var w *WarnedError
		if c.want != "" {
			if !errors.As(err, &w) || w.Problem != c.want || !w.BuiltIn || b.Len() != 0 {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Add(Selector{Value: "203.0.113.9", Reason: "none", By: "Sato"}); err != nil {
			t.Fatal(err)
		}
		s, err := b.Compile()
		if err != nil || s.Info(1).By != "Suzuki" || s.Info(1).Reason != "abused" || s.Info(2).By != "" || s.Lister() != "Sato" {
			t.Errorf("%+v %+v %v", s.Info(1), s.Info(2), err)
		}
	}
}

func TestMISPLists(t *testing.T) {
	w := BuiltIn()
	for _, list := range []string{
		`{"name":"nets","type":"cidr","list":["203.0.113.0/24","2001:db8:1::/48","198.51.100.7"],"matching_attributes":["ip-src","ip-dst"]}`,
		`{"name":"hosts","type":"hostname","list":["good.example",".cdn.example"]}`,
		`{"name":"texts","type":"string","list":["Only.Example","192.0.2.200"]}`,
		`{"name":"parts","type":"substring","list":["micro"]}`,
		`{"name":"exprs","type":"regex","list":["/^([a-z]+\\.)?bank\\.example$/i"]}`,
		`{"name":"mails","type":"string","list":["x@y"],"matching_attributes":["email-src"]}`,
	} {
		if _, err := w.AddMISP([]byte(list)); err != nil {
			t.Fatal(err)
		}
	}
	for value, want := range map[string]string{
		"203.0.113.9": "nets", "203.0.113.128/25": "nets", "203.0.0.0/16": "nets", "198.51.100.7": "nets", "198.51.100.8": "", "198.51.100.0/24": "nets", "2001:db8:1:2::1": "nets", "2001:db8::/32": "nets", "2001:db8:2::1": "",
		"good.example": "hosts", "www.good.example": "hosts", ".a.cdn.example": "hosts", ".cdn.example": "hosts", "notgood.example": "", "only.example": "texts", "x.only.example": "", "192.0.2.200": "texts",
		"a.micro.example": "parts", "micro.example/path": "parts", "www.bank.example": "exprs", "a.b.bank.example": "", "8.8.8.8": resolvers, "http://good.example/": "hosts", "http://good.example/evil": "",
	} {
		if got, err := w.Check(0, value); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", value, got, err, want)
		}
	}
	for _, list := range []string{"", "{}", `{"name":"x","list":[]}`, `{"name":"x","type":"colour","list":["a"]}`, `{"name":"x","type":"cidr","list":["a"]}`, `{"name":"x","type":"regex","list":["("]}`, `{"name":"\u0000","type":"string","list":["a"]}`} {
		if _, err := new(Warnings).AddMISP([]byte(list)); !errors.Is(err, ErrWarnings) {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// TestRealMISPLists reads the warning lists of MISP. Well-known services must be
// met then, and a name of nobody must not.
func TestRealMISPLists(t *testing.T) {
	w := BuiltIn()
	lists, entries := 0, 0
	for _, f := range shared(t, "misp/misp-warninglists.zip").File {
		if !strings.HasSuffix(f.Name, "list.json") {
			continue
		}
		n, err := w.AddMISP(content(t, f))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		lists, entries = lists+1, entries+n
	}
	t.Logf("%d lists, %d entries", lists, entries)
	for _, value := range []string{"bit.ly", "8.8.8.8", "195.184.76.115"} {
		if got, err := w.Check(0, value); got == "" || err != nil {
			t.Errorf("%s: %q %v", value, got, err)
		}
	}
	if got, err := w.Check(0, "q7x.kf2-unknown.example"); got != "" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// A network that is next to everything is no condition, with whatever reason.
func TestBoundless(t *testing.T) {
	for value, ok := range map[string]bool{"0.0.0.0/0": false, "64.0.0.0/7": false, "128.0.0.0/1": false, "::/0": false, "2000::/3": false, "2400::/15": false, "65.0.0.0/8": true, "2400::/16": true} {
		b := NewBuilder(Options{Lister: "one"})
		_, err := b.Add(Selector{Value: value, Reason: "because", By: "another"})
		var bad *ValueError
		if ok != (err == nil) || !ok && (!errors.As(err, &bad) || bad.Problem != BadWide) {
			t.Errorf("%s: %v", value, err)
		}
		r, err := NewBuilder(Options{Lister: "one"}).Read("list", []byte("value,reason,by\n"+value+",because,another\n"))
		if ok != (err == nil) || !ok && r.Broken != 1 {
			t.Errorf("%s in a list: %+v %v", value, r, err)
		}
	}
}
