package dissect

import (
	"encoding/binary"
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// What the first bytes of each side say, on a port that says nothing.
func TestStartByContent(t *testing.T) {
	for _, c := range []struct {
		side int
		port uint16
		b    string
		want record.App
	}{
		{0, 9, "GET / HTTP/1.1\r\n", record.HTTPApp}, {1, 9, "HTTP/1.1 200 OK\r\n", record.HTTPApp}, {0, 9, "BREW /pot HTTP/1.1\r\n", record.HTTPApp},
		{0, 9, "PRI * HTTP/2.0\r\n", record.HTTPApp}, {1, 9, "\x00\x00\x06\x04\x00\x00\x00\x00\x00", record.HTTPApp},
		{0, 9, "OPTIONS sip:a@b SIP/2.0\r\n", record.SIP}, {1, 9, "SIP/2.0 200 OK\r\n", record.SIP}, {0, 9, "DESCRIBE rtsp://a/ RTSP/1.0\r\n", record.RTSP},
		{0, 443, "\x16\x03\x01\x00\x05\x01\x00\x00", record.TLSApp}, {0, 9, "SSH-2.0-x\r\n", record.SSHApp}, {1, 9, "SSH-2.0-x\r\n", record.SSHApp},
		{1, 9, "220 a ESMTP b\r\n", record.SMTP}, {1, 25, "220 a\r\n", record.SMTP}, {0, 9, "EHLO a\r\n", record.SMTP}, {1, 9, "220 (vsFTPd 3.0)\r\n", record.FTP},
		{1, 21, "220 hello\r\n", record.FTP}, {1, 9, "* OK IMAP4rev1\r\n", record.IMAP}, {0, 143, "a1 LOGIN u p\r\n", record.IMAP}, {1, 9, "+OK ready\r\n", record.POP3},
		{0, 9, "\x00\x00\x00\x2f\xffSMB\x72", record.SMBApp}, {0, 9, "\x00\x00\x00\x40\xfeSMB\x40", record.SMBApp}, {0, 139, "\x81\x00\x00\x44 ABC", record.SMBApp},
		{0, 9, "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", record.RDPApp}, {0, 9, "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", record.RDPApp},
		{0, 102, "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a", record.S7}, {0, 102, "\x03\x00\x00\x19\x02\xf0\x80\x32\x01", record.S7},
		{0, 9, "\x00\x00\x00\x9c\x6a\x81\x99\x30\x81\x96", record.KerberosApp}, {0, 9, "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", record.LDAPApp},
		{0, 502, "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", record.Modbus}, {0, 9, "\x05\x64\x08\xc4\x04\x00", record.DNP3},
		{0, 9, "\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00", record.MSRPC}, {0, 9, "\x05\x01\x00", record.SOCKS}, {0, 1080, "\x04\x01\x00\x50\x01\x02\x03\x04\x00", record.SOCKS},
		{1, 9, "\xff\xfd\x18\xff\xfb\x01", record.Telnet}, {0, 9, "\x10\x0e\x00\x04MQTT\x04", record.MQTTApp}, {0, 9, "*1\r\n$4\r\nPING\r\n", record.Redis},
		{0, 9, "\x00\x00\x00\x08\x04\xd2\x16\x2f", record.PostgreSQL}, {0, 9, "\x00\x00\x00\x20\x00\x03\x00\x00user\x00", record.PostgreSQL}, {1, 3306, "\x4a\x00\x00\x00\x0a8.0", record.MySQL},
		{0, 9, "\x12\x01\x00\x2f\x00\x00\x01\x00", record.TDS}, {1, 9, "RFB 003.008\n", record.VNC}, {0, 9, "HELF\x20\x00\x00\x00", record.OPCUA},
		{0, 9, "\x13BitTorrent protocol", record.BitTorrent}, {0, 53, "\x00\x1d\x00\x01\x01\x00\x00\x01\x00\x00", record.DNSApp},
		{0, 9, "\x00\x14\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02jp\x00\x00\x06\x00\x01", record.DNSApp},
		{0, 9, "what nobody knows\r\n", record.NoApp}, {0, 5938, "\x17\x24\x0a\x20 and so on", record.Teamviewer}, {0, 2404, "\x68\x04\x07\x00\x00\x00 and more of it", record.IEC104},
	} {
		r := record.Record{SrcPort: 50000, DstPort: c.port, Proto: packet.ProtoTCP}
		_, ok := Start(c.side, []byte(c.b), record.Facts{Record: &r, Naming: record.NewNaming([32]byte{1}, false)})
		if !ok || r.App != c.want {
			t.Errorf("%q: %v %q, want %q", c.b, ok, r.App, c.want)
		}
	}
}

func TestDatagramByContent(t *testing.T) {
	pad := func(s string, n int) string { return s + string(make([]byte, max(n-len(s), 0))) }
	v9 := append(binary.BigEndian.AppendUint32([]byte("\x00\x09\x00\x01\x00\x00\x00\x00"), 1700000000), make([]byte, 40)...)
	for _, c := range []struct {
		port uint16
		b    string
		want record.App
	}{
		{9, "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02jp\x00\x00\x06\x00\x01", record.DNSApp}, {5353, "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00", record.MDNS},
		{9, pad("\x00\x01\x00\x00\x21\x12\xa4\x42", 20), record.STUNApp}, {9, "NOTIFY * HTTP/1.1\r\n", record.SSDP}, {9, "INVITE sip:a SIP/2.0\r\n", record.SIP},
		{9, pad("\x01", 148), record.WireGuard}, {51820, pad("\x04", 64), record.WireGuard}, {9, "d1:ad2:id20:xxxxxxxxxxxxxxxxxxxx", record.BitTorrent},
		{123, pad("\x1b", 48), record.NTP}, {123, "\x17\x00\x03\x2a\x00\x00\x00\x00", record.NTP}, {161, "\x30\x02\x02\x00", record.SNMP}, {69, "\x00\x01a\x00octet\x00", record.TFTP},
		{1812, pad("\x01\x01\x00\x14", 20), record.Radius}, {514, "<13>text", record.Syslog}, {9, string(v9), record.NetFlow}, {9, pad("\x00\x05\x00\x01", 72), record.NetFlow},
		{6343, pad("\x00\x00\x00\x05", 28), record.SFlow}, {47808, "\x81\x0a\x00\x08\x01\x20", record.BACnet}, {1194, pad("\x38", 14), record.OpenVPN}, {500, pad("x", 28), record.IPsec},
		{88, "\x6a\x02\x30\x00", record.KerberosApp}, {389, "\x30\x0c\x02\x01\x01\x63\x07\x04\x00\x0a\x01\x00\x0a\x01", record.CLDAP}, {9, "nothing known", record.NoApp},
		{53, "nothing", record.NoApp},
	} {
		r := record.Record{SrcPort: 50000, DstPort: c.port, Proto: packet.ProtoUDP}
		var st State
		Datagram(record.Out, 1, []byte(c.b), record.Facts{Record: &r, Naming: record.NewNaming([32]byte{1}, false)}, &st)
		if r.App != c.want {
			t.Errorf("%d %q: %q, want %q", c.port, c.b, r.App, c.want)
		}
	}
	// Three datagrams of one source, numbered in a row, are media.
	media := record.Record{SrcPort: 40000, DstPort: 50000, Proto: packet.ProtoUDP}
	var talk State
	for i := range byte(3) {
		Datagram(record.Out, 1, []byte(pad("\x80\x00\x10"+string([]byte{i})+"\x00\x00\x00\x01abcd", 172)), record.Facts{Record: &media}, &talk)
		if (media.App == record.RTP) != (i == 2) {
			t.Errorf("media after %d: %s", i+1, media.App)
		}
	}
	// What stays unknown for long is called after its port.
	r := record.Record{SrcPort: 53, DstPort: 50000, Proto: packet.ProtoUDP}
	var st State
	for range maxTries {
		Datagram(record.Out, 1, []byte("?"), record.Facts{Record: &r}, &st)
	}
	if r.App != record.DNSApp {
		t.Errorf("%s", r.App)
	}
}
