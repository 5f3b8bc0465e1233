package sieve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

// stream cuts bytes into TCP segments of size n behind a SYN.
func stream(src, dst string, sport, dport uint16, b []byte, n int) []pk {
	p := pk{at: t0, src: src, dst: dst, sport: sport, dport: dport, proto: packet.ProtoTCP, flags: flagSYN, seq: 100}
	out := []pk{p}
	p.flags = 0x10
	p.seq++
	for len(b) > 0 {
		k := min(n, len(b))
		p.body, p.at = b[:k], p.at+1000
		out = append(out, p)
		p.seq, b = p.seq+uint32(k), b[k:]
	}
	return out
}

// What is said in one direction finds the flow, however it is cut.
func TestNames(t *testing.T) {
	set := list(t, sel(selector.Domain, "c2.evil.example.com"), sel(selector.Suffix, "bad.example.net"), sel(selector.URI, "drop.example.org/gate/{x}.php"),
		sel(selector.Pattern, `"cmd.exe /c whoami"`))
	naming := record.NewNaming(options(set).Key, false)
	hello := tlsHello(t, "c2.evil.example.com")
	split := append([]byte{22, 3, 1, 0, 100}, hello[5:105]...)
	split = append(append(split, 22, 3, 1, byte((len(hello)-105)>>8), byte(len(hello)-105)), hello[105:]...)
	post := append([]byte("POST /upload HTTP/1.1\r\nContent-Length: 300\r\nHost: fine.example\r\n\r\n"), bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), 300/18+1)[:300]...)
	for _, c := range []struct {
		name  string
		dport uint16
		b     []byte
		app   record.App
		found string // kind of what finds it
		shown string
	}{
		{"SNI", 443, hello, record.TLSApp, "domain", "c2.evil.example.com"},
		{"SNI on another port", 4444, hello, record.TLSApp, "domain", "c2.evil.example.com"},
		{"SNI in two records", 443, split, record.TLSApp, "domain", "c2.evil.example.com"},
		{"another SNI", 443, tlsHello(t, "c3.evil.example.com"), 0, "", ""},
		{"SNI by suffix", 443, tlsHello(t, "a.B.bad.example.net"), record.TLSApp, "suffix", ""},
		{"the suffix itself", 443, tlsHello(t, "bad.example.net"), record.TLSApp, "suffix", "bad.example.net"},
		{"beside the suffix", 443, tlsHello(t, "notbad.example.net"), 0, "", ""},
		{"Host", 80, httpGet("C2.evil.example.com:80", "/x?y=1"), record.HTTPApp, "domain", ""},
		{"Host of the second request", 80, append(post, httpGet("c2.evil.example.com", "/")...), record.HTTPApp, "domain", ""},
		{"a request in a body", 80, append([]byte("POST / HTTP/1.1\r\nContent-Length: 90\r\nHost: fine.example\r\n\r\n"), httpGet("c2.evil.example.com", "/")...), 0, "", ""},
		{"target with a host", 80, []byte("GET http://c2.evil.example.com/ HTTP/1.1\r\nHost: fine.example\r\n\r\n"), record.HTTPApp, "domain", ""},
		{"CONNECT", 8080, []byte("CONNECT c2.evil.example.com:443 HTTP/1.1\r\n\r\n"), record.HTTPApp, "domain", ""},
		{"TLS behind CONNECT", 8080, append([]byte("CONNECT 30.1.1.1:443 HTTP/1.1\r\n\r\n"), hello...), record.TLSApp, "domain", ""},
		{"a head without an end", 80, []byte("GET / HTTP/1.0\r\nA: b\r\nHost: c2.evil.example.com\r\nC"), record.HTTPApp, "domain", ""},
		{"URI", 80, httpGet("drop.example.org", "/gate/abc.php"), record.HTTPApp, "uri", "drop.example.org"},
		{"another path", 80, httpGet("drop.example.org", "/gates/abc.php"), 0, "", ""},
		{"behind STARTTLS", 25, append([]byte("EHLO x\r\nSTARTTLS\r\n"), hello...), record.TLSApp, "domain", ""},
		{"behind a request of PostgreSQL", 5432, append([]byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}, hello...), record.TLSApp, "domain", ""},
		{"behind what looks like TLS", 9, append([]byte{22, 3, 1, 0, 9, 22, 3, 22, 1, 22}, hello...), 0, "", ""},
		{"behind what looks nearly like it", 9, append([]byte{'~', 22, 3, 1, 0, 9, 1, 0, 0, 6, 22, 22}, hello...), record.TLSApp, "domain", ""},
		{"SOCKS 5", 1080, []byte("\x05\x02\x00\x02\x01\x01u\x02pw\x05\x01\x00\x03\x13c2.evil.example.com\x01\xbb"), record.SOCKS, "domain", ""},
		{"TLS in SOCKS 5", 1080, append([]byte("\x05\x01\x00\x05\x01\x00\x01\x1e\x00\x00\x01\x01\xbb"), hello...), record.TLSApp, "domain", ""},
		{"SOCKS 4a", 1080, []byte("\x04\x01\x01\xbb\x00\x00\x00\x01me\x00c2.evil.example.com\x00"), record.SOCKS, "domain", ""},
		{"HTTP in SOCKS 4", 1080, append([]byte("\x04\x01\x01\xbb\x1e\x00\x00\x01\x00"), httpGet("c2.evil.example.com", "/")...), record.HTTPApp, "domain", ""},
		{"DNS over TCP", 53, append(framed(dnsQuery("fine.example", false)), framed(dnsQuery("c2.evil.example.com", false))...), record.DNSApp, "domain", ""},
		{"a pattern", 9, []byte("xx cmd.exe /c cmd.exe /c whoami yy"), record.NoApp, "pattern", ""},
		{"nearly a pattern", 9, []byte("xx cmd.exe /c whoam yy"), 0, "", ""},
		{"a pattern in a body", 80, []byte("POST / HTTP/1.1\r\nHost: fine.example\r\nContent-Length: 90\r\n\r\nab cmd.exe /c whoami "), record.HTTPApp, "pattern", ""},
	} {
		for _, size := range []int{1 << 20, 1400, (len(c.b) + 13) / 14} {
			list := stream(dom, abr, 40000, c.dport, c.b, size)
			for turn := range 3 {
				switch turn {
				case 1: // all but the SYN in reverse
					for i, j := 1, len(list)-1; i < j; i, j = i+1, j-1 {
						list[i], list[j] = list[j], list[i]
						list[i].at, list[j].at = list[j].at, list[i].at
					}
				case 2: // each twice, what comes later is garbage
					var twice []pk
					for _, p := range list[:min(8, len(list))] {
						q := p
						q.body = bytes.Repeat([]byte{'Z'}, len(p.body))
						twice = append(twice, p, q)
					}
					list = append(twice, list[min(8, len(list)):]...)
				}
				if len(list) > MaxPackets {
					continue
				}
				out, y, _ := sift(t, options(set), frames(list), 3)
				want := uint64(0)
				if c.found != "" {
					want = uint64(len(list))
				}
				if y.Selected.Packets != want {
					t.Errorf("%s, %d packets, turn %d: %d selected", c.name, len(list), turn, y.Selected.Packets)
					continue
				}
				for _, r := range out {
					if r.Set.Info(r.ID).Kind.String() != c.found || r.App != c.app || c.shown != "" && r.Name != naming.Host([]byte(c.shown)) || c.found == "pattern" && !r.Name.IsZero() {
						t.Errorf("%s: %v %v %q", c.name, r.Set.Info(r.ID).Kind, r.App, r.Name)
					}
				}
			}
		}
	}
	for name, p := range map[string]pk{
		"DNS":                   {dport: 53, body: dnsQuery("c2.evil.example.com", false)},
		"DNS on another port":   {dport: 5300, body: dnsQuery("x.bad.example.net", false)},
		"the answer alone":      {sport: 53, dport: 999, body: dnsQuery("c2.evil.example.com", true)},
		"a pattern":             {dport: 53, body: []byte("cmd.exe /c whoami")},
		"QUIC":                  {dport: 443, body: quicInitial(t, 1, tlsHello(t, "c2.evil.example.com")[5:], 0, 1<<20)},
		"QUIC version 2":        {dport: 443, body: quicInitial(t, 0x6b3343cf, tlsHello(t, "c2.evil.example.com")[5:], 0, 1<<20)},
		"a fragment, the first": {dport: 53, more: true, id: 7, body: append(dnsQuery("c2.evil.example.com", false), make([]byte, 3)...)},
	} {
		p.at, p.src, p.dst, p.proto = t0, abr, dom, packet.ProtoUDP
		_, y, _ := sift(t, options(set), frames([]pk{p}), 1)
		if y.Selected.Packets != 1 {
			t.Errorf("%s: %+v", name, y)
		}
		o := options(set, 3) // outwards only: an order for another direction selects nothing
		if _, y, _ = sift(t, o, frames([]pk{p}), 1); y.Selected.Packets != 0 || y.Direction.Packets != 1 {
			t.Errorf("%s: %+v", name, y)
		}
	}
}

// A hello over two datagrams, the later part first.
func TestQUICInParts(t *testing.T) {
	hello := tlsHello(t, "c2.evil.example.com")[5:]
	set := list(t, sel(selector.Domain, "c2.evil.example.com"))
	for _, cut := range []int{1, 50, 300, len(hello) - 1} {
		p := pk{at: t0, src: dom, dst: abr, sport: 5, dport: 443, proto: packet.ProtoUDP, body: quicInitial(t, 1, hello, cut, 1<<20)}
		q := p
		q.body = quicInitial(t, 1, hello, 0, cut)
		if _, y, _ := sift(t, options(set), frames([]pk{p, q}), 1); y.Selected.Packets != 2 {
			t.Errorf("cut at %d: %+v", cut, y)
		}
		if _, y, _ := sift(t, options(set), frames([]pk{p, p}), 1); y.Selected.Packets != 0 {
			t.Errorf("half of it: %+v", y)
		}
	}
}

// Fingerprints are those of the flow engine, and no name gets into a record that
// was found by them.
func TestFingerprints(t *testing.T) {
	hello := tlsHello(t, "somebody.example.com")
	var ja3 [16]byte
	var ja4 record.JA4
	tr := flow.New(flow.Options{}, func(r *record.Record) error { ja3, ja4 = r.TLS.JA3, r.TLS.JA4; return nil })
	packets := frames(stream(dom, abr, 40000, 443, hello, 1400))
	if err := tr.Add(packets); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	for _, set := range []*selector.Set{list(t, sel(selector.JA3, hex.EncodeToString(ja3[:]))), list(t, sel(selector.JA4, string(ja4[:])))} {
		out, y, _ := sift(t, options(set), packets, 9)
		if y.Selected.Packets != uint64(len(packets)) || out[0].JA3 != ja3 || out[0].JA4 != ja4 || !out[0].Name.IsZero() {
			t.Errorf("%+v %+v", y, out)
		}
	}
	q := pk{at: t0, src: dom, dst: abr, sport: 5, dport: 443, proto: packet.ProtoUDP, body: quicInitial(t, 1, hello[5:], 0, 1<<20)}
	ja4[0] = 'q'
	out, y, _ := sift(t, options(list(t, sel(selector.JA4, string(ja4[:])))), frames([]pk{q}), 1)
	if y.Selected.Packets != 1 || out[0].App != record.QUICApp {
		t.Errorf("%+v", y)
	}
}

// A server's certificates are found in its own direction, by either hash and
// anywhere in the chain.
func TestCertificates(t *testing.T) {
	said, leaf, root := serverFlight(t)
	for _, der := range [][]byte{leaf, root} {
		long, short := sha256.Sum256(der), sha1.Sum(der)
		for _, value := range []string{hex.EncodeToString(long[:]), hex.EncodeToString(short[:])} {
			set := list(t, sel(selector.Certificate, value))
			for _, size := range []int{1400, (len(said) + 14) / 15} {
				packets := frames(stream(abr, dom, 443, 40000, said, size))
				if _, y, _ := sift(t, options(set, 2), packets, 4); y.Selected.Packets != uint64(len(packets)) {
					t.Errorf("%s: %+v", value, y)
				}
				if _, y, _ := sift(t, options(set, 1, 3), packets, 4); y.Direction.Packets != uint64(len(packets)) {
					t.Errorf("%s: %+v", value, y)
				}
			}
		}
	}
	none := list(t, sel(selector.Certificate, hex.EncodeToString(bytes.Repeat([]byte{9}, 32))))
	if _, y, _ := sift(t, options(none), frames(stream(abr, dom, 443, 40000, said, 1400)), 4); y.Selected.Packets != 0 {
		t.Errorf("%+v", y)
	}
}

// serverFlight is what a server of TLS 1.2 sends first, and its certificates.
func serverFlight(t *testing.T) (said, leaf, root []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(n int64) []byte {
		c := &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(4e9, 0)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	leaf, root = issue(1), issue(2)
	a, b := net.Pipe()
	go func() {
		c := tls.Server(b, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{leaf, root}, PrivateKey: key}}})
		_ = c.Handshake()
		b.Close()
	}()
	var got bytes.Buffer
	c := tls.Client(recorder{a, &got}, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	a.Close()
	return got.Bytes(), leaf, root
}

type recorder struct {
	net.Conn
	to io.Writer
}

func (r recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	_, _ = r.to.Write(b[:n])
	return n, err
}

// A flow is looked at for 16 packets or MaxWait, whichever ends first.
func TestBounds(t *testing.T) {
	set := list(t, sel(selector.Domain, "c2.evil.example.com"))
	ask := pk{at: t0, src: dom, dst: abr, sport: 9, dport: 53, proto: packet.ProtoUDP}
	series := func(n int, step int64, at ...int) (out []capture.Packet) {
		for i := range n {
			p := ask
			p.at += int64(i) * step
			p.body = dnsQuery("fine.example.com", false)
			for _, j := range at {
				if i == j {
					p.body = dnsQuery("c2.evil.example.com", false)
				}
			}
			out = append(out, p.build())
		}
		return out
	}
	for _, c := range []struct {
		n        int
		step     int64
		at       int
		selected uint64
	}{{20, 1, 0, 20}, {20, 1, 15, 20}, {20, 1, 16, 0}, {20, 1, 19, 0}, {3, MaxWait/2 - 1, 2, 3}, {3, MaxWait / 2, 2, 0}, {2, MaxWait - 1, 1, 2}, {2, MaxWait, 1, 0},
		{4, 60e9, 3, 0}, {4, 60e9 + 1, 3, 1}} { // a silence begins another flow
		for _, size := range []int{1, 7, 100} {
			if _, y, _ := sift(t, options(set), series(c.n, c.step, c.at), size); y.Selected.Packets != c.selected || y.Selected.Packets+y.Unselected.Packets != uint64(c.n) {
				t.Errorf("%+v: %+v", c, y)
			}
		}
	}
	// Time passes without packets, too.
	s := New(options(set), func(*Record) error { return nil })
	_, _ = s.Add(series(1, 1))
	if y := s.Tally(); y.Unselected.Packets != 0 {
		t.Error("decided at once")
	}
	_, _ = s.Tick(t0 + 1e9)
	if y := s.Tally(); y.Unselected.Packets != 1 {
		t.Error("not destroyed when the source is silent")
	}
	s.Abort()
}
