package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// Kinds of handshake messages (RFC 8446 §4, RFC 5246 §7.4).
const (
	clientHello       = 1
	serverHello       = 2
	newSessionTicket  = 4
	certificate       = 11
	serverKeyExchange = 12
	serverHelloDone   = 14
	clientKeyExchange = 16
	certificateStatus = 22
)

// handshake reads the messages of one record. A message may begin in one and
// go on in the next: then it is collected, within a bound.
func (t *tlsStream) handshake(side int, b []byte) {
	s := &t.side[side]
	for len(b) > 0 && !s.closed {
		if s.over > 0 {
			n := min(s.over, len(b))
			s.over, b = s.over-n, b[n:]
			continue
		}
		if len(s.msg) == 0 && len(b) >= 4 {
			if size := messageSize(b); size <= len(b) {
				t.message(side, b[0], b[4:size])
				b = b[size:]
				continue
			}
		}
		b = t.collect(side, b)
	}
}

// messageSize is how long a message is by its header.
func messageSize(b []byte) int { return 4 + int(b[1])<<16 + int(b[2])<<8 + int(b[3]) }

// collect moves the part of a message into the scratch of its side and reads
// the message when it is whole. Messages nobody asks for are passed over.
func (t *tlsStream) collect(side int, b []byte) []byte {
	s := &t.side[side]
	if need := 4 - len(s.msg); need > 0 {
		n := min(need, len(b))
		s.grow(b[:n])
		if b = b[n:]; len(s.msg) < 4 {
			return b
		}
		size := messageSize(s.msg)
		if kind := s.msg[0]; size > maxHandshake || kind != clientHello && kind != serverHello && kind != certificate {
			t.message(side, kind, nil)
			s.over = size - 4
			s.msg = s.msg[:0]
			return b
		}
	}
	n := min(messageSize(s.msg)-len(s.msg), len(b))
	s.grow(b[:n])
	if len(s.msg) == messageSize(s.msg) {
		t.message(side, s.msg[0], s.msg[4:])
		t.forget(side)
	}
	return b[n:]
}

// grow appends to the scratch; what it outgrows is overwritten.
func (s *tlsSide) grow(b []byte) {
	if need := len(s.msg) + len(b); need > cap(s.msg) {
		wider := make([]byte, len(s.msg), max(need, 2*cap(s.msg), 512))
		copy(wider, s.msg)
		clear(s.msg)
		s.msg = wider
	}
	s.msg = append(s.msg, b...)
}

// message reads one whole handshake message, or notes one of which only the
// kind is of interest.
func (t *tlsStream) message(side int, kind byte, b []byte) {
	s := &t.side[side]
	switch kind {
	case clientHello:
		if !s.server && b != nil {
			t.client(b)
		}
	case serverHello:
		s.server = true
		if b != nil {
			t.server(b)
		}
	case certificate:
		if s.server || !t.answered && side == record.In {
			t.whole()
			t.certificates(b)
		}
	case serverKeyExchange, serverHelloDone, certificateStatus:
		s.server = true
		t.whole()
	}
}

// whole notes that the handshake is not shortened: an id that the server only
// echoed resumes nothing.
func (t *tlsStream) whole() {
	t.full = true
	if t.answered && !t.tls13 {
		t.facts().Resumed = false
	}
}

// client writes down what the first hello of the client says. A second one
// answers a retry and differs only in its key share and cookie.
func (t *tlsStream) client(b []byte) {
	if t.asked {
		return
	}
	var h hello
	if !h.readClient(b, false) {
		return
	}
	t.asked, t.early = true, h.early
	facts := t.facts()
	h.write(facts, &t.f)
	if !t.versioned {
		facts.Version = h.highest(false)
	}
	facts.JA3 = h.ja3()
	facts.JA4 = h.ja4('t')
	if !t.answered {
		t.keep(&h)
	}
}

// keep puts aside what the server's answer is compared with.
func (t *tlsStream) keep(h *hello) {
	if len(h.name) > 0 && len(h.name) <= len(t.sni) {
		t.nameSize = uint8(copy(t.sni[:], h.name))
		lowerASCII(t.sni[:t.nameSize])
	}
	t.idSize = uint8(copy(t.session[:], h.session))
}

// write puts the names of a client hello into the facts.
func (h *hello) write(facts *record.TLS, f *record.Facts) {
	facts.SNI = f.Naming.Host(h.name)
	facts.ALPN = record.ParseALPN(firstName(h.protocols))
	facts.ECH = h.ech
}

// server writes down what the server chose. A request to try again is answered
// by a second hello: what that says counts.
func (t *tlsStream) server(b []byte) {
	var h hello
	if t.answered || !h.readServer(b) {
		return
	}
	facts := t.facts()
	h.writeServer(facts)
	t.versioned, t.tls13 = true, isTLS13(facts.Version)
	if h.retry {
		return
	}
	t.answered = true
	if t.tls13 {
		facts.Resumed = h.psk
		t.forgetName() // its certificate is encrypted
		return
	}
	if len(h.session) > 0 && bytes.Equal(h.session, t.session[:t.idSize]) {
		facts.Resumed = true
	}
}

// writeServer puts what a server chose into the facts.
func (h *hello) writeServer(facts *record.TLS) {
	facts.Version, facts.Cipher = h.version, h.cipher
	if h.chosen != 0 {
		facts.Version = h.chosen
	}
	facts.JA3S = h.ja3s()
	if name := firstName(h.protocols); len(name) > 0 {
		facts.Chosen = record.ParseALPN(name)
	}
}

// certificates reads the server's chain (RFC 5246 §7.4.2): the first one is
// the server's own, of the others only their number is kept.
func (t *tlsStream) certificates(b []byte) {
	facts := t.facts()
	if facts.Certificate != nil || t.tls13 {
		return
	}
	m := scan{b: b}
	list := scan{b: m.take(m.u24())}
	var own []byte
	chain := 0
	for len(list.b) > 0 && chain < 255 {
		one := list.take(list.u24())
		if list.short {
			break
		}
		if chain++; chain == 1 {
			own = one
		}
	}
	if chain == 0 {
		return
	}
	t.certificate(own, chain)
}

// certificate keeps the facts of one certificate and forgets the name that it
// was compared with.
func (t *tlsStream) certificate(der []byte, chain int) {
	c := &record.Certificate{Chain: uint8(chain)}
	readCertificate(der, t.sni[:t.nameSize], t.f.Naming, c)
	t.facts().Certificate = c
	t.forgetName()
}

// isTLS13 reports TLS 1.3, its drafts and the forms that two makers tried.
func isTLS13(v uint16) bool { return v == 0x0304 || v>>8 == 0x7f || v>>8 == 0x7e || v>>8 == 0xfb }

// lowerASCII puts letters in lower case where they stand.
func lowerASCII(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// ssl2 reads the first message of a side that speaks SSL 2, or that asks for a
// later version in its format (RFC 5246 §E.2). What follows is read only if it
// is TLS.
func (t *tlsStream) ssl2(side int, b []byte) int {
	s := &t.side[side]
	switch seenSSL2(b) {
	case unsure:
		return 0
	case no:
		s.closed = true
		return 0
	}
	size := 2 + int(b[0]&0x7f)<<8 + int(b[1])
	if size > maxTLSRecord {
		s.closed = true
		return 0
	}
	if len(b) < size {
		return 0
	}
	m := scan{b: b[3:size]}
	facts := t.facts()
	if b[2] == clientHello {
		if version := m.u16(); !t.versioned {
			facts.Version = version
			s.closed = version == 2
		}
		t.asked = true
		return size
	}
	s.server, s.closed = true, true
	facts.Resumed = m.u8() != 0
	m.take(1)
	facts.Version = m.u16()
	t.versioned, t.answered = true, true
	n := int(m.u16())
	m.take(4)
	if der := m.take(n); len(der) > 0 {
		t.certificate(der, 1)
	}
	return size
}

// seenSSL2 tells whether b begins with a hello of SSL 2: of a client (its
// lengths have to fit together) or of a server.
func seenSSL2(b []byte) verdict {
	if len(b) >= 3 && b[2] != clientHello && b[2] != newSessionTicket {
		return no
	}
	if len(b) < 11 {
		return unsure
	}
	size := int(b[0]&0x7f)<<8 + int(b[1])
	if b[2] == clientHello {
		ciphers, id, challenge := int(be16(b[5:])), int(be16(b[7:])), int(be16(b[9:]))
		ok := be16(b[3:]) == 2 || b[3] == 3 && b[4] <= 3
		if ok && ciphers > 0 && ciphers%3 == 0 && (id == 0 || id == 16) && challenge >= 16 && challenge <= 32 && 9+ciphers+id+challenge == size {
			return yes
		}
		return no
	}
	// SERVER-HELLO is 4 in SSL 2: hit, kind of certificate, version.
	if b[3] <= 1 && b[4] <= 1 && be16(b[5:]) == 2 && 11+int(be16(b[7:])) <= size {
		return yes
	}
	return no
}
