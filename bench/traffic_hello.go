//go:build linux

package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// newChains makes certificates: eight leaves with an issuer each, the same
// every time.
func newChains() (chains [][][]byte) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 8 {
		key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%032d", i)))
		ca := &x509.Certificate{SerialNumber: big.NewInt(int64(1000 + i)), Subject: pkix.Name{CommonName: fmt.Sprintf("Example Issuing CA %d", i), Organization: []string{"Example Trust"}, Country: []string{"JP"}},
			NotBefore: day, NotAfter: day.AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(i)<<40 + 77), Subject: pkix.Name{CommonName: siteName(i * 9)}, NotBefore: day, NotAfter: day.AddDate(0, 3, 0),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, OCSPServer: []string{"http://ocsp.example"}, IssuingCertificateURL: []string{"http://ca.example/ca.cer"}}
		for k := range 4 + 6*i {
			leaf.DNSNames = append(leaf.DNSNames, siteName(i*100+k))
		}
		var chain [][]byte
		for _, c := range []*x509.Certificate{leaf, ca} {
			der, err := x509.CreateCertificate(nil, c, ca, key.Public(), key)
			if err != nil {
				panic("BUG: " + err.Error())
			}
			chain = append(chain, der)
		}
		chains = append(chains, chain)
	}
	return chains
}

// vec puts a length of n bytes in front.
func vec(n int, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(size))[4-n:]
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// words are 16-bit numbers in network order.
func words(all ...uint16) (b []byte) {
	for _, w := range all {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b
}

func (m *mix) random(n int) []byte {
	from := m.r.IntN(len(m.pool) - n)
	return append([]byte{}, m.pool[from:from+n]...)
}

// handshake is a message of TLS in records of its own.
func handshake(kind byte, body []byte) []byte {
	b := append([]byte{kind}, vec(3, body)...)
	return tlsRecord(22, b)
}

func tlsRecord(kind byte, b []byte) []byte { return append([]byte{kind, 3, 3}, vec(2, b)...) }

// suites are what six kinds of programs offer.
var suites = [...][]uint16{
	{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35},
	{0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35},
	{0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x9f, 0xcca9, 0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x9e, 0xc024, 0xc028, 0x6b, 0xc023, 0xc027, 0x67, 0xc00a, 0xc014, 0x39, 0xc009, 0xc013, 0x33, 0x9d, 0x9c, 0x3d, 0x3c, 0x35, 0x2f, 0xff},
	{0xc02f, 0xc030, 0xc02b, 0xc02c, 0xcca8, 0xcca9, 0xc013, 0xc009, 0xc014, 0xc00a, 0x1301, 0x1302, 0x1303},
	{0x1302, 0x1301, 0xc02c, 0xc02b, 0xc030, 0xc02f, 0xc024, 0xc023, 0xc028, 0xc027, 0xc00a, 0xc009, 0xc014, 0xc013, 0x9d, 0x9c, 0x3d, 0x3c, 0x35, 0x2f},
	{0x1301, 0x1302, 0x1303},
}

// clientHello makes one (RFC 8446 §4.1.2): GREASE where browsers have it, and
// for every other program a share for X25519MLKEM768, which takes two segments.
func (m *mix) clientHello(name string, tls13 bool) []byte {
	k := m.r.IntN(len(suites))
	grease := uint16(0x0a0a + 0x1010*m.r.IntN(16))
	offered := suites[k]
	if k < 2 {
		offered = append([]uint16{grease}, offered...)
	}
	type extension struct {
		kind uint16
		body []byte
	}
	list := []extension{
		{0, vec(2, []byte{0}, vec(2, []byte(name)))}, {23, nil}, {0xff01, []byte{0}},
		{10, vec(2, words(0x11ec, 29, 23, 24))}, {11, vec(1, []byte{0})}, {35, nil},
		{16, vec(2, vec(1, []byte("h2")), vec(1, []byte("http/1.1")))}, {5, []byte{1, 0, 0, 0, 0}},
		{13, vec(2, words(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601))},
	}
	if k == 3 {
		list[6].body = vec(2, vec(1, []byte("http/1.1")))
	}
	if tls13 {
		shares := [][]byte{words(29), vec(2, m.random(32))}
		if k%2 == 0 {
			shares = append([][]byte{words(0x11ec), vec(2, m.random(1216))}, shares...)
		}
		list = append(list, extension{51, vec(2, shares...)}, extension{45, vec(1, []byte{1})}, extension{43, vec(1, words(0x0304, 0x0303))})
	}
	if k == 0 { // Chromium shuffles
		m.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = append([]extension{{grease, nil}}, list...)
	}
	var all []byte
	for _, e := range list {
		all = append(append(all, words(e.kind)...), vec(2, e.body)...)
	}
	body := append([]byte{3, 3}, m.random(32)...)
	body = append(body, vec(1, m.random(32))...)
	body = append(append(body, vec(2, words(offered...))...), 1, 0)
	return handshake(1, append(body, vec(2, all)...))
}

func (m *mix) serverHello(tls13 bool) []byte {
	body := append([]byte{3, 3}, m.random(32)...)
	body = append(body, vec(1, m.random(32))...)
	suite, list := uint16(0xc02b), append(words(0xff01), 0, 1, 0)
	list = append(append(list, words(16)...), vec(2, vec(2, vec(1, []byte("h2"))))...)
	if tls13 {
		suite = 0x1301
		list = append(words(43, 2, 0x0304), words(51)...)
		list = append(list, vec(2, words(29), vec(2, m.random(32)))...)
	}
	body = append(append(body, words(suite)...), 0)
	return handshake(2, append(body, vec(2, list)...))
}

var changeCipher = []byte{20, 3, 3, 0, 1, 1}

// tls13 has a talk begin with a handshake of TLS 1.3.
func (m *mix) tls13(t *talk, s *server) {
	t.say(0, m.clientHello(s.name, true), 0)
	t.say(1, append(m.serverHello(true), changeCipher...), 0)
	t.sealed(1, 1500+m.r.IntN(3000))
	t.say(0, changeCipher, 0)
	t.sealed(0, 53)
	t.more = tlsExchange
}

// tls12 has a talk begin with a handshake of TLS 1.2, a third of them resumed.
func (m *mix) tls12(t *talk, s *server) {
	t.more = tlsExchange
	t.say(0, m.clientHello(s.name, false), 0)
	hello := m.serverHello(false)
	finished := func(side int) {
		t.say(side, append(append([]byte{}, changeCipher...), 22, 3, 3, 0, 40), 40)
	}
	if m.r.IntN(3) == 0 {
		t.say(1, hello, 0)
		finished(1)
		finished(0)
		return
	}
	var chain [][]byte
	for _, c := range s.cert {
		chain = append(chain, vec(3, c))
	}
	hello = append(hello, handshake(11, vec(3, chain...))...)
	exchange := append(append([]byte{3, 0, 29}, vec(1, m.random(32))...), 8, 7)
	hello = append(hello, handshake(12, append(exchange, vec(2, m.random(64))...))...)
	t.say(1, append(hello, handshake(14, nil)...), 0)
	t.say(0, handshake(16, vec(1, m.random(32))), 0)
	finished(0)
	finished(1)
}

// sealed has a side say so many encrypted bytes.
func (t *talk) sealed(side, size int) {
	for size > 0 {
		n := min(size, 16384) + 17
		t.say(side, append([]byte{23, 3, 3}, words(uint16(n))...), n)
		size -= n - 17
	}
}

// tlsExchange is a request and what comes back.
func tlsExchange(m *mix, t *talk) {
	t.sealed(0, 80+m.r.IntN(700))
	t.sealed(1, m.size(4700))
}

// http is a request and its answer in clear.
func (m *mix) http(t *talk, s *server) {
	agents := [...]string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8.14.1", "Microsoft-CryptoAPI/10.0", "Debian APT-HTTP/1.3 (3.0.3)"}
	method, body := "GET", ""
	if m.r.IntN(6) == 0 {
		body = fmt.Sprintf(`{"id":%d,"state":"%s"}`, m.r.Uint32(), strings.Repeat("x", m.r.IntN(200)))
		method = "POST"
	}
	var b []byte
	b = fmt.Appendf(b, "%s /%s/%d/item-%x.json?session=%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n",
		method, []string{"v1", "assets", "update", "img"}[m.r.IntN(4)], m.r.IntN(500), m.r.Uint32(), m.r.Uint32(), s.name, agents[m.r.IntN(len(agents))])
	if body != "" {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	t.say(0, append(append(b, "Connection: keep-alive\r\n\r\n"...), body...), 0)
	size, status := m.size(3600), "200 OK"
	if m.r.IntN(12) == 0 {
		status, size = "404 Not Found", 310
	}
	t.say(1, fmt.Appendf(nil, "HTTP/1.1 %s\r\nDate: Wed, 04 Nov 2026 00:00:00 GMT\r\nServer: nginx\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\nCache-Control: max-age=600\r\nETag: \"%x\"\r\n\r\n", status, size, m.r.Uint64()), size)
}

// ssh has a talk begin with banners and the exchange of keys (RFC 4253 §7).
func (m *mix) ssh(t *talk) {
	t.say(0, []byte("SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n"), 0)
	t.say(1, []byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n"), 0)
	lists := []string{"mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group16-sha512", "ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256",
		"chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr,aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr,aes128-gcm@openssh.com",
		"umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com", "none,zlib@openssh.com", "none,zlib@openssh.com", "", ""}
	for side := range 2 {
		b := append([]byte{20}, m.random(16)...)
		for _, l := range lists {
			b = append(b, vec(4, []byte(l))...)
		}
		t.say(side, sshPacket(append(b, 0, 0, 0, 0, 0)), 0)
	}
	t.say(0, sshPacket(append([]byte{30}, vec(4, m.random(1216))...)), 0)
	key, sign := vec(4, vec(4, []byte("ssh-ed25519")), vec(4, m.random(32))), vec(4, vec(4, []byte("ssh-ed25519")), vec(4, m.random(64)))
	reply := append(append(append([]byte{31}, key...), vec(4, m.random(1120))...), sign...)
	t.say(1, append(sshPacket(reply), sshPacket([]byte{21})...), 0)
	t.say(0, sshPacket([]byte{21}), 0)
	t.left += 4
	t.more = func(m *mix, t *talk) {
		t.say(0, nil, 36+16*m.r.IntN(6))
		t.say(1, nil, 36+16*m.r.IntN(60))
	}
}

func sshPacket(payload []byte) []byte {
	pad := 8 - (5+len(payload))%8
	if pad < 4 {
		pad += 8
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	b = append(append(b, byte(pad)), payload...)
	return append(b, make([]byte, pad)...)
}
