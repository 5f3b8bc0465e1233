package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// probes are tried in this order; the first that does not say no decides. What
// is known by a magic number comes before what is known by the shape of its
// first line, and both before what needs its port.
var probes = [...]probe{
	{record.SOCKS, matchSOCKS, newSOCKS},
	{record.SMBApp, matchSMB, newSMB},
	{record.TLSApp, matchTLS, newTLS},
	{record.SSHApp, matchSSH, newSSH},
	{record.HTTPApp, matchH2, newH2},
	{record.BitTorrent, magic("\x13BitTorrent protocol"), nil},
	{record.VNC, magic("RFB 00"), nil},
	{record.OPCUA, matchOPCUA, nil},
	{record.SMTP, matchSMTP, newSMTP},
	{record.IMAP, matchIMAP, newIMAP},
	{record.POP3, matchPOP, newPOP},
	{record.FTP, matchFTP, nil},
	{record.RTSP, matchRTSP, nil},
	{record.SIP, matchSIP, nil},
	{record.HTTPApp, matchHTTP, newHTTP},
	{record.DNP3, matchDNP3, newDNP3},
	{record.S7, matchS7, newS7},
	{record.RDPApp, matchRDP, newRDP},
	{record.KerberosApp, matchKerberos, newKerberos},
	{record.LDAPApp, matchLDAP, newLDAP},
	{record.Modbus, matchModbus, newModbus},
	{record.MSRPC, matchRPC, nil},
	{record.Telnet, matchTelnet, nil},
	{record.MQTTApp, matchMQTT, nil},
	{record.Redis, matchRedis, nil},
	{record.PostgreSQL, matchPostgres, nil},
	{record.MySQL, matchMySQL, nil},
	{record.TDS, matchTDS, nil},
	{record.DNSApp, matchDNS, newDNS},
}

// onPort reports whether a side of the communication has a port.
func onPort(r *record.Record, port uint16) bool { return r.DstPort == port || r.SrcPort == port }

// magic is a probe for bytes that nothing else begins with.
func magic(word string) func(int, []byte, *record.Record) verdict {
	return func(_ int, b []byte, _ *record.Record) verdict { return startsWith(b, word) }
}

func matchTLS(_ int, b []byte, _ *record.Record) verdict { return seenTLS(b) }

func matchSSH(_ int, b []byte, _ *record.Record) verdict { return seenSSH(b) }

// matchH2 knows a client's preface, and a server by its first frame, which is
// SETTINGS (RFC 9113 §3.4).
func matchH2(_ int, b []byte, _ *record.Record) verdict {
	if v := startsWith(b, "PRI * HTTP/2"); v != no {
		return v
	}
	if len(b) > 1 && b[0]|b[1] != 0 || len(b) > 2 && b[2]%6 != 0 {
		return no
	}
	v := startsWith(b[min(len(b), 3):], "\x04\x00\x00\x00\x00\x00")
	if v == unsure && len(b) > 0 && b[0] != 0 {
		return no
	}
	return v
}

// matchFTP knows a greeting by the port or its words, and a client by its
// first command (RFC 959 §5).
func matchFTP(_ int, b []byte, r *record.Record) verdict {
	if v := startsWith(b, "220"); v != no {
		if onPort(r, 21) {
			return yes
		}
		line := b[:min(len(b), maxFirst)]
		for i, c := range line {
			if c == '\n' {
				if foldContains(line[:i], "ftp") {
					return yes
				}
				return no
			}
		}
		if len(b) < maxFirst {
			return unsure
		}
		return no
	}
	if !onPort(r, 21) {
		return no
	}
	return anyFold(b, "user ", "auth ", "feat", "opts ", "syst", "120", "421", "530")
}

func matchRTSP(_ int, b []byte, _ *record.Record) verdict {
	if v := startsWith(b, "RTSP/1."); v != no {
		return v
	}
	return firstLine(b, " rtsp/1.")
}

func matchSIP(_ int, b []byte, _ *record.Record) verdict {
	if v := startsWith(b, "SIP/2.0"); v != no {
		return v
	}
	return firstLine(b, " sip/2.0")
}

// matchRPC knows MSRPC by its version, type and byte order ([C706] §12.6.3).
func matchRPC(_ int, b []byte, _ *record.Record) verdict {
	if len(b) > 0 && b[0] != 5 || len(b) > 1 && b[1] > 1 || len(b) > 2 && b[2] > 20 || len(b) > 4 && b[4]&0xef != 0 {
		return no
	}
	if len(b) < 10 {
		return unsure
	}
	if size := binary.LittleEndian.Uint16(b[8:]); b[4] == 0x10 && b[5] == 0 && size >= 16 {
		return yes
	}
	return no
}

// matchTelnet knows an option's negotiation (RFC 854).
func matchTelnet(_ int, b []byte, r *record.Record) verdict {
	if len(b) > 0 && b[0] != 0xff || len(b) > 1 && (b[1] < 0xfa || b[1] == 0xff) {
		return no
	}
	if len(b) < 3 {
		return unsure
	}
	if b[2] < 50 || onPort(r, 23) {
		return yes
	}
	return no
}

// matchMQTT knows CONNECT (MQTT 3.1.1 §3.1).
func matchMQTT(_ int, b []byte, _ *record.Record) verdict {
	if len(b) == 0 {
		return unsure
	}
	if b[0] != 0x10 {
		return no
	}
	for i := 1; i < 5; i++ {
		if i == len(b) {
			return unsure
		}
		if b[i] < 0x80 {
			v := startsWith(b[i+1:], "\x00\x04MQTT")
			if v == no {
				v = startsWith(b[i+1:], "\x00\x06MQIsdp")
			}
			return v
		}
	}
	return no
}

// matchRedis knows a command as an array of texts (RESP).
func matchRedis(_ int, b []byte, _ *record.Record) verdict {
	for i, c := range b {
		switch {
		case i == 0 && c != '*':
			return no
		case i > 4:
			return no
		case i > 1 && c == '\r':
			return startsWith(b[i:], "\r\n$")
		case i > 0 && (c < '0' || c > '9'):
			return no
		}
	}
	return unsure
}

// matchMySQL knows the server's greeting: protocol 10 and a version.
func matchMySQL(_ int, b []byte, r *record.Record) verdict {
	if !onPort(r, 3306) {
		return no
	}
	if len(b) > 2 && b[2] != 0 || len(b) > 3 && b[3] > 1 {
		return no
	}
	if len(b) < 5 {
		return unsure
	}
	return yes
}

// matchTDS knows a login of version 7 or its prelude ([MS-TDS] §2.2.3).
func matchTDS(_ int, b []byte, r *record.Record) verdict {
	if len(b) > 0 && b[0] != 0x12 && b[0] != 0x10 || len(b) > 1 && b[1] > 1 || len(b) > 3 && b[2] > 0x10 {
		return no
	}
	if len(b) < 8 {
		return unsure
	}
	if binary.BigEndian.Uint16(b[2:]) >= 8 && b[7] <= 1 && (b[0] == 0x12 && b[4]|b[5] == 0 || onPort(r, 1433)) {
		return yes
	}
	return no
}

// matchOPCUA knows the messages of a connection (OPC 10000-6 §7.1.2).
func matchOPCUA(_ int, b []byte, _ *record.Record) verdict {
	for _, w := range [...]string{"HELF", "ACKF", "OPNF", "RHEF"} {
		if v := startsWith(b, w); v != no {
			return v
		}
	}
	return no
}

// matchPostgres knows a startup message and the request for TLS (PostgreSQL
// protocol 3.0 §55.7).
func matchPostgres(_ int, b []byte, _ *record.Record) verdict {
	if len(b) > 1 && b[0]|b[1] != 0 {
		return no
	}
	if len(b) < 8 {
		if len(b) > 4 && b[4] != 0 && b[4] != 4 {
			return no
		}
		return unsure
	}
	switch code, size := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b); {
	case code == 80877103 && size == 8, code == 196608 && size > 8, code == 80877102 && size == 16:
		return yes
	}
	return no
}
