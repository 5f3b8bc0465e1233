package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Bounds of what is read of LDAP.
const (
	ldapWindow = 4 << 10  // bytes of a message that are looked at
	saslWindow = 16 << 10 // bytes of a buffer of SASL that are looked at
	maxLDAP    = 64 << 20 // bytes of a message that are believed
)

// Operations, by application tag (RFC 4511 §4.2 to §4.13).
const (
	ldapBind      = 0
	ldapBound     = 1
	ldapSearch    = 3
	ldapEntry     = 4
	ldapFound     = 5
	ldapModified  = 7
	ldapAdded     = 9
	ldapDeleted   = 11
	ldapRenamed   = 13
	ldapCompared  = 15
	ldapExtended  = 23
	ldapExtension = 24
	maxLDAPOp     = 25

	ldapSASLMore = 14 // result: the bind goes on
)

// ldap reads messages of LDAP: operations and results, with hashes of where
// searches began.
type ldap struct {
	f        record.Facts
	ops      tally
	startTLS bool // asked for
	sasl     bool // a bind that may wrap what follows
}

func (s *ldap) facts() *record.LDAP {
	if s.f.LDAP == nil {
		s.f.LDAP = &record.LDAP{}
	}
	return s.f.LDAP
}

// ldapBegins tells whether b begins with a message: a sequence, an id, an
// operation.
func ldapBegins(b []byte) verdict {
	if len(b) > 0 && b[0] != 0x30 {
		return no
	}
	if len(b) < 2 || b[1] >= 0x80 && len(b) < 2+int(b[1]&0x7f) && b[1] <= 0x84 {
		return unsure
	}
	head, size, ok := berHead(b)
	if !ok || size < 5 || size > maxLDAP {
		return no
	}
	b = b[head:]
	if len(b) > 0 && b[0] != 2 || len(b) > 1 && (b[1] == 0 || b[1] > 4) {
		return no
	}
	if len(b) < 2 || len(b) < 3+int(b[1]) {
		return unsure
	}
	if tag := b[2+b[1]]; tag>>6 != 1 || tag&0x1f > maxLDAPOp {
		return no
	}
	return yes
}

// message reads one message, of which the end may be cut off. It returns true
// when TLS begins behind it.
func (s *ldap) message(b []byte) (secured bool) {
	d := ber(b)
	fields, ok := d.enter(0x30)
	if !ok {
		return false
	}
	if _, ok = fields.enter(2); !ok {
		return false
	}
	tag, content, _, ok := fields.next()
	op := tag & 0x1f
	if !ok || tag>>6 != 1 || op > maxLDAPOp {
		return false
	}
	m := s.facts()
	s.ops.add(op)
	switch body := ber(content); op {
	case ldapBind:
		s.bind(body)
	case ldapSearch:
		s.search(body)
	case ldapEntry:
		m.Entries++
	case ldapExtended:
		if name, ok := body.enter(0x80); ok && string(name) == "1.3.6.1.4.1.1466.20037" {
			s.startTLS = true
		}
	case ldapBound, ldapFound, ldapModified, ldapAdded, ldapDeleted, ldapRenamed, ldapCompared, ldapExtension:
		code, ok := body.enter(10)
		if !ok {
			return false
		}
		m.Result = uint8(min(max(berInt(code), 0), 255))
		if m.Result != 0 && m.Result != ldapSASLMore && !(op == ldapCompared && m.Result == 6) {
			m.Failures++
		}
		if op == ldapExtension && s.startTLS {
			s.startTLS = false
			if m.Result == 0 {
				m.StartTLS = true
				return true
			}
		}
	}
	return false
}

// bind reads how somebody logs in: RFC 4511 §4.2. The password is not looked at.
func (s *ldap) bind(d ber) {
	m := s.facts()
	if _, ok := d.enter(2); !ok {
		return
	}
	name, ok := d.enter(4)
	if !ok {
		return
	}
	switch tag, _, _, ok := d.next(); {
	case !ok:
	case tag == 0x80 && len(name) == 0:
		m.BindKind = 2
	case tag == 0x80:
		m.BindKind = 1
	case tag == 0xa3 || tag >= 0x89 && tag <= 0x8b: // SASL, and Microsoft's own
		m.BindKind, s.sasl = 3, true
	}
}

// search reads where a search begins and how wide it is (§4.5.1): a whole
// subtree with a filter that only asks whether an attribute is there.
func (s *ldap) search(d ber) {
	m := s.facts()
	base, ok := d.enter(4)
	if !ok {
		return
	}
	addHash(&m.Bases, s.f.Naming.Fold(base))
	scope, ok := d.enter(10)
	if !ok {
		return
	}
	for range 4 { // aliases, sizes, times, types only
		if _, _, _, ok = d.next(); !ok {
			return
		}
	}
	if tag, _, _, ok := d.next(); ok && tag == 0x87 && berInt(scope) == 2 {
		m.Wide = true
	}
}

func (s *ldap) settle() {
	if s.ops.used > 0 {
		s.ops.settle(&s.facts().Operations)
	}
}

// ldapStream is LDAP over TCP.
type ldapStream struct {
	ldap
	inner Stream
	lost  [2]bool
}

func newLDAP(f record.Facts) Stream { return &ldapStream{ldap: ldap{f: f}} }

// Data reads the messages of one side.
func (s *ldapStream) Data(side int, at int64, b []byte) int {
	done := 0
	if s.lost[side] && s.inner == nil {
		drop, found := resync(b, ldapBegins)
		if !found {
			return drop
		}
		s.lost[side], done = false, drop
	}
	for done < len(b) {
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		m := b[done:]
		if m[0] != 0x30 {
			// Behind a bind with SASL each buffer has its length before it in
			// four bytes (RFC 4422 §3.7).
			if !s.sasl || m[0] != 0 {
				return Done
			}
			if len(m) < 4 {
				return done
			}
			size := 4 + int(binary.BigEndian.Uint32(m))
			want := min(size, saslWindow)
			if len(m) < want {
				return done
			}
			s.wrapped(m[4:want])
			if done += size; done > len(b) {
				break
			}
			continue
		}
		if len(m) < 2 || m[1] > 0x80 && m[1] <= 0x84 && len(m) < 2+int(m[1]&0x7f) {
			return done
		}
		head, size, ok := berHead(m)
		if !ok || size > maxLDAP {
			return Done
		}
		want := min(head+size, ldapWindow)
		if len(m) < want {
			return done
		}
		if s.message(m[:want]) {
			s.inner = newTLS(s.f)
		}
		if done += head + size; done > len(b) {
			break
		}
	}
	return done
}

// wrapped reads the messages of a buffer of Kerberos that is signed and not
// sealed (RFC 4121 §4.2.6.2).
func (s *ldapStream) wrapped(b []byte) {
	if len(b) < 16 || b[0] != 5 || b[1] != 4 || b[2]&2 != 0 {
		return
	}
	// A checksum stands behind the messages, or before them when it was rotated.
	check, turned := int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	if b = b[16:]; turned == check {
		b = b[min(check, len(b)):]
	}
	for ldapBegins(b) == yes {
		head, size, _ := berHead(b)
		s.message(b[:min(head+size, len(b))])
		b = b[min(head+size, len(b)):]
	}
}

// Lost looks for the next message.
func (s *ldapStream) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	s.lost[side] = true
}

// End settles the operations.
func (s *ldapStream) End() {
	s.settle()
	if s.inner != nil {
		s.inner.End()
	}
}

func matchLDAP(_ int, b []byte, _ *record.Record) verdict { return ldapBegins(b) }
