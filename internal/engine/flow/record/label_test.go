package record

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// What machines are called by what they are for stays readable.
func TestOrdinaryLabelsStay(t *testing.T) {
	labels := strings.Fields(`www www2 www01 mail mail2 smtp smtp-in smtp-out imap pop3 mx mx1 mx10 ns ns1 ns2 ns01 dns dns1 api api2 api-v2 cdn cdn-upd cdn2 img img3
		images static static1 assets media video update updates download dl ftp sftp files fileserver backup backup01 db db1 db-master sql01 dc dc01 ad adfs ldap
		kerberos ntp time vpn vpn2 ssl-vpn gw gateway proxy proxy01 fw relay relay-3 web web01 srv srv01 srv-web02 app app1 app-server portal login auth sso
		id accounts admin intranet extranet wiki git gitlab jenkins jira ci build test test-web dev staging prod prod-db01 eu-west-1 us-east-1 ap-northeast-1
		s3 v10 events data clients4 mtalk ctldl push collect telemetry log logs syslog monitor zabbix grafana status blog shop news m forum
		_tcp _udp _ldap _dmarc _domainkey _kerberos autodiscover wpad autoconfig printer camera01 pbx sip voip webmail owa exchange citrix rdp`)
	if len(labels) < 100 {
		t.Fatalf("%d labels", len(labels))
	}
	n := naming(false)
	for _, l := range labels {
		if got, want := n.Host([]byte(l+".example.com")).String(), l+".example.com"; got != want {
			t.Errorf("%s is shown as %s", want, got)
		}
	}
}

// Pieces of a body in place of labels, however short, are hashes.
func TestPiecesOfABodyAreHashed(t *testing.T) {
	n, rng := naming(false), rand.New(rand.NewPCG(1, 2))
	low32 := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	for form, encode := range map[string]func([]byte) string{"hex": hex.EncodeToString, "base32": low32.EncodeToString,
		"base64": func(b []byte) string { return strings.ToLower(base64.RawURLEncoding.EncodeToString(b)) }} {
		for length := 4; length <= 15; length++ {
			shown := 0
			const tries = 2000
			for range tries {
				b := make([]byte, 16)
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				piece := encode(b)[:length]
				if strings.Contains(n.Host([]byte(piece+".example.com")).String(), piece+".") {
					shown++
				}
			}
			if shown*100 > tries {
				t.Errorf("%s of %d characters: %d of %d are shown", form, length, shown, tries)
			}
		}
	}
}

// A message that is spread over the labels of many names does not come through,
// neither as words nor in pieces, with the dots taken out or not.
func TestMessagesInNames(t *testing.T) {
	const secret = "the minister said: come at dawn behind pier nine, password is Tr0ub4dor"
	n := naming(false)
	bodies := map[string]string{"hex": hex.EncodeToString([]byte(secret)), "base32": strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(secret)))}
	for form, body := range bodies {
		for length := 4; length <= 15; length++ {
			all := ""
			for i := 0; i < len(body); i += length {
				all += strings.TrimSuffix(n.Host([]byte(body[i:min(i+length, len(body))]+".evil.example")).String(), ".evil.example")
			}
			for i := 0; i+12 <= len(body); i++ {
				if strings.Contains(all, body[i:i+12]) {
					t.Fatalf("%s of %d: %s", form, length, all)
				}
			}
		}
	}
	words := strings.FieldsFunc(strings.ToLower(secret), func(r rune) bool { return r == ' ' || r == ':' || r == ',' })
	for _, end := range []string{".evil.example", ".evil.com", ""} {
		for i := range words {
			name := strings.Join(words[i:min(i+3, len(words))], ".") + end
			got := n.Host([]byte(name)).String()
			shown := 0
			for _, w := range words {
				if len(w) > 2 && strings.Contains(got, w) {
					shown++
				}
			}
			// A name that ends as one of a country does may be registered there.
			if shown > 1 || shown == 1 && end != "" {
				t.Errorf("%s is shown as %s", name, got)
			}
		}
	}
}

// An address of IPv6 in place of a name is shown only where it is the other end.
func TestLiteralAddress(t *testing.T) {
	n, dst := naming(false), netip.MustParseAddr("2001:db8::1")
	for in, want := range map[string]string{"[2001:db8::1]": "2001:db8::1", "2001:DB8::1": "2001:db8::1", "192.0.2.7": "192.0.2.7"} {
		if got := n.HostOf([]byte(in), dst).String(); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for _, in := range []string{"[7468:6520:6d69:6e69:7374:6572:2073:6169]", "7468:6520:6d69:6e69:7374:6572:2073:6169", "2001:db8::2", "a:b", "[:]", "::ffff:192.0.2.7"} {
		if got := n.HostOf([]byte(in), dst).String(); !strings.HasPrefix(got, "{") || strings.Contains(got, "::") || strings.Contains(got, "7468") {
			t.Errorf("%s: %s", in, got)
		}
	}
	again := n.Host([]byte(n.Host([]byte("swordfish.evil.example")).String())).String()
	if !strings.HasPrefix(again, "{") || !strings.HasSuffix(again, "}.evil.example") {
		t.Errorf("a name that was shortened before: %s", again)
	}
	if n.Host([]byte("[2001:db8::1]")) != n.Host([]byte("2001:db8::1")) {
		t.Error("one address has two hashes")
	}
}

// Addresses of answers carry no text, and not many of them.
func TestAnswerIsNoText(t *testing.T) {
	text16 := func(s string) netip.Addr { return netip.AddrFrom16([16]byte([]byte(s))) }
	text4 := func(s string) netip.Addr { return netip.AddrFrom4([4]byte([]byte(s))) }
	of := func(list ...string) (out [MaxAddr]netip.Addr) {
		for i, s := range list {
			out[i] = netip.MustParseAddr(s)
		}
		return out
	}
	var f Facts
	fresh := func(full bool) *DNS {
		f = Facts{Record: &Record{DNS: make([]DNS, 1, MaxDNS)}, Naming: naming(full)}
		return &f.DNS[0]
	}
	for name, c := range map[string]struct{ in, want [MaxAddr]netip.Addr }{
		"kept":         {of("192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1"), of("192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1")},
		"nowhere":      {of("0.0.0.0", "127.0.0.1", "224.0.0.1", "192.0.2.1"), of("192.0.2.1")},
		"nowhere 6":    {of("fe80::1", "ff02::1", "::1", "7468:6520::1"), of()},
		"text":         {[MaxAddr]netip.Addr{text16("the minister sai"), text16(" meet at dawn be")}, of()},
		"half text":    {[MaxAddr]netip.Addr{text16("\x24\x04\x68\x00\x40\x04\x08\x21minister")}, of()},
		"text in four": {[MaxAddr]netip.Addr{text4("meet"), text4(" at ")}, of()},
		"mixed case":   {[MaxAddr]netip.Addr{text4("Tr0u"), text4("b4do")}, of()},
		"google":       {of("2404:6800:4004:821::200e", "142.250.196.110"), of("2404:6800:4004:821::200e", "142.250.196.110")},
	} {
		d := fresh(false)
		if f.Answer(d, c.in); d.Addrs != c.want {
			t.Errorf("%s: %v", name, d.Addrs)
		}
		d = fresh(true)
		if f.Answer(d, c.in); d.Addrs != c.in {
			t.Errorf("%s, full: %v", name, d.Addrs)
		}
	}
	fresh(false)
	shown := map[netip.Addr]bool{}
	for i := range MaxDNS {
		if i > 0 {
			f.DNS = append(f.DNS, DNS{})
		}
		d := &f.DNS[i]
		f.Answer(d, [MaxAddr]netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(i / 2)})})
		if d.Addrs[0].IsValid() {
			shown[d.Addrs[0]] = true
		} else if i < 16 {
			t.Errorf("answer %d is left out", i)
		}
	}
	if len(shown) != maxAnswered {
		t.Errorf("%d addresses are shown", len(shown))
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"plain": "plain", "日本": "日本", "a\x1b]0;x\x07": "a?]0;x?", "a\u0085b": "a?b", "\u202eb": "?b", "\u2066b\u200b\u2028": "?b??", "\xff": "?"} {
		if got := printable([]byte(in)); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
