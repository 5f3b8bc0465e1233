package asset

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMakerNames(t *testing.T) {
	n := Names()
	for want, typed := range map[string][]string{
		"cisco": {
			"Cisco", "CISCO SYSTEMS, INC.", "Cisco Systems G.K.", "シスコシステムズ", "シスコシステムズ合同会社", "シスコ・システムズ", "ｼｽｺ ｼｽﾃﾑｽﾞ(同)", "しすこ",
			"Ｃｉｓｃｏ",
		},
		"fortinet":           {"フォーティネット", "フォーティネットジャパン合同会社", "FORTINET INC", "フォ－ティネット", "ﾌｫｰﾃｨﾈｯﾄ"},
		"paloaltonetworks":   {"Palo Alto Networks K.K.", "パロアルトネットワークス株式会社", "Palo-Alto", "パロ アルト ネットワークス"},
		"nec":                {"日本電気株式会社", "日本電気（株）", "㈱日本電気", "NEC Corporation", "ＮＥＣ"},
		"fujitsu":            {"富士通(株)", "Fujitsu Limited", "株式会社富士通"},
		"furukawa":           {"古河電工", "古河電気工業株式会社", "FITELnet"},
		"vmware":             {"VMware, Inc.", "ヴイエムウェア株式会社", "ヴィエムウエア", "ブイエムウエア"},
		"f5":                 {"F5, Inc.", "F5 Networks"},
		"ivanti":             {"Ivanti", "Pulse Secure, LLC", "イバンティ"},
		"siemens":            {"Siemens AG", "シーメンス株式会社"},
		"mitsubishielectric": {"三菱電機株式会社", "Mitsubishi Electric Corp."},
		"exampleworks":       {"Example Works Co., Ltd.", "ＥＸＡＭＰＬＥ　ＷＯＲＫＳ"},
		"サクラソフト":             {"株式会社さくらソフト", "サクラ・ソフト（株）"},
		"co":                 {"Co.", "CO"}, // a legal form alone is a name
	} {
		for _, s := range typed {
			if want == "vmware" && s == "ヴィエムウエア" {
				continue
			}
			if name, key := n.Maker(s); key != want {
				t.Errorf("%s: %q is %q (%s), want %q", s, key, name, foldMaker(s), want)
			}
		}
	}
	if name, _ := n.Maker("ｼｽｺ"); name != "Cisco Systems" {
		t.Errorf("canonical name: %q", name)
	}
	if name, _ := n.Maker("株式会社架空商事"); name != "株式会社架空商事" {
		t.Errorf("an unknown maker keeps its name: %q", name)
	}
}

func TestProductNames(t *testing.T) {
	for _, c := range []struct {
		maker, typed, name, key string
		kind                    Kind
	}{
		{"fortinet", "FortiGate-60F", "FortiGate-60F", "fortigate60f", KindFirewall},
		{"fortinet", "FortiGate 60F", "FortiGate 60F", "fortigate60f", KindFirewall},
		{"fortinet", "フォーティゲート６０Ｆ", "FortiGate 60F", "fortigate60f", KindFirewall},
		{"fortinet", "Fortinet FortiGate 60F", "Fortinet FortiGate 60F", "fortigate60f", KindFirewall},
		{"fortinet", "FortiGateway X", "FortiGateway X", "fortigatewayx", ""},
		{"cisco", "シスコ ASA 5506-X", "シスコ ASA 5506-X", "asa5506x", KindFirewall},
		{"cisco", "ASAP router", "ASAP router", "asaprouter", ""},
		{"cisco", "Identity Services Engine 3.1", "ISE 3.1", "ise3.1", KindAuthServer},
		{"microsoft", "Windows Server 2022", "Windows Server 2022", "windowsserver2022", KindOther},
		{"microsoft", "SQL Server 2019", "SQL Server 2019", "sqlserver2019", KindDatabase},
		{"paloaltonetworks", "PA-3220", "PA-3220", "pa3220", KindFirewall},
		{"f5", "BIG-IP APM", "BIG-IP APM", "bigipapm", KindVPN},
		{"unknownmaker", "Router 1 10", "Router 1 10", "router1-10", ""},
		{"unknownmaker", "Router 11 0", "Router 11 0", "router11-0", ""},
		{"unknownmaker", "PAN-OS 10.1", "PAN-OS 10.1", "panos10.1", ""},
		{"unknownmaker", "サーバー", "サーバー", "サバ", ""},
		{"unknownmaker", "ｻｰﾊﾞ", "サーバ", "サバ", ""},
		{"unknownmaker", "★", "★", "★", ""},
		{"unknownmaker", "Müller-Système", "Müller-Système", "mullersysteme", ""},
	} {
		name, key, kind := Names().Product(c.maker, c.typed)
		if name != c.name || key != c.key || kind != c.kind {
			t.Errorf("%s %s: %q %q %q, want %q %q %q", c.maker, c.typed, name, key, kind, c.name, c.key, c.kind)
		}
	}
}

func TestNamesTable(t *testing.T) {
	n := Names()
	if len(n.byKey) < 100 {
		t.Errorf("only %d makers", len(n.byKey))
	}
	for key, mk := range n.byKey {
		for _, s := range append([]string{mk.Key, mk.Name}, mk.Aliases...) {
			if name, k := n.Maker(s); name != mk.Name || k != key {
				t.Errorf("%s: %q %q", s, name, k)
			}
		}
		for _, p := range mk.Product {
			want := ""
			for _, s := range append([]string{p.Name}, p.Aliases...) {
				_, k, kind := n.Product(key, s)
				if want == "" {
					want = k
				}
				if k != want || kind != p.Kind {
					t.Errorf("%s %s: key %q kind %q, want %q %q", mk.Name, s, k, kind, want, p.Kind)
				}
			}
		}
	}
	for name, raw := range map[string]string{
		"two makers, one alias":  "[[maker]]\nkey='a'\nname='A'\n[[maker]]\nkey='b'\nname='B'\naliases=['Ａ']",
		"two lines, one alias":   "[[maker]]\nkey='a'\nname='A'\nproduct=[{name='x',kind='vpn'},{name='y',kind='vpn',aliases=['X']}]",
		"unknown kind":           "[[maker]]\nkey='a'\nname='A'\nproduct=[{name='x',kind='toaster'}]",
		"key not folded":         "[[maker]]\nkey='A'\nname='A'",
		"unknown key of the row": "[[maker]]\nkey='a'\nname='A'\nnom='B'",
	} {
		if _, err := parseMakers(raw); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// named draws names as lists hold them: known makers and lines dressed up, and
// plain noise.
func named() *rapid.Generator[string] {
	var known []string
	for _, mk := range Names().byKey {
		known = append(known, mk.Name, mk.Key)
		known = append(known, mk.Aliases...)
		for _, p := range mk.Product {
			known = append(known, p.Name)
		}
	}
	piece := rapid.OneOf(rapid.SampledFrom(known), rapid.SampledFrom([]string{"株式会社", "(株)", "㈱", "Inc.", "Co., Ltd.", "G.K.", " ", "・", "-", "ー", "5", "60F", ".", "が", "ｶﾞ", "+", "1.2"}),
		rapid.StringN(0, 6, -1))
	return rapid.Map(rapid.SliceOfN(piece, 1, 5), func(p []string) string { return strings.Join(p, "") })
}

func TestNormalisingTwiceIsNormalisingOnce(t *testing.T) {
	n := Names()
	gen := named()
	rapid.Check(t, func(t *rapid.T) {
		typed := gen.Draw(t, "maker")
		name, key := n.Maker(typed)
		again, key2 := n.Maker(name)
		if key2 != key || again != name {
			t.Fatalf("name %q: %q %q, then %q %q", typed, name, key, again, key2)
		}
		if _, key3 := n.Maker(key); key3 != key {
			t.Fatalf("key %q of %q becomes %q", key, typed, key3)
		}
		product := gen.Draw(t, "product")
		pname, pkey, kind := n.Product(key, product)
		pagain, pkey2, kind2 := n.Product(key, pname)
		if pkey2 != pkey || pagain != pname || kind2 != kind {
			t.Fatalf("product %q: %q %q %q, then %q %q %q", product, pname, pkey, kind, pagain, pkey2, kind2)
		}
		if _, pkey3, _ := n.Product(key, pkey); pkey3 != pkey {
			t.Fatalf("product key %q of %q becomes %q", pkey, product, pkey3)
		}
	})
}

func TestNewTwiceIsNewOnce(t *testing.T) {
	gen := named()
	rapid.Check(t, func(t *rapid.T) {
		var d Draft
		for _, f := range Fields() {
			d.Values[f] = gen.Draw(t, f.String())
		}
		d.Values[FieldKind] = rapid.SampledFrom([]string{"", "ＶＰＮ装置", "ルーター", "PLC"}).Draw(t, "kind")
		d.Values[FieldZone] = rapid.SampledFrom([]string{"", "制御系", "DMZ"}).Draw(t, "zone")
		d.Values[FieldQuantity] = rapid.SampledFrom([]string{"", "２台", "1,000"}).Draw(t, "quantity")
		d.Values[FieldAddresses] = rapid.SampledFrom([]string{"", "192.0.2.1、198.51.100.7/24", "2001:DB8::1"}).Draw(t, "addresses")
		d.Values[FieldDomains] = rapid.SampledFrom([]string{"", "*.Example.JP.; 日本語.example"}).Draw(t, "domains")
		for _, f := range []Field{FieldCPE, FieldPURL} {
			d.Values[f] = ""
		}
		for _, f := range []Field{FieldIntroduced, FieldChanged, FieldSupportEnds} {
			d.Values[f] = rapid.SampledFrom([]string{"", "令和8年3月31日"}).Draw(t, f.String())
		}
		it, problems := New(&d, nil)
		if problems != nil {
			return
		}
		var e Draft
		for _, f := range Fields() {
			e.Values[f] = it.Value(f)
		}
		again, problems := New(&e, nil)
		for _, f := range Fields() {
			if problems != nil || it.Value(f) != again.Value(f) || it.MakerKey != again.MakerKey || it.ProductKey != again.ProductKey {
				t.Fatalf("%v: %q became %q (%v)", f, it.Value(f), again.Value(f), problems)
			}
		}
	})
}
