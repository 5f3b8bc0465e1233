package dissect

import (
	"encoding/binary"
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// script is a communication in a form that a fuzzer can change: an operation
// (bit 0 the side, bit 1 a gap before it), a length in two bytes, the bytes.
func script(said ...utterance) (out []byte) {
	for _, u := range said {
		op := byte(u.side)
		if u.lost > 0 {
			op |= 2
		}
		out = append(binary.BigEndian.AppendUint16(append(out, op), uint16(len(u.b))), u.b...)
	}
	return out
}

func unscript(b []byte) (c *talk) {
	c = &talk{proto: packet.ProtoTCP}
	for len(b) >= 3 && len(c.said) < 64 {
		u := utterance{side: int(b[0] & 1), lost: uint64(b[0] >> 1 & 1), at: int64(len(c.said))}
		n := min(int(binary.BigEndian.Uint16(b[1:])), len(b)-3)
		u.b, b = b[3:3+n], b[3+n:]
		c.said = append(c.said, u)
	}
	return c
}

// fuzzTalk shows a stream what the fuzzer made, whole and in single bytes:
// it must not panic, must keep to its contract and say the same both ways.
func fuzzTalk(f *testing.F, begin func(record.Facts) Stream, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	n := record.NewNaming([32]byte{9}, false)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 8<<10 {
			return
		}
		c := unscript(b)
		var said [2]string
		for i, cut := range []func(int) int{whole, bytewise} {
			p := newPlaying(c, n)
			p.rec.SrcPort, p.rec.DstPort, p.rec.Proto = 40000, 502, packet.ProtoTCP
			p.stream, p.know = begin(p.facts), true
			for _, u := range c.said {
				if u.lost > 0 {
					p.lost(u.side, 1)
				}
				for rest := u.b; len(rest) > 0; {
					k := min(cut(len(rest)), len(rest))
					p.data(u.side, u.at, rest[:k])
					rest = rest[k:]
				}
			}
			p.stream.End()
			p.stream.End() // twice does no harm
			said[i] = asText(&p.rec)
		}
		if said[0] != said[1] {
			t.Errorf("whole     %s\nbytewise  %s", said[0], said[1])
		}
	})
}

func out(s string) utterance { return utterance{side: record.Out, b: []byte(s)} }
func in(s string) utterance  { return utterance{side: record.In, b: []byte(s)} }

func FuzzHTTP(f *testing.F) {
	fuzzTalk(f, newHTTP,
		script(out("GET /a?b HTTP/1.1\r\nHost: h.example:80\r\nUser-Agent: curl/8\r\n\r\n"), in("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 no\r\n\r\n")),
		script(out("POST http://u:p@h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\nGET /\r\n")),
		script(out("CONNECT h:443 HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 ok\r\n\r\n"), out("GET / HTTP/1.0\r\n\r\n"), in("HTTP/1.0 304 x\r\n\r\n")),
		script(out("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"), in("HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), out(string(h2Preface))))
}

func FuzzH2(f *testing.F) {
	fuzzTalk(f, newH2, script(out(string(h2Preface)+"\x00\x00\x05\x01\x05\x00\x00\x00\x01\x82\x84\x41\x01a"), in("\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x02\x00\x01\x00\x00\x00\x01ab")))
}

func FuzzSMTP(f *testing.F) {
	fuzzTalk(f, newSMTP,
		script(in("220 mx ESMTP Postfix\r\n"), out("EHLO a\r\n"), in("250-a\r\n250 STARTTLS\r\n"), out("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"), in("250 ok\r\n250 ok\r\n354 go\r\n"), out("x\r\n.\r\nQUIT\r\n"), in("250 ok\r\n221 bye\r\n")),
		script(out("AUTH LOGIN\r\n"), in("334 x\r\n"), out("dXNlcg==\r\n"), in("535 no\r\n"), out("BDAT 3 LAST\r\nabcSTARTTLS\r\n"), in("250 ok\r\n220 go\r\n"), out("\x16\x03\x01\x00\x01\x01")))
}

func FuzzIMAP(f *testing.F) {
	fuzzTalk(f, newIMAP, script(in("* OK Dovecot\r\n"), out("a LOGIN u {3}\r\n"), out("abc\r\nb FETCH 1 BODY[]\r\n"), in("a OK in\r\n* 1 FETCH (BODY[] {5}\r\nabcde)\r\nb OK\r\n"), out("c STARTTLS\r\n"), in("c OK\r\n")))
}

func FuzzPOP(f *testing.F) {
	fuzzTalk(f, newPOP, script(in("+OK hi\r\n"), out("USER a\r\nPASS b\r\nRETR 1\r\nLIST\r\nSTLS\r\n"), in("+OK\r\n+OK\r\n+OK\r\nabc\r\n.\r\n+OK\r\n1 1\r\n.\r\n+OK\r\n")))
}

func FuzzDNS(f *testing.F) {
	q := "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02jp\x00\x00\x01\x00\x01"
	a := "\x00\x01\x81\x83\x00\x01\x00\x01\x00\x00\x00\x01\x01a\x02jp\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x7f\x00\x00\x01\x00\x00\x29\x10\x00\x01\x00\x00\x00\x00\x00"
	fuzzTalk(f, newDNS, script(out("\x00"+string(rune(len(q)))+q), in("\x00"+string(rune(len(a)))+a)))
}

func FuzzSMB(f *testing.F) {
	two := "\x00\x00\x00\x50\xfeSMB" + string(make([]byte, 76))
	one := "\x00\x00\x00\x30\xffSMB\x75" + string(make([]byte, 43))
	fuzzTalk(f, newSMB, script(out(two), in(two)), script(out(one), in(one)))
}

func FuzzRDP(f *testing.F) {
	fuzzTalk(f, newRDP, script(out("\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=abc\r\n\x01\x00\x08\x00\x03\x00\x00\x00"),
		in("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x02\x00\x00\x00")))
}

func FuzzKerberos(f *testing.F) {
	b := asRequest()
	fuzzTalk(f, newKerberos, script(out("\x00\x00\x00"+string(rune(len(b)))+string(b))))
}

func FuzzLDAP(f *testing.F) {
	fuzzTalk(f, newLDAP, script(out("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"), in("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00")))
}

func FuzzModbus(f *testing.F) {
	fuzzTalk(f, newModbus, script(out("\x00\x01\x00\x00\x00\x06\x01\x05\x00\x00\xff\x00"), in("\x00\x01\x00\x00\x00\x03\x01\x85\x02")))
}

func FuzzDNP3(f *testing.F) {
	fuzzTalk(f, newDNP3, script(out("\x05\x64\x08\xc4\x02\x00\x03\x00\x00\x00\xc0\xc0\x01\x00\x00")))
}

func FuzzS7(f *testing.F) {
	fuzzTalk(f, newS7, script(out("\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a\x03\x00\x00\x13\x02\xf0\x80\x32\x01\x00\x00\x00\x01\x00\x02\x00\x00\x29\x00")))
}

func FuzzSOCKS(f *testing.F) {
	fuzzTalk(f, newSOCKS, script(out("\x05\x01\x00"), in("\x05\x00"), out("\x05\x01\x00\x03\x01a\x00\x50"), in("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"), out("GET / HTTP/1.0\r\n\r\n")))
}

// FuzzStart asks for the protocol with more and more bytes: what was said once
// must stay, whatever follows.
func FuzzStart(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\n", "220 a ESMTP\r\n", "\x00\x00\x00\x10\xfeSMB", "\x05\x01\x00", "OPTIONS sip:a SIP/2.0\r\n", "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", "*1\r\n$4\r\n"} {
		f.Add(s[:], byte(0), uint16(80))
	}
	n := record.NewNaming([32]byte{9}, false)
	f.Fuzz(func(t *testing.T, s string, side byte, port uint16) {
		b := []byte(s)
		if len(b) > Window {
			b = b[:Window]
		}
		ask := func(k int) (record.App, bool) {
			r := record.Record{SrcPort: 40000, DstPort: port, Proto: packet.ProtoTCP}
			_, ok := Start(int(side&1), b[:k], record.Facts{Record: &r, Naming: n})
			return r.App, ok
		}
		app, known := ask(len(b))
		for k := 1; k < min(len(b), 1<<10); k++ {
			if early, ok := ask(k); ok && (!known || early != app) {
				t.Fatalf("%s of %d bytes, %s of %d", early, k, app, len(b))
			}
		}
	})
}

// FuzzDatagrams shows a communication over UDP whatever the fuzzer made.
func FuzzDatagrams(f *testing.F) {
	f.Add(script(out("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01"), in("\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x7f\x00\x00\x01")), uint16(53))
	f.Add(script(out("M-SEARCH * HTTP/1.1\r\nHOST: a\r\n\r\n")), uint16(1900))
	f.Add(script(out("\x6a\x05\x30\x03\xa1\x01\x00")), uint16(88))
	f.Add(script(out("\x05\x64\x08\xc4\x02\x00\x03\x00\x00\x00\xc0\xc0\x01\x00\x00")), uint16(20000))
	f.Add(script(out("\x30\x0c\x02\x01\x01\x63\x07\x04\x00\x0a\x01\x00\x0a\x01\x00")), uint16(389))
	full, n := record.NewNaming([32]byte{9}, true), record.NewNaming([32]byte{9}, false)
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		for _, n := range []*record.Naming{full, n} {
			r := record.Record{SrcPort: 40000, DstPort: port, Proto: packet.ProtoUDP}
			st := State{}
			for i, u := range unscript(b).said {
				Datagram(u.side, int64(i), u.b, record.Facts{Record: &r, Naming: n}, &st)
				if u.lost > 0 {
					st.End() // as when the record is written out
					r.DNS, r.HTTP = r.DNS[:0], r.HTTP[:0]
				}
			}
			st.End()
			asText(&r)
		}
	})
}
