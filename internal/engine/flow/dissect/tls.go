package dissect

import (
	"noroshi/internal/engine/flow/record"
)

// Kinds of records (RFC 8446 §5.1, RFC 6520).
const (
	tlsChange    = 20
	tlsAlert     = 21
	tlsHandshake = 22
	tlsData      = 23
	tlsHeartbeat = 24
)

// Bounds of what is read of a connection of TLS.
const (
	tlsHeader    = 5
	maxTLSRecord = 1<<14 + 2048 // RFC 5246 §6.2.3
	maxHandshake = 64 << 10     // bytes of a message that comes in several records
	maxHidden    = 16           // records that tell nothing before a side is left alone
)

// seenTLS tells from the first bytes of a side whether they are records of TLS
// or the hello of SSL 2.
func seenTLS(b []byte) verdict {
	switch {
	case len(b) == 0:
		return unsure
	case b[0] >= tlsChange && b[0] <= tlsHeartbeat:
		if len(b) >= 2 && b[1] != 3 || len(b) >= 3 && b[2] > 4 {
			return no
		}
		if len(b) < tlsHeader+1 {
			return unsure
		}
		if n := int(be16(b[3:])); n == 0 || n > maxTLSRecord {
			return no
		}
		// What a side says first is a hello, unless its beginning was not seen.
		if b[0] == tlsHandshake && b[5] > 25 {
			return no
		}
		return yes
	case b[0]&0x80 != 0:
		return seenSSL2(b)
	}
	return no
}

func isTLS(b []byte) bool { return seenTLS(b) == yes }

// tlsStream follows both sides up to their encryption.
type tlsStream struct {
	f         record.Facts
	side      [2]tlsSide
	sni       [255]byte // in lower case, until the certificate was compared with it
	session   [32]byte  // that the client wants to go on with
	nameSize  uint8
	idSize    uint8
	asked     bool // a client hello was read
	answered  bool // a server hello was read; a retry is none
	early     bool // data was announced before the answer
	full      bool // the server sent more than its hello: nothing is resumed
	tls13     bool
	versioned bool // the server's choice of version is known
}

type tlsSide struct {
	msg    []byte // a message of which the end is in a later record
	over   int    // bytes of a message that are not read
	begun  bool
	server bool
	hidden uint8 // records in a row that told nothing
	change bool  // the side said that it encrypts from here on
	secret bool  // the side has sent something encrypted that is no alert
	closed bool  // nothing more is read
}

// newTLS follows a connection from where TLS begins: at its first byte, or
// where a protocol in clear agreed to go on with TLS (STARTTLS of mail, LDAP
// and XMPP, the negotiation of RDP and PostgreSQL). Such a protocol hands every
// later call of both sides over and keeps its App: it is not changed here.
func newTLS(f record.Facts) Stream { return &tlsStream{f: f} }

// facts is where the handshake is written to, made when there is something.
func (t *tlsStream) facts() *record.TLS {
	if t.f.TLS == nil {
		t.f.TLS = &record.TLS{}
	}
	return t.f.TLS
}

// Data reads the records of one side.
func (t *tlsStream) Data(side int, _ int64, b []byte) int {
	s := &t.side[side]
	used := 0
	for used < len(b) && !s.closed {
		rest := b[used:]
		n := 0
		if !s.begun && rest[0]&0x80 != 0 {
			n = t.ssl2(side, rest)
		} else {
			n = t.record(side, rest)
		}
		if n == 0 {
			break
		}
		s.begun = true
		used += n
	}
	if s.closed {
		t.forget(side)
		return Done
	}
	return used
}

// record reads one record and returns its length, or 0 to see more of it.
func (t *tlsStream) record(side int, b []byte) int {
	s := &t.side[side]
	if len(b) < tlsHeader {
		return 0
	}
	kind, size := b[0], int(be16(b[3:]))
	if kind < tlsChange || kind > tlsHeartbeat || b[1] != 3 || b[2] > 4 || size > maxTLSRecord {
		s.closed = true // not TLS, or not from here on
		return 0
	}
	end := tlsHeader + size
	switch kind {
	case tlsChange:
		t.changed(side)
	case tlsAlert, tlsHandshake:
		if s.change {
			t.hidden(side, 0)
			break
		}
		if len(b) < end {
			return 0
		}
		if kind == tlsAlert {
			t.alert(b[tlsHeader:end])
		} else {
			t.handshake(side, b[tlsHeader:end])
		}
	case tlsData:
		t.hidden(side, size)
	}
	return end
}

// changed notes ChangeCipherSpec. In TLS 1.3 it means nothing (RFC 8446 §D.4).
func (t *tlsStream) changed(side int) {
	s := &t.side[side]
	if t.tls13 {
		return
	}
	if s.server && t.answered && !t.full {
		// The server asks for nothing and goes on: both know the keys already.
		t.facts().Resumed = true
	}
	s.change = true
	t.settle()
}

// hidden notes an encrypted record. Of data of size bytes one can tell whether
// it may be more than an alert: that has two bytes, a kind and a tag.
func (t *tlsStream) hidden(side, size int) {
	s := &t.side[side]
	if s.hidden++; s.hidden > maxHidden {
		s.closed = true
	}
	if size > 2+1+16 && (s.server || t.answered || !t.early) {
		s.secret = true
	}
	t.settle()
}

// settle finds out whether both sides encrypt by now, and closes those that
// have nothing more to tell.
func (t *tlsStream) settle() {
	over := [2]bool{}
	for i := range t.side {
		s := &t.side[i]
		over[i] = s.secret || s.change && !t.tls13
	}
	if over[0] && over[1] && (t.asked || t.answered) {
		t.facts().Established = true
		t.side[0].closed, t.side[1].closed = true, true
		t.forgetName()
	}
	if t.versioned {
		for i := range t.side {
			t.side[i].closed = t.side[i].closed || over[i]
		}
	}
}

// alert keeps the last fatal alert, or the last warning when none was fatal
// (RFC 5246 §7.2).
func (t *tlsStream) alert(b []byte) {
	if len(b) != 2 || b[0] != 1 && b[0] != 2 {
		return
	}
	if facts := t.facts(); b[0] == 2 || facts.Alert == 0 {
		facts.Alert = b[1]
	}
}

// Lost drops the message that the gap is in. Records go on only if one happens
// to begin right behind it.
func (t *tlsStream) Lost(side int, _ uint64) {
	s := &t.side[side]
	t.forget(side)
	s.over, s.begun = 0, true
	t.full = t.full || s.server // what was lost may have been the certificate
}

// End overwrites what is left of names and messages.
func (t *tlsStream) End() {
	t.forget(record.Out)
	t.forget(record.In)
	t.forgetName()
}

// forget overwrites the message of a side.
func (t *tlsStream) forget(side int) {
	s := &t.side[side]
	clear(s.msg[:cap(s.msg)])
	s.msg = nil
}

// forgetName overwrites what was kept to compare with the server's answer.
func (t *tlsStream) forgetName() {
	clear(t.sni[:])
	clear(t.session[:])
	t.nameSize, t.idSize = 0, 0
}
