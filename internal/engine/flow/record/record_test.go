package record

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/geo"
)

// A record cannot hold content because no field of its type could: no text, no
// slice of bytes, no map, no interface, but for a Name, which is bounded.
func TestRecordCannotHoldContent(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(ty reflect.Type, path string)
	walk = func(ty reflect.Type, path string) {
		if seen[ty] {
			return
		}
		seen[ty] = true
		switch {
		case ty == reflect.TypeFor[Name](), ty == reflect.TypeFor[netip.Addr]():
			return
		case ty.Kind() == reflect.Struct:
			for i := range ty.NumField() {
				walk(ty.Field(i).Type, path+"."+ty.Field(i).Name)
			}
		case ty.Kind() == reflect.Pointer, ty.Kind() == reflect.Slice && ty.Elem().Kind() == reflect.Struct:
			walk(ty.Elem(), path)
		case ty.Kind() == reflect.Array:
			if ty.Elem().Kind() == reflect.Uint8 && ty.Len() > 36 {
				t.Errorf("%s: %d bytes are more than a hash", path, ty.Len())
			}
			walk(ty.Elem(), path)
		case ty.Kind() >= reflect.Bool && ty.Kind() <= reflect.Float64 && ty.Kind() != reflect.Uintptr:
		default:
			t.Errorf("%s: a %s could hold content", path, ty)
		}
	}
	walk(reflect.TypeFor[Record](), "Record")
	if len(seen) < 40 {
		t.Errorf("only %d types were walked", len(seen))
	}
}

func naming(full bool) *Naming { return NewNaming([32]byte{1}, full) }

func TestHostIsBounded(t *testing.T) {
	n := naming(false)
	for in, want := range map[string]string{
		"":                                             "",
		"WWW.Example.CO.jp":                            "www.example.co.jp",
		"example.com.":                                 "example.com",
		"a.b.mail.example.co.jp":                       "+2.mail.example.co.jp",
		"192.0.2.7":                                    "192.0.2.7",
		"[2001:db8::1]":                                "{x}",
		"xn--wgv71a.jp":                                "xn--wgv71a.jp",
		"googleusercontent.com":                        "googleusercontent.com",
		"_ldap._tcp.dc.example.lan":                    "+1._tcp.dc.example.lan",
		"ec2-192-0-2-7.example.test":                   "{x}.example.test",
		"c2VjcmV0LW1lc3NhZ2U.t.example.com":            "{x}.t.example.com",
		"7f3a9c01d2e4.example.com":                     "{x}.example.com",
		"xkqzwvtbn.example.com":                        "{x}.example.com",
		"this-is-a-long-sentence.example.com":          "{x}.example.com",
		"label with spaces.example.com":                "{x}.example.com",
		"naïve.example":                                "{x}.example",
		"1secretmessage":                               "{x}",
		strings.Repeat("mail.", 30) + "tunnel.example": "+28.mail.mail.tunnel.example",
		"7.2.0.192.in-addr.arpa":                       "+2.0.192.in-addr.arpa",
		"746865.com":                                   "{x}.com",
		"secret.www.example.co.jp":                     "+1.www.example.co.jp",
		"..":                                           ".",
	} {
		got := n.Host([]byte(in)).String()
		if want2 := want; strings.Contains(want2, "{x}") {
			i := strings.IndexByte(got, '}')
			if i < 0 || "{x}"+got[i+1:] != want2 {
				t.Errorf("Host(%q) = %q, want %q", in, got, want)
			}
		} else if got != want {
			t.Errorf("Host(%q) = %q, want %q", in, got, want)
		}
	}
	if got := naming(true).Host([]byte("c2VjcmV0.Example.com")); got.String() != "c2VjcmV0.Example.com" || got.Fold() != "c2vjcmv0.example.com" {
		t.Errorf("full: %q, %q", got, got.Fold())
	}
}

func TestPathIsATemplate(t *testing.T) {
	n := naming(false)
	for in, want := range map[string]string{
		"/":                                  "/",
		"/index.html":                        "/index.html",
		"/api/v1/users/4711/name?x=secret":   "/api/v1/users/{x}/{…}?{x}",
		"/secret":                            "/{x}",
		"/a/b/c/d/e/f/g":                     "/{x}/{x}/{x}/{x}/{…}",
		"//x":                                "//{x}",
		"*":                                  "*",
		"?x=secret":                          "?{x}",
		"http://secret.example/secret":       "{x}",
		"/wp-login.php#secret":               "/wp-login.php?{x}",
		"/Login":                             "/login",
		"/static/" + strings.Repeat("a", 99): "/static/{x}",
	} {
		if got := n.Path([]byte(in)).String(); got != want {
			t.Errorf("Path(%q) = %q, want %q", in, got, want)
		}
	}
	if got := naming(true).Path([]byte("/secret?token=1")).String(); got != "/secret?{x}" {
		t.Errorf("full: %q", got)
	}
}

func TestAgentIsAFamilyAndAHash(t *testing.T) {
	n := naming(false)
	for in, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0": "edge",
		"Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 Chrome/120.0 Safari/537.36":                                    "chrome",
		"curl/8.0":            "curl",
		"SSH-2.0-OpenSSH_9.2": "openssh",
		"SSH-2.0-Go":          "go-ssh",
		"my own secret":       "other",
		"":                    "",
	} {
		a := n.Agent([]byte(in))
		if a.Family.String() != want || a.IsZero() != (in == "") || !a.Text.IsZero() {
			t.Errorf("Agent(%q) = %s %s", in, a.Family, a.Text)
		}
	}
	if a, b := n.Agent([]byte("x")), NewNaming([32]byte{2}, false).Agent([]byte("x")); a.Whole == b.Whole {
		t.Error("another key gives the same hash")
	}
	if got := naming(true).Agent([]byte("a\x00b")).Text.String(); got != "a?b" {
		t.Errorf("full: %q", got)
	}
}

// Whatever is hashed or shortened leaves nothing behind in the Naming.
func TestNamingForgets(t *testing.T) {
	n := naming(false)
	secret := []byte("canary-canary-canary-canary")
	n.Host(secret)
	n.Path(append([]byte{'/'}, secret...))
	n.Agent(secret)
	n.Fold(secret)
	if strings.Contains(string(n.low[:cap(n.low)]), "canary") {
		t.Error("the scratch still holds what was hashed")
	}
}

func TestJSON(t *testing.T) {
	n := naming(false)
	r := Record{
		Start: time.Date(2026, 11, 22, 5, 0, 0, 123456789, time.UTC).UnixNano(), End: time.Date(2026, 11, 22, 5, 0, 1, 0, time.UTC).UnixNano(),
		Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("2001:db8::1"), SrcPort: 50000, DstPort: 443, Proto: 6, App: TLSApp,
		Class: geo.DF, State: Closed, Packets: [2]uint64{3, 4}, Bytes: [2]uint64{300, 4000}, CommunityID: [20]byte{1},
		TLS: &TLS{SNI: n.Host([]byte("www.example.com")), ALPN: H2, JA3: [16]byte{0xab}, Certificate: &Certificate{Names: 2, Key: RSA}},
		SMB: &SMB{Version: 3, Pipes: Svcctl | Samr, Commands: [4]Count{{5, 2}, {8, 1}}}, Control: &Control{Functions: [4]uint64{1 << 6, 1}},
		Kerberos: &Kerberos{EType: -128}, LDAP: &LDAP{}, RDP: &RDP{}, Mail: &Mail{}, SSH: &SSH{}, QUIC: &QUIC{Version: 1},
	}
	copy(r.TLS.JA4[:], "t13d1516h2_8daaf6152771_e5627efa2ab1")
	r.AddDNS(DNS{Name: n.Host([]byte("a.example")), Type: 28, Made: 251, Own: n.Fold([]byte("a.example")), Answered: true, Rcode: 3, Addrs: [4]netip.Addr{r.Src, r.Dst}})
	r.AddHTTP(HTTP{Method: POST, Host: n.Host([]byte("h.example")), Path: n.Path([]byte("/login")), Agent: n.Agent([]byte("curl/8")), Major: 1, Minor: 1})
	b := AppendJSON(nil, &r)
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	for _, want := range []string{`"start":"2026-11-22T05:00:00.123456Z"`, `"pkts":[3,4]`, `"class":"df"`, `"sni":"www.example.com","alpn":"h2"`,
		`"ja4":"t13d1516h2_8daaf6152771_e5627efa2ab1"`, `"rcode":"NXDOMAIN"`, `"addrs":["192.0.2.1","2001:db8::1"]`, `"pipes":["svcctl","samr"]`,
		`"made":0.984`, `"own":"` + n.Fold([]byte("a.example")).String() + `"`, `"functions":[6,64]`, `"etype":-128`, `"commands":{"5":2,"8":1}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	for range MaxDNS + 5 {
		r.AddDNS(DNS{})
		r.AddHTTP(HTTP{})
	}
	if len(r.DNS) != MaxDNS || len(r.HTTP) != MaxHTTP || r.Cut != 12 {
		t.Errorf("%d %d %d", len(r.DNS), len(r.HTTP), r.Cut)
	}
}

func TestWordsAreComplete(t *testing.T) {
	for a := App(1); a < appEnd; a++ {
		if back, ok := ParseApp(a.String()); !ok || back != a {
			t.Errorf("app %d: %q", a, a)
		}
	}
	for i := Family(2); int(i) < len(families); i++ {
		if back, ok := ParseFamily(i.String()); !ok || back != i {
			t.Errorf("family %d: %q", i, i)
		}
	}
	for in, want := range map[string]ALPN{"h2": H2, "h3-29": H3, "spdy/3.1": SPDY, "http/1.1": HTTP11, "secret": OtherALPN, "\x0a\x0a": Hidden, "": NoALPN, "{x}": OtherALPN, "grease": OtherALPN} {
		if got := ParseALPN([]byte(in)); got != want {
			t.Errorf("ALPN %q = %s", in, got)
		}
	}
}

func FuzzHost(f *testing.F) {
	f.Add([]byte("a.b.example.com"))
	f.Add([]byte("..."))
	n := naming(false)
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := n.Host(b).String(); len(got) > 4*(maxOwnLabel+1)+24 || strings.ContainsAny(got, " \n\"") {
			t.Errorf("%q", got)
		}
		if got := n.Path(b).String(); len(got) > 200 {
			t.Errorf("%q", got)
		}
		n.Agent(b)
	})
}

func BenchmarkHost(b *testing.B) {
	n, name := naming(false), []byte("clients4.google.com")
	b.ReportAllocs()
	for b.Loop() {
		n.Host(name)
	}
}
