package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Bounds of what is read of Kerberos.
const (
	krbWindow = 24 << 10 // bytes of a message that are looked at
	maxKrb    = 1 << 20  // bytes of a message that are believed
	maxETypes = 32
	maxNames  = 4 // components of a principal
)

// Tags of messages: 0x60 and the type (RFC 4120 §5.4 and on).
const (
	krbASReq  = 10
	krbASRep  = 11
	krbTGSReq = 12
	krbTGSRep = 13
	krbAPReq  = 14
	krbAPRep  = 15
	krbSafe   = 20
	krbPriv   = 21
	krbCred   = 22
	krbError  = 30

	krbNeedsMore = 25 // KDC_ERR_PREAUTH_REQUIRED: an ordinary step
)

// kerberos reads messages of Kerberos 5: what was asked for, with hashes of
// names; no ticket is looked into beyond its encryption type.
type kerberos struct {
	f       record.Facts
	ops     tally
	scratch [256]byte
}

func (s *kerberos) facts() *record.Kerberos {
	if s.f.Kerberos == nil {
		s.f.Kerberos = &record.Kerberos{}
	}
	return s.f.Kerberos
}

func krbType(tag byte) bool {
	switch tag & 0x1f {
	case krbASReq, krbASRep, krbTGSReq, krbTGSRep, krbAPReq, krbAPRep, krbSafe, krbPriv, krbCred, krbError:
		return tag>>5 == 3
	}
	return false
}

// message reads one message, of which the end may be cut off.
func (s *kerberos) message(b []byte) {
	d := ber(b)
	tag, content, _, ok := d.next()
	if !ok || !krbType(tag) {
		return
	}
	inner := ber(content)
	fields, ok := inner.enter(0x30)
	if !ok {
		return
	}
	s.ops.add(tag & 0x1f)
	switch tag & 0x1f {
	case krbASReq, krbTGSReq:
		s.request(fields)
	case krbASRep, krbTGSRep:
		s.reply(fields)
	case krbError:
		s.failure(fields)
	}
}

// request reads KDC-REQ (RFC 4120 §5.4.1).
func (s *kerberos) request(d ber) {
	for range 8 {
		tag, content, _, ok := d.next()
		if !ok {
			return
		}
		if tag == 0xa4 {
			body := ber(content)
			if inner, ok := body.enter(0x30); ok {
				s.requestBody(inner)
			}
			return
		}
	}
}

func (s *kerberos) requestBody(d ber) {
	m := s.facts()
	for range 16 {
		tag, content, _, ok := d.next()
		if !ok {
			return
		}
		inner := ber(content)
		switch tag {
		case 0xa1:
			s.client(inner)
		case 0xa2:
			s.realm(inner)
		case 0xa3:
			s.service(inner)
		case 0xa8:
			list, ok := inner.enter(0x30)
			for range maxETypes {
				kind, v, _, more := list.next()
				if !ok || !more || kind != 2 {
					break
				}
				s.weigh(m, int32(berInt(v)))
			}
		}
	}
}

// reply reads KDC-REP (§5.4.2): of the ticket its encryption type.
func (s *kerberos) reply(d ber) {
	m := s.facts()
	for range 8 {
		tag, content, _, ok := d.next()
		if !ok {
			return
		}
		inner := ber(content)
		switch tag {
		case 0xa3:
			s.realm(inner)
		case 0xa4:
			s.client(inner)
		case 0xa5:
			ticket, ok := inner.enter(0x61)
			if !ok {
				return
			}
			if ticket, ok = ticket.enter(0x30); !ok {
				return
			}
			for range 4 {
				kind, v, _, more := ticket.next()
				if !more {
					break
				}
				part := ber(v)
				switch kind {
				case 0xa2:
					s.service(part)
				case 0xa3:
					if e, ok := krbEType(part); ok {
						m.EType = e
						s.weigh(m, e)
					}
				}
			}
		}
	}
}

// krbEType is the encryption type of EncryptedData (§5.2.9).
func krbEType(d ber) (int32, bool) {
	fields, ok := d.enter(0x30)
	if !ok {
		return 0, false
	}
	first, ok := fields.enter(0xa0)
	if !ok {
		return 0, false
	}
	v, ok := first.enter(2)
	return int32(berInt(v)), ok
}

// failure reads KRB-ERROR (§5.9.1).
func (s *kerberos) failure(d ber) {
	m := s.facts()
	for range 12 {
		tag, content, _, ok := d.next()
		if !ok {
			return
		}
		inner := ber(content)
		switch tag {
		case 0xa6:
			if v, ok := inner.enter(2); ok {
				if m.Error = uint16(berInt(v)); m.Error != krbNeedsMore {
					m.Failures++
				}
			}
		case 0xa8:
			s.client(inner)
		case 0xa9:
			s.realm(inner)
		case 0xaa:
			s.service(inner)
		}
	}
}

// weigh keeps the weakest encryption type that was offered or given.
func (s *kerberos) weigh(m *record.Kerberos, e int32) {
	if e != 0 && (m.Weakest == 0 || krbStrength(e) < krbStrength(m.Weakest)) {
		m.Weakest = e
	}
}

// krbStrength orders encryption types (IANA Kerberos parameters; the negative
// ones are Microsoft's of RC4 and older).
func krbStrength(e int32) int {
	switch {
	case e >= 1 && e <= 3:
		return 1 // DES, RFC 6649
	case e == 24 || e < 0:
		return 2 // RC4 with 56 bits and the like
	case e == 23:
		return 3 // RC4, RFC 8429
	case e == 5 || e == 7 || e == 16:
		return 4 // triple DES
	case e == 17 || e == 19 || e == 25:
		return 5
	}
	return 6
}

func (s *kerberos) realm(d ber) {
	if v, ok := d.enter(0x1b); ok && len(v) > 0 {
		s.facts().Realm = s.f.Naming.Fold(v)
	}
}

func (s *kerberos) client(d ber) {
	name, _ := s.principal(d)
	if len(name) > 0 {
		s.facts().Client = s.f.Naming.Fold(name)
	}
	clear(s.scratch[:])
}

// service reads what a ticket is for: the kind by the first component.
func (s *kerberos) service(d ber) {
	name, first := s.principal(d)
	if len(name) > 0 {
		m := s.facts()
		if m.Service = record.OtherService; first <= len(name) {
			m.Service = krbService(name[:first])
		}
		addHash(&m.Services, s.f.Naming.Fold(name))
	}
	clear(s.scratch[:])
}

// principal writes the components of a PrincipalName (§5.2.2) into the scratch
// with slashes between them; first is the length of the first.
func (s *kerberos) principal(d ber) (name []byte, first int) {
	fields, ok := d.enter(0x30)
	if !ok {
		return nil, 0
	}
	if _, ok = fields.enter(0xa0); !ok {
		return nil, 0
	}
	list, ok := fields.enter(0xa1)
	if !ok {
		return nil, 0
	}
	parts, ok := list.enter(0x30)
	if !ok {
		return nil, 0
	}
	n := 0
	for i := range maxNames {
		tag, v, _, more := parts.next()
		if !more || tag != 0x1b {
			break
		}
		if i > 0 && n < len(s.scratch) {
			s.scratch[n] = '/'
			n++
		}
		n += copy(s.scratch[n:], v)
		if i == 0 {
			first = n
		}
	}
	return s.scratch[:n], first
}

// krbService is the kind of a service by its class.
func krbService(class []byte) record.Service {
	for i, w := range krbServices {
		if fold(class, w) {
			return record.Krbtgt + record.Service(i)
		}
	}
	return record.OtherService
}

// krbServices are the classes in the order of record.Service.
var krbServices = [...]string{"krbtgt", "host", "cifs", "ldap", "http", "mssqlsvc", "rpcss", "wsman", "dns", "termsrv"}

// settle writes the message types.
func (s *kerberos) settle() {
	if s.ops.used > 0 {
		s.ops.settle(&s.facts().Messages)
	}
}

// krbStream is Kerberos over TCP: messages with their length before them in
// four bytes (RFC 4120 §7.2.2).
type krbStream struct {
	kerberos
	lost [2]bool
}

func newKerberos(f record.Facts) Stream { return &krbStream{kerberos: kerberos{f: f}} }

// krbBegins tells whether b begins with a length and a message.
func krbBegins(b []byte) verdict {
	if len(b) > 0 && b[0] != 0 || len(b) > 4 && !krbType(b[4]) {
		return no
	}
	if len(b) < 10 {
		return unsure
	}
	size := int(binary.BigEndian.Uint32(b))
	head, content, ok := berHead(b[4:])
	if !ok || size < 8 || size > maxKrb || head+content != size {
		return no
	}
	return yes
}

// Data reads the messages of one side.
func (s *krbStream) Data(side int, _ int64, b []byte) int {
	done := 0
	if s.lost[side] {
		drop, found := resync(b, krbBegins)
		if !found {
			return drop
		}
		s.lost[side], done = false, drop
	}
	for len(b)-done >= 4 {
		m := b[done:]
		size := int(binary.BigEndian.Uint32(m))
		if size > maxKrb {
			return Done
		}
		want := min(size, krbWindow)
		if len(m)-4 < want {
			return done
		}
		s.message(m[4 : 4+want])
		if done += 4 + size; done > len(b) {
			break
		}
	}
	return done
}

// Lost looks for the next message.
func (s *krbStream) Lost(side int, _ uint64) { s.lost[side] = true }

// End settles the message types.
func (s *krbStream) End() { s.settle() }

func matchKerberos(_ int, b []byte, _ *record.Record) verdict { return krbBegins(b) }
