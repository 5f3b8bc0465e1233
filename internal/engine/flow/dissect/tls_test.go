package dissect

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// tlsRecord is a record of a kind.
func tlsRecord(kind byte, b []byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(b) >> 8), byte(len(b))}, b...)
}

// Every capture of the corpora says the same when its streams are shown in
// random pieces.
func TestCorpusInPieces(t *testing.T) {
	flows := 0
	for _, zipped := range []string{"pcap/zeek-traces.zip", "pcap/ja4-dev.zip", "pcap/suricata-verify-dev.zip"} {
		for name, f := range archive(t, zipped) {
			if !strings.Contains(name, ".pcap") {
				continue
			}
			b := content(t, f)
			whole, pieces := newPlayer(), newPlayer()
			pieces.rnd = rand.New(rand.NewPCG(11, 12))
			whole.file(t, name, b)
			pieces.file(t, name, b)
			for i, f := range whole.order {
				if f.stream == nil && f.rec.QUIC == nil {
					continue
				}
				flows++
				a, b := record.AppendJSON(nil, f.rec), record.AppendJSON(nil, pieces.order[i].rec)
				if !bytes.Equal(a, b) {
					t.Errorf("%s:\n%s\n%s", name, a, b)
				}
			}
		}
	}
	t.Logf("%d communications", flows)
	if flows < 230 {
		t.Error("fewer communications than there are")
	}
}

func TestSeenTLS(t *testing.T) {
	for in, want := range map[string]verdict{
		"":                              unsure,
		"\x16":                          unsure,
		"\x16\x03":                      unsure,
		"\x16\x03\x01\x02\x00":          unsure,
		"\x16\x03\x01\x02\x00\x01":      yes,
		"\x16\x03\x01\x02\x00\xff":      no,
		"\x16\x04":                      no,
		"\x16\x03\x05":                  no,
		"\x16\x03\x01\x00\x00\x01":      no,
		"\x16\x03\x01\xff\x00\x01":      no,
		"\x17\x03\x03\x40\x00\xab":      yes,
		"GET / HTTP/1.1":                no,
		"\x80\x2e\x01\x00\x02":          unsure,
		ssl2Client(2, 7, 0, 16)[:11]:    yes,
		ssl2Client(0x301, 7, 16, 32)[:]: yes,
		"\x80\x2e\x01\x00\x02\x00\x14\x00\x00\x00\x10": no, // the lengths do not fit
		"\x80\x2e\x02\x00\x02":                         no,
	} {
		if got := seenTLS([]byte(in)); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

// ssl2Client is a client's hello in the format of SSL 2.
func ssl2Client(version uint16, ciphers, id, challenge int) string {
	b := binary.BigEndian.AppendUint16(nil, 0x8000|uint16(9+3*ciphers+id+challenge))
	b = binary.BigEndian.AppendUint16(append(b, 1), version)
	for _, n := range []int{3 * ciphers, id, challenge} {
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	return string(append(b, make([]byte, 3*ciphers+id+challenge)...))
}

func TestSSL2(t *testing.T) {
	der := issue(t, ecKey(t), 0, "a.example").Certificate[0]
	server := []byte{0, 0, 4, 0, 1, 0, 2, byte(len(der) >> 8), byte(len(der)), 0, 3, 0, 16}
	server = append(append(server, der...), make([]byte, 19)...)
	binary.BigEndian.PutUint16(server, 0x8000|uint16(len(server)-2))
	said := []chunk{{record.Out, []byte(ssl2Client(2, 7, 0, 16))}, {record.In, server}}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		r := follow(newTLS, said, rnd).TLS
		if r.Version != 2 || r.Established || r.Certificate == nil || r.Certificate.Names != 1 || r.Certificate.Chain != 1 {
			t.Fatalf("%+v", r)
		}
	}
	// A later version asked for in the old format is answered in the new one.
	hello := append([]byte{3, 1}, make([]byte, 33)...)
	hello = append([]byte{serverHello, 0, 0, byte(len(hello) + 3)}, append(hello, 0, 0x2f, 0)...)
	said = []chunk{{record.Out, []byte(ssl2Client(0x0301, 7, 0, 32))}, {record.In, tlsRecord(tlsHandshake, hello)}, {record.Out, tlsRecord(tlsChange, []byte{1})}, {record.In, tlsRecord(tlsChange, []byte{1})}}
	if r := follow(newTLS, said, rnd).TLS; r.Version != 0x0301 || r.Cipher != 0x2f || !r.Established {
		t.Errorf("%+v", r)
	}
}

func TestTLSAlerts(t *testing.T) {
	hello := tlsRecord(tlsHandshake, clientHelloBytes("a.example", "h2", 10))
	for want, alerts := range map[uint8][]byte{112: {1, 112}, 40: {2, 40, 1, 112}, 0: {3, 40}} {
		said := []chunk{{record.Out, hello}}
		for ; len(alerts) > 0; alerts = alerts[2:] {
			said = append(said, chunk{record.In, tlsRecord(tlsAlert, alerts[:2])})
		}
		if r := follow(newTLS, said, nil).TLS; r.Alert != want || r.Established || r.Version != 0x0304 {
			t.Errorf("want %d: %+v", want, r)
		}
	}
}

// A hello in many records, one of its messages longer than is read, bytes lost
// in the middle: nothing is made up, and nothing stays behind.
func TestTLSOddRecords(t *testing.T) {
	hello := clientHelloBytes("a.example", "h2", 3000)
	var said []chunk
	for rest := hello; len(rest) > 0; {
		n := min(len(rest), 7)
		said = append(said, chunk{record.Out, tlsRecord(tlsHandshake, rest[:n])})
		rest = rest[n:]
	}
	if r := follow(newTLS, said, nil).TLS; r == nil || r.SNI.String() != "a.example" {
		t.Errorf("%+v", r)
	}
	r := &record.Record{}
	s := newTLS(record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)}).(*tlsStream)
	for _, c := range said[:100] {
		s.Data(c.side, 0, c.b)
	}
	held := s.side[0].msg[:cap(s.side[0].msg)]
	if len(bytes.Trim(held, "\x00")) == 0 {
		t.Fatal("nothing is held")
	}
	s.Lost(record.Out, 700)
	if len(bytes.Trim(held, "\x00")) != 0 {
		t.Error("what was held is still there")
	}
	for _, c := range said[200:] {
		s.Data(c.side, 0, c.b)
	}
	if r.TLS != nil {
		t.Errorf("made up: %+v", r.TLS)
	}
	// 100 KiB of certificates pass by unread; the hello done after them is seen.
	big := []byte{certificate, 1, 0x90, 0}
	big = append(big, make([]byte, 0x19000)...)
	s = newTLS(record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)}).(*tlsStream)
	for rest := big; len(rest) > 0; {
		n := min(len(rest), 1<<14)
		s.Data(record.In, 0, tlsRecord(tlsHandshake, rest[:n]))
		rest = rest[n:]
	}
	s.Data(record.In, 0, tlsRecord(tlsHandshake, []byte{serverHelloDone, 0, 0, 0}))
	if !s.full || !s.side[1].server || cap(s.side[1].msg) > 1024 || r.TLS != nil && r.TLS.Certificate != nil {
		t.Errorf("%+v", s.side[1])
	}
}

// A server that echoes the client's id and sends a certificate all the same
// resumes nothing.
func TestTLSEchoedSession(t *testing.T) {
	id := bytes.Repeat([]byte{7}, 32)
	ask := append([]byte{3, 3}, make([]byte, 32)...)
	ask = append(append(append(ask, 32), id...), 0, 2, 0, 0x2f, 1, 0)
	answer := append([]byte{3, 3}, make([]byte, 32)...)
	answer = append(append(append(answer, 32), id...), 0, 0x2f, 0)
	said := []chunk{
		{record.Out, tlsRecord(tlsHandshake, append([]byte{clientHello, 0, 0, byte(len(ask))}, ask...))},
		{record.In, tlsRecord(tlsHandshake, append([]byte{serverHello, 0, 0, byte(len(answer))}, answer...))},
	}
	if r := follow(newTLS, said, nil).TLS; !r.Resumed {
		t.Errorf("%+v", r)
	}
	said = append(said, chunk{record.In, tlsRecord(tlsHandshake, []byte{serverHelloDone, 0, 0, 0})})
	if r := follow(newTLS, said, nil).TLS; r.Resumed {
		t.Errorf("%+v", r)
	}
}

// The name that a certificate is compared with is kept no longer than that.
func TestTLSForgets(t *testing.T) {
	said := []chunk{{record.Out, tlsRecord(tlsHandshake, clientHelloBytes("canary.example", "h2", 10))}}
	r := &record.Record{}
	s := newTLS(record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)}).(*tlsStream)
	s.Data(record.Out, 0, said[0].b)
	if !bytes.Contains(s.sni[:], []byte("canary")) {
		t.Fatal("the name is not kept")
	}
	s.End()
	if bytes.Contains(s.sni[:], []byte("canary")) {
		t.Error("the name is still there")
	}
	q := &quicState{}
	hello := clientHelloBytes("canary.example", "h3", 1000)
	q.datagram(0, 0, seal(quicV1, []byte("id"), nil, nil, 1, cryptoFrame(0, hello[:900])), record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)})
	held := q.hello.b
	if !bytes.Contains(held, []byte("canary")) {
		t.Fatal("the hello is not held")
	}
	q.end()
	if bytes.Contains(held, []byte("canary")) {
		t.Error("the hello is still there")
	}
	w := &quicWork{}
	p, _ := readQUIC(seal(quicV1, []byte("id"), nil, nil, 1, cryptoFrame(0, hello)))
	text := w.open(seal(quicV1, []byte("id"), nil, nil, 1, cryptoFrame(0, hello)), &p, []byte("id"))
	if w.wipe(); len(text) == 0 || bytes.Contains(text, []byte("canary")) {
		t.Error("the packet is still there")
	}
}

// dtlsHello is the client hello of DTLS in records of at most n bytes each.
func dtlsHello(n int) (out [][]byte) {
	tls := clientHelloBytes("a.example", "", 10)
	body := append([]byte{0xfe, 0xfd}, tls[6:4+2+32+1]...)
	body = append(append(body, 3, 'c', 'k', 'e'), tls[4+2+32+1:]...)
	for from := 0; from < len(body); from += n {
		part := body[from:min(len(body), from+n)]
		b := []byte{clientHello, 0, byte(len(body) >> 8), byte(len(body)), 0, 7, 0, byte(from >> 8), byte(from), 0, byte(len(part) >> 8), byte(len(part))}
		b = append(b, part...)
		out = append(out, append([]byte{tlsHandshake, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(b) >> 8), byte(len(b))}, b...))
	}
	return out
}

func TestDTLS(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	for _, n := range []int{1000, 203, 50, 7} {
		said := dtlsHello(n)
		rnd.Shuffle(len(said), func(i, j int) { said[i], said[j] = said[j], said[i] })
		f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, true)}
		var d dtlsState
		for _, b := range said {
			if !isDTLS(b) || isDTLS(b[:len(b)-1]) {
				t.Error("not known")
			}
			d.datagram(0, 0, b, f)
		}
		if f.TLS == nil || f.TLS.SNI.String() != "a.example" || f.TLS.JA4.String()[:8] != "d13d0206" || d.hello != nil {
			t.Errorf("pieces of %d: %+v", n, f.TLS)
		}
		d.end()
	}
}

// TLS inside the datagrams of another protocol.
func TestTLSInsideDatagrams(t *testing.T) {
	hello := tlsRecord(tlsHandshake, clientHelloBytes("a.example", "h2", 50))
	for _, before := range []int{0, 14, maxBefore - 1, maxBefore} {
		f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, true)}
		b := append(bytes.Repeat([]byte{tlsHandshake}, before), hello...)
		var d dtlsState
		for range maxInside {
			d.inside(b[:len(b)-1], f)
		}
		if f.TLS != nil {
			t.Errorf("%d: a hello that is not whole was read", before)
		}
		d.inside(b, f)
		if f.TLS != nil {
			t.Errorf("%d: the search goes on", before)
		}
		d = dtlsState{}
		if d.inside(b, f); (f.TLS != nil) != (before < maxBefore) || f.TLS != nil && (f.TLS.SNI.String() != "a.example" || f.TLS.JA4.String()[:3] != "t13") {
			t.Errorf("%d: %+v", before, f.TLS)
		}
	}
}

func FuzzTLS(f *testing.F) {
	hello := tlsRecord(tlsHandshake, clientHelloBytes("www.example.com", "h2", 32))
	der := issue(f, ecKey(f), 0, "a.example").Certificate[0]
	chain := []byte{certificate, 0, byte((len(der) + 6) >> 8), byte(len(der) + 6), 0, byte((len(der) + 3) >> 8), byte(len(der) + 3), 0, byte(len(der) >> 8), byte(len(der))}
	answer := append([]byte{serverHello, 0, 0, 38, 3, 3}, make([]byte, 36)...)
	f.Add(hello, append(tlsRecord(tlsHandshake, answer), tlsRecord(tlsHandshake, append(chain, der...))...), uint64(1))
	f.Add(append(hello, tlsRecord(tlsChange, []byte{1})...), tlsRecord(tlsAlert, []byte{2, 40}), uint64(2))
	f.Add([]byte(ssl2Client(2, 7, 0, 16)), []byte{0x80, 20, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 4}, uint64(3))
	f.Fuzz(func(t *testing.T, out, in []byte, seed uint64) {
		fuzzStream(t, newTLS, out, in, seed)
	})
}
