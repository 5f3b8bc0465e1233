package dissect

import (
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// asn puts a tag and a length before its parts.
func asn(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

func derInt(v int) []byte {
	if v < -128 || v > 127 {
		return asn(2, []byte{byte(v >> 8), byte(v)})
	}
	return asn(2, []byte{byte(v)})
}

func derName(kind int, parts ...string) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, asn(0x1b, []byte(p))...)
	}
	return asn(0x30, asn(0xa0, derInt(kind)), asn(0xa1, asn(0x30, all)))
}

func kdcRequest(kind int, service []string, types ...int) []byte {
	var list []byte
	for _, e := range types {
		list = append(list, derInt(e)...)
	}
	body := asn(0x30, asn(0xa0, asn(3, []byte{0, 0x40, 0x81, 0, 0x10})), asn(0xa1, derName(1, "Alice")), asn(0xa2, asn(0x1b, []byte("EXAMPLE.TEST"))),
		asn(0xa3, derName(2, service...)), asn(0xa7, derInt(77)), asn(0xa8, asn(0x30, list)))
	return asn(0x60|byte(kind), asn(0x30, asn(0xa1, derInt(5)), asn(0xa2, derInt(kind)), asn(0xa4, body)))
}

func asRequest() []byte { return kdcRequest(10, []string{"krbtgt", "EXAMPLE.TEST"}, 18, 17, 23) }

func kdcReply(kind, etype int) []byte {
	secret := asn(0x30, asn(0xa0, derInt(etype)), asn(0xa2, asn(4, make([]byte, 300))))
	ticket := asn(0x61, asn(0x30, asn(0xa0, derInt(5)), asn(0xa1, asn(0x1b, []byte("EXAMPLE.TEST"))), asn(0xa2, derName(2, "cifs", "files.example.test")), asn(0xa3, secret)))
	return asn(0x60|byte(kind), asn(0x30, asn(0xa0, derInt(5)), asn(0xa1, derInt(kind)), asn(0xa3, asn(0x1b, []byte("EXAMPLE.TEST"))),
		asn(0xa4, derName(1, "alice")), asn(0xa5, ticket), asn(0xa6, secret)))
}

func TestKerberosOverUDP(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	r := record.Record{SrcPort: 50000, DstPort: 88, Proto: packet.ProtoUDP}
	f, st := record.Facts{Record: &r, Naming: n}, State{}
	failure := asn(0x7e, asn(0x30, asn(0xa0, derInt(5)), asn(0xa1, derInt(30)), asn(0xa6, derInt(25)), asn(0xa9, asn(0x1b, []byte("EXAMPLE.TEST"))), asn(0xaa, derName(2, "krbtgt", "EXAMPLE.TEST"))))
	Datagram(record.Out, 1, asRequest(), f, &st)
	Datagram(record.In, 2, failure, f, &st)
	Datagram(record.Out, 3, kdcRequest(12, []string{"MSSQLSvc", "db.example.test:1433"}, 23), f, &st)
	Datagram(record.In, 4, kdcReply(13, 23), f, &st)
	Datagram(record.In, 5, asn(0x7e, asn(0x30, asn(0xa6, derInt(6)))), f, &st)
	st.End()
	k := r.Kerberos
	if r.App != record.KerberosApp || k == nil {
		t.Fatalf("%s %v", r.App, k)
	}
	want := [4]record.Count{{Operation: 30, Times: 2}, {Operation: 10, Times: 1}, {Operation: 12, Times: 1}, {Operation: 13, Times: 1}}
	if k.Messages != want || k.Error != 6 || k.Failures != 1 || k.EType != 23 || k.Weakest != 23 {
		t.Errorf("%+v", k)
	}
	if k.Realm != n.Fold([]byte("example.test")) || k.Client != n.Fold([]byte("alice")) {
		t.Error("realm or client is not the hash of its name in lower case")
	}
	services := [4]record.Hash{n.Fold([]byte("krbtgt/example.test")), n.Fold([]byte("mssqlsvc/db.example.test:1433")), n.Fold([]byte("cifs/files.example.test"))}
	if k.Services != services || k.Service != record.CIFS {
		t.Errorf("services: %v %s", k.Services, k.Service)
	}
}

func TestWeakestType(t *testing.T) {
	for _, c := range []struct {
		types []int
		want  int32
	}{{[]int{18, 17}, 17}, {[]int{18, 23}, 23}, {[]int{23, 3, 18}, 3}, {[]int{20, 19}, 19}, {[]int{18, 17, 20, 19, 16, 23}, 23}, {[]int{23, 24, -133}, 24}} {
		k := kerberos{f: record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{1}, false)}}
		k.message(kdcRequest(10, []string{"krbtgt"}, c.types...))
		if got := k.facts().Weakest; got != c.want {
			t.Errorf("%v: %d, want %d", c.types, got, c.want)
		}
	}
}
