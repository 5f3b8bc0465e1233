package rpz

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// asked sends one message by TCP and returns the answer.
func asked(t *testing.T, c Config, m *dns.Msg, secret string) (*dns.Msg, error) {
	t.Helper()
	client := &dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	if secret != "" {
		client.TsigSecret = map[string]string{m.IsTsig().Hdr.Name: secret}
	}
	r, _, err := client.Exchange(m, c.Listen)
	return r, err
}

// Who has no key, another one, an old message or a changed one gets nothing.
func TestWithoutTheKeyThereIsNothing(t *testing.T) {
	c := local(t)
	z := opened(t, c)
	apply(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)}, nil)
	raw, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := strings.TrimSpace(string(raw)), base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, q := range map[string]struct {
		key, algorithm, secret string
		signed                 time.Time
		rcode                  int
		code                   uint16
	}{
		"none":                {rcode: dns.RcodeRefused},
		"wrong secret":        {"noroshi.", dns.HmacSHA256, wrong, time.Now(), dns.RcodeNotAuth, dns.RcodeBadSig},
		"wrong name":          {"other.", dns.HmacSHA256, right, time.Now(), dns.RcodeNotAuth, dns.RcodeBadKey},
		"another algorithm":   {"noroshi.", dns.HmacSHA512, right, time.Now(), dns.RcodeNotAuth, dns.RcodeBadKey},
		"of ten minutes ago":  {"noroshi.", dns.HmacSHA256, right, time.Now().Add(-10 * time.Minute), dns.RcodeNotAuth, dns.RcodeBadTime},
		"of ten minutes from": {"noroshi.", dns.HmacSHA256, right, time.Now().Add(10 * time.Minute), dns.RcodeNotAuth, dns.RcodeBadTime},
	} {
		for _, kind := range []uint16{dns.TypeSOA, dns.TypeAXFR, dns.TypeIXFR} {
			m := new(dns.Msg)
			if m.SetQuestion(c.Zone+".", kind); kind == dns.TypeIXFR {
				m.SetIxfr(c.Zone+".", 1, "localhost.", "nobody.invalid.")
			}
			if q.secret != "" {
				m.SetTsig(q.key, q.algorithm, 300, q.signed.Unix())
			}
			r, err := asked(t, c, m, q.secret)
			if r == nil {
				t.Fatalf("%s: %v", name, err)
			}
			if r.Rcode != q.rcode || len(r.Answer)+len(r.Ns) > 0 {
				t.Errorf("%s, %s: %v", name, dns.TypeToString[kind], r)
			}
			if sig := r.IsTsig(); q.secret != "" && (sig == nil || sig.Error != q.code) {
				t.Errorf("%s, %s: %v", name, dns.TypeToString[kind], sig)
			}
		}
	}
	if rrs, err := fetched(c, dns.TypeAXFR, 0); err != nil || len(rrs) != 5 {
		t.Errorf("with the key: %v, %v", rrs, err)
	}
}

// Nothing but the three questions about the zone is answered, and only to those
// who were named.
func TestOtherQuestionsAreRefused(t *testing.T) {
	c := local(t)
	c.KeyFile = ""
	z := opened(t, c)
	apply(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)}, nil)
	for _, q := range []struct {
		name string
		kind uint16
		as   int
	}{
		{"rpz.hub.example.", dns.TypeSOA, dns.RcodeSuccess}, {"RPZ.hub.Example.", dns.TypeSOA, dns.RcodeSuccess},
		{"bad.example.rpz.hub.example.", dns.TypeCNAME, dns.RcodeRefused}, {"bad.example.", dns.TypeA, dns.RcodeRefused},
		{"rpz.hub.example.", dns.TypeNS, dns.RcodeRefused}, {"rpz.hub.example.", dns.TypeANY, dns.RcodeRefused},
		{"hub.example.", dns.TypeAXFR, dns.RcodeRefused}, {".", dns.TypeNS, dns.RcodeRefused},
	} {
		m := new(dns.Msg)
		m.SetQuestion(q.name, q.kind)
		m.SetEdns0(1232, false)
		r, err := asked(t, c, m, "")
		if err != nil || r.Rcode != q.as || (len(r.Answer) > 0) != (q.as == dns.RcodeSuccess) {
			t.Errorf("%s %s: %v %v", q.name, dns.TypeToString[q.kind], r, err)
		}
		if q.as == dns.RcodeSuccess && (r.IsEdns0() == nil || r.Question[0].Name != q.name || !r.Authoritative) {
			t.Errorf("%v", r)
		}
	}
	update := new(dns.Msg)
	update.SetUpdate("rpz.hub.example.")
	if r, err := asked(t, c, update, ""); err != nil || r.Rcode != dns.RcodeNotImplemented {
		t.Errorf("%v %v", r, err)
	}
	// By UDP a transfer is not answered, and of the differences the SOA alone.
	for kind, rcode := range map[uint16]int{dns.TypeAXFR: dns.RcodeRefused, dns.TypeIXFR: dns.RcodeSuccess} {
		m := new(dns.Msg)
		m.SetIxfr(c.Zone+".", 1, "localhost.", "nobody.invalid.")
		m.Question[0].Qtype = kind
		r, err := dns.Exchange(m, c.Listen)
		if err != nil || r.Rcode != rcode || len(r.Answer) > 1 {
			t.Errorf("%v %v", r, err)
		}
	}
	// Another address of this machine is not among the resolvers.
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	conn, err := d.Dial("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	m.SetAxfr(c.Zone + ".")
	tr := &dns.Transfer{Conn: &dns.Conn{Conn: conn}}
	in, err := tr.In(m, c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	for e := range in {
		if e.Error == nil || len(e.RR) > 0 {
			t.Errorf("a stranger got %v", e.RR)
		}
	}
}

// A new folder has nothing to say, which is not the same as an empty zone.
func TestAnEmptyFolderServesNothing(t *testing.T) {
	c := local(t)
	c.KeyFile = ""
	z := opened(t, c)
	m := new(dns.Msg)
	m.SetAxfr(c.Zone + ".")
	if r, err := asked(t, c, m, ""); err != nil || r.Rcode != dns.RcodeServerFailure || len(r.Answer) > 0 {
		t.Errorf("%v %v", r, err)
	}
	apply(t, z, nil, nil)
	if rrs, err := fetched(c, dns.TypeAXFR, 0); err != nil || len(rrs) != 3 {
		t.Errorf("%v %v", rrs, err)
	}
}

// Connections are so many and no more, and end when the process does.
func TestConnectionsAreBounded(t *testing.T) {
	c := local(t)
	z := opened(t, c)
	var all []net.Conn
	for range maxConns + 20 {
		conn, err := net.Dial("tcp", c.Listen)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		all = append(all, conn)
	}
	_ = all[len(all)-1].SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := all[len(all)-1].Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("one too many is held: %v", err)
	}
	z.server.mu.Lock()
	n := len(z.server.conns)
	z.server.mu.Unlock()
	if n != maxConns {
		t.Errorf("%d connections", n)
	}
	// A length and silence, and a length that is too long.
	for _, conn := range all[:2] {
		_ = binary.Write(conn, binary.BigEndian, uint16(40000))
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("a question of 40,000 bytes is waited for: %v", err)
		}
	}
}

// A damaged state is told with its file, and moved away it begins anew.
func TestDamageHasARemedy(t *testing.T) {
	c := local(t)
	z, err := open(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, z, []driver.Rule{rule("bad.example", driver.NoDomain, true)}, nil)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Dir, "names.state")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 0x10
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c); fault.Of(err).Code != "names.damaged" || fault.Of(err).Args["file"] != file {
		t.Error(err)
	}
	if err := os.Rename(file, file+".damaged"); err != nil {
		t.Fatal(err)
	}
	z = opened(t, c)
	missing, _, err := z.Live(t.Context(), []driver.Rule{rule("bad.example", driver.NoDomain, true)})
	if err != nil || len(missing) != 1 {
		t.Error(missing, err)
	}
}

// fuzzed is a zone without a network.
func fuzzed(f testing.TB, keyed bool) *zone {
	c := local(f)
	if !keyed {
		c.KeyFile = ""
	}
	c.Listen, c.File = "", filepath.Join(f.TempDir(), "file")
	z, err := open(c, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	var rules []driver.Rule
	for i := range 3000 {
		rules = append(rules, rule("bad"+string(rune('a'+i%26))+strings.Repeat("x", i/26%40)+strings.Repeat("y", i/1040)+".example", driver.NoDomain, true))
	}
	apply(f, z, rules, nil)
	return z
}

// Whatever comes, it is answered with messages that a library reads, about the
// question that was asked; and nothing of the zone goes out unsigned.
func FuzzMessages(f *testing.F) {
	keyed, open := fuzzed(f, true), fuzzed(f, false)
	for _, kind := range []uint16{dns.TypeSOA, dns.TypeAXFR, dns.TypeIXFR} {
		m := new(dns.Msg)
		m.SetIxfr("rpz.hub.example.", 7, "localhost.", "nobody.invalid.")
		m.Question[0].Qtype = kind
		raw, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, true)
		m.SetEdns0(4096, true)
		m.SetTsig("noroshi.", dns.HmacSHA256, 300, time.Now().Unix())
		secret, err := os.ReadFile(keyed.KeyFile)
		if err != nil {
			f.Fatal(err)
		}
		if raw, _, err = dns.TsigGenerate(m, strings.TrimSpace(string(secret)), "", false); err != nil {
			f.Fatal(err)
		}
		f.Add(raw, false)
	}
	// A signature without its fields was once repeated as it was.
	f.Add([]byte("00\x000\x00\x01\x00\x00\x00\x0100\x03rpZ\x03huB\aeXAmple\x0000\x00\x01\x0000000000\x00\x00\a0000000\x00\x00\xfa000000\x00\x00"), false)
	resolver := netip.MustParseAddr("127.0.0.1")
	f.Fuzz(func(t *testing.T, raw []byte, stream bool) {
		for _, z := range []*zone{keyed, open} {
			before := bytes.Clone(raw)
			records := 0
			send := func(msg []byte) error {
				var m dns.Msg
				if err := m.Unpack(msg); err != nil {
					t.Fatalf("% x: %v", msg[:min(len(msg), 100)], err)
				}
				if len(msg) > 65535 || !m.Response || m.Id != binary.BigEndian.Uint16(raw) {
					t.Fatalf("%d bytes, response %v, id %d", len(msg), m.Response, m.Id)
				}
				records += len(m.Answer)
				if z == keyed && len(m.Answer) > 0 && m.IsTsig() == nil {
					t.Fatalf("unsigned: %v", m.Answer[0])
				}
				return nil
			}
			r, refused := z.read(raw, resolver, stream)
			switch {
			case r != nil:
				if err := z.reply(r, send); err != nil {
					t.Fatal(err)
				}
				if r.kind == typeAXFR && records != 2*3000+3 {
					t.Fatalf("a transfer of %d records", records)
				}
			case refused != nil:
				if err := send(refused); err != nil || records > 0 {
					t.Fatal(err, records)
				}
			}
			if !bytes.Equal(raw, before) {
				t.Fatal("the question was changed")
			}
			if r, _ := z.read(raw, netip.MustParseAddr("192.0.2.1"), stream); r != nil {
				t.Fatal("a stranger is answered")
			}
		}
	})
}
