package dissect

import (
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

func ldapMessage(id int, op byte, parts ...[]byte) []byte {
	return asn(0x30, derInt(id), asn(op, parts...))
}

func ldapQuery(base string, scope int, filter []byte) []byte {
	return ldapMessage(3, 0x63, asn(4, []byte(base)), asn(10, []byte{byte(scope)}), asn(10, []byte{0}), derInt(0), derInt(0), asn(1, []byte{0}), filter, asn(0x30))
}

func result(op byte, code int) []byte {
	return ldapMessage(3, op, asn(10, []byte{byte(code)}), asn(4), asn(4, []byte("secret text")))
}

func TestLDAP(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	present, equal := asn(0x87, []byte("objectClass")), asn(0xa3, asn(4, []byte("uid")), asn(4, []byte("secret")))
	bind := func(name, password string) []byte {
		return ldapMessage(1, 0x60, derInt(3), asn(4, []byte(name)), asn(0x80, []byte(password)))
	}
	sasl := ldapMessage(1, 0x60, derInt(3), asn(4), asn(0xa3, asn(4, []byte("GSS-SPNEGO")), asn(4, make([]byte, 5000))))
	entry := ldapMessage(3, 0x64, asn(4, []byte("cn=x")), make([]byte, 9000))
	str := func(parts ...[]byte) (s string) {
		for _, p := range parts {
			s += string(p)
		}
		return s
	}
	for what, c := range map[string]struct {
		said []utterance
		want record.LDAP
	}{
		"a password refused": {[]utterance{out(str(bind("cn=admin", "secret"))), in(str(result(0x61, 49)))},
			record.LDAP{Operations: [4]record.Count{{Operation: 0, Times: 1}, {Operation: 1, Times: 1}}, Result: 49, Failures: 1, BindKind: 1}},
		"nobody, everything": {[]utterance{out(str(bind("", ""), ldapQuery("DC=Example", 2, present))), in(str(result(0x61, 0), entry, entry, result(0x65, 0)))},
			record.LDAP{Operations: [4]record.Count{{Operation: 4, Times: 2}, {Operation: 0, Times: 1}, {Operation: 1, Times: 1}, {Operation: 3, Times: 1}}, BindKind: 2, Entries: 2, Wide: true, Bases: [4]record.Hash{n.Fold([]byte("dc=example"))}}},
		"one thing": {[]utterance{out(str(ldapQuery("dc=a", 2, equal), ldapQuery("dc=b", 0, present))), in(str(result(0x65, 32)))},
			record.LDAP{Operations: [4]record.Count{{Operation: 3, Times: 2}, {Operation: 5, Times: 1}}, Result: 32, Failures: 1, Bases: [4]record.Hash{n.Fold([]byte("dc=a")), n.Fold([]byte("dc=b"))}}},
		"sealed after SASL": {[]utterance{out(str(sasl)), in(str(result(0x61, 14), result(0x61, 0))), out("\x00\x00\x00\x05\x30\x03xyz" + "\x00\x00\x10\x00" + string(make([]byte, 4096)))},
			record.LDAP{Operations: [4]record.Count{{Operation: 1, Times: 2}, {Operation: 0, Times: 1}}, BindKind: 3}},
		"signed after SASL": {[]utterance{out(str(sasl)), in(str(result(0x61, 0))), out("\x00\x00\x00\x47\x05\x04\x04\xff\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + str(ldapQuery("dc=a", 2, present), make([]byte, 12)))},
			record.LDAP{Operations: [4]record.Count{{Operation: 0, Times: 1}, {Operation: 1, Times: 1}, {Operation: 3, Times: 1}}, BindKind: 3, Wide: true, Bases: [4]record.Hash{n.Fold([]byte("dc=a"))}}},
	} {
		r := on(389, nil, c.said...)
		if r.App != record.LDAPApp || r.LDAP == nil || *r.LDAP != c.want {
			t.Errorf("%s: %s\n got %+v\nwant %+v", what, r.App, r.LDAP, c.want)
		}
	}
}

func TestCLDAP(t *testing.T) {
	r := record.Record{SrcPort: 40000, DstPort: 389, Proto: packet.ProtoUDP}
	f, st := record.Facts{Record: &r, Naming: record.NewNaming([32]byte{1}, false)}, State{}
	Datagram(record.Out, 1, ldapQuery("", 0, asn(0x87, []byte("objectClass"))), f, &st)
	Datagram(record.In, 2, append(ldapMessage(3, 0x64, asn(4)), result(0x65, 0)...), f, &st)
	st.End()
	if r.App != record.CLDAP || r.LDAP == nil || r.LDAP.Entries != 1 || r.LDAP.Wide || r.LDAP.Operations[0].Operation != 3 {
		t.Errorf("%s %+v", r.App, r.LDAP)
	}
}
