package sieve

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"

	"noroshi/internal/engine/flow/dissect"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

// Kinds of records and messages (RFC 8446 §5.1, §4).
const (
	recordAlert     = 21
	recordHandshake = 22
	clientHello     = 1
	certificates    = 11

	recordHead = 5
	maxRecord  = 1<<14 + 2048 // RFC 5246 §6.2.3
)

// tlsRecord reads one record in clear. What comes behind the handshake tells no
// more.
func (s *Sieve) tlsRecord(l *look, at int64, b []byte) (int, selector.ID) {
	if len(b) < recordHead {
		return more, 0
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	if b[0] != recordHandshake && b[0] != recordAlert || b[1] != 3 || size == 0 || size > maxRecord {
		return nothing, 0
	}
	if len(b) < recordHead+size {
		return more, 0
	}
	if b[0] == recordAlert {
		return recordHead + size, 0
	}
	id, ok := s.handshake(l, at, b[recordHead:recordHead+size])
	if !ok {
		return nothing, 0
	}
	return recordHead + size, id
}

// handshake reads the messages of a record; one may go on in the next. It is
// false when a message is too long, or there is no room for it.
func (s *Sieve) handshake(l *look, at int64, b []byte) (selector.ID, bool) {
	for len(b) > 0 {
		if l.hand == nil && len(b) >= 4 && messageSize(b) <= len(b) {
			n := messageSize(b)
			if id := s.message(l, at, b[:n]); id != 0 {
				return id, true
			}
			b = b[n:]
			continue
		}
		n := 4
		if l.hand != nil {
			if n -= len(l.hand.b); n <= 0 {
				n = messageSize(l.hand.b) - len(l.hand.b)
			}
		}
		n = min(n, len(b))
		if l.hand = s.keep(l, l.hand, b[:n]); l.hand == nil {
			return 0, false
		}
		b = b[n:]
		have := l.hand.b
		if len(have) < 4 {
			continue
		}
		if messageSize(have) > maxHeld {
			return 0, false
		}
		if len(have) == messageSize(have) {
			id := s.message(l, at, have)
			s.unhand(l)
			if id != 0 {
				return id, true
			}
		}
	}
	return 0, true
}

// messageSize is how long a handshake message is by its first four bytes.
func messageSize(b []byte) int { return 4 + int(b[1])<<16 + int(b[2])<<8 + int(b[3]) }

// message reads one whole handshake message.
func (s *Sieve) message(l *look, at int64, b []byte) selector.ID {
	switch b[0] {
	case clientHello:
		return s.hello(l, at, b)
	case certificates:
		if l.set.Needs().Has(selector.Certificate) {
			return s.chain(l, at, b[4:])
		}
	}
	return 0
}

// hello looks for what a client hello tells: the server's name, JA3, JA4, in this
// order.
func (s *Sieve) hello(l *look, at int64, b []byte) selector.ID {
	if l.app = record.TLSApp; l.proto != 6 {
		l.app = record.QUICApp
	}
	kind := serverName(b)
	needs := l.set.Needs()
	if needs.Has(selector.JA3) || needs.Has(selector.JA4) {
		s.fingerprint(l, b, kind)
	}
	if kind > 0 {
		n := int(binary.BigEndian.Uint16(b[kind+1:]))
		if id := s.name(l, at, b[kind+3:kind+3+n]); id != 0 {
			return id
		}
	}
	if l.ja3 == [16]byte{} {
		return 0
	}
	if id := l.set.JA3(l.ja3); s.valid(l, id, at) {
		return id
	}
	if id := l.set.JA4(string(l.ja4[:])); s.valid(l, id, at) {
		return id
	}
	return 0
}

// serverName is where the first entry of the server_name extension stands in a
// client hello (RFC 6066 §3): a kind, two bytes of length, a name that is wholly
// there. It is 0 without one, or when the entry is no host name.
func serverName(b []byte) int {
	at := 4 + 2 + 32
	at = behind(b, at, 1) // session
	at = behind(b, at, 2) // ciphers
	at = behind(b, at, 1) // compression
	end := behind(b, at, 2)
	if end == 0 {
		return 0
	}
	for at += 2; at+4 <= end; {
		kind, size := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		at += 4
		if size > end-at {
			return 0
		}
		if kind == 0 {
			if size < 5 || b[at+2] != 0 || int(binary.BigEndian.Uint16(b[at+3:])) > size-5 {
				return 0
			}
			return at + 2
		}
		at += size
	}
	return 0
}

// behind is where the vector at an offset ends whose length takes n bytes; 0 when
// it does not fit, or the offset is 0.
func behind(b []byte, at, n int) int {
	if at == 0 || at+n > len(b) {
		return 0
	}
	size := int(b[at])
	if n == 2 {
		size = size<<8 | int(b[at+1])
	}
	if at += n + size; at > len(b) {
		return 0
	}
	return at
}

// fingerprint has the dissector compute JA3 and JA4 of a client hello, of which
// it gets a copy as a record of its own. The entry at kind is no host name there,
// which no fingerprint depends on: names do not get into any record.
func (s *Sieve) fingerprint(l *look, b []byte, kind int) {
	if len(b) > maxRecord {
		return
	}
	w := s.pool.get(recordHead + len(b))
	if w == nil {
		return
	}
	defer s.pool.put(w)
	w.b = append(w.b, recordHandshake, 3, 1, byte(len(b)>>8), byte(len(b)))
	w.b = append(w.b, b...)
	if kind > 0 {
		w.b[recordHead+kind] = 0xff
	}
	said := &s.said
	*said = record.Record{Proto: 6}
	stream, _ := dissect.Start(record.Out, w.b, record.Facts{Record: said, Naming: s.naming})
	if stream == nil {
		return
	}
	stream.Data(record.Out, 0, w.b)
	stream.End()
	if t := said.TLS; t != nil {
		l.ja3, l.ja4 = t.JA3, t.JA4
		if l.app == record.QUICApp {
			l.ja4[0] = 'q'
		}
		*t = record.TLS{}
	}
	*said = record.Record{}
}

// chain looks for the hashes of the certificates of a server (RFC 5246 §7.4.2),
// its own first, SHA-256 before SHA-1.
func (s *Sieve) chain(l *look, at int64, b []byte) selector.ID {
	if len(b) < 3 {
		return 0
	}
	for b = b[3:]; len(b) >= 3; {
		size := int(b[0])<<16 + int(b[1])<<8 + int(b[2])
		if b = b[3:]; size > len(b) {
			return 0
		}
		long := sha256.Sum256(b[:size])
		if id := l.set.Certificate(long[:]); s.valid(l, id, at) {
			return id
		}
		short := sha1.Sum(b[:size])
		if id := l.set.Certificate(short[:]); s.valid(l, id, at) {
			return id
		}
		b = b[size:]
	}
	return 0
}
