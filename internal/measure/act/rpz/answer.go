package rpz

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxQuery is how long a question may be; those of resolvers are some hundred bytes.
const maxQuery = 4096

// Bits of a message's header (RFC 1035 §4.1.1), in its third and fourth byte.
const (
	bitQR   = 0x8000
	bitAA   = 0x0400
	bitRD   = 0x0100
	opcodes = 0x7800
)

// request is a question about the zone by a resolver that may ask.
type request struct {
	id       uint16
	zone     int
	bits     uint16 // opcode and RD, which the answer repeats
	question []byte // as it was asked
	kind     uint16
	serial   uint32 // that the resolver has, of IXFR
	edns     bool
	signer   *signer // nil when the question was not signed and need not be
}

// read takes a message apart. It returns the question, or an answer that refuses
// it, or neither when nothing is to be said. Nothing of the zone is in a refusal.
func (z *zone) read(raw []byte, from netip.Addr, stream bool) (*request, []byte) {
	if len(raw) < 12 || len(raw) > maxQuery || binary.BigEndian.Uint16(raw[2:])&bitQR != 0 {
		return nil, nil
	}
	at := z.peer(from)
	if at == nil {
		return nil, refusal(raw, dns.RcodeRefused)
	}
	bits := binary.BigEndian.Uint16(raw[2:])
	var m dns.Msg
	if err := m.Unpack(raw); err != nil || len(m.Question) != 1 {
		return nil, refusal(raw, dns.RcodeFormatError)
	}
	if bits&opcodes != 0 {
		return nil, refusal(raw, dns.RcodeNotImplemented)
	}
	r := &request{id: m.Id, bits: bits & bitRD, kind: m.Question[0].Qtype, edns: m.IsEdns0() != nil}
	q := m.Question[0]
	r.zone = slices.IndexFunc(z.layouts, func(l *layout) bool { return strings.EqualFold(q.Name, l.zone+".") })
	if r.zone < 0 || q.Qclass != classIN {
		return nil, refusal(raw, dns.RcodeRefused)
	}
	wire := z.layouts[r.zone].wire
	end := 12 + len(wire) + 4
	if len(raw) < end || !strings.EqualFold(string(raw[12:12+len(wire)]), string(wire)) {
		return nil, refusal(raw, dns.RcodeFormatError) // the name is written with pointers
	}
	r.question = raw[12:end]
	if at.signed || tsigs(&m) > 0 {
		signer, code, rcode := z.verify(&m, raw)
		if r.signer = signer; rcode != dns.RcodeSuccess {
			return nil, r.refuse(m.IsTsig(), rcode, code)
		}
	}
	switch {
	case r.kind == typeSOA, r.kind == typeAXFR && stream:
	case r.kind == typeIXFR && stream:
		if len(m.Ns) != 1 || !isSOA(m.Ns[0], z.layouts[r.zone].zone) {
			return nil, r.refuse(nil, dns.RcodeFormatError, 0)
		}
		r.serial = m.Ns[0].(*dns.SOA).Serial
	case r.kind == typeIXFR:
		// RFC 1995 §2: our SOA alone says that the rest does not fit.
		r.kind = typeSOA
	default:
		return nil, r.refuse(nil, dns.RcodeRefused, 0)
	}
	return r, nil
}

// peer returns the resolver at an address.
func (z *zone) peer(from netip.Addr) *peer {
	for i := range z.peers {
		if z.peers[i].addr.Addr() == from.Unmap() {
			return &z.peers[i]
		}
	}
	return nil
}

func isSOA(rr dns.RR, zone string) bool {
	_, ok := rr.(*dns.SOA)
	return ok && strings.EqualFold(rr.Header().Name, zone+".")
}

// tsigs counts the signatures of a message, of which there may be one, at its end.
func tsigs(m *dns.Msg) (n int) {
	for _, rr := range m.Extra {
		if rr.Header().Rrtype == typeTSIG {
			n++
		}
	}
	return n
}

// verify checks a question's signature (RFC 8945 §5.2). It returns who signs the
// answer, or the signature's error and the response code.
func (z *zone) verify(m *dns.Msg, raw []byte) (s *signer, code uint16, rcode int) {
	t := m.IsTsig()
	switch {
	case t == nil && tsigs(m) > 0, tsigs(m) > 1, t != nil && t.Algorithm == "":
		return nil, 0, dns.RcodeFormatError
	case t == nil:
		return nil, 0, dns.RcodeRefused
	case z.key == nil || !z.key.is(t):
		return nil, dns.RcodeBadKey, dns.RcodeNotAuth
	}
	mac, _ := hex.DecodeString(t.MAC) // the library made the digits
	s = &signer{key: z.key, mac: mac}
	switch err := dns.TsigVerifyWithProvider(append([]byte{}, raw...), z.key, "", false); {
	case errors.Is(err, dns.ErrTime):
		return s, dns.RcodeBadTime, dns.RcodeNotAuth
	case err != nil:
		return nil, dns.RcodeBadSig, dns.RcodeNotAuth
	}
	return s, 0, dns.RcodeSuccess
}

// refusal answers a message with nothing but its header.
func refusal(raw []byte, rcode uint16) []byte {
	b := make([]byte, 12)
	copy(b, raw[:2])
	binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(raw[2:])&(opcodes|bitRD)|bitQR|rcode)
	return b
}

// refuse answers a question with a response code. t is the signature that was no
// good, if one was.
func (r *request) refuse(t *dns.TSIG, rcode int, code uint16) []byte {
	b := r.head(nil, 0, uint16(rcode))
	switch {
	case r.signer != nil:
		return r.signer.sign(b, code)
	case t != nil && code != 0:
		// The name of the key and the algorithm are theirs (RFC 8945 §5.3.2).
		m := dns.TSIG{Hdr: dns.RR_Header{Name: t.Hdr.Name, Rrtype: typeTSIG, Class: classAny}, Algorithm: t.Algorithm,
			TimeSigned: t.TimeSigned, Fudge: fudge, OrigId: r.id, Error: code}
		room := make([]byte, dns.Len(&m)+64)
		if n, err := dns.PackRR(&m, room, 0, nil, false); err == nil {
			b = append(b, room[:n]...)
			binary.BigEndian.PutUint16(b[10:], binary.BigEndian.Uint16(b[10:])+1)
		}
	}
	return b
}

// head begins an answer with so many records and the question.
func (r *request) head(b []byte, records int, rcode uint16) []byte {
	bits := r.bits | bitQR | rcode
	if rcode == dns.RcodeSuccess {
		bits |= bitAA
	}
	for _, n := range [...]uint16{r.id, bits, 1, uint16(records), 0, 0} {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return append(b, r.question...)
}

// opt is the record of EDNS (RFC 6891), in answers to who sent one: messages of
// up to 1232 bytes.
var opt = []byte{0, 0, typeOPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0}

// finish ends a message: EDNS when it was asked with, and the signature.
func (r *request) finish(b []byte) []byte {
	if r.edns {
		b = append(b, opt...)
		binary.BigEndian.PutUint16(b[10:], binary.BigEndian.Uint16(b[10:])+1)
	}
	if r.signer != nil {
		b = r.signer.sign(b, 0)
	}
	return b
}

// room is what finish needs.
func (r *request) room() int {
	if r.signer == nil {
		return len(opt)
	}
	return len(opt) + r.signer.key.room()
}
