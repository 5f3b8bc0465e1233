package dissect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// held collects every byte that can be reached from a value: slices up to what
// they have room for, texts, arrays.
func held(v reflect.Value, seen map[unsafe.Pointer]bool, out *bytes.Buffer) {
	switch v.Kind() {
	case reflect.Pointer:
		p := v.UnsafePointer()
		if p == nil || seen[p] || v.Type() == reflect.TypeFor[*record.Record]() {
			return
		}
		seen[p] = true
		held(v.Elem(), seen, out)
	case reflect.Interface:
		if !v.IsNil() {
			held(v.Elem(), seen, out)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			held(v.Field(i), seen, out)
		}
	case reflect.Array, reflect.Slice:
		if v.Kind() == reflect.Slice {
			v = v.Slice(0, v.Cap())
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			for i := range v.Len() {
				out.WriteByte(byte(v.Index(i).Uint()))
			}
			out.WriteByte(0)
			return
		}
		for i := range v.Len() {
			held(v.Index(i), seen, out)
		}
	case reflect.String:
		out.WriteString(v.String())
	}
}

// A canary in every place where a protocol of this part can carry one is in no
// record, and neither in a stream nor in the naming when it is over.
func TestNoContentIsKept(t *testing.T) {
	const canary = "CanaryThatSingsASongNobodyMayHear"
	secret := []byte(canary)
	dnsName := "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + string(rune(len(canary))) + canary + "\x07example\x00\x00\x10\x00\x01"
	h2Fields := section(":method", "GET", ":path", "/"+canary+"?"+canary, ":authority", canary+".test", "user-agent", canary, "cookie", canary, canary, canary)
	for what, said := range map[string][]utterance{
		"http": {out("POST /" + canary + "?" + canary + " HTTP/1.1\r\nHost: " + canary + ".test\r\nUser-Agent: " + canary + "\r\nCookie: " + canary + "\r\nAuthorization: " + canary + "\r\nContent-Length: 33\r\n\r\n" + canary),
			in("HTTP/1.1 200 " + canary + "\r\nServer: " + canary + "\r\nContent-Type: x/" + canary + "\r\n\r\n" + canary), out("GET /unfinished-" + canary)},
		"http/2":   {out(string(h2Preface) + string(frame(h2Headers, h2EndHeaders, 1, h2Fields)) + string(frame(h2Data, 0, 1, secret)) + string(frame(h2Headers, 0, 3, h2Fields)))},
		"smtp":     {in("220 " + canary + " ESMTP Postfix\r\n"), out("EHLO " + canary + "\r\nMAIL FROM:<" + canary + ">\r\nRCPT TO:<" + canary + ">\r\nAUTH PLAIN " + canary + "\r\n"), in("535 " + canary + "\r\n"), out("DATA\r\nSubject: " + canary + "\r\n\r\n" + canary)},
		"imap":     {in("* OK " + canary + " Dovecot\r\n"), out(canary + " LOGIN " + canary + " {33}\r\n" + canary + "\r\n"), in(canary + " OK " + canary + "\r\n* 1 FETCH (BODY[] {33}\r\n" + canary)},
		"pop3":     {in("+OK " + canary + "\r\n"), out("USER " + canary + "\r\nPASS " + canary + "\r\nRETR 1\r\n"), in("+OK\r\n+OK\r\n+OK\r\n" + canary + "\r\n.\r\n")},
		"dns":      {out("\x00" + string(rune(len(dnsName))) + dnsName)},
		"smb":      {out(nbss(two(smb2Setup, 0, 0, 0, with(24, 12, ntlmMessage(3, canary, canary))))), out(nbss(two(smb2Tree, 0, 0, 1, with(8, 4, wide(`\\`+canary+`\`+canary))))), out(nbss(two(smb2Create, 0, 0, 1, with(56, 44, wide(canary)))))},
		"rdp":      {out("\x03\x00\x00\x40\x3b\xe0\x00\x00\x00\x00\x00Cookie: mstshash=" + canary + "\r\n"), in("\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00")},
		"kerberos": {out("\x00\x00" + string([]byte{byte(len(kdcRequest(10, []string{canary}, 18)) >> 8), byte(len(kdcRequest(10, []string{canary}, 18)))}) + string(kdcRequest(10, []string{canary}, 18)))},
		"ldap":     {out(string(ldapMessage(1, 0x60, derInt(3), asn(4, secret), asn(0x80, secret))) + string(ldapQuery(canary, 2, asn(0x87, secret))))},
		"modbus":   {out("\x00\x01\x00\x00\x00\x27\x01\x10\x00\x00\x00\x10" + canary)},
		"socks":    {out("\x05\x01\x02"), in("\x05\x02"), out("\x01\x21" + canary + "\x21" + canary), in("\x01\x00"), out("\x05\x01\x00\x03\x21" + canary + "\x00\x50"), in("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"), out("GET /" + canary + " HTTP/1.0\r\n\r\n")},
	} {
		n := record.NewNaming([32]byte{1}, false)
		port := map[string]uint16{"modbus": 502, "dns": 53}[what]
		p := newPlaying(&talk{proto: packet.ProtoTCP}, n)
		p.rec.SrcPort, p.rec.DstPort = 50000, port
		for i, u := range said {
			p.data(u.side, int64(i), u.b)
		}
		if p.stream == nil {
			t.Fatalf("%s is not known", what)
		}
		p.stream.End()
		shown := asText(&p.rec)
		var all bytes.Buffer
		held(reflect.ValueOf(p.stream), map[unsafe.Pointer]bool{}, &all)
		if all.Len() < 100 {
			t.Errorf("%s: only %d bytes were searched", what, all.Len())
		}
		for where, text := range map[string]string{"record": shown, "memory": all.String()} {
			for _, form := range []string{canary, strings.ToLower(canary), string(wide(canary)), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret)[:40]} {
				if strings.Contains(text, form) {
					t.Errorf("%s: the canary is in the %s: %q", what, where, text[:min(len(text), 2000)])
				}
			}
		}
	}
}
