package flow

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"noroshi/internal/engine/flow/packet"
)

// said is what one side said in a conversation.
type said struct {
	side int
	text string
}

// talk makes the packets of a whole TCP connection.
func talk(client string, port uint16, at int64, list ...said) []pk {
	c := pk{src: client, dst: "198.51.100.2", sport: 40000 + port%1000, dport: port, proto: packet.ProtoTCP}
	s := pk{src: c.dst, dst: c.src, sport: c.dport, dport: c.sport, proto: packet.ProtoTCP}
	seq := [2]uint32{1000, 5000}
	var out []pk
	send := func(side int, flags uint8, body string) {
		p := c
		if side == 1 {
			p = s
		}
		at += 1e6
		p.at, p.flags, p.seq, p.ack, p.body = at, flags, seq[side], seq[1-side], []byte(body)
		out = append(out, p)
		seq[side] += uint32(len(body))
		if flags&(flagSYN|flagFIN) != 0 {
			seq[side]++
		}
	}
	send(0, flagSYN, "")
	send(1, flagSYN|flagACK, "")
	for _, x := range list {
		for text := x.text; text != ""; {
			n := min(len(text), 1200)
			send(x.side, flagACK|flagPSH, text[:n])
			text = text[n:]
		}
	}
	send(0, flagACK|flagFIN, "")
	send(1, flagACK|flagFIN, "")
	return out
}

// canaries are packets of every protocol that is read, with the same secret in
// every place that a person or a program fills in.
func canaries(t *testing.T, core string) []pk {
	y := func(place string) string { return place + core }
	at, n := t0, 0
	var out []pk
	conn := func(port uint16, list ...said) {
		n++
		at += 1e9
		out = append(out, talk("192.0.2."+itoa(20+n), port, at, list...)...)
	}
	body := "{\"secret\":\"" + y("body") + "\"}"
	conn(80, said{0, "POST /" + y("path") + "/x?q=" + y("query") + " HTTP/1.1\r\nHost: " + y("host") + ".example.com\r\nCookie: s=" + y("cookie") +
		"\r\nUser-Agent: Mozilla/5.0 " + y("agent") + "\r\nReferer: http://x/" + y("referer") + "\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte("u:"+y("auth"))) + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body},
		said{1, "HTTP/1.1 200 OK\r\nServer: " + y("server") + "\r\nSet-Cookie: " + y("set") + "\r\nContent-Type: text/" + y("type") + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body})
	conn(25, said{1, "220 " + y("banner") + " ESMTP Postfix\r\n"}, said{0, "EHLO " + y("helo") + "\r\n"}, said{1, "250-" + y("ehlo") + "\r\n250 AUTH PLAIN\r\n"},
		said{0, "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00u\x00"+y("pass"))) + "\r\n"}, said{1, "235 ok\r\n"},
		said{0, "MAIL FROM:<" + y("from") + "@example.com>\r\n"}, said{1, "250 ok\r\n"}, said{0, "RCPT TO:<" + y("to") + "@example.com>\r\n"}, said{1, "250 ok\r\n"},
		said{0, "DATA\r\n"}, said{1, "354 go\r\n"}, said{0, "Subject: " + y("subject") + "\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + y("text") +
			"\r\n--b\r\nContent-Disposition: attachment; filename=" + y("file") + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte("xx"+y("attachment"))) + "\r\n--b--\r\n.\r\n"}, said{1, "250 " + y("queued") + "\r\n"}, said{0, "QUIT\r\n"})
	conn(143, said{1, "* OK Dovecot ready " + y("banner") + "\r\n"}, said{0, "a1 LOGIN " + y("user") + " " + y("pass") + "\r\n"}, said{1, "a1 OK " + y("ok") + "\r\n"},
		said{0, "a2 FETCH 1 BODY[]\r\n"}, said{1, "* 1 FETCH (BODY[] {" + itoa(len(y("mail"))) + "}\r\n" + y("mail") + ")\r\na2 OK\r\n"})
	conn(110, said{1, "+OK " + y("banner") + "\r\n"}, said{0, "USER " + y("user") + "\r\n"}, said{1, "+OK\r\n"}, said{0, "PASS " + y("pass") + "\r\n"}, said{1, "+OK\r\n"},
		said{0, "RETR 1\r\n"}, said{1, "+OK\r\nSubject: " + y("subject") + "\r\n\r\n" + y("mail") + "\r\n.\r\n"})
	conn(21, said{1, "220 " + y("banner") + "\r\n"}, said{0, "USER " + y("user") + "\r\nPASS " + y("pass") + "\r\nRETR " + y("file") + "\r\n"})
	conn(23, said{1, "login: "}, said{0, y("user") + "\r\n"}, said{1, "Password: "}, said{0, y("pass") + "\r\n"})
	conn(22, said{0, "SSH-2.0-" + y("client") + "\r\n"}, said{1, "SSH-2.0-" + y("server") + "\r\n"}, said{0, kexinit(y("kex"))}, said{1, kexinit(y("kex"))})
	conn(3389, said{0, tpkt("\x27\xe0\x00\x00\x00\x00\x00Cookie: mstshash=" + y("user") + "\r\n\x01\x00\x08\x00\x03\x00\x00\x00")})
	conn(389, said{0, ldapBind(y("dn"), y("pass"))}, said{1, "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"})
	conn(88, said{0, kerberosAsk(y("principal"), y("realm"))})
	conn(445, said{0, smbOpen(y("share"), y("file"))})
	conn(6379, said{0, "*2\r\n$3\r\nGET\r\n$20\r\n" + y("key") + "\r\n"})
	client, server := tlsTalk(t, y("sni")+".example.com", y("alpn"), y("subject"))
	conn(443, said{0, client[0]}, said{1, server[0]}, said{0, client[1]}, said{1, server[1]})
	conn(53, said{0, dnsOverTCP(dnsAsk(y("dns"), 9))}, said{1, dnsOverTCP(dnsTXT(y("dns"), y("txt"), 9))})
	udp := func(port uint16, back bool, body []byte) {
		at += 1e6
		p := pk{src: "192.0.2.7", dst: "198.51.100.2", sport: 41000, dport: port, proto: packet.ProtoUDP, at: at, body: body}
		if back {
			p.src, p.dst, p.sport, p.dport = p.dst, p.src, p.dport, p.sport
		}
		out = append(out, p)
	}
	udp(53, false, dnsAsk(y("dns"), 1))
	udp(53, true, dnsTXT(y("dns"), y("txt"), 1))
	udp(5353, false, dnsAsk(y("mdns"), 2))
	udp(88, false, []byte(kerberosAsk(y("principal"), y("realm"))[4:]))
	udp(5060, false, []byte("INVITE sip:"+y("sip")+"@example.com SIP/2.0\r\nSubject: "+y("subject")+"\r\n\r\n"))
	udp(514, false, []byte("<13>Nov 22 host "+y("syslog")))
	udp(1900, false, []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nUSER-AGENT: "+y("agent")+"\r\nST: "+y("st")+"\r\n\r\n"))
	udp(69, false, []byte("\x00\x01"+y("file")+"\x00octet\x00"))
	udp(161, false, []byte("\x30\x29\x02\x01\x01\x04\x0f"+y("com")+"\xa0\x13\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x08\x30\x06\x06\x02\x2b\x06\x05\x00"))
	udp(443, false, quicInitial(client[0][5:]))
	// In labels too short to look like anything, and in what answers as addresses.
	low32 := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	id := byte(20)
	for _, form := range []string{hex.EncodeToString([]byte(core)), low32.EncodeToString([]byte(core)), core} {
		for size := 3; size <= 7; size++ {
			var labels []string
			for i := 0; i < len(form); i += size {
				labels = append(labels, form[i:min(i+size, len(form))])
			}
			for i := 0; i < len(labels); i += 2 {
				id++
				ask := dnsAsk("x", id)
				name := ""
				for _, l := range labels[i:min(i+2, len(labels))] {
					name += string(rune(len(l))) + l
				}
				udp(53, false, append(append(append([]byte(nil), ask[:12]...), name...), ask[14:]...))
			}
		}
	}
	for i, chunk := range []string{"my" + core + " .", core[:4] + core[4:8] + core[8:] + core[:4]} {
		udp(53, false, dnsAsk("www", byte(250+i)))
		udp(53, true, dnsAddress("www", chunk, byte(250+i)))
		four := hex.EncodeToString([]byte(chunk))
		host := ""
		for k := 0; k < len(four); k += 4 {
			host += ":" + four[k:k+4]
		}
		conn(80, said{0, "GET / HTTP/1.1\r\nHost: [" + host[1:] + "]\r\n\r\n"})
	}
	frags := fragmentsOf(pk{src: "192.0.2.8", dst: "198.51.100.2", sport: 42000, dport: 53, proto: packet.ProtoUDP, at: at, body: append(dnsAsk(y("frag"), 3), make([]byte, 40)...), id: 7}, 24)
	out = append(out, frags...)
	out = append(out, frags[0]) // and a part of one that never ends
	out[len(out)-1].id = 8
	lie := frags[:2:2] // and parts that lie
	lie = append([]pk(nil), lie...)
	lie[0].id, lie[1].id, lie[1].off = 9, 9, lie[1].off-8
	out = append(out, lie...)
	ping := pk{src: "192.0.2.9", dst: "198.51.100.2", proto: packet.ProtoICMP, typ: 8, at: at, body: []byte(y("ping"))}
	no := pk{src: "198.51.100.2", dst: "192.0.2.7", proto: packet.ProtoICMP, typ: 3, code: 3, at: at, body: []byte(pk{src: "192.0.2.7", dst: "198.51.100.2", sport: 41000, dport: 53, proto: packet.ProtoUDP, body: dnsAsk(y("quoted"), 4)}.build().Data[14:])}
	return append(out, ping, no)
}

// halfway are connections that are not over and wait for more.
func halfway(core string) (out []pk) {
	for i, text := range []string{"GET /x HTTP/1.1\r\nCookie: " + core + core, "EHLO " + core, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + core, "SSH-2.0-" + core} {
		list := talk("203.0.113."+itoa(i+1), []uint16{80, 25, 443, 22}[i], t0, said{0, text})
		out = append(out, list[:len(list)-2]...)
		late := list[2] // before its turn, and its turn never comes
		late.seq += 3000
		late.body = []byte("late" + core)
		out = append(out, late)
	}
	return out
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

func tpkt(s string) string { return "\x03\x00\x00" + string(rune(len(s)+4)) + s }

func kexinit(list string) string {
	b := append([]byte{20}, make([]byte, 16)...)
	for range 10 {
		b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
		b = append(b, list...)
	}
	b = append(b, 0, 0, 0, 0, 0)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b)+1+8))
	return string(append(append(append(head, 8), b...), make([]byte, 8)...))
}

func tlv(tag byte, parts ...string) string {
	s := ""
	for _, p := range parts {
		s += p
	}
	if len(s) < 128 {
		return string([]byte{tag, byte(len(s))}) + s
	}
	return string([]byte{tag, 0x82, byte(len(s) >> 8), byte(len(s))}) + s
}

func ldapBind(dn, pass string) string {
	return tlv(0x30, "\x02\x01\x01", tlv(0x60, "\x02\x01\x03", tlv(4, dn), tlv(0x80, pass))) +
		tlv(0x30, "\x02\x01\x02", tlv(0x63, tlv(4, dn), "\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00", tlv(0x87, "objectClass"), tlv(0x30)))
}

func kerberosAsk(principal, realm string) string {
	name := func(tag byte, s string) string {
		return tlv(tag, tlv(0x30, tlv(0xa0, "\x02\x01\x01"), tlv(0xa1, tlv(0x30, tlv(0x1b, s)))))
	}
	body := tlv(0x30, tlv(0xa0, "\x03\x05\x00\x40\x00\x00\x00"), name(0xa1, principal), tlv(0xa2, tlv(0x1b, realm)), name(0xa3, "host"+principal),
		tlv(0xa5, "\x18\x0f20370913024805Z"), tlv(0xa7, "\x02\x01\x05"), tlv(0xa8, tlv(0x30, "\x02\x01\x12")))
	ask := tlv(0x6a, tlv(0x30, tlv(0xa1, "\x02\x01\x05"), tlv(0xa2, "\x02\x01\x0a"), tlv(0xa4, body)))
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(ask)))) + ask
}

// smbOpen asks for a share and a file ([MS-SMB2] 2.2.9, 2.2.13).
func smbOpen(share, file string) string {
	wide := func(s string) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return b
	}
	message := func(command byte, body []byte) string {
		h := make([]byte, 64)
		copy(h, "\xfeSMB")
		h[4], h[12], h[14], h[24] = 64, command, 1, command
		m := append(h, body...)
		return string([]byte{0, 0, byte(len(m) >> 8), byte(len(m))}) + string(m)
	}
	path := wide(`\\server\` + share)
	tree := make([]byte, 8)
	tree[0], tree[4] = 9, 72
	binary.LittleEndian.PutUint16(tree[6:], uint16(len(path)))
	name := wide(file)
	create := make([]byte, 56)
	create[0], create[44] = 57, 120
	binary.LittleEndian.PutUint16(create[46:], uint16(len(name)))
	return message(3, append(tree, path...)) + message(5, append(create, name...))
}

func dnsName(label string) []byte {
	return append(append([]byte{byte(len(label))}, label...), "\x07example\x03com\x00"...)
}

func dnsAsk(label string, id byte) []byte {
	return append(append([]byte{0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, dnsName(label)...), 0, 16, 0, 1)
}

func dnsTXT(label, text string, id byte) []byte {
	b := dnsAsk(label, id)
	b[2], b[7] = 0x81, 1
	b = append(b, 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, byte(len(text)+1), byte(len(text)))
	return append(b, text...)
}

// dnsAddress answers with an address of IPv6 that is text.
func dnsAddress(label, text string, id byte) []byte {
	b := dnsAsk(label, id)
	b[2], b[7] = 0x81, 1
	b = append(b, 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16)
	return append(b, text...)
}

func dnsOverTCP(b []byte) string { return string([]byte{byte(len(b) >> 8), byte(len(b))}) + string(b) }

// tlsTalk holds a handshake of TLS 1.2 and returns what each side sent first and
// second.
func tlsTalk(t *testing.T, name, protocol, subject string) (client, server [2]string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: subject}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(crand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	var mu sync.Mutex
	sent := [2][]string{}
	tap := func(c net.Conn, side int) net.Conn {
		return &tapped{c, func(p []byte) { mu.Lock(); sent[side] = append(sent[side], string(p)); mu.Unlock() }}
	}
	done := make(chan error)
	go func() {
		done <- tls.Server(tap(b, 1), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MaxVersion: tls.VersionTLS12, NextProtos: []string{protocol}}).Handshake()
	}()
	if err := tls.Client(tap(a, 0), &tls.Config{ServerName: name, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{protocol}}).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for side, list := range sent {
		both := [2]*string{&client[0], &client[1]}
		if side == 1 {
			both = [2]*string{&server[0], &server[1]}
		}
		for i, s := range list {
			*both[min(i, 1)] += s
		}
	}
	return client, server
}

type tapped struct {
	net.Conn
	see func([]byte)
}

func (c *tapped) Write(p []byte) (int, error) {
	c.see(p)
	return c.Conn.Write(p)
}

// quicInitial wraps a client hello into an Initial packet of QUIC version 1 (RFC
// 9001 §5).
func quicInitial(hello string) []byte {
	expand := func(secret []byte, label string, n int) []byte {
		info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label...)
		out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
		if err != nil {
			panic(err)
		}
		return out
	}
	salt, _ := hex.DecodeString("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
	cid := []byte("12345678")
	initial, err := hkdf.Extract(sha256.New, cid, salt)
	if err != nil {
		panic(err)
	}
	client := expand(initial, "client in", 32)
	frames := append([]byte{6, 0, 0x40 | byte(len(hello)>>8), byte(len(hello))}, hello...)
	frames = append(frames, make([]byte, max(1150-len(frames), 0))...)
	b := append([]byte{0xc3, 0, 0, 0, 1, 8}, cid...)
	size := 4 + len(frames) + 16
	b = append(b, 0, 0, 0x40|byte(size>>8), byte(size))
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	block, _ := aes.NewCipher(expand(client, "quic key", 16))
	gcm, _ := cipher.NewGCM(block)
	b = gcm.Seal(b, expand(client, "quic iv", 12), frames, append([]byte(nil), b...))
	block, _ = aes.NewCipher(expand(client, "quic hp", 16))
	var mask [16]byte
	block.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & 15
	for i := range 4 {
		b[at+i] ^= mask[1+i]
	}
	return b
}
